internal import FoundationEssentials

/// Reads the members of a map, or the attributes of an item.
///
/// Of the usual types, `decodeIfPresent` looks at a member once. A null and an encrypted value
/// without its key count as absent for it.
struct KeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: DecodingNode

    var codingPath: [any CodingKey] { node.codingPath }
    var allKeys: [Key] { node.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { node.has(key.stringValue) }

    @inline(__always)
    private func required<Value>(_ reading: Reading<Value>, _ key: Key) throws -> Value {
        switch reading {
        case .value(let value): return value
        case .miss(let miss): throw node.failure(miss, Value.self, key)
        }
    }

    @inline(__always)
    private func optional<Value>(_ reading: Reading<Value>, _ key: Key) throws -> Value? {
        switch reading {
        case .value(let value): return value
        case .miss(.other(let found)): throw node.failure(.other(found), Value.self, key)
        case .miss: return nil
        }
    }

    private func member(_ key: Key, _ type: any Any.Type) throws -> AttributeValue {
        switch try node.member(key.stringValue) {
        case .value(let value): return value
        case .miss(let miss): throw node.failure(miss, type, key)
        }
    }

    private func integer<Integer: FixedWidthInteger>(_ key: Key) throws -> Integer {
        try required(try node.number(key.stringValue).integer(), key)
    }

    // MARK: Values

    func decodeNil(forKey key: Key) throws -> Bool {
        if case .null = try member(key, AttributeValue.self) { true } else { false }
    }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try required(try node.flag(key.stringValue), key)
    }
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try required(try node.text(key.stringValue), key)
    }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try required(try node.number(key.stringValue).double, key)
    }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        try required(try node.number(key.stringValue).float, key)
    }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try integer(key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try integer(key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try integer(key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try integer(key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try integer(key) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try integer(key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try integer(key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try integer(key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try integer(key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try integer(key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try integer(key) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try integer(key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        if type == Date.self {
            return try required(Reading<Value>.cast(try node.date(key.stringValue)), key)
        }
        return try node.decoded(type, try member(key, type), key)
    }

    // MARK: Values that may be absent

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        try optional(try node.flag(key.stringValue), key)
    }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        try optional(try node.text(key.stringValue), key)
    }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
        try optional(try node.number(key.stringValue).double, key)
    }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        try optional(try node.number(key.stringValue).integer(), key)
    }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
        try optional(try node.number(key.stringValue).integer(), key)
    }

    func decodeIfPresent<Value: Decodable>(
        _ type: Value.Type, forKey key: Key
    ) throws -> Value? {
        if type == Date.self {
            return try optional(Reading<Value>.cast(try node.date(key.stringValue)), key)
        }
        switch try node.member(key.stringValue) {
        case .miss, .value(.null): return nil
        case .value(let value): return try node.decoded(type, value, key)
        }
    }

    // MARK: Containers

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try superDecoder(forKey: key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        let key = SuperKey()
        switch try node.member(key.stringValue) {
        case .value(let value): return node.child(value, key)
        case .miss(let miss): throw node.failure(miss, AttributeValue.self, key)
        }
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        node.child(try member(key, AttributeValue.self), key)
    }
}
