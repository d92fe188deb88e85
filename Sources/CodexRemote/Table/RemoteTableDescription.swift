public import CodexCore

/// What a service tells of a table.
public struct RemoteTableDescription: Sendable, Hashable {
    /// The state, such as `ACTIVE`.
    public let status: String
    /// The name, the keys and the global and local indexes; it has no time to live.
    public let definition: TableDefinition
    /// The number of items, some hours old.
    public let itemCount: Int
    /// The table's stream of changes; `nil` if it has none.
    public let stream: TableCapabilities.Stream?
    /// The name by which the service knows the stream, also of one that was disabled; `nil` if
    /// there is none.
    public let streamARN: String?

    /// Reads an answer of DescribeTable.
    ///
    /// - Parameter text: The JSON, as `aws dynamodb describe-table` prints it.
    /// - Throws: ``CodexError/Code/invalidJSON``; ``CodexError/Code/invalidResponse`` if it is
    ///   other JSON.
    public init(json text: String) throws(CodexError) {
        guard let read = Self(try JSONNode.parse(Array(text.utf8))) else {
            throw CodexError(
                .invalidResponse,
                "The JSON is no description of a table. Give that of DescribeTable.")
        }
        self = read
    }

    /// Reads an answer of DescribeTable; `nil` if it is none.
    init?(_ answer: JSONNode) {
        guard let table = answer["Table"], let name = table["TableName"]?.text,
            let status = table["TableStatus"]?.text, let keys = Keys(table, types: table),
            let partition = keys.partition.first, keys.partition.count == 1,
            keys.sort.count <= 1
        else { return nil }
        var indexes: [IndexDefinition] = []
        for member in ["LocalSecondaryIndexes", "GlobalSecondaryIndexes"] {
            for node in table[member]?.elements ?? [] {
                guard let name = node["IndexName"]?.text, let keys = Keys(node, types: table)
                else { return nil }
                indexes.append(
                    IndexDefinition(
                        name, partitionKey: keys.partition, sortKey: keys.sort,
                        projection: Self.projection(node["Projection"])))
            }
        }
        self.status = status
        definition = TableDefinition(
            name, partitionKey: partition, sortKey: keys.sort.first, indexes: indexes)
        itemCount = table["ItemCount"]?.integer ?? 0
        stream = Self.stream(table["StreamSpecification"])
        streamARN = table["LatestStreamArn"]?.text
    }

    /// The attributes of a key schema.
    private struct Keys {
        var partition: [KeyAttribute] = []
        var sort: [KeyAttribute] = []

        init?(_ node: JSONNode, types: JSONNode) {
            for element in node["KeySchema"]?.elements ?? [] {
                guard let name = element["AttributeName"]?.text,
                    let text = types["AttributeDefinitions"]?.elements.first(where: {
                        $0["AttributeName"]?.text == name
                    })?["AttributeType"]?.text,
                    let type = KeyAttribute.KeyType(rawValue: text)
                else { return nil }
                if element["KeyType"]?.text == "HASH" {
                    partition.append(KeyAttribute(name, type))
                } else {
                    sort.append(KeyAttribute(name, type))
                }
            }
            if partition.isEmpty { return nil }
        }
    }

    private static func projection(_ node: JSONNode?) -> IndexProjection {
        switch node?["ProjectionType"]?.text ?? "" {
        case "KEYS_ONLY": .keysOnly
        case "INCLUDE": .include((node?["NonKeyAttributes"]?.elements ?? []).compactMap(\.text))
        default: .all
        }
    }

    private static func stream(_ node: JSONNode?) -> TableCapabilities.Stream? {
        guard case .bool(true)? = node?["StreamEnabled"] else { return nil }
        let view = node?["StreamViewType"]?.text ?? ""
        return TableCapabilities.Stream(
            order: .item, hasOldImages: ["OLD_IMAGE", "NEW_AND_OLD_IMAGES"].contains(view),
            hasNewImages: ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"].contains(view))
    }

    /// The attribute in an answer of DescribeTimeToLive; `nil` if items do not expire.
    static func timeToLive(_ answer: JSONNode) -> String? {
        let node = answer["TimeToLiveDescription"]
        let isEnabled = ["ENABLED", "ENABLING"].contains(node?["TimeToLiveStatus"]?.text ?? "")
        return isEnabled ? node?["AttributeName"]?.text : nil
    }
}

extension IndexDefinition {
    /// Whether the partition key or the sort key has several attributes.
    var isComposite: Bool { partitionKey.count > 1 || sortKey.count > 1 }
}
