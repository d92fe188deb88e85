/// A deviation from what DynamoDB's service usually answers, which programs must expect.
///
/// A fault never changes what a request stores. No request succeeds that would fail without it,
/// except one that names a shard which ``splitStream(shardCount:)`` made.
public enum Fault: Sendable, Hashable {
    /// The request is refused for its rate, and changes nothing.
    ///
    /// `nil` is the exception that DynamoDB gives: `ProvisionedThroughputExceededException` for a
    /// table with provisioned throughput, and `ThrottlingException` for others. A transaction is
    /// then cancelled, with the reason at one of its actions.
    case throttle(Throttling?)
    /// The request gets an `InternalServerError` with status 500.
    ///
    /// The client cannot know whether the request was performed.
    case internalError(Outcome)
    /// Another transaction works on an item, so the request is refused, and changes nothing.
    ///
    /// A write gets a `TransactionConflictException`. A transaction is cancelled, with the reason
    /// `TransactionConflict` at one of its actions.
    case transactionConflict
    /// The answer comes later, by a time from the range, up to a minute.
    case latency(milliseconds: ClosedRange<Int>)
    /// A query or scan sees global indexes as they were so long ago, up to 10 seconds.
    ///
    /// It misses the writes of the last time. At the latest after this time it sees a write; at the
    /// earliest after seven eighths of it. Only writes through the same service are late.
    case staleIndex(milliseconds: Int)
    /// A share of a batch stays unprocessed: at least one element, and never all.
    ///
    /// The share is above 0 and at most 1. A batch of one element is not changed.
    case unprocessed(share: Double)
    /// Some records of a stream come a second time in the same answer.
    ///
    /// The answer may then have more records than the request's `Limit`.
    case duplicateRecords
    /// A stream has so many shards, up to 1000, in place of one.
    ///
    /// Each partition of the table belongs to one of them, so a shard has all changes of its items.
    /// The shards have no parents and do not end before the stream. A service with another number
    /// of them does not know these shards.
    case splitStream(shardCount: Int)

    /// The exceptions of a request that is refused for its rate.
    public enum Throttling: String, Sendable, Hashable, CaseIterable {
        /// The table's provisioned throughput is exceeded.
        case provisionedThroughput = "ProvisionedThroughputExceededException"
        /// The rate of requests is too high.
        case rate = "ThrottlingException"
        /// The throughput of the account is exceeded.
        case account = "RequestLimitExceeded"
    }

    /// Whether a request whose answer is an error was performed.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// It was not performed.
        case before
        /// It was performed.
        case after
        /// Chance decides.
        case either
    }
}

extension Fault {
    /// The longest latency, in milliseconds.
    static let latencyMax = 60_000
    /// The highest age of an index, in milliseconds.
    ///
    /// For that time, the store's file grows by the pages that writes replace.
    static let ageMax = 10_000
    /// The share of a batch without a stated share.
    static let usualShare = 0.5

    /// The most shards of a stream.
    static let shardCountMax = 1000

    /// The name in JSON.
    var name: String {
        switch self {
        case .throttle: "throttle"
        case .internalError: "internalError"
        case .transactionConflict: "transactionConflict"
        case .latency: "latency"
        case .staleIndex: "staleIndex"
        case .unprocessed: "unprocessed"
        case .duplicateRecords: "duplicateRecords"
        case .splitStream: "splitStream"
        }
    }

    static let names = [
        "throttle", "internalError", "transactionConflict", "latency", "staleIndex",
        "unprocessed", "duplicateRecords", "splitStream",
    ]

    /// The operations to which the fault applies; `nil` is all.
    var operations: Set<String>? {
        switch self {
        case .throttle, .internalError, .latency: nil
        case .transactionConflict:
            [
                "PutItem", "UpdateItem", "DeleteItem", "TransactGetItems", "TransactWriteItems",
                "ExecuteTransaction",
            ]
        case .staleIndex: ["Query", "Scan", "ExecuteStatement"]
        case .unprocessed: ["BatchGetItem", "BatchWriteItem"]
        case .duplicateRecords: ["GetRecords"]
        case .splitStream: ["DescribeStream", "GetShardIterator", "GetRecords"]
        }
    }
}
