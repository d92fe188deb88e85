#if Remote
    internal import CodexCore
    internal import Synchronization

    /// What the body of one answer takes of the memory of all answers.
    final class ResponseRoom: Sendable {
        private let limit: RequestLimit
        private let clock: any RemoteClock
        /// The reserved bytes; `nil` once they were given back.
        private let reserved = Mutex<Int?>(0)

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
            keep(byteCount)
        }

        /// Takes room for a body if there is room now.
        ///
        /// It is called once for an answer, as ``reserve(_:within:)``.
        ///
        /// - Parameter byteCount: The most bytes of the body.
        /// - Returns: Whether there was room.
        func reserveNow(_ byteCount: Int) -> Bool {
            guard limit.acquireNow(byteCount) else { return false }
            keep(byteCount)
            return true
        }

        /// Gives back what was reserved, and what is reserved later.
        func release() {
            let byteCount = reserved.withLock { reserved in
                defer { reserved = nil }
                return reserved ?? 0
            }
            if byteCount > 0 { limit.release(byteCount) }
        }

        private func keep(_ byteCount: Int) {
            let isKept = reserved.withLock { reserved in
                guard let present = reserved else { return false }
                reserved = present + byteCount
                return true
            }
            // The request has ended meanwhile.
            if !isKept { limit.release(byteCount) }
        }
    }
#endif
