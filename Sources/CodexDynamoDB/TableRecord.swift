internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// What DynamoDB's clients say of a table and the store's schema does not have: an item of a table of the service's
/// own.
struct TableRecord {
    /// The table that these are in; clients do not see it.
    static let tableName = "codex.dynamodb.tables"
    static let definition = TableDefinition(tableName, partitionKey: KeyAttribute("name"))

    let name: String
    var id = UUID().uuidString.lowercased()
    /// When the table was made, in milliseconds since 1970; 0 if it was not made here.
    var createdAt = 0
    /// The indexes that are local ones.
    var localIndexes: [String] = []
    var billingMode = "PAY_PER_REQUEST"
    var readUnits = 0
    var writeUnits = 0
    var isProtected = false
    /// The stream's view; `nil` if it is off.
    var streamView: StreamView?
    /// The label of the last stream there was.
    var streamLabel: String?
    /// The commit after which the stream begins.
    var streamStart: UInt64 = 0
    var tags: [(key: String, value: String)] = []

    init(_ name: String) { self.name = name }

    init(_ item: Item, _ name: String) {
        self.name = name
        id = item["id"]?.string ?? id
        createdAt = item["createdAt"]?.number?.int64.map(Int.init) ?? 0
        if case .list(let names)? = item["localIndexes"] {
            localIndexes = names.compactMap(\.string)
        }
        billingMode = item["billingMode"]?.string ?? billingMode
        readUnits = item["readUnits"]?.number?.int64.map(Int.init) ?? 0
        writeUnits = item["writeUnits"]?.number?.int64.map(Int.init) ?? 0
        isProtected = item["isProtected"] == .bool(true)
        streamView = item["streamView"]?.string.flatMap(StreamView.init)
        streamLabel = item["streamLabel"]?.string
        streamStart = item["streamStart"]?.number?.int64.flatMap { UInt64(exactly: $0) } ?? 0
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
            "streamStart": .number(Number(streamStart)),
            "tags": .list(tags.map { .map(["key": .string($0.key), "value": .string($0.value)]) }),
        ]
        item["streamView"] = streamView.map { .string($0.rawValue) }
        item["streamLabel"] = streamLabel.map { .string($0) }
        return item
    }
}

extension DynamoDBService {
    /// What clients said of a table; what is usual if they said nothing.
    func record(of table: String) throws -> TableRecord {
        guard store.schema.tables.contains(where: { $0.name == TableRecord.tableName }),
            let item = try store.item(in: TableRecord.tableName, key: PrimaryKey(.string(table)))
        else { return TableRecord(table) }
        return TableRecord(item, table)
    }

    func save(_ record: TableRecord) async throws {
        if !store.schema.tables.contains(where: { $0.name == TableRecord.tableName }) {
            do {
                try await store.addTable(TableRecord.definition)
            } catch let error as CodexError where error.code == .schemaMismatch {
                // Another request was faster.
            }
        }
        let item = record.item
        _ = try await store.write { try $0.put(item, in: TableRecord.tableName) }
    }

    func forgetRecord(of table: String) async throws {
        guard store.schema.tables.contains(where: { $0.name == TableRecord.tableName }) else {
            return
        }
        _ = try await store.write {
            try $0.delete(in: TableRecord.tableName, key: PrimaryKey(.string(table)))
        }
    }

    func arn(_ table: String) -> String { "arn:aws:dynamodb:\(region):\(account):table/\(table)" }

    func streamARN(_ record: TableRecord) -> String? {
        record.streamLabel.map { "\(arn(record.name))/stream/\($0)" }
    }

    var milliseconds: Int { Int(Date().timeIntervalSince1970 * 1000) }
}
