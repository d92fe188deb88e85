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
    private let plans: ExpressionPlans?
    /// The placeholders that the expressions so far used, once for each reference.
    private var usedNames: [String] = []
    private var usedValues: [String] = []
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
        try self.init(names: names, values: values, plans: nil)
    }

    /// Creates a parser that does not parse a text again whose plan the cache has.
    ///
    /// - Parameters:
    ///   - names: Attribute names by placeholder, as `#n`.
    ///   - values: Values by placeholder, as `:v`.
    ///   - plans: The cache; `nil` parses each text.
    /// - Throws: ``CodexError/Code/invalidExpression`` for a malformed placeholder.
    package init(
        names: [String: String], values: [String: AttributeValue], plans: ExpressionPlans?
    ) throws(CodexError) {
        for name in names.keys {
            try Self.requirePlaceholder(name, UInt8(ascii: "#"), "ExpressionAttributeNames")
        }
        for name in values.keys {
            try Self.requirePlaceholder(name, UInt8(ascii: ":"), "ExpressionAttributeValues")
        }
        self.names = names
        self.values = values
        self.plans = plans
    }

    /// Checks that a placeholder is a sign and at least one letter, digit or underscore.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``.
    package static func requirePlaceholder(
        _ placeholder: String, _ sign: UInt8, _ parameter: String
    ) throws(CodexError) {
        let bytes = placeholder.utf8
        guard bytes.first == sign, bytes.count > 1,
            bytes.dropFirst().allSatisfy(ExpressionToken.isInWord)
        else {
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
        var builder = ConditionBuilder(ExpressionBinding(kind, self))
        try builder.perform(plan(of: text, kind))
        try use(builder.binding)
        return builder.condition
    }

    /// Parses the condition on the keys of a query.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func keyCondition(_ text: String) throws(CodexError) -> KeyCondition {
        try KeyCondition(try condition(text, .keyCondition))
    }

    /// Parses an update.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func update(_ text: String) throws(CodexError) -> Update {
        var builder = UpdateBuilder(ExpressionBinding(.update, self))
        try builder.perform(plan(of: text, .update))
        let update = builder.checkedUpdate()
        try use(builder.binding)
        return update
    }

    /// Parses a projection: paths, separated by commas.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``; a syntax error includes its place.
    public mutating func projection(_ text: String) throws(CodexError) -> Projection {
        let plan = plan(of: text, .projection)
        if let projection = plan.projection { return projection }
        var builder = ProjectionBuilder(ExpressionBinding(.projection, self))
        try builder.perform(plan)
        try use(builder.binding)
        do throws(CodexError) {
            return try Projection(builder.paths)
        } catch {
            throw error.naming(Kind.projection.rawValue)
        }
    }

    /// The plan of a text: that of the cache, or a new one.
    private func plan(of text: String, _ kind: Kind) -> ExpressionPlan {
        guard let plans else { return ExpressionPlan(text, kind) }
        if let known = plans.plan(text, kind.number) { return known }
        let plan = ExpressionPlan(text, kind)
        if plan.isSound { plans.insert(plan, for: text, kind.number, byteCount: plan.byteCount) }
        return plan
    }

    /// Checks that the expressions used every placeholder.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression`` if one is unused.
    public func requireAllUsed() throws(CodexError) {
        try Self.requireUse(of: names, usedNames, "ExpressionAttributeNames")
        try Self.requireUse(of: values, usedValues, "ExpressionAttributeValues")
    }

    private static func requireUse<Value>(
        of placeholders: [String: Value], _ used: [String], _ parameter: String
    ) throws(CodexError) {
        guard !placeholders.isEmpty else { return }
        let used = Set(used)
        guard used.count < placeholders.count else { return }
        let unused = placeholders.keys.lazy.filter { !used.contains($0) }.prefix(namedCountMax)
        throw CodexError(
            .invalidExpression,
            "Value provided in \(parameter) unused in expressions: keys: "
                + "{\(unused.sorted().joined(separator: ", "))}")
    }

    /// Most placeholders that an error names.
    private static let namedCountMax = 20

    /// Counts the placeholders of an expression as used, unless the expression has a problem.
    private mutating func use(_ binding: ExpressionBinding) throws(CodexError) {
        try binding.requireNoProblem()
        placeholderByteCount = binding.placeholderByteCount
        usedNames += binding.usedNames
        usedValues += binding.usedValues
    }
}

extension ExpressionParser.Kind {
    /// The number of the kind among the texts of a cache.
    fileprivate var number: UInt8 {
        switch self {
        case .condition: 0
        case .filter: 1
        case .keyCondition: 2
        case .update: 3
        case .projection: 4
        }
    }
}
