import Codex
import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// What was read of tables and by indexes that are others now is not what they hold.
@Suite("Cache and schema")
struct CacheSchemaTests {
    private let clock: ManualClock
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        clock = ManualClock()
        temporary = try TemporaryStore(options: Self.options(clock))
    }

    private static func options(_ clock: ManualClock) -> StoreOptions {
        var options = StoreOptions(durability: .none)
        options.use(clock)
        options.sweepInterval = nil
        return options
    }

    private static func user(_ name: String, _ id: CodexFlow.User.ID = "1") -> CodexFlow.User {
        CodexFlow.User(id: id, email: "\(id)@example.com", name: name)
    }

    private static func task(_ title: String) -> CodexFlow.Task {
        var task = CodexFlow.Task(id: "t", projectID: "p", title: title, assigneeID: "1")
        task.labels = ["x"]
        return task
    }

    /// Adds what CodexFlow's schema has and a store lacks, as a program does that opens it.
    private static func addSchema(_ store: Store) async throws {
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(CodexFlow.schema)
        }
    }

    /// What a read says: its value, or its error's code.
    private func outcome(_ read: () throws -> String) -> String {
        do {
            return try read()
        } catch let error as CodexError {
            return "\(error.code)"
        } catch {
            return "\(error)"
        }
    }

    /// What a cache says of a user, by key and by index, of one that is not there, and of tasks.
    private func reads(_ cache: StoreCache, _ id: CodexFlow.User.ID = "1") -> [String] {
        [
            outcome { try cache.get(.user(id))?.name ?? "none" },
            outcome { try cache.get(.user("nobody"))?.name ?? "none" },
            outcome { try cache.get(.user(email: "\(id)@example.com"))?.name ?? "none" },
            outcome { try cache.all(.tasks(in: "p")).map(\.title).joined() },
            outcome { try cache.all(.tasks(in: "p", label: "x")).map(\.title).joined() },
        ]
    }

    /// What the store says of the same.
    private func directReads(_ id: CodexFlow.User.ID = "1") -> [String] {
        [
            outcome { try store.get(.user(id))?.name ?? "none" },
            outcome { try store.get(.user("nobody"))?.name ?? "none" },
            outcome { try store.get(.user(email: "\(id)@example.com"))?.name ?? "none" },
            outcome { try store.all(.tasks(in: "p")).map(\.title).joined() },
            outcome { try store.all(.tasks(in: "p", label: "x")).map(\.title).joined() },
        ]
    }

    @Test("What was read of a table is gone when it is removed, absence and lists too")
    func removedTable() async throws {
        let cache = try StoreCache(store)
        try await store.put(Self.user("Ada"))
        try await store.put(Self.task("T"))
        #expect(reads(cache) == ["Ada", "none", "Ada", "T", "T"])
        #expect(cache.statistics.entryCount == 5)
        try await store.removeTable(CodexFlow.table)
        #expect(throws: CodexError(.unknownEntity, "")) { try cache.get(.user("1")) }
        #expect(reads(cache) == directReads())
        #expect(cache.statistics.entryCount == 0)
        // Made again it is empty, and what comes then is seen.
        try await Self.addSchema(store)
        #expect(reads(cache) == ["none", "none", "none", "", ""])
        try await store.put(Self.user("Grace"))
        #expect(reads(cache) == ["Grace", "none", "Grace", "", ""])
    }

    @Test("A table that was made again before the cache looked is another")
    func madeAgain() async throws {
        let cache = try StoreCache(store)
        try await store.put(Self.user("Ada"))
        try await store.put(Self.task("T"))
        #expect(reads(cache) == ["Ada", "none", "Ada", "T", "T"])
        try await store.removeTable(CodexFlow.table)
        try await Self.addSchema(store)
        #expect(reads(cache) == ["none", "none", "none", "", ""])
        // A cache of nothing is not misled by changes of the removed table either.
        try await store.put(Self.user("Ada"))
        try await store.removeTable(CodexFlow.table)
        try await Self.addSchema(store)
        try await store.put(Self.user("Grace", "2"))
        #expect(reads(cache) == ["none", "none", "none", "", ""])
        #expect(reads(cache, "2") == ["Grace", "none", "Grace", "", ""])
    }

    @Test("What was found by an index goes with the index, and nothing else does")
    func indexes() async throws {
        let cache = try StoreCache(store)
        try await store.put(Self.user("Ada"))
        try await store.put(Self.task("T"))
        #expect(reads(cache) == ["Ada", "none", "Ada", "T", "T"])
        // No item changes.
        try await store.removeIndex(CodexFlow.Index.taskLabel, from: CodexFlow.table)
        let before = cache.statistics
        #expect(throws: CodexError(.unknownIndex, "")) {
            try cache.all(.tasks(in: "p", label: "x"))
        }
        #expect(reads(cache) == directReads())
        #expect(cache.statistics.hitCount == before.hitCount + 4)
        try await Self.addSchema(store)
        try await store.waitUntilReady()
        #expect(reads(cache) == ["Ada", "none", "Ada", "T", "T"])
    }

    @Test("Other tables come and go, and nothing is forgotten")
    func otherTables() async throws {
        let cache = try StoreCache(store)
        try await store.put(Self.user("Ada"))
        #expect(try cache.get(.user("1"))?.name == "Ada")
        let before = cache.statistics
        for number in 0..<3 {
            let table = TableDefinition("x\(number)", partitionKey: KeyAttribute("p"))
            try await store.addTable(table)
            #expect(try cache.get(.user("1"))?.name == "Ada")
            try await store.removeTable("x\(number)")
            #expect(try cache.get(.user("1"))?.name == "Ada")
        }
        #expect(cache.statistics.hitCount == before.hitCount + 6)
    }

    @Test("An index that a load takes out of service is not answered for")
    func load() async throws {
        let cache = try StoreCache(store)
        try await store.waitUntilReady()
        #expect(try cache.all(.tasks(assignedTo: "1")).isEmpty)
        var rest = [try Self.task("T").item()]
        try await store.load(into: CodexFlow.table) {
            #expect(throws: CodexError(.indexNotReady, "")) {
                try cache.all(.tasks(assignedTo: "1"))
            }
            return rest.popLast()
        }
        #expect(try cache.all(.tasks(assignedTo: "1")).map(\.title) == ["T"])
    }

    /// An entity of a table that has a time to live later, or of one that has no entities at first.
    private struct Note: Entity {
        static let table = TableDefinition("notes", partitionKey: KeyAttribute("PK"))
        static let definition = EntityDefinition(
            "note", table: "notes", keys: ["PK": "NOTE#{id}"],
            fields: [.required("id", .string), .optional("gone", .number)])
        static let policy = CachePolicy(
            timeToLive: ["note": .seconds(3600)], listTimeToLive: ["note": .seconds(3600)])

        var gone: Int?

        func item() throws(CodexError) -> Item {
            var item: Item = ["PK": "NOTE#1", "id": "1"]
            if let gone { item["gone"] = .number(Number(gone)) }
            return item
        }

        init(gone: Int? = nil) { self.gone = gone }

        init(reading reader: borrowing FieldReader) throws(CodexError) {}
    }

    @Test("A time to live that comes later holds for what was read before")
    func timeToLive() async throws {
        let schema = Schema(tables: [Note.table], entities: [Note.definition])
        let temporary = try TemporaryStore(schema: schema, options: Self.options(clock))
        let store = temporary.store
        try await store.put(Note(gone: Int(clock.now.timeIntervalSince1970) + 100))
        let cache = try StoreCache(store, policy: Note.policy)
        let (lookup, query) = (Lookup<Note>(partition: "NOTE#1"), Query<Note>(partition: "NOTE#1"))
        #expect(try cache.get(lookup) != nil)
        #expect(try cache.all(query).count == 1)
        try await store.addTimeToLive("gone", to: "notes")
        try await store.waitUntilReady()
        clock.advance(by: 100)
        #expect(try store.get(lookup) == nil)
        #expect(try cache.get(lookup) == nil)
        #expect(try cache.all(query).isEmpty)
    }

    @Test("An item that becomes an entity's, with the same attributes, is found")
    func becomesEntity() async throws {
        let schema = Schema(tables: [Note.table])
        let temporary = try TemporaryStore(schema: schema, options: Self.options(clock))
        let store = temporary.store
        try await store.put(try Note().item(), in: "notes")
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(Schema(tables: [Note.table], entities: [Note.definition]))
        }
        let cache = try StoreCache(store, policy: Note.policy)
        let query = Query<Note>(partition: "NOTE#1")
        #expect(throws: CodexError(.otherEntity, "")) { try cache.all(query) }
        try await store.put(Note())
        #expect(try store.all(query).count == 1)
        #expect(try cache.all(query).count == 1)
    }

    @Test("A follower's cache forgets what its leader removed", .timeLimit(.minutes(30)))
    func follower() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await store.put(Self.user("Ada"))
        try await store.backup(to: directory + "/backup")
        let path = directory + "/follower"
        try await Store.restore(directory + "/backup", at: path, asFollower: true)
        let follower = try Store(at: path, options: Self.options(clock))
        defer { follower.close() }
        let cache = try StoreCache(follower)
        #expect(reads(cache) == ["Ada", "none", "Ada", "", ""])
        let start = try follower.stats().sequence
        let leader = store
        let following = _Concurrency.Task {
            try await follower.follow(leader.replicationStream(after: start))
        }
        func catchUp() async throws {
            while true {
                let (position, id) = try follower.core.appliedState()
                if position.sequence >= (try leader.stats().sequence) { return }
                try await follower.core.commits.wait(after: id)
            }
        }
        try await leader.removeIndex(CodexFlow.Index.taskLabel, from: CodexFlow.table)
        try await catchUp()
        #expect(throws: CodexError(.unknownIndex, "")) {
            try cache.all(.tasks(in: "p", label: "x"))
        }
        try await leader.removeTable(CodexFlow.table)
        try await catchUp()
        #expect(throws: CodexError(.unknownEntity, "")) { try cache.get(.user("1")) }
        try await Self.addSchema(leader)
        try await leader.put(Self.user("Grace"))
        try await catchUp()
        #expect(reads(cache) == ["Grace", "none", "Grace", "", ""])
        following.cancel()
        _ = await following.result
    }

    @Test("What an expiry hid is there again when the clock is set back")
    func clockSetBack() async throws {
        let cache = try StoreCache(store)
        let workspace = CodexFlow.Workspace(store, clock: { [clock] in clock.now })
        try await workspace.createUser(email: "a@b", name: "A", id: "a")
        let opened = try await workspace.openSession(for: "a", lifetime: .seconds(100))
        clock.advance(by: 150)
        #expect(try cache.get(.session(opened.session.id)) == nil)
        clock.jump(by: -100)
        #expect(try store.get(.session(opened.session.id)) != nil)
        #expect(try cache.get(.session(opened.session.id)) != nil)
    }

    /// Something that changes tables, indexes or items; what cannot be done now is left.
    private func change(_ random: inout SplitMix) async throws {
        let id: CodexFlow.User.ID = random.chance(50) ? "1" : "2"
        let text = "\(random.below(1000))"
        switch random.below(40) {
        case 0: try? await store.removeTable(CodexFlow.table)
        case 1..<4: try await Self.addSchema(store)
        case 4: try? await store.removeIndex(CodexFlow.Index.taskLabel, from: CodexFlow.table)
        case 5: try? await store.removeIndex(CodexFlow.Index.userEmail, from: CodexFlow.table)
        case 6: try? await store.removeIndex(CodexFlow.Index.gsi1, from: CodexFlow.table)
        case 7..<10: try await store.waitUntilReady()
        case 10..<20: _ = try? await store.put(Self.user(text, id))
        case 20..<25: _ = try? await store.put(Self.task(text))
        case 25: _ = try? await store.delete(.user(id))
        case 26: _ = try? await store.delete(.task("t", in: "p"))
        default: break
        }
    }

    @Test("Whatever becomes of tables, indexes and items, it says what the store says")
    func random() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        let cache = try StoreCache(store)
        for step in 0..<500 {
            try await change(&random)
            for id: CodexFlow.User.ID in ["1", "2"] {
                let first = directReads(id)
                let cached = reads(cache, id)
                // An index may have become ready in between.
                for (place, second) in directReads(id).enumerated() where second == first[place] {
                    #expect(cached[place] == second, "seed \(seed), step \(step), read \(place)")
                }
            }
        }
        let statistics = cache.statistics
        #expect(statistics.hitCount > 500 && statistics.invalidationCount > 50, "seed \(seed)")
    }
}
