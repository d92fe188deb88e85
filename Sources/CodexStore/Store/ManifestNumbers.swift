internal import CodexCore

/// The numbers that a manifest has assigned to tables, and the next ones.
struct ManifestNumbers {
    private let manifest: Manifest

    /// The highest number of a table, index, counter or entity.
    static let max = 1_000_000_000

    init(_ manifest: Manifest) { self.manifest = manifest }

    /// The highest number that a table has, or had.
    var highest: Int {
        Swift.max(manifest.tables.values.map(\.number).max() ?? 0, manifest.lastNumber ?? 0)
    }

    /// A number for the trees of a new table.
    var freeSlot: Int {
        let used = Set(
            manifest.tables.values.map { $0.slot ?? $0.number }
                + (manifest.dropped ?? []).filter { !$0.trees.isEmpty }.map(\.slot))
        return (1...).first { !used.contains($0) } ?? 1
    }

    /// Throws if the store would have more trees than a process opens.
    ///
    /// The trees of removed tables and indexes count until they are empty.
    ///
    /// - Throws: ``CodexError/Code/limitReached``.
    func requireTreeCount() throws(CodexError) {
        let tableTrees = manifest.tables.values.reduce(0) { count, table in
            count + 1 + table.indexes.count + (table.relayouts?.count ?? 0)
                + (table.counters?.count ?? 0) + (table.retired?.count ?? 0)
        }
        let count = tableTrees + (manifest.dropped ?? []).reduce(0) { $0 + $1.trees.count }
        guard count <= StoreLimits.treeCountMax else {
            throw CodexError(
                .limitReached,
                "The store would have \(count) tables, indexes and counters, those included that "
                    + "were removed and are not emptied yet; the limit is "
                    + "\(StoreLimits.treeCountMax). Remove some, and wait with waitUntilReady().")
        }
    }
}
