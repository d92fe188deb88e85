import CodexCore
import TestSupport
import Testing

@testable import CodexDynamoDB

/// Statements whose plans a cache has, and the tokens of their texts.
@Suite("Plans of statements")
struct StatementPlanTests {
    /// Statements of all kinds, of which some are not well formed.
    private static let statements = [
        "SELECT * FROM t WHERE p = ? AND a BETWEEN 1 AND 2.50e1",
        #"SELECT "a b".c[0], d FROM "t"."i" WHERE p IN (?, 'it''s') ORDER BY s DESC"#,
        "INSERT INTO t VALUE {'p': ?, 'l': [1, <<'x', 'y'>>, NULL], 'é': -.5}",
        "UPDATE t SET a = list_append(a, ?) REMOVE b WHERE p = 'k' RETURNING ALL NEW *",
        "DELETE FROM t WHERE p = 'k' AND NOT begins_with(a, 'e\u{301}') -- a comment",
        "EXISTS(SELECT * FROM t WHERE p = ?)", "SELECT * FROM t WHERE /* é */ p = 'é\r\n'; x",
        "SELECT value FROM t", "SELECT * FROM t LIMIT 3", "DROP TABLE t", "",
    ]

    /// The statement of a text, or its error.
    private struct Outcome: Equatable {
        var statement: Statement?
        var parameterCount = 0
        var message = ""
    }

    private func outcome(_ text: String, _ plans: StatementPlans?) -> Outcome {
        do {
            let plan = try StatementPlan.of(text, plans)
            return Outcome(statement: plan.statement, parameterCount: plan.parameterCount)
        } catch {
            return Outcome(message: ServiceError(error).message)
        }
    }

    @Test("With a cache and without, a text is the same statement or error: 2,000 texts")
    func equality() {
        let seed = UInt64.random(in: .min ... .max)
        print("plans of statements: seed \(seed)")
        var random = SplitMix(seed: seed)
        let plans = StatementPlans(countMax: 4, byteCountMax: 1 << 20)
        var goodCount = 0
        for _ in 0..<2000 {
            var text = random.pick(Self.statements)
            if random.chance(50) { text = String(text.unicodeScalars.prefix(random.below(99))) }
            let plain = outcome(text, nil)
            #expect(outcome(text, plans) == plain, "\(text), seed \(seed)")
            #expect(outcome(text, plans) == plain, "\(text), seed \(seed)")
            if plain.statement != nil { goodCount += 1 }
        }
        #expect(goodCount > 200 && plans.count == 4)
    }

    @Test("Equivalent texts with other bytes are other statements")
    func equivalents() throws {
        let plans = StatementPlans(countMax: 4, byteCountMax: 1 << 20)
        let composed = try StatementPlan.of("DELETE FROM t WHERE p = '\u{E9}'", plans)
        let decomposed = try StatementPlan.of("DELETE FROM t WHERE p = 'e\u{301}'", plans)
        #expect(plans.count == 2)
        func key(_ plan: StatementPlan) throws -> [UInt8] {
            guard case .delete(let delete) = plan.statement,
                case .compare(_, _, let value)? = delete.condition?.content,
                case .string(let text) = value.content
            else { throw ServiceError.validation("no key") }
            return Array(text.utf8)
        }
        #expect(try key(composed) != key(decomposed))
    }

    @Test("Places of tokens are counted in characters, and lines end as in other systems")
    func positions() throws {
        let text = "\"é\" \r\n'👩é' = \r-- é\n /* é\n*/ ab"
        let tokens = try StatementLexer.tokens(of: text)
        #expect(tokens.map(\.text) == ["é", "👩é", "=", "ab", ""])
        #expect(
            tokens.map { "\($0.position)" } == ["1:1:3", "2:1:4", "2:6:1", "5:4:2", "5:6:0"])
    }

    @Test("A request that comes again with other names and values has their effect")
    func requests() async throws {
        let service = try SampleService()
        try await service.ok("CreateTable", TableJSON.table())
        for round in 0..<3 {
            let answer = try await service.ok(
                "UpdateItem",
                ##"{"TableName":"table","Key":{"p":{"S":"k"}},"UpdateExpression":"SET #n = :v","##
                    + ##""ExpressionAttributeNames":{"#n":"a\##(round)"},"##
                    + #""ExpressionAttributeValues":{":v":{"N":"\#(round)"}},"#
                    + #""ReturnValues":"ALL_NEW"}"#)
            let item = try #require(answer["Attributes"] as? SampleService.Object)
            for known in 0...round {
                let value = item["a\(known)"] as? SampleService.Object
                #expect(value?["N"] as? String == "\(known)")
            }
        }
    }
}
