import CodexCore
import Testing

@testable import CodexDynamoDB

/// Statements as trees, and the errors of those that are not well formed.
@Suite("PartiQL's grammar")
struct PartiQLParserTests {
    private static let malformed = "Statement wasn't well formed, can't be processed: "

    private func message(_ text: String, _ parameters: [AttributeValue] = []) -> String? {
        do {
            _ = try TypedStatement(text, parameters)
            return nil
        } catch {
            return ServiceError(error).message
        }
    }

    // MARK: Trees

    @Test(
        "Expressions have the precedence and the forms of PartiQL",
        arguments: [
            ("a = 1 AND b = 2 OR NOT c = 3", "(OR (AND (= a 1) (= b 2)) (NOT (= c 3)))"),
            ("a = 1 OR b = 2 AND c = 3", "(OR (= a 1) (AND (= b 2) (= c 3)))"),
            ("(a = 1 OR b = 2) AND c = 3", "(AND (OR (= a 1) (= b 2)) (= c 3))"),
            ("a = 1 and b = 2 aNd c = 3", "(AND (= a 1) (= b 2) (= c 3))"),
            ("NOT a = TRUE", "(NOT (= a true))"),
            ("NOT NOT a = 1", "(NOT (NOT (= a 1)))"),
            ("NOT NOT NOT a = 1", "(NOT (= a 1))"),
            ("a = b < c", "(= a (< b c))"),
            ("a != 1", "(<> a 1)"),
            ("n BETWEEN 0 AND 5 + 1 AND x = 2", "(AND (BETWEEN n 0 (+ 5 1)) (= x 2))"),
            ("n NOT BETWEEN 1 AND 2", "(NOT (BETWEEN n 1 2))"),
            ("a IN [1, ?, b]", "(IN a 1 ?0 b)"),
            ("a IN (1)", "(IN a 1)"),
            ("a IN <<1, 2>>", "(IN a 1 2)"),
            ("a NOT IN (1, 2)", "(NOT (IN a 1 2))"),
            ("a IN ?", "(IN a -)"),
            ("a IS NOT MISSING", "(NOT (IS a MISSING))"),
            ("a is double precision", "(IS a DOUBLE PRECISION)"),
            ("a IS VARCHAR(10) = b", "(= (IS a VARCHAR) b)"),
            ("a LIKE 'x%'", "(LIKE a 'x%')"),
            ("a = - - 1", "(= a 1)"),
            ("a = -/* c */-1", "(= a 1)"),
            ("a = -.73e1", "(= a -.73E1)"),
            ("a = 1e+05", "(= a 1E05)"),
            ("a = +5", "(= a 5)"),
            ("a = -b", "(= a (sign - b))"),
            ("a + 1 - 2 * 3 = 4", "(= (- (+ a 1) (* 2 3)) 4)"),
            ("-- comment\n a = 1 /* * */", "(= a 1)"),
            (#""A b".c[0]."d""e" = 'it''s'"#, #"(= A b.c[0].d"e 'it's')"#),
            ("a = {'k': [1, <<2, 3>>], 'l': NULL}", "(= a {'k':[1 <<2 3>>] 'l':null})"),
            ("begins_with(a.b, 'x') = false", "(= (begins_with a.b 'x') false)"),
            ("SIZE(a) > 1", "(> (size a) 1)"),
        ] as [(String, String)])
    func trees(text: String, outline: String) throws {
        let parsed = try StatementParser.parse("SELECT * FROM t WHERE " + text)
        guard case .select(let select) = parsed.statement else {
            Issue.record("\(text) is no SELECT")
            return
        }
        #expect(select.condition?.outline == outline)
    }

    @Test("Statements have the clauses of the developer guide")
    func statements() throws {
        let select = try StatementParser.parse(
            #"select a, "b"[1].c FROM "Music"."by-x" WHERE a = ? ORDER BY s DESC, p ASC, q;"#)
        #expect(select.parameterCount == 1)
        guard case .select(let query) = select.statement else {
            Issue.record("no SELECT")
            return
        }
        #expect(query.source.names == ["Music", "by-x"])
        #expect(query.columns?.map(\.outline) == ["a", "b[1].c"])
        #expect(query.order.map(\.node.outline) == ["s", "p", "q"])
        #expect(query.order.map(\.descends) == [true, false, nil])

        let forms = [
            "UPDATE t SET a = 1, b = b + ? REMOVE c[0] SET d = 'x' WHERE p = 'k' "
                + "RETURNING MODIFIED NEW *",
            "FROM t WHERE p = 'k' SET a = 1 SET b = b + ? REMOVE c[0] SET d = 'x' "
                + "RETURNING MODIFIED NEW *",
        ]
        for form in forms {
            guard case .update(let update) = try StatementParser.parse(form).statement else {
                Issue.record("\(form) is no UPDATE")
                continue
            }
            #expect(update.clauses.map(\.outline) == ["a=1", "b=(+ b ?0)", "-c[0]", "d='x'"])
            #expect(update.condition?.outline == "(= p 'k')")
            #expect(update.returning == Statement.Returning(isModified: true, isNew: true))
        }

        let delete = try StatementParser.parse("DELETE FROM t WHERE p = 'k' RETURNING ALL OLD *")
        guard case .delete(let deletion) = delete.statement else {
            Issue.record("no DELETE")
            return
        }
        #expect(deletion.returning == Statement.Returning(isModified: false, isNew: false))

        let insert = try StatementParser.parse("INSERT INTO t VALUE {'p': 'k', 'x': ?}")
        guard case .insert(let insertion) = insert.statement else {
            Issue.record("no INSERT")
            return
        }
        #expect(insertion.value.outline == "{'p':'k' 'x':?0}")

        let exists = try StatementParser.parse("EXISTS(SELECT * FROM t WHERE p = ? AND a = ?)")
        guard case .exists = exists.statement else {
            Issue.record("no EXISTS")
            return
        }
        #expect(exists.parameterCount == 2)
    }

    // MARK: Errors

    @Test(
        "A statement that is not well formed has the parser's error",
        arguments: [
            ("", "Unexpected term"),
            (" -- nothing", "Unexpected term"),
            ("SLECT * FROM t", "Expected data manipulation"),
            ("SELECTT * FROM t", "Expected data manipulation"),
            ("UPDATE t WHERE a = 1", "Expected data manipulation"),
            ("SELECT * FROM", "Unexpected term"),
            ("SELECT FROM t", "Cannot have empty SELECT list"),
            ("SELECT a WHERE a = 1", "Expected FROM after SELECT list"),
            (
                "SELECT *, a FROM t",
                "Other expressions may not be present in the select list when '*' is used without "
                    + "dot notation."
            ),
            ("SELECT * FROM t WHERE", "Unexpected term"),
            ("SELECT * FROM t WHERE;", "Unexpected term"),
            ("SELECT * FROM t WHERE NOT", "Unexpected term"),
            ("SELECT * FROM t WHERE (", "Unexpected term"),
            ("SELECT * FROM t WHERE ()", "Expression group cannot be empty"),
            ("SELECT * FROM t WHERE (a = 1", "Expected RIGHT_PAREN"),
            ("SELECT * FROM t WHERE a IN [1", "Expected RIGHT_BRACKET"),
            ("SELECT * FROM t WHERE a = {'k' 1}", "Expected COLON"),
            (
                "SELECT * FROM t WHERE a = 1 AND",
                "Missing right-hand side expression of infix operator"
            ),
            (
                "SELECT * FROM t WHERE a = 1 OR;",
                "Missing right-hand side expression of infix operator"
            ),
            (
                "SELECT * FROM t WHERE a =",
                "Missing right-hand side expression of infix operator"
            ),
            ("SELECT * FROM t WHERE ORDER BY a", "Unexpected keyword"),
            ("SELECT * FROM t WHERE size = 1", "Unexpected keyword"),
            ("SELECT * FROM t WHERE IS NULL", "Unexpected operator"),
            ("SELECT * FROM t WHERE = 1", "Unexpected operator"),
            ("SELECT * FROM t WHERE a IS FOO", "Expected type name"),
            ("SELECT * FROM t WHERE m.inner = 1", "Invalid path dot component"),
            ("SELECT * FROM t WHERE a = 1 e5", "Unexpected token after expression"),
            ("SELECT * FROM t WHERE a = 1)", "Unexpected token after expression"),
            ("SELECT * FROM t; SELECT * FROM t", "Unexpected token after expression"),
            ("SELECT * FROM t ORDER BY a WHERE a = 1", "Unexpected token after expression"),
            ("DELETE FROM t ORDER BY a", "Unexpected token after expression"),
            ("FROM t SET a = 1 WHERE p = 'x'", "Unexpected token after expression"),
            ("INSERT INTO t x VALUE {}", "Unexpected token after expression"),
            ("INSERT INTO t AS x VALUE {}", "Unexpected token after expression"),
            ("DELETE FROM", "Expected identifier for simple path"),
            ("DELETE t", "Expected FROM after DELETE"),
            ("UPDATE", "Expected identifier for simple path"),
            ("INSERT INTO 'x' VALUE {}", "Expected identifier for simple path"),
            ("UPDATE t SET a 1", "Expected assignment for SET"),
            ("SELECT # FROM t", ""),
            ("SELECT * FROM t /* open", ""),
            ("SELECT * FROM t WHERE a = 'open", ""),
            ("SELECT * FROM \"open", ""),
            ("SELECT * FROM t WHERE a = 1e2147483648", ""),
            ("SELECT * FROM t WHERE a = 1.5e-2147483647", ""),
            ("SELECT * FROM t WHERE a = 1e", ""),
        ] as [(String, String)])
    func malformed(text: String, detail: String) {
        #expect(message(text) == Self.malformed + detail)
    }

    @Test(
        "A statement that is well formed has the first of its other errors, with the place",
        arguments: [
            ("SELECT * FROM t AS x", "Aliasing is not supported"),
            ("SELECT * FROM t x WHERE a = 1", "Aliasing is not supported"),
            ("SELECT a AS b FROM t", "Aliasing is not supported"),
            ("UPDATE t x SET a = 1", "Aliasing is not supported"),
            ("DELETE FROM t x WHERE a = 1", "Aliasing is not supported"),
            ("SELECT * FROM t LIMIT 1", "Unsupported clause: LIMIT at 1:23:1"),
            (
                "SELECT * FROM a, b WHERE c = 1",
                "Only select from a single table or index is supported."
            ),
            (
                "SELECT * FROM t WHERE l[-1] = 1",
                "List index is not within the allowable range; index: [-1] at 1:26:1"
            ),
            (
                "SELECT * FROM t WHERE l[2147483648] = 1",
                "List index is not within the allowable range; index: [2147483648] at 1:25:10"
            ),
            ("SELECT *\nFROM t\r\nWHERE foo(a)", "Unrecognized function: foo at 3:7:3"),
            (
                "SELECT * FROM t WHERE EXISTS(SELECT * FROM u)",
                "Unrecognized function: exists at 1:23:6"
            ),
            (
                "UPDATE t SET a = set_add(b, <<1>>) WHERE p = 'x'",
                "The first argument to SET_ADD must equal the assignment value at 1:18:7"
            ),
            (
                "UPDATE t SET a = set_add(a, 1) WHERE p = 'x'",
                "The second argument to SET_ADD must be a value with type SET at 1:26:1"
            ),
            (
                "UPDATE t SET a = set_delete(a) WHERE p = 'x'",
                "SET_DELETE must have exactly two arguments at 1:18:10"
            ),
            (
                "INSERT INTO t VALUE {'k': [?]}",
                "Unsupported data type: Parameter under key root[0] at 1:28:1"
            ),
            (
                "INSERT INTO t VALUE {'k': set_add(k, <<1>>)}",
                "Unsupported data type: set_add under key root at 1:27:7"
            ),
            ("SELECT * FROM a.b.c", "A path may contain at most 2 components in the FROM clause"),
            ("SELECT * FROM \"\"", "Path component cannot be an empty string"),
            ("DELETE FROM a.b WHERE p = 'x'", "This operation is not supported on an index"),
            ("INSERT INTO a.b VALUE {}", "FROM clause may only contain a single table name"),
        ] as [(String, String)])
    func refused(text: String, expected: String) {
        #expect(message(text, ["x"]) == expected)
    }

    // MARK: Literals

    @Test(
        "Literals have DynamoDB's types",
        arguments: [
            ("'it''s'", .string("it's")), ("-1.50", .number(-1.5)), ("1e3", .number(1000)),
            ("true", .bool(true)), ("FALSE", .bool(false)), ("null", .null),
            ("[1, 'a', [ ]]", .list([1, "a", .list([])])), ("{}", .map([:])),
            ("{'a': {'b': <<'x', 'y'>>}}", .map(["a": .map(["b": .stringSet(["x", "y"])])])),
            ("<<2, 1.0>>", .numberSet([1, 2])), ("0.000", .number(0)),
            ("1e-130", .number(Number(coefficient: 1, exponent: -130))),
        ] as [(String, AttributeValue)])
    func literals(text: String, value: AttributeValue) throws {
        let parsed = try StatementParser.parse("INSERT INTO t VALUE {'k': \(text)}")
        guard case .insert(let insert) = parsed.statement else {
            Issue.record("no INSERT")
            return
        }
        let item = try StatementValues(parameters: []).item(insert.value)
        #expect(item == ["k": value])
    }

    @Test(
        "Literals that DynamoDB refuses have its error and their place in the value",
        arguments: [
            (
                "1e126",
                "Number overflow. Attempting to store a number with magnitude larger than "
                    + "supported range under root"
            ),
            (
                "{'x': [1, 1e-131]}",
                "Number underflow. Attempting to store a number with magnitude smaller than "
                    + "supported range under root.x[1]"
            ),
            (
                "1" + String(repeating: "0", count: 37) + "1",
                "Attempting to store more than 38 significant digits in a Number under root"
            ),
            ("<<>>", "Empty bags are not supported"),
            (
                "<<1, 'a'>>",
                "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in "
                    + "bags"
            ),
            (
                "<<'x', 'x'>>",
                "One or more parameter values were invalid: Input collection [x, x] contains "
                    + "duplicates."
            ),
            (
                "<<2, 2.0>>",
                "One or more parameter values were invalid: Input collection [2, 2.0] contains "
                    + "duplicates! under root"
            ),
            ("{'a': 1, 'a': 2}", "Duplicate keys in tuple. Key: a under root"),
        ] as [(String, String)])
    func refusedLiterals(text: String, expected: String) {
        #expect(message("INSERT INTO t VALUE {'k': \(text)}") == expected)
    }

    // MARK: Limits

    @Test("A literal has 31 levels", arguments: [30, 31, 32])
    func levels(count: Int) {
        let literal = String(repeating: "[", count: count) + String(repeating: "]", count: count)
        let text = message("INSERT INTO t VALUE {'k': \(literal)}")
        let path = "root" + String(repeating: "[0]", count: 31)
        #expect(
            text
                == (count < 32
                    ? nil : "Nesting Levels have exceeded supported limits under \(path)"))
    }

    @Test("A statement has 300 operators", arguments: [299, 300, 301])
    func operators(count: Int) {
        let text = message(
            "SELECT * FROM t WHERE " + String(repeating: "NOT ", count: count - 1) + "a = 1")
        #expect((text == nil) == (count <= 300))
        #expect(text?.contains("too many operators") ?? true)
    }

    @Test("Parentheses have 36 levels", arguments: [35, 36, 37])
    func parentheses(count: Int) {
        let text = message(
            "SELECT * FROM t WHERE " + String(repeating: "(", count: count) + "a = 1"
                + String(repeating: ")", count: count))
        #expect((text == nil) == (count <= 36))
    }

    @Test("A row of comparisons has 36 operators", arguments: [35, 36, 37])
    func comparisons(count: Int) throws {
        let text = "SELECT * FROM t WHERE a" + String(repeating: " = b", count: count)
        if count <= 36 {
            _ = try StatementParser.parse(text)
        } else {
            #expect(throws: ServiceError.self) { try StatementParser.parse(text) }
        }
    }

    @Test("A condition that compares conditions with each other stays small", arguments: [2, 20])
    func comparedConditions(count: Int) {
        let row = Array(repeating: "(a = 1)", count: count).joined(separator: " = ")
        let text = message("SELECT * FROM t WHERE \(row)")
        #expect((text == nil) == (count == 2))
        #expect(text?.contains("too many operators") ?? true)
    }

    @Test("A request has a value for each parameter; further ones are ignored", arguments: 1...3)
    func parameters(count: Int) {
        let values = [AttributeValue](repeating: 1, count: count)
        let text = message("SELECT * FROM t WHERE a = ? AND b = ?", values)
        let problem = "Number of parameters in request and statement don't match."
        #expect(text == (count < 2 ? problem : nil))
    }
}

extension StatementNode {
    /// The expression in brackets, for comparison.
    fileprivate var outline: String {
        func list(_ name: String, _ nodes: [StatementNode]) -> String {
            "(" + ([name] + nodes.map(\.outline)).joined(separator: " ") + ")"
        }
        switch content {
        case .null: return "null"
        case .missing: return "missing"
        case .bool(let flag): return "\(flag)"
        case .number(let text): return text
        case .string(let text): return "'\(text)'"
        case .parameter(let number): return "?\(number)"
        case .list(let nodes): return "[" + nodes.map(\.outline).joined(separator: " ") + "]"
        case .bag(let nodes): return "<<" + nodes.map(\.outline).joined(separator: " ") + ">>"
        case .map(let members):
            let parts = members.map { "\($0.key.outline):\($0.value.outline)" }
            return "{" + parts.joined(separator: " ") + "}"
        case .path(let path): return path.outline
        case .call(let name, let nodes): return list(name, nodes)
        case .all(let nodes): return list("AND", nodes)
        case .any(let nodes): return list("OR", nodes)
        case .not(let node): return list("NOT", [node])
        case .compare(let comparator, let left, let right):
            return list(comparator.rawValue, [left, right])
        case .between(let node, let low, let high): return list("BETWEEN", [node, low, high])
        case .isIn(let node, nil): return "(IN \(node.outline) -)"
        case .isIn(let node, let nodes?): return list("IN", [node] + nodes)
        case .isType(let node, let type): return "(IS \(node.outline) \(type))"
        case .binary(let name, let left, let right): return list(name, [left, right])
        case .sign(let name, let node): return "(sign \(name) \(node.outline))"
        }
    }
}

extension Statement.Clause {
    fileprivate var outline: String {
        switch self {
        case .set(let path, let node): "\(path.outline)=\(node.outline)"
        case .remove(let path): "-\(path.outline)"
        }
    }
}

extension DocumentPath {
    fileprivate var outline: String {
        steps.reduce(root) { text, step in
            switch step {
            case .name(let name): "\(text).\(name)"
            case .index(let index): "\(text)[\(index)]"
            }
        }
    }
}
