internal import CodexCore
internal import CodexDynamoDB
internal import CodexStore
internal import CodexTesting
internal import Synchronization

extension FuzzTarget {
    /// Requests end to end, one after another over a store: each has an answer of DynamoDB's, and
    /// the store stays sound.
    static let requests = FuzzTarget(
        "requests", words: RequestFuzzing.words, seeds: RequestFuzzing.seeds,
        check: RequestFuzzing.check)
}

private enum RequestFuzzing {
    /// Most requests of one input.
    private static let requestCountMax = 8

    private static let reads: Set<String> = [
        "GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable",
        "ListTables", "DescribeTimeToLive", "ListTagsOfResource", "DescribeLimits",
        "DescribeEndpoints", "DescribeContinuousBackups", "ListStreams", "DescribeStream",
        "GetShardIterator", "GetRecords",
    ]

    private static let errorTypes: Set<String> = [
        "AccessDeniedException", "ConditionalCheckFailedException", "ExpiredIteratorException",
        "IdempotentParameterMismatchException", "LimitExceededException",
        "ResourceInUseException", "ResourceNotFoundException", "SerializationException",
        "ThrottlingException", "TransactionCanceledException", "TrimmedDataAccessException",
        "UnknownOperationException", "ValidationException",
    ]

    static let words =
        [
            "DynamoDB_20120810.", "DynamoDBStreams_20120810.", "PutItem\n", "UpdateItem\n",
            "DeleteItem\n", "BatchWriteItem\n", "TransactWriteItems\n", "CreateTable\n",
            "UpdateTable\n", "DeleteTable\n", "UpdateTimeToLive\n", "TagResource\n",
            "UntagResource\n", "\"TableName\":\"t\"", "\"Item\":", "\"Key\":",
            "\"ExpressionAttributeNames\":", "\"ExpressionAttributeValues\":",
            "\"ConditionExpression\":", "\"UpdateExpression\":", "\"FilterExpression\":",
            "\"KeyConditionExpression\":", "\"ProjectionExpression\":", "\"IndexName\":\"byS\"",
            "\"Limit\":", "\"ExclusiveStartKey\":", "\"ReturnValues\":\"ALL_NEW\"",
            "\"ConsistentRead\":true", "\"Select\":\"COUNT\"", "\"ScanIndexForward\":false",
            "\"TotalSegments\":", "\"Segment\":", "\"ClientRequestToken\":",
            "\"ReturnConsumedCapacity\":\"INDEXES\"", "{\"S\":\"a\"}", "{\"N\":\"1\"}",
        ] + reads.sorted().map { $0 + "\n" }

    static func seeds() -> [[UInt8]] {
        RequestSeeds.all.map { sequence in
            Array(sequence.map { target($0) + $0 }.joined(separator: "\u{0}").utf8)
        }
    }

    /// What is before the operation's name in the header.
    private static func target(_ request: String) -> String {
        let ofStreams = ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"]
        return ofStreams.contains { request.hasPrefix($0 + "\n") }
            ? "DynamoDBStreams_20120810." : "DynamoDB_20120810."
    }

    // MARK: The store

    /// A store with a table and some items, as each input finds it.
    private final class Fixture: Sendable {
        let temporary: TemporaryStore

        init() throws {
            var options = StoreOptions(durability: .none)
            options.mapByteCount = 1 << 30
            options.sweepInterval = nil
            options.checkpoints.interval = .seconds(3600)
            temporary = try TemporaryStore(schema: Schema(tables: []), options: options)
            let service = DynamoDBService(temporary.store)
            for request in RequestSeeds.fixture {
                let response = RequestFuzzing.answer(
                    service, Array((RequestFuzzing.target(request) + request).utf8)[...])
                require(
                    response.status == 200,
                    "the fixture is made: \(String(decoding: response.body, as: UTF8.self))")
            }
        }
    }

    /// The store that no input has changed yet.
    private static let unchanged = Mutex<Fixture?>(nil)

    /// Waits for the response: libFuzzer's function is not asynchronous.
    private static func answer(
        _ service: DynamoDBService, _ request: ArraySlice<UInt8>
    ) -> DynamoDBResponse {
        let parts = request.split(
            separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        let target = String(decoding: parts[0], as: UTF8.self)
        let body = parts.count == 2 ? Array(parts[1]) : []
        return mustSucceed("a request is answered") {
            try waiting { await service.response(target: target, body: body) }
        }
    }

    // MARK: Checks

    static func check(_ bytes: [UInt8]) {
        let fixture = unchanged.withLock { kept in
            defer { kept = nil }
            return kept
        }
        let store = fixture ?? mustSucceed("a store is made") { try Fixture() }
        let service = DynamoDBService(store.temporary.store)
        var hasChanged = false
        let requests = bytes.split(separator: 0, maxSplits: requestCountMax - 1)
        for request in requests {
            let response = answer(service, request)
            let operation = String(
                decoding: request.prefix { $0 != UInt8(ascii: "\n") }
                    .drop { $0 != UInt8(ascii: ".") }.dropFirst(), as: UTF8.self)
            check(response, operation)
            hasChanged = hasChanged || response.status == 200 && !reads.contains(operation)
        }
        if hasChanged {
            let report = mustSucceed("a changed store is verified") {
                try store.temporary.store.verify()
            }
            require(report.isSound, "a changed store is sound: \(report)")
        } else {
            unchanged.withLock { $0 = store }
        }
    }

    private static func check(_ response: DynamoDBResponse, _ operation: String) {
        let text = String(decoding: response.body, as: UTF8.self)
        let node = mustSucceed("a response is JSON: \(text)") { try JSONNode.parse(response.body) }
        guard case .object(let members) = node else {
            return require(false, "\(text) is an object")
        }
        guard response.status != 200 else { return }
        require(response.status == 400, "\(operation): no request fails in the service: \(text)")
        guard case .string(let type)? = members.first(where: { $0.name == "__type" })?.value else {
            return require(false, "\(text) has a type")
        }
        let name = type.split(separator: "#").last.map { String($0) } ?? ""
        require(errorTypes.contains(name), "\(type) is a type of DynamoDB's")
    }
}
