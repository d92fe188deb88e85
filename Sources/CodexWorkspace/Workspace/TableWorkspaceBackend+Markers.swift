public import CodexCore

extension CodexFlow {
    /// What a comparison of markers with their items found.
    public struct MarkerReport: Sendable, Hashable {
        /// The items that were looked at, markers included.
        public internal(set) var examinedCount = 0
        /// The markers that an item should have, and that were missing or others.
        public internal(set) var missingCount = 0
        /// The markers whose item is gone or is in another place.
        ///
        /// Commands leave some of them: queries pass over them.
        public internal(set) var leftoverCount = 0
        /// The markers that were stored or removed.
        public internal(set) var repairedCount = 0
    }
}

extension CodexFlow.TableWorkspaceBackend {
    /// Compares the markers of a remote table with its items.
    ///
    /// Items that another program stored have no markers. The rules do not see them before a call
    /// with `repairing`. Other programs may use the table meanwhile: a marker that a command
    /// changes at the same moment may count as missing, and is not changed.
    ///
    /// - Parameter repairs: Whether missing markers are stored, and those that are left over are
    ///   removed.
    /// - Returns: What was found; nothing if queries of the table's indexes are consistent, since
    ///   there are no markers then.
    /// - Throws: The errors of the table.
    /// - Complexity: Reads all items of the table.
    public func verifyMarkers(
        repairing repairs: Bool = false
    ) async throws -> CodexFlow.MarkerReport {
        guard fetch.hasMarkers else { return CodexFlow.MarkerReport() }
        return try await MarkerComparison(
            table: table, definition: try schema.table(CodexFlow.table),
            attribute: CodexFlow.Marker.marked
        ) { item throws(CodexError) in
            try markers(of: item)
        }.run(repairing: repairs)
    }
}
