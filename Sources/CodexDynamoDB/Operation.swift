internal import CodexCore

/// The operations of DynamoDB's API, by their names in a request's target.
enum Operation: String, Sendable, CaseIterable {
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
    case updateContinuousBackups = "UpdateContinuousBackups"
    case listStreams = "ListStreams"
    case describeStream = "DescribeStream"
    case getShardIterator = "GetShardIterator"
    case getRecords = "GetRecords"

    /// The operation that the header `X-Amz-Target` names; `nil` if it names none.
    static func named(_ target: String) -> Operation? { targets[target] }

    private static let targets = Dictionary(
        uniqueKeysWithValues: allCases.map { ("\($0.interface).\($0.rawValue)", $0) })

    /// The operations that AWS has and the service does not.
    ///
    /// Codex has its own backups, exports, imports and followers; see `Docs/DynamoDB.md`.
    private static let unsupported: Set = [
        // Backups and restores.
        "CreateBackup", "DeleteBackup", "DescribeBackup", "ListBackups",
        "RestoreTableFromBackup", "RestoreTableToPointInTime",
        // Exports and imports.
        "DescribeExport", "DescribeImport", "ExportTableToPointInTime", "ImportTable",
        "ListExports", "ListImports",
        // Global tables.
        "CreateGlobalTable", "DescribeGlobalTable", "DescribeGlobalTableSettings",
        "DescribeTableReplicaAutoScaling", "ListGlobalTables", "UpdateGlobalTable",
        "UpdateGlobalTableSettings", "UpdateTableReplicaAutoScaling",
        // Resource policies.
        "DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy",
        // Other services.
        "DescribeContributorInsights", "DescribeKinesisStreamingDestination",
        "DisableKinesisStreamingDestination", "EnableKinesisStreamingDestination",
        "ListContributorInsights", "UpdateContributorInsights",
        "UpdateKinesisStreamingDestination",
    ]

    /// The error for a target that names no operation of the service.
    ///
    /// The type is that of AWS for unknown operations; the text is unverified.
    static func unknown(_ target: String?) -> ServiceError {
        let name = target?.split(separator: ".").last.map(String.init) ?? ""
        let problem =
            unsupported.contains(name)
            ? "The operation \(name) is not supported."
            : "The operation is not known: "
                + "\(target?.abbreviated(byteCount: 80) ?? "no X-Amz-Target")."
        return ServiceError("UnknownOperationException", problem)
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
