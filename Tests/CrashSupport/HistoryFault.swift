/// Mistakes of a program that writes histories, as if the store had made them, to show that the
/// checker finds them.
package enum HistoryFault: String, Sendable, CaseIterable {
    /// The body of a write reads from a snapshot that was taken before, and stores whole lists.
    case oldSnapshot
    /// An update on condition of a version is made without the condition.
    case noCondition
    /// A list of actions that is sent again has no token.
    case noToken
    /// A snapshot of several keys is one snapshot for each.
    case tornSnapshot
    /// A read of one key is answered with what the process read before.
    case staleRead
    /// A write is acknowledged, and one in 50 was not made.
    case lostWrite
    /// A write that appends to several keys is two transactions.
    case halfWrite
    /// The store does not append commits to its log, and its processes are killed.
    case noLog
}
