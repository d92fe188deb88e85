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

    /// The sort key of the record.
    var name: String { Self.name(table.name, stream.label) }

    /// The record of a stream that ended.
    var item: Item {
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

extension StreamRecord {
    /// The last streams of tables, and those that ended and are no table's last one.
    ///
    /// - Parameters:
    ///   - table: The table's name; `nil` is all tables.
    ///   - transaction: The transaction.
    /// - Returns: The streams, also those that are not described any more.
    /// - Throws: The errors of reading.
    static func all<Source: ReadableTransaction & ~Copyable>(
        of table: String?, in transaction: borrowing Source
    ) throws -> [StreamRecord] {
        var known: [StreamRecord] = []
        var tables = transaction.tableNames
        if let table { tables = [table] }
        for name in tables {
            if let record = try last(of: name, in: transaction) { known.append(record) }
        }
        // A table that is about to be deleted has its stream in both places.
        let names = Set(known.map(\.name))
        for record in try former(of: table, in: transaction) where !names.contains(record.name) {
            known.append(record)
        }
        return known
    }

    /// The stream of a table's name with a label; `nil` if there is none.
    ///
    /// - Parameters:
    ///   - label: The label.
    ///   - table: The table's name.
    ///   - transaction: The transaction.
    /// - Returns: The stream, also if it is not described any more.
    /// - Throws: The errors of reading.
    static func labelled<Source: ReadableTransaction & ~Copyable>(
        _ label: String, of table: String, in transaction: borrowing Source
    ) throws -> StreamRecord? {
        if let record = try last(of: table, in: transaction), record.stream.label == label {
            return record
        }
        guard transaction.tableNumber(tableName) != nil else { return nil }
        let key = PrimaryKey(kind, .string(name(table, label)))
        let item = try transaction.item(in: tableName, key: key)
        return try item.flatMap(StreamRecord.init)?.ended(in: transaction)
    }

    /// The streams that ended and are no table's last one, also those of deleted tables.
    ///
    /// - Parameters:
    ///   - table: The table's name; `nil` is all tables.
    ///   - transaction: The transaction.
    /// - Returns: The streams.
    /// - Throws: The errors of reading.
    static func former<Source: ReadableTransaction & ~Copyable>(
        of table: String?, in transaction: borrowing Source
    ) throws -> [StreamRecord] {
        guard transaction.tableNumber(tableName) != nil else { return [] }
        let start = table.map { SortCondition.beginsWith(.string(name($0, ""))) }
        let query = TableQuery(table: tableName, partition: [kind], sort: start ?? .any)
        var records: [StreamRecord] = []
        for item in try transaction.items(matching: query).items {
            guard let record = StreamRecord(item) else { continue }
            records.append(try record.ended(in: transaction))
        }
        return records
    }

    /// The last stream of a table; `nil` if the table is not there, or has none.
    private static func last<Source: ReadableTransaction & ~Copyable>(
        of table: String, in transaction: borrowing Source
    ) throws -> StreamRecord? {
        guard let number = transaction.tableNumber(table),
            let stream = try TableRecord.of(table, number, in: transaction).stream,
            let definition = transaction.tableState(table)?.definition
        else { return nil }
        return StreamRecord(definition, stream)
    }

    /// The record with its end.
    ///
    /// A process that was killed in a DeleteTable has not recorded the end: it is the commit that
    /// removed the table.
    private func ended<Source: ReadableTransaction & ~Copyable>(
        in transaction: borrowing Source
    ) throws -> StreamRecord {
        guard let tableNumber, let commit = try transaction.removalCommit(ofTable: tableNumber)
        else { return self }
        var record = self
        record.stream.extend(to: commit)
        return record
    }
}
