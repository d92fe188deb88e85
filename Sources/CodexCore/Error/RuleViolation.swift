/// What broke a rule of a domain.
public struct RuleViolation: Sendable, Hashable {
    /// The rule's name, stable across releases: of CodexFlow's, a case of ``CodexFlow/Rule``.
    public let rule: String
    /// The field that broke it, by its stored name; or the parameter of the command.
    public let field: String
    /// The values that broke it, by what they are: user data.
    public let values: [String: AttributeValue]

    /// Creates a violation.
    public init(rule: String, field: String, values: [String: AttributeValue] = [:]) {
        self.rule = rule
        self.field = field
        self.values = values
    }
}
