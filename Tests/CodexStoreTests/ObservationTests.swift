import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing
import TestSupport

@Suite("Observation")
struct ObservationTests {
    private func task(_ id: String, _ title: String, by user: String? = "ada") throws
        -> CodexFlow.Task
    {
        CodexFlow.Task(
            id: try .init(id), projectID: "p", title: title,
            assigneeID: try user.map { try .init($0) }, status: .todo)
    }

    @Test("A query says what there is, and again what changed, by table and index")
    func queries() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(try task("a", "A"))
        var byTable = store.observe(.tasks(in: "p")).makeAsyncIterator()
        var byIndex = store.observe(.tasks(assignedTo: "ada")).makeAsyncIterator()
        var limited = store.observe(.tasks(in: "p"), limit: 1).makeAsyncIterator()
        #expect(try await byTable.next()?.map(\.title) == ["A"])
        #expect(try await byIndex.next()?.map(\.title) == ["A"])
        #expect(try await limited.next()?.count == 1)
        try await store.put(try task("b", "B"))
        #expect(try await byTable.next()?.map(\.title) == ["A", "B"])
        #expect(try await byIndex.next()?.map(\.title) == ["A", "B"])
        // It leaves the index's partition, and stays in the table's.
        try await store.put(try task("b", "B", by: "bob"))
        #expect(try await byTable.next()?.map(\.assigneeID) == ["ada", "bob"])
        #expect(try await byIndex.next()?.map(\.title) == ["A"])
        try await store.delete(.task("a", in: "p"))
        #expect(try await byTable.next()?.map(\.title) == ["B"])
        #expect(try await byIndex.next()?.isEmpty == true)
        // What was the first of two is the other now.
        #expect(try await limited.next()?.map(\.title) == ["B"])
    }

    @Test("A lookup, and a read of one's own")
    func lookups() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        var byKey = store.observe(.user("ada")).makeAsyncIterator()
        var byEmail = store.observe(.user(email: "A@b.c")).makeAsyncIterator()
        var counted = store.observe(in: [CodexFlow.table]) {
            try $0.count(.tasks(in: "p"))
        }.makeAsyncIterator()
        #expect(try await byKey.next() == .some(nil))
        #expect(try await byEmail.next() == .some(nil))
        #expect(try await counted.next() == 0)
        let user = CodexFlow.User(id: "ada", email: "a@b.c", name: "Ada")
        try await store.put(user)
        #expect(try await byKey.next() == user)
        #expect(try await byEmail.next() == user)
        try await store.put(try task("a", "A"))
        #expect(try await counted.next() == 1)
        try await store.delete(.user("ada"))
        #expect(try await byKey.next() == .some(nil))
        #expect(try await byEmail.next() == .some(nil))
    }

    @Test("What came in between is passed over; what says the same is not said again")
    func coalesced() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let reads = Mutex(0)
        var observation = store.observe(in: nil) { snapshot in
            reads.withLock { $0 += 1 }
            return try snapshot.all(.tasks(in: "p")).map(\.title)
        }.makeAsyncIterator()
        #expect(try await observation.next() == [])
        for number in 1...50 { try await store.put(try task("a", "A\(number)")) }
        #expect(try await observation.next() == ["A50"])
        #expect(reads.withLock { $0 } == 2)
        // Changes elsewhere make it read again, and say nothing.
        for number in 1...5 {
            try await store.put(
                CodexFlow.User(id: try .init("u\(number)"), email: "\(number)@b.c", name: "U"))
        }
        try await store.put(try task("a", "A51"))
        try await store.put(try task("a", "A50"))
        try await store.put(try task("a", "B"))
        #expect(try await observation.next() == ["B"])
        // A query is not even read again for what is not in its partition.
        var query = store.observe(.tasks(in: "q")).makeAsyncIterator()
        #expect(try await query.next()?.isEmpty == true)
        let watcher = _Concurrency.Task { [query] in
            var query = query
            return try await query.next()?.map(\.title)
        }
        for number in 1...20 { try await store.put(try task("a", "C\(number)")) }
        var inQ = try task("z", "Z")
        inQ.projectID = "q"
        try await store.put(inQ)
        #expect(try await watcher.value == ["Z"])
    }

    @Test("Whatever is committed while it is observed, the last value is what the store says")
    func random() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        let temporary = try TemporaryStore()
        let store = temporary.store
        let watcher = _Concurrency.Task {
            for try await tasks in store.observe(.tasks(assignedTo: "ada"))
            where tasks.last?.title == "end" {
                return tasks.map(\.title)
            }
            return []
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<3 {
                group.addTask {
                    var random = SplitMix(seed: seed &+ UInt64(writer))
                    for step in 0..<150 {
                        let id = "t\(writer)\(random.next() % 5)"
                        if random.next() % 4 == 0 {
                            try await store.delete(.task(try .init(id), in: "p"))
                        } else {
                            let user = random.next() % 2 == 0 ? "ada" : "bob"
                            try await store.put(try self.task(id, "\(step)", by: user))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await store.put(try task("zz", "end"))
        let expected = try store.all(.tasks(assignedTo: "ada")).map(\.title)
        #expect(try await watcher.value == expected, "seed \(seed)")
    }

    @Test("It ends with its task and its store, and sees what expires")
    func ends() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.now = { clock.now }
        options.sweepInterval = nil
        let temporary = try TemporaryStore(options: options)
        let store = temporary.store
        let workspace = CodexFlow.Workspace(store, clock: { clock.now })
        try await workspace.createUser(email: "a@b.c", name: "A", id: "ada")
        _ = try await workspace.openSession(for: "ada")
        var sessions = store.observe(.sessions(of: "ada")).makeAsyncIterator()
        #expect(try await sessions.next()?.count == 1)
        clock.advance(by: 90_000)
        try await store.removeExpired()
        #expect(try await sessions.next()?.isEmpty == true)
        let cancelled = _Concurrency.Task {
            for try await _ in store.observe(.tasks(in: "p")) {}
        }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let (began, begin) = AsyncStream<Void>.makeStream()
        let closed = _Concurrency.Task {
            for try await _ in store.observe(.tasks(in: "p")) { begin.yield() }
        }
        var beginnings = began.makeAsyncIterator()
        await beginnings.next()
        store.close()
        await #expect(throws: CodexError(.closed, "")) { try await closed.value }
    }
}
