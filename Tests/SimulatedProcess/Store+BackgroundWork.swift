import CodexCore
import Dispatch
import Synchronization

@testable import CodexStore

// What is not a part of the store's interface: checkpoints on demand, groups of writes, background
// work, and a consumer's reading that ends.

extension Store {
    /// Makes a checkpoint of the newest state, on the writer's thread.
    func makeCheckpoint() throws {
        try requireOwnWriter().wait { CheckpointJob(answer: $0) }
    }

    /// Whether no checkpoint is due or under way in this process.
    var isQuiet: Bool {
        guard let checkpointer = parts?.checkpointer else { return true }
        return checkpointer.state.withLock { state in
            state.isStopped || !state.isRequested && state.openCount == 0
        }
    }

    /// Calls a body with the changes after a consumer's checkpoint, up to the newest commit.
    ///
    /// It begins at the stored position in the log, as the loops of consumers do.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - view: The images that the changes have.
    ///   - start: Gets the checkpoint.
    ///   - body: Gets each change. An error that it throws ends the reading.
    /// - Throws: The errors of reading, and of `body`.
    func catchUp(
        consumer: String, view: StreamView, after start: inout SequenceNumber,
        _ body: (ChangeRecord) throws -> Void
    ) throws {
        let state = try core.withReadContext { try ConsumerReads($0).consumer(consumer) }
        start = state.sequenceNumber
        let reader = ChangeReader(core, from: state.startingPoint, view, state.filter)
        repeat {
            for change in try reader.read(1000) { try body(change) }
        } while reader.endID == nil
    }

    /// Runs writes as one group of the writer.
    ///
    /// A job holds the writer until all of them wait. An exclusive job ends its group, so that they
    /// come together after it.
    ///
    /// - Returns: For each body its result, or what the write failed with.
    func writeTogether(
        _ bodies: [@Sendable (inout WriteTransaction) throws -> Bool]
    ) throws -> [Result<Bool, any Error>] {
        let writer = try requireWriter()
        let answers = GroupAnswers(count: bodies.count)
        let isComplete = DispatchSemaphore(value: 0)
        writer.submit(HoldingJob(until: isComplete))
        for (place, body) in bodies.enumerated() {
            writer.submit(ClosureJob(body) { answers.set($0, at: place) })
        }
        isComplete.signal()
        return answers.wait()
    }
}

/// Holds the writer.
///
/// Sendable since the semaphore is.
private final class HoldingJob: ExclusiveJob, @unchecked Sendable {
    private let end: DispatchSemaphore

    init(until end: DispatchSemaphore) { self.end = end }

    override func runAlone(_ core: StoreCore, _ pipeline: CommitPipeline) throws { end.wait() }

    override func finish(_ outcome: Result<Void, any Error>) {}
}

/// The answers of a group of writes.
private final class GroupAnswers: Sendable {
    private let count: Int
    private let answers: Mutex<[Result<Bool, any Error>?]>
    private let isSet = DispatchSemaphore(value: 0)

    init(count: Int) {
        self.count = count
        answers = Mutex(Array(repeating: nil, count: count))
    }

    func set(_ answer: Result<Bool, any Error>, at place: Int) {
        answers.withLock { $0[place] = answer }
        isSet.signal()
    }

    /// Waits for all answers.
    func wait() -> [Result<Bool, any Error>] {
        for _ in 0..<count { isSet.wait() }
        return answers.withLock { $0.compactMap { $0 } }
    }
}

/// Makes a checkpoint.
///
/// Sendable since the answer is.
private final class CheckpointJob: ExclusiveJob, @unchecked Sendable {
    private let answer: @Sendable (Result<Void, any Error>) -> Void

    init(answer: @escaping @Sendable (Result<Void, any Error>) -> Void) { self.answer = answer }

    override func runAlone(_ core: StoreCore, _ pipeline: CommitPipeline) throws {
        try pipeline.checkpointer.checkpointNow()
    }

    override func finish(_ outcome: Result<Void, any Error>) { answer(outcome) }
}
