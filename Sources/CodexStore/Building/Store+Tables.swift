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
    public func removeTable(_ name: String) async throws {
        let builder = try requireBuilder()
        let core = core
        try await changeManifest { manifest, transaction throws(CodexError) in
            let last = try LogPosition(transaction, core.catalog.meta).sequence
            try manifest.drop(name, at: last + 1)
            manifest.forgetRemoved(try RemovedTables.obsoleteKeys(core, transaction))
            return true
        }
        builder.schedule.wake()
    }

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
}
