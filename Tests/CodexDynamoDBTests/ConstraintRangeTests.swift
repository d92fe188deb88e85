import CodexCore
import Testing

@testable import CodexDynamoDB

/// The limits of numbers, texts, lists and maps of requests: at each limit, below it and above it.
@Suite("Ranges of requests")
struct ConstraintRangeTests {
    /// What is as large as the number says.
    enum Kind: Sendable {
        case number
        /// A text of so many letters.
        case text
        /// A list of so many equal elements.
        case list(String)

        func json(_ size: Int) -> String {
            switch self {
            case .number: "\(size)"
            case .text: "\"" + String(repeating: "a", count: size) + "\""
            case .list(let element):
                "[" + [String](repeating: element, count: size).joined(separator: ",") + "]"
            }
        }

        /// The sizes that it may have next to a limit.
        func sizes(_ limit: Int) -> [Int] {
            if case .number = self { return [limit - 1, limit, limit + 1] }
            return [limit - 1, limit, limit + 1].filter { $0 >= 0 }
        }
    }

    /// A member with limits; the body has `%` in its place.
    struct Limited: Sendable, CustomTestStringConvertible {
        let operation: String
        let body: String
        let kind: Kind
        let minimum: Int?
        let maximum: Int?

        init(_ operation: String, _ body: String, _ kind: Kind, _ minimum: Int?, _ maximum: Int?) {
            self.operation = operation
            self.body = body
            self.kind = kind
            (self.minimum, self.maximum) = (minimum, maximum)
        }

        var testDescription: String { "\(operation) \(body)" }

        func message(_ size: Int) throws -> String {
            let parts = body.split(separator: "%", maxSplits: 1)
            return try CheckedRequest.message(
                operation, "\(parts[0])\(kind.json(size))\(parts[1])")
        }
    }

    private static let arn = String(repeating: "a", count: 40)
    private static let shard = String(repeating: "s", count: 30)

    private static let names: [Limited] = [
        Limited("GetItem", #"{"TableName":%,"Key":{}}"#, .text, 3, 255),
        Limited("PutItem", #"{"TableName":%,"Item":{}}"#, .text, 3, 255),
        Limited("UpdateItem", #"{"TableName":%,"Key":{}}"#, .text, 3, 255),
        Limited("DeleteItem", #"{"TableName":%,"Key":{}}"#, .text, 3, 255),
        Limited("Query", #"{"TableName":%}"#, .text, 3, 255),
        Limited("Query", #"{"TableName":"abc","IndexName":%}"#, .text, 3, 255),
        Limited("Scan", #"{"TableName":%}"#, .text, 3, 255),
        Limited("Scan", #"{"TableName":"abc","IndexName":%}"#, .text, 3, 255),
        Limited("BatchGetItem", #"{"RequestItems":{%:{"Keys":[{}]}}}"#, .text, 3, 255),
        Limited("BatchWriteItem", #"{"RequestItems":{%:[{}]}}"#, .text, 3, 255),
        Limited(
            "TransactGetItems", #"{"TransactItems":[{"Get":{"TableName":%,"Key":{}}}]}"#, .text, 3,
            255),
        Limited(
            "TransactWriteItems", #"{"TransactItems":[{"Put":{"TableName":%,"Item":{}}}]}"#, .text,
            3, 255),
        Limited("DescribeTable", #"{"TableName":%}"#, .text, 3, 255),
        Limited("UpdateTable", #"{"TableName":%}"#, .text, 3, 255),
        Limited("DeleteTable", #"{"TableName":%}"#, .text, 3, 255),
        Limited("DescribeTimeToLive", #"{"TableName":%}"#, .text, 3, 255),
        Limited("DescribeContinuousBackups", #"{"TableName":%}"#, .text, 3, 255),
        Limited(
            "CreateTable",
            #"{"TableName":%,"AttributeDefinitions":[],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}"#,
            .text, 3, 255),
        Limited("ListTables", #"{"ExclusiveStartTableName":%}"#, .text, 3, 255),
        Limited("ListStreams", #"{"TableName":%}"#, .text, 3, 255),
    ]

    private static let items: [Limited] = [
        Limited(
            "GetItem", #"{"TableName":"abc","Key":{},"AttributesToGet":%}"#, .list(#""a""#), 1, nil),
        Limited("Query", #"{"TableName":"abc","Limit":%}"#, .number, 1, nil),
        Limited("Scan", #"{"TableName":"abc","Limit":%}"#, .number, 1, nil),
        Limited("Scan", #"{"TableName":"abc","TotalSegments":%}"#, .number, 1, 1_000_000),
        Limited("Scan", #"{"TableName":"abc","Segment":%}"#, .number, 0, 999_999),
        Limited("BatchGetItem", #"{"RequestItems":{"abc":{"Keys":%}}}"#, .list("{}"), 1, 100),
        Limited("BatchWriteItem", #"{"RequestItems":{"abc":%}}"#, .list("{}"), 1, 25),
        Limited(
            "TransactGetItems", #"{"TransactItems":%}"#,
            .list(#"{"Get":{"TableName":"abc","Key":{}}}"#), 1, 100),
        Limited("TransactWriteItems", #"{"TransactItems":%}"#, .list("{}"), 1, 100),
        Limited(
            "TransactWriteItems", #"{"TransactItems":[{}],"ClientRequestToken":%}"#, .text, 1, 36),
        Limited("ExecuteStatement", #"{"Statement":%}"#, .text, 1, 8192),
        Limited("ExecuteStatement", #"{"Statement":"s","NextToken":%}"#, .text, 1, 32768),
        Limited("ExecuteStatement", #"{"Statement":"s","Parameters":%}"#, .list("{}"), 1, nil),
        Limited("ExecuteStatement", #"{"Statement":"s","Limit":%}"#, .number, 1, nil),
        Limited(
            "BatchExecuteStatement", #"{"Statements":%}"#, .list(#"{"Statement":"s"}"#), 1, 25),
        Limited("BatchExecuteStatement", #"{"Statements":[{"Statement":%}]}"#, .text, 1, 8192),
        Limited(
            "ExecuteTransaction", #"{"TransactStatements":%}"#, .list(#"{"Statement":"s"}"#), 1,
            100),
    ]

    private static let tables: [Limited] = [
        Limited(
            "CreateTable", #"{"TableName":"abc","AttributeDefinitions":[],"KeySchema":%}"#,
            .list(#"{"AttributeName":"a","KeyType":"HASH"}"#), 1, 2),
        Limited(
            "CreateTable",
            #"{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{"AttributeName":%,"KeyType":"HASH"}]}"#,
            .text, 1, 255),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","AttributeDefinitions":[{"AttributeName":%,"AttributeType":"S"}]}"#,
            .text, 1, 255),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","ProvisionedThroughput":{"ReadCapacityUnits":%,"WriteCapacityUnits":1}}"#,
            .number, 1, nil),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":%}}"#,
            .number, 1, nil),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":%}}]}"#,
            .text, 3, 255),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"abc","Projection":{},"KeySchema":%}}]}"#,
            .list(#"{"AttributeName":"a","KeyType":"HASH"}"#), 1, nil),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"abc","Projection":{"NonKeyAttributes":%},"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}}]}"#,
            .list(#""a""#), 1, nil),
        Limited(
            "UpdateTable",
            #"{"TableName":"abc","GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"abc","Projection":{"NonKeyAttributes":[%]},"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}}]}"#,
            .text, 1, 255),
        Limited(
            "UpdateTable", #"{"TableName":"abc","SSESpecification":{"KMSMasterKeyId":%}}"#, .text,
            1, nil),
        Limited("ListTables", #"{"Limit":%}"#, .number, 1, 100),
        Limited(
            "UpdateTimeToLive",
            #"{"TableName":"abc","TimeToLiveSpecification":{"Enabled":true,"AttributeName":%}}"#,
            .text, 1, 255),
        Limited(
            "UpdateContinuousBackups",
            #"{"TableName":"abc","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":%}}"#,
            .number, 1, 35),
        Limited("ListStreams", #"{"Limit":%}"#, .number, 1, 100),
        Limited("ListStreams", #"{"ExclusiveStartStreamArn":%}"#, .text, 37, 1024),
        Limited("DescribeStream", #"{"StreamArn":%}"#, .text, 37, 1024),
        Limited("DescribeStream", #"{"StreamArn":"\#(arn)","Limit":%}"#, .number, 1, 100),
        Limited(
            "DescribeStream", #"{"StreamArn":"\#(arn)","ExclusiveStartShardId":%}"#, .text, 28, 65),
        Limited(
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardIteratorType":"LATEST","ShardId":%}"#, .text, 28, 65),
        Limited(
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"LATEST","SequenceNumber":%}"#,
            .text, 21, 40),
        Limited("GetRecords", #"{"ShardIterator":%}"#, .text, 1, 2048),
        Limited("GetRecords", #"{"ShardIterator":"i","Limit":%}"#, .number, 1, 1000),
    ]

    @Test("A member may be at its limits, and not beyond them", arguments: names + items + tables)
    func limits(member: Limited) throws {
        for (limit, words) in [
            (member.minimum, "greater than or equal to"), (member.maximum, "less than or equal to"),
        ] {
            guard let limit else { continue }
            for size in member.kind.sizes(limit) {
                let isPermitted =
                    size >= (member.minimum ?? size) && size <= (member.maximum ?? size)
                let message = try member.message(size)
                #expect(message.isEmpty == isPermitted, "\(size): \(message)")
                #expect(isPermitted || message.contains("\(words) \(limit)"), "\(size): \(message)")
            }
        }
    }

    @Test("The ARN of a table has 1,024 characters at most", arguments: 1023...1025)
    func longARN(count: Int) throws {
        let arn = "arn:" + String(repeating: "a", count: count - 4)
        for (operation, body) in [
            ("GetItem", #"{"TableName":"\#(arn)","Key":{}}"#),
            ("DescribeTable", #"{"TableName":"\#(arn)"}"#),
        ] {
            let message = try CheckedRequest.message(operation, body)
            #expect(message.isEmpty == (count <= 1024))
            #expect(message.isEmpty || message.contains("less than or equal to 1024"))
        }
    }

    @Test("Names of tables and indexes have letters, digits and three signs only")
    func pattern() throws {
        for (name, isPermitted) in [
            ("aZ09_.-", true), ("a b", false), ("a:b", false), ("äbc", false), ("a/b", false),
            (#"a\nb"#, false), (#"\u0061bc"#, true),
        ] {
            let body = #"{"TableName":"abc","IndexName":"\#(name)"}"#
            let message = try CheckedRequest.message("Scan", body)
            #expect(message.isEmpty == isPermitted, "\(name)")
            #expect(
                message.isEmpty
                    || message.hasSuffix(
                        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
            )
        }
    }

    @Test("Lengths are counted in UTF-16 units, as Java counts them")
    func units() throws {
        for (text, count) in [("é", 1), ("\u{20AC}", 1), ("\u{1F600}", 2), (#"\ud83d\ude00"#, 2)] {
            for (isPermitted, rest) in [(true, 36 - count), (false, 37 - count)] {
                let token = text + String(repeating: "a", count: rest)
                let body = #"{"TransactItems":[{}],"ClientRequestToken":"\#(token)"}"#
                let message = try CheckedRequest.message("TransactWriteItems", body)
                #expect(message.isEmpty == isPermitted, "\(text)")
            }
        }
    }

    @Test("The decimals of a number are dropped before it is compared")
    func decimals() throws {
        for (number, isPermitted) in [
            ("1.9", true), ("0.9", false), ("1e2", true), ("101e0", false), ("100.5", true),
        ] {
            let message = try CheckedRequest.message("ListTables", #"{"Limit":\#(number)}"#)
            #expect(message.isEmpty == isPermitted, "\(number)")
        }
    }
}
