internal import CodexCore

/// Compares items of a remote table that stand for other items with those items.
struct MarkerComparison: Sendable {
    let table: any TableBackend
    let definition: TableDefinition
    /// The attribute that has the keys of the item that a marker stands for.
    let attribute: String
    /// The markers that an item should have.
    let markers: @Sendable (Item) throws(CodexError) -> [Item]

    /// Most items of a page of a comparison.
    private static let comparedCountMax = 100

    /// A marker that is not as its item says; the actions correct it, if they can.
    private struct Difference {
        var actions: [WriteAction] = []
    }

    /// Looks at all items of the table.
    ///
    /// - Parameter repairs: Whether missing markers are stored, and those that are left over are
    ///   removed.
    /// - Returns: What was found.
    /// - Throws: The errors of the table, and `CancellationError`.
    func run(repairing repairs: Bool) async throws -> CodexFlow.MarkerReport {
        var report = CodexFlow.MarkerReport()
        try await table.forEachItem(
            of: definition.name, pageCount: Self.comparedCountMax
        ) { item in
            report.examinedCount += 1
            let found: [Difference]
            if let place = self.place(of: item) {
                found = try await leftover(item, of: place)
                report.leftoverCount += found.count
            } else {
                found = try await missing(of: item)
                report.missingCount += found.count
            }
            for difference in found where repairs {
                if try await repair(difference) { report.repairedCount += 1 }
            }
        }
        return report
    }

    /// The keys of the item that a marker stands for; `nil` if an item is no marker.
    private func place(of item: Item) -> Item? {
        guard case .map(let place)? = item[attribute] else { return nil }
        return place
    }

    /// The marker, if it stands for no item.
    private func leftover(_ marker: Item, of place: Item) async throws -> [Difference] {
        let (own, key) = (
            try definition.primaryKey(of: marker), try definition.primaryKey(of: place)
        )
        let item = try await table.item(in: definition.name, key: key, consistency: .consistent)
        let keys = try item.map { try markers($0).map { try definition.primaryKey(of: $0) } } ?? []
        if keys.contains(own) { return [] }
        return [
            Difference(actions: [
                .check(
                    table: definition.name, key: key,
                    condition: .unchanged(item, in: definition)),
                .delete(
                    table: definition.name, key: own,
                    condition: .unchanged(marker, in: definition)),
            ])
        ]
    }

    /// The markers of an item that are missing, or differ.
    private func missing(of item: Item) async throws -> [Difference] {
        let key = try definition.primaryKey(of: item)
        var found: [Difference] = []
        for marker in try markers(item) {
            let own = try definition.primaryKey(of: marker)
            let known = try await table.item(
                in: definition.name, key: own, consistency: .consistent)
            guard known != marker else { continue }
            // A unique key may be another item's: one of the two must change.
            let owner = try known.flatMap { place(of: $0) }
                .map { try definition.primaryKey(of: $0) }
            guard owner == nil || owner == key else {
                found.append(Difference())
                continue
            }
            found.append(
                Difference(actions: [
                    .check(
                        table: definition.name, key: key,
                        condition: .unchanged(item, in: definition)),
                    .put(
                        table: definition.name, marker,
                        condition: .unchanged(known, in: definition, without: [attribute])),
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
