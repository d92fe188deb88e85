import Codex
import Foundation

private let clock = ContinuousClock()

/// What commands take in a project with many tasks, members and entries of history.
///
/// There is a member for ten tasks, and an entry for each task. Half of the tasks are done and
/// assigned to `u1`. A quarter are open and assigned to `u2`. Some of the others are a chain, in
/// which each waits for the next one.
struct GrowthRun: Sendable {
    /// How often each command runs.
    private static let rounds = 30

    let directory: String

    func measure(_ taskCount: Int) async throws {
        note("making a project with \(taskCount) tasks")
        let store = try await load(taskCount)
        let workspace = CodexFlow.Workspace(store)
        say("\(taskCount) tasks, \(taskCount / 10) members, \(taskCount) entries of history: ms")
        row(
            "a small write alone",
            try await waits(store) { try await Task.sleep(for: .seconds(1)) })
        // The steps of a group run one after the other in each round.
        for group in [Self.tasks, Self.members, Self.others] {
            var samples = group.map { _ in [Double]() }
            for round in 0..<Self.rounds {
                let call = Call(workspace: workspace, task: try .init("w\(round)"))
                for (place, step) in group.enumerated() {
                    samples[place].append(try await milliseconds { try await step.body(call) })
                }
            }
            for (step, times) in zip(group, samples) { row(step.name, times, goal: "20") }
        }
        try await workspace.archiveProject("p", by: "u0")
        row(
            "a small write while u2 leaves the archive",
            try await waits(store) { try await workspace.removeMember("u2", from: "p", by: "u0") },
            goal: "10")
        row(
            "a small write while the project is deleted",
            try await waits(store) { try await workspace.deleteProject("p", by: "u0") },
            goal: "10")
        store.close()
    }

    // MARK: Commands

    private struct Call: Sendable {
        let workspace: CodexFlow.Workspace
        /// The task that the round makes.
        let task: CodexFlow.Task.ID
    }

    private struct Step: Sendable {
        let name: String
        let body: @Sendable (Call) async throws -> Void
    }

    private static let tasks: [Step] = [
        Step(name: "create a task") {
            try await $0.workspace.createTask(in: "p", by: "u0", id: $0.task) { task in
                (task.title, task.status) = ("Measure what it costs", .todo)
            }
        },
        Step(name: "change a task") {
            try await $0.workspace.changeTask($0.task, in: "p", by: "u0") { $0.title += "!" }
        },
        Step(name: "start a task") {
            try await $0.workspace.moveTask($0.task, in: "p", to: .inProgress, by: "u0")
        },
        Step(name: "add a dependency on a chain") {
            try await $0.workspace.addDependency(of: $0.task, on: "t3", in: "p", by: "u0")
        },
        Step(name: "complete a task") {
            try await $0.workspace.completeTask($0.task, in: "p", by: "u0")
        },
        Step(name: "delete a task") {
            try await $0.workspace.deleteTask($0.task, in: "p", by: "u0")
        },
    ]

    private static let members: [Step] = [
        Step(name: "remove u1, with half of the tasks") {
            try await $0.workspace.removeMember("u1", from: "p", by: "u0")
        },
        Step(name: "add u1") { try await $0.workspace.addMember("u1", to: "p", by: "u0") },
        Step(name: "demote u1") {
            try await $0.workspace.changeMember("u1", of: "p", to: .viewer, by: "u0")
        },
        Step(name: "promote u1") {
            try await $0.workspace.changeMember("u1", of: "p", to: .member, by: "u0")
        },
        Step(name: "suspend u1") { try await $0.workspace.suspendUser("u1") },
        Step(name: "activate u1") { try await $0.workspace.activateUser("u1") },
    ]

    private static let others: [Step] = [
        Step(name: "claim the next task") {
            _ = try await $0.workspace.claimNext(in: "p", by: "u2", lease: .seconds(3600))
        },
        Step(name: "refuse to remove u2, with open tasks") { call in
            do {
                try await call.workspace.removeMember("u2", from: "p", by: "u0")
                fatalError("A member with open tasks was removed.")
            } catch let error as CodexError where error.rule == .memberWork {
                return
            }
        },
        Step(name: "list the open tasks of u1, with none") {
            _ = try await $0.workspace.all(.openTasks(assignedTo: "u1"))
        },
        Step(name: "read the feed") { _ = try await $0.workspace.feed(of: "p") },
        Step(name: "report the risk") { _ = try await $0.workspace.riskReport(of: "p") },
    ]

    // MARK: Data

    private func load(_ taskCount: Int) async throws -> Store {
        let store = try Store(at: directory + "/growth-\(taskCount)", schema: CodexFlow.schema)
        let workspace = CodexFlow.Workspace(store)
        try await workspace.createUser(email: "u0@example.com", name: "User 0", id: "u0")
        try await workspace.createProject(key: "PR", name: "Project", id: "p", owner: "u0")
        let now = Date()
        for first in stride(from: 0, to: taskCount, by: 5000) {
            try await store.write { transaction in
                for number in first..<min(first + 5000, taskCount) {
                    try Self.put(number, of: taskCount, at: now, &transaction)
                }
            }
        }
        try await store.put(
            CodexFlow.NumberSequence(
                projectID: "p", name: CodexFlow.NumberSequence.tasks, last: taskCount))
        return store
    }

    private static func put(
        _ number: Int, of taskCount: Int, at now: Date, _ transaction: inout WriteTransaction
    ) throws {
        if number > 0, number < taskCount / 10 {
            let user = try CodexFlow.User.ID("u\(number)")
            try transaction.put(
                CodexFlow.User(id: user, email: "u\(number)@example.com", name: "User \(number)"))
            try transaction.put(
                CodexFlow.Member(projectID: "p", userID: user, role: .member, createdAt: now))
        }
        var task = CodexFlow.Task(
            id: try .init("t\(number)"), projectID: "p", title: "Task number \(number)",
            status: number.isMultiple(of: 2) ? .done : .todo, createdAt: now)
        task.number = number + 1
        task.estimate = number % 13
        if number.isMultiple(of: 2) { task.assigneeID = "u1" }
        if number % 4 == 1 { task.assigneeID = "u2" }
        try transaction.put(task)
        if number % 40 == 3, number + 40 < taskCount {
            try transaction.put(
                CodexFlow.Dependency(
                    projectID: "p", taskID: task.id, blockerID: try .init("t\(number + 40)"),
                    isOpen: true, createdAt: now))
        }
        var facts = CodexFlow.Activity.Facts(from: nil, to: .todo)
        facts.points = task.estimate
        try transaction.put(
            CodexFlow.Activity(
                id: try .init("a\(1_000_000_000 + number)"), projectID: "p", taskID: task.id,
                actorID: "u0", at: now, day: CalendarDay(now), kind: .created, facts: facts))
    }

    // MARK: Times

    private func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = clock.now
        try await body()
        return Double(nanoseconds(clock.now - start)) / 1e6
    }

    /// How long small writes take while `body` runs.
    private func waits(
        _ store: Store, during body: () async throws -> Void
    ) async throws -> [Double] {
        let prober = Task.detached { () -> [Double] in
            var times: [Double] = []
            while !Task.isCancelled {
                let item: Item = ["PK": "PROBE", "SK": "PROBE", "n": .number(Number(times.count))]
                let time = try? await milliseconds {
                    try await store.put(item, in: CodexFlow.table)
                }
                if let time { times.append(time) }
            }
            return times
        }
        defer { prober.cancel() }
        try await body()
        prober.cancel()
        return await prober.value
    }
}
