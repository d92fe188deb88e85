import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// How many requests a command sends before its transaction, and how many actions that has.
@Suite("Requests of commands")
struct RequestCountTests {
    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    /// A row of the table in the documents.
    private struct Row: Sendable {
        let name: String
        /// The requests that read.
        let readCount: Int
        /// The writes of one item before the transaction.
        var updateCount = 0
        let actionCount: Int
        let command: Command

        var requestCount: Int { readCount + updateCount }
    }

    private static let rows = [
        Row(name: "createTask", readCount: 3, updateCount: 1, actionCount: 6) {
            try await $0.createTask(in: "p", by: "mia", id: "new") { $0.title = "New" }
        },
        Row(name: "changeTask", readCount: 2, actionCount: 5) {
            try await $0.changeTask("a", in: "p", by: "mia") { $0.title = "B" }
        },
        Row(name: "completeTask", readCount: 5, actionCount: 9) {
            try await $0.completeTask("a", in: "p", by: "mia")
        },
        Row(name: "assignTask", readCount: 2, actionCount: 9) {
            try await $0.assignTask("a", in: "p", to: "max", by: "mia")
        },
        Row(name: "addComment", readCount: 2, actionCount: 7) {
            try await $0.addComment(on: "a", in: "p", by: "mia", "Hello")
        },
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
        for row in Self.rows {
            let found = try await counts(row.command, hasBatches: true)
            let single = try await counts(row.command, hasBatches: false)
            #expect(found.reads == row.readCount, "\(row.name): \(found)")
            #expect(found.reads < single.reads, "\(row.name): \(single)")
            #expect(found.updates == row.updateCount, "\(row.name): \(found)")
            #expect(found.actions == row.actionCount, "\(row.name): \(found)")
            #expect(found.transactions == 1 && single.transactions == 1, "\(row.name)")
        }
    }

    @Test("The documents have the requests of each command")
    func documents() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Docs/Remote.md"), encoding: .utf8)
        for row in Self.rows {
            let line = "\n| `\(row.name)` | \(row.requestCount) | \(row.actionCount) |"
            #expect(text.contains(line), "\(row.name)")
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
