#if Remote
    internal import CodexCore
    internal import Synchronization

    /// The requests that are at work at once; others wait in the order in which they came.
    final class RequestLimit: Sendable {
        private typealias Waiter = CheckedContinuation<Void, any Error>

        private struct State {
            var freeCount: Int
            /// Those that wait, by their numbers.
            var waiters: [UInt64: Waiter] = [:]
            /// The numbers of those that are in ``acquire(within:_:)``.
            var pending: Set<UInt64> = []
            /// Those that ended before they began to wait.
            var ended: [UInt64: any Error] = [:]
            var lastNumber: UInt64 = 0
            /// All up to this number were served.
            var servedNumber: UInt64 = 0
        }

        private let state: Mutex<State>
        private let waitingCountMax: Int

        /// Creates a limit.
        ///
        /// - Parameters:
        ///   - count: The most requests at work.
        ///   - waitingCountMax: The most requests that wait.
        init(_ count: Int, waitingCountMax: Int) {
            state = Mutex(State(freeCount: count))
            self.waitingCountMax = waitingCountMax
        }

        /// How many wait.
        var waitingCount: Int { state.withLock { $0.waiters.count } }

        /// Waits until a request may be at work; ``release()`` ends it.
        ///
        /// - Parameters:
        ///   - time: The longest time to wait; `nil` is any time.
        ///   - clock: The clock of the time.
        /// - Throws: ``CodexError/Code/limitReached`` if too many wait;
        ///   ``CodexError/Code/timedOut`` after `time`; `CancellationError`.
        func acquire(within time: Duration?, _ clock: any RemoteClock) async throws {
            let isFree = state.withLock { state in
                guard state.freeCount > 0, state.waiters.isEmpty else { return false }
                state.freeCount -= 1
                return true
            }
            if isFree { return }
            let number = try nextNumber()
            let timer = time.map { time in
                Task {
                    try await clock.sleep(for: time)
                    end(
                        number,
                        CodexError(
                            .timedOut,
                            "The request waited for others until its time was over; nothing was "
                                + "sent. Raise RemoteOptions.requestCountMax, or ask for less at "
                                + "once."))
                }
            }
            defer {
                timer?.cancel()
                forget(number)
            }
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { wait(number, $0) }
            } onCancel: {
                end(number, CancellationError())
            }
        }

        /// Ends a request that was at work, so that the next one may begin.
        func release() {
            let next = state.withLock { state -> Waiter? in
                while state.servedNumber < state.lastNumber {
                    state.servedNumber += 1
                    if let waiter = state.waiters.removeValue(forKey: state.servedNumber) {
                        return waiter
                    }
                }
                state.freeCount += 1
                return nil
            }
            next?.resume()
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
                if state.freeCount > 0 {
                    state.freeCount -= 1
                    return .success(())
                }
                state.waiters[number] = waiter
                // Others may have been served since this one got its number.
                state.servedNumber = min(state.servedNumber, number - 1)
                return nil
            }
            if let outcome { waiter.resume(with: outcome) }
        }

        private func end(_ number: UInt64, _ error: any Error) {
            let waiter = state.withLock { state -> Waiter? in
                if let waiter = state.waiters.removeValue(forKey: number) { return waiter }
                if state.pending.contains(number) { state.ended[number] = error }
                return nil
            }
            waiter?.resume(throwing: error)
        }

        private func forget(_ number: UInt64) {
            state.withLock { state in
                state.pending.remove(number)
                state.ended[number] = nil
            }
        }
    }
#endif
