import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDB

/// BatchExecuteStatement: statements by themselves, with their errors in the answer.
@Suite("PartiQL's batches")
struct PartiQLBatchTests {
    private let client: PartiQLClient

    private static let items: [Item] = [
        ["p": "a", "s": 1, "n": 5, "m": ["k": "v"]], ["p": "a", "s": 2, "n": 6],
    ]

    init() async throws {
        client = try PartiQLClient(ShortTables.pair)
        try await client.put(Self.items)
        try await client.put([["p": "x", "n": 1]], in: "uuu")
    }

    private func item(_ response: [String: Any]) throws -> Item? {
        try PartiQLClient.Answer(object: response).item("Item")
    }

    @Test("Reads give the items of their keys, and an error by itself")
    func reads() async throws {
        let answer = try await client.batch(
            [
                "SELECT * FROM ttt WHERE p = 'a' AND s = 1",
                "SELECT k FROM none WHERE k = 1",
                "SELECT n FROM uuu WHERE p IN ['x']",
                "SELECT m.k FROM ttt WHERE s = 1 AND p = 'a'",
                "SELECT * FROM ttt WHERE p = 'a' AND s = 9",
                "SELECT * FROM ttt WHERE p = 'a'",
                "SELECT * FROM ttt WHERE p = 'a' AND s = 1 AND n = 5",
                "SELECT * FROM ttt.ggg WHERE g = 'x'",
                "SELECT * FROM ttt WHERE p = 'a' AND s = 'x'",
                "SELECT * FROM ttt WHERE",
            ], #""ReturnConsumedCapacity":"TOTAL""#)
        #expect(answer.error == nil)
        #expect(
            answer.codes == [
                nil, "ResourceNotFound", nil, nil, nil, "ValidationError", "ValidationError",
                "ValidationError", "ValidationError", "ValidationError",
            ])
        let items = try answer.responses.map(item)
        #expect(items[0] == Self.items[0])
        #expect(items[2] == ["n": 1])
        #expect(items[3] == ["k": "v"])
        #expect(items[4] == nil)
        let tables = answer.responses.map { $0["TableName"] as? String }
        #expect(tables == ["ttt", nil, "uuu", "ttt", "ttt", nil, nil, nil, nil, nil])
        let key =
            "Select statements within BatchExecuteStatement must specify the primary key in the "
            + "where clause."
        #expect(Array(answer.messages[5...7]) == [key, key, key])
        #expect(answer.messages[9]?.hasSuffix("can't be processed: Unexpected term") == true)
        // Three reads of one table, and one of the other.
        let capacity = answer.object["ConsumedCapacity"] as? [[String: Any]]
        #expect(capacity?.map { $0["CapacityUnits"] as? Double } == [1.5, 0.5])
    }

    @Test("Each read has its own consistency")
    func consistency() async throws {
        let text = "SELECT * FROM ttt WHERE p = 'a' AND s = 1"
        let answer = try await client.list(
            "BatchExecuteStatement",
            [
                PartiQLClient.json(text),
                PartiQLClient.json(text, [], #""ConsistentRead":true"#),
            ], #""ReturnConsumedCapacity":"TOTAL""#)
        #expect(answer.units == 1.5)
        #expect(try answer.responses.map(item) == [Self.items[0], Self.items[0]])
    }

    @Test("Writes happen one by one, whether others fail or not")
    func writes() async throws {
        let answer = try await client.batch(
            [
                "INSERT INTO ttt VALUE {'p': 'b', 's': 1}",
                "INSERT INTO ttt VALUE {'p': 'a', 's': 1}",
                "UPDATE ttt SET n = n + 1 WHERE p = 'a' AND s = 1 RETURNING MODIFIED NEW *",
                "UPDATE ttt SET n = 0 WHERE p = 'a' AND s = 2 AND n = 5",
                "UPDATE ttt SET n = 0 WHERE p = 'a'",
                "DELETE FROM ttt WHERE p = 'a' AND s = 2 RETURNING ALL OLD *",
                "DELETE FROM none WHERE p = 'a'",
                "EXISTS(SELECT * FROM ttt WHERE p = 'a' AND s = 1 AND n = 5)",
                "UPDATE uuu SET n = n + 1 WHERE p = 'x'",
                "UPDATE uuu SET n = n + 1 WHERE p = 'x' RETURNING MODIFIED OLD *",
            ], #""ReturnConsumedCapacity":"TOTAL""#)
        #expect(
            answer.codes == [
                nil, "DuplicateItem", nil, "ConditionalCheckFailed", "ValidationError", nil,
                "ResourceNotFound", "ValidationError", nil, nil,
            ])
        let items = try answer.responses.map(item)
        #expect(items[2] == ["n": 6])
        #expect(items[5] == Self.items[1])
        #expect(items[8] == nil)
        #expect(items[9] == ["n": 2])
        let tables = answer.responses.map { $0["TableName"] as? String }
        #expect(tables == ["ttt", "ttt", "ttt", "ttt", nil, "ttt", nil, nil, "uuu", "uuu"])
        #expect(answer.responses[3]["Item"] == nil)
        let capacity = answer.object["ConsumedCapacity"] as? [[String: Any]]
        #expect(capacity?.map { $0["CapacityUnits"] as? Double } == [3, 2])
        let stored = try client.store.item(in: "ttt", key: PrimaryKey(.string("a"), .number(1)))
        #expect(stored?["n"] == 6)
        #expect(
            try client.store.item(in: "ttt", key: PrimaryKey(.string("b"), .number(1))) != nil)
    }

    @Test("A failed condition has no item, even if the statement asks for it")
    func failedItem() async throws {
        let answer = try await client.list(
            "BatchExecuteStatement",
            [
                PartiQLClient.json(
                    "UPDATE ttt SET n = 0 WHERE p = 'a' AND s = 1 AND n = 0", [],
                    #""ReturnValuesOnConditionCheckFailure":"ALL_OLD""#)
            ])
        #expect(answer.codes == ["ConditionalCheckFailed"])
        let error = answer.responses.first?["Error"] as? [String: Any]
        #expect(error?.keys.sorted() == ["Code", "Message"])
    }

    @Test("Reads and writes do not mix")
    func mixed() async throws {
        let before = try await client.stored()
        let answer = try await client.batch([
            "SELECT * FROM ttt WHERE p = 'a' AND s = 1", "DELETE FROM ttt WHERE p = 'a' AND s = 1",
        ])
        #expect(answer.error == "ValidationException")
        #expect(try await client.stored() == before)
    }

    @Test("A batch has 1 to 25 statements", arguments: [0, 1, 24, 25, 26])
    func count(count: Int) async throws {
        let text = "SELECT n FROM ttt WHERE p = 'a' AND s = 1"
        let answer = try await client.batch(Array(repeating: text, count: count))
        #expect((answer.error == nil) == (1...25).contains(count))
        if answer.error == nil {
            #expect(answer.responses.count == count)
        } else {
            #expect(answer.message.contains("'statements' failed to satisfy constraint"))
        }
    }

    @Test("The error of a parameter belongs to its statement")
    func parameters() async throws {
        let text = "SELECT * FROM ttt WHERE p = ? AND s = 1"
        let answer = try await client.list(
            "BatchExecuteStatement",
            [
                #"{"Statement":"\#(text)","Parameters":[{"N":"x"}]}"#,
                #"{"Statement":"\#(text)","Parameters":[{"S":"a"}]}"#,
            ])
        #expect(answer.codes == ["ValidationError", nil])
        let shapeless = try await client.list(
            "BatchExecuteStatement", [#"{"Statement":"\#(text)","Parameters":[1]}"#])
        #expect(shapeless.error == "SerializationException")
    }
}
