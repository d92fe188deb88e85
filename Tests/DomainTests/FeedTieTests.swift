import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Entries of several projects with the same task, identifier and instant, in an actor's feed.
@Suite("Feeds of several projects")
struct FeedTieTests {
    private static let projects: [CodexFlow.Project.ID] = ["a", "b", "p"]

    /// Projects in which olga begins the history of a task of the same identifier, at one instant.
    private func tied(_ place: Place) async throws -> Fixture {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        for project in Self.projects {
            if project != "p" {
                try await workspace.createProject(
                    key: "K" + project.rawValue.uppercased(), name: "P", id: project, owner: "olga")
            }
            try await fixture.store.put(
                CodexFlow.Task(id: "t", projectID: project, title: "T", status: .todo))
        }
        fixture.clock.advance(by: 60)
        for project in Self.projects {
            #expect(try await workspace.adoptHistory(of: project, by: "olga") == 1)
        }
        return fixture
    }

    /// All parts of olga's feed together, with the projects of the entries of tasks.
    private func feed(
        _ workspace: CodexFlow.Workspace, _ limit: Int
    ) async throws -> [CodexFlow.Project.ID] {
        var entries: [CodexFlow.FeedEntry] = []
        while true {
            let next = try await workspace.feed(
                by: "olga", limit: limit, before: entries.last?.position)
            guard !next.isEmpty, entries.count < 100 else { break }
            entries += next
        }
        return entries.compactMap { entry in
            if case .task(let activity) = entry { activity.projectID } else { nil }
        }
    }

    @Test(
        "Parts of any size have each entry once", arguments: Place.allCases, [1, 2, 3, 4, 1000])
    func parts(place: Place, limit: Int) async throws {
        let fixture = try await tied(place)
        let entries = try fixture.store.all(of: CodexFlow.Activity.self)
        #expect(Set(entries.map(\.at)).count == 1 && Set(entries.map(\.id)).count == 1)
        #expect(try await feed(fixture.workspace, limit) == ["p", "b", "a"])
        for project in Self.projects {
            let own = try await fixture.workspace.feed(of: project)
            #expect(own.filter { $0.at == fixture.clock.now }.count == 1, "\(project)")
        }
    }

    @Test("Entries that were stored without the project in their position come once, too")
    func earlierPositions() async throws {
        let fixture = try await tied(.embedded)
        for entry in try fixture.store.all(of: CodexFlow.Activity.self) {
            var item = try entry.item()
            for name in ["GSI3SK", "GSI4SK"] {
                let position = try #require(item[name]?.string)
                #expect(position.hasSuffix("#t#\(entry.projectID)"))
                item[name] = .string(String(position.dropLast(entry.projectID.rawValue.count + 1)))
            }
            try await fixture.store.put(item, in: CodexFlow.table)
        }
        for limit in [1, 2, 1000] {
            #expect(try await feed(fixture.workspace, limit) == ["p", "b", "a"], "\(limit)")
        }
    }

    @Test("Long identifiers leave no room for the project", arguments: [-1, 0, 1])
    func longIdentifiers(more: Int) throws {
        let at = Date(timeIntervalSince1970: 1_762_300_800)
        // 24 bytes of the time, three separators, one byte of the identifier, and the project.
        let room = DynamoDBLimits.sortKeyByteCountMax - 24 - 3 - 1 - 7
        let entry = CodexFlow.Activity(
            id: "0", projectID: "project",
            taskID: try .init(String(repeating: "t", count: room + more)), actorID: "olga", at: at,
            day: CalendarDay(at), kind: .imported)
        let key = try #require(try entry.item()["GSI4SK"]?.string)
        #expect(key.hasSuffix("#project") == (more <= 0))
        #expect(key.utf8.count <= DynamoDBLimits.sortKeyByteCountMax)
        #expect(CodexFlow.FeedEntry.task(entry).position == key)
    }
}
