internal import CodexCore
public import CodexStore
internal import FoundationEssentials

/// An answer of DynamoDB's API.
public struct DynamoDBAnswer: Sendable, Hashable {
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
/// let answer = await service.answer(target: "DynamoDB_20120810.ListTables", body: Array("{}".utf8))
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
    let pages = StreamPages()

    /// Serves a store, which stays the caller's to close.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - region: The region that ARNs name.
    ///   - account: The account that ARNs name.
    public init(_ store: Store, region: String = "us-east-1", account: String = "000000000000") {
        self.store = store
        self.region = region
        self.account = account
    }

    /// Does what a request asks for.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    /// - Returns: The answer, an error's too.
    public func answer(target: String?, body: [UInt8]) async -> DynamoDBAnswer {
        do {
            guard let operation = target.flatMap(Self.operation) else {
                throw Failure("UnknownOperationException", "The operation is not known.")
            }
            return DynamoDBAnswer(
                status: 200, body: try await operation(self)(try Input(body)).bytes)
        } catch {
            let failure = Failure(error)
            return DynamoDBAnswer(status: failure.status, body: failure.body)
        }
    }

    private typealias Operation = (DynamoDBService) -> (Input) async throws -> JSONWriter

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
        guard let table = known(name) else { throw Failure.tableNotFound }
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
