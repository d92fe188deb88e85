internal import CodexCore

/// The outcome of one commit of `claimNext`.
struct NextClaim: CommandOutcome {
    /// The task with the claim; `nil` if the commit found none.
    var task: CodexFlow.Task?
    /// Whether the commit changed the queue without a claim, or passed over damaged tasks, so that
    /// the next one may find more.
    var hasMore = false
    /// The damaged tasks that the next commit passes over.
    var passed: Set<CodexFlow.Task.ID> = []

    func stored(within byteCount: Int) throws -> AttributeValue? {
        try task.stored(within: byteCount)
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        Self(task: try Optional<CodexFlow.Task>.restored(value, context))
    }
}
