import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexWorkspace

/// What a commit of many elements reads, beside what it wrote before.
@Suite("The reads of bulk commits")
struct BulkReadTests {
    /// Tasks in their order, and the limits of the queries for them.
    private final class ListedTasks: CodexFlow.DecisionReader {
        let tasks: [CodexFlow.Task]
        private(set) var limits: [Int?] = []

        init(_ tasks: [CodexFlow.Task]) { self.tasks = tasks }

        func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? { nil }

        func all<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
            limits.append(limit)
            return Array(tasks.compactMap { $0 as? E }.prefix(limit ?? .max))
        }
    }

    private static func task(_ number: Int, in whole: String) throws -> CodexFlow.Task {
        var task = CodexFlow.Task(
            id: try .init("t\(100 + number)"), projectID: "p", title: "T", status: .todo)
        task.parentID = try .init(whole)
        return task
    }

    @Test("A query reads as much beside many writes of other partitions as beside few")
    func others() throws {
        let base = ListedTasks([try Self.task(0, in: "a"), try Self.task(1, in: "a")])
        let reads = CumulativeReads(base, CodexFlow.schema)
        try reads.add((2..<100).map { .replace(try Self.task($0, in: "b")) })
        let parts = try reads.all(.subtasks(of: "a", in: "p"), limit: 1)
        #expect(parts.map(\.id) == ["t100"])
        #expect(base.limits == [1])
    }

    @Test("Written tasks are where they are now, and stored ones follow", arguments: 1...8)
    func moved(limit: Int) throws {
        let base = ListedTasks(try (0..<6).map { try Self.task($0, in: "a") })
        let reads = CumulativeReads(base, CodexFlow.schema)
        var first = try Self.task(0, in: "b")
        first.title = "Elsewhere"
        try reads.add([.replace(first), .delete(try Self.task(1, in: "a"))])
        try reads.add([.insert(try Self.task(50, in: "a"))])
        try reads.add([.replace(try Self.task(2, in: "b"))])
        // It comes back.
        try reads.add([.replace(try Self.task(2, in: "a"))])
        let expected = ["t102", "t103", "t104", "t105", "t150"]
        let parts = try reads.all(.subtasks(of: "a", in: "p"), limit: limit)
        #expect(parts.map(\.id.rawValue) == Array(expected.prefix(limit)))
        let links: [CodexFlow.TaskLink] = try CumulativeReads(reads, CodexFlow.schema)
            .all(.subtaskLinks(of: "b", in: "p"), limit: limit)
        #expect(links.map(\.id) == ["t100"])
    }

    @Test("A label is a partition of its own")
    func labels() throws {
        let reads = CumulativeReads(ListedTasks([]), CodexFlow.schema)
        var task = try Self.task(0, in: "a")
        task.labels = ["x", "y"]
        try reads.add([.insert(task)])
        for label in ["x", "y"] {
            #expect(try reads.all(.tasks(in: "p", label: label), limit: nil).count == 1)
        }
        task.labels = ["y"]
        try reads.add([.replace(task)])
        #expect(try reads.all(.tasks(in: "p", label: "x"), limit: nil).isEmpty)
        #expect(try reads.all(.tasks(in: "p", label: "y"), limit: nil) == [task])
    }

    /// A task at the beginning of a chain of tasks, of which each waits for the next one.
    private func chain(_ name: String, _ count: Int, in fixture: Fixture) async throws {
        let now = fixture.clock.now
        try await fixture.store.write { transaction in
            for number in 0..<count {
                let id = try CodexFlow.Task.ID("\(name)\(number)")
                try transaction.put(
                    CodexFlow.Task(id: id, projectID: "p", title: "T", status: .todo))
                guard number > 0 else { continue }
                try transaction.put(
                    CodexFlow.Dependency(
                        projectID: "p", taskID: try .init("\(name)\(number - 1)"), blockerID: id,
                        isOpen: true, createdAt: now))
            }
        }
    }

    @Test("A bulk command on a remote table searches as its single command does there")
    func remote() async throws {
        let fixture = try await Fixture(.table)
        try await chain("a", 50, in: fixture)
        try await chain("b", 50, in: fixture)
        // Each search from the waiting side would take an action for each task.
        try await fixture.workspace.addDependency(of: "a49", on: "b0", in: "p", by: "mia")
        try await fixture.workspace.removeDependency(of: "a49", on: "b0", in: "p", by: "mia")
        try await fixture.workspace.addDependencies(
            [("a49", "b0")], in: "p", by: "mia")
        #expect(try fixture.store.get(.dependency(of: "a49", on: "b0", in: "p")) != nil)
    }

    @Test("A search for a circle reads what links tasks, and no other field")
    func links() async throws {
        let fixture = try await Fixture()
        try await fixture.task("whole")
        try await fixture.task("part") { $0.parentID = "whole" }
        let key = PrimaryKey("PROJECT#p", "TASK#part")
        var item = try #require(try fixture.store.item(in: CodexFlow.table, key: key))
        item["complexity"] = "high"
        try await fixture.store.put(item, in: CodexFlow.table)
        try await fixture.task("other")
        // The part waits for the other task, and the whole for the part.
        try await fixture.store.put(
            CodexFlow.Dependency(
                projectID: "p", taskID: "part", blockerID: "other", isOpen: true,
                createdAt: fixture.clock.now))
        try await fixture.expect(.dependencyCycle) {
            try await fixture.workspace.addDependency(
                of: "other", on: "whole", in: "p", by: "mia")
        }
    }
}
