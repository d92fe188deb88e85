import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// How many requests a command sends before its transaction.
@Suite("Requests of commands")
struct RequestCountTests {
    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    /// The commands of the table in the documents, with the reads with and without batches.
    private static let commands: [(name: String, reads: Int, command: Command)] = [
        (
            "createTask", 3,
            { try await $0.createTask(in: "p", by: "mia", id: "new") { $0.title = "New" } }
        ),
        ("changeTask", 2, { try await $0.changeTask("a", in: "p", by: "mia") { $0.title = "B" } }),
        ("completeTask", 5, { try await $0.completeTask("a", in: "p", by: "mia") }),
        ("assignTask", 2, { try await $0.assignTask("a", in: "p", to: "max", by: "mia") }),
        ("addComment", 2, { try await $0.addComment(on: "a", in: "p", by: "mia", "Hello") }),
    ]

    /// The requests of a command on a table with, or without, batch reads.
    private func counts(
        _ command: Command, hasBatches: Bool
    ) async throws -> LaggingTable.Counts {
        let scene = try await LaggingScene(hasBatches: hasBatches)
        try await scene.task("a") { $0.status = .inProgress }
        try await scene.task("b")
        return try await scene.table.counts { try await command(scene.workspace) }
    }

    @Test("A command reads what it is known to read in one batch, and in queries")
    func batches() async throws {
        for (name, readCount, command) in Self.commands {
            let found = try await counts(command, hasBatches: true)
            let single = try await counts(command, hasBatches: false)
            #expect(found.reads == readCount, "\(name): \(found)")
            #expect(found.reads < single.reads, "\(name): \(single)")
            #expect(found.transactions == 1 && single.transactions == 1, "\(name)")
        }
    }

    @Test("The documents have the requests of each command")
    func documents() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Docs/Services.md"), encoding: .utf8)
        for (name, readCount, _) in Self.commands {
            #expect(text.contains("\n| `\(name)` | \(readCount) |"), "\(name)")
        }
    }

    @Test("An attempt after a conflict reads all that the last one read in one batch")
    func repetition() async throws {
        let scene = try await LaggingScene()
        try await scene.task("a")
        let workspace = scene.workspace
        let store = scene.store
        scene.table.overtake { try await store.update(.task("a", in: "p")) { $0.title = "Other" } }
        let counts = try await scene.table.counts {
            try await workspace.commit { context in
                var task = try context.find(.task("a", in: "p"))
                _ = try context.get(.user("mia"))
                _ = try context.get(.project("p"))
                task.body = "changed"
                context.replace(task)
            }
        }
        #expect(counts.items == 3 && counts.batches == 1 && counts.transactions == 2)
        let task = try store.get(.task("a", in: "p"))
        #expect(task?.title == "Other" && task?.body == "changed")
    }
}
