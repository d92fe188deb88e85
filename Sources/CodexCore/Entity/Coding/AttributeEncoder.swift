internal import FoundationEssentials

/// Encodes `Codable` values as attributes.
///
/// Integers, floating-point numbers and ``Number``s become `N`, `Date`s ISO 8601 text, `UUID` and
/// `URL` text, `Data` becomes `B`, arrays (`[UInt8]` too) `L`, keyed types `M`. Absent optionals
/// stay absent.
package enum AttributeEncoder {
    /// The attributes of a value that encodes as a keyed container.
    package static func encode(_ value: some Encodable) throws(CodexError) -> Item {
        do {
            guard case .map(let item) = try attribute(value, []) else {
                throw CodexError(
                    .typeMismatch, "Only types that encode as keyed containers are items.")
            }
            return item
        } catch let error as CodexError {
            throw error
        } catch {
            throw CodexError(
                .typeMismatch, "A value could not be encoded as attributes.", cause: error)
        }
    }

    fileprivate static func attribute(
        _ value: some Encodable, _ path: [any CodingKey]
    ) throws -> AttributeValue {
        switch value {
        case let value as Date: return value.attributeValue
        case let value as Data: return .binary(Array(value))
        case let value as UUID: return .string(value.uuidString.lowercased())
        case let value as URL: return .string(value.absoluteString)
        case let value as Number: return .number(value)
        default:
            let encoder = Node(codingPath: path)
            try value.encode(to: encoder)
            return encoder.value
        }
    }

    fileprivate static func number(_ value: Double) throws -> AttributeValue {
        .number(try Number(value))
    }

    fileprivate static func number(_ value: some BinaryInteger) throws -> AttributeValue {
        if let small = Int64(exactly: value) { return .number(Number(small)) }
        return .number(try Number(parsing: String(value)))
    }

    /// One value under construction; containers write into it.
    fileprivate final class Node: Encoder {
        let codingPath: [any CodingKey]
        var userInfo: [CodingUserInfoKey: Any] { [:] }
        var single: AttributeValue?
        var members: [(String, Node)]?
        var elements: [Node]?

        init(codingPath: [any CodingKey]) { self.codingPath = codingPath }

        convenience init(_ value: AttributeValue, _ path: [any CodingKey]) {
            self.init(codingPath: path)
            single = value
        }

        var value: AttributeValue {
            if let single { return single }
            if let elements { return .list(elements.map(\.value)) }
            return .map(AttributeMap((members ?? []).map { ($0, $1.value) }))
        }

        func append(_ name: String, _ node: Node) { members?.append((name, node)) }

        func append(_ node: Node) { elements?.append(node) }

        func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            if members == nil { members = [] }
            return KeyedEncodingContainer(KeyedContainer<Key>(node: self))
        }

        func unkeyedContainer() -> any UnkeyedEncodingContainer {
            if elements == nil { elements = [] }
            return UnkeyedContainer(node: self)
        }

        func singleValueContainer() -> any SingleValueEncodingContainer {
            SingleContainer(node: self)
        }
    }

    private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: Node
        var codingPath: [any CodingKey] { node.codingPath }

        private func set(_ value: AttributeValue, _ key: Key) {
            node.append(key.stringValue, Node(value, codingPath + [key]))
        }

        func encodeNil(forKey key: Key) { set(.null, key) }
        func encode(_ value: Bool, forKey key: Key) { set(.bool(value), key) }
        func encode(_ value: String, forKey key: Key) { set(.string(value), key) }
        func encode(_ value: Double, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: Float, forKey key: Key) throws { set(try number(Double(value)), key) }
        func encode(_ value: Int, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: Int8, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: Int16, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: Int32, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: Int64, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: UInt, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: UInt8, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: UInt16, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: UInt32, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: UInt64, forKey key: Key) throws { set(try number(value), key) }
        func encode(_ value: some Encodable, forKey key: Key) throws {
            set(try attribute(value, codingPath + [key]), key)
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            let child = Node(codingPath: codingPath + [key])
            node.append(key.stringValue, child)
            return child.container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            let child = Node(codingPath: codingPath + [key])
            node.append(key.stringValue, child)
            return child.unkeyedContainer()
        }

        func superEncoder() -> any Encoder {
            let child = Node(codingPath: codingPath)
            node.append("super", child)
            return child
        }

        func superEncoder(forKey key: Key) -> any Encoder {
            let child = Node(codingPath: codingPath + [key])
            node.append(key.stringValue, child)
            return child
        }
    }

    private struct UnkeyedContainer: UnkeyedEncodingContainer {
        let node: Node
        var codingPath: [any CodingKey] { node.codingPath }
        var count: Int { node.elements?.count ?? 0 }

        private func append(_ value: AttributeValue) { node.append(Node(value, codingPath)) }

        func encodeNil() { append(.null) }
        func encode(_ value: Bool) { append(.bool(value)) }
        func encode(_ value: String) { append(.string(value)) }
        func encode(_ value: Double) throws { append(try number(value)) }
        func encode(_ value: Float) throws { append(try number(Double(value))) }
        func encode(_ value: Int) throws { append(try number(value)) }
        func encode(_ value: Int8) throws { append(try number(value)) }
        func encode(_ value: Int16) throws { append(try number(value)) }
        func encode(_ value: Int32) throws { append(try number(value)) }
        func encode(_ value: Int64) throws { append(try number(value)) }
        func encode(_ value: UInt) throws { append(try number(value)) }
        func encode(_ value: UInt8) throws { append(try number(value)) }
        func encode(_ value: UInt16) throws { append(try number(value)) }
        func encode(_ value: UInt32) throws { append(try number(value)) }
        func encode(_ value: UInt64) throws { append(try number(value)) }
        func encode(_ value: some Encodable) throws { append(try attribute(value, codingPath)) }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) -> KeyedEncodingContainer<Nested> {
            let child = Node(codingPath: codingPath)
            node.append(child)
            return child.container(keyedBy: type)
        }

        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            let child = Node(codingPath: codingPath)
            node.append(child)
            return child.unkeyedContainer()
        }

        func superEncoder() -> any Encoder {
            let child = Node(codingPath: codingPath)
            node.append(child)
            return child
        }
    }

    private struct SingleContainer: SingleValueEncodingContainer {
        let node: Node
        var codingPath: [any CodingKey] { node.codingPath }

        func encodeNil() { node.single = .null }
        func encode(_ value: Bool) { node.single = .bool(value) }
        func encode(_ value: String) { node.single = .string(value) }
        func encode(_ value: Double) throws { node.single = try number(value) }
        func encode(_ value: Float) throws { node.single = try number(Double(value)) }
        func encode(_ value: Int) throws { node.single = try number(value) }
        func encode(_ value: Int8) throws { node.single = try number(value) }
        func encode(_ value: Int16) throws { node.single = try number(value) }
        func encode(_ value: Int32) throws { node.single = try number(value) }
        func encode(_ value: Int64) throws { node.single = try number(value) }
        func encode(_ value: UInt) throws { node.single = try number(value) }
        func encode(_ value: UInt8) throws { node.single = try number(value) }
        func encode(_ value: UInt16) throws { node.single = try number(value) }
        func encode(_ value: UInt32) throws { node.single = try number(value) }
        func encode(_ value: UInt64) throws { node.single = try number(value) }
        func encode(_ value: some Encodable) throws {
            node.single = try attribute(value, codingPath)
        }
    }
}
