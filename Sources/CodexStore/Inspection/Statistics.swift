internal import CodexCore
internal import CodexIndex

/// Figures of a store at one moment.
public struct StoreStatistics: Sendable, Hashable {
    /// Figures of one tree: a table or an index.
    public struct Tree: Sendable, Hashable {
        /// The table's name.
        public let table: String
        /// The index's name; `nil` is the table itself.
        public let index: String?
        /// The number of items or entries.
        public let entryCount: Int
        /// The bytes of its pages; those of long keys' rests and of large values are the store's, see
        /// ``StoreStatistics/overflowByteCount``.
        public let byteCount: Int
        /// The number of levels.
        public let depth: Int
    }

    /// The tables and their indexes.
    public let trees: [Tree]
    /// The number of interned attribute-name lists.
    public let shapeCount: Int
    /// The bytes of the pages that hold the rests of long keys and the chunks of large values.
    public let overflowByteCount: Int
    /// The bytes of the data file that were ever used; free pages among them are reused.
    public let fileByteCount: Int
    /// The address space that the store may grow into.
    public let mapByteCount: Int
    /// The store's number of the last commit.
    public let sequence: UInt64
}

extension Store {
    /// Figures of the store.
    ///
    /// - Throws: ``CodexError/Code/closed``.
    /// - Complexity: O(1) per table and index: the figures are kept with the trees.
    public func stats() throws -> StoreStatistics {
        try core.withReader { context in
            let transaction = context.transaction
            let usage = try core.environment.usage()
            var trees: [StoreStatistics.Tree] = []
            func add(_ table: TableHandle, _ index: IndexHandle?) throws {
                let tree = index?.tree ?? table.tree
                let figures = try transaction.statistics(tree.database)
                trees.append(
                    .init(
                        table: table.name, index: index?.plan.definition.name,
                        entryCount: try transaction.count(tree),
                        byteCount: figures.pageCount * usage.pageByteCount, depth: figures.depth))
            }
            for table in context.catalog.allTables {
                try add(table, nil)
                for index in table.indexes { try add(table, index) }
            }
            return StoreStatistics(
                trees: trees,
                shapeCount: try transaction.statistics(context.catalog.shapes).entryCount,
                overflowByteCount: try [
                    context.catalog.overflow.long, context.catalog.overflow.chunks,
                ].reduce(0) { try $0 + transaction.statistics($1).pageCount } * usage.pageByteCount,
                fileByteCount: usage.pageCount * usage.pageByteCount,
                mapByteCount: core.environment.mapByteCount,
                sequence: try context.storedSequence())
        }
    }
}
