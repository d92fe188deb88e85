import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Claims of users who lost the right to work, after the command that took it was interrupted.
@Suite("Claims that an interrupted removal left")
struct LeaverClaimTests {
    private typealias Command = @Sendable (Fixture) async throws -> Void

    /// A task `a` with one attempt, which mia claimed before she was removed.
    private static func fixture(
        _ place: Place, hasEnded: Bool = true,
        _ body: @escaping @Sendable (inout CodexFlow.Task) -> Void = { _ in }
    ) async throws -> Fixture {
        let fixture = try await Fixture(place)
        try await fixture.task("a") { task in
            (task.status, task.maximumAttempts) = (.todo, 1)
            body(&task)
        }
        _ = try await fixture.claim("a", by: "mia")
        // The process was killed after the first commit.
        try await fixture.store.delete(.member("mia", of: "p"))
        if hasEnded { fixture.clock.advance(by: 60) }
        return fixture
    }

    private static func events(
        _ fixture: Fixture, after start: SequenceNumber
    ) throws -> [CodexFlow.Event.Kind] {
        try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events.map(\.kind)
        }
    }

    /// Commands that meet the end of the claim.
    private static let commands: [(name: String, command: Command)] = [
        ("sweep", { _ = try await $0.workspace.expireClaims(in: "p") }),
        ("release", { try await $0.workspace.releaseTask("a", in: "p", by: "max") }),
        (
            "change",
            {
                try await $0.workspace.changeTask("a", in: "p", by: "max") { $0.title = "New" }
            }
        ),
        (
            "archiving",
            {
                try await $0.workspace.archiveTask("a", in: "p", by: "max")
                try await $0.workspace.restoreTask("a", in: "p", by: "max")
            }
        ),
        ("continuation", { try await $0.workspace.resumeLeaving(of: "mia") }),
        ("return", { try await $0.workspace.addMember("mia", to: "p", by: "olga") }),
    ]

    @Test("The next worker gets the task, and the attempt did not fail", arguments: Place.allCases)
    func next(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let task = try await fixture.workspace.claimNext(in: "p", by: "max", lease: .seconds(60))
        #expect(task?.id == "a" && task?.attempts == 1 && task?.isDead == false)
    }

    @Test("A worker claims the task by its identifier", arguments: Place.allCases)
    func claim(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let task = try await fixture.workspace.claimTask(
            "a", in: "p", by: "max", lease: .seconds(60))
        #expect(task.attempts == 1 && !task.isDead)
    }

    @Test("Each command that meets the claim takes the attempt back", arguments: Place.allCases)
    func commands(place: Place) async throws {
        for (name, command) in Self.commands {
            let fixture = try await Self.fixture(place)
            try await command(fixture)
            let task = try #require(try fixture.store.get(.task("a", in: "p")))
            #expect(task.claim == nil && task.attempts == 0 && !task.isDead, "\(name)")
        }
    }

    // MARK: Before the end of the lease

    @Test("A command on the task ends the claim at once", arguments: Place.allCases)
    func atOnce(place: Place) async throws {
        let commands: [(name: String, command: Command)] = [
            ("release", { try await $0.workspace.releaseTask("a", in: "p", by: "adam") }),
            (
                "change",
                {
                    try await $0.workspace.changeTask("a", in: "p", by: "max") { $0.body = "New" }
                }
            ),
            (
                "assignment",
                { try await $0.workspace.assignTask("a", in: "p", to: "max", by: "max") }
            ),
            ("move", { try await $0.workspace.moveTask("a", in: "p", to: .backlog, by: "max") }),
        ]
        for (name, command) in commands {
            let fixture = try await Self.fixture(place, hasEnded: false)
            let start = try fixture.store.read { try $0.sequenceNumber }
            try await command(fixture)
            let task = try #require(try fixture.store.get(.task("a", in: "p")))
            #expect(task.claim == nil && task.attempts == 0 && !task.isDead, "\(name)")
            let kinds = try Self.events(fixture, after: start)
            #expect(kinds.count { $0 == .taskReleased } == 1, "\(name)")
            #expect(!kinds.contains(.taskClaimExpired), "\(name)")
            // Nothing is left to be released.
            try await fixture.workspace.resumeLeaving(of: "mia")
            let history = try fixture.store.all(.activity(of: "a", in: "p"))
            #expect(history.count == 3, "\(name)")
        }
    }

    @Test("Another claim of the task releases the one that was left", arguments: Place.allCases)
    func replaced(place: Place) async throws {
        let fixture = try await Self.fixture(place, hasEnded: false)
        let token = try #require(try fixture.store.get(.task("a", in: "p"))?.claim?.token)
        let start = try fixture.store.read { try $0.sequenceNumber }
        _ = try await fixture.claim("a", by: "max")
        let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskReleased, .taskClaimed])
        #expect(events.compactMap { $0.detail["holder"]?.string } == ["mia", "max"])
        #expect(events.first?.detail["token"] == .number(Number(token)))
    }

    @Test("The claim of a user who may work stays", arguments: Place.allCases)
    func stays(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a") { $0.status = .todo }
        let token = try await fixture.claim("a", by: "mia")
        try await fixture.workspace.changeTask("a", in: "p", by: "max") { $0.title = "New" }
        #expect(
            try await fixture.workspace.claimNext(in: "p", by: "max", lease: .seconds(60)) == nil)
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim?.token == token)
    }

    @Test("A worker for whom nothing is ready gets the task", arguments: Place.allCases)
    func nothingReady(place: Place) async throws {
        let fixture = try await Self.fixture(place, hasEnded: false)
        let start = try fixture.store.read { try $0.sequenceNumber }
        let task = try await fixture.workspace.claimNext(in: "p", by: "max", lease: .seconds(60))
        #expect(task?.id == "a" && task?.claim?.holder == "max" && task?.attempts == 1)
        #expect(try Self.events(fixture, after: start) == [.taskReleased, .taskClaimed])
    }

    @Test("A completion is not credited to the user who left", arguments: Place.allCases)
    func credit(place: Place) async throws {
        let fixture = try await Self.fixture(place, hasEnded: false) { task in
            (task.status, task.assigneeID) = (.inProgress, "max")
        }
        try await fixture.workspace.completeTask("a", in: "p", by: "adam")
        let entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.facts?.to == .done && entry.facts?.assigneeID == "max")
    }

    @Test("The attempt of a user who may still work failed", arguments: Place.allCases)
    func others(place: Place) async throws {
        for (name, command) in Self.commands.dropLast(2) {
            let fixture = try await Fixture(place)
            try await fixture.task("a") { ($0.status, $0.maximumAttempts) = (.todo, 1) }
            _ = try await fixture.claim("a", by: "mia")
            fixture.clock.advance(by: 60)
            try await command(fixture)
            let task = try #require(try fixture.store.get(.task("a", in: "p")))
            #expect(task.claim == nil && task.attempts == 1 && task.isDead, "\(name)")
        }
    }

    @Test("A user who may not act activates no user, and ends no claims", arguments: Place.allCases)
    func administrators(place: Place) async throws {
        let fixture = try await Fixture(place)
        let end = fixture.clock.now + 600
        // More than one commit ends.
        try await fixture.store.write { transaction in
            for number in 0..<13 {
                var task = CodexFlow.Task(
                    id: try .init("t\(number)"), projectID: "p", title: "T", status: .todo)
                task.claim = .init(holder: "max", until: end, token: 1)
                try transaction.put(task)
            }
        }
        try await fixture.store.update(.user("max")) { $0.state = .suspended }
        try await fixture.workspace.suspendUser("nora")
        try await fixture.expect(.actorActive) {
            try await fixture.workspace.acting(as: "nora").activateUser("max")
        }
        try await fixture.workspace.acting(as: "olga").activateUser("max")
        #expect(try fixture.store.all(.tasks(claimedBy: "max")).isEmpty)
    }
}
