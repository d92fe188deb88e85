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
            { try await workspace.claim($0, in: "p", by: "mia", lease: .seconds(60)) },
            { try await workspace.comment(on: $0, in: "p", by: "mia", "hello") },
            { try await workspace.logWork(1, on: $0, in: "p", by: "mia") },
            { try await workspace.addDependency(of: $0, on: "own", in: "p", by: "mia") },
            { try await workspace.archive($0, in: "p", by: "mia") },
        ]
        for (number, command) in first.enumerated() {
            let id = try CodexFlow.Task.ID("raw\(number)")
            var task = CodexFlow.Task(id: id, projectID: "p", title: "Raw", status: .inProgress)
            task.estimate = 3
            try await store.put(task)
            try await command(id)
            if number == 4 { try await workspace.restore(id, in: "p", by: "mia") }
            try await workspace.complete(id, in: "p", by: "mia")
            let kinds = try store.all(.activity(of: id, in: "p")).map(\.kind)
            #expect(kinds.first == .imported && kinds.count { $0 == .imported } == 1, "\(number)")
        }
        try await store.rebuildAnalytics()
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        let state = try #require(report.states.first)
        #expect(state.scope == 3 * first.count && state.remaining == 0)
        #expect(state.statuses == [.backlog: 1, .done: first.count])
    }

    @Test("Two who begin the history of a task on a table elsewhere begin it once")
    func begunTwice() async throws {
        let fixture = try await Fixture(.table)
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        try await store.put(
            CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .todo))
        let overtaken = CodexFlow.Workspace(
            CodexFlow.TableWorkspaceBackend(
                TableElsewhere(store) {
                    try await workspace.comment(on: "raw", in: "p", by: "max", "first")
                }), clock: { clock.now }, calendar: SystemCalendar())
        try await overtaken.comment(on: "raw", in: "p", by: "mia", "second")
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
        try await workspace.comment(on: "old", in: "p", by: "mia", "well done")
        try await fixture.task("new") { ($0.estimate, $0.status) = (4, .inProgress) }
        try await workspace.complete("new", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let day = CalendarDay(fixture.clock.now)
        let figures = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(figures.metrics.velocity == 1 && figures.metrics.tasksCompleted == 1)
        #expect(figures.flow?.points == 104 && figures.flow?.scope == 104)
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
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
                try await workspace.complete("a", in: "p", by: "mia")
            }
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 }
        }
        // Nor do raw hours of a point stop anything.
        var project = try #require(
            try store.item(in: CodexFlow.table, key: PrimaryKey("PROJECT#p", "METADATA")))
        project["hoursPerPoint"] = .number(Number(Int64.max))
        try await store.put(project, in: CodexFlow.table)
        try await workspace.complete("a", in: "p", by: "mia")
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.facts?.estimatedHours == 8 * Limits.hoursPerPointMax)
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
            metrics: .init(tasksCompleted: Int(Limits.analyticsFigureMax)))
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
        try await workspace.complete("a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let figures = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(figures.metrics.tasksCompleted == 1 && figures.flow?.points == 2)
        #expect(figures.teamStats.map(\.hoursLogged) == [4])
        #expect(try store.get(.analytics(of: "q", on: day)) == nil)
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "p", on: day)) == figures)
        #expect(try store.get(.analytics(of: "q", on: day)) == nil)
    }

    @Test("A raw task with the highest number leaves the others", arguments: Place.allCases)
    func numbers(place: Place) async throws {
        let fixture = try await Fixture(place)
        var task = CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .todo)
        task.number = Int(Limits.taskNumberMax)
        try await fixture.store.put(task)
        task.id = "two"
        task.number = 2
        try await fixture.store.put(task)
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
        try await fixture.workspace.comment(on: "a", in: "p", by: "mia", "hello")
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
        try await fixture.workspace.assign("a", in: "p", to: "max", by: "mia")
        #expect(try fixture.store.get(.task("a", in: "p"))?.assigneeID == "max")
    }
}
