import CodexCore
import Testing

@testable import CodexDynamoDB

/// What each operation requires of its parameters, and the messages about it.
@Suite("Constraints of requests")
struct ConstraintTests {
    // MARK: Required members

    /// An operation, and the paths that the message about an empty request has.
    private static let required: [(operation: String, paths: [String])] = [
        ("GetItem", ["key", "tableName"]), ("PutItem", ["item", "tableName"]),
        ("UpdateItem", ["tableName", "key"]), ("DeleteItem", ["key", "tableName"]),
        ("Query", ["tableName"]), ("Scan", ["tableName"]), ("BatchGetItem", ["requestItems"]),
        ("BatchWriteItem", ["requestItems"]), ("TransactGetItems", ["transactItems"]),
        ("TransactWriteItems", ["transactItems"]), ("ExecuteStatement", ["statement"]),
        ("BatchExecuteStatement", ["statements"]), ("ExecuteTransaction", ["transactStatements"]),
        ("TagResource", ["tags"]), ("UntagResource", ["tagKeys"]),
        ("DescribeContinuousBackups", ["tableName"]),
        ("UpdateContinuousBackups", ["pointInTimeRecoverySpecification", "tableName"]),
        ("DescribeStream", ["streamArn"]),
        ("GetShardIterator", ["streamArn", "shardIteratorType", "shardId"]),
        ("GetRecords", ["shardIterator"]),
    ]

    @Test("All missing members are in one message", arguments: required)
    func missing(operation: String, paths: [String]) throws {
        let error = try CheckedRequest.error(operation, "{}")
        #expect(error?.type == "ValidationException")
        #expect(error?.message == CheckedRequest.missing(paths))
    }

    @Test("A null member is a missing one")
    func nullMember() throws {
        let message = try CheckedRequest.message("GetItem", #"{"TableName":null,"Key":{}}"#)
        #expect(message == CheckedRequest.missing(["tableName"]))
    }

    @Test(
        "A missing name of a table is reported alone",
        arguments: [
            "CreateTable", "DescribeTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive",
            "DescribeTimeToLive",
        ])
    func missingName(operation: String) throws {
        let message = try CheckedRequest.message(operation, #"{"BillingMode":"x"}"#)
        #expect(
            message == "The parameter 'TableName' is required but was not present in the request")
    }

    @Test(
        "Operations without required members take an empty request",
        arguments: [
            "ListTables", "ListTagsOfResource", "DescribeLimits", "DescribeEndpoints",
            "ListStreams",
        ])
    func nothingRequired(operation: String) throws {
        #expect(try CheckedRequest.error(operation, "{}") == nil)
    }

    /// Requests with a missing member inside of another one, and its path.
    private static let nestedMissing: [(operation: String, body: String, paths: [String])] = [
        (
            "CreateTable", #"{"TableName":"abc"}"#, ["keySchema", "attributeDefinitions"]
        ),
        (
            "CreateTable",
            #"{"TableName":"abc","KeySchema":[{}],"AttributeDefinitions":[{}],"ProvisionedThroughput":{},"StreamSpecification":{}}"#,
            [
                "keySchema.1.member.attributeName", "keySchema.1.member.keyType",
                "provisionedThroughput.writeCapacityUnits",
                "provisionedThroughput.readCapacityUnits", "streamSpecification.streamEnabled",
                "attributeDefinitions.1.member.attributeType",
                "attributeDefinitions.1.member.attributeName",
            ]
        ),
        (
            "UpdateTable",
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Create":{}},{"Delete":{}}]}"#,
            [
                "globalSecondaryIndexUpdates.1.member.create.indexName",
                "globalSecondaryIndexUpdates.1.member.create.keySchema",
                "globalSecondaryIndexUpdates.1.member.create.projection",
                "globalSecondaryIndexUpdates.2.member.delete.indexName",
            ]
        ),
        (
            "UpdateTimeToLive", #"{"TableName":"abc","TimeToLiveSpecification":{}}"#,
            ["timeToLiveSpecification.attributeName", "timeToLiveSpecification.enabled"]
        ),
        (
            "BatchWriteItem", #"{"RequestItems":{"abc":[{"PutRequest":{}},{"DeleteRequest":{}}]}}"#,
            [
                "requestItems.abc.member.1.member.putRequest.item",
                "requestItems.abc.member.2.member.deleteRequest.key",
            ]
        ),
        ("BatchGetItem", #"{"RequestItems":{"abc":{}}}"#, ["requestItems.abc.member.keys"]),
        (
            "TransactGetItems", #"{"TransactItems":[{},{"Get":{}}]}"#,
            [
                "transactItems.1.member.get", "transactItems.2.member.get.key",
                "transactItems.2.member.get.tableName",
            ]
        ),
        (
            "TransactWriteItems",
            #"{"TransactItems":[{"Put":{}},{"Delete":{}},{"Update":{}}]}"#,
            [
                "transactItems.1.member.put.item", "transactItems.1.member.put.tableName",
                "transactItems.2.member.delete.key", "transactItems.2.member.delete.tableName",
                "transactItems.3.member.update.updateExpression",
                "transactItems.3.member.update.key", "transactItems.3.member.update.tableName",
            ]
        ),
        (
            "TransactWriteItems", #"{"TransactItems":[{"ConditionCheck":{}}]}"#,
            [
                "transactItems.1.member.conditionCheck.conditionExpression",
                "transactItems.1.member.conditionCheck.key",
                "transactItems.1.member.conditionCheck.tableName",
            ]
        ),
        (
            "Query", #"{"TableName":"abc","KeyConditions":{"p":{}},"QueryFilter":{"a":{}}}"#,
            [
                "queryFilter.a.member.comparisonOperator",
                "keyConditions.p.member.comparisonOperator",
            ]
        ),
        (
            "BatchExecuteStatement", #"{"Statements":[{}]}"#, ["statements.1.member.statement"]
        ),
        (
            "ExecuteTransaction", #"{"TransactStatements":[{}]}"#,
            ["transactStatements.1.member.statement"]
        ),
        (
            "GetItem", #"{"TableName":"abc","Key":{},"AttributesToGet":[null]}"#,
            ["attributesToGet.1.member"]
        ),
    ]

    @Test("The path of a nested member has numbers and names", arguments: nestedMissing)
    func nested(operation: String, body: String, paths: [String]) throws {
        #expect(try CheckedRequest.message(operation, body) == CheckedRequest.missing(paths))
    }

    // MARK: Words

    /// A request with `%` for the word, its path, and the words in AWS's order.
    private static let words: [(operation: String, body: String, path: String, words: [String])] = [
        (
            "GetItem", #"{"TableName":"abc","Key":{},"ReturnConsumedCapacity":%}"#,
            "returnConsumedCapacity", ["INDEXES", "TOTAL", "NONE"]
        ),
        (
            "PutItem", #"{"TableName":"abc","Item":{},"ReturnValues":%}"#, "returnValues",
            ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]
        ),
        (
            "DeleteItem", #"{"TableName":"abc","Key":{},"ReturnItemCollectionMetrics":%}"#,
            "returnItemCollectionMetrics", ["SIZE", "NONE"]
        ),
        (
            "UpdateItem", #"{"TableName":"abc","Key":{},"ConditionalOperator":%}"#,
            "conditionalOperator", ["OR", "AND"]
        ),
        (
            "UpdateItem", #"{"TableName":"abc","Key":{},"AttributeUpdates":{"a":{"Action":%}}}"#,
            "attributeUpdates.a.member.action", ["ADD", "DELETE", "PUT"]
        ),
        (
            "PutItem", #"{"TableName":"abc","Item":{},"Expected":{"a":{"ComparisonOperator":%}}}"#,
            "expected.a.member.comparisonOperator",
            [
                "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE",
                "BEGINS_WITH", "GE", "CONTAINS",
            ]
        ),
        (
            "Query", #"{"TableName":"abc","Select":%}"#, "select",
            ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"]
        ),
        (
            "UpdateTable", #"{"TableName":"abc","BillingMode":%}"#, "billingMode",
            ["PROVISIONED", "PAY_PER_REQUEST"]
        ),
        (
            "UpdateTable", #"{"TableName":"abc","GlobalTableSettingsReplicationMode":%}"#,
            "globalTableSettingsReplicationMode",
            ["ENABLED", "DISABLED", "ENABLED_WITH_OVERRIDES"]
        ),
        (
            "UpdateTable", #"{"TableName":"abc","MultiRegionConsistency":%}"#,
            "multiRegionConsistency", ["EVENTUAL", "STRONG"]
        ),
        (
            "DescribeStream", #"{"StreamArn":"\#(arn)","ShardFilter":{"Type":%}}"#,
            "shardFilter.type", ["CHILD_SHARDS"]
        ),
        (
            "DeleteItem",
            #"{"TableName":"abc","Key":{},"ReturnValuesOnConditionCheckFailure":%}"#,
            "returnValuesOnConditionCheckFailure", ["ALL_OLD", "NONE"]
        ),
        (
            "UpdateTable", #"{"TableName":"abc","SSESpecification":{"SSEType":%}}"#,
            "sSESpecification.sSEType", ["AES256", "KMS"]
        ),
        (
            "UpdateTable",
            #"{"TableName":"abc","StreamSpecification":{"StreamEnabled":true,"StreamViewType":%}}"#,
            "streamSpecification.streamViewType",
            ["OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE"]
        ),
        (
            "UpdateTable",
            #"{"TableName":"abc","AttributeDefinitions":[{"AttributeName":"a","AttributeType":%}]}"#,
            "attributeDefinitions.1.member.attributeType", ["B", "N", "S"]
        ),
        (
            "UpdateTable",
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"abc","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"Projection":{"ProjectionType":%}}}]}"#,
            "globalSecondaryIndexUpdates.1.member.create.projection.projectionType",
            ["ALL", "INCLUDE", "KEYS_ONLY"]
        ),
        (
            "CreateTable",
            #"{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{"AttributeName":"a","KeyType":%}]}"#,
            "keySchema.1.member.keyType", ["HASH", "RANGE"]
        ),
        (
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":%}"#,
            "shardIteratorType",
            ["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"]
        ),
    ]

    private static let arn = String(repeating: "a", count: 40)
    private static let shard = String(repeating: "s", count: 30)

    @Test("A word is one of some words", arguments: words)
    func choice(operation: String, body: String, path: String, words: [String]) throws {
        func message(_ word: String) throws -> String {
            let parts = body.split(separator: "%", maxSplits: 1)
            return try CheckedRequest.message(operation, "\(parts[0])\"\(word)\"\(parts[1])")
        }
        for word in words { #expect(try message(word) == "", "\(word)") }
        let list = words.joined(separator: ", ")
        // A word in lowercase, one that is longer, and none.
        for other in [words[0].lowercased(), words[0] + "_", ""] {
            #expect(
                try message(other)
                    == CheckedRequest.violation(
                        "Value '\(other)'", path, "satisfy enum value set: [\(list)]"))
        }
    }

    @Test("Names and words may have escapes")
    func escapes() throws {
        func body(_ select: String) -> String {
            #"{"T\u0061bleName":"\u0061bc","Select":"\#(select)"}"#
        }
        #expect(try CheckedRequest.message("Query", body(#"C\u004fUNT"#)) == "")
        let message = try CheckedRequest.message("Query", body(#"C\u004eUNT"#))
        #expect(message.contains("Value 'CNUNT' at 'select'"))
    }
}
