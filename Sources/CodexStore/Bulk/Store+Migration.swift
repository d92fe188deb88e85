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
    /// Rewrites the items of an entity that an earlier schema version wrote, and raw items under
    /// its keys, with the type's own version.
    ///
    /// It works in transactions of `batchCount` items, between which other writes pass. Cut short,
    /// it has kept what it did; called again, it goes on with the rest. An item that
    /// ``Entity/upgrade(_:from:)`` or the type refuses stays as it is and is reported; the others
    /// go on. Attributes that the type does not know stay.
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
        try await rewrite(batchCount: batchCount, progress: progress) { context, start, countMax in
            try ItemRewrite(context).migrate(type, after: start, countMax)
        }
    }

    /// Rewrites items batch by batch, each in a transaction.
    func rewrite(
        batchCount: Int, progress: (@Sendable (MigrationReport) -> Void)?,
        _ body: @escaping @Sendable (WriteContext, _ start: [UInt8], Int) throws -> RewrittenBatch
    ) async throws -> MigrationReport {
        var report = MigrationReport()
        var position: [UInt8]? = []
        while let start = position {
            try _Concurrency.Task.checkCancellation()
            let batch = try await write { transaction in
                try body(transaction.context, start, batchCount)
            }
            position = batch.end
            report.add(batch.report)
            progress?(report)
        }
        return report
    }
}

extension MigrationReport {
    private static let reportedFailureCountMax = 1000

    /// Adds what was done besides.
    mutating func add(_ other: MigrationReport) {
        examinedCount += other.examinedCount
        migratedCount += other.migratedCount
        failureCount += other.failureCount
        let room = max(0, Self.reportedFailureCountMax - failures.count)
        failures += other.failures.prefix(room)
    }
}

/// What a transaction rewrote.
struct RewrittenBatch: Sendable {
    let report: MigrationReport
    /// The last key; `nil` at the table's end.
    let end: [UInt8]?
}

/// Rewrites items of a table, a part of a transaction.
struct ItemRewrite {
    let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Migrates the next items of a table.
    fileprivate func migrate<E: Entity>(
        _ type: E.Type, after start: [UInt8], _ countMax: Int
    ) throws -> RewrittenBatch {
        let bound = try context.binding(type)
        return try rewrite(bound.table, after: start, countMax) { bytes, key in
            let header = bytes.layout.header
            let isRaw =
                try header.entityNumber == 0
                && bound.table.entity(of: bound.table.plan.primaryKey(key.span))?.number
                    == bound.entity.number
            guard isRaw || header.entityNumber == bound.entity.number else { return nil }
            return isRaw || header.schemaVersion < bound.entity.definition.schemaVersion
        } _: { key throws(CodexError) in
            try migrate(type, bound, key)
        }
    }

    /// Looks at the next items of a table, and rewrites those that are due.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - start: The last key that was looked at.
    ///   - countMax: How many items to look at.
    ///   - isDue: Whether the item is; `nil` if it is none of those that are meant.
    ///   - body: Rewrites the item under the key; what it throws is reported.
    /// - Returns: What was done.
    /// - Throws: What reading throws, and what made the transaction useless.
    func rewrite(
        _ table: TableHandle, after start: [UInt8], _ countMax: Int,
        _ isDue: (ItemBytes, [UInt8]) throws -> Bool?,
        _ body: ([UInt8]) throws(CodexError) -> Void
    ) throws -> RewrittenBatch {
        var report = MigrationReport()
        var due: [[UInt8]] = []
        var last: [UInt8]? = start
        var count = 0
        try context.transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.advance(past: start)
            while let current = unsafe entry, count < countMax {
                let key = unsafe Array(current.key)
                count += 1
                last = key
                let verdict = unsafe try context.withItem(current.value, current.key, table.plan) {
                    try isDue($0, key)
                }
                if let verdict {
                    report.examinedCount += 1
                    if verdict { due.append(key) }
                }
                unsafe entry = try cursor.next()
            }
            if unsafe entry == nil { last = nil }
        }
        for key in due {
            do throws(CodexError) {
                try body(key)
                report.migratedCount += 1
            } catch {
                if let failure = context.failure { throw failure }
                report.failureCount += 1
                report.failures.append(
                    .init(key: try table.plan.primaryKey(key.span), error: error))
            }
        }
        return RewrittenBatch(report: report, end: last)
    }

    private func migrate<E: Entity>(
        _ type: E.Type, _ bound: TransactionContext.BoundEntity, _ key: [UInt8]
    ) throws(CodexError) {
        guard let old = try context.image(bound.table, key) else { return }
        let opened = try SealedFields.opened(old.item, old.header, context.catalog, context.core)
        let lifted = try E.upgraded(opened, from: old.header.schemaVersion)
        var item = try E(item: lifted).item()
        let primaryKey = try bound.table.plan.primaryKey(key.span)
        guard try bound.table.plan.definition.primaryKey(of: item) == primaryKey else {
            throw CodexError(
                .invalidKey,
                "The lifted \(bound.entity.definition.name) has another primary key. Only other "
                    + "attributes may change with a schema version.")
        }
        for element in try E.unknownAttributes(of: lifted) where item[element.name] == nil {
            // Under another name it could not be opened any more.
            if element.seal != .plain, old.item[element.name] != element.value {
                throw CodexError.keyUnavailable(element.name)
            }
            item.set(element)
        }
        let header = ItemHeader(
            entityNumber: bound.entity.number,
            schemaVersion: bound.entity.definition.schemaVersion, version: old.header.version + 1)
        try context.items.change([
            Change(table: bound.table, key: key, old: old, new: Image(item: item, header: header))
        ])
    }
}
