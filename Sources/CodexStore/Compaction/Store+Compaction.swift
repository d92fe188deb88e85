internal import CodexCore

/// What ``Store/compact()`` did.
public struct CompactionReport: Sendable, Hashable {
    /// The bytes of the data file before.
    public let byteCountBefore: Int
    /// The bytes of the data file now: what is in use, and a reserve for a full disk.
    public let byteCountAfter: Int
    /// How long it took, without waiting for other writes.
    public let duration: Duration
}

extension Store {
    /// Makes the data file as small as what it holds, by a copy that takes its place.
    ///
    /// A data file never gets shorter by itself: pages that are free are used again. After many
    /// deletes a compaction gives them back to the device. It needs room for the pages in use and
    /// the reserve, on the store's own file system. A follower may be compacted too.
    ///
    /// No other process may have the store open, and no snapshot, backup or archive of this one may
    /// be at work. While it runs, writes wait, as do consumers, observations and whatever the store
    /// does in the background, and reads are refused (``CodexError/Code/inUse``). Processes that
    /// open the store wait for it, ``StoreOptions/lockTimeout`` at most.
    ///
    /// The store keeps its identity, its sequence numbers, its log, consumers and tokens: backups,
    /// archives and followers go on. It is compacted as a whole or not at all, also if the process
    /// is killed or the power fails. It is not cancelled, and ``close()`` waits for it.
    ///
    /// - Important: The body of a write must not wait for it.
    ///
    /// - Returns: What it did.
    /// - Throws: ``CodexError/Code/inUse``, ``CodexError/Code/diskFull``,
    ///   ``CodexError/Code/lockTimeout``, ``CodexError/Code/readOnly``,
    ///   ``CodexError/Code/writesRefused``, ``CodexError/Code/queueFull``,
    ///   ``CodexError/Code/notWritable``, ``CodexError/Code/filesReplaced``,
    ///   ``CodexError/Code/corrupted``; the store is as it was then. ``CodexError/Code/closed`` if
    ///   it was compacted and could not be opened again: close it, and open it again.
    /// - Complexity: It reads and writes what the store holds, once.
    @discardableResult
    public func compact() async throws -> CompactionReport {
        let outcome: CompactionOutcome = try await requireOwnWriter().answer {
            CompactionJob(purges: false, answer: $0)
        }
        return outcome.report
    }
}

/// What a compaction did, and the purge that it was part of.
struct CompactionOutcome: Sendable {
    let report: CompactionReport
    /// `nil` if the history was kept.
    let history: PurgedHistory?
}

/// A compaction, in the writer's turn.
///
/// Sendable since the answer is, and since the outcome is touched by who runs the job alone.
final class CompactionJob: ExclusiveJob, @unchecked Sendable {
    private let purges: Bool
    private let answer: @Sendable (Result<CompactionOutcome, any Error>) -> Void
    private var outcome: CompactionOutcome?

    /// Makes a job; one that `purges` removes the history, too.
    init(
        purges: Bool, answer: @escaping @Sendable (Result<CompactionOutcome, any Error>) -> Void
    ) {
        self.purges = purges
        self.answer = answer
    }

    /// Does it; `endPipeline` applies what the log has, and ends the writer's context.
    func run(
        _ core: StoreCore, _ parts: WritableParts, _ endPipeline: () throws(CodexError) -> Void
    ) throws(CodexError) {
        outcome = try Compaction(core, parts, purges: purges).run(endPipeline)
    }

    override func finish(_ result: Result<Void, any Error>) {
        switch (result, outcome) {
        case (.success, let outcome?): answer(.success(outcome))
        case (.failure(let error), _): answer(.failure(error))
        case (.success, nil): answer(.failure(StoreCore.closed))
        }
    }
}
