/// Parses conditions.
///
/// Parentheses nest on a list of levels and not on the stack, because a short text can nest them
/// deeply.
struct ConditionParser: OperandParser {
    var cursor: ExpressionParser.Cursor

    init(_ cursor: ExpressionParser.Cursor) { self.cursor = cursor }

    /// A part of the text: an operand that needs a comparison, or a condition.
    private struct Part {
        var operand: Condition.Operand?
        var condition: Condition?
        /// The function's name, if the part is one.
        var function: String?
    }

    /// The conditions of one level of parentheses.
    private struct Level {
        /// The conditions before the last OR.
        var disjunction: Condition?
        /// The conditions after the last OR.
        var conjunction: Condition?
        /// The number of NOTs before the next condition.
        var negationCount = 0

        /// Whether nothing is before the next condition.
        var isEmpty: Bool { disjunction == nil && conjunction == nil && negationCount == 0 }

        mutating func add(_ condition: Condition) {
            var condition = condition
            for _ in 0..<negationCount { condition = .not(condition) }
            negationCount = 0
            conjunction = conjunction.map { Condition.and($0, condition) } ?? condition
        }

        /// The conditions of the level, which OR and AND join.
        func joined(_ condition: Condition) -> Condition {
            var level = self
            level.add(condition)
            level.startAlternative()
            return level.disjunction ?? condition
        }

        /// Begins what follows an OR.
        mutating func startAlternative() {
            guard let last = conjunction else { return }
            disjunction = disjunction.map { Condition.or($0, last) } ?? last
            conjunction = nil
        }
    }

    mutating func parse() throws(CodexError) -> Condition {
        var (levels, level): ([Level], Level) = ([], Level())
        while true {
            try open(&levels, &level)
            let part = try closed(try term(), &levels, &level)
            let condition = try condition(of: part)
            if cursor.take(keyword: "AND") {
                try cursor.count()
                level.add(condition)
            } else if cursor.take(keyword: "OR") {
                try cursor.count()
                level.add(condition)
                level.startAlternative()
            } else {
                guard levels.isEmpty else { throw cursor.syntaxError }
                try cursor.requireEnd()
                try cursor.requireNoProblem()
                return level.joined(condition)
            }
        }
    }

    // MARK: Parentheses

    /// Takes what is before an operand: NOTs and opening parentheses.
    ///
    /// - Parameters:
    ///   - levels: The levels around the current one.
    ///   - level: The current level.
    /// - Throws: ``CodexError/Code/invalidExpression`` for too many operators or levels.
    private mutating func open(
        _ levels: inout [Level], _ level: inout Level
    ) throws(CodexError) {
        while true {
            if cursor.take(keyword: "NOT") {
                try cursor.count()
                level.negationCount += 1
            } else if cursor.take(symbol: "(") {
                levels.append(level)
                level = Level()
                guard levels.count <= StoreLimits.expressionDepthMax else {
                    throw cursor.error("The expression has redundant parentheses;")
                }
            } else {
                return
            }
        }
    }

    /// A part with its comparison, and with all levels that close behind it.
    private mutating func closed(
        _ first: Part, _ levels: inout [Level], _ level: inout Level
    ) throws(CodexError) -> Part {
        var (part, isEnclosed) = (first, false)
        while true {
            if let comparison = try comparison(of: part) {
                cursor.settle(comparison)
                (part, isEnclosed) = (Part(condition: comparison), false)
            }
            guard let outer = levels.last, cursor.token.isSymbol(")") else { return part }
            if level.isEmpty {
                if isEnclosed { reportParentheses() }
            } else {
                part = Part(condition: level.joined(try condition(of: part)))
            }
            cursor.advance()
            isEnclosed = true
            level = outer
            levels.removeLast()
        }
    }

    // MARK: Comparisons

    /// The comparison whose first operand is a part; `nil` if none follows.
    private mutating func comparison(of part: Part) throws(CodexError) -> Condition? {
        guard part.operand != nil || part.function != nil else { return nil }
        if cursor.take(keyword: "BETWEEN") {
            try cursor.count()
            let left = operand(of: part)
            let low = try operand()
            guard cursor.take(keyword: "AND") else { throw cursor.syntaxError }
            return .between(left, low: low, high: try operand())
        }
        if cursor.take(keyword: "IN") {
            try cursor.count()
            let left = operand(of: part)
            try cursor.require(symbol: "(")
            var candidates = [try operand()]
            while cursor.take(symbol: ",") { candidates.append(try operand()) }
            try cursor.require(symbol: ")")
            return .isIn(left, candidates)
        }
        guard cursor.token.kind == .symbol,
            let comparator = Condition.Comparator(rawValue: cursor.token.text)
        else { return nil }
        cursor.advance()
        try cursor.count()
        let left = operand(of: part)
        return .compare(left, comparator, try operand())
    }

    /// The condition that a part is.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for an operand, which needs a comparison.
    private mutating func condition(of part: Part) throws(CodexError) -> Condition {
        if let condition = part.condition {
            if part.function != nil { cursor.settle(condition) }
            return condition
        }
        guard let name = part.function else { throw cursor.syntaxError }
        reportMisuse(of: name)
        return Self.placeholder
    }

    /// The operand that a part is; a condition in its place is reported.
    private mutating func operand(of part: Part) -> Condition.Operand {
        if let operand = part.operand { return operand }
        if let name = part.function { reportMisuse(of: name) }
        return .value(.null)
    }

    /// A condition in place of one that was reported.
    private static var placeholder: Condition { .attributeExists(DocumentPath("")) }

    // MARK: Operands

    mutating func operand() throws(CodexError) -> Condition.Operand {
        let count = takeOpenings()
        let part = try term()
        try close(count)
        return operand(of: part)
    }

    private mutating func term() throws(CodexError) -> Part {
        if cursor.token.kind == .valueReference {
            return Part(operand: .value(try cursor.value()))
        }
        guard try cursor.isAtFunction() else { return Part(operand: .path(try cursor.path())) }
        return try function()
    }

    // MARK: Functions

    private mutating func function() throws(CodexError) -> Part {
        let name = cursor.token.text
        let arguments = try arguments()
        guard let count = ExpressionFunctions.ofConditions[name] else {
            let isKnown = ExpressionFunctions.ofUpdates[name] != nil
            cursor.report(
                .unknownFunction,
                isKnown
                    ? "The function is not allowed in a condition expression; function: \(name)"
                    : "Invalid function name; function: \(name)")
            return Part(condition: Self.placeholder, function: name)
        }
        guard arguments.count == count else {
            reportCount(arguments.count, of: name)
            return name == "size"
                ? Part(operand: .value(.null), function: name)
                : Part(condition: Self.placeholder, function: name)
        }
        guard name != "size" else { return Part(operand: size(of: arguments[0]), function: name) }
        return Part(condition: condition(name, arguments), function: name)
    }

    /// The condition that a function is, with as many arguments as it takes.
    private mutating func condition(
        _ name: String, _ arguments: [Condition.Operand]
    ) -> Condition {
        switch name {
        case "attribute_exists": return .attributeExists(path(arguments[0], name))
        case "attribute_not_exists": return .attributeNotExists(path(arguments[0], name))
        case "attribute_type":
            guard let type = type(arguments[1]) else { return Self.placeholder }
            // The type of a literal is known, so the two names of types are compared.
            if case .value(let value) = arguments[0] {
                let names = [value.type, type].map { AttributeValue.string($0.rawValue) }
                return .compare(.value(names[0]), .equal, .value(names[1]))
            }
            return .attributeType(path(arguments[0], name), type)
        case "begins_with": return .beginsWith(arguments[0], arguments[1])
        default: return .contains(arguments[0], arguments[1])
        }
    }

    /// The size of a path's value, or that of a literal, which is known.
    private mutating func size(of operand: Condition.Operand) -> Condition.Operand {
        let type: AttributeType
        switch operand {
        case .path(let path): return .size(path)
        case .value(let value):
            if let size = value.size { return .value(.number(Number(size))) }
            type = value.type
        case .size: type = .number
        }
        let refusal = Refusal.operandType(operator: "size", type)
        cursor.report(
            .operand, "The function size has no operand of the type \(type.rawValue).", refusal)
        return .value(.null)
    }

    private mutating func path(_ operand: Condition.Operand, _ name: String) -> DocumentPath {
        if case .path(let path) = operand { return path }
        reportPath(of: name)
        return DocumentPath("")
    }

    /// The type that the second operand of `attribute_type` names; `nil` if it names none.
    private mutating func type(_ operand: Condition.Operand) -> AttributeType? {
        guard case .value(let value) = operand else {
            cursor.report(
                .operand, "The second operand of attribute_type is a value.", .typeOfPath)
            return nil
        }
        guard case .string(let text) = value else {
            cursor.report(
                .operand, "The second operand of attribute_type is the name of a type.",
                .operandType(operator: "attribute_type", value.type))
            return nil
        }
        guard let type = AttributeType(rawValue: text) else {
            cursor.report(
                .operand,
                "Invalid attribute type name found; valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                .typeName(text))
            return nil
        }
        return type
    }
}
