package import CodexCore
internal import CodexIndex

/// A table as a transaction sees it.
package struct TableState: Sendable {
    /// The definition.
    package let definition: TableDefinition
    /// The table's number, which no other table ever has.
    package let number: Int
    /// The states of its indexes and counters.
    package let builds: [BuildStatus]
    /// Whether all items have the second of expiry that the time to live gives them.
    package let isTimeToLiveSettled: Bool

    init(_ table: TableHandle) {
        definition = table.plan.definition
        number = table.number
        builds = table.buildStatus
        isTimeToLiveSettled = table.isTimeToLiveSettled
    }
}

extension TableHandle {
    /// Whether all items have the second of expiry that the time to live gives them.
    var isTimeToLiveSettled: Bool {
        let isBuilt = expiryIndex.map { $0.state == nil } ?? true
        return isBuilt && !hasFormerExpiry
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// The table of a name, as the transaction sees it; `nil` if there is none.
    package func tableState(_ name: String) -> TableState? { handle(name).map { TableState($0) } }

    /// The number of the table of a name (``TableState/number``); `nil` if there is none.
    package func tableNumber(_ name: String) -> Int? { handle(name)?.number }

    private func handle(_ name: String) -> TableHandle? {
        let catalog = _context.base.catalog
        // An error would look for similar names.
        guard catalog.definition(of: name) != nil else { return nil }
        return try? catalog.table(name)
    }

    /// The names of all tables that the transaction sees.
    package var tableNames: [String] { _context.base.catalog.manifest.schema.tables.map(\.name) }

    /// The number that the next table of the store gets (``TableState/number``).
    package var nextTableNumber: Int { _context.base.catalog.manifest.numbers.highest + 1 }

    /// The commit that removed the table with a number.
    ///
    /// - Parameter number: The number.
    /// - Returns: The commit; `nil` if the table is there, or if its last changes were trimmed and
    ///   it is not known any more.
    /// - Throws: The errors of LMDB.
    /// - Complexity: Linear in the number of tables that were removed.
    package func removalCommit(ofTable number: Int) throws -> UInt64? {
        let base = _context.base
        let dropped = base.catalog.manifest.dropped?.first { $0.number == number }
        if let dropped { return dropped.sequence }
        return try RemovedTables.sequence(number, base.transaction, base.catalog.meta)
    }

    /// The number of the commit after the last one that the transaction sees.
    ///
    /// A transaction that changes something is this commit itself.
    ///
    /// - Throws: The errors of LMDB.
    package var nextCommit: UInt64 {
        get throws { try _context.base.storedPosition().sequence + 1 }
    }
}
