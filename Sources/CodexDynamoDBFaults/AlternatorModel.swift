public import CodexCore
public import CodexDynamoDB

/// A model of ScyllaDB's Alternator, for tests of programs that must run there.
///
/// It is built from Alternator's documentation, and was never compared with Alternator itself. It
/// shows what a program must expect of a service without transactions:
///
/// - Operations that Alternator does not have are refused, transactions and PartiQL among them. So
///   are indexes with several key attributes of one kind, which its releases before 2026.4 refuse.
/// - Queries and scans see global indexes as they were some time ago.
/// - The stream of a table has many shards. Changes appear in it some seconds late. The creation of
///   an item is named `MODIFY`, and a removal by the time to live is not marked.
///
/// ```swift
/// let service = try AlternatorModel(DynamoDBService(store))
/// ```
///
/// One model may stand for any number of nodes. It does not model what differs between nodes: each
/// write is isolated, and each node sees it at once. The settings of a table that Alternator
/// ignores work as in DynamoDB.
public final class AlternatorModel: DynamoDBResponder {
    /// What differs from DynamoDB by an amount.
    public struct Options: Sendable, Hashable {
        /// The age of global indexes, up to 10 seconds; zero is none.
        public var indexLag: Duration = .milliseconds(500)
        /// The time after which a change appears in the stream, up to a minute.
        ///
        /// It is 10 seconds in Alternator (`alternator_streams_time_window_s`).
        public var streamDelay: Duration = .seconds(10)
        /// The number of shards of a stream, 1 to 4096.
        ///
        /// Alternator has 256 for each processor of the cluster (`num_tokens`).
        public var streamShardCount = 256

        /// Creates the usual ones.
        public init() {}
    }

    private let service: FaultyDynamoDBService
    private let streams: StreamVariation

    /// The most shards of a stream.
    private static let shardCountMax = 4096
    /// The longest time after which a change appears.
    private static let streamDelayMax: Duration = .seconds(60)

    /// Wraps a service.
    ///
    /// - Parameters:
    ///   - service: The service.
    ///   - options: What differs by an amount.
    ///   - plan: Faults that the model shows, too.
    ///   - elapsed: The time since any fixed instant, for the age of indexes; `nil` is the time
    ///     since this call. Streams use the clock of the service.
    ///   - sleep: Waits for a latency to pass.
    /// - Throws: ``CodexError/Code/invalidArgument`` for options out of range, and with the path of
    ///   a wrong value of the plan.
    public init(
        _ service: DynamoDBService, options: Options = Options(),
        plan: FaultPlan = FaultPlan(rules: []), elapsed: (@Sendable () -> Duration)? = nil,
        sleep: @escaping @Sendable (Duration) async -> Void = {
            // A task that is cancelled goes on at once.
            try? await _Concurrency.Task.sleep(for: $0)
        }
    ) throws(CodexError) {
        guard (1...Self.shardCountMax).contains(options.streamShardCount),
            (Duration.zero...Self.streamDelayMax).contains(options.streamDelay),
            (Duration.zero...Duration.milliseconds(Fault.ageMax)).contains(options.indexLag)
        else {
            throw CodexError(
                .invalidArgument,
                "A model of Alternator has 1 to \(Self.shardCountMax) shards, a delay of streams "
                    + "up to 60 seconds, and a lag of indexes up to 10 seconds.")
        }
        var plan = plan
        let lag = Int((options.indexLag / Duration.milliseconds(1)).rounded(.up))
        if lag > 0 { plan.rules.append(FaultRule(.staleIndex(milliseconds: lag))) }
        self.service = try FaultyDynamoDBService(
            service, plan: plan, elapsed: elapsed, sleep: sleep)
        streams = StreamVariation(
            shardCount: options.streamShardCount, delay: options.streamDelay,
            source: "scylladb:alternator")
    }

    /// Performs a request, or refuses it as Alternator does.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, such as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory.
    /// - Returns: The response, also for an error.
    public func response(
        target: String?, body: [UInt8], budget: RequestBudget = RequestBudget()
    ) async -> DynamoDBResponse {
        if let refusal = Self.refusal(target, body, budget) { return refusal }
        var budget = budget
        budget.faults.streams = streams
        return await service.response(target: target, body: body, budget: budget)
    }

    // MARK: Refusals

    /// The operations that Alternator has: "ScyllaDB Alternator for DynamoDB users" in its manual,
    /// and the table of operations in `alternator/server.cc` of scylladb/scylladb.
    private static let operations: Set = [
        "BatchGetItem", "BatchWriteItem", "CreateTable", "DeleteItem", "DeleteTable",
        "DescribeContinuousBackups", "DescribeEndpoints", "DescribeStream", "DescribeTable",
        "DescribeTimeToLive", "GetItem", "GetRecords", "GetShardIterator", "ListStreams",
        "ListTables", "ListTagsOfResource", "PutItem", "Query", "Scan", "TagResource",
        "UntagResource", "UpdateItem", "UpdateTable", "UpdateTimeToLive",
    ]

    /// The answer to a request for what Alternator does not have; `nil` for other requests.
    ///
    /// The texts are those of `alternator/server.cc` and `alternator/executor.cc`.
    private static func refusal(
        _ target: String?, _ body: [UInt8], _ budget: RequestBudget
    ) -> DynamoDBResponse? {
        guard let operation = target?.split(separator: ".").last.map({ String($0) }) else {
            return nil
        }
        guard operations.contains(operation) else {
            return DynamoDBResponse.error(
                "UnknownOperationException", "Unsupported operation \(operation.abbreviated())")
        }
        let makesIndexes = operation == "CreateTable" || operation == "UpdateTable"
        if makesIndexes, RequestOutline(body, budget).hasCompositeIndexKey {
            return DynamoDBResponse.error(
                "ValidationException", "KeySchema must list exactly one or two key columns")
        }
        return nil
    }
}
