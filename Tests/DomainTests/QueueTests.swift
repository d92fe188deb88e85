import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// The queue of a project: who gets which task.
@Suite("The queue of a project")
struct QueueTests {
    /// A task that can be claimed.
    @discardableResult
    private func ready(
        _ fixture: Fixture, _ id: String,
        _ body: @escaping @Sendable (inout CodexFlow.Task) -> Void = { _ in }
    ) async throws -> CodexFlow.Task {
        try await fixture.task(try .init(id)) { task in
            task.status = .todo
            body(&task)
        }
    }

    private func next(
        _ fixture: Fixture, by actor: CodexFlow.User.ID = "mia",
        _ filter: CodexFlow.TaskFilter = CodexFlow.TaskFilter()
    ) async throws -> CodexFlow.Task? {
        try await fixture.workspace.claimNext(
            in: "p", by: actor, matching: filter, lease: .seconds(60))
    }

    /// The tasks that a worker gets, one after the other, until there are no more.
    private func all(
        _ fixture: Fixture, by actor: CodexFlow.User.ID = "mia",
        _ filter: CodexFlow.TaskFilter = CodexFlow.TaskFilter()
    ) async throws -> [String] {
        var found: [String] = []
        while let task = try await next(fixture, by: actor, filter) {
            found.append(task.id.rawValue)
        }
        return found
    }

    // MARK: Order and filters

    @Test("Tasks are given by priority, then by rank, then by age")
    func order() async throws {
        let fixture = try await Fixture()
        let rows: [(String, CodexFlow.Task.Priority?, String?)] = [
            ("none", nil, nil), ("low", .low, nil), ("ranked", .low, "b"), ("first", .low, "a"),
            ("long", .low, "ab"), ("high", .high, nil), ("urgent", .urgent, "z"),
            ("later", .urgent, nil), ("medium", .medium, nil),
            ("last", CodexFlow.Task.Priority.none, nil),
        ]
        for (id, priority, rank) in rows {
            try await ready(fixture, id) { ($0.priority, $0.rank) = (priority, rank) }
            fixture.clock.advance(by: 1)
        }
        #expect(
            try await all(fixture) == [
                "urgent", "later", "high", "medium", "first", "long", "ranked", "low", "none",
                "last",
            ])
        #expect(try fixture.store.verify().isSound)
    }

    @Test("A rank of the greatest length keeps the task in the queue")
    func ranks() async throws {
        let fixture = try await Fixture()
        let rank = String(repeating: "👨‍👩‍👧‍👦", count: 200)
        try await ready(fixture, "a") { $0.rank = rank }
        #expect(try await all(fixture) == ["a"])
    }

    @Test("Only tasks in todo and in progress are given, not archived, not claimed")
    func statuses() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await fixture.task("backlog")
        try await fixture.task("started") { $0.status = .inProgress }
        try await fixture.task("review", through: [.todo, .inProgress, .inReview])
        try await fixture.task("done", through: [.todo, .inProgress, .done])
        try await ready(fixture, "archived")
        try await workspace.archiveTask("archived", in: "p", by: "mia")
        try await ready(fixture, "claimed")
        _ = try await fixture.claim("claimed", by: "max")
        #expect(try await all(fixture) == ["started"])
        try await workspace.restoreTask("archived", in: "p", by: "mia")
        try await workspace.moveTask("backlog", in: "p", to: .todo, by: "mia")
        #expect(try await Set(all(fixture)) == ["archived", "backlog"])
    }

    @Test("A filter takes labels, kinds, priorities and skills")
    func filters() async throws {
        let fixture = try await Fixture()
        try await ready(fixture, "a") { ($0.labels, $0.kind) = (["x", "y"], .bug) }
        try await ready(fixture, "b") { ($0.labels, $0.priority) = (["x"], .low) }
        try await ready(fixture, "c") { $0.skills = ["swift", "sql"] }
        func matches(_ filter: CodexFlow.TaskFilter) async throws -> Set<String> {
            let found = try await Set(all(fixture, filter))
            for id in found {
                try await fixture.workspace.releaseTask(try .init(id), in: "p", by: "olga")
            }
            return found
        }
        #expect(try await matches(.init()) == ["a", "b", "c"])
        #expect(try await matches(.init(labels: ["x"])) == ["a", "b"])
        #expect(try await matches(.init(labels: ["x", "y"])) == ["a"])
        #expect(try await matches(.init(labels: ["z"])) == [])
        #expect(try await matches(.init(kinds: [.bug, .chore])) == ["a"])
        #expect(try await matches(.init(kinds: [.task])) == ["b", "c"])
        #expect(try await matches(.init(priorities: [.low])) == ["b"])
        #expect(try await matches(.init(priorities: [CodexFlow.Task.Priority.none])) == ["a", "c"])
        #expect(try await matches(.init(skills: [])) == ["a", "b"])
        #expect(try await matches(.init(skills: ["swift"])) == ["a", "b"])
        #expect(try await matches(.init(skills: ["swift", "sql", "c"])) == ["a", "b", "c"])
    }

    @Test("A filter examines a hundred tasks", arguments: [99, 100, 101])
    func walk(count: Int) async throws {
        let fixture = try await Fixture()
        let rows = (0..<count).map { "t\(1000 + $0)" } + ["wanted"]
        try await fixture.workspace.createTasks(
            from: rows, in: "p", by: "mia", id: { try CodexFlow.Task.ID($0) }
        ) { row, task in
            (task.title, task.status, task.rank) = ("T", .todo, row == "wanted" ? "b" : "a")
            task.labels = row == "wanted" ? ["x"] : []
        }
        let found = try await next(fixture, .init(labels: ["x"]))
        #expect(CodexFlow.Workspace.examinedCountMax == 100)
        #expect(found?.id.rawValue == (count < 100 ? "wanted" : nil))
    }

    @Test(
        "A worker gets unassigned and own tasks, however many others have",
        arguments: Place.allCases)
    func assignees(place: Place) async throws {
        let fixture = try await Fixture(place)
        for number in 0..<110 {
            try await ready(fixture, "o\(number)") {
                ($0.priority, $0.assigneeID) = (.urgent, "max")
            }
        }
        try await ready(fixture, "free") { $0.priority = .low }
        try await ready(fixture, "own") { ($0.priority, $0.assigneeID) = (.high, "mia") }
        #expect(try await Set(all(fixture)) == ["own", "free"])
        #expect(try await next(fixture, by: "max")?.assigneeID == "max")
    }

    // MARK: Blockers

    @Test(
        "A task is in the queue exactly while its blockers are finished",
        arguments: Place.allCases)
    func blockers(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for id in ["b", "c"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        try await ready(fixture, "a")
        for id in ["b", "c"] as [CodexFlow.Task.ID] {
            try await workspace.addDependency(of: "a", on: id, in: "p", by: "mia")
        }
        func isGiven() async throws -> Bool {
            guard let task = try await next(fixture) else { return false }
            #expect(task.id == "a")
            try await workspace.releaseTask("a", in: "p", by: "olga")
            return true
        }
        #expect(try await !isGiven())
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await !isGiven())
        try await workspace.archiveTask("c", in: "p", by: "mia")
        #expect(try await isGiven())
        try await workspace.moveTask("b", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("b", in: "p", to: .backlog, by: "mia")
        #expect(try await !isGiven())
        try await workspace.removeDependency(of: "a", on: "b", in: "p", by: "mia")
        #expect(try await isGiven())
        try await workspace.restoreTask("c", in: "p", by: "mia")
        #expect(try await !isGiven())
        try await workspace.deleteTask("c", in: "p", by: "mia")
        #expect(try await isGiven())
        // A task that is reopened looks at its blockers.
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.moveTask("a", in: "p", to: .canceled, by: "mia")
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        #expect(try await !isGiven())
        #expect(try fixture.store.verify().isSound)
    }

    @Test("Changes without the services are found by the worker, and by a repair")
    func drift() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["b", "c"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        try await ready(fixture, "a") { $0.priority = .urgent }
        try await ready(fixture, "d")
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        // The blocker was finished, and nothing in the queue tells.
        try await store.update(.task("b", in: "p")) { $0.status = .done }
        #expect(try await next(fixture)?.id == "d")
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 2)
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 0)
        let token = try #require(try await next(fixture)?.claim?.token)
        try await workspace.releaseTask("a", in: "p", by: "mia", holding: token)
        // It was opened again: the task in the queue is blocked.
        try await store.update(.task("b", in: "p")) { $0.status = .backlog }
        let start = try store.read { try $0.sequenceNumber }
        #expect(try await next(fixture) == nil)
        #expect(try store.get(.task("a", in: "p"))?.isBlocked == true)
        let changes = try store.retainedChanges(after: .sequenceNumber(start))
        #expect(try changes.flatMap { try $0.events }.map(\.kind) == [.taskBlocked])
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await workspace.repairQueue(of: "p", by: "adam", batchCount: 0)
        }
        try await fixture.expect(.actorRole) {
            try await workspace.repairQueue(of: "p", by: "mia")
        }
    }

    @Test("Any sequence of commands leaves exactly the ready tasks in the queue")
    func random() async throws {
        for _ in 0..<3 {
            let seed = UInt64.random(in: 1...1_000_000_000)
            let fixture = try await Fixture()
            var random = SplitMix(seed: seed)
            for number in 0..<10 { try await ready(fixture, "t\(number)") }
            for round in 0..<40 {
                for _ in 0..<5 { try await change(fixture, &random) }
                let expected = try readyTasks(fixture)
                var found: Set<String> = []
                // A call takes up a few tasks only.
                for _ in 0..<4 { found.formUnion(try await all(fixture)) }
                #expect(found == expected, "seed \(seed), round \(round)")
                for id in found {
                    try await fixture.workspace.releaseTask(try .init(id), in: "p", by: "olga")
                }
            }
            #expect(try fixture.store.verify().isSound, "seed \(seed)")
        }
    }

    /// One command, which the rules may refuse.
    private func change(_ fixture: Fixture, _ random: inout SplitMix) async throws {
        let workspace = fixture.workspace
        let id = try CodexFlow.Task.ID("t\(random.below(10))")
        let other = try CodexFlow.Task.ID("t\(random.below(10))")
        let status = random.pick(CodexFlow.Task.Status.allCases)
        let start = fixture.clock.now + Double(random.below(200))
        do {
            switch random.below(9) {
            case 0: fixture.clock.advance(by: Double(random.below(100)))
            case 1: try await workspace.addDependency(of: id, on: other, in: "p", by: "olga")
            case 2: try await workspace.removeDependency(of: id, on: other, in: "p", by: "olga")
            case 3: try await workspace.archiveTask(id, in: "p", by: "olga")
            case 4: try await workspace.restoreTask(id, in: "p", by: "olga")
            case 5: try await workspace.changeTask(id, in: "p", by: "olga") { $0.notBefore = start }
            case 6: _ = try await fixture.claim(id, by: "max")
            default:
                try await workspace.moveTask(
                    id, in: "p", to: status, by: "olga", overriding: "as the test wants it")
            }
        } catch let error as CodexError {
            guard error.rule != nil || error.code == .notFound else { throw error }
        }
    }

    /// The tasks that a worker may get, from the tasks and dependencies alone.
    private func readyTasks(_ fixture: Fixture) throws -> Set<String> {
        let now = fixture.clock.now
        let tasks = try fixture.store.all(.tasks(in: "p"))
        let open = Set(tasks.filter(\.isOpen).map(\.id))
        let ready = try tasks.filter { task in
            let blockers = try fixture.store.all(.blockers(of: task.id, in: "p")).map(\.blockerID)
            return task.archivedAt == nil && (task.status == .todo || task.status == .inProgress)
                && task.holder(at: now) == nil && !task.isDead
                && task.notBefore.map { $0 <= now } ?? true && open.isDisjoint(with: blockers)
                && (task.claim == nil || task.attempts ?? 0 < task.attemptCountMax)
        }
        return Set(ready.map(\.id.rawValue))
    }

    // MARK: Many workers

    @Test("Twenty workers on twenty tasks get one each", arguments: Place.allCases)
    func workers(place: Place) async throws {
        let fixture = try await Fixture(place)
        let count = place == .embedded ? 20 : 5
        for number in 0..<count { try await ready(fixture, "t\(number)") }
        let start = try fixture.store.read { try $0.sequenceNumber }
        let found = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    while true {
                        do {
                            return try await next(fixture)?.id.rawValue
                        } catch let error as CodexError where error.code == .transactionCancelled {
                            continue
                        }
                    }
                }
            }
            return try await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(Set(found.compactMap { $0 }).count == count)
        let changes = try fixture.store.retainedChanges(after: .sequenceNumber(start))
        let claims = try changes.flatMap { try $0.events }.filter { $0.kind == .taskClaimed }
        #expect(claims.count == count)
        #expect(try await next(fixture) == nil)
    }

    @Test("On a remote table, a worker whose task was taken gets another one")
    func overtaken() async throws {
        let fixture = try await Fixture(.table)
        try await ready(fixture, "a")
        try await ready(fixture, "b")
        let (clock, store) = (fixture.clock, fixture.store)
        let slow = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(store) {
                    // Both, and one is given back: whichever the other had chosen.
                    _ = try await fixture.claim("a", by: "max")
                    let token = try await fixture.claim("b", by: "max")
                    try await fixture.workspace.releaseTask(
                        "b", in: "p", by: "max", holding: token)
                }), clock: { clock.now }, calendar: SystemCalendar())
        let task = try await slow.claimNext(in: "p", by: "mia", lease: .seconds(60))
        #expect(task?.id == "b" && task?.claim?.holder == "mia")
        #expect(try store.get(.task("a", in: "p"))?.claim?.holder == "max")
    }

    // MARK: Attempts

    @Test(
        "An attempt that failed is tried again later, and the last one kills",
        arguments: Place.allCases)
    func attempts(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await ready(fixture, "a") { $0.maximumAttempts = 3 }
        func fail(after delay: Duration?) async throws -> CodexFlow.Task {
            let token = try #require(try await next(fixture)?.claim?.token)
            return try await workspace.failTask(
                "a", in: "p", by: "mia", holding: token, retryAfter: delay, note: "no network")
        }
        var task = try await fail(after: .seconds(30))
        #expect(task.attempts == 1 && !task.isDead && task.claim == nil)
        #expect(try await next(fixture) == nil)
        try await fixture.expect(.taskEarly, "notBefore") {
            try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
        }
        fixture.clock.advance(by: 30)
        // A claim that ends by time is an attempt, one that is given back is not.
        #expect(try await next(fixture)?.attempts == 2)
        fixture.clock.advance(by: 60)
        let token = try #require(try await next(fixture)?.claim?.token)
        task = try await workspace.releaseTask("a", in: "p", by: "mia", holding: token)
        #expect(task.attempts == 2)
        let start = try store.read { try $0.sequenceNumber }
        task = try await fail(after: .seconds(30))
        #expect(task.attempts == 3 && task.isDead && task.notBefore == nil && task.isOpen)
        #expect(try store.all(.deadTasks(in: "p")).map(\.id) == ["a"])
        #expect(try await next(fixture) == nil)
        try await fixture.expect(.taskDead, "diedAt") {
            try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
        }
        task = try await workspace.reviveTask("a", in: "p", by: "mia", note: "again")
        #expect(task.attempts == nil && !task.isDead)
        #expect(try await next(fixture)?.attempts == 1)
        let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(
            events.map(\.kind) == [
                .taskClaimed, .taskReleased, .taskDied, .taskRevived, .taskClaimed,
            ])
        let kinds = try store.all(.activity(of: "a", in: "p")).map(\.kind)
        #expect(kinds.contains(.failed) && kinds.contains(.revived))
    }

    @Test("A worker that dies takes the task with it only after all attempts")
    func expired() async throws {
        let fixture = try await Fixture()
        try await ready(fixture, "a") { $0.maximumAttempts = 2 }
        for _ in 0..<2 {
            #expect(try await next(fixture)?.id == "a")
            fixture.clock.advance(by: 60)
        }
        #expect(try await next(fixture) == nil)
        #expect(try fixture.store.get(.task("a", in: "p"))?.isDead == true)
    }

    @Test(
        "A task whose last attempt ended by time is dead for each command that meets it",
        arguments: Place.allCases)
    func expiredLast(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await ready(fixture, "a") { $0.maximumAttempts = 2 }
        func claim() async throws {
            try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
            fixture.clock.advance(by: 60)
        }
        try await claim()
        try await claim()
        try await fixture.expect(.taskDead, "diedAt") { try await claim() }
        let task = try await workspace.reviveTask("a", in: "p", by: "mia")
        #expect(!task.isDead && task.attempts == nil && task.claim == nil)
        try await claim()
    }

    @Test(
        "Attempts and leases have limits",
        arguments: [(0, false), (1, true), (1_000_000, true), (1_000_001, false)])
    func attemptLimits(count: Int, isAccepted: Bool) async throws {
        let fixture = try await Fixture()
        if isAccepted {
            try await ready(fixture, "a") { $0.maximumAttempts = count }
        } else {
            try await fixture.expect(.taskAttempts) {
                try await ready(fixture, "a") { $0.maximumAttempts = count }
            }
        }
        for lease in [Duration.zero, .milliseconds(999), .seconds(86_401), .seconds(Int64.max)] {
            try await fixture.expect(.taskClaim, "lease") {
                _ = try await fixture.workspace.claimNext(in: "p", by: "mia", lease: lease)
            }
        }
    }

    @Test("A task whose time has come is given, without an event", arguments: Place.allCases)
    func waiting(place: Place) async throws {
        let fixture = try await Fixture(place)
        let time = fixture.clock.now + 60
        for id in ["a", "b"] { try await ready(fixture, id) { $0.notBefore = time } }
        #expect(try await next(fixture) == nil)
        fixture.clock.advance(by: 60)
        let start = try fixture.store.read { try $0.sequenceNumber }
        let task = try #require(try await next(fixture))
        #expect(task.notBefore == nil)
        #expect(try fixture.store.all(.readyTasks(in: "p")).count == 1)
        let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskClaimed] && events.first?.taskID == task.id)
    }

    // MARK: Results

    @Test("A completion has a result, and is credited to the holder", arguments: Place.allCases)
    func results(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { ($0.status, $0.assigneeID) = (.inProgress, "max") }
        let token = try await fixture.claim("a", by: "mia")
        let result = CodexFlow.Task.Result(
            text: "done", data: ["files": [1, "a.swift"], "ok": true],
            link: "https://example.com/pr/1")
        let done = try await workspace.completeTask(
            "a", in: "p", by: "mia", holding: token, result: result)
        #expect(done.result == result)
        #expect(try store.get(.task("a", in: "p"))?.result == result)
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.facts?.assigneeID == "mia")
        let opened = try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        #expect(opened.result == nil && opened.attempts == nil)
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        try await workspace.completeTask("a", in: "p", by: "adam")
        let last = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(last.facts?.assigneeID == "max")
    }

    @Test("Results have limits")
    func resultLimits() async throws {
        let fixture = try await Fixture()
        try await fixture.task("a") { $0.status = .inProgress }
        let bad: [CodexFlow.Task.Result] = [
            .init(text: String(repeating: "a", count: 65_537)),
            .init(text: String(repeating: "a", count: 65_530), data: .string("1234567")),
            .init(link: ""), .init(link: "example.com"), .init(link: ":x"),
            .init(link: "https://a b"), .init(link: "https://a\n"),
            .init(link: "https://" + String(repeating: "a", count: 2041)),
        ]
        for result in bad {
            try await fixture.expect(.taskResult, "result") {
                try await fixture.workspace.completeTask(
                    "a", in: "p", by: "mia", result: result)
            }
        }
        let good = CodexFlow.Task.Result(
            text: String(repeating: "a", count: 65_536),
            link: "https://" + String(repeating: "a", count: 2040))
        try await fixture.workspace.completeTask("a", in: "p", by: "mia", result: good)
    }
}
