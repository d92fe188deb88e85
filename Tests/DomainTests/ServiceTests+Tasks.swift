import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// Tasks: numbers, assignees, statuses, history, changes.
extension ServiceTests {
    @Test("A new task gets a number, its reporter and its times", arguments: Place.everywhere)
    func tasks(place: Place) async throws {
        let fixture = try await Fixture(place)
        let store = fixture.store
        let first = try await fixture.task("a") { $0.labels = ["x", "y"] }
        #expect(first.number == 1 && first.status == .backlog && first.reporterID == "mia")
        let second = try await fixture.task("b") {
            ($0.status, $0.assigneeID) = (.inProgress, "max")
        }
        #expect(second.number == 2 && second.startedAt == fixture.clock.now)
        #expect(try store.get(.task(number: 2, in: "p"))?.id == "b")
        #expect(try store.all(.tasks(in: "p", label: "y")).map(\.id) == ["a"])
        try await fixture.expect(.taskStatus) { try await fixture.task("c") { $0.status = .done } }
        try await fixture.expect(.taskKept) { try await fixture.task("c") { $0.number = 7 } }
        do {
            try await fixture.task("a")
            Issue.record("an identifier was taken twice")
        } catch let error as CodexError {
            #expect(error.code == .conditionFailed)
        }
    }

    @Test("Assignees are members, and so are those who move a task", arguments: Place.everywhere)
    func assignees(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        for user in ["vera", "nora", "nobody"] {
            try await fixture.expect(.taskAssignee, "assignee") {
                try await workspace.assignTask("a", in: "p", to: try .init(user), by: "mia")
            }
        }
        for actor in ["vera", "nora"] {
            try await fixture.expect(.actorRole) {
                try await workspace.moveTask("a", in: "p", to: .todo, by: try .init(actor))
            }
        }
    }

    /// The statuses on the way to one.
    private func way(to status: CodexFlow.Task.Status) -> [CodexFlow.Task.Status] {
        switch status {
        case .backlog: []
        case .todo: [.todo]
        case .inProgress: [.todo, .inProgress]
        case .inReview: [.todo, .inProgress, .inReview]
        case .done: [.todo, .inProgress, .done]
        case .canceled: [.canceled]
        }
    }

    @Test("A pair of statuses that the table does not have is refused", arguments: Place.everywhere)
    func transitions(place: Place) async throws {
        let fixture = try await Fixture(place)
        for from in CodexFlow.Task.Status.allCases {
            let id = try CodexFlow.Task.ID("s-\(from.rawValue)")
            try await fixture.task(id, through: way(to: from))
            for to in CodexFlow.Task.Status.allCases
            where to != from && !from.successors.contains(to) {
                try await fixture.expect(.taskTransition, "status") {
                    try await fixture.workspace.moveTask(id, in: "p", to: to, by: "mia")
                }
            }
        }
        let done = try fixture.store.read {
            try $0.total(
                of: CodexFlow.Counter.tasksByStatus, in: CodexFlow.table, group: ["p", "done"])
        }
        #expect(done.count == 1)
    }

    @Test("Statuses set a task's times, and are in its history", arguments: Place.everywhere)
    func history(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, clock) = (fixture.workspace, fixture.clock)
        try await fixture.task("a")
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        clock.advance(by: 60)
        let started = try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        #expect(started.startedAt == clock.now)
        clock.advance(by: 3600)
        var task = try await workspace.completeTask("a", in: "p", by: "mia")
        #expect(task.completedAt == clock.now && task.startedAt == started.startedAt)
        clock.advance(by: 60)
        task = try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        #expect(task.completedAt == nil && task.reopenCount == 1)
        #expect(task.startedAt == started.startedAt)
        task = try await workspace.moveTask("a", in: "p", to: .canceled, by: "mia")
        #expect(task.canceledAt == clock.now)
        let history = try fixture.store.all(.activity(of: "a", in: "p"))
        #expect(history.map(\.kind) == [.created, .moved, .moved, .moved, .moved, .moved])
        #expect(history[3].facts?.cycleSeconds == 3600 && history[3].facts?.leadSeconds == 3660)
        #expect(history[3].changes.contains { $0.field == "status" && $0.to == "done" })
        // Where it is already is no change.
        let count = try fixture.contents.count
        try await workspace.moveTask("a", in: "p", to: .canceled, by: "mia")
        #expect(try fixture.contents.count == count)
    }

    @Test(
        "Numbers go on after those of tasks that were stored without the services",
        arguments: Place.everywhere)
    func numbersOfOthers(place: Place) async throws {
        let fixture = try await Fixture(place)
        func store(_ number: Int) async throws {
            var raw = CodexFlow.Task(
                id: try .init("raw\(number)"), projectID: "p", title: "Raw")
            raw.number = number
            try await fixture.store.put(raw)
        }
        try await store(41)
        #expect(try await fixture.task("a").number == 42)
        // One that the sequence comes to next, and one above.
        try await store(43)
        try await store(50)
        #expect(try await fixture.task("b").number == 51)
        try await store(52)
        try await store(CodexFlow.Limits.taskNumberMax - 1)
        #expect(try await fixture.task("c").number == CodexFlow.Limits.taskNumberMax)
        // Then what is left: no number is given out twice.
        #expect(try await fixture.task("d").number == 1)
        #expect(try await fixture.task("e").number == 2)
    }

    @Test("Changes: kept fields, stale reads, scales, archived tasks", arguments: Place.everywhere)
    func changes(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let task = try await fixture.task("a")
        for change: @Sendable (inout CodexFlow.Task) -> Void in [
            { $0.status = .done }, { $0.number = 9 }, { $0.reporterID = "max" },
            { $0.claim = .init(holder: "max", until: Date()) }, { $0.completedAt = Date() },
            { $0.id = "z" }, { $0.projectID = "q" }, { $0.createdAt = nil },
        ] {
            try await fixture.expect(.taskKept) {
                try await workspace.changeTask("a", in: "p", by: "mia", change)
            }
        }
        let changed = try await workspace.changeTask(
            "a", in: "p", by: "mia", readAt: task.updatedAt
        ) { $0.title = "New" }
        // The clock stands still, but each change has a time of its own.
        #expect(changed.updatedAt == task.updatedAt.map { ($0 + 0.001).bounded })
        try await fixture.expect(.taskStale, "updatedAt") {
            try await workspace.changeTask("a", in: "p", by: "mia", readAt: task.updatedAt) {
                $0.title = "Newer"
            }
        }
        // An assignee is one with the rest, or nothing is.
        try await fixture.expect(.taskAssignee) {
            try await workspace.changeTask("a", in: "p", by: "mia") {
                ($0.title, $0.assigneeID) = ("Newer", "nora")
            }
        }
        let token = try await fixture.claim("a", by: "max")
        try await fixture.expect(.taskClaimed) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.assigneeID = "mia" }
        }
        let assigned = try await workspace.changeTask("a", in: "p", by: "max", holding: token) {
            ($0.priority, $0.assigneeID) = (.high, "mia")
        }
        #expect(assigned.assigneeID == "mia" && assigned.priority == .high)
        try await workspace.releaseTask("a", in: "p", by: "max", holding: token)
        try await workspace.changeProject("p", by: "adam") { $0.estimateScale = [1, 2, 3, 5, 8] }
        try await fixture.expect(.taskEstimate) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 4 }
        }
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 5 }
        try await workspace.archiveTask("a", in: "p", by: "mia")
        try await fixture.expect(.taskArchived) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.title = "X" }
        }
        try await fixture.expect(.taskArchived) {
            try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        }
        #expect(try await workspace.all(.tasks(in: "p", status: .backlog)).isEmpty)
        try await workspace.restoreTask("a", in: "p", by: "mia")
        #expect(try await workspace.all(.tasks(in: "p", status: .backlog)).map(\.id) == ["a"])
        await #expect(throws: CodexError(.notFound, "")) {
            try await workspace.changeTask("missing", in: "p", by: "mia") { $0.title = "X" }
        }
    }
}
