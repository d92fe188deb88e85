import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// What commands on a remote table may take of actions.
@Suite("Commands within a hundred actions")
struct ActionCountTests {
    @Test("A task with as many dependencies as may be is finished")
    func dependencies() async throws {
        let fixture = try await Fixture(.table)
        let workspace = fixture.workspace
        try await fixture.task("hub") { $0.status = .inProgress }
        let count = CodexFlow.Limits.dependencyCountMax
        for number in 1...count {
            let (before, after) = ("b\(number)", "a\(number)")
            try await fixture.task(try .init(before))
            try await fixture.task(try .init(after))
            try await workspace.addDependency(
                of: "hub", on: try .init(before), in: "p", by: "mia")
            try await workspace.addDependency(
                of: try .init(after), on: "hub", in: "p", by: "mia")
        }
        try await workspace.completeTask("hub", in: "p", by: "mia")
        #expect(try fixture.store.all(.openDependencies(in: "p")).isEmpty)
        // Opening it again looks at all the others as well: that is too much, and says what to do.
        await #expect(throws: CodexError(.transactionTooLarge, "")) {
            try await workspace.moveTask("hub", in: "p", to: .todo, by: "mia")
        }
        for number in 1...count {
            try await workspace.removeDependency(
                of: "hub", on: try .init("b\(number)"), in: "p", by: "mia")
        }
        try await workspace.moveTask("hub", in: "p", to: .todo, by: "mia")
        #expect(try fixture.store.all(.openDependencies(in: "p")).count == count)
    }

    @Test("A user with more memberships than fit is deleted in several transactions")
    func memberships() async throws {
        let fixture = try await Fixture(.table)
        let workspace = fixture.workspace
        // The last transaction has as many memberships and sessions as may be.
        for number in 100..<200 {
            let id = try CodexFlow.Project.ID("p\(number)")
            try await workspace.createProject(
                key: "K\(number)", name: "P", id: id, owner: "olga")
            try await workspace.addMember("nora", to: id, by: "olga")
        }
        for _ in 0..<CodexFlow.Limits.sessionCountMax {
            _ = try await workspace.openSession(for: "nora")
        }
        try await workspace.acting(as: "olga").idempotent("key").deleteUser("nora")
        #expect(try fixture.store.all(.memberships(of: "nora")).isEmpty)
        #expect(try fixture.store.all(.sessions(of: "nora")).isEmpty)
        #expect(try fixture.store.get(.user("nora")) == nil)
    }

    /// Stores the task `hub` with as many comments, blockers and tasks that wait as may be, as raw
    /// items: each gets another entry at the beginning of its history.
    private func storeHub(in fixture: Fixture) async throws {
        let now = fixture.clock.now
        try await fixture.task("whole")
        var hub = CodexFlow.Task(
            id: "hub", projectID: "p", title: "Hub", assigneeID: "max", status: .todo)
        (hub.parentID, hub.number, hub.isBlocked) = ("whole", 1000, true)
        hub.claim = CodexFlow.Task.Claim(holder: "max", until: now + 60, token: 1)
        try await fixture.store.put(hub)
        try await fixture.store.write { transaction in
            for number in 1...CodexFlow.Limits.dependencyCountMax {
                let before = try CodexFlow.Task.ID("b\(number)")
                let after = try CodexFlow.Task.ID("a\(number)")
                for id in [before, after] {
                    var task = CodexFlow.Task(id: id, projectID: "p", title: "T", status: .todo)
                    task.isBlocked = id == after
                    try transaction.put(task)
                }
                // Tasks that also wait for another one stay as they are.
                let links: [(task: CodexFlow.Task.ID, blocker: CodexFlow.Task.ID)] = [
                    ("hub", before), (after, "hub"), (after, "whole"),
                ]
                for link in links {
                    try transaction.put(
                        CodexFlow.Dependency(
                            projectID: "p", taskID: link.task, blockerID: link.blocker,
                            isOpen: true, createdAt: now))
                }
                try transaction.put(
                    CodexFlow.Comment(
                        id: try .init("c\(number)"), projectID: "p", taskID: "hub",
                        authorID: "mia", text: "hello", createdAt: now))
            }
        }
    }

    @Test("A task with as many comments and dependencies as may be is deleted")
    func deletion() async throws {
        let fixture = try await Fixture(.table)
        let (store, clock) = (fixture.store, fixture.clock)
        try await storeHub(in: fixture)
        let count = Mutex(0)
        let table = RemoteTable(
            store,
            at: { call in
                if case .actions = call { count.withLock { $0 += 1 } }
                return false
            }, overtakenBy: nil)
        let workspace = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
            calendar: SystemCalendar())
        try await workspace.idempotent("key").deleteTask("hub", in: "p", by: "adam")
        // 40 comments; 13, 13, 13 and 1 tasks that wait; the task with 40 blockers.
        #expect(count.withLock { $0 } == 6)
        #expect(try store.get(.task("hub", in: "p")) == nil)
        #expect(try store.all(.comments(on: "hub", in: "p")).isEmpty)
        #expect(try store.all(.blockers(of: "hub", in: "p")).isEmpty)
        #expect(try store.all(.dependents(of: "hub", in: "p")).isEmpty)
        #expect(try await CodexFlow.Workspace(store).verifyQueue(of: "p").isEmpty)
    }
}
