// The code of Docs/Services.md, Docs/Analytics.md and Docs/Upgrades.md.

import Codex
import CodexTesting
import Foundation
import Testing

/// Takes a task from the queue and works on it; `false` if none is ready.
///
/// With the same key it goes on with the same task, if the task was not finished.
func workOnce(
    on project: CodexFlow.Project.ID, by worker: CodexFlow.User.ID,
    in workspace: CodexFlow.Workspace, key: String,
    _ work: @Sendable (CodexFlow.Task) async throws -> CodexFlow.Task.Result
) async throws -> Bool {
    let claimed = try await workspace.idempotent("\(key) claim").claimNext(
        in: project, by: worker, lease: .seconds(900))
    guard let task = claimed, let token = task.claim?.token else { return false }
    try await workspace.moveTask(
        task.id, in: project, to: .inProgress, by: worker, holding: token)
    // A repeated claim began earlier. Long work renews the claim meanwhile, too.
    try await workspace.renewClaim(
        of: task.id, in: project, by: worker, holding: token, lease: .seconds(900))
    let result: CodexFlow.Task.Result
    do {
        result = try await work(task)
    } catch let error where Task.isCancelled {
        // A command of a cancelled Swift task throws, so a new one releases the claim.
        _ = await Task {
            try await workspace.releaseTask(task.id, in: project, by: worker, holding: token)
        }.result
        throw error
    } catch {
        try await workspace.failTask(
            task.id, in: project, by: worker, holding: token, retryAfter: .seconds(60))
        return true
    }
    try await workspace.idempotent("\(key) done").completeTask(
        task.id, in: project, by: worker, holding: token, result: result)
    return true
}

/// Finishes the upgrade of a store that has CodexFlow's models, after `codexflow migrate`.
func finishUpgrade(of path: String) async throws {
    // The program's own schema, if it has one: the opening adds what the store lacks.
    let store = try Store(at: path, schema: CodexFlow.schema)
    defer { store.close() }
    try await store.waitUntilReady()
    let workspace = CodexFlow.Workspace(store)
    for project in try store.all(.projects) where !project.isReadOnly {
        try await workspace.repairQueue(of: project.id, by: project.ownerID)
    }
    let review = CodexFlow.EmailReview(of: try store.all(.users))
    for collision in review.collisions { print("one address:", collision.users) }
    for id in review.refused { print("another address is needed:", id) }
    for id in review.migratable {
        try await workspace.changeUser(id) { $0.adoptEmailRule() }
    }
    try await store.runAnalytics(until: .caughtUp)
}

@Suite("The domain, as its documents show it")
struct DomainClientTests {
    @Test("A program uses the services and their events")
    func services() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let workspace = CodexFlow.Workspace(store)
        try await workspace.createUser(email: "ada@example.com", name: "Ada", id: "ada")
        try await workspace.createProject(key: "ENG", name: "Engine", id: "engine", owner: "ada")
        let task = try await workspace.createTask(in: "engine", by: "ada") {
            $0.title = "Note G"
            $0.status = .todo
            $0.estimate = 5
        }
        try await workspace.moveTask(task.id, in: "engine", to: .inProgress, by: "ada")
        do {
            try await workspace.moveTask(task.id, in: "engine", to: .backlog, by: "ada")
        } catch let error as CodexError where error.rule == .taskTransition {
            print(error.violation?.field ?? "", error.violation?.values ?? [:])
        }
        try await workspace.completeTask(task.id, in: "engine", by: "ada")
        #expect(try store.get(.task(task.id, in: "engine"))?.status == .done)

        let next = try await workspace.createTask(in: "engine", by: "ada") {
            ($0.title, $0.status) = ("Note H", .todo)
        }
        do {
            let token = try await workspace.claimTask(
                next.id, in: "engine", by: "ada", lease: .seconds(900)
            ).claim?.token
            try await workspace.moveTask(
                next.id, in: "engine", to: .inProgress, by: "ada", holding: token)
            // The work. Renew the claim before the lease ends, if it takes longer.
            try await workspace.completeTask(next.id, in: "engine", by: "ada", holding: token)
        } catch let error as CodexError where error.rule == .taskClaimed {
            print("another worker has it")
        } catch let error as CodexError where error.rule == .taskNotHeld {
            print("the claim ended during the work")
        }
        #expect(try store.get(.task(next.id, in: "engine"))?.claim == nil)
        #expect(try store.get(.task(next.id, in: "engine"))?.status == .done)

        let delivery = Task {
            try await store.addSubscription("notifications")
            let pattern = try CodexFlow.EventPattern(
                #"{"detail-type": ["TaskAssigned"], "detail": {"projectId": ["engine"]}}"#)
            try await store.deliverEvents(to: "notifications", matching: pattern) { event in
                print(event.json)
            }
        }
        delivery.cancel()
        await #expect(throws: (any Error).self) { try await delivery.value }
    }

    /// A store with the user `ada` and her project `engine`.
    private func makeStore() async throws -> TemporaryStore {
        let temporary = try TemporaryStore()
        let workspace = CodexFlow.Workspace(temporary.store)
        try await workspace.createUser(email: "ada@example.com", name: "Ada", id: "ada")
        try await workspace.createProject(key: "ENG", name: "Engine", id: "engine", owner: "ada")
        return temporary
    }

    @Test("A worker takes tasks from the queue: it fails, is cancelled, and completes")
    func worker() async throws {
        struct WorkFailed: Error {}
        let temporary = try await makeStore()
        // The clock stands still, so the failed task stays out of the queue.
        let clock = ManualClock(Date())
        let workspace = CodexFlow.Workspace(temporary.store, clock: { clock.now })
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await workspace.createTask(in: "engine", by: "ada", id: id) {
                ($0.title, $0.status) = ("T", .todo)
                $0.priority = id == "a" ? .high : .low
            }
        }
        let hasFailed = try await workOnce(on: "engine", by: "ada", in: workspace, key: "1") { _ in
            throw WorkFailed()
        }
        let failed = try temporary.store.get(.task("a", in: "engine"))
        #expect(hasFailed && failed?.notBefore != nil && failed?.attempts == 1)

        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            defer { started.finish() }
            return try await workOnce(on: "engine", by: "ada", in: workspace, key: "2") { _ in
                started.yield()
                try await Task.sleep(for: .seconds(900))
                throw WorkFailed()
            }
        }
        for await _ in starts { running.cancel() }
        await #expect(throws: CancellationError.self) { try await running.value }
        let released = try temporary.store.get(.task("b", in: "engine"))
        #expect(released?.claim == nil && released?.attempts == 0)

        let isDone = try await workOnce(on: "engine", by: "ada", in: workspace, key: "3") { task in
            CodexFlow.Task.Result(text: "Task \(task.id) works.")
        }
        let done = try temporary.store.get(.task("b", in: "engine"))
        #expect(isDone && done?.status == .done && done?.result?.text == "Task b works.")
        let isLast = try await workOnce(on: "engine", by: "ada", in: workspace, key: "4") { _ in
            CodexFlow.Task.Result()
        }
        #expect(!isLast)
    }

    @Test("A project that was imported without the services gets its history")
    func adoption() async throws {
        let temporary = try await makeStore()
        let store = temporary.store
        let workspace = CodexFlow.Workspace(store)
        for (id, status) in [("a", .done), ("b", .todo)]
            as [(CodexFlow.Task.ID, CodexFlow.Task.Status)]
        {
            var task = CodexFlow.Task(id: id, projectID: "engine", title: "T", status: status)
            task.estimate = 5
            task.isImport = true
            try await store.put(task)
        }
        try await workspace.adoptHistory(of: "engine", by: "ada")
        try await store.runAnalytics(until: .caughtUp)
        let zone = try store.get(.project("engine"))?.timeZone
        let today = SystemCalendar().day(of: Date(), in: zone)
        let report = try await workspace.analyticsReport(
            of: "engine", from: today.adding(days: -27), through: today)
        print(report.states.last?.remaining ?? 0, report.velocity ?? 0)
        #expect(report.states.last?.remaining == 5)
        #expect(report.velocity == 0)
    }

    @Test("An upgrade is finished by a program")
    func upgrade() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/store"
        let old = try Store(at: path, schema: CodexFlow.schema)
        let workspace = CodexFlow.Workspace(old)
        try await workspace.createUser(email: "ada@example.com", name: "Ada", id: "ada")
        try await workspace.createProject(key: "ENG", name: "Engine", id: "engine", owner: "ada")
        var task = CodexFlow.Task(id: "a", projectID: "engine", title: "T", status: .todo)
        task.isBlocked = true
        try await old.put(task)
        try await old.removeIndex(CodexFlow.Index.gsi6, from: CodexFlow.table)
        old.close()
        try await finishUpgrade(of: path)
        let store = try Store(at: path)
        defer { store.close() }
        let claimed = try await CodexFlow.Workspace(store).claimNext(
            in: "engine", by: "ada", lease: .seconds(60))
        #expect(claimed?.id == "a")
    }
}
