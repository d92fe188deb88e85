import Codex
import Foundation
import Testing

@testable import codexflow

/// New tasks that wait for others: they are stored with their dependencies, or not at all.
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

    /// The tasks that `new` waits for.
    private func blockers() throws -> [String] {
        let found = try fixture.store.all(.blockers(of: "new", in: AgentFixture.project))
        return found.map(\.blockerID.rawValue)
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

    // MARK: One commit

    @Test("A task with blockers is never in the backlog, and never without its dependencies")
    func history() async throws {
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        _ = try await fixture.ledger().add(draft(["a", "b"]), key: key)
        let entries = try fixture.store.all(.activity(of: "new", in: AgentFixture.project))
        #expect(entries.map(\.kind) == [.created, .linked, .linked])
        #expect(entries.first?.facts?.to == .todo)
        #expect(try fixture.task("new").isBlocked)
        #expect(try fixture.ledger().ready().taskIDs == ["a", "b"])
    }

    /// Refuses the addition of `new`, which waits for `a` and `b`: what `b` waits for cannot be
    /// read.
    ///
    /// - Returns: The refused task, and the item that mends the store.
    private func refused() async throws -> (draft: AgentLedger.Draft, sound: Item) {
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        _ = try await fixture.ledger().block("b", on: "c")
        let sound = try #require(
            try fixture.store.get(.dependency(of: "b", on: "c", in: AgentFixture.project))
        ).item()
        var damaged = sound
        damaged["createdAt"] = 7
        try await fixture.store.put(damaged, in: CodexFlow.table)
        let waiting = draft(["a", "b"])
        await #expect(throws: CodexError.self) {
            _ = try await fixture.ledger().add(waiting, key: key)
        }
        return (waiting, sound)
    }

    @Test("An addition that is refused stores nothing, and succeeds under its key later")
    func refusal() async throws {
        let (waiting, sound) = try await refused()
        #expect(try fixture.store.get(.task("new", in: AgentFixture.project)) == nil)
        #expect(try blockers().isEmpty)
        try await fixture.store.put(sound, in: CodexFlow.table)
        let added = try await fixture.ledger().add(waiting, key: key)
        #expect(try fixture.task("new").status == .todo)
        #expect(try blockers() == ["a", "b"])
        #expect(try await fixture.ledger().add(waiting, key: key).json == added.json)
    }

    @Test(
        "An addition that was refused does not touch a task that has its identifier now",
        arguments: [CodexFlow.Task.Status.canceled, .backlog])
    func takenIdentifier(status: CodexFlow.Task.Status) async throws {
        let (waiting, sound) = try await refused()
        try await workspace.createTask(in: AgentFixture.project, by: "ada", id: "new") {
            $0.title = "Another one"
        }
        if status == .canceled {
            try await workspace.moveTask(
                "new", in: AgentFixture.project, to: .canceled, by: "ada")
        }
        try await fixture.store.put(sound, in: CodexFlow.table)
        await #expect(throws: CodexError(.conditionFailed, "")) {
            _ = try await fixture.ledger().add(waiting, key: key)
        }
        #expect(try fixture.task("new").status == status)
        #expect(try blockers().isEmpty)
    }

    @Test("A repetition gives the first answer, although the task was canceled or made again")
    func repetition() async throws {
        try await fixture.add("a")
        let first = try await fixture.ledger().add(draft(["a"]), key: key)
        try await workspace.moveTask("new", in: AgentFixture.project, to: .canceled, by: "ada")
        #expect(try await fixture.ledger().add(draft(["a"]), key: key).json == first.json)
        #expect(try fixture.task("new").status == .canceled)
        try await workspace.deleteTask("new", in: AgentFixture.project, by: "ada")
        try await fixture.add("new") { $0.isInBacklog = true }
        #expect(try await fixture.ledger().add(draft(["a"]), key: key).json == first.json)
        #expect(try fixture.task("new").status == .backlog)
        #expect(try blockers().isEmpty)
    }
}
