import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexDynamoDB

/// What a SELECT reads, in which order, and page by page.
@Suite("PartiQL's SELECT")
struct PartiQLSelectTests {
    private let client: PartiQLClient

    /// Four partitions of ten items; each item has 1012 bytes.
    init() async throws {
        client = try PartiQLClient(ShortTables.pair)
        try await client.put(Self.items)
    }

    private static let items: [Item] = ["a", "b", "c", "d"].flatMap { partition in
        (1...10).map { number -> Item in
            [
                "p": .string(partition), "s": .number(Number(number)), "n": .number(Number(number)),
                "text": .string(String(repeating: "x", count: 1000)),
            ]
        }
    }

    private static let units = #""ReturnConsumedCapacity":"TOTAL""#

    private func keys(_ items: [Item]) -> [String] {
        items.map { "\($0["p"]?.string ?? "")\($0["s"]?.number?.description ?? "")" }
    }

    // MARK: Queries and scans

    @Test(
        "A SELECT is a query for each named key, and otherwise a scan",
        arguments: [
            ("", 5), (" WHERE p = 'a'", 1.5), (" WHERE 'a' = p", 1.5), (" WHERE (p = 'a')", 1.5),
            (" WHERE p = 'a' AND s = 3", 0.5), (" WHERE p = 'a' AND s > 5", 1),
            (" WHERE p = 'a' AND s BETWEEN 2 AND 4", 0.5),
            (" WHERE p = 'a' AND s > 3 AND s < 6", 0.5), (" WHERE p = 'a' AND n = 1", 1.5),
            (" WHERE p = 'a' AND NOT s = 3", 1.5), (" WHERE p = 'a' AND s <> 3", 1.5),
            (" WHERE p IN ['a', 'b'] AND s = 1", 1), (" WHERE p IN ['a'] AND s IN [1, 2]", 1),
            (" WHERE (p = 'a' AND s = 1) OR (p = 'b' AND s = 2)", 1),
            (" WHERE p = 'a' AND (n = 1 OR n = 2)", 1.5), (" WHERE p = 'none'", 0.5),
            (" WHERE p = 'a' AND s = 1 AND s = 2", 0.5), (" WHERE s = 3", 5),
            (" WHERE p > 'a'", 5), (" WHERE NOT p = 'a'", 5), (" WHERE p <> 'a'", 5),
            (" WHERE p = 'a' OR n = 1", 5), (" WHERE p = 'a' AND p = 'b'", 5),
            (" WHERE begins_with(p, 'a')", 5), (" WHERE p IS NOT MISSING", 5),
        ] as [(String, Double)])
    func reads(condition: String, units: Double) async throws {
        let answer = try await client.execute("SELECT p, s FROM ttt" + condition, [], Self.units)
        #expect(answer.error == nil, "\(answer.message)")
        #expect(answer.units == units)
        let consistent = try await client.execute(
            "SELECT p, s FROM ttt" + condition, [], Self.units + #","ConsistentRead":true"#)
        #expect(consistent.units == 2 * units)
        #expect(try consistent.items() == answer.items())
    }

    @Test(
        "A SELECT of a key has the items, the order and the capacity of a Query",
        arguments: [
            ("p = ?", "p = :p", ["a"]), ("p = ? AND s = ?", "p = :p AND s = :s", ["a", 3]),
            ("p = ? AND s < ?", "p = :p AND s < :s", ["b", 3]),
            ("p = ? AND s <= ?", "p = :p AND s <= :s", ["b", 3]),
            ("p = ? AND s > ?", "p = :p AND s > :s", ["b", 3]),
            ("p = ? AND ? <= s", "p = :p AND s >= :s", ["b", 3]),
            ("p = ? AND s BETWEEN ? AND 7", "p = :p AND s BETWEEN :s AND :t", ["b", 3]),
        ] as [(String, String, [AttributeValue])])
    func query(condition: String, expression: String, values: [AttributeValue]) async throws {
        var placeholders = Item(zip([":p", ":s"], values))
        if expression.contains(":t") { placeholders[":t"] = 7 }
        var writer = JSONWriter()
        writer.typed(placeholders)
        for (order, forward) in [("", "true"), (" ORDER BY s DESC", "false")] {
            let statement = try await client.execute(
                "SELECT * FROM ttt WHERE " + condition + order, values, Self.units)
            let query = try await client.ask(
                "Query",
                #"""
                {"TableName":"ttt","KeyConditionExpression":"\#(expression)",
                "ExpressionAttributeValues":\#(writer.text),"ScanIndexForward":\#(forward),
                \#(Self.units)}
                """#)
            try #require(query.error == nil, "\(query.message)")
            #expect(try statement.items() == query.items())
            #expect(try !query.items().isEmpty)
            #expect(statement.units == query.units)
        }
    }

    // MARK: Pages

    @Test(
        "Pages of any size have the same items as the whole",
        arguments: [
            "SELECT p, s FROM ttt", "SELECT p, s FROM ttt WHERE n < 4",
            "SELECT p, s FROM ttt WHERE p = 'b'", "SELECT p, s FROM ttt WHERE p = 'b' AND n <> 5",
            "SELECT p, s FROM ttt WHERE p IN ['c', 'a', 'none', 'd']",
            "SELECT p, s FROM ttt WHERE p = 'b' ORDER BY s DESC",
            "SELECT p, s FROM ttt WHERE p IN ['c', 'a'] ORDER BY p DESC, s ASC",
            "SELECT p, s FROM ttt WHERE p IN ['c', 'a'] AND s > 4 AND n < 9 ORDER BY p, s DESC",
            "SELECT p, s FROM ttt WHERE p = 'a' AND s = 1 AND s = 2",
        ])
    func pages(statement: String) async throws {
        let whole = keys(try await client.all(statement, limit: 100))
        #expect(Set(whole).count == whole.count)
        for limit in [1, 2, 3, 7, 10, 11] {
            #expect(keys(try await client.all(statement, limit: limit)) == whole, "\(limit)")
        }
    }

    @Test("A page has at most as many items as the limit, and a token if it reached it")
    func limits() async throws {
        for (limit, count) in [(9, 9), (10, 10), (11, 10)] {
            let answer = try await client.execute(
                "SELECT * FROM ttt WHERE p = 'a'", [], "\"Limit\":\(limit)")
            #expect(try answer.items().count == count)
            #expect((answer.token != nil) == (limit <= 10))
            #expect((answer.object["LastEvaluatedKey"] != nil) == (limit <= 10))
        }
        for limit in [0, -1] {
            let answer = try await client.execute("SELECT * FROM ttt", [], "\"Limit\":\(limit)")
            #expect(answer.error == "ValidationException")
        }
    }

    @Test("Several queries give pages of ten items")
    func severalQueries() async throws {
        let first = try await client.execute("SELECT * FROM ttt WHERE p IN ['a', 'b'] AND s > 4")
        #expect(
            keys(try first.items()).joined(separator: " ") == "a5 a6 a7 a8 a9 a10 b5 b6 b7 b8")
        let rest = try await client.execute(
            "SELECT * FROM ttt WHERE p IN ['a', 'b'] AND s > 4", [],
            "\"NextToken\":\"\(first.token ?? "")\"")
        #expect(keys(try rest.items()) == ["b9", "b10"])
        #expect(rest.token == nil)
    }

    // MARK: Order

    @Test(
        "ORDER BY gives the items in the order of the key",
        arguments: [
            ("p = 'a' AND s < 4 ORDER BY s", "a1 a2 a3"),
            ("p = 'a' AND s < 4 ORDER BY s ASC", "a1 a2 a3"),
            ("p = 'a' AND s < 4 ORDER BY s DESC", "a3 a2 a1"),
            ("p = 'a' AND s < 4 ORDER BY p", "a3 a2 a1"),
            ("p IN ['b', 'a'] AND s < 3", "a1 a2 b1 b2"),
            ("p IN ['b', 'a'] AND s < 3 ORDER BY p DESC, s ASC", "b1 b2 a1 a2"),
            ("p IN ['b', 'a'] AND s < 3 ORDER BY p, s DESC", "a2 a1 b2 b1"),
            ("p IN ['b', 'a'] AND s < 3 ORDER BY p DESC", "b2 b1 a2 a1"),
            ("p = 'a' AND s IN [3, 1] ORDER BY s DESC", "a3 a1"),
            ("p = 'a' AND (s < 2 OR s > 9) ORDER BY s DESC", "a10 a1"),
        ] as [(String, String)])
    func order(condition: String, expected: String) async throws {
        let answer = try await client.execute("SELECT * FROM ttt WHERE " + condition)
        #expect(answer.error == nil, "\(answer.message)")
        #expect(keys(try answer.items()).joined(separator: " ") == expected)
    }

    @Test(
        "ORDER BY needs the key",
        arguments: [
            (
                "SELECT * FROM ttt ORDER BY s",
                "Must have WHERE clause in the statement when using ORDER BY clause."
            ),
            (
                "SELECT * FROM ttt WHERE n = 1 ORDER BY s",
                "Must have at least one non-optional hash key condition in WHERE clause when using "
                    + "ORDER BY clause."
            ),
            (
                "SELECT * FROM ttt WHERE p = 'a' ORDER BY n",
                "Attribute n in ORDER BY clause must be part of the primary key"
            ),
            (
                "SELECT * FROM ttt WHERE p IN ['a', 'b'] ORDER BY s",
                "Must have hash key in ORDER BY clause when more than one hash key condition "
                    + "specified in WHERE clause."
            ),
        ] as [(String, String)])
    func refusedOrder(statement: String, message: String) async throws {
        let answer = try await client.execute(statement)
        #expect(answer.error == "ValidationException")
        #expect(answer.message == message)
    }

    // MARK: Alternatives

    @Test(
        "Alternatives that read an item twice are refused, unless one excludes sort keys",
        arguments: [
            ("p IN ['a', 'a']", nil), ("p = 'a' OR p = 'a'", nil),
            ("p = 'a' AND (s = 1 OR n = 2)", nil), ("p = 'a' AND (s < 5 OR s > 3)", nil),
            ("p = 'a' AND (s < 5 OR s >= 5)", 10), ("p = 'a' AND (s < 3 OR s > 8)", 4),
            ("p = 'a' AND (s < 5 OR s <> 3)", 10), ("p = 'a' AND (s < 3 OR NOT s < 9)", 4),
        ] as [(String, Int?)])
    func overlap(condition: String, count: Int?) async throws {
        let answer = try await client.execute("SELECT * FROM ttt WHERE " + condition)
        let message = "Overlapping conditions with range keys are not supported in where clause"
        #expect(answer.message == (count == nil ? message : ""))
        #expect(try answer.items().count == count ?? 0)
    }

    @Test("A name is that of the key only if it has the same bytes")
    func equivalentNames() async throws {
        let (key, other) = ("\u{E9}", "e\u{301}")
        let client = try PartiQLClient(
            Schema(tables: [TableDefinition("ttt", partitionKey: KeyAttribute(key))]))
        try await client.put([
            [key: "a", other: "b", "n": 1], [key: "b", other: "c", "n": 2],
        ])
        for (name, number) in [(other, 1), (key, 2)] as [(String, AttributeValue)] {
            let answer = try await client.execute("SELECT n FROM ttt WHERE \"\(name)\" = 'b'")
            #expect(try answer.items().map { $0["n"] } == [number])
        }
    }

    @Test("A statement has 50 queries", arguments: [49, 50, 51])
    func queryCount(count: Int) async throws {
        let list = (1...count).map { "'k\($0)'" }.joined(separator: ",")
        let answer = try await client.execute("SELECT * FROM ttt WHERE p IN [\(list)]")
        let message = "Too many decomposed read operations for a given query."
        #expect(answer.message == (count <= 50 ? "" : message))
    }

    @Test("IN has 100 values", arguments: [99, 100, 101])
    func candidateCount(count: Int) async throws {
        let list = (1...count).map { "\($0)" }.joined(separator: ",")
        let answer = try await client.execute("SELECT * FROM ttt WHERE n IN [\(list)]")
        let message =
            "The IN operator is provided with too many operands; number of operands: \(count)"
        #expect(answer.message == (count <= 100 ? "" : message))
    }

    @Test(
        "A key is compared with values of its type",
        arguments: [
            (
                "p = 1",
                "Key attribute's data type should match its data type in table's schema: Key p"
            ),
            (
                "s = 'x' AND n = 1",
                "Key attribute's data type should match its data type in table's schema: Key s"
            ),
            ("p = true", "Key value must be of type S, N, or B. Key name: p, Key type: BOOL"),
            ("p > 1", ""), ("NOT p = 1", ""), ("p <> 1", ""),
        ] as [(String, String)])
    func keyTypes(condition: String, message: String) async throws {
        let answer = try await client.execute("SELECT * FROM ttt WHERE " + condition)
        #expect(answer.message == message)
    }

    // MARK: Selected attributes

    @Test("A column has the last name of its path, with the indexes behind it")
    func columns() async throws {
        let item: Item = [
            "p": "z", "s": 1, "a": ["b": [1, ["c": "deep"]]], "tags": ["x", "y"],
        ]
        try await client.put([item])
        let cases: [(String, Item)] = [
            ("*", item), ("tags, s", ["tags": ["x", "y"], "s": 1]),
            ("a.b", ["b": [1, ["c": "deep"]]]), ("a.b[0], tags[1]", ["b[0]": 1, "tags[1]": "y"]),
            ("a.b[1].c, a.b", ["c": "deep", "b": [1, ["c": "deep"]]]), ("absent, tags[7]", [:]),
            (#""tags""#, ["tags": ["x", "y"]]),
        ]
        for (columns, expected) in cases {
            let answer = try await client.execute(
                "SELECT \(columns) FROM ttt WHERE p = 'z' AND s = 1", [], Self.units)
            #expect(try answer.items() == [expected], "\(columns)")
            #expect(answer.units == 0.5)
        }
        for (columns, message) in [
            ("s, a.s", "Duplicate identifiers in select clause: s"),
            ("COUNT(*)", "Unexpected path component at 1:8:5"),
            ("1", "Unexpected path component at 1:8:1"),
        ] {
            let answer = try await client.execute("SELECT \(columns) FROM ttt")
            #expect(answer.message == message)
        }
    }

    // MARK: Tokens

    @Test("A token continues its statement with other limits, and no other statement")
    func tokens() async throws {
        let statement = "SELECT p, s FROM ttt WHERE p = ?"
        let first = try await client.execute(statement, ["a"], "\"Limit\":2")
        let token = try #require(first.token)
        let more = "\"NextToken\":\"\(token)\""
        let next = try await client.execute(
            statement, ["a"], more + ",\"Limit\":3,\"ConsistentRead\":true")
        #expect(keys(try next.items()) == ["a3", "a4", "a5"])

        for (other, parameters) in [
            (statement, ["b"]), (statement + " ", ["a"]),
            ("SELECT p, s FROM uuu WHERE p = ?", ["a"]),
        ] as [(String, [AttributeValue])] {
            let answer = try await client.execute(other, parameters, more)
            #expect(answer.message == "NextToken does not match request")
        }
        var bytes = try #require(Base64.decodeURL(token))
        for place in bytes.indices {
            bytes[place] ^= 1
            let damaged = Base64.encodeURL(bytes)
            bytes[place] ^= 1
            let answer = try await client.execute(
                statement, ["a"], "\"NextToken\":\"\(damaged)\"")
            #expect(answer.message == "Invalid NextToken")
        }
        for text in ["x", "=", "AAAA", String(repeating: "A", count: 32_768)] {
            let answer = try await client.execute(statement, ["a"], "\"NextToken\":\"\(text)\"")
            #expect(answer.message == "Invalid NextToken")
        }
        for text in ["", String(repeating: "A", count: 32_769)] {
            let answer = try await client.execute(statement, ["a"], "\"NextToken\":\"\(text)\"")
            #expect(answer.message.contains("'nextToken' failed to satisfy constraint"))
        }
    }

    @Test("A token is valid for an hour", arguments: [3_599_999, 3_600_000, 3_600_001])
    func expiry(milliseconds: Int) async throws {
        let client = try PartiQLClient(ShortTables.pair)
        try await client.put(Self.items)
        let target = try StatementTarget(
            StatementSource(Statement.Source(names: ["ttt"])), client.service)
        let before = StatementTokens("text", [1], target, milliseconds: 1_700_000_000_000)
        let token = before.token(at: 0, after: ["p": "a", "s": -1.5])
        let after = StatementTokens(
            "text", [1], target, milliseconds: 1_700_000_000_000 + milliseconds)
        if milliseconds <= 3_600_000 {
            let position = try after.position(of: token, placeCount: 1)
            #expect(position.place == 0)
            #expect(position.key == ["p": "a", "s": -1.5])
        } else {
            #expect(throws: ServiceError.self) {
                try after.position(of: token, placeCount: 1)
            }
        }
        #expect(throws: ServiceError.self) { try before.position(of: token, placeCount: 0) }
    }

    @Test("A token whose key is outside of what its statement reads is refused")
    func forgedKey() async throws {
        let text = "SELECT * FROM ttt WHERE p = 'a' AND s < 3"
        let target = try StatementTarget(
            StatementSource(Statement.Source(names: ["ttt"])), client.service)
        let tokens = StatementTokens(text, [], target, milliseconds: client.service.milliseconds)
        for key in [["p": "b", "s": 1], ["p": "a", "s": 9]] as [Item] {
            let forged = tokens.token(at: 0, after: key)
            let answer = try await client.execute(text, [], "\"NextToken\":\"\(forged)\"")
            #expect(answer.error == "ValidationException")
        }
    }
}
