internal import CodexCore

/// Translates the WHERE clause of a statement into a condition.
///
/// In a statement, conditions are also values: `attribute_exists(a) = false` is the opposite of
/// `attribute_exists(a)`. Such a comparison becomes a condition on the same attributes.
struct StatementConditions {
    /// A condition, and the number of comparisons in it.
    private struct Counted {
        let condition: Condition
        let count: Int

        init(_ condition: Condition, _ count: Int = 1) {
            (self.condition, self.count) = (condition, count)
        }

        static prefix func ! (counted: Counted) -> Counted {
            if case .not(let condition) = counted.condition {
                return Counted(condition, counted.count)
            }
            return Counted(.not(counted.condition), counted.count)
        }

        static func && (left: Counted, right: Counted) -> Counted {
            Counted(left.condition && right.condition, left.count + right.count)
        }

        static func || (left: Counted, right: Counted) -> Counted {
            Counted(left.condition || right.condition, left.count + right.count)
        }
    }

    /// The meaning of an expression.
    private enum Operand {
        case condition(Counted)
        case path(DocumentPath)
        case size(DocumentPath)
        case value(AttributeValue)
    }

    private let values: StatementValues

    /// Most comparisons of a condition.
    ///
    /// A comparison of two conditions has each of them twice, so a short text could describe a
    /// condition without bounds.
    private static let countMax = 4 * DynamoDBLimits.expressionOperatorCountMax

    /// Translates a condition.
    ///
    /// - Parameters:
    ///   - node: The expression.
    ///   - values: The values of the statement.
    /// - Returns: A valid condition.
    /// - Throws: `ValidationException`.
    static func condition(
        _ node: StatementNode, _ values: StatementValues
    ) throws -> Condition {
        guard case .condition(let counted) = try Self(values: values).operand(node) else {
            throw OperandMessages.notCondition
        }
        try counted.condition.validate()
        return counted.condition
    }

    private init(values: StatementValues) { self.values = values }

    // MARK: Expressions

    private func operand(_ node: StatementNode) throws -> Operand {
        switch node.content {
        case .path(let path): return .path(path)
        case .null, .bool, .number, .string, .parameter, .list, .bag, .map, .missing:
            return .value(try values.value(node))
        case .call("size", let arguments): return .size(try sizePath(arguments))
        case .call(let name, let arguments):
            return .condition(try function(name, arguments, node.position))
        case .all(let nodes): return .condition(try joined(nodes, &&))
        case .any(let nodes): return .condition(try joined(nodes, ||))
        case .not(let node):
            guard case .condition(let counted) = try operand(node) else {
                throw OperandMessages.notNegatable
            }
            return .condition(!counted)
        case .compare(let comparator, let left, let right):
            return .condition(try comparison(comparator, left, right))
        case .between(let node, let low, let high):
            return .condition(try between(node, low, high))
        case .isIn(let node, let candidates):
            return .condition(try membership(node, candidates))
        case .isType(let node, let type): return .condition(Counted(try isType(node, type)))
        case .binary(let name, _, _): throw OperandMessages.conditionOperator(name)
        case .sign(let name, _): throw OperandMessages.operandCount(name, 1)
        }
    }

    /// Conditions that are joined in pairs, so that many of them are not nested deep.
    private func joined(
        _ nodes: [StatementNode], _ join: (Counted, Counted) -> Counted
    ) throws -> Counted {
        var parts = try nodes.map { node in
            guard case .condition(let counted) = try operand(node) else {
                throw OperandMessages.notConditions
            }
            return counted
        }
        while parts.count > 1 {
            parts = stride(from: 0, to: parts.count, by: 2).map { place in
                place + 1 < parts.count ? join(parts[place], parts[place + 1]) : parts[place]
            }
        }
        guard let whole = parts.first else { throw OperandMessages.notConditions }
        return try Self.limited(whole)
    }

    private static func limited(_ counted: Counted) throws -> Counted {
        guard counted.count <= countMax else { throw StatementMessages.tooManyOperators }
        return counted
    }

    /// The operand of a condition on attributes; `nil` for an expression that is a condition.
    private static func operand(_ operand: Operand) -> Condition.Operand? {
        switch operand {
        case .condition: nil
        case .path(let path): .path(path)
        case .size(let path): .size(path)
        case .value(let value): .value(value)
        }
    }

    // MARK: Comparisons

    private func comparison(
        _ comparator: Condition.Comparator, _ left: StatementNode, _ right: StatementNode
    ) throws -> Counted {
        let (left, right) = (try operand(left), try operand(right))
        if let leftOperand = Self.operand(left), let rightOperand = Self.operand(right) {
            if comparator != .equal, comparator != .notEqual {
                try Self.requireOrdered([left, right], comparator.rawValue)
            }
            return Counted(.compare(leftOperand, comparator, rightOperand))
        }
        let areEqual = try Self.equality(left, right)
        switch comparator {
        case .equal: return areEqual
        case .notEqual: return !areEqual
        default: throw OperandMessages.operandType(comparator.rawValue, .bool)
        }
    }

    /// Whether two expressions have the same value, of which one is a condition.
    private static func equality(_ left: Operand, _ right: Operand) throws -> Counted {
        switch (left, right) {
        case (.condition(let left), .condition(let right)):
            return try limited(left && right || !left && !right)
        case (.condition(let condition), let other), (let other, .condition(let condition)):
            switch other {
            case .value(.bool(let flag)): return flag ? condition : !condition
            case .path(let path):
                return try limited(
                    condition && isBool(path, true) || !condition && isBool(path, false))
            default: return Counted(.compare(.value(.bool(true)), .equal, .value(.bool(false))))
            }
        default:
            guard let left = operand(left), let right = operand(right) else {
                throw OperandMessages.notCondition
            }
            return Counted(.compare(left, .equal, right))
        }
    }

    private static func isBool(_ path: DocumentPath, _ flag: Bool) -> Counted {
        Counted(.compare(.path(path), .equal, .value(.bool(flag))))
    }

    /// Refuses values without an order.
    private static func requireOrdered(_ operands: [Operand], _ name: String) throws {
        for operand in operands {
            switch operand {
            case .condition: throw OperandMessages.operandType(name, .bool)
            case .value(let value):
                guard [.string, .number, .binary].contains(value.type) else {
                    throw OperandMessages.operandType(name, value.type)
                }
            case .path, .size: continue
            }
        }
    }

    private func between(
        _ node: StatementNode, _ low: StatementNode, _ high: StatementNode
    ) throws -> Counted {
        let operands = [try operand(node), try operand(low), try operand(high)]
        try Self.requireOrdered(operands, "BETWEEN")
        let plain = operands.compactMap { Self.operand($0) }
        guard plain.count == 3 else { throw OperandMessages.notCondition }
        if case (.value(let low), .value(let high)) = (operands[1], operands[2]),
            (low.ordered(against: high) ?? 1) > 0
        {
            // No value is between such bounds. In other expressions they are an error.
            return Counted(.compare(plain[0], .greaterOrEqual, plain[1]))
                && Counted(.compare(plain[0], .lessOrEqual, plain[2]))
        }
        return Counted(.between(plain[0], low: plain[1], high: plain[2]))
    }

    private func membership(
        _ node: StatementNode, _ candidates: [StatementNode]?
    ) throws -> Counted {
        guard let candidates, !candidates.isEmpty else { throw OperandMessages.inOperand }
        guard candidates.count <= DynamoDBLimits.inOperandCountMax else {
            throw OperandMessages.tooManyCandidates(candidates.count)
        }
        let left = try operand(node)
        let right = try candidates.map { try operand($0) }
        let plain = right.compactMap { Self.operand($0) }
        if let left = Self.operand(left), plain.count == right.count {
            return Counted(.isIn(left, plain))
        }
        var parts = try right.map { try Self.equality(left, $0) }[...]
        guard var whole = parts.popFirst() else { throw OperandMessages.inOperand }
        for part in parts { whole = try Self.limited(whole || part) }
        return whole
    }

    private func isType(_ node: StatementNode, _ type: String) throws -> Condition {
        let operand = try operand(node)
        let kind: AttributeType
        switch (type, operand) {
        case (_, .condition), (_, .size): throw OperandMessages.isOperand
        case ("MISSING", .path(let path)): return .attributeNotExists(path)
        case ("NULL", _): kind = .null
        case ("BOOL", _), ("BOOLEAN", _): kind = .bool
        case ("BLOB", _): kind = .binary
        case ("STRING", _): kind = .string
        case ("NUMERIC", _), ("DECIMAL", _): kind = .number
        case ("STRUCT", _), ("TUPLE", _): kind = .map
        case ("LIST", _): kind = .list
        case ("MISSING", .value): throw OperandMessages.operandPath("attribute_not_exists")
        default: throw OperandMessages.isType(type)
        }
        switch operand {
        case .path(let path): return .attributeType(path, kind)
        case .value where kind != .null: throw OperandMessages.operandPath("attribute_type")
        case .value(let value):
            return .compare(.value(value), .equal, .value(.null))
        case .condition, .size: throw OperandMessages.isOperand
        }
    }

    // MARK: Functions

    private func function(
        _ name: String, _ arguments: [StatementNode], _ position: StatementPosition
    ) throws -> Counted {
        guard let count = Self.functions[name] else {
            throw OperandMessages.function(name, position)
        }
        guard arguments.count == count else {
            throw OperandMessages.operandCount(name, arguments.count)
        }
        let operands = try arguments.map { try operand($0) }
        switch name {
        case "attribute_exists": return Counted(.attributeExists(try Self.path(operands[0], name)))
        case "attribute_not_exists":
            return Counted(.attributeNotExists(try Self.path(operands[0], name)))
        case "attribute_type":
            return Counted(
                .attributeType(try Self.path(operands[0], name), try Self.type(operands[1])))
        default:
            guard let whole = Self.operand(operands[0]), let part = Self.operand(operands[1]) else {
                throw OperandMessages.operandType(name, .bool)
            }
            guard name == "begins_with" else { return Counted(.contains(whole, part)) }
            for case .value(let value) in operands
            where value.type != .string && value.type != .binary {
                throw OperandMessages.operandType(name, value.type)
            }
            return Counted(.beginsWith(whole, part))
        }
    }

    /// The functions that are conditions, with the number of their operands.
    private static let functions = [
        "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2,
        "contains": 2,
    ]

    private func sizePath(_ arguments: [StatementNode]) throws -> DocumentPath {
        guard arguments.count == 1 else {
            throw OperandMessages.operandCount("size", arguments.count)
        }
        return try Self.path(try operand(arguments[0]), "size")
    }

    private static func path(_ operand: Operand, _ name: String) throws -> DocumentPath {
        guard case .path(let path) = operand else { throw OperandMessages.operandPath(name) }
        return path
    }

    /// The type that the second operand of `attribute_type` names.
    private static func type(_ operand: Operand) throws -> AttributeType {
        guard case .value(let value) = operand else {
            throw OperandMessages.operandType("attribute_type", .bool)
        }
        guard case .string(let name) = value else {
            throw OperandMessages.operandType("attribute_type", value.type)
        }
        guard let type = AttributeType(rawValue: name) else {
            throw OperandMessages.attributeType(name)
        }
        return type
    }
}
