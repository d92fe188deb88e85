import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Numbers of tasks on a table with lagging indexes: they come before the transaction.
@Suite("Numbers that a table gives")
struct TaskNumberTests {
    private let scene: LaggingScene
    private var workspace: CodexFlow.Workspace { scene.workspace }

    init() async throws { scene = try await LaggingScene() }

    private func number(_ id: CodexFlow.Task.ID) async throws -> Int? {
        try await workspace.createTask(in: "p", by: "mia", id: id) { $0.title = "T" }.number
    }

    /// Stores a task without the services.
    private func store(_ number: Int) async throws {
        var raw = CodexFlow.Task(id: try .init("raw\(number)"), projectID: "p", title: "Raw")
        raw.number = number
        try await scene.store.put(raw)
    }

    /// Lets the indexes get as new as the table.
    private func settle() async throws {
        for _ in 0...LaggingTable.lag { _ = try await workspace.openSession(for: "max") }
    }

    /// The numbers of many tasks that are created at the same time, in order.
    private func createMany(_ count: Int, assignee: CodexFlow.User.ID?) async throws -> [Int] {
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<count {
                group.addTask { [workspace] in
                    try await workspace.createTask(in: "p", by: "mia") { task in
                        (task.title, task.assigneeID) = ("T", assignee)
                    }.number
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1 ?? 0) }.sorted()
        }
    }

    @Test(
        "Of 64 agents that create tasks in one project, none decides a second time",
        arguments: [nil, "max"] as [CodexFlow.User.ID?])
    func agents(assignee: CodexFlow.User.ID?) async throws {
        #expect(try await number("first") == 1)
        var numbers: [Int] = []
        let counts = try await scene.table.counts {
            numbers = try await createMany(64, assignee: assignee)
        }
        #expect(counts.transactions == 64 && counts.updates == 64)
        #expect(numbers == Array(2...65))
        #expect(try await scene.backend.verifyMarkers().missingCount == 0)
    }

    @Test("A command that fails after its number leaves a gap, and a refused one does not")
    func gaps() async throws {
        #expect(try await number("a") == 1)
        await #expect(throws: CodexError(.conditionFailed, "")) { _ = try await number("a") }
        await scene.expect(.taskTitle) {
            try await workspace.createTask(in: "p", by: "mia") { $0.title = "" }
        }
        await scene.expect(.actorActive) {
            try await workspace.createTask(in: "p", by: "nobody") { $0.title = "T" }
        }
        #expect(try await number("b") == 3)
    }

    @Test("An attempt after a conflict keeps its number")
    func repetition() async throws {
        #expect(try await number("a") == 1)
        let store = scene.store
        scene.table.overtake {
            try await store.update(.project("p")) { $0.name = "Other" }
        }
        #expect(try await number("b") == 2)
        #expect(try await number("c") == 3)
    }

    @Test("Numbers pass those of tasks that were stored without the services")
    func foreignNumbers() async throws {
        #expect(try await number("a") == 1)
        try await store(2)
        try await store(10)
        try await settle()
        #expect(try await number("b") == 11)
        // A higher one leaves the free ones below it.
        try await store(20)
        try await settle()
        #expect(try await number("c") == 12)
    }

    @Test("At the end of the sequence, free numbers are found", arguments: [2, 1, 0])
    func end(distance: Int) async throws {
        let max = CodexFlow.Limits.taskNumberMax
        #expect(try await number("a") == 1)
        try await scene.store.update(.sequence(CodexFlow.NumberSequence.tasks, of: "p")) {
            $0.last = max - distance
        }
        for step in 0..<distance {
            #expect(try await number(try .init("t\(step)")) == max - distance + 1 + step)
        }
        try await settle()
        #expect(try await number("z") == 2)
    }

    @Test("Many tasks of one commit have numbers in their order")
    func bulk() async throws {
        #expect(try await number("a") == 1)
        let made = try await workspace.createTasks(
            from: ["x", "y", "z"], in: "p", by: "mia", batchCount: 10
        ) { $1.title = $0 }
        #expect(made.map(\.number) == [2, 3, 4])
        #expect(try await number("b") == 5)
    }
}
