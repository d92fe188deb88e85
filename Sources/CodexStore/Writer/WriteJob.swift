internal import CodexCore
internal import Synchronization

/// A write that waits for the writer, runs there, and is answered after the commit.
///
/// Sendable in spite of its state: `phase` is behind a lock, and what subclasses keep is touched
/// by whoever moved the phase: the writer's thread once it is running, the canceller before.
class WriteJob: @unchecked Sendable {
    private enum Phase {
        case waiting
        case running
        case finished
    }

    private let phase = Locked(Phase.waiting)

    /// Claims the job for running; `false` if it was cancelled meanwhile.
    final func start() -> Bool {
        phase.withLock { phase in
            guard phase == .waiting else { return false }
            phase = .running
            return true
        }
    }

    /// Answers with `cancelled` if the job still waits.
    final func cancel() -> Bool {
        let isCancelled = phase.withLock { phase in
            guard phase == .waiting else { return false }
            phase = .finished
            return true
        }
        if isCancelled {
            finish(
                .failure(
                    CodexError(
                        .cancelled, "The task was cancelled before its write began.")))
        }
        return isCancelled
    }

    /// Does the job's work in the open transaction.
    ///
    /// May be called again after an abort.
    func run(_ context: WriteContext) throws { preconditionFailure("A subclass runs") }

    /// Answers the caller: the commit's outcome.
    ///
    /// Called exactly once.
    func finish(_ outcome: Result<Void, any Error>) { preconditionFailure("A subclass answers") }
}

/// The job of a closure with a result.
final class ClosureJob<Value: Sendable>: WriteJob, @unchecked Sendable {
    private let body: @Sendable (inout WriteTransaction) throws -> Value
    private let answer: @Sendable (Result<Value, any Error>) -> Void
    private var value: Value?

    init(
        _ body: @escaping @Sendable (inout WriteTransaction) throws -> Value,
        answer: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        self.body = body
        self.answer = answer
    }

    override func run(_ context: WriteContext) throws {
        value = nil
        var transaction = WriteTransaction(context)
        value = try body(&transaction)
    }

    override func finish(_ outcome: Result<Void, any Error>) {
        switch (outcome, value) {
        case (.success, let value?): answer(.success(value))
        case (.failure(let error), _): answer(.failure(error))
        case (.success, nil):
            answer(.failure(CodexError(.commitFailed, "The write was answered before it ran.")))
        }
    }
}
