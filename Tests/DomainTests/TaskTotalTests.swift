import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// How many tasks of a project have each status, in a store and on remote tables.
@Suite("Totals of tasks")
struct TaskTotalTests {
    typealias Totals = [CodexFlow.Task.Status: CodexFlow.TaskTotal]

    /// The totals of the tasks that a store has.
    private static func counted(_ store: Store) throws -> Totals {
        var totals: Totals = [:]
        for task in try store.all(.tasks(in: "p")) {
            guard let status = task.status else { continue }
            var total = totals[status] ?? CodexFlow.TaskTotal()
            total.count += 1
            if let estimate = task.estimate {
                total.points = try total.points.adding(Number(estimate))
                total.estimatedCount += 1
            }
            totals[status] = total
        }
        return totals
    }

    // MARK: Commands

    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    /// Commands that change what is counted, and some that do not.
    private static let commands: [Command] = [
        { try await $0.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 } },
        { try await $0.changeTask("a", in: "p", by: "mia") { $0.title = "Other" } },
        { try await $0.moveTask("a", in: "p", to: .todo, by: "mia") },
        { try await $0.moveTask("a", in: "p", to: .inProgress, by: "mia") },
        { try await $0.changeTask("b", in: "p", by: "mia") { $0.estimate = nil } },
        { try await $0.completeTask("a", in: "p", by: "mia") },
        { try await $0.archiveTask("b", in: "p", by: "mia") },
        { workspace in
            try await workspace.createTasks(
                from: (0..<20).map { $0 }, in: "p", by: "mia", batchCount: 10,
                id: { try CodexFlow.Task.ID("t\($0)") }
            ) { number, task in
                (task.title, task.estimate) = ("T", number % 3 == 0 ? nil : number)
            }
        },
        { workspace in
            let ids = try (0..<20).map { try CodexFlow.Task.ID("t\($0)") }
            try await workspace.moveTasks(ids, in: "p", to: .todo, by: "mia", batchCount: 5)
        },
        { try await $0.deleteTask("t3", in: "p", by: "mia") },
        { try await $0.deleteTask("b", in: "p", by: "olga") },
    ]

    @Test("After each command, the totals are those of the tasks", arguments: Place.everywhere)
    func commands(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        #expect(try await workspace.taskTotals(of: "p").isEmpty)
        try await fixture.task("a") { $0.estimate = 3 }
        try await fixture.task("b") { ($0.status, $0.estimate) = (.todo, 5) }
        for (number, command) in Self.commands.enumerated() {
            try await command(workspace)
            let totals = try await workspace.taskTotals(of: "p")
            #expect(try totals == Self.counted(fixture.store), "command \(number)")
        }
        try await workspace.deleteProject("p", by: "olga")
        #expect(try await workspace.taskTotals(of: "p").isEmpty)
        #expect(try await workspace.taskTotals(of: "none").isEmpty)
    }

    @Test("Commands that are sent at the same time each count once")
    func concurrent() async throws {
        let scene = try await LaggingScene()
        let workspace = scene.workspace
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<24 {
                group.addTask {
                    let id = try CodexFlow.Task.ID("t\(number)")
                    try await scene.task(id) { $0.estimate = number }
                    try await workspace.moveTask(id, in: "p", to: .todo, by: "mia")
                    guard number % 2 == 0 else { return }
                    try await workspace.moveTask(id, in: "p", to: .inProgress, by: "mia")
                }
            }
            try await group.waitForAll()
        }
        let totals = try await workspace.taskTotals(of: "p")
        #expect(try totals == Self.counted(scene.store))
        #expect(totals[.todo]?.count == 12 && totals[.inProgress]?.count == 12)
        let report = try await scene.backend.verifyTaskTotals()
        #expect(report.projectCount == 1 && report.differingCount == 0 && report.busyCount == 0)
    }

    @Test("A command that decides again counts once")
    func repetition() async throws {
        let scene = try await LaggingScene()
        try await scene.task("a")
        let store = scene.store
        scene.table.overtake { try await store.update(.project("p")) { $0.name = "Other" } }
        try await scene.workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        #expect(try await scene.workspace.taskTotals(of: "p") == Self.counted(store))
    }

    @Test("Programs with other numbers of items count together", arguments: [1, 2, 64])
    func shardCounts(count: Int) async throws {
        let scene = try await LaggingScene()
        let clock = scene.clock
        let other = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(scene.table, countShardCount: count),
            clock: { clock.now }, calendar: SystemCalendar())
        for number in 0..<12 { try await scene.task(try .init("t\(number)")) }
        for number in 0..<12 {
            try await other.moveTask(try .init("t\(number)"), in: "p", to: .todo, by: "mia")
        }
        for workspace in [other, scene.workspace] {
            #expect(try await workspace.taskTotals(of: "p") == Self.counted(scene.store))
        }
        try await other.deleteProject("p", by: "olga")
        #expect(try scene.store.items(matching: Self.shards).items.isEmpty)
    }

    @Test(
        "The number of items is from 1 to 64",
        arguments: [(0, false), (1, true), (64, true), (65, false)])
    func shardCountBounds(count: Int, isTaken: Bool) async throws {
        let scene = try await LaggingScene()
        let backend = try? CodexFlow.TableWorkspaceBackend(scene.table, countShardCount: count)
        #expect((backend != nil) == isTaken)
    }

    // MARK: Reads beside commands

    /// The items that count the tasks of the project.
    private static let shards = TableQuery(table: CodexFlow.table, partition: ["COUNTS#p"])

    /// A table that gives the items with counts one by one, with something before each.
    private struct SlicedTable: ForwardingTable {
        let base: LaggingTable
        let before: @Sendable () async throws -> Void

        func items(
            matching query: TableQuery, limits: PageLimits, after token: PageToken?,
            consistency: ReadConsistency
        ) async throws -> Page<Item> {
            guard query.partition == TaskTotalTests.shards.partition else {
                return try await base.items(
                    matching: query, limits: limits, after: token, consistency: consistency)
            }
            try await before()
            return try await base.items(
                matching: query, limits: PageLimits(returned: 1), after: token,
                consistency: consistency)
        }
    }

    /// A backend that reads counts while tasks move between two statuses.
    private static func movingBackend(
        _ scene: LaggingScene, taskCount: Int, seed: UInt64
    ) async throws -> CodexFlow.TableWorkspaceBackend {
        let ids = try (0..<taskCount).map { try CodexFlow.Task.ID("t\($0)") }
        for id in ids { try await scene.task(id) }
        let random = Locked(SplitMix(seed: seed))
        return try CodexFlow.TableWorkspaceBackend(
            SlicedTable(base: scene.table) {
                let id = random.withLock { $0.pick(ids) }
                let task = try await scene.workspace.get(.task(id, in: "p"))
                try await scene.workspace.moveTask(
                    id, in: "p", to: task?.status == .todo ? .backlog : .todo, by: "mia")
            })
    }

    @Test("Beside commands, each task counts once", arguments: UInt64(1)...6)
    func reads(seed: UInt64) async throws {
        let scene = try await LaggingScene()
        let backend = try await Self.movingBackend(scene, taskCount: 10, seed: seed)
        for _ in 0..<10 {
            let totals = try await backend.taskTotals(of: "p")
            #expect(totals.values.reduce(0) { $0 + $1.count } == 10, "seed \(seed)")
            #expect(totals.values.allSatisfy { $0.count > 0 }, "seed \(seed)")
        }
    }

    @Test("A project whose tasks change during each comparison is busy, and not corrected")
    func busy() async throws {
        let scene = try await LaggingScene()
        let backend = try await Self.movingBackend(scene, taskCount: 4, seed: 1)
        var raw = CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .done)
        raw.estimate = 3
        try await scene.store.put(raw)
        let report = try await backend.verifyTaskTotals(repairing: true)
        #expect(report.busyCount == 1 && report.differingCount == 0)
        let quiet = try await scene.backend.verifyTaskTotals(repairing: true)
        #expect(quiet.busyCount == 0 && quiet.repairedCount == 1)
        #expect(try await scene.workspace.taskTotals(of: "p") == Self.counted(scene.store))
    }

    // MARK: Comparing

    @Test("Tasks that another program stored count after a repair")
    func rawTasks() async throws {
        let scene = try await LaggingScene()
        try await scene.task("a") { $0.estimate = 2 }
        var raw = CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .done)
        raw.estimate = 7
        try await scene.store.put(raw)
        let found = try await scene.backend.verifyTaskTotals()
        #expect(found.differingCount == 1 && found.repairedCount == 0)
        #expect(try await scene.workspace.taskTotals(of: "p")[.done] == nil)
        let repaired = try await scene.backend.verifyTaskTotals(of: "p", repairing: true)
        #expect(repaired.repairedCount == 1)
        #expect(try await scene.workspace.taskTotals(of: "p") == Self.counted(scene.store))
        // The raw task is changed and deleted as any other one.
        let workspace = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                scene.table, untaggedVersions: ["task": CodexFlow.Task.definition.schemaVersion]),
            clock: { scene.clock.now }, calendar: SystemCalendar())
        try await workspace.moveTask("raw", in: "p", to: .todo, by: "mia")
        try await workspace.deleteTask("raw", in: "p", by: "olga")
        #expect(try await scene.workspace.taskTotals(of: "p") == Self.counted(scene.store))
        #expect(try await scene.backend.verifyTaskTotals().differingCount == 0)
    }

    @Test("Totals that were never made are refused, and commands do not make them look complete")
    func neverMade() async throws {
        let scene = try await LaggingScene()
        for number in 0..<6 { try await scene.task(try .init("t\(number)")) }
        // As a table of an earlier release: nothing is counted.
        let table = try CodexFlow.schema.table(CodexFlow.table)
        for item in try scene.store.items(matching: Self.shards).items {
            let key = try table.primaryKey(of: item)
            try await scene.store.transact(
                [.delete(table: CodexFlow.table, key: key)], idempotencyToken: nil)
        }
        try await scene.workspace.moveTask("t1", in: "p", to: .todo, by: "mia")
        await #expect(throws: CodexError(.indexNotReady, "")) {
            _ = try await scene.workspace.taskTotals(of: "p")
        }
        #expect(try await scene.backend.verifyTaskTotals(repairing: true).repairedCount == 1)
        #expect(try await scene.workspace.taskTotals(of: "p") == Self.counted(scene.store))
    }

    @Test("A repair is right if a command counts before it, and a second one is refused")
    func overtakenRepair() async throws {
        let scene = try await LaggingScene()
        try await scene.task("a")
        let raw = CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .done)
        try await scene.store.put(raw)
        let (backend, workspace) = (scene.backend, scene.workspace)
        scene.table.overtake { try await workspace.moveTask("a", in: "p", to: .todo, by: "mia") }
        #expect(try await backend.verifyTaskTotals(repairing: true).repairedCount == 1)
        #expect(try await workspace.taskTotals(of: "p") == Self.counted(scene.store))
        let other = CodexFlow.Task(id: "other", projectID: "p", title: "Raw", status: .done)
        try await scene.store.put(other)
        scene.table.overtake { _ = try await backend.verifyTaskTotals(repairing: true) }
        let late = try await backend.verifyTaskTotals(repairing: true)
        #expect(late.differingCount == 1 && late.repairedCount == 0)
        #expect(try await workspace.taskTotals(of: "p") == Self.counted(scene.store))
    }

    // MARK: Deletion

    @Test("While a project is deleted, the tasks that are left count")
    func deletion() async throws {
        let scene = try await LaggingScene()
        for number in 0..<30 { try await scene.task(try .init("t\(number)")) }
        try await scene.workspace.commit { context in
            var project = try context.find(.project("p"))
            project.deletingSince = context.now
            context.replace(project)
        }
        var isGone = false
        while !isGone {
            #expect(try await scene.workspace.taskTotals(of: "p") == Self.counted(scene.store))
            isGone = try await scene.backend.removeItems(of: "p", limit: 10)
        }
        #expect(try scene.store.items(matching: Self.shards).items.isEmpty)
        #expect(try await scene.workspace.taskTotals(of: "p").isEmpty)
    }
}
