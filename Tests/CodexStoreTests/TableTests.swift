import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// Tables that come and go while the store is in use.
@Suite("Tables of a store in use")
struct TableTests {
    private static func definition(_ name: String) -> TableDefinition {
        TableDefinition(
            name, partitionKey: KeyAttribute("p"),
            indexes: [
                IndexDefinition("all", partitionKey: [KeyAttribute("g")]),
                IndexDefinition(
                    "some", partitionKey: [KeyAttribute("g")], projection: .include(["text"])),
            ],
            counters: [CounterDefinition("count", group: [KeyAttribute("g")])])
    }

    private func fill(_ store: Store, _ table: String, _ value: String, count: Int = 20)
        async throws
    {
        _ = try await store.write { transaction in
            for number in 0..<count {
                try transaction.put(
                    [
                        "p": .string("\(number)"), "g": .string(value),
                        // Some in chunks.
                        "text": .string(
                            String(repeating: value, count: number % 5 == 0 ? 50_000 : 10)),
                    ], in: table)
            }
        }
    }

    @Test("An empty store gets tables, loses them, and gets others of the same name")
    func comeAndGo() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: []))
        let store = temporary.store
        #expect(throws: CodexError(.unknownTable, "")) {
            try store.item(in: "t", key: PrimaryKey("1"))
        }
        try await store.addTable(Self.definition("kept"))
        try await fill(store, "kept", "k")
        for round in 0..<5 {
            try await store.addTable(Self.definition("t"))
            await #expect(throws: CodexError(.schemaMismatch, "")) {
                try await store.addTable(Self.definition("t"))
            }
            #expect(try store.items(scanning: TableScan(table: "t")).items.isEmpty)
            try await fill(store, "t", "v\(round)")
            #expect(try store.verify().isSound)
            #expect(
                try store.read { try $0.total(of: "count", in: "t", group: [.string("v\(round)")]) }
                    .count == 20)
            try await store.removeTable("t")
            #expect(throws: CodexError(.unknownTable, "")) {
                try store.item(in: "t", key: PrimaryKey("1"))
            }
            await #expect(throws: CodexError(.unknownTable, "")) {
                try await store.removeTable("t")
            }
            // Half of the rounds begin before the old trees are empty.
            if round.isMultiple(of: 2) { try await store.waitUntilReady() }
        }
        try await store.waitUntilReady()
        #expect(store.core.catalog.droppedTrees.isEmpty)
        #expect(try store.items(scanning: TableScan(table: "kept")).items.count == 20)
        #expect(try store.verify().isSound)
        let stats = try store.stats()
        #expect(stats.trees.count == 4)
        // Their names are used again.
        #expect(store.core.catalog.manifest.numbers.freeSlot <= 4)
        // What was changed in them can still be read.
        let changes = try store.retainedChanges(after: .trimHorizon)
        #expect(changes.filter { $0.table == "t" }.count == 100)
        #expect(try changes.filter { try $0.newImage?["g"] == "v2" }.count == 20)
    }

    @Test("A removal is redone, and what it left is emptied by the next process")
    func redo() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (path, backup) = (directory + "/store", directory + "/backup")
        do {
            let store = try Store(at: path, schema: Schema(tables: [Self.definition("t")]))
            defer { store.close() }
            try await fill(store, "t", "a", count: 200)
            try await store.backup(to: backup)
            try await store.removeTable("t")
            try await store.addTable(Self.definition("t"))
            try await fill(store, "t", "b")
            try await store.waitUntilReady()
            try await store.addTable(Self.definition("u"))
            try await fill(store, "u", "c")
            try await store.archiveLog(to: directory + "/archive")
        }
        try await Store.restore(
            backup, archive: directory + "/archive", at: directory + "/restored")
        for copy in [path, directory + "/restored"] {
            let store = try Store(at: copy)
            defer { store.close() }
            try await store.waitUntilReady()
            for (table, value) in [("t", "b"), ("u", "c")] {
                let items = try store.items(scanning: TableScan(table: table)).items
                #expect(items.count == 20 && items.allSatisfy { $0["g"] == .string(value) })
            }
            #expect(try store.verify().isSound)
        }
    }

    @Test("A follower loses a table with its leader")
    func follower() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let leader = try Store(
            at: directory + "/leader", schema: Schema(tables: [Self.definition("t")]))
        defer { leader.close() }
        try await fill(leader, "t", "a")
        try await leader.backup(to: directory + "/backup")
        try await Store.restore(
            directory + "/backup", at: directory + "/follower", asFollower: true)
        let follower = try Store(at: directory + "/follower")
        defer { follower.close() }
        for round in 0..<3 {
            try await leader.removeTable("t")
            try await leader.addTable(Self.definition("t"))
            try await fill(leader, "t", "b\(round)")
            if round == 1 { try await leader.waitUntilReady() }
        }
        let last = try leader.stats().sequence
        let start = try follower.stats().sequence
        let following = _Concurrency.Task {
            try await follower.follow(leader.replicationStream(after: start))
        }
        while try follower.stats().sequence < last {
            let (position, id) = try follower.core.appliedState()
            if position.sequence < last { try await follower.core.commits.wait(after: id) }
        }
        following.cancel()
        _ = await following.result
        try await follower.waitUntilReady()
        #expect(
            try follower.items(scanning: TableScan(table: "t")).items
                == leader.items(scanning: TableScan(table: "t")).items)
        #expect(try follower.verify().isSound)
        #expect(follower.core.catalog.droppedTrees.isEmpty)
        #expect(try follower.retainedChanges(after: .trimHorizon).count == 60)
    }

    @Test("Removed tables leave the manifest once they are empty; their changes are read still")
    func removedTables() async throws {
        let directory = try TemporaryStore.makeDirectory()
        let store = try Store(at: directory + "/s", schema: Schema(tables: []))
        for round in 0..<5 {
            try await store.addTable(Self.definition("t\(round)"))
            try await fill(store, "t\(round)", "v")
            try await store.removeTable("t\(round)")
        }
        try await store.waitUntilReady()
        #expect(store.core.catalog.manifest.dropped?.isEmpty == true)
        store.close()
        let reopened = try Store(at: directory + "/s")
        defer { reopened.close() }
        let changes = try reopened.retainedChanges(after: .trimHorizon)
        #expect(Set(changes.compactMap(\.table)) == ["t0", "t1", "t2", "t3", "t4"])
        #expect(try removed(in: reopened, upTo: .max).count == 5)
    }

    @Test("What is kept of a removed table goes with the last of its changes in the log")
    func forgotten() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: []))
        let store = temporary.store
        var sequences: [UInt64] = []
        for _ in 0..<3 {
            try await store.addTable(Self.definition("t"))
            try await store.waitUntilReady()
            sequences.append(try store.stats().sequence + 1)
            try await store.removeTable("t")
            try await store.waitUntilReady()
        }
        for (count, sequence) in sequences.enumerated() {
            #expect(try removed(in: store, upTo: sequence - 1).count == count)
            #expect(try removed(in: store, upTo: sequence).count == count + 1)
        }
    }

    @Test("A change of the schema does not bring back what was kept of a removed table")
    func forgottenOnce() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: []))
        let store = temporary.store
        try await store.addTable(Self.definition("t"))
        try await store.removeTable("t")
        try await store.waitUntilReady()
        // The manifest and its generation.
        #expect(try store.core.catalog.manifest.entries(generation: 1).count == 2)
    }

    /// The entries of removed tables that go when the log begins after a commit.
    private func removed(in store: Store, upTo sequence: UInt64) throws -> [[UInt8]] {
        try store.core.withReadContext { reader in
            try RemovedTables.obsoleteKeys(
                upTo: sequence, reader.transaction, reader.catalog.meta)
        }
    }

    @Test("A table that is made again while the old one is built, or emptied, is built itself")
    func recreatedWhileBuilt() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: []))
        let store = temporary.store
        let plain = TableDefinition("t", partitionKey: KeyAttribute("p"))
        let index = IndexDefinition("byG", partitionKey: [KeyAttribute("g")])
        let counter = CounterDefinition("count", group: [KeyAttribute("g")])
        for round in 0..<4 {
            try await store.addTable(plain)
            // More than is built before addIndex returns.
            try await fill(store, "t", "old", count: 3000)
            for _ in 0..<4 { try await fill(store, "t", "old", count: 3000) }
            _ = try await store.write { transaction in
                for number in 0..<9000 {
                    try transaction.put(["p": .string("x\(number)"), "g": "old"], in: "t")
                }
            }
            try await store.addIndex(index, to: "t")
            try await store.addCounter(counter, to: "t")
            try await store.removeTable("t")
            try await store.addTable(plain)
            try await fill(store, "t", "new", count: 50)
            try await store.addIndex(index, to: "t")
            try await store.addCounter(counter, to: "t")
            try await store.waitUntilReady()
            let query = TableQuery(table: "t", index: "byG", partition: ["new"])
            #expect(try store.items(matching: query).items.count == 50, "round \(round)")
            #expect(
                try store.read { try $0.total(of: "count", in: "t", group: ["new"]) }.count == 50)
            #expect(try store.verify().isSound)
            try await store.removeTable("t")
        }
        try await store.addTable(plain)
        let core = store.core
        let number = try core.catalog.table("t").number
        try await store.removeTable("t")
        try await store.addTable(plain)
        #expect(try core.catalog.table("t").number > number)
    }

    @Test("A table with entities takes them along")
    func entities() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(CodexFlow.User(id: "1", email: "a@example.com", name: "Ada"))
        try await store.removeTable(CodexFlow.table)
        // What was changed before has its entity still.
        let users = try store.changePage(
            after: .trimHorizon, limit: 10, filter: ChangeFilter(entities: ["user"]))
        #expect(users.changes.count == 1 && users.isAtEnd)
        #expect(store.schema.entities.isEmpty && store.schema.tables.isEmpty)
        #expect(throws: CodexError.self) { _ = try store.get(.user("1")) }
        try await store.waitUntilReady()
        store.close()
        let again = try Store(at: store.path, schema: CodexFlow.schema)
        defer { again.close() }
        #expect(try again.get(.user("1")) == nil)
        try await again.put(CodexFlow.User(id: "2", email: "a@example.com", name: "Ada"))
        #expect(try again.verify().isSound)
    }
}
