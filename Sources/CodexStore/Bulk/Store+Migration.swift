public import CodexCore
internal import CodexIndex

/// What a migration did.
public struct MigrationReport: Sendable {
    /// An item that could not be lifted, and why; it is as it was.
    public struct Failure: Sendable {
        /// The item's primary key.
        ///
        /// It is user data.
        public let key: PrimaryKey
        /// What was wrong with it.
        public let error: CodexError
    }

    /// The items of the entity that were looked at.
    public internal(set) var examinedCount = 0
    /// The items that were rewritten.
    public internal(set) var migratedCount = 0
    /// The items that could not be; the first 1,000.
    public internal(set) var failures: [Failure] = []
    /// How many items could not be rewritten.
    public internal(set) var failureCount = 0
}

extension Store {
    /// Rewrites the items of an entity that an earlier schema version wrote, and raw items under its
    /// keys, with the type's own version.
    ///
    /// It works in transactions of `batchCount` items, between which other writes pass. Cut short, it
    /// has kept what it did; called again, it goes on with the rest. An item that
    /// ``Entity/upgrade(_:from:)`` or the type refuses stays as it is and is reported; the others go
    /// on. Attributes that the type does not know stay.
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - batchCount: How many items a transaction looks at.
    ///   - progress: Called after each batch with what was done so far.
    /// - Returns: What was done.
    /// - Throws: ``CodexError/Code/unknownEntity``, ``CodexError/Code/schemaMismatch``,
    ///   `CancellationError` between batches, and as ``write(_:)-(_)``.
    @discardableResult
    public func migrate<E: Entity>(
        _ type: E.Type, batchCount: Int = 500,
        progress: (@Sendable (MigrationReport) -> Void)? = nil
    ) async throws -> MigrationReport {
        var report = MigrationReport()
        var position: [UInt8]? = []
        while let start = position {
            try _Concurrency.Task.checkCancellation()
            let batch = try await write { transaction in
                try transaction.context.migrate(type, after: start, batchCount)
            }
            position = batch.end
            report.examinedCount += batch.report.examinedCount
            report.migratedCount += batch.report.migratedCount
            report.failureCount += batch.report.failureCount
            let room = max(0, Self.reportedFailureCountMax - report.failures.count)
            report.failures += batch.report.failures.prefix(room)
            progress?(report)
        }
        return report
    }

    private static let reportedFailureCountMax = 1000
}

extension WriteContext {
    /// Migrates the next items of a table.
    ///
    /// - Returns: What was done, and the last key; `nil` at the table's end.
    fileprivate func migrate<E: Entity>(
        _ type: E.Type, after start: [UInt8], _ countMax: Int
    ) throws -> (report: MigrationReport, end: [UInt8]?) {
        let bound = try binding(type)
        var report = MigrationReport()
        var outdated: [[UInt8]] = []
        var last: [UInt8]? = start
        var count = 0
        try transaction.withCursor(bound.table.tree) { cursor in
            var entry = unsafe try cursor.seek(start.isEmpty ? [] : start + [0])
            while let current = unsafe entry, count < countMax {
                let key = unsafe Array(current.key)
                count += 1
                last = key
                let header = unsafe try withItem(current.value, current.key, bound.table.plan) {
                    $0.layout.header
                }
                let isOwn = header.entityNumber == bound.entity.number
                let isRaw =
                    try header.entityNumber == 0
                    && bound.table.entity(of: bound.table.plan.primaryKey(key.span))?.number
                        == bound.entity.number
                if isOwn || isRaw { report.examinedCount += 1 }
                if isRaw || isOwn && header.schemaVersion < bound.entity.definition.schemaVersion {
                    outdated.append(key)
                }
                unsafe entry = try cursor.next()
            }
            if unsafe entry == nil { last = nil }
        }
        for key in outdated {
            do throws(CodexError) {
                try migrate(type, bound, key)
                report.migratedCount += 1
            } catch {
                if let failure { throw failure }
                report.failureCount += 1
                report.failures.append(
                    .init(key: try bound.table.plan.primaryKey(key.span), error: error))
            }
        }
        return (report, last)
    }

    private func migrate<E: Entity>(
        _ type: E.Type, _ bound: BoundEntity, _ key: [UInt8]
    ) throws(CodexError) {
        guard let old = try image(bound.table, key) else { return }
        let lifted = try E.upgraded(old.item, from: old.header.schemaVersion)
        var item = try E(item: lifted).item()
        let primaryKey = try bound.table.plan.primaryKey(key.span)
        guard try bound.table.plan.definition.primaryKey(of: item) == primaryKey else {
            throw CodexError(
                .invalidKey,
                "The lifted \(bound.entity.definition.name) has another primary key. Only other "
                    + "attributes may change with a schema version.")
        }
        for element in try E.unknownAttributes(of: lifted) where item[element.name] == nil {
            item[element.name] = element.value
        }
        let header = ItemHeader(
            entityNumber: bound.entity.number,
            schemaVersion: bound.entity.definition.schemaVersion, version: old.header.version + 1)
        try change([
            Change(table: bound.table, key: key, old: old, new: Image(item: item, header: header))
        ])
    }
}
