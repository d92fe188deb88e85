import Codex
import CodexCore
import CodexTesting
import Foundation
import Synchronization
import Testing

@testable import CodexStore

/// A cache is never older than what its process can see, whoever wrote it.
@Suite("Typed cache")
struct StoreCacheTests {
    private let clock: ManualClock
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        let clock = ManualClock()
        self.clock = clock
        var options = StoreOptions()
        options.use(clock)
        temporary = try TemporaryStore(options: options)
    }

    private func user(_ name: String, _ id: CodexFlow.User.ID = "1") -> CodexFlow.User {
        CodexFlow.User(id: id, email: "\(id)@example.com", name: name)
    }

    @Test("What is there, what is not, and what changed: by key, by index, in lists")
    func reads() async throws {
        let cache = try StoreCache(store)
        #expect(try cache.get(.user("1")) == nil)
        #expect(try cache.get(.user("1")) == nil)
        #expect(cache.statistics.hitCount == 1 && cache.statistics.missCount == 1)
        try await store.put(user("Ada"))
        #expect(try cache.get(.user("1"))?.name == "Ada")
        #expect(try cache.get(.user("1"))?.name == "Ada")
        #expect(try cache.get(.user(email: "1@example.com"))?.name == "Ada")
        #expect(try cache.get(.user(email: "1@example.com"))?.name == "Ada")
        #expect(cache.statistics.hitCount == 3 && cache.statistics.missCount == 3)
        #expect(cache.statistics.entryCount == 2 && cache.statistics.byteCount > 0)
        try await store.update(.user("1")) { $0.name = "Lovelace" }
        #expect(try cache.get(.user("1"))?.name == "Lovelace")
        #expect(try cache.get(.user(email: "1@example.com"))?.name == "Lovelace")
        try await store.update(.user("1")) { $0.email = "other@example.com" }
        #expect(try cache.get(.user(email: "1@example.com")) == nil)
        #expect(try cache.get(.user(email: "other@example.com"))?.id == "1")
        try await store.delete(.user("1"))
        #expect(try cache.get(.user("1")) == nil)
        #expect(try cache.get(.user(email: "other@example.com")) == nil)

        var task = CodexFlow.Task(id: "t", projectID: "p", title: "T", assigneeID: "1")
        try await store.put(task)
        #expect(try cache.all(.tasks(assignedTo: "1")).map(\.id) == ["t"])
        #expect(try cache.all(.tasks(assignedTo: "2")).isEmpty)
        let before = cache.statistics
        #expect(try cache.all(.tasks(assignedTo: "1")).map(\.id) == ["t"])
        #expect(try cache.all(.tasks(assignedTo: "2")).isEmpty)
        #expect(cache.statistics.hitCount == before.hitCount + 2)
        task.assigneeID = "2"
        try await store.put(task)
        #expect(try cache.all(.tasks(assignedTo: "1")).isEmpty)
        #expect(try cache.all(.tasks(assignedTo: "2")).map(\.id) == ["t"])
        // By each element of a multi-valued index, and in the table itself.
        #expect(try cache.all(.tasks(in: "p", label: "x")).isEmpty)
        #expect(try cache.all(.tasks(in: "p")).map(\.labels) == [[]])
        task.labels = ["w", "x"]
        try await store.put(task)
        #expect(try cache.all(.tasks(in: "p", label: "x")).map(\.id) == ["t"])
        #expect(try cache.all(.tasks(in: "p")).map(\.labels) == [["w", "x"]])
        #expect(try cache.all(.tasks(in: "p"), limit: 1).count == 1)
        // Kinds without a time of their own have the default time.
        let count = cache.statistics.entryCount
        #expect(try cache.get(.task("t", in: "p"))?.id == "t")
        #expect(try cache.all(.members(of: "p")).isEmpty)
        #expect(cache.statistics.entryCount == count + 2)
        cache.removeAll()
        #expect(cache.statistics.entryCount == 0 && cache.statistics.byteCount == 0)
        #expect(try cache.all(.tasks(in: "p")).count == 1)
    }

    @Test("Entries go when their time is over, those of absence too, not all at once")
    func times() async throws {
        var policy = CachePolicy.codexFlow
        policy.absenceTimeToLive = .seconds(10)
        let cache = try StoreCache(store, policy: policy)
        for number in 0..<100 {
            let id = try CodexFlow.User.ID("\(number)")
            try await store.put(user("U", id))
            _ = try cache.get(.user(id))
        }
        _ = try cache.get(.user("nobody"))
        clock.advance(by: 10)
        _ = try cache.get(.user("nobody"))
        #expect(cache.statistics.expiryCount == 1)
        func hits() throws -> Int {
            let before = cache.statistics.hitCount
            for number in 0..<100 { _ = try cache.get(.user(try .init("\(number)"))) }
            return cache.statistics.hitCount - before
        }
        clock.advance(by: 0.9 * 3600 - 11)
        #expect(try hits() == 100)
        clock.advance(by: 0.05 * 3600)
        let half = try hits()
        #expect(half > 10 && half < 90)
        clock.advance(by: 3600)
        #expect(try hits() == 0)
    }

    @Test("Nothing is kept longer than the item lives")
    func expiry() async throws {
        let cache = try StoreCache(store)
        let workspace = CodexFlow.Workspace(store, cache: cache) { [clock] in clock.now }
        try await workspace.createUser(email: "a@b", name: "A", id: "a")
        let opened = try await workspace.openSession(for: "a", lifetime: .seconds(100))
        #expect(try await workspace.session(token: opened.token) != nil)
        #expect(try cache.get(.session(opened.session.id)) != nil)
        #expect(cache.statistics.hitCount > 0)
        clock.advance(by: 99)
        #expect(try cache.get(.session(opened.session.id)) != nil)
        clock.advance(by: 1)
        #expect(try cache.get(.session(opened.session.id)) == nil)
        let other = try await workspace.openSession(for: "a")
        #expect(try await workspace.session(token: other.token) != nil)
        try await workspace.revokeSession(token: other.token)
        #expect(try await workspace.session(token: other.token) == nil)
    }

    @Test("Changes that are not retained make all be forgotten")
    func trimmed() async throws {
        var options = StoreOptions()
        options.changeRetention = ChangeRetention(age: .nanoseconds(1), byteCount: 0)
        options.checkpoints = CheckpointPolicy(interval: .milliseconds(1), changeCount: 1)
        options.logSegmentByteCountMax = 1 << 16
        let temporary = try TemporaryStore(options: options)
        let cache = try StoreCache(temporary.store)
        try await temporary.store.put(user("first"))
        #expect(try cache.get(.user("1"))?.name == "first")
        try await temporary.store.put(user("second"))
        // As long as the change is there, others follow.
        let start = try temporary.store.read { try $0.sequenceNumber }
        for number in 0..<100_000 {
            var other = user("other", "2")
            other.timeZone = String(repeating: "x", count: 4000) + "\(number)"
            try await temporary.store.put(other)
            guard number % 20 == 19 else { continue }
            do {
                _ = try temporary.store.retainedChanges(
                    after: .sequenceNumber(SequenceNumber(commit: start.commit - 2)))
            } catch {
                break
            }
        }
        #expect(throws: CodexError(.changesTrimmed, "")) {
            try temporary.store.retainedChanges(
                after: .sequenceNumber(SequenceNumber(commit: start.commit - 2)))
        }
        #expect(try cache.get(.user("1"))?.name == "second")
        try await temporary.store.put(user("third"))
        #expect(try cache.get(.user("1"))?.name == "third")
    }

    @Test("What was found by an index that is removed is not kept")
    func removedIndex() async throws {
        let cache = try StoreCache(store)
        var task = CodexFlow.Task(id: "t", projectID: "p", title: "T")
        task.labels = ["x"]
        try await store.put(task)
        #expect(try cache.all(.tasks(in: "p", label: "x")).map(\.title) == ["T"])
        try await store.removeIndex(CodexFlow.Index.taskLabel, from: CodexFlow.table)
        task.title = "New"
        try await store.put(task)
        #expect(throws: CodexError(.unknownIndex, "")) {
            try cache.all(.tasks(in: "p", label: "x"))
        }
    }

    @Test("A closed store answers nothing more, not from the cache either")
    func closed() async throws {
        let cache = try StoreCache(store)
        try await store.put(user("Ada"))
        #expect(try cache.get(.user("1")) != nil)
        store.close()
        #expect(throws: CodexError(.closed, "")) { try cache.get(.user("1")) }
        #expect(throws: CodexError(.closed, "")) { try cache.all(.tasks(in: "p")) }
        let late = try StoreCache(store)
        #expect(throws: CodexError(.closed, "")) { try late.get(.user("1")) }
        for policy in [
            CachePolicy(maximumEntries: 0), CachePolicy(maximumBytes: 0), CachePolicy(jitter: 1.1),
            CachePolicy(absenceTimeToLive: .seconds(-1)),
        ] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try StoreCache(store, policy: policy)
            }
        }
    }

    @Test("Failed reads are everybody's, and not kept")
    func failures() async throws {
        let cache = try StoreCache(store)
        let key = PrimaryKey("USER#1", "PROFILE")
        try await store.put(
            ["PK": key.partition, "SK": "PROFILE", "userId": 7], in: CodexFlow.table)
        for _ in 0..<2 {
            #expect(throws: CodexError.self) { try cache.get(.user("1")) }
        }
        #expect(cache.statistics.entryCount == 0 && cache.statistics.missCount == 2)
        try await store.delete(in: CodexFlow.table, key: key)
        #expect(try cache.get(.user("1")) == nil)
    }

    @Test("A lookup with alternatives does not end at a cached absence")
    func alternatives() async throws {
        let cache = try StoreCache(store)
        let absent = LookupTarget.primaryKey(PrimaryKey("USER#2", "PROFILE"))
        let lookup = Lookup<CodexFlow.User>(
            absent, or: [.primaryKey(PrimaryKey("USER#1", "PROFILE"))])
        try await store.put(user("Ada"))
        for _ in 0..<2 {
            #expect(try cache.get(Lookup<CodexFlow.User>(absent)) == nil)
            #expect(try cache.get(lookup)?.name == "Ada")
        }
        #expect(cache.statistics.hitCount == 1)
    }

    /// An entity that is read slowly.
    private struct Slow: Entity {
        static let gate = DispatchSemaphore(value: 0)
        static let readCount = Atomic<Int>(0)
        static let definition = EntityDefinition(
            "slow", table: CodexFlow.table, keys: ["PK": "SLOW#{id}", "SK": "SLOW"],
            fields: [.required("id", .string)])

        func item() throws(CodexError) -> Item { ["PK": "SLOW#1", "SK": "SLOW", "id": "1"] }

        init() {}

        init(reading reader: borrowing FieldReader) throws(CodexError) {
            Self.readCount.add(1, ordering: .relaxed)
            Self.gate.wait()
        }
    }

    @Test("What many ask for at once is read once")
    func together() async throws {
        let schema = Schema(
            tables: CodexFlow.schema.tables, entities: CodexFlow.schema.entities + [Slow.definition]
        )
        let temporary = try TemporaryStore(schema: schema)
        let store = temporary.store
        try await store.put(Slow())
        let cache = try StoreCache(
            store, policy: CachePolicy(timeToLive: ["slow": .seconds(60)]))
        let threadCount = 16
        let found = Atomic<Int>(0)
        let group = DispatchGroup()
        for _ in 0..<threadCount {
            let thread = Thread {
                let slow: Slow? = try? cache.get(Lookup(partition: "SLOW#1", sort: "SLOW"))
                if slow != nil { found.add(1, ordering: .relaxed) }
                group.leave()
            }
            group.enter()
            thread.start()
        }
        // All but one wait for that one.
        while cache.statistics.joinCount < threadCount - 1 { sched_yield() }
        Slow.gate.signal()
        await withCheckedContinuation { continuation in
            group.notify(queue: .global()) { continuation.resume() }
        }
        #expect(found.load(ordering: .relaxed) == threadCount)
        #expect(Slow.readCount.load(ordering: .relaxed) == 1)
        #expect(cache.statistics.missCount == 1)
    }
}
