internal import CodexCore

/// Reads the values of a statement: its literals, and the parameters that stand for values.
struct StatementValues: Sendable {
    /// The parameters in the order of the question marks.
    let parameters: [AttributeValue]

    /// Where a part of a value is, for messages; the value itself is called `root`.
    private struct Place {
        var steps: [DocumentPath.Step] = []

        var text: String {
            steps.reduce(into: "root") { text, step in
                switch step {
                case .name(let name): text += "." + name
                case .index(let index): text += "[\(index)]"
                }
            }
        }

        /// Whether the place is the value itself.
        var isRoot: Bool { steps.isEmpty }
    }

    /// Most levels of lists and maps that a literal may have.
    private static let depthMax = DynamoDBLimits.nestingDepthMax - 1

    /// The value of a literal or a parameter.
    ///
    /// - Throws: `ValidationException` for other expressions, and for literals that DynamoDB
    ///   refuses.
    func value(_ node: StatementNode) throws -> AttributeValue {
        var place = Place()
        return try value(node, &place)
    }

    /// The item of an INSERT: the value of a map, each of whose members is a value of its own.
    ///
    /// - Throws: As ``value(_:)``.
    func item(_ node: StatementNode) throws -> Item {
        switch node.content {
        case .map(let members):
            return try map(members) { member in
                var place = Place()
                return try value(member.value, &place)
            }
        case .parameter:
            guard case .map(let item) = try value(node) else { throw LiteralMessages.itemFormat }
            return item
        default: throw LiteralMessages.itemFormat
        }
    }

    private func value(_ node: StatementNode, _ place: inout Place) throws -> AttributeValue {
        switch node.content {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .string(let text): return .string(text)
        case .number(let text): return .number(try Self.number(text, place))
        case .parameter(let number) where place.isRoot:
            guard parameters.indices.contains(number) else { throw LiteralMessages.parameterCount }
            return parameters[number]
        case .list(let nodes): return .list(try list(nodes, &place))
        case .map(let members):
            try Self.requireDepth(place)
            return .map(try map(members) { try self.member($0, &place) })
        case .bag(let nodes): return try Self.set(nodes, place)
        case .missing: throw OperandMessages.missingLiteral
        default: throw LiteralMessages.dataType(node.kind, under: place.text, node.position)
        }
    }

    private static func requireDepth(_ place: Place) throws {
        guard place.steps.count < depthMax else {
            throw LiteralMessages.nesting(under: place.text)
        }
    }

    private func list(_ nodes: [StatementNode], _ place: inout Place) throws -> [AttributeValue] {
        try Self.requireDepth(place)
        var values: [AttributeValue] = []
        for (index, node) in nodes.enumerated() {
            place.steps.append(.index(index))
            values.append(try value(node, &place))
            place.steps.removeLast()
        }
        return values
    }

    private func member(
        _ member: StatementNode.Member, _ place: inout Place
    ) throws -> AttributeValue {
        if case .string(let name) = member.key.content { place.steps.append(.name(name)) }
        let value = try value(member.value, &place)
        if !place.isRoot { place.steps.removeLast() }
        return value
    }

    /// A map; `read` reads the value of a member, whose key is text.
    private func map(
        _ members: [StatementNode.Member],
        _ read: (StatementNode.Member) throws -> AttributeValue
    ) throws -> AttributeMap {
        var elements: [AttributeMap.Element] = []
        for member in members {
            guard case .string(let name) = member.key.content else {
                throw LiteralMessages.keyType(member.key.kind, under: "root")
            }
            elements.append(AttributeMap.Element(name: name, value: try read(member)))
        }
        let map = AttributeMap(unsorted: elements)
        guard map.count < elements.count else { return map }
        let repeated = elements.indices.first { index in
            elements[..<index].contains { ByteOrder.equal($0.name, elements[index].name) }
        }
        throw LiteralMessages.duplicateKey(
            repeated.map { elements[$0].name } ?? "", under: "root")
    }

    // MARK: Sets

    private static func set(_ nodes: [StatementNode], _ place: Place) throws -> AttributeValue {
        guard let first = nodes.first else { throw LiteralMessages.emptyBag }
        if case .string = first.content {
            let texts = try nodes.map { node in
                guard case .string(let text) = node.content else { throw LiteralMessages.bagType }
                return text
            }
            guard let set = AttributeSet(distinct: texts) else {
                throw LiteralMessages.duplicates(texts, under: nil)
            }
            return .stringSet(set)
        }
        let texts = try nodes.map { node in
            guard case .number(let text) = node.content else { throw LiteralMessages.bagType }
            return text
        }
        guard let set = AttributeSet(distinct: try texts.map { try number($0, place) }) else {
            throw LiteralMessages.duplicates(texts, under: place.text)
        }
        return .numberSet(set)
    }

    // MARK: Numbers

    /// The number of a literal.
    ///
    /// The exponent has at most 32 bits: ``StatementLexer`` refuses longer ones.
    private static func number(_ text: String, _ place: Place) throws -> Number {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: "E", maxSplits: 1)
        let mantissa = parts.first ?? "0"
        let written = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let fraction = mantissa.split(separator: ".", omittingEmptySubsequences: false).dropFirst()
        var digits = mantissa.utf8.filter { $0 != UInt8(ascii: ".") }[...]
        digits = digits.drop { $0 == UInt8(ascii: "0") }
        var exponent = written - (fraction.first?.utf8.count ?? 0)
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        guard !digits.isEmpty else { return Number(0) }
        let leading = exponent + digits.count - 1
        guard leading <= DynamoDBLimits.numberExponentMax else {
            throw LiteralMessages.overflow(under: place.text)
        }
        guard leading >= DynamoDBLimits.numberExponentMin else {
            throw LiteralMessages.underflow(under: place.text)
        }
        guard digits.count <= DynamoDBLimits.numberDigitCountMax else {
            throw LiteralMessages.digits(under: place.text)
        }
        let magnitude = String(decoding: digits, as: UTF8.self)
        return try Number(parsing: "\(isNegative ? "-" : "")\(magnitude)E\(exponent)")
    }
}
