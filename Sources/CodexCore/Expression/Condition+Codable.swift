extension Condition: Codable {
    /// Reads the form that ``encode(to:)`` writes.
    ///
    /// - Throws: `DecodingError` for any other form, for a condition that ``validate()`` refuses,
    ///   and for one that is nested too deeply.
    public init(from decoder: any Decoder) throws {
        let condition = try ReadCondition.read(decoder, nesting: 0).condition
        try decoder.refusing { () throws(CodexError) in try condition.validate() }
        self = condition
    }

    /// Writes the condition as objects with one member each.
    ///
    /// The member's name is that of the operator. Text is a path, and an object with the name of a
    /// type is a literal in DynamoDB JSON:
    ///
    /// ```json
    /// {"and": [{"=": ["status", {"S": "open"}]}, {">": [{"size": "parts"}, {"N": "0"}]}]}
    /// ```
    ///
    /// `Docs/Format.md` has all forms.
    ///
    /// - Throws: `EncodingError` for a condition that ``validate()`` refuses, and for one that is
    ///   nested too deeply: `and`, `or` and `not` within each other more than
    ///   ``DynamoDBLimits/nestingDepthMax`` times, or a list of more than
    ///   ``DynamoDBLimits/expressionOperatorCountMax`` operators. Then also the encoder's errors.
    public func encode(to encoder: any Encoder) throws {
        do throws(CodexError) {
            try requireStorable()
            try validate()
        } catch {
            throw encoder.refusal(error.message, error)
        }
        try ConditionForm(condition: self).encode(to: encoder)
    }

    /// Checks that the condition is not nested too deeply for its stored form.
    ///
    /// Conditions that `&&` joins from left to right are one list, which is one level.
    ///
    /// - Throws: ``CodexError/Code/invalidExpression``.
    package func requireStorable() throws(CodexError) {
        guard isStorable(nesting: 0, depth: 0) else {
            throw CodexError(.invalidExpression, "Invalid condition: \(Self.tooDeep)")
        }
    }

    /// Whether the condition can be stored at a place of a stored form.
    ///
    /// - Parameters:
    ///   - nesting: The number of objects of conditions around it.
    ///   - depth: The number of operators around it. Evaluation recurses as deeply.
    /// - Returns: Whether no part of it is too deep.
    private func isStorable(nesting: Int, depth: Int) -> Bool {
        guard nesting <= DynamoDBLimits.nestingDepthMax, depth <= Self.depthMax else {
            return false
        }
        switch self {
        case .and, .or:
            let parts = joined
            for (place, part) in parts.enumerated() {
                // The first two conditions of a list are below all of its operators.
                let above = parts.count - max(place, 1)
                guard part.isStorable(nesting: nesting + 1, depth: depth + above) else {
                    return false
                }
            }
            return true
        case .not(let condition):
            return condition.isStorable(nesting: nesting + 1, depth: depth + 1)
        case .compare, .between, .isIn, .attributeExists, .attributeNotExists, .attributeType,
            .beginsWith, .contains:
            return true
        }
    }

    /// The conditions that `and`, or `or`, joins from left to right; a list of any other condition.
    fileprivate var joined: [Condition] {
        var parts: [Condition] = []
        var rest = self
        switch self {
        case .and:
            while case .and(let left, let right) = rest {
                parts.append(right)
                rest = left
            }
        case .or:
            while case .or(let left, let right) = rest {
                parts.append(right)
                rest = left
            }
        default: break
        }
        parts.append(rest)
        return parts.reversed()
    }

    /// Most operators around a condition.
    fileprivate static var depthMax: Int { DynamoDBLimits.expressionOperatorCountMax }

    fileprivate static var tooDeep: String {
        "it is nested too deeply. At most \(DynamoDBLimits.nestingDepthMax) levels of and, or and "
            + "not, and lists of \(depthMax) operators, can be stored."
    }
}

// MARK: Writing

/// A condition that can be stored, as it is written.
private struct ConditionForm: Encodable {
    let condition: Condition

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: MemberKey.self)
        func operands(_ name: String, _ operands: [Condition.Operand]) throws {
            try object.encode(operands.map { OperandForm(operand: $0) }, forKey: MemberKey(name))
        }
        func list(_ name: String) throws {
            let parts = condition.joined.map { ConditionForm(condition: $0) }
            try object.encode(parts, forKey: MemberKey(name))
        }
        switch condition {
        case .compare(let left, let comparator, let right):
            try operands(comparator.rawValue, [left, right])
        case .between(let operand, let low, let high):
            try operands("between", [operand, low, high])
        case .isIn(let operand, let candidates): try operands("in", [operand] + candidates)
        case .attributeExists(let path):
            try object.encode(PathForm(path), forKey: MemberKey("exists"))
        case .attributeNotExists(let path):
            try object.encode(PathForm(path), forKey: MemberKey("notExists"))
        case .attributeType(let path, let type):
            var parts = object.nestedUnkeyedContainer(forKey: MemberKey("type"))
            try parts.encode(PathForm(path))
            try parts.encode(type)
        case .beginsWith(let operand, let prefix): try operands("beginsWith", [operand, prefix])
        case .contains(let operand, let member): try operands("contains", [operand, member])
        case .and: try list("and")
        case .or: try list("or")
        case .not(let condition):
            try object.encode(ConditionForm(condition: condition), forKey: MemberKey("not"))
        }
    }
}

/// An operand of a condition, as it is written.
private struct OperandForm: Encodable {
    let operand: Condition.Operand

    func encode(to encoder: any Encoder) throws {
        switch operand {
        case .path(let path): try PathForm(path).encode(to: encoder)
        case .value(let value): try LiteralForm(value).encode(to: encoder)
        case .size(let path):
            var object = encoder.container(keyedBy: MemberKey.self)
            try object.encode(PathForm(path), forKey: MemberKey("size"))
        }
    }
}

// MARK: Reading

/// A condition that was read, and the largest number of operators around a part of it.
private struct ReadCondition {
    let condition: Condition
    var depth = 0

    static func read(_ decoder: any Decoder, nesting: Int) throws -> ReadCondition {
        guard nesting <= DynamoDBLimits.nestingDepthMax else { throw tooDeep(decoder) }
        let member = try SingleMember(decoder)
        switch member.name {
        case "and": return try list(member.content, isAnd: true, nesting: nesting)
        case "or": return try list(member.content, isAnd: false, nesting: nesting)
        case "not":
            let part = try read(member.content, nesting: nesting + 1)
            guard part.depth < Condition.depthMax else { throw tooDeep(decoder) }
            return ReadCondition(condition: .not(part.condition), depth: part.depth + 1)
        default:
            guard let condition = try comparison(member) ?? function(member) else {
                throw decoder.refusal(
                    "A condition has one member, named and, or, not, =, <>, <, <=, >, >=, "
                        + "between, in, exists, notExists, type, beginsWith or contains.")
            }
            return ReadCondition(condition: condition)
        }
    }

    /// The comparison that a member is; `nil` if it has another name.
    private static func comparison(_ member: SingleMember) throws -> Condition? {
        switch member.name {
        case "between":
            let operands = try operands(member.content, 3...3)
            return .between(operands[0], low: operands[1], high: operands[2])
        case "in":
            let counts = 2...1 + DynamoDBLimits.inOperandCountMax
            let operands = try operands(member.content, counts)
            return .isIn(operands[0], Array(operands.dropFirst()))
        default:
            guard let comparator = Condition.Comparator(rawValue: member.name) else { return nil }
            let operands = try operands(member.content, 2...2)
            return .compare(operands[0], comparator, operands[1])
        }
    }

    /// The function that a member is; `nil` if it has another name.
    private static func function(_ member: SingleMember) throws -> Condition? {
        let content = member.content
        switch member.name {
        case "exists": return .attributeExists(try PathForm(from: content).path)
        case "notExists": return .attributeNotExists(try PathForm(from: content).path)
        case "type":
            var parts = try content.unkeyedContainer()
            let path = try parts.decode(PathForm.self).path
            let type = try parts.decode(AttributeType.self)
            guard parts.isAtEnd else {
                throw content.refusal("The operands of type are a path and the name of a type.")
            }
            return .attributeType(path, type)
        case "beginsWith":
            let operands = try operands(content, 2...2)
            return .beginsWith(operands[0], operands[1])
        case "contains":
            let operands = try operands(content, 2...2)
            return .contains(operands[0], operands[1])
        default: return nil
        }
    }

    private static func list(
        _ decoder: any Decoder, isAnd: Bool, nesting: Int
    ) throws -> ReadCondition {
        var container = try decoder.unkeyedContainer()
        var (result, count): (ReadCondition?, Int) = (nil, 0)
        while !container.isAtEnd {
            let part = try read(try container.superDecoder(), nesting: nesting + 1)
            count += 1
            guard let left = result else {
                result = part
                continue
            }
            let depth = 1 + max(left.depth, part.depth)
            guard depth <= Condition.depthMax else { throw tooDeep(decoder) }
            let (first, second) = (left.condition, part.condition)
            result = ReadCondition(
                condition: isAnd ? first && second : first || second, depth: depth)
        }
        guard count > 1, let result else {
            throw decoder.refusal("The operators and and or join at least two conditions.")
        }
        return result
    }

    private static func operands(
        _ decoder: any Decoder, _ counts: ClosedRange<Int>
    ) throws -> [Condition.Operand] {
        var container = try decoder.unkeyedContainer()
        var operands: [Condition.Operand] = []
        while !container.isAtEnd, operands.count <= counts.upperBound {
            operands.append(try operand(try container.superDecoder()))
        }
        guard counts.contains(operands.count) else {
            throw decoder.refusal("The operator has another number of operands.")
        }
        return operands
    }

    private static func operand(_ decoder: any Decoder) throws -> Condition.Operand {
        guard (try? decoder.container(keyedBy: MemberKey.self)) != nil else {
            return .path(try PathForm(from: decoder).path)
        }
        let member = try SingleMember(decoder)
        guard member.name == "size" else {
            return .value(try LiteralForm(from: decoder).value)
        }
        return .size(try PathForm(from: member.content).path)
    }

    private static func tooDeep(_ decoder: any Decoder) -> DecodingError {
        decoder.refusal("The condition cannot be read: \(Condition.tooDeep)")
    }
}
