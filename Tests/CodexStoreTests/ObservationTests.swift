import Codex
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
        // Nor does what is not in its partition make a query say anything.
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

    @Test(
        "Whatever is committed while it is observed, the last value is what the store says",
        .timeLimit(.minutes(30)))
    func random() async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        let temporary = try TemporaryStore(options: StoreOptions(durability: .none))
        let store = temporary.store
        let (values, report) = AsyncStream<[String]>.makeStream()
        let watcher = _Concurrency.Task {
            for try await tasks in store.observe(.tasks(assignedTo: "ada")) {
                report.yield(tasks.map(\.title))
            }
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
        // Without another commit: one that was missed would never come.
        let expected = try store.all(.tasks(assignedTo: "ada")).map(\.title)
        for await value in values where value == expected { break }
        watcher.cancel()
        await #expect(throws: CancellationError.self, "seed \(seed)") { try await watcher.value }
    }

    @Test("Commits of another process are seen", .timeLimit(.minutes(30)))
    func processes() async throws {
        let temporary = try TemporaryStore(schema: AgentTable.schema())
        let store = temporary.store
        let (values, report) = AsyncStream<Int>.makeStream()
        let scan = TableScan(table: "t")
        let watcher = _Concurrency.Task {
            for try await count in store.observe(in: ["t"], { try $0.count(scan).count }) {
                report.yield(count)
            }
        }
        let agent = try Agent("write", temporary.path, "50", "7")
        agent.wait()
        let expected = try store.count(scan).count
        #expect(expected > 0)
        for await count in values where count == expected { break }
        watcher.cancel()
        await #expect(throws: CancellationError.self) { try await watcher.value }
    }

    @Test("After an error it is at its end; tables are those that there are")
    func errors() async throws {
        struct Refused: Error {}
        let temporary = try TemporaryStore()
        let store = temporary.store
        var failing = store.observe { _ -> Int in throw Refused() }.makeAsyncIterator()
        await #expect(throws: Refused.self) { try await failing.next() }
        #expect(try await failing.next() == nil)
        for (tables, code) in [
            (["nope"], CodexError.Code.unknownTable), ([], .invalidArgument),
        ] {
            var iterator = store.observe(in: tables) { _ in 1 }.makeAsyncIterator()
            await #expect(throws: CodexError(code, "")) { try await iterator.next() }
        }
    }

    // MARK: Schema

    @Test("A table that is removed ends what observes it", .timeLimit(.minutes(30)))
    func removedTable() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(try task("a", "A"))
        var byTable = store.observe(.tasks(in: "p")).makeAsyncIterator()
        var byIndex = store.observe(.tasks(assignedTo: "ada")).makeAsyncIterator()
        var byKey = store.observe(.task("a", in: "p")).makeAsyncIterator()
        // Also if the read does not look.
        var blind = store.observe(in: [CodexFlow.table]) { _ in 1 }.makeAsyncIterator()
        var all = store.observe { try $0.get(.task("a", in: "p"))?.title }.makeAsyncIterator()
        #expect(try await byTable.next()?.count == 1)
        #expect(try await byIndex.next()?.count == 1)
        #expect(try await byKey.next()?.map(\.title) == "A")
        #expect(try await blind.next() == 1)
        #expect(try await all.next() == "A")
        let waiting = _Concurrency.Task { [byTable] in
            var byTable = byTable
            return try await byTable.next()?.count
        }
        try await store.removeTable(CodexFlow.table)
        let unknown = CodexError(.unknownTable, "")
        await #expect(throws: unknown) { try await waiting.value }
        await #expect(throws: unknown) { try await byIndex.next() }
        await #expect(throws: unknown) { try await byKey.next() }
        await #expect(throws: unknown) { try await blind.next() }
        await #expect(throws: CodexError(.unknownEntity, "")) { try await all.next() }
        var late = store.observe(.tasks(in: "p")).makeAsyncIterator()
        await #expect(throws: unknown) { try await late.next() }
    }

    @Test("A table that was made again is observed as it is", .timeLimit(.minutes(30)))
    func madeAgain() async throws {
        let table = SampleTable.definition()
        let temporary = try TemporaryStore(schema: Schema(tables: [table]))
        let store = temporary.store
        try await store.put(["partition": "a"], in: "samples")
        var count = store.observe(in: ["samples"]) {
            try $0.count(TableScan(table: "samples")).count
        }.makeAsyncIterator()
        #expect(try await count.next() == 1)
        try await store.removeTable("samples")
        try await store.addTable(table)
        #expect(try await count.next() == 0)
        try await store.put(["partition": "b"], in: "samples")
        #expect(try await count.next() == 1)
        // Other tables come and go unnoticed.
        try await store.addTable(TableDefinition("others", partitionKey: KeyAttribute("key")))
        try await store.removeTable("others")
        try await store.put(["partition": "c"], in: "samples")
        #expect(try await count.next() == 2)
    }

    @Test("An index that is removed ends what goes by it, and nothing else")
    func removedIndex() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(try task("a", "A"))
        var byTable = store.observe(.tasks(in: "p")).makeAsyncIterator()
        var byIndex = store.observe(.tasks(assignedTo: "ada")).makeAsyncIterator()
        #expect(try await byTable.next()?.count == 1)
        #expect(try await byIndex.next()?.count == 1)
        try await store.removeIndex(CodexFlow.Index.gsi1, from: CodexFlow.table)
        await #expect(throws: CodexError(.unknownIndex, "")) { try await byIndex.next() }
        try await store.put(try task("b", "B"))
        #expect(try await byTable.next()?.count == 2)
    }

    @Test("An index that another process adds is seen", .timeLimit(.minutes(30)))
    func addedIndex() async throws {
        let temporary = try TemporaryStore(schema: AgentTable.schema())
        let store = temporary.store
        try await store.put(["p": "a", "s": "b", "g": "x", "v": 1], in: "t")
        let query = TableQuery(table: "t", index: "late", partition: ["x"])
        var count = store.observe(in: ["t"]) { (try? $0.count(query).count) ?? -1 }
            .makeAsyncIterator()
        #expect(try await count.next() == -1)
        let agent = try Agent("index", temporary.path, "late")
        agent.wait()
        #expect(try await count.next() == 1)
        try await store.removeIndex("late", from: "t")
        #expect(try await count.next() == -1)
    }

    @Test("It ends with its task and its store, and sees what expires")
    func ends() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
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
