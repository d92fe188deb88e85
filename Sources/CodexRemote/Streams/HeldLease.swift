#if Remote
    internal import CodexCore
    internal import Synchronization

    /// A lease that this worker has: the right to move the checkpoint of a shard.
    ///
    /// Each write of it has the condition that the fence is still the worker's. So a worker that
    /// lost the lease without knowing it changes nothing.
    final class HeldLease: Sendable {
        private struct State {
            var beat: Int
            var position: StreamSequenceNumber?
            var doneThrough: Int?
            /// When the last sign of life was sent that arrived.
            var renewedAt: Duration
            /// When the position was stored last.
            var storedAt: Duration
            var isLost = false
            var isWanted = false
        }

        let shard: StreamShard
        let fence: Int
        let isInitial: Bool
        private let state: Mutex<State>

        /// Creates a lease that was taken.
        ///
        /// - Parameters:
        ///   - shard: The shard.
        ///   - row: The row as it is after it was taken.
        ///   - instant: When the request was sent.
        init(_ shard: StreamShard, _ row: LeaseRow, at instant: Duration) {
            self.shard = shard
            fence = row.fence
            isInitial = row.isInitial
            state = Mutex(
                State(
                    beat: row.beat, position: row.position, doneThrough: row.doneThrough,
                    renewedAt: instant, storedAt: instant))
        }

        /// The last change that is done.
        var position: StreamSequenceNumber? { state.withLock { $0.position } }
        /// A time before which all changes of the shard are done: ``LeaseRow/doneThrough``.
        var doneThrough: Int? { state.withLock { $0.doneThrough } }
        /// When the last sign of life was sent that arrived.
        var renewedAt: Duration { state.withLock { $0.renewedAt } }
        /// When the position was stored last.
        var storedAt: Duration { state.withLock { $0.storedAt } }
        /// Whether another worker has it, or took it back.
        var isLost: Bool { state.withLock { $0.isLost } }
        /// Whether another worker asks for it.
        var isWanted: Bool { state.withLock { $0.isWanted } }

        /// The number of the next sign of life.
        func nextBeat() -> Int {
            state.withLock { state in
                state.beat += 1
                return state.beat
            }
        }

        /// Notes a sign of life that arrived.
        func renewed(at instant: Duration, isWanted: Bool? = nil) {
            state.withLock { state in
                state.renewedAt = max(state.renewedAt, instant)
                if let isWanted { state.isWanted = isWanted }
            }
        }

        /// Notes a time before which all changes are done; the next renewal stores it.
        func noteDone(through time: Int) { state.withLock { $0.doneThrough = time } }

        /// Notes a checkpoint that was stored.
        func moved(to number: StreamSequenceNumber, at instant: Duration) {
            state.withLock { state in
                state.position = number
                state.doneThrough = nil
                state.renewedAt = max(state.renewedAt, instant)
                state.storedAt = max(state.storedAt, instant)
            }
        }

        /// Notes that the worker does not have it any more.
        func lose() { state.withLock { $0.isLost = true } }
    }

    /// The error of work on a shard whose lease another worker has now.
    struct LeaseLost: Error {}
#endif
