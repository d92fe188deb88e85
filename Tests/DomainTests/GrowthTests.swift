import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// The cost of commands, in what they read and write, and what it does not depend on.
@Suite("The cost of commands")
struct GrowthTests {
    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    /// A workspace whose commands are counted.
    private static func workspace(
        _ fixture: Fixture, _ backend: CountedBackend
    ) -> CodexFlow.Workspace {
        let clock = fixture.clock
        return CodexFlow.Workspace(backend, clock: { clock.now }, calendar: SystemCalendar())
    }

    /// Stores tasks without the services: `<name>0`, `<name>1` and so on.
    private static func store(
        _ count: Int, _ name: String, in fixture: Fixture, of project: CodexFlow.Project.ID = "p",
        _ body: @escaping @Sendable (inout CodexFlow.Task) -> Void
    ) async throws {
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for number in 0..<count {
                var task = CodexFlow.Task(
                    id: try .init("\(name)\(number)"), projectID: project, title: "T",
                    status: .todo, createdAt: now)
                body(&task)
                try transaction.put(task)
            }
        }
    }

    // MARK: Commands

    /// Commands on a project in which max has finished tasks, and mia open ones.
    private static let commands: [(name: String, command: Command)] = [
        ("removal", { try await $0.removeMember("max", from: "p", by: "adam") }),
        ("demotion", { _ = try await $0.changeMember("max", of: "p", to: .viewer, by: "adam") }),
        ("deletion of a user", { try await $0.deleteUser("max") }),
        ("suspension", { _ = try await $0.suspendUser("mia") }),
        (
            "creation",
            { workspace in
                try await workspace.createTask(in: "p", by: "mia") {
                    ($0.title, $0.assigneeID) = ("T", "mia")
                }
            }
        ),
        ("start", { try await $0.moveTask("open1", in: "p", to: .inProgress, by: "mia") }),
        ("cancellation", { try await $0.moveTask("open2", in: "p", to: .canceled, by: "mia") }),
        ("assignment", { try await $0.assignTask("open3", in: "p", to: "adam", by: "mia") }),
        ("next claim", { _ = try await $0.claimNext(in: "p", by: "mia", lease: .seconds(60)) }),
        ("comment", { try await $0.addComment(on: "open1", in: "p", by: "mia", "hello") }),
        ("work", { try await $0.logWork(2, on: "open1", in: "p", by: "mia") }),
        (
            "dependency",
            { try await $0.addDependency(of: "open1", on: "open4", in: "p", by: "mia") }
        ),
        ("archiving", { try await $0.archiveTask("open5", in: "p", by: "mia") }),
        ("deletion of a task", { try await $0.deleteTask("open6", in: "p", by: "adam") }),
        ("archiving of a project", { try await $0.archiveProject("p", by: "adam") }),
    ]

    @Test("Commands read and write as much among 200 tasks as among 20")
    func independence() async throws {
        for (name, command) in Self.commands {
            var found: [CountedBackend.Counts] = []
            for count in [20, 200] {
                let fixture = try await Fixture()
                try await Self.store(count, "done", in: fixture) {
                    ($0.status, $0.assigneeID) = (.done, "max")
                }
                try await Self.store(count, "open", in: fixture) { $0.assigneeID = "mia" }
                let backend = CountedBackend(fixture.store)
                found.append(
                    try await backend.measured {
                        try await command(Self.workspace(fixture, backend))
                    })
            }
            #expect(found[0].writes > 0, "\(name)")
            #expect(found[0] == found[1], "\(name)")
        }
    }

    // MARK: Open work

    @Test("A list of open tasks does not examine the others")
    func openTasks() async throws {
        let fixture = try await Fixture()
        try await Self.store(100, "done", in: fixture) {
            ($0.status, $0.assigneeID) = (.done, "max")
        }
        try await Self.store(100, "archived", in: fixture) {
            ($0.archivedAt, $0.assigneeID) = ($0.createdAt, "max")
        }
        try await Self.store(3, "open", in: fixture) { $0.assigneeID = "max" }
        let page = try fixture.store.query(.openTasks(assignedTo: "max"))
        #expect(page.items.map(\.id) == ["open0", "open1", "open2"])
        #expect(page.examinedCount == 3)
        #expect(try fixture.store.all(.tasks(assignedTo: "max")).count == 203)
        #expect(try fixture.store.verify().isSound)
    }

    @Test("Open tasks are found by any identifier, with and without a status")
    func identifiers() async throws {
        let fixture = try await Fixture()
        // The last two are the longest: their keys have room for nothing else.
        let names = [
            " a", "!b", "\"c", "$d", "%e", "&f", "~g", "\u{10FFFF}h", "i",
            " " + String(repeating: "x", count: 1018), String(repeating: "x", count: 1019),
        ]
        for status in [CodexFlow.Task.Status.todo, nil] {
            let known = status == nil ? names : Array(names.dropLast(2))
            for name in known {
                try await fixture.store.put(
                    CodexFlow.Task(
                        id: try .init(name), projectID: "p", title: "T", assigneeID: "max",
                        status: status))
            }
            let found = try fixture.store.all(.openTasks(assignedTo: "max")).map(\.id.rawValue)
            #expect(Set(found) == Set(known) && found.count == known.count)
        }
        for (place, name) in names.enumerated() {
            let id = try CodexFlow.Task.ID(name)
            try await fixture.expect(.memberWork) {
                try await fixture.workspace.removeMember("max", from: "p", by: "adam")
            }
            try await fixture.store.update(.task(id, in: "p")) { $0.status = .done }
            let left = try fixture.store.all(.openTasks(assignedTo: "max")).count
            #expect(left == names.count - place - 1)
        }
        #expect(try fixture.store.all(.tasks(assignedTo: "max")).count == names.count)
        try await fixture.workspace.removeMember("max", from: "p", by: "adam")
    }

    @Test("Open tasks that an earlier release or an import stored count", arguments: Place.allCases)
    func earlierKeys(place: Place) async throws {
        let fixture = try await Fixture(place)
        for (name, status) in [("a", CodexFlow.Task.Status.todo), ("b", .done)] {
            var item = try CodexFlow.Task(
                id: try .init(name), projectID: "p", title: "T", assigneeID: "max", status: status
            ).item()
            item["GSI1SK"] = .string("TASK#\(name)")
            try await fixture.store.put(item, in: CodexFlow.table)
        }
        #expect(try fixture.store.all(.openTasks(assignedTo: "max")).map(\.id) == ["a"])
        try await fixture.expect(.memberWork) {
            try await fixture.workspace.removeMember("max", from: "p", by: "adam")
        }
        try await fixture.workspace.moveTask("a", in: "p", to: .canceled, by: "max")
        try await fixture.workspace.removeMember("max", from: "p", by: "adam")
        var old = try CodexFlow.Task(
            id: "c", projectID: "p", title: "T", assigneeID: "max", status: .todo
        ).item()
        let new = old
        old["GSI1SK"] = "TASK#c"
        try CodexFlow.Task.upgrade(&old, from: 2)
        #expect(old == new)
    }

    /// Stores an open task with the sort key of an earlier release or an import: its identifier.
    private static func storeBare(
        _ name: String, in fixture: Fixture, of project: CodexFlow.Project.ID = "p"
    ) async throws {
        var item = try CodexFlow.Task(
            id: try .init(name), projectID: project, title: "T", assigneeID: "max", status: .todo
        ).item()
        item["GSI1SK"] = .string("TASK#\(name)")
        try await fixture.store.put(item, in: CodexFlow.table)
    }

    @Test(
        "Open tasks whose keys are identifiers keep users, by any identifier",
        arguments: Place.allCases)
    func bareKeys(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for name in [" a", "!b", "\"c", "$d", "$p", "%", "%e", "f"] {
            try await Self.storeBare(name, in: fixture)
            try await fixture.expect(.memberWork, "userId") {
                try await workspace.removeMember("max", from: "p", by: "adam")
            }
            try await fixture.expect(.memberWork, "userId") {
                try await workspace.deleteUser("max")
            }
            let id = try CodexFlow.Task.ID(name)
            try await workspace.assignTask(id, in: "p", to: "mia", by: "adam")
        }
        try await workspace.deleteUser("max")
    }

    @Test(
        "A deletion of a user finds the projects of all open tasks", arguments: Place.allCases)
    func projectsOfOpenTasks(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        for (key, id) in [("AAA", "A"), ("ZET", "zeta")] as [(String, CodexFlow.Project.ID)] {
            try await workspace.createProject(key: key, name: key, id: id, owner: "olga")
        }
        for name in [" a", "!b", "$A$", "$foo", "$zeta", "$~", "g"] {
            try await Self.storeBare(name, in: fixture, of: "A")
        }
        try await Self.store(2, "$t", in: fixture, of: "zeta") { $0.assigneeID = "max" }
        try await workspace.archiveProject("A", by: "olga")
        try await fixture.expect(.memberWork, "userId") { try await workspace.deleteUser("max") }
        try await workspace.archiveProject("zeta", by: "olga")
        try await workspace.deleteUser("max")
        #expect(try store.all(.tasks(assignedTo: "max")).isEmpty)
        // The beginning of the history, and one entry of the change.
        #expect(try store.all(.activity(of: "$t0", in: "zeta")).count == 2)
    }

    @Test("A key that no release makes does not end the search for open tasks")
    func foreignKeys() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        for (key, id) in [("AAA", "A"), ("ZET", "zeta")] as [(String, CodexFlow.Project.ID)] {
            try await workspace.createProject(key: key, name: key, id: id, owner: "olga")
        }
        try await Self.store(1, "t", in: fixture, of: "zeta") { $0.assigneeID = "max" }
        var item = try CodexFlow.Task(
            id: "x", projectID: "A", title: "T", assigneeID: "max", status: .todo
        ).item()
        item["GSI1SK"] = "TASK#$other#x"
        try await fixture.store.put(item, in: CodexFlow.table)
        try await workspace.archiveProject("A", by: "olga")
        try await fixture.expect(.memberWork, "userId") { try await workspace.deleteUser("max") }
    }

    @Test("A removal does not read the user's open tasks of other projects")
    func otherProjects() async throws {
        var found: [CountedBackend.Counts] = []
        for count in [20, 200] {
            let fixture = try await Fixture()
            try await fixture.workspace.createProject(
                key: "TWO", name: "Two", id: "a", owner: "max")
            try await Self.store(count, "t", in: fixture, of: "a") { $0.assigneeID = "max" }
            let backend = CountedBackend(fixture.store)
            let workspace = Self.workspace(fixture, backend)
            found.append(
                try await backend.measured {
                    try await workspace.removeMember("max", from: "p", by: "adam")
                })
        }
        #expect(found[0] == found[1] && found[0].items < 20)
    }

    // MARK: What users leave

    @Test("What a user leaves is removed in commits of a bounded size, also after an interruption")
    func leaving() async throws {
        for isInterrupted in [false, true] {
            let fixture = try await Fixture()
            try await Self.store(120, "t", in: fixture) { $0.assigneeID = "max" }
            try await Self.store(2, "other", in: fixture) { $0.assigneeID = "mia" }
            try await fixture.workspace.archiveProject("p", by: "olga")
            let backend = CountedBackend(fixture.store)
            let workspace = Self.workspace(fixture, backend)
            if isInterrupted { try await fixture.store.delete(.member("max", of: "p")) }
            let counts = try await backend.measured {
                if isInterrupted {
                    try await workspace.resumeLeaving(of: "max")
                } else {
                    try await workspace.removeMember("max", from: "p", by: "olga")
                }
            }
            // A task, the beginning of its history, and the entry of the change.
            #expect(counts.mostWrites == 3 * 50)
            #expect(counts.commits == 5)
            #expect(try fixture.store.all(.tasks(assignedTo: "max")).isEmpty)
            #expect(try fixture.store.all(.openTasks(assignedTo: "mia")).count == 2)
        }
    }

    @Test("The continuation of a removal leaves the work of a user who may work")
    func continuation() async throws {
        let fixture = try await Fixture()
        try await Self.store(3, "t", in: fixture) { $0.assigneeID = "max" }
        let token = try await fixture.claim("t0", by: "max")
        try await fixture.workspace.resumeLeaving(of: "max")
        #expect(try fixture.store.all(.openTasks(assignedTo: "max")).count == 3)
        #expect(try fixture.store.get(.task("t0", in: "p"))?.claim?.token == token)
    }

    @Test("A user with many memberships is deleted in commits of a bounded size")
    func memberships() async throws {
        let fixture = try await Fixture()
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for number in 0..<250 {
                try transaction.put(
                    CodexFlow.Member(
                        projectID: try .init("p\(number)"), userID: "nora", role: .member,
                        createdAt: now))
            }
        }
        let backend = CountedBackend(fixture.store)
        let workspace = Self.workspace(fixture, backend)
        let counts = try await backend.measured { try await workspace.deleteUser("nora") }
        #expect(counts.mostWrites == 100)
        #expect(counts.writes == 252)
        #expect(try fixture.store.all(.memberships(of: "nora")).isEmpty)
        #expect(try fixture.store.get(.user("nora")) == nil)
    }

    @Test("A project is deleted in commits of a bounded size")
    func projectDeletion() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await Self.store(700, "t", in: fixture) { $0.labels = ["l"] }
        let start = try store.read { try $0.sequenceNumber }
        try await fixture.workspace.deleteProject("p", by: "olga")
        var sizes: [UInt64: Int] = [:]
        for change in try store.retainedChanges(after: .sequenceNumber(start))
        where change.kind == .remove {
            sizes[change.sequenceNumber.commit, default: 0] += 1
        }
        #expect(sizes.values.reduce(0, +) > 700)
        #expect(sizes.values.allSatisfy { $0 <= 500 })
        // The rest, and the project itself.
        #expect(sizes.values.count { $0 < 32 } <= 2)
        #expect(try store.get(.project("p")) == nil)
    }
}
