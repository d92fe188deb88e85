/// A violation of a domain's rule.
public struct RuleViolation: Sendable, Hashable {
    /// The rule's name, stable across releases; for CodexFlow, a case of ``CodexFlow/Rule``.
    public let rule: String
    /// The stored name of the field that broke the rule, or the parameter of the command.
    public let field: String
    /// The values that broke the rule, by name; they are user data.
    public let values: [String: AttributeValue]

    /// Creates a violation.
    public init(rule: String, field: String, values: [String: AttributeValue] = [:]) {
        self.rule = rule
        self.field = field
        self.values = values
    }
}
