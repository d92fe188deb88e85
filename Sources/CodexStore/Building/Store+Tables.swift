public import CodexCore
internal import CodexIndex

extension Store {
    /// Adds a table to a store in use.
    ///
    /// - Throws: ``CodexError/Code/schemaMismatch`` if there is one of this name,
    ///   ``CodexError/Code/invalidSchema``, and as ``write(_:)-(_)``.
    public func addTable(_ table: TableDefinition) async throws {
        try await addTable(table, if: nil)
    }

    /// Adds a table as ``addTable(_:)`` does, if a check allows it.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - check: The check; `nil` is none.
    /// - Throws: As ``addTable(_:)``, and the errors of `check`.
    package func addTable(_ table: TableDefinition, if check: SchemaCheck?) async throws {
        try await changeManifest(if: check) { manifest, _ throws(CodexError) in
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
    ///   - check: The check that allows it; `nil` is none.
    /// - Returns: The commit that removed it; all changes of its items come before.
    /// - Throws: As ``removeTable(_:)``, ``CodexError/Code/unknownTable`` if another table has the
    ///   name, and the errors of `check`.
    package func removal(
        of name: String, number: Int? = nil, if check: SchemaCheck? = nil
    ) async throws -> UInt64 {
        let builder = try requireBuilder()
        let core = core
        let commit = Locked<UInt64>(0)
        try await changeManifest(if: check) { manifest, transaction throws(CodexError) in
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

    /// The commit that removed the table with a number.
    ///
    /// - Parameter number: The number.
    /// - Returns: The commit; `nil` if the table is there, or if its last changes were trimmed and
    ///   it is not known any more.
    /// - Throws: ``CodexError/Code/closed``.
    /// - Complexity: Linear in the number of tables that were removed.
    package func removalCommit(ofTable number: Int) throws -> UInt64? {
        try read { try $0.removalCommit(ofTable: number) }
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
        try await addTimeToLive(
            attribute, to: table, number: try core.catalog.table(table).number, if: nil)
    }

    /// Adds a time to live as ``addTimeToLive(_:to:)`` does, if a check allows it.
    ///
    /// - Parameters:
    ///   - attribute: The attribute.
    ///   - table: The table's name.
    ///   - number: The number of the table that is meant (``TableState/number``).
    ///   - check: The check; `nil` is none.
    /// - Throws: As ``addTimeToLive(_:to:)``, ``CodexError/Code/unknownTable`` if another table has
    ///   the name, and the errors of `check`. With a check, the failure of a build is no error.
    package func addTimeToLive(
        _ attribute: String, to table: String, number: Int, if check: SchemaCheck?
    ) async throws {
        let builder = try requireBuilder()
        let types = core.types.opened
        try await changeManifest(if: check) { manifest, _ throws(CodexError) in
            // A new table may have the same name.
            let definition = try manifest.definition(of: table, number: number)
            let added = definition.with(indexes: [], counters: [], timeToLive: attribute)
            try manifest.schema.validateAddition(added, types)
            return try manifest.merge(Schema(tables: [added]))
        }
        // The change is made: a request that has checked it does not fail with the build.
        try await builder.waitBriefly(for: table, isReported: check == nil)
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
        try await removeTimeToLive(
            from: table, number: try core.catalog.table(table).number, if: nil)
    }

    /// Removes a time to live as ``removeTimeToLive(from:)`` does, if a check allows it.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - number: The number of the table that is meant (``TableState/number``).
    ///   - check: The check; `nil` is none.
    /// - Throws: As ``removeTimeToLive(from:)``, ``CodexError/Code/unknownTable`` if another table
    ///   has the name, and the errors of `check`. With a check, the failure of a build is no error.
    package func removeTimeToLive(
        from table: String, number: Int, if check: SchemaCheck?
    ) async throws {
        let builder = try requireBuilder()
        try await changeManifest(if: check) { manifest, _ throws(CodexError) in
            // A new table may have the same name.
            _ = try manifest.definition(of: table, number: number)
            try manifest.removeTimeToLive(of: table)
            return true
        }
        // The change is made: a request that has checked it does not fail with the build.
        try await builder.waitBriefly(for: table, isReported: check == nil)
    }

    /// A table's time to live, and whether all items have the second of expiry that it gives them.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/closed``.
    package func timeToLive(of table: String) throws -> (attribute: String?, isSettled: Bool) {
        try core.withReadContext { context in
            let table = try context.catalog.table(table)
            return (table.plan.definition.timeToLive, table.isTimeToLiveSettled)
        }
    }
}
