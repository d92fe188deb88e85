import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDB

/// The order of the checks of a request, from its JSON to its table.
@Suite("Order of checks")
struct RequestOrderTests {
    private let temporary: TemporaryStore
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.single)
        service = DynamoDBService(temporary.store)
    }

    private func answer(_ target: String, _ body: String) async -> String {
        let response = await service.response(target: target, body: Array(body.utf8))
        return String(decoding: response.body, as: UTF8.self)
    }

    @Test(
        "Types are checked before constraints, and both before the table is looked for",
        arguments: [
            (#"{"TableName":"nothing","Key":{"p":{"S":"a"}}"#, "SerializationException"),
            (#"{"TableName":"nothing","Key":1}"#, "SerializationException"),
            (#"{"TableName":"nothing","Key":{"p":1}}"#, "SerializationException"),
            (#"{"TableName":"x","Key":1}"#, "SerializationException"),
            (#"{"TableName":"nothing"}"#, "ValidationException"),
            (
                #"{"TableName":"nothing","Key":{},"ReturnConsumedCapacity":"x"}"#,
                "ValidationException"
            ),
            (#"{"TableName":"arn:nothing","Key":{"p":{"S":"a"}}}"#, "ValidationException"),
            (#"{"TableName":"nothing","Key":{"p":{"S":"a"}}}"#, "ResourceNotFoundException"),
        ])
    func order(body: String, type: String) async {
        let answer = await answer("DynamoDB_20120810.GetItem", body)
        #expect(answer.contains("#\(type)\""), "\(answer)")
    }

    @Test(
        "No message has a name of the program",
        arguments: [
            ("DynamoDB_20120810.GetItem", "[]"), ("DynamoDB_20120810.GetItem", "{}"),
            ("DynamoDB_20120810.GetItem", #"{"TableName":1}"#),
            ("DynamoDB_20120810.GetItem", #"{"TableName":"arn:x","Key":{}}"#),
            ("DynamoDB_20120810.PutItem", #"{"TableName":"ttt","Item":{"p":{"S":1}}}"#),
            ("DynamoDB_20120810.BatchWriteItem", #"{"RequestItems":{"ttt":1}}"#),
            ("DynamoDB_20120810.TransactWriteItems", #"{"TransactItems":[1]}"#),
            ("DynamoDB_20120810.TagResource", #"{"Tags":[]}"#),
            ("DynamoDBStreams_20120810.GetRecords", #"{"ShardIterator":""}"#),
        ])
    func names(target: String, body: String) async {
        let answer = await answer(target, body)
        #expect(answer.contains("Exception"), "\(answer)")
        for name in ["RequestParameters", "JSONValue", "ServiceError", "Optional(", "CodexError"] {
            #expect(!answer.contains(name), "\(answer)")
        }
    }

    @Test("A table is named by its name or its ARN, and a name has three characters at least")
    func tables() async throws {
        let item: Item = ["p": "a"]
        _ = try await temporary.store.write { transaction in try transaction.put(item, in: "ttt") }
        let found = await answer(
            "DynamoDB_20120810.GetItem", #"{"TableName":"ttt","Key":{"p":{"S":"a"}}}"#)
        #expect(found == #"{"Item":{"p":{"S":"a"}}}"#)
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/ttt"
        let byARN = await answer(
            "DynamoDB_20120810.GetItem", #"{"TableName":"\#(arn)","Key":{"p":{"S":"a"}}}"#)
        #expect(byARN == found)
        let short = await answer(
            "DynamoDB_20120810.GetItem", #"{"TableName":"tt","Key":{"p":{"S":"a"}}}"#)
        #expect(short.contains("Member must have length greater than or equal to 3"))
    }
}
