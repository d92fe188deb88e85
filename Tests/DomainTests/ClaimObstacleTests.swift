import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Claims that were made despite an obstacle, and what holds after their end.
@Suite("Claims despite an obstacle")
struct ClaimObstacleTests {
    /// What stands against a claim of the task `a`.
    enum Obstacle: String, CaseIterable, Sendable {
        /// The time of the task has not come.
        case early
        /// The last attempt failed.
        case dead
        /// The last attempt ended by time, and no command has met its end.
        case expired

        var rule: CodexFlow.Rule { self == .early ? .taskEarly : .taskDead }
    }

    private typealias End = @Sendable (Fixture, Int) async throws -> Void

    /// The ends of a claim of mia's that leave the task open, with the claim's token.
    private static let ends: [(name: String, isFailure: Bool, end: End)] = [
        (
            "release", false,
            { try await $0.workspace.releaseTask("a", in: "p", by: "mia", holding: $1) }
        ),
        (
            "release by an admin", false,
            { fixture, _ in try await fixture.workspace.releaseTask("a", in: "p", by: "adam") }
        ),
        ("suspension", false, { fixture, _ in try await fixture.workspace.suspendUser("mia") }),
        (
            "removal", false,
            { fixture, _ in
                try await fixture.workspace.removeMember("mia", from: "p", by: "olga")
            }
        ),
        (
            "archiving", false,
            { fixture, _ in
                try await fixture.workspace.archiveTask("a", in: "p", by: "adam")
                try await fixture.workspace.restoreTask("a", in: "p", by: "adam")
            }
        ),
        (
            "archiving after the lease", true,
            { fixture, _ in
                fixture.clock.advance(by: 60)
                try await fixture.workspace.archiveTask("a", in: "p", by: "adam")
                try await fixture.workspace.restoreTask("a", in: "p", by: "adam")
            }
        ),
        ("lease", true, { fixture, _ in fixture.clock.advance(by: 60) }),
        (
            "failure", true,
            {
                try await $0.workspace.failTask(
                    "a", in: "p", by: "mia", holding: $1, retryAfter: .seconds(1))
            }
        ),
    ]

    private func claim(
        _ fixture: Fixture, despite obstacles: Set<CodexFlow.Task.ClaimObstacle> = []
    ) async throws -> Int {
        let task = try await fixture.workspace.claimTask(
            "a", in: "p", by: "mia", lease: .seconds(60), despite: obstacles)
        return try #require(task.claim?.token)
    }

    private func next(_ fixture: Fixture) async throws -> CodexFlow.Task? {
        try await fixture.workspace.claimNext(in: "p", by: "max", lease: .seconds(60))
    }

    private func prepare(_ obstacle: Obstacle, in fixture: Fixture) async throws {
        let start = fixture.clock.now + 600
        try await fixture.task("a") { task in
            (task.status, task.maximumAttempts) = (.todo, 2)
            if obstacle == .early { task.notBefore = start }
        }
        guard obstacle != .early else { return }
        for number in 1...2 {
            let token = try await claim(fixture)
            if number == 2, obstacle == .expired {
                fixture.clock.advance(by: 60)
            } else {
                try await fixture.workspace.failTask("a", in: "p", by: "mia", holding: token)
            }
        }
    }

    @Test(
        "An obstacle is there again when the claim ends",
        arguments: Place.allCases, Obstacle.allCases)
    func obstacles(place: Place, obstacle: Obstacle) async throws {
        for (name, _, end) in Self.ends {
            let fixture = try await Fixture(place)
            let workspace = fixture.workspace
            try await prepare(obstacle, in: fixture)
            let start = try fixture.store.read { try $0.sequenceNumber }
            let token = try await claim(fixture, despite: [.early, .dead])
            try await end(fixture, token)
            #expect(try await next(fixture) == nil, "\(name)")
            try await fixture.expect(obstacle.rule) {
                try await workspace.claimTask("a", in: "p", by: "max", lease: .seconds(60))
            }
            let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
                try $0.events
            }
            #expect(!events.contains { $0.kind == .taskRevived }, "\(name)")
            if obstacle == .early {
                fixture.clock.advance(by: 600)
            } else {
                try await workspace.reviveTask("a", in: "p", by: "max")
            }
            #expect(try await next(fixture)?.id == "a", "\(name)")
        }
    }

    @Test("Of a dead task that is claimed, the holder needs the token", arguments: Place.allCases)
    func revival(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await prepare(.dead, in: fixture)
        let token = try await claim(fixture, despite: [.dead])
        try await fixture.expect(.taskClaimed, "claim") {
            try await workspace.reviveTask("a", in: "p", by: "mia")
        }
        try await fixture.expect(.taskNotHeld, "claim") {
            try await workspace.reviveTask("a", in: "p", by: "mia", holding: token + 1)
        }
        let task = try await workspace.reviveTask("a", in: "p", by: "mia", holding: token)
        #expect(!task.isDead && task.attempts == nil && task.claim?.token == token)
        // A task that is not dead stays as it is, and the token is checked nevertheless.
        fixture.clock.advance(by: 60)
        try await fixture.expect(.taskNotHeld, "claim") {
            try await workspace.reviveTask("a", in: "p", by: "mia", holding: token)
        }
    }

    @Test("An end without a failure takes the attempt back", arguments: Place.allCases)
    func attempts(place: Place) async throws {
        for (name, isFailure, end) in Self.ends {
            let fixture = try await Fixture(place)
            try await fixture.task("a") { ($0.status, $0.maximumAttempts) = (.todo, 1) }
            let token = try await claim(fixture)
            try await end(fixture, token)
            let found = try await next(fixture)
            #expect(found?.attempts == (isFailure ? nil : 1), "\(name)")
            #expect(try fixture.store.get(.task("a", in: "p"))?.isDead == isFailure, "\(name)")
        }
    }
}
