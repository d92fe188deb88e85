import ArgumentParser
import Codex
import Foundation

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Builds a workspace of some thousand items and answers every access pattern.",
        discussion: """
            It then shows the rules, delivered events, the analytics of a day, two agents that \
            claim tasks, risk and the cache. If the current directory is a git repository, its \
            history is imported as another project.
            """)

    @Argument(help: "The directory of the store to make.")
    var store: String

    @Option(help: "The seed; equal seeds make equal workspaces.")
    var seed: UInt64 = 20_251_105

    @Flag(help: "Replace an existing store.")
    var fresh = false

    func run() async throws {
        try removeOld()
        let store = try Store(at: store, schema: CodexFlow.schema)
        defer { store.close() }
        let workspace = try DemoWorkspace(seed: seed)
        try await fill(store, workspace)
        try answer(store, workspace)
        try await DemoServices(store: store).run()
        try await DemoAgents(store: store, path: self.store).run()
        try await importRepository(store)
        try check(store)
        try await DemoServices(store: store).assess(workspace.projects.prefix(10).map(\.id))
    }

    private func removeOld() throws {
        guard FileManager.default.fileExists(atPath: store) else { return }
        guard fresh else {
            throw CodexError(.invalidArgument, "\(store) exists. Give --fresh to replace it.")
        }
        // This refuses a directory that is not a store, before anything is removed.
        try Store(at: store, options: StoreOptions(isReadOnly: true)).close()
        try FileManager.default.removeItem(atPath: store)
    }

    private func fill(_ store: Store, _ workspace: DemoWorkspace) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try await store.write { transaction in
            for user in workspace.users { try transaction.put(user) }
            for session in workspace.sessions { try transaction.put(session) }
            for project in workspace.projects { try transaction.put(project) }
            for sequence in workspace.sequences { try transaction.put(sequence) }
            for prd in workspace.prds { try transaction.put(prd) }
            for day in workspace.analytics { try transaction.put(day) }
        }
        // Many callers write at once: the writer commits the waiting writes as one group.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in workspace.tasks { group.addTask { try await store.put(task) } }
            try await group.waitForAll()
        }
        let count = try store.stats().trees.first { $0.index == nil }?.entryCount ?? 0
        Console.print(
            lines: "Workspace \(seed): \(count) items in \(Console.text(clock.now - start)), "
                + "durable, in \(try store.stats().sequence) commits; \(workspace.tasks.count) of "
                + "them tasks that were put one by one, concurrently.\n")
    }

    private func answer(_ store: Store, _ workspace: DemoWorkspace) throws {
        var answers = Answers()
        let user = workspace.users[4]
        let visitor = workspace.sessions[0].userID
        let project = workspace.projects[2]
        let task = workspace.tasks[100]
        let prd = workspace.prds[6]
        let (first, last) = (workspace.analytics[60].date, workspace.analytics[89].date)

        try answers.add("Get user by ID", "USER#\(user.id) / PROFILE") {
            try store.get(.user(user.id)).map { [$0.name] } ?? []
        }
        try answers.add("Get user by email", "GSI1 EMAIL#\(user.normalizedEmail)") {
            try store.get(.user(email: user.email.uppercased())).map { [$0.name] } ?? []
        }
        try answers.add("Get project by ID", "PROJECT#\(project.id) / METADATA") {
            try store.get(.project(project.id)).map { [$0.name] } ?? []
        }
        try answers.add("List user's projects", "GSI1 OWNER#\(project.ownerID)") {
            try store.all(.projects(ownedBy: project.ownerID)).map(\.name)
        }
        try answers.add("Get task by ID", "PROJECT#\(task.projectID) / TASK#\(task.id)") {
            try store.get(.task(task.id, in: task.projectID)).map { [$0.title] } ?? []
        }
        try answers.add("List user's tasks", "GSI1 ASSIGNEE#\(user.id)") {
            try store.all(.tasks(assignedTo: user.id)).map(\.title)
        }
        try answers.add("Get project tasks", "PROJECT#\(project.id), begins_with TASK#") {
            try store.all(.tasks(in: project.id)).map(\.title)
        }
        try answers.add("Tasks by status", "GSI2 PROJECT#\(project.id)#STATUS#inReview") {
            try store.all(.tasks(in: project.id, status: .inReview)).map(\.title)
        }
        try answers.add("PRDs by approval status", "GSI2 PROJECT#\(project.id)#APPROVAL#approved") {
            try store.all(.prds(in: project.id, approvalStatus: .approved)).map {
                "\($0.title), version \($0.version)"
            }
        }
        try answers.add(
            "Versions of a PRD", "PROJECT#\(prd.projectID), begins_with PRD#\(prd.id)#V#"
        ) {
            try store.all(.versions(of: prd.id, in: prd.projectID)).map { "version \($0.version)" }
        }
        try answers.add("Analytics of some days", "ANALYTICS#\(first) … \(last)") {
            try store.all(.analytics(of: project.id, from: first, through: last)).map {
                "\($0.date): \($0.metrics.tasksCompleted) completed"
            }
        }
        try answers.add("Sessions by user", "GSI2 USER#\(visitor)#SESSIONS") {
            try store.all(.sessions(of: visitor)).map { "opened \(Timestamp.text($0.createdAt))" }
        }
        answers.show()
    }

    /// Imports the repository of the current directory, if there is one.
    private func importRepository(_ store: Store) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let summary: GitImport.Summary
        do {
            summary = try await GitImport(".", into: store).run()
        } catch let error as CodexError {
            Console.print(lines: "\nNo repository history was imported: \(error.message)")
            return
        }
        Console.endProgress()
        Console.print(
            lines: "\nThis repository, in \(Console.text(clock.now - start)): \(summary).")
        var answers = Answers()
        let project = summary.projectID
        let tasks = try store.all(.tasks(in: project))
        try answers.add("Get project tasks", "PROJECT#\(project), begins_with TASK#") {
            try store.all(.tasks(in: project)).map(\.title)
        }
        if let author = tasks.first?.assigneeID {
            try answers.add("List user's tasks", "GSI1 ASSIGNEE#\(author)") {
                try store.all(.tasks(assignedTo: author)).map(\.title)
            }
        }
        answers.show()
    }

    private func check(_ store: Store) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let report = try store.verify()
        Console.print(
            lines: "\nVerified in \(Console.text(clock.now - start)): \(report.itemCount) items, "
                + "\(report.entryCount) index entries, \(report.differences.count) differences. "
                + "The store is \(self.store), "
                + "\(Console.text(bytes: try store.stats().fileByteCount)).")
        if !report.isSound { throw ExitCode(1) }
    }
}

/// The answers to access patterns, each timed.
private struct Answers {
    private var rows: [[String]] = []

    /// Runs a query twice: first to warm up, then with the clock running.
    mutating func add(_ name: String, _ key: String, _ ask: () throws -> [String]) throws {
        _ = try ask()
        let clock = ContinuousClock()
        let start = clock.now
        let results = try ask()
        let duration = clock.now - start
        let sample = results.first.map { results.count == 1 ? $0 : "\($0), …" } ?? "nothing"
        rows.append([
            name, key, "\(results.count)", Console.text(duration), String(sample.prefix(44)),
        ])
    }

    func show() {
        Console.table(["access pattern", "key", "count", "time", "result"], rows, right: [2, 3])
    }
}
