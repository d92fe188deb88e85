internal import FoundationEssentials

/// Decodes `Codable` values from attributes; the inverse of ``AttributeEncoder``.
package enum AttributeDecoder {
    /// Decodes a value from an item.
    ///
    /// - Throws: ``CodexError/Code/missingAttribute`` or ``CodexError/Code/typeMismatch`` with the
    ///   attribute's name.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from item: Item
    ) throws(CodexError) -> Value {
        do {
            return try Node(value: .map(item), codingPath: []).decode(type)
        } catch let error as CodexError {
            throw error
        } catch DecodingError.keyNotFound(let key, _) {
            throw CodexError(.missingAttribute, "The item lacks the attribute \(key.stringValue).")
        } catch DecodingError.typeMismatch(_, let context) {
            throw mismatch(context)
        } catch DecodingError.valueNotFound(_, let context) {
            throw mismatch(context)
        } catch DecodingError.dataCorrupted(let context) {
            throw mismatch(context)
        } catch {
            throw CodexError(.typeMismatch, "The item does not fit the type.", cause: error)
        }
    }

    private static func mismatch(_ context: DecodingError.Context) -> CodexError {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return CodexError(
            .typeMismatch, "The attribute \(path) does not hold a value of the type's field.")
    }

    /// One value to be decoded.
    private struct Node: Decoder {
        let value: AttributeValue
        let codingPath: [any CodingKey]
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key>
        {
            guard case .map(let map) = value else { throw mismatch(AttributeMap.self) }
            return KeyedDecodingContainer(KeyedContainer(map: map, codingPath: codingPath))
        }

        func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
            let elements: [AttributeValue]
            switch value {
            case .list(let values): elements = values
            case .stringSet(let set): elements = set.members.map { .string($0) }
            case .numberSet(let set): elements = set.members.map { .number($0) }
            case .binarySet(let set): elements = set.members.map { .binary($0) }
            default: throw mismatch([AttributeValue].self)
            }
            return UnkeyedContainer(elements: elements, codingPath: codingPath)
        }

        func singleValueContainer() -> any SingleValueDecodingContainer {
            SingleContainer(node: self)
        }

        func mismatch(_ type: any Any.Type) -> DecodingError {
            .typeMismatch(
                type, .init(codingPath: codingPath, debugDescription: "Found \(value.type)."))
        }

        func flag() throws -> Bool {
            guard case .bool(let flag) = value else { throw mismatch(Bool.self) }
            return flag
        }

        func text() throws -> String {
            guard case .string(let text) = value else { throw mismatch(String.self) }
            return text
        }

        func double() throws -> Double {
            guard case .number(let number) = value else { throw mismatch(Double.self) }
            return number.double
        }

        func float() throws -> Float { Float(try double()) }

        func integer<Integer: FixedWidthInteger>() throws -> Integer {
            guard case .number(let number) = value,
                let integer = number.int64.flatMap({ Integer(exactly: $0) })
                    ?? Integer(number.description)
            else { throw mismatch(Integer.self) }
            return integer
        }

        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let special: Any? =
                switch type {
                case is Date.Type: Date(attributeValue: value)
                case is Data.Type:
                    if case .binary(let bytes) = value { Data(bytes) } else { nil as Data? }
                case is UUID.Type: value.string.flatMap { UUID(uuidString: $0) }
                case is URL.Type: value.string.flatMap { URL(string: $0) }
                case is Number.Type: value.number
                default: try Value(from: self)
                }
            guard let result = special as? Value else { throw mismatch(type) }
            return result
        }
    }

    private struct KeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let map: AttributeMap
        let codingPath: [any CodingKey]
        var allKeys: [Key] { map.names.compactMap { Key(stringValue: $0) } }

        func contains(_ key: Key) -> Bool { map[key.stringValue] != nil }

        private func node(_ key: some CodingKey) throws -> Node {
            guard let value = map[key.stringValue] else {
                throw DecodingError.keyNotFound(
                    key, .init(codingPath: codingPath, debugDescription: "No such attribute."))
            }
            return Node(value: value, codingPath: codingPath + [key])
        }

        func decodeNil(forKey key: Key) throws -> Bool { try node(key).value == .null }
        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try node(key).flag() }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try node(key).text() }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
            try node(key).double()
        }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try node(key).float() }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try node(key).integer() }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try node(key).integer() }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try node(key).integer() }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try node(key).integer() }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try node(key).integer() }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try node(key).integer() }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try node(key).integer() }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
            try node(key).integer()
        }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
            try node(key).integer()
        }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
            try node(key).integer()
        }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try node(key).decode(type)
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> {
            try node(key).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            try node(key).unkeyedContainer()
        }

        func superDecoder() throws -> any Decoder { try node(SuperKey()) }
        func superDecoder(forKey key: Key) throws -> any Decoder { try node(key) }
    }

    private struct SuperKey: CodingKey {
        let stringValue = "super"
        var intValue: Int? { nil }
        init() {}
        init?(stringValue: String) { nil }
        init?(intValue: Int) { nil }
    }

    private struct UnkeyedContainer: UnkeyedDecodingContainer {
        let elements: [AttributeValue]
        let codingPath: [any CodingKey]
        var currentIndex = 0
        var count: Int? { elements.count }
        var isAtEnd: Bool { currentIndex >= elements.count }

        init(elements: [AttributeValue], codingPath: [any CodingKey]) {
            self.elements = elements
            self.codingPath = codingPath
        }

        private mutating func next() throws -> Node {
            guard !isAtEnd else {
                throw DecodingError.valueNotFound(
                    AttributeValue.self,
                    .init(codingPath: codingPath, debugDescription: "The list ends early."))
            }
            defer { currentIndex += 1 }
            return Node(value: elements[currentIndex], codingPath: codingPath)
        }

        mutating func decodeNil() -> Bool {
            guard !isAtEnd, elements[currentIndex] == .null else { return false }
            currentIndex += 1
            return true
        }
        mutating func decode(_ type: Bool.Type) throws -> Bool { try next().flag() }
        mutating func decode(_ type: String.Type) throws -> String { try next().text() }
        mutating func decode(_ type: Double.Type) throws -> Double { try next().double() }
        mutating func decode(_ type: Float.Type) throws -> Float { try next().float() }
        mutating func decode(_ type: Int.Type) throws -> Int { try next().integer() }
        mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().integer() }
        mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().integer() }
        mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().integer() }
        mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().integer() }
        mutating func decode(_ type: UInt.Type) throws -> UInt { try next().integer() }
        mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().integer() }
        mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().integer() }
        mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().integer() }
        mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().integer() }
        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try next().decode(type)
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) throws -> KeyedDecodingContainer<Nested> {
            try next().container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
            try next().unkeyedContainer()
        }

        mutating func superDecoder() throws -> any Decoder { try next() }
    }

    private struct SingleContainer: SingleValueDecodingContainer {
        let node: Node
        var codingPath: [any CodingKey] { node.codingPath }

        func decodeNil() -> Bool { node.value == .null }
        func decode(_ type: Bool.Type) throws -> Bool { try node.flag() }
        func decode(_ type: String.Type) throws -> String { try node.text() }
        func decode(_ type: Double.Type) throws -> Double { try node.double() }
        func decode(_ type: Float.Type) throws -> Float { try node.float() }
        func decode(_ type: Int.Type) throws -> Int { try node.integer() }
        func decode(_ type: Int8.Type) throws -> Int8 { try node.integer() }
        func decode(_ type: Int16.Type) throws -> Int16 { try node.integer() }
        func decode(_ type: Int32.Type) throws -> Int32 { try node.integer() }
        func decode(_ type: Int64.Type) throws -> Int64 { try node.integer() }
        func decode(_ type: UInt.Type) throws -> UInt { try node.integer() }
        func decode(_ type: UInt8.Type) throws -> UInt8 { try node.integer() }
        func decode(_ type: UInt16.Type) throws -> UInt16 { try node.integer() }
        func decode(_ type: UInt32.Type) throws -> UInt32 { try node.integer() }
        func decode(_ type: UInt64.Type) throws -> UInt64 { try node.integer() }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try node.decode(type) }
    }
}
