import Codex
import CodexCore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// A command whose requests are counted, on a table whose index reads are three transactions
/// behind.
///
/// The project has the tasks `a`, which is in progress, and `b`, which is ready. They have no
/// parts, no dependencies and no assignee.
struct CommandCost: Sendable, CustomTestStringConvertible {
    typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void
    /// Makes what a command needs, and gives the command.
    typealias Preparation = @Sendable (LaggingScene) async throws -> Command

    /// The name in the documents.
    let name: String
    private let prepare: Preparation

    var testDescription: String { name }

    init(_ name: String, _ command: @escaping Command) {
        self.name = name
        prepare = { _ in command }
    }

    private init(_ name: String, preparing prepare: @escaping Preparation) {
        self.name = name
        self.prepare = prepare
    }

    /// A command on what is made before.
    private static func prepared(_ name: String, _ prepare: @escaping Preparation) -> Self {
        Self(name, preparing: prepare)
    }

    // MARK: Measuring

    /// What a command cost.
    struct Figures: Sendable, Equatable {
        var counts = LaggingTable.Counts()
        /// The round trips before and between transactions.
        var roundCount = 0

        /// The requests apart from transactions.
        var requestCount: Int { counts.reads + counts.updates }

        /// The figures as the table in the documents has them.
        var cells: String {
            "\(requestCount) | \(roundCount) | \(counts.transactions) | \(counts.mostActions)"
        }
    }

    /// Runs the command on a new table, with or without batch reads.
    func measured(hasBatches: Bool = true) async throws -> Figures {
        let scene = try await LaggingScene(hasBatches: hasBatches)
        try await scene.task("a") { $0.status = .inProgress }
        try await scene.task("b") { $0.status = .todo }
        let command = try await prepare(scene)
        let executor = RoundExecutor()
        let workspace = try Self.workspace(scene, executor)
        var figures = Figures()
        figures.counts = try await scene.table.counts {
            // A new task: with a preference alone, the command would begin on another thread.
            try await Task(executorPreference: executor) { try await command(workspace) }.value
        }
        figures.roundCount = executor.readRoundCount
        return figures
    }

    /// A workspace whose requests are in rounds, with the same identifiers each time.
    private static func workspace(
        _ scene: LaggingScene, _ executor: RoundExecutor
    ) throws -> CodexFlow.Workspace {
        let clock = scene.clock
        let count = Mutex(0)
        let table = RoundTable(base: scene.table, executor: executor)
        return CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
            calendar: SystemCalendar(),
            // With `id0`, a worker takes nothing else up while the queue has enough tasks.
            identifiers: { _ in
                count.withLock { count in
                    defer { count += 1 }
                    return "id\(count)"
                }
            })
    }

    static let all = tasks + links + claims + users + projects + documents + bulk

    // MARK: Tasks

    private static let tasks: [CommandCost] = [
        CommandCost("createTask") {
            try await $0.createTask(in: "p", by: "mia", id: "new") { $0.title = "New" }
        },
        CommandCost("createTask(waitingFor:)") {
            try await $0.createTask(in: "p", by: "mia", id: "new", waitingFor: ["b"]) {
                $0.title = "New"
            }
        },
        CommandCost("changeTask") {
            try await $0.changeTask("a", in: "p", by: "mia") { $0.title = "B" }
        },
        CommandCost("moveTask") {
            try await $0.moveTask("b", in: "p", to: .inProgress, by: "mia")
        },
        CommandCost("completeTask") { try await $0.completeTask("a", in: "p", by: "mia") },
        CommandCost("assignTask") {
            try await $0.assignTask("a", in: "p", to: "max", by: "mia")
        },
        CommandCost("archiveTask") { try await $0.archiveTask("a", in: "p", by: "mia") },
        .prepared("restoreTask") { scene in
            try await scene.workspace.archiveTask("a", in: "p", by: "mia")
            return { try await $0.restoreTask("a", in: "p", by: "mia") }
        },
        CommandCost("deleteTask") { try await $0.deleteTask("a", in: "p", by: "mia") },
    ]

    private static let links: [CommandCost] = [
        CommandCost("addComment") {
            try await $0.addComment(on: "a", in: "p", by: "mia", "Hello")
        },
        .prepared("changeComment") { scene in
            let comment = try await scene.workspace.addComment(
                on: "a", in: "p", by: "mia", "Hello")
            return {
                try await $0.changeComment(comment.id, on: "a", in: "p", by: "mia", to: "Bye")
            }
        },
        .prepared("deleteComment") { scene in
            let comment = try await scene.workspace.addComment(
                on: "a", in: "p", by: "mia", "Hello")
            return { try await $0.deleteComment(comment.id, on: "a", in: "p", by: "mia") }
        },
        CommandCost("addDependency") {
            try await $0.addDependency(of: "a", on: "b", in: "p", by: "mia")
        },
        .prepared("removeDependency") { scene in
            try await scene.workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
            return { try await $0.removeDependency(of: "a", on: "b", in: "p", by: "mia") }
        },
        CommandCost("logWork") { try await $0.logWork(1, on: "b", in: "p", by: "mia") },
        .prepared("correctWork") { scene in
            let log = try await scene.workspace.logWork(1, on: "b", in: "p", by: "mia")
            let day = try #require(log?.day)
            return {
                try await $0.correctWork(
                    1, of: "mia", on: "b", in: "p", day: day, by: "olga")
            }
        },
    ]

    // MARK: Claims

    /// Claims the task `b` as `max`, and gives the token.
    private static func claim(_ scene: LaggingScene) async throws -> Int {
        let task = try await scene.workspace.claimTask(
            "b", in: "p", by: "max", lease: .seconds(60))
        return try #require(task.claim?.token)
    }

    /// A queue of a few tasks, which the indexes have.
    private static func makeQueue(_ scene: LaggingScene) async throws {
        for id in ["t0", "t1", "t2"] as [CodexFlow.Task.ID] {
            try await scene.task(id) { $0.status = .todo }
        }
        try await catchUp(scene)
    }

    /// Lets the indexes see what is there.
    private static func catchUp(_ scene: LaggingScene) async throws {
        for id in ["x", "y", "z"] as [CodexFlow.Task.ID] { try await scene.task(id) }
    }

    private static let claims: [CommandCost] = [
        CommandCost("claimTask") {
            try await $0.claimTask("b", in: "p", by: "max", lease: .seconds(60))
        },
        .prepared("renewClaim") { scene in
            let token = try await CommandCost.claim(scene)
            return {
                try await $0.renewClaim(
                    of: "b", in: "p", by: "max", holding: token, lease: .seconds(90))
            }
        },
        .prepared("releaseTask") { scene in
            let token = try await CommandCost.claim(scene)
            return { try await $0.releaseTask("b", in: "p", by: "max", holding: token) }
        },
        .prepared("failTask") { scene in
            let token = try await CommandCost.claim(scene)
            return { try await $0.failTask("b", in: "p", by: "max", holding: token) }
        },
        .prepared("reviveTask") { scene in
            try await scene.workspace.changeTask("b", in: "p", by: "mia") {
                $0.maximumAttempts = 1
            }
            let token = try await CommandCost.claim(scene)
            try await scene.workspace.failTask("b", in: "p", by: "max", holding: token)
            return { try await $0.reviveTask("b", in: "p", by: "mia") }
        },
        .prepared("claimNext") { scene in
            try await CommandCost.makeQueue(scene)
            return { workspace in
                let task = try await workspace.claimNext(
                    in: "p", by: "max", lease: .seconds(60))
                #expect(task != nil)
            }
        },
        .prepared("expireClaims") { scene in
            _ = try await CommandCost.claim(scene)
            scene.clock.advance(by: 60)
            try await CommandCost.catchUp(scene)
            return { workspace in
                let count = try await workspace.expireClaims(in: "p")
                #expect(count == 1)
            }
        },
        CommandCost("repairQueue") { _ = try await $0.repairQueue(of: "p", by: "olga") },
        CommandCost("verifyQueue") { _ = try await $0.verifyQueue(of: "p") },
        CommandCost("adoptHistory") { _ = try await $0.adoptHistory(of: "p", by: "olga") },
    ]

    // MARK: Users

    private static let users: [CommandCost] = [
        CommandCost("createUser") {
            try await $0.createUser(email: "x@example.com", name: "X", id: "x")
        },
        CommandCost("changeUser") { try await $0.changeUser("max") { $0.name = "Other" } },
        .prepared("activateUser") { scene in
            try await scene.workspace.suspendUser("max")
            return { try await $0.activateUser("max") }
        },
        CommandCost("suspendUser") { try await $0.suspendUser("max") },
        CommandCost("deleteUser") { try await $0.deleteUser("max") },
        CommandCost("openSession") { _ = try await $0.openSession(for: "max") },
        .prepared("session") { scene in
            let opened = try await scene.workspace.openSession(for: "max")
            scene.clock.advance(by: 300)
            return { workspace in
                let session = try await workspace.session(token: opened.token)
                #expect(session?.lastSeenAt != nil)
            }
        },
        .prepared("revokeSession") { scene in
            let opened = try await scene.workspace.openSession(for: "max")
            return { try await $0.revokeSession(token: opened.token) }
        },
        .prepared("revokeSessions") { scene in
            _ = try await scene.workspace.openSession(for: "max")
            return { try await $0.revokeSessions(of: "max") }
        },
    ]

    // MARK: Projects

    private static let projects: [CommandCost] = [
        CommandCost("createProject") {
            try await $0.createProject(key: "NEW", name: "New", id: "q", owner: "mia")
        },
        CommandCost("changeProject") {
            try await $0.changeProject("p", by: "olga") { $0.name = "Other" }
        },
        CommandCost("archiveProject") { try await $0.archiveProject("p", by: "olga") },
        .prepared("restoreProject") { scene in
            try await scene.workspace.archiveProject("p", by: "olga")
            return { try await $0.restoreProject("p", by: "olga") }
        },
        CommandCost("transferProject") {
            try await $0.transferProject("p", to: "max", by: "olga")
        },
        CommandCost("deleteProject") { try await $0.deleteProject("p", by: "olga") },
        CommandCost("resumeDeletions") { _ = try await $0.resumeDeletions() },
        .prepared("addMember") { scene in
            try await scene.workspace.removeMember("max", from: "p", by: "olga")
            return { try await $0.addMember("max", to: "p", by: "olga") }
        },
        CommandCost("changeMember") {
            try await $0.changeMember("mia", of: "p", to: .admin, by: "olga")
        },
        CommandCost("removeMember") { try await $0.removeMember("max", from: "p", by: "olga") },
        CommandCost("resumeLeaving") { try await $0.resumeLeaving(of: "max", in: "p") },
    ]

    // MARK: PRDs

    /// Makes a PRD of which one version is a draft.
    private static func makeDraft(_ scene: LaggingScene) async throws {
        let story = CodexFlow.PRD.Story(
            id: "s", description: "A story", acceptanceCriteria: ["A criterion"])
        try await scene.workspace.createPRD(
            in: "p", title: "T", content: .init(overview: "o", userStories: [story]), by: "mia",
            id: "d")
    }

    private static let documents: [CommandCost] = [
        CommandCost("createPRD") {
            try await $0.createPRD(
                in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d")
        },
        .prepared("addPRDVersion") { scene in
            try await CommandCost.makeDraft(scene)
            return {
                try await $0.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") {
                    $0.title = "U"
                }
            }
        },
        .prepared("submitPRD") { scene in
            try await CommandCost.makeDraft(scene)
            return { try await $0.submitPRD("d", version: 1, in: "p", by: "mia") }
        },
        .prepared("reviewPRD") { scene in
            try await CommandCost.makeDraft(scene)
            let version = try await scene.workspace.submitPRD(
                "d", version: 1, in: "p", by: "mia")
            let hash = try #require(version.contentHash)
            return {
                try await $0.reviewPRD(
                    "d", version: 1, contentHash: hash, in: "p", by: "max",
                    decision: .approve)
            }
        },
        .prepared("archivePRD") { scene in
            try await CommandCost.makeDraft(scene)
            return { try await $0.archivePRD("d", version: 1, in: "p", by: "olga") }
        },
    ]

    // MARK: Many elements

    private static let bulk: [CommandCost] = [
        CommandCost("createTasks") {
            try await $0.createTasks(from: ["One", "Two"], in: "p", by: "mia") { draft, task in
                task.title = draft
            }
        },
        CommandCost("createPRDs") {
            try await $0.createPRDs(from: ["One", "Two"], in: "p", by: "mia") { draft, prd in
                prd.title = draft
                prd.content = .init(overview: "o")
            }
        },
        CommandCost("createUsers") {
            let users = ["x", "y"].map { name in
                CodexFlow.User(
                    id: .init(stringLiteral: name), email: "\(name)@example.com", name: name)
            }
            try await $0.createUsers(users)
        },
        .prepared("moveTasks") { scene in
            try await scene.task("c") { $0.status = .todo }
            return {
                try await $0.moveTasks(["b", "c"], in: "p", to: .inProgress, by: "mia")
            }
        },
        CommandCost("addDependencies") {
            try await $0.addDependencies([(task: "a", blocker: "b")], in: "p", by: "mia")
        },
        .prepared("addMembers") { scene in
            try await scene.workspace.removeMember("max", from: "p", by: "olga")
            return {
                try await $0.addMembers([(user: "max", role: .member)], to: "p", by: "olga")
            }
        },
    ]
}
