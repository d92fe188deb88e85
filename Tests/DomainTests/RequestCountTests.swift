import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// How many requests a command sends before its transaction, and how many actions that has.
@Suite("Requests of commands")
struct RequestCountTests {
    // MARK: The documents

    /// The cells of the table in the documents after the name of each command.
    private static func documentedCells() throws -> [String: String] {
        let text = try CommandActionTests.text(of: "Docs/Remote.md")
        let start = try #require(text.range(of: "\n## What a command costs\n"))
        var cells: [String: String] = [:]
        for line in text[start.upperBound...].split(separator: "\n") {
            if line.hasPrefix("## ") { break }
            guard line.hasPrefix("| `"), let end = line.range(of: "` | ") else { continue }
            let name = line[..<end.lowerBound].dropFirst(3)
            cells[String(name)] = line[end.upperBound...]
                .trimmingCharacters(in: CharacterSet(charactersIn: " |"))
        }
        return cells
    }

    @Test(
        "The documents have the requests, round trips and actions of each command",
        arguments: CommandCost.all)
    func documents(command: CommandCost) async throws {
        let found = try await command.measured().cells
        #expect(
            try Self.documentedCells()[command.name] == found,
            "Write into Docs/Remote.md: | `\(command.name)` | \(found) |")
    }

    @Test("The table has each command of the sources once, and no other")
    func table() throws {
        let documented = try Self.documentedCells()
        let names = CommandCost.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(names) == Set(documented.keys))
        #expect(try CommandActionTests.commandNames().subtracting(names).isEmpty)
    }

    // MARK: Batches and rounds

    /// The commands of a kind of work that programs do often.
    static let frequent = CommandCost.all.filter {
        ["createTask", "changeTask", "completeTask", "assignTask", "addComment"].contains($0.name)
    }

    @Test("A command reads what it is known to read in one batch", arguments: frequent)
    func batches(command: CommandCost) async throws {
        let found = try await command.measured().counts
        let single = try await command.measured(hasBatches: false).counts
        #expect(found.reads < single.reads, "\(found), \(single)")
        #expect(found.transactions == 1 && single.transactions == 1)
        #expect(found.actions == single.actions)
    }

    @Test("No often used command has more than two round trips before its transaction")
    func rounds() async throws {
        #expect(Self.frequent.count == 5)
        for command in Self.frequent {
            let count = try await command.measured().roundCount
            #expect(count <= 2, "\(command.name)")
        }
    }

    @Test("Without batch reads, each item is a round trip of its own")
    func singleRounds() async throws {
        let command = try #require(CommandCost.all.first { $0.name == "changeTask" })
        let figures = try await command.measured(hasBatches: false)
        // User, project, membership, task, history.
        #expect(figures.roundCount == 5 && figures.requestCount == 5)
    }

    // MARK: Conflicts

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
