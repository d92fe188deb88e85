import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDB

/// How much a statement may cost.
@Suite("PartiQL's limits")
struct PartiQLLimitTests {
    private let client: PartiQLClient

    init() throws { client = try PartiQLClient(ShortTables.pair) }

    @Test("A statement has 1 to 8192 characters", arguments: [8191, 8192, 8193])
    func characters(count: Int) async throws {
        // A character of two bytes counts once.
        let start = "SELECT * FROM ttt WHERE n = '\u{E4}"
        let rest = count - 1 - start.unicodeScalars.count
        let text = start + String(repeating: "x", count: rest) + "'"
        #expect(text.unicodeScalars.count == count)
        for (operation, body) in [
            ("ExecuteStatement", PartiQLClient.json(text)),
            ("BatchExecuteStatement", "{\"Statements\":[\(PartiQLClient.json(text))]}"),
        ] {
            let answer = try await client.ask(operation, body)
            #expect((answer.error == nil) == (count <= 8192))
            #expect(answer.error == nil || answer.message.contains("tatement' failed to satisfy"))
        }
    }

    @Test(
        "A statement that is missing, empty or no text is refused",
        arguments: [
            ("{}", "ValidationException"), (#"{"Statement":""}"#, "ValidationException"),
            (#"{"Statement":null}"#, "ValidationException"),
            (#"{"Statement":1}"#, "SerializationException"),
            (#"{"Statement":"SELECT * FROM ttt","Parameters":[]}"#, "ValidationException"),
            (#"{"Statement":"SELECT * FROM ttt","Parameters":{}}"#, "SerializationException"),
            (#"{"Statement":"SELECT * FROM ttt","Parameters":[{}]}"#, "ValidationException"),
            (#"{"Statement":"SELECT * FROM ttt","Limit":"1"}"#, "SerializationException"),
            (#"{"Statement":"SELECT * FROM ttt","NextToken":1}"#, "SerializationException"),
        ] as [(String, String)])
    func shapes(body: String, error: String) async throws {
        #expect(try await client.ask("ExecuteStatement", body).error == error)
    }

    @Test("The parameters of a statement have 2 MiB together", arguments: [-1, 0, 1])
    func parameters(difference: Int) async throws {
        let text = String(repeating: "x", count: (2 << 20) - 1 + difference)
        let answer = try await client.execute(
            "SELECT * FROM ttt WHERE p = ? AND n <> ?", ["a", .string(text)])
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
    }

    @Test("An inserted item has 400 KB", arguments: [-1, 0, 1])
    func itemSize(difference: Int) async throws {
        let fixed: Item = ["p": "k", "s": 1, "text": ""]
        let count = DynamoDBLimits.itemByteCountMax - fixed.byteCount + difference
        let text = AttributeValue.string(String(repeating: "x", count: count))
        let answer = try await client.execute(
            "INSERT INTO ttt VALUE {'p': 'k', 's': 1, 'text': ?}", [text])
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
    }

    @Test("A long SELECT is read in slices, and gives its memory back")
    func slices() async throws {
        let text = AttributeValue.string(String(repeating: "x", count: 2000))
        try await client.put(
            (0..<400).map { ["p": "a", "s": .number(Number($0)), "text": text] })
        let pauses = CallCounter()
        let meter = MemoryMeter()
        var budget = meter.budget()
        budget.pause = { _ in pauses.add() }
        let answer = try await client.ask(
            "ExecuteStatement", PartiQLClient.json("SELECT s FROM ttt WHERE p = 'a' AND s >= 0"),
            budget)
        #expect(try answer.items().count == 400)
        #expect(pauses.count > 3)
        let filtered = try await client.ask(
            "ExecuteStatement", PartiQLClient.json("SELECT s FROM ttt WHERE text <> 'y'"), budget)
        #expect(try filtered.items().count == 400)
        // Only the responses are left, which the server releases.
        #expect(meter.byteCount < 100_000)
        #expect(meter.peak < 400_000)
    }

    @Test("A page ends before the item that is past a mebibyte, also at the start of a query")
    func pageBytes() async throws {
        let text = AttributeValue.string(String(repeating: "x", count: 400_000))
        try await client.put(
            ["a", "b", "c", "d"].map { ["p": .string($0), "s": 1, "text": text] })
        let statement = "SELECT p FROM ttt WHERE p IN ['a', 'b', 'bb', 'c', 'd']"
        let answer = try await client.execute(statement)
        #expect(try answer.items() == [["p": "a"], ["p": "b"]])
        #expect(answer.token != nil)
        let all = try await client.all(statement)
        #expect(all == [["p": "a"], ["p": "b"], ["p": "c"], ["p": "d"]])
    }

    @Test("Without memory or time, a statement changes nothing")
    func refusals() async throws {
        let text = AttributeValue.string(String(repeating: "x", count: 99_999))
        try await client.put([["p": "a", "s": 1, "text": text]])
        let before = try await client.stored()
        let update = "UPDATE ttt SET n = 1 WHERE p = 'a' AND s = 1 RETURNING ALL NEW *"
        let poor = try await client.ask(
            "ExecuteStatement", PartiQLClient.json(update), MemoryMeter(limit: 50_000).budget())
        #expect(poor.error == "ThrottlingException")
        var late = RequestBudget()
        late.isOver = { true }
        for (operation, body) in [
            ("ExecuteStatement", PartiQLClient.json(update)),
            ("BatchExecuteStatement", "{\"Statements\":[\(PartiQLClient.json(update))]}"),
        ] {
            #expect(try await client.ask(operation, body, late).error == "ThrottlingException")
        }
        let batch = try await client.ask(
            "BatchExecuteStatement",
            "{\"Statements\":[\(PartiQLClient.json(update)),"
                + "\(PartiQLClient.json("DELETE FROM ttt WHERE p = 'none' AND s = 1"))]}",
            MemoryMeter(limit: 50_000).budget())
        #expect(batch.codes == ["ThrottlingError", nil])
        #expect(try await client.stored() == before)
    }
}
