import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// The room that tasks leave for claims, for the queue and for their histories.
@Suite("The room of a task")
struct RoomTests {
    private func next(_ fixture: Fixture) async throws -> CodexFlow.Task? {
        try await fixture.workspace.claimNext(in: "p", by: "mia", lease: .seconds(60))
    }

    private static func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    // MARK: Keys

    @Test("A rank gives way to a long identifier in the queue", arguments: Place.allCases)
    func ranks(place: Place) async throws {
        let fixture = try await Fixture(place)
        let id = try CodexFlow.Task.ID(Self.text(760))
        let start = fixture.clock.now + 1
        // 64 characters of four bytes.
        try await fixture.task(id) { task in
            (task.title, task.status) = ("T", .todo)
            (task.notBefore, task.rank) = (start, String(repeating: "👾", count: 64))
        }
        #expect(try await next(fixture) == nil)
        fixture.clock.advance(by: 1)
        #expect(try await next(fixture)?.id == id)
        #expect(try fixture.store.verify().isSound)
    }

    @Test("A rank that is set during a claim does not keep the claim", arguments: Place.allCases)
    func claimedRanks(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let id = try CodexFlow.Task.ID(Self.text(760))
        try await fixture.task(id) { ($0.title, $0.status) = ("T", .todo) }
        _ = try await fixture.claim(id, by: "max")
        try await workspace.changeTask(id, in: "p", by: "mia") {
            $0.rank = String(repeating: "👾", count: 64)
        }
        try await workspace.suspendUser("max")
        #expect(try fixture.store.get(.task(id, in: "p"))?.claim == nil)
        try await workspace.activateUser("max")
        try await workspace.deleteTask(id, in: "p", by: "mia")
    }

    @Test(
        "An identifier of a new task has room for all keys of the task",
        arguments: [
            ("p", 977, true), ("p", 978, true), ("p", 979, false),
            ("a project with a long identifier----", 973, true),
            ("a project with a long identifier----", 974, true),
            ("a project with a long identifier----", 975, false),
        ])
    func identifiers(project: String, count: Int, isAccepted: Bool) async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let project = try CodexFlow.Project.ID(project)
        if project != "p" {
            try await workspace.createProject(key: "TWO", name: "Two", id: project, owner: "olga")
        }
        let id = try CodexFlow.Task.ID(Self.text(count))
        func create() async throws {
            try await workspace.createTask(in: project, by: "olga", id: id) { task in
                (task.title, task.status, task.rank) = ("T", .todo, "r")
                task.assigneeID = "olga"
                task.dueDate = CalendarDay(year: 2026, month: 1, day: 1)
            }
        }
        guard isAccepted else {
            await #expect(throws: CodexError(.keyTooLong, "")) { try await create() }
            #expect(try fixture.store.get(.task(id, in: project)) == nil)
            return
        }
        try await create()
        let claimed = try await workspace.claimNext(in: project, by: "olga", lease: .seconds(60))
        let token = try #require(claimed?.claim?.token)
        try await workspace.failTask(
            id, in: project, by: "olga", holding: token, retryAfter: .seconds(1))
        try await workspace.moveTask(id, in: project, to: .inProgress, by: "olga")
        try await workspace.completeTask(id, in: project, by: "olga")
        try await workspace.archiveTask(id, in: project, by: "olga")
        try await workspace.deleteTask(id, in: project, by: "olga")
        #expect(try fixture.store.verify().isSound)
    }

    @Test(
        "A raw task without room for the keys of its dependencies stops no other one",
        arguments: Place.allCases)
    func dependencies(place: Place) async throws {
        let fixture = try await Fixture(place)
        let id = Self.text(1019)
        var item = try Self.raw("raw", in: fixture).item()
        (item["SK"], item["taskId"]) = (.string("TASK#\(id)"), .string(id))
        try await fixture.store.put(item, in: CodexFlow.table)
        try await fixture.task("z") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "z")
        #expect(try await next(fixture) == nil)
    }

    @Test(
        "Claims of holders without room in keys stop nothing",
        arguments: Place.allCases, [1020, 2040])
    func holders(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        let now = fixture.clock.now
        let holder = try CodexFlow.User.ID(Self.text(count))
        for (id, end) in [("ended", now - 60), ("held", now + 600)] {
            var task = Self.raw(try .init(id), in: fixture)
            task.claim = .init(holder: holder, until: end, token: 1)
            try await fixture.store.put(task)
        }
        try await fixture.task("z") { $0.status = .todo }
        // No membership has room for either holder. The history has room for the shorter one alone.
        let claimable: Set<CodexFlow.Task.ID> = count == 1020 ? ["ended", "z"] : ["z"]
        var found: Set<CodexFlow.Task.ID> = []
        while let task = try await next(fixture) { found.insert(task.id) }
        #expect(found == claimable)
        #expect(try await fixture.workspace.expireClaims(in: "p") == 0)
        #expect(try fixture.store.get(.task("held", in: "p"))?.claim?.holder == holder)
    }

    @Test(
        "A task is claimed and finished after the history of an earlier one with its identifier",
        arguments: Place.allCases, [978, 950])
    func earlierHistories(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let id = try CodexFlow.Task.ID(Self.text(count))
        if count == 978 {
            try await fixture.task(id) { $0.title = "T" }
            try await workspace.deleteTask(id, in: "p", by: "mia")
        } else {
            let now = fixture.clock.now
            var entry = try CodexFlow.Activity(
                id: .init(Self.text(64)), projectID: "p", taskID: id, actorID: "mia", at: now,
                day: CalendarDay(now), kind: .deleted
            ).item()
            // A raw entry need not be in the feeds.
            for name in CodexFlow.FeedPlace.attributes { entry[name] = nil }
            try await fixture.store.put(entry, in: CodexFlow.table)
        }
        try await fixture.store.put(Self.raw(id, in: fixture))
        let token = try #require(try await next(fixture)?.claim?.token)
        try await workspace.moveTask(id, in: "p", to: .inProgress, by: "mia", holding: token)
        try await workspace.completeTask(id, in: "p", by: "mia", holding: token)
        let kinds = try fixture.store.all(.activity(of: id, in: "p")).map(\.kind)
        #expect(Array(kinds.suffix(3)) == [.claimed, .moved, .moved])
        #expect(!kinds.contains(.imported))
    }

    @Test(
        "An identifier of a new task begins after the characters of early keys",
        arguments: [" a", "!a", "\"a", "$a"], Place.allCases)
    func beginnings(id: String, place: Place) async throws {
        let fixture = try await Fixture(place)
        let id = try CodexFlow.Task.ID(id)
        await #expect(throws: CodexError(.invalidIdentifier, "")) { try await fixture.task(id) }
        // One that was stored without the services can be worked on.
        try await fixture.store.put(
            CodexFlow.Task(id: id, projectID: "p", title: "T", status: .todo))
        #expect(try await next(fixture)?.id == id)
        try await fixture.task("%a")
    }

    // MARK: Sizes

    /// What fills the item of a raw task.
    enum Filler: String, CaseIterable, Sendable {
        /// Texts of the task, each within its rule.
        case texts
        /// An attribute that the type does not know.
        case unknown
    }

    /// The item of a task that leaves few bytes of an item free.
    private static func full(
        _ task: CodexFlow.Task, _ filler: Filler, leaving count: Int
    ) throws -> Item {
        var task = task
        let size = DynamoDBLimits.itemByteCountMax - count
        if filler == .texts {
            task.body = text(CodexFlow.Limits.bodyByteCountMax)
            task.acceptanceCriteria = (0..<CodexFlow.Limits.criterionCountMax).map { number in
                CodexFlow.Task.Criterion(
                    id: "\(number)", text: String(repeating: "語", count: 1000))
            }
            task.metadata = ["m": ""]
            task.metadata = ["m": .string(text(size - (try task.item().byteCount)))]
            try task.validate()
            return try task.item()
        }
        return padded(try task.item(), leaving: count)
    }

    /// An item with an attribute that its type does not know, which leaves few bytes free.
    private static func padded(_ item: Item, leaving count: Int) -> Item {
        var item = item
        item["filler"] = ""
        let size = DynamoDBLimits.itemByteCountMax - count
        item["filler"] = .string(text(size - item.byteCount))
        return item
    }

    private static func raw(_ id: CodexFlow.Task.ID, in fixture: Fixture) -> CodexFlow.Task {
        var task = CodexFlow.Task(
            id: id, projectID: "p", title: "T", status: .todo, createdAt: fixture.clock.now)
        task.priority = .urgent
        return task
    }

    @Test(
        "A task without room for a claim stops no other one",
        arguments: Place.allCases, Filler.allCases)
    func ready(place: Place, filler: Filler) async throws {
        let fixture = try await Fixture(place)
        for number in 0..<10 {
            let task = Self.raw(try .init("full\(number)"), in: fixture)
            try await fixture.store.put(
                try Self.full(task, filler, leaving: 60), in: CodexFlow.table)
        }
        try await fixture.task("z") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "z")
        #expect(try await next(fixture) == nil)
        // Without the filler, a worker gets the task.
        try await fixture.store.put(
            try Self.raw("full3", in: fixture).item(), in: CodexFlow.table)
        #expect(try await next(fixture)?.id == "full3")
    }

    @Test(
        "A blocked task without room for its place in the queue stops no other one",
        arguments: Place.allCases, Filler.allCases)
    func freed(place: Place, filler: Filler) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("b")
        var blocked = Self.raw("a", in: fixture)
        blocked.isBlocked = true
        try await fixture.store.put(
            try Self.full(blocked, filler, leaving: 20), in: CodexFlow.table)
        try await fixture.store.put(
            CodexFlow.Dependency(
                projectID: "p", taskID: "a", blockerID: "b", isOpen: true,
                createdAt: fixture.clock.now))
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        try await fixture.task("z") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "z")
        #expect(try await next(fixture) == nil)
        // The dependency still tells of it.
        try await fixture.store.put(try blocked.item(), in: CodexFlow.table)
        #expect(try await next(fixture)?.id == "a")
    }

    /// Stores a task that waits for an open one by a dependency that is wrong and nearly full.
    private func waitWithoutRoom(_ fixture: Fixture, leaving byteCount: Int) async throws {
        try await fixture.task("b")
        try await fixture.store.put(Self.raw("a", in: fixture))
        let dependency = CodexFlow.Dependency(
            projectID: "p", taskID: "a", blockerID: "b", isOpen: false,
            createdAt: fixture.clock.now)
        try await fixture.store.put(
            Self.padded(try dependency.item(), leaving: byteCount), in: CodexFlow.table)
    }

    @Test(
        "A dependency without room for its correction stops no other task",
        arguments: Place.allCases, [0, 20, 36])
    func corrections(place: Place, leaving: Int) async throws {
        let fixture = try await Fixture(place)
        try await waitWithoutRoom(fixture, leaving: leaving)
        try await fixture.task("z") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "z")
        #expect(try await next(fixture) == nil)
        // A mark would stay when the blocker is finished.
        #expect(try fixture.store.get(.task("a", in: "p"))?.isBlocked == false)
        try await fixture.workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await next(fixture)?.id == "a")
        #expect(try fixture.store.verify().isSound)
    }

    @Test(
        "A dependency without room does not keep its blocker from its end",
        arguments: Place.allCases)
    func ends(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        // The keys of an open dependency have just room, and those of a freed one have not.
        try await waitWithoutRoom(fixture, leaving: 37)
        #expect(try await next(fixture) == nil)
        #expect(try fixture.store.get(.task("a", in: "p"))?.isBlocked == true)
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await workspace.verifyQueue(of: "p") == ["a"])
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 2)
        #expect(try await next(fixture)?.id == "a")
    }

    @Test(
        "A count of tokens without room for the next one stops no other task",
        arguments: Place.allCases)
    func tallies(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.store.put(Self.raw("a", in: fixture))
        let tally = CodexFlow.ClaimTally(projectID: "p", taskID: "a")
        try await fixture.store.put(
            Self.padded(try tally.item(), leaving: 0), in: CodexFlow.table)
        try await fixture.task("z") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "z")
        #expect(try await next(fixture) == nil)
        try await fixture.store.put(tally)
        #expect(try await next(fixture)?.id == "a")
    }

    @Test(
        "Claims of tasks without room do not keep a user from leaving", arguments: Place.allCases)
    func leaving(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let end = fixture.clock.now + 60
        // Its history has no room for the identifier.
        var raw = Self.raw(try .init(Self.text(990)), in: fixture)
        raw.claim = .init(holder: "max", until: end, token: 1)
        try await fixture.store.put(raw)
        try await fixture.task("b")
        _ = try await fixture.claim("b", by: "max")
        try await workspace.suspendUser("max")
        #expect(try fixture.store.get(.task("b", in: "p"))?.claim == nil)
        #expect(try fixture.store.get(.task(raw.id, in: "p"))?.claim != nil)
        try await workspace.activateUser("max")
        try await workspace.removeMember("max", from: "p", by: "olga")
        try await workspace.addMember("max", to: "p", by: "olga")
        fixture.clock.advance(by: 60)
        #expect(try await workspace.expireClaims(in: "p") == 0)
    }

    @Test("A raw task that loses its assignee needs room for its history")
    func unassigned() async throws {
        let fixture = try await Fixture()
        for id in [Self.text(990), "b"] {
            var task = Self.raw(try .init(id), in: fixture)
            task.assigneeID = "max"
            try await fixture.store.put(task)
        }
        try await fixture.workspace.archiveProject("p", by: "olga")
        try await fixture.workspace.removeMember("max", from: "p", by: "olga")
        let left = try fixture.store.all(.openTasks(assignedTo: "max")).map(\.id.rawValue.count)
        #expect(left == [990])
    }

    /// Creates a task whose item has a number of bytes.
    private static func create(
        _ id: CodexFlow.Task.ID, byteCount: Int, in fixture: Fixture
    ) async throws {
        @Sendable func fill(_ task: inout CodexFlow.Task, _ count: Int) {
            (task.title, task.status, task.body) = (
                "T", .todo, text(CodexFlow.Limits.bodyByteCountMax)
            )
            task.acceptanceCriteria = (0..<CodexFlow.Limits.criterionCountMax).map { number in
                CodexFlow.Task.Criterion(
                    id: "\(number)", text: String(repeating: "語", count: 1000))
            }
            task.metadata = ["m": .string(text(count))]
        }
        // Identifiers and numbers have equal sizes.
        let first = try await fixture.workspace.createTask(in: "p", by: "mia", id: "first") {
            fill(&$0, 1000)
        }
        let more = byteCount - (try first.item().byteCount)
        try await fixture.workspace.deleteTask("first", in: "p", by: "mia")
        try await fixture.workspace.createTask(in: "p", by: "mia", id: id) {
            fill(&$0, 1000 + more)
        }
    }

    @Test("A task has room for all that follows", arguments: [-1, 0, 1])
    func sizes(offset: Int) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let byteCount = CodexFlow.Limits.taskItemByteCountMax + offset
        guard offset <= 0 else {
            await #expect(throws: CodexError(.itemTooLarge, "")) {
                try await Self.create("tasks", byteCount: byteCount, in: fixture)
            }
            #expect(try store.get(.task("tasks", in: "p")) == nil)
            return
        }
        try await Self.create("tasks", byteCount: byteCount, in: fixture)
        let stored = try #require(try store.get(.task("tasks", in: "p")))
        #expect(try stored.item().byteCount == byteCount)
        // No further text has room, but each command that works on the task.
        for change: @Sendable (inout CodexFlow.Task) -> Void in [
            { $0.labels = ["label"] }, { $0.assigneeID = "max" },
        ] {
            await #expect(throws: CodexError(.itemTooLarge, "")) {
                try await workspace.changeTask("tasks", in: "p", by: "mia", change)
            }
        }
        await #expect(throws: CodexError(.itemTooLarge, "")) {
            try await workspace.assignTask("tasks", in: "p", to: "max", by: "mia")
        }
        let token = try #require(try await next(fixture)?.claim?.token)
        try await workspace.moveTask("tasks", in: "p", to: .inProgress, by: "mia", holding: token)
        await #expect(throws: CodexError(.itemTooLarge, "")) {
            try await workspace.completeTask(
                "tasks", in: "p", by: "mia", holding: token, result: .init(text: Self.text(100)),
                overriding: "no criterion holds")
        }
        try await workspace.completeTask(
            "tasks", in: "p", by: "olga", overriding: "no criterion holds")
        try await workspace.moveTask("tasks", in: "p", to: .todo, by: "mia")
        try await workspace.archiveTask("tasks", in: "p", by: "mia")
        try await workspace.restoreTask("tasks", in: "p", by: "mia")
        // A shorter one has room again.
        try await workspace.changeTask("tasks", in: "p", by: "mia") { task in
            (task.body, task.labels) = (nil, ["label"])
        }
        try await workspace.assignTask("tasks", in: "p", to: "max", by: "mia")
        #expect(try store.verify().isSound)
    }
}
