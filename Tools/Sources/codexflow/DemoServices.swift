import Codex
import Foundation

/// Shows the services: enforced rules, events from a commit, a day's analytics, risk, and cached
/// reads.
struct DemoServices {
    let store: Store
    private let project: CodexFlow.Project.ID = "codex-demo"

    func run() async throws {
        let workspace = CodexFlow.Workspace(store)
        Console.print(lines: "\nA project by its rules:")
        try await store.addSubscription("demo.notifications")
        for (id, name) in [("ada", "Ada Lovelace"), ("charles", "Charles Babbage")] {
            try await workspace.createUser(
                email: "\(id)@example.org", name: name, id: try .init(id))
        }
        try await workspace.createProject(
            key: "DEMO", name: "Analytical Engine", id: project, owner: "ada")
        try await workspace.addMember("charles", to: project, by: "ada")
        let notes = try await workspace.createTask(in: project, by: "ada", id: "notes") {
            ($0.title, $0.assigneeID, $0.status) = ("Note G", "charles", .todo)
            $0.estimate = 6
            $0.acceptanceCriteria = [.init(id: "1", text: "computes Bernoulli numbers")]
        }
        let mill = try await workspace.createTask(in: project, by: "ada", id: "mill") {
            ($0.title, $0.status) = ("Build the mill", .todo)
        }
        Console.print("  created \(label(notes)) and \(label(mill))")
        try await workspace.addDependency(of: "notes", on: "mill", in: project, by: "ada")
        await Self.refused("start a task that is blocked") {
            try await workspace.moveTask("notes", in: project, to: .inProgress, by: "charles")
        }
        await Self.refused("let two tasks wait for each other") {
            try await workspace.addDependency(of: "mill", on: "notes", in: project, by: "ada")
        }
        await Self.refused("assign a task to a stranger") {
            try await workspace.assignTask("mill", in: project, to: "nobody", by: "ada")
        }
        for task in ["mill", "notes"] as [CodexFlow.Task.ID] {
            try await workspace.moveTask(task, in: project, to: .inProgress, by: "charles")
            if task == "notes" {
                try await workspace.logWork(8, on: task, in: project, by: "charles")
                await Self.refused("complete a task whose criteria are not met") {
                    try await workspace.completeTask(task, in: project, by: "charles")
                }
                try await workspace.changeTask(task, in: project, by: "charles") {
                    $0.acceptanceCriteria[0].isMet = true
                }
            }
            let done = try await workspace.completeTask(task, in: project, by: "charles")
            Console.print("  completed \(label(done))")
        }
        try await deliver()
        try await analyze(workspace)
    }

    private func label(_ task: CodexFlow.Task) -> String {
        "DEMO-\(task.number ?? 0) \(task.title)"
    }

    /// Runs a command that a rule refuses, and prints the error.
    static func refused(_ what: String, _ body: () async throws -> some Sendable) async {
        do {
            _ = try await body()
            Console.print("  not refused: \(what)")
        } catch {
            Console.print(lines: "  refused: \(what)\n    \(error)")
        }
    }

    /// Shows the events that a notification service would receive, up to the last completion.
    private func deliver() async throws {
        Console.print(lines: "\nEvents for a notification service, of assignments and completions:")
        let pattern = try CodexFlow.EventPattern(
            """
            {"source": ["codexflow.tasks"], "detail-type": ["TaskAssigned", "TaskCompleted"],
             "detail": {"projectId": ["\(project)"]}}
            """)
        let (events, arrival) = AsyncStream<CodexFlow.Event>.makeStream()
        let delivery = _Concurrency.Task {
            try await store.deliverEvents(to: "demo.notifications", matching: pattern) { event in
                arrival.yield(event)
            }
        }
        for await event in events {
            Console.print(lines: "  \(event.json.printableJSON)")
            if event.kind == .taskCompleted, event.detail["taskId"]?.string == "notes" { break }
        }
        delivery.cancel()
        _ = await delivery.result
    }

    /// Shows the day's analytics, which their consumer computes from the same stream.
    private func analyze(_ workspace: CodexFlow.Workspace) async throws {
        let days = store.changes(
            after: .trimHorizon, filter: ChangeFilter(entities: ["analytics"]))
        let consumer = _Concurrency.Task { try await store.runAnalytics() }
        for try await change in days {
            guard let day = try change.new(as: CodexFlow.Analytics.self),
                day.projectID == project, day.metrics.tasksCompleted == 2
            else { continue }
            let text = DynamoDBJSON.plainText(try day.item()).printableJSON
            Console.print(lines: "\nThe day's analytics:\n  \(text)")
            let report = try await workspace.analyticsReport(
                of: project, from: day.date, through: day.date)
            let left = report.states.last?.remaining ?? 0
            Console.print(
                "  \(report.tasksCompleted) completed, \(report.pointsCompleted) points, \(left) "
                    + "left, \(report.hoursLogged) hours logged")
            break
        }
        consumer.cancel()
        _ = await consumer.result
    }

    /// Shows the riskiest of some projects, with their risk read through the cache.
    func assess(_ projects: [CodexFlow.Project.ID]) async throws {
        let cache = try StoreCache(store)
        let workspace = CodexFlow.Workspace(store, cache: cache)
        let clock = ContinuousClock()
        var worst: (project: CodexFlow.Project, report: CodexFlow.RiskReport)?
        let start = clock.now
        for project in projects {
            let report = try await workspace.riskReport(of: project)
            guard let found = try await workspace.get(.project(project)),
                report.riskScore > worst?.report.riskScore ?? -1
            else { continue }
            worst = (found, report)
        }
        let time = (clock.now - start) / .milliseconds(1)
        guard let worst else { return }
        let score = worst.report.riskScore.formatted(.number.precision(.fractionLength(2)))
        Console.print(
            lines: "\nThe riskiest of \(projects.count) projects (assessed in "
                + "\(time.formatted(.number.precision(.fractionLength(1)))) ms): "
                + "\(worst.project.name), \(worst.report.riskLevel.rawValue), \(score)")
        for factor in worst.report.factors.prefix(3) where factor.share > 0 {
            let share = factor.share.formatted(.number.precision(.fractionLength(2)))
            Console.print("  \(share) \(factor.name.rawValue)")
        }
        for line in worst.report.recommendations { Console.print("  - \(line)") }
        // A server would receive the same request many times.
        for _ in 0..<100 {
            for project in projects {
                let owner = try await workspace.get(.project(project))?.ownerID
                if let owner { _ = try cache.all(.tasks(assignedTo: owner), limit: 20) }
            }
        }
        let statistics = cache.statistics
        Console.print(
            lines: "\nThe cache: \(statistics.hitCount) hits, \(statistics.missCount) misses, hit "
                + "rate "
                + statistics.hitRate.formatted(.percent.precision(.fractionLength(1))))
    }
}
