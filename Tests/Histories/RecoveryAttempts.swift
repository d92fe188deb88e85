/// Counts the starts of processes that a store accepted no write of, one after the other.
///
/// A store that never works again would otherwise be opened for ever.
package struct RecoveryAttempts: Sendable {
    /// The number of attempts without a write after which a store counts as lost.
    package static let countMax = 20

    private var count = 0

    package init() {}

    /// Counts an attempt that failed.
    ///
    /// - Parameter text: How it failed.
    /// - Returns: A finding, if too many attempts have failed since the last write.
    package mutating func add(_ text: String) -> Finding? {
        count += 1
        guard count > Self.countMax else { return nil }
        return Finding(
            .noRecovery, operations: [],
            "the store does not recover: no write in \(count) attempts, the last one: \(text)")
    }

    /// Records that the store accepted a write.
    package mutating func noteWrite() { count = 0 }
}
