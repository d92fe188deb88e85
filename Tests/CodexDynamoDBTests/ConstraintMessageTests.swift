import CodexCore
import Testing

@testable import CodexDynamoDB

/// The message about several violations, and how it shows values.
@Suite("Messages about constraints")
struct ConstraintMessageTests {
    private static let pattern = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    private static let keys =
        "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
        + "Member must have length greater than or equal to 3, \(pattern)]"

    private static func violation(_ value: String, _ path: String, _ text: String) -> String {
        "Value '\(value)' at '\(path)' failed to satisfy constraint: \(text)"
    }

    private static func message(_ violations: [String]) -> String {
        "\(violations.count) validation error\(violations.count == 1 ? "" : "s") detected: "
            + violations.joined(separator: "; ")
    }

    @Test("Ten violations are reported at most, in the order of AWS's names")
    func several() throws {
        let body =
            #"{"TableName":"ab;","Limit":0,"Select":"x","Segment":-1,"TotalSegments":0,"IndexName":"a;","AttributesToGet":[],"ReturnConsumedCapacity":"x","ConditionalOperator":"x","ScanFilter":{"a":{},"b":{"ComparisonOperator":"x"}}}"#
        let message = try CheckedRequest.message("Scan", body)
        #expect(message.hasPrefix("10 validation errors detected: Value 'x' at 'select' failed"))
        let paths = message.split(separator: "; ").compactMap { violation in
            violation.split(separator: " at '").dropFirst().first?.prefix { $0 != "'" }
        }
        #expect(
            paths == [
                "select", "indexName", "indexName", "totalSegments", "returnConsumedCapacity",
                "tableName", "conditionalOperator", "scanFilter.a.member.comparisonOperator",
                "scanFilter.b.member.comparisonOperator", "segment",
            ])
    }

    @Test("A list is shown as Java prints it, and its elements follow it")
    func list() throws {
        let body =
            #"{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"},{"AttributeName":"x"}]}"#
        let shown =
            "[KeySchemaElement(attributeName=p, keyType=HASH), KeySchemaElement(attributeName=s, "
            + "keyType=RANGE), KeySchemaElement(attributeName=x, keyType=null)]"
        let expected = Self.message([
            Self.violation(
                shown, "keySchema", "Member must have length less than or equal to 2"),
            "Value null at 'keySchema.3.member.keyType' failed to satisfy constraint: "
                + "Member must not be null",
        ])
        #expect(try CheckedRequest.message("CreateTable", body) == expected)
    }

    @Test("An empty list and an empty text are shown as such")
    func empty() throws {
        let list = try CheckedRequest.message("TransactWriteItems", #"{"TransactItems":[]}"#)
        let length = "Member must have length greater than or equal to"
        #expect(list == Self.message([Self.violation("[]", "transactItems", "\(length) 1")]))
        // The least length of an ARN is that of both, so an empty name violates it alone.
        let name = try CheckedRequest.message("GetItem", #"{"TableName":"","Key":{}}"#)
        #expect(name == Self.message([Self.violation("", "tableName", "\(length) 1")]))
        let table = try CheckedRequest.message("DescribeTable", #"{"TableName":""}"#)
        #expect(
            table
                == Self.message([
                    Self.violation("", "tableName", "\(length) 3"),
                    Self.violation("", "tableName", Self.pattern),
                ]))
    }

    @Test("Keys and values of a map are reported once, without the values of attributes")
    func map() throws {
        let body =
            #"{"RequestItems":{"a;":[{"PutRequest":{"Item":{"p":{"S":"secret"}}}}],"abc":[]}}"#
        let shown =
            "{a;=[WriteRequest(putRequest=PutRequest(item={p=AttributeValue(…)}), "
            + "deleteRequest=null)], abc=[]}"
        let lengths =
            "[Member must have length less than or equal to 25, "
            + "Member must have length greater than or equal to 1]"
        let expected = Self.message([
            Self.violation(shown, "requestItems", Self.keys),
            Self.violation(shown, "requestItems", "Map value must satisfy constraint: \(lengths)"),
        ])
        #expect(try CheckedRequest.message("BatchWriteItem", body) == expected)
    }

    @Test("The tables of a BatchGetItem are shown as JSON")
    func json() throws {
        let body =
            #"{"RequestItems": {"a;": {"Keys": [{"p": {"S": "secret"}}], "ConsistentRead": true}}}"#
        let shown = #"{"a;":{"Keys":[{"p":{…}}],"ConsistentRead":true}}"#
        let expected = Self.message([Self.violation(shown, "requestItems", Self.keys)])
        #expect(try CheckedRequest.message("BatchGetItem", body) == expected)
    }

    @Test("The texts of a list are reported once for the list")
    func elements() throws {
        let body =
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"abc","Projection":{"NonKeyAttributes":["a",""]},"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}}]}"#
        let expected = Self.message([
            Self.violation(
                "[a, ]",
                "globalSecondaryIndexUpdates.1.member.create.projection.nonKeyAttributes",
                "Member must satisfy constraint: [Member must have length less than or equal to "
                    + "255, Member must have length greater than or equal to 1]")
        ])
        #expect(try CheckedRequest.message("UpdateTable", body) == expected)
    }

    @Test(
        "Some violations are reported alone and after all others",
        arguments: [
            (
                "Query", #"{"TableName":"abc","Limit":0"#, "}", #","Select":"x"}"#,
                "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
            ),
            (
                "BatchGetItem", #"{"RequestItems":{"abc":{"Keys":[]}}"#, "}",
                #","ReturnConsumedCapacity":"x"}"#,
                "1 validation error detected: Value at 'RequestItems.abc.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1"
            ),
            (
                "BatchGetItem", #"{"RequestItems":{}"#, "}", #","ReturnConsumedCapacity":"x"}"#,
                "The requestItems parameter is required for BatchGetItem"
            ),
            (
                "BatchWriteItem", #"{"RequestItems":{}"#, "}", #","ReturnConsumedCapacity":"x"}"#,
                "The requestItems parameter is required for BatchWriteItem"
            ),
        ])
    func last(
        operation: String, body: String, end: String, other: String, message: String
    ) throws {
        #expect(try CheckedRequest.message(operation, body + end) == message)
        let both = try CheckedRequest.message(operation, body + other)
        #expect(both.hasPrefix("1 validation error detected: Value 'x' at"), "\(both)")
    }

    @Test("A name that is too long by one character is shown, and longer values are cut")
    func longValues() throws {
        let name = String(repeating: "a", count: 256)
        let whole = try CheckedRequest.message("DescribeTable", #"{"TableName":"\#(name)"}"#)
        #expect(whole.contains("Value '\(name)' at 'tableName'"))
        let long = String(repeating: "é", count: 100_000)
        for (operation, body) in [
            ("DescribeTable", #"{"TableName":"\#(long)"}"#),
            ("TransactWriteItems", #"{"TransactItems":[{}],"ClientRequestToken":"\#(long)"}"#),
            ("BatchGetItem", #"{"RequestItems":{"\#(long)":{"Keys":[{}]}}}"#),
            ("BatchWriteItem", #"{"RequestItems":{"\#(long)":[]}}"#),
            ("BatchWriteItem", #"{"RequestItems":{"\#(long)":[{"PutRequest":{}}]}}"#),
            ("Query", #"{"TableName":"abc","QueryFilter":{"\#(long)":{}}}"#),
        ] {
            let message = try CheckedRequest.message(operation, body)
            #expect(message.utf8.count < 1500 && message.contains("…"), "\(operation)")
            #expect(!message.contains("\u{FFFD}"))
        }
    }

    @Test("Members that occur twice, and unknown ones, add nothing")
    func otherMembers() throws {
        let body = #"{"TableName":"abc","Key":{},"Other":{"Limit":0},"Limit":0}"#
        #expect(try CheckedRequest.error("GetItem", body) == nil)
        let twice = #"{"TableName":"abc","Limit":1,"Limit":1}"#
        #expect(try CheckedRequest.error("Scan", twice) == nil)
    }
}
