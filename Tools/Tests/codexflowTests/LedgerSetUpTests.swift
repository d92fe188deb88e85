import Codex
import Dispatch
import Foundation
import Testing

@testable import codexflow

/// Programs that create what agents need at the same time.
@Suite("codexflow task init, at once")
struct LedgerSetUpTests {
    /// What exists before the programs begin.
    enum Start: String, CaseIterable, Sendable {
        case nothing, owner, project, users

        /// Creates it.
        func make(in store: Store) async throws {
            guard self != .nothing else { return }
            let workspace = CodexFlow.Workspace(store)
            try await workspace.createUser(email: "a@example.com", name: "Ada", id: "ada")
            guard self != .owner else { return }
            try await workspace.createProject(key: "ENG", name: "E", id: "engine", owner: "ada")
            guard self != .project else { return }
            try await workspace.createUser(
                email: "b@example.com", name: "Bot", id: "bot", role: .agent)
        }
    }

    @Test("Each of eight programs succeeds, and all of it is there once", arguments: Start.allCases)
    func atOnce(start: Start) async throws {
        let path = NSTemporaryDirectory() + "/codexflow-set-up-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try Store(at: path, schema: CodexFlow.schema)
        defer { store.close() }
        try await start.make(in: store)
        let (begun, count) = (DispatchSemaphore(value: 0), 8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The writer waits until all have begun, so that each reads what lacks.
            group.addTask {
                try await store.write { _ in
                    for _ in 0..<count { begun.wait() }
                }
            }
            for _ in 0..<count {
                group.addTask {
                    begun.signal()
                    try await LedgerSetUp(store).make(
                        "engine", key: "ENG", name: "E", owner: "ada", agents: ["bot"])
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.all(.projects).map(\.id) == ["engine"])
        #expect(try store.get(.user("bot"))?.role == .agent)
        let members = try store.all(.members(of: "engine")).map(\.userID)
        #expect(Set(members) == ["ada", "bot"] && members.count == 2)
    }

    @Test("A key of another project, and an address of another user, are refused")
    func refusals() async throws {
        let fixture = try await AgentFixture()
        let setUp = LedgerSetUp(fixture.store)
        do {
            try await setUp.make("other", key: "ENG", name: "O", owner: "ada", agents: [])
            Issue.record("The key is taken.")
        } catch {
            #expect((error as? CodexError)?.rule == .projectKeyTaken, "\(error)")
        }
        do {
            try await setUp.make(
                AgentFixture.project, key: "ENG", name: "E", owner: "eve",
                email: "bot@agents.invalid", agents: [])
            Issue.record("The address is taken.")
        } catch {
            #expect((error as? CodexError)?.rule == .userEmailTaken, "\(error)")
        }
        #expect(try fixture.store.get(.project("other")) == nil)
        #expect(try fixture.store.get(.user("eve")) == nil)
    }
}
