/// Parses conditions into the steps of their plans.
///
/// Parentheses nest on a list of levels and not on the stack, because a short text can nest them
/// deeply.
struct ConditionParser: OperandParser {
    var cursor: ExpressionParser.Cursor

    init(_ cursor: ExpressionParser.Cursor) { self.cursor = cursor }

    /// A part of the text, whose steps are added.
    private struct Part {
        /// Whether the part is an operand that needs a comparison, and not a condition.
        var isOperand = false
        /// The function's name, if the part is one.
        var function: String?
    }

    /// The conditions of one level of parentheses, whose steps are added.
    private struct Level {
        /// Whether there are conditions before the last OR.
        var hasDisjunction = false
        /// Whether there are conditions after the last OR.
        var hasConjunction = false
        /// The number of NOTs before the next condition.
        var negationCount = 0

        /// Whether nothing is before the next condition.
        var isEmpty: Bool { !hasDisjunction && !hasConjunction && negationCount == 0 }
    }

    /// Parses the text, and adds the steps of its condition.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for text that does not follow the grammar.
    mutating func parse() throws(CodexError) {
        var (levels, level): ([Level], Level) = ([], Level())
        while true {
            try open(&levels, &level)
            let part = try closed(try term(), &levels, &level)
            try makeCondition(of: part)
            if cursor.take(keyword: .and) {
                try cursor.count()
                join(to: &level)
            } else if cursor.take(keyword: .or) {
                try cursor.count()
                join(to: &level)
                startAlternative(in: &level)
            } else {
                guard levels.isEmpty else { throw cursor.syntaxError }
                try cursor.requireEnd()
                finish(level)
                return
            }
        }
    }

    // MARK: Levels

    /// Joins the last condition to the conditions after the last OR of its level.
    private mutating func join(to level: inout Level) {
        for _ in 0..<level.negationCount { cursor.add(.not) }
        level.negationCount = 0
        if level.hasConjunction { cursor.add(.and) }
        level.hasConjunction = true
    }

    /// Begins what follows an OR.
    private mutating func startAlternative(in level: inout Level) {
        if level.hasDisjunction { cursor.add(.or) }
        (level.hasDisjunction, level.hasConjunction) = (true, false)
    }

    /// Joins the last condition to all others of its level.
    private mutating func finish(_ level: Level) {
        var level = level
        join(to: &level)
        startAlternative(in: &level)
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
            if cursor.take(keyword: .not) {
                try cursor.count()
                level.negationCount += 1
            } else if cursor.take(.opening) {
                levels.append(level)
                level = Level()
                guard levels.count <= StoreLimits.expressionDepthMax else {
                    throw cursor.kind.error("The expression has redundant parentheses;")
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
            if try takeComparison(of: part) { (part, isEnclosed) = (Part(), false) }
            guard let outer = levels.last, cursor.token.kind == .closing else { return part }
            if level.isEmpty {
                if isEnclosed { reportParentheses() }
            } else {
                try makeCondition(of: part)
                finish(level)
                part = Part()
            }
            cursor.advance()
            isEnclosed = true
            level = outer
            levels.removeLast()
        }
    }

    // MARK: Comparisons

    /// Takes the comparison whose first operand is a part; `false` if none follows.
    private mutating func takeComparison(of part: Part) throws(CodexError) -> Bool {
        guard part.isOperand || part.function != nil else { return false }
        if cursor.take(keyword: .between) {
            try cursor.count()
            makeOperand(of: part)
            try operand()
            guard cursor.take(keyword: .and) else { throw cursor.syntaxError }
            try operand()
            cursor.add(.between)
            return true
        }
        if cursor.take(keyword: .isIn) {
            try cursor.count()
            makeOperand(of: part)
            try cursor.require(.opening)
            let count = try operands()
            try cursor.require(.closing)
            cursor.add(.isIn(candidateCount: count))
            return true
        }
        guard let comparator = cursor.token.comparator else { return false }
        cursor.advance()
        try cursor.count()
        makeOperand(of: part)
        try operand()
        cursor.add(.compare(comparator))
        return true
    }

    /// Makes a condition of a part.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for an operand, which needs a comparison.
    private mutating func makeCondition(of part: Part) throws(CodexError) {
        guard part.isOperand else {
            if part.function != nil { cursor.add(.checkFunction) }
            return
        }
        guard let name = part.function else { throw cursor.syntaxError }
        reportMisuse(of: name)
        cursor.add(.conditionForOperand)
    }

    /// Makes an operand of a part; a condition in its place is reported.
    private mutating func makeOperand(of part: Part) {
        guard !part.isOperand else { return }
        if let name = part.function { reportMisuse(of: name) }
        cursor.add(.operandForCondition)
    }

    // MARK: Operands

    mutating func operand() throws(CodexError) {
        let count = takeOpenings()
        let part = try term()
        try close(count)
        makeOperand(of: part)
    }

    private mutating func term() throws(CodexError) -> Part {
        if cursor.token.kind == .valueReference {
            try cursor.value()
            return Part(isOperand: true)
        }
        guard try cursor.isAtFunction() else {
            try cursor.path()
            return Part(isOperand: true)
        }
        return try function()
    }

    private mutating func function() throws(CodexError) -> Part {
        let name = cursor.text(of: cursor.token)
        let count = try arguments()
        guard let function = usable(name, isInUpdate: false, count) else {
            // Of the functions, only the size is an operand, also with a wrong count.
            let isOperand = name == ExpressionFunction.size.rawValue
            cursor.add(.unusable(operandCount: count, isOperand: isOperand))
            return Part(isOperand: isOperand, function: name)
        }
        cursor.add(.function(function))
        return Part(isOperand: function == .size, function: name)
    }
}

extension ExpressionToken {
    /// The comparator that the token is; `nil` if it is none.
    fileprivate var comparator: Condition.Comparator? {
        switch kind {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        default: nil
        }
    }
}
