internal import CodexCore

extension StoreCore {
    /// The limits of idle readers: each has a reader slot, and all processes together have 4,096
    /// slots.
    enum ReaderAging {
        /// Idle readers up to this number keep their slots permanently.
        static let keptCount = 4
        /// The time after which an unneeded reader releases its slot; it may take twice as long.
        static let interval = Duration.seconds(10)
    }

    /// Releases the slots of readers that were not needed since the last call.
    func ageReaders() -> BackgroundLoop.Next {
        let isMore = try? whileOpen { () throws(CodexError) -> Bool in
            let (old, isMore) = state.withLock { $0.readers.takeUnneeded() }
            for context in old { context.abort() }
            return isMore
        }
        guard let isMore else { return .never }
        return isMore ? .after(ReaderAging.interval) : .whenWoken
    }
}

extension SnapshotPool {
    /// Whether the aging of readers must begin, since more are idle than are kept permanently.
    mutating func startsAging() -> Bool {
        guard !isAging, idle.count > StoreCore.ReaderAging.keptCount else { return false }
        // Only the use from now on counts.
        (isAging, leastIdleCount) = (true, 0)
        return true
    }

    /// Removes and returns the readers that were idle the whole time since the last call.
    fileprivate mutating func takeUnneeded() -> (contexts: [ReadContext], isMore: Bool) {
        let count = min(leastIdleCount, max(idle.count - StoreCore.ReaderAging.keptCount, 0))
        // Readers are taken from the end.
        let contexts = Array(idle.prefix(count))
        idle.removeFirst(count)
        leastIdleCount = idle.count
        isAging = idle.count > StoreCore.ReaderAging.keptCount
        return (contexts, isAging)
    }
}
