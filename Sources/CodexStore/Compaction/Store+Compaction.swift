internal import CodexCore

/// The result of ``Store/compact()``.
public struct CompactionReport: Sendable, Hashable {
    /// The bytes of the data file before the compaction.
    public let byteCountBefore: Int
    /// The bytes of the data file now: its used pages, and a reserve for a full disk.
    public let byteCountAfter: Int
    /// The duration, without the wait for other writes.
    public let duration: Duration
}

extension Store {
    /// Reduces the data file to the size of its contents: a copy without free pages takes its
    /// place.
    ///
    /// A data file never shrinks by itself: its free pages are used again. After many deletes a
    /// compaction returns them to the device. It needs room for the used pages and the reserve, on
    /// the store's own file system. A follower may be compacted, too.
    ///
    /// No other process may have the store open, and this one may have no open snapshot, backup or
    /// archive of it. While it runs, writes, consumers, observations and the store's background
    /// work wait. Reads are refused (``CodexError/Code/inUse``). Processes that open the store wait
    /// for it, ``StoreOptions/lockTimeout`` at most.
    ///
    /// The store keeps its identity, its sequence numbers, its log, consumers and tokens: backups,
    /// archives and followers continue. The compaction is atomic, also if the process is killed or
    /// the power fails. Cancellation has no effect, and ``close()`` waits for it.
    ///
    /// - Important: The body of a write must not wait for it.
    ///
    /// - Returns: A report of the compaction.
    /// - Throws: ``CodexError/Code/inUse``, ``CodexError/Code/diskFull``,
    ///   ``CodexError/Code/lockTimeout``, ``CodexError/Code/readOnly``,
    ///   ``CodexError/Code/writesRefused``, ``CodexError/Code/queueFull``,
    ///   ``CodexError/Code/notWritable``, ``CodexError/Code/filesReplaced``,
    ///   ``CodexError/Code/corrupted``; the store is unchanged then. ``CodexError/Code/closed`` if
    ///   it was compacted and could not be opened again: close it, and open it again.
    /// - Complexity: It reads and writes the contents of the store, once.
    @discardableResult
    public func compact() async throws -> CompactionReport {
        let outcome: CompactionOutcome = try await requireOwnWriter().answer {
            CompactionJob(purges: false, answer: $0)
        }
        return outcome.report
    }
}

/// The report of a compaction, and the history that its purge removed.
struct CompactionOutcome: Sendable {
    let report: CompactionReport
    /// `nil` if the history was kept.
    let history: PurgedHistory?
}

/// A compaction, as a job of the writer.
///
/// It is `Sendable` because the answer is, and because only the thread that runs the job uses the
/// outcome.
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

    /// Runs it; `endPipeline` applies the whole log, and ends the writer's context.
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
