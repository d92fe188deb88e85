import Codex
import CodexCore
import CodexStore
import CodexTesting
import CodexWorkspace
import Foundation
import Synchronization
import TestSupport
import Testing

/// A task to create, as an import reads it.
private struct Draft: Sendable {
    let id: CodexFlow.Task.ID
    var title = "T"
    var parent: CodexFlow.Task.ID?
    var assignee: CodexFlow.User.ID?
    var estimate: Int?
    var status = CodexFlow.Task.Status.backlog

    func fill(_ task: inout CodexFlow.Task) {
        (task.title, task.parentID, task.assigneeID) = (title, parent, assignee)
        (task.estimate, task.status) = (estimate, status)
    }

    /// Drafts at random; a few break a rule.
    static func random(_ count: Int, _ random: inout SplitMix) throws -> [Draft] {
        try (0..<count).map { number in
            // Rarely one that comes before.
            let isAgain = number > 0 && random.chance(2)
            let name = "t\(isAgain ? random.below(number) : number)"
            var draft = Draft(id: try CodexFlow.Task.ID(name))
            if random.chance(4) { draft.title = "" }
            if number > 0, random.chance(40) {
                // Rarely one that does not come before.
                let bound = random.chance(5) ? number + 5 : number
                draft.parent = try CodexFlow.Task.ID("t\(random.below(bound))")
            }
            // A viewer cannot be an assignee.
            if random.chance(50) { draft.assignee = random.chance(4) ? "vera" : "max" }
            if random.chance(50) { draft.estimate = random.below(14) }
            draft.status = random.pick([.backlog, .todo, .inProgress])
            if random.chance(3) { draft.status = .done }
            return draft
        }
    }
}

extension Fixture {
    fileprivate func create(
        _ drafts: [Draft], batchCount: Int = 100, progress: (@Sendable (Int) -> Void)? = nil
    ) async throws -> [CodexFlow.Task] {
        try await workspace.createTasks(
            from: drafts, in: "p", by: "mia", batchCount: batchCount, progress: progress,
            id: { $0.id }
        ) { draft, task in
            draft.fill(&task)
        }
    }

    fileprivate func create(_ draft: Draft) async throws -> CodexFlow.Task {
        try await workspace.createTask(in: "p", by: "mia", id: draft.id) { draft.fill(&$0) }
    }

    /// The drafts that the single command takes, one after the other, and the error of the first
    /// refused one.
    fileprivate func accepted(
        _ drafts: [Draft]
    ) async throws -> (drafts: [Draft], refused: (index: Int, error: CodexError)?) {
        var accepted: [Draft] = []
        var refused: (index: Int, error: CodexError)?
        for (index, draft) in drafts.enumerated() {
            do {
                _ = try await create(draft)
                accepted.append(draft)
            } catch let error as CodexError {
                if refused == nil { refused = (index: index, error: error) }
            }
        }
        return (accepted, refused)
    }

    /// Everything but what differs by chance or by the number of commits: identifiers in the
    /// history, and predicate locks.
    fileprivate func state() throws -> [Item] {
        // Their identifiers are random.
        let lists = Set(["ACTIVITY#", "HISTORY#", "GUARD"])
        return try contents.filter { item in
            let sort = item["SK"]?.string ?? ""
            return !lists.contains { sort.hasPrefix($0) }
        }
    }

    /// The history of all tasks without its identifiers, in its order.
    fileprivate func history() throws -> [CodexFlow.Activity] {
        try store.all(of: CodexFlow.Activity.self).map { activity in
            var activity = activity
            activity.id = "same"
            return activity
        }
    }

    /// The kinds and details of the events after a change.
    fileprivate func events(after start: SequenceNumber) throws -> [String] {
        let changes = try store.retainedChanges(after: .sequenceNumber(start))
        return try changes.flatMap { try $0.events }.map { "\($0.kind) \($0.detail)" }
    }

    fileprivate var position: SequenceNumber {
        get throws { try store.read { try $0.sequenceNumber } }
    }
}

/// Commands on many elements.
@Suite("Bulk commands")
struct BulkCommandTests {
    // MARK: Equivalence

    @Test(
        "Bulk creation stores what single commands store, with history and events, from a seed",
        arguments: Place.allCases, UInt64(1)...4)
    func equivalence(place: Place, seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let drafts = try Draft.random(60, &random)
        let single = try await Fixture(place)
        let accepted = try await single.accepted(drafts).drafts
        #expect(accepted.count > 30, "seed \(seed)")
        // A store in which nothing was refused.
        let plain = try await Fixture(place)
        let start = try plain.position
        for draft in accepted { _ = try await plain.create(draft) }
        let bulk = try await Fixture(place)
        let bulkStart = try bulk.position
        let batchCount = 1 + random.below(place.differs(.unlimitedCommits) ? 70 : 12)
        let tasks = try await bulk.create(accepted, batchCount: batchCount)
        #expect(tasks.map(\.id) == accepted.map(\.id), "seed \(seed)")
        #expect(tasks.compactMap(\.number) == Array(1...accepted.count), "seed \(seed)")
        #expect(try bulk.state() == plain.state(), "seed \(seed)")
        #expect(try bulk.state() == single.state(), "seed \(seed)")
        #expect(try bulk.history() == plain.history(), "seed \(seed)")
        #expect(try bulk.events(after: bulkStart) == plain.events(after: start), "seed \(seed)")
        // Each batch was one commit.
        let commits = Set(
            try bulk.store.retainedChanges(after: .sequenceNumber(bulkStart)).map {
                $0.sequenceNumber.commit
            })
        #expect(commits.count == (accepted.count + batchCount - 1) / batchCount, "seed \(seed)")
        #expect(try bulk.store.verify().isSound)
    }

    @Test(
        "A refused draft is named; its commit stores nothing, and those before it stay",
        arguments: Place.allCases, UInt64(10)...15)
    func refusal(place: Place, seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        var drafts = try Draft.random(40, &random)
        drafts[39].title = ""
        let expected = try await Fixture(place).accepted(drafts).refused
        let refused = try #require(expected, "seed \(seed)")
        let fixture = try await Fixture(place)
        let batchCount = 1 + random.below(12)
        let stored = Mutex(0)
        do {
            _ = try await fixture.create(
                drafts, batchCount: batchCount,
                progress: { count in stored.withLock { $0 = count } })
            Issue.record("seed \(seed): Nothing was refused.")
        } catch let error as CodexError {
            #expect(error.itemIndex == refused.index, "seed \(seed)")
            #expect(error.code == refused.error.code && error.rule == refused.error.rule)
            #expect(error.violation?.values == refused.error.violation?.values, "seed \(seed)")
        }
        let count = refused.index / batchCount * batchCount
        #expect(stored.withLock { $0 } == count, "seed \(seed)")
        let tasks = try fixture.store.all(.tasksByNumber(in: "p"))
        #expect(tasks.map(\.id) == drafts.prefix(count).map(\.id), "seed \(seed)")
        #expect(tasks.compactMap(\.number) == Array(0..<count).map { $0 + 1 }, "seed \(seed)")
        // The rest of the list, once the draft is left out.
        let rest = try await Fixture(place)
        _ = try await rest.create(Array(drafts.prefix(refused.index)), batchCount: batchCount)
        #expect(try rest.store.all(.tasks(in: "p")).count == refused.index, "seed \(seed)")
    }

    @Test("Moves, dependencies and members are those of single commands", arguments: Place.allCases)
    func otherCommands(place: Place) async throws {
        let (single, bulk) = (try await Fixture(place), try await Fixture(place))
        let ids = try (0..<9).map { try CodexFlow.Task.ID("t\($0)") }
        let drafts = ids.map { Draft(id: $0, status: .todo) }
        let links = [(1, 0), (2, 0), (2, 1), (5, 3), (8, 2)].map {
            (task: ids[$0.0], blocker: ids[$0.1])
        }
        let (start, bulkStart) = (try single.position, try bulk.position)
        for draft in drafts { _ = try await single.create(draft) }
        for link in links {
            try await single.workspace.addDependency(
                of: link.task, on: link.blocker, in: "p", by: "max")
        }
        // In an order in which each blocker is done before what it blocks.
        for status in [CodexFlow.Task.Status.inProgress, .done] {
            for id in ids {
                try await single.workspace.moveTask(
                    id, in: "p", to: status, by: "mia", overriding: "as planned")
            }
        }
        try await single.workspace.addMember("nora", to: "p", as: .viewer, by: "olga")

        _ = try await bulk.create(drafts)
        let added = try await bulk.workspace.addDependencies(
            links, in: "p", by: "max", batchCount: 3)
        #expect(added.map(\.blockerID) == links.map(\.blocker))
        for status in [CodexFlow.Task.Status.inProgress, .done] {
            try await bulk.workspace.moveTasks(
                ids, in: "p", to: status, by: "mia", overriding: "as planned", batchCount: 4)
        }
        try await bulk.workspace.addMembers([(user: "nora", role: .viewer)], to: "p", by: "olga")
        #expect(try bulk.state() == single.state())
        #expect(try bulk.history() == single.history())
        #expect(try bulk.events(after: bulkStart) == single.events(after: start))
    }

    @Test("Users and PRDs are those of single commands", arguments: Place.allCases)
    func usersAndPRDs(place: Place) async throws {
        let (single, bulk) = (try await Fixture(place), try await Fixture(place))
        let (start, bulkStart) = (try single.position, try bulk.position)
        let names = ["ida", "jan", "kim"]
        for name in names {
            try await single.workspace.createUser(
                email: "\(name)@example.com", name: name, id: try .init(name), role: .agent)
            try await single.workspace.createPRD(
                in: "p", title: name, content: .init(overview: "of \(name)"), by: "mia",
                id: try .init(name)
            ) {
                $0.risks = ["late"]
            }
        }
        let users = try names.map {
            CodexFlow.User(
                id: try .init($0), email: "\($0)@example.com", name: $0, role: .agent)
        }
        #expect(try await bulk.workspace.createUsers(users, batchCount: 2).map(\.name) == names)
        try await bulk.workspace.createPRDs(
            from: names, in: "p", by: "mia", batchCount: 2, id: { try .init($0) }
        ) { name, prd in
            (prd.title, prd.content) = (name, .init(overview: "of \(name)"))
            prd.risks = ["late"]
        }
        #expect(try bulk.state() == single.state())
        #expect(
            try bulk.events(after: bulkStart).sorted() == single.events(after: start).sorted())
        // An address, and an identifier, of the same batch.
        let twice = [
            CodexFlow.User(id: "a", email: "A@example.com", name: "A"),
            CodexFlow.User(id: "b", email: "a@example.com", name: "B"),
        ]
        let error = await #expect(throws: CodexError.self) {
            try await bulk.workspace.createUsers(twice)
        }
        #expect(error?.rule == .userEmailTaken && error?.itemIndex == 1)
        let identifier: @Sendable (String) throws -> CodexFlow.PRD.ID? = {
            try CodexFlow.PRD.ID($0)
        }
        let again = await #expect(throws: CodexError.self) {
            try await bulk.workspace.createPRDs(
                from: ["x", "x"], in: "p", by: "mia", id: identifier
            ) { _, prd in
                prd.title = "X"
            }
        }
        #expect(again?.code == .conditionFailed && again?.itemIndex == 1)
    }

    // MARK: Rules within a batch

    @Test("A batch keeps the rules that look at what came before in it", arguments: Place.allCases)
    func rules(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        _ = try await fixture.create(
            [
                Draft(id: "a", status: .todo), Draft(id: "b", status: .todo),
                Draft(id: "c", parent: "b", status: .todo), Draft(id: "d", status: .todo),
            ])
        func expect(
            _ rule: CodexFlow.Rule, _ index: Int, _ body: () async throws -> Void
        ) async throws {
            let before = try fixture.contents
            do {
                try await body()
                Issue.record("\(rule) was not broken.")
            } catch let error as CodexError {
                #expect(error.rule == rule && error.itemIndex == index, "\(error)")
            }
            #expect(try fixture.contents == before)
        }
        try await expect(.dependencyCycle, 2) {
            try await workspace.addDependencies(
                [("a", "b"), ("b", "d"), ("d", "a")], in: "p", by: "mia")
        }
        try await expect(.dependencyTaken, 1) {
            try await workspace.addDependencies([("a", "b"), ("a", "b")], in: "p", by: "mia")
        }
        try await expect(.memberTaken, 1) {
            try await workspace.addMembers(
                [("nora", .member), ("nora", .viewer)], to: "p", by: "adam")
        }
        try await workspace.addDependencies([("d", "a")], in: "p", by: "mia")
        try await expect(.taskBlocked, 1) {
            try await workspace.moveTasks(["a", "d"], in: "p", to: .inProgress, by: "mia")
        }
        try await workspace.moveTasks(["a", "b", "c"], in: "p", to: .inProgress, by: "mia")
        try await expect(.taskChildren, 0) {
            try await workspace.moveTasks(["b", "c"], in: "p", to: .done, by: "mia")
        }
        // In the right order, and a blocked task after its blocker.
        try await workspace.moveTasks(["c", "b", "a"], in: "p", to: .done, by: "mia")
        try await workspace.moveTasks(["d", "d"], in: "p", to: .inProgress, by: "mia")
        #expect(try fixture.store.get(.task("d", in: "p"))?.status == .inProgress)
    }

    @Test("A task has 100 parts, of this batch or of others", arguments: [99, 100, 101])
    func parts(count: Int) async throws {
        let fixture = try await Fixture()
        let parts = try (0..<count).map { Draft(id: try .init("p\($0)"), parent: "whole") }
        let drafts = [Draft(id: "whole")] + parts
        guard count > 100 else {
            for batchCount in [60, 500] {
                let other = try await Fixture()
                #expect(try await other.create(drafts, batchCount: batchCount).count == count + 1)
            }
            return
        }
        for batchCount in [60, 500] {
            do {
                _ = try await fixture.create(drafts, batchCount: batchCount)
                Issue.record("A task got 101 parts.")
            } catch let error as CodexError where batchCount == 60 {
                #expect(error.rule == .taskParts && error.itemIndex == 101)
            } catch let error as CodexError {
                // The first commit of the earlier call is there.
                #expect(error.code == .conditionFailed && error.itemIndex == 0)
            }
        }
        #expect(try fixture.store.all(.tasks(in: "p")).count == 60)
    }

    @Test("A taken identifier is named, in the store and in the batch", arguments: Place.allCases)
    func takenIdentifiers(place: Place) async throws {
        let fixture = try await Fixture(place)
        try await fixture.task("old")
        for (ids, index) in [(["a", "old", "b"], 1), (["a", "b", "a"], 2)] {
            let drafts = try ids.map { Draft(id: try .init($0)) }
            do {
                _ = try await fixture.create(drafts)
                Issue.record("An identifier was given twice.")
            } catch let error as CodexError {
                #expect(error.code == .conditionFailed && error.itemIndex == index)
                #expect(error.currentItem != nil)
            }
        }
        #expect(try fixture.store.all(.tasks(in: "p")).map(\.id) == ["old"])
    }
}

/// The commits of bulk commands.
@Suite("Bulk commands: commits")
struct BulkCommitTests {
    @Test("A commit has 1 to 500 elements", arguments: [-1, 0, 1, 499, 500, 501, Int.max])
    func batchCounts(batchCount: Int) async throws {
        let fixture = try await Fixture()
        let drafts = try (0..<3).map { Draft(id: try .init("t\($0)")) }
        guard (1...CodexFlow.Workspace.batchCountMax).contains(batchCount) else {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await fixture.create(drafts, batchCount: batchCount)
            }
            #expect(try fixture.store.all(.tasks(in: "p")).isEmpty)
            return
        }
        #expect(try await fixture.create(drafts, batchCount: batchCount).count == 3)
        #expect(try await fixture.create([], batchCount: batchCount).isEmpty)
    }

    @Test("Identifiers are made where none are given, in order, and numbers go on")
    func madeIdentifiers() async throws {
        let fixture = try await Fixture()
        try await fixture.task("first")
        let titles = (0..<20).map { "Task \($0)" }
        let tasks = try await fixture.workspace.createTasks(
            from: titles, in: "p", by: "max", batchCount: 7
        ) { title, task in
            task.title = title
        }
        #expect(tasks.map(\.title) == titles)
        #expect(Set(tasks.map(\.id)).count == 20)
        #expect(tasks.compactMap(\.number) == Array(2...21))
        #expect(tasks.allSatisfy { $0.reporterID == "max" })
        #expect(try await fixture.task("last").number == 22)
    }

    @Test("The actor's rules hold for a batch, and errors of a closure come out as they are")
    func actors() async throws {
        struct Unreadable: Error {}
        let fixture = try await Fixture()
        do {
            try await fixture.workspace.createTasks(from: [1, 2], in: "p", by: "vera") { _, task in
                task.title = "T"
            }
            Issue.record("A viewer created tasks.")
        } catch let error as CodexError {
            #expect(error.rule == .actorRole && error.itemIndex == 0)
        }
        await #expect(throws: Unreadable.self) {
            try await fixture.workspace.createTasks(from: [1, 2], in: "p", by: "mia") { row, task in
                if row == 2 { throw Unreadable() }
                task.title = "T"
            }
        }
        #expect(try fixture.store.all(.tasks(in: "p")).isEmpty)
        // An empty list asks nothing.
        #expect(try await fixture.create([]).isEmpty)
    }

    @Test("A cancelled import keeps its commits, and goes on with the rest")
    func cancellation() async throws {
        let fixture = try await Fixture()
        let drafts = try (0..<10).map { Draft(id: try .init("t\($0)")) }
        let stored = Mutex(0)
        let task = _Concurrency.Task {
            try await fixture.create(
                drafts, batchCount: 3,
                progress: { count in
                    stored.withLock { $0 = count }
                    if count == 6 { withUnsafeCurrentTask { $0?.cancel() } }
                })
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        let count = stored.withLock { $0 }
        #expect(count == 6)
        #expect(try fixture.store.all(.tasks(in: "p")).count == 6)
        let rest = try await fixture.create(Array(drafts.dropFirst(count)))
        #expect(rest.compactMap(\.number) == [7, 8, 9, 10])
    }

    @Test("A remote table takes small commits, and says so of larger ones")
    func remoteLimit() async throws {
        let fixture = try await Fixture(.table)
        let drafts = try (0..<60).map { Draft(id: try .init("t\($0)")) }
        do {
            _ = try await fixture.create(drafts, batchCount: 60)
            Issue.record("A transaction had more than 100 actions.")
        } catch let error as CodexError {
            #expect(error.code == .transactionTooLarge)
            #expect(error.message.contains("batchCount"))
        }
        #expect(try fixture.store.all(.tasks(in: "p")).isEmpty)
        // What the documentation says.
        #expect(try await fixture.create(drafts, batchCount: 20).count == 60)
    }

    @Test("A batch on a remote table is decided again if another writer was faster")
    func overtaken() async throws {
        let fixture = try await Fixture(.table)
        let other = fixture.workspace
        let remote = RemoteTable(fixture.store) {
            try await other.createTask(in: "p", by: "max", id: "other") { $0.title = "Other" }
        }
        let clock = fixture.clock
        let workspace = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(remote), clock: { clock.now },
            calendar: SystemCalendar())
        let tasks = try await workspace.createTasks(from: ["a", "b"], in: "p", by: "mia") {
            title, task in
            task.title = title
        }
        #expect(tasks.compactMap(\.number) == [2, 3])
        #expect(try fixture.store.get(.task("other", in: "p"))?.number == 1)
        #expect(try fixture.store.all(.tasks(in: "p")).count == 3)
    }
}
