internal import CodexCore

/// A store's commits in the form that followers take: chunks of bytes that make one stream.
///
/// Each chunk has whole records, one or more; a transport may cut and join them as it likes. Chunks are
/// read from the log when they are asked for: a slow follower holds up nobody and takes no memory.
///
/// Each iterator begins anew. The sequence ends by throwing only: `CancellationError`,
/// ``CodexError/Code/closed``, ``CodexError/Code/changesTrimmed``, ``CodexError/Code/invalidArgument``
/// (the store has no such commit), ``CodexError/Code/corrupted``.
public struct LogRecords: AsyncSequence, Sendable {
    /// Whole records, encoded.
    public typealias Element = [UInt8]

    private let core: StoreCore
    private let origin: CommitReader.Origin

    init(_ core: StoreCore, after sequence: UInt64) {
        self.core = core
        origin = .position(.sequenceNumber(SequenceNumber(commit: sequence)))
    }

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(core, origin) }

    /// Reads chunk by chunk; for one task at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let core: StoreCore
        private let origin: CommitReader.Origin
        private var commits: CommitReader?

        /// So much of a chunk ends it.
        private static let chunkByteCount = 1 << 20

        fileprivate init(_ core: StoreCore, _ origin: CommitReader.Origin) {
            self.core = core
            self.origin = origin
        }

        /// The next records, as soon as there are any.
        ///
        /// - Throws: As ``LogRecords``.
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
                commits = try CommitReader(core, from: origin, applied)
            }
            let storeID = core.logDirectory.storeID
            var chunk: [UInt8] = []
            while chunk.count < Self.chunkByteCount, let (record, _) = try commits.next(applied) {
                LeaderRecord.append(
                    record, of: storeID, lastSequence: applied.sequence, to: &chunk)
            }
            self.commits = commits
            return chunk
        }
    }
}

extension Store {
    /// The commits after one, encoded for followers, and then those that come.
    ///
    /// ```swift
    /// for try await chunk in leader.records(after: lastOfFollower) { try await send(chunk) }
    /// ```
    ///
    /// Any number may be read at once, in any process, of stores opened read-only too, and of followers. A
    /// commit is given as soon as it is as durable as ``StoreOptions/durability`` says.
    ///
    /// - Parameter sequence: The last commit that the follower has: ``FollowerState/sequence``.
    /// - Returns: A sequence that never ends by itself; see there for its errors.
    public func records(after sequence: UInt64) -> LogRecords {
        LogRecords(core, after: sequence)
    }
}
