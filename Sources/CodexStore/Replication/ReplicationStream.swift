internal import CodexCore

/// A store's commits in the form that followers take: chunks of bytes that make one stream.
///
/// Each chunk has whole records, one or more: a mebibyte and what the last one has more. A transport may cut
/// and join them as it likes, and keeps their order. They are read from the log when they are asked for: a
/// slow follower holds up nobody and takes no memory.
///
/// Each iterator begins anew. The sequence ends by throwing only: `CancellationError`,
/// ``CodexError/Code/closed``, ``CodexError/Code/changesTrimmed`` (the store does not retain what the follower
/// lacks), ``CodexError/Code/diverged`` (the store has fewer commits than the follower),
/// ``CodexError/Code/corrupted``.
public struct ReplicationStream: AsyncSequence, Sendable {
    /// Whole records, encoded.
    public typealias Element = [UInt8]

    private let core: StoreCore
    private let sequence: UInt64

    init(_ core: StoreCore, after sequence: UInt64) {
        self.core = core
        self.sequence = sequence
    }

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(core, after: sequence) }

    /// Reads chunk by chunk; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        private let sequence: UInt64
        private var commits: CommitReader?
        /// Where the log's folder says how far the follower is.
        private let noteName =
            HistoryReader.followerPrefix + String(UInt64.random(in: .min ... .max), radix: 16)

        /// So much of a chunk ends it.
        private static let chunkByteCount = 1 << 20

        fileprivate init(_ core: StoreCore, after sequence: UInt64) {
            self.core = core
            self.sequence = sequence
        }

        /// The next records, as soon as there are any.
        ///
        /// - Throws: As ``ReplicationStream``.
        public mutating func next() async throws -> [UInt8]? {
            while true {
                try _Concurrency.Task.checkCancellation()
                let (applied, transactionID) = try core.appliedState()
                let chunk = try read(applied)
                if !chunk.isEmpty { return chunk }
                try await core.commits.wait(after: transactionID)
            }
        }

        private mutating func read(_ applied: LogPosition) throws(CodexError) -> [UInt8] {
            var commits: CommitReader
            if let reader = self.commits {
                commits = reader
            } else {
                guard sequence <= applied.sequence else {
                    throw CodexError(
                        .diverged,
                        "The leader's last commit is \(applied.sequence), the follower has \(sequence). The "
                            + "leader lost commits, or is another store. Make the follower again "
                            + "from a backup.")
                }
                commits = try reading { () throws(CodexError) in
                    let position = StreamPosition.sequenceNumber(SequenceNumber(commit: sequence))
                    return try CommitReader(core, from: .stream(position), applied)
                }
            }
            let storeID = core.logDirectory.storeID
            let begin = commits.position.sequence
            var chunk: [UInt8] = []
            try reading { () throws(CodexError) in
                while chunk.count < Self.chunkByteCount, let (record, _) = try commits.next(applied)
                {
                    LeaderRecord.append(
                        record, of: storeID, lastSequence: applied.sequence, to: &chunk)
                }
            }
            self.commits = commits
            // The follower asks for the next once it has what came before.
            core.logDirectory.note(noteName, at: begin)
            return chunk
        }

        /// Says for followers what it means that commits are not there any more.
        private func reading<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
            do throws(CodexError) {
                return try body()
            } catch  where error.code == .changesTrimmed {
                throw CodexError(
                    .changesTrimmed,
                    "The leader does not retain the commits that the follower lacks. Make the "
                        + "follower again from a later backup.")
            }
        }
    }
}

extension Store {
    /// The commits after one, encoded for followers, and then those that come.
    ///
    /// ```swift
    /// for try await chunk in leader.replicationStream(after: lastOfFollower) { try await send(chunk) }
    /// ```
    ///
    /// Any number may be read at once, in any process, of stores opened read-only too, and of followers. A
    /// commit is given as soon as it is as durable as ``StoreOptions/durability`` says.
    ///
    /// - Parameter sequence: The last commit that the follower has: ``FollowerState/sequence``.
    /// - Returns: A sequence that never ends by itself; see there for its errors.
    public func replicationStream(after sequence: UInt64) -> ReplicationStream {
        ReplicationStream(core, after: sequence)
    }
}
