internal import CodexCore

/// Stores entries of trees for the writer's transactions.
///
/// It tracks across transactions which trees are filled in order.
final class TreeWriter {
    /// The number of ascending keys in a row that were put into a tree.
    private struct Streak {
        var last: [UInt8] = []
        var length = 0
    }

    /// The streaks, indexed by the numbers of databases.
    private var streaks: [Streak] = []
    /// The filter that may change the entries before they are stored.
    let filter: (any MaintenanceFilter)?

    /// The number of ascending keys after which the next key is expected at the tree's end.
    private static let streakMin = 4
    private static let streakPenalty = -256

    init(_ parts: StoreParts) { filter = parts.maintenance }

    /// Stores an entry of a tree.
    ///
    /// Keys that come in order are appended, so that pages are filled and not split in halves.
    func put(
        _ tree: Tree, _ key: [UInt8], _ value: [UInt8], in transaction: Transaction
    ) throws(CodexError) {
        if let filter { return try store(tree, filter.treeKey(key), value, in: transaction) }
        try store(tree, key, value, in: transaction)
    }

    private func store(
        _ tree: Tree, _ key: [UInt8], _ value: [UInt8], in transaction: Transaction
    ) throws(CodexError) {
        let place = Int(tree.database.raw)
        while streaks.count <= place { streaks.append(Streak()) }
        let isAscending = ByteOrder.compare(streaks[place].last, key) < 0
        var length = streaks[place].length
        length = isAscending || length < 0 ? length + 1 : 0
        if length > Self.streakMin, isAscending, key.count < LongKey.pieceByteCount {
            if try transaction.append(tree.database, key, value) {
                streaks[place] = Streak(last: key, length: length)
                return
            }
            length = Self.streakPenalty
        }
        streaks[place] = Streak(last: key, length: length)
        try transaction.put(tree, key, value)
    }

    /// Forgets the order of keys, after a transaction that had no effect.
    func forgetStreaks() { streaks.removeAll(keepingCapacity: true) }
}
