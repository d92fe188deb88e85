internal import CodexCore
internal import CodexDynamoDB

extension FuzzTarget {
    /// Statements on a store, one by one, as a batch or as a transaction.
    ///
    /// Each has a response in DynamoDB's form. The pages of a SELECT have the same items for each
    /// size of a page.
    static let partiql = FuzzTarget(
        "partiql", words: PartiQLFuzzing.words, seeds: PartiQLFuzzing.seeds,
        check: PartiQLFuzzing.check)
}

private enum PartiQLFuzzing {
    /// The maximum number of statements in one input.
    private static let statementCountMax = 8
    /// The maximum number of pages of a SELECT on the store's few items.
    private static let pageCountMax = 200

    /// The values of the question marks.
    private static let parameters: [AttributeValue] = [
        "a", 1, .stringSet(["q"]), ["p": "z", "n": 7], .list(["a", 1]), true,
    ]

    static let words: [String] = [
        "SELECT * FROM tab", " FROM tab.byS", " WHERE ", " AND ", " OR ", "NOT ", " IN [", " IS ",
        " IS NOT MISSING", " NULL", " BETWEEN ", " ORDER BY ", " DESC", "INSERT INTO tab VALUE ",
        "UPDATE tab SET ", " REMOVE ", "DELETE FROM tab", " RETURNING ALL OLD *",
        " RETURNING MODIFIED NEW *", "EXISTS(", "attribute_exists(", "attribute_not_exists(",
        "attribute_type(", "begins_with(", "contains(", "size(", "list_append(", "if_not_exists(",
        "set_add(", "set_delete(", "p = 'a'", "n = 1", "s = 'x'", "{'p': ", "<<'q'>>", "<<1>>",
        "[0]", "\"tab\".\"byS\"", "?", "''", "TRUE", "1e5", "--", "/*", "*/", "\u{0}",
    ]

    static func seeds() -> [[UInt8]] {
        let single = [
            "SELECT * FROM tab",
            "SELECT p, l[1], m.k FROM \"tab\" WHERE p = 'a' AND n > 0 ORDER BY n DESC",
            "SELECT * FROM tab.byS WHERE s = 'x' AND contains(ss, 'q')",
            "SELECT n FROM tab WHERE p IN ['a', 'b'] AND (n < 2 OR n <> 1)",
            "SELECT * FROM tab WHERE NOT (size(l) BETWEEN 1 AND 2) = TRUE OR ss IS MISSING",
            "INSERT INTO tab VALUE {'p': 'b', 'n': 1.5, 'l': [1, {'k': <<'x'>>}], 'z': NULL}",
            "INSERT INTO tab VALUE {'p': ?, 'n': ?, 'ss': ?}",
            "UPDATE tab SET x = n + 1 - 2 SET l = list_append(l, ['e']) REMOVE s "
                + "WHERE p = 'a' AND n = 1 RETURNING ALL NEW *",
            "UPDATE tab SET ss = set_add(ss, <<'z'>>) WHERE p = ? AND n = ? "
                + "AND attribute_type(l, 'L')",
            "FROM tab WHERE p = 'a' AND n = 2 SET m.k = if_not_exists(m.k, 0) + 1",
            "DELETE FROM tab WHERE p = 'a' AND n = 1 AND begins_with(s, 'x') RETURNING ALL OLD *",
            "select /* c */ * from tab -- end",
        ]
        let batch = [
            "SELECT * FROM tab WHERE p = 'a' AND n = 1\u{0}"
                + "SELECT l FROM tab WHERE n = 2 AND p = 'a'",
            "DELETE FROM tab WHERE p = 'a' AND n = 1\u{0}"
                + "INSERT INTO tab VALUE {'p': 'a', 'n': 2}",
        ]
        let transaction = [
            "SELECT * FROM tab WHERE p = 'a' AND n = 1\u{0}"
                + "SELECT m FROM tab WHERE n = 2 AND p = 'a'",
            "EXISTS(SELECT * FROM tab WHERE p = 'a' AND n = 1 AND s = 'x')\u{0}"
                + "UPDATE tab SET y = ? WHERE p = 'a' AND n = 2",
        ]
        return [single, batch, transaction].enumerated().flatMap { kind, texts in
            texts.map { [UInt8(kind)] + Array($0.utf8) }
        }
    }

    // MARK: Checks

    static func check(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return }
        let statements = bytes.dropFirst().split(
            separator: 0, maxSplits: statementCountMax - 1, omittingEmptySubsequences: false
        ).map { String(decoding: $0, as: UTF8.self) }
        RequestFuzzing.onStore { service in
            switch kind % 3 {
            case 0: for statement in statements { check(statement, service) }
            case 1: check(statements, "BatchExecuteStatement", "Statements", service)
            default: check(statements, "ExecuteTransaction", "TransactStatements", service)
            }
        }
    }

    /// The members of a statement in a request.
    private static func members(_ statement: String, to writer: inout JSONWriter) {
        writer.raw("\"Statement\":")
        writer.string(statement)
        writer.raw(",\"Parameters\":[")
        for (place, parameter) in parameters.enumerated() {
            if place > 0 { writer.raw(",") }
            writer.typed(parameter)
        }
        writer.raw("]")
    }

    private static func ask(
        _ operation: String, _ body: JSONWriter, _ service: DynamoDBService
    ) -> DynamoDBResponse {
        let target = "DynamoDB_20120810." + operation
        let request = Array((target + "\n").utf8) + body.bytes
        let response = RequestFuzzing.answer(service, request[...])
        RequestFuzzing.check(response, target)
        return response
    }

    private static func check(
        _ statements: [String], _ operation: String, _ list: String, _ service: DynamoDBService
    ) {
        var body = JSONWriter()
        body.raw("{\"\(list)\":[")
        for (place, statement) in statements.enumerated() {
            body.raw(place > 0 ? ",{" : "{")
            members(statement, to: &body)
            body.raw("}")
        }
        body.raw("]}")
        _ = ask(operation, body, service)
    }

    private static func check(_ statement: String, _ service: DynamoDBService) {
        let isSelect = statement.prefix(6).lowercased() == "select"
        guard isSelect, let whole = items(statement, limit: nil, service) else {
            _ = page(statement, limit: nil, token: nil, service)
            return
        }
        for limit in [1, 2] {
            require(
                items(statement, limit: limit, service) == whole,
                "pages of \(limit) have the items of \(statement)")
        }
    }

    private static func page(
        _ statement: String, limit: Int?, token: String?, _ service: DynamoDBService
    ) -> DynamoDBResponse {
        var body = JSONWriter()
        body.raw("{")
        members(statement, to: &body)
        if let limit { body.raw(",\"Limit\":\(limit)") }
        if let token {
            body.raw(",\"NextToken\":")
            body.string(token)
        }
        body.raw("}")
        return ask("ExecuteStatement", body, service)
    }

    /// The items of all pages; `nil` if the statement is refused.
    private static func items(
        _ statement: String, limit: Int?, _ service: DynamoDBService
    ) -> [Item]? {
        var (items, token): ([Item], String?) = ([], nil)
        for _ in 0..<pageCountMax {
            let response = page(statement, limit: limit, token: token, service)
            guard response.status == 200 else {
                require(token == nil, "a page of \(statement) continues")
                return nil
            }
            let node = mustSucceed("a page is JSON") {
                try JSONNode.parse(response.body, depthMax: 128)
            }
            guard case .object(let members) = node else { return nil }
            token = nil
            for member in members {
                switch (member.name, member.value) {
                case ("Items", .array(let nodes)):
                    items += mustSucceed("items are items") {
                        try nodes.map { try DynamoDBJSON.item($0) }
                    }
                case ("NextToken", .string(let text)): token = text
                default: continue
                }
            }
            if token == nil { return items }
        }
        require(false, "the pages of \(statement) end")
        return nil
    }
}
