internal import CodexCore
public import CodexStore
public import FoundationEssentials

/// An answer of DynamoDB's API.
public struct DynamoDBResponse: Sendable, Hashable {
    /// The HTTP status.
    public let status: Int
    /// The body: JSON.
    public let body: [UInt8]

    /// Creates an answer.
    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// DynamoDB's API (`DynamoDB_20120810` and `DynamoDBStreams_20120810`, JSON 1.0) over a store: what a request's
/// target and body ask for, in the store's tables.
///
/// ```swift
/// let service = DynamoDBService(store)
/// let response = await service.response(
///     target: "DynamoDB_20120810.ListTables", body: Array("{}".utf8))
/// ```
///
/// Transport, authentication and limits of the transport are a server's (`codexflow serve`). Errors are DynamoDB's,
/// by type; whatever is in the request, nothing traps, and a request that fails changes nothing.
///
/// May be used by any number of tasks.
public final class DynamoDBService: Sendable {
    let store: Store
    let region: String
    let account: String
    let endpoint: String
    let now: @Sendable () -> Date
    let cursors = StreamCursors()

    /// Serves a store, which stays the caller's to close.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - region: The region that ARNs name; clients may be of any.
    ///   - account: The account that ARNs name; clients may be of any.
    ///   - endpoint: Host and port that `DescribeEndpoints` names.
    ///   - now: The clock, for the times of tables and streams and the 15 minutes of shard iterators.
    public init(
        _ store: Store, region: String = "us-east-1", account: String = "000000000000",
        endpoint: String = "localhost:8000", now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.region = region
        self.account = account
        self.endpoint = endpoint
        self.now = now
    }

    /// Does what a request asks for.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    /// - Returns: The answer, an error's too.
    public func response(target: String?, body: [UInt8]) async -> DynamoDBResponse {
        do {
            guard let operation = target.flatMap(Self.operation) else {
                throw ServiceError(
                    "UnknownOperationException",
                    "The operation is not known: \(target.map { String($0.prefix(80)) } ?? "no X-Amz-Target")."
                )
            }
            return DynamoDBResponse(
                status: 200, body: try await operation(self)(try RequestParameters(body)).bytes)
        } catch {
            let failure = ServiceError(error)
            return DynamoDBResponse(status: failure.status, body: failure.body)
        }
    }

    private typealias Operation = (DynamoDBService) -> (RequestParameters) async throws ->
        JSONWriter

    private static func operation(_ target: String) -> Operation? {
        let parts = target.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        switch (parts[0], parts[1]) {
        case ("DynamoDB_20120810", "GetItem"): return DynamoDBService.getItem
        case ("DynamoDB_20120810", "PutItem"): return DynamoDBService.putItem
        case ("DynamoDB_20120810", "UpdateItem"): return DynamoDBService.updateItem
        case ("DynamoDB_20120810", "DeleteItem"): return DynamoDBService.deleteItem
        case ("DynamoDB_20120810", "Query"): return DynamoDBService.query
        case ("DynamoDB_20120810", "Scan"): return DynamoDBService.scan
        case ("DynamoDB_20120810", "BatchGetItem"): return DynamoDBService.batchGetItem
        case ("DynamoDB_20120810", "BatchWriteItem"): return DynamoDBService.batchWriteItem
        case ("DynamoDB_20120810", "TransactGetItems"): return DynamoDBService.transactGetItems
        case ("DynamoDB_20120810", "TransactWriteItems"): return DynamoDBService.transactWriteItems
        case ("DynamoDB_20120810", "CreateTable"): return DynamoDBService.createTable
        case ("DynamoDB_20120810", "DescribeTable"): return DynamoDBService.describeTable
        case ("DynamoDB_20120810", "UpdateTable"): return DynamoDBService.updateTable
        case ("DynamoDB_20120810", "DeleteTable"): return DynamoDBService.deleteTable
        case ("DynamoDB_20120810", "ListTables"): return DynamoDBService.listTables
        case ("DynamoDB_20120810", "UpdateTimeToLive"): return DynamoDBService.updateTimeToLive
        case ("DynamoDB_20120810", "DescribeTimeToLive"): return DynamoDBService.describeTimeToLive
        case ("DynamoDB_20120810", "TagResource"): return DynamoDBService.tagResource
        case ("DynamoDB_20120810", "UntagResource"): return DynamoDBService.untagResource
        case ("DynamoDB_20120810", "ListTagsOfResource"): return DynamoDBService.listTagsOfResource
        case ("DynamoDB_20120810", "DescribeLimits"): return DynamoDBService.describeLimits
        case ("DynamoDB_20120810", "DescribeEndpoints"): return DynamoDBService.describeEndpoints
        case ("DynamoDB_20120810", "DescribeContinuousBackups"):
            return DynamoDBService.describeContinuousBackups
        case ("DynamoDBStreams_20120810", "ListStreams"): return DynamoDBService.listStreams
        case ("DynamoDBStreams_20120810", "DescribeStream"): return DynamoDBService.describeStream
        case ("DynamoDBStreams_20120810", "GetShardIterator"):
            return DynamoDBService.getShardIterator
        case ("DynamoDBStreams_20120810", "GetRecords"): return DynamoDBService.getRecords
        default: return nil
        }
    }

    // MARK: Tables

    /// A table's definition.
    ///
    /// - Throws: `ResourceNotFoundException`.
    func definition(_ name: String) throws -> TableDefinition {
        if let table = known(name) { return table }
        // Another process may have added it.
        try store.read { _ in }
        guard let table = known(name) else { throw ServiceError.tableNotFound }
        return table
    }

    private func known(_ name: String) -> TableDefinition? {
        guard name != TableRecord.tableName else { return nil }
        return store.schema.tables.first { $0.name == name }
    }

    /// The tables that clients see, by name.
    func allTables() throws -> [TableDefinition] {
        try store.read { _ in }
        return store.schema.tables.filter { $0.name != TableRecord.tableName }
            .sorted { $0.name < $1.name }
    }
}
