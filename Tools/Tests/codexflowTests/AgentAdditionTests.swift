import Codex
import Foundation
import Testing

@testable import codexflow

/// New tasks that wait for others: nothing leaves them in the backlog.
@Suite("codexflow task add, with blockers")
struct AgentAdditionTests {
    let fixture: AgentFixture
    private let key = UUID().uuidString

    init() async throws { fixture = try await AgentFixture() }

    private var workspace: CodexFlow.Workspace { CodexFlow.Workspace(fixture.store) }

    /// A new task `new` that waits for others.
    private func draft(_ blockers: [CodexFlow.Task.ID]) -> AgentLedger.Draft {
        var draft = AgentLedger.Draft(title: "New")
        (draft.id, draft.blockers) = ("new", blockers)
        return draft
    }

    private func blockers() throws -> [String] {
        let shown = try fixture.ledger().show("new").json["blockers"]?.list ?? []
        return shown.compactMap { $0.map?["blocker"]?.string }
    }

    private func add(_ count: Int) async throws -> [CodexFlow.Task.ID] {
        let identifiers = try (0..<count).map { try CodexFlow.Task.ID("b\(100 + $0)") }
        for id in identifiers { try await fixture.add(id) }
        return identifiers
    }

    /// Expects that an addition breaks a rule, and stores nothing.
    private func expect(
        _ rule: CodexFlow.Rule, _ draft: AgentLedger.Draft,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        do {
            _ = try await fixture.ledger().add(draft, key: key)
            Issue.record("The addition is not refused.", sourceLocation: location)
        } catch {
            #expect((error as? CodexError)?.rule == rule, "\(error)", sourceLocation: location)
        }
        let stored = try fixture.store.get(.task("new", in: AgentFixture.project))
        #expect(stored == nil, sourceLocation: location)
    }

    @Test("A blocker that is named twice is one blocker", arguments: [false, true])
    func duplicates(hasKey: Bool) async throws {
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        let (ledger, waiting) = (fixture.ledger(), draft(["b", "a", "b", "a"]))
        let first = try await ledger.add(waiting, key: hasKey ? key : nil)
        #expect(try fixture.task("new").status == .todo)
        #expect(try blockers() == ["a", "b"])
        if hasKey { #expect(try await ledger.add(waiting, key: key).json == first.json) }
    }

    @Test("A task waits for 40 others", arguments: [39, 40, 41])
    func counts(count: Int) async throws {
        let waiting = draft(try await add(count))
        guard count <= CodexFlow.Limits.dependencyCountMax else {
            return try await expect(.dependencyCount, waiting)
        }
        _ = try await fixture.ledger().add(waiting, key: key)
        #expect(try fixture.task("new").status == .todo)
        #expect(try blockers().count == count)
    }

    @Test("40 tasks wait for one", arguments: [39, 40])
    func dependents(count: Int) async throws {
        try await fixture.add("a")
        for id in try await add(count) {
            try await workspace.addDependency(
                of: id, on: "a", in: AgentFixture.project, by: "ada")
        }
        guard count < CodexFlow.Limits.dependencyCountMax else {
            return try await expect(.dependencyCount, draft(["a"]))
        }
        _ = try await fixture.ledger().add(draft(["a"]), key: key)
        #expect(try fixture.task("new").status == .todo)
    }

    @Test("A part does not wait for its whole, or for the whole of that")
    func wholes() async throws {
        try await fixture.add("top")
        try await fixture.add("whole") { $0.parent = "top" }
        for blocker in ["top", "whole"] as [CodexFlow.Task.ID] {
            var part = draft([blocker])
            part.parent = "whole"
            try await expect(.dependencyCycle, part)
        }
    }

    @Test("A part does not wait for its whole through other tasks, or through their parts")
    func indirectWholes() async throws {
        try await fixture.add("top")
        try await fixture.add("whole") { $0.parent = "top" }
        try await fixture.add("near") { $0.blockers = ["whole"] }
        try await fixture.add("far") { $0.blockers = ["near"] }
        try await fixture.add("above") { $0.blockers = ["top"] }
        try await fixture.add("divided")
        try await fixture.add("inner") { ($0.parent, $0.blockers) = ("divided", ["far"]) }
        for blocker in ["near", "far", "above", "divided"] as [CodexFlow.Task.ID] {
            var part = draft([blocker])
            part.parent = "whole"
            try await expect(.dependencyCycle, part)
        }
        // Its blocker does not wait for its whole.
        var part = draft(["far"])
        part.parent = "divided"
        _ = try await fixture.ledger().add(part, key: key)
        #expect(try fixture.task("new").status == .todo)
        #expect(try blockers() == ["far"])
    }

    /// Adds the task `new`, a part of `whole`, with blockers of which `b` waits for the whole: the
    /// addition ends before its second dependency, since that of `b` cannot be read for a while.
    private func interrupted() async throws -> AgentLedger.Draft {
        for id in ["whole", "a", "b"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        try await workspace.addDependency(
            of: "b", on: "whole", in: AgentFixture.project, by: "ada")
        var waiting = draft(["a", "b"])
        waiting.parent = "whole"
        let addition = waiting
        let sound = try #require(
            try fixture.store.get(.dependency(of: "b", on: "whole", in: AgentFixture.project))
        ).item()
        var damaged = sound
        damaged["createdAt"] = 7
        try await fixture.store.put(damaged, in: CodexFlow.table)
        await #expect(throws: CodexError.self) {
            _ = try await fixture.ledger().add(addition, key: key)
        }
        try await fixture.store.put(sound, in: CodexFlow.table)
        #expect(try fixture.task("new").status == .backlog)
        #expect(try blockers() == ["a"])
        return waiting
    }

    @Test("A repetition goes on without a blocker that was deleted meanwhile")
    func deleted() async throws {
        let waiting = try await interrupted()
        try await workspace.deleteTask("b", in: AgentFixture.project, by: "ada")
        _ = try await fixture.ledger().add(waiting, key: key)
        #expect(try fixture.task("new").status == .todo)
        #expect(try blockers() == ["a"])
        // A new command names a task that is not there.
        await #expect(throws: CodexError(.notFound, "")) {
            _ = try await fixture.ledger().add(waiting, key: UUID().uuidString)
        }
    }

    @Test("A repetition goes on after a dependency that another command added")
    func added() async throws {
        let waiting = try await interrupted()
        try await workspace.removeDependency(
            of: "b", on: "whole", in: AgentFixture.project, by: "ada")
        _ = try await fixture.ledger().block("new", on: "b")
        _ = try await fixture.ledger().add(waiting, key: key)
        #expect(try fixture.task("new").status == .todo)
        #expect(try blockers() == ["a", "b"])
    }
}
