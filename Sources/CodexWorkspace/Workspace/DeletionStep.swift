internal import CodexCore
internal import FoundationEssentials

/// The outcome of one commit of a deletion that may take several.
///
/// Between two commits, another call may end the deletion, and the identifier may be given to a new
/// entity. So each commit after the first one compares the entity with that of the first one.
struct DeletionStep: CommandOutcome {
    /// What differs between an entity and a later one with its identifier.
    struct Origin: Sendable, Equatable {
        /// The number of a task.
        private let number: Int?
        private let createdAt: Date?

        init(_ task: CodexFlow.Task) { (number, createdAt) = (task.number, task.createdAt) }

        init(_ user: CodexFlow.User) { (number, createdAt) = (nil, user.createdAt) }
    }

    /// The entity that further commits must delete; `nil` if the deletion is done.
    let rest: Origin?

    /// The outcome of the last commit.
    static let done = Self(rest: nil)

    func stored(within byteCount: Int) throws -> AttributeValue? { .bool(rest == nil) }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        // A commit that others follow is not stored.
        guard try Bool.restored(value, context) else { throw damaged }
        return done
    }
}

extension CodexFlow.Workspace {
    /// Runs a deletion in as many commits as it needs; see ``run(_:reading:isComplete:_:)``.
    ///
    /// - Parameters:
    ///   - call: The command with its arguments.
    ///   - known: What each commit is known to read.
    ///   - decide: The decision of a commit. It gets the entity that the first commit began to
    ///     delete; `nil` is the first commit.
    /// - Throws: As ``run(_:reading:isComplete:_:)``; `CancellationError` between commits.
    func runDeletion(
        _ call: @autoclosure () throws -> CommandCall, reading known: KnownReads,
        _ decide:
            @escaping @Sendable (CodexFlow.DecisionContext, DeletionStep.Origin?) throws ->
            DeletionStep
    ) async throws {
        var origin: DeletionStep.Origin?
        repeat {
            try _Concurrency.Task.checkCancellation()
            let begun = origin
            let step = try await run(
                try call(), reading: known,
                isComplete: { (step: DeletionStep) in step.rest == nil }
            ) { context in
                try decide(context, begun)
            }
            origin = step.rest
        } while origin != nil
    }
}
