import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What a clock that was ahead left in the queue.
@Suite("Clocks that were ahead")
struct WrongClockTests {
    private static let day = 86_400.0

    private func next(_ fixture: Fixture) async throws -> CodexFlow.Task? {
        try await fixture.workspace.claimNext(in: "p", by: "max", lease: .seconds(60))
    }

    /// Expects that a command breaks a rule; it may write something nevertheless.
    private func expect(
        _ rule: CodexFlow.Rule, location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("\(rule) was not broken", sourceLocation: location)
        } catch {
            #expect((error as? CodexError)?.rule == rule, "\(error)", sourceLocation: location)
        }
    }

    @Test(
        "A claim that holds nothing does not hold again after its renewal was refused",
        arguments: Place.allCases, [false, true])
    func renewals(place: Place, hasKey: Bool) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a") { $0.status = .todo }
        fixture.clock.jump(by: 30 * Self.day)
        let token = try await fixture.claim("a", by: "mia", lease: .seconds(Int(Self.day)))
        fixture.clock.jump(by: -30 * Self.day)
        let start = try fixture.store.read { try $0.sequenceNumber }
        // The claim of another user stays, and so does that of another token.
        try await fixture.expect(.taskNotHeld) {
            try await workspace.renewClaim(
                of: "a", in: "p", by: "max", holding: token + 1, lease: .seconds(60))
        }
        let commands = hasKey ? workspace.idempotent("key") : workspace
        for _ in 0..<2 {
            await expect(.taskClaimEnded) {
                try await commands.renewClaim(
                    of: "a", in: "p", by: "mia", holding: token, lease: .seconds(60))
            }
        }
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim == nil)
        let events = try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskClaimExpired])
        // Then the lease would hold the task.
        fixture.clock.advance(by: 30 * Self.day)
        try await fixture.expect(.taskNotHeld) {
            try await workspace.moveTask(
                "a", in: "p", to: .inProgress, by: "mia", holding: token)
        }
        #expect(try await next(fixture)?.id == "a")
    }

    @Test("A repair ends the wait for a next attempt far ahead", arguments: Place.allCases)
    func attempts(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a") { $0.status = .todo }
        fixture.clock.jump(by: 365 * Self.day)
        let token = try await fixture.claim("a", by: "mia")
        try await workspace.failTask(
            "a", in: "p", by: "mia", holding: token, retryAfter: .seconds(60))
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        fixture.clock.jump(by: -365 * Self.day)
        #expect(try await next(fixture) == nil)
        #expect(try await workspace.verifyQueue(of: "p") == ["a"])
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 1)
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        #expect(try await next(fixture)?.id == "a")
    }

    @Test("A repair leaves the times that users set, and those of near attempts")
    func times() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let far = fixture.clock.now + 500 * Self.day
        for id in ["a", "b", "c", "d"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { $0.status = .todo }
        }
        func fail(_ id: CodexFlow.Task.ID, after delay: Duration) async throws {
            let token = try await fixture.claim(id, by: "mia")
            try await workspace.failTask(
                id, in: "p", by: "mia", holding: token, retryAfter: delay)
        }
        // By the right clock, at a user's wish, and far away.
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.notBefore = far }
        try await fail("b", after: .seconds(400 * 86_400))
        // By a clock that is ahead: a user's wish, after a failed attempt, and a day.
        fixture.clock.jump(by: 365 * Self.day)
        try await fail("c", after: .seconds(60))
        try await workspace.changeTask("c", in: "p", by: "mia") { $0.notBefore = far }
        fixture.clock.jump(by: -364 * Self.day)
        try await fail("d", after: .seconds(60))
        fixture.clock.jump(by: -1 * Self.day)
        let tasks = try fixture.store.all(.tasks(in: "p"))
        #expect(try await workspace.verifyQueue(of: "p").isEmpty)
        #expect(try await workspace.repairQueue(of: "p", by: "adam") == 0)
        #expect(try fixture.store.all(.tasks(in: "p")) == tasks)
    }
}
