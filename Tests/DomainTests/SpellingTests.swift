import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Identifiers that are two spellings of one UUID, and are two identifiers nevertheless.
@Suite("Two spellings of one UUID")
struct SpellingTests {
    private static let lower = "6f1c2a34-0000-4000-8000-00000000000a"
    private static let upper = lower.uppercased()

    private static func identifiers<Model>(
        _ type: Model.Type = Model.self
    ) throws -> (lower: Identifier<Model>, upper: Identifier<Model>) {
        (try Identifier(lower), try Identifier(upper))
    }

    @Test(
        "A task is claimed beside one with the other spelling, which was claimed before",
        arguments: Place.allCases)
    func claims(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let (lower, upper) = try Self.identifiers(CodexFlow.Task.self)
        try await fixture.task(lower) { $0.status = .todo }
        // The count of its tokens stays.
        let token = try await fixture.claim(lower, by: "mia")
        try await workspace.releaseTask(lower, in: "p", by: "mia", holding: token)
        try await fixture.task(upper) { ($0.status, $0.priority) = (.todo, .urgent) }
        var found: [CodexFlow.Task.ID] = []
        while let task = try await workspace.claimNext(in: "p", by: "max", lease: .seconds(60)) {
            found.append(task.id)
        }
        #expect(Set(found) == [lower, upper])
        if place.differs(.strictQueue) { #expect(found == [upper, lower]) }
        for id in found {
            try await workspace.releaseTask(id, in: "p", by: "olga")
            _ = try await fixture.claim(id, by: "mia")
        }
    }

    @Test("A task waits for both of two blockers", arguments: Place.allCases)
    func dependencies(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let (lower, upper) = try Self.identifiers(CodexFlow.Task.self)
        try await fixture.task("t")
        for id in [lower, upper] {
            try await fixture.task(id)
            try await workspace.addDependency(of: "t", on: id, in: "p", by: "mia")
        }
        #expect(try fixture.store.all(.blockers(of: "t", in: "p")).count == 2)
        try await workspace.deleteTask(lower, in: "p", by: "mia")
        #expect(try await workspace.get(.task(lower, in: "p")) == nil)
        #expect(try await workspace.get(.task(upper, in: "p"))?.id == upper)
    }

    @Test("Two users are members of a project", arguments: Place.allCases)
    func members(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let (lower, upper) = try Self.identifiers(CodexFlow.User.self)
        for (id, name) in [(lower, "low"), (upper, "up")] {
            try await workspace.createUser(
                email: "\(name)@example.com", name: name, id: id)
            try await workspace.addMember(id, to: "p", by: "olga")
        }
        try await workspace.deleteUser(upper)
        #expect(try await workspace.get(.user(upper)) == nil)
        #expect(try fixture.store.get(.member(lower, of: "p")) != nil)
    }

    @Test("Two projects have tasks, numbers and deletions of their own", arguments: Place.allCases)
    func projects(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let (lower, upper) = try Self.identifiers(CodexFlow.Project.self)
        for (id, key) in [(lower, "LOW"), (upper, "UP")] {
            try await workspace.createProject(key: key, name: key, id: id, owner: "olga")
            #expect(try await workspace.verifyQueue(of: id).isEmpty)
            #expect(try await workspace.repairQueue(of: id, by: "olga") == 0)
            for task in ["a", "b"] as [CodexFlow.Task.ID] {
                try await workspace.createTask(in: id, by: "olga", id: task) { $0.title = "T" }
            }
            // The other project has such a dependency only in the second round.
            #expect(try await workspace.blockedTasks(in: id).isEmpty)
            try await workspace.addDependency(of: "a", on: "b", in: id, by: "olga")
            let numbers = try fixture.store.all(.tasks(in: id)).compactMap(\.number)
            #expect(numbers == [1, 2])
        }
        try await workspace.deleteProject(upper, by: "olga")
        #expect(try await workspace.get(.project(upper)) == nil)
        #expect(try await workspace.resumeDeletions().isEmpty)
        #expect(try fixture.store.all(.tasks(in: lower)).count == 2)
    }

    @Test("A read of the store refuses the other spelling, and one of a workspace finds nothing")
    func reads() async throws {
        let fixture = try await Fixture()
        let (lower, upper) = try Self.identifiers(CodexFlow.Task.self)
        try await fixture.task(lower)
        #expect(throws: CodexError(.invalidKey, "")) {
            try fixture.store.get(.task(upper, in: "p"))
        }
        let cached = CodexFlow.Workspace(fixture.store, cache: try StoreCache(fixture.store))
        for workspace in [fixture.workspace, cached] {
            #expect(try await workspace.get(.task(upper, in: "p")) == nil)
            #expect(try await workspace.get(.task(lower, in: "p"))?.id == lower)
        }
    }
}
