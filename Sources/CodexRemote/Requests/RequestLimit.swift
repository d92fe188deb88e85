#if Remote
    internal import CodexCore
    internal import Synchronization

    /// What is at work at once, as requests or as bytes; others wait in the order in which they
    /// came.
    final class RequestLimit: Sendable {
        private typealias Continuation = CheckedContinuation<Void, any Error>

        private struct Waiter {
            let count: Int
            let continuation: Continuation
        }

        private struct State {
            var freeCount: Int
            /// Those that wait, by their numbers.
            var waiters: [UInt64: Waiter] = [:]
            /// The numbers of those that are in ``acquire(_:within:_:)``.
            var pending: Set<UInt64> = []
            /// Those that ended before they began to wait.
            var ended: [UInt64: any Error] = [:]
            var lastNumber: UInt64 = 0
            /// All up to this number were served.
            var servedNumber: UInt64 = 0

            /// Whether so many may be at work now, before all that wait.
            func hasRoom(_ count: Int) -> Bool { freeCount >= count && waiters.isEmpty }

            /// Takes those that wait and have room, in their order.
            mutating func served() -> [Continuation] {
                var found: [Continuation] = []
                while servedNumber < lastNumber {
                    if let waiter = waiters[servedNumber + 1] {
                        guard waiter.count <= freeCount else { break }
                        waiters[servedNumber + 1] = nil
                        freeCount -= waiter.count
                        found.append(waiter.continuation)
                    }
                    servedNumber += 1
                }
                return found
            }
        }

        private let state: Mutex<State>
        private let countMax: Int
        private let waitingCountMax: Int
        private let late: CodexError

        /// Creates a limit.
        ///
        /// - Parameters:
        ///   - count: The most requests, or bytes, at work.
        ///   - waitingCountMax: The most callers that wait.
        ///   - late: The error of a caller that waited for too long.
        init(
            _ count: Int, waitingCountMax: Int, late: CodexError = RequestLimit.lateRequest
        ) {
            state = Mutex(State(freeCount: count))
            countMax = count
            self.waitingCountMax = waitingCountMax
            self.late = late
        }

        /// The error of a request whose turn did not come in its time.
        static var lateRequest: CodexError {
            CodexError(
                .timedOut,
                "The request waited for others until its time was over; nothing was sent. Raise "
                    + "RemoteOptions.requestCountMax, or ask for less at once.")
        }

        /// The error of an answer for which there was no memory in its time.
        static var lateAnswer: CodexError {
            CodexError(
                .timedOut,
                "The answer waited for memory until its time was over. Raise "
                    + "RemoteOptions.responseMemoryMax, or ask for less at once.")
        }

        /// How many wait.
        var waitingCount: Int { state.withLock { $0.waiters.count } }

        /// Waits until a caller may be at work; ``release(_:)`` ends it.
        ///
        /// One that asks for more than there is gets all of it, and is at work alone.
        ///
        /// - Parameters:
        ///   - count: How much it takes, as in the call of ``release(_:)``.
        ///   - time: The longest time to wait; `nil` is any time.
        ///   - clock: The clock of the time.
        /// - Throws: ``CodexError/Code/limitReached`` if too many wait;
        ///   ``CodexError/Code/timedOut`` after `time`; `CancellationError`.
        func acquire(
            _ count: Int = 1, within time: Duration?, _ clock: any RemoteClock
        ) async throws {
            if acquireNow(count) { return }
            let count = min(count, countMax)
            let number = try nextNumber()
            let timer = time.map { time in
                Task {
                    try await clock.sleep(for: time)
                    end(number, late)
                }
            }
            defer {
                timer?.cancel()
                forget(number)
            }
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    wait(number, Waiter(count: count, continuation: continuation))
                }
            } onCancel: {
                end(number, CancellationError())
            }
        }

        /// Lets a caller be at work if it need not wait; ``release(_:)`` ends it.
        ///
        /// - Parameter count: How much it takes, as in ``acquire(_:within:_:)``.
        /// - Returns: Whether it may be at work.
        func acquireNow(_ count: Int = 1) -> Bool {
            let count = min(count, countMax)
            return state.withLock { state in
                guard state.hasRoom(count) else { return false }
                state.freeCount -= count
                return true
            }
        }

        /// Ends what was at work, so that the next ones may begin.
        func release(_ count: Int = 1) {
            let count = min(count, countMax)
            let next = state.withLock { state in
                state.freeCount += count
                return state.served()
            }
            for continuation in next { continuation.resume() }
        }

        private func nextNumber() throws(CodexError) -> UInt64 {
            let number = state.withLock { state -> UInt64? in
                guard state.pending.count < waitingCountMax else { return nil }
                state.lastNumber += 1
                state.pending.insert(state.lastNumber)
                return state.lastNumber
            }
            guard let number else {
                throw CodexError(
                    .limitReached,
                    "More than \(waitingCountMax) requests wait. Ask for less at once, or raise "
                        + "RemoteOptions.waitingCountMax.")
            }
            return number
        }

        private func wait(_ number: UInt64, _ waiter: Waiter) {
            let outcome = state.withLock { state -> Result<Void, any Error>? in
                if let error = state.ended[number] { return .failure(error) }
                if state.hasRoom(waiter.count) {
                    state.freeCount -= waiter.count
                    return .success(())
                }
                state.waiters[number] = waiter
                // Others may have been served since this one got its number.
                state.servedNumber = min(state.servedNumber, number - 1)
                return nil
            }
            if let outcome { waiter.continuation.resume(with: outcome) }
        }

        private func end(_ number: UInt64, _ error: any Error) {
            let (waiter, next) = state.withLock { state -> (Waiter?, [Continuation]) in
                guard let waiter = state.waiters.removeValue(forKey: number) else {
                    if state.pending.contains(number) { state.ended[number] = error }
                    return (nil, [])
                }
                // Those behind it may need less.
                return (waiter, state.served())
            }
            waiter?.continuation.resume(throwing: error)
            for continuation in next { continuation.resume() }
        }

        private func forget(_ number: UInt64) {
            state.withLock { state in
                state.pending.remove(number)
                state.ended[number] = nil
            }
        }
    }
#endif
