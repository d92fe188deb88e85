import CodexCore
import Testing

/// Statements whose items or keys of indexes are refused, in the words of the operations on items.
@Suite("PartiQL's refused items")
struct PartiQLItemTests {
    @Test("An INSERT has an item of 400 KB, and not a byte more", arguments: -1...1)
    func insertedSize(difference: Int) async throws {
        let bench = try await ProtocolBench()
        // Two names of one byte, and the key of one.
        let count = DynamoDBLimits.itemByteCountMax - 3 + difference
        let text = String(repeating: "v", count: count)
        let insert =
            #"{"Statement":"INSERT INTO ttt VALUE {'p': 'a', 'v': ?}","Parameters":[{"S":"\#(text)"}]}"#
        let message = "Item size has exceeded the maximum allowed size"
        let isRefused = difference > 0
        let answer = try await bench.ask(
            "ExecuteTransaction", #"{"TransactStatements":[\#(insert)]}"#)
        #expect(answer.reasons == (isRefused ? ["ValidationError: \(message)"] : []))
        if isRefused { try await bench.refuses(message, "ExecuteStatement", insert) }
        #expect(try await bench.items().isEmpty == isRefused)
    }

    /// Clauses of an UPDATE that change the key `g` of an index, and the errors.
    private static let clauses = [
        (
            "g = 1",
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi1"
        ),
        (
            "g = e",
            "The update expression attempted to update the secondary index key to unsupported type"
        ),
        (
            "g = ''",
            "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."
        ),
        (
            "g.x = 1",
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: g"
        ),
    ]

    @Test("An UPDATE gives the key of an index no other type", arguments: clauses)
    func indexKeys(clause: String, message: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.ok(
            "PutItem",
            #"{"TableName":"rrr","Item":{"p":{"S":"a"},"s":{"S":"b"},"e":{"N":"1"}}}"#)
        let before = try ProtocolBench.text(try await bench.items("rrr"))
        try await bench.refuses(
            message, "ExecuteStatement",
            #"{"Statement":"UPDATE rrr SET \#(clause) WHERE p = 'a' AND s = 'b'"}"#)
        #expect(try ProtocolBench.text(try await bench.items("rrr")) == before)
    }
}
