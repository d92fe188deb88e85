import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Lists of tasks by label on a table without an index of the labels.
@Suite("Lists by label on a remote table")
struct LabelListTests {
    private let scene: LaggingScene
    private var workspace: CodexFlow.Workspace { scene.workspace }

    private static let labels = ["a", "b", "a#b", "é", String(repeating: "👾", count: 255)]

    init() async throws { scene = try await LaggingScene() }

    /// The item of a task.
    private func item(_ id: CodexFlow.Task.ID) throws -> Item? {
        try scene.store.item(
            in: CodexFlow.table, key: PrimaryKey("PROJECT#p", .string("TASK#\(id)")))
    }

    /// Performs what a consumer of the changes would.
    private func follow(_ changes: [(old: Item?, new: Item?)]) async throws {
        let actions = try scene.backend.labelActions(of: changes)
        guard !actions.isEmpty else { return }
        try await scene.store.transact(actions, idempotencyToken: nil)
    }

    private func list(_ label: String) async throws -> [CodexFlow.Task.ID] {
        try await workspace.all(.tasks(in: "p", label: label)).map(\.id)
    }

    /// Checks each list against the index that the store has.
    private func checkLists(_ comment: Comment? = nil) async throws {
        for label in Self.labels {
            let expected = try scene.store.all(.tasks(in: "p", label: label)).map(\.id)
            #expect(try await list(label) == expected, comment)
        }
    }

    // MARK: What a workspace tells

    @Test("Lists that were never built are refused, and are marked as lagging")
    func neverBuilt() async throws {
        try await scene.task("t") { $0.labels = ["a"] }
        #expect(try workspace.consistency(of: .tasks(in: "p", label: "a")) == .eventual)
        await #expect(throws: CodexError(.indexNotReady, "")) { _ = try await list("a") }
        await #expect(throws: CodexError(.indexNotReady, "")) {
            _ = try await workspace.commit { context in
                try context.all(.tasks(in: "p", label: "a")).count
            }
        }
        #expect(try await scene.backend.rebuildLabels().repairedCount == 1)
        #expect(try await list("a") == ["t"])
        let count = try await workspace.commit { context in
            try context.all(.tasks(in: "p", label: "a")).count
        }
        #expect(count == 1)
    }

    @Test("A store's list is as new as the store")
    func embedded() throws {
        let local = CodexFlow.Workspace(scene.store)
        #expect(try local.consistency(of: .tasks(in: "p", label: "a")) == .consistent)
    }

    // MARK: Changes

    /// Tasks with random labels that change, and the changes of their items.
    private func history(
        _ random: inout SplitMix, _ count: Int
    ) async throws -> [(old: Item?, new: Item?)] {
        var changes: [(old: Item?, new: Item?)] = []
        for _ in 0..<count {
            let id = try CodexFlow.Task.ID("t\(random.below(6))")
            let labels = Self.labels.filter { _ in random.chance(40) }
            let old = try item(id)
            if old == nil {
                try await scene.task(id) { $0.labels = labels }
            } else if random.chance(20) {
                try await workspace.deleteTask(id, in: "p", by: "mia")
            } else {
                try await workspace.changeTask(id, in: "p", by: "mia") { $0.labels = labels }
            }
            changes.append((old, try item(id)))
        }
        return changes
    }

    @Test("The lists follow the changes, also if the last ones come again", arguments: 1...8)
    func changes(seed: Int) async throws {
        var random = SplitMix(seed: UInt64(seed))
        _ = try await scene.backend.rebuildLabels()
        let changes = try await history(&random, 40)
        var next = 0
        while next < changes.count {
            let end = min(changes.count, next + 1 + random.below(5))
            try await follow(Array(changes[next..<end]))
            next = end
            // After the end of a process, the last changes come again.
            if random.chance(30) { next = max(0, next - random.below(10)) }
        }
        try await checkLists("seed \(seed)")
        let report = try await scene.backend.verifyLabels()
        #expect(report.missingCount == 0 && report.leftoverCount == 0, "seed \(seed)")
    }

    @Test("A rebuild between changes does not harm", arguments: 1...8)
    func rebuild(seed: Int) async throws {
        var random = SplitMix(seed: UInt64(seed))
        let changes = try await history(&random, 30)
        let place = random.below(changes.count)
        for (number, change) in changes.enumerated() {
            // The rebuild sees the tasks as they are at the end; the consumer is behind.
            if number == place { _ = try await scene.backend.rebuildLabels() }
            try await follow([change])
        }
        try await checkLists("seed \(seed)")
        let report = try await scene.backend.verifyLabels(repairing: true)
        #expect(report.missingCount == 0 && report.repairedCount == 0, "seed \(seed)")
    }

    @Test("A list passes over a task that lost the label, and one that is gone")
    func leftovers() async throws {
        for id in ["kept", "changed", "gone"] as [CodexFlow.Task.ID] {
            try await scene.task(id) { $0.labels = ["a"] }
        }
        _ = try await scene.backend.rebuildLabels()
        try await workspace.changeTask("changed", in: "p", by: "mia") { $0.labels = ["b"] }
        try await workspace.deleteTask("gone", in: "p", by: "mia")
        #expect(try await list("a") == ["kept"])
        // What is missing comes with the consumer, or with a repair.
        #expect(try await list("b").isEmpty)
        let report = try await scene.backend.verifyLabels(repairing: true)
        #expect(report.missingCount == 1 && report.leftoverCount == 2)
        #expect(report.repairedCount == 3)
        try await checkLists()
    }

    @Test("Entries are no markers of rules, and markers no entries")
    func others() async throws {
        try await scene.task("t") { ($0.labels, $0.assigneeID) = (["a", "b"], "max") }
        _ = try await scene.backend.rebuildLabels()
        let markers = try await scene.backend.verifyMarkers()
        #expect(markers.missingCount == 0 && markers.leftoverCount == 0)
        let entries = try await scene.backend.verifyLabels()
        #expect(entries.missingCount == 0 && entries.leftoverCount == 0)
    }

    @Test("Pages of a list have each task once, also backwards", arguments: [1, 2, 4, 5, 6])
    func pages(limit: Int) async throws {
        for number in 0..<5 {
            try await scene.task(try .init("t\(number)")) { $0.labels = ["a"] }
        }
        _ = try await scene.backend.rebuildLabels()
        let forward = CodexCore.Query<CodexFlow.Task>.tasks(in: "p", label: "a")
        for (query, expected) in [
            (forward, ["t0", "t1", "t2", "t3", "t4"]),
            (forward.reversed, ["t4", "t3", "t2", "t1", "t0"]),
        ] {
            var (found, token): ([String], PageToken?) = ([], nil)
            repeat {
                let page = try await workspace.query(query, limit: limit, after: token)
                #expect(page.items.count <= limit)
                found += page.items.map(\.id.rawValue)
                token = page.next
            } while token != nil
            #expect(found == expected)
        }
    }

    @Test("A task with all its labels exchanged has 200 actions")
    func manyLabels() throws {
        func item(_ name: String) throws -> Item {
            var task = CodexFlow.Task(id: "t", projectID: "p", title: "T", status: .todo)
            task.labels = (0..<CodexFlow.Limits.labelCountMax).map { "\(name)\($0)" }
            return try task.item()
        }
        let (old, new) = (try item("a"), try item("b"))
        #expect(try scene.backend.labelActions(of: [(old, new)]).count == 200)
        #expect(try scene.backend.labelActions(of: [(old, new), (new, old)]).count == 200)
        #expect(try scene.backend.labelActions(of: [(old, old)]).isEmpty)
        // Items of other entities have no effect.
        let user = try CodexFlow.User(id: "u", email: "u@example.com", name: "U").item()
        #expect(try scene.backend.labelActions(of: [(nil, user), (user, nil)]).isEmpty)
    }
}
