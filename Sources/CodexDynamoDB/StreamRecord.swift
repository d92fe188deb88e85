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
    private(set) var stream: TableStream
    /// The number of the table whose removal ends the stream; `nil` if the stream has its end.
    ///
    /// Until the end is recorded, the stream's own end is some commit before the removal.
    let tableNumber: Int?

    /// Makes a record of a stream.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - stream: The stream.
    ///   - number: The number of the table, if its removal will end the stream.
    init(_ table: TableDefinition, _ stream: TableStream, endingWith number: Int? = nil) {
        self.table = TableDefinition(
            table.name, partitionKey: table.partitionKey, sortKey: table.sortKey)
        self.stream = stream
        tableNumber = number
    }

    init?(_ item: Item) {
        guard let name = item["table"]?.string, let partition = Self.key(item["partitionKey"]),
            let stream = item["stream"]?.map.flatMap(TableStream.init)
        else { return nil }
        table = TableDefinition(
            name, partitionKey: partition, sortKey: Self.key(item["sortKey"]))
        self.stream = stream
        tableNumber = item["tableNumber"]?.number?.int64.flatMap { Int(exactly: $0) }
    }

    /// The record, with the commit that removed the table as the end of the stream.
    func ending(after commit: UInt64) -> StreamRecord {
        var record = self
        record.stream.extend(to: commit)
        return record
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
        item["tableNumber"] = tableNumber.map { .number(Number($0)) }
        item["expires"] = stream.endedAt.map {
            .number(Number(($0 + TableStream.keptMilliseconds) / 1000 + 1))
        }
        return item
    }
}
