/// A recursive-descent parser for expressions whose operands can be functions of operands.
protocol OperandParser {
    associatedtype Operand

    var cursor: ExpressionParser.Cursor { get set }

    /// Parses an operand, which may be in parentheses.
    mutating func operand() throws(CodexError) -> Operand
}

/// The number of operands of each function.
enum ExpressionFunctions {
    static let ofConditions = [
        "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2,
        "contains": 2, "size": 1,
    ]
    static let ofUpdates = ["if_not_exists": 2, "list_append": 2]
}

extension OperandParser {
    /// Parses the operands of the function at the cursor.
    mutating func arguments() throws(CodexError) -> [Operand] {
        try cursor.count()
        cursor.advance()
        try cursor.require(symbol: "(")
        var arguments = [try operand()]
        while cursor.take(symbol: ",") { arguments.append(try operand()) }
        try cursor.require(symbol: ")")
        return arguments
    }

    /// Reports a number of operands that a function does not take.
    mutating func reportCount(_ count: Int, of name: String) {
        cursor.report(
            .operand,
            "Incorrect number of operands for operator or function; operator or function: "
                + "\(name), number of operands: \(count)")
    }

    /// Reports a function that takes a path, and has another operand.
    mutating func reportPath(of name: String) {
        cursor.report(
            .operand,
            "Operator or function requires a document path; operator or function: \(name)")
    }

    /// Reports a function in a place where it is not allowed.
    mutating func reportMisuse(of name: String) {
        cursor.report(
            .misusedFunction,
            "The function is not allowed to be used this way in an expression; function: \(name)")
    }

    mutating func reportParentheses() {
        cursor.report(.parentheses, "The expression has redundant parentheses;")
    }

    /// Takes opening parentheses, and returns how many there are.
    mutating func takeOpenings() -> Int {
        var count = 0
        while cursor.take(symbol: "(") { count += 1 }
        return count
    }

    /// Requires as many closing parentheses around one operand as there were opening ones.
    mutating func close(_ count: Int) throws(CodexError) {
        for _ in 0..<count { try cursor.require(symbol: ")") }
        if count > 1 { reportParentheses() }
    }
}
