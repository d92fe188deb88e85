internal import CodexCore
internal import CodexIndex

/// Figures of a store in one snapshot.
public struct StoreStatistics: Sendable, Hashable {
    /// Figures of one tree: a table, an index or a counter.
    public struct Tree: Sendable, Hashable {
        /// The table's name.
        public let table: String
        /// The index's name; `nil` is the table itself, or a counter.
        ///
        /// `$expiry` is the index of the table's items that expire. While an index changes its
        /// layout, the figures are of the tree that answers.
        public let index: String?
        /// The counter's name; `nil` is the table or an index.
        public let counter: String?
        /// The number of items, entries, or a counter's groups.
        public let entryCount: Int
        /// The bytes of its pages.
        ///
        /// The remainders of long keys and the chunks of large values count for the whole store:
        /// see ``StoreStatistics/overflowByteCount``.
        public let byteCount: Int
        /// The bytes of its large values, which are in chunks.
        ///
        /// Values that a release before 0.3 stored are not among them. The entries of an index that
        /// projects whole items share the items' chunks, so the index has none.
        public let largeByteCount: Int
        /// The number of levels.
        public let depth: Int
    }

    /// A table with undecided values: a format before 4 wrote them, and they look like encrypted
    /// ones.
    ///
    /// See `Docs/Format.md`. ``Store/verify()`` counts the values.
    public struct Undecided: Sendable, Hashable {
        /// The progress of deciding them.
        public enum State: String, Sendable {
            /// The items are being examined, or will be at the next opening for writing.
            case deciding
            /// All items were examined, and some values remain: their keys were missing, or they
            /// are damaged.
            case waiting
        }

        /// The table's name.
        public let table: String
        /// The progress of deciding its values.
        public let state: State
    }

    /// The tables, each with its indexes and counters.
    public let trees: [Tree]
    /// The tables with undecided values.
    ///
    /// There are none once the upgrade of an earlier format has decided all, and none in a
    /// follower.
    public let undecided: [Undecided]
    /// The number of interned attribute-name lists.
    public let shapeCount: Int
    /// The bytes of the pages with the remainders of long keys and the chunks of large values.
    public let overflowByteCount: Int
    /// The bytes of the data file that were ever used; its free pages are reused.
    public let fileByteCount: Int
    /// The address space, which is the limit of the data file's growth.
    public let mapByteCount: Int
    /// The sequence number of the last commit.
    public let sequence: UInt64
    /// The number of the commit before the oldest one whose changes are retained.
    public let trimmedSequence: UInt64
    /// The bytes of the log's segments.
    public let logByteCount: Int
    /// The consumers of changes and their lag, by name.
    public let consumers: [ConsumerStatus]
    /// The state of a follower; `nil` if the store follows no leader.
    public let follower: FollowerState?
}

extension Store {
    /// Figures of the store.
    ///
    /// - Throws: ``CodexError/Code/closed``.
    /// - Complexity: O(1) per table and index: the figures are kept with the trees.
    public func stats() throws -> StoreStatistics {
        try core.withReadContext { context in
            let transaction = context.transaction
            let usage = try core.environment.usage()
            let trees = try context.catalog.allTables.flatMap {
                try self.trees(of: $0, transaction)
            }
            return StoreStatistics(
                trees: trees, undecided: context.catalog.allTables.compactMap(\.undecidedStatus),
                shapeCount: try transaction.statistics(context.catalog.shapes).entryCount,
                overflowByteCount: try [
                    context.catalog.overflow.long, context.catalog.overflow.chunks,
                ].reduce(0) { try $0 + transaction.statistics($1).pageCount } * usage.pageByteCount,
                fileByteCount: usage.pageCount * usage.pageByteCount,
                mapByteCount: core.environment.mapByteCount,
                sequence: try context.storedPosition().sequence,
                trimmedSequence: try core.oldestSequence(),
                logByteCount: core.logDirectory.byteCount(), consumers: try consumers(context),
                follower: try followerState(context))
        }
    }

    /// Figures of a table and of its indexes and counters.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/closed``.
    /// - Complexity: O(1) per index of the table.
    package func stats(of table: String) throws -> [StoreStatistics.Tree] {
        try core.withReadContext { context in
            try trees(of: context.catalog.table(table), context.transaction)
        }
    }

    /// The last commit, and the one before the oldest whose changes are retained.
    ///
    /// - Throws: ``CodexError/Code/closed``.
    package func commits() throws -> (last: UInt64, trimmed: UInt64) {
        try core.withReadContext { context in
            (try context.storedPosition().sequence, try core.oldestSequence())
        }
    }

    private func trees(
        of table: TableHandle, _ transaction: Transaction
    ) throws(CodexError) -> [StoreStatistics.Tree] {
        let pageByteCount = try core.environment.usage().pageByteCount
        func figures(
            _ tree: Tree, index: String? = nil, counter: String? = nil
        ) throws(CodexError) -> StoreStatistics.Tree {
            let figures = try transaction.statistics(tree.database)
            return StoreStatistics.Tree(
                table: table.name, index: index, counter: counter,
                entryCount: try transaction.count(tree),
                byteCount: figures.pageCount * pageByteCount,
                largeByteCount: try transaction.largeByteCount(tree), depth: figures.depth)
        }
        var trees: [StoreStatistics.Tree] = []
        trees.append(try figures(table.tree))
        for index in table.indexes where !index.isReplacement {
            trees.append(try figures(index.tree, index: index.plan.definition.name))
        }
        for counter in table.counters {
            trees.append(try figures(counter.tree, counter: counter.plan.definition.name))
        }
        return trees
    }
}

extension TableHandle {
    /// The progress of deciding its values; `nil` if all are decided.
    fileprivate var undecidedStatus: StoreStatistics.Undecided? {
        switch undecided {
        case nil: nil
        case .unread: StoreStatistics.Undecided(table: name, state: .deciding)
        case .waiting: StoreStatistics.Undecided(table: name, state: .waiting)
        }
    }
}
