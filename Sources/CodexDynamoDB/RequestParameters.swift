internal import CodexCore

/// The parameters of a request, or an object in them.
///
/// ``RequestChecker`` has checked the types of the parameters, and the constraints of each of them,
/// such as the words that a text may be. The accessors refuse what only an operation can know, such
/// as a parameter that another one makes necessary. A `null` counts as missing, and unknown
/// parameters are ignored.
struct RequestParameters: Sendable {
    private let members: [(name: String, value: JSONValue)]

    /// The most bytes of a text parameter: the longest one, an expression, has some kilobytes.
    private static let textByteCountMax = 128 << 10
    /// The most bytes of a placeholder: "Expression parameters" among DynamoDB's quotas.
    private static let placeholderByteCountMax = 255
    /// The most placeholders of a kind: a request's expressions have no room for more references.
    static let placeholderCountMax = DynamoDBLimits.expressionByteCountMax

    /// Checks a request's body; the budget reserves the memory of values decoded from it.
    ///
    /// - Parameters:
    ///   - body: The body.
    ///   - budget: The request's budget.
    ///   - operation: The operation by whose shapes the parameters are checked; `nil` checks only
    ///     that the body is a JSON object.
    /// - Throws: `SerializationException` and `ValidationException`.
    init(_ body: [UInt8], _ budget: RequestBudget, for operation: Operation? = nil) throws {
        let document: JSONValue
        do {
            document = try JSONValue(checking: body, budget)
        } catch {
            throw ServiceError.serialization("The request is no JSON: \(error.message)")
        }
        if let operation { try RequestChecker.check(document, for: operation.rawValue) }
        guard let members = try document.members() else {
            throw ServiceError.serialization("The request is no JSON object.")
        }
        self.members = members
    }

    /// Reads an object; the name is that of its structure in DynamoDB's service model.
    init(_ value: JSONValue, _ name: String) throws {
        guard let members = try value.members() else {
            throw WireType.structure(name.abbreviated()).mismatch(value.cursor.type)
        }
        self.members = members
    }

    /// The members without `null` ones, in their order.
    var all: [(name: String, value: JSONValue)] { members.filter { !$0.value.isNull } }

    subscript(name: String) -> JSONValue? {
        for member in members where ByteOrder.equal(member.name, name) {
            return member.value.isNull ? nil : member.value
        }
        return nil
    }

    func has(_ name: String) -> Bool { self[name] != nil }

    /// The error for JSON of the wrong type that only an operation can find.
    static func wrongType(_ name: String, _ expected: String) -> ServiceError {
        .serialization("The parameter \(name.abbreviated()) is not \(expected).")
    }

    static func missing(_ name: String) -> ServiceError {
        .validation(Messages.violations([Messages.null(ParameterPath().member(name).text)]))
    }

    func string(_ name: String) throws -> String? {
        guard let value = self[name] else { return nil }
        guard value.byteCount <= Self.textByteCountMax else {
            throw ServiceError.validation("The parameter \(name) is too long")
        }
        var memory = TextMemory(value.text)
        guard let text = try value.string(byteCountMax: Self.textByteCountMax, &memory) else {
            throw WireType.string.mismatch(value.cursor.type)
        }
        try memory.reservePendingIfLarge()
        return text
    }

    func requiredString(_ name: String) throws -> String {
        guard let text = try string(name) else { throw Self.missing(name) }
        return text
    }

    func bool(_ name: String) throws -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.bool else { throw WireType.boolean.mismatch(value.cursor.type) }
        return flag
    }

    func integer(_ name: String) throws -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.integer else {
            throw WireType.integer.mismatch(value.cursor.type)
        }
        return number
    }

    func object(_ name: String) throws -> RequestParameters? {
        try self[name].map { try RequestParameters($0, name) }
    }

    func list(_ name: String) throws -> [JSONValue]? {
        guard let value = self[name] else { return nil }
        guard let elements = try value.elements() else {
            throw WireType.list(name).mismatch(value.cursor.type)
        }
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
            guard let text else { throw WireType.string.mismatch(element.cursor.type) }
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
}
