/// A recursive-descent parser for expressions whose operands can be functions of operands.
protocol OperandParser {
    var cursor: ExpressionParser.Cursor { get set }

    /// Parses an operand, which may be in parentheses, and adds its steps.
    mutating func operand() throws(CodexError)
}

extension OperandParser {
    /// Parses operands, separated by commas, and returns how many there are.
    mutating func operands() throws(CodexError) -> Int {
        var count = 0
        repeat {
            try operand()
            count += 1
        } while cursor.take(.comma)
        return count
    }

    /// Parses the operands of the function at the cursor, and returns how many there are.
    mutating func arguments() throws(CodexError) -> Int {
        try cursor.count()
        cursor.advance()
        try cursor.require(.opening)
        let count = try operands()
        try cursor.require(.closing)
        return count
    }

    /// The function of a name, if the expression can have it with a number of operands.
    ///
    /// Otherwise, the problem is reported.
    mutating func usable(
        _ name: String, isInUpdate: Bool, _ operandCount: Int
    ) -> ExpressionFunction? {
        let known = ExpressionFunction(rawValue: name)
        guard let function = known, function.isOfUpdates == isInUpdate else {
            let expression = isInUpdate ? "an update" : "a condition"
            cursor.report(
                .unknownFunction,
                known == nil
                    ? "Invalid function name; function: \(name)"
                    : "The function is not allowed in \(expression) expression; function: \(name)")
            return nil
        }
        guard function.operandCount == operandCount else {
            cursor.report(
                .operand,
                "Incorrect number of operands for operator or function; operator or function: "
                    + "\(name), number of operands: \(operandCount)")
            return nil
        }
        return function
    }

    /// Reports a function in a place where it is not allowed.
    mutating func reportMisuse(of name: String) {
        cursor.report(.misusedFunction, ExpressionFunction.misuse(of: name))
    }

    mutating func reportParentheses() {
        cursor.report(.parentheses, "The expression has redundant parentheses;")
    }

    /// Takes opening parentheses, and returns how many there are.
    mutating func takeOpenings() -> Int {
        var count = 0
        while cursor.take(.opening) { count += 1 }
        return count
    }

    /// Requires as many closing parentheses around one operand as there were opening ones.
    mutating func close(_ count: Int) throws(CodexError) {
        for _ in 0..<count { try cursor.require(.closing) }
        if count > 1 { reportParentheses() }
    }
}
