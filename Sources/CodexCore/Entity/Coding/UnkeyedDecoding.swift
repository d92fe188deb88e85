/// Reads the elements of a list, or the members of a set.
///
/// An element that cannot be read is not passed over, as with Foundation's decoders.
struct UnkeyedDecoding: UnkeyedDecodingContainer {
    private let node: DecodingNode
    private let elements: [AttributeValue]
    private(set) var currentIndex = 0

    init(_ node: DecodingNode, _ elements: [AttributeValue]) {
        self.node = node
        self.elements = elements
    }

    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    private func current(_ type: any Any.Type) throws -> AttributeValue {
        guard currentIndex < elements.count else { throw node.short(elements.count, type) }
        return elements[currentIndex]
    }

    private mutating func next<Value>(
        _ read: (Reading<AttributeValue>) -> Reading<Value>
    ) throws -> Value {
        switch read(.value(try current(Value.self))) {
        case .value(let value):
            currentIndex += 1
            return value
        case .miss(let miss): throw node.failure(miss, Value.self, IndexKey(currentIndex))
        }
    }

    private mutating func integer<Integer: FixedWidthInteger>() throws -> Integer {
        try next { $0.number.integer() }
    }

    mutating func decodeNil() -> Bool {
        guard currentIndex < elements.count, case .null = elements[currentIndex] else {
            return false
        }
        currentIndex += 1
        return true
    }
    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { $0.flag } }
    mutating func decode(_ type: String.Type) throws -> String { try next { $0.text } }
    mutating func decode(_ type: Double.Type) throws -> Double { try next { $0.number.double } }
    mutating func decode(_ type: Float.Type) throws -> Float { try next { $0.number.float } }
    mutating func decode(_ type: Int.Type) throws -> Int { try integer() }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try integer() }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try integer() }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try node.decoded(type, try current(type), IndexKey(currentIndex))
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let container = try child().container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try child().unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try child()
        currentIndex += 1
        return decoder
    }

    private func child() throws -> DecodingNode {
        node.child(try current(AttributeValue.self), IndexKey(currentIndex))
    }
}
