#if Server
    import Synchronization

    /// When a request's time is over: at its deadline, or when its client is gone.
    package final class RequestClock: Sendable {
        private let deadline: ContinuousClock.Instant
        private let isAbandoned = Atomic(false)

        /// Starts with all the time.
        package init(_ time: Duration) { deadline = ContinuousClock.now + time }

        package var isOver: Bool {
            isAbandoned.load(ordering: .relaxed) || ContinuousClock.now >= deadline
        }

        /// Says that nobody waits for the answer any more.
        func abandon() { isAbandoned.store(true, ordering: .relaxed) }
    }
#endif
