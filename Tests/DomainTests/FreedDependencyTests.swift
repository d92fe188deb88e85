import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Dependencies that a claim corrects and takes up in one commit.
@Suite("Dependencies that a claim corrects")
struct FreedDependencyTests {
    /// A workspace on a remote table whose claims first take up nothing, while there are ready
    /// tasks.
    private static func workspace(_ fixture: Fixture) throws -> CodexFlow.Workspace {
        let clock = fixture.clock
        // The first byte of the identifier's digest decides.
        let isFitting = SHA256.digest("x".utf8)[0] % 4 != 0
        #expect(isFitting)
        return CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(RemoteTable(fixture.store)), clock: { clock.now },
            calendar: SystemCalendar(), identifiers: { _ in "x" })
    }

    @Test("A corrected dependency is not overwritten by its earlier state")
    func corrected() async throws {
        let fixture = try await Fixture(.table)
        let store = fixture.store
        let filter = CodexFlow.TaskFilter(labels: ["wanted"])
        for number in 0..<5 {
            try await fixture.task(try .init("other\(number)")) { $0.status = .todo }
        }
        try await fixture.task("t") {
            ($0.status, $0.labels, $0.priority) = (.todo, ["wanted"], .urgent)
        }
        for id in ["b1", "b2"] as [CodexFlow.Task.ID] {
            try await fixture.task(id)
            try await fixture.workspace.addDependency(of: "t", on: id, in: "p", by: "mia")
            try await fixture.workspace.moveTask(id, in: "p", to: .canceled, by: "mia")
        }
        // An earlier claim took up the first dependency. Then the second blocker was reopened.
        try await store.update(.dependency(of: "t", on: "b1", in: "p")) { $0.isFreed = false }
        try await store.update(.task("t", in: "p")) { $0.isBlocked = false }
        try await store.update(.task("b2", in: "p")) { $0.status = .backlog }
        let workspace = try Self.workspace(fixture)
        func next() async throws -> CodexFlow.Task? {
            try await workspace.claimNext(
                in: "p", by: "mia", matching: filter, lease: .seconds(60))
        }
        #expect(try await next() == nil)
        let dependency = try #require(
            try store.get(.dependency(of: "t", on: "b2", in: "p")))
        #expect(dependency.isOpen && !dependency.isFreed)
        #expect(try await fixture.workspace.verifyQueue(of: "p").isEmpty)
        try await fixture.workspace.moveTask("b2", in: "p", to: .canceled, by: "mia")
        #expect(try await next()?.id == "t")
    }
}
