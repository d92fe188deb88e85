internal import CodexCore

/// The outcome of a renewal of a claim.
struct Renewal: CommandOutcome {
    /// The claim with its new end; `nil` if the commit ended the claim instead.
    let claim: CodexFlow.Task.Claim?
    /// The error that the command throws after its commit.
    let refusal: CodexError?

    /// Creates the outcome of a claim that was renewed.
    init(claim: CodexFlow.Task.Claim) { (self.claim, refusal) = (claim, nil) }

    /// Creates the outcome of a claim that was ended.
    init(refusal: CodexError) { (claim, self.refusal) = (nil, refusal) }

    func stored(within byteCount: Int) throws -> AttributeValue? {
        try claim.stored(within: byteCount)
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        Self(claim: try CodexFlow.Task.Claim.restored(value, context))
    }
}
