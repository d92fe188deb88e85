import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// The actions of each command on a table like DynamoDB, against the documents.
@Suite("Actions of each command")
struct CommandActionTests {
    typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    /// A command as it is when it takes many actions.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// What is done first, with the clock of the scene.
        let before: @Sendable (LaggingScene) async throws -> Void
        let command: Command

        var testDescription: String { name }

        init(
            _ name: String, after before: @escaping @Sendable (LaggingScene) async throws -> Void,
            _ command: @escaping Command
        ) {
            (self.name, self.before, self.command) = (name, before, command)
        }

        init(_ name: String, _ command: @escaping Command) {
            self.init(name, after: { _ in }, command)
        }
    }

    // MARK: Scenes

    private static let dependencyCount = CodexFlow.Limits.dependencyCountMax

    /// How many of many equal commands each case performs itself, after the items of the others.
    ///
    /// Index reads are then as far behind as they can be.
    private static let lastCount = LaggingTable.lag + 1

    /// The items that commands leave, for all cases that begin with these commands.
    ///
    /// - Parameter make: Performs the commands.
    /// - Returns: The items, once.
    private static func items(
        _ make: @escaping @Sendable (LaggingScene) async throws -> Void
    ) -> Task<[Item], any Error> {
        Task {
            let scene = try await LaggingScene()
            try await make(scene)
            return try scene.contents
        }
    }

    private static let unfinishedHub = items(makeUnfinishedHub)
    private static let waitingHub = items(makeWaitingHub)
    private static let sessions = items(makeFirstSessions)

    /// The task `hub` without its last dependencies.
    private static func makeUnfinishedHub(_ scene: LaggingScene) async throws {
        for id in ["whole", "other"] as [CodexFlow.Task.ID] { try await scene.task(id) }
        try await scene.workspace.addDependency(of: "whole", on: "other", in: "p", by: "mia")
        try await scene.task("hub") { task in
            (task.status, task.parentID, task.assigneeID) = (.todo, "whole", "max")
        }
        try await addDependencies(0..<(dependencyCount - lastCount), scene)
    }

    private static func addDependencies(
        _ numbers: Range<Int>, _ scene: LaggingScene
    ) async throws {
        for number in numbers {
            let before = CodexFlow.Task.ID(stringLiteral: "b\(number)")
            let after = CodexFlow.Task.ID(stringLiteral: "a\(number)")
            for id in [before, after] { try await scene.task(id) }
            try await scene.workspace.addDependency(of: "hub", on: before, in: "p", by: "mia")
            try await scene.workspace.addDependency(of: after, on: "hub", in: "p", by: "mia")
        }
    }

    /// The task `hub` with as many dependencies as may be, as a part of a whole that waits for
    /// another task, with an assignee.
    private static func makeHub(_ scene: LaggingScene) async throws {
        try await scene.add(unfinishedHub.value)
        try await addDependencies((dependencyCount - lastCount)..<dependencyCount, scene)
    }

    private static func makeCanceledHub(_ scene: LaggingScene) async throws {
        try await makeHub(scene)
        try await scene.workspace.moveTask("hub", in: "p", to: .canceled, by: "olga")
    }

    private static func makeArchivedHub(_ scene: LaggingScene) async throws {
        try await makeHub(scene)
        try await scene.workspace.archiveTask("hub", in: "p", by: "olga")
    }

    /// The task `hub` whose blockers are finished but for the last ones.
    private static func makeWaitingHub(_ scene: LaggingScene) async throws {
        try await makeHub(scene)
        try await finishBlockers(0..<(dependencyCount - lastCount), scene)
    }

    private static func finishBlockers(_ numbers: Range<Int>, _ scene: LaggingScene) async throws {
        for number in numbers {
            try await scene.workspace.moveTask(
                .init(stringLiteral: "b\(number)"), in: "p", to: .canceled, by: "olga")
        }
    }

    /// The task `hub` whose blockers are finished.
    private static func makeReadyHub(_ scene: LaggingScene) async throws {
        try await scene.add(waitingHub.value)
        try await finishBlockers((dependencyCount - lastCount)..<dependencyCount, scene)
    }

    /// The task `hub` whose blockers were finished, and nothing in the queue tells.
    private static func makeDriftedHub(_ scene: LaggingScene) async throws {
        try await makeHub(scene)
        for number in 0..<dependencyCount {
            try await scene.store.update(.task(.init(stringLiteral: "b\(number)"), in: "p")) {
                $0.status = .done
            }
        }
    }

    /// Two tasks, with a comment and logged work on the first.
    private static func makeTasks(_ scene: LaggingScene) async throws {
        try await scene.task("a") { ($0.status, $0.assigneeID) = (.todo, "mia") }
        try await scene.task("b")
        try await scene.workspace.logWork(1, on: "a", in: "p", by: "mia")
    }

    private static func makeClaim(_ scene: LaggingScene) async throws {
        try await makeTasks(scene)
        try await scene.workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
    }

    private static func makeClaims(_ scene: LaggingScene) async throws {
        for number in 0..<14 {
            let id = CodexFlow.Task.ID(stringLiteral: "t\(number)")
            try await scene.task(id) { ($0.status, $0.assigneeID) = (.todo, "max") }
            try await scene.workspace.claimTask(id, in: "p", by: "max", lease: .seconds(60))
        }
    }

    private static func makeExpiredClaims(_ scene: LaggingScene) async throws {
        try await makeClaims(scene)
        scene.clock.advance(by: 60)
        // The indexes are a few transactions behind.
        for id in ["x", "y", "z", "w"] as [CodexFlow.Task.ID] { try await scene.task(id) }
    }

    private static func makeFirstSessions(_ scene: LaggingScene) async throws {
        try await openSessions(CodexFlow.Limits.sessionCountMax - lastCount, scene)
    }

    private static func openSessions(_ count: Int, _ scene: LaggingScene) async throws {
        for _ in 0..<count { _ = try await scene.workspace.openSession(for: "max") }
    }

    private static func makeSessions(_ scene: LaggingScene) async throws {
        try await scene.add(sessions.value)
        try await openSessions(lastCount, scene)
    }

    private static func makeDocument(_ scene: LaggingScene) async throws {
        try await scene.workspace.createPRD(
            in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d")
    }

    /// A task with as many parts as may move.
    private static func makeParts(_ scene: LaggingScene) async throws {
        try await makeTasks(scene)
        for id in ["from", "to"] as [CodexFlow.Task.ID] { try await scene.task(id) }
        try await scene.task("moved") { $0.parentID = "from" }
        for number in 0..<CodexFlow.Limits.remotePartCountMax {
            try await scene.task(.init(stringLiteral: "t\(number)")) { $0.parentID = "moved" }
        }
        // Something waits for the new whole, so the search looks at parts.
        try await scene.workspace.addDependency(of: "a", on: "to", in: "p", by: "mia")
    }

    private static func makeBlockers(_ scene: LaggingScene) async throws {
        try await scene.task("whole")
        for number in 0..<CodexFlow.Limits.remoteBlockerCountMax {
            try await scene.task(.init(stringLiteral: "b\(number)"))
        }
    }

    // MARK: Commands

    private static let tasks: [Case] = [
        Case("createTask", after: makeTasks) {
            try await $0.createTask(in: "p", by: "mia", id: "new") { task in
                (task.title, task.parentID, task.assigneeID) = ("New", "a", "max")
            }
        },
        Case("createTask(waitingFor:)", after: makeBlockers) {
            let ids = (0..<CodexFlow.Limits.remoteBlockerCountMax).map {
                CodexFlow.Task.ID(stringLiteral: "b\($0)")
            }
            try await $0.createTask(in: "p", by: "mia", id: "new", waitingFor: ids) { task in
                (task.title, task.parentID, task.assigneeID) = ("New", "whole", "max")
            }
        },
        Case("changeTask", after: makeParts) {
            try await $0.changeTask("moved", in: "p", by: "mia") { task in
                (task.parentID, task.assigneeID) = ("to", "max")
            }
        },
        Case("moveTask", after: makeReadyHub) {
            try await $0.moveTask("hub", in: "p", to: .inProgress, by: "mia")
        },
        Case("moveTask", after: makeHub) {
            try await $0.moveTask("hub", in: "p", to: .canceled, by: "mia")
        },
        Case("moveTask", after: makeCanceledHub) {
            try await $0.moveTask("hub", in: "p", to: .todo, by: "mia")
        },
        Case(
            "completeTask",
            after: { scene in
                try await CommandActionTests.makeReadyHub(scene)
                try await scene.workspace.moveTask("hub", in: "p", to: .inProgress, by: "mia")
            }
        ) { try await $0.completeTask("hub", in: "p", by: "mia") },
        Case("assignTask", after: makeClaim) {
            try await $0.assignTask("a", in: "p", to: "max", by: "olga")
        },
        Case("archiveTask", after: makeHub) {
            try await $0.archiveTask("hub", in: "p", by: "mia")
        },
        Case("restoreTask", after: makeArchivedHub) {
            try await $0.restoreTask("hub", in: "p", by: "mia")
        },
        Case("deleteTask", after: makeHub) { try await $0.deleteTask("hub", in: "p", by: "olga") },
        Case("addComment", after: makeTasks) {
            try await $0.addComment(on: "a", in: "p", by: "mia", "Hello")
        },
        Case("addDependency", after: makeParts) {
            try await $0.addDependency(of: "to", on: "moved", in: "p", by: "mia")
        },
        Case("removeDependency", after: makeHub) {
            try await $0.removeDependency(of: "hub", on: "b1", in: "p", by: "mia")
        },
        Case("logWork", after: makeTasks) {
            try await $0.logWork(1, on: "b", in: "p", by: "mia")
        },
        Case("correctWork", after: makeTasks) { workspace in
            let logs = try await workspace.all(
                .work(
                    in: "p", from: CalendarDay(daysSince1970: 0),
                    through: CalendarDay(daysSince1970: 40_000)))
            let day = try #require(logs.first?.day)
            try await workspace.correctWork(1, of: "mia", on: "a", in: "p", day: day, by: "olga")
        },
    ]

    private static let claims: [Case] = [
        Case("claimTask", after: makeReadyHub) {
            try await $0.claimTask("hub", in: "p", by: "max", lease: .seconds(60))
        },
        Case("renewClaim", after: makeClaim) { workspace in
            let task = try await workspace.get(.task("a", in: "p"))
            let token = try #require(task?.claim?.token)
            try await workspace.renewClaim(
                of: "a", in: "p", by: "mia", holding: token, lease: .seconds(90))
        },
        Case("releaseTask", after: makeClaim) {
            try await $0.releaseTask("a", in: "p", by: "olga")
        },
        Case("failTask", after: makeClaim) { workspace in
            let task = try await workspace.get(.task("a", in: "p"))
            let token = try #require(task?.claim?.token)
            try await workspace.failTask("a", in: "p", by: "mia", holding: token)
        },
        Case("expireClaims", after: makeExpiredClaims) { workspace in
            let count = try await workspace.expireClaims(in: "p")
            #expect(count == 14)
        },
        Case("claimNext", after: makeExpiredClaims) { workspace in
            let task = try await workspace.claimNext(in: "p", by: "max", lease: .seconds(60))
            #expect(task != nil)
        },
        Case("repairQueue", after: makeDriftedHub) {
            _ = try await $0.repairQueue(of: "p", by: "olga")
        },
    ]

    private static let people: [Case] = [
        Case("createUser") {
            try await $0.acting(as: "olga").createUser(email: "x@example.com", name: "X", id: "x")
        },
        Case("changeUser", after: makeSessions) {
            try await $0.acting(as: "olga").changeUser("max") { $0.email = "y@example.com" }
        },
        Case(
            "activateUser",
            after: { scene in try await scene.workspace.suspendUser("max") }
        ) { try await $0.acting(as: "olga").activateUser("max") },
        Case(
            "suspendUser",
            after: { scene in
                try await CommandActionTests.makeSessions(scene)
                try await CommandActionTests.makeClaims(scene)
            }
        ) { try await $0.acting(as: "olga").suspendUser("max") },
        Case("deleteUser", after: makeSessions) {
            try await $0.acting(as: "olga").deleteUser("max")
        },
        Case("openSession", after: makeSessions) { _ = try await $0.openSession(for: "max") },
        Case("revokeSessions", after: makeSessions) {
            _ = try await $0.revokeSessions(of: "max")
        },
        Case("createProject") {
            try await $0.createProject(key: "NEW", name: "New", id: "q", owner: "mia")
        },
        Case("changeProject") { try await $0.changeProject("p", by: "olga") { $0.name = "Other" } },
        Case("archiveProject") { try await $0.archiveProject("p", by: "olga") },
        Case("transferProject") { try await $0.transferProject("p", to: "max", by: "olga") },
        Case("deleteProject", after: makeTasks) { try await $0.deleteProject("p", by: "olga") },
        Case(
            "addMember",
            after: { scene in
                try await scene.workspace.removeMember("max", from: "p", by: "olga")
            }
        ) { try await $0.addMember("max", to: "p", by: "olga") },
        Case("changeMember", after: makeClaims) {
            try await $0.changeMember("mia", of: "p", to: .admin, by: "olga")
        },
        Case("removeMember") { try await $0.removeMember("max", from: "p", by: "olga") },
        Case("createPRD") {
            try await $0.createPRD(
                in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d")
        },
        Case("addPRDVersion", after: makeDocument) {
            try await $0.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") { $0.title = "U" }
        },
        Case("archivePRD", after: makeDocument) {
            try await $0.archivePRD("d", version: 1, in: "p", by: "olga")
        },
    ]

    static let all = tasks + claims + people

    // MARK: Tests

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The names of the commands that take an idempotency key, as the sources have them.
    static func commandNames() throws -> Set<String> {
        let folder = "Sources/CodexWorkspace/Workspace"
        let files = try FileManager.default.contentsOfDirectory(
            atPath: root.appendingPathComponent(folder).path)
        var names: Set<String> = []
        for file in files where file.hasPrefix("Workspace+") {
            let parts = try text(of: "\(folder)/\(file)").components(separatedBy: "CommandCall(")
            for part in parts.dropFirst() {
                let argument = part.drop { $0.isWhitespace }
                guard argument.first == "\"" else { continue }
                names.insert(String(argument.dropFirst().prefix { $0 != "\"" }))
            }
        }
        return names
    }

    /// The largest count of actions of each command, as the documents tell it.
    private static func documentedCounts() throws -> [String: Int] {
        let text = try Self.text(of: "Docs/Remote.md")
        let start = try #require(text.range(of: "\n## The most actions of a command\n"))
        var counts: [String: Int] = [:]
        for line in text[start.upperBound...].split(separator: "\n") {
            if line.hasPrefix("## ") { break }
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 3, let count = Int(cells[1]) else { continue }
            for name in cells[0].split(separator: ",") {
                counts[name.trimmingCharacters(in: CharacterSet(charactersIn: " `"))] = count
            }
        }
        return counts
    }

    @Test("No command takes more actions than the documents say", arguments: all)
    func counts(example: Case) async throws {
        let documented = try #require(try Self.documentedCounts()[example.name])
        let scene = try await LaggingScene()
        try await example.before(scene)
        let takesKey = !["expireClaims", "repairQueue"].contains(example.name)
        let plain = scene.workspace
        let workspace = takesKey ? plain.idempotent("a key of a session") : plain
        let counts = try await scene.table.counts { try await example.command(workspace) }
        #expect(counts.transactions > 0)
        #expect(counts.mostActions <= documented, "\(example.name): \(counts)")
    }

    @Test("The documents have every command, and none takes more than a hundred actions")
    func table() throws {
        let documented = try Self.documentedCounts()
        let most = DynamoDBLimits.transactionActionCountMax
        #expect(documented.values.allSatisfy { $0 <= most })
        #expect(documented.count > 45)
        for example in Self.all { #expect(documented[example.name] != nil, "\(example.name)") }
        let manyElements: Set = [
            "createTasks", "createPRDs", "createUsers", "moveTasks", "addDependencies",
            "addMembers",
        ]
        let names = try Self.commandNames()
        #expect(names.count > 40)
        #expect(names.subtracting(manyElements).subtracting(documented.keys).isEmpty)
    }
}
