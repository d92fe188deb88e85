/// The operations of DynamoDB's API, by their names in a request's target.
enum Operation: String, Sendable {
    case getItem = "GetItem"
    case putItem = "PutItem"
    case updateItem = "UpdateItem"
    case deleteItem = "DeleteItem"
    case query = "Query"
    case scan = "Scan"
    case batchGetItem = "BatchGetItem"
    case batchWriteItem = "BatchWriteItem"
    case transactGetItems = "TransactGetItems"
    case transactWriteItems = "TransactWriteItems"
    case executeStatement = "ExecuteStatement"
    case batchExecuteStatement = "BatchExecuteStatement"
    case executeTransaction = "ExecuteTransaction"
    case createTable = "CreateTable"
    case describeTable = "DescribeTable"
    case updateTable = "UpdateTable"
    case deleteTable = "DeleteTable"
    case listTables = "ListTables"
    case updateTimeToLive = "UpdateTimeToLive"
    case describeTimeToLive = "DescribeTimeToLive"
    case tagResource = "TagResource"
    case untagResource = "UntagResource"
    case listTagsOfResource = "ListTagsOfResource"
    case describeLimits = "DescribeLimits"
    case describeEndpoints = "DescribeEndpoints"
    case describeContinuousBackups = "DescribeContinuousBackups"
    case listStreams = "ListStreams"
    case describeStream = "DescribeStream"
    case getShardIterator = "GetShardIterator"
    case getRecords = "GetRecords"

    /// The operation that the header `X-Amz-Target` names; `nil` if it names none.
    static func named(_ target: String) -> Operation? {
        let parts = target.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let operation = Operation(rawValue: String(parts[1])) else {
            return nil
        }
        return parts[0] == operation.interface ? operation : nil
    }

    private var interface: String {
        switch self {
        case .listStreams, .describeStream, .getShardIterator, .getRecords:
            "DynamoDBStreams_20120810"
        default: "DynamoDB_20120810"
        }
    }

    /// Whether the operation starts on the executor that received the request.
    ///
    /// There, it performs at most a first slice. Writes wait for the store's writer. The other
    /// operations run as a whole on the executor for long work.
    var startsInPlace: Bool {
        switch self {
        case .getItem, .putItem, .updateItem, .deleteItem, .query, .batchGetItem, .batchWriteItem,
            .transactWriteItems, .executeStatement:
            true
        default: false
        }
    }
}
