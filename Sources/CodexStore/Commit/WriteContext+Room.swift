internal import CodexCore

/// What a transaction needs of the device.
extension WriteContext {
    /// What the transaction may take of a device that is nearly full.
    ///
    /// Tokens and checkpoints of consumers that come with deletes make it no larger; parked changes
    /// do.
    var roomUse: RoomUse {
        growth > 0 || addsEntries || systemGrowth > 4096 ? .growing : .shrinking
    }

    /// Makes sure of room for the commit in the data file.
    func reserve(changeCount: Int, byteCount: Int, _ use: RoomUse) throws(CodexError) {
        let need = RoomNeed(
            changeCount: changeCount, byteCount: byteCount, treeCount: catalog.treeCount,
            largestByteCount: min(byteCount, isRedoing ? .max : largestByteCount), use: use)
        try checkpointer.reserve(need) { () throws(CodexError) in try treePageCounts() }
    }

    private func treePageCounts() throws(CodexError) -> [Int] {
        var counts: [Int] = []
        for database in catalog.databases {
            counts.append(try transaction.statistics(database).pageCount)
        }
        return counts
    }
}
