public import CodexCore
internal import CodexIndex

/// The result of a migration.
public struct MigrationReport: Sendable {
    /// An item that could not be upgraded, and the error; the item is unchanged.
    public struct Failure: Sendable {
        /// The item's primary key, which is user data.
        public let key: PrimaryKey
        /// The reason for the failure.
        public let error: CodexError
    }

    /// The number of the entity's items that were examined.
    public internal(set) var examinedCount = 0
    /// The number of items that were rewritten, including those that were in an earlier format.
    public internal(set) var migratedCount = 0
    /// The failures; the first 1,000.
    public internal(set) var failures: [Failure] = []
    /// The number of items that could not be rewritten.
    public internal(set) var failureCount = 0
    /// Whether the store has no item of an earlier version any more, so that typed queries by all
    /// indexes find all items.
    ///
    /// It is `false` after failures, and if older programs go on writing. Only the final report of
    /// ``Store/migrate(_:batchCount:progress:)`` sets it.
    public internal(set) var isComplete = false
}

extension Store {
    /// Rewrites the items of an entity from earlier schema versions with the type's own version.
    ///
    /// Items that an earlier release stored in an earlier format of items are stored in the present
    /// one, which may be smaller. Such an item keeps its attributes and its version, and streams
    /// have no change of it.
    ///
    /// Raw items under the entity's keys are rewritten, too. Each transaction examines `batchCount`
    /// items, and other writes run between the transactions. An interrupted migration keeps its
    /// committed batches, and another call continues with the rest. If ``Entity/upgrade(_:from:)``
    /// or the type refuses an item, the item is unchanged and reported, and the migration
    /// continues. Attributes that the type does not know stay.
    ///
    /// A new schema version may change the key of an index or the group of a counter. Until a
    /// migration is complete (``MigrationReport/isComplete``), typed reads by it are refused with
    /// ``CodexError/Code/migrationPending``, since items of earlier versions may lack their
    /// entries. Programs of earlier versions may go on meanwhile. If they write during the
    /// migration, it examines the table again, up to three times in all. The report then counts an
    /// item each time that it is examined or rewritten.
    ///
    /// - Parameters:
    ///   - type: The entity; its schema version must be the store's.
    ///   - batchCount: The number of items that a transaction examines.
    ///   - progress: Called after each batch with the report so far.
    /// - Returns: A report of the migration.
    /// - Throws: ``CodexError/Code/unknownEntity``, ``CodexError/Code/schemaMismatch``,
    ///   ``CodexError/Code/programTooOld`` if the store has a later version of the entity,
    ///   `CancellationError` between batches, and as ``write(_:)-(_)``.
    @discardableResult
    public func migrate<E: Entity>(
        _ type: E.Type, batchCount: Int = 500,
        progress: (@Sendable (MigrationReport) -> Void)? = nil
    ) async throws -> MigrationReport {
        var report = MigrationReport()
        for _ in 0..<Self.passCountMax where !report.isComplete && report.failureCount == 0 {
            let start = try startOfMigration(type)
            let earlier = report
            let passProgress: @Sendable (MigrationReport) -> Void = {
                progress?(earlier.adding($0))
            }
            let pass = try await rewrite(batchCount: batchCount, progress: passProgress) {
                context, start, countMax in
                try ItemRewrite(context).migrate(type, after: start, countMax)
            }
            report.add(pass)
            guard pass.failureCount == 0 else { break }
            report.isComplete = try await endMigration(type, from: start)
        }
        return report
    }

    /// The maximum number of passes over a table into which older programs write meanwhile.
    private static let passCountMax = 3

    /// The last commit before a pass over the items of an entity.
    private func startOfMigration(_ type: any Entity.Type) throws -> UInt64 {
        try core.withReadContext { context in
            try context.binding(type).requireNewest()
            return try context.storedPosition().sequence
        }
    }

    /// Records that a pass has rewritten all items of earlier versions.
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - start: The last commit before the pass.
    /// - Returns: Whether there is no such item; `false` if an older program wrote since.
    /// - Throws: As ``write(_:)-(_)``.
    private func endMigration(
        _ type: any Entity.Type, from start: UInt64
    ) async throws -> Bool {
        let (definition, meta) = (type.definition, core.catalog.meta)
        let isComplete = Locked(false)
        try await changeManifest { manifest, transaction throws(CodexError) in
            let entity = manifest.schema.entities.first { $0.name == definition.name }
            guard let entity, entity.schemaVersion == definition.schemaVersion else { return false }
            let number = manifest.entities[entity.name] ?? 0
            let earlier = try EarlierWrites.stored(number, transaction, meta)
            guard (earlier?.sequence ?? 0) <= start else { return false }
            isComplete.withLock { $0 = true }
            let migration = manifest.evolution?.migrations?[entity.name]
            guard let migration,
                migration.oldest < entity.schemaVersion
                    || (earlier?.sequence ?? 0) > migration.sequence
            else { return false }
            return manifest.evolution?.endMigration(of: entity, from: start) ?? false
        }
        return isComplete.withLock { $0 }
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

    /// Adds the report of another batch.
    mutating func add(_ other: MigrationReport) {
        examinedCount += other.examinedCount
        migratedCount += other.migratedCount
        failureCount += other.failureCount
        let room = max(0, Self.reportedFailureCountMax - failures.count)
        failures += other.failures.prefix(room)
    }

    /// This report with that of another batch or pass.
    fileprivate func adding(_ other: MigrationReport) -> MigrationReport {
        var sum = self
        sum.add(other)
        return sum
    }
}

/// The result of one transaction of a rewrite.
struct RewrittenBatch: Sendable {
    let report: MigrationReport
    /// The last key; `nil` at the table's end.
    let end: [UInt8]?
}

/// Rewrites items of a table as a part of a transaction.
struct ItemRewrite {
    let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Migrates the next items of a table.
    fileprivate func migrate<E: Entity>(
        _ type: E.Type, after start: [UInt8], _ countMax: Int
    ) throws -> RewrittenBatch {
        let bound = try context.binding(type)
        try bound.requireNewest()
        return try rewrite(bound.table, after: start, countMax) { bytes, key in
            let header = bytes.layout.header
            let isRaw =
                try header.entityNumber == 0
                && bound.table.entity(of: bound.table.plan.primaryKey(key.span))?.number
                    == bound.entity.number
            guard isRaw || header.entityNumber == bound.entity.number else { return nil }
            return isRaw || bytes.isOfEarlierFormat
                || header.schemaVersion < bound.entity.definition.schemaVersion
        } _: { key throws(CodexError) in
            try migrate(type, bound, key)
        }
    }

    /// Examines the next items of a table, and rewrites those that are due.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - start: The last key that was examined.
    ///   - countMax: The maximum number of items to examine.
    ///   - isDue: Whether the item must be rewritten; `nil` if the rewrite does not concern it.
    ///   - body: Rewrites the item under the key; its error is reported.
    /// - Returns: The report, and the last key.
    /// - Throws: The errors of reading, and an error that made the transaction unusable.
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
        if old.header.entityNumber == bound.entity.number,
            old.header.schemaVersion >= bound.entity.definition.schemaVersion
        {
            return try renew(old, bound.table, key)
        }
        let opened = try SealedFields.opened(old.item, old.header, context.catalog, context.core)
        let lifted = try E.upgraded(opened, from: old.header.schemaVersion)
        let item = try E(item: lifted).item()
        let primaryKey = try bound.table.plan.primaryKey(key.span)
        guard try bound.table.plan.definition.primaryKey(of: item) == primaryKey else {
            throw CodexError(
                .invalidKey,
                "The lifted \(bound.entity.definition.name) has another primary key. Only other "
                    + "attributes may change with a schema version.")
        }
        let header = ItemHeader(
            entityNumber: bound.entity.number,
            schemaVersion: bound.entity.definition.schemaVersion, version: old.header.version + 1)
        let new = try Image(
            typed: item, header, keeping: try E.unknownAttributes(of: lifted), over: old)
        try context.items.change([Change(table: bound.table, key: key, old: old, new: new)])
    }

    /// Stores an item in the present format; its attributes and its header stay.
    ///
    /// No rule refuses the write, as with an undo: the item's meaning does not change.
    private func renew(
        _ old: Image, _ table: TableHandle, _ key: [UInt8]
    ) throws(CodexError) {
        let new = Image(item: old.item, header: old.header)
        let change = Change(table: table, key: key, old: old, new: new)
        for stored in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, stored)
        }
    }
}
