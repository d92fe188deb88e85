import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Commands on a remote table that see an item before and after a write of another command: in an
/// index and in the table, or in two reads.
@Suite("Reads of a remote table that do not fit together")
struct StaleReadTests {
    private let fixture: Fixture

    init() async throws { fixture = try await Fixture(.table) }

    /// A workspace that another command overtakes once, between the read of a partition of an index
    /// and the reads of its items.
    private func workspace(
        _ partition: String, overtakenBy other: @escaping @Sendable () async throws -> Void
    ) throws -> CodexFlow.Workspace {
        let table = RemoteTable(
            fixture.store,
            at: { call in
                guard case .page(let query) = call else { return false }
                return query.partition == [.string(partition)]
            }, overtakenBy: other)
        return try Self.workspace(fixture, table)
    }

    private static func workspace(
        _ fixture: Fixture, _ table: RemoteTable
    ) throws -> CodexFlow.Workspace {
        let clock = fixture.clock
        return CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
            calendar: SystemCalendar())
    }

    private func claim(_ id: CodexFlow.Task.ID) throws -> CodexFlow.Task.Claim? {
        try fixture.store.get(.task(id, in: "p"))?.claim
    }

    // MARK: Indexes that are older than the table

    @Test("A claim that was made since the index was read is not ended as an expired one")
    func expiry() async throws {
        try await fixture.task("a")
        _ = try await fixture.claim("a", by: "mia")
        fixture.clock.advance(by: 60)
        let slow = try workspace("PROJECT#p#CLAIMED") { [fixture] in
            _ = try await fixture.claim("a", by: "max")
        }
        #expect(try await slow.expireClaims(in: "p") == 0)
        #expect(try claim("a")?.holder == "max")
    }

    @Test("The end of a user's claims does not end the claim of another one")
    func holders() async throws {
        try await fixture.task("a")
        _ = try await fixture.claim("a", by: "mia")
        let slow = try workspace("HOLDER#mia") { [fixture] in
            try await fixture.workspace.releaseTask("a", in: "p", by: "olga")
            _ = try await fixture.claim("a", by: "max")
        }
        try await slow.removeMember("mia", from: "p", by: "olga")
        #expect(try claim("a")?.holder == "max")
    }

    @Test("A later time that was set since the index was read stays")
    func waiting() async throws {
        let start = fixture.clock.now
        try await fixture.task("a") { ($0.status, $0.notBefore) = (.todo, start + 60) }
        fixture.clock.advance(by: 60)
        let slow = try workspace("PROJECT#p#WAITING") { [fixture] in
            try await fixture.workspace.changeTask("a", in: "p", by: "max") {
                $0.notBefore = start + 600
            }
        }
        #expect(try await slow.claimNext(in: "p", by: "mia", lease: .seconds(60)) == nil)
        #expect(try fixture.store.get(.task("a", in: "p"))?.notBefore == start + 600)
    }

    @Test("A task that was assigned since the index was read is its assignee's")
    func assignees() async throws {
        try await fixture.task("a") { $0.status = .todo }
        let slow = try workspace("PROJECT#p#READY") { [fixture] in
            try await fixture.workspace.assignTask("a", in: "p", to: "max", by: "mia")
        }
        #expect(try await slow.claimNext(in: "p", by: "mia", lease: .seconds(60)) == nil)
        #expect(try claim("a") == nil)
    }

    @Test("A list has no task that has left it since the index was read")
    func lists() async throws {
        try await fixture.task("a")
        _ = try await fixture.claim("a", by: "mia")
        fixture.clock.advance(by: 60)
        let slow = try workspace("PROJECT#p#CLAIMED") { [fixture] in
            _ = try await fixture.claim("a", by: "max")
        }
        #expect(try await slow.expiredClaims(in: "p").isEmpty)
    }

    // MARK: Two reads of one item

    /// Counts the reads of an item.
    private final class ReadCount: Sendable {
        private let count = Mutex(0)

        /// Whether this is the second read.
        func isSecond() -> Bool {
            count.withLock { count in
                count += 1
                return count == 2
            }
        }
    }

    /// A worker chooses between a task in the queue that waits for the other one, and that one.
    /// Between its two reads of the other one, that one is claimed.
    ///
    /// - Returns: Whether it was claimed in between: the worker may have chosen it at once.
    private func isOvertaken() async throws -> Bool {
        let fixture = try await Fixture(.table)
        try await fixture.task("a") { ($0.status, $0.priority) = (.todo, .urgent) }
        try await fixture.task("b") { $0.status = .todo }
        try await fixture.workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await fixture.store.update(.task("a", in: "p")) { $0.isBlocked = false }
        let reads = ReadCount()
        let table = RemoteTable(
            fixture.store,
            at: { call in
                guard case .item(let key) = call, key.sort == "TASK#b" else { return false }
                return reads.isSecond()
            },
            overtakenBy: { _ = try await fixture.claim("b", by: "max") })
        let found = try await Self.workspace(fixture, table).claimNext(
            in: "p", by: "mia", lease: .seconds(60))
        let claim = try #require(try fixture.store.get(.task("b", in: "p"))?.claim)
        guard claim.holder == "max" else {
            #expect(found?.claim == claim && claim.holder == "mia")
            return false
        }
        #expect(found == nil)
        return true
    }

    @Test("A task has one holder, although a decision saw it before and after another claim")
    func consistency() async throws {
        var count = 0
        for _ in 0..<20 {
            if try await isOvertaken() { count += 1 }
        }
        #expect(count > 0)
    }
}
