internal import CodexCore

/// Reads attribute values from a request's JSON, with DynamoDB's errors.
///
/// It decodes values in one pass, without a JSON tree. It refuses an invalid or too large value
/// where it stands, before it reads the rest.
struct AttributeReader {
    private var cursor: JSONCursor
    private var memory: TextMemory
    /// The rest of the value's permitted size, as DynamoDB counts it.
    private var sizeLeft: Int
    private let tooLarge: ServiceError

    /// A value outside of an item has the limit of all values of a request.
    private static let valueByteCountMax = DynamoDBLimits.expressionValueByteCountMax

    private init(_ value: JSONValue, sizeMax: Int, _ tooLarge: ServiceError) {
        memory = TextMemory(value.text)
        cursor = value.cursor
        sizeLeft = sizeMax
        self.tooLarge = tooLarge
    }

    /// Reads an item, or the key of one.
    ///
    /// - Throws: `SerializationException` for JSON of the wrong type, `ValidationException` for
    ///   values that DynamoDB refuses, `ThrottlingException` if there is no memory.
    static func item(_ value: JSONValue) throws -> Item {
        var reader = AttributeReader(
            value, sizeMax: DynamoDBLimits.itemByteCountMax,
            .validation("Item size has exceeded the maximum allowed size"))
        let item = try reader.map(depth: 0)
        try reader.memory.reservePending()
        return item
    }

    /// Reads a value outside of an item.
    ///
    /// - Throws: As ``item(_:)``.
    static func value(_ value: JSONValue) throws -> AttributeValue {
        var reader = AttributeReader(
            value, sizeMax: valueByteCountMax,
            .validation("A value of the request exceeds max size: \(valueByteCountMax) bytes"))
        let decoded = try reader.value(depth: 1)
        try reader.memory.reservePending()
        return decoded
    }

    // MARK: Limits

    /// Subtracts a part of the value from its permitted size.
    private mutating func count(_ byteCount: Int) throws {
        sizeLeft -= byteCount
        guard sizeLeft >= 0 else { throw tooLarge }
    }

    /// Takes the memory of an array's element; the first element also pays for the array's header.
    private mutating func takeElement(_ byteCount: Int, isFirst: Bool) throws {
        try memory.take(byteCount + (isFirst ? DecodedSize.header : 0))
    }

    // MARK: Values

    private mutating func map(depth: Int) throws -> AttributeMap {
        guard cursor.take(UInt8(ascii: "{")) else {
            throw RequestParameters.wrongType("Item", "an object of attribute values")
        }
        var elements: [AttributeMap.Element] = []
        while let name = try cursor.nextName() {
            guard !name.isEmpty else { throw Self.emptyName }
            try count(name.utf8.count)
            try takeElement(
                MemoryLayout<AttributeMap.Element>.stride, isFirst: elements.isEmpty)
            try memory.take(DecodedSize.text(name.utf8.count))
            elements.append(.init(name: name, value: try value(depth: depth + 1)))
        }
        if let map = AttributeMap(sorted: elements) { return map }
        let map = AttributeMap(unsorted: elements)
        guard map.count == elements.count else { throw JSONValue.duplicate }
        return map
    }

    private mutating func value(depth: Int) throws -> AttributeValue {
        guard depth <= DynamoDBLimits.nestingDepthMax + 1 else {
            throw ServiceError.validation(
                "Nesting Levels have exceeded supported limits: Attributes with nested levels "
                    + "beyond \(DynamoDBLimits.nestingDepthMax)")
        }
        guard cursor.take(UInt8(ascii: "{")) else {
            throw RequestParameters.wrongType("AttributeValue", "an object")
        }
        var (type, value): (String?, AttributeValue?) = (nil, nil)
        if let known = cursor.takeType() {
            if cursor.isAtNull {
                cursor.skip()
            } else {
                type = known.rawValue
                value = try content(known, depth: depth)
            }
        }
        while let name = try cursor.nextName() {
            if cursor.isAtNull {
                cursor.skip()
                continue
            }
            if let type { throw name == type ? JSONValue.duplicate : Self.severalTypes }
            type = name
            if let known = AttributeType(rawValue: name) {
                value = try content(known, depth: depth)
            } else {
                cursor.skip()
            }
        }
        guard let value else { throw Self.noType }
        return value
    }

    private mutating func content(_ type: AttributeType, depth: Int) throws -> AttributeValue {
        switch type {
        case .string:
            let text = try string(type)
            try count(text.utf8.count)
            try memory.take(DecodedSize.text(text.utf8.count))
            return .string(text)
        case .number:
            try count(1)
            return .number(try Self.number(try string(type)))
        case .binary:
            let bytes = try Self.binary(try string(type))
            try count(bytes.count)
            try memory.take(DecodedSize.array(of: UInt8.self, bytes.count))
            return .binary(bytes)
        case .bool:
            try count(1)
            return .bool(try bool(type))
        case .null:
            try count(1)
            guard try bool(type) else { throw Self.falseNull }
            return .null
        case .list: return .list(try list(depth: depth))
        case .map:
            guard cursor.next == UInt8(ascii: "{") else { throw Self.wrongType(type) }
            try count(3)
            return .map(try map(depth: depth))
        case .stringSet: return .stringSet(try set("string", { $0 }, size: { $0.utf8.count }))
        case .numberSet: return .numberSet(try set("number", Self.number, size: { _ in 1 }))
        case .binarySet: return .binarySet(try set("binary", Self.binary, size: { $0.count }))
        }
    }

    private mutating func list(depth: Int) throws -> [AttributeValue] {
        guard cursor.take(UInt8(ascii: "[")) else { throw Self.wrongType(.list) }
        try count(3)
        var values: [AttributeValue] = []
        while cursor.nextElement() {
            try count(1)
            try takeElement(MemoryLayout<AttributeValue>.stride, isFirst: values.isEmpty)
            values.append(try value(depth: depth + 1))
        }
        return values
    }

    /// Reads a set; `size` is the most that one member adds to the value's size.
    private mutating func set<Element>(
        _ kind: String, _ make: (String) throws -> Element, size: (Element) -> Int
    ) throws -> AttributeSet<Element> {
        guard cursor.take(UInt8(ascii: "[")) else {
            throw RequestParameters.wrongType("a set", "a list")
        }
        var members: [Element] = []
        while cursor.nextElement() {
            guard cursor.isAtString else {
                throw RequestParameters.wrongType("a set's member", "text")
            }
            let text = try string()
            let member = try make(text)
            try count(size(member))
            try takeElement(DecodedSize.setMember(of: Element.self), isFirst: members.isEmpty)
            try memory.take(DecodedSize.text(text.utf8.count))
            members.append(member)
        }
        guard !members.isEmpty else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: An \(kind) set  may not be empty")
        }
        guard let set = AttributeSet(distinct: members) else {
            throw ServiceError.validation(
                "One or more parameter values were invalid: Input collection contains duplicates.")
        }
        return set
    }

    private mutating func string(_ type: AttributeType) throws -> String {
        guard cursor.isAtString else { throw Self.wrongType(type) }
        return try string()
    }

    /// The text that begins here, if the value has room for it.
    private mutating func string() throws -> String {
        // Base64 and numbers may have more bytes than their values.
        let byteCountMax = 2 * sizeLeft + Self.longTextByteCount
        guard let text = cursor.string(byteCountMax: byteCountMax) else { throw tooLarge }
        return text
    }

    /// A number is written in fewer bytes than this, however large the value may be.
    private static let longTextByteCount = 4 << 10

    private mutating func bool(_ type: AttributeType) throws -> Bool {
        let first = cursor.next
        guard first == UInt8(ascii: "t") || first == UInt8(ascii: "f") else {
            throw Self.wrongType(type)
        }
        cursor.skip()
        return first == UInt8(ascii: "t")
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

    // MARK: Errors

    private static func wrongType(_ type: AttributeType) -> ServiceError {
        RequestParameters.wrongType(type.rawValue, "of its JSON type")
    }

    private static var emptyName: ServiceError {
        .validation("One or more parameter values were invalid: An attribute name is empty")
    }

    private static var severalTypes: ServiceError {
        .validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
                + "the supported datatypes")
    }

    private static var noType: ServiceError {
        .validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    }

    private static var falseNull: ServiceError {
        .validation(
            "One or more parameter values were invalid: Null attribute value types must have the "
                + "value of true")
    }
}
