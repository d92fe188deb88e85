/// Parses updates into the steps of their plans.
struct UpdateParser: OperandParser {
    var cursor: ExpressionParser.Cursor

    init(_ cursor: ExpressionParser.Cursor) { self.cursor = cursor }

    /// Parses the text, and adds the steps of its clauses.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` for text that does not follow the grammar.
    mutating func parse() throws(CodexError) {
        var seen: [ExpressionToken.Keyword] = []
        while cursor.token.kind != .end {
            guard let section = cursor.token.keyword, section.isOfUpdates else {
                throw cursor.syntaxError
            }
            if seen.contains(section) {
                cursor.report(
                    .section,
                    "The \"\(section.rawValue)\" section can only be used once in an update "
                        + "expression;")
            } else {
                seen.append(section)
            }
            cursor.advance()
            repeat { try clause(section) } while cursor.take(.comma)
        }
    }

    private mutating func clause(_ section: ExpressionToken.Keyword) throws(CodexError) {
        try cursor.path()
        switch section {
        case .set:
            try cursor.require(.equal)
            try cursor.count()
            cursor.add(.set(try value()))
        case .remove: cursor.add(.remove)
        case .add:
            try cursor.count()
            try cursor.value()
            cursor.add(.add)
        case .delete:
            try cursor.count()
            try cursor.value()
            cursor.add(.delete)
        case .between, .isIn, .and, .or, .not: throw cursor.syntaxError
        }
    }

    /// Parses the right side of a SET: an operand, a sum or a difference.
    ///
    /// Parentheses may be around each operand, and around the whole.
    private mutating func value() throws(CodexError) -> ExpressionPlan.SetForm {
        var openCount = takeOpenings()
        try plainOperand()
        var closedCount = 0
        while closedCount < openCount, cursor.take(.closing) { closedCount += 1 }
        if closedCount > 1 { reportParentheses() }
        openCount -= closedCount
        let isSum = cursor.take(.plus)
        guard isSum || cursor.take(.minus) else {
            guard openCount == 0 else { throw cursor.syntaxError }
            return .operand
        }
        try cursor.count()
        try operand()
        try close(openCount)
        return isSum ? .sum : .difference
    }

    mutating func operand() throws(CodexError) {
        let count = takeOpenings()
        try plainOperand()
        try close(count)
    }

    private mutating func plainOperand() throws(CodexError) {
        if cursor.token.kind == .valueReference { return try cursor.value() }
        guard try cursor.isAtFunction() else { return try cursor.path() }
        let name = cursor.text(of: cursor.token)
        let count = try arguments()
        guard let function = usable(name, isInUpdate: true, count) else {
            cursor.add(.unusable(operandCount: count, isOperand: true))
            return
        }
        cursor.add(.function(function))
    }
}
