internal import CodexCore

/// The report of a recovery.
public struct RecoveryReport: Sendable, Hashable {
    /// The number of commits that were redone from the log.
    public var commitCount = 0
    /// The number of changes of items in these commits.
    public var changeCount = 0
    /// Whether the log ended in an incomplete record.
    ///
    /// It is a commit that was being written when the machine or the process stopped. It was never
    /// acknowledged, except with ``Durability/none`` or ``Durability/interval(losing:)``.
    public var foundTornRecord = false
    /// The duration of the recovery.
    public var duration = Duration.zero

    /// Creates the report of a recovery that had nothing to redo.
    public init() {}
}
