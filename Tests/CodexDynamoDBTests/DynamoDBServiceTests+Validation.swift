import CodexCore
import CodexDynamoDB
import CodexTesting
import Foundation
import Testing

/// Values, keys and parameters that DynamoDB refuses.
extension DynamoDBServiceTests {
    private func item(_ value: String) -> String {
        #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"},"v":\#(value)}}"#
    }

    @Test(
        "A value that is none is refused",
        arguments: [
            "{}", #"{"X":"y"}"#, #"{"S":"a","N":"1"}"#, #"{"N":""}"#, #"{"N":"abc"}"#,
            #"{"N":"1e200"}"#, #"{"N":"123456789012345678901234567890123456789"}"#,
            #"{"SS":[]}"#, #"{"SS":["a","a"]}"#, #"{"NS":["1","1.0"]}"#,
            #"{"BS":["YQ==","YQ=="]}"#,
        ])
    func noValue(value: String) async throws {
        try await makeTable()
        try await fails("ValidationException", "PutItem", item(value))
    }

    @Test("A set with equal members is named")
    func equalMembers() async throws {
        try await makeTable()
        try await fails(
            "ValidationException", "PutItem", item(#"{"NS":["1","1.0"]}"#),
            "Input collection contains duplicates")
    }

    @Test("A value is as deep as it may be, and no deeper")
    func depth() async throws {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"L":["#, count: depth) + #"{"S":"x"}"#
                + String(repeating: "]}", count: depth)
        }
        try await makeTable()
        _ = try await ok("PutItem", item(nested(DynamoDBLimits.nestingDepthMax)))
        try await fails(
            "ValidationException", "PutItem", item(nested(DynamoDBLimits.nestingDepthMax + 1)))
    }

    @Test("An item is as large as it may be, and not a byte larger")
    func size() async throws {
        func large(_ count: Int) -> String {
            item(#"{"S":"\#(String(repeating: "x", count: count))"}"#)
        }
        try await makeTable()
        let rest = DynamoDBLimits.itemByteCountMax - (1 + 1) - (1 + 2) - 1
        _ = try await ok("PutItem", large(rest))
        try await fails("ValidationException", "PutItem", large(rest + 1), "size")
    }

    @Test("A table that is not there is not found")
    func unknownTable() async throws {
        try await fails(
            "ResourceNotFoundException", "GetItem",
            #"{"TableName":"nothing","Key":{"p":{"S":"p"}}}"#)
    }

    /// An operation, its parameters, and a part of the message.
    private static let refused: [(String, String, String)] = [
        ("GetItem", #"{"Key":{}}"#, "tableName"), ("GetItem", #"{"TableName":"table"}"#, "key"),
        ("GetItem", #"{"TableName":"a b","Key":{}}"#, "tableName"),
        (
            "GetItem", #"{"TableName":"table","Key":{"p":{"S":"p"}}}"#,
            "does not match the schema"
        ),
        (
            "GetItem", #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"S":"1"}}}"#,
            "does not match"
        ),
        (
            "GetItem", #"{"TableName":"table","Key":{"p":{"S":""},"s":{"N":"1"}}}"#,
            "empty string"
        ),
        ("PutItem", #"{"TableName":"table","Item":{"p":{"S":"p"}}}"#, "Missing the key s"),
        (
            "PutItem", #"{"TableName":"table","Item":{"p":{"N":"1"},"s":{"N":"1"}}}"#,
            "Type mismatch for key p"
        ),
        (
            "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"},"g":{"N":"1"}}}"#,
            "Index Key g"
        ),
        (
            "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"}},"ReturnValues":"ALL_NEW"}"#,
            "ReturnValues can only be ALL_OLD or NONE"
        ),
        (
            "UpdateItem",
            #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},"UpdateExpression":"SET p = :v","ExpressionAttributeValues":{":v":{"S":"x"}}}"#,
            "part of the key"
        ),
        (
            "UpdateItem",
            #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},"UpdateExpression":"SET g = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}"#,
            "Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g"
        ),
        (
            "UpdateItem",
            #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},"UpdateExpression":"REMOVE a","AttributeUpdates":{}}"#,
            "both expression and non-expression"
        ),
        ("Query", #"{"TableName":"table"}"#, "KeyConditions"),
        (
            "Query",
            #"{"TableName":"table","IndexName":"none","KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"x"}}}"#,
            "does not have the specified index"
        ),
        (
            "Query",
            #"{"TableName":"table","IndexName":"by-g","ConsistentRead":true,"KeyConditionExpression":"g = :p","ExpressionAttributeValues":{":p":{"S":"x"}}}"#,
            "Consistent reads"
        ),
        (
            "Scan", #"{"TableName":"table","IndexName":"none"}"#,
            "does not have the specified index"
        ),
        ("Scan", #"{"TableName":"table","Limit":0}"#, "limit"),
        ("Scan", #"{"TableName":"table","Segment":1}"#, "TotalSegments"),
        ("Scan", #"{"TableName":"table","Segment":2,"TotalSegments":2}"#, "zero-based"),
        (
            "Scan", #"{"TableName":"table","Select":"SPECIFIC_ATTRIBUTES"}"#,
            "SPECIFIC_ATTRIBUTES"
        ),
        ("Scan", #"{"TableName":"table","ExclusiveStartKey":{"p":{"S":"p"}}}"#, "starting key"),
        (
            "Scan", ##"{"TableName":"table","ExpressionAttributeNames":{"#a":"a"}}"##,
            "using expressions"
        ),
        ("BatchWriteItem", #"{"RequestItems":{}}"#, "requestItems"),
        ("TransactWriteItems", #"{"TransactItems":[]}"#, "transactItems"),
        ("ListTables", #"{"Limit":101}"#, "limit"),
    ]

    @Test("A request whose parameters do not fit is refused, and says why", arguments: refused)
    func parameters(operation: String, body: String, message: String) async throws {
        try await makeTable()
        try await fails("ValidationException", operation, body, message)
    }
}
