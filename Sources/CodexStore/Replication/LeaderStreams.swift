internal import CodexCore
internal import FoundationEssentials

/// What a process receives from the leader of its store: the streams that it reads now, and the
/// last commit that the leader is known to have.
final class LeaderStreams: Sendable {
    private struct State {
        var buffers: [RecordBuffer] = []
        /// Why streams that come later end at once.
        var end: CodexError?
        var knownSequence: UInt64 = 0
    }

    private let state = Locked(State())

    /// The last commit that the leader said it has, in what this process received of it.
    var knownSequence: UInt64 { state.withLock { $0.knownSequence } }

    /// Adds what is received from a leader, which ends when the store is closed or promoted.
    func add(_ buffer: RecordBuffer) {
        let end = state.withLock { state in
            state.buffers.append(buffer)
            return state.end
        }
        if let end { buffer.finish(end) }
    }

    /// Forgets what is received no more.
    func remove(_ buffer: RecordBuffer) {
        state.withLock { state in state.buffers.removeAll { $0 === buffer } }
    }

    /// Ends all that is received now.
    func finish(_ error: CodexError) {
        for buffer in state.withLock({ $0.buffers }) { buffer.finish(error) }
    }

    /// Ends all that is received now or later: the store is closed.
    func close(_ error: CodexError) {
        state.withLock { $0.end = error }
        finish(error)
    }

    /// Records which commits the leader has, if it is the leader.
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
