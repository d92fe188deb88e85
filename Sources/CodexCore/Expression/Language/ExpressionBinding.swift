/// The names and values of a request for the placeholders of a plan, and the problems found.
struct ExpressionBinding {
    private let kind: ExpressionParser.Kind
    private let names: [String: String]
    private let values: [String: AttributeValue]
    /// The placeholders that were resolved, once for each reference.
    private(set) var usedNames: [String] = []
    private(set) var usedValues: [String] = []
    private(set) var placeholderByteCount: Int
    private var problems = ExpressionProblems()

    init(_ kind: ExpressionParser.Kind, _ parser: ExpressionParser) {
        self.kind = kind
        names = parser.names
        values = parser.values
        placeholderByteCount = parser.placeholderByteCount
    }

    // MARK: Placeholders

    /// The path with attribute names in place of its placeholders.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if the names and values are too long.
    mutating func path(resolving path: DocumentPath) throws(CodexError) -> DocumentPath {
        let root = Self.isPlaceholder(path.root) ? try name(path.root) : path.root
        var steps = path.steps
        for place in steps.indices {
            guard case .name(let text) = steps[place], Self.isPlaceholder(text) else { continue }
            steps[place] = .name(try name(text))
        }
        return DocumentPath(root: root, steps: steps)
    }

    private static func isPlaceholder(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: "#")
    }

    /// The attribute's name that a placeholder stands for.
    private mutating func name(_ text: String) throws(CodexError) -> String {
        guard let name = names[text] else {
            report(
                .name,
                "An expression attribute name used in the document path is not defined; "
                    + "attribute name: \(text)")
            return text
        }
        try count(byteCount: name.utf8.count)
        usedNames.append(text)
        return name
    }

    /// The value of a placeholder.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if the names and values are too long.
    mutating func value(_ placeholder: String) throws(CodexError) -> AttributeValue {
        guard let value = values[placeholder] else {
            // In a condition, the first undefined placeholder counts.
            report(
                kind == .update ? .value : .name,
                "An expression attribute value used in expression is not defined; "
                    + "attribute value: \(placeholder)")
            return .null
        }
        try count(byteCount: value.byteCount)
        usedValues.append(placeholder)
        return value
    }

    /// Counts the bytes behind a placeholder, because a short text may refer to it many times.
    private mutating func count(byteCount: Int) throws(CodexError) {
        placeholderByteCount += byteCount
        guard placeholderByteCount <= DynamoDBLimits.expressionValueByteCountMax else {
            throw kind.error(
                "The names and values that it refers to exceed the maximum allowed size; "
                    + "maximum: \(DynamoDBLimits.expressionValueByteCountMax) bytes")
        }
    }

    // MARK: Problems

    /// Reports a problem of text that follows the grammar; only the first of each kind counts.
    mutating func report(
        _ problem: ExpressionProblems.Kind, _ message: @autoclosure () -> String,
        _ refusal: Refusal? = nil
    ) {
        guard problems.counts(problem) else { return }
        problems.add(problem, kind.error(message(), refusal))
    }

    /// Reports a problem of the text alone, whose error the plan has.
    mutating func report(_ problem: ExpressionProblems.Kind, _ error: CodexError) {
        if problems.counts(problem) { problems.add(problem, error) }
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

    /// Reports a function that takes a path, and has another operand.
    mutating func reportPath(of function: ExpressionFunction) {
        report(
            .operand,
            "Operator or function requires a document path; operator or function: "
                + function.rawValue)
    }

    /// Checks a finished comparison or function of a condition.
    mutating func checkFinished(_ condition: Condition) {
        check(.rule) { () throws(CodexError) in try condition.validate() }
        problems.endPart()
    }

    /// Throws the problem that DynamoDB finds first, if there is one.
    func requireNoProblem() throws(CodexError) {
        if let error = problems.first(for: kind) { throw error }
    }
}
