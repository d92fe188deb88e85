import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Tokens of claims: which there are, and which commands take them.
@Suite("Claim tokens")
struct ClaimTokenTests {
    // MARK: Tokens are never repeated

    /// Claims of one task's identifier, at random, with all that could repeat a token between them.
    private struct Work {
        let fixture: Fixture
        var random: SplitMix
        var tokens: [Int] = []

        /// A task that has not died after many claims.
        func createTask() async throws {
            try await fixture.task("a") { $0.maximumAttempts = CodexFlow.Limits.attemptCountMax }
        }

        /// Ends the present claim in some way, and claims the task again.
        mutating func step() async throws {
            let workspace = fixture.workspace
            switch random.below(6) {
            case 0: fixture.clock.advance(by: 61)
            case 1: fixture.clock.jump(by: -1_000_000)
            case 2: try await workspace.archiveAndRestore("a")
            case 3: try await workspace.deleteTask("a", in: "p", by: "olga")
            case 4: try await workspace.deleteProject("p", by: "olga")
            default: try await workspace.releaseTask("a", in: "p", by: "olga")
            }
            if try fixture.store.get(.project("p")) == nil {
                try await workspace.createProject(key: "ENG", name: "E", id: "p", owner: "olga")
                try await workspace.addMember("mia", to: "p", by: "olga")
            }
            if try fixture.store.get(.task("a", in: "p")) == nil { try await createTask() }
            tokens.append(try await fixture.claim("a", by: "mia"))
        }
    }

    @Test(
        "No token of an identifier is given twice: not after its claim, its task or its project",
        arguments: Place.allCases)
    func unique(place: Place) async throws {
        let seed = UInt64.random(in: 1...1_000_000_000)
        let fixture = try await Fixture(place)
        print("tokens: seed \(seed)")
        var work = Work(fixture: fixture, random: SplitMix(seed: seed))
        try await work.createTask()
        work.tokens.append(try await fixture.claim("a", by: "mia"))
        for _ in 0..<40 { try await work.step() }
        let isAscending = zip(work.tokens, work.tokens.dropFirst()).allSatisfy { $0 < $1 }
        #expect(isAscending, "seed \(seed): \(work.tokens)")
        #expect(work.tokens.allSatisfy { $0 > 0 && $0 < 1 << 53 }, "seed \(seed)")
        #expect(try fixture.store.verify().isSound)
    }

    @Test(
        "A store that was set back to an earlier state gives later tokens", arguments: [1.0, 3e9])
    func restored(seconds: Double) throws {
        let start = Date(timeIntervalSince1970: 1_762_300_800)
        let tally = CodexFlow.ClaimTally(projectID: "p", taskID: "a")
        // What was given after the state that is gone on with.
        let lost = try #require(tally.next(after: nil, at: start))
        let next = try #require(tally.next(after: nil, at: start + seconds))
        #expect(next > lost)
    }

    @Test("Tokens of different tasks differ, although they are given at the same time")
    func foreign() throws {
        let now = Date(timeIntervalSince1970: 1_762_300_800)
        let tokens = try (0..<200).map { number in
            let id = try CodexFlow.Task.ID("t\(number)")
            return try #require(
                CodexFlow.ClaimTally(projectID: "p", taskID: id).next(after: nil, at: now))
        }
        // The checks of two in a million pairs are equal, but of no pair of these 200.
        #expect(Set(tokens).count == tokens.count)
    }

    @Test(
        "Clocks and stored numbers that cannot be give tokens in range, until there are no more",
        // Seconds, since the description of such dates ends a process.
        arguments: [-1e11, 1e11, Double.nan, -.infinity, .infinity])
    func hostile(seconds: Double) throws {
        let now = Date(timeIntervalSince1970: seconds)
        var tally = CodexFlow.ClaimTally(projectID: "p", taskID: "a")
        let max = (1 << 53) - 1
        for known in [Int.min, -1, 0, 1, 1 << 20, Int.max] {
            tally.last = known
            for token in [nil, Int.min, -1, 0, Int.max] {
                let next = try #require(tally.next(after: token, at: now))
                #expect(next > 0 && next <= max)
            }
        }
        tally.last = max - (1 << 20)
        let last = try #require(tally.next(after: nil, at: now))
        tally.last = last
        #expect(tally.next(after: nil, at: now) == nil)
        #expect(tally.isKnown(last) && !tally.isKnown(last - 1) && !tally.isKnown(-last))
    }

    // MARK: Commands with tokens

    /// Every command that changes a task, with a token.
    private static let commands: [(name: String, call: Command)] = [
        ("move", { try await $0.moveTask("a", in: "p", to: .todo, by: "mia", holding: $1) }),
        ("stay", { try await $0.moveTask("a", in: "p", to: .inProgress, by: "mia", holding: $1) }),
        ("complete", { try await $0.completeTask("a", in: "p", by: "mia", holding: $1) }),
        (
            "change",
            { workspace, token in
                try await workspace.changeTask("a", in: "p", by: "mia", holding: token) {
                    $0.acceptanceCriteria = [.init(id: "1", text: "c")]
                }
            }
        ),
        (
            "change nothing",
            { try await $0.changeTask("a", in: "p", by: "mia", holding: $1) { _ in } }
        ),
        ("assign", { try await $0.assignTask("a", in: "p", to: "max", by: "mia", holding: $1) }),
        ("unassign", { try await $0.assignTask("a", in: "p", to: nil, by: "mia", holding: $1) }),
        ("release", { try await $0.releaseTask("a", in: "p", by: "mia", holding: $1) }),
        ("archive", { try await $0.archiveTask("a", in: "p", by: "mia", holding: $1) }),
        ("delete", { try await $0.deleteTask("a", in: "p", by: "mia", holding: $1) }),
        ("comment", { try await $0.addComment(on: "a", in: "p", by: "mia", holding: $1, "c") }),
        ("log work", { try await $0.logWork(1, on: "a", in: "p", by: "mia", holding: $1) }),
        (
            "depend",
            { try await $0.addDependency(of: "a", on: "b", in: "p", by: "mia", holding: $1) }
        ),
        (
            "do not depend",
            { try await $0.removeDependency(of: "a", on: "c", in: "p", by: "mia", holding: $1) }
        ),
    ]

    private typealias Command = @Sendable (CodexFlow.Workspace, Int) async throws -> Void

    private static func fixture(_ place: Place) async throws -> Fixture {
        let fixture = try await Fixture(place)
        try await fixture.task("b")
        try await fixture.task("c")
        try await fixture.task("a") { $0.status = .inProgress }
        try await fixture.workspace.addDependency(of: "a", on: "c", in: "p", by: "mia")
        return fixture
    }

    @Test("Each command refuses stale, foreign and forged tokens", arguments: Place.allCases)
    func refused(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let stale = try await fixture.claim("a", by: "mia")
        fixture.clock.advance(by: 60)
        let foreign = try await fixture.claim("b", by: "mia")
        let present = try await fixture.claim("a", by: "mia", lease: .seconds(600))
        let forged = [present + 1, present - 1, 0, -present, Int.max, Int.min]
        for token in [stale, foreign] + forged {
            for command in Self.commands {
                try await fixture.expect(.taskNotHeld, "claim") {
                    try await command.call(fixture.workspace, token)
                }
            }
        }
    }

    @Test("Each command takes the holder's token, until the claim ends", arguments: Place.allCases)
    func accepted(place: Place) async throws {
        for command in Self.commands {
            let fixture = try await Self.fixture(place)
            let token = try await fixture.claim("a", by: "mia")
            fixture.clock.advance(by: 59)
            try await command.call(fixture.workspace, token)
        }
        for command in Self.commands {
            let fixture = try await Self.fixture(place)
            let token = try await fixture.claim("a", by: "mia")
            fixture.clock.advance(by: 60)
            try await fixture.expect(.taskNotHeld, "claim") {
                try await command.call(fixture.workspace, token)
            }
        }
    }

    @Test("Two workers with one account are two holders", arguments: Place.allCases)
    func workers(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let workspace = fixture.workspace
        let token = try await fixture.claim("a", by: "mia")
        for command: @Sendable () async throws -> Void in [
            { _ = try await fixture.claim("a", by: "mia") },
            { try await workspace.moveTask("a", in: "p", to: .todo, by: "mia") },
            { try await workspace.completeTask("a", in: "p", by: "mia") },
            { try await workspace.releaseTask("a", in: "p", by: "mia") },
            { try await workspace.archiveTask("a", in: "p", by: "mia") },
            { try await workspace.deleteTask("a", in: "p", by: "mia") },
            { try await workspace.changeTask("a", in: "p", by: "mia") { $0.body = "B" } },
        ] {
            try await fixture.expect(.taskClaimed, "claim", command)
        }
        // The token is of the account that claimed.
        try await fixture.expect(.taskNotHeld) {
            try await workspace.completeTask("a", in: "p", by: "max", holding: token)
        }
        try await workspace.completeTask("a", in: "p", by: "mia", holding: token)
    }

    @Test("A claim from before there were tokens belongs to the account", arguments: Place.allCases)
    func tokenless(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let workspace = fixture.workspace
        let until = fixture.clock.now + 600
        try await fixture.store.update(.task("a", in: "p")) {
            $0.claim = .init(holder: "mia", until: until)
        }
        try await fixture.expect(.taskClaimed) { _ = try await fixture.claim("a", by: "max") }
        try await fixture.expect(.taskNotHeld) {
            try await workspace.completeTask("a", in: "p", by: "mia", holding: 0)
        }
        try await workspace.moveTask("a", in: "p", to: .inReview, by: "mia")
        let token = try await fixture.claim("a", by: "mia")
        try await fixture.expect(.taskClaimed) {
            try await workspace.completeTask("a", in: "p", by: "mia")
        }
        try await workspace.completeTask("a", in: "p", by: "mia", holding: token)
    }

    // MARK: Renewals

    @Test("A day of renewals leaves no entry of history and no event", arguments: Place.allCases)
    func silent(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        // Each minute in the long form, and each ten minutes otherwise.
        let interval = TestLength.count(600, long: 60)
        let lease = 2 * interval
        let token = try await fixture.claim("a", by: "mia", lease: .seconds(lease))
        let before = try #require(try store.get(.task("a", in: "p")))
        let history = try store.all(.activity(of: "a", in: "p"))
        let start = try store.read { try $0.sequenceNumber }
        for _ in 0..<(86_400 / interval) {
            fixture.clock.advance(by: Double(interval))
            try await workspace.renewClaim(
                of: "a", in: "p", by: "mia", holding: token, lease: .seconds(lease))
        }
        let after = try #require(try store.get(.task("a", in: "p")))
        #expect(after.claim?.until == fixture.clock.now + Double(lease))
        #expect(after.claim?.token == token)
        #expect(after.updatedAt == before.updatedAt)
        #expect(try store.all(.activity(of: "a", in: "p")) == history)
        let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.isEmpty)
        #expect(try store.verify().isSound)
    }

    @Test("A renewal that comes too late says so", arguments: Place.allCases)
    func late(place: Place) async throws {
        let fixture = try await Self.fixture(place)
        let workspace = fixture.workspace
        func renew(_ token: Int, by actor: CodexFlow.User.ID = "mia") async throws {
            try await workspace.renewClaim(
                of: "a", in: "p", by: actor, holding: token, lease: .seconds(60))
        }
        let first = try await fixture.claim("a", by: "mia")
        for forged in [first + 1, first + (1 << 20), 0, -1, Int.max, Int.min] {
            try await fixture.expect(.taskNotHeld) { try await renew(forged) }
        }
        try await fixture.expect(.taskNotHeld) { try await renew(first, by: "max") }
        fixture.clock.advance(by: 59)
        try await renew(first)
        fixture.clock.advance(by: 60)
        // By time, by another's claim, by release, with the task, and with the task's deletion.
        try await fixture.expect(.taskClaimEnded, "claim") { try await renew(first) }
        let second = try await fixture.claim("a", by: "max")
        try await fixture.expect(.taskClaimEnded) { try await renew(first) }
        try await workspace.releaseTask("a", in: "p", by: "max", holding: second)
        try await fixture.expect(.taskClaimEnded) { try await renew(second, by: "max") }
        let third = try await fixture.claim("a", by: "mia")
        try await workspace.completeTask("a", in: "p", by: "mia", holding: third)
        try await fixture.expect(.taskClaimEnded) { try await renew(third) }
        try await workspace.deleteTask("a", in: "p", by: "mia")
        try await fixture.task("a")
        try await fixture.expect(.taskClaimEnded) { try await renew(third) }
    }

    @Test(
        "A renewal has a lease of a second to a day",
        arguments: [
            (Duration.zero, false), (.milliseconds(999), false), (.seconds(1), true),
            (.seconds(86_400), true), (.seconds(86_401), false), (.seconds(-1), false),
            (.seconds(Int64.max), false),
        ])
    func leases(lease: Duration, isAccepted: Bool) async throws {
        let fixture = try await Self.fixture(.embedded)
        let token = try await fixture.claim("a", by: "mia")
        func renew() async throws {
            try await fixture.workspace.renewClaim(
                of: "a", in: "p", by: "mia", holding: token, lease: lease)
        }
        if isAccepted {
            try await renew()
        } else {
            try await fixture.expect(.taskClaim, "lease") { try await renew() }
        }
    }
}

extension CodexFlow.Workspace {
    fileprivate func archiveAndRestore(_ id: CodexFlow.Task.ID) async throws {
        try await archiveTask(id, in: "p", by: "olga")
        try await restoreTask(id, in: "p", by: "olga")
    }
}
