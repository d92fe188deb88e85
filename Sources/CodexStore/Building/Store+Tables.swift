public import CodexCore
internal import CodexIndex

extension Store {
    /// Adds a table to a store in use.
    ///
    /// - Throws: ``CodexError/Code/schemaMismatch`` if there is one of this name,
    ///   ``CodexError/Code/invalidSchema``, and as ``write(_:)-(_)``.
    public func addTable(_ table: TableDefinition) async throws {
        try await changeManifest { manifest, _ throws(CodexError) in
            guard manifest.tables[table.name] == nil else {
                throw CodexError(
                    .schemaMismatch,
                    "There is a table \(table.name). Remove it, or take another name.")
            }
            return try manifest.merge(Schema(tables: [table]))
        }
    }

    /// Removes a table with all its items, indexes and counters.
    ///
    /// The table is unknown at once, and its items are removed in the background. The schema loses
    /// the entities of the table.
    ///
    /// The removal gives no changes of its items. Changes before it can be read as long as they are
    /// retained. A program that opens the store with a schema that has the table adds it again,
    /// empty.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, and as ``write(_:)-(_)``.
    public func removeTable(_ name: String) async throws { _ = try await removal(of: name) }

    /// Removes a table as ``removeTable(_:)`` does.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - number: The number of the table that is meant (``number(of:)``); `nil` is any of the
    ///     name.
    /// - Returns: The commit that removed it; all changes of its items come before.
    /// - Throws: As ``removeTable(_:)``, and ``CodexError/Code/unknownTable`` if another table has
    ///   the name.
    package func removal(of name: String, number: Int? = nil) async throws -> UInt64 {
        let builder = try requireBuilder()
        let core = core
        let commit = Locked<UInt64>(0)
        try await changeManifest { manifest, transaction throws(CodexError) in
            if let number { _ = try manifest.definition(of: name, number: number) }
            let last = try LogPosition(transaction, core.catalog.meta).sequence
            try manifest.drop(name, at: last + 1)
            manifest.sideEffects.obsoleteKeys += try RemovedTables.obsoleteKeys(core, transaction)
            commit.withLock { $0 = last + 1 }
            return true
        }
        builder.schedule.wake()
        return commit.withLock { $0 }
    }

    /// The definition of a table, as far as this process knows; `nil` if there is none.
    ///
    /// - Complexity: O(1).
    package func definition(of table: String) -> TableDefinition? {
        core.catalog.definition(of: table)
    }

    /// The number of a table, which no other table ever has, as far as this process knows.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``.
    package func number(of table: String) throws -> Int { try core.catalog.table(table).number }

    /// Adds a time to live to a table that has none: see ``TableDefinition/timeToLive``.
    ///
    /// Present items expire once the builder has handled them: ``waitUntilReady()``.
    ///
    /// - Throws: ``CodexError/Code/schemaMismatch`` if it has another time to live,
    ///   ``CodexError/Code/invalidSchema``, ``CodexError/Code/unknownTable``, and as
    ///   ``write(_:)-(_)``.
    public func addTimeToLive(_ attribute: String, to table: String) async throws {
        let builder = try requireBuilder()
        let number = try core.catalog.table(table).number
        let types = core.types.opened
        try await changeManifest { manifest, _ throws(CodexError) in
            // A new table may have the same name.
            let definition = try manifest.definition(of: table, number: number)
            let added = definition.with(indexes: [], counters: [], timeToLive: attribute)
            try manifest.schema.validateAddition(added, types)
            return try manifest.merge(Schema(tables: [added]))
        }
        builder.schedule.wake()
        if builder.isSmall(try core.catalog.table(table)), !builder.hasMuchToEmpty {
            try await builder.schedule.waitUntilIdle()
        }
    }

    /// Removes a table's time to live: no item of the table expires any more.
    ///
    /// Items that have expired and were not removed yet are there again. The table can have another
    /// time to live at once. Its items expire by that once the builder has corrected them all:
    /// ``waitUntilReady()``.
    ///
    /// A program that opens the store with a schema that has the time to live adds it again.
    ///
    /// - Parameter table: The table's name.
    /// - Throws: ``CodexError/Code/unknownIndex`` if it has no time to live,
    ///   ``CodexError/Code/unknownTable``, and as ``write(_:)-(_)``.
    public func removeTimeToLive(from table: String) async throws {
        let builder = try requireBuilder()
        let number = try core.catalog.table(table).number
        try await changeManifest { manifest, _ throws(CodexError) in
            // A new table may have the same name.
            _ = try manifest.definition(of: table, number: number)
            try manifest.removeTimeToLive(of: table)
            return true
        }
        builder.schedule.wake()
        if builder.isSmall(try core.catalog.table(table)), !builder.hasMuchToEmpty {
            try await builder.schedule.waitUntilIdle()
        }
    }

    /// A table's time to live, and whether all items have the second of expiry that it gives them.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/closed``.
    package func timeToLive(of table: String) throws -> (attribute: String?, isSettled: Bool) {
        try core.withReadContext { context in
            let table = try context.catalog.table(table)
            let isBuilt = table.expiryIndex.map { $0.state == nil } ?? true
            return (table.plan.definition.timeToLive, isBuilt && !table.hasFormerExpiry)
        }
    }
}
