import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// The result of a command as text.
private func text<Outcome>(_ result: Outcome) -> String { String(describing: result) }

/// Commands that are sent again with the same key.
@Suite("Idempotency keys")
struct IdempotencyTests {
    private typealias Command = @Sendable (CodexFlow.Workspace) async throws -> String

    /// Commands that would change something each time, or fail the second time.
    private static let commands: [Command] = [
        { text(try await $0.createUser(email: "x@example.com", name: "X", id: "x")) },
        { text(try await $0.changeUser("x") { $0.name += "!" }) },
        { text(try await $0.suspendUser("x")) },
        { text(try await $0.activateUser("x")) },
        { text(try await $0.createProject(key: "TWO", name: "Two", owner: "olga")) },
        { text(try await $0.changeProject("p", by: "olga") { $0.name += "!" }) },
        { text(try await $0.addMember("x", to: "p", by: "olga")) },
        { text(try await $0.changeMember("x", of: "p", to: .admin, by: "olga")) },
        { text(try await $0.removeMember("x", from: "p", by: "olga")) },
        { text(try await $0.deleteUser("x")) },
        { text(try await $0.createTask(in: "p", by: "mia") { $0.title = "T" }) },
        {
            text(
                try await $0.createTasks(from: ["1", "2", "3"], in: "p", by: "mia", batchCount: 2) {
                    $1.title = $0
                })
        },
        { text(try await $0.changeTask("a", in: "p", by: "mia") { $0.title += "!" }) },
        { text(try await $0.assignTask("a", in: "p", to: "max", by: "mia")) },
        { text(try await $0.moveTask("a", in: "p", to: .todo, by: "mia")) },
        { text(try await $0.claimTask("a", in: "p", by: "max", lease: .seconds(60))) },
        { text(try await $0.releaseTask("a", in: "p", by: "max")) },
        { text(try await $0.claimNext(in: "p", by: "max", lease: .seconds(60))) },
        { text(try await $0.releaseTask("a", in: "p", by: "olga")) },
        { text(try await $0.addComment(on: "a", in: "p", by: "mia", "hello")) },
        { text(try await $0.addDependency(of: "a", on: "b", in: "p", by: "mia")) },
        { text(try await $0.removeDependency(of: "a", on: "b", in: "p", by: "mia")) },
        { text(try await $0.logWork(2, on: "a", in: "p", by: "mia")) },
        { text(try await $0.logWork(-2, on: "a", in: "p", by: "mia")) },
        { text(try await $0.archiveTask("a", in: "p", by: "mia")) },
        { text(try await $0.restoreTask("a", in: "p", by: "mia")) },
        { text(try await $0.moveTask("a", in: "p", to: .inProgress, by: "mia")) },
        { text(try await $0.completeTask("a", in: "p", by: "mia", result: .init(text: "done"))) },
        { text(try await $0.deleteTask("a", in: "p", by: "mia")) },
        {
            text(
                try await $0.createPRD(
                    in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d"))
        },
        {
            text(
                try await $0.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") {
                    $0.content?.userStories = [
                        .init(id: "1", description: "d", acceptanceCriteria: ["c"])
                    ]
                })
        },
        { text(try await $0.submitPRD("d", version: 2, in: "p", by: "mia")) },
        { text(try await $0.archiveProject("p", by: "olga")) },
        { text(try await $0.restoreProject("p", by: "olga")) },
        { text(try await $0.transferProject("p", to: "adam", by: "olga")) },
        { text(try await $0.deleteProject("p", by: "adam")) },
    ]

    @Test(
        "A command that is sent again changes nothing, and has its first result",
        arguments: Place.everywhere)
    func repetition(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a")
        try await fixture.task("b")
        for (number, command) in Self.commands.enumerated() {
            let workspace = fixture.workspace.idempotent("key \(number)")
            let first = try await command(workspace)
            let contents = try fixture.contents
            fixture.clock.advance(by: 1)
            #expect(try await command(workspace) == first, "\(number)")
            #expect(try fixture.contents == contents, "\(number)")
            // Another command with the key is refused.
            let other = Self.commands[(number + 2) % Self.commands.count]
            await #expect(throws: CodexError(.idempotencyMismatch, ""), "\(number)") {
                _ = try await other(workspace)
            }
        }
        #expect(try fixture.store.verify().isSound)
    }

    @Test("Other arguments with the same key are refused", arguments: Place.everywhere)
    func arguments(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a")
        try await fixture.task("b")
        let workspace = fixture.workspace.idempotent("key")
        try await workspace.logWork(2, on: "a", in: "p", by: "mia")
        let day = CalendarDay(fixture.clock.now)
        let contents = try fixture.contents
        for command: @Sendable () async throws -> Void in [
            { try await workspace.logWork(3, on: "a", in: "p", by: "mia") },
            { try await workspace.logWork(2, on: "b", in: "p", by: "mia") },
            { try await workspace.logWork(2, on: "a", in: "p", by: "max") },
            { try await workspace.logWork(2, on: "a", in: "p", by: "mia", holding: 1) },
            { try await workspace.logWork(2, on: "a", in: "p", by: "mia", day: day) },
        ] {
            await #expect(throws: CodexError(.idempotencyMismatch, "")) { try await command() }
        }
        #expect(try fixture.contents == contents)
    }

    @Test("Further arguments are compared as the command's own are", arguments: Place.everywhere)
    func furtherArguments(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a")
        func log(_ key: String, _ arguments: AttributeMap) async throws -> CodexFlow.WorkLog? {
            try await fixture.workspace.idempotent(key, comparing: arguments)
                .logWork(2, on: "a", in: "p", by: "mia")
        }
        let first = try await log("key", ["part": 1])
        let plain = try await fixture.workspace.idempotent("plain")
            .logWork(2, on: "a", in: "p", by: "mia")
        let contents = try fixture.contents
        #expect(try await log("key", ["part": 1]) == first)
        #expect(try await log("plain", [:]) == plain)
        let others: [(key: String, arguments: AttributeMap)] = [
            ("key", [:]), ("key", ["part": 2]), ("key", ["part": 1, "more": .null]),
            ("plain", ["part": 1]),
        ]
        for (key, arguments) in others {
            await #expect(throws: CodexError(.idempotencyMismatch, ""), "\(key) \(arguments)") {
                _ = try await log(key, arguments)
            }
        }
        #expect(try fixture.contents == contents)
    }

    @Test("Closures that make an entity are compared", arguments: Place.everywhere)
    func closures(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace.idempotent("key")
        func create(_ title: String) async throws -> CodexFlow.Task {
            try await workspace.createTask(in: "p", by: "mia") { $0.title = title }
        }
        let first = try await create("A")
        #expect(try await create("A") == first)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) { _ = try await create("B") }
        let many = fixture.workspace.idempotent("many")
        func createAll(_ titles: [String]) async throws -> [CodexFlow.Task] {
            try await many.createTasks(from: titles, in: "p", by: "mia") { $1.title = $0 }
        }
        let all = try await createAll(["A", "B"])
        #expect(try await createAll(["A", "B"]) == all)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) {
            _ = try await createAll(["A", "C"])
        }
        #expect(try fixture.store.all(.tasks(in: "p")).count == 3)
    }

    @Test("A key is kept for a day", arguments: [(86_399, true), (86_400, false), (86_401, false)])
    func retention(seconds: Int, isKept: Bool) async throws {
        for place in Place.allCases {
            let fixture = try await Fixture(place)
            try await fixture.task("a")
            let workspace = fixture.workspace.idempotent("key")
            try await workspace.logWork(2, on: "a", in: "p", by: "mia")
            let day = CalendarDay(fixture.clock.now)
            fixture.clock.advance(by: Double(seconds))
            try await workspace.logWork(2, on: "a", in: "p", by: "mia")
            let logs = try fixture.store.all(
                .work(of: "mia", from: day, through: day.adding(days: 2)))
            #expect(logs.count == (isKept ? 1 : 2))
            // The new command is remembered in turn.
            try await workspace.logWork(2, on: "a", in: "p", by: "mia")
            let again = try fixture.store.all(
                .work(of: "mia", from: day, through: day.adding(days: 2)))
            #expect(again == logs)
        }
    }

    @Test(
        "A claim that is sent again has its own token, also after its end",
        arguments: Place.everywhere)
    func claims(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a", through: [.todo])
        let workspace = fixture.workspace.idempotent("key")
        func claim() async throws -> CodexFlow.Task? {
            try await workspace.claimNext(in: "p", by: "mia", lease: .seconds(60))
        }
        let first = try #require(try await claim())
        let token = try #require(first.claim?.token)
        #expect(try await claim()?.claim == first.claim)
        // The answer of a completion was lost: no token is checked again.
        let other = fixture.workspace.idempotent("renewal")
        let renewed = try await other.renewClaim(
            of: "a", in: "p", by: "mia", holding: token, lease: .seconds(60))
        fixture.clock.advance(by: 60)
        #expect(
            try await other.renewClaim(
                of: "a", in: "p", by: "mia", holding: token, lease: .seconds(60)) == renewed)
        let second = try await fixture.claim("a", by: "max")
        #expect(try await claim()?.claim == first.claim && second != token)
        try await fixture.expect(.taskNotHeld) {
            try await fixture.workspace.moveTask(
                "a", in: "p", to: .inProgress, by: "mia", holding: token)
        }
    }

    @Test("A command that failed is not remembered", arguments: Place.everywhere)
    func failures(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a")
        let workspace = fixture.workspace.idempotent("key")
        try await fixture.expect(.taskTransition) {
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        }
        try await fixture.workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        #expect(try fixture.store.get(.task("a", in: "p"))?.status == .inProgress)
    }

    @Test("Of two that send a command at once, one performs it on a remote table")
    func raced() async throws {
        let fixture = try await Fixture(.table)
        try await fixture.task("a")
        let (clock, workspace) = (fixture.clock, fixture.workspace)
        let slow = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(fixture.store) {
                    try await workspace.idempotent("key").logWork(2, on: "a", in: "p", by: "mia")
                }), clock: { clock.now }, calendar: SystemCalendar())
        let log = try await slow.idempotent("key").logWork(2, on: "a", in: "p", by: "mia")
        #expect(log?.hours == 2)
    }

    @Test("Of two that create a task at once, both get the one task of their key")
    func racedCreation() async throws {
        let fixture = try await Fixture(.table)
        let (clock, workspace) = (fixture.clock, fixture.workspace)
        let slow = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(fixture.store) {
                    try await workspace.idempotent("key").createTask(in: "p", by: "mia", id: "x") {
                        $0.title = "X"
                    }
                }), clock: { clock.now }, calendar: SystemCalendar())
        func create(_ key: String) async throws -> CodexFlow.Task {
            try await slow.idempotent(key).createTask(in: "p", by: "mia", id: "x") {
                $0.title = "X"
            }
        }
        let task = try await create("key")
        #expect(try fixture.store.all(.tasks(in: "p")) == [task])
        // Another key is another command.
        await #expect(throws: CodexError(.conditionFailed, "")) { _ = try await create("other") }
    }

    @Test("That the queue had no task is not remembered", arguments: Place.allCases)
    func emptyQueue(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace.idempotent("key")
        func claim() async throws -> CodexFlow.Task? {
            try await workspace.claimNext(in: "p", by: "mia", lease: .seconds(60))
        }
        #expect(try await claim() == nil)
        try await fixture.task("a", through: [.todo])
        let first = try await claim()
        #expect(first?.id == "a")
        try await fixture.task("b", through: [.todo])
        #expect(try await claim() == first)
    }

    @Test(
        "Closures that change an entity are compared by what they make of the same one",
        arguments: Place.allCases)
    func changes(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("a") { $0.acceptanceCriteria = [.init(id: "1", text: "c")] }
        let workspace = fixture.workspace.idempotent("key")
        // A closure that relies on what the task had.
        func change(_ end: String) async throws -> CodexFlow.Task {
            try await workspace.changeTask("a", in: "p", by: "mia") { task in
                task.title += end
                task.acceptanceCriteria[0].isMet = true
            }
        }
        let first = try await change("!")
        #expect(first.title == "Task a!")
        try await fixture.workspace.changeTask("a", in: "p", by: "mia") { task in
            (task.title, task.acceptanceCriteria) = ("New", [])
        }
        let contents = try fixture.contents
        #expect(try await change("!") == first)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) { _ = try await change("?") }
        #expect(try fixture.contents == contents)
    }

    @Test("The closures of each command that changes something are compared")
    func changeCommands() async throws {
        let fixture = try await Fixture()
        try await fixture.workspace.createPRD(
            in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d")
        let commands: [@Sendable (CodexFlow.Workspace, String) async throws -> Void] = [
            { workspace, end in try await workspace.changeUser("mia") { $0.name += end } },
            { workspace, end in
                try await workspace.changeProject("p", by: "olga") { $0.name += end }
            },
            { workspace, end in
                try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") {
                    $0.title += end
                }
            },
        ]
        for (number, command) in commands.enumerated() {
            let workspace = fixture.workspace.idempotent("key \(number)")
            try await command(workspace, "!")
            let contents = try fixture.contents
            try await command(workspace, "!")
            await #expect(throws: CodexError(.idempotencyMismatch, ""), "\(number)") {
                try await command(workspace, "?")
            }
            #expect(try fixture.contents == contents, "\(number)")
        }
    }

    @Test("Closures of an entity that is too large to be kept are not compared")
    func largeChanges() async throws {
        let fixture = try await Fixture()
        let body = String(repeating: "b", count: CodexFlow.Limits.bodyByteCountMax)
        let text = String(repeating: "m", count: CodexFlow.Limits.metadataByteCountMax - 100)
        try await fixture.task("a") { ($0.body, $0.metadata) = (body, ["text": .string(text)]) }
        let workspace = fixture.workspace.idempotent("key")
        func change(_ title: String) async throws -> CodexFlow.Task {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.title = title }
        }
        let first = try await change("A")
        #expect(try await change("B") == first)
    }

    @Test("Keys have 1 to 256 bytes", arguments: [0, 1, 256, 257])
    func lengths(count: Int) async throws {
        let fixture = try await Fixture()
        try await fixture.task("a")
        let workspace = fixture.workspace.idempotent(String(repeating: "k", count: count))
        if (1...256).contains(count) {
            try await workspace.logWork(1, on: "a", in: "p", by: "mia")
        } else {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await workspace.logWork(1, on: "a", in: "p", by: "mia")
            }
        }
    }

    @Test("Commands without keys say so")
    func without() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace.idempotent("key")
        for command: @Sendable () async throws -> Void in [
            { _ = try await workspace.expireClaims(in: "p") },
            { _ = try await workspace.verifyQueue(of: "p") },
            { try await workspace.commit { _ in } },
        ] {
            await #expect(throws: CodexError(.invalidArgument, "")) { try await command() }
        }
    }

    @Test("A result that is too large to be kept is read again")
    func large() async throws {
        let fixture = try await Fixture()
        let body = String(repeating: "b", count: CodexFlow.Limits.bodyByteCountMax)
        let text = String(repeating: "m", count: CodexFlow.Limits.metadataByteCountMax - 100)
        let criteria = (0..<8).map { number in
            CodexFlow.Task.Criterion(id: "\(number)", text: String(repeating: "c", count: 1000))
        }
        try await fixture.task("a") { task in
            (task.body, task.metadata, task.status) = (body, ["text": .string(text)], .todo)
            task.acceptanceCriteria = criteria
        }
        let workspace = fixture.workspace.idempotent("key")
        let first = try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
        fixture.clock.advance(by: 60)
        _ = try await fixture.claim("a", by: "max")
        let again = try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
        #expect(again.claim == first.claim && again.body == body && again.title == first.title)
        // The rest of the result is there without the task.
        try await fixture.workspace.deleteTask("a", in: "p", by: "olga")
        let last = try await workspace.claimTask("a", in: "p", by: "mia", lease: .seconds(60))
        #expect(last.claim == first.claim && last.body == nil && last.title == first.title)
    }

    // MARK: Results of many elements

    @Test(
        "A batch is repeated although some of its tasks were deleted or created again",
        arguments: Place.allCases)
    func deletedSince(place: Place) async throws {
        let fixture = try await Fixture(place)
        let count = place.differs(.unlimitedCommits) ? 100 : 10
        let names = (0..<count).map { "t\(100 + $0)" }
        // The results have no room for it.
        let body = String(repeating: "b", count: 50_000)
        let workspace = fixture.workspace.idempotent("key")
        func create() async throws -> [CodexFlow.Task] {
            try await workspace.createTasks(
                from: names, in: "p", by: "mia", id: { try CodexFlow.Task.ID($0) }
            ) { name, task in
                (task.title, task.body) = ("Task \(name)", body)
            }
        }
        let first = try await create()
        fixture.clock.advance(by: 1)
        for id in ["t101", "t102"] as [CodexFlow.Task.ID] {
            try await fixture.workspace.deleteTask(id, in: "p", by: "mia")
        }
        try await fixture.task("t102") { ($0.title, $0.body) = ("New", "new") }
        let contents = try fixture.contents
        let again = try await create()
        #expect(try fixture.contents == contents)
        #expect(again.map(\.id) == first.map(\.id) && again.map(\.title) == first.map(\.title))
        #expect(again.map(\.number) == first.map(\.number))
        #expect(again[1].body == nil && again[2].body == nil)
        #expect(again[0] == first[0] && again[3...] == first[3...])
    }

    @Test("The required fields of many results are stored, or the batch is refused")
    func manyResults() async throws {
        let fixture = try await Fixture()
        let filler = String(repeating: "f", count: 200)
        func create(
            _ key: String, _ title: String, batchCount: Int = 500
        ) async throws -> [CodexFlow.Task] {
            try await fixture.workspace.idempotent(key).createTasks(
                from: Array(0..<500), in: "p", by: "mia", batchCount: batchCount
            ) { _, task in
                // The title is the largest attribute, and is required.
                (task.title, task.rank, task.cycleID) = (title, filler, filler)
            }
        }
        let title = String(repeating: "x", count: CodexFlow.Limits.nameCountMax)
        let first = try await create("key", title)
        try await fixture.workspace.deleteTask(first[7].id, in: "p", by: "mia")
        let again = try await create("key", title)
        #expect(again.map(\.id) == first.map(\.id) && again.allSatisfy { $0.title == title })
        #expect(again[7].rank == nil && again[8] == first[8])
        // Three bytes a character.
        let long = String(repeating: "語", count: CodexFlow.Limits.nameCountMax)
        await #expect(throws: CodexError(.itemTooLarge, "")) { _ = try await create("long", long) }
        #expect(try fixture.store.all(.tasks(in: "p")).count == 499)
        #expect(try await create("long", long, batchCount: 100).count == 500)
    }
}
