/// Writes the elements of a list.
struct UnkeyedEncoding: UnkeyedEncodingContainer {
    let node: EncodingNode

    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int { node.elementCount }

    private var key: IndexKey { IndexKey(node.elementCount) }

    private func add(_ value: some FixedWidthInteger) throws {
        node.add(try node.number(value, key))
    }

    func encodeNil() { node.add(.null) }
    func encode(_ value: Bool) { node.add(.bool(value)) }
    func encode(_ value: String) { node.add(.string(value)) }
    func encode(_ value: Double) throws { node.add(try node.number(value, key)) }
    func encode(_ value: Float) throws { try encode(Double(value)) }
    func encode(_ value: Int) throws { try add(value) }
    func encode(_ value: Int8) throws { try add(value) }
    func encode(_ value: Int16) throws { try add(value) }
    func encode(_ value: Int32) throws { try add(value) }
    func encode(_ value: Int64) throws { try add(value) }
    func encode(_ value: Int128) throws { try add(value) }
    func encode(_ value: UInt) throws { try add(value) }
    func encode(_ value: UInt8) throws { try add(value) }
    func encode(_ value: UInt16) throws { try add(value) }
    func encode(_ value: UInt32) throws { try add(value) }
    func encode(_ value: UInt64) throws { try add(value) }
    func encode(_ value: UInt128) throws { try add(value) }
    func encode(_ value: some Encodable) throws { node.add(try node.attribute(value, key)) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        node.addChild().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        node.addChild().unkeyedContainer()
    }

    func superEncoder() -> any Encoder { node.addChild() }
}
