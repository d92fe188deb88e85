/// Items as JSON: DynamoDB's typed form (`{"PK": {"S": "USER#123"}}`) both ways, and plain JSON
/// (`{"PK": "USER#123"}`) for people.
///
/// DynamoDB JSON loses nothing: what is written reads back equal. Plain JSON does not tell sets
/// from lists or binaries from text.
public enum DynamoDBJSON {
    /// Parses an item in DynamoDB JSON.
    ///
    /// A document whose member `Item` holds an object of typed values, alone, as DynamoDB's export to
    /// S3 writes it, or beside a member `Header`, as `codexflow export --header` does, is unwrapped.
    /// Headers are not taken over: entities follow from keys, and versions count writes here.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON``, with the place for malformed JSON and the
    ///   attribute for a value that is not DynamoDB's; ``CodexError/Code/invalidNumber``.
    public static func item(parsing bytes: [UInt8]) throws(CodexError) -> Item {
        var node = try JSONNode.parse(bytes)
        if case .object(let members) = node, let wrapped = wrappedItem(members) { node = wrapped }
        return try item(node)
    }

    private static func wrappedItem(
        _ members: [(name: String, value: JSONNode)]
    ) -> JSONNode? {
        guard members.allSatisfy({ $0.name == "Item" || $0.name == "Header" }),
            let item = members.first(where: { $0.name == "Item" })?.value,
            case .object(let inner) = item,
            inner.allSatisfy({ if case .object = $0.value { true } else { false } })
        else { return nil }
        return item
    }

    /// Parses an item in plain JSON: text, numbers, Booleans, null, arrays and objects.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON``, ``CodexError/Code/invalidNumber``.
    public static func item(parsingPlain bytes: [UInt8]) throws(CodexError) -> Item {
        guard case .map(let item) = try plain(try JSONNode.parse(bytes)) else {
            throw CodexError(.invalidJSON, "An item is a JSON object.")
        }
        return item
    }

    /// The item as DynamoDB JSON on one line, names in the order of their bytes.
    public static func text(_ item: Item) -> String {
        var writer = JSONWriter()
        writer.typed(item)
        return writer.text
    }

    /// The item as plain JSON on one line; sets become arrays and binaries base64 text.
    public static func plainText(_ item: Item) -> String {
        var writer = JSONWriter()
        writer.plain(.map(item))
        return writer.text
    }

    package static func item(_ node: JSONNode) throws(CodexError) -> Item {
        guard case .object(let members) = node else {
            throw CodexError(.invalidJSON, "An item is a JSON object of typed values.")
        }
        var item = Item()
        for member in members { item[member.name] = try value(member.value) }
        return item
    }

    package static func value(_ node: JSONNode) throws(CodexError) -> AttributeValue {
        guard case .object(let members) = node, members.count == 1, let member = members.first,
            let type = AttributeType(rawValue: member.name)
        else {
            throw CodexError(
                .invalidJSON,
                "A value is an object with one member, named S, N, B, BOOL, NULL, L, M, SS, NS or BS."
            )
        }
        switch (type, member.value) {
        case (.string, .string(let text)): return .string(text)
        case (.number, .string(let text)): return .number(try Number(parsing: text))
        case (.binary, .string(let text)): return .binary(try Base64.decode(text))
        case (.bool, .bool(let flag)): return .bool(flag)
        case (.null, .bool(true)): return .null
        case (.list, .array(let nodes)):
            var values: [AttributeValue] = []
            for node in nodes { values.append(try value(node)) }
            return .list(values)
        case (.map, .object): return .map(try item(member.value))
        case (.stringSet, .array(let nodes)):
            return .stringSet(try set(nodes) { $0 })
        case (.numberSet, .array(let nodes)):
            return .numberSet(
                try set(nodes) { text throws(CodexError) in try Number(parsing: text) })
        case (.binarySet, .array(let nodes)):
            return .binarySet(try set(nodes) { text throws(CodexError) in try Base64.decode(text) })
        default:
            throw CodexError(.invalidJSON, "A \(type.rawValue) value has the wrong JSON type.")
        }
    }

    private static func set<Element>(
        _ nodes: [JSONNode], _ make: (String) throws(CodexError) -> Element
    ) throws(CodexError) -> AttributeSet<Element> {
        var members: [Element] = []
        for node in nodes {
            guard case .string(let text) = node else {
                throw CodexError(.invalidJSON, "A set's members are JSON strings.")
            }
            members.append(try make(text))
        }
        guard let set = AttributeSet(distinct: members) else {
            throw CodexError(.invalidJSON, "A set has a member twice.")
        }
        return set
    }

    private static func plain(_ node: JSONNode) throws(CodexError) -> AttributeValue {
        switch node {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .number(let text): return .number(try Number(parsing: text))
        case .string(let text): return .string(text)
        case .array(let nodes):
            var values: [AttributeValue] = []
            for node in nodes { values.append(try plain(node)) }
            return .list(values)
        case .object(let members):
            var map = AttributeMap()
            for member in members { map[member.name] = try plain(member.value) }
            return .map(map)
        }
    }
}

/// Writes JSON text.
private struct JSONWriter {
    private var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func typed(_ item: AttributeMap) {
        object(item) { $0.typed($1) }
    }

    private mutating func typed(_ value: AttributeValue) {
        raw("{\"\(value.type.rawValue)\":")
        switch value {
        case .string(let text): string(text)
        case .number(let number): string(number.description)
        case .binary(let data): string(Base64.encode(data))
        case .bool(let flag): raw(flag ? "true" : "false")
        case .null: raw("true")
        case .list(let values): array(values) { $0.typed($1) }
        case .map(let map): typed(map)
        case .stringSet(let set): array(set.members) { $0.string($1) }
        case .numberSet(let set): array(set.members) { $0.string($1.description) }
        case .binarySet(let set): array(set.members) { $0.string(Base64.encode($1)) }
        }
        raw("}")
    }

    mutating func plain(_ value: AttributeValue) {
        switch value {
        case .string(let text): string(text)
        case .number(let number): raw(number.description)
        case .binary(let data): string(Base64.encode(data))
        case .bool(let flag): raw(flag ? "true" : "false")
        case .null: raw("null")
        case .list(let values): array(values) { $0.plain($1) }
        case .map(let map): object(map) { $0.plain($1) }
        case .stringSet(let set): array(set.members) { $0.string($1) }
        case .numberSet(let set): array(set.members) { $0.raw($1.description) }
        case .binarySet(let set): array(set.members) { $0.string(Base64.encode($1)) }
        }
    }

    private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func object(
        _ map: AttributeMap, _ write: (inout JSONWriter, AttributeValue) -> Void
    ) {
        raw("{")
        for (index, element) in map.elements.enumerated() {
            if index > 0 { raw(",") }
            string(element.name)
            raw(":")
            write(&self, element.value)
        }
        raw("}")
    }

    private mutating func array<Element>(
        _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
    ) {
        raw("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { raw(",") }
            write(&self, element)
        }
        raw("]")
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        defer { bytes.append(UInt8(ascii: "\"")) }
        // Most text has nothing to escape, and is appended as a whole.
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                raw("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default: bytes.append(byte)
            }
        }
    }
}
