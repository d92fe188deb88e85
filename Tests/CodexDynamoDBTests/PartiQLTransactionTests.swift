import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDB

/// ExecuteTransaction: all statements or none of them.
@Suite("PartiQL's transactions")
struct PartiQLTransactionTests {
    private let client: PartiQLClient

    private static let items: [Item] = [
        ["p": "a", "s": 1, "n": 5, "m": ["k": "v"]], ["p": "a", "s": 2, "n": 6],
    ]

    init() async throws {
        client = try PartiQLClient(ShortTables.pair)
        try await client.put(Self.items)
        try await client.put([["p": "x", "n": 1]], in: "uuu")
    }

    // MARK: Reads

    @Test("Reads give the items of one moment, in their order")
    func reads() async throws {
        let answer = try await client.transaction(
            [
                "SELECT * FROM ttt WHERE p = 'a' AND s = 1", "SELECT n FROM uuu WHERE p = 'x'",
                "SELECT * FROM ttt WHERE p = 'a' AND s = 9",
                "SELECT m.k FROM ttt WHERE p = 'a' AND s = 2",
            ], #""ReturnConsumedCapacity":"TOTAL""#)
        #expect(answer.error == nil, "\(answer.message)")
        let items = try answer.responses.map {
            try PartiQLClient.Answer(object: $0).item("Item")
        }
        #expect(items == [Self.items[0], ["n": 1], nil, [:]])
        // Two units for each read, as in TransactGetItems.
        #expect(answer.units == 8)
    }

    @Test("The statements and their operation read the same")
    func sameReads() async throws {
        let statement = try await client.transaction(
            ["SELECT * FROM ttt WHERE p = 'a' AND s = 1"], #""ReturnConsumedCapacity":"TOTAL""#)
        let operation = try await client.ask(
            "TransactGetItems",
            #"""
            {"TransactItems":[{"Get":{"TableName":"ttt","Key":{"p":{"S":"a"},"s":{"N":"1"}}}}],
            "ReturnConsumedCapacity":"TOTAL"}
            """#)
        #expect(statement.units == operation.units)
        #expect(
            try statement.responses.map { try PartiQLClient.Answer(object: $0).item("Item") }
                == operation.responses.map { try PartiQLClient.Answer(object: $0).item("Item") })
    }

    // MARK: Writes

    @Test("All writes happen, and the answer has their capacity")
    func writes() async throws {
        let answer = try await client.transaction(
            [
                "INSERT INTO ttt VALUE {'p': 'b', 's': 1}",
                "UPDATE ttt SET n = n + 1 WHERE p = 'a' AND s = 1 AND n = 5",
                "DELETE FROM ttt WHERE p = 'a' AND s = 2",
                "EXISTS(SELECT * FROM uuu WHERE p = 'x' AND n > 0)",
            ], #""ReturnConsumedCapacity":"TOTAL""#)
        #expect(answer.error == nil, "\(answer.message)")
        #expect(answer.responses.isEmpty)
        #expect(answer.object["Responses"] != nil)
        #expect(answer.units == 8)
        #expect(
            try await client.stored() == [
                #"{"m":{"M":{"k":{"S":"v"}}},"n":{"N":"6"},"p":{"S":"a"},"s":{"N":"1"}}"#,
                #"{"p":{"S":"b"},"s":{"N":"1"}}"#,
            ])
    }

    @Test("If one statement fails, none has an effect, and each has its reason")
    func cancelled() async throws {
        let before = try await client.stored()
        let answer = try await client.list(
            "ExecuteTransaction",
            [
                PartiQLClient.json("INSERT INTO ttt VALUE {'p': 'a', 's': 1}"),
                PartiQLClient.json("INSERT INTO ttt VALUE {'p': 'b', 's': 1}"),
                PartiQLClient.json(
                    "UPDATE ttt SET n = 0 WHERE p = 'a' AND s = 2 AND n = 0", [],
                    #""ReturnValuesOnConditionCheckFailure":"ALL_OLD""#),
                PartiQLClient.json("EXISTS(SELECT * FROM uuu WHERE p = 'x' AND n > 1)"),
            ])
        #expect(answer.error == "TransactionCanceledException")
        #expect(
            answer.codes == [
                "DuplicateItem", "None", "ConditionalCheckFailed", "ConditionalCheckFailed",
            ])
        #expect(answer.messages[0] == "Duplicate primary key exists in table")
        #expect(
            answer.message.hasSuffix(
                "[DuplicateItem, None, ConditionalCheckFailed, ConditionalCheckFailed]"))
        let reasons = answer.object["CancellationReasons"] as? [[String: Any]] ?? []
        #expect(try PartiQLClient.Answer(object: reasons[2]).item("Item") == Self.items[1])
        #expect(reasons[3]["Item"] == nil)
        #expect(try await client.stored() == before)
    }

    @Test("A key of the wrong type cancels the transaction")
    func reasons() async throws {
        let writes = try await client.transaction([
            "DELETE FROM ttt WHERE p = 'a'", "UPDATE ttt SET n = 1 WHERE p = 1 AND s = 1",
            "INSERT INTO ttt VALUE {'p': 'c'}", "DELETE FROM uuu WHERE p = 'x'",
        ])
        #expect(writes.error == "TransactionCanceledException")
        #expect(
            writes.codes == ["ValidationError", "ValidationError", "ValidationError", "None"])
        let key = "The provided key element does not match the schema"
        #expect(
            writes.messages == [
                key, key,
                "One or more parameter values were invalid: Missing the key s in the item", nil,
            ])
        let reads = try await client.transaction([
            "SELECT * FROM ttt WHERE p = 1 AND s = 1", "SELECT * FROM uuu WHERE p = 'x'",
        ])
        #expect(reads.codes == ["ValidationError", "None"])
    }

    @Test(
        "A missing table is an error of the request, also beside a key of the wrong type",
        arguments: [
            ["DELETE FROM none WHERE p = 'a'", "DELETE FROM uuu WHERE p = 1"],
            ["SELECT * FROM uuu WHERE p = 1", "SELECT * FROM none WHERE p = 'a'"],
        ])
    func missingTable(statements: [String]) async throws {
        let answer = try await client.transaction(statements)
        #expect(answer.error == "ResourceNotFoundException")
        #expect(answer.message == "Requested resource not found")
        #expect(answer.object["CancellationReasons"] == nil)
    }

    @Test(
        "A statement that no transaction may have is refused with its place",
        arguments: [
            (
                "SELECT * FROM ttt WHERE p = 'a'",
                "Select statements within ExecuteTransaction must specify the primary key in the "
                    + "where clause."
            ),
            (
                "SELECT * FROM ttt.ggg WHERE g = 'x'",
                "Reads on indices are not supported within transactions."
            ),
            (
                "SELECT * FROM ttt WHERE",
                "Statement wasn't well formed, can't be processed: Unexpected term"
            ),
        ] as [(String, String)])
    func refusedReads(statement: String, message: String) async throws {
        let answer = try await client.transaction(["SELECT * FROM uuu WHERE p = 'x'", statement])
        #expect(answer.error == "ValidationException")
        #expect(answer.message == "Validation failed in TransactStatements[1]: " + message)
    }

    @Test(
        "A write that no transaction may have is refused with its place",
        arguments: [
            (
                "DELETE FROM ttt WHERE p = 'a' AND s = 1 RETURNING ALL OLD *",
                "RETURNING clause is not supported in ExecuteTransaction."
            ),
            (
                "EXISTS(SELECT * FROM ttt WHERE p = 'a' AND s = 1)",
                "EXISTS() must contain a single item read with additional condition"
            ),
            (
                "EXISTS(SELECT * FROM ttt WHERE p = 'a' AND n = 1)",
                "EXISTS() must contain a single item read with additional condition"
            ),
            (
                "DELETE FROM ttt WHERE p = 'a' AND s = 1 AND s = 2",
                "Multiple conditions on same key s. Only single item Update/Insert/Delete are "
                    + "supported"
            ),
            (
                "UPDATE ttt.ggg SET a = 1 WHERE g = 'x'",
                "This operation is not supported on an index"
            ),
        ] as [(String, String)])
    func refusedWrites(statement: String, message: String) async throws {
        let before = try await client.stored("uuu")
        let answer = try await client.transaction([
            statement, "DELETE FROM uuu WHERE p = 'x'", "DELETE FROM none WHERE p = 'x'",
        ])
        #expect(answer.error == "ValidationException")
        #expect(answer.message == "Validation failed in TransactStatements[0]: " + message)
        #expect(try await client.stored("uuu") == before)
    }

    @Test("Reads and writes do not mix, and no item is named twice")
    func lists() async throws {
        let mixed = try await client.transaction([
            "SELECT * FROM uuu WHERE p = 'x'", "DELETE FROM uuu WHERE p = 'x'",
        ])
        #expect(
            mixed.message
                == "ExecuteTransaction API does not support both read and write operations in the "
                + "same request.")
        for statement in ["SELECT * FROM uuu WHERE p = 'x'", "DELETE FROM uuu WHERE p = 'x'"] {
            let answer = try await client.transaction([statement, statement])
            #expect(answer.error == "ValidationException")
            #expect(
                answer.message
                    == "Transaction request cannot include multiple operations on one item")
        }
    }

    @Test("A token makes a transaction happen once")
    func token() async throws {
        let option = #""ClientRequestToken":"token","ReturnConsumedCapacity":"TOTAL""#
        let statement = "UPDATE uuu SET n = n + 1 WHERE p = 'x'"
        for _ in 0..<2 {
            let answer = try await client.transaction([statement], option)
            #expect(answer.error == nil)
        }
        #expect(try client.store.item(in: "uuu", key: PrimaryKey(.string("x")))?["n"] == 2)
        let other = try await client.transaction(["DELETE FROM uuu WHERE p = 'x'"], option)
        #expect(other.error == "IdempotentParameterMismatchException")
    }

    @Test("A token has 1 to 36 characters, and each of them counts", arguments: ["t", "é"])
    func tokenLength(character: String) async throws {
        func error(_ token: String, _ key: String) async throws -> String? {
            let statement = "INSERT INTO uuu VALUE {'p': '\(key)'}"
            return try await client.transaction(
                [statement], "\"ClientRequestToken\":\"\(token)\""
            ).error
        }
        let start = String(repeating: character, count: 35)
        #expect(try await error("", "a") == "ValidationException")
        #expect(try await error(start + character, "a") == nil)
        #expect(try await error(start + "x", "b") == nil)
        #expect(try await error(start + character, "a") == nil)
        #expect(
            try await error(start + character, "b") == "IdempotentParameterMismatchException")
        #expect(try await error(start + character + "x", "c") == "ValidationException")
    }

    @Test("A transaction has 1 to 100 statements", arguments: [0, 1, 99, 100, 101])
    func count(count: Int) async throws {
        let answer = try await client.transaction(
            (0..<count).map { "INSERT INTO uuu VALUE {'p': 'k\($0)'}" })
        #expect((answer.error == nil) == (1...100).contains(count))
        let stored = try await client.stored("uuu")
        #expect(stored.count == (answer.error == nil ? count + 1 : 1))
        if answer.error != nil {
            #expect(answer.message.contains("'transactStatements' failed to satisfy constraint"))
        }
    }

    @Test("The parameters of a transaction have 4 MiB together", arguments: [-1, 0, 1])
    func parameters(difference: Int) async throws {
        let part = AttributeValue.string(String(repeating: "x", count: 1 << 20))
        let last = AttributeValue.string(
            String(repeating: "x", count: (1 << 20) + difference - 4))
        // Four keys of one byte each belong to the parameters, too.
        let statements = ["a", "b", "c", "d"].map { name in
            PartiQLClient.json(
                "EXISTS(SELECT * FROM uuu WHERE p = ? AND n <> ?)",
                [.string(name), name == "d" ? last : part])
        }
        let answer = try await client.list("ExecuteTransaction", statements)
        #expect(
            answer.error
                == (difference > 0 ? "ValidationException" : "TransactionCanceledException"))
    }
}
