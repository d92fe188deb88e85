/// A difference from what DynamoDB's documentation says, of a service or of a store in this
/// process, that a suite takes into account.
///
/// "Differences between services" in Docs/Remote.md has each of them in a table.
public enum ServiceDifference: String, Sendable, CaseIterable {
    /// Queries of indexes see all completed writes.
    case presentIndexes
    /// An index has no key of several attributes of a kind.
    case singleIndexKeys
    /// The token of a list of actions has no effect.
    case ignoredTokens
    /// Lists of actions that are performed at the same time may undo each other.
    case sharedTransactions
    /// Lists of actions are refused, and with them a workspace.
    case noTransactions
    /// A change appears in the stream ten seconds after the write.
    case lateStreams
    /// A commit has any number of writes.
    case unlimitedCommits
    /// Rules see items that were stored without the services.
    case visibleItems
    /// A worker gets the first task of the queue.
    case strictQueue

    /// Those of a store in this process.
    public static let ofStore: Set<Self> = [
        .presentIndexes, .unlimitedCommits, .visibleItems, .strictQueue,
    ]

    /// Those of services, by the beginning of their names; the first fitting one counts.
    private static let ofServices: [(name: String, differences: Set<Self>)] = [
        ("moto", [.presentIndexes, .singleIndexKeys, .ignoredTokens, .sharedTransactions]),
        ("ministack", [.presentIndexes, .singleIndexKeys]),
        ("model of Alternator", [.singleIndexKeys, .noTransactions, .lateStreams]),
        // Its plan of faults has stale indexes.
        ("codexflow with faults", []),
        ("codexflow", [.presentIndexes]),
    ]

    /// Those of a service that a suite reaches by its address; a service of another name is taken
    /// for DynamoDB.
    ///
    /// - Parameter name: The name, which may have a version: `moto 5.2.5`.
    /// - Returns: The differences.
    public static func ofService(_ name: String) -> Set<Self> {
        ofServices.first { name.hasPrefix($0.name) }?.differences ?? []
    }
}
