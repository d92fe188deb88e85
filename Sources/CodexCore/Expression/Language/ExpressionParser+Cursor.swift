extension ExpressionParser {
    /// Iterates over an expression's tokens and resolves the placeholders.
    ///
    /// Text that does not follow the grammar ends the parsing. Other problems are reported, and the
    /// parsing goes on: DynamoDB, too, parses the whole text first.
    struct Cursor {
        let kind: Kind
        private let text: String
        private let tokens: [ExpressionToken]
        private var position = 0
        private let names: [String: String]
        private let values: [String: AttributeValue]
        private(set) var usedNames: Set<String> = []
        private(set) var usedValues: Set<String> = []
        private(set) var placeholderByteCount: Int
        private var operatorCount = 0
        private var problems = ExpressionProblems()

        init(_ text: String, _ kind: Kind, _ parser: ExpressionParser) throws(CodexError) {
            self.kind = kind
            self.text = text
            names = parser.names
            values = parser.values
            placeholderByteCount = parser.placeholderByteCount
            guard text.utf8.count <= DynamoDBLimits.expressionByteCountMax else {
                throw CodexError(
                    .invalidExpression,
                    "Invalid \(kind.rawValue): Expression size has exceeded the maximum allowed "
                        + "size; "
                        + "expression size: \(text.utf8.count)")
            }
            tokens = ExpressionToken.tokens(of: text)
            if tokens.count == 1 { throw error("The expression can not be empty;") }
        }

        var token: ExpressionToken { tokens[position] }

        var next: ExpressionToken { tokens[min(position + 1, tokens.count - 1)] }

        mutating func advance() { position = min(position + 1, tokens.count - 1) }

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

        mutating func require(symbol: String) throws(CodexError) {
            guard take(symbol: symbol) else { throw syntaxError }
        }

        func requireEnd() throws(CodexError) {
            guard token.kind == .end else { throw syntaxError }
        }

        /// Whether a function begins at the current token.
        ///
        /// - Throws: ``CodexError/Code/invalidExpression`` if a keyword is in its place.
        func isAtFunction() throws(CodexError) -> Bool {
            guard token.kind == .word, next.isSymbol("(") else { return false }
            guard !isAtKeyword else { throw syntaxError }
            return true
        }

        private var isAtKeyword: Bool { kind.keywords.contains { token.isKeyword($0) } }

        /// Counts one more operator or function.
        mutating func count() throws(CodexError) {
            operatorCount += 1
            guard operatorCount <= DynamoDBLimits.expressionOperatorCountMax else {
                throw error(
                    "The expression contains too many operators; operator count: "
                        + "\(operatorCount)")
            }
        }

        // MARK: Errors

        func error(_ problem: String, _ refusal: Refusal? = nil) -> CodexError {
            CodexError(.invalidExpression, problem, refusal).naming(kind.rawValue)
        }

        /// The error for the current token, with the tokens around it.
        var syntaxError: CodexError {
            let first = tokens[max(0, position - 1)]
            let last = next.kind == .end ? token : next
            let start = first.offset
            let end = max(start, last.kind == .end ? first.endOffset : last.endOffset)
            let near = String(
                String.UnicodeScalarView(text.unicodeScalars.dropFirst(start).prefix(end - start)))
            return error(
                "Syntax error; token: \"\(token.text)\", near: \"\(near)\", at character "
                    + "\(token.offset + 1)",
                .syntax(token: token.text, near: near))
        }

        /// Reports a problem of text that follows the grammar; only the first of each kind counts.
        mutating func report(
            _ problem: ExpressionProblems.Kind, _ message: @autoclosure () -> String,
            _ refusal: Refusal? = nil
        ) {
            guard problems.counts(problem) else { return }
            problems.add(problem, error(message(), refusal))
        }

        /// Reports the error of a check, if it has one.
        mutating func check(
            _ problem: ExpressionProblems.Kind, _ body: () throws(CodexError) -> Void
        ) {
            guard problems.counts(problem) else { return }
            do throws(CodexError) {
                try body()
            } catch {
                problems.add(problem, error.naming(kind.rawValue))
            }
        }

        /// Checks a finished comparison or function of a condition.
        mutating func settle(_ condition: Condition) {
            check(.rule) { () throws(CodexError) in try condition.validate() }
            problems.settle()
        }

        /// Throws the problem that DynamoDB finds first, if there is one.
        func requireNoProblem() throws(CodexError) {
            if let error = problems.first(for: kind) { throw error }
        }

        // MARK: Paths and values

        /// A path of names and indexes.
        mutating func path() throws(CodexError) -> DocumentPath {
            let root = try name()
            var steps: [DocumentPath.Step] = []
            while true {
                if take(symbol: ".") {
                    steps.append(.name(try name()))
                } else if take(symbol: "[") {
                    guard token.kind == .number else { throw syntaxError }
                    guard let index = Int32(token.text) else {
                        throw error(
                            "List index is not within the allowable range; index: [\(token.text)]")
                    }
                    advance()
                    try require(symbol: "]")
                    steps.append(.index(Int(index)))
                } else {
                    break
                }
                guard steps.count < DynamoDBLimits.nestingDepthMax else {
                    throw error(
                        "The document path has too many nesting levels; nesting levels: "
                            + "\(steps.count + 1)")
                }
            }
            return DocumentPath(root: root, steps: steps)
        }

        private mutating func name() throws(CodexError) -> String {
            let token = token
            switch token.kind {
            case .word:
                guard !isAtKeyword else { throw syntaxError }
                if ReservedWords.contains(token.text) {
                    report(
                        .reservedWord,
                        "Attribute name is a reserved keyword; reserved keyword: \(token.text)")
                }
                advance()
                return token.text
            case .nameReference:
                advance()
                guard let name = names[token.text] else {
                    report(
                        .name,
                        "An expression attribute name used in the document path is not defined; "
                            + "attribute name: \(token.text)")
                    return token.text
                }
                try count(byteCount: name.utf8.count)
                usedNames.insert(token.text)
                return name
            default: throw syntaxError
            }
        }

        /// The value of the reference at the current token.
        mutating func value() throws(CodexError) -> AttributeValue {
            let token = token
            guard token.kind == .valueReference else { throw syntaxError }
            advance()
            guard let value = values[token.text] else {
                // In a condition, the first undefined placeholder counts.
                report(
                    kind == .update ? .value : .name,
                    "An expression attribute value used in expression is not defined; "
                        + "attribute value: \(token.text)")
                return .null
            }
            try count(byteCount: value.byteCount)
            usedValues.insert(token.text)
            return value
        }

        /// Counts the bytes behind a placeholder, because a short text may refer to it many times.
        private mutating func count(byteCount: Int) throws(CodexError) {
            placeholderByteCount += byteCount
            guard placeholderByteCount <= DynamoDBLimits.expressionValueByteCountMax else {
                throw error(
                    "The names and values that it refers to exceed the maximum allowed size; "
                        + "maximum: \(DynamoDBLimits.expressionValueByteCountMax) bytes")
            }
        }
    }
}

extension ExpressionParser.Kind {
    /// The words that are part of the grammar, and never names or functions.
    fileprivate var keywords: [String] {
        switch self {
        case .condition, .filter, .keyCondition: ["BETWEEN", "IN", "AND", "OR", "NOT"]
        case .update: ["SET", "REMOVE", "ADD", "DELETE"]
        case .projection: []
        }
    }
}
