import Foundation
import Testing

@testable import CodexCore

/// DynamoDB's expression language: what it means, and what it refuses.
@Suite("The expression language")
struct ExpressionLanguageTests {
    private func condition(
        _ text: String, names: [String: String] = [:], values: [String: AttributeValue] = [:]
    ) throws -> Condition {
        var parser = try ExpressionParser(names: names, values: values)
        return try parser.condition(text)
    }

    private func update(
        _ text: String, names: [String: String] = [:], values: [String: AttributeValue] = [:]
    ) throws -> Update {
        var parser = try ExpressionParser(names: names, values: values)
        return try parser.update(text)
    }

    // MARK: Examples

    @Test("NOT binds before AND, AND before OR; keywords in any case, functions in lower case")
    func precedence() throws {
        let (a, b, c) = (
            Condition.attributeExists("a"), Condition.attributeExists("b"),
            Condition.attributeExists("c")
        )
        func e(_ text: String) throws -> Condition {
            try condition(
                text.replacing("A", with: "attribute_exists(a)")
                    .replacing("B", with: "attribute_exists(b)")
                    .replacing("C", with: "attribute_exists(c)"))
        }
        #expect(try e("A or B and C") == .or(a, .and(b, c)))
        #expect(try e("A and B or C") == .or(.and(a, b), c))
        #expect(try e("(A or B) and C") == .and(.or(a, b), c))
        #expect(try e("not A and B") == .and(.not(a), b))
        #expect(try e("not (A and not B)") == .not(.and(a, .not(b))))
        #expect(try e("not not A") == .not(.not(a)))
        #expect(try e("A and B and C") == .and(.and(a, b), c))
        #expect(try e("\tA\n oR\r B ") == .or(a, b))
        #expect(throws: CodexError(.invalidExpression, "")) {
            try condition("Attribute_exists(a)")
        }
    }

    @Test("Operands, functions, placeholders and paths")
    func operands() throws {
        let values: [String: AttributeValue] = [
            ":x": 1, ":y": 2, ":s": "text", ":t": "SS",
        ]
        let names = ["#a.b": "", "#n": "odd name.with[dots]"].filter { $0.key == "#n" }
        func c(_ text: String) throws -> Condition {
            try condition(text, names: names, values: values)
        }
        for comparator in ["=", "<>", "<", "<=", ">", ">="] {
            #expect(
                try c("a\(comparator):x")
                    == .compare(.path("a"), .init(rawValue: comparator)!, .value(1)))
        }
        #expect(
            try c("a.b[0][12].#n BETWEEN :x AND size(c)")
                == .between(
                    .path(
                        DocumentPath(
                            root: "a",
                            steps: [
                                .name("b"), .index(0), .index(12), .name("odd name.with[dots]"),
                            ])),
                    low: .value(1), high: .size("c")))
        #expect(
            try c("a IN (:x, b, size(c))")
                == .isIn(.path("a"), [.value(1), .path("b"), .size("c")]))
        #expect(try c("begins_with(a, :s)") == .beginsWith(.path("a"), .value("text")))
        #expect(
            try c("contains (#n , :s)") == .contains(.path("odd name.with[dots]"), .value("text")))
        #expect(try c("attribute_type(a, :t)") == .attributeType("a", .stringSet))
        #expect(try c("attribute_not_exists(a[3])") == .attributeNotExists(DocumentPath("a")[3]))
        #expect(try c(":x < size(a)") == .compare(.value(1), .less, .size("a")))
        // `BETWEEN`'s AND is not the other one.
        #expect(
            try c("a BETWEEN :x AND :y AND b = :x")
                == .and(
                    .between(.path("a"), low: .value(1), high: .value(2)),
                    .compare(.path("b"), .equal, .value(1))))
    }

    @Test("Updates")
    func updates() throws {
        let values: [String: AttributeValue] = [
            ":n": 1, ":l": .list([1]), ":ss": .stringSet(["a"]), ":z": 0,
        ]
        #expect(
            try update(
                "SET a = :n, b = a + :n, c = if_not_exists(c, :z) - :n, "
                    + "d = list_append(if_not_exists(d, :l), :l) "
                    + "REMOVE e, f[1], f[2] ADD g :n, h :ss delete i :ss", values: values)
                == Update([
                    .set("a", .operand(.value(1))), .set("b", .sum(.path("a"), .value(1))),
                    .set("c", .difference(.ifNotExists("c", .value(0)), .value(1))),
                    .set(
                        "d",
                        .operand(
                            .listAppend(.ifNotExists("d", .value(.list([1]))), .value(.list([1]))))),
                    .remove("e"), .remove(DocumentPath("f")[1]), .remove(DocumentPath("f")[2]),
                    .add("g", 1), .add("h", .stringSet(["a"])), .delete("i", .stringSet(["a"])),
                ]))
    }

    @Test("Key conditions, by the keys of tables and indexes")
    func keyConditions() throws {
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
            indexes: [
                IndexDefinition(
                    "i", partitionKey: [KeyAttribute("a"), KeyAttribute("b")],
                    sortKey: [KeyAttribute("c"), KeyAttribute("d", .number)])
            ])
        func query(_ text: String, index: String? = nil) throws -> TableQuery {
            var parser = try ExpressionParser(values: [":x": "x", ":y": "y", ":n": 1, ":m": 2])
            return try parser.keyCondition(text).query(on: table, index: index)
        }
        #expect(try query("p = :x") == TableQuery(table: "t", partition: ["x"]))
        for (text, sort) in [
            ("s < :n", SortCondition.less(1)), ("s >= :n", .greaterOrEqual(1)),
            (":n > s", .less(1)),
            ("s BETWEEN :n AND :m", .between(1, 2)), ("s = :n", .equal(1)),
        ] {
            #expect(try query("p = :x AND \(text)").sort == sort, "\(text)")
            #expect(try query("\(text) AND (:x = p)").sort == sort, "\(text)")
        }
        let multiple = try query("c = :y AND a = :x AND b = :y AND d > :n", index: "i")
        #expect(multiple.partition == ["x", "y"] && multiple.sortPrefix == ["y"])
        #expect(multiple.sort == .greater(1))
        #expect(
            try query("a = :x AND b = :y AND begins_with(c, :y)", index: "i").sort
                == .beginsWith("y"))
        for text in [
            "s = :n", "p < :x", "p = :x OR s = :n", "NOT p = :x", "p = :n", "p = :x AND s = :x",
            "p = :x AND q = :x", "p = :x AND s <> :n", "p = :x AND p = :x", "p IN (:x)",
            "p = :x AND begins_with(s, :n)", "p.q = :x", "p = s", "size(p) = :n",
            "attribute_exists(p)", "p = :x AND s = :n AND s < :m",
        ] {
            #expect(throws: CodexError(.invalidExpression, ""), "\(text)") { try query(text) }
        }
        #expect(throws: CodexError(.invalidExpression, "")) { try query("a = :x", index: "i") }
        #expect(throws: CodexError(.invalidExpression, "")) {
            try query("a = :x AND b = :y AND d = :n", index: "i")
        }
        #expect(throws: CodexError(.unknownIndex, "")) { try query("a = :x", index: "j") }
    }

    // MARK: What is refused

    private static let names = ["#a": "a"]
    private static let values: [String: AttributeValue] = [
        ":x": 1, ":y": 2, ":s": "secret", ":m": .map([:]), ":l": .list([]),
        ":ss": .stringSet(["a"]),
    ]

    @Test(
        "A condition that is wrong is refused; the message says what and where, without values",
        arguments: [
            ("", "The expression can not be empty"), ("  \n", "can not be empty"),
            ("a = ", "Syntax error; token: \"<EOF>\", near: \"=\", at character 5"),
            ("a = :x :y", "Syntax error; token: \":y\""), ("a == :x", "token: \"=\""),
            ("a = :x AND", "<EOF>"), ("a", "<EOF>"), ("(a = :x", "<EOF>"),
            ("a = :x)", "token: \")\""),
            ("a ! :x", "token: \"!\""), ("a[b] = :x", "token: \"b\""),
            ("a[-1] = :x", "token: \"-\""),
            ("a[99999999999] = :x", "List index"), ("a. = :x", "token: \"=\""),
            ("# = :x", "token: \"#\""),
            ("a[0 = :x", "token: \"=\""), ("a BETWEEN :x OR :y", "token: \"OR\""),
            ("a IN ()", "token: \")\""), ("a IN :x", "token: \":x\""),
            ("name = :x", "reserved keyword: name"), ("a.Status = :x", "reserved keyword: Status"),
            ("#b = :x", "attribute name: #b"), ("a = :undefined", "attribute value: :undefined"),
            ("((a = :x))", "redundant parentheses"),
            ("size(a)", "not allowed to be used this way"), ("size(:x) = :x", "type N"),
            ("attribute_exists(a, b)", "number of operands: 2"),
            ("attribute_exists(:x)", "requires a document path"),
            ("attribute_type(a, :x)", "attribute_type"), ("attribute_type(a, :s)", "valid types"),
            ("attribute_type(a, b)", "attribute_type"),
            ("exists(a)", "Invalid function name; function: exists"),
            ("a = contains(b, :x)", "not allowed to be used this way"),
            ("if_not_exists(a, :x)", "not allowed in a condition"), ("a < :m", "not M"),
            ("a BETWEEN :y AND :x", "lower bound"), ("a BETWEEN :s AND :x", "different types"),
            ("a = #a", "same path"), ("begins_with(a, :x)", "begins_with"),
        ])
    func conditionErrors(text: String, message: String) throws {
        do {
            let parsed = try condition(text, names: Self.names, values: Self.values)
            Issue.record("it is taken for \(parsed)")
        } catch let error as CodexError {
            #expect(error.code == .invalidExpression)
            #expect(error.message.hasPrefix("Invalid ConditionExpression: "))
            #expect(error.message.contains(message), "\(error.message)")
            #expect(!error.message.contains("secret"), "a value: \(error.message)")
        }
    }

    @Test(
        "An update that is wrong is refused; the message says what and where",
        arguments: [
            ("", "empty"), ("a = :x", "token: \"a\""), ("SET a", "<EOF>"), ("SET a = :x,", "<EOF>"),
            ("SET a = :x SET b = :x", "\"SET\" section can only be used once"),
            ("SET a = :x, a.b = :x", "overlap"), ("SET a = :x REMOVE a", "overlap"),
            ("ADD a b", "token: \"b\""), ("ADD a :s", "ADD"), ("DELETE a :x", "DELETE"),
            ("SET a = :s + :x", "type"), ("SET a = :x + :x + :x", "token: \"+\""),
            ("SET a = list_append(:x, :l)", "type"),
            ("SET a = size(b)", "not allowed in an update"),
            ("SET a = nothing(b)", "Invalid function name"),
            ("SET a = if_not_exists(:x, :x)", "requires a document path"),
            ("SET a = if_not_exists(b)", "number of operands: 1"),
            ("UPDATE a = :x", "token: \"UPDATE\""),
        ])
    func updateErrors(text: String, message: String) throws {
        do {
            let parsed = try update(text, names: Self.names, values: Self.values)
            Issue.record("it is taken for \(parsed)")
        } catch let error as CodexError {
            #expect(error.code == .invalidExpression)
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test(
        "A projection that is wrong is refused",
        arguments: ["", "a,", "a b", "a, a.b", "#b", ":x", "size(a)"])
    func projectionErrors(text: String) throws {
        var parser = try ExpressionParser(names: Self.names)
        #expect(throws: CodexError(.invalidExpression, "")) { try parser.projection(text) }
    }

    @Test("Placeholders that are none, and those that nothing uses")
    func placeholders() throws {
        for name in ["", "#", "a", "#a b", "#a.b", ":a", "##a"] {
            #expect(throws: CodexError(.invalidExpression, ""), "\(name)") {
                try ExpressionParser(names: [name: "a"])
            }
        }
        for name in ["", ":", "v", ":a b", "#v", ":a-b"] {
            #expect(throws: CodexError(.invalidExpression, ""), "\(name)") {
                try ExpressionParser(values: [name: 1])
            }
        }
        var parser = try ExpressionParser(
            names: ["#1": "a", "#2": "b"], values: [":1": 1, ":2": 2])
        _ = try parser.condition("#1 = :1")
        do {
            try parser.requireAllUsed()
            Issue.record("nothing was refused")
        } catch {
            #expect(error.message.hasSuffix("unused in expressions: keys: {#2}"))
        }
        _ = try parser.projection("#2")
        #expect(throws: CodexError(.invalidExpression, "")) { try parser.requireAllUsed() }
        _ = try parser.filter("a = :2")
        try parser.requireAllUsed()
    }

    @Test("Limits, at one less, and one more")
    func limits() throws {
        func chain(_ count: Int) -> String {
            (0..<count).map { _ in "NOT " }.joined() + "attribute_exists(a)"
        }
        _ = try condition(chain(DynamoDBLimits.expressionOperatorCountMax - 1))
        #expect(throws: CodexError(.invalidExpression, "")) {
            try condition(chain(DynamoDBLimits.expressionOperatorCountMax))
        }
        let short = "attribute_exists(a)"
        let spaces = String(
            repeating: " ", count: DynamoDBLimits.expressionByteCountMax - short.utf8.count)
        _ = try condition(short + spaces)
        #expect(throws: CodexError(.invalidExpression, "")) { try condition(short + spaces + " ") }
        func nested(_ count: Int) -> String {
            "attribute_exists(a" + String(repeating: "[0]", count: count) + ")"
        }
        _ = try condition(nested(DynamoDBLimits.nestingDepthMax - 1))
        #expect(throws: CodexError(.invalidExpression, "")) {
            try condition(nested(DynamoDBLimits.nestingDepthMax))
        }
        func list(_ count: Int) -> String {
            "a IN (" + (0..<count).map { _ in ":v" }.joined(separator: ",") + ")"
        }
        _ = try condition(list(DynamoDBLimits.inOperandCountMax), values: [":v": 1])
        #expect(throws: CodexError(.invalidExpression, "")) {
            try condition(list(DynamoDBLimits.inOperandCountMax + 1), values: [":v": 1])
        }
        func enclosed(_ count: Int) -> String {
            String(repeating: "(NOT ", count: count) + "attribute_exists(a)"
                + String(repeating: ")", count: count)
        }
        // The function is an operator, too.
        _ = try condition(enclosed(DynamoDBLimits.expressionOperatorCountMax - 1))
        #expect(throws: CodexError(.invalidExpression, "")) {
            try condition(enclosed(DynamoDBLimits.expressionOperatorCountMax))
        }
        // Parentheses as deep as the text is long.
        #expect(throws: CodexError(.invalidExpression, "")) {
            try condition(String(repeating: "(", count: DynamoDBLimits.expressionByteCountMax))
        }
    }

    // MARK: Properties

    /// Writes trees as text, with placeholders for all values and for some names.
    private struct Writer {
        var names: [String: String] = [:]
        var values: [String: AttributeValue] = [:]
        var random: SystemRandomNumberGenerator = .init()

        mutating func name(_ name: String) -> String {
            if name.allSatisfy({ $0.isASCII && $0.isLowercase }), name.count < 3, Bool.random() {
                return name
            }
            let placeholder = "#n\(names.count)"
            names[placeholder] = name
            return placeholder
        }

        mutating func path(_ path: DocumentPath) -> String {
            var text = name(path.root)
            for step in path.steps {
                switch step {
                case .name(let name): text += "." + self.name(name)
                case .index(let index): text += "[\(index)]"
                }
            }
            return text
        }

        mutating func value(_ value: AttributeValue) -> String {
            let placeholder = ":v\(values.count)"
            values[placeholder] = value
            return placeholder
        }

        mutating func operand(_ operand: Condition.Operand) -> String {
            switch operand {
            case .path(let path): self.path(path)
            case .value(let value): self.value(value)
            case .size(let path): "size(\(self.path(path)))"
            }
        }

        /// In parentheses wherever it is not a single comparison or function.
        mutating func condition(_ condition: Condition) -> String {
            switch condition {
            case .compare(let left, let comparator, let right):
                return "\(operand(left)) \(comparator.rawValue) \(operand(right))"
            case .between(let value, let low, let high):
                return "\(operand(value)) BETWEEN \(operand(low)) AND \(operand(high))"
            case .isIn(let value, let candidates):
                var texts: [String] = []
                let first = operand(value)
                for candidate in candidates { texts.append(operand(candidate)) }
                return "\(first) IN (\(texts.joined(separator: ",")))"
            case .attributeExists(let path): return "attribute_exists(\(self.path(path)))"
            case .attributeNotExists(let path): return "attribute_not_exists(\(self.path(path)))"
            case .attributeType(let path, let type):
                return "attribute_type(\(self.path(path)), \(value(.string(type.rawValue))))"
            case .beginsWith(let left, let right):
                return "begins_with(\(operand(left)), \(operand(right)))"
            case .contains(let left, let right):
                return "contains(\(operand(left)), \(operand(right)))"
            case .and(let left, let right): return "\(inner(left)) AND \(inner(right))"
            case .or(let left, let right): return "\(inner(left)) OR \(inner(right))"
            case .not(let negated): return "NOT \(inner(negated))"
            }
        }

        private mutating func inner(_ condition: Condition) -> String {
            switch condition {
            case .and, .or, .not: "(\(self.condition(condition)))"
            default: self.condition(condition)
            }
        }
    }

    private func path() -> DocumentPath {
        let names = ["a", "b", "odd name", "status", "é", "A.b[0]"]
        let steps = (0..<Int.random(in: 0...2)).map { _ -> DocumentPath.Step in
            Bool.random() ? .name(names.randomElement() ?? "a") : .index(Int.random(in: 0...9))
        }
        return DocumentPath(root: names.randomElement() ?? "a", steps: steps)
    }

    private func operand() -> Condition.Operand {
        switch Int.random(in: 0..<3) {
        case 0: .path(path())
        case 1: .size(path())
        default: .value([1, "x", .binary([1])].randomElement() ?? 1)
        }
    }

    private func condition(depth: Int) -> Condition {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7)) {
        case 0: .compare(operand(), .lessOrEqual, operand())
        case 1: .between(operand(), low: operand(), high: operand())
        case 2: .isIn(operand(), (0...Int.random(in: 0..<3)).map { _ in operand() })
        case 3: .attributeExists(path())
        case 4: .attributeType(path(), .numberSet)
        case 5: .beginsWith(operand(), operand())
        case 6: .contains(operand(), operand())
        case 7: .and(condition(depth: depth - 1), condition(depth: depth - 1))
        case 8: .or(condition(depth: depth - 1), condition(depth: depth - 1))
        default: .not(condition(depth: depth - 1))
        }
    }

    @Test("What is written is read back: 2,000 random conditions")
    func roundTrip() throws {
        var readCount = 0
        for _ in 0..<2000 {
            let condition = condition(depth: 4)
            var writer = Writer()
            let text = writer.condition(condition)
            var parser = try ExpressionParser(names: writer.names, values: writer.values)
            guard text.utf8.count <= DynamoDBLimits.expressionByteCountMax else { continue }
            do {
                #expect(try parser.condition(text) == condition, "\(text)")
                try parser.requireAllUsed()
                readCount += 1
            } catch {
                // What the tree's own rules refuse is refused of the text.
                #expect(throws: CodexError(.invalidExpression, ""), "\(text): \(error)") {
                    try condition.validate()
                }
            }
        }
        #expect(readCount > 500)
    }

    @Test("No text traps: 20,000 random ones, of pieces of the language and of bytes")
    func randomText() throws {
        let pieces = [
            "SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN", "(", ")", "[",
            "]",
            ",", ".", "=", "<", ">", "<>", "<=", "+", "-", "size", "attribute_exists", "contains",
            "if_not_exists", "list_append", "a", "b", "#n", ":v", ":u", "#", ":", "0", "99", " ",
            "é",
            "\u{0}", "👩‍👩‍👧", "'", "\"", "name",
        ]
        var outcomes = (good: 0, bad: 0)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...12)).map { _ in pieces.randomElement() ?? "" }
                .joined(separator: Bool.random() ? " " : "")
            var parser = try ExpressionParser(names: ["#n": "n"], values: [":v": 1])
            for parse in [
                { (parser: inout ExpressionParser) in _ = try parser.condition(text) },
                { _ = try $0.update(text) }, { _ = try $0.projection(text) },
                { _ = try $0.keyCondition(text) },
            ] {
                do {
                    try parse(&parser)
                    outcomes.good += 1
                } catch let error as CodexError {
                    #expect(error.code == .invalidExpression, "\(text)")
                    outcomes.bad += 1
                }
            }
        }
        #expect(outcomes.good > 100 && outcomes.bad > 10_000)
    }
}
