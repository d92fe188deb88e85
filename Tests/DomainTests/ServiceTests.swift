import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// The rules that look at other items: both sides of each, on the embedded store and through the
/// conditional actions of a table elsewhere.
@Suite("Services")
struct ServiceTests {
    @Test(
        "Users: addresses are one user's, sessions end with a suspension", arguments: Place.allCases
    )
    func users(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.expect(.userEmailTaken, "email") {
            try await workspace.createUser(email: " MIA@Example.COM", name: "Mia Two")
        }
        try await fixture.expect(.userEmailTaken, "email") {
            try await workspace.changeUser("max") { $0.email = "Mia@example.com" }
        }
        let changed = try await workspace.changeUser("mia") { $0.email = "MIA@Example.com" }
        #expect(changed.email == "MIA@Example.com")
        #expect(try store.get(.user(email: "mia@example.com"))?.id == "mia")
        for change: @Sendable (inout CodexFlow.User) -> Void in [
            { $0.state = .suspended }, { $0.id = "z" }, { $0.createdAt = nil },
        ] {
            try await fixture.expect(.userKept) { try await workspace.changeUser("mia", change) }
        }
        try await fixture.expect(.userTimeZone) {
            try await workspace.changeUser("mia") { $0.timeZone = "Mars/Olympus" }
        }
        try await workspace.changeUser("mia") { $0.timeZone = "Europe/Berlin" }
        try await fixture.expect(.userState) {
            try await workspace.createUser(email: "s@b", name: "S", state: .suspended)
        }
        let opened = try await workspace.openSession(for: "mia", client: "cli")
        #expect(opened.token.utf8.count == 43 && opened.session.id.rawValue.utf8.count == 64)
        #expect(!"\(try fixture.contents)".contains(opened.token))
        #expect(try await workspace.session(token: opened.token)?.userID == "mia")
        #expect(try await workspace.session(token: opened.token + "x") == nil)
        _ = try await workspace.openSession(for: "mia")
        #expect(try store.all(.sessions(of: "mia")).count == 2)
        try await workspace.suspendUser("mia")
        #expect(try await workspace.session(token: opened.token) == nil)
        #expect(try store.all(.sessions(of: "mia")).isEmpty)
        try await fixture.expect(.sessionUser) { _ = try await workspace.openSession(for: "mia") }
        try await fixture.expect(.actorActive) { try await fixture.task("t") }
        try await workspace.activateUser("mia")
        try await fixture.task("t")
        try await fixture.expect(.userOwnsProjects) { try await workspace.deleteUser("olga") }
        try await workspace.deleteUser("vera")
        #expect(try store.all(.memberships(of: "vera")).isEmpty)
        #expect(try store.get(.user("vera")) == nil)
        await #expect(throws: CodexError(.notFound, "")) { try await workspace.deleteUser("vera") }
    }

    @Test("Sessions end after 24 hours; that they were used is written once in five minutes")
    func sessions() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let token = try await workspace.openSession(for: "mia").token
        fixture.clock.advance(by: 299)
        #expect(try await workspace.session(token: token)?.lastSeenAt == nil)
        fixture.clock.advance(by: 1)
        #expect(try await workspace.session(token: token)?.lastSeenAt == fixture.clock.now)
        fixture.clock.advance(by: 86_400 - 301)
        #expect(try await workspace.session(token: token) != nil)
        fixture.clock.advance(by: 1)
        #expect(try await workspace.session(token: token) == nil)
        let other = try await workspace.openSession(for: "mia").token
        try await workspace.revokeSession(token: other)
        #expect(try await workspace.session(token: other) == nil)
        _ = try await workspace.openSession(for: "max")
        _ = try await workspace.openSession(for: "max")
        #expect(try await workspace.revokeSessions(of: "max") == 2)
        try await fixture.expect(.sessionLifetime) {
            _ = try await workspace.openSession(for: "max", lifetime: .zero)
        }
    }

    @Test("Projects: keys, settings, archiving, transfer", arguments: Place.allCases)
    func projects(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.expect(.projectKeyTaken, "key") {
            try await workspace.createProject(key: "ENG", name: "Other", owner: "adam")
        }
        try await fixture.expect(.actorActive) {
            try await workspace.createProject(key: "OTHER", name: "Other", owner: "nobody")
        }
        let other = try await workspace.createProject(key: "OTHER", name: "Other", owner: "adam")
        // A key stands in the numbers of tasks, and stays; one that was stored without gets one.
        try await fixture.expect(.projectKept, "key") {
            try await workspace.changeProject(other.id, by: "adam") { $0.key = "NEW" }
        }
        try await store.put(CodexFlow.Project(id: "raw", name: "Raw", ownerID: "adam"))
        try await fixture.expect(.projectKeyTaken) {
            try await workspace.changeProject("raw", by: "adam") { $0.key = "ENG" }
        }
        try await workspace.changeProject("raw", by: "adam") { $0.key = "RAW" }
        // Nor is the table of statuses passed by.
        try await fixture.expect(.projectStatus) {
            try await workspace.createProject(key: "DONE", name: "D", owner: "adam") {
                $0.status = .completed
            }
        }
        try await fixture.expect(.projectStatus) {
            try await workspace.changeProject("raw", by: "adam") { $0.status = .completed }
        }
        try await workspace.changeProject("raw", by: "adam") { $0.status = .started }
        try await fixture.expect(.projectStatus) {
            try await workspace.changeProject("raw", by: "adam") { $0.status = nil }
        }
        try await fixture.expect(.projectKept, "owner") {
            try await workspace.changeProject("p", by: "olga") { $0.ownerID = "adam" }
        }
        try await fixture.expect(.actorRole) {
            try await workspace.changeProject("p", by: "mia") { $0.name = "New" }
        }
        try await fixture.expect(.projectTimeZone) {
            try await workspace.changeProject("p", by: "adam") { $0.timeZone = "CEST" }
        }
        try await fixture.expect(.projectStatus) {
            try await workspace.changeProject("p", by: "adam") { $0.status = .completed }
        }
        let changed = try await workspace.changeProject("p", by: "adam") {
            $0.status = .started
            $0.timeZone = "Asia/Tokyo"
        }
        #expect(changed.status == .started)
        #expect(try store.get(.project(key: "ENG"))?.id == "p")

        try await workspace.archiveProject("p", by: "adam")
        try await fixture.expect(.projectReadOnly) { try await fixture.task("t") }
        try await fixture.expect(.projectReadOnly) {
            try await workspace.addMember("nora", to: "p", by: "olga")
        }
        try await workspace.restoreProject("p", by: "adam")
        try await fixture.task("t")

        try await fixture.expect(.actorRole) {
            try await workspace.transferProject("p", to: "adam", by: "adam")
        }
        try await fixture.expect(.projectOwner) {
            try await workspace.transferProject("p", to: "nobody", by: "olga")
        }
        try await workspace.transferProject("p", to: "nora", by: "olga")
        #expect(try store.get(.project("p"))?.ownerID == "nora")
        #expect(try store.get(.member("olga", of: "p"))?.role == .admin)
        #expect(try store.get(.member("nora", of: "p"))?.role == .owner)
        #expect(try store.all(.projects(ownedBy: "nora")).map(\.id) == ["p"])
        #expect(try store.all(.memberships(of: "nora")).map(\.projectID) == ["p"])
    }

    @Test("Members: roles, and the work that keeps them", arguments: Place.allCases)
    func members(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.expect(.memberTaken) {
            try await workspace.addMember("mia", to: "p", by: "olga")
        }
        try await fixture.expect(.memberUser) {
            try await workspace.addMember("nobody", to: "p", by: "olga")
        }
        try await fixture.expect(.memberOwner) {
            try await workspace.addMember("nora", to: "p", as: .owner, by: "olga")
        }
        try await fixture.expect(.memberOwner) {
            try await workspace.changeMember("olga", of: "p", to: .viewer, by: "adam")
        }
        try await fixture.expect(.memberOwner) {
            try await workspace.removeMember("olga", from: "p", by: "adam")
        }
        try await fixture.expect(.actorRole) {
            try await workspace.removeMember("max", from: "p", by: "mia")
        }
        try await fixture.task("t")
        try await workspace.assign("t", in: "p", to: "max", by: "mia")
        try await fixture.expect(.memberWork) {
            try await workspace.removeMember("max", from: "p", by: "adam")
        }
        try await fixture.expect(.memberWork) {
            try await workspace.changeMember("max", of: "p", to: .viewer, by: "adam")
        }
        try await fixture.expect(.memberWork) { try await workspace.deleteUser("max") }
        try await workspace.assign("t", in: "p", to: nil, by: "mia")
        // Members may leave.
        try await workspace.removeMember("max", from: "p", by: "max")
        #expect(try store.get(.member("max", of: "p")) == nil)
        try await workspace.changeMember("vera", of: "p", to: .member, by: "adam")
        #expect(try store.all(.members(of: "p")).map(\.role) == [.admin, .member, .owner, .member])
    }

    @Test("Tasks: numbers, times, transitions, history", arguments: Place.allCases)
    func tasks(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        let first = try await fixture.task("a") { $0.labels = ["x", "y"] }
        #expect(first.number == 1 && first.status == .backlog && first.reporterID == "mia")
        let second = try await fixture.task("b") {
            ($0.status, $0.assigneeID) = (.inProgress, "max")
        }
        #expect(second.number == 2 && second.startedAt == clock.now)
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
        for user in ["vera", "nora", "nobody"] {
            try await fixture.expect(.taskAssignee, "assignee") {
                try await workspace.assign("a", in: "p", to: try .init(user), by: "mia")
            }
        }
        for actor in ["vera", "nora"] {
            try await fixture.expect(.actorRole) {
                try await workspace.move("a", in: "p", to: .todo, by: try .init(actor))
            }
        }
        // Every pair of statuses that the table does not have.
        for from in CodexFlow.Task.Status.allCases {
            let id = try CodexFlow.Task.ID("s-\(from.rawValue)")
            let way: [CodexFlow.Task.Status] =
                switch from {
                case .backlog: []
                case .todo: [.todo]
                case .inProgress: [.todo, .inProgress]
                case .inReview: [.todo, .inProgress, .inReview]
                case .done: [.todo, .inProgress, .done]
                case .canceled: [.canceled]
                }
            try await fixture.task(id, through: way)
            for to in CodexFlow.Task.Status.allCases
            where to != from && !from.successors.contains(to) {
                try await fixture.expect(.taskTransition, "status") {
                    try await workspace.move(id, in: "p", to: to, by: "mia")
                }
            }
        }
        try await workspace.move("a", in: "p", to: .todo, by: "mia")
        clock.advance(by: 60)
        let started = try await workspace.move("a", in: "p", to: .inProgress, by: "mia")
        #expect(started.startedAt == clock.now)
        clock.advance(by: 3600)
        var task = try await workspace.complete("a", in: "p", by: "mia")
        #expect(task.completedAt == clock.now && task.startedAt == started.startedAt)
        clock.advance(by: 60)
        task = try await workspace.move("a", in: "p", to: .todo, by: "mia")
        #expect(task.completedAt == nil && task.reopenCount == 1)
        #expect(task.startedAt == started.startedAt)
        task = try await workspace.move("a", in: "p", to: .canceled, by: "mia")
        #expect(task.canceledAt == clock.now)
        let history = try store.all(.activity(of: "a", in: "p"))
        #expect(history.map(\.kind) == [.created, .moved, .moved, .moved, .moved, .moved])
        #expect(history[3].facts?.cycleSeconds == 3600 && history[3].facts?.leadSeconds == 3660)
        #expect(history[3].changes.contains { $0.field == "status" && $0.to == "done" })
        // Where it is already is no change.
        let count = try fixture.contents.count
        try await workspace.move("a", in: "p", to: .canceled, by: "mia")
        #expect(try fixture.contents.count == count)
        #expect(
            try store.read {
                try $0.total(
                    of: CodexFlow.Counter.tasksByStatus, in: CodexFlow.table, group: ["p", "done"]
                ).count
            } == 1)
    }

    @Test(
        "Numbers go on after those of tasks that were stored without the services",
        arguments: Place.allCases)
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
        try await store(Limits.taskNumberMax - 1)
        #expect(try await fixture.task("c").number == Limits.taskNumberMax)
        // Then what is left: no number is given out twice.
        #expect(try await fixture.task("d").number == 1)
        #expect(try await fixture.task("e").number == 2)
    }

    @Test("Changes: kept fields, stale reads, scales, archived tasks", arguments: Place.allCases)
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
        #expect(changed.updatedAt == task.updatedAt.map { $0 + 0.001 })
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
        try await workspace.claim("a", in: "p", by: "max", lease: .seconds(60))
        try await fixture.expect(.taskClaimed) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.assigneeID = "mia" }
        }
        let assigned = try await workspace.changeTask("a", in: "p", by: "max") {
            ($0.priority, $0.assigneeID) = (.high, "mia")
        }
        #expect(assigned.assigneeID == "mia" && assigned.priority == .high)
        try await workspace.release("a", in: "p", by: "max")
        try await workspace.changeProject("p", by: "adam") { $0.estimateScale = [1, 2, 3, 5, 8] }
        try await fixture.expect(.taskEstimate) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 4 }
        }
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 5 }
        try await workspace.archive("a", in: "p", by: "mia")
        try await fixture.expect(.taskArchived) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.title = "X" }
        }
        try await fixture.expect(.taskArchived) {
            try await workspace.move("a", in: "p", to: .todo, by: "mia")
        }
        #expect(try await workspace.all(.tasks(in: "p", status: .backlog)).isEmpty)
        try await workspace.restore("a", in: "p", by: "mia")
        #expect(try await workspace.all(.tasks(in: "p", status: .backlog)).map(\.id) == ["a"])
        await #expect(throws: CodexError(.notFound, "")) {
            try await workspace.changeTask("missing", in: "p", by: "mia") { $0.title = "X" }
        }
    }

    @Test(
        "Parents: three levels, no cycles, nothing done with open parts", arguments: Place.allCases)
    func parents(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        try await fixture.task("b") { $0.parentID = "a" }
        try await fixture.task("c") { $0.parentID = "b" }
        try await fixture.expect(.taskDepth) { try await fixture.task("d") { $0.parentID = "c" } }
        try await fixture.expect(.taskParent) { try await fixture.task("d") { $0.parentID = "x" } }
        for (id, parent) in [("a", "a"), ("a", "b"), ("a", "c")] {
            try await fixture.expect(.taskDepth) {
                let (id, parent) = (
                    try CodexFlow.Task.ID(id), try CodexFlow.Task.ID(parent)
                )
                try await workspace.changeTask(id, in: "p", by: "mia") { $0.parentID = parent }
            }
        }
        try await fixture.task("top")
        try await fixture.expect(.taskDepth) {
            // Three levels below another one.
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.parentID = "top" }
        }
        #expect(try await workspace.all(.subtasks(of: "a", in: "p")).map(\.id) == ["b"])
        for status in [CodexFlow.Task.Status.todo, .inProgress] {
            try await workspace.move("a", in: "p", to: status, by: "mia")
        }
        for status in [CodexFlow.Task.Status.done, .canceled] {
            try await fixture.expect(.taskChildren) {
                try await workspace.move("a", in: "p", to: status, by: "mia")
            }
        }
        try await workspace.move("c", in: "p", to: .canceled, by: "mia")
        try await workspace.move("b", in: "p", to: .canceled, by: "mia")
        try await workspace.complete("a", in: "p", by: "mia")
        try await fixture.expect(.taskParent) {
            try await workspace.move("b", in: "p", to: .todo, by: "mia")
        }
        try await fixture.expect(.taskParent) { try await fixture.task("e") { $0.parentID = "a" } }
        // An open part that was put away does not come back to a finished whole.
        try await fixture.task("f", through: [.todo, .inProgress])
        try await fixture.task("g") { $0.parentID = "f" }
        try await workspace.archive("g", in: "p", by: "mia")
        try await workspace.complete("f", in: "p", by: "mia")
        try await fixture.expect(.taskParent) {
            try await workspace.restore("g", in: "p", by: "mia")
        }
    }

    @Test("Dependencies: no circles; blocked is derived and listed", arguments: Place.allCases)
    func dependencies(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] {
            try await fixture.task(id, through: [.todo])
        }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.addDependency(of: "b", on: "c", in: "p", by: "mia")
        try await fixture.expect(.dependencySelf) {
            try await workspace.addDependency(of: "a", on: "a", in: "p", by: "mia")
        }
        try await fixture.expect(.dependencyTaken) {
            try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        }
        try await fixture.expect(.dependencyCycle) {
            try await workspace.addDependency(of: "c", on: "a", in: "p", by: "mia")
        }
        await #expect(throws: CodexError(.notFound, "")) {
            try await workspace.addDependency(of: "c", on: "missing", in: "p", by: "mia")
        }
        func blocked() async throws -> [String] {
            try await workspace.blockedTasks(in: "p").map {
                "\($0.task.id)<\($0.blockers.map(\.rawValue).joined(separator: ","))"
            }
        }
        #expect(try await blocked() == ["a<b", "b<c"])
        try await fixture.expect(.taskBlocked) {
            try await workspace.move("a", in: "p", to: .inProgress, by: "mia")
        }
        try await fixture.expect(.note) {
            // Nothing to see is no reason.
            try await workspace.move("a", in: "p", to: .inProgress, by: "mia", overriding: " ")
        }
        try await workspace.move(
            "a", in: "p", to: .inProgress, by: "mia", overriding: "urgent")
        #expect(try fixture.store.all(.activity(of: "a", in: "p")).last?.note == "urgent")
        try await workspace.move("c", in: "p", to: .inProgress, by: "mia")
        try await workspace.complete("c", in: "p", by: "mia")
        #expect(try await blocked() == ["a<b"])
        try await workspace.move("b", in: "p", to: .inProgress, by: "mia")
        try await workspace.move("c", in: "p", to: .todo, by: "mia")
        #expect(try await blocked() == ["a<b", "b<c"])
        try await workspace.complete("a", in: "p", by: "mia")
        #expect(try await blocked() == ["b<c"])
        try await workspace.removeDependency(of: "b", on: "c", in: "p", by: "mia")
        #expect(try await blocked().isEmpty)
    }

    @Test("Claims: one holder until the lease ends", arguments: Place.allCases)
    func claims(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a", through: [.todo])
        let claimed = try await workspace.claim("a", in: "p", by: "mia", lease: .seconds(60))
        #expect(claimed.holder(at: fixture.clock.now) == "mia")
        try await fixture.expect(.taskClaimed) {
            try await workspace.claim("a", in: "p", by: "max", lease: .seconds(60))
        }
        try await fixture.expect(.taskClaimed) {
            try await workspace.move("a", in: "p", to: .inProgress, by: "max")
        }
        try await fixture.expect(.taskClaimed) {
            try await workspace.release("a", in: "p", by: "max")
        }
        // An admin may.
        try await workspace.assign("a", in: "p", to: "max", by: "adam")
        fixture.clock.advance(by: 59)
        let again = try await workspace.claim("a", in: "p", by: "mia", lease: .seconds(60))
        #expect(again.claim?.until == fixture.clock.now + 60)
        fixture.clock.advance(by: 60)
        try await workspace.claim("a", in: "p", by: "max", lease: .seconds(60))
        try await workspace.release("a", in: "p", by: "max")
        for lease in [Duration.zero, .seconds(-1), .milliseconds(999), .seconds(86_401)] {
            try await fixture.expect(.taskClaim) {
                try await workspace.claim("a", in: "p", by: "mia", lease: lease)
            }
        }
        try await workspace.claim("a", in: "p", by: "mia", lease: .seconds(86_400))
        try await workspace.move("a", in: "p", to: .inProgress, by: "mia")
        let done = try await workspace.complete("a", in: "p", by: "mia")
        #expect(done.claim == nil)
        try await fixture.expect(.taskClaim) {
            try await workspace.claim("a", in: "p", by: "mia", lease: .seconds(60))
        }
    }

    @Test("Criteria, comments, due days, work", arguments: Place.allCases)
    func collaboration(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let today = CalendarDay(fixture.clock.now)
        try await fixture.task("a") {
            $0.acceptanceCriteria = [.init(id: "1", text: "works")]
            $0.dueDate = today.adding(days: -1)
            $0.status = .inProgress
        }
        try await fixture.task("b") { $0.dueDate = today }
        #expect(try store.all(.tasks(in: "p", overdueOn: today)).map(\.id) == ["a"])
        #expect(try store.all(.tasks(in: "p", dueThrough: today)).map(\.id) == ["a", "b"])
        try await fixture.expect(.taskUnmet) {
            try await workspace.complete("a", in: "p", by: "mia")
        }
        try await workspace.changeTask("a", in: "p", by: "mia") {
            $0.acceptanceCriteria[0].isMet = true
        }
        try await workspace.complete("a", in: "p", by: "mia")
        #expect(try store.all(.tasks(in: "p", overdueOn: today)).isEmpty)

        let comment = try await workspace.comment(on: "a", in: "p", by: "max", "Well done")
        try await fixture.expect(.commentText) {
            try await workspace.comment(on: "a", in: "p", by: "max", " ")
        }
        try await fixture.expect(.commentAuthor) {
            try await workspace.changeComment(comment.id, on: "a", in: "p", by: "mia", to: "No")
        }
        try await workspace.changeComment(comment.id, on: "a", in: "p", by: "max", to: "Very")
        #expect(try store.all(.comments(on: "a", in: "p")).map(\.text) == ["Very"])
        try await fixture.expect(.commentAuthor) {
            try await workspace.deleteComment(comment.id, on: "a", in: "p", by: "mia")
        }
        try await workspace.deleteComment(comment.id, on: "a", in: "p", by: "adam")
        #expect(try store.all(.comments(on: "a", in: "p")).isEmpty)

        try await workspace.logWork(try Number(parsing: "2.5"), on: "a", in: "p", by: "mia")
        let log = try await workspace.logWork(4, on: "a", in: "p", by: "mia")
        #expect(log?.hours == (try Number(parsing: "6.5")))
        try await workspace.logWork(17, on: "b", in: "p", by: "mia")
        try await fixture.expect(.workHours) {
            // 23.5 hours are logged.
            try await workspace.logWork(1, on: "b", in: "p", by: "mia")
        }
        try await fixture.expect(.workHours) {
            try await workspace.logWork(-7, on: "a", in: "p", by: "mia")
        }
        try await fixture.expect(.workDay) {
            try await workspace.logWork(
                1, on: "a", in: "p", by: "max", day: today.adding(days: 1))
        }
        #expect(
            try await workspace.logWork(try Number(parsing: "-6.5"), on: "a", in: "p", by: "mia")
                == nil)
        #expect(try store.all(.work(in: "p", from: today, through: today)).map(\.hours) == [17])
        #expect(try store.all(.work(of: "mia", from: today, through: today)).map(\.taskID) == ["b"])
    }

    @Test("PRDs: immutable versions, approvals bound to them, stories", arguments: Place.allCases)
    func prds(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let bare = CodexFlow.PRD.Content(overview: "What it is")
        var full = bare
        full.userStories = [
            .init(id: "US-1", description: "As a user…", acceptanceCriteria: ["works"])
        ]
        let first = try await workspace.createPRD(
            in: "p", title: "MVP", content: bare, by: "mia", id: "d", isAIGenerated: true)
        #expect(first.version == 1 && first.approvalStatus == .draft)
        try await fixture.expect(.prdStories) {
            try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        }
        let second = try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") {
            [full] in $0.content = full
        }
        #expect(second.version == 2 && second.parentVersion == 1)
        #expect(second.contentHash != first.contentHash)
        #expect(try store.get(.prd("d", version: 1, in: "p"))?.approvalStatus == .superseded)
        try await fixture.expect(.prdStale) {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "max") { _ in }
        }
        try await fixture.expect(.prdStale) {
            try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        }
        let hash = try #require(second.contentHash)
        func review(
            _ decision: CodexFlow.PRDReview.Decision, by user: String, _ hash: String
        ) async throws -> CodexFlow.PRD.ApprovalStatus? {
            try await workspace.reviewPRD(
                "d", version: 2, contentHash: hash, in: "p", by: try .init(user),
                decision: decision
            ).approvalStatus
        }
        try await fixture.expect(.prdStatus) { _ = try await review(.approve, by: "max", hash) }
        try await workspace.submitPRD("d", version: 2, in: "p", by: "mia")
        try await fixture.expect(.prdReview) { _ = try await review(.approve, by: "max", "other") }
        // The author alone is not enough.
        #expect(try await review(.approve, by: "mia", hash) == .inReview)
        #expect(try await review(.requestChanges, by: "max", hash) == .draft)
        try await workspace.submitPRD("d", version: 2, in: "p", by: "mia")
        #expect(try await review(.approve, by: "max", hash) == .approved)
        #expect(try await workspace.approvedPRD("d", in: "p")?.version == 2)
        let third = try await workspace.addPRDVersion(
            of: "d", in: "p", basedOn: 2, by: "max", summary: "more"
        ) {
            $0.title = "MVP 2"
            $0.content?.userStories.append(
                .init(id: "US-2", description: "More", acceptanceCriteria: ["works too"]))
        }
        // The approved version serves on; approvals do not carry over.
        #expect(third.approvalStatus == .draft)
        #expect(try await workspace.approvedPRD("d", in: "p")?.version == 2)
        #expect(try await workspace.latestPRD("d", in: "p")?.version == 3)
        let difference = CodexFlow.PRDDifference(from: second, to: third)
        #expect(difference.title?.to == "MVP 2" && difference.lists.isEmpty)
        #expect(difference.stories.count == 1)
        try await workspace.submitPRD("d", version: 3, in: "p", by: "max")
        #expect(
            try store.all(.prds(in: "p", approvalStatus: .inReview)).map(\.version) == [3])
        let last = try await workspace.reviewPRD(
            "d", version: 3, contentHash: try #require(third.contentHash), in: "p", by: "mia",
            decision: .approve)
        #expect(last.approvalStatus == .approved)
        #expect(try store.get(.prd("d", version: 2, in: "p"))?.approvalStatus == .superseded)
        #expect(try store.all(.versions(of: "d", in: "p")).map(\.version) == [1, 2, 3])
        #expect(try store.all(.reviews(of: "d", in: "p")).count == 2)

        for (version, story) in [(3, "US-3"), (4, "US-1")] {
            try await fixture.expect(.taskStory, "origin") {
                try await fixture.task("t") {
                    $0.origin = .prd(id: "d", version: version, storyID: story)
                }
            }
        }
        try await fixture.task("t") { $0.origin = .prd(id: "d", version: 3, storyID: "US-2") }
        #expect(try store.all(.tasks(ofStory: "US-2", of: "d", in: "p")).map(\.id) == ["t"])
        try await workspace.archivePRD("d", version: 3, in: "p", by: "adam")
        #expect(try await workspace.approvedPRD("d", in: "p") == nil)
        try await fixture.expect(.prdStatus) {
            try await workspace.archivePRD("d", version: 3, in: "p", by: "adam")
        }
    }

    @Test(
        "Deleting a project removes everything in it, and goes on where it was",
        arguments: Place.allCases)
    func deletion(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.createProject(key: "KEEP", name: "Keep", id: "q", owner: "adam")
        for number in 0..<40 {
            try await fixture.task(try .init("t\(number)")) { $0.labels = ["l"] }
        }
        try await fixture.expect(.actorRole) { try await workspace.deleteProject("p", by: "adam") }
        // Nothing is removed of a project that is not marked: it may be another than was meant.
        let before = try fixture.contents
        #expect(try await workspace.backend.removeItems(of: "p", limit: 10))
        #expect(try fixture.contents == before)
        // As if it had been cut short after a part.
        try await workspace.commit { context in
            var project = try context.find(.project("p"))
            project.deletingSince = context.now
            context.replace(project)
        }
        #expect(try await !workspace.backend.removeItems(of: "p", limit: 30))
        #expect(try fixture.contents.count == before.count - 30)
        for actor in ["adam", "nora", "nobody"] {
            let rule: CodexFlow.Rule = actor == "nobody" ? .actorActive : .actorRole
            try await fixture.expect(rule) {
                try await workspace.deleteProject("p", by: try .init(actor))
            }
        }
        try await fixture.expect(.projectDeletion) { try await fixture.task("late") }
        try await fixture.expect(.projectDeletion) {
            try await workspace.restoreProject("p", by: "olga")
        }
        #expect(try await workspace.resumeDeletions() == ["p"])
        #expect(try await workspace.resumeDeletions().isEmpty)
        let left = try fixture.contents.filter { item in
            item["PK"]?.string?.hasPrefix("PROJECT#p") == true
        }
        #expect(left.isEmpty)
        #expect(try store.all(.memberships(of: "mia")).isEmpty)
        #expect(try store.get(.project("q")) != nil)
        #expect(try store.verify().isSound)
        try await workspace.createProject(key: "ENG", name: "Again", id: "p", owner: "olga")
        try await workspace.deleteProject("p", by: "olga")
        #expect(try store.get(.project("p")) == nil)
    }

    @Test("Two decide at once on a table elsewhere: no circle, no number twice")
    func conflicts() async throws {
        let fixture = try await Fixture(.table)
        let workspace = fixture.workspace
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        // One of them must see the other.
        let results = await withTaskGroup(of: Bool.self) { group in
            for (task, blocker) in [("a", "b"), ("b", "a")]
                as [(CodexFlow.Task.ID, CodexFlow.Task.ID)]
            {
                group.addTask {
                    do {
                        try await workspace.addDependency(of: task, on: blocker, in: "p", by: "mia")
                        return true
                    } catch {
                        #expect((error as? CodexError)?.rule == .dependencyCycle)
                        return false
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.filter { $0 }.count == 1)
        let patient = CodexFlow.Workspace(
            CodexFlow.TableWorkspaceBackend(fixture.store, attemptCountMax: 1000),
            clock: { fixture.clock.now }, calendar: SystemCalendar())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await patient.createTask(in: "p", by: "mia") { $0.title = "T\(number)" }
                }
            }
            try await group.waitForAll()
        }
        let numbers = try fixture.store.all(.tasks(in: "p")).compactMap(\.number).sorted()
        #expect(numbers == Array(1...22))
    }
}
