internal import CodexCore
public import FoundationEssentials

/// What a follower has of its leader.
public struct FollowerState: Sendable, Hashable {
    /// The leader's identity.
    public let leaderID: UUID
    /// The last commit that is applied; the leader is asked for what comes after it.
    public let sequence: UInt64
    /// When the leader made that commit, by its clock; `nil` if it is not known.
    ///
    /// If it is long ago, the leader was idle, or nothing comes from it any more.
    public let committedAt: Date?
    /// The last commit that the leader is known to have: to this process, which received it, or to the
    /// store, as of the last commit that was applied.
    ///
    /// What it committed since it sent its last record is not known.
    public let leaderSequence: UInt64

    /// How many commits are known of and not applied.
    public var lagCommitCount: UInt64 { leaderSequence - min(sequence, leaderSequence) }
}

extension Store {
    /// What the store has of its leader; `nil` if it follows none.
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
    /// The store is one that ``restore(_:archive:to:at:asFollower:)`` made of the leader's backup. It has the
    /// leader's items, schema, consumers, idempotency tokens and sequence numbers, answers reads, gives
    /// changes and observations, and refuses writes (``CodexError/Code/following``). Each commit is applied
    /// as a whole, in order, durably as ``StoreOptions/durability`` says; several in one transaction if they
    /// come faster. One that is applied already is skipped, so that a leader may be asked for too much.
    ///
    /// Indexes and counters that the leader adds are built here by the store's own builder. Two of these
    /// at once, in one process or in two, do the same work twice and no harm. One that is idle notices a
    /// promotion with the next record.
    ///
    /// - Parameter records: What the leader's ``replicationStream(after:)`` gave, in order, in pieces of any size.
    ///   It is read ahead by some megabytes, and must answer cancellation: after an error its next piece is
    ///   waited for. A record is held in memory as a whole: 2 GiB at most.
    /// - Returns: What the follower has when the records end. The beginning of one that is not whole is
    ///   forgotten.
    /// - Throws: ``CodexError/Code/notFollowing`` also once the store is promoted,
    ///   ``CodexError/Code/recordsMissing``, ``CodexError/Code/diverged``, ``CodexError/Code/corrupted`` if
    ///   they were damaged on their way, ``CodexError/Code/unsupportedFormat`` if the leader is of a later release, whatever `records` throws, `CancellationError`, and as
    ///   ``write(_:)-(_)``. Whatever came before is applied.
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

    /// Makes a follower a store that takes writes, and follows no more.
    ///
    /// Its commits go on from the last that it has, after a checkpoint. Nothing tells the leader: see to it
    /// before that it takes no more writes, or there are two histories. A leader that comes back cannot follow
    /// this store, but a new follower from a backup of this one can. Followers of this store, its consumers and
    /// idempotency tokens go on; a ``follow(_:)`` that runs ends with ``CodexError/Code/notFollowing``.
    ///
    /// - Parameter evenIfBehind: Whether to give up commits that the leader is known to have.
    /// - Returns: What the store had of its leader.
    /// - Throws: ``CodexError/Code/behindLeader``, ``CodexError/Code/notFollowing``, and as ``write(_:)-(_)``.
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
                            // What was built, and numbered, is in the log of none: nothing of that may have
                            // come since the checkpoint.
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
    /// What a follower has by a transaction.
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

/// Applies records of a leader.
///
/// Sendable since the records and the answer are.
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
