import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Who may override rules, and with which reasons.
@Suite("Overriding rules")
struct OverrideTests {
    /// A project with a blocked task and two agents, one of them an admin.
    private func fixture(
        _ place: Place, _ policy: CodexFlow.Project.OverridePolicy?
    ) async throws -> Fixture {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for (id, role) in [("bot", CodexFlow.Member.Role.member), ("boss", .admin)] {
            try await workspace.createUser(
                email: "\(id)@example.com", name: id, id: try .init(id), role: .agent)
            try await workspace.addMember(try .init(id), to: "p", as: role, by: "olga")
        }
        try await workspace.changeProject("p", by: "olga") { $0.overridePolicy = policy }
        try await fixture.task("b")
        try await fixture.task("a", through: [.todo])
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        return fixture
    }

    private func start(
        _ fixture: Fixture, _ actor: CodexFlow.User.ID, _ reason: String, note: String? = nil
    ) async throws {
        try await fixture.workspace.moveTask(
            "a", in: "p", to: .inProgress, by: actor, overriding: reason, note: note)
    }

    @Test(
        "Admins override rules, and people as the project permits it",
        arguments: Place.allCases, [nil, CodexFlow.Project.OverridePolicy.people, .admins])
    func users(place: Place, policy: CodexFlow.Project.OverridePolicy?) async throws {
        let fixture = try await fixture(place, policy)
        for actor in ["olga", "adam", "boss"] as [CodexFlow.User.ID] {
            try await start(fixture, actor, "it is urgent")
            try await fixture.workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        }
        try await fixture.expect(.taskOverride, "overriding") {
            try await start(fixture, "bot", "it is urgent")
        }
        guard policy == .admins else { return try await start(fixture, "mia", "it is urgent") }
        try await fixture.expect(.taskOverride) {
            try await start(fixture, "mia", "it is urgent")
        }
    }

    @Test(
        "A reason has letters",
        arguments: [
            ("", false), (" ", false), ("...", false), ("12", false), ("\u{200B}", false),
            ("\u{2800}", false), (".\u{3164}", false), ("\u{115F}\u{FFA0}", false), ("👍", false),
            ("x", true), ("1b", true), ("急", true), ("é", true),
        ])
    func reasons(reason: String, isAccepted: Bool) async throws {
        let fixture = try await fixture(.embedded, nil)
        if isAccepted {
            try await start(fixture, "mia", reason)
        } else {
            try await fixture.expect(.taskOverride, "overriding") {
                try await start(fixture, "mia", reason)
            }
        }
    }

    @Test("The history keeps the reason and the note", arguments: Place.allCases)
    func notes(place: Place) async throws {
        let fixture = try await fixture(place, nil)
        try await start(fixture, "mia", "it is urgent", note: "see the mail")
        var entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.reason == "it is urgent" && entry.note == "see the mail")
        try await fixture.workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        try await start(fixture, "mia", "it is late")
        entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.reason == "it is late" && entry.note == "it is late")
        try await fixture.workspace.moveTask("a", in: "p", to: .todo, by: "mia", note: "n")
        entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.reason == nil && entry.note == "n")
        let long = String(repeating: "a", count: CodexFlow.Limits.textByteCountMax + 1)
        try await fixture.expect(.note, "reason") {
            try await start(fixture, "mia", long, note: "n")
        }
    }
}
