extension ExpressionParser {
    /// Iterates over an expression's tokens, and writes the steps of its plan.
    ///
    /// Text that does not follow the grammar ends the parsing. Other problems are reported, and the
    /// parsing goes on: DynamoDB, too, parses the whole text first.
    struct Cursor {
        let kind: Kind
        private let source: String
        private let tokens: [ExpressionToken]
        private var position = 0
        private(set) var steps: [ExpressionPlan.Step] = []
        private var operatorCount = 0
        private var reported: Set<ExpressionProblems.Kind> = []

        init(_ text: String, _ kind: Kind) throws(CodexError) {
            self.kind = kind
            source = text
            guard text.utf8.count <= DynamoDBLimits.expressionByteCountMax else {
                throw kind.error(
                    "Expression size has exceeded the maximum allowed size; "
                        + "expression size: \(text.utf8.count)")
            }
            tokens = ExpressionToken.tokens(of: text)
            if tokens.count == 1 { throw kind.error("The expression can not be empty;") }
        }

        var token: ExpressionToken { tokens[position] }

        var next: ExpressionToken { tokens[min(position + 1, tokens.count - 1)] }

        mutating func advance() { position = min(position + 1, tokens.count - 1) }

        mutating func take(_ symbol: ExpressionToken.Kind) -> Bool {
            guard token.kind == symbol else { return false }
            advance()
            return true
        }

        mutating func take(keyword: ExpressionToken.Keyword) -> Bool {
            guard token.keyword == keyword else { return false }
            advance()
            return true
        }

        mutating func require(_ symbol: ExpressionToken.Kind) throws(CodexError) {
            guard take(symbol) else { throw syntaxError }
        }

        func requireEnd() throws(CodexError) {
            guard token.kind == .end else { throw syntaxError }
        }

        /// Whether a function begins at the current token.
        ///
        /// - Throws: ``CodexError/Code/invalidExpression`` if a keyword is in its place.
        func isAtFunction() throws(CodexError) -> Bool {
            guard token.kind == .word, next.kind == .opening else { return false }
            guard !isAtKeyword else { throw syntaxError }
            return true
        }

        /// Whether the current token is a word of the grammar, and never a name or function.
        private var isAtKeyword: Bool {
            guard let keyword = token.keyword else { return false }
            switch kind {
            case .condition, .filter, .keyCondition: return !keyword.isOfUpdates
            case .update: return keyword.isOfUpdates
            case .projection: return false
            }
        }

        /// Counts one more operator or function.
        mutating func count() throws(CodexError) {
            operatorCount += 1
            guard operatorCount <= DynamoDBLimits.expressionOperatorCountMax else {
                throw kind.error(
                    "The expression contains too many operators; operator count: "
                        + "\(operatorCount)")
            }
        }

        // MARK: Steps

        mutating func add(_ step: ExpressionPlan.Step) {
            // Most tokens have at most one step.
            if steps.isEmpty { steps.reserveCapacity(tokens.count) }
            steps.append(step)
        }

        /// Reports a problem of the text alone.
        ///
        /// Only the first of each kind matters. If another problem hides it, that one hides the
        /// further ones as well.
        mutating func report(
            _ problem: ExpressionProblems.Kind, _ message: @autoclosure () -> String
        ) {
            guard reported.insert(problem).inserted else { return }
            add(.problem(problem, kind.error(message())))
        }

        /// Adds the step of the value reference at the current token.
        mutating func value() throws(CodexError) {
            guard token.kind == .valueReference else { throw syntaxError }
            add(.value(text(of: token)))
            advance()
        }

        /// Adds the steps of paths, separated by commas, up to the end.
        mutating func paths() throws(CodexError) {
            repeat { try path() } while take(.comma)
            try requireEnd()
        }

        /// Adds the step of a path of names and indexes.
        mutating func path() throws(CodexError) {
            var hasPlaceholder = false
            let root = try name(&hasPlaceholder)
            var steps: [DocumentPath.Step] = []
            // The names before an error count, so the step is there in any case.
            defer {
                let path = DocumentPath(root: root, steps: steps)
                add(hasPlaceholder ? .pathWithPlaceholders(path) : .path(path))
            }
            while true {
                if take(.dot) {
                    steps.append(.name(try name(&hasPlaceholder)))
                } else if take(.openingBracket) {
                    steps.append(.index(try index()))
                } else {
                    return
                }
                guard steps.count < DynamoDBLimits.nestingDepthMax else {
                    throw kind.error(
                        "The document path has too many nesting levels; nesting levels: "
                            + "\(steps.count + 1)")
                }
            }
        }

        /// Takes the index of a list's element, and the bracket behind it.
        private mutating func index() throws(CodexError) -> Int {
            guard token.kind == .number else { throw syntaxError }
            let text = text(of: token)
            guard let index = Int32(text) else {
                throw kind.error(
                    "List index is not within the allowable range; index: [\(text)]")
            }
            advance()
            try require(.closingBracket)
            return Int(index)
        }

        /// Takes a name or its placeholder, which sets `hasPlaceholder`.
        private mutating func name(_ hasPlaceholder: inout Bool) throws(CodexError) -> String {
            let name = text(of: token)
            switch token.kind {
            case .word:
                guard !isAtKeyword else { throw syntaxError }
                if ReservedWords.contains(name) {
                    report(
                        .reservedWord,
                        "Attribute name is a reserved keyword; reserved keyword: \(name)")
                }
            case .nameReference: hasPlaceholder = true
            default: throw syntaxError
            }
            advance()
            return name
        }

        // MARK: Text

        /// The text of a token, as messages show it.
        func text(of token: ExpressionToken) -> String {
            token.kind == .end ? "<EOF>" : text(token.start..<token.end)
        }

        private func text(_ bytes: Range<Int>) -> String {
            let utf8 = source.utf8
            let start = utf8.index(utf8.startIndex, offsetBy: bytes.lowerBound)
            let end = utf8.index(start, offsetBy: bytes.count)
            return String(Substring(utf8[start..<end]))
        }

        /// The error for the current token, with the tokens around it.
        var syntaxError: CodexError {
            let first = tokens[max(0, position - 1)]
            let last = next.kind == .end ? token : next
            let end = max(first.start, last.kind == .end ? first.end : last.end)
            let near = text(first.start..<end)
            let name = text(of: token)
            // The tokens before it are valid, so they are ASCII: their bytes are characters.
            return kind.error(
                "Syntax error; token: \"\(name)\", near: \"\(near)\", at character "
                    + "\(token.start + 1)",
                .syntax(token: name, near: near))
        }
    }
}

extension ExpressionParser.Kind {
    /// The error for a problem of an expression of this kind.
    func error(_ problem: String, _ refusal: Refusal? = nil) -> CodexError {
        CodexError(.invalidExpression, problem, refusal).naming(rawValue)
    }
}
