import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Users who leave keep no open work and no claims, also if other commands come in between.
@Suite("Users who leave")
struct LeavingTests {
    /// Stores open tasks without the services: `t100`, `t101` and so on.
    private static func store(
        _ count: Int, of project: CodexFlow.Project.ID = "p", in fixture: Fixture,
        _ body: @escaping @Sendable (inout CodexFlow.Task) -> Void
    ) async throws {
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for number in 0..<count {
                var task = CodexFlow.Task(
                    id: try .init("t\(100 + number)"), projectID: project, title: "T",
                    status: .todo, createdAt: now)
                body(&task)
                // As a raw item: the task may break a rule.
                try transaction.put(try task.item(), in: CodexFlow.table)
            }
        }
    }

    // MARK: Open tasks

    @Test(
        "A project that was restored after an interruption leaves no work to users who left",
        arguments: Place.allCases)
    func restored(place: Place) async throws {
        let leaves: [(name: String, leave: @Sendable (Store) async throws -> Void)] = [
            ("removal", { try await $0.delete(.member("max", of: "p")) }),
            ("demotion", { try await $0.update(.member("max", of: "p")) { $0.role = .viewer } }),
            (
                "deletion",
                { store in
                    try await store.delete(.member("max", of: "p"))
                    try await store.delete(.user("max"))
                }
            ),
        ]
        for (name, leave) in leaves {
            let fixture = try await Fixture(place)
            let workspace = fixture.workspace
            // More than one commit changes.
            try await Self.store(60, in: fixture) { $0.assigneeID = "max" }
            try await fixture.task("other") { ($0.status, $0.assigneeID) = (.todo, "mia") }
            try await workspace.archiveProject("p", by: "olga")
            // The process was killed after the first commit.
            try await leave(fixture.store)
            try await workspace.restoreProject("p", by: "olga")
            try await workspace.resumeLeaving(of: "max")
            #expect(try fixture.store.all(.openTasks(assignedTo: "max")).isEmpty, "\(name)")
            #expect(try fixture.store.all(.openTasks(assignedTo: "mia")).count == 1, "\(name)")
            let entry = try #require(try fixture.store.all(.activity(of: "t100", in: "p")).last)
            #expect(entry.kind == .assigned, "\(name)")
        }
    }

    @Test("A project that is restored between the commits of a removal leaves no work")
    func restoredBetween() async throws {
        let fixture = try await Fixture(.table)
        let (clock, workspace) = (fixture.clock, fixture.workspace)
        try await Self.store(30, in: fixture) { $0.assigneeID = "max" }
        try await workspace.archiveProject("p", by: "olga")
        let table = RemoteTable(
            fixture.store,
            at: { call in
                guard case .page(let query) = call else { return false }
                return query.partition == ["ASSIGNEE#max"]
            },
            overtakenBy: { try await workspace.restoreProject("p", by: "olga") })
        let slow = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
            calendar: SystemCalendar())
        try await slow.removeMember("max", from: "p", by: "olga")
        #expect(try fixture.store.get(.project("p"))?.archivedAt == nil)
        #expect(try fixture.store.all(.openTasks(assignedTo: "max")).isEmpty)
    }

    // MARK: Claims

    @Test("Claims that stay in one project do not hide those of another", arguments: Place.allCases)
    func otherProjects(place: Place) async throws {
        let fixture = try await Fixture(place)
        let count = place == .embedded ? 510 : 130
        let end = fixture.clock.now + 60
        // Its claims come before those of `p` in the index, and mia may work there.
        try await fixture.workspace.createProject(key: "TWO", name: "Two", id: "a", owner: "mia")
        try await Self.store(count, of: "a", in: fixture) {
            $0.claim = .init(holder: "mia", until: end, token: 1)
        }
        try await fixture.task("b")
        _ = try await fixture.claim("b", by: "mia")
        try await fixture.store.delete(.member("mia", of: "p"))
        try await fixture.workspace.resumeLeaving(of: "mia")
        #expect(try fixture.store.all(.tasks(claimedBy: "mia", in: "p")).isEmpty)
        #expect(try fixture.store.all(.tasks(claimedBy: "mia", in: "a")).count == count)
    }

    @Test("Damaged tasks do not hide the claims of users who left")
    func damaged() async throws {
        let fixture = try await Fixture()
        let end = fixture.clock.now + 60
        try await Self.store(510, in: fixture) { task in
            task.title = ""
            task.claim = .init(holder: "mia", until: end, token: 1)
        }
        try await fixture.task("z")
        _ = try await fixture.claim("z", by: "mia")
        try await fixture.workspace.suspendUser("mia")
        #expect(try fixture.store.get(.task("z", in: "p"))?.claim == nil)
        // The claims of the user who comes back have ended too.
        _ = try await fixture.workspace.activateUser("mia")
        _ = try await fixture.claim("z", by: "mia")
        try await fixture.store.update(.user("mia")) { $0.state = .suspended }
        try await fixture.workspace.activateUser("mia")
        #expect(try fixture.store.get(.task("z", in: "p"))?.claim == nil)
    }

    @Test(
        "A project that cannot be read keeps no user from the other ones",
        arguments: Place.allCases)
    func damagedProject(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        // Its claims come before those of `p` in the index.
        try await workspace.createProject(key: "TWO", name: "Two", id: "o", owner: "olga")
        try await workspace.addMember("mia", to: "o", by: "olga")
        for project in ["o", "p"] as [CodexFlow.Project.ID] {
            try await workspace.createTask(in: project, by: "mia", id: "a") { $0.title = "T" }
            try await workspace.claimTask("a", in: project, by: "mia", lease: .seconds(60))
        }
        let key = PrimaryKey("PROJECT#o", "METADATA")
        var item = try #require(try fixture.store.item(in: CodexFlow.table, key: key))
        item["owner"] = 7
        try await fixture.store.put(item, in: CodexFlow.table)
        try await workspace.suspendUser("mia")
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim == nil)
        #expect(try fixture.store.get(.task("a", in: "o"))?.claim?.holder == "mia")
        try await workspace.activateUser("mia")
        _ = try await fixture.claim("a", by: "mia")
    }

    @Test(
        "A raw claim that names a project for which no key has room hides no other one",
        arguments: Place.allCases, [1100, 2045])
    func longProject(place: Place, count: Int) async throws {
        let fixture = try await Fixture(place)
        var task = CodexFlow.Task(id: "raw", projectID: "o", title: "Raw")
        task.claim = .init(holder: "mia", until: fixture.clock.now + 60, token: 1)
        // Its key is that of a project before `p`.
        var item = try task.item()
        item["projectId"] = .string(String(repeating: "x", count: count))
        try await fixture.store.put(item, in: CodexFlow.table)
        try await fixture.task("a")
        _ = try await fixture.claim("a", by: "mia")
        try await fixture.workspace.suspendUser("mia")
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim == nil)
        try await fixture.workspace.activateUser("mia")
        _ = try await fixture.claim("a", by: "mia")
    }

    @Test("Claims in many projects end in commits of their own", arguments: Place.allCases)
    func manyProjects(place: Place) async throws {
        let fixture = try await Fixture(place)
        // Identifiers around the separator of keys.
        let projects = try ["q", "q!", "q$", "q%", "q-1", "qa", "r"].map {
            try CodexFlow.Project.ID($0)
        }
        for (number, id) in projects.enumerated() {
            try await fixture.workspace.createProject(
                key: "K\(number)", name: "P", id: id, owner: "olga")
            try await fixture.workspace.addMember("mia", to: id, by: "olga")
            for task in ["a", "b"] as [CodexFlow.Task.ID] {
                try await fixture.workspace.createTask(in: id, by: "mia", id: task) {
                    $0.title = "T"
                }
                try await fixture.workspace.claimTask(
                    task, in: id, by: "mia", lease: .seconds(60))
            }
        }
        try await fixture.workspace.suspendUser("mia")
        #expect(try fixture.store.all(.tasks(claimedBy: "mia")).isEmpty)
    }
}
