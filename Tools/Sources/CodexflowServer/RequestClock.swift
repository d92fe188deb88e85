#if Server
    import Synchronization

    /// The time of a request, which ends at its deadline, or when its client is gone.
    package final class RequestClock: Sendable {
        private let deadline: ContinuousClock.Instant
        private let isAbandoned = Atomic(false)

        /// Starts the request's time.
        package init(_ time: Duration) { deadline = ContinuousClock.now + time }

        package var isOver: Bool {
            isAbandoned.load(ordering: .relaxed) || ContinuousClock.now >= deadline
        }

        /// Records that no client waits for the answer any more.
        func abandon() { isAbandoned.store(true, ordering: .relaxed) }
    }
#endif
