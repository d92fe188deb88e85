import CBareLMDB
import CodexCore
import CodexStore
import Foundation
import GRDB

/// A database under YCSB.
///
/// Commits survive a killed process; a power cut may take the last of them.
protocol YCSBEngine {
    var name: String { get }
    /// Puts many records at once.
    func load(_ keys: [String], _ fields: [String]) throws
    /// Reads all fields.
    ///
    /// - Returns: How many bytes they have.
    func read(_ key: String) throws -> Int
    func update(_ key: String, _ field: Int, _ value: String) throws
    func insert(_ key: String, _ fields: [String]) throws
    /// Reads all fields of `count` records from a key on.
    func scan(_ key: String, _ count: Int) throws -> Int
    func readModifyWrite(_ key: String, _ field: Int, _ value: String) throws
    func close() throws
}

private let fieldNames = (0..<YCSBWorkload.fieldCount).map { "field\($0)" }

/// Codex: an item with ten attributes, in one partition, since E scans over all keys in order.
struct CodexYCSB: YCSBEngine {
    let name = "Codex"
    private let store: Store
    private static let partition = AttributeValue.string("ycsb")

    init(_ path: String) throws {
        var options = StoreOptions()
        options.durability = .interval(losing: .seconds(1))
        let table = TableDefinition(
            "usertable", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("key"))
        store = try Store(at: path, schema: Schema(tables: [table]), options: options)
    }

    private func item(_ key: String, _ fields: [String]) -> Item {
        var item: Item = ["p": Self.partition, "key": .string(key)]
        for (name, field) in zip(fieldNames, fields) { item[name] = .string(field) }
        return item
    }

    private func byteCount(_ item: Item) -> Int {
        var count = 0
        for name in fieldNames { count += item[name]?.string?.utf8.count ?? 0 }
        return count
    }

    private func key(_ text: String) -> PrimaryKey { PrimaryKey(Self.partition, .string(text)) }

    func load(_ keys: [String], _ fields: [String]) throws {
        for start in stride(from: 0, to: keys.count, by: 5000) {
            try store.write { transaction in
                for key in keys[start..<min(start + 5000, keys.count)] {
                    try transaction.put(item(key, fields), in: "usertable")
                }
            }
        }
    }

    func read(_ key: String) throws -> Int {
        try store.item(in: "usertable", key: self.key(key)).map(byteCount) ?? 0
    }

    func update(_ key: String, _ field: Int, _ value: String) throws {
        let update = Update().setting(Attribute<String>(fieldNames[field]), to: value)
        try store.write { transaction in
            _ = try transaction.update(in: "usertable", key: self.key(key), update)
        }
    }

    func insert(_ key: String, _ fields: [String]) throws {
        let item = item(key, fields)
        try store.write { _ = try $0.put(item, in: "usertable") }
    }

    func scan(_ key: String, _ count: Int) throws -> Int {
        let query = TableQuery(
            table: "usertable", partition: [Self.partition], sort: .greaterOrEqual(.string(key)))
        // In place, as GRDB's cursor has rows; each field is read as a string on both sides.
        return try store.read { snapshot in
            var (sum, rest) = (0, count)
            try snapshot.forEach(query) { view in
                for name in fieldNames { sum += try view.string(name)?.utf8.count ?? 0 }
                rest -= 1
                return rest > 0
            }
            return sum
        }
    }

    func readModifyWrite(_ key: String, _ field: Int, _ value: String) throws {
        try store.write { transaction in
            let key = self.key(key)
            guard var item = try transaction.item(in: "usertable", key: key) else { return }
            item[fieldNames[field]] = .string(value)
            try transaction.put(item, in: "usertable")
        }
    }

    func close() { store.close() }
}

/// GRDB: a table with a column for each field, raw rows and cached statements, in WAL mode with
/// synchronous=NORMAL, which GRDB sets.
final class GRDBYCSB: YCSBEngine {
    let name = "GRDB"
    private let pool: DatabasePool
    private let insertSQL =
        "INSERT INTO usertable VALUES (?" + String(repeating: ", ?", count: 10) + ")"

    init(_ path: String) throws {
        pool = try openPool(path)
        try pool.write { db in
            try db.create(table: "usertable", options: .withoutRowID) { table in
                table.primaryKey("key", .text)
                for name in fieldNames { table.column(name, .text).notNull() }
            }
        }
    }

    private func byteCount(_ row: Row) -> Int {
        var count = 0
        for column in 1...YCSBWorkload.fieldCount {
            let text: String = row[column]
            count += text.utf8.count
        }
        return count
    }

    private func insert(_ key: String, _ fields: [String], _ db: Database) throws {
        try db.cachedStatement(sql: insertSQL)
            .execute(arguments: StatementArguments([key] + fields))
    }

    func load(_ keys: [String], _ fields: [String]) throws {
        for start in stride(from: 0, to: keys.count, by: 5000) {
            try pool.write { db in
                for key in keys[start..<min(start + 5000, keys.count)] {
                    try insert(key, fields, db)
                }
            }
        }
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    }

    private func row(_ key: String, _ db: Database) throws -> Row? {
        let statement = try db.cachedStatement(sql: "SELECT * FROM usertable WHERE key = ?")
        return try Row.fetchOne(statement, arguments: [key])
    }

    func read(_ key: String) throws -> Int {
        try pool.read { db in try row(key, db).map(byteCount) ?? 0 }
    }

    private func update(_ key: String, _ field: Int, _ value: String, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE usertable SET \(fieldNames[field]) = ? WHERE key = ?")
            .execute(arguments: [value, key])
    }

    func update(_ key: String, _ field: Int, _ value: String) throws {
        try pool.write { db in try update(key, field, value, db) }
    }

    func insert(_ key: String, _ fields: [String]) throws {
        try pool.write { db in try insert(key, fields, db) }
    }

    func scan(_ key: String, _ count: Int) throws -> Int {
        try pool.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT * FROM usertable WHERE key >= ? ORDER BY key LIMIT ?")
            let rows = try Row.fetchCursor(statement, arguments: [key, count])
            var sum = 0
            while let row = try rows.next() { sum += byteCount(row) }
            return sum
        }
    }

    func readModifyWrite(_ key: String, _ field: Int, _ value: String) throws {
        try pool.write { db in
            guard let row = try row(key, db), byteCount(row) > 0 else { return }
            try update(key, field, value, db)
        }
    }

    func close() throws { try pool.close() }
}

/// LMDB in C: the record is one value, which is the limit of what Codex could do.
final class BareYCSB: YCSBEngine {
    let name = "bare LMDB"
    private let store: OpaquePointer

    init(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        guard let store = ycsb_open(path) else { fatalError("cannot open LMDB") }
        self.store = store
    }

    func load(_ keys: [String], _ fields: [String]) throws {
        for key in keys { try insert(key, fields) }
    }

    func read(_ key: String) throws -> Int { ycsb_read(store, key) == 0 ? 0 : 1000 }

    func update(_ key: String, _ field: Int, _ value: String) throws {
        ycsb_update(store, key, field, Array(value.utf8))
    }

    func insert(_ key: String, _ fields: [String]) throws {
        ycsb_insert(store, key, Array(fields.joined().utf8), 1, nil)
    }

    func scan(_ key: String, _ count: Int) throws -> Int {
        Int(ycsb_scan(store, key, count) & 1) + 1
    }

    func readModifyWrite(_ key: String, _ field: Int, _ value: String) throws {
        ycsb_update(store, key, field, Array(value.utf8))
    }

    func close() { ycsb_close(store) }
}
