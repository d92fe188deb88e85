import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What commands read of the history of a task that they continue.
@Suite("The cost of long histories")
struct HistoryCostTests {
    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    private static let commands: [(name: String, command: Command)] = [
        ("comment", { try await $0.addComment(on: "a", in: "p", by: "mia", "hello") }),
        ("work", { try await $0.logWork(1, on: "a", in: "p", by: "mia") }),
        ("title", { try await $0.changeTask("a", in: "p", by: "mia") { $0.title = "New" } }),
        ("estimate", { try await $0.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 } }),
        ("archiving", { try await $0.archiveTask("a", in: "p", by: "mia") }),
        ("restoring", { try await $0.restoreTask("a", in: "p", by: "mia") }),
        ("reopening", { try await $0.moveTask("a", in: "p", to: .todo, by: "mia") }),
    ]

    /// A project with a finished task that was imported, or that the services made, and its long
    /// history.
    private static func fixture(isImported: Bool, entryCount: Int) async throws -> Fixture {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        if isImported {
            var task = CodexFlow.Task(id: "a", projectID: "p", title: "A", status: .done)
            task.estimate = 3
            try await store.put(task)
            try await workspace.adoptHistory(of: "p", by: "adam")
        } else {
            try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
            try await workspace.completeTask("a", in: "p", by: "mia")
        }
        let newest = try #require(try store.all(.activity(of: "a", in: "p")).last)
        try await store.write { transaction in
            for number in 0..<entryCount {
                var entry = newest
                // They sort between the first entries and those of later commands.
                entry.id = try .init("00000000" + String(format: "%012d", number))
                (entry.kind, entry.facts, entry.changes) = (.commented, nil, [])
                try transaction.put(entry)
            }
        }
        return fixture
    }

    @Test(
        "A command on a finished task reads as much of a long history as of a short one",
        arguments: [true, false])
    func finished(isImported: Bool) async throws {
        var found: [[CountedBackend.Counts]] = []
        for count in [3, 300] {
            let fixture = try await Self.fixture(isImported: isImported, entryCount: count)
            let backend = CountedBackend(fixture.store)
            let clock = fixture.clock
            let workspace = CodexFlow.Workspace(
                backend, clock: { clock.now }, calendar: SystemCalendar())
            var counts: [CountedBackend.Counts] = []
            for (name, command) in Self.commands {
                counts.append(try await backend.measured { try await command(workspace) })
                #expect(counts.last?.examinedEntries == 0, "\(name)")
            }
            found.append(counts)
        }
        #expect(found[0] == found[1])
    }
}
