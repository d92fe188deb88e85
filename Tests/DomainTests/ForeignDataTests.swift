import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Projects, tasks and days that were stored without the services.
@Suite("What was stored without the services")
struct ForeignDataTests {
    @Test(
        "A task comes into the analytics with the first entry of its history, of whatever kind",
        arguments: Place.allCases)
    func firstEntries(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("own")
        let day = CalendarDay(fixture.clock.now)
        let first: [@Sendable (CodexFlow.Task.ID) async throws -> Void] = [
            { id in
                let token = try await fixture.claim(id, by: "mia")
                try await workspace.releaseTask(id, in: "p", by: "mia", holding: token)
            },
            { try await workspace.addComment(on: $0, in: "p", by: "mia", "hello") },
            { try await workspace.logWork(1, on: $0, in: "p", by: "mia") },
            { try await workspace.addDependency(of: $0, on: "own", in: "p", by: "mia") },
            { try await workspace.archiveTask($0, in: "p", by: "mia") },
        ]
        for (number, command) in first.enumerated() {
            let id = try CodexFlow.Task.ID("raw\(number)")
            var task = CodexFlow.Task(id: id, projectID: "p", title: "Raw", status: .inProgress)
            task.estimate = 3
            try await store.put(task)
            try await command(id)
            if number == 4 { try await workspace.restoreTask(id, in: "p", by: "mia") }
            try await workspace.completeTask(id, in: "p", by: "mia")
            let kinds = try store.all(.activity(of: id, in: "p")).map(\.kind)
            #expect(kinds.first == .imported && kinds.count { $0 == .imported } == 1, "\(number)")
        }
        try await store.rebuildAnalytics()
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        let state = try #require(report.states.first)
        #expect(state.scope == 3 * first.count && state.remaining == 0)
        #expect(state.statuses == [.backlog: 1, .done: first.count])
    }

    @Test("Two who begin the history of a task on a remote table begin it once")
    func begunTwice() async throws {
        let fixture = try await Fixture(.table)
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        try await store.put(
            CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .todo))
        let overtaken = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(store) {
                    try await workspace.addComment(on: "raw", in: "p", by: "max", "first")
                }), clock: { clock.now }, calendar: SystemCalendar())
        try await overtaken.addComment(on: "raw", in: "p", by: "mia", "second")
        let kinds = try store.all(.activity(of: "raw", in: "p")).map(\.kind)
        #expect(kinds == [.imported, .commented, .commented])
    }

    @Test("Points of tasks that were done before are no velocity")
    func velocity() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        var task = CodexFlow.Task(id: "old", projectID: "p", title: "Old", status: .done)
        task.estimate = 100
        try await store.put(task)
        try await workspace.addComment(on: "old", in: "p", by: "mia", "well done")
        try await fixture.task("new") { ($0.estimate, $0.status) = (4, .inProgress) }
        try await workspace.completeTask("new", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let day = CalendarDay(fixture.clock.now)
        let figures = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(figures.metrics.velocity == nil && figures.metrics.tasksCompleted == 1)
        #expect(figures.flow?.points == 4 && figures.flow?.scope == 104)
        #expect(figures.flow?.importedPoints == 100)
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(report.velocity == 4)
        #expect(report.pointsCompleted == 4 && report.states.map(\.remaining) == [0])
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before)
    }

    @Test("An estimate that no rule allows is counted within its bounds, and can be corrected")
    func estimates() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (1, .inProgress) }
        for estimate in [AttributeValue.number(Number(Int64.max)), -7] {
            let key = PrimaryKey("PROJECT#p", "TASK#a")
            var item = try #require(try store.item(in: CodexFlow.table, key: key))
            item["estimate"] = estimate
            item["status"] = "inProgress"
            try await store.put(item, in: CodexFlow.table)
            try await fixture.expect(.taskEstimate) {
                try await workspace.completeTask("a", in: "p", by: "mia")
            }
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 }
        }
        // Nor do raw hours of a point stop anything.
        var project = try #require(
            try store.item(in: CodexFlow.table, key: PrimaryKey("PROJECT#p", "METADATA")))
        project["hoursPerPoint"] = .number(Number(Int64.max))
        try await store.put(project, in: CodexFlow.table)
        try await workspace.completeTask("a", in: "p", by: "mia")
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.facts?.estimatedHours == 8 * CodexFlow.Limits.hoursPerPointMax)
    }

    @Test("A damaged project, a full day and items that are not what their keys say stop nothing")
    func damaged() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let day = CalendarDay(fixture.clock.now)
        try await workspace.createProject(key: "TWO", name: "Two", id: "q", owner: "mia")
        try await workspace.createTask(in: "q", by: "mia", id: "b") { $0.title = "B" }
        // A day that leaves no room for more.
        var full = CodexFlow.Analytics(
            projectID: "p", date: day,
            metrics: .init(tasksCompleted: Int(CodexFlow.Limits.analyticsFigureMax)))
        full.flow = .init()
        try await store.put(full)
        // An entry and a work log of one project under the keys of another.
        try await fixture.task("a") { ($0.estimate, $0.status) = (2, .inProgress) }
        try await workspace.logWork(4, on: "a", in: "p", by: "mia")
        for item in try store.all(.activity(of: "a", in: "p")).map({ try $0.item() })
            + store.all(.work(in: "p", from: day, through: day)).map({ try $0.item() })
        {
            var item = item
            item["PK"] = "PROJECT#q"
            for name in ["GSI1PK", "GSI1SK"] { item[name] = nil }
            try await store.put(item, in: CodexFlow.table)
        }
        var project = try #require(
            try store.item(in: CodexFlow.table, key: PrimaryKey("PROJECT#q", "METADATA")))
        project["owner"] = 7
        try await store.put(project, in: CodexFlow.table)
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let figures = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(figures.metrics.tasksCompleted == 1 && figures.flow?.points == 2)
        #expect(figures.teamStats.map(\.hoursLogged) == [4])
        #expect(try store.get(.analytics(of: "q", on: day)) == nil)
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "p", on: day)) == figures)
        #expect(try store.get(.analytics(of: "q", on: day)) == nil)
    }

    @Test("A task that was done before, reopened and estimated anew, is nobody's work")
    func reopened() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let day = CalendarDay(fixture.clock.now)
        func report() async throws -> (CodexFlow.AnalyticsReport, CodexFlow.Analytics) {
            try await store.rebuildAnalytics()
            return (
                try await workspace.analyticsReport(of: "p", from: day, through: day),
                try #require(try store.get(.analytics(of: "p", on: day)))
            )
        }
        var task = CodexFlow.Task(id: "old", projectID: "p", title: "Old", status: .done)
        task.estimate = 100
        task.reopenCount = 2
        try await store.put(task)
        try await workspace.logWork(8, on: "old", in: "p", by: "mia")
        try await workspace.changeTask("old", in: "p", by: "mia") { $0.estimate = 60 }
        var (sums, figures) = try await report()
        #expect(sums.pointsCompleted == 0 && figures.metrics.teamEfficiency == nil)
        #expect(sums.states.map(\.scope) == [60] && sums.states.map(\.remaining) == [0])
        try await workspace.moveTask("old", in: "p", to: .todo, by: "mia")
        (sums, figures) = try await report()
        #expect(sums.pointsCompleted == 0 && sums.states.map(\.remaining) == [60])
        #expect(figures.flow?.estimatedHours == 0)
        // Now it is.
        try await workspace.moveTask("old", in: "p", to: .inProgress, by: "mia")
        try await workspace.completeTask("old", in: "p", by: "mia")
        (sums, figures) = try await report()
        #expect(sums.pointsCompleted == 60 && sums.velocity == 60)
        #expect(figures.flow?.estimatedHours == 60 && figures.metrics.teamEfficiency == 1)
        try await workspace.changeTask("old", in: "p", by: "mia") { $0.estimate = 50 }
        try await workspace.moveTask("old", in: "p", to: .todo, by: "mia")
        (sums, figures) = try await report()
        #expect(sums.pointsCompleted == 0 && figures.flow?.estimatedHours == 0)
        try await Analytics.catchUp(store)
        #expect(try store.get(.analytics(of: "p", on: day)) == figures)
    }

    @Test("History that begins anew with its project counts once, however late the consumer is")
    func begunAnew() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        for number in 1...2 {
            var task = CodexFlow.Task(id: "t", projectID: "p", title: "T", status: .todo)
            task.estimate = number
            try await store.put(task)
            try await workspace.addComment(on: "t", in: "p", by: "olga", "hello")
            guard number == 1 else { break }
            try await workspace.deleteProject("p", by: "olga")
            try await workspace.createProject(key: "NEW", name: "New", id: "p", owner: "olga")
        }
        try await Analytics.catchUp(store)
        let days = try Analytics.stored(store)
        #expect(days.map(\.flow?.scope) == [2] && days[0].flow?.statuses == [.todo: 1])
    }

    @Test("An item that passes for another project's costs that one nothing")
    func misplaced() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { $0.estimate = 3 }
        let day = CalendarDay(fixture.clock.now)
        try await store.rebuildAnalytics()
        let figures = try #require(try store.get(.analytics(of: "p", on: day)))
        var item = try #require(try store.get(.project("p"))).item()
        item["PK"] = "PROJECT#zzz"
        item["key"] = nil
        item["createdAt"] = "2001-01-01T00:00:00.000Z"
        try await store.put(item, in: CodexFlow.table)
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "p", on: day)) == figures)
        // Nor does a rebuild while its own item is damaged.
        let key = PrimaryKey("PROJECT#p", "METADATA")
        let sound = try #require(try store.item(in: CodexFlow.table, key: key))
        var damaged = sound
        damaged["owner"] = 7
        try await store.put(damaged, in: CodexFlow.table)
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "p", on: day)) == figures)
        try await store.put(sound, in: CodexFlow.table)
        try await workspace.addComment(on: "a", in: "p", by: "mia", "it goes on")
    }

    @Test("Rebuilds beside the consumer and new projects count each entry once")
    func rebuiltBeside() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        func days() throws -> [Item] {
            try fixture.contents.filter { $0["SK"]?.string?.hasPrefix("ANALYTICS#") == true }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await store.runAnalytics() } catch is CancellationError {}
            }
            for _ in 0..<10 {
                async let rebuilt: Int = store.rebuildAnalytics()
                for _ in 0..<6 {
                    let id = try CodexFlow.Project.ID("n\(UUID().uuidString)")
                    let key = "K" + String(Int.random(in: 0..<60_000_000), radix: 36).uppercased()
                    try await workspace.createProject(
                        key: String(key.prefix(6)), name: "N", id: id, owner: "olga")
                    for _ in 0..<3 {
                        try await workspace.createTask(in: id, by: "olga") {
                            ($0.title, $0.estimate) = ("T", 1)
                        }
                    }
                }
                _ = try await rebuilt
            }
            group.cancelAll()
        }
        try await Analytics.catchUp(store)
        let streamed = try days()
        #expect(streamed.count >= 60)
        try await store.rebuildAnalytics()
        #expect(try days() == streamed)
        #expect(
            streamed.allSatisfy { $0["flow"]?.map?["created"] == 3 || $0["PK"] == "PROJECT#mark" })
    }

    @Test("A damaged entry of history keeps nobody from the task", arguments: Place.allCases)
    func damagedHistory(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a", through: [.todo])
        try await fixture.store.put(
            ["PK": "PROJECT#p", "SK": "ACTIVITY#a#!", "note": "x"], in: CodexFlow.table)
        let token = try await fixture.claim("a", by: "mia")
        try await workspace.addComment(on: "a", in: "p", by: "mia", holding: token, "hello")
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia", holding: token)
    }

    @Test(
        "A blocker that was finished without the services blocks nothing", arguments: Place.allCases
    )
    func blockers(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a", through: [.todo])
        try await fixture.task("b", through: [.todo])
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        #expect(try await workspace.blockedTasks(in: "p").map(\.task.id) == ["a"])
        try await store.update(.task("b", in: "p")) { $0.status = .done }
        #expect(try await workspace.blockedTasks(in: "p").isEmpty)
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        // Nor does one that was opened so let anybody start.
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        try await store.update(.task("b", in: "p")) { $0.status = .todo }
        try await fixture.expect(.taskBlocked) {
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        }
    }

    @Test("Who was the owner, by a membership that stayed, is an admin at most")
    func earlierOwners() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await store.update(.project("p")) { $0.ownerID = "mia" }
        try await fixture.expect(.actorRole) { try await workspace.deleteProject("p", by: "olga") }
        try await workspace.changeProject("p", by: "olga") { $0.summary = "s" }
        // One who is no user any more does not come back by a transfer.
        try await store.update(.project("p")) { $0.ownerID = "ghost" }
        try await workspace.transferProject("p", to: "max", by: "adam")
        #expect(try store.get(.member("ghost", of: "p")) == nil)
    }

    @Test("A raw task with the highest number leaves the others", arguments: Place.allCases)
    func numbers(place: Place) async throws {
        let fixture = try await Fixture(place)
        var task = CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .todo)
        task.number = Int(CodexFlow.Limits.taskNumberMax)
        try await fixture.store.put(task)
        task.id = "two"
        task.number = 2
        try await fixture.store.put(task)
        // One that no number of ours is.
        var item = try task.item()
        item["SK"] = "TASK#odd"
        (item["taskId"], item["number"]) = ("odd", .number(try Number(parsing: "2.5")))
        if place == .embedded { try await fixture.store.put(item, in: CodexFlow.table) }
        var numbers: [Int?] = []
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] {
            numbers.append(try await fixture.task(id).number)
        }
        #expect(numbers == [1, 3, 4])
    }

    @Test("The owner of a project without members may do everything", arguments: Place.allCases)
    func owners(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await store.insert(CodexFlow.Project(id: "raw", name: "Raw", ownerID: "nora"))
        try await fixture.expect(.actorRole) {
            try await workspace.createTask(in: "raw", by: "mia") { $0.title = "T" }
        }
        try await fixture.expect(.memberTaken) {
            try await workspace.addMember("nora", to: "raw", by: "nora")
        }
        try await fixture.expect(.memberOwner) {
            try await workspace.removeMember("nora", from: "raw", by: "nora")
        }
        try await workspace.createTask(in: "raw", by: "nora", id: "t") {
            ($0.title, $0.assigneeID) = ("T", "nora")
        }
        try await workspace.addMember("mia", to: "raw", by: "nora")
        try await workspace.transferProject("raw", to: "mia", by: "nora")
        #expect(try store.get(.member("nora", of: "raw"))?.role == .admin)
        try await workspace.deleteProject("raw", by: "mia")
        #expect(try store.get(.project("raw")) == nil)
    }

    @Test("A limit is of the entity that is asked for, whatever else has such keys")
    func limits() async throws {
        let fixture = try await Fixture(.table)
        // Before the history of the task: a key of it that is none of an entry.
        var item: Item = ["PK": "PROJECT#p", "SK": "ACTIVITY#a#"]
        item["note"] = "x"
        try await fixture.store.put(item, in: CodexFlow.table)
        try await fixture.task("a")
        try await fixture.workspace.addComment(on: "a", in: "p", by: "mia", "hello")
        let kinds = try fixture.store.all(.activity(of: "a", in: "p")).map(\.kind)
        #expect(kinds == [.created, .commented])
    }

    @Test("An item with thousands of attributes is no deeper a condition than others")
    func attributes() async throws {
        let fixture = try await Fixture(.table)
        let key = PrimaryKey("PROJECT#p", "TASK#a")
        try await fixture.task("a")
        var item = try #require(try fixture.store.item(in: CodexFlow.table, key: key))
        for number in 0..<20_000 { item["x\(number)"] = true }
        try await fixture.store.put(item, in: CodexFlow.table)
        try await fixture.workspace.assignTask("a", in: "p", to: "max", by: "mia")
        #expect(try fixture.store.get(.task("a", in: "p"))?.assigneeID == "max")
    }
}
