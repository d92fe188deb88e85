/// Items as JSON: DynamoDB's typed form (`{"PK": {"S": "USER#123"}}`) and plain JSON (`{"PK":
/// "USER#123"}`).
///
/// Both forms can be read and written. DynamoDB JSON is lossless: an item that is written and read
/// back is equal. Plain JSON, which is for people, does not distinguish sets from lists, or
/// binaries from text.
public enum DynamoDBJSON {
    /// Parses an item in DynamoDB JSON.
    ///
    /// A document is unwrapped if its member `Item` holds an object of typed values. The member may
    /// be alone, as in DynamoDB's export to S3, or beside a member `Header`, as in the output of
    /// `codexflow export --header`. The header is ignored, because keys determine entities, and
    /// each store counts versions by its own writes.
    ///
    /// The base64 of binary values has padding. Unused bits of its last digit are zero, as DynamoDB
    /// requires.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON``, with the place of malformed JSON, or with the
    ///   attribute of a value that is not DynamoDB's; ``CodexError/Code/invalidNumber``.
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

    /// The item as DynamoDB JSON on one line, with names in the order of their bytes.
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
        var elements: [AttributeMap.Element] = []
        elements.reserveCapacity(members.count)
        for member in members {
            elements.append(.init(name: member.name, value: try value(member.value)))
        }
        return AttributeMap(unsorted: elements)
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
            var elements: [AttributeMap.Element] = []
            elements.reserveCapacity(members.count)
            for member in members {
                elements.append(.init(name: member.name, value: try plain(member.value)))
            }
            return .map(AttributeMap(unsorted: elements))
        }
    }
}
