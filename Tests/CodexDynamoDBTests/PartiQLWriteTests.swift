import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDB

/// Statements that write one item, beside the operations with the same meaning.
@Suite("PartiQL's writes")
struct PartiQLWriteTests {
    /// A statement, and the operation that must have the same effect.
    struct Pair: Sendable, CustomTestStringConvertible {
        let statement: String
        var parameters: [AttributeValue] = []
        let operation: String
        let body: String

        var testDescription: String { statement }
    }

    private static let items: [Item] = [
        [
            "p": "a", "s": 1, "g": "x", "n": 5, "l": [1, "two", ["k": 3]],
            "m": ["k": ["deep": "v"]], "ss": .stringSet(["q", "r"]), "ns": .numberSet([1, 2]),
        ],
        ["p": "a", "s": 2, "n": -1, "flag": true, "nothing": .null],
        ["p": "b", "s": 1, "n": 7, "b": .binary([1, 2])],
    ]

    private static func client() async throws -> PartiQLClient {
        let client = try PartiQLClient(ShortTables.pair)
        try await client.put(items)
        return client
    }

    private static func update(
        _ key: String, _ expression: String, _ values: String, _ more: String = ""
    ) -> String {
        #"{"TableName":"ttt","Key":\#(key),"UpdateExpression":"\#(expression)""#
            + (values.isEmpty ? "" : #","ExpressionAttributeValues":{\#(values)}"#)
            + #","ReturnConsumedCapacity":"TOTAL"\#(more)}"#
    }

    private static let a1 = #"{"p":{"S":"a"},"s":{"N":"1"}}"#
    private static let a2 = #"{"p":{"S":"a"},"s":{"N":"2"}}"#

    // MARK: The same effects

    private static let pairs: [Pair] = [
        Pair(
            statement: "INSERT INTO ttt VALUE {'p': 'c', 's': 1, 'l': [1, {'k': <<'x'>>}]}",
            operation: "PutItem",
            body: #"""
                {"TableName":"ttt","Item":{"p":{"S":"c"},"s":{"N":"1"},
                "l":{"L":[{"N":"1"},{"M":{"k":{"SS":["x"]}}}]}},"ReturnConsumedCapacity":"TOTAL"}
                """#),
        Pair(
            statement: "INSERT INTO \"ttt\" VALUE ?",
            parameters: [["p": "c", "s": 2, "b": .binary([0])]],
            operation: "PutItem",
            body: #"""
                {"TableName":"ttt","Item":{"p":{"S":"c"},"s":{"N":"2"},"b":{"B":"AA=="}},
                "ReturnConsumedCapacity":"TOTAL"}
                """#),
        Pair(
            statement: "UPDATE ttt SET n = n + 1, x = ? REMOVE l[1] WHERE p = 'a' AND s = 1",
            parameters: ["new"],
            operation: "UpdateItem",
            body: update(
                a1, "SET n = n + :o, x = :x REMOVE l[1]", #"":o":{"N":"1"},":x":{"S":"new"}"#)),
        Pair(
            statement: "UPDATE ttt SET n = 10 - n WHERE s = 1 AND p = 'a'",
            operation: "UpdateItem",
            body: update(a1, "SET n = :t - n", #"":t":{"N":"10"}"#)),
        Pair(
            statement: "UPDATE ttt SET n = (n + 1) - 4 WHERE p = 'a' AND s = 1",
            operation: "UpdateItem",
            body: update(a1, "SET n = n - :t", #"":t":{"N":"3"}"#)),
        Pair(
            statement: "UPDATE ttt SET m.k.deep = l[1] SET l = list_append(l, [true]) "
                + "WHERE p = 'a' AND s = 1",
            operation: "UpdateItem",
            body: update(
                a1, "SET m.k.deep = l[1], l = list_append(l, :l)", #"":l":{"L":[{"BOOL":true}]}"#)),
        Pair(
            statement: "UPDATE ttt SET ss = set_add(ss, <<'z'>>), ns = set_delete(ns, <<1>>) "
                + "WHERE p = 'a' AND s = 1",
            operation: "UpdateItem",
            body: update(
                a1, "ADD ss :s DELETE ns :n", #"":s":{"SS":["z"]},":n":{"NS":["1"]}"#)),
        Pair(
            statement: "UPDATE ttt SET c = if_not_exists(c, 0) + 2 WHERE p = 'a' AND s = 1",
            operation: "UpdateItem",
            body: update(
                a1, "SET c = if_not_exists(c, :z) + :t", #"":z":{"N":"0"},":t":{"N":"2"}"#)),
        Pair(
            statement: "UPDATE ttt SET g = 'y' WHERE p = 'a' AND s = 1 AND n = 5",
            operation: "UpdateItem",
            body: update(a1, "SET g = :y", #"":y":{"S":"y"}"#)),
        Pair(
            statement: "FROM ttt WHERE p = 'a' AND s = 2 SET x = 1 REMOVE flag",
            operation: "UpdateItem",
            body: update(a2, "SET x = :o REMOVE flag", #"":o":{"N":"1"}"#)),
        Pair(
            statement: "DELETE FROM ttt WHERE p = 'a' AND s = 1",
            operation: "DeleteItem",
            body: #"{"TableName":"ttt","Key":\#(a1),"ReturnConsumedCapacity":"TOTAL"}"#),
        Pair(
            statement: "DELETE FROM ttt WHERE p = 'a' AND s = 9",
            operation: "DeleteItem",
            body: #"""
                {"TableName":"ttt","Key":{"p":{"S":"a"},"s":{"N":"9"}},
                "ReturnConsumedCapacity":"TOTAL"}
                """#),
    ]

    @Test("A statement has the effect and the capacity of its operation", arguments: pairs)
    func sameEffect(pair: Pair) async throws {
        let (left, right) = (try await Self.client(), try await Self.client())
        let statement = try await left.execute(
            pair.statement, pair.parameters, #""ReturnConsumedCapacity":"TOTAL""#)
        let operation = try await right.ask(pair.operation, pair.body)
        try #require(statement.error == nil, "\(statement.message)")
        try #require(operation.error == nil, "\(operation.message)")
        #expect(try statement.items() == [])
        #expect(statement.object["Items"] != nil)
        #expect(try await left.stored() == right.stored())
        #expect(statement.units != nil)
        #expect(statement.units == operation.units)
    }

    // MARK: Conditions

    @Test(
        "A write whose condition fails has the operation's error and changes nothing",
        arguments: [
            ("INSERT INTO ttt VALUE {'p': 'a', 's': 1}", "DuplicateItemException"),
            (
                "UPDATE ttt SET x = 1 WHERE p = 'a' AND s = 1 AND n > 5",
                "ConditionalCheckFailedException"
            ),
            ("UPDATE ttt SET x = 1 WHERE p = 'z' AND s = 1", "ConditionalCheckFailedException"),
            (
                "UPDATE ttt SET x = 1 WHERE p = 'z' AND s = 1 AND attribute_not_exists(p)",
                "ConditionalCheckFailedException"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a' AND s = 1 AND n IS MISSING",
                "ConditionalCheckFailedException"
            ),
        ] as [(String, String)])
    func conditions(statement: String, error: String) async throws {
        let client = try await Self.client()
        let before = try await client.stored()
        let answer = try await client.execute(statement)
        #expect(answer.error == error)
        #expect(try await client.stored() == before)
    }

    @Test("A DELETE of a missing item succeeds, also with a condition")
    func missing() async throws {
        let client = try await Self.client()
        let before = try await client.stored()
        for condition in ["", " AND n = 1"] {
            let answer = try await client.execute(
                "DELETE FROM ttt WHERE p = 'z' AND s = 1" + condition + " RETURNING ALL OLD *")
            #expect(answer.error == nil)
            #expect(try answer.items() == [])
        }
        #expect(try await client.stored() == before)
    }

    @Test("The error of a failed condition has the item if the request asks for it")
    func failedItem() async throws {
        let client = try await Self.client()
        let statement = "UPDATE ttt SET x = 1 WHERE p = 'a' AND s = 2 AND n = 0"
        let option = #""ReturnValuesOnConditionCheckFailure""#
        let with = try await client.execute(statement, [], option + #":"ALL_OLD""#)
        #expect(try with.item("Item") == Self.items[1])
        for more in ["", option + #":"NONE""#] {
            let without = try await client.execute(statement, [], more)
            #expect(without.error == "ConditionalCheckFailedException")
            #expect(without.object["Item"] == nil)
        }
        let duplicate = try await client.execute(
            "INSERT INTO ttt VALUE {'p': 'a', 's': 2}", [], option + #":"ALL_OLD""#)
        #expect(duplicate.message == "Duplicate primary key exists in table")
        #expect(duplicate.object["Item"] == nil)
    }

    // MARK: Returned items

    @Test("RETURNING gives the items or the changed attributes, before or after the write")
    func returning() async throws {
        let update = "UPDATE ttt SET n = 9 SET m.k.deep = 'w' REMOVE zzz WHERE p = 'a' AND s = 1 "
        var new = Self.items[0]
        new["n"] = 9
        new["m"] = ["k": ["deep": "w"]]
        let cases: [(String, [Item])] = [
            ("RETURNING ALL OLD *", [Self.items[0]]),
            ("RETURNING ALL NEW *", [new]),
            ("RETURNING MODIFIED OLD *", [["n": 5, "m": ["k": ["deep": "v"]]]]),
            ("RETURNING MODIFIED NEW *", [["n": 9, "m": ["k": ["deep": "w"]]]]),
        ]
        for (clause, items) in cases {
            let answer = try await Self.client().execute(update + clause)
            #expect(try answer.items() == items, "\(clause)")
        }
        let nothing = try await Self.client().execute(
            "UPDATE ttt REMOVE zzz WHERE p = 'a' AND s = 1 RETURNING MODIFIED OLD *")
        #expect(nothing.error == nil)
        #expect(nothing.object["Items"] as? [String] == [])
        let deleted = try await Self.client().execute(
            "DELETE FROM ttt WHERE p = 'a' AND s = 1 RETURNING ALL OLD *")
        #expect(try deleted.items() == [Self.items[0]])
    }

    @Test("A large item is returned, too")
    func largeItem() async throws {
        let client = try await Self.client()
        let text = AttributeValue.string(String(repeating: "x", count: 300_000))
        let item: Item = ["p": "large", "s": 1, "text": text]
        try await client.put([item])
        let answer = try await client.execute(
            "DELETE FROM ttt WHERE p = 'large' AND s = 1 RETURNING ALL OLD *")
        #expect(try answer.items() == [item])
    }

    // MARK: Refused statements

    @Test(
        "A write that names no single item or changes its key is refused",
        arguments: [
            (
                "UPDATE ttt SET x = 1",
                "Where clause does not contain a mandatory equality on all key attributes"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a'",
                "Where clause does not contain a mandatory equality on all key attributes"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a' AND s IN [1]",
                "Where clause does not contain a mandatory equality on all key attributes"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a' AND s = 1 OR n = 5",
                "Where clause does not contain a mandatory equality on all key attributes"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a' AND s = 1 AND s = 2",
                "Multiple conditions on same key s. Only single item Update/Insert/Delete are "
                    + "supported"
            ),
            (
                "UPDATE ttt SET x = 1 WHERE p = 'a' AND s = 'x'",
                "The provided key element does not match the schema"
            ),
            (
                "UPDATE ttt SET s = 2 WHERE p = 'a' AND s = 1",
                "One or more parameter values were invalid: Cannot update attribute s. This "
                    + "attribute is part of the key"
            ),
            (
                "INSERT INTO ttt VALUE {'p': 'a'}",
                "One or more parameter values were invalid: Missing the key s in the item"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a' AND s = 1 RETURNING MODIFIED OLD *",
                "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is "
                    + "allowed in DELETE statements."
            ),
            (
                "UPDATE ttt SET n = n + 'x' WHERE p = 'a' AND s = 1",
                "Incorrect operand type for operator or function; operator or function: +, operand "
                    + "type: S"
            ),
            (
                "UPDATE ttt SET n = n + m + 1 WHERE p = 'a' AND s = 1",
                "The sum of a SET clause has more than two terms; its numbers count as one"
            ),
            (
                "UPDATE ttt SET n = n * 2 WHERE p = 'a' AND s = 1",
                "Unsupported operator in Update Expression. Operator: *"
            ),
            (
                "EXISTS(SELECT * FROM ttt WHERE p = 'a' AND s = 1 AND n = 5)",
                "EXISTS can only be used in ExecuteTransaction write requests."
            ),
        ] as [(String, String)])
    func refused(statement: String, message: String) async throws {
        let client = try await Self.client()
        let before = try await client.stored()
        let answer = try await client.execute(statement)
        #expect(answer.error == "ValidationException")
        #expect(answer.message == message)
        #expect(try await client.stored() == before)
    }

    @Test("An equality that repeats itself names one item")
    func repeatedEquality() async throws {
        let client = try await Self.client()
        let answer = try await client.execute(
            "DELETE FROM ttt WHERE (p = 'a' AND s = 1) AND 'a' = p AND s = 1.0 RETURNING ALL OLD *")
        #expect(try answer.items() == [Self.items[0]])
    }

    @Test("A table that does not exist is not found")
    func unknownTable() async throws {
        let client = try await Self.client()
        for statement in [
            "SELECT * FROM none", "INSERT INTO none VALUE {'p': 'a'}",
            "UPDATE none SET x = 1 WHERE p = 'a'", "DELETE FROM none WHERE p = 'a'",
            "SELECT * FROM \"codex.dynamodb.tables\"",
        ] {
            let answer = try await client.execute(statement)
            #expect(answer.error == "ResourceNotFoundException", "\(statement)")
            #expect(answer.message == "Requested resource not found")
        }
    }
}
