/// Parses conditions by recursive descent.
struct ConditionParser: OperandParser {
    var cursor: ExpressionParser.Cursor
    private var depth = 0

    init(_ cursor: ExpressionParser.Cursor) { self.cursor = cursor }

    mutating func parse() throws(CodexError) -> Condition {
        let condition = try disjunction()
        try cursor.requireEnd()
        return condition.value
    }

    /// A condition, and whether it was in its own parentheses.
    private typealias Parsed = (value: Condition, isEnclosed: Bool)

    private mutating func disjunction() throws(CodexError) -> Parsed {
        var left = try conjunction()
        while cursor.take(keyword: "OR") {
            try cursor.count()
            left = (.or(left.value, try conjunction().value), false)
        }
        return left
    }

    private mutating func conjunction() throws(CodexError) -> Parsed {
        var left = try negation()
        while cursor.take(keyword: "AND") {
            try cursor.count()
            left = (.and(left.value, try negation().value), false)
        }
        return left
    }

    private mutating func negation() throws(CodexError) -> Parsed {
        guard cursor.take(keyword: "NOT") else { return try primary() }
        try cursor.count()
        return (.not(try negation().value), false)
    }

    private mutating func primary() throws(CodexError) -> Parsed {
        if cursor.take(symbol: "(") {
            depth += 1
            defer { depth -= 1 }
            guard depth <= StoreLimits.expressionDepthMax else {
                throw cursor.error("The expression has parentheses that are nested too deep;")
            }
            let inner = try disjunction()
            try cursor.require(symbol: ")")
            guard !inner.isEnclosed else {
                throw cursor.error("The expression has redundant parentheses;")
            }
            return (inner.value, true)
        }
        if cursor.token.kind == .word, cursor.next.isSymbol("("), cursor.token.text != "size" {
            return (try function(), false)
        }
        let left = try operand()
        if cursor.take(keyword: "BETWEEN") {
            try cursor.count()
            let low = try operand()
            guard cursor.take(keyword: "AND") else { throw cursor.syntaxError }
            return (.between(left, low: low, high: try operand()), false)
        }
        if cursor.take(keyword: "IN") {
            try cursor.count()
            try cursor.require(symbol: "(")
            var candidates = [try operand()]
            while cursor.take(symbol: ",") { candidates.append(try operand()) }
            try cursor.require(symbol: ")")
            return (.isIn(left, candidates), false)
        }
        guard cursor.token.kind == .symbol,
            let comparator = Condition.Comparator(rawValue: cursor.token.text)
        else { throw cursor.syntaxError }
        cursor.advance()
        try cursor.count()
        return (.compare(left, comparator, try operand()), false)
    }

    mutating func operand() throws(CodexError) -> Condition.Operand {
        if cursor.token.kind == .valueReference { return .value(try cursor.value()) }
        guard cursor.token.kind == .word, cursor.next.isSymbol("(") else {
            return .path(try cursor.path())
        }
        let name = cursor.token.text
        guard name == "size" else {
            guard ExpressionFunctions.ofConditions[name] != nil else { throw unknown(name) }
            throw cursor.error(
                "The function is not allowed to be used this way in an expression; function: \(name)"
            )
        }
        let arguments = try arguments(name, 1)
        return .size(try path(arguments[0], name))
    }

    // MARK: Functions

    private mutating func function() throws(CodexError) -> Condition {
        let name = cursor.token.text
        guard let count = ExpressionFunctions.ofConditions[name] else {
            guard ExpressionFunctions.ofUpdates[name] == nil else {
                throw cursor.error(
                    "The function is not allowed in a \(cursor.kind.noun); function: \(name)")
            }
            throw unknown(name)
        }
        let arguments = try arguments(name, count)
        switch name {
        case "attribute_exists": return .attributeExists(try path(arguments[0], name))
        case "attribute_not_exists": return .attributeNotExists(try path(arguments[0], name))
        case "attribute_type":
            return .attributeType(try path(arguments[0], name), try type(arguments[1]))
        case "begins_with": return .beginsWith(arguments[0], arguments[1])
        default: return .contains(arguments[0], arguments[1])
        }
    }

    private func path(
        _ operand: Condition.Operand, _ name: String
    ) throws(CodexError) -> DocumentPath {
        guard case .path(let path) = operand else {
            throw cursor.error(
                "Operator or function requires a document path; operator or function: \(name)")
        }
        return path
    }

    private func type(_ operand: Condition.Operand) throws(CodexError) -> AttributeType {
        guard case .value(let value) = operand, case .string(let text) = value else {
            throw cursor.error(
                "Incorrect operand type for operator or function; operator or function: attribute_type"
            )
        }
        guard let type = AttributeType(rawValue: text) else {
            throw cursor.error(
                "Invalid attribute type name found; valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
        }
        return type
    }
}

extension ExpressionParser.Kind {
    /// The kind's name in a sentence.
    fileprivate var noun: String {
        switch self {
        case .condition: "condition expression"
        case .filter: "filter expression"
        case .keyCondition: "key condition expression"
        case .update: "update expression"
        case .projection: "projection expression"
        }
    }
}
