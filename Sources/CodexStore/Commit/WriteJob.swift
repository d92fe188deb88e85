internal import CodexCore
internal import Synchronization

/// A write that waits for the writer, runs there, and is answered after the commit.
///
/// Sendable in spite of its state: one thread claims the job, the writer's or a canceller's. Only
/// that thread touches the state of subclasses.
class WriteJob: @unchecked Sendable {
    private let isClaimed = Locked(false)

    /// Claims the job for running it or for refusing it; `false` if another thread did.
    final func claim() -> Bool {
        isClaimed.withLock { isClaimed in
            defer { isClaimed = true }
            return !isClaimed
        }
    }

    /// Answers with `cancelled` if the job still waits; returns whether it did.
    final func cancel() -> Bool {
        guard claim() else { return false }
        finish(.failure(CodexError(.cancelled, "The task was cancelled before its write began.")))
        return true
    }

    /// Whether the job begins its transactions itself, outside of any group.
    var isExclusive: Bool { false }

    /// Whether the log has all changes of the job.
    var isLogged: Bool { true }

    /// Does the job's work in the open transaction.
    ///
    /// The writer may call it again after an abort.
    func run(_ context: WriteContext) throws { preconditionFailure("A subclass runs") }

    /// Answers the caller with the commit's outcome.
    ///
    /// The writer calls it exactly once.
    func finish(_ outcome: Result<Void, any Error>) { preconditionFailure("A subclass answers") }
}

/// The job of a closure with a result.
final class ClosureJob<Value: Sendable>: WriteJob, @unchecked Sendable {
    private let body: @Sendable (inout WriteTransaction) throws -> Value
    private let answer: @Sendable (Result<Value, any Error>) -> Void
    private var value: Value?
    override var isLogged: Bool { leavesRecord }
    private let leavesRecord: Bool

    init(
        isLogged: Bool = true, _ body: @escaping @Sendable (inout WriteTransaction) throws -> Value,
        answer: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        leavesRecord = isLogged
        self.body = body
        self.answer = answer
    }

    override func run(_ context: WriteContext) throws {
        value = nil
        // Undoing the body reserves no memory.
        defer { context.memory = nil }
        var transaction = WriteTransaction(context)
        value = try body(&transaction)
    }

    override func finish(_ outcome: Result<Void, any Error>) {
        let result = value
        // Release the value early: other jobs of the group may still run.
        value = nil
        switch (outcome, result) {
        case (.success, let result?): answer(.success(result))
        case (.failure(let error), _): answer(.failure(error))
        case (.success, nil):
            answer(.failure(CodexError(.commitFailed, "The write was answered before it ran.")))
        }
    }
}

/// A job that begins its transactions itself.
///
/// Sendable since the state of subclasses is constant and sendable; each must state it again.
class ExclusiveJob: WriteJob, @unchecked Sendable {
    final override var isExclusive: Bool { true }

    /// Does the job's work, outside of any transaction of the pipeline.
    func runAlone(_ core: StoreCore, _ pipeline: CommitPipeline) throws {
        preconditionFailure("A subclass runs")
    }
}

/// A change of the manifest.
final class ManifestJob: ExclusiveJob, @unchecked Sendable {
    private let body: @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool
    private let check: (@Sendable (WriteContext) throws(CodexError) -> Void)?
    private let afterCheckpoint: Bool
    private let answer: @Sendable (Result<Void, any Error>) -> Void

    init(
        _ body: @escaping @Sendable (inout Manifest, Transaction) throws(CodexError) -> Bool,
        if check: (@Sendable (WriteContext) throws(CodexError) -> Void)? = nil,
        afterCheckpoint: Bool = false,
        answer: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        self.body = body
        self.check = check
        self.afterCheckpoint = afterCheckpoint
        self.answer = answer
    }

    override func runAlone(_ core: StoreCore, _ pipeline: CommitPipeline) throws {
        if afterCheckpoint {
            do throws(CodexError) {
                try core.options.parts.perform(.checkpointBuild) { () throws(CodexError) in
                    try pipeline.checkpointer.checkpointNow()
                }
            } catch {
                throw StoreLease.refusal(before: error)
            }
        }
        try core.closeRetiredHandles()
        try ManifestEditor(pipeline).edit(body, if: check)
    }

    override func finish(_ outcome: Result<Void, any Error>) { answer(outcome) }
}

/// Pins the newest state for a checkpoint on the writer's thread.
///
/// The writer's thread holds the write lock most of the time. Another thread would wait long for
/// the lock.
final class PinJob: ExclusiveJob, @unchecked Sendable {
    private let answer: @Sendable (Result<PinnedState, any Error>) -> Void
    // Only the writer's thread touches it: the thread that runs a job answers it.
    private var pinned: PinnedState?

    init(answer: @escaping @Sendable (Result<PinnedState, any Error>) -> Void) {
        self.answer = answer
    }

    override func runAlone(_ core: StoreCore, _ pipeline: CommitPipeline) throws {
        try pipeline.beginRaw()
        defer { pipeline.abort() }
        pinned = try pipeline.checkpointer.pin(pipeline.context.transaction)
    }

    override func finish(_ outcome: Result<Void, any Error>) {
        switch (outcome, pinned) {
        case (.success, let pinned?): answer(.success(pinned))
        case (.failure(let error), _): answer(.failure(error))
        case (.success, nil): answer(.failure(StoreCore.closed))
        }
    }
}
