import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Rules on a table whose index reads are three transactions behind.
@Suite("Rules while indexes lag")
struct LaggingIndexTests {
    private let scene: LaggingScene
    private var workspace: CodexFlow.Workspace { scene.workspace }
    private var store: Store { scene.store }

    init() async throws { scene = try await LaggingScene() }

    @Test("A query of an index does not see the last three transactions")
    func lag() async throws {
        let query = CodexCore.Query<CodexFlow.Session>.sessions(of: "max")
        for count in 1...LaggingTable.lag + 1 {
            _ = try await workspace.openSession(for: "max")
            let found = try await workspace.all(query)
            #expect(found.count == max(0, count - LaggingTable.lag))
        }
    }

    @Test("A list has an item once of which an index has two entries")
    func doubledEntries() async throws {
        _ = try await workspace.openSession(for: "max")
        let clock = scene.clock
        let other = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(try LaggingTable(store, doublesEntries: true)),
            clock: { clock.now }, calendar: SystemCalendar())
        let query = CodexCore.Query<CodexFlow.Session>.sessions(of: "max")
        #expect(try await other.all(query).count == 1)
    }

    @Test("A workspace tells which lists may be older than the table")
    func consistency() throws {
        #expect(try workspace.consistency(of: .sessions(of: "max")) == .eventual)
        #expect(try workspace.consistency(of: .tasks(in: "p")) == .consistent)
        let local = CodexFlow.Workspace(store)
        #expect(try local.consistency(of: .sessions(of: "max")) == .consistent)
    }

    // MARK: The rules that indexes alone would break

    @Test("Two users do not share an e-mail address")
    func addresses() async throws {
        try await workspace.createUser(email: "ada@example.com", name: "Ada", id: "ada")
        await scene.expect(.userEmailTaken) {
            try await workspace.createUser(email: " Ada@Example.com", name: "Other", id: "other")
        }
        #expect(try store.get(.user("other")) == nil)
        // A user who changes the address frees it.
        try await workspace.changeUser("ada") { $0.email = "lovelace@example.com" }
        try await workspace.createUser(email: "ada@example.com", name: "Other", id: "other")
        await scene.expect(.userEmailTaken) {
            try await workspace.changeUser("ada") { $0.email = "ada@example.com" }
        }
    }

    @Test("Of many who take one address at once, one gets it")
    func addressRace() async throws {
        let count = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask { [workspace] in
                    do {
                        try await workspace.createUser(
                            email: "ada@example.com", name: "Ada", id: try .init("ada\(number)"))
                        return true
                    } catch let error as CodexError where error.rule == .userEmailTaken {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(count == 1)
        let found: CodexFlow.User? = try await workspace.get(.user(email: "ada@example.com"))
        #expect(found != nil)
    }

    @Test("A task is not done while a part is open")
    func parts() async throws {
        try await scene.task("whole") { $0.status = .inProgress }
        try await scene.task("part") { ($0.parentID, $0.status) = ("whole", .inProgress) }
        await scene.expect(.taskChildren) {
            try await workspace.completeTask("whole", in: "p", by: "mia")
        }
        try await workspace.completeTask("part", in: "p", by: "mia")
        try await workspace.completeTask("whole", in: "p", by: "mia")
        #expect(try store.get(.task("whole", in: "p"))?.status == .done)
        // A reopened part of a finished task is refused by the task itself.
        await scene.expect(.taskParent) {
            try await workspace.moveTask("part", in: "p", to: .todo, by: "mia")
        }
    }

    @Test("A user's day has no more than 24 hours")
    func days() async throws {
        for name in ["a", "b", "c", "d"] { try await scene.task(try .init(name)) }
        for (task, isAllowed) in [("a", true), ("b", true), ("c", false), ("d", false)] {
            let log = {
                _ = try await workspace.logWork(
                    10, on: try .init(task), in: "p", by: "mia")
            }
            if isAllowed { try await log() } else { await scene.expect(.workHours, log) }
        }
        try await workspace.logWork(4, on: "c", in: "p", by: "mia")
        let day = CalendarDay(scene.clock.now)
        let hours = try store.all(.work(of: "mia", from: day, through: day)).map(\.hours)
        #expect(hours.reduce(0) { $0 + $1.double } == 24)
    }

    @Test("No session survives the suspension of its user")
    func sessions() async throws {
        var tokens: [String] = []
        for _ in 0..<4 { tokens.append(try await workspace.openSession(for: "max").token) }
        try await workspace.suspendUser("max")
        #expect(try store.all(.sessions(of: "max")).isEmpty)
        try await workspace.activateUser("max")
        for token in tokens { #expect(try await workspace.session(token: token) == nil) }
    }

    @Test("A suspension with as many sessions as may be is one transaction")
    func manySessions() async throws {
        for _ in 0..<CodexFlow.Limits.sessionCountMax {
            _ = try await workspace.openSession(for: "max")
        }
        try await workspace.suspendUser("max")
        #expect(try store.all(.sessions(of: "max")).isEmpty)
        // Some of the markers had no room. The next query passes over them.
        _ = try await scene.backend.verifyMarkers(repairing: true)
        try await workspace.activateUser("max")
        _ = try await workspace.openSession(for: "max")
        #expect(try store.all(.sessions(of: "max")).count == 1)
    }

    // MARK: Other rules

    @Test("A project key is given once")
    func projectKeys() async throws {
        await scene.expect(.projectKeyTaken) {
            try await workspace.createProject(key: "ENG", name: "E", id: "q", owner: "olga")
        }
        #expect(try store.get(.project("q")) == nil)
    }

    @Test("A user who owns a project or has open tasks does not leave")
    func leaving() async throws {
        try await workspace.createProject(key: "NEW", name: "New", id: "q", owner: "max")
        await scene.expect(.userOwnsProjects) { try await workspace.deleteUser("max") }
        try await scene.task("a") { $0.assigneeID = "mia" }
        await scene.expect(.memberWork) {
            try await workspace.removeMember("mia", from: "p", by: "olga")
        }
        try await workspace.assignTask("a", in: "p", to: nil, by: "olga")
        try await workspace.removeMember("mia", from: "p", by: "olga")
        try await workspace.deleteUser("mia")
        #expect(try store.all(.memberships(of: "mia")).isEmpty)
    }

    @Test("A finished task frees what waits for it")
    func dependents() async throws {
        try await scene.task("before") { $0.status = .inProgress }
        try await scene.task("after")
        try await workspace.addDependency(of: "after", on: "before", in: "p", by: "mia")
        try await workspace.completeTask("before", in: "p", by: "mia")
        let dependency = try store.get(.dependency(of: "after", on: "before", in: "p"))
        #expect(dependency?.isOpen == false)
    }

    // MARK: Markers

    @Test("Commands keep the markers of all items")
    func complete() async throws {
        try await dependents()
        try await parts()
        try await days()
        let report = try await scene.backend.verifyMarkers()
        #expect(report.missingCount == 0 && report.leftoverCount == 0)
        #expect(report.examinedCount > 20)
    }

    @Test("A deleted project leaves no marker")
    func deletedProject() async throws {
        try await leavingWork()
        try await workspace.deleteProject("p", by: "olga")
        let report = try await scene.backend.verifyMarkers()
        #expect(report.missingCount == 0 && report.leftoverCount == 0)
        try await workspace.createProject(key: "ENG", name: "E", id: "q", owner: "olga")
    }

    private func leavingWork() async throws {
        try await scene.task("a") { $0.assigneeID = "mia" }
        try await scene.task("b") { $0.parentID = "a" }
        try await workspace.logWork(1, on: "a", in: "p", by: "mia")
    }

    @Test("Items that another program stored get their markers by a repair")
    func repair() async throws {
        let raw = CodexFlow.User(id: "raw", email: "raw@example.com", name: "Raw")
        try await store.put(raw)
        let report = try await scene.backend.verifyMarkers()
        #expect(report.missingCount == 1 && report.repairedCount == 0)
        let repaired = try await scene.backend.verifyMarkers(repairing: true)
        #expect(repaired.repairedCount == 1)
        await scene.expect(.userEmailTaken) {
            try await workspace.createUser(email: "raw@example.com", name: "R", id: "r")
        }
        #expect(try await scene.backend.verifyMarkers().missingCount == 0)
    }

    @Test("A marker whose item is gone is removed by a repair, and is passed over before")
    func leftovers() async throws {
        _ = try await workspace.openSession(for: "max")
        let session = try #require(try store.all(.sessions(of: "max")).first)
        try await store.delete(.session(session.id))
        _ = try await workspace.openSession(for: "max")
        #expect(try await workspace.revokeSessions(of: "max") == 1)
        #expect(try await scene.backend.verifyMarkers(repairing: true).leftoverCount == 1)
        #expect(try await scene.backend.verifyMarkers().leftoverCount == 0)
    }

    // MARK: Entities and versions

    @Test("Written items tell their entity and version, and others are refused")
    func tags() async throws {
        func item(_ id: String) throws -> Item? {
            try store.item(
                in: CodexFlow.table, key: PrimaryKey(.string("PROJECT#\(id)"), "METADATA"))
        }
        #expect(try item("p")?[TableCapabilities.reservedAttribute] == "project#2")
        var raw = try #require(try item("p"))
        raw[TableCapabilities.reservedAttribute] = nil
        raw["taskCounter"] = 7
        try await store.put(raw, in: CodexFlow.table)
        await #expect(throws: CodexError(.schemaMismatch, "")) {
            _ = try await workspace.get(.project("p"))
        }
        let backend = try CodexFlow.TableWorkspaceBackend(
            scene.table, untaggedVersions: ["project": 1])
        let clock = scene.clock
        let other = CodexFlow.Workspace(
            backend, clock: { clock.now }, calendar: SystemCalendar())
        try await other.changeProject("p", by: "olga") { $0.name = "Other" }
        let changed = try item("p")
        #expect(changed?["taskCounter"] == nil && changed?["name"] == "Other")
        #expect(changed?[TableCapabilities.reservedAttribute] == "project#2")
    }

    @Test("A service without transactions is refused, and its error names them")
    func refusal() async throws {
        struct Poor: ForwardingTable {
            let base: LaggingTable
            var capabilities: TableCapabilities { .alternator }
        }
        do throws(CodexError) {
            _ = try CodexFlow.TableWorkspaceBackend(Poor(base: scene.table))
            Issue.record("It was not refused.")
        } catch {
            #expect(error.code == .unsupportedOperation)
            #expect(error.message.contains("transactions of 100 actions, idempotency tokens."))
        }
    }
}
