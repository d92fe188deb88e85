/// The problems of a text that follows the grammar: the first of each kind.
struct ExpressionProblems {
    /// The kinds of problems.
    enum Kind: CaseIterable {
        /// Parentheses directly within parentheses.
        case parentheses
        /// A function that the expression does not have.
        case unknownFunction
        /// A function in a place where it is not allowed.
        case misusedFunction
        /// A word that needs a placeholder.
        case reservedWord
        /// A section of an update that is there twice.
        case section
        /// A placeholder of a name that is not defined.
        case name
        /// A placeholder of a value that is not defined.
        case value
        /// Two paths of an update that cannot be used together.
        case path
        /// A value that ADD or DELETE does not take.
        case clause
        /// An operand that its function does not take.
        case operand
        /// Operands that are invalid together, or of a type that their operator does not take.
        case rule
    }

    private var errors: [Kind: CodexError] = [:]
    /// Whether a comparison or function of a condition has a problem of its own.
    private var hasPartWithProblem = false

    /// The kinds that comparisons and functions of a condition have by themselves.
    private static let ofConditions: [Kind] = [.name, .value, .operand, .rule]

    /// The kinds of an update in the order of DynamoDB's checks.
    ///
    /// Source: `db/updateParser.pegjs` of architect/dynalite.
    private static let updateOrder: [Kind] = [
        .parentheses, .reservedWord, .unknownFunction, .section, .name, .value, .path, .clause,
        .misusedFunction, .operand, .rule,
    ]

    /// Whether another problem of a kind counts.
    func counts(_ kind: Kind) -> Bool {
        errors[kind] == nil && !(hasPartWithProblem && Self.ofConditions.contains(kind))
    }

    mutating func add(_ kind: Kind, _ error: CodexError) { errors[kind] = error }

    /// Ends a comparison or function of a condition.
    ///
    /// If it has a problem, those of the next ones do not count.
    mutating func endPart() {
        hasPartWithProblem = hasPartWithProblem || Self.ofConditions.contains { errors[$0] != nil }
    }

    /// The problem that DynamoDB reports, if there is one.
    ///
    /// Source of the order: the checks in `db/conditionParser.pegjs` and `db/updateParser.pegjs` of
    /// architect/dynalite, whose tests were recorded with the service.
    func first(for expression: ExpressionParser.Kind) -> CodexError? {
        guard !errors.isEmpty else { return nil }
        for kind in expression == .update ? Self.updateOrder : Kind.allCases {
            if let error = errors[kind] { return error }
        }
        return nil
    }
}
