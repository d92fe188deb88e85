internal import CodexCore

/// Room for commits in the data file.
extension Checkpointer {
    /// Whether a checkpoint should precede the next transaction.
    ///
    /// It should if the device is full, and the pages that were replaced since the last checkpoint
    /// are needed.
    var needsRoom: Bool {
        state.withLock { state in
            guard state.isShort, state.dirtySince != nil else { return false }
            let reserve = DataReserve.byteCount(usedByteCount: state.usedByteCount)
            return state.fileByteCount - state.usedByteCount < reserve
        }
    }

    /// Makes a checkpoint that releases pages and history, if there were commits since the last
    /// one.
    ///
    /// - Returns: Whether it made one, so that the failed group may be tried again.
    func makeRoom() throws(CodexError) -> Bool {
        guard state.withLock({ $0.dirtySince != nil }) else { return false }
        try checkpointNow()
        return true
    }

    /// Reserves room for LMDB's commit.
    ///
    /// Once a record is in the log, it must be possible to apply it.
    ///
    /// LMDB does not report how many pages a transaction will write, so this is an estimate. If it
    /// is too low, the commit is applied later.
    ///
    /// - Parameters:
    ///   - need: The need of the commit.
    ///   - treePageCounts: Returns the pages of each tree that may change; it is called if the
    ///     device is nearly full.
    /// - Throws: ``CodexError/Code/diskFull``, ``CodexError/Code/storeFull``.
    func reserve(
        _ need: RoomNeed, _ treePageCounts: () throws(CodexError) -> [Int]
    ) throws(CodexError) {
        let used = try environment.usage().pageCount * pageByteCount
        let guess = need.guess(pageByteCount: pageByteCount)
        let kept = DataReserve.byteCount(usedByteCount: used, leftBy: need.use)
        // The file's size is cached, since reading it costs more than the call. With multigrain
        // timestamps (Linux 6.13 and later), the next write then changes the file's timestamp, and
        // the log's flush must also write a block of inodes.
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

    /// Throws unless pages of `byteCount` bytes can be reused, since the end of the map is reached.
    private func requireReusable(_ byteCount: Int, _ runLength: Int) throws(CodexError) {
        let reusable = try environment.reusablePages(inRunsOf: runLength) * pageByteCount
        guard reusable >= byteCount else { throw CodexError.storeFull() }
    }

    /// Extends the data file to `byteCount` bytes after the used pages, or finds enough reusable
    /// pages.
    private func lengthen(
        used: Int, by byteCount: Int, _ runLength: Int
    ) throws(CodexError) {
        // The file grows in larger steps if there is room for them. A commit waits for a step, some
        // milliseconds for 16 MiB.
        let step = min(max(used / 16, 1 << 20), 16 << 20)
        while true {
            do throws(CodexError) {
                try extend(to: used + byteCount, step: step)
                return
            } catch  where error.code == .diskFull {
                let length = try file.file.byteCount()
                state.withLock { ($0.isShort, $0.fileByteCount) = (true, length) }
                let reusable = try environment.reusablePages(inRunsOf: runLength) * pageByteCount
                // LMDB stores the list of freed pages in consecutive pages, which may be available
                // only at the end.
                let tail = length - used
                if tail + reusable >= byteCount, tail >= min(byteCount, Self.tailByteCount) {
                    return
                }
                guard try log.space.shed() > 0 else { throw error }
            }
        }
    }

    /// The part of a commit's room, in bytes, that must be after the last page in use.
    private static let tailByteCount = 256 << 10

    private func extend(to byteCount: Int, step: Int) throws(CodexError) {
        let length = try file.file.byteCount()
        guard length < byteCount else {
            return state.withLock { $0.fileByteCount = length }
        }
        // Other users also need the room that is left on the device.
        let free = try directory.device.freeByteCount()
        guard free >= byteCount - length else { throw CodexError.diskFull() }
        let isAmple = free >= byteCount - length + 8 * step
        // A quota may refuse room that the device has.
        if isAmple, (try? file.file.reserve(byteCount + step)) != nil {
            file.file.prepareCache(length..<byteCount + step)
            return state.withLock { ($0.fileByteCount, $0.isShort) = (byteCount + step, false) }
        }
        try file.file.reserve(byteCount)
        file.file.prepareCache(length..<byteCount)
        state.withLock { ($0.fileByteCount, $0.isShort) = (byteCount, false) }
    }
}
