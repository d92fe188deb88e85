internal import CodexCore
internal import CodexStore

/// The sizes of a table and its indexes, as clients see them.
///
/// The layout of an index decides how much it takes in the store
/// (`Docs/Decisions/0026-index-layout.md`). AWS has no layouts: there, an index has the projected
/// attributes of its items. So the size of an index is estimated from its projection, and is the
/// same in each layout:
///
/// - ALL: the table's bytes, by the share of the items that the index has.
/// - INCLUDE: the mean size of its first items, as the index projects them. At most 16 items are
///   measured, or fewer if they have 64 KiB. They are not decoded for it.
/// - KEYS_ONLY: the bytes of its tree.
struct TreeSizes {
    /// A number of items, and their bytes.
    private typealias Size = (count: Int, byteCount: Int)

    private let table: Size
    private let indexes: [String: Size]

    /// The number of items whose size is measured, and of expired ones that are skipped for it.
    static let sampleCount = 16
    /// The size of the measured items after which no further one is measured.
    static let sampleByteCount = 64 << 10

    /// Reads the sizes.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - definition: The table.
    ///   - names: The indexes whose sizes are needed; `nil` is all of them.
    ///   - budget: The request's budget.
    /// - Throws: ``ServiceError/outOfTime``, and the errors of the store.
    /// - Complexity: O(1) for each index: that of INCLUDE reads at most ``sampleCount`` items, of
    ///   which each may be as large as an item can be.
    init(
        _ store: Store, _ definition: TableDefinition, of names: [String]? = nil,
        within budget: RequestBudget
    ) throws {
        let trees = try store.stats(of: definition.name).filter { $0.counter == nil }
        /// The stored bytes of a tree, with its large values.
        func stored(_ index: String?) -> Size {
            let tree = trees.first { $0.index == index }
            guard let tree, tree.entryCount > 0 else { return (0, 0) }
            return (tree.entryCount, tree.byteCount + tree.largeByteCount)
        }
        let table = stored(nil)
        var indexes: [String: Size] = [:]
        for index in definition.indexes where names?.contains(index.name) ?? true {
            var size = stored(index.name)
            let mean: Double? =
                switch index.projection {
                case .all: table.count > 0 ? Double(table.byteCount) / Double(table.count) : nil
                case .include:
                    try Self.meanByteCount(of: index.name, in: definition.name, store, budget)
                case .keysOnly: nil
                }
            if let mean { size.byteCount = Int(mean * Double(size.count)) }
            indexes[index.name] = size
        }
        (self.table, self.indexes) = (table, indexes)
    }

    /// The mean size of the first items of an index; `nil` if it has none, or cannot be read.
    ///
    /// An index that is being built cannot be read, and there may be no memory to measure an item.
    /// A description does not depend on it.
    ///
    /// - Throws: ``ServiceError/outOfTime``.
    private static func meanByteCount(
        of index: String, in table: String, _ store: Store, _ budget: RequestBudget
    ) throws -> Double? {
        let bound = WalkBound(
            skippedCountMax: sampleCount, keyNames: [], wantedCount: sampleCount)
        let memory = budget.decodedMemory()
        var (count, byteCount) = (0, 0)
        try? store.read { snapshot in
            _ = try snapshot.forEach(
                TableScan(table: table, index: index), within: bound
            ) { view in
                guard !budget.isOver() else { return false }
                defer { memory.release() }
                byteCount += try view.byteCount(reserving: memory)
                count += 1
                return count < sampleCount && byteCount < sampleByteCount
            }
        }
        try budget.requireTime()
        return count > 0 ? Double(byteCount) / Double(count) : nil
    }

    /// The bytes of the table with some of its indexes.
    func byteCount(with indexes: [String]) -> Int {
        indexes.reduce(table.byteCount) { $0 + self[$1].byteCount }
    }

    /// The size of an index, or of the table itself.
    subscript(index: String?) -> (count: Int, byteCount: Int) {
        guard let index else { return table }
        return indexes[index] ?? (0, 0)
    }
}
