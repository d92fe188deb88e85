internal import CodexCore
internal import CodexDynamoDB
internal import CodexStore
internal import CodexTesting
internal import Synchronization

extension FuzzTarget {
    /// Requests end to end, one after another on a store: each has a response in DynamoDB's form,
    /// and the store stays sound.
    static let requests = FuzzTarget(
        "requests", words: RequestFuzzing.words, seeds: RequestFuzzing.seeds,
        check: RequestFuzzing.check)
}

/// Requests on a store that each input finds in the same state.
enum RequestFuzzing {
    /// The maximum number of requests in one input.
    private static let requestCountMax = 8

    private static let reads = [
        "GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable",
        "ListTables", "DescribeTimeToLive", "ListTagsOfResource", "DescribeLimits",
        "DescribeEndpoints", "DescribeContinuousBackups", "ListStreams", "DescribeStream",
        "GetShardIterator", "GetRecords",
    ]

    private static let errorTypes: Set<String> = [
        "AccessDeniedException", "ConditionalCheckFailedException", "DuplicateItemException",
        "ExpiredIteratorException",
        "IdempotentParameterMismatchException", "LimitExceededException",
        "ResourceInUseException", "ResourceNotFoundException", "SerializationException",
        "TableNotFoundException", "ThrottlingException", "TransactionCanceledException",
        "TrimmedDataAccessException", "UnknownOperationException", "ValidationException",
    ]

    private static let others: [String] = [
        "DynamoDB_20120810.", "DynamoDBStreams_20120810.", "PutItem\n", "UpdateItem\n",
        "DeleteItem\n", "BatchWriteItem\n", "TransactWriteItems\n", "CreateTable\n",
        "UpdateTable\n", "DeleteTable\n", "UpdateTimeToLive\n", "TagResource\n",
        "UntagResource\n", "UpdateContinuousBackups\n", "\"TableName\":\"tab\"", "\"Item\":",
        "\"Key\":",
        "\"ExpressionAttributeNames\":", "\"ExpressionAttributeValues\":",
        "\"ConditionExpression\":", "\"UpdateExpression\":", "\"FilterExpression\":",
        "\"KeyConditionExpression\":", "\"ProjectionExpression\":", "\"IndexName\":\"byS\"",
        "\"Limit\":", "\"ExclusiveStartKey\":", "\"ReturnValues\":\"ALL_NEW\"",
        "\"ConsistentRead\":true", "\"Select\":\"COUNT\"", "\"ScanIndexForward\":false",
        "\"TotalSegments\":", "\"Segment\":", "\"ClientRequestToken\":",
        "\"ReturnConsumedCapacity\":\"INDEXES\"", "{\"S\":\"a\"}", "{\"N\":\"1\"}",
    ]

    static let words: [String] = others + reads.map { $0 + "\n" }

    static func seeds() -> [[UInt8]] {
        RequestSeeds.all.map { sequence in
            Array(sequence.map { target($0) + $0 }.joined(separator: "\u{0}").utf8)
        }
    }

    /// The part of the header before the operation's name.
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
            let service = RequestFuzzing.makeService(temporary.store)
            for request in RequestSeeds.fixture {
                let bytes = Array((RequestFuzzing.target(request) + request).utf8)
                let response = RequestFuzzing.answer(service, bytes[...])
                require(
                    response.status == 200,
                    "the fixture is made: \(String(decoding: response.body, as: UTF8.self))")
            }
        }
    }

    /// The store that no input has changed yet.
    private static let unchanged = Mutex<Fixture?>(nil)

    /// A service with a fixed time, which is a part of the names of streams and shards.
    private static func makeService(_ store: Store) -> DynamoDBService {
        DynamoDBService(store, now: { SampleTime.date })
    }

    /// The number of the last commit.
    private static func sequence(of store: Store) -> UInt64 {
        mustSucceed("a store has figures") { try store.stats().sequence }
    }

    /// Waits for the response: libFuzzer's function is not asynchronous.
    static func answer(
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
        onStore { service in
            for request in bytes.split(separator: 0, maxSplits: requestCountMax - 1) {
                let target = request.prefix { $0 != UInt8(ascii: "\n") }
                check(answer(service, request), String(decoding: target, as: UTF8.self))
            }
        }
    }

    /// Runs `body` with a service over the store, and checks the store if it was changed.
    static func onStore(_ body: (DynamoDBService) -> Void) {
        let kept = unchanged.withLock { kept -> Fixture? in
            defer { kept = nil }
            return kept
        }
        let fixture = kept ?? mustSucceed("a store is made") { try Fixture() }
        let store = fixture.temporary.store
        let before = sequence(of: store)
        body(makeService(store))
        if sequence(of: store) == before {
            unchanged.withLock { $0 = fixture }
        } else {
            // The fixture closes the store when it is released.
            withExtendedLifetime(fixture) { checkSound(store) }
        }
    }

    private static func checkSound(_ store: Store) {
        let report = mustSucceed("a changed store is verified") { try store.verify() }
        // An index may be added after an item that it cannot have: the report then lists the item.
        let differences = report.differences.filter { $0.kind != .unindexableItem }
        require(differences.isEmpty, "a changed store is sound: \(differences)")
    }

    /// Checks the form of a response.
    static func check(_ response: DynamoDBResponse, _ target: String) {
        let text = String(decoding: response.body, as: UTF8.self)
        let node = mustSucceed("a response is JSON: \(text)") {
            try JSONNode.parse(response.body, depthMax: 128)
        }
        guard case .object(let members) = node else {
            return require(false, "\(text) is an object")
        }
        guard response.status != 200 else { return }
        // The disk has room, so no request has a reason for InternalServerError.
        require(response.status == 400, "\(target): no request fails in the service: \(text)")
        guard case .string(let type)? = members.first(where: { $0.name == "__type" })?.value else {
            return require(false, "\(text) has a type")
        }
        let name = type.split(separator: "#").last.map { String($0) } ?? ""
        require(errorTypes.contains(name), "\(type) is a type of DynamoDB's")
    }
}
