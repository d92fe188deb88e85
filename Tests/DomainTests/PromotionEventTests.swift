import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Events of changes of the time before which a task is not to be claimed.
@Suite("Events of tasks that wait for a time")
struct PromotionEventTests {
    /// The fields that events of changed tasks name, after a command.
    private func fields(
        _ fixture: Fixture, _ command: () async throws -> Void
    ) async throws -> [[String]] {
        let store = fixture.store
        let start = try store.read { try $0.sequenceNumber }
        try await command()
        let changes = try store.retainedChanges(after: .sequenceNumber(start))
        return try changes.flatMap { try $0.events }.filter { $0.kind == .taskUpdated }
            .map { $0.fields ?? [] }
    }

    /// A task with a claim that has ended by time, and a time before which it is not to be claimed
    /// again.
    private func waiting(_ seconds: Double) async throws -> Fixture {
        let fixture = try await Fixture()
        let start = fixture.clock.now + 100 + seconds
        try await fixture.task("a") { $0.status = .todo }
        _ = try await fixture.claim("a", by: "mia", lease: .seconds(60))
        try await fixture.store.update(.task("a", in: "p")) { $0.notBefore = start }
        fixture.clock.advance(by: 100)
        return fixture
    }

    @Test("A time that a command removes has its event, also if the command meets an ended claim")
    func removedTime() async throws {
        let fixture = try await waiting(3600)
        let found = try await fields(fixture) {
            try await fixture.workspace.changeTask("a", in: "p", by: "adam") {
                $0.notBefore = nil
            }
        }
        #expect(found == [["notBefore"]])
        #expect(try fixture.store.get(.task("a", in: "p"))?.claim == nil)
    }

    @Test("A time that has passed goes without an event, and so does that of a closed task")
    func passed() async throws {
        let fixture = try await waiting(-1)
        let claimed = try await fields(fixture) {
            try await fixture.workspace.claimTask(
                "a", in: "p", by: "max", lease: .seconds(60))
        }
        #expect(claimed.isEmpty)
        for status in [CodexFlow.Task.Status.canceled, .done] {
            let fixture = try await waiting(3600)
            let workspace = fixture.workspace
            if status == .done {
                try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
            }
            let closed = try await fields(fixture) {
                try await workspace.moveTask("a", in: "p", to: status, by: "mia")
            }
            #expect(closed.isEmpty, "\(status)")
            #expect(try fixture.store.get(.task("a", in: "p"))?.notBefore == nil)
        }
    }

    @Test("A stream whose times are whole seconds has no event of a claim within the second")
    func wholeSeconds() throws {
        let start = Date(timeIntervalSince1970: 1_762_300_800)
        var old = CodexFlow.Task(id: "a", projectID: "p", title: "A", status: .todo)
        (old.notBefore, old.updatedAt) = (start + 0.2, start - 50)
        var new = old
        (new.notBefore, new.updatedAt) = (nil, start + 0.3)
        new.claim = CodexFlow.Task.Claim(holder: "mia", until: start + 60, token: 1)
        for (time, isEvent) in [(start, false), (start - 1, true)] {
            let change = CodexFlow.Event.Change(
                old: try old.item(), new: try new.item(), time: time, origin: "o", sequence: "1")
            let kinds = try CodexFlow.Event.events(of: change).map(\.kind)
            #expect(kinds.contains(.taskClaimed) && kinds.contains(.taskUpdated) == isEvent)
        }
    }
}
