import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Wholes in the queue: they wait for their parts.
@Suite("Wholes in the queue")
struct WholeTests {
    private func next(
        _ fixture: Fixture, by actor: CodexFlow.User.ID = "mia",
        _ filter: CodexFlow.TaskFilter = CodexFlow.TaskFilter()
    ) async throws -> CodexFlow.Task? {
        try await fixture.workspace.claimNext(
            in: "p", by: actor, matching: filter, lease: .seconds(60))
    }

    /// A whole `a`, which comes first in the queue, with parts in the backlog.
    private func whole(_ parts: [CodexFlow.Task.ID], in fixture: Fixture) async throws {
        try await fixture.task("a") { ($0.status, $0.priority) = (.todo, .urgent) }
        for part in parts { try await fixture.task(part) { $0.parentID = "a" } }
    }

    /// Whether a worker gets the whole; it is given back.
    private func isGiven(_ fixture: Fixture) async throws -> Bool {
        #expect(try await fixture.workspace.verifyQueue(of: "p").isEmpty)
        guard let task = try await next(fixture) else { return false }
        #expect(task.id == "a")
        try await fixture.workspace.releaseTask("a", in: "p", by: "olga")
        return true
    }

    @Test("Workers get the parts first, and then the whole", arguments: Place.allCases)
    func order(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a") { ($0.status, $0.priority) = (.todo, .urgent) }
        for part in ["b", "c"] as [CodexFlow.Task.ID] {
            try await fixture.task(part) { ($0.status, $0.parentID) = (.todo, "a") }
        }
        func work() async throws -> CodexFlow.Task.ID? {
            guard let task = try await next(fixture), let token = task.claim?.token else {
                return nil
            }
            try await workspace.moveTask(
                task.id, in: "p", to: .inProgress, by: "mia", holding: token)
            try await workspace.completeTask(task.id, in: "p", by: "mia", holding: token)
            return task.id
        }
        let parts = [try await work(), try await work()]
        #expect(Set(parts) == ["b", "c"])
        #expect(try await work() == "a")
        #expect(try await work() == nil)
        #expect(try fixture.store.verify().isSound)
    }

    @Test("Each end of a part counts, and each return of it", arguments: Place.allCases)
    func ends(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await whole(["b", "c", "d"], in: fixture)
        #expect(try await !isGiven(fixture))
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        try await workspace.archiveTask("c", in: "p", by: "mia")
        #expect(try await !isGiven(fixture))
        try await workspace.deleteTask("d", in: "p", by: "mia")
        #expect(try await isGiven(fixture))
        try await workspace.restoreTask("c", in: "p", by: "mia")
        #expect(try await !isGiven(fixture))
        try await workspace.changeTask("c", in: "p", by: "mia") { $0.parentID = nil }
        #expect(try await isGiven(fixture))
        try await workspace.moveTask("b", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("b", in: "p", to: .backlog, by: "mia")
        #expect(try await !isGiven(fixture))
        // The mark of an archived whole is corrected when the whole is restored.
        try await workspace.archiveTask("a", in: "p", by: "mia")
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        try await workspace.restoreTask("a", in: "p", by: "mia")
        #expect(try await isGiven(fixture))
        try await workspace.changeTask("c", in: "p", by: "mia") { $0.parentID = "a" }
        try await workspace.archiveTask("a", in: "p", by: "mia")
        try await workspace.restoreTask("a", in: "p", by: "mia")
        #expect(try await !isGiven(fixture))
        try await workspace.moveTask("b", in: "p", to: .todo, by: "mia")
        try await workspace.moveTasks(["b", "c"], in: "p", to: .canceled, by: "mia")
        #expect(try await isGiven(fixture))
        #expect(try fixture.store.verify().isSound)
    }

    @Test("A whole waits for blockers and parts, whichever ends first", arguments: Place.allCases)
    func blockers(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await whole(["c"], in: fixture)
        for id in ["b", "d", "e"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        for id in ["b", "c", "d", "e"] as [CodexFlow.Task.ID] {
            try await workspace.addDependency(of: "a", on: id, in: "p", by: "mia")
        }
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        try await workspace.deleteTask("d", in: "p", by: "mia")
        try await workspace.removeDependency(of: "a", on: "e", in: "p", by: "mia")
        #expect(try await !isGiven(fixture))
        // It is a part, too.
        try await workspace.removeDependency(of: "a", on: "c", in: "p", by: "mia")
        #expect(try await !isGiven(fixture))
        try await workspace.moveTask("c", in: "p", to: .canceled, by: "mia")
        #expect(try await isGiven(fixture))
        try await workspace.addDependency(of: "a", on: "e", in: "p", by: "mia")
        try await workspace.moveTask("c", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("c", in: "p", to: .canceled, by: "mia")
        #expect(try await !isGiven(fixture))
        try await workspace.moveTask("e", in: "p", to: .canceled, by: "mia")
        #expect(try await isGiven(fixture))
    }

    @Test("The mark of a whole is no event, and a worker can claim the whole by its identifier")
    func mark() async throws {
        let fixture = try await Fixture()
        try await fixture.task("a") { $0.status = .todo }
        let start = try fixture.store.read { try $0.sequenceNumber }
        try await fixture.task("b") { $0.parentID = "a" }
        #expect(try fixture.store.get(.task("a", in: "p"))?.isBlocked == true)
        let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskCreated])
        try await fixture.workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
    }

    // MARK: Wholes without a mark

    /// Stores wholes without a mark, as an earlier release or an import does, each with an open
    /// part in the backlog.
    private func store(_ count: Int, in fixture: Fixture) async throws {
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for number in 0..<count {
                var whole = CodexFlow.Task(
                    id: try .init("w\(number)"), projectID: "p", title: "W", status: .todo,
                    createdAt: now)
                whole.priority = .urgent
                try transaction.put(whole)
                var part = CodexFlow.Task(
                    id: try .init("x\(number)"), projectID: "p", title: "X", status: .backlog)
                part.parentID = whole.id
                try transaction.put(part)
            }
        }
    }

    @Test(
        "A task is found behind many wholes, which leave the queue",
        arguments: [(Place.embedded, 120), (.table, 30)])
    func behindWholes(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        try await store(count, in: fixture)
        let wrong = try await fixture.workspace.verifyQueue(of: "p")
        #expect(wrong.count == count)
        try await fixture.task("last") { $0.status = .todo }
        #expect(try await next(fixture)?.id == "last")
        #expect(try await next(fixture) == nil)
        #expect(try await fixture.workspace.verifyQueue(of: "p").isEmpty)
        try await fixture.workspace.moveTask("x7", in: "p", to: .canceled, by: "mia")
        #expect(try await next(fixture)?.id == "w7")
    }

    @Test("A repair marks wholes, and removes marks of wholes without open parts")
    func repair() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await self.store(3, in: fixture)
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 3)
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        try await store.update(.task("x1", in: "p")) { $0.status = .done }
        #expect(try await workspace.verifyQueue(of: "p") == ["w1"])
        #expect(try await next(fixture) == nil)
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 1)
        #expect(try await next(fixture)?.id == "w1")
    }

    @Test("A claim does not read more, the more wholes wait")
    func cost() async throws {
        var found: [CountedBackend.Counts] = []
        for count in [20, 200] {
            let fixture = try await Fixture()
            try await store(count, in: fixture)
            try await fixture.workspace.repairQueue(of: "p", by: "adam")
            try await fixture.task("last") { $0.status = .todo }
            let (backend, clock) = (CountedBackend(fixture.store), fixture.clock)
            let workspace = CodexFlow.Workspace(
                backend, clock: { clock.now }, calendar: SystemCalendar())
            found.append(
                try await backend.measured {
                    let task = try await workspace.claimNext(
                        in: "p", by: "mia", lease: .seconds(60))
                    #expect(task?.id == "last")
                })
        }
        #expect(found[0] == found[1])
    }

    // MARK: Commands that pass each other

    private func overtaken(
        _ fixture: Fixture, by other: @escaping @Sendable () async throws -> Void
    ) throws -> CodexFlow.Workspace {
        let clock = fixture.clock
        return CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(RemoteTable(fixture.store, overtakenBy: other)),
            clock: { clock.now }, calendar: SystemCalendar())
    }

    @Test("The last two parts end at once on a remote table, and free the whole")
    func lastParts() async throws {
        let fixture = try await Fixture(.table)
        try await whole(["b", "c"], in: fixture)
        let slow = try overtaken(fixture) {
            try await fixture.workspace.moveTask("c", in: "p", to: .canceled, by: "max")
        }
        try await slow.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await isGiven(fixture))
    }

    @Test("A whole waits for a blocker that stops being its part", arguments: Place.allCases)
    func blockingPart(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await whole(["b"], in: fixture)
        try await fixture.workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await fixture.workspace.changeTask("b", in: "p", by: "mia") { $0.parentID = nil }
        #expect(try await fixture.workspace.verifyQueue(of: "p").isEmpty)
        #expect(try fixture.store.get(.task("a", in: "p"))?.isBlocked == true)
        try await fixture.workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        #expect(try await isGiven(fixture))
    }

    @Test("A task that gets a part while a worker claims it on a remote table is not given")
    func newPart() async throws {
        let fixture = try await Fixture(.table)
        try await whole([], in: fixture)
        let slow = try overtaken(fixture) {
            try await fixture.task("b") { ($0.status, $0.parentID) = (.todo, "a") }
        }
        #expect(try await slow.claimNext(in: "p", by: "mia", lease: .seconds(60))?.id == "b")
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim == nil)
    }

    // MARK: Any commands

    /// One command, which the rules may refuse.
    private func change(_ fixture: Fixture, _ random: inout SplitMix) async throws {
        let workspace = fixture.workspace
        let id = try CodexFlow.Task.ID("t\(random.below(8))")
        let other = try CodexFlow.Task.ID("t\(random.below(8))")
        let status = random.pick(CodexFlow.Task.Status.allCases)
        do {
            switch random.below(8) {
            case 0, 1:
                try await workspace.changeTask(id, in: "p", by: "olga") { $0.parentID = other }
            case 2: try await workspace.changeTask(id, in: "p", by: "olga") { $0.parentID = nil }
            case 3: try await workspace.addDependency(of: id, on: other, in: "p", by: "olga")
            case 4:
                if try fixture.store.get(.task(id, in: "p"))?.archivedAt == nil {
                    try await workspace.archiveTask(id, in: "p", by: "olga")
                } else {
                    try await workspace.restoreTask(id, in: "p", by: "olga")
                }
            case 5:
                try await workspace.deleteTask(id, in: "p", by: "olga")
                try await fixture.task(id) { $0.status = .todo }
            default:
                try await workspace.moveTask(
                    id, in: "p", to: status, by: "olga", overriding: "as the test wants it")
            }
        } catch let error as CodexError {
            guard error.rule != nil || error.code == .notFound else { throw error }
        }
    }

    /// The tasks that a worker may get, from the tasks and dependencies alone.
    private func readyTasks(_ fixture: Fixture) throws -> Set<CodexFlow.Task.ID> {
        let tasks = try fixture.store.all(.tasks(in: "p"))
        let open = tasks.filter(\.isOpen)
        let wholes = Set(open.compactMap(\.parentID))
        let ready = try open.filter { task in
            let blockers = try fixture.store.all(.blockers(of: task.id, in: "p")).map(\.blockerID)
            return (task.status == .todo || task.status == .inProgress)
                && !wholes.contains(task.id)
                && Set(open.map(\.id)).isDisjoint(with: blockers)
        }
        return Set(ready.map(\.id))
    }

    @Test("Any sequence of commands leaves the queue right", arguments: Place.allCases)
    func random(place: Place) async throws {
        let seed = UInt64.random(in: 1...1_000_000_000)
        let fixture = try await Fixture(place)
        var random = SplitMix(seed: seed)
        for number in 0..<8 {
            try await fixture.task(try .init("t\(number)")) { $0.status = .todo }
        }
        for round in 0..<(place == .embedded ? 60 : 15) {
            for _ in 0..<4 { try await change(fixture, &random) }
            let wrong = try await fixture.workspace.verifyQueue(of: "p")
            #expect(wrong.isEmpty, "seed \(seed), round \(round)")
            let expected = try readyTasks(fixture)
            var found: Set<CodexFlow.Task.ID> = []
            // A call takes up a few tasks only.
            for _ in 0..<4 {
                while let task = try await next(fixture) { found.insert(task.id) }
            }
            #expect(found == expected, "seed \(seed), round \(round)")
            for id in found { try await fixture.workspace.releaseTask(id, in: "p", by: "olga") }
        }
        #expect(try fixture.store.verify().isSound, "seed \(seed)")
    }
}
