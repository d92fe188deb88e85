internal import CodexCore

/// The expressions of a request, in DynamoDB's language or as the older parameters with the same
/// meaning.
struct Expressions {
    private let input: RequestParameters
    private var parser: ExpressionParser
    /// What further values may have together, in bytes.
    ///
    /// "Expression parameters" among DynamoDB's quotas: 2 MB of all substitution variables.
    private var valueByteCountLeft: Int
    /// The part of that which the older parameters began with.
    private let legacyByteCountMax: Int

    private static let legacyNames = [
        "AttributeUpdates", "AttributesToGet", "ConditionalOperator", "Expected", "KeyConditions",
        "QueryFilter", "ScanFilter",
    ]
    private static let expressionNames = [
        "ConditionExpression", "UpdateExpression", "FilterExpression", "KeyConditionExpression",
        "ProjectionExpression",
    ]

    /// Reads the names and values that placeholders stand for.
    ///
    /// - Parameters:
    ///   - input: The request's parameters.
    ///   - comparesKeys: Whether expressions compare values with keys only; see
    ///     ``AttributeReader/key(_:partCountMax:)``.
    /// - Throws: `ValidationException`, `SerializationException`, `ThrottlingException`.
    init(_ input: RequestParameters, comparesKeys: Bool = false) throws {
        self.input = input
        let used = Self.expressionNames.filter(input.has)
        let legacy = Self.legacyNames.filter(input.has)
        guard used.isEmpty || legacy.isEmpty else {
            throw ServiceError.validation(
                "Can not use both expression and non-expression parameters in the same request: "
                    + "Non-expression parameters: {\(legacy.joined(separator: ", "))} "
                    + "Expression parameters: {\(used.joined(separator: ", "))}")
        }
        let names = try Self.names(input)
        var byteCountLeft = DynamoDBLimits.expressionValueByteCountMax
        let values = try Self.values(input, isKey: comparesKeys, within: &byteCountLeft)
        (valueByteCountLeft, legacyByteCountMax) = (byteCountLeft, byteCountLeft)
        for (parameter, isEmpty) in [
            ("ExpressionAttributeNames", names.isEmpty),
            ("ExpressionAttributeValues", values.isEmpty),
        ] where input.has(parameter) {
            guard !isEmpty else { throw ServiceError.validation("\(parameter) must not be empty") }
            guard !used.isEmpty else {
                throw ServiceError.validation(
                    "\(parameter) can only be specified when using expressions")
            }
        }
        parser = try ExpressionParser(names: names, values: values)
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
        try memory.reservePendingIfLarge()
        return names
    }

    /// The values that placeholders stand for.
    private static func values(
        _ input: RequestParameters, isKey: Bool, within byteCountLeft: inout Int
    ) throws -> [String: AttributeValue] {
        let parameter = "ExpressionAttributeValues"
        var values: [String: AttributeValue] = [:]
        for member in try input.placeholders(parameter) {
            values[member.name] = try AttributeReader.value(
                member.value, of: parameter, isKey: isKey, within: &byteCountLeft)
        }
        return values
    }

    /// The condition of a write.
    mutating func condition() throws -> Condition? {
        if let text = try input.string("ConditionExpression") {
            return try parser.condition(text)
        }
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
        guard let names = try input.strings("AttributesToGet") else { return nil }
        guard names.count <= DynamoDBLimits.expressionOperatorCountMax else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: AttributesToGet names more than "
                    + "\(DynamoDBLimits.expressionOperatorCountMax) attributes")
        }
        return try Projection(names.map { DocumentPath($0) })
    }

    func requireAllUsed() throws { try parser.requireAllUsed() }

    /// The bytes of the names and values that placeholders refer to, counted once per reference.
    ///
    /// The values of older parameters count, too.
    var placeholderByteCount: Int {
        parser.placeholderByteCount + legacyByteCountMax - valueByteCountLeft
    }
}

/// The parameters that DynamoDB had before expressions.
///
/// Source: "Legacy DynamoDB conditional parameters" in its developer guide.
enum LegacyParameters {
    /// The members of a parameter, at most as many as an expression may have operators.
    private static func limited(
        _ parameters: RequestParameters?
    ) throws -> [(name: String, value: JSONValue)] {
        let members = parameters?.all ?? []
        guard members.count <= DynamoDBLimits.expressionOperatorCountMax else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: More than "
                    + "\(DynamoDBLimits.expressionOperatorCountMax) attributes in one parameter")
        }
        return members
    }

    /// The values of a comparison, as many as it has operands.
    private static func values(
        _ node: RequestParameters, of parameter: String, for comparison: String,
        _ counts: ClosedRange<Int>, isKey: Bool = false, within byteCountLeft: inout Int
    ) throws -> [AttributeValue] {
        let nodes = try node.list("AttributeValueList") ?? []
        // The count is checked before the values are read.
        guard counts.contains(nodes.count) else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Invalid number of argument(s) for the "
                    + "\(comparison.abbreviated()) ComparisonOperator")
        }
        return try nodes.map {
            try AttributeReader.value($0, of: parameter, isKey: isKey, within: &byteCountLeft)
        }
    }

    /// Joins conditions on attributes with `AND` or `OR`.
    private static func joined(_ conditions: [Condition], _ input: RequestParameters) throws
        -> Condition?
    {
        let isOr = try input.choice("ConditionalOperator", ["AND", "OR"]) == "OR"
        guard conditions.count <= DynamoDBLimits.expressionOperatorCountMax else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: More than "
                    + "\(DynamoDBLimits.expressionOperatorCountMax) conditions")
        }
        guard let first = conditions.first else {
            if input.has("ConditionalOperator") {
                throw ServiceError.validation(
                    "ConditionalOperator cannot be used without Filter or Expected")
            }
            return nil
        }
        let condition = conditions.dropFirst().reduce(first) { isOr ? $0 || $1 : $0 && $1 }
        try condition.validate()
        return condition
    }

    static func expected(
        _ input: RequestParameters, within byteCountLeft: inout Int
    ) throws -> Condition? {
        let parameter = "Expected"
        var conditions: [Condition] = []
        for member in try limited(input.object(parameter)) {
            let node = try RequestParameters(member.value, member.name)
            let path = DocumentPath(member.name)
            if let name = try node.string("ComparisonOperator") {
                conditions.append(
                    try condition(path, name, node, of: parameter, within: &byteCountLeft))
                continue
            }
            let exists = try node.bool("Exists")
            let value = try node["Value"].map {
                try AttributeReader.value($0, of: parameter, within: &byteCountLeft)
            }
            switch (exists, value) {
            case (false, nil): conditions.append(.attributeNotExists(path))
            case (true, let value?), (nil, let value?):
                conditions.append(.compare(.path(path), .equal, .value(value)))
            case (false, _?):
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Value cannot be used when Exists is "
                        + "set to false for Attribute: \(member.name.abbreviated())")
            default:
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Value must be provided when Exists "
                        + "is set to true for Attribute: \(member.name.abbreviated())")
            }
        }
        return try joined(conditions, input)
    }

    static func filter(
        _ input: RequestParameters, _ name: String, within byteCountLeft: inout Int
    ) throws -> Condition? {
        var conditions: [Condition] = []
        for member in try limited(input.object(name)) {
            let node = try RequestParameters(member.value, member.name)
            conditions.append(
                try condition(
                    DocumentPath(member.name), try node.requiredString("ComparisonOperator"),
                    node, of: name, within: &byteCountLeft))
        }
        return try joined(conditions, input)
    }

    /// The numbers of operands that a comparison may have.
    private static func operandCounts(_ comparison: String) throws -> ClosedRange<Int> {
        switch comparison {
        case "EQ", "NE", "LT", "LE", "GT", "GE", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH": 1...1
        case "NOT_NULL", "NULL": 0...0
        case "IN": 1...DynamoDBLimits.inOperandCountMax
        case "BETWEEN": 2...2
        default:
            throw ServiceError.validation(
                "1 validation error detected: Value at 'comparisonOperator' failed to satisfy "
                    + "constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, "
                    + "NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]")
        }
    }

    private static func condition(
        _ path: DocumentPath, _ name: String, _ node: RequestParameters, of parameter: String,
        within byteCountLeft: inout Int
    ) throws -> Condition {
        let values = try values(
            node, of: parameter, for: name, operandCounts(name), within: &byteCountLeft)
        func scalar(_ place: Int) throws -> Condition.Operand {
            let type = values[place].type
            guard [.string, .number, .binary].contains(type) else {
                throw ServiceError.validation(
                    "One or more parameter values were invalid: ComparisonOperator \(name) is not "
                        + "valid for \(type.rawValue) AttributeValue type")
            }
            return .value(values[place])
        }
        let operand = Condition.Operand.path(path)
        switch name {
        case "EQ": return .compare(operand, .equal, .value(values[0]))
        case "NE": return .compare(operand, .notEqual, .value(values[0]))
        case "LT": return .compare(operand, .less, try scalar(0))
        case "LE": return .compare(operand, .lessOrEqual, try scalar(0))
        case "GT": return .compare(operand, .greater, try scalar(0))
        case "GE": return .compare(operand, .greaterOrEqual, try scalar(0))
        case "NOT_NULL": return .attributeExists(path)
        case "NULL": return .attributeNotExists(path)
        case "CONTAINS": return .contains(operand, try scalar(0))
        case "NOT_CONTAINS":
            // Unlike `NOT contains(…)`, an item without the attribute does not pass.
            return .attributeExists(path) && !.contains(operand, try scalar(0))
        case "BEGINS_WITH": return .beginsWith(operand, .value(values[0]))
        case "IN": return .isIn(operand, try values.indices.map(scalar))
        default: return .between(operand, low: try scalar(0), high: try scalar(1))
        }
    }

    static func keyCondition(
        _ input: RequestParameters, within byteCountLeft: inout Int
    ) throws -> KeyCondition? {
        let parameter = "KeyConditions"
        guard let conditions = try input.object(parameter) else { return nil }
        var terms: [KeyCondition.Term] = []
        for member in try limited(conditions) {
            let node = try RequestParameters(member.value, member.name)
            let name = try node.requiredString("ComparisonOperator")
            let count = name == "BETWEEN" ? 2 : 1
            let values = try values(
                node, of: parameter, for: name, count...count, isKey: true, within: &byteCountLeft)
            let condition: SortCondition
            switch name {
            case "EQ": condition = .equal(values[0])
            case "LT": condition = .less(values[0])
            case "LE": condition = .lessOrEqual(values[0])
            case "GT": condition = .greater(values[0])
            case "GE": condition = .greaterOrEqual(values[0])
            case "BEGINS_WITH": condition = .beginsWith(values[0])
            case "BETWEEN": condition = .between(values[0], values[1])
            default:
                throw ServiceError.validation(
                    "Attempted conditional constraint is not an indexable operation")
            }
            terms.append(KeyCondition.Term(member.name, condition))
        }
        return try KeyCondition(terms)
    }

    static func update(
        _ input: RequestParameters, within byteCountLeft: inout Int
    ) throws -> Update? {
        let parameter = "AttributeUpdates"
        guard let updates = try input.object(parameter) else { return nil }
        var clauses: [Update.Clause] = []
        for member in try limited(updates) {
            let node = try RequestParameters(member.value, member.name)
            let path = DocumentPath(member.name)
            let value = try node["Value"].map {
                try AttributeReader.value($0, of: parameter, within: &byteCountLeft)
            }
            let action = try node.choice("Action", ["ADD", "PUT", "DELETE"]) ?? "PUT"
            switch (action, value) {
            case ("PUT", let value?): clauses.append(.set(path, .operand(.value(value))))
            case ("ADD", .list(let list)?):
                // Expressions have no such action: it appends to a list.
                clauses.append(
                    .set(
                        path,
                        .operand(
                            .listAppend(
                                .ifNotExists(path, .value(.list([]))), .value(.list(list))))))
            case ("ADD", let value?): clauses.append(.add(path, value))
            case ("DELETE", let value?): clauses.append(.delete(path, value))
            case ("DELETE", nil): clauses.append(.remove(path))
            default:
                throw ServiceError.validation(
                    "One or more parameter values were invalid: Only DELETE action is allowed when no "
                        + "attribute value is specified")
            }
        }
        let update = Update(clauses)
        if !clauses.isEmpty { try update.validate() }
        return update
    }
}
