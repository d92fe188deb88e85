import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Commands whose clock shows another time each time that it is read.
@Suite("Commands while the time passes")
struct RunningClockTests {
    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    /// A workspace whose clock advances by a millisecond with each reading.
    private static func workspace(
        _ fixture: Fixture, _ place: Place
    ) throws -> CodexFlow.Workspace {
        let clock = fixture.clock
        let running: @Sendable () -> Date = {
            clock.advance(by: 0.001)
            return clock.now
        }
        switch place {
        case .embedded: return CodexFlow.Workspace(fixture.store, clock: running)
        case .table, .service, .faultyService:
            return CodexFlow.Workspace(
                try CodexFlow.TableWorkspaceBackend(RemoteTable(fixture.store)), clock: running,
                calendar: SystemCalendar())
        }
    }

    /// Stores tasks that the queue finds by time, and one with a history that is read by time.
    private static func store(in fixture: Fixture) async throws {
        let now = fixture.clock.now
        func put(
            _ id: CodexFlow.Task.ID, _ body: (inout CodexFlow.Task) -> Void = { _ in }
        ) async throws {
            var task = CodexFlow.Task(
                id: id, projectID: "p", title: "T", status: .todo, createdAt: now)
            body(&task)
            try await fixture.store.put(task)
        }
        for id in ["ended0", "ended1"] as [CodexFlow.Task.ID] {
            try await put(id) { $0.claim = .init(holder: "max", until: now - 10, token: 1) }
        }
        // A clock that was wrong made this claim.
        try await put("wrong") {
            $0.claim = .init(holder: "max", until: now + 365 * 86_400, token: 1)
        }
        try await put("due") { $0.notBefore = now - 10 }
        try await put("ready")
        try await put("raw") { $0.assigneeID = "mia" }
        // The last entry is a raw one, whose identifier has no time.
        try await fixture.store.put(
            CodexFlow.Activity(
                id: "zz", projectID: "p", taskID: "raw", actorID: "mia", at: now,
                day: CalendarDay(now), kind: .changed))
    }

    // MARK: Commands

    private static let queue: [(name: String, command: Command)] = [
        (
            "sweep",
            { workspace in
                let count = try await workspace.expireClaims(in: "p", limit: 1)
                #expect(count == 1)
            }
        ),
        (
            "next claims",
            { workspace in
                for _ in 0..<4 {
                    let task = try await workspace.claimNext(
                        in: "p", by: "max", lease: .seconds(60))
                    #expect(task != nil)
                }
            }
        ),
        (
            "next claim with a filter",
            { workspace in
                let task = try await workspace.claimNext(
                    in: "p", by: "max", matching: .init(labels: ["none"]), lease: .seconds(60))
                #expect(task == nil)
            }
        ),
        ("second sweep", { try await $0.expireClaims(in: "p") }),
        (
            "claim, renewal and failure",
            { workspace in
                try await workspace.createTask(in: "p", by: "mia", id: "t") {
                    ($0.title, $0.status) = ("T", .todo)
                }
                let task = try await workspace.claimTask(
                    "t", in: "p", by: "max", lease: .seconds(60))
                let token = try #require(task.claim?.token)
                try await workspace.renewClaim(
                    of: "t", in: "p", by: "max", holding: token, lease: .seconds(90))
                try await workspace.failTask(
                    "t", in: "p", by: "max", holding: token, retryAfter: .seconds(1))
            }
        ),
        ("claim", { try await $0.claimTask("raw", in: "p", by: "mia", lease: .seconds(60)) }),
        ("release", { try await $0.releaseTask("raw", in: "p", by: "olga") }),
    ]

    private static let tasks: [(name: String, command: Command)] = [
        (
            "creations",
            { workspace in
                try await workspace.createTasks(
                    from: ["a", "b", "c"], in: "p", by: "mia", id: { try CodexFlow.Task.ID($0) }
                ) {
                    $1.title = $0
                }
            }
        ),
        ("moves", { try await $0.moveTasks(["raw"], in: "p", to: .inProgress, by: "mia") }),
        ("dependencies", { try await $0.addDependencies([("raw", "b")], in: "p", by: "mia") }),
        ("dependency", { try await $0.addDependency(of: "a", on: "b", in: "p", by: "mia") }),
        ("comment", { try await $0.addComment(on: "raw", in: "p", by: "mia", "hello") }),
        ("work", { try await $0.logWork(2, on: "raw", in: "p", by: "mia") }),
        ("change", { try await $0.changeTask("raw", in: "p", by: "mia") { $0.title += "!" } }),
        ("cancellation", { try await $0.moveTask("b", in: "p", to: .canceled, by: "mia") }),
        ("completion", { try await $0.completeTask("raw", in: "p", by: "mia") }),
        ("reopening", { try await $0.moveTask("raw", in: "p", to: .todo, by: "mia") }),
        ("archiving", { try await $0.archiveTask("c", in: "p", by: "mia") }),
        ("restoring", { try await $0.restoreTask("c", in: "p", by: "mia") }),
        ("assignment", { try await $0.assignTask("c", in: "p", to: "adam", by: "mia") }),
        ("removal", { try await $0.removeDependency(of: "a", on: "b", in: "p", by: "mia") }),
        ("repair", { try await $0.repairQueue(of: "p", by: "adam", batchCount: 5) }),
        ("adoption", { try await $0.adoptHistory(of: "p", by: "adam", batchCount: 5) }),
        ("deletion of a task", { try await $0.deleteTask("raw", in: "p", by: "adam") }),
    ]

    private static let people: [(name: String, command: Command)] = [
        (
            "creation of a user",
            { try await $0.createUser(email: "x@example.com", name: "X", id: "x") }
        ),
        ("session", { _ = try await $0.openSession(for: "x") }),
        ("membership", { try await $0.addMember("x", to: "p", by: "olga") }),
        ("role", { try await $0.changeMember("x", of: "p", to: .viewer, by: "olga") }),
        ("suspension", { try await $0.suspendUser("x") }),
        ("activation", { try await $0.activateUser("x") }),
        ("deletion of a user", { try await $0.deleteUser("x") }),
        ("removal of a member", { try await $0.removeMember("vera", from: "p", by: "olga") }),
        (
            "document",
            {
                try await $0.createPRD(
                    in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d")
            }
        ),
        ("archiving of a project", { try await $0.archiveProject("p", by: "olga") }),
        ("restoring of a project", { try await $0.restoreProject("p", by: "olga") }),
        ("transfer", { try await $0.transferProject("p", to: "adam", by: "olga") }),
        ("deletion of a project", { try await $0.deleteProject("p", by: "adam") }),
    ]

    @Test(
        "Each command ends, although the time passes while it is decided",
        arguments: Place.allCases)
    func commands(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await Self.store(in: fixture)
        let workspace = try Self.workspace(fixture, place)
        for (name, command) in Self.queue + Self.tasks + Self.people {
            await #expect(throws: Never.self, "\(name)") { try await command(workspace) }
        }
        #expect(try fixture.store.get(.project("p")) == nil)
    }

    @Test("A command that was overtaken on a remote table has the time of its second attempt")
    func attempts() async throws {
        let fixture = try await Fixture(.table)
        try await fixture.task("a")
        let clock = fixture.clock
        let table = RemoteTable(fixture.store) {
            clock.advance(by: 60)
            try await fixture.workspace.changeTask("a", in: "p", by: "max") { $0.title = "B" }
        }
        let workspace = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
            calendar: SystemCalendar())
        try await workspace.assignTask("a", in: "p", to: "max", by: "mia")
        let history = try fixture.store.all(.activity(of: "a", in: "p"))
        #expect(history.map(\.kind) == [.created, .changed, .assigned])
        #expect(history.last?.at == clock.now)
    }
}
