internal import CodexCore

/// The expressions of a request, in DynamoDB's language or as the older parameters with the same
/// meaning.
struct Expressions {
    private let input: RequestParameters
    private let parameters: Parameters
    private var parser: ExpressionParser
    /// What further values may have together, in bytes.
    ///
    /// "Expression parameters" among DynamoDB's quotas: 2 MB of all substitution variables.
    private var valueByteCountLeft: Int
    /// The part of that which the older parameters began with.
    private let legacyByteCountMax: Int

    /// The parameters that an operation has for its expressions.
    struct Parameters {
        /// The expressions, in the order in which messages name them.
        let expressions: [String]
        /// The older parameters.
        let legacy: [String]

        /// The expressions that can refer to values.
        var valued: [String] { expressions.filter { $0 != "ProjectionExpression" } }

        /// Reads of single items.
        static let read = Parameters(
            expressions: ["ProjectionExpression"], legacy: ["AttributesToGet"])
        /// Writes with a condition.
        static let condition = Parameters(
            expressions: ["ConditionExpression"], legacy: ["Expected", "ConditionalOperator"])
        static let update = Parameters(
            expressions: ["UpdateExpression", "ConditionExpression"],
            legacy: ["AttributeUpdates", "Expected", "ConditionalOperator"])
        static let query = Parameters(
            expressions: [
                "ProjectionExpression", "FilterExpression", "KeyConditionExpression",
            ],
            legacy: ["AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"])
        static let scan = Parameters(
            expressions: ["ProjectionExpression", "FilterExpression"],
            legacy: ["AttributesToGet", "ScanFilter", "ConditionalOperator"])
        /// Reads in a transaction.
        static let transactionRead = Parameters(
            expressions: ["ProjectionExpression"], legacy: [])
        /// Writes in a transaction.
        static let transactionCondition = Parameters(
            expressions: ["ConditionExpression"], legacy: [])
        static let transactionUpdate = Parameters(
            expressions: ["UpdateExpression", "ConditionExpression"], legacy: [])
    }

    /// Reads the names and values that placeholders stand for.
    ///
    /// - Parameters:
    ///   - input: The request's parameters.
    ///   - parameters: The parameters for expressions that the operation has.
    ///   - plans: The expressions that are not parsed again; `nil` parses each.
    ///   - comparesKeys: Whether expressions compare values with keys only; see
    ///     ``AttributeReader/key(_:partCountMax:)``.
    /// - Throws: `ValidationException`, `SerializationException`, `ThrottlingException`.
    init(
        _ input: RequestParameters, _ parameters: Parameters, _ plans: ExpressionPlans? = nil,
        comparesKeys: Bool = false
    ) throws {
        self.input = input
        self.parameters = parameters
        try Self.requireOneKind(input, parameters)
        let valued = input.has("ExpressionAttributeValues") ? parameters.valued : []
        if !valued.isEmpty, !valued.contains(where: input.has) {
            // [dynalite] putItem, query
            throw ServiceError.validation(
                "ExpressionAttributeValues can only be specified when using expressions: "
                    + valued.joined(separator: " and ")
                    + (valued.count > 1 ? " are null" : " is null"))
        }
        let names = try Self.names(input)
        if names.isEmpty { try Self.requireNotEmpty("ExpressionAttributeNames", input) }
        var byteCountLeft = DynamoDBLimits.expressionValueByteCountMax
        var literals: [String: AttributeValue] = [:]
        if !valued.isEmpty {
            literals = try Self.values(input, isKey: comparesKeys, within: &byteCountLeft)
            if literals.isEmpty { try Self.requireNotEmpty("ExpressionAttributeValues", input) }
        }
        (valueByteCountLeft, legacyByteCountMax) = (byteCountLeft, byteCountLeft)
        parser = try ExpressionParser(names: names, values: literals, plans: plans)
    }

    /// Checks that a request has no older parameters beside expressions, and no names without.
    private static func requireOneKind(
        _ input: RequestParameters, _ parameters: Parameters
    ) throws {
        let used = parameters.expressions.filter(input.has)
        guard !used.isEmpty else {
            guard !input.has("ExpressionAttributeNames") else {
                // [dynalite] getItem, query
                throw ServiceError.validation(
                    "ExpressionAttributeNames can only be specified when using expressions")
            }
            return
        }
        // KeyConditions can be used with a filter or projection in DynamoDB's language.
        let legacy = parameters.legacy.filter {
            input.has($0) && ($0 != "KeyConditions" || input.has("KeyConditionExpression"))
        }
        guard legacy.isEmpty else { throw mixed(legacy, used) }
    }

    /// The error for older parameters beside expressions.
    ///
    /// Source: [conformance] error-messages/putItem.
    static func mixed(_ legacy: [String], _ expressions: [String]) -> ServiceError {
        .validation(
            "Can not use both expression and non-expression parameters in the same request: "
                + "Non-expression parameters: {\(legacy.joined(separator: ", "))} "
                + "Expression parameters: {\(expressions.joined(separator: ", "))}")
    }

    private static func requireNotEmpty(
        _ parameter: String, _ input: RequestParameters
    ) throws {
        guard !input.has(parameter) else {
            throw ServiceError.validation("\(parameter) must not be empty")
        }
    }

    /// The names that placeholders stand for.
    private static func names(_ input: RequestParameters) throws -> [String: String] {
        let members = try input.placeholders("ExpressionAttributeNames")
        guard let first = members.first else { return [:] }
        var names: [String: String] = [:]
        var memory = TextMemory(first.value.text)
        for member in members {
            let name = try member.value.string(
                byteCountMax: DynamoDBLimits.attributeNameByteCountMax, &memory)
            guard let name else {
                throw RequestParameters.wrongType("ExpressionAttributeNames", "a map of names")
            }
            names[member.name] = name
        }
        try requireDistinct(names, members, UInt8(ascii: "#"), "ExpressionAttributeNames")
        try memory.reservePendingIfLarge()
        return names
    }

    /// The values that placeholders stand for.
    private static func values(
        _ input: RequestParameters, isKey: Bool, within byteCountLeft: inout Int
    ) throws -> [String: AttributeValue] {
        let parameter = "ExpressionAttributeValues"
        var values: [String: AttributeValue] = [:]
        let members = try input.placeholders(parameter)
        for member in members {
            values[member.name] = try AttributeReader.value(
                member.value, of: parameter, isKey: isKey, placeholder: member.name,
                within: &byteCountLeft)
        }
        try requireDistinct(values, members, UInt8(ascii: ":"), parameter)
        return values
    }

    /// Refuses placeholders that a dictionary takes for one key, though their bytes differ.
    ///
    /// A placeholder has ASCII characters. No two of those are equivalent, so one of the
    /// placeholders is malformed, and the dictionary hides it.
    private static func requireDistinct<Value>(
        _ known: [String: Value], _ members: [(name: String, value: JSONValue)], _ sign: UInt8,
        _ parameter: String
    ) throws {
        guard known.count < members.count else { return }
        for member in members {
            try ExpressionParser.requirePlaceholder(member.name, sign, parameter)
        }
    }

    /// The condition of a write.
    mutating func condition() throws -> Condition? {
        if let text = try input.string("ConditionExpression") {
            return try parser.condition(text)
        }
        guard parameters.legacy.contains("Expected") else { return nil }
        return try LegacyParameters.expected(input, within: &valueByteCountLeft)
    }

    mutating func filter(_ legacyName: String) throws -> Condition? {
        if let text = try input.string("FilterExpression") {
            return try parser.filter(text)
        }
        return try LegacyParameters.filter(input, legacyName, within: &valueByteCountLeft)
    }

    mutating func update() throws -> Update? {
        if let text = try input.string("UpdateExpression") { return try parser.update(text) }
        guard parameters.legacy.contains("AttributeUpdates") else { return nil }
        return try LegacyParameters.update(input, within: &valueByteCountLeft)
    }

    mutating func keyCondition() throws -> KeyCondition {
        if let text = try input.string("KeyConditionExpression") {
            return try parser.keyCondition(text)
        }
        let condition = try LegacyParameters.keyCondition(input, within: &valueByteCountLeft)
        guard let condition else {
            throw ServiceError.validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in "
                    + "the request.")
        }
        return condition
    }

    mutating func projection() throws -> Projection? {
        if let text = try input.string("ProjectionExpression") {
            return try parser.projection(text)
        }
        guard parameters.legacy.contains("AttributesToGet") else { return nil }
        return try LegacyParameters.projection(input)
    }

    func requireAllUsed() throws { try parser.requireAllUsed() }

    /// The bytes of the names and values that placeholders refer to, counted once per reference.
    ///
    /// The values of older parameters count, too.
    var placeholderByteCount: Int {
        parser.placeholderByteCount + legacyByteCountMax - valueByteCountLeft
    }
}
