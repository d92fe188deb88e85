internal import CodexCore
public import FoundationEssentials

/// The state of a follower.
public struct FollowerState: Sendable, Hashable {
    /// The leader's identity.
    public let leaderID: UUID
    /// The last applied commit; the follower requests later ones from the leader.
    public let sequence: UInt64
    /// The time of that commit, by the leader's clock; `nil` if it is not known.
    ///
    /// If it is long ago, the leader was idle, or the connection to it is broken.
    public let committedAt: Date?
    /// The last known commit of the leader.
    ///
    /// This process knows it from received records, and the store from its last applied commit.
    /// Commits since the leader's last sent record are not known.
    public let leaderSequence: UInt64

    /// The number of known commits that are not applied yet.
    public var lagCommitCount: UInt64 { leaderSequence - min(sequence, leaderSequence) }
}

extension Store {
    /// The state of the store as a follower; `nil` if it follows no leader.
    ///
    /// - Throws: ``CodexError/Code/closed``.
    public func followerState() throws -> FollowerState? {
        try core.withReadContext { try self.followerState($0) }
    }

    func followerState(_ context: ReadContext) throws -> FollowerState? {
        guard let leaderID = context.catalog.manifest.leaderID else { return nil }
        return try FollowerState(core, leaderID, context.transaction)
    }

    /// Applies a leader's records as they come, until they end.
    ///
    /// ```swift
    /// if let state = try follower.followerState() {
    ///     try await follower.follow(leader.replicationStream(after: state.sequence))
    /// }
    /// ```
    ///
    /// Make the store with ``restore(_:archive:to:at:asFollower:)`` from the leader's backup. It
    /// has the leader's items, schema, consumers, idempotency tokens and sequence numbers. It
    /// answers reads, gives changes and observations, and refuses writes
    /// (``CodexError/Code/following``). Each commit is applied as a whole, in order, and durably by
    /// the level of ``StoreOptions/durability``. Several commits share a transaction if they come
    /// faster. A commit that is already applied is skipped, so a stream may start too early.
    ///
    /// The store's own builder builds the indexes and counters that the leader adds. Two calls at
    /// once, in one process or in two, do the same work twice without harm. An idle call detects a
    /// promotion with the next record.
    ///
    /// - Parameter records: The output of the leader's ``replicationStream(after:)``, in order, in
    ///   pieces of any size. The call reads it ahead by several megabytes. The sequence must
    ///   respond to cancellation: after an error the call waits for its next piece. A record is
    ///   held in memory as a whole: 2 GiB at most.
    /// - Returns: The follower's state when the records end. An incomplete last record is
    ///   discarded.
    /// - Throws: ``CodexError/Code/notFollowing`` also once the store is promoted,
    ///   ``CodexError/Code/recordsMissing``, ``CodexError/Code/diverged``,
    ///   ``CodexError/Code/corrupted`` if they were damaged in transit,
    ///   ``CodexError/Code/unsupportedFormat`` if the leader is of a later release, the errors of
    ///   `records`, `CancellationError`, and as ``write(_:)-(_)``. The records before the error are
    ///   applied.
    @discardableResult
    public func follow<Records: AsyncSequence & Sendable>(
        _ records: Records
    ) async throws -> FollowerState where Records.Element == [UInt8] {
        let writer = try requireOwnWriter()
        let buffer = RecordBuffer()
        let core = core
        core.leaderStreams.add(buffer)
        defer { core.leaderStreams.remove(buffer) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var decoder = RecordDecoder()
                do {
                    for try await piece in records {
                        decoder.append(piece)
                        var decoded: [LeaderRecord] = []
                        do throws(CodexError) {
                            while let record = try decoder.next() { decoded.append(record) }
                        } catch {
                            try await buffer.add(decoded)
                            throw error
                        }
                        if let last = decoded.last {
                            core.leaderStreams.hear(last, of: core.catalog.manifest.leaderID)
                        }
                        try await buffer.add(decoded)
                    }
                    try _Concurrency.Task.checkCancellation()
                    buffer.finish(nil)
                } catch {
                    buffer.finish(error)
                }
            }
            group.addTask {
                while let records = try await buffer.take() {
                    try await writer.answer { FollowJob(records, answer: $0) }
                }
            }
            defer { group.cancelAll() }
            do {
                while try await group.next() != nil {}
            } catch {
                buffer.cancel()
                throw error
            }
        }
        guard let state = try followerState() else { throw LeaderStreams.notFollowing }
        return state
    }

    /// Makes a follower a store that takes writes, and ends its following.
    ///
    /// Its commits continue after its last one, and a checkpoint comes first. The leader does not
    /// learn of it: make sure first that the leader takes no more writes, or there are two
    /// histories. A leader that returns cannot follow this store, but a new follower from a backup
    /// of this one can. Followers of this store, its consumers and idempotency tokens continue. A
    /// running ``follow(_:)`` ends with ``CodexError/Code/notFollowing``.
    ///
    /// - Parameter evenIfBehind: Whether to give up commits that the leader is known to have.
    /// - Returns: The last state of the store as a follower.
    /// - Throws: ``CodexError/Code/behindLeader``, ``CodexError/Code/notFollowing``, and as
    ///   ``write(_:)-(_)``.
    @discardableResult
    public func promote(evenIfBehind: Bool = false) async throws -> FollowerState {
        let writer = try requireOwnWriter()
        let core = core
        let state = Locked<FollowerState?>(nil)
        for attempt in 1... {
            do {
                try await writer.answer { answer in
                    ManifestJob(
                        { manifest, transaction throws(CodexError) in
                            guard let leaderID = manifest.leaderID else {
                                throw LeaderStreams.notFollowing
                            }
                            let current = try FollowerState(core, leaderID, transaction)
                            guard evenIfBehind || current.lagCommitCount == 0 else {
                                throw Self.behindLeader(current)
                            }
                            // No log has the builds and tree numbers of a follower, so the
                            // checkpoint must have all of them.
                            guard
                                try Checkpoint(of: core.directory).transaction == transaction.id - 1
                            else { throw Self.notAlone }
                            state.withLock { $0 = current }
                            manifest.endFollowing()
                            return true
                        }, afterCheckpoint: true, answer: answer)
                }
                break
            } catch let error as CodexError where error.code == .cancelled && attempt < 100 {
                continue
            }
        }
        core.leaderStreams.finish(LeaderStreams.notFollowing)
        builder?.schedule.wake()
        guard let state = state.withLock({ $0 }) else { throw LeaderStreams.notFollowing }
        return state
    }

    private static func behindLeader(_ state: FollowerState) -> CodexError {
        CodexError(
            .behindLeader,
            "The follower has commit \(state.sequence), its leader is known to have "
                + "\(state.leaderSequence). Let it catch up, or give up the commits between.")
    }

    private static var notAlone: CodexError {
        CodexError(
            .cancelled,
            "Other processes write to the follower all the time. End those that follow, then promote it."
        )
    }
}

extension FollowerState {
    /// The state of a follower in a transaction.
    fileprivate init(
        _ core: StoreCore, _ leaderID: UUID, _ transaction: Transaction
    ) throws(CodexError) {
        let meta = core.catalog.meta
        let position = try LogPosition(transaction, meta)
        let leader = try LeaderPosition(transaction, meta)
        self.init(
            leaderID: leaderID, sequence: position.sequence,
            committedAt: leader.milliseconds == 0 ? nil : Date(milliseconds: leader.milliseconds),
            leaderSequence: max(leader.lastSequence, core.leaderStreams.knownSequence))
    }
}

/// A job that applies records of a leader.
///
/// It is `Sendable` because the records and the answer are, and both are constant.
private final class FollowJob: ExclusiveJob, @unchecked Sendable {
    private let records: [LeaderRecord]
    private let answer: @Sendable (Result<Void, any Error>) -> Void

    init(_ records: [LeaderRecord], answer: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        self.records = records
        self.answer = answer
    }

    override func runAlone(_ core: StoreCore, _ pipeline: CommitPipeline) throws {
        try FollowerCommit(pipeline).replicate(records)
    }

    override func finish(_ outcome: Result<Void, any Error>) { answer(outcome) }
}
