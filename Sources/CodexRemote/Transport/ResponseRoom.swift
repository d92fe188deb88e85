#if Remote
    internal import CodexCore
    internal import Synchronization

    /// What the body of one answer takes of the memory of all answers.
    final class ResponseRoom: Sendable {
        private let limit: RequestLimit
        private let clock: any RemoteClock
        private let reserved = Mutex(0)

        init(_ limit: RequestLimit, _ clock: any RemoteClock) {
            (self.limit, self.clock) = (limit, clock)
        }

        /// Waits until there is room for a body.
        ///
        /// It is called once for an answer: answers that have a part of their room, and wait for
        /// more, could wait for each other.
        ///
        /// - Parameters:
        ///   - byteCount: The most bytes of the body.
        ///   - time: The longest time to wait.
        /// - Throws: ``TransportFailure`` after the time; `CancellationError`.
        func reserve(_ byteCount: Int, within time: Duration) async throws {
            do {
                try await limit.acquire(byteCount, within: time, clock)
            } catch let error as CodexError {
                throw TransportFailure(.timedOut, cause: error)
            }
            reserved.withLock { $0 += byteCount }
        }

        /// Gives back what was reserved.
        func release() {
            let byteCount = reserved.withLock { reserved in
                defer { reserved = 0 }
                return reserved
            }
            if byteCount > 0 { limit.release(byteCount) }
        }
    }
#endif
