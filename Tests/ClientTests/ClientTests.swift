// As a user's own package would: plain imports, no flags, a `User` and a `Task { }` of one's own.

import Codex
import CodexDynamoDB
import CodexDynamoDBFaults
import CodexTesting
import Foundation
import Testing

struct User: Equatable {
    var name: String
}

/// A `Codable` type as an entity, in a few lines.
struct Note: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "note", table: CodexFlow.table,
        keys: [
            "PK": "NOTEBOOK#{notebook}", "SK": "NOTE#{id}", "GSI1PK": "AUTHOR#{author}",
            "GSI1SK": "NOTE#{id}",
        ])

    var notebook: String
    var id: String
    var text: String
    var author: String?
    var stars: Int?
}

extension Query where E == Note {
    static func notes(by author: String) -> Self {
        Self(partition: .string("AUTHOR#\(author)"), index: CodexFlow.Index.gsi1)
    }
}

@Suite("A client's package")
struct ClientTests {
    @Test("Task and User mean what the client says")
    func names() async throws {
        let user = User(name: "mine")
        let task = Task { user.name }
        #expect(await task.value == "mine")
        let theirs = CodexFlow.User(id: "1", email: "a@b.c", name: "theirs")
        #expect(theirs.name == "theirs")
    }

    @Test("A Codable type is stored, found through an index, and updated")
    func codableEntity() async throws {
        let temporary = try TemporaryStore(schema: CodexFlow.schema.adding(Note.self))
        let store = temporary.store
        let note = Note(notebook: "n", id: "1", text: "hello", author: "ada")
        try await store.insert(note)
        try await store.insert(Note(notebook: "n", id: "2", text: "no author"))
        let lookup = Lookup<Note>(partition: "NOTEBOOK#n", sort: "NOTE#1")
        #expect(try store.get(lookup) == note)
        #expect(try store.all(.notes(by: "ada")) == [note])
        try await store.update(lookup) { $0.author = nil }
        #expect(try store.all(.notes(by: "ada")).isEmpty)
        #expect(try store.count(Query<Note>(partition: "NOTEBOOK#n")) == 2)
    }

    @Test("A typed filter sees whole items on a KEYS_ONLY index too")
    func filterOnPartialIndex() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        for (id, status) in [("1", CodexFlow.Project.Status.started), ("2", .paused)] {
            var project = CodexFlow.Project(
                id: try .init(id), name: id, ownerID: "u", status: status)
            project.key = "KEY\(id)"
            try await store.put(project)
        }
        let query = Query<CodexFlow.Project>(
            partition: "KEY1", index: CodexFlow.Index.projectKey)
        let status = Attribute<String>("status")
        #expect(try store.all(query.filtered(by: status == "started")).map(\.name) == ["1"])
        #expect(try store.all(query.filtered(by: status != "started")).isEmpty)
        #expect(try store.count(query.filtered(by: status == "started")) == 1)
    }

    @Test("Versions: a replace of what somebody else changed is refused")
    func versions() async throws {
        let temporary = try TemporaryStore(schema: CodexFlow.schema.adding(Note.self))
        let store = temporary.store
        let lookup = Lookup<Note>(partition: "NOTEBOOK#n", sort: "NOTE#1")
        try await store.put(Note(notebook: "n", id: "1", text: "one"))
        var mine = try #require(try store.stored(lookup))
        #expect(mine.version == 1)
        try await store.update(
            in: CodexFlow.table, key: PrimaryKey("NOTEBOOK#n", "NOTE#1"),
            Update().setting(Attribute<Int>("stars"), to: 5))
        mine.value.text = "two"
        do {
            try await store.replace(mine)
            Issue.record("a stale version was accepted")
        } catch CodexError.Code.versionMismatch {
            #expect(try store.get(lookup)?.stars == 5)
        }
        var fresh = try #require(try store.stored(lookup))
        #expect(fresh.version == 2)
        fresh.value.text = "two"
        let replaced = try await store.replace(fresh)
        #expect(replaced.version == 3)
        #expect(try store.stored(lookup) == replaced)
    }

    @Test("Pages, tokens and the AsyncSequence give the same results")
    func pages() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let tasks = try (100..<200).map {
            CodexFlow.Task(id: try .init("t\($0)"), projectID: "p", title: "\($0)", assigneeID: "u")
        }
        try await store.write { transaction in for task in tasks { try transaction.put(task) } }
        var found: [CodexFlow.Task] = []
        var token: PageToken?
        repeat {
            let page = try store.query(.tasks(assignedTo: "u"), limit: 7, after: token)
            found += page.items
            token = page.next
        } while token != nil
        #expect(found == tasks)
        var streamed: [CodexFlow.Task] = []
        for try await task in store.results(of: .tasks(in: "p").reversed, pageSize: 9) {
            streamed.append(task)
        }
        #expect(streamed == tasks.reversed())
    }

    @Test("A commit that fails leaves nothing behind")
    func failingCommit() async throws {
        let failures = CommitFailures()
        let temporary = try TemporaryStore(failures: failures)
        failures.failNextCommit()
        let user = CodexFlow.User(id: "1", email: "a@b.c", name: "A")
        await #expect(throws: CodexError(.commitFailed, "")) { try await temporary.store.put(user) }
        #expect(try temporary.store.get(.user("1")) == nil)
        try await temporary.store.put(user)
        #expect(try temporary.store.get(.user("1")) == user)
    }

    @Test("A store is opened at another level of durability")
    func durability() throws {
        let directory = try TemporaryStore.makeDirectory() + "/store"
        var options = StoreOptions(durability: .interval(losing: .milliseconds(50)))
        options.checkpoints.interval = .seconds(10)
        let store = try Store(at: directory, schema: CodexFlow.schema, options: options)
        try store.write { try $0.put(CodexFlow.Project(id: "1", name: "P", ownerID: "2")) }
        #expect(try store.get(.project("1"))?.name == "P")
        store.close()
    }

    @Test("The cache and the rate limiter, as their document shows them")
    func caching() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let cache = try StoreCache(store)
        let project = try cache.get(.project("engine"))
        let tasks = try cache.all(.tasks(assignedTo: "ada"), limit: 20)
        print(project?.name ?? "none", tasks.count, cache.statistics.hitRate)
        let cached = CodexFlow.Workspace(store, cache: cache)
        #expect(try await cached.get(.project("engine")) == nil)
        #expect(cache.statistics.hitCount == 1)

        let limiter = try RateLimiter(store, name: "api", limit: 100, window: .seconds(60))
        let verdict = try await limiter.acquire(for: "ada")
        print(verdict.isAllowed, verdict.remaining, verdict.retryAfter ?? .zero)
        #expect(verdict.limit == 100)
        // A commit that takes longer than a slot of the window ends without a permit, so a busy
        // machine may refuse the first requests.
        var isAllowed = verdict.isAllowed
        for _ in 0..<1000 where !isAllowed {
            isAllowed = try await limiter.acquire(for: "ada").isAllowed
        }
        #expect(isAllowed)
    }

    @Test("Backups, as their document shows them")
    func backups() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(CodexFlow.Project(id: "1", name: "P", ownerID: "2"))
        let backups = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: backups) }
        let restored = backups + "/restored"
        try await store.backup(to: backups + "/monday")
        let archived = try await store.archiveLog(to: backups + "/log")
        if archived.hasGap { print("make a backup") }

        let coverage = try await Store.verifyBackup(backups + "/monday", archive: backups + "/log")
        print("restorable from \(coverage.firstCommittedAt) to \(coverage.coveredThrough)")
        let report = try await Store.restore(
            backups + "/monday", archive: backups + "/log", to: .time(coverage.coveredThrough),
            at: restored)
        print(report.sequence, report.committedAt)
        let copy = try Store(at: restored)
        defer { copy.close() }
        #expect(try copy.get(.project("1"))?.name == "P")
    }

    @Test("A follower, as its document shows it")
    func follower() async throws {
        let temporary = try TemporaryStore()
        let leader = temporary.store
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (backup, replica) = (directory + "/backup", directory + "/replica")
        try await leader.backup(to: backup)
        try await Store.restore(backup, at: replica, asFollower: true)

        let follower = try Store(at: replica)
        defer { follower.close() }
        let following = Task {
            if let state = try follower.followerState() {
                // Until the records end, which those of a store do only by an error.
                try await follower.follow(leader.replicationStream(after: state.sequence))
            }
        }
        let observer = Task {
            for try await user in follower.observe(.user("1")) where user != nil { return user }
            return nil
        }
        try await leader.put(CodexFlow.User(id: "1", email: "ada@example.com", name: "Ada"))
        #expect(try await observer.value?.name == "Ada")
        following.cancel()
        _ = await following.result
        let state = try await follower.promote()
        print("takes writes after commit \(state.sequence)")
        try await follower.put(CodexFlow.User(id: "2", email: "bob@example.com", name: "Bob"))
    }

    @Test("DynamoDB's API without a network, as its document shows it")
    func dynamoDB() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let service = DynamoDBService(store)
        let response = await service.response(
            target: "DynamoDB_20120810.ListTables", body: Array("{}".utf8))
        print(response.status, String(decoding: response.body, as: UTF8.self))
        #expect(response.status == 200)
    }

    @Test("A service with faults, as its document shows it")
    func faults() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let put = #"{"TableName":"\#(CodexFlow.table)","Item":{"PK":{"S":"a"},"SK":{"S":"b"}}}"#
        let plan = FaultPlan(
            seed: 7,
            rules: [FaultRule(.internalError(.after), operations: ["PutItem"], schedule: .first(1))]
        )
        let service = try FaultyDynamoDBService(DynamoDBService(store), plan: plan)
        let response = await service.response(
            target: "DynamoDB_20120810.PutItem", body: Array(put.utf8))
        print(response.status)  // 500, although the item is stored
        #expect(response.status == 500)
        let key = PrimaryKey(.string("a"), .string("b"))
        #expect(try store.item(in: CodexFlow.table, key: key) != nil)
    }

    @Test("An observer, as the README shows it")
    func observation() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let observer = Task {
            for try await tasks in store.observe(.tasks(assignedTo: "ada")) {
                print(tasks.map(\.title))
            }
        }
        observer.cancel()
        await #expect(throws: CancellationError.self) { try await observer.value }
    }
}
