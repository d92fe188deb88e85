internal import CodexCore

/// What a recovery found and did.
public struct RecoveryReport: Sendable, Hashable {
    /// The commits that were redone from the log.
    public var commitCount = 0
    /// The changes of items among them.
    public var changeCount = 0
    /// Whether the log ended in a record that is not whole: a commit that was being written when
    /// the machine or the process stopped, and was never acknowledged (but with
    /// ``Durability/none`` or ``Durability/interval(losing:)``).
    public var foundTornRecord = false
    /// How long the recovery took.
    public var duration = Duration.zero

    /// Creates the report of a recovery that had nothing to redo.
    public init() {}
}
