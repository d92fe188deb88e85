public import CodexCore
internal import CodexIndex

extension Store {
    /// The number of items of each entity that ``migrate(_:batchCount:progress:)`` would rewrite.
    ///
    /// See ``ReadableTransaction/itemsAwaitingMigration()``.
    public func itemsAwaitingMigration() throws -> [String: Int] {
        try read { try $0.itemsAwaitingMigration() }
    }

    /// The number of items of an entity that ``migrate(_:batchCount:progress:)`` would rewrite.
    ///
    /// See ``ReadableTransaction/itemsAwaitingMigration()``.
    public func itemsAwaitingMigration<E: Entity>(of type: E.Type) throws -> Int {
        try read { try $0.itemsAwaitingMigration(of: type) }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// The number of items of each entity that ``Store/migrate(_:batchCount:progress:)`` would
    /// rewrite, by the entity's name.
    ///
    /// They are the items that were written with an earlier schema version than the store's, and
    /// those that an earlier release stored in an earlier format of items. Raw items under the
    /// entity's keys count too: they were stored before the schema had the entity.
    /// An item that a migration could not rewrite still counts.
    ///
    /// - Returns: The numbers. Entities without such items are missing, so an empty result means
    ///   that all items are up to date.
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n*) for *n* items in the tables with entities. Only the headers are read.
    public func itemsAwaitingMigration() throws -> [String: Int] {
        let context = _context.base
        var counts: [String: Int] = [:]
        for table in context.catalog.allTables where !table.entities.isEmpty {
            let found = try PendingMigration(context, table).counts()
            for (name, count) in found { counts[name, default: 0] += count }
        }
        return counts
    }

    /// The number of items of an entity that ``Store/migrate(_:batchCount:progress:)`` would
    /// rewrite.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity``, and as ``itemsAwaitingMigration()``.
    /// - Complexity: O(*n*) for *n* items in the entity's table.
    public func itemsAwaitingMigration<E: Entity>(of type: E.Type) throws -> Int {
        let bound = try _context.base.binding(type)
        let counts = try PendingMigration(_context.base, bound.table).counts()
        return counts[bound.entity.definition.name] ?? 0
    }
}

/// Counts the items of a table that a migration must rewrite.
private struct PendingMigration {
    private let context: TransactionContext
    private let table: TableHandle
    private let entities: [Int: EntityBinding]

    init(_ context: TransactionContext, _ table: TableHandle) {
        self.context = context
        self.table = table
        entities = Dictionary(table.entities.map { ($0.number, $0) }) { $1 }
    }

    /// The numbers of items, by the names of their entities.
    func counts() throws -> [String: Int] {
        var counts: [String: Int] = [:]
        try context.transaction.withCursor(table.tree) { cursor in
            var entry = unsafe try cursor.first()
            while let current = unsafe entry {
                if let entity = unsafe try entity(awaiting: current) {
                    counts[entity.definition.name, default: 0] += 1
                }
                unsafe entry = try cursor.next()
            }
        }
        return counts
    }

    /// The entity whose migration would rewrite an item; `nil` if none would.
    private func entity(awaiting entry: Cursor.Entry) throws(CodexError) -> EntityBinding? {
        let header = unsafe try context.header(of: entry.value)
        guard header.entityNumber == 0 else {
            guard let entity = entities[header.entityNumber] else { return nil }
            if header.schemaVersion < entity.definition.schemaVersion { return entity }
            return unsafe try context.isOfEarlierFormat(entry.value) ? entity : nil
        }
        let key = unsafe Span(_unsafeElements: entry.key)
        return table.entity(of: try table.plan.primaryKey(key))
    }
}
