#if Remote
    package import FoundationEssentials

    /// The time as a client sees it; tests have another.
    package protocol RemoteClock: Sendable {
        /// The instant of the wall clock.
        var now: Date { get }
        /// The time since a fixed moment, which the wall clock does not change.
        var elapsed: Duration { get }
        /// Waits.
        ///
        /// - Throws: `CancellationError` if the task is cancelled before.
        func sleep(for duration: Duration) async throws
    }

    /// The clock of the system.
    package struct SystemRemoteClock: RemoteClock {
        private static let start = ContinuousClock.now

        package init() {}

        package var now: Date { Date() }

        package var elapsed: Duration { Self.start.duration(to: .now) }

        package func sleep(for duration: Duration) async throws {
            try await Task.sleep(for: duration)
        }
    }
#endif
