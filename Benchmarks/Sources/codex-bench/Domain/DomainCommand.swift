import ArgumentParser
import Codex
import Foundation

/// What the services cost beside bare puts, and what the analytics consumer takes.
struct Domain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Creating tasks by the services and bare; the analytics consumer; the growth of "
            + "commands."
    )

    @OptionGroup var scratch: Scratch
    @Option(help: "How many entries of history are rebuilt from.")
    var history = 1_000_000
    @Option(help: "Seconds for each measurement.")
    var seconds = 2.0
    @Flag(help: "Measures the growth of commands alone.")
    var growth = false
    @Flag(help: "Measures the claims of many processes alone.")
    var claims = false

    func run() async throws {
        let isWhole = !growth && !claims
        try await scratch.use { directory in
            if isWhole || claims {
                try await ClaimRun(directory: directory, workerCount: 64, taskCount: 10_000)
                    .measure()
            }
            if isWhole {
                let run = DomainRun(directory: directory, seconds: seconds)
                for writerCount in [1, 64] {
                    try await run.measureCreation(writerCount)
                }
                try await run.measureConsumer()
                try await run.measureRebuild(history)
            }
            if isWhole || growth {
                for taskCount in [1000, 10_000, 100_000] {
                    try await GrowthRun(directory: directory).measure(taskCount)
                }
            }
        }
    }
}

private let clock = ContinuousClock()

private struct DomainRun: Sendable {
    static let projectCount = 20
    static let userCount = 50

    let directory: String
    let seconds: Double

    /// A store with users, projects and members.
    private func makeStore(_ name: String) async throws -> Store {
        let store = try Store(at: directory + "/" + name, schema: CodexFlow.schema)
        let workspace = CodexFlow.Workspace(store)
        for number in 0..<Self.userCount {
            try await workspace.createUser(
                email: "u\(number)@example.com", name: "User \(number)", id: try .init("u\(number)")
            )
        }
        for number in 0..<Self.projectCount {
            let id = try CodexFlow.Project.ID("p\(number)")
            try await workspace.createProject(
                key: "P\(number)", name: "Project \(number)", id: id, owner: "u0")
            for user in 1..<Self.userCount {
                try await workspace.addMember(try .init("u\(user)"), to: id, by: "u0")
            }
        }
        return store
    }

    /// Runs a body on a number of writers for a time; returns how often a second.
    private func rate(
        _ writerCount: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Double {
        let start = clock.now
        let end = start + .seconds(seconds)
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<writerCount {
                group.addTask {
                    var count = 0
                    while clock.now < end {
                        try await body(writer + count * writerCount)
                        count += 1
                    }
                    return count
                }
            }
            var total = 0
            for try await count in group { total += count }
            return total
        }
        return Double(counts) / Double(nanoseconds(clock.now - start)) * 1e9
    }

    private static func fill(_ task: inout CodexFlow.Task, _ number: Int) throws {
        task.title = "Task number \(number): measure what it costs"
        task.body = String(repeating: "What is to be done, said at some length. ", count: 5)
        task.assigneeID = try .init("u\(number % userCount)")
        task.status = .todo
        task.estimate = number % 13
        task.labels = ["api"]
        task.dueDate = CalendarDay("2030-01-01")
    }

    func measureCreation(_ writerCount: Int) async throws {
        let store = try await makeStore("create-\(writerCount)")
        let workspace = CodexFlow.Workspace(store)
        var (services, bare): ([Double], [Double]) = ([], [])
        for round in 0..<5 {
            services.append(
                try await rate(writerCount) { number in
                    let project = try CodexFlow.Project.ID("p\(number % Self.projectCount)")
                    try await workspace.createTask(in: project, by: "u0") {
                        try Self.fill(&$0, number)
                    }
                })
            bare.append(
                try await rate(writerCount) { number in
                    var task = CodexFlow.Task(
                        id: try .init("b\(round)-\(number)"),
                        projectID: try .init("p\(number % Self.projectCount)"), title: "",
                        createdAt: Date())
                    try Self.fill(&task, number)
                    task.number = 1_000_000 * (round + 1) + number
                    task.reporterID = "u0"
                    task.updatedAt = task.createdAt
                    task.statusChangedAt = task.createdAt
                    try await store.put(task)
                })
        }
        say("creating tasks, \(writerCount) writers, each commit durable")
        row("by the services, tasks/s", services)
        row("bare puts with the same indexes, tasks/s", bare)
        row("ratio", ratios(services, bare), goal: "0.5")
        store.close()
    }

    /// The consumer beside 64 writers who create and move tasks.
    func measureConsumer() async throws {
        let store = try await makeStore("consumer")
        let workspace = CodexFlow.Workspace(store)
        let consumer = Task.detached {
            do {
                try await store.runAnalytics()
            } catch {
                // One that ended would never be at the end.
                if !Task.isCancelled { fatalError("The consumer ended: \(error)") }
            }
        }
        let sampler = Task.detached { () -> [Double] in
            var lags: [Double] = []
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(20))
                let status = try store.consumers().first { $0.name == Store.analyticsConsumer }
                lags.append(Double(status?.lagCommitCount ?? 0))
            }
            return lags
        }
        let start = try store.stats().sequence
        let commands = try await rate(64) { number in
            let project = try CodexFlow.Project.ID("p\(number % Self.projectCount)")
            let task = try await workspace.createTask(in: project, by: "u0") {
                try Self.fill(&$0, number)
            }
            try await workspace.moveTask(task.id, in: project, to: .inProgress, by: "u0")
            try await workspace.completeTask(task.id, in: project, by: "u0")
        }
        sampler.cancel()
        let lags = try await sampler.value
        let end = try store.read { try $0.sequenceNumber }
        let drained = clock.now
        // One more, since the last commit may be the consumer's own, which is none of its business.
        try await workspace.createTask(in: "p0", by: "u0") { try Self.fill(&$0, 0) }
        while true {
            let status = try store.consumers().first { $0.name == Store.analyticsConsumer }
            if let status, status.sequenceNumber > end { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        let rest = Double(nanoseconds(clock.now - drained)) / 1e6
        consumer.cancel()
        _ = await consumer.result
        say("the analytics consumer beside 64 writers")
        row("tasks created, started and completed, tasks/s", [commands])
        row("commits behind, 20 ms apart", lags)
        row("until it is at the end afterwards, ms", [rest])
        say("  commits: \(try store.stats().sequence - start)")
        store.close()
    }

    /// All analytics anew from a large history.
    func measureRebuild(_ count: Int) async throws {
        let store = try await makeStore("rebuild")
        note("writing \(count) entries of history")
        let start = Date(timeIntervalSince1970: 1_700_000_000)
        for first in stride(from: 0, to: count, by: 10_000) {
            try await store.write { transaction in
                for number in first..<min(first + 10_000, count) {
                    let at = start + Double(number) * 30
                    var facts = CodexFlow.Activity.Facts(
                        from: number % 3 == 0 ? nil : .todo,
                        to: [.todo, .inProgress, .done][number % 3])
                    facts.points = number % 13
                    facts.assigneeID = try .init("u\(number % Self.userCount)")
                    facts.cycleSeconds = number % 100_000
                    facts.leadSeconds = number % 200_000
                    if number % 3 == 0 {
                        try transaction.put(
                            CodexFlow.Task(
                                id: try .init("t\(number / 3)"),
                                projectID: try .init("p\(number / 3 % Self.projectCount)"),
                                title: "T", status: .done))
                    }
                    try transaction.put(
                        CodexFlow.Activity(
                            id: try .init("a\(1_000_000_000 + number)"),
                            projectID: try .init("p\(number / 3 % Self.projectCount)"),
                            taskID: try .init("t\(number / 3)"), actorID: "u0", at: at,
                            day: CalendarDay(at), kind: number % 3 == 0 ? .created : .moved,
                            facts: facts))
                }
            }
        }
        let begin = clock.now
        let days = try await store.rebuildAnalytics()
        let taken = Double(nanoseconds(clock.now - begin)) / 1e9
        say("analytics anew from \(count) entries: \(days) days")
        row("seconds", [taken], goal: "30")
        store.close()
    }
}
