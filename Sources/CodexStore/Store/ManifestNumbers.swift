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

    /// The number of trees beyond the limit that only changes of layouts may use.
    ///
    /// Each index that changes has a second tree until the first one is empty. So a store with as
    /// many trees as it may have can change its layouts, some at a time.
    static let layoutReserve = 64

    /// The limit of trees for changes of layouts.
    static let layoutTreeCountMax = StoreLimits.treeCountMax + layoutReserve

    /// The number of trees; those of removed tables and indexes count until they are empty.
    var treeCount: Int {
        let tableTrees = manifest.tables.values.reduce(0) { count, table in
            count + 1 + table.indexes.count + (table.relayouts?.count ?? 0)
                + (table.counters?.count ?? 0) + (table.retired?.count ?? 0)
        }
        return tableTrees + (manifest.dropped ?? []).reduce(0) { $0 + $1.trees.count }
    }

    /// Throws if the store would have more trees than a process opens.
    ///
    /// - Parameters:
    ///   - before: The number of trees before the change. A change that adds none is not refused.
    ///   - limit: The maximum number of trees.
    /// - Throws: ``CodexError/Code/limitReached``.
    func requireTreeCount(
        since before: Int = 0, limit: Int = StoreLimits.treeCountMax
    ) throws(CodexError) {
        let count = treeCount
        guard count > before, count > limit else { return }
        throw Self.tooManyTrees(count, limit)
    }

    /// The error for a number of trees that is over a limit.
    static func tooManyTrees(_ count: Int, _ limit: Int) -> CodexError {
        CodexError(
            .limitReached,
            "The store would have \(count) tables, indexes and counters, those included that "
                + "were removed and are not emptied yet; the limit is \(limit). Remove some, and "
                + "wait with waitUntilReady().")
    }
}
