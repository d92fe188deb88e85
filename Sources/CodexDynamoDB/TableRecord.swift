internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// The settings of a table that DynamoDB's clients give and the store's schema does not have.
///
/// It is an item in a table of the service.
struct TableRecord {
    /// The table of these records; clients do not see it.
    static let tableName = "codex.dynamodb.tables"
    static let definition = TableDefinition(tableName, partitionKey: KeyAttribute("name"))

    let name: String
    var id: String
    /// The table's creation time, in milliseconds since 1970; 0 if the service did not create it.
    var createdAt = 0
    /// The names of the local indexes.
    var localIndexes: [String] = []
    var billingMode = "PAY_PER_REQUEST"
    var readUnits = 0
    var writeUnits = 0
    var isProtected = false
    /// The last stream of the table.
    var stream: TableStream?
    var tags: [(key: String, value: String)] = []

    /// Creates the record of a table that the service did not create.
    init(_ name: String) {
        self.name = name
        // The identifier is the same each time.
        id = String(SHA256.hexadecimal(name).prefix(32))
    }

    init(_ item: Item, _ name: String) {
        self.init(name)
        id = item["id"]?.string ?? id
        createdAt = item["createdAt"]?.number?.int64.map(Int.init) ?? 0
        if case .list(let names)? = item["localIndexes"] {
            localIndexes = names.compactMap(\.string)
        }
        billingMode = item["billingMode"]?.string ?? billingMode
        readUnits = item["readUnits"]?.number?.int64.map(Int.init) ?? 0
        writeUnits = item["writeUnits"]?.number?.int64.map(Int.init) ?? 0
        isProtected = item["isProtected"] == .bool(true)
        stream = item["stream"]?.map.flatMap(TableStream.init)
        if case .list(let pairs)? = item["tags"] {
            tags = pairs.compactMap { pair in
                guard let map = pair.map, let key = map["key"]?.string,
                    let value = map["value"]?.string
                else { return nil }
                return (key, value)
            }
        }
    }

    var item: Item {
        var item: Item = [
            "name": .string(name), "id": .string(id), "createdAt": .number(Number(createdAt)),
            "localIndexes": .list(localIndexes.map { .string($0) }),
            "billingMode": .string(billingMode), "readUnits": .number(Number(readUnits)),
            "writeUnits": .number(Number(writeUnits)), "isProtected": .bool(isProtected),
            "tags": .list(tags.map { .map(["key": .string($0.key), "value": .string($0.value)]) }),
        ]
        item["stream"] = stream.map { .map($0.map) }
        return item
    }
}

/// A table's stream: the table's changes after a commit, up to another commit if it was disabled.
struct TableStream: Sendable {
    let view: StreamView
    let label: String
    /// The time when it was enabled, in milliseconds since 1970.
    let createdAt: Int
    /// The commit after which it starts.
    let start: UInt64
    /// The last commit in it; `nil` while it is enabled.
    var end: UInt64?

    init(view: StreamView, at instant: Int, after commit: UInt64) {
        self.view = view
        createdAt = instant
        label = String(
            Timestamp.text(Date(timeIntervalSince1970: Double(instant) / 1000)).dropLast())
        start = commit
    }

    init?(_ map: AttributeMap) {
        guard let view = map["view"]?.string.flatMap(StreamView.init),
            let label = map["label"]?.string, let createdAt = map["createdAt"]?.number?.int64,
            let start = map["start"]?.number?.int64.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        (self.view, self.label, self.start) = (view, label, start)
        self.createdAt = Int(createdAt)
        end = map["end"]?.number?.int64.flatMap { UInt64(exactly: $0) }
    }

    var map: AttributeMap {
        var map: AttributeMap = [
            "view": .string(view.rawValue), "label": .string(label),
            "createdAt": .number(Number(createdAt)), "start": .number(Number(start)),
        ]
        map["end"] = end.map { .number(Number($0)) }
        return map
    }

    /// The identifier of its one shard; stream adapters read the time in it.
    var shardID: String {
        let digits = String(createdAt)
        return "shardId-" + String(repeating: "0", count: 20 - digits.count) + digits + "-"
            + SHA256.hexadecimal(label).prefix(8)
    }
}

extension DynamoDBService {
    /// The record of a table; the defaults if clients gave no settings.
    func record(of table: String) throws -> TableRecord {
        guard store.schema.tables.contains(where: { $0.name == TableRecord.tableName }),
            let item = try store.item(in: TableRecord.tableName, key: PrimaryKey(.string(table)))
        else { return TableRecord(table) }
        return TableRecord(item, table)
    }

    /// Changes the record of a table in one transaction.
    @discardableResult
    func change(
        _ table: String, _ body: @escaping @Sendable (inout TableRecord) throws -> Void
    ) async throws -> TableRecord {
        if !store.schema.tables.contains(where: { $0.name == TableRecord.tableName }) {
            do {
                try await store.addTable(TableRecord.definition)
            } catch let error as CodexError where error.code == .schemaMismatch {
                // Another request added the table first.
            }
        }
        return try await store.write { transaction in
            let key = PrimaryKey(.string(table))
            let stored = try transaction.item(in: TableRecord.tableName, key: key)
            var record = stored.map { TableRecord($0, table) } ?? TableRecord(table)
            try body(&record)
            try transaction.put(record.item, in: TableRecord.tableName)
            return record
        }
    }

    /// Deletes the record of a deleted table, but not that of a newer table with the same name.
    func deleteRecord(_ record: TableRecord) async throws {
        guard store.schema.tables.contains(where: { $0.name == TableRecord.tableName }) else {
            return
        }
        do {
            _ = try await store.write {
                try $0.delete(
                    in: TableRecord.tableName, key: PrimaryKey(.string(record.name)),
                    condition: .compare(.path("id"), .equal, .value(.string(record.id))))
            }
        } catch CodexError.Code.conditionFailed {
            return
        }
    }

    func arn(_ table: String) -> String { "arn:aws:dynamodb:\(region):\(account):table/\(table)" }

    func streamARN(_ record: TableRecord) -> String? {
        record.stream.map { "\(arn(record.name))/stream/\($0.label)" }
    }

    /// The present time in milliseconds since 1970, at least 0.
    var milliseconds: Int { Int(max(0, now().millisecondsSince1970)) }
}
