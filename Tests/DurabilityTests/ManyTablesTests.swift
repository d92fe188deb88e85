import CodexCore
import CodexStore
import Foundation
import TestSupport
import Testing

/// Tables up to the limit of trees, and tables that come and go.
@Suite("Many tables", .serialized)
struct ManyTablesTests {
    /// 10,000 by `CODEX_TABLE_ROUNDS=10000`.
    private static let roundCount =
        ProcessInfo.processInfo.environment["CODEX_TABLE_ROUNDS"].flatMap { Int($0) } ?? 300

    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }

    init() throws { directory = try TestDirectory() }

    /// A table with so many trees: its own, and one for each index.
    private static func table(_ name: String, treeCount: Int) -> TableDefinition {
        TableDefinition(
            name, partitionKey: KeyAttribute("p"),
            indexes: (1..<treeCount).map {
                IndexDefinition(
                    "i\($0)", partitionKey: [KeyAttribute("a\($0)")], projection: .keysOnly)
            })
    }

    private func put(_ table: String, _ store: Store) throws {
        _ = try store.write { try $0.put(["p": "a", "a1": "b", "a2": "c"], in: table) }
    }

    @Test("Trees up to the limit and no more: refused before anything is half done")
    func limit() async throws {
        let treeCount = StoreLimits.treeCountMax
        let full = (0..<treeCount / 21).map { Self.table("t\($0)", treeCount: 21) }
        let rest = treeCount - full.count * 21
        let options = StoreOptions(durability: .none)
        let store = try Store(at: path, schema: Schema(tables: full), options: options)
        // One below the limit, at the limit, and one above.
        try await store.addTable(Self.table("below", treeCount: rest - 1))
        try await store.addTable(Self.table("at", treeCount: 1))
        let tables = store.schema.tables
        await #expect(throws: CodexError(.limitReached, "")) {
            try await store.addTable(Self.table("above", treeCount: 1))
        }
        await #expect(throws: CodexError(.limitReached, "")) {
            try await store.addIndex(
                IndexDefinition("late", partitionKey: [KeyAttribute("a")]), to: "at")
        }
        #expect(store.schema.tables == tables)
        for name in ["t0", "below", "at"] { try put(name, store) }
        // One that goes makes room for another.
        try await store.removeTable("at")
        try await store.waitUntilReady()
        try await store.addTable(Self.table("again", treeCount: 1))
        try put("again", store)
        store.close()
        // By a schema, too.
        let above = Schema(tables: [Self.table("above", treeCount: 1)])
        #expect(throws: CodexError(.limitReached, "")) {
            try Store(at: path, schema: above, options: options)
        }
        let reopened = try Store(at: path)
        #expect(reopened.schema.tables.count == tables.count)
        try put("t1", reopened)
        reopened.close()
    }

    @Test("A new store that is over the limit is not made")
    func tooLarge() throws {
        let count = StoreLimits.treeCountMax / 21 + 1
        let schema = Schema(tables: (0..<count).map { Self.table("t\($0)", treeCount: 21) })
        #expect(throws: CodexError(.limitReached, "")) { try Store(at: path, schema: schema) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
        try Store(at: path, schema: Schema(tables: [])).close()
    }

    @Test("Tables that are made and removed again and again give their handles back")
    func comeAndGo() async throws {
        let store = try Store(
            at: path, schema: Schema(tables: [Self.table("kept", treeCount: 21)]),
            options: StoreOptions(durability: .none))
        let other = try DrivenAgent(opening: path, "schema=no")
        // In 300 rounds more trees than a process has handles for.
        for round in 0..<Self.roundCount {
            let name = "t\(round)"
            try await store.addTable(Self.table(name, treeCount: 41))
            try put(name, store)
            if round % 50 == 0 {
                // Another process learns of them, and has them no more either.
                try other.must("sequence s")
                try put("kept", store)
            }
            try await store.removeTable(name)
            if round % 5 == 0 { try await store.waitUntilReady() }
        }
        try await store.waitUntilReady()
        #expect(store.schema.tables.map(\.name) == ["kept"])
        try other.must("sequence s")
        #expect(try store.verify().isSound)
        other.quit()
        store.close()
    }
}
