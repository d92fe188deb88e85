import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Two commands on a remote table: one is decided, then the other is written, then the first.
@Suite("Commands that pass each other on a remote table")
struct RaceTests {
    private let fixture: Fixture
    private var workspace: CodexFlow.Workspace { fixture.workspace }

    init() async throws { fixture = try await Fixture(.table) }

    /// A workspace whose first command is overtaken.
    private func overtaken(
        by other: @escaping @Sendable () async throws -> Void
    ) throws -> CodexFlow.Workspace {
        let clock = fixture.clock
        return CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(RemoteTable(fixture.store, overtakenBy: other)),
            clock: { clock.now }, calendar: SystemCalendar())
    }

    private func expect(
        _ rule: CodexFlow.Rule, location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("\(rule) was not broken", sourceLocation: location)
        } catch {
            #expect((error as? CodexError)?.rule == rule, "\(error)", sourceLocation: location)
        }
    }

    @Test("One of two claimers gets a task that has only what every task must")
    func claims() async throws {
        try await fixture.store.put(
            CodexFlow.Task(id: "raw", projectID: "p", title: "Raw"))
        let slow = try overtaken { [workspace] in
            try await workspace.claimTask("raw", in: "p", by: "mia", lease: .seconds(60))
        }
        await expect(.taskClaimed) {
            try await slow.claimTask("raw", in: "p", by: "max", lease: .seconds(60))
        }
        #expect(try fixture.store.get(.task("raw", in: "p"))?.claim?.holder == "mia")
    }

    @Test("A suspended user has no session, whichever came first")
    func sessions() async throws {
        let opener = try overtaken { [workspace] in try await workspace.suspendUser("mia") }
        await expect(.sessionUser) { _ = try await opener.openSession(for: "mia") }
        let suspender = try overtaken { [workspace] in
            _ = try await workspace.openSession(for: "max")
        }
        try await suspender.suspendUser("max")
        #expect(try fixture.store.all(.sessions(of: "max")).isEmpty)
    }

    @Test("Nobody leaves who was just given a task")
    func members() async throws {
        try await fixture.task("t")
        let remover = try overtaken { [workspace] in
            try await workspace.assignTask("t", in: "p", to: "max", by: "mia")
        }
        await expect(.memberWork) { try await remover.removeMember("max", from: "p", by: "adam") }
        try await workspace.assignTask("t", in: "p", to: nil, by: "mia")
        let assigner = try overtaken { [workspace] in
            try await workspace.removeMember("max", from: "p", by: "adam")
        }
        await expect(.taskAssignee) {
            try await assigner.assignTask("t", in: "p", to: "max", by: "mia")
        }
        // Reopening gives work as well.
        try await fixture.task("u", through: [.todo])
        try await workspace.assignTask("u", in: "p", to: "mia", by: "mia")
        try await workspace.moveTask("u", in: "p", to: .canceled, by: "mia")
        let second = try overtaken { [workspace] in
            try await workspace.moveTask("u", in: "p", to: .todo, by: "adam")
        }
        await expect(.memberWork) { try await second.removeMember("mia", from: "p", by: "adam") }
    }

    @Test("Nobody is deleted who was just given a project, or made a member")
    func owners() async throws {
        let deleter = try overtaken { [workspace] in
            try await workspace.transferProject("p", to: "nora", by: "olga")
        }
        await expect(.userOwnsProjects) { try await deleter.deleteUser("nora") }
        let second = try overtaken { [workspace] in
            try await workspace.createUser(email: "x@y", name: "X", id: "x")
            try await workspace.addMember("vera", to: "p2", as: .viewer, by: "adam")
        }
        try await workspace.createProject(key: "TWO", name: "Two", id: "p2", owner: "adam")
        try await second.deleteUser("vera")
        #expect(try fixture.store.all(.memberships(of: "vera")).isEmpty)
    }

    @Test("A dependency that was removed is not written back")
    func dependencies() async throws {
        try await fixture.task("a", through: [.todo])
        try await fixture.task("b", through: [.todo, .inProgress])
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        let mover = try overtaken { [workspace] in
            try await workspace.removeDependency(of: "a", on: "b", in: "p", by: "mia")
        }
        try await mover.completeTask("b", in: "p", by: "mia")
        #expect(try fixture.store.all(.blockers(of: "a", in: "p")).isEmpty)
        // Nor is one missed that was added.
        let second = try overtaken { [workspace] in
            try await workspace.addDependency(of: "a", on: "c", in: "p", by: "mia")
        }
        try await fixture.task("c", through: [.todo, .inProgress])
        try await second.completeTask("c", in: "p", by: "mia")
        #expect(try fixture.store.all(.blockers(of: "a", in: "p")).map(\.isOpen) == [false])
    }

    @Test("A day of two projects has 24 hours")
    func hours() async throws {
        try await fixture.task("a")
        try await workspace.createProject(key: "TWO", name: "Two", id: "q", owner: "mia")
        try await workspace.createTask(in: "q", by: "mia", id: "b") { $0.title = "B" }
        let logger = try overtaken { [workspace] in
            try await workspace.logWork(13, on: "b", in: "q", by: "mia")
        }
        await expect(.workHours) { try await logger.logWork(12, on: "a", in: "p", by: "mia") }
    }

    @Test("A project that was marked for deletion meanwhile takes nothing")
    func deletion() async throws {
        let creator = try overtaken { [workspace] in
            try await workspace.deleteProject("p", by: "olga")
            try await workspace.createProject(key: "ENG", name: "New", id: "p", owner: "adam")
        }
        await expect(.actorRole) {
            try await creator.createTask(in: "p", by: "mia", id: "t") { $0.title = "T" }
        }
        let store = fixture.store
        let deleter = try overtaken {
            // Another process is done with it, and somebody begins anew.
            let project = try #require(try store.get(.project("p")))
            var anew = project
            anew.deletingSince = nil
            try await store.put(anew)
        }
        var marked = try #require(try store.get(.project("p")))
        marked.deletingSince = fixture.clock.now
        try await store.put(marked)
        #expect(try await deleter.resumeDeletions() == ["p"])
        #expect(try store.get(.project("p")) != nil)
        #expect(try store.all(.members(of: "p")).map(\.userID) == ["adam"])
    }

    /// Commands that add to the history of a task, and do not change the task.
    private static let additions:
        [@Sendable (CodexFlow.Workspace, CodexFlow.Comment) async throws -> Void] = [
            { workspace, comment in
                try await workspace.addComment(on: comment.taskID, in: "p", by: "max", "new")
            },
            { workspace, comment in
                try await workspace.changeComment(
                    comment.id, on: comment.taskID, in: "p", by: "mia", to: "new")
            },
            { workspace, comment in
                try await workspace.deleteComment(
                    comment.id, on: comment.taskID, in: "p", by: "mia")
            },
            { workspace, comment in
                try await workspace.logWork(1, on: comment.taskID, in: "p", by: "max")
            },
            { workspace, comment in
                try await workspace.correctWork(
                    1, of: "mia", on: comment.taskID, in: "p", day: CalendarDay(comment.createdAt),
                    by: "adam")
            },
            { workspace, comment in
                try await workspace.commit { context in
                    let task = try context.find(.task(comment.taskID, in: "p"))
                    try context.record(.changed, of: task, by: "max")
                }
            },
        ]

    @Test("Nothing is added to a task after the deletion that it overtook")
    func afterDeletion() async throws {
        let store = fixture.store
        for (number, addition) in Self.additions.enumerated() {
            let id = try CodexFlow.Task.ID("t\(number)")
            try await fixture.task(id)
            let comment = try await workspace.addComment(on: id, in: "p", by: "mia", "old")
            try await workspace.logWork(1, on: id, in: "p", by: "mia")
            let deleter = try overtaken { [fixture, workspace] in
                // Later than the entry that the deletion has decided on.
                fixture.clock.advance(by: 1)
                try await addition(workspace, comment)
            }
            try await deleter.deleteTask(id, in: "p", by: "mia")
            #expect(try store.get(.task(id, in: "p")) == nil)
            #expect(try store.all(.comments(on: id, in: "p")).isEmpty, "\(number)")
            // A task that is stored again has a history of its own.
            try await store.put(CodexFlow.Task(id: id, projectID: "p", title: "New"))
            try await workspace.assignTask(id, in: "p", to: "max", by: "mia")
            let kinds = try store.all(.activity(of: id, in: "p")).map(\.kind)
            #expect(kinds.suffix(3) == [.deleted, .imported, .assigned], "\(number)")
            #expect(kinds.count == 7, "\(number)")
        }
    }

    @Test("A part without an identifier of its own gets one, and the command ends")
    func identifiers() async throws {
        try await fixture.task("whole")
        let part = try await workspace.createTask(in: "p", by: "mia") {
            ($0.title, $0.parentID) = ("Part", "whole")
        }
        #expect(try fixture.store.all(.subtasks(of: "whole", in: "p")).map(\.id) == [part.id])
        await #expect(throws: CodexError(.invalidArgument, "")) {
            let places = Mutex(0)
            try await workspace.commit { context in
                // No function of what it reads.
                let place = places.withLock { place in
                    place += 1
                    return place
                }
                _ = try context.get(.user(try .init("u\(place)")))
            }
        }
    }
}
