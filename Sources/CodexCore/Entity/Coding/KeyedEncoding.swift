/// Writes the members of a map, or the attributes of an item.
struct KeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode

    var codingPath: [any CodingKey] { node.codingPath }

    private func add(_ value: some FixedWidthInteger, _ key: Key) throws {
        node.add(key.stringValue, try node.number(value, key))
    }

    func encodeNil(forKey key: Key) { node.add(key.stringValue, .null) }
    func encode(_ value: Bool, forKey key: Key) { node.add(key.stringValue, .bool(value)) }
    func encode(_ value: String, forKey key: Key) { node.add(key.stringValue, .string(value)) }
    func encode(_ value: Double, forKey key: Key) throws {
        node.add(key.stringValue, try node.number(value, key))
    }
    func encode(_ value: Float, forKey key: Key) throws { try encode(Double(value), forKey: key) }
    func encode(_ value: Int, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: Int8, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: Int16, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: Int32, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: Int64, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: Int128, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: UInt, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: UInt8, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: UInt16, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: UInt32, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: UInt64, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: UInt128, forKey key: Key) throws { try add(value, key) }
    func encode(_ value: some Encodable, forKey key: Key) throws {
        node.add(key.stringValue, try node.attribute(value, key))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        node.addChild(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        node.addChild(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { node.addChild(SuperKey()) }
    func superEncoder(forKey key: Key) -> any Encoder { node.addChild(key) }
}
