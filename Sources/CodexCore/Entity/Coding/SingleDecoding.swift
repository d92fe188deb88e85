/// Reads a value as a single one.
struct SingleDecoding: SingleValueDecodingContainer {
    let node: DecodingNode

    var codingPath: [any CodingKey] { node.codingPath }

    private var reading: Reading<AttributeValue> { .value(node.value) }

    private func required<Value>(_ reading: Reading<Value>) throws -> Value {
        switch reading {
        case .value(let value): return value
        case .miss(let miss): throw node.failure(miss, Value.self)
        }
    }

    private func integer<Integer: FixedWidthInteger>() throws -> Integer {
        try required(reading.number.integer())
    }

    func decodeNil() -> Bool { if case .null = node.value { true } else { false } }
    func decode(_ type: Bool.Type) throws -> Bool { try required(reading.flag) }
    func decode(_ type: String.Type) throws -> String { try required(reading.text) }
    func decode(_ type: Double.Type) throws -> Double { try required(reading.number.double) }
    func decode(_ type: Float.Type) throws -> Float { try required(reading.number.float) }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: Int128.Type) throws -> Int128 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try integer() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        switch Reading<Value>.special(node.value) {
        case .value(let value)?: return value
        case .miss(let miss)?: throw node.failure(miss, type)
        case nil: return try node.make(type)
        }
    }
}
