internal import CodexCore

/// The parameters of a request, or an object in them.
///
/// A parameter of the wrong JSON type is a `SerializationException`, as in AWS's services; `null` is none, and
/// unknown parameters are passed over.
struct RequestParameters {
    private let members: [(name: String, value: JSONNode)]

    init(_ body: [UInt8]) throws {
        let node: JSONNode
        do {
            node = try JSONNode.parse(body)
        } catch {
            throw ServiceError.serialization("The request is no JSON: \(error.message)")
        }
        guard case .object(let members) = node else {
            throw ServiceError.serialization("The request is no JSON object.")
        }
        self.members = members
    }

    init(_ node: JSONNode, _ name: String) throws {
        guard case .object(let members) = node else { throw Self.wrongType(name, "an object") }
        self.members = members
    }

    /// The members that are there, in their order.
    var all: [(name: String, value: JSONNode)] {
        members.filter { if case .null = $0.value { false } else { true } }
    }

    subscript(name: String) -> JSONNode? {
        guard let value = members.first(where: { $0.name == name })?.value else { return nil }
        if case .null = value { return nil }
        return value
    }

    func has(_ name: String) -> Bool { self[name] != nil }

    static func wrongType(_ name: String, _ expected: String) -> ServiceError {
        .serialization("The parameter \(name) is not \(expected).")
    }

    static func missing(_ name: String) -> ServiceError {
        let member = name.prefix(1).lowercased() + name.dropFirst()
        return .validation(
            "1 validation error detected: Value null at '\(member)' failed to satisfy constraint: "
                + "Member must not be null")
    }

    func string(_ name: String) throws -> String? {
        guard let value = self[name] else { return nil }
        guard case .string(let text) = value else { throw Self.wrongType(name, "text") }
        return text
    }

    func requiredString(_ name: String) throws -> String {
        guard let text = try string(name) else { throw Self.missing(name) }
        return text
    }

    /// One of some words; `nil` if it is not there.
    func choice(_ name: String, _ words: [String]) throws -> String? {
        guard let text = try string(name) else { return nil }
        guard words.contains(text) else {
            let member = name.prefix(1).lowercased() + name.dropFirst()
            throw ServiceError.validation(
                "1 validation error detected: Value at '\(member)' failed to satisfy constraint: "
                    + "Member must satisfy enum value set: [\(words.joined(separator: ", "))]")
        }
        return text
    }

    func bool(_ name: String) throws -> Bool? {
        guard let value = self[name] else { return nil }
        guard case .bool(let flag) = value else { throw Self.wrongType(name, "a Boolean") }
        return flag
    }

    func integer(_ name: String) throws -> Int? {
        guard let value = self[name] else { return nil }
        guard case .number(let text) = value, let number = Int(text) else {
            throw Self.wrongType(name, "an integer")
        }
        return number
    }

    func object(_ name: String) throws -> RequestParameters? {
        try self[name].map { try RequestParameters($0, name) }
    }

    func list(_ name: String) throws -> [JSONNode]? {
        guard let value = self[name] else { return nil }
        guard case .array(let nodes) = value else { throw Self.wrongType(name, "a list") }
        return nodes
    }

    func strings(_ name: String) throws -> [String]? {
        try list(name)?.map { node in
            guard case .string(let text) = node else {
                throw Self.wrongType(name, "a list of text")
            }
            return text
        }
    }

    // MARK: Items

    func item(_ name: String) throws -> Item? {
        guard let value = self[name] else { return nil }
        return try AttributeReader.item(value)
    }

    func requiredItem(_ name: String) throws -> Item {
        guard let item = try item(name) else { throw Self.missing(name) }
        return item
    }

    /// The table that the request is about: its name, or its ARN.
    func tableName(_ name: String = "TableName") throws -> String {
        let text = try requiredString(name)
        guard text.hasPrefix("arn:") else { return try Self.checked(text) }
        guard let last = text.split(separator: "/").dropFirst().first else {
            throw ServiceError.validation("Invalid table ARN")
        }
        return try Self.checked(String(last))
    }

    private static func checked(_ name: String) throws -> String {
        let isAllowed = name.utf8.allSatisfy { byte in
            (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard isAllowed, (1...255).contains(name.utf8.count) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'tableName' failed to satisfy constraint: "
                    + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
        }
        return name
    }
}

/// Reads attribute values, with DynamoDB's errors.
enum AttributeReader {
    static func item(_ node: JSONNode) throws -> Item { try map(node, depth: 0) }

    static func value(_ node: JSONNode) throws -> AttributeValue { try value(node, depth: 1) }

    private static func map(_ node: JSONNode, depth: Int) throws -> AttributeMap {
        guard case .object(let members) = node else {
            throw RequestParameters.wrongType("Item", "an object of attribute values")
        }
        return AttributeMap(try members.map { ($0.name, try value($0.value, depth: depth + 1)) })
    }

    private static func value(_ node: JSONNode, depth: Int) throws -> AttributeValue {
        guard depth <= Limits.nestingDepthMax + 1 else {
            throw ServiceError.validation(
                "Nesting Levels have exceeded supported limits: Attributes with nested levels beyond "
                    + "\(Limits.nestingDepthMax)")
        }
        guard case .object(let all) = node else {
            throw RequestParameters.wrongType("AttributeValue", "an object")
        }
        let members = all.filter { if case .null = $0.value { false } else { true } }
        guard members.count < 2 else {
            throw ServiceError.validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
                    + "the supported datatypes")
        }
        guard let member = members.first, let type = AttributeType(rawValue: member.name) else {
            throw ServiceError.validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
            )
        }
        switch (type, member.value) {
        case (.string, .string(let text)): return .string(text)
        case (.number, .string(let text)): return .number(try number(text))
        case (.binary, .string(let text)): return .binary(try binary(text))
        case (.bool, .bool(let flag)): return .bool(flag)
        case (.null, .bool(true)): return .null
        case (.null, .bool(false)):
            throw ServiceError.validation(
                "One or more parameter values were invalid: Null attribute value types must have the "
                    + "value of true")
        case (.list, .array(let nodes)):
            return .list(try nodes.map { try value($0, depth: depth + 1) })
        case (.map, .object): return .map(try map(member.value, depth: depth))
        case (.stringSet, .array(let nodes)): return .stringSet(try set("string", nodes) { $0 })
        case (.numberSet, .array(let nodes)): return .numberSet(try set("number", nodes, number))
        case (.binarySet, .array(let nodes)): return .binarySet(try set("binary", nodes, binary))
        default: throw RequestParameters.wrongType(type.rawValue, "of its JSON type")
        }
    }

    private static func number(_ text: String) throws -> Number {
        do {
            return try Number(parsing: text)
        } catch {
            throw ServiceError.validation(
                "The parameter cannot be converted to a numeric value: \(error.message)")
        }
    }

    private static func binary(_ text: String) throws -> [UInt8] {
        do {
            return try Base64.decode(text)
        } catch {
            throw ServiceError.serialization("A binary value is not base64.")
        }
    }

    private static func set<Element>(
        _ kind: String, _ nodes: [JSONNode], _ make: (String) throws -> Element
    ) throws -> AttributeSet<Element> {
        guard !nodes.isEmpty else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: An \(kind) set  may not be empty")
        }
        let members = try nodes.map { node -> Element in
            guard case .string(let text) = node else {
                throw RequestParameters.wrongType("a set's member", "text")
            }
            return try make(text)
        }
        guard let set = AttributeSet(distinct: members) else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: RequestParameters collection contains duplicates."
            )
        }
        return set
    }
}
