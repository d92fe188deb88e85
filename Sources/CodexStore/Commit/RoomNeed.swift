internal import CodexCore

/// What a commit needs of the data file.
struct RoomNeed {
    /// How many items change.
    var changeCount: Int
    /// The bytes that are written: the items' new images.
    var byteCount: Int
    /// How many trees a change may touch.
    var treeCount: Int
    /// The bytes of the largest of them.
    var largestByteCount: Int
    /// Whether the reserve may be used.
    var use: RoomUse

    /// For the roots, the free list and what a commit changes besides items.
    private static let systemPageCount = 64
    /// A leaf that splits, and the branches above it.
    private static let pagesPerTree = 4
    /// What LMDB can hold in one transaction.
    private static let byteCountMax = 512 << 20

    /// How many pages in a row the largest value takes: values over half a page have pages of their
    /// own, and those over 16 KiB are cut into chunks.
    func runLength(pageByteCount: Int) -> Int {
        guard largestByteCount > pageByteCount / 2 - 100 else { return 1 }
        let byteCount = min(largestByteCount, LargeValue.chunkByteCount) + 16
        return (byteCount + pageByteCount - 1) / pageByteCount
    }

    /// The bytes of pages that the commit may write: a generous guess, which asks nobody.
    func guess(pageByteCount: Int) -> Int {
        let pages = Self.systemPageCount + changeCount * treeCount * Self.pagesPerTree
        return min(pages * pageByteCount + 2 * byteCount, Self.byteCountMax)
    }

    /// The same by the pages that each tree has in the transaction: no more of them are written.
    func guess(pageByteCount: Int, treePageCounts: [Int]) -> Int {
        let most = 2 * Self.pagesPerTree * changeCount
        let touched = treePageCounts.reduce(0) { $0 + min($1, most) }
        return min(
            (Self.systemPageCount + touched) * pageByteCount + 2 * byteCount,
            guess(pageByteCount: pageByteCount))
    }
}

extension RoomNeed {
    /// What the commit of a record needs.
    ///
    /// Tokens and checkpoints of consumers that come with deletes make the store no larger; dead
    /// letters do.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - addsEntries: Whether the transaction adds entries that the log does not have.
    ///   - treeCount: How many trees a change may touch.
    init(of record: RecordBuilder, addsEntries: Bool, treeCount: Int) {
        let grows = record.growth > 0 || addsEntries || record.systemGrowth > 4096
        self.init(
            changeCount: record.changeCount + record.systemChangeCount,
            byteCount: record.newByteCount, treeCount: treeCount,
            largestByteCount: min(record.newByteCount, record.largestByteCount),
            use: grows ? .growing : .shrinking)
    }
}

extension Catalog {
    /// How many pages each of the trees has in a transaction.
    func treePageCounts(_ transaction: Transaction) throws(CodexError) -> [Int] {
        var counts: [Int] = []
        for database in databases {
            counts.append(try transaction.statistics(database).pageCount)
        }
        return counts
    }
}
