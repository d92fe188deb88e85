internal import CodexCore

extension StoreCore {
    /// What idle readers are kept for: each has a reader slot, of which all processes have 4,096.
    enum ReaderAging {
        /// Idle readers up to this number keep their slots for good.
        static let keptCount = 4
        /// A reader gives its slot back when it was not needed for this long, or twice.
        static let interval = Duration.seconds(10)
    }

    /// Gives back the slots of readers that were not needed since the last call.
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
    /// Whether the aging of readers has to begin: more are idle than are kept for good.
    mutating func startsAging() -> Bool {
        guard !isAging, idle.count > StoreCore.ReaderAging.keptCount else { return false }
        // Judged by what happens from now on.
        (isAging, leastIdleCount) = (true, 0)
        return true
    }

    /// Takes the idle readers out that were idle all the time since the last call.
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
