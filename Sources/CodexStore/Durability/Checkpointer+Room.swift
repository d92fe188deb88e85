internal import CodexCore

/// Room for commits in the data file.
extension Checkpointer {
    /// Whether a checkpoint should come before the next transaction: the device is full, and what was
    /// replaced since the last one is needed.
    var needsRoom: Bool {
        state.withLock { state in
            guard state.isShort, state.dirtySince != nil else { return false }
            let reserve = DataReserve.byteCount(usedByteCount: state.usedByteCount)
            return state.fileByteCount - state.usedByteCount < reserve
        }
    }

    /// Makes a checkpoint that lets pages and history go, if there is anything that it would let go.
    ///
    /// - Returns: Whether it made one, so that what failed may be tried again.
    func makeRoom() throws(CodexError) -> Bool {
        guard state.withLock({ $0.dirtySince != nil }) else { return false }
        try checkpointNow()
        return true
    }

    /// Makes sure that LMDB's commit cannot run out of room: once a record is in the log, it must be
    /// possible to apply it.
    ///
    /// LMDB does not tell how many pages a transaction will write, so it is a guess; should it be too
    /// low, the commit is applied later.
    ///
    /// - Parameters:
    ///   - need: What the commit needs.
    ///   - treePageCounts: The pages of each tree that may change, for a device that is nearly full.
    /// - Throws: ``CodexError/Code/diskFull``, ``CodexError/Code/storeFull``.
    func reserve(
        _ need: RoomNeed, _ treePageCounts: () throws(CodexError) -> [Int]
    ) throws(CodexError) {
        let used = try environment.usage().pageCount * pageByteCount
        let guess = need.guess(pageByteCount: pageByteCount)
        let kept = DataReserve.byteCount(usedByteCount: used, leftBy: need.use)
        // Asking the file each time would cost more than the call: where timestamps have many
        // grains (Linux 6.13 and later), the next write then changes the file's, and the log's flush
        // must write a block of inodes too.
        let known = state.withLock { state in
            state.usedByteCount = used
            return state.fileByteCount
        }
        if known >= used + guess + kept, used + guess <= environment.mapByteCount { return }
        let exact = need.guess(
            pageByteCount: pageByteCount, treePageCounts: try treePageCounts())
        let runLength = need.runLength(pageByteCount: pageByteCount)
        guard used + exact <= environment.mapByteCount else {
            return try requireReusable(used + exact - environment.mapByteCount, runLength)
        }
        if known >= used + exact + kept { return }
        try lengthen(used: used, by: exact + kept, runLength)
    }

    /// Throws unless so many bytes of pages can be reused: the end of the map is reached.
    private func requireReusable(_ byteCount: Int, _ runLength: Int) throws(CodexError) {
        let reusable = try environment.reusablePages(inRunsOf: runLength) * pageByteCount
        guard reusable >= byteCount else { throw CodexError.storeFull() }
    }

    /// Lets the data file have `byteCount` behind what is used, or finds as much that can be reused.
    private func lengthen(
        used: Int, by byteCount: Int, _ runLength: Int
    ) throws(CodexError) {
        // In larger steps, where there is room for them.
        let step = min(max(used / 16, 1 << 20), 64 << 20)
        while true {
            do throws(CodexError) {
                try extend(to: used + byteCount, step: step)
                return
            } catch  where error.code == .diskFull {
                let length = try file.file.byteCount()
                state.withLock { ($0.isShort, $0.fileByteCount) = (true, length) }
                let reusable = try environment.reusablePages(inRunsOf: runLength) * pageByteCount
                // LMDB writes down what it freed in pages of a row, which it may find at the end only.
                let tail = length - used
                if tail + reusable >= byteCount, tail >= min(byteCount, Self.tailByteCount) {
                    return
                }
                guard try log.space.shed() > 0 else { throw error }
            }
        }
    }

    /// What of a commit's room must lie behind the last page in use.
    private static let tailByteCount = 256 << 10

    private func extend(to byteCount: Int, step: Int) throws(CodexError) {
        let length = try file.file.byteCount()
        guard length < byteCount else {
            return state.withLock { $0.fileByteCount = length }
        }
        // What a device with little room has left belongs to others, too.
        let free = try directory.device.freeByteCount()
        guard free >= byteCount - length else { throw CodexError.diskFull() }
        let isAmple = free >= byteCount - length + 8 * step
        // A quota may refuse what the device has.
        if isAmple, (try? file.file.reserve(byteCount + step)) != nil {
            return state.withLock { ($0.fileByteCount, $0.isShort) = (byteCount + step, false) }
        }
        try file.file.reserve(byteCount)
        state.withLock { ($0.fileByteCount, $0.isShort) = (byteCount, false) }
    }
}
