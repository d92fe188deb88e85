import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// The queue of a project beside what was stored without the services, or by a clock that was
/// wrong.
@Suite("The queue beside what was stored without the services")
struct QueueDriftTests {
    /// What is wrong with a task that was stored as a raw item.
    enum Damage: String, CaseIterable, Sendable {
        /// A rule refuses it.
        case invalid
        /// It cannot be read as a task.
        case unreadable

        func apply(to item: inout Item) {
            switch self {
            case .invalid: item["title"] = ""
            case .unreadable: item["complexity"] = "high"
            }
        }
    }

    private func next(
        _ fixture: Fixture, by actor: CodexFlow.User.ID = "mia",
        _ filter: CodexFlow.TaskFilter = CodexFlow.TaskFilter()
    ) async throws -> CodexFlow.Task? {
        try await fixture.workspace.claimNext(
            in: "p", by: actor, matching: filter, lease: .seconds(60))
    }

    /// Stores damaged tasks as raw items, with what `body` sets.
    private func store(
        _ count: Int, _ damage: Damage, in fixture: Fixture,
        _ body: (inout CodexFlow.Task) -> Void
    ) async throws {
        for number in 0..<count {
            let id = try CodexFlow.Task.ID("raw\(number)")
            var task = CodexFlow.Task(
                id: id, projectID: "p", title: "Raw", status: .todo, createdAt: fixture.clock.now)
            body(&task)
            var item = try task.item()
            damage.apply(to: &item)
            try await fixture.store.put(item, in: CodexFlow.table)
        }
    }

    /// Tasks in the queue that wait for an open task, although nothing in the queue says so.
    ///
    /// - Parameters:
    ///   - count: The number of tasks.
    ///   - blockerCount: The number of tasks that each waits for. Only the last one is open.
    private func storeBlocked(
        _ count: Int, _ blockerCount: Int, in fixture: Fixture
    ) async throws {
        let now = fixture.clock.now
        for number in 0..<count {
            let id = try CodexFlow.Task.ID("t\(number)")
            var task = CodexFlow.Task(
                id: id, projectID: "p", title: "T", status: .todo, createdAt: now)
            task.priority = .urgent
            try await fixture.store.put(task)
            for other in 1...blockerCount {
                let blocker = try CodexFlow.Task.ID("b\(number)-\(other)")
                try await fixture.store.put(
                    CodexFlow.Task(
                        id: blocker, projectID: "p", title: "B",
                        status: other == blockerCount ? .backlog : .done))
                try await fixture.store.put(
                    CodexFlow.Dependency(
                        projectID: "p", taskID: id, blockerID: blocker, isOpen: false,
                        createdAt: now))
            }
        }
    }

    /// What is damaged beside a task that is sound itself.
    enum Neighbour: String, CaseIterable, Sendable {
        case dependency
        /// The last of ten blockers; the others are done.
        case blocker
        /// The count of the tokens.
        case token
        /// A dependency that names a blocker for which no key has room.
        case name
        /// A dependency of the task on itself, which no rule accepts.
        case itself
    }

    /// Stores ready tasks that come first in the queue, and that no worker may get.
    private func store(
        _ count: Int, beside neighbour: Neighbour, in fixture: Fixture
    ) async throws {
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for name in ["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "bx"] {
                var item = try CodexFlow.Task(
                    id: try .init(name), projectID: "p", title: "B", status: .done
                ).item()
                if name == "bx" { Damage.unreadable.apply(to: &item) }
                try transaction.put(item, in: CodexFlow.table)
            }
            for number in 0..<count {
                var task = CodexFlow.Task(
                    id: try .init("t\(number)"), projectID: "p", title: "T", status: .todo,
                    createdAt: now)
                task.priority = .urgent
                try transaction.put(task)
                for item in try Self.items(of: task.id, neighbour, now) {
                    try transaction.put(item, in: CodexFlow.table)
                }
            }
        }
    }

    /// The items beside a task of ``store(_:beside:in:)``.
    private static func items(
        of task: CodexFlow.Task.ID, _ neighbour: Neighbour, _ now: Date
    ) throws -> [Item] {
        guard neighbour != .token else {
            return [["PK": .string("CLAIM#p#\(task)"), "SK": "TALLY", "last": "many"]]
        }
        guard neighbour != .itself else {
            return [
                try CodexFlow.Dependency(
                    projectID: "p", taskID: task, blockerID: task, isOpen: false, createdAt: now
                ).item()
            ]
        }
        let names = (1...9).map { "b\($0)" } + ["bx"]
        let dependencies = try names.map { name in
            try CodexFlow.Dependency(
                projectID: "p", taskID: task, blockerID: try .init(name), isOpen: false,
                createdAt: now
            ).item()
        }
        guard neighbour != .blocker, var damaged = dependencies.last else { return dependencies }
        if neighbour == .name {
            damaged["blockerId"] = .string(String(repeating: "x", count: 1100))
        } else {
            damaged["isOpen"] = "no"
        }
        return [damaged]
    }

    // MARK: Raw items

    @Test(
        "Damaged tasks do not hide others in the queue",
        arguments: Place.allCases, Damage.allCases)
    func damaged(place: Place, damage: Damage) async throws {
        let fixture = try await Fixture(place)
        let now = fixture.clock.now
        let ranges: [(String, @Sendable (inout CodexFlow.Task) -> Void)] = [
            ("ready", { $0.priority = .urgent }),
            ("waiting", { $0.notBefore = now - 100 }),
            ("claimed", { $0.claim = .init(holder: "max", until: now - 100, token: 1) }),
        ]
        for (name, body) in ranges {
            try await store(60, damage, in: fixture, body)
            let id = try CodexFlow.Task.ID(name)
            var task = CodexFlow.Task(id: id, projectID: "p", title: "T", status: .todo)
            if name == "waiting" { task.notBefore = now - 10 }
            if name == "claimed" { task.claim = .init(holder: "max", until: now - 10, token: 1) }
            try await fixture.store.put(task)
            #expect(try await next(fixture)?.id == id, "\(name)")
            #expect(try await next(fixture) == nil, "\(name)")
        }
    }

    @Test(
        "Damaged tasks do not hide expired claims from the sweep",
        arguments: Place.allCases, Damage.allCases)
    func sweep(place: Place, damage: Damage) async throws {
        let fixture = try await Fixture(place)
        let now = fixture.clock.now
        try await store(30, damage, in: fixture) {
            $0.claim = .init(holder: "max", until: now - 100, token: 1)
        }
        try await fixture.task("a")
        _ = try await fixture.claim("a", by: "max")
        fixture.clock.advance(by: 60)
        #expect(try await fixture.workspace.expireClaims(in: "p", limit: 5) == 1)
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim == nil)
    }

    @Test("A damaged dependency keeps its task out of the queue, and no other one")
    func damagedDependency() async throws {
        let fixture = try await Fixture()
        try await storeBlocked(1, 1, in: fixture)
        try await fixture.task("a") { $0.status = .todo }
        var item = try CodexFlow.Dependency(
            projectID: "p", taskID: "t0", blockerID: "x", isOpen: false,
            createdAt: fixture.clock.now
        ).item()
        item["isOpen"] = "no"
        try await fixture.store.put(item, in: CodexFlow.table)
        #expect(try await next(fixture)?.id == "a")
        #expect(try await next(fixture) == nil)
    }

    @Test(
        "Tasks beside damaged items do not hide others in the queue",
        arguments: Place.allCases, Neighbour.allCases)
    func damagedNeighbours(place: Place, neighbour: Neighbour) async throws {
        let fixture = try await Fixture(place)
        // More than the reads of one commit.
        try await store(45, beside: neighbour, in: fixture)
        try await fixture.task("a") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "a")
        #expect(try await next(fixture) == nil)
    }

    @Test(
        "Freed tasks that cannot be changed do not hide others",
        arguments: Place.allCases, Damage.allCases)
    func damagedFreed(place: Place, damage: Damage) async throws {
        let fixture = try await Fixture(place)
        let now = fixture.clock.now
        // More than one commit passes over.
        let count = place == .embedded ? 250 : 30
        try await store(count, damage, in: fixture) { $0.isBlocked = true }
        try await fixture.store.write { transaction in
            try transaction.put(
                CodexFlow.Task(id: "b", projectID: "p", title: "B", status: .done))
            var task = CodexFlow.Task(id: "z", projectID: "p", title: "Z", status: .todo)
            task.isBlocked = true
            try transaction.put(task)
            for name in (0..<count).map({ "raw\($0)" }) + ["z"] {
                var dependency = CodexFlow.Dependency(
                    projectID: "p", taskID: try .init(name), blockerID: "b", isOpen: false,
                    createdAt: now)
                dependency.isFreed = true
                try transaction.put(dependency)
            }
        }
        #expect(try await next(fixture)?.id == "z")
        #expect(try await next(fixture) == nil)
    }

    @Test("A freed task that cannot be changed is given when it can", arguments: Place.allCases)
    func freed(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("b")
        try await fixture.task("a") { $0.status = .todo }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        let sound = try #require(try fixture.store.get(.task("a", in: "p")))
        var item = try sound.item()
        Damage.invalid.apply(to: &item)
        try await fixture.store.put(item, in: CodexFlow.table)
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await next(fixture) == nil)
        try await fixture.store.put(sound)
        #expect(try await next(fixture)?.id == "a")
    }

    // MARK: Blocked tasks

    @Test(
        "A task is not lost whose blocker was opened without the services",
        arguments: Place.allCases)
    func reopened(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("b")
        try await fixture.task("a") { $0.status = .todo }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await next(fixture)?.id == "a")
        try await workspace.releaseTask("a", in: "p", by: "olga")
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        try await fixture.store.update(.task("b", in: "p")) { $0.status = .backlog }
        #expect(try await workspace.verifyQueue(of: "p") == ["a"])
        #expect(try await next(fixture) == nil)
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        #expect(try await next(fixture)?.id == "a")
    }

    @Test("A check of the queue finds each wrong mark, and a repair corrects it")
    func verification() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["a", "b", "c", "d"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.addDependency(of: "c", on: "b", in: "p", by: "mia")
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        try await store.update(.task("a", in: "p")) { $0.isBlocked = false }
        try await store.update(.task("d", in: "p")) { $0.isBlocked = true }
        try await store.update(.dependency(of: "c", on: "b", in: "p")) { $0.isOpen = false }
        #expect(try await workspace.verifyQueue(of: "p") == ["a", "c", "d"])
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 3)
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        try await store.update(.task("b", in: "p")) { $0.status = .done }
        #expect(try await workspace.verifyQueue(of: "p") == ["a", "c"])
    }

    @Test(
        "A task is found behind many that turn out to be blocked",
        arguments: [(Place.embedded, 120), (.table, 30)])
    func behindBlocked(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        try await storeBlocked(count, 1, in: fixture)
        try await fixture.task("last") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "last")
        #expect(try await next(fixture) == nil)
    }

    @Test("Tasks with many blockers fit into a transaction of a remote table")
    func manyBlockers() async throws {
        let fixture = try await Fixture(.table)
        try await storeBlocked(5, 30, in: fixture)
        try await fixture.task("last") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "last")
    }

    // MARK: Choices

    @Test("A worker's own task is found behind unassigned ones that the filter refuses")
    func own() async throws {
        let fixture = try await Fixture()
        try await fixture.workspace.createTasks(
            from: Array(0..<101), in: "p", by: "mia"
        ) { _, task in
            (task.title, task.status, task.priority) = ("T", .todo, .urgent)
        }
        try await fixture.task("own") { task in
            (task.status, task.assigneeID, task.labels) = (.todo, "mia", ["x"])
        }
        #expect(try await next(fixture, .init(labels: ["x"]))?.id == "own")
        #expect(try await next(fixture)?.priority == .urgent)
    }

    @Test("While the queue of a remote table has tasks, few claims take up others")
    func promotions() async throws {
        let fixture = try await Fixture(.table)
        let start = fixture.clock.now
        for number in 0..<20 {
            try await fixture.task(try .init("ready\(number)")) { $0.status = .todo }
            try await fixture.task(try .init("waiting\(number)")) {
                ($0.status, $0.notBefore) = (.todo, start + 1)
            }
        }
        fixture.clock.advance(by: 1)
        for _ in 0..<8 { #expect(try await next(fixture) != nil) }
        let left = try fixture.store.all(.tasks(in: "p", waitingUntil: fixture.clock.now))
        #expect(left.count >= 12)
        // All come in the end.
        var count = 8
        while try await next(fixture) != nil { count += 1 }
        #expect(count == 40)
    }

    // MARK: Clocks

    @Test("A claim that a wrong clock made is an expired one", arguments: Place.allCases)
    func clocks(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let year = 365 * 86_400.0
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { $0.status = .todo }
        }
        fixture.clock.jump(by: year)
        _ = try await fixture.claim("a", by: "max")
        _ = try await fixture.claim("b", by: "max", lease: .seconds(90))
        fixture.clock.jump(by: -year)
        #expect(try await workspace.expiredClaims(in: "p").map(\.id) == ["a", "b"])
        let start = try fixture.store.read { try $0.sequenceNumber }
        #expect(try await workspace.expireClaims(in: "p", limit: 1) == 1)
        let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskClaimExpired] && events.first?.taskID == "a")
        #expect(try await next(fixture) != nil)
        #expect(try await next(fixture) != nil)
        #expect(try await workspace.expiredClaims(in: "p").isEmpty)
    }
}
