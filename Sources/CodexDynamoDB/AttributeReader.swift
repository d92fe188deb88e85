internal import CodexCore

/// Reads attribute values from a request's JSON, with DynamoDB's errors.
///
/// It decodes values in one pass, without a JSON tree. It refuses an invalid or too large value
/// where it stands, before it reads the rest.
struct AttributeReader {
    /// What has a limit of its size.
    private enum Limited {
        case item
        case key
        /// All values of a parameter.
        case values(parameter: String)

        var tooLarge: ServiceError {
            switch self {
            case .item: .validation(ItemMessages.itemTooLarge)
            case .key: .validation(ItemMessages.partitionKeyTooLong)
            case .values(let parameter):
                .validation(
                    "\(parameter) exceeds max size: \(DynamoDBLimits.expressionValueByteCountMax) "
                        + "bytes")
            }
        }
    }

    private var cursor: JSONCursor
    private var memory: TextMemory
    /// The rest of the permitted size, as DynamoDB counts it.
    private var sizeLeft: Int
    private let limited: Limited
    /// Whether the content of types that no key has is skipped.
    private let isKey: Bool
    /// The placeholder that stands for the value; `nil` for another value.
    private let placeholder: String?

    private init(
        _ value: JSONValue, sizeMax: Int, _ limited: Limited, isKey: Bool,
        placeholder: String? = nil
    ) {
        self.placeholder = placeholder
        memory = TextMemory(value.text)
        cursor = value.cursor
        sizeLeft = sizeMax
        self.limited = limited
        self.isKey = isKey
    }

    /// Reads an item.
    ///
    /// - Throws: `SerializationException` for JSON of the wrong type, `ValidationException` for
    ///   values that DynamoDB refuses, `ThrottlingException` if there is no memory.
    static func item(_ value: JSONValue) throws -> Item {
        try item(value, sizeMax: DynamoDBLimits.itemByteCountMax, .item, isKey: false)
    }

    /// Reads the key of an item, or the keys of its entry in an index.
    ///
    /// A value of a type that no key has is read as an empty value of this type. Its content is
    /// skipped, because the type alone is refused.
    ///
    /// - Parameters:
    ///   - value: The object of the key's attributes.
    ///   - partCountMax: The most attributes of each kind: partition keys and sort keys.
    /// - Returns: The key's attributes.
    /// - Throws: As ``item(_:)``.
    static func key(_ value: JSONValue, partCountMax: Int = 1) throws -> Item {
        let pairByteCountMax =
            DynamoDBLimits.partitionKeyByteCountMax + DynamoDBLimits.sortKeyByteCountMax
            + 2 * DynamoDBLimits.keyAttributeNameByteCountMax
        return try item(value, sizeMax: partCountMax * pairByteCountMax, .key, isKey: true)
    }

    private static func item(
        _ value: JSONValue, sizeMax: Int, _ limited: Limited, isKey: Bool
    ) throws -> Item {
        var reader = AttributeReader(value, sizeMax: sizeMax, limited, isKey: isKey)
        let item = try reader.map(depth: 0)
        try reader.memory.reservePending()
        return item
    }

    /// Reads a value outside of an item.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - parameter: The parameter that the value belongs to.
    ///   - isKey: Whether the value is only compared with keys; see ``key(_:partCountMax:)``.
    ///   - placeholder: The placeholder that stands for the value, which errors name; `nil` for
    ///     another value.
    ///   - sizeLeft: What the request's values may still have together; the value's size is
    ///     subtracted.
    /// - Returns: The value.
    /// - Throws: As ``item(_:)``.
    static func value(
        _ value: JSONValue, of parameter: String, isKey: Bool = false,
        placeholder: String? = nil, within sizeLeft: inout Int
    ) throws -> AttributeValue {
        var reader = AttributeReader(
            value, sizeMax: sizeLeft, .values(parameter: parameter), isKey: isKey,
            placeholder: placeholder)
        let decoded = try reader.value(depth: 1)
        try reader.memory.reservePending()
        sizeLeft = reader.sizeLeft
        return decoded
    }

    // MARK: Limits

    /// Subtracts a part of the value from its permitted size.
    private mutating func count(_ byteCount: Int) throws {
        sizeLeft -= byteCount
        guard sizeLeft >= 0 else { throw limited.tooLarge }
    }

    /// Takes the memory of an array's element; the first element also pays for the array's header.
    private mutating func takeElement(_ byteCount: Int, isFirst: Bool) throws {
        try memory.take(byteCount + (isFirst ? DecodedSize.header : 0))
    }

    // MARK: Values

    private mutating func map(depth: Int) throws -> AttributeMap {
        guard cursor.take(UInt8(ascii: "{")) else { throw wrongType(.map) }
        var elements: [AttributeMap.Element] = []
        while let name = try cursor.nextName() {
            guard !name.isEmpty else { throw emptyName }
            // Each element of a map counts one byte more, but not those of the item itself.
            try count(name.utf8.count + (depth > 0 ? 1 : 0))
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
            throw ServiceError.validation(ItemMessages.nestingTooDeep)
        }
        guard cursor.take(UInt8(ascii: "{")) else {
            throw WireType.attributeValue.mismatch(cursor.type, isElement: true)
        }
        var (type, value): (String?, AttributeValue?) = (nil, nil)
        if let known = cursor.takeType() {
            if cursor.isAtNull {
                cursor.skip()
            } else {
                let decoded = try content(known, depth: depth)
                // Nearly all values have one member.
                if cursor.take(UInt8(ascii: "}")) { return decoded }
                (type, value) = (known.rawValue, decoded)
            }
        }
        while let name = try cursor.nextName() {
            if cursor.isAtNull {
                cursor.skip()
                continue
            }
            if let type { throw name == type ? JSONValue.duplicate : severalTypes }
            type = name
            if let known = AttributeType(rawValue: name) {
                value = try content(known, depth: depth)
            } else {
                cursor.skip()
            }
        }
        guard let value else { throw noType }
        return value
    }

    private mutating func content(_ type: AttributeType, depth: Int) throws -> AttributeValue {
        if isKey, let empty = try skipped(type) { return empty }
        switch type {
        case .string:
            try requireString(type)
            return .string(try text())
        case .number:
            try requireString(type)
            return .number(try number())
        case .binary:
            try requireString(type)
            return .binary(try binary())
        case .bool:
            try count(1)
            return .bool(try bool(type))
        case .null:
            try count(1)
            // DynamoDB takes false, too, and stores true: [conformance] error-messages/putItem.
            _ = try bool(type)
            return .null
        case .list: return .list(try list(depth: depth))
        case .map:
            guard cursor.next == UInt8(ascii: "{") else { throw wrongType(type) }
            try count(3)
            return .map(try map(depth: depth))
        case .stringSet: return .stringSet(try set(type) { try $0.text() })
        case .numberSet: return .numberSet(try set(type) { try $0.number() })
        case .binarySet: return .binarySet(try set(type) { try $0.binary() })
        }
    }

    /// Skips the content of a type that no key has.
    ///
    /// - Returns: An empty value of the type; `nil` for the types of keys, `BOOL` and `NULL`.
    private mutating func skipped(_ type: AttributeType) throws -> AttributeValue? {
        let empty: AttributeValue
        switch type {
        case .string, .number, .binary, .bool, .null: return nil
        case .list: empty = .list([])
        case .map: empty = .map(AttributeMap())
        case .stringSet: empty = .stringSet([])
        case .numberSet: empty = .numberSet([])
        case .binarySet: empty = .binarySet([])
        }
        guard cursor.next == UInt8(ascii: type == .map ? "{" : "[") else {
            throw wrongType(type)
        }
        cursor.skip()
        return empty
    }

    private mutating func list(depth: Int) throws -> [AttributeValue] {
        guard cursor.take(UInt8(ascii: "[")) else { throw wrongType(.list) }
        try count(3)
        var values: [AttributeValue] = []
        while cursor.nextElement() {
            try count(1)
            try takeElement(MemoryLayout<AttributeValue>.stride, isFirst: values.isEmpty)
            values.append(try value(depth: depth + 1))
        }
        return values
    }

    /// Reads a set; `read` reads one member.
    private mutating func set<Element>(
        _ type: AttributeType, _ read: (inout AttributeReader) throws -> Element
    ) throws -> AttributeSet<Element> {
        guard cursor.take(UInt8(ascii: "[")) else { throw wrongType(type) }
        var members: [Element] = []
        // A set has at most one member of no bytes. More would take memory without a limit.
        var hasEmptyMember = false
        while cursor.nextElement() {
            guard cursor.isAtString else {
                throw wrongType(type == .binarySet ? .binary : .string)
            }
            let before = sizeLeft
            let member = try read(&self)
            if sizeLeft == before {
                guard !hasEmptyMember else { throw duplicates(in: members + [member], type) }
                hasEmptyMember = true
            }
            try takeElement(DecodedSize.setMember(of: Element.self), isFirst: members.isEmpty)
            members.append(member)
        }
        guard !members.isEmpty else { throw emptySet(type) }
        guard let set = AttributeSet(distinct: members) else {
            throw duplicates(in: members, type)
        }
        return set
    }

    /// The error for an empty set.
    private func emptySet(_ type: AttributeType) -> ServiceError {
        // [conformance] limits/emptyValues. The two spaces are DynamoDB's.
        let problem =
            switch type {
            case .binarySet: "Binary sets should not be empty"
            case .numberSet: "An number set  may not be empty"
            default: "An string set  may not be empty"
            }
        return invalid("One or more parameter values were invalid: \(problem)")
    }

    /// The error for a set with a member that is there twice, with the first members of the set.
    private func duplicates<Element>(in members: [Element], _ type: AttributeType) -> ServiceError {
        // [dynalite] putItem
        if type == .numberSet { return invalid("Input collection contains duplicates") }
        var byteCount = 0
        var texts: [String] = []
        for member in members {
            let text = (member as? [UInt8]).map { Base64.encode($0) } ?? "\(member)"
            byteCount += text.utf8.count
            guard byteCount <= Self.listedByteCountMax else {
                texts.append("…")
                break
            }
            texts.append(text)
        }
        // [dynalite] putItem; [conformance] error-messages/putItem
        let ending = type == .binarySet ? "of type BS contains" : " contains"
        return invalid(
            "One or more parameter values were invalid: Input collection "
                + "[\(texts.joined(separator: ", "))]\(ending) duplicates.")
    }

    /// The most bytes of members that an error lists.
    private static let listedByteCountMax = 1 << 10

    // MARK: Text, numbers and bytes

    private func requireString(_ type: AttributeType) throws {
        guard cursor.isAtString else { throw wrongType(type) }
    }

    private mutating func text() throws -> String {
        let text = try string()
        try count(text.utf8.count)
        try memory.take(DecodedSize.text(text.utf8.count))
        return text
    }

    private mutating func number() throws -> Number {
        let start = cursor.position
        let parsed: Number?
        do {
            parsed = try cursor.number(byteCountMax: textByteCountMax)
        } catch {
            throw numberError(error, at: start)
        }
        guard let number = parsed else { throw limited.tooLarge }
        try count(number.byteCount)
        return number
    }

    /// The error for text that is no number, or a number that is out of range.
    private func numberError(_ error: CodexError, at start: Int) -> ServiceError {
        let problem = ExpressionMessages.text(for: error) ?? error.message
        guard case .numberText? = error.refusal else { return invalid(problem) }
        var again = cursor.moved(to: start)
        let text = again.string(byteCountMax: textByteCountMax) ?? ""
        return invalid(text.isEmpty ? problem : "\(problem): \(text.abbreviated())")
    }

    private mutating func binary() throws -> [UInt8] {
        let bytes = try Self.decoded(try string())
        try count(bytes.count)
        try memory.take(DecodedSize.array(of: UInt8.self, bytes.count))
        return bytes
    }

    private static func decoded(_ base64: String) throws -> [UInt8] {
        do {
            return try Base64.decode(base64)
        } catch {
            throw ServiceError.serialization(Messages.invalidBase64(base64))
        }
    }

    /// The text that begins here, if there is room for it.
    private mutating func string() throws -> String {
        guard let text = cursor.string(byteCountMax: textByteCountMax) else {
            throw limited.tooLarge
        }
        return text
    }

    /// The most bytes of a text: base64 and numbers may have more than their values.
    private var textByteCountMax: Int { 2 * sizeLeft + Self.longTextByteCount }

    /// A number is written in fewer bytes than this, however large the value may be.
    private static let longTextByteCount = 4 << 10

    private mutating func bool(_ type: AttributeType) throws -> Bool {
        guard let bool = cursor.takeBool() else { throw wrongType(type) }
        return bool
    }

    // MARK: Errors

    /// The error for JSON here that is not that of an attribute's type.
    private func wrongType(_ type: AttributeType) -> ServiceError {
        let expected: WireType =
            switch type {
            case .string, .number: .string
            case .binary: .blob
            case .bool, .null: .boolean
            case .stringSet, .numberSet: .list(WireType.string.javaName)
            case .binarySet: .list(WireType.blob.javaName)
            case .list: .list(WireType.attributeValue.javaName)
            case .map: .map(WireType.attributeValue.javaName)
            }
        return expected.mismatch(cursor.type)
    }

    /// The error for a value, which names its placeholder if it has one.
    private func invalid(_ problem: String) -> ServiceError {
        // [dynalite] putItem, updateItem
        let text = placeholder.map {
            "ExpressionAttributeValues contains invalid value: \(problem) for key \($0)"
        }
        return .validation(text ?? problem)
    }

    private var emptyName: ServiceError {
        invalid("One or more parameter values were invalid: An attribute name is empty")
    }

    private var severalTypes: ServiceError {
        invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
                + "the supported datatypes")
    }

    private var noType: ServiceError {
        invalid(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    }
}
