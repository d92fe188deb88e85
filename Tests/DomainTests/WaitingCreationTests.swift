import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// New tasks that wait for others, in one commit.
@Suite("The creation of a task that waits")
struct WaitingCreationTests {
    private func create(
        _ fixture: Fixture, waitingFor blockers: [CodexFlow.Task.ID], key: String? = nil,
        under parent: CodexFlow.Task.ID? = nil
    ) async throws -> CodexFlow.Task {
        let workspace = key.map { fixture.workspace.idempotent($0) } ?? fixture.workspace
        return try await workspace.createTask(
            in: "p", by: "mia", id: "new", waitingFor: blockers
        ) { task in
            (task.title, task.status, task.parentID) = ("New", .todo, parent)
        }
    }

    private func next(_ fixture: Fixture) async throws -> CodexFlow.Task.ID? {
        try await fixture.workspace.claimNext(in: "p", by: "mia", lease: .seconds(60))?.id
    }

    @Test("The task and its dependencies come in one commit", arguments: Place.allCases)
    func oneCommit(place: Place) async throws {
        let fixture = try await Fixture(place)
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        let start = try fixture.store.read { try $0.sequenceNumber }
        let task = try await create(fixture, waitingFor: ["b", "a", "b"])
        #expect(task.isBlocked && task.status == .todo)
        #expect(try fixture.store.get(.task("new", in: "p")) == task)
        let changes = try fixture.store.retainedChanges(after: .sequenceNumber(start))
        #expect(Set(changes.map(\.sequenceNumber.commit)).count == 1)
        let blockers = try fixture.store.all(.blockers(of: "new", in: "p"))
        #expect(blockers.map(\.blockerID) == ["a", "b"])
        #expect(blockers.map(\.isOpen) == [true, true])
        let kinds = try fixture.store.all(.activity(of: "new", in: "p")).map(\.kind)
        #expect(kinds == [.created, .linked, .linked])
        #expect(try await next(fixture) == nil)
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await fixture.workspace.moveTask(id, in: "p", to: .canceled, by: "mia")
        }
        #expect(try await next(fixture) == "new")
        #expect(try fixture.store.verify().isSound)
    }

    @Test("A finished blocker and none leave the task ready", arguments: Place.everywhere)
    func ready(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a", through: [.canceled])
        #expect(try await create(fixture, waitingFor: ["a"]).isBlocked == false)
        #expect(try await next(fixture) == "new")
        try await fixture.workspace.deleteTask("new", in: "p", by: "olga")
        #expect(try await create(fixture, waitingFor: []).isBlocked == false)
        #expect(try await next(fixture) == "new")
    }

    @Test("A blocker that is refused leaves nothing behind", arguments: Place.allCases)
    func refusals(place: Place) async throws {
        let fixture = try await Fixture(place)
        for id in ["a", "whole"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        try await fixture.task("after")
        try await fixture.workspace.addDependency(of: "after", on: "whole", in: "p", by: "mia")
        try await fixture.expect(.dependencyCycle) {
            _ = try await create(fixture, waitingFor: ["a", "whole"], under: "whole")
        }
        try await fixture.expect(.dependencyCycle) {
            _ = try await create(fixture, waitingFor: ["a", "after"], under: "whole")
        }
        try await fixture.expect(.dependencySelf) {
            _ = try await create(fixture, waitingFor: ["a", "new"])
        }
        let before = try fixture.contents
        await #expect(throws: CodexError(.notFound, "")) {
            _ = try await create(fixture, waitingFor: ["a", "none"])
        }
        #expect(try fixture.contents == before)
    }

    @Test("An identifier that is taken keeps its task", arguments: Place.allCases)
    func taken(place: Place) async throws {
        let fixture = try await Fixture(place)
        for id in ["a", "new"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        let before = try fixture.contents
        await #expect(throws: CodexError(.conditionFailed, "")) {
            _ = try await create(fixture, waitingFor: ["a"])
        }
        #expect(try fixture.contents == before)
    }

    @Test("A repetition gives the first task, and other blockers are refused")
    func repetition() async throws {
        let fixture = try await Fixture()
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        let first = try await create(fixture, waitingFor: ["a"], key: "k")
        try await fixture.workspace.deleteTask("a", in: "p", by: "olga")
        #expect(try await create(fixture, waitingFor: ["a"], key: "k") == first)
        for blockers in [[], ["b"], ["a", "b"]] as [[CodexFlow.Task.ID]] {
            await #expect(throws: CodexError(.idempotencyMismatch, "")) {
                _ = try await create(fixture, waitingFor: blockers, key: "k")
            }
        }
    }
}

/// Steps of commands that have several commits.
@Suite("Steps of commands")
struct CommandStepTests {
    @Test("A move from a given status leaves a task with another one", arguments: Place.everywhere)
    func moves(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        func start(_ id: CodexFlow.Task.ID) async throws -> CodexFlow.Task.Status? {
            try await workspace.moveTask(
                id, in: "p", from: .todo, to: .inProgress, by: "mia"
            ).status
        }
        let statuses: [[CodexFlow.Task.Status]] = [
            [], [.todo], [.todo, .inProgress], [.todo, .inProgress, .inReview],
            [.todo, .inProgress, .done], [.canceled],
        ]
        for (number, path) in statuses.enumerated() {
            let id = try CodexFlow.Task.ID("t\(number)")
            let task = try await fixture.task(id, through: path)
            #expect(try await start(id) == (task.status == .todo ? .inProgress : task.status))
            #expect(
                try fixture.store.get(.task(id, in: "p")) == task || task.status == .todo)
        }
        try await fixture.expect(.taskNotHeld) {
            try await workspace.moveTask(
                "t0", in: "p", from: .todo, to: .inProgress, by: "mia", holding: 7)
        }
        await #expect(throws: CodexError(.notFound, "")) { _ = try await start("none") }
    }

    @Test("A step happens only before its command", arguments: Place.allCases)
    func preceding(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await fixture.task(id, through: [.todo])
        }
        for status in [CodexFlow.Task.Status.inProgress, .todo, .inProgress] {
            try await workspace.preceding("k").moveTask("a", in: "p", to: status, by: "mia")
        }
        // A command that fails is not remembered.
        try await fixture.expect(.taskTransition) {
            try await workspace.idempotent("k").completeTask("b", in: "p", by: "mia")
        }
        try await workspace.preceding("k").moveTask("b", in: "p", to: .inProgress, by: "mia")
        try await workspace.idempotent("k").completeTask("b", in: "p", by: "mia")
        let before = try fixture.contents
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await workspace.preceding("k").moveTask("a", in: "p", to: .todo, by: "mia")
        }
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await workspace.preceding("k").moveTasks(["a"], in: "p", to: .todo, by: "mia")
        }
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await workspace.preceding("k").createTask(
                in: "p", by: "mia", waitingFor: ["a"]
            ) { $0.title = "T" }
        }
        #expect(try fixture.contents == before)
        fixture.clock.advance(by: Double(CodexFlow.Limits.idempotencySeconds) + 1)
        try await workspace.preceding("k").moveTask("a", in: "p", to: .todo, by: "mia")
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await workspace.preceding("").moveTask("a", in: "p", to: .backlog, by: "mia")
        }
    }
}
