/// Parses DynamoDB's expression language into ``Condition``, ``Update``, ``Projection`` and
/// ``KeyCondition``.
///
/// ```swift
/// var parser = try ExpressionParser(names: ["#s": "status"], values: [":open": "todo"])
/// let condition = try parser.condition("#s = :open AND attribute_exists(title)")
/// try parser.requireAllUsed()
/// ```
///
/// The grammar, the reserved words and the limits are those of DynamoDB's developer guide, "Using
/// expressions in DynamoDB". An expression has at most ``DynamoDBLimits/expressionByteCountMax``
/// bytes, and at most ``DynamoDBLimits/expressionOperatorCountMax`` operators and functions.
///
/// One parser takes all expressions of one request, so it knows which placeholders none of them
/// used. A name or value counts once for each reference to it. Together they have at most
/// ``DynamoDBLimits/expressionValueByteCountMax`` bytes.
public struct ExpressionParser: Sendable {
    /// The purpose of an expression, as the request parameter that contains it.
    enum Kind: String, Sendable {
        /// The condition of a write.
        case condition = "ConditionExpression"
        /// The filter of a query or scan.
        case filter = "FilterExpression"
        /// The key condition of a query.
        case keyCondition = "KeyConditionExpression"
        /// The clauses of an update.
        case update = "UpdateExpression"
        /// The projection of a read.
        case projection = "ProjectionExpression"
    }

    let names: [String: String]
    let values: [String: AttributeValue]
    private var unusedNames: Set<String>
    private var unusedValues: Set<String>
    /// The bytes of the names and values to which the expressions so far refer, once for each
    /// reference.
    package private(set) var placeholderByteCount = 0

    /// Creates a parser with the placeholders of a request.
    ///
    /// - Parameters:
    ///   - names: Attribute names by placeholder, as `#n`.
    ///   - values: Values by placeholder, as `:v`.
    /// - Throws: ``CodexError/Code/invalidExpression`` for a malformed placeholder.
    public init(
        names: [String: String] = [:], values: [String: AttributeValue] = [:]
    ) throws(CodexError) {
        for name in names.keys {
            try Self.require(name, .nameReference, "ExpressionAttributeNames")
        }
        for name in values.keys {
            try Self.require(name, .valueReference, "ExpressionAttributeValues")
        }
        self.names = names
        self.values = values
        unusedNames = Set(names.keys)
        unusedValues = Set(values.keys)
    }

    private static func require(
        _ placeholder: String, _ kind: ExpressionToken.Kind, _ parameter: String
    ) throws(CodexError) {
        // Bytes are checked one by one first, because there may be thousands of unused
        // placeholders.
        let sign = UInt8(ascii: kind == .nameReference ? "#" : ":")
        let isPlain = placeholder.utf8.dropFirst().allSatisfy {
            $0 == UInt8(ascii: "_") || $0 &- UInt8(ascii: "0") < 10
                || ($0 | 0x20) &- UInt8(ascii: "a") < 26
        }
        if isPlain, placeholder.utf8.first == sign, placeholder.utf8.count > 1 { return }
        let tokens = ExpressionToken.tokens(of: placeholder)
        guard tokens.count == 2, tokens[0].kind == kind, tokens[0].text == placeholder else {
            throw CodexError(
                .invalidExpression,
                "\(parameter) contains invalid key: Syntax error; key: \"\(placeholder)\"")
        }
    }

    /// Parses the condition of a write.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func condition(_ text: String) throws(CodexError) -> Condition {
        try condition(text, .condition)
    }

    /// Parses the filter of a query or scan.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func filter(_ text: String) throws(CodexError) -> Condition {
        try condition(text, .filter)
    }

    private mutating func condition(
        _ text: String, _ kind: Kind
    ) throws(CodexError) -> Condition {
        var parser = try ConditionParser(Cursor(text, kind, self))
        let condition = try parser.parse()
        use(parser.cursor)
        return condition
    }

    /// Parses the condition on the keys of a query.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func keyCondition(_ text: String) throws(CodexError) -> KeyCondition {
        var parser = try ConditionParser(Cursor(text, .keyCondition, self))
        let condition = try parser.parse()
        use(parser.cursor)
        return try KeyCondition(condition)
    }

    /// Parses an update.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func update(_ text: String) throws(CodexError) -> Update {
        var parser = try UpdateParser(Cursor(text, .update, self))
        let update = try parser.parse()
        use(parser.cursor)
        return update
    }

    /// Parses a projection: paths, separated by commas.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func projection(_ text: String) throws(CodexError) -> Projection {
        var cursor = try Cursor(text, .projection, self)
        var paths = [try cursor.path()]
        while cursor.take(symbol: ",") { paths.append(try cursor.path()) }
        try cursor.requireEnd()
        try cursor.requireNoProblem()
        use(cursor)
        return try Self.naming(.projection) { () throws(CodexError) in try Projection(paths) }
    }

    /// Checks that the expressions used every placeholder.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if one is unused.
    public func requireAllUsed() throws(CodexError) {
        for (parameter, unused) in [
            ("ExpressionAttributeNames", unusedNames), ("ExpressionAttributeValues", unusedValues),
        ] where !unused.isEmpty {
            throw CodexError(
                .invalidExpression,
                "Value provided in \(parameter) unused in expressions: keys: "
                    + "{\(unused.prefix(Self.namedCountMax).sorted().joined(separator: ", "))}")
        }
    }

    /// Most placeholders that an error names.
    private static let namedCountMax = 20

    private mutating func use(_ cursor: Cursor) {
        placeholderByteCount = cursor.placeholderByteCount
        unusedNames.subtract(cursor.usedNames)
        unusedValues.subtract(cursor.usedValues)
    }

    /// Adds the expression's kind to the message of an error.
    private static func naming<R>(
        _ kind: Kind, _ body: () throws(CodexError) -> R
    ) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            throw error.naming(kind.rawValue)
        }
    }
}
