import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDB

/// SELECT statements that read indexes.
@Suite("PartiQL's indexes")
struct PartiQLIndexTests {
    private let client: PartiQLClient

    private static let units = #""ReturnConsumedCapacity":"INDEXES""#

    /// A table with a local and a global index that have keys and one attribute.
    init() async throws {
        client = try PartiQLClient(Schema(tables: []))
        let created = try await client.ask(
            "CreateTable",
            #"""
            {"TableName":"tab","BillingMode":"PAY_PER_REQUEST",
            "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},
            {"AttributeName":"s","KeyType":"RANGE"}],
            "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
            {"AttributeName":"s","AttributeType":"N"},{"AttributeName":"g","AttributeType":"S"},
            {"AttributeName":"h","AttributeType":"S"}],
            "GlobalSecondaryIndexes":[
            {"IndexName":"byG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},
            {"AttributeName":"s","KeyType":"RANGE"}],
            "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]}},
            {"IndexName":"byTwo","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},
            {"AttributeName":"h","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],
            "LocalSecondaryIndexes":[{"IndexName":"byLocal",
            "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},
            {"AttributeName":"g","KeyType":"RANGE"}],
            "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]}}]}
            """#)
        try #require(created.error == nil, "\(created.message)")
        try await client.put(Self.items, in: "tab")
    }

    private static let items: [Item] = (1...4).map { number -> Item in
        [
            "p": "a", "s": .number(Number(number)), "g": .string(number < 3 ? "g1" : "g2"),
            "h": "h", "x": .number(Number(10 * number)), "y": .number(Number(number)),
            "text": .string(String(repeating: "x", count: 5000)),
        ]
    }

    @Test("An index is queried by its key, and gives the attributes that it has")
    func query() async throws {
        let answer = try await client.execute(
            #"SELECT * FROM "tab"."byG" WHERE g = 'g1' ORDER BY s DESC"#, [], Self.units)
        #expect(
            try answer.items() == [
                ["p": "a", "s": 2, "g": "g1", "x": 20], ["p": "a", "s": 1, "g": "g1", "x": 10],
            ])
        let capacity = answer.object["ConsumedCapacity"] as? [String: Any]
        #expect((capacity?["GlobalSecondaryIndexes"] as? [String: Any])?.keys.first == "byG")
        #expect(answer.units == 0.5)
        let filtered = try await client.all("SELECT s FROM tab.byG WHERE g = 'g1' AND x > 10")
        #expect(filtered == [["s": 2]])
        let scanned = try await client.all("SELECT s FROM tab.byG WHERE x > 10", limit: 1)
        #expect(Set(scanned) == [["s": 2], ["s": 3], ["s": 4]])
    }

    @Test("A local index reads other selected attributes from the table, item by item")
    func localFetch() async throws {
        let answer = try await client.execute(
            "SELECT s, y FROM tab.byLocal WHERE p = 'a' AND g = 'g1' AND x > 10", [], Self.units)
        #expect(try answer.items() == [["s": 2, "y": 2]])
        let capacity = try #require(answer.object["ConsumedCapacity"] as? [String: Any])
        // Two items of 5 KB, which have half of two units each, and two small entries together.
        #expect((capacity["Table"] as? [String: Any])?["CapacityUnits"] as? Double == 2)
        let local = (capacity["LocalSecondaryIndexes"] as? [String: Any])?["byLocal"]
        #expect((local as? [String: Any])?["CapacityUnits"] as? Double == 0.5)

        let projected = try await client.execute(
            "SELECT s, x FROM tab.byLocal WHERE p = 'a' AND g = 'g1'", [],
            Self.units + #","ConsistentRead":true"#)
        #expect(try projected.items() == [["s": 1, "x": 10], ["s": 2, "x": 20]])
        #expect(projected.units == 1)
    }

    @Test("A condition on an attribute that the index lacks sees no value in a scan")
    func scanFilter() async throws {
        let answer = try await client.execute("SELECT s FROM tab.byG WHERE y IS MISSING")
        #expect(answer.error == nil)
        #expect(try answer.items().count == 4)
        let other = try await client.execute("SELECT s, y FROM tab.byLocal WHERE y = 1")
        #expect(try other.items() == [])
    }

    @Test(
        "A SELECT that an index cannot serve is refused",
        arguments: [
            (
                "SELECT y, s, text FROM tab.byG",
                "One or more parameter values were invalid: Global secondary index byG does not "
                    + "project [y, text]"
            ),
            (
                "SELECT s FROM tab.byG WHERE g = 'g1' AND y = 1 AND x = 2",
                "One or more parameter values were invalid: Secondary index byG does not project "
                    + "one or more filter attributes: [y]"
            ),
            (
                "SELECT s FROM tab.byLocal WHERE p = 'a' AND y = 1",
                "One or more parameter values were invalid: Secondary index byLocal does not "
                    + "project one or more filter attributes: [y]"
            ),
            ("SELECT * FROM tab.none", "The table does not have the specified index"),
            (
                "SELECT COUNT(*) FROM tab.byTwo WHERE g = 1",
                "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
                    + "multi-attribute RANGE keys."
            ),
        ] as [(String, String)])
    func refused(statement: String, message: String) async throws {
        let answer = try await client.execute(statement)
        #expect(answer.error == "ValidationException")
        #expect(answer.message == message)
    }

    @Test("One alternative with the attributes of the index suffices")
    func alternatives() async throws {
        let answer = try await client.execute(
            "SELECT s FROM tab.byG WHERE (g = 'g1' AND y = 1) OR (g = 'g2' AND x = 30)")
        #expect(answer.error == nil, "\(answer.message)")
        #expect(try answer.items() == [["s": 3]])
    }

    @Test("A global index has no consistent reads, and a local one has them")
    func consistent() async throws {
        let option = #""ConsistentRead":true"#
        let global = try await client.execute("SELECT s FROM tab.byG", [], option)
        #expect(
            global.message
                == "Strongly consistent read is not supported on Global Secondary Indexes")
        let local = try await client.execute("SELECT s FROM tab.byLocal", [], option)
        #expect(local.error == nil)
    }

    @Test("Pages of an index have the same items as the whole", arguments: [1, 2, 3, 4])
    func pages(limit: Int) async throws {
        for statement in [
            "SELECT s FROM tab.byG", "SELECT s FROM tab.byG WHERE g IN ['g2', 'g1']",
            "SELECT s FROM tab.byLocal WHERE p = 'a' AND g > 'g'",
            "SELECT s, y FROM tab.byLocal WHERE p = 'a' ORDER BY g DESC",
        ] {
            let whole = try await client.all(statement)
            #expect(whole.count == 4)
            #expect(try await client.all(statement, limit: limit) == whole, "\(statement)")
        }
    }
}
