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
    @Test("A task with as many dependencies as may be is finished, opened, archived and restored")
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
        // Further commits correct the dependencies that the transaction has no room for.
        let changes: [(isOpen: Bool, change: LinkChange)] = [
            (false, .move("hub", to: .done)), (true, .move("hub", to: .todo)),
            (false, .archive("hub")), (true, .restore("hub")),
        ]
        for (isOpen, change) in changes {
            #expect(await change.outcome(in: workspace) == "done", "\(change)")
            let found = try fixture.store.all(.openDependencies(in: "p")).count
            #expect(found == (isOpen ? 2 * count : 0), "\(change)")
            #expect(try await workspace.verifyQueue(of: "p").isEmpty, "\(change)")
            #expect(try LinkState(fixture.store).faults(in: fixture.store).isEmpty, "\(change)")
        }
    }

    @Test("A reopening that ends before its dependencies are corrected leaves no task blocked")
    func interrupted() async throws {
        let fixture = try await Fixture()
        let count = CodexFlow.Limits.dependencyCountMax
        try await fixture.task("hub") { $0.status = .todo }
        for number in 1...count {
            for (name, isBefore) in [("b\(number)", true), ("a\(number)", false)] {
                let id = try CodexFlow.Task.ID(name)
                try await fixture.task(id) { $0.status = .todo }
                let task: CodexFlow.Task.ID = isBefore ? "hub" : id
                let blocker: CodexFlow.Task.ID = isBefore ? id : "hub"
                try await fixture.workspace.addDependency(
                    of: task, on: blocker, in: "p", by: "mia")
            }
        }
        try await fixture.workspace.moveTask("hub", in: "p", to: .canceled, by: "mia")
        for last in 0...2 {
            let transactions = Mutex(0)
            let table = RemoteTable(
                fixture.store,
                at: { call in
                    guard case .actions = call else { return false }
                    return transactions.withLock { transactions in
                        transactions += 1
                        return transactions == last + 2
                    }
                }, overtakenBy: { throw CancellationError() })
            let clock = fixture.clock
            let workspace = CodexFlow.Workspace(
                try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
                calendar: SystemCalendar())
            // The task and two parts of its dependencies: the third interruption comes too late.
            let outcome = await LinkChange.move("hub", to: .todo).outcome(in: workspace)
            #expect((outcome == "done") == (last == 2))
            #expect(try fixture.store.get(.task("hub", in: "p"))?.status == .todo)
            #expect(try LinkState(fixture.store).faults(in: fixture.store).isEmpty)
            let start = LinkChange.move("hub", to: .inProgress)
            #expect(
                await start.outcome(in: fixture.workspace)
                    == CodexFlow.Rule.taskBlocked.rawValue)
            try await fixture.workspace.moveTask("hub", in: "p", to: .canceled, by: "mia")
            #expect(try LinkState(fixture.store).faults(in: fixture.store).isEmpty)
        }
    }

    @Test("A new task waits for no more tasks than a transaction has room for")
    func waitingCreation() async throws {
        let fixture = try await Fixture(.table)
        let max = CodexFlow.Limits.remoteBlockerCountMax
        let ids = (0...max).map { CodexFlow.Task.ID(stringLiteral: "b\($0)") }
        for id in ids + ["whole", "after"] { try await fixture.task(id) }
        try await fixture.workspace.addDependency(of: "after", on: "whole", in: "p", by: "mia")
        let before = try fixture.contents
        for (count, id) in [(max + 1, "over"), (max, "at"), (max - 1, "below")] {
            let change = LinkChange.create(
                CodexFlow.Task.ID(stringLiteral: id), under: "whole",
                waitingFor: Array(ids.prefix(count)))
            let isTaken = count <= max
            let outcome = await change.outcome(in: fixture.workspace)
            #expect(outcome == (isTaken ? "done" : "\(CodexError.Code.transactionTooLarge)"))
            if !isTaken { #expect(try fixture.contents == before) }
        }
    }

    @Test("A task with parts gets another parent if a transaction has room for all of them")
    func movedParts() async throws {
        let fixture = try await Fixture(.table)
        let max = CodexFlow.Limits.remotePartCountMax
        for id in ["root", "whole"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        for number in 0...max {
            try await fixture.task(.init(stringLiteral: "t\(number)")) { $0.parentID = "whole" }
        }
        let change = LinkChange.part("whole", of: "root")
        let outcome = await change.outcome(in: fixture.workspace)
        #expect(outcome == "\(CodexError.Code.transactionTooLarge)")
        #expect(try fixture.store.get(.task("whole", in: "p"))?.parentID == nil)
        try await fixture.workspace.deleteTask("t0", in: "p", by: "olga")
        #expect(await change.outcome(in: fixture.workspace) == "done")
        #expect(try fixture.store.get(.task("whole", in: "p"))?.parentID == "root")
    }

    @Test("Claims that ended are removed in as many commits as they need")
    func endedClaims() async throws {
        let fixture = try await Fixture(.table)
        for number in 0..<30 {
            let id = CodexFlow.Task.ID(stringLiteral: "t\(number)")
            try await fixture.task(id) { $0.status = .todo }
            _ = try await fixture.claim(id, by: "mia")
        }
        fixture.clock.advance(by: 60)
        #expect(try await fixture.workspace.expireClaims(in: "p", limit: 25) == 25)
        #expect(try await fixture.workspace.expireClaims(in: "p") == 5)
        #expect(try await fixture.workspace.expireClaims(in: "p") == 0)
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
