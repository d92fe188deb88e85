import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// The rules that look at other items: both sides of each, on the embedded store and through the
/// conditional actions of a remote table.
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
        try await workspace.assignTask("t", in: "p", to: "max", by: "mia")
        try await fixture.expect(.memberWork) {
            try await workspace.removeMember("max", from: "p", by: "adam")
        }
        try await fixture.expect(.memberWork) {
            try await workspace.changeMember("max", of: "p", to: .viewer, by: "adam")
        }
        try await fixture.expect(.memberWork) { try await workspace.deleteUser("max") }
        try await workspace.assignTask("t", in: "p", to: nil, by: "mia")
        // Members may leave.
        try await workspace.removeMember("max", from: "p", by: "max")
        #expect(try store.get(.member("max", of: "p")) == nil)
        try await workspace.changeMember("vera", of: "p", to: .member, by: "adam")
        #expect(try store.all(.members(of: "p")).map(\.role) == [.admin, .member, .owner, .member])
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
            try await workspace.moveTask("a", in: "p", to: status, by: "mia")
        }
        for status in [CodexFlow.Task.Status.done, .canceled] {
            try await fixture.expect(.taskChildren) {
                try await workspace.moveTask("a", in: "p", to: status, by: "mia")
            }
        }
        try await workspace.moveTask("c", in: "p", to: .canceled, by: "mia")
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await fixture.expect(.taskParent) {
            try await workspace.moveTask("b", in: "p", to: .todo, by: "mia")
        }
        try await fixture.expect(.taskParent) { try await fixture.task("e") { $0.parentID = "a" } }
        // An open part that was put away does not come back to a finished whole.
        try await fixture.task("f", through: [.todo, .inProgress])
        try await fixture.task("g") { $0.parentID = "f" }
        try await workspace.archiveTask("g", in: "p", by: "mia")
        try await workspace.completeTask("f", in: "p", by: "mia")
        try await fixture.expect(.taskParent) {
            try await workspace.restoreTask("g", in: "p", by: "mia")
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
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        }
        try await fixture.expect(.taskOverride, "overriding") {
            // Nothing to see is no reason.
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia", overriding: " ")
        }
        try await workspace.moveTask(
            "a", in: "p", to: .inProgress, by: "mia", overriding: "urgent")
        #expect(try fixture.store.all(.activity(of: "a", in: "p")).last?.note == "urgent")
        try await workspace.moveTask("c", in: "p", to: .inProgress, by: "mia")
        try await workspace.completeTask("c", in: "p", by: "mia")
        #expect(try await blocked() == ["a<b"])
        try await workspace.moveTask("b", in: "p", to: .inProgress, by: "mia")
        try await workspace.moveTask("c", in: "p", to: .todo, by: "mia")
        #expect(try await blocked() == ["a<b", "b<c"])
        try await workspace.completeTask("a", in: "p", by: "mia")
        #expect(try await blocked() == ["b<c"])
        try await workspace.removeDependency(of: "b", on: "c", in: "p", by: "mia")
        #expect(try await blocked().isEmpty)
    }

    @Test("Claims: one holder until the lease ends", arguments: Place.allCases)
    func claims(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a", through: [.todo])
        let claimed = try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
        #expect(claimed.holder(at: fixture.clock.now) == "mia")
        try await fixture.expect(.taskClaimed) {
            try await workspace.claimTask("a", in: "p", by: "max", lease: .seconds(60))
        }
        try await fixture.expect(.taskClaimed) {
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "max")
        }
        try await fixture.expect(.taskClaimed) {
            try await workspace.releaseTask("a", in: "p", by: "max")
        }
        // An admin may.
        try await workspace.assignTask("a", in: "p", to: "max", by: "adam")
        fixture.clock.advance(by: 59)
        let token = try #require(claimed.claim?.token)
        let again = try await workspace.renewClaim(
            of: "a", in: "p", by: "mia", holding: token, lease: .seconds(60))
        #expect(again.until == fixture.clock.now + 60 && again.token == token)
        fixture.clock.advance(by: 60)
        let second = try await fixture.claim("a", by: "max")
        try await workspace.releaseTask("a", in: "p", by: "max", holding: second)
        try await workspace.assignTask("a", in: "p", to: nil, by: "max")
        for lease in [Duration.zero, .seconds(-1), .milliseconds(999), .seconds(86_401)] {
            try await fixture.expect(.taskClaim) {
                try await workspace.claimTask("a", in: "p", by: "mia", lease: lease)
            }
        }
        let third = try await fixture.claim("a", by: "mia", lease: .seconds(86_400))
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia", holding: third)
        let done = try await workspace.completeTask("a", in: "p", by: "mia", holding: third)
        #expect(done.claim == nil)
        try await fixture.expect(.taskClaim) {
            try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
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
            try await workspace.completeTask("a", in: "p", by: "mia")
        }
        try await workspace.changeTask("a", in: "p", by: "mia") {
            $0.acceptanceCriteria[0].isMet = true
        }
        try await workspace.completeTask("a", in: "p", by: "mia")
        #expect(try store.all(.tasks(in: "p", overdueOn: today)).isEmpty)

        let comment = try await workspace.addComment(on: "a", in: "p", by: "max", "Well done")
        try await fixture.expect(.commentText) {
            try await workspace.addComment(on: "a", in: "p", by: "max", " ")
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

    @Test("Two decide at once on a remote table: no circle, no number twice")
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
            try CodexFlow.TableWorkspaceBackend(fixture.store, attemptCountMax: 1000),
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
