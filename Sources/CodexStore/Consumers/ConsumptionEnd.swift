internal import CodexCore

/// When a consumer's call ends by itself.
public struct ConsumptionEnd: Sendable, Hashable {
    private enum Kind: Hashable {
        case cancelled, caughtUp
    }

    private let kind: Kind

    /// Never: the call waits for new commits until its task is cancelled.
    public static let cancelled = ConsumptionEnd(kind: .cancelled)
    /// Once the changes of all commits that existed at the call's start are done.
    public static let caughtUp = ConsumptionEnd(kind: .caughtUp)

    /// The last commit whose changes must be done; `nil` if there is no end.
    func commit(in core: StoreCore) throws(CodexError) -> UInt64? {
        switch kind {
        case .cancelled: nil
        case .caughtUp: try core.appliedState().position.sequence
        }
    }
}
