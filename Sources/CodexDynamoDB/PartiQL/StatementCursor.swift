internal import CodexCore

/// Iterates over the tokens of a statement, with the limits of what is parsed.
struct StatementCursor {
    private let tokens: [StatementToken]
    private var place = 0
    private var depth = 0
    private var operatorCount = 0
    /// The number of question marks so far.
    private(set) var parameterCount = 0
    /// The first error that does not concern the form of the statement.
    private(set) var failure: ServiceError?

    /// Deepest nesting of parentheses, lists, sets, maps and functions.
    ///
    /// Values may have 31 levels, so an item has room for its own level and for parentheses.
    static let depthMax = 36

    init(_ text: String) throws { tokens = try StatementLexer.tokens(of: text) }

    var token: StatementToken { tokens[place] }

    var next: StatementToken { tokens[min(place + 1, tokens.count - 1)] }

    mutating func advance() { place = min(place + 1, tokens.count - 1) }

    mutating func take(symbol: String) -> Bool {
        guard token.isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func take(keyword: String) -> Bool {
        guard token.isKeyword(keyword) else { return false }
        advance()
        return true
    }

    /// Takes a symbol, or throws.
    ///
    /// - Parameters:
    ///   - symbol: The symbol.
    ///   - name: The name of the symbol in the error.
    /// - Throws: `ValidationException` for another token.
    mutating func require(symbol: String, _ name: String) throws {
        guard take(symbol: symbol) else { throw StatementMessages.malformed("Expected \(name)") }
    }

    /// Takes a question mark, and returns its number.
    mutating func takeParameter() -> Int {
        advance()
        parameterCount += 1
        return parameterCount - 1
    }

    // MARK: Errors and limits

    /// Throws the error of a statement that is not well formed, unless `holds`.
    static func require(_ holds: Bool, _ detail: String) throws {
        guard holds else { throw StatementMessages.malformed(detail) }
    }

    /// Keeps an error that does not concern the form of the statement.
    ///
    /// A statement that is not well formed has the error of its form, as on the service.
    mutating func note(_ error: ServiceError) {
        if failure == nil { failure = error }
    }

    /// Counts one more operator or function.
    mutating func countOperator() throws {
        operatorCount += 1
        guard operatorCount <= DynamoDBLimits.expressionOperatorCountMax else {
            throw StatementMessages.tooManyOperators
        }
    }

    /// Begins a part that is nested by one level.
    mutating func enter() throws {
        depth += 1
        guard depth <= Self.depthMax else { throw StatementMessages.tooDeep(token.position) }
    }

    /// Ends a nested part.
    mutating func leave() { depth -= 1 }

    private static let operatorSymbols: Set<String> = [
        "=", "<", ">", "<=", ">=", "<>", "!=", "*", "/", "%", "||",
    ]

    /// The error for a token that no expression can begin with.
    var unexpectedTerm: ServiceError {
        let isOperator =
            token.kind == .keyword
            ? StatementKeywords.operators.contains(token.text)
            : token.kind == .symbol && Self.operatorSymbols.contains(token.text)
        let detail =
            isOperator
            ? StatementMessages.operatorForTerm
            : token.kind == .keyword ? StatementMessages.keyword : StatementMessages.term
        return StatementMessages.malformed(detail)
    }
}
