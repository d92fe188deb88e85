internal import CodexCore

/// The room that a commit needs in the data file.
struct RoomNeed {
    /// The number of items that change.
    var changeCount: Int
    /// The bytes of the items' new images.
    var byteCount: Int
    /// The number of trees that a change may touch.
    var treeCount: Int
    /// The bytes of the largest new image.
    var largestByteCount: Int
    /// Whether the reserve may be used.
    var use: RoomUse

    /// For the roots, the free list, and the changes of a commit that are not items.
    private static let systemPageCount = 64
    /// For a leaf that splits, and the branches above it.
    private static let pagesPerTree = 4
    /// The capacity of one LMDB transaction.
    private static let byteCountMax = 512 << 20

    /// The number of consecutive pages that the largest value takes.
    ///
    /// A value of more than half a page has separate pages. A value of more than 16 KiB is cut into
    /// chunks.
    func runLength(pageByteCount: Int) -> Int {
        guard largestByteCount > pageByteCount / 2 - 100 else { return 1 }
        let byteCount = min(largestByteCount, LargeValue.chunkByteCount) + 16
        return (byteCount + pageByteCount - 1) / pageByteCount
    }

    /// The bytes of pages that the commit may write: a generous estimate without a look at the
    /// trees.
    func guess(pageByteCount: Int) -> Int {
        let pages = Self.systemPageCount + changeCount * treeCount * Self.pagesPerTree
        return min(pages * pageByteCount + 2 * byteCount, Self.byteCountMax)
    }

    /// The same estimate, limited by the pages that each tree has in the transaction.
    func guess(pageByteCount: Int, treePageCounts: [Int]) -> Int {
        let most = 2 * Self.pagesPerTree * changeCount
        let touched = treePageCounts.reduce(0) { $0 + min($1, most) }
        return min(
            (Self.systemPageCount + touched) * pageByteCount + 2 * byteCount,
            guess(pageByteCount: pageByteCount))
    }
}

extension RoomNeed {
    /// The room that the commit of a record needs.
    ///
    /// Tokens and checkpoints of consumers that come with deletes make the store no larger; dead
    /// letters do.
    ///
    /// Changes that were undone do not count, although LMDB may write pages that they used. LMDB
    /// uses most of these pages again in the same transaction, and writes the others as free pages.
    /// If there is no room for those, LMDB refuses the commit. Then the record is applied from the
    /// log, in a transaction without the undone changes, and the reserved room is enough for that.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - addsEntries: Whether the transaction adds entries that the log does not have.
    ///   - treeCount: The number of trees that a change may touch.
    init(of record: RecordBuilder, addsEntries: Bool, treeCount: Int) {
        let counts = record.counts
        let grows = counts.growth > 0 || addsEntries || counts.systemGrowth > 4096
        self.init(
            changeCount: counts.changeCount + counts.systemChangeCount,
            byteCount: counts.newByteCount, treeCount: treeCount,
            largestByteCount: counts.largestByteCount, use: grows ? .growing : .shrinking)
    }
}

extension Catalog {
    /// The number of pages of each tree in a transaction.
    func treePageCounts(_ transaction: Transaction) throws(CodexError) -> [Int] {
        var counts: [Int] = []
        for database in databases {
            counts.append(try transaction.statistics(database).pageCount)
        }
        return counts
    }
}
