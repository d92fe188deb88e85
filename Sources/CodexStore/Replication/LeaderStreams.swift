internal import CodexCore
internal import FoundationEssentials

/// The input of a process from the leader of its store.
///
/// It has the streams that the process reads now, and the last known commit of the leader.
final class LeaderStreams: Sendable {
    private struct State {
        var buffers: [RecordBuffer] = []
        /// The error that ends later streams at once.
        var end: CodexError?
        var knownSequence: UInt64 = 0
    }

    private let state = Locked(State())

    /// The last commit of the leader, from the records that this process received.
    var knownSequence: UInt64 { state.withLock { $0.knownSequence } }

    /// Adds a stream from a leader, which ends when the store is closed or promoted.
    func add(_ buffer: RecordBuffer) {
        let end = state.withLock { state in
            state.buffers.append(buffer)
            return state.end
        }
        if let end { buffer.finish(end) }
    }

    /// Removes a stream that has ended.
    func remove(_ buffer: RecordBuffer) {
        state.withLock { state in state.buffers.removeAll { $0 === buffer } }
    }

    /// Ends all present streams.
    func finish(_ error: CodexError) {
        for buffer in state.withLock({ $0.buffers }) { buffer.finish(error) }
    }

    /// Ends all present and later streams: the store is closed.
    func close(_ error: CodexError) {
        state.withLock { $0.end = error }
        finish(error)
    }

    /// Records the last commit of a record's leader, if the store follows it.
    func hear(_ record: LeaderRecord, of leaderID: UUID?) {
        guard record.storeID == leaderID else { return }
        state.withLock { state in
            state.knownSequence = max(
                state.knownSequence, record.lastSequence, record.header.sequence)
        }
    }

    static var following: CodexError {
        CodexError(
            .following,
            "The store is a follower. Write to its leader, or promote this store (`promote()`) to "
                + "replace the leader.")
    }

    static var notFollowing: CodexError {
        CodexError(
            .notFollowing,
            "The store is no follower, or was promoted. Make a follower from a backup of its "
                + "leader (`restore(_:archive:to:at:asFollower:)`).")
    }
}
