import TestSupport
import Testing

@testable import CodexCore

/// Expressions whose plans a cache has, beside the same expressions without a cache.
@Suite("Plans of expressions")
struct ExpressionPlanTests {
    /// The names and values of a request.
    private struct Request: Sendable {
        let names: [String: String]
        let values: [String: AttributeValue]
    }

    /// Requests that differ in what their placeholders stand for, and in which they define.
    private static let requests = [
        Request(
            names: ["#n": "status", "#m": "odd name"],
            values: [":v": "S", ":w": 2, ":l": .list([1]), ":s": .stringSet(["a"])]),
        Request(
            names: ["#n": "a", "#m": "b"],
            values: [":v": 3, ":w": 1, ":l": "text", ":s": .numberSet([1])]),
        Request(names: ["#n": "b"], values: [":v": .null, ":w": "W"]),
        Request(names: [:], values: [:]),
    ]

    /// Writes expressions, most of which are valid.
    private struct Writer {
        var random: SplitMix

        mutating func path() -> String {
            var path = random.pick(["a", "b", "c", "d", "e", "f", "#n", "#m", "list_1"])
            // A reserved word.
            if random.chance(5) { path = "name" }
            for _ in 0..<random.below(3) {
                path += random.pick([".a", ".#n", "[0]", "[12]", ".#m[1]"])
            }
            return path
        }

        mutating func value() -> String { random.pick([":v", ":w", ":l", ":s"]) }

        mutating func operand() -> String {
            let operand = random.chance(50) ? path() : value()
            switch random.below(12) {
            case 0: return "size(\(operand))"
            case 1: return "(\(operand))"
            default: return operand
            }
        }

        mutating func condition(_ depth: Int = 3) -> String {
            switch random.below(depth > 0 ? 12 : 8) {
            case 0, 1:
                let comparator = random.pick(["=", "<>", "<", "<=", ">", ">="])
                return "\(operand()) \(comparator) \(operand())"
            case 2: return "\(path()) BETWEEN \(value()) AND \(value())"
            case 3: return "\(operand()) IN (\(operand()), \(operand()))"
            case 4: return "attribute_exists(\(path()))"
            case 5: return "attribute_type(\(operand()), \(value()))"
            case 6: return "begins_with(\(operand()), \(operand()))"
            case 7: return "contains(\(path()), \(operand()))"
            case 8: return "NOT \(condition(depth - 1))"
            case 9: return "(\(condition(depth - 1)))"
            default:
                let word = random.pick(["AND", "or"])
                return "\(condition(depth - 1)) \(word) \(condition(depth - 1))"
            }
        }

        mutating func keyCondition() -> String {
            let sort = random.pick(["begins_with(b, :v)", "b < :w", "b IN (a)"])
            return "\(path()) = \(value()) AND \(sort)"
        }

        mutating func update() -> String {
            let (target, left, right) = (path(), operand(), operand())
            let value = random.pick([
                left, "\(left) + \(right)", "if_not_exists(\(target), \(right))",
                "list_append(\(left), \(right))",
            ])
            let clause = random.pick(["", " REMOVE x", " ADD x :w", " DELETE x :s"])
            return "SET \(target) = \(value), \(path()) = \(operand())\(clause)"
        }

        mutating func projection() -> String { "\(path()), \(path())" }

        /// The same text with a part left out or twice.
        mutating func damaged(_ text: String) -> String {
            let bytes = Array(text.utf8)
            let start = random.below(bytes.count + 1)
            let part = bytes[start...].prefix(random.below(8))
            var damaged = Array(bytes[..<start])
            if random.chance(50) {
                damaged += part
                damaged += part
            }
            damaged += bytes[(start + part.count)...]
            return String(decoding: damaged, as: UTF8.self)
        }
    }

    /// What a parser makes of a text, and its state after it.
    private struct Outcome: Equatable {
        var expression: AnyHashable?
        var problem = ""
        var byteCount = 0
        var unused = ""
    }

    private static func expression(
        _ text: String, _ kind: ExpressionParser.Kind, _ parser: inout ExpressionParser
    ) throws(CodexError) -> AnyHashable {
        switch kind {
        case .condition: return AnyHashable(try parser.condition(text))
        case .filter: return AnyHashable(try parser.filter(text))
        case .keyCondition: return AnyHashable(try parser.keyCondition(text))
        case .update: return AnyHashable(try parser.update(text))
        case .projection: return AnyHashable(try parser.projection(text))
        }
    }

    /// The whole text of an error, with its exact problem.
    private static func text(_ error: CodexError) -> String {
        "\(error.code) \(error.message) \(error.parameter ?? "-") "
            + error.refusal.map { "\($0)" }.debugDescription
    }

    private static func outcome(
        _ text: String, _ kind: ExpressionParser.Kind, _ request: Request,
        _ plans: ExpressionPlans?
    ) throws -> Outcome {
        var parser = try ExpressionParser(
            names: request.names, values: request.values, plans: plans)
        var outcome = Outcome()
        do throws(CodexError) {
            outcome.expression = try expression(text, kind, &parser)
        } catch {
            outcome.problem = Self.text(error)
        }
        outcome.byteCount = parser.placeholderByteCount
        do throws(CodexError) {
            try parser.requireAllUsed()
        } catch {
            outcome.unused = Self.text(error)
        }
        return outcome
    }

    /// A text of each kind; some are damaged.
    private static func texts(
        _ writer: inout Writer
    ) -> [(text: String, kind: ExpressionParser.Kind)] {
        var texts: [(text: String, kind: ExpressionParser.Kind)] = [
            (writer.condition(), .condition), (writer.condition(1), .filter),
            (writer.keyCondition(), .keyCondition), (writer.update(), .update),
            (writer.projection(), .projection),
        ]
        for place in texts.indices where writer.random.chance(30) {
            texts[place].text = writer.damaged(texts[place].text)
        }
        return texts
    }

    @Test("With a cache and without, a text has the same expression or error: 5,000 texts")
    func equality() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("plans of expressions: seed \(seed)")
        var writer = Writer(random: SplitMix(seed: seed))
        // Few enough that plans are evicted, and found before that.
        let plans = ExpressionPlans(countMax: 16, byteCountMax: 1 << 20)
        var counts = (good: 0, bad: 0)
        for _ in 0..<1000 {
            for (text, kind) in Self.texts(&writer) {
                for request in Self.requests {
                    let plain = try Self.outcome(text, kind, request, nil)
                    let cached = try Self.outcome(text, kind, request, plans)
                    #expect(cached == plain, "\(text), seed \(seed)")
                    if plain.expression == nil { counts.bad += 1 } else { counts.good += 1 }
                }
            }
        }
        #expect(counts.good > 500 && counts.bad > 500)
        #expect(plans.count == 16)
    }

    @Test("A text that is not sound is not kept, and one that its values make wrong is")
    func soundness() throws {
        let plans = ExpressionPlans(countMax: 16, byteCountMax: 1 << 20)
        let values: [String: AttributeValue] = [":v": .list([])]
        var parser = try ExpressionParser(names: [:], values: values, plans: plans)
        for text in ["", "a = ", "name = :v", "foo(a) = :v", "((a = :v))", "size(a)"] {
            #expect(throws: CodexError(.invalidExpression, "")) { try parser.condition(text) }
        }
        #expect(plans.count == 0)
        #expect(throws: CodexError(.invalidExpression, "")) { try parser.condition("a < :v") }
        #expect(plans.count == 1)
        #expect(throws: CodexError(.invalidExpression, "")) { try parser.filter("a < :v") }
        #expect(plans.count == 2)
    }

    @Test(
        "The steps of a long text take at most the bytes that its plan counts",
        arguments: [
            ("a", ",a", ExpressionParser.Kind.projection), ("a IN (a", ",a", .condition),
            ("SET a=b", ",c=d", .update), ("REMOVE a[0][0]", ",a[0][0]", .update),
        ])
    func byteCounts(start: String, part: String, kind: ExpressionParser.Kind) {
        let byteCountMax = DynamoDBLimits.expressionByteCountMax
        let count = (byteCountMax - start.utf8.count) / part.utf8.count
        let text = start + String(repeating: part, count: count)
        let plan = ExpressionPlan(text, kind)
        #expect(plan.steps.count >= DynamoDBLimits.expressionOperatorCountMax)
        let stride = MemoryLayout<ExpressionPlan.Step>.stride
        #expect(plan.byteCount >= plan.steps.capacity * stride + text.utf8.count)
    }

    @Test("Several threads parse with one cache as each does alone")
    func threads() async throws {
        let plans = ExpressionPlans(countMax: 8, byteCountMax: 1 << 20)
        var writer = Writer(random: SplitMix(seed: 1))
        let texts = (0..<4).flatMap { _ in Self.texts(&writer) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for request in Self.requests {
                group.addTask {
                    try texts.allSatisfy { text, kind in
                        let plain = try Self.outcome(text, kind, request, nil)
                        return try (0..<50).allSatisfy { _ in
                            try Self.outcome(text, kind, request, plans) == plain
                        }
                    }
                }
            }
            for try await areEqual in group { #expect(areEqual) }
        }
    }
}
