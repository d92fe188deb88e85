import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// What a claim protects, what stands against one, and how it ends.
@Suite("What claims protect, and how they end")
struct ClaimProtectionTests {
    private func events(
        _ fixture: Fixture, after start: SequenceNumber
    ) throws -> [CodexFlow.Event] {
        try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap { try $0.events }
    }

    private func now(_ fixture: Fixture) throws -> SequenceNumber {
        try fixture.store.read { try $0.sequenceNumber }
    }

    private func claim(
        _ fixture: Fixture, _ id: CodexFlow.Task.ID
    ) throws -> CodexFlow.Task.Claim? {
        try fixture.store.get(.task(id, in: "p"))?.claim
    }

    // MARK: What a claim protects

    @Test(
        "Body, estimate, criteria and assignee of a claimed task belong to its holder and admins",
        arguments: Place.allCases)
    func protected(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        let token = try await fixture.claim("a", by: "mia")
        let protected: [@Sendable (inout CodexFlow.Task) -> Void] = [
            { $0.body = "B" }, { $0.estimate = 3 }, { $0.assigneeID = "max" },
            { $0.acceptanceCriteria = [.init(id: "1", text: "c")] },
        ]
        for change in protected {
            for actor in ["max", "mia"] as [CodexFlow.User.ID] {
                try await fixture.expect(.taskClaimed, "claim") {
                    try await workspace.changeTask("a", in: "p", by: actor, change)
                }
            }
        }
        try await workspace.changeTask("a", in: "p", by: "max") {
            ($0.title, $0.priority, $0.labels) = ("T", .high, ["l"])
        }
        for change in protected {
            try await workspace.changeTask("a", in: "p", by: "mia", holding: token, change)
        }
        try await workspace.changeTask("a", in: "p", by: "adam") { $0.body = "C" }
        fixture.clock.advance(by: 60)
        try await workspace.changeTask("a", in: "p", by: "max") { $0.body = "D" }
    }

    @Test("An assignee releases a claim of somebody else", arguments: Place.allCases)
    func assignees(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a") { $0.assigneeID = "max" }
        _ = try await fixture.claim("a", by: "mia")
        try await workspace.addMember("nora", to: "p", by: "olga")
        try await fixture.expect(.taskClaimed) {
            try await workspace.releaseTask("a", in: "p", by: "nora")
        }
        try await fixture.expect(.taskClaimed) {
            try await workspace.moveTask("a", in: "p", to: .todo, by: "max")
        }
        let start = try now(fixture)
        try await workspace.releaseTask("a", in: "p", by: "max", note: "mine")
        #expect(try claim(fixture, "a") == nil)
        #expect(try events(fixture, after: start).map(\.kind) == [.taskReleased])
        let entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.kind == .released && entry.note == "mine" && entry.actorID == "max")
    }

    @Test(
        "A claim of a blocked task, or of one of somebody else, is refused unless asked for",
        arguments: Place.allCases)
    func obstacles(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("b")
        try await fixture.task("a") { $0.assigneeID = "max" }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        func claim(_ obstacles: Set<CodexFlow.Task.ClaimObstacle>) async throws {
            try await workspace.claimTask(
                "a", in: "p", by: "mia", lease: .seconds(60), despite: obstacles)
        }
        try await fixture.expect(.taskAssigned, "assignee") { try await claim([]) }
        try await fixture.expect(.taskAssigned) { try await claim([.blocked]) }
        try await fixture.expect(.taskBlocked, "claim") { try await claim([.assignedToOther]) }
        try await claim([.blocked, .assignedToOther])
        try await workspace.releaseTask("a", in: "p", by: "max")
        // Its assignee, when its blocker is finished.
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "mia")
        try await workspace.claimTask("a", in: "p", by: "max", lease: .seconds(60))
    }

    @Test("A task that has started is claimed although it is blocked", arguments: Place.allCases)
    func started(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("b")
        try await fixture.task("a") { $0.status = .inProgress }
        try await fixture.workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await fixture.workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
    }

    // MARK: Users who go

    @Test(
        "Suspending, removing, demoting and deleting a user ends the user's claims",
        arguments: Place.allCases)
    func users(place: Place) async throws {
        let ends: [@Sendable (CodexFlow.Workspace) async throws -> Void] = [
            { try await $0.suspendUser("mia") },
            { try await $0.removeMember("mia", from: "p", by: "olga") },
            { try await $0.changeMember("mia", of: "p", to: .viewer, by: "olga") },
            { try await $0.deleteUser("mia") },
        ]
        for end in ends {
            let fixture = try await Fixture(place)
            var tokens: [CodexFlow.Task.ID: Int] = [:]
            // More than one commit ends.
            for number in 0..<17 {
                let id = try CodexFlow.Task.ID("t\(number)")
                try await fixture.workspace.createTask(in: "p", by: "max", id: id) {
                    $0.title = "T"
                }
                tokens[id] = try await fixture.claim(id, by: "mia")
            }
            let start = try now(fixture)
            try await end(fixture.workspace)
            #expect(try fixture.store.all(.tasks(claimedBy: "mia")).isEmpty)
            let released = try events(fixture, after: start).filter { $0.kind == .taskReleased }
            #expect(released.count == 17)
            for id in tokens.keys {
                let entry = try #require(try fixture.store.all(.activity(of: id, in: "p")).last)
                #expect(entry.kind == .released && entry.actorID == "mia")
            }
            _ = try await fixture.claim("t0", by: "max")
        }
    }

    @Test("A claim does not come back with its user", arguments: Place.allCases)
    func returned(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        let token = try await fixture.claim("a", by: "mia")
        try await workspace.suspendUser("mia")
        try await workspace.activateUser("mia")
        try await fixture.expect(.taskNotHeld) {
            try await workspace.moveTask("a", in: "p", to: .todo, by: "mia", holding: token)
        }
        // Nor after a suspension that was interrupted before it came to the claims.
        let second = try await fixture.claim("a", by: "mia")
        try await fixture.store.update(.user("mia")) { $0.state = .suspended }
        // No command has changed the task since.
        try await workspace.addComment(on: "a", in: "p", by: "max", "hello")
        #expect(try claim(fixture, "a")?.token == second)
        try await workspace.activateUser("mia")
        #expect(try claim(fixture, "a") == nil)
        try await fixture.expect(.taskNotHeld) {
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia", holding: second)
        }
    }

    @Test(
        "A command that is sent again with its key leaves the claims that came after it",
        arguments: Place.allCases)
    func repetitions(place: Place) async throws {
        typealias Step = @Sendable (CodexFlow.Workspace) async throws -> Void
        let join: Step = { try await $0.addMember("mia", to: "p", by: "olga") }
        let rows: [(end: Step, back: Step)] = [
            ({ try await $0.suspendUser("mia") }, { try await $0.activateUser("mia") }),
            ({ try await $0.removeMember("mia", from: "p", by: "olga") }, join),
            (
                { try await $0.changeMember("mia", of: "p", to: .viewer, by: "olga") },
                { try await $0.changeMember("mia", of: "p", to: .member, by: "olga") }
            ),
            (
                { try await $0.deleteUser("mia") },
                {
                    try await $0.createUser(email: "m@example.com", name: "Mia", id: "mia")
                    try await join($0)
                }
            ),
        ]
        for (number, row) in rows.enumerated() {
            let fixture = try await Fixture(place)
            try await fixture.task("a")
            let workspace = fixture.workspace.idempotent("key")
            try await row.end(workspace)
            try await row.back(fixture.workspace)
            let token = try await fixture.claim("a", by: "mia")
            try await row.end(workspace)
            #expect(try claim(fixture, "a")?.token == token, "\(number)")
        }
    }

    @Test("A claim does not come back with a membership", arguments: Place.allCases)
    func rejoined(place: Place) async throws {
        typealias Step = @Sendable (Fixture) async throws -> Void
        let leave: Step = { try await $0.store.delete(.member("mia", of: "p")) }
        let rows: [(leave: Step, back: Step)] = [
            (leave, { try await $0.workspace.addMember("mia", to: "p", by: "olga") }),
            (leave, { try await $0.workspace.addMember("mia", to: "p", as: .viewer, by: "olga") }),
            (leave, { try await $0.workspace.transferProject("p", to: "mia", by: "olga") }),
            (
                { try await $0.store.update(.member("mia", of: "p")) { $0.role = .viewer } },
                { try await $0.workspace.changeMember("mia", of: "p", to: .member, by: "olga") }
            ),
            (
                { try await $0.store.update(.user("mia")) { $0.state = .suspended } },
                { try await $0.workspace.activateUser("mia") }
            ),
        ]
        for (number, row) in rows.enumerated() {
            let fixture = try await Fixture(place)
            // More than one commit ends.
            for number in 0..<14 { try await fixture.task(try .init("t\(number)")) }
            var token = 0
            for number in 0..<14 {
                token = try await fixture.claim(try .init("t\(number)"), by: "mia")
            }
            // The process was killed before it came to the claims.
            try await row.leave(fixture)
            try await row.back(fixture)
            #expect(try fixture.store.all(.tasks(claimedBy: "mia")).isEmpty, "\(number)")
            guard number != 1 else { continue }
            let last = token
            try await fixture.expect(.taskNotHeld) {
                try await fixture.workspace.moveTask(
                    "t13", in: "p", to: .todo, by: "mia", holding: last)
            }
        }
    }

    @Test("A claim does not come back with one of many memberships")
    func rejoinedTogether() async throws {
        let fixture = try await Fixture()
        let members: [(user: CodexFlow.User.ID, role: CodexFlow.Member.Role)] = [
            ("nora", .member), ("mia", .member),
        ]
        for number in 0..<12 {
            let id = try CodexFlow.Task.ID("t\(number)")
            try await fixture.task(id)
            _ = try await fixture.claim(id, by: "mia")
        }
        try await fixture.store.delete(.member("mia", of: "p"))
        await #expect(throws: CodexError(.transactionTooLarge, "")) {
            try await fixture.workspace.addMembers(members, to: "p", by: "olga")
        }
        #expect(try fixture.store.get(.member("nora", of: "p")) == nil)
        try await fixture.workspace.releaseTask("t0", in: "p", by: "olga")
        try await fixture.workspace.addMembers(members, to: "p", by: "olga")
        #expect(try fixture.store.all(.tasks(claimedBy: "mia")).isEmpty)
    }

    @Test("Claims in other projects stay when a member leaves one", arguments: Place.allCases)
    func projects(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await workspace.createProject(key: "TWO", name: "Two", id: "p2", owner: "mia")
        try await workspace.createTask(in: "p2", by: "mia", id: "a") { $0.title = "A" }
        try await workspace.claimTask("a", in: "p2", by: "mia", lease: .seconds(60))
        try await fixture.task("a")
        _ = try await fixture.claim("a", by: "mia")
        #expect(try fixture.store.all(.tasks(claimedBy: "mia")).count == 2)
        try await workspace.removeMember("mia", from: "p", by: "mia")
        #expect(try fixture.store.all(.tasks(claimedBy: "mia")).map(\.projectID) == ["p2"])
        #expect(try fixture.store.all(.tasks(claimedBy: "mia", in: "p")).isEmpty)
    }

    // MARK: Claims that end by time

    @Test(
        "The first command that meets an expired claim has its event, and no other has it",
        arguments: Place.allCases)
    func expiry(place: Place) async throws {
        let commands: [(Fixture) async throws -> Void] = [
            { _ = try await $0.claim("a", by: "max") },
            { _ = try await $0.claim("a", by: "mia") },
            { try await $0.workspace.moveTask("a", in: "p", to: .todo, by: "max") },
            { try await $0.workspace.moveTask("a", in: "p", to: .canceled, by: "max") },
            { try await $0.workspace.changeTask("a", in: "p", by: "max") { $0.title = "New" } },
            { try await $0.workspace.assignTask("a", in: "p", to: "max", by: "max") },
            { try await $0.workspace.releaseTask("a", in: "p", by: "max") },
            { try await $0.workspace.archiveTask("a", in: "p", by: "max") },
            { try await $0.workspace.expireClaims(in: "p") },
            { try await $0.workspace.suspendUser("mia") },
        ]
        for (number, command) in commands.enumerated() {
            let fixture = try await Fixture(place)
            try await fixture.task("a")
            let token = try await fixture.claim("a", by: "mia")
            let start = try now(fixture)
            #expect(try await fixture.workspace.expireClaims(in: "p") == 0)
            fixture.clock.advance(by: 60)
            try await command(fixture)
            #expect(try await fixture.workspace.expireClaims(in: "p") == 0)
            try await fixture.workspace.restoreTask("a", in: "p", by: "olga")
            try await fixture.workspace.changeTask("a", in: "p", by: "olga") { $0.priority = .low }
            let expired = try events(fixture, after: start).filter { $0.kind == .taskClaimExpired }
            #expect(expired.count == 1, "\(number)")
            #expect(expired.first?.detail["token"] == .number(Number(token)))
            #expect(expired.first?.detail["holder"] == "mia" && expired.first?.taskID == "a")
            let others = try events(fixture, after: start).map(\.kind)
            #expect(!others.contains(.taskReleased), "\(number)")
        }
    }

    @Test("Expired claims are a list, earliest end first", arguments: Place.allCases)
    func list(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for (id, seconds) in [("a", 30), ("b", 10), ("c", 20), ("d", 40)] {
            try await fixture.task(try .init(id))
            _ = try await fixture.claim(try .init(id), by: "mia", lease: .seconds(seconds))
        }
        fixture.clock.advance(by: 29)
        #expect(try await workspace.expiredClaims(in: "p").map(\.id) == ["b", "c"])
        fixture.clock.advance(by: 1)
        #expect(try await workspace.expiredClaims(in: "p").map(\.id) == ["b", "c", "a"])
        #expect(try await workspace.expireClaims(in: "p", limit: 2) == 2)
        #expect(try await workspace.expireClaims(in: "p", limit: 0) == 0)
        #expect(try await workspace.expiredClaims(in: "p").map(\.id) == ["a"])
        let entry = try #require(try fixture.store.all(.activity(of: "b", in: "p")).last)
        #expect(entry.kind == .claimExpired && entry.actorID == "mia")
        #expect(try fixture.store.verify().isSound)
    }

    @Test("A clock that is set back leaves no claim for longer than two days")
    func clocks() async throws {
        let fixture = try await Fixture()
        try await fixture.task("a")
        let day = 86_400.0
        for (seconds, isHeld) in [(-day, true), (-day - 1, false), (-1000 * day, false)] {
            let token = try await fixture.claim("a", by: "mia", lease: .seconds(day))
            fixture.clock.jump(by: seconds)
            if isHeld {
                try await fixture.expect(.taskClaimed) {
                    _ = try await fixture.claim("a", by: "max")
                }
                try await fixture.workspace.releaseTask("a", in: "p", by: "mia", holding: token)
            } else {
                let second = try await fixture.claim("a", by: "max")
                #expect(second > token)
                try await fixture.workspace.releaseTask("a", in: "p", by: "max", holding: second)
            }
        }
    }

    @Test("Claims that were stored by version 2 are found after the migration")
    func migration() async throws {
        var task = CodexFlow.Task(id: "a", projectID: "p", title: "A", status: .todo)
        task.claim = .init(holder: "mia", until: Date(timeIntervalSince1970: 1_762_300_800))
        let new = try task.item()
        var old = new
        for name in ["GSI5PK", "GSI5SK", "GSI6PK", "GSI6SK"] { old[name] = nil }
        try CodexFlow.Task.upgrade(&old, from: 2)
        #expect(old == new)
        #expect(try CodexFlow.Task(item: old) == task)
        // A claim without a token is stored as it was.
        #expect(old["claim"]?.map?.names == ["by", "until"])
    }
}
