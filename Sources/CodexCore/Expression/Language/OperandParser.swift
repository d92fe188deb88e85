/// A recursive-descent parser for expressions whose operands can be functions of operands.
protocol OperandParser {
    associatedtype Operand

    var cursor: ExpressionParser.Cursor { get set }

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
    mutating func arguments(_ name: String, _ count: Int) throws(CodexError) -> [Operand] {
        try cursor.count()
        cursor.advance()
        try cursor.require(symbol: "(")
        var arguments = [try operand()]
        while cursor.take(symbol: ",") { arguments.append(try operand()) }
        try cursor.require(symbol: ")")
        guard arguments.count == count else {
            throw cursor.error(
                "Incorrect number of operands for operator or function; operator or function: "
                    + "\(name), number of operands: \(arguments.count)")
        }
        return arguments
    }

    func unknown(_ name: String) -> CodexError {
        cursor.error("Invalid function name; function: \(name)")
    }
}
