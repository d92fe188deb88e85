internal import CodexCore

/// A store's commits in the encoding for followers: chunks of bytes that form one stream.
///
/// Each chunk has one or more whole records, about a mebibyte, and more if the last record is
/// larger. A transport may split and join chunks, and must keep their order. They are read from the
/// log on request: a slow follower blocks no writer and takes no memory.
///
/// Each iterator starts again. The sequence ends only with an error: `CancellationError`,
/// ``CodexError/Code/closed``, ``CodexError/Code/changesTrimmed`` (the store does not retain the
/// commits that the follower lacks), ``CodexError/Code/diverged`` (the store has fewer commits than
/// the follower), ``CodexError/Code/corrupted``.
public struct ReplicationStream: AsyncSequence, Sendable {
    /// Encoded whole records.
    public typealias Element = [UInt8]

    private let core: StoreCore
    private let sequence: UInt64

    init(_ core: StoreCore, after sequence: UInt64) {
        self.core = core
        self.sequence = sequence
    }

    /// Starts to read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(core, after: sequence) }

    /// Reads chunk by chunk; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        private let sequence: UInt64
        private var commits: CommitReader?
        /// The name of the file in the log's directory that records the follower's progress.
        private let noteName =
            HistoryReader.followerPrefix + String(UInt64.random(in: .min ... .max), radix: 16)

        /// The number of bytes that ends a chunk.
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
            // The follower requests the next chunk once it has the chunks before.
            core.logDirectory.note(noteName, at: begin)
            return chunk
        }

        /// Adds the remedy for followers to the error for removed commits.
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
    /// The commits after one, encoded for followers, and then each new one.
    ///
    /// ```swift
    /// for try await chunk in leader.replicationStream(after: lastOfFollower) {
    ///     try await send(chunk)
    /// }
    /// ```
    ///
    /// Any number of streams may be read at once, in any process, also of followers and of stores
    /// that are opened read-only. A commit comes as soon as it is durable, by the level of
    /// ``StoreOptions/durability``.
    ///
    /// - Parameter sequence: The last commit that the follower has: ``FollowerState/sequence``.
    /// - Returns: A sequence that only an error ends: see ``ReplicationStream``.
    public func replicationStream(after sequence: UInt64) -> ReplicationStream {
        ReplicationStream(core, after: sequence)
    }
}
