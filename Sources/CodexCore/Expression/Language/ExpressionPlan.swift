/// A parsed expression, before its placeholders are resolved.
///
/// It has the steps that make the expression, in the order of the text. A step takes operands and
/// conditions that earlier steps left, and leaves one of its own. So names and values are looked
/// up, and problems found, in the order of the text. One plan serves all requests with the text.
package struct ExpressionPlan: Sendable {
    /// A step towards the expression.
    enum Step: Sendable {
        /// Leaves a path without placeholders.
        case path(DocumentPath)
        /// Leaves a path; its names that begin with `#` are placeholders, as no other name does.
        case pathWithPlaceholders(DocumentPath)
        /// Leaves the value of a placeholder.
        case value(String)
        /// Takes the operands of a function, and leaves its result.
        case function(ExpressionFunction)

        // Conditions.

        case compare(Condition.Comparator)
        case between
        /// Takes the candidates, and the operand before them.
        case isIn(candidateCount: Int)
        case and
        case or
        case not
        /// Checks the last condition, which is a function.
        case checkFunction

        // Updates.

        /// Takes a path, and the operands behind it.
        case set(SetForm)
        case remove
        case add
        case delete

        // Problems of the text alone.

        case problem(ExpressionProblems.Kind, CodexError)
        /// Leaves an operand in place of the last condition.
        case operandForCondition
        /// Leaves a condition in place of the last operand.
        case conditionForOperand
        /// Takes the operands of a function that cannot be used, and leaves a result in its place.
        case unusable(operandCount: Int, isOperand: Bool)
    }

    /// The right side of a SET.
    enum SetForm: Sendable {
        case operand
        case sum
        case difference
    }

    let steps: [Step]
    /// The error at which the parsing ended, if the text does not follow the grammar.
    let failure: CodexError?
    /// The projection, if the text is one without placeholders.
    let projection: Projection?
    /// The bytes of the text.
    private let textByteCount: Int

    /// Parses an expression.
    ///
    /// - Complexity: O(*n*).
    init(_ text: String, _ kind: ExpressionParser.Kind) {
        textByteCount = text.utf8.count
        do throws(CodexError) {
            let cursor = try ExpressionParser.Cursor(text, kind)
            (steps, failure) = Self.parsed(cursor)
        } catch {
            (steps, failure) = ([], error)
        }
        projection =
            kind == .projection && failure == nil ? Self.projection(steps) : nil
    }

    private static func parsed(
        _ cursor: ExpressionParser.Cursor
    ) -> (steps: [Step], failure: CodexError?) {
        switch cursor.kind {
        case .condition, .filter, .keyCondition:
            var parser = ConditionParser(cursor)
            let failure = Self.ending { () throws(CodexError) in try parser.parse() }
            return (parser.cursor.steps, failure)
        case .update:
            var parser = UpdateParser(cursor)
            let failure = Self.ending { () throws(CodexError) in try parser.parse() }
            return (parser.cursor.steps, failure)
        case .projection:
            var cursor = cursor
            let failure = Self.ending { () throws(CodexError) in try cursor.paths() }
            return (cursor.steps, failure)
        }
    }

    /// The error that ends a parse; `nil` if it reaches the end of the text.
    private static func ending(_ parse: () throws(CodexError) -> Void) -> CodexError? {
        do throws(CodexError) {
            try parse()
            return nil
        } catch {
            return error
        }
    }

    /// The projection of steps without placeholders and problems; `nil` if there are any.
    private static func projection(_ steps: [Step]) -> Projection? {
        var paths: [DocumentPath] = []
        for step in steps {
            guard case .path(let path) = step else { return nil }
            paths.append(path)
        }
        return try? Projection(paths)
    }

    /// Whether the text by itself has no problem, so that the plan is worth keeping.
    var isSound: Bool {
        failure == nil
            && !steps.contains { step in
                if case .problem = step { true } else { false }
            }
    }

    /// The bytes of memory that the plan takes with its text, rounded up.
    var byteCount: Int {
        let partCount = steps.reduce(0) { sum, step in
            switch step {
            case .path(let path), .pathWithPlaceholders(let path): sum + path.steps.count
            default: sum
            }
        }
        // Long names are parts of the text. A projection has its paths as a tree, too.
        let stepByteCount = projection == nil ? 160 : 384
        return 256 + 2 * textByteCount + stepByteCount * (steps.count + partCount)
    }
}

/// The plans of expressions, by their texts.
package typealias ExpressionPlans = PlanCache<ExpressionPlan>
