import CodexCore
@testable import CodexStore

// What is not a part of the store's interface: checkpoints on demand, and background work.

extension Store {
    /// Makes a checkpoint of the newest state, on the writer's thread.
    func makeCheckpoint() throws {
        try requireOwnWriter().wait { CheckpointJob(answer: $0) }
    }

    /// Whether an index is to be built or emptied, by this process or another.
    var hasBuildWork: Bool {
        guard builder != nil else { return false }
        let core = core
        let catalog = try? core.whileOpen { () throws(CodexError) in try core.refreshCatalog() }
        return catalog?.hasWork ?? false
    }

    /// Lets the builder look for work at once.
    func wakeBuilder() { builder?.schedule.wake() }

    /// Whether no checkpoint is due or under way in this process.
    var isQuiet: Bool {
        guard let checkpointer = parts?.checkpointer else { return true }
        return checkpointer.state.withLock { state in
            state.isStopped || !state.isRequested && state.openCount == 0
        }
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
