import CodexCore
import Testing

/// What the parser of expressions refuses, and which of several problems it reports.
@Suite("Problems of expressions")
struct ExpressionProblemTests {
    private static let values: [String: AttributeValue] = [
        ":n": 1, ":s": "secret", ":l": .list([]), ":ss": .stringSet(["a"]),
    ]

    private func condition(_ text: String) throws -> Condition {
        var parser = try ExpressionParser(values: Self.values)
        return try parser.condition(text)
    }

    private func update(_ text: String) throws -> Update {
        var parser = try ExpressionParser(values: Self.values)
        return try parser.update(text)
    }

    /// The error that a text causes.
    private func error<R>(_ body: () throws -> R) throws -> CodexError {
        try #require(throws: CodexError.self) { try body() }
    }

    // MARK: Parentheses

    @Test("Parentheses around operands do not change a condition")
    func operands() throws {
        for (text, plain) in [
            ("(a) = (:n)", "a = :n"), ("((a) = :n)", "a = :n"),
            ("(size((a))) < (:n)", "size(a) < :n"), ("(a) IN ((:n), (b))", "a IN (:n, b)"),
            ("begins_with((a), (:s))", "begins_with(a, :s)"),
            ("(a) BETWEEN (:n) AND (b)", "a BETWEEN :n AND b"),
            ("(a = :n AND b = :n) OR c = :n", "a = :n AND b = :n OR c = :n"),
            ("NOT (a = :n) AND b = :n", "NOT a = :n AND b = :n"),
        ] { #expect(try condition(text) == condition(plain), "\(text)") }
        for (text, other) in [
            ("a = :n AND (b = :n OR c = :n)", "a = :n AND b = :n OR c = :n"),
            ("NOT (a = :n AND b = :n)", "NOT a = :n AND b = :n"),
        ] { #expect(try condition(text) != condition(other), "\(text)") }
        for (text, plain) in [
            ("SET a = (b + :n)", "SET a = b + :n"), ("SET a = (b) - (:n)", "SET a = b - :n"),
            ("SET a = ((b) + (:n))", "SET a = b + :n"), ("SET a = (b)", "SET a = b"),
            ("SET a = if_not_exists((b), (:n))", "SET a = if_not_exists(b, :n)"),
        ] { #expect(try update(text) == update(plain), "\(text)") }
    }

    @Test(
        "AND binds before OR, and NOT before both, at any depth",
        arguments: [
            ("a = :n OR b = :n AND c = :n", "a = :n OR (b = :n AND c = :n)"),
            ("NOT a = :n OR b = :n", "(NOT a = :n) OR b = :n"),
            ("NOT NOT a = :n", "NOT (NOT a = :n)"),
            ("(NOT a = :n OR b = :n) AND c = :n", "((NOT a = :n) OR b = :n) AND c = :n"),
            ("a = :n AND b = :n AND c = :n", "(a = :n AND b = :n) AND c = :n"),
            ("a = :n OR b = :n OR c = :n", "(a = :n OR b = :n) OR c = :n"),
        ])
    func precedence(text: String, explicit: String) throws {
        #expect(try condition(text) == condition(explicit))
    }

    @Test("Text that opens more than it closes, or less")
    func unbalanced() throws {
        for text in ["(a = :n", "((a = :n)", "a = :n)", "(a = :n))", "a = (:n", "(a) = :n)", "()"] {
            #expect(try error { try condition(text) }.message.contains("Syntax error"), "\(text)")
        }
        for text in [
            "SET a = (b", "SET a = b)", "SET a = (b + :n", "SET a = (b + (:n)", "SET a = ()",
        ] {
            #expect(try error { try update(text) }.message.contains("Syntax error"), "\(text)")
        }
    }

    // MARK: Names

    @Test("A name begins with a letter", arguments: ["_a", "a._b", "1a", "é", "a.1", "_"])
    func names(name: String) throws {
        let exists = try error { try condition("attribute_exists(\(name))") }
        let remove = try error { try update("REMOVE \(name)") }
        for error in [exists, remove] { #expect(error.message.contains("Syntax error")) }
        _ = try condition("attribute_exists(a_1.b_)")
    }

    @Test("A keyword is no name, in any case")
    func keywords() throws {
        for text in ["and = :n", "a = not", "IN = :n", "between(a)", "a.Or = :n"] {
            #expect(try error { try condition(text) }.message.contains("Syntax error"), "\(text)")
        }
        for text in ["SET set = :n", "SET a = remove", "REMOVE add", "SET a = DELETE(b)"] {
            #expect(try error { try update(text) }.message.contains("Syntax error"), "\(text)")
        }
    }

    // MARK: The order of problems

    @Test(
        "Of several problems, one is reported, in the order of DynamoDB's checks",
        arguments: [
            ("((foo(a)))", "redundant parentheses"),
            ("foo(a) AND ((b = :n))", "redundant parentheses"),
            ("size(a) AND foo(b)", "Invalid function name"), ("name = :x AND size(a)", "this way"),
            ("a = :x AND name = :n", "reserved keyword"),
            ("a = :x AND #b = :n", "attribute value: :x"),
            ("#b = :n AND a = :x", "attribute name: #b"), ("a = a AND b = :x", "same path"),
            ("b = :x AND a = a", "attribute value: :x"),
            ("size(a, b) = :n AND c = :x", "operands: 2"), ("a = :x AND b", "Syntax error"),
        ])
    func conditionOrder(text: String, message: String) throws {
        #expect(try error { try condition(text) }.message.contains(message))
    }

    @Test(
        "Of several problems of an update, too",
        arguments: [
            ("SET a = foo(b), name = :x", "reserved keyword"),
            ("SET a = foo(:x) SET b = :n", "Invalid function name"),
            ("SET a = :x SET b = :n", "only be used once"), ("SET a = :x, #b = :n", "name: #b"),
            ("SET a = :x, a = :n", "attribute value: :x"), ("ADD a :s, a.b :n", "overlap"),
            ("ADD a :s SET b = if_not_exists(c)", "ADD takes"),
            ("SET a.b = :n, a[0] = :n, c = :n, c.d = :n", "overlap: c, c.d"),
            ("SET a.b = :n, a[0] = :n", "a map and a list: a.b, a[0]"),
            ("SET a = list_append(:s, b), c = if_not_exists(d)", "operands: 1"),
        ])
    func updateOrder(text: String, message: String) throws {
        #expect(try error { try update(text) }.message.contains(message))
    }

    @Test("No message has a value")
    func privacy() throws {
        for text in [
            "a < :l", "begins_with(a, :l)", "attribute_type(a, :s)", "a BETWEEN :s AND :n",
        ] {
            let description = try error { try condition(text) }.description
            #expect(!description.contains("secret"), "\(text)")
        }
    }

    // MARK: Paths

    @Test("The first path that overlaps an earlier one is named after it")
    func overlaps() throws {
        func message(_ names: [String]) throws -> String {
            let update = Update(try names.map { .remove(try DocumentPath(parsing: $0)) })
            return try error { try update.validate() }.message
        }
        #expect(try message(["c", "c.b", "c.a"]).contains("overlap: c, c.b."))
        #expect(try message(["c.b", "x", "c", "c.a"]).contains("overlap: c.b, c."))
        #expect(try message(["a", "b", "b", "a"]).contains("overlap: b, b."))
        #expect(try message(["a[1].b", "c.d", "a.x", "c"]).contains("overlap: c.d, c."))
        #expect(try message(["a[1]", "a.x"]).contains("a map and a list: a[1], a.x."))
        try Update([.remove("a"), .remove("A"), .remove(DocumentPath("b")["a"])]).validate()
    }

    @Test("Many deep paths")
    func manyPaths() throws {
        // Each is 32 steps deep, and differs from the next one in its last step only.
        let steps = [DocumentPath.Step](repeating: .name("a"), count: 30)
        var clauses = (0..<2000).map {
            Update.Clause.remove(DocumentPath(root: "a", steps: steps + [.index($0)]))
        }
        try Update(clauses).validate()
        clauses.append(.remove("a"))
        let message = try error { try Update(clauses).validate() }.message
        #expect(message.contains("overlap"))
    }

    // MARK: Updates

    @Test("An update only removes if no clause sets or adds")
    func onlyRemoves() throws {
        for text in ["REMOVE a", "DELETE a :ss", "REMOVE a, b.c DELETE d :ss"] {
            #expect(try update(text).onlyRemoves)
        }
        for text in ["SET a = :n", "ADD a :n", "REMOVE a SET b = :n", "DELETE a :ss ADD b :n"] {
            #expect(try !update(text).onlyRemoves)
        }
        #expect(!Update().onlyRemoves)
    }

    @Test("DELETE of a path without a parent is refused, as REMOVE is")
    func parents() throws {
        let item: Item = ["m": .map(["x": 1]), "l": .list([1]), "s": "text"]
        for text in ["REMOVE q.a", "REMOVE s.a", "REMOVE m[0]", "REMOVE l.a", "REMOVE m.y.z"] {
            for text in [text, text.replacing("REMOVE", with: "DELETE") + " :ss"] {
                let error = try error { try update(text).apply(to: item) }
                #expect(error.code == .invalidPath, "\(text)")
            }
        }
        for text in ["REMOVE q", "REMOVE m.y", "REMOVE l[7]"] {
            for text in [text, text.replacing("REMOVE", with: "DELETE") + " :ss"] {
                #expect(try update(text).apply(to: item) == item, "\(text)")
            }
        }
    }
}
