internal import CodexCore

/// A parsed statement, before its parameters are known.
struct StatementPlan: Sendable {
    let statement: Statement
    /// The number of its question marks.
    let parameterCount: Int

    /// The plan of a text: that of a cache, or a new one, which the cache keeps.
    ///
    /// - Parameters:
    ///   - text: The statement.
    ///   - plans: The cache; `nil` parses the text.
    /// - Returns: The plan.
    /// - Throws: `ValidationException` for a statement that is not well formed.
    static func of(_ text: String, _ plans: StatementPlans?) throws -> StatementPlan {
        if let known = plans?.plan(text) { return known }
        let (statement, count) = try StatementParser.parse(text)
        let plan = StatementPlan(statement: statement, parameterCount: count)
        plans?.insert(plan, for: text, byteCount: byteCount(of: text))
        return plan
    }

    /// The bytes of memory that the plan of a text takes with the text, as an upper bound.
    ///
    /// An expression takes some 100 bytes, and two bytes of text or more.
    private static func byteCount(of text: String) -> Int { 256 + 56 * text.utf8.count }
}

/// The plans of statements, by their texts.
typealias StatementPlans = PlanCache<StatementPlan>
