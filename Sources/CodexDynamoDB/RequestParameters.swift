internal import CodexCore

/// The parameters of a request, or an object in them.
///
/// A parameter of the wrong JSON type is a `SerializationException`, as in AWS's services. A `null`
/// counts as missing, and unknown parameters are ignored.
struct RequestParameters: Sendable {
    private let members: [(name: String, value: JSONValue)]

    /// The most bytes of a text parameter: the longest one, an expression, has some kilobytes.
    private static let textByteCountMax = 128 << 10
    /// The most bytes of a placeholder: "Expression parameters" among DynamoDB's quotas.
    private static let placeholderByteCountMax = 255
    /// The most placeholders of a kind: a request's expressions have no room for more references.
    static let placeholderCountMax = DynamoDBLimits.expressionByteCountMax

    /// Checks a request's body; the budget reserves the memory of values decoded from it.
    init(_ body: [UInt8], _ budget: RequestBudget) throws {
        let document: JSONValue
        do {
            document = try JSONValue(checking: body, budget)
        } catch {
            throw ServiceError.serialization("The request is no JSON: \(error.message)")
        }
        guard let members = try document.members() else {
            throw ServiceError.serialization("The request is no JSON object.")
        }
        self.members = members
    }

    init(_ value: JSONValue, _ name: String) throws {
        guard let members = try value.members() else { throw Self.wrongType(name, "an object") }
        self.members = members
    }

    /// The members without `null` ones, in their order.
    var all: [(name: String, value: JSONValue)] { members.filter { !$0.value.isNull } }

    subscript(name: String) -> JSONValue? {
        guard let value = members.first(where: { $0.name == name })?.value, !value.isNull else {
            return nil
        }
        return value
    }

    func has(_ name: String) -> Bool { self[name] != nil }

    static func wrongType(_ name: String, _ expected: String) -> ServiceError {
        .serialization("The parameter \(name.abbreviated()) is not \(expected).")
    }

    static func missing(_ name: String) -> ServiceError {
        .validation(
            "1 validation error detected: Value null at '\(member(name))' failed to satisfy "
                + "constraint: Member must not be null")
    }

    /// A parameter's name as messages show it, with a lowercase first letter.
    private static func member(_ name: String) -> String {
        name.prefix(1).lowercased() + name.dropFirst()
    }

    func string(_ name: String) throws -> String? {
        guard let value = self[name] else { return nil }
        guard value.byteCount <= Self.textByteCountMax else {
            throw ServiceError.validation("The parameter \(name) is too long")
        }
        var memory = TextMemory(value.text)
        guard let text = try value.string(byteCountMax: Self.textByteCountMax, &memory) else {
            throw Self.wrongType(name, "text")
        }
        try memory.reservePendingIfLarge()
        return text
    }

    func requiredString(_ name: String) throws -> String {
        guard let text = try string(name) else { throw Self.missing(name) }
        return text
    }

    /// One of some words; `nil` if the parameter is missing.
    func choice(_ name: String, _ words: [String]) throws -> String? {
        guard let text = try string(name) else { return nil }
        guard words.contains(text) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at '\(Self.member(name))' failed to satisfy "
                    + "constraint: Member must satisfy enum value set: "
                    + "[\(words.joined(separator: ", "))]")
        }
        return text
    }

    func bool(_ name: String) throws -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.bool else { throw Self.wrongType(name, "a Boolean") }
        return flag
    }

    func integer(_ name: String) throws -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.integer else { throw Self.wrongType(name, "an integer") }
        return number
    }

    func object(_ name: String) throws -> RequestParameters? {
        try self[name].map { try RequestParameters($0, name) }
    }

    func list(_ name: String) throws -> [JSONValue]? {
        guard let value = self[name] else { return nil }
        guard let elements = try value.elements() else { throw Self.wrongType(name, "a list") }
        return elements
    }

    /// The placeholders that an object defines for expressions, and the values that they stand for.
    func placeholders(_ name: String) throws -> [(name: String, value: JSONValue)] {
        let members = try object(name)?.all ?? []
        guard members.count <= Self.placeholderCountMax else {
            throw ServiceError.validation(
                "\(name) has more than \(Self.placeholderCountMax) members, more than expressions "
                    + "can use")
        }
        for member in members where member.name.utf8.count > Self.placeholderByteCountMax {
            throw ServiceError.validation(
                "\(name) contains invalid key: A key has \(Self.placeholderByteCountMax) bytes at "
                    + "most")
        }
        return members
    }

    /// The strings of a list; each has at most as many bytes as a name may have.
    func strings(_ name: String) throws -> [String]? {
        guard let elements = try list(name), let first = elements.first else {
            return has(name) ? [] : nil
        }
        var memory = TextMemory(first.text)
        let texts = try elements.map { element in
            let text = try element.string(
                byteCountMax: DynamoDBLimits.attributeNameByteCountMax, &memory)
            guard let text else { throw Self.wrongType(name, "a list of text") }
            return text
        }
        try memory.reservePendingIfLarge()
        return texts
    }

    // MARK: Items

    func requiredItem(_ name: String) throws -> Item {
        guard let value = self[name] else { throw Self.missing(name) }
        return try AttributeReader.item(value)
    }

    /// The key of an item; see ``AttributeReader/key(_:partCountMax:)``.
    func requiredKey(_ name: String) throws -> Item {
        guard let value = self[name] else { throw Self.missing(name) }
        return try AttributeReader.key(value)
    }

    /// The request's table, from its name or its ARN.
    func tableName(_ name: String = "TableName") throws -> String {
        try TableReference(try requiredString(name)).name
    }

    /// A table's name that has the form of one.
    static func checked(_ name: String) throws -> String {
        guard (1...255).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'tableName' failed to satisfy constraint: "
                    + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
        }
        return name
    }

    /// Whether a byte may stand in the name of a table.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10
        }
    }
}
