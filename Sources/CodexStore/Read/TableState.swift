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
    package func tableState(_ name: String) -> TableState? {
        (try? _context.base.catalog.table(name)).map { TableState($0) }
    }

    /// The names of all tables that the transaction sees.
    package var tableNames: [String] { _context.base.catalog.manifest.schema.tables.map(\.name) }

    /// The number of the commit after the last one that the transaction sees.
    ///
    /// A transaction that changes something is this commit itself.
    ///
    /// - Throws: The errors of LMDB.
    package var nextCommit: UInt64 {
        get throws { try _context.base.storedPosition().sequence + 1 }
    }
}
