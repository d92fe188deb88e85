import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Projects whose item comes after their history, and days that an import brings.
@Suite("Analytics of imported projects")
struct AnalyticsImportTests {
    /// A store with a caught-up consumer, and the first instant of its work.
    private struct Target {
        let temporary: TemporaryStore
        let clock = ManualClock()
        var store: Store { temporary.store }
        var workspace: CodexFlow.Workspace {
            let clock = clock
            return CodexFlow.Workspace(store, clock: { clock.now })
        }

        init() async throws {
            var options = StoreOptions()
            options.use(clock)
            temporary = try TemporaryStore(options: options)
            try await Analytics.catchUp(store)
        }

        /// Stores items in one commit, as `codexflow import` does.
        func put(_ items: some Collection<Item> & Sendable) async throws {
            try await store.write { transaction in
                for item in items { try transaction.put(item, in: CodexFlow.table) }
            }
        }
    }

    /// The items of a store with work of two tasks, in the order of their keys, and its days.
    private func exported() async throws -> (items: [Item], days: [String]) {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.logWork(4, on: "a", in: "p", by: "mia")
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await fixture.task("b") { ($0.estimate, $0.status) = (5, .inProgress) }
        try await Analytics.catchUp(store)
        return (try fixture.contents, try Analytics.bytes(store))
    }

    private func isProject(_ item: Item) -> Bool {
        item["PK"] == "PROJECT#p" && item["SK"] == "METADATA"
    }

    /// Expects the days of the export, and that work goes on from there.
    private func expectDays(_ target: Target, _ days: [String]) async throws {
        let (workspace, store) = (target.workspace, target.store)
        #expect(try Analytics.bytes(store) == days)
        #expect(try store.analyticsProgress()?.isCurrent == true)
        try await workspace.completeTask("b", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let day = CalendarDay(target.clock.now)
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(report.states.map(\.remaining) == [0] && report.states.map(\.scope) == [8])
        #expect(report.pointsCompleted == 8 && report.hoursLogged == 4)
        #expect(report.progress?.isCurrent == true)
        try await Analytics.expectRebuild(store)
    }

    // MARK: The project's item

    @Test(
        "History that is stored before its project counts once the project is there",
        arguments: [true, false])
    func historyFirst(hasState: Bool) async throws {
        let (all, days) = try await exported()
        let items = all.filter { hasState || $0["PK"] != "ANALYTICS" }
        let place = try #require(items.firstIndex(where: isProject))
        let target = try await Target()
        try await target.put(items[..<place])
        #expect(items[..<place].contains { $0["SK"]?.string?.hasPrefix("ACTIVITY#") == true })
        try await Analytics.catchUp(target.store)
        #expect(try target.store.analyticsProgress()?.isCurrent == true)
        try await target.put(items[place...])
        try await Analytics.catchUp(target.store)
        try await expectDays(target, days)
    }

    @Test(
        "An export with its analytics counts once, in one commit and in any order",
        arguments: [true, false], [true, false])
    func wholeExport(isReversed: Bool, hasState: Bool) async throws {
        let (all, days) = try await exported()
        let items = all.filter { hasState || $0["PK"] != "ANALYTICS" }
        let target = try await Target()
        let ordered: [Item] = isReversed ? items.reversed() : items
        try await target.put(ordered)
        try await Analytics.catchUp(target.store)
        try await expectDays(target, days)
    }

    /// The items of an export, without what the consumer keeps for itself.
    private func plain(_ items: [Item], hasShares: Bool) -> [Item] {
        items.filter { item in
            let isShare = item["SK"]?.string?.hasPrefix("SHARE#") == true
            return item["PK"] != "ANALYTICS" && (hasShares || !isShare)
        }
    }

    @Test(
        "An import of several commits counts once, also if the consumer runs after each of them",
        arguments: [true, false])
    func severalCommits(hasShares: Bool) async throws {
        let (all, days) = try await exported()
        let items = plain(all, hasShares: hasShares)
        let place = try #require(items.firstIndex(where: isProject))
        let target = try await Target()
        try await target.put(items[..<place])
        // The tasks come after their history, their project and their shares.
        for item in items[place...] {
            try await target.put([item])
            try await Analytics.catchUp(target.store)
        }
        try await expectDays(target, days)
    }

    @Test(
        "A task that an import lacks is in no state, and a new one with its identifier is",
        arguments: [true, false])
    func lackingTask(hasShares: Bool) async throws {
        let (all, _) = try await exported()
        let items = plain(all, hasShares: hasShares).filter { $0["SK"] != "TASK#b" }
        let target = try await Target()
        let (workspace, store) = (target.workspace, target.store)
        let day = CalendarDay(target.clock.now)
        func scope() async throws -> [Int] {
            try await Analytics.catchUp(store)
            return try await workspace.analyticsReport(of: "p", from: day, through: day)
                .states.map(\.scope)
        }
        try await target.put(items)
        #expect(try await scope() == [3])
        for _ in 0..<2 {
            try await store.rebuildAnalytics()
            #expect(try await scope() == [3])
        }
        try await workspace.createTask(in: "p", by: "mia", id: "b") {
            ($0.title, $0.estimate) = ("New", 1)
        }
        #expect(try await scope() == [4])
        try await Analytics.expectRebuild(store)
        // The import goes on with a task that was removed since.
        #expect(try await store.delete(.task("b", in: "p")))
        #expect(try await scope() == [3])
        try await target.put(all.filter { $0["SK"] == "TASK#b" })
        #expect(try await scope() == [3])
        try await Analytics.expectRebuild(store)
    }

    @Test("Work that is logged before the project is stored counts, too")
    func workFirst() async throws {
        let (all, _) = try await exported()
        let target = try await Target()
        func isWork(_ item: Item) -> Bool { item["SK"]?.string?.hasPrefix("WORK#") == true }
        try await target.put(all.filter(isWork))
        try await Analytics.catchUp(target.store)
        try await target.put(all.filter(isProject))
        try await Analytics.catchUp(target.store)
        let days = try Analytics.stored(target.store)
        #expect(days.map { $0.teamStats.map(\.hoursLogged) } == [[4]])
    }

    @Test("A project's item that is put back, or repaired, has its history again")
    func putBack() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let days = try Analytics.bytes(store)
        let key = PrimaryKey("PROJECT#p", "METADATA")
        let project = try #require(try store.item(in: CodexFlow.table, key: key))
        // The consumer is late, or sees each step.
        for isLate in [true, false] {
            try await store.delete(in: CodexFlow.table, key: key)
            if !isLate { try await Analytics.catchUp(store) }
            try await store.put(project, in: CodexFlow.table)
            try await Analytics.catchUp(store)
            #expect(try Analytics.bytes(store) == days, "\(isLate)")
        }
        var damaged = project
        damaged["owner"] = 7
        try await store.put(damaged, in: CodexFlow.table)
        // An entry that the consumer meets while the project is damaged.
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).first)
        var copy = entry
        (copy.taskID, copy.id) = ("b", "1")
        try await store.put(try copy.item(), in: CodexFlow.table)
        try await store.put(CodexFlow.Task(id: "b", projectID: "p", title: "B"))
        try await Analytics.catchUp(store)
        try await store.put(project, in: CodexFlow.table)
        try await Analytics.catchUp(store)
        #expect(try Analytics.stored(store).map { $0.flow?.created } == [2])
        try await Analytics.expectRebuild(store)
    }

    @Test("A consumer that is late rebuilds nothing for new projects")
    func newProjects() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await Analytics.catchUp(store)
        let count = try store.analyticsProgress()?.rebuildCount
        for name in ["one", "two"] as [CodexFlow.Project.ID] {
            try await workspace.createProject(
                key: "K\(name.rawValue.uppercased())", name: "P", id: name, owner: "mia")
            for number in 0..<60 {
                let id = try CodexFlow.Task.ID("t\(number)")
                try await workspace.createTask(in: name, by: "mia", id: id) { $0.title = "T" }
                for hours in [1, -1] as [Number] {
                    try await workspace.logWork(hours, on: id, in: name, by: "mia")
                }
            }
            try await workspace.deleteTask("t0", in: name, by: "mia")
        }
        try await Analytics.catchUp(store)
        #expect(try store.analyticsProgress()?.rebuildCount == count)
        try await store.rebuildAnalytics()
        #expect(try store.analyticsProgress()?.rebuildCount != count)
    }

    // MARK: Imported days

    @Test("Imported days stay when the project gets a history, and after rebuilds")
    func importedDays() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let today = CalendarDay(fixture.clock.now)
        let metrics = CodexFlow.Analytics.Metrics(
            tasksCompleted: 4, velocity: 7, further: ["bugs": 2])
        let imported = (1...3).map {
            CodexFlow.Analytics(projectID: "p", date: today.adding(days: -$0), metrics: metrics)
        }
        for day in imported { try await store.put(day) }
        var task = CodexFlow.Task(id: "a", projectID: "p", title: "A", status: .todo)
        (task.estimate, task.isImport) = (5, true)
        try await store.put(task)
        #expect(try await workspace.adoptHistory(of: "p", by: "adam") == 1)
        for _ in 0..<2 {
            try await Analytics.catchUp(store)
            for day in imported {
                #expect(try store.get(.analytics(of: "p", on: day.date)) == day)
            }
            #expect(try store.get(.analytics(of: "p", on: today))?.flow?.scope == 5)
            try await store.rebuildAnalytics()
        }
        let days = try await workspace.analyticsDays(
            of: "p", from: today.adding(days: -3), through: today.adding(days: -1))
        #expect(days.map(\.metrics.velocity) == [7, 7, 7])
    }

    @Test("Work on an imported day replaces its figures; further figures stay")
    func workOnImportedDay() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let date = CalendarDay(fixture.clock.now).adding(days: -1)
        let metrics = CodexFlow.Analytics.Metrics(
            tasksCompleted: 4, velocity: 7, further: ["bugs": 2])
        try await store.put(CodexFlow.Analytics(projectID: "p", date: date, metrics: metrics))
        try await Analytics.catchUp(store)
        try await fixture.task("a")
        try await workspace.logWork(3, on: "a", in: "p", by: "mia", day: date)
        try await Analytics.expectRebuild(store)
        let day = try #require(try store.get(.analytics(of: "p", on: date)))
        #expect(day.metrics.tasksCompleted == 0 && day.metrics.velocity == nil)
        #expect(day.metrics.further == ["bugs": 2] && day.teamStats.map(\.hoursLogged) == [3])
        #expect(day.flow != nil)
        try await workspace.logWork(-3, on: "a", in: "p", by: "mia", day: date)
        try await Analytics.expectRebuild(store)
        let empty = try #require(try store.get(.analytics(of: "p", on: date)))
        #expect(empty.flow == nil && empty.teamStats.isEmpty)
        #expect(empty.metrics.further == ["bugs": 2])
    }
}
