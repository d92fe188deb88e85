import CDurablePeers
import CodexCore
import CodexStore
import Foundation
import MeasuredPaths

/// The tasks, and the random updates of them; `CDurablePeers/tasks.h` makes the same for the peers.
struct Workload: UpdateSource {
    let count: Int

    /// CodexFlow's table and its tasks with two indexes, on attributes that the tasks have anyway.
    static let schema = Schema(
        tables: [
            TableDefinition(
                CodexFlow.table, partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
                indexes: ["status", "assignee"].map {
                    IndexDefinition($0, partitionKey: [KeyAttribute($0)], projection: .keysOnly)
                })
        ],
        entities: [CodexFlow.Task.definition])

    // MARK: Tasks

    /// The item of a task, in the order of keys.
    func item(_ number: Int) throws -> Item {
        var item = try SampleTasks.task(number).item()
        // The keys of CodexFlow's own indexes, which this schema does not have.
        for name in ["GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"] { item[name] = nil }
        return item
    }

    func load(into store: Store) async throws {
        var number = 0
        try await store.load(into: CodexFlow.table) {
            guard number < count else { return nil }
            defer { number += 1 }
            return try item(number)
        }
    }

    // MARK: Updates

    /// The next update: a random task gets a random status (in five of six cases another one, and
    /// its entry moves in one of the indexes) and the time.
    func change(_ random: inout UInt64) -> TaskUpdate {
        let number = durable_below(&random, count)
        let status = Self.statuses[durable_below(&random, Self.statuses.count)]
        return TaskUpdate(
            key: key(number),
            update: Update().setting(Self.status, to: status).setting(Self.updatedAt, to: Date()))
    }

    private static let statuses = CodexFlow.Task.Status.allCases.map(\.rawValue)
    private static let status = Attribute<String>("status")
    private static let updatedAt = Attribute<Date>("updatedAt")

    // MARK: For the peers

    /// What a peer's values have after their head, so that they are as long as Codex's.
    func rest() throws -> [UInt8] {
        // Neither names nor the key are stored with an item; a value has a tag and an end.
        let byteCount = try item(count / 2).filter { $0.name != "PK" && $0.name != "SK" }
            .reduce(6) { $0 + $1.value.byteCount + 3 }
        note("about \(byteCount) bytes a task")
        let text = Array("What is to be done, said at some length. ".utf8)
        return (0..<max(0, byteCount - Int(DURABLE_HEAD_LENGTH))).map { text[$0 % text.count] }
    }
}

/// LMDB with its own sync, SQLite with synchronous=FULL and RocksDB with synchronous writes, filled
/// with the same tasks.
///
/// Used by one thread at a time.
final class Peers {
    private let lmdb: OpaquePointer
    private let sqlite: OpaquePointer
    let grdb: DurableGRDB
    private let rocks: OpaquePointer

    init(in directory: String, _ workload: Workload) throws {
        for name in ["/lmdb", "/sqlite", "/rocks"] {
            try FileManager.default.createDirectory(
                atPath: directory + name, withIntermediateDirectories: true)
        }
        guard let lmdb = durable_lmdb_open(directory + "/lmdb"),
            let sqlite = durable_sqlite_open(directory + "/sqlite"),
            let rocks = durable_rocks_open(directory + "/rocks")
        else { fatalError("a peer did not open") }
        (self.lmdb, self.sqlite, self.rocks) = (lmdb, sqlite, rocks)
        let rest = try workload.rest()
        note("filling LMDB")
        durable_lmdb_fill(lmdb, workload.count, rest, rest.count)
        note("filling SQLite")
        durable_sqlite_fill(sqlite, workload.count, rest, rest.count)
        note("filling GRDB")
        grdb = try DurableGRDB(in: directory + "/grdb", workload)
        note("filling RocksDB")
        durable_rocks_fill(rocks, workload.count, rest, rest.count)
    }

    /// Updates random tasks in one synchronous write.
    func updateRocks(_ count: Int, _ random: inout UInt64) {
        durable_rocks_update(rocks, count, &random)
    }

    /// Lets threads update for some seconds: updates per second.
    func runRocks(threads: Int, _ seconds: Double, _ seed: UInt64) -> Double {
        durable_rocks_threads(rocks, Int32(threads), seconds, seed)
    }

    /// Updates random tasks in one commit.
    func updateLMDB(_ count: Int, _ random: inout UInt64) {
        durable_lmdb_update(lmdb, count, &random)
    }

    /// Updates random tasks in one transaction.
    func updateSQLite(_ count: Int, _ random: inout UInt64) {
        durable_sqlite_update(sqlite, count, &random)
    }

    func close() {
        durable_lmdb_close(lmdb)
        durable_sqlite_close(sqlite)
        try? grdb.close()
        durable_rocks_close(rocks)
    }
}
