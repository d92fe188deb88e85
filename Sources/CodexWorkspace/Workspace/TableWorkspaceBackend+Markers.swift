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
    /// Most items of a page of a comparison.
    private static let comparedCountMax = 100

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
        var report = CodexFlow.MarkerReport()
        guard fetch.hasMarkers else { return report }
        let name = CodexFlow.table
        var token: PageToken?
        repeat {
            try _Concurrency.Task.checkCancellation()
            let page = try await table.items(
                scanning: name, limits: PageLimits(examined: Self.comparedCountMax), after: token,
                consistency: .consistent)
            for item in page.items {
                report.examinedCount += 1
                let place = CodexFlow.Marker.place(of: item)
                let found =
                    if let place {
                        try await leftover(item, of: place)
                    } else {
                        try await missing(of: item)
                    }
                if place != nil {
                    report.leftoverCount += found.count
                } else {
                    report.missingCount += found.count
                }
                for difference in found where repairs {
                    if try await repair(difference) { report.repairedCount += 1 }
                }
            }
            token = page.next
        } while token != nil
        return report
    }

    /// A marker that is not as its item says; the actions correct it, if they can.
    private struct Difference {
        var actions: [WriteAction] = []
    }

    /// The marker, if it stands for no item.
    private func leftover(_ marker: Item, of place: Item) async throws -> [Difference] {
        let table = try schema.table(CodexFlow.table)
        let (own, key) = (try table.primaryKey(of: marker), try table.primaryKey(of: place))
        let item = try await self.table.item(in: table.name, key: key, consistency: .consistent)
        let keys = try item.map { try markers(of: $0).map { try table.primaryKey(of: $0) } } ?? []
        if keys.contains(own) { return [] }
        return [
            Difference(actions: [
                .check(table: table.name, key: key, condition: .unchanged(item, in: table)),
                .delete(
                    table: table.name, key: own, condition: .unchanged(marker, in: table)),
            ])
        ]
    }

    /// The markers of an item that are missing, or differ.
    private func missing(of item: Item) async throws -> [Difference] {
        let table = try schema.table(CodexFlow.table)
        let key = try table.primaryKey(of: item)
        var found: [Difference] = []
        for marker in try markers(of: item) {
            let own = try table.primaryKey(of: marker)
            let known = try await self.table.item(
                in: table.name, key: own, consistency: .consistent)
            guard known != marker else { continue }
            // A unique key may be another item's: one of the two must change.
            let owner = try known.flatMap { CodexFlow.Marker.place(of: $0) }
                .map { try table.primaryKey(of: $0) }
            guard owner == nil || owner == key else {
                found.append(Difference())
                continue
            }
            found.append(
                Difference(actions: [
                    .check(table: table.name, key: key, condition: .unchanged(item, in: table)),
                    .put(
                        table: table.name, marker,
                        condition: .unchanged(
                            known, in: table, without: [CodexFlow.Marker.marked])),
                ]))
        }
        return found
    }

    /// Corrects a marker.
    ///
    /// - Returns: `false` if a command changes the item or the marker, or if the key is another
    ///   item's.
    private func repair(_ difference: Difference) async throws -> Bool {
        guard !difference.actions.isEmpty else { return false }
        do {
            try await table.transact(difference.actions, idempotencyToken: nil)
            return true
        } catch let error as CodexError where error.isConflict {
            return false
        }
    }
}
