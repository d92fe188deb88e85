import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Tasks that are deleted, and those that get their identifiers after them.
@Suite("Deleted tasks")
struct TaskDeletionTests {
    @Test(
        "A task goes with its comments and dependencies; history and work stay",
        arguments: Place.allCases)
    func deletion(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.addDependency(of: "c", on: "a", in: "p", by: "mia")
        // More than one commit removes.
        for number in 0..<45 {
            try await workspace.addComment(on: "a", in: "p", by: "max", "\(number)")
        }
        try await workspace.logWork(2, on: "a", in: "p", by: "mia")
        let start = try store.read { try $0.sequenceNumber }
        try await workspace.deleteTask("a", in: "p", by: "mia", note: "a duplicate")
        #expect(try store.get(.task("a", in: "p")) == nil)
        #expect(try store.all(.comments(on: "a", in: "p")).isEmpty)
        #expect(try store.all(.blockers(of: "a", in: "p")).isEmpty)
        #expect(try store.all(.dependents(of: "a", in: "p")).isEmpty)
        #expect(try await workspace.blockedTasks(in: "p").isEmpty)
        let day = CalendarDay(fixture.clock.now)
        #expect(try store.get(.work(of: "mia", on: "a", day: day, in: "p"))?.hours == 2)
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.kind == .deleted && entry.note == "a duplicate" && entry.actorID == "mia")
        #expect(entry.changes.first?.from == "Task a" && entry.facts?.from == .backlog)
        #expect(try store.all(.activity(of: "c", in: "p")).last?.kind == .unlinked)
        let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(Set(events.map(\.kind)) == [.taskUnblocked, .taskDeleted] && events.count == 2)
        #expect(try store.verify().isSound)
        await #expect(throws: CodexError(.notFound, "")) {
            try await workspace.deleteTask("a", in: "p", by: "mia")
        }
    }

    @Test(
        "Who deletes: the reporter and admins, and no task with subtasks", arguments: Place.allCases
    )
    func rules(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        try await fixture.task("part") { $0.parentID = "a" }
        try await fixture.expect(.taskDeletion, "taskId") {
            try await workspace.deleteTask("a", in: "p", by: "mia")
        }
        for actor in ["max", "vera", "nora"] as [CodexFlow.User.ID] {
            try await fixture.expect(.actorRole) {
                try await workspace.deleteTask("part", in: "p", by: actor)
            }
        }
        try await fixture.expect(.note) {
            try await workspace.deleteTask("part", in: "p", by: "mia", note: " ")
        }
        _ = try await fixture.claim("part", by: "max")
        try await fixture.expect(.taskClaimed) {
            try await workspace.deleteTask("part", in: "p", by: "mia")
        }
        try await workspace.deleteTask("part", in: "p", by: "adam")
        try await workspace.archiveTask("a", in: "p", by: "mia")
        try await workspace.deleteTask("a", in: "p", by: "mia")
    }

    @Test(
        "A new task with the identifier of a deleted one inherits nothing",
        arguments: Place.allCases)
    func identifiers(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        var task = CodexFlow.Task(id: "a", projectID: "p", title: "Old", status: .done)
        (task.estimate, task.reporterID) = (8, "mia")
        try await store.put(task)
        try await workspace.addComment(on: "a", in: "p", by: "mia", "old")
        try await workspace.deleteTask("a", in: "p", by: "mia")
        // The clock stands still.
        let new = try await fixture.task("a") { $0.status = .inProgress }
        #expect(new.reopenCount == nil && new.claim == nil && new.number == 1)
        #expect(try store.all(.comments(on: "a", in: "p")).isEmpty)
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        let history = try store.all(.activity(of: "a", in: "p"))
        #expect(
            history.map(\.kind) == [.imported, .commented, .deleted, .created, .moved, .moved])
        // The completion that is reopened is not the one from before the history.
        try await Analytics.catchUp(store)
        let flows = try Analytics.stored(store).compactMap(\.flow)
        #expect(flows.map(\.importedPoints) == [8] && flows.map(\.reopened) == [1])
    }

    @Test(
        "A claim that ended by time has its event before the task goes",
        arguments: Place.allCases)
    func expired(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a")
        let token = try await fixture.claim("a", by: "max")
        fixture.clock.advance(by: 60)
        let start = try fixture.store.read { try $0.sequenceNumber }
        try await fixture.workspace.idempotent("key").deleteTask("a", in: "p", by: "mia")
        try await fixture.workspace.idempotent("key").deleteTask("a", in: "p", by: "mia")
        let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskClaimExpired, .taskDeleted])
        #expect(events.first?.detail["token"] == .number(Number(token)))
        let kinds = try fixture.store.all(.activity(of: "a", in: "p")).map(\.kind)
        #expect(kinds == [.created, .claimed, .claimExpired, .deleted])
    }

    @Test("The numbers of deleted tasks are not given again")
    func numbers() async throws {
        let fixture = try await Fixture()
        try await fixture.task("a")
        try await fixture.task("b")
        try await fixture.workspace.deleteTask("b", in: "p", by: "mia")
        #expect(try await fixture.task("b").number == 3)
    }

    @Test("Entries of archived, restored and deleted tasks have the task's status and points")
    func facts() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await fixture.task("a") { ($0.status, $0.estimate) = (.inProgress, 5) }
        try await workspace.archiveTask("a", in: "p", by: "mia")
        try await workspace.restoreTask("a", in: "p", by: "mia")
        try await workspace.deleteTask("a", in: "p", by: "mia")
        let entries = try fixture.store.all(.activity(of: "a", in: "p")).dropFirst()
        #expect(entries.map(\.kind) == [.archived, .restored, .deleted])
        for entry in entries {
            let facts = try #require(entry.facts)
            #expect(facts.from == .inProgress && facts.to == nil)
            #expect(facts.pointsBefore == 5 && facts.points == 5)
        }
    }
}
