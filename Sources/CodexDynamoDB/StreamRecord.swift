internal import CodexCore
internal import CodexStore

/// A stream and what requests need of its table.
///
/// A stream that was replaced, or whose table was deleted, is an item in a table of the service for
/// a day.
struct StreamRecord: Sendable {
    /// The table of these records; clients do not see it.
    static let tableName = "codex.dynamodb.streams"
    static let definition = TableDefinition(
        tableName, partitionKey: KeyAttribute("kind"), sortKey: KeyAttribute("name"),
        timeToLive: "expires")
    /// The partition of all records.
    static let kind = AttributeValue.string("stream")

    /// The table's name and key.
    let table: TableDefinition
    let stream: TableStream

    init(_ table: TableDefinition, _ stream: TableStream) {
        self.table = TableDefinition(
            table.name, partitionKey: table.partitionKey, sortKey: table.sortKey)
        self.stream = stream
    }

    init?(_ item: Item) {
        guard let name = item["table"]?.string, let partition = Self.key(item["partitionKey"]),
            let stream = item["stream"]?.map.flatMap(TableStream.init)
        else { return nil }
        table = TableDefinition(
            name, partitionKey: partition, sortKey: Self.key(item["sortKey"]))
        self.stream = stream
    }

    private static func key(_ value: AttributeValue?) -> KeyAttribute? {
        guard let name = value?.map?["name"]?.string,
            let type = value?.map?["type"]?.string.flatMap(KeyAttribute.KeyType.init(rawValue:))
        else { return nil }
        return KeyAttribute(name, type)
    }

    private static func value(_ key: KeyAttribute) -> AttributeValue {
        .map(["name": .string(key.name), "type": .string(key.type.rawValue)])
    }

    /// The sort key of a record.
    static func name(_ table: String, _ label: String) -> String { "\(table)/stream/\(label)" }

    /// The record of a stream that ended.
    var item: Item {
        let name = Self.name(table.name, stream.label)
        var item: Item = [
            "kind": Self.kind, "name": .string(name), "table": .string(table.name),
            "partitionKey": Self.value(table.partitionKey), "stream": .map(stream.map),
        ]
        item["sortKey"] = table.sortKey.map(Self.value)
        item["expires"] = stream.endedAt.map {
            .number(Number(($0 + TableStream.keptMilliseconds) / 1000 + 1))
        }
        return item
    }
}
