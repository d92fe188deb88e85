internal import CodexCore

/// The parameters that DynamoDB had before expressions.
///
/// Source of the rules: "Legacy DynamoDB conditional parameters" in its developer guide. Source of
/// the texts: the tests of architect/dynalite, recorded with the service.
enum LegacyParameters {
    /// The start of most texts.
    private static func invalid(_ problem: String) -> ServiceError {
        .validation("One or more parameter values were invalid: \(problem)")
    }

    /// The members of a parameter, at most as many as an expression may have operators.
    private static func limited(
        _ parameters: RequestParameters?
    ) throws -> [(name: String, value: JSONValue)] {
        let members = parameters?.all ?? []
        guard members.count <= DynamoDBLimits.expressionOperatorCountMax else {
            throw invalid(
                "More than \(DynamoDBLimits.expressionOperatorCountMax) attributes in one parameter"
            )
        }
        return members
    }

    /// Joins conditions on attributes with `AND` or `OR`.
    private static func joined(
        _ conditions: [Condition], _ input: RequestParameters
    ) throws -> Condition? {
        let choice = try input.string("ConditionalOperator")
        if choice != nil {
            guard !conditions.isEmpty else {
                throw ServiceError.validation(
                    "ConditionalOperator cannot be used without Filter or Expected")
            }
            guard conditions.count > 1 else {
                throw ServiceError.validation(
                    "ConditionalOperator can only be used when Filter or Expected has two or more "
                        + "elements")
            }
        }
        guard let first = conditions.first else { return nil }
        let isOr = choice == "OR"
        let condition = conditions.dropFirst().reduce(first) { isOr ? $0 || $1 : $0 && $1 }
        try condition.validate()
        return condition
    }

    // MARK: Conditions

    static func expected(
        _ input: RequestParameters, within byteCountLeft: inout Int
    ) throws -> Condition? {
        var conditions: [Condition] = []
        for member in try limited(input.object("Expected")) {
            let node = try RequestParameters(member.value, member.name)
            conditions.append(try expected(node, of: member.name, within: &byteCountLeft))
        }
        return try joined(conditions, input)
    }

    private static func expected(
        _ node: RequestParameters, of name: String, within byteCountLeft: inout Int
    ) throws -> Condition {
        let parameter = "Expected"
        let list = try node.list("AttributeValueList")
        let value = node["Value"]
        let exists = try node.bool("Exists")
        let attribute = " for Attribute: \(name.abbreviated())"
        guard list == nil || value == nil else {
            throw invalid("Value and AttributeValueList cannot be used together\(attribute)")
        }
        if let comparison = try node.string("ComparisonOperator") {
            guard exists == nil else {
                throw invalid("Exists and ComparisonOperator cannot be used together\(attribute)")
            }
            guard list != nil || value != nil || ["NULL", "NOT_NULL"].contains(comparison) else {
                throw invalid(
                    "Value or AttributeValueList must be used with ComparisonOperator: "
                        + "\(comparison.abbreviated())\(attribute)")
            }
            let nodes = list ?? value.map { [$0] } ?? []
            return try condition(
                DocumentPath(name), comparison, nodes, of: parameter, within: &byteCountLeft)
        }
        guard list == nil else {
            throw invalid(
                "AttributeValueList can only be used with a ComparisonOperator\(attribute)")
        }
        guard let value else {
            guard exists == false else {
                let text = exists.map { "\($0)" } ?? "null"
                throw invalid("Value must be provided when Exists is \(text)\(attribute)")
            }
            return .attributeNotExists(DocumentPath(name))
        }
        guard exists != false else {
            throw invalid("Value cannot be used when Exists is false\(attribute)")
        }
        let literal = try AttributeReader.value(value, of: parameter, within: &byteCountLeft)
        return .compare(.path(DocumentPath(name)), .equal, .value(literal))
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
                    try node.list("AttributeValueList") ?? [], of: name, within: &byteCountLeft))
        }
        return try joined(conditions, input)
    }

    /// The numbers of operands that a comparison may have; ``RequestTable`` has all comparisons.
    private static func operandCounts(_ comparison: String) -> ClosedRange<Int> {
        switch comparison {
        case "NOT_NULL", "NULL": 0...0
        case "IN": 1...DynamoDBLimits.inOperandCountMax
        case "BETWEEN": 2...2
        default: 1...1
        }
    }

    /// The types of the operands of a comparison; `nil` for all.
    ///
    /// Source: "Condition" in DynamoDB's API reference.
    private static func operandTypes(_ comparison: String) -> [AttributeType]? {
        switch comparison {
        case "LT", "LE", "GT", "GE", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN":
            [.string, .number, .binary]
        case "BEGINS_WITH": [.string, .binary]
        default: nil
        }
    }

    /// The values of a comparison, as many as it has operands, and of its types.
    private static func values(
        _ nodes: [JSONValue], of parameter: String, for comparison: String, isKey: Bool = false,
        within byteCountLeft: inout Int
    ) throws -> [AttributeValue] {
        // The count is checked before the values are read.
        guard operandCounts(comparison).contains(nodes.count) else {
            throw invalid("Invalid number of argument(s) for the \(comparison) ComparisonOperator")
        }
        let values = try nodes.map {
            try AttributeReader.value($0, of: parameter, isKey: isKey, within: &byteCountLeft)
        }
        guard let type = values.first?.type else { return values }
        guard values.allSatisfy({ $0.type == type }) else {
            throw invalid("AttributeValues inside AttributeValueList must be of same type")
        }
        if let types = operandTypes(comparison), !types.contains(type) {
            throw invalid(
                "ComparisonOperator \(comparison) is not valid for \(type.rawValue) AttributeValue "
                    + "type")
        }
        if comparison == "BETWEEN", (values[0].ordered(against: values[1]) ?? 0) > 0 {
            throw ServiceError.validation(
                "The BETWEEN condition was provided a range where the lower bound is greater than "
                    + "the upper bound")
        }
        return values
    }

    private static func condition(
        _ path: DocumentPath, _ name: String, _ nodes: [JSONValue], of parameter: String,
        within byteCountLeft: inout Int
    ) throws -> Condition {
        let values = try values(nodes, of: parameter, for: name, within: &byteCountLeft)
            .map { Condition.Operand.value($0) }
        let operand = Condition.Operand.path(path)
        switch name {
        case "EQ": return .compare(operand, .equal, values[0])
        case "NE": return .compare(operand, .notEqual, values[0])
        case "LT": return .compare(operand, .less, values[0])
        case "LE": return .compare(operand, .lessOrEqual, values[0])
        case "GT": return .compare(operand, .greater, values[0])
        case "GE": return .compare(operand, .greaterOrEqual, values[0])
        case "NOT_NULL": return .attributeExists(path)
        case "NULL": return .attributeNotExists(path)
        case "CONTAINS": return .contains(operand, values[0])
        case "NOT_CONTAINS":
            // Unlike `NOT contains(…)`, an item without the attribute does not pass.
            return .attributeExists(path) && !.contains(operand, values[0])
        case "BEGINS_WITH": return .beginsWith(operand, values[0])
        case "BETWEEN": return .between(operand, low: values[0], high: values[1])
        default: return .isIn(operand, values)
        }
    }

    // MARK: Keys

    static func keyCondition(
        _ input: RequestParameters, within byteCountLeft: inout Int
    ) throws -> KeyCondition? {
        let parameter = "KeyConditions"
        guard let conditions = try input.object(parameter) else { return nil }
        let members = try limited(conditions)
        guard !members.isEmpty else {
            throw ServiceError.validation("Conditions can be of length 1 or 2 only")
        }
        var terms: [KeyCondition.Term] = []
        for member in members {
            let node = try RequestParameters(member.value, member.name)
            let name = try node.requiredString("ComparisonOperator")
            let values = try values(
                try node.list("AttributeValueList") ?? [], of: parameter, for: name, isKey: true,
                within: &byteCountLeft)
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

    // MARK: Updates

    static func update(
        _ input: RequestParameters, within byteCountLeft: inout Int
    ) throws -> Update? {
        let parameter = "AttributeUpdates"
        guard let updates = try input.object(parameter) else { return nil }
        var clauses: [Update.Clause] = []
        for member in try limited(updates) {
            let node = try RequestParameters(member.value, member.name)
            let value = try node["Value"].map {
                try AttributeReader.value($0, of: parameter, within: &byteCountLeft)
            }
            let action = try node.string("Action") ?? "PUT"
            clauses.append(try clause(action, DocumentPath(member.name), value))
        }
        let update = Update(clauses)
        if !clauses.isEmpty { try update.validate() }
        return update
    }

    private static func clause(
        _ action: String, _ path: DocumentPath, _ value: AttributeValue?
    ) throws -> Update.Clause {
        guard let value else {
            guard action == "DELETE" else {
                throw invalid(
                    "Only DELETE action is allowed when no attribute value is specified")
            }
            return .remove(path)
        }
        let type = value.type
        switch action {
        case "DELETE":
            guard [.stringSet, .numberSet, .binarySet].contains(type) else {
                throw invalid(
                    "DELETE action with value is not supported for the type \(type.rawValue)")
            }
            return .delete(path, value)
        case "ADD":
            if case .list = value {
                // Expressions have no such action: it appends to a list.
                return .set(
                    path,
                    .operand(.listAppend(.ifNotExists(path, .value(.list([]))), .value(value))))
            }
            guard [.number, .stringSet, .numberSet, .binarySet].contains(type) else {
                throw invalid("ADD action is not supported for the type \(type.rawValue)")
            }
            return .add(path, value)
        default: return .set(path, .operand(.value(value)))
        }
    }

    // MARK: Projections

    static func projection(_ input: RequestParameters) throws -> Projection? {
        guard let names = try input.strings("AttributesToGet") else { return nil }
        guard names.count <= DynamoDBLimits.expressionOperatorCountMax else {
            throw invalid(
                "AttributesToGet names more than \(DynamoDBLimits.expressionOperatorCountMax) "
                    + "attributes")
        }
        var seen: Set<[UInt8]> = []
        for name in names where !seen.insert(Array(name.utf8)).inserted {
            throw invalid("Duplicate value in attribute name: \(name.abbreviated())")
        }
        return try Projection(names.map { DocumentPath($0) })
    }
}
