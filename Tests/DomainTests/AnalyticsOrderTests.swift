import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Histories count in the order of commits: also if writers have different clocks or are overtaken.
@Suite("Order of analytics")
struct AnalyticsOrderTests {
    private static let daySeconds = 86_400.0

    /// A workspace of another machine, whose clock is ahead, or behind by a negative number.
    private func workspace(_ fixture: Fixture, ahead seconds: Double) -> CodexFlow.Workspace {
        let clock = fixture.clock
        return CodexFlow.Workspace(fixture.store, clock: { clock.now + seconds })
    }

    /// Expects that a rebuild makes the days that the stream made.
    private func expectRebuild(_ store: Store) async throws {
        try await Analytics.catchUp(store)
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before)
    }

    private func kinds(_ store: Store) throws -> [CodexFlow.Activity.Kind] {
        try store.all(.activity(of: "a", in: "p")).map(\.kind)
    }

    // MARK: Identifiers

    @Test("A command that is overtaken writes its entry after the one that overtook it")
    func overtaken() async throws {
        let fixture = try await Fixture(.table)
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { $0.estimate = 1 }
        let overtaken = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(store) {
                    try await workspace.changeTask("a", in: "p", by: "max") { $0.estimate = 8 }
                }), clock: { clock.now }, calendar: SystemCalendar())
        try await overtaken.changeTask("a", in: "p", by: "mia") { $0.estimate = 5 }
        let points = try store.all(.activity(of: "a", in: "p")).map { $0.facts?.points }
        #expect(points == [1, 8, 5])
        try await expectRebuild(store)
        let day = CalendarDay(clock.now)
        #expect(try store.get(.analytics(of: "p", on: day))?.flow?.scope == 5)
    }

    @Test("Writers with different clocks write a history in the order of their commits")
    func clocks() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        let (ahead, behind) = (workspace(fixture, ahead: 3600), workspace(fixture, ahead: -3600))
        try await Analytics.catchUp(store)
        try await ahead.createTask(in: "p", by: "mia", id: "a") {
            ($0.title, $0.estimate, $0.status) = ("A", 3, .inProgress)
        }
        try await ahead.logWork(2, on: "a", in: "p", by: "mia")
        try await behind.completeTask("a", in: "p", by: "mia")
        try await behind.changeTask("a", in: "p", by: "mia") { $0.estimate = 5 }
        try await ahead.logWork(1, on: "a", in: "p", by: "mia")
        try await behind.deleteTask("a", in: "p", by: "mia")
        try await behind.createTask(in: "p", by: "mia", id: "a") {
            ($0.title, $0.estimate) = ("B", 1)
        }
        #expect(
            try kinds(store) == [
                .created, .worked, .moved, .changed, .worked, .deleted, .created,
            ])
        try await expectRebuild(store)
        let flows = try Analytics.stored(store).compactMap(\.flow)
        #expect(flows.reduce(0) { $0 + $1.scope } == 1)
        #expect(flows.reduce(0) { $0 + $1.points } == 5)
        #expect(flows.contains { $0.loggedHours == 3 })
    }

    @Test("The first changes after a rebuild need no share that the rebuild wrote")
    func firstChanges() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["a", "b", "c", "d"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { ($0.estimate, $0.status) = (3, .inProgress) }
            try await workspace.completeTask(id, in: "p", by: "mia")
        }
        try await store.rebuildAnalytics()
        #expect(try store.get(.analyticsShare(of: "a", in: "p")) == nil)
        fixture.clock.advance(by: Self.daySeconds)
        // Several changes of a task in one batch: removals before, between and after entries.
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        #expect(try await store.delete(.task("b", in: "p")))
        try await fixture.task("b") { $0.estimate = 1 }
        #expect(try await store.delete(.task("c", in: "p")))
        try await workspace.deleteTask("d", in: "p", by: "mia")
        try await expectRebuild(store)
        let flows = try Analytics.stored(store).compactMap(\.flow)
        #expect(flows.map(\.scope) == [12, -8] && flows.map(\.points) == [9, 0])
        #expect(flows.map(\.reopened) == [0, 1])
    }

    // MARK: Imports

    @Test(
        "A task that is imported again after its deletion is adopted again",
        arguments: Place.allCases)
    func importedAgain(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let day = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        for points in [3, 5, 8] {
            var task = CodexFlow.Task(id: "a", projectID: "p", title: "A", status: .done)
            task.estimate = points
            task.isImport = true
            try await store.put(task)
            #expect(try await workspace.adoptHistory(of: "p", by: "adam") == 1)
            #expect(try await workspace.adoptHistory(of: "p", by: "adam") == 0)
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = points + 1 }
            try await expectRebuild(store)
            let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
            #expect(report.states.map(\.scope) == [points + 1])
            try await workspace.deleteTask("a", in: "p", by: "adam")
        }
        let life: [CodexFlow.Activity.Kind] = [.imported, .changed, .deleted]
        #expect(try kinds(store) == life + life + life)
        try await expectRebuild(store)
    }

    @Test("Two who begin the history of an imported task again begin it once")
    func begunTwice() async throws {
        let fixture = try await Fixture(.table)
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        try await fixture.task("a")
        try await workspace.deleteTask("a", in: "p", by: "mia")
        try await store.put(CodexFlow.Task(id: "a", projectID: "p", title: "A", status: .todo))
        let overtaken = CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(
                RemoteTable(store) {
                    try await workspace.addComment(on: "a", in: "p", by: "max", "first")
                }), clock: { clock.now }, calendar: SystemCalendar())
        try await overtaken.addComment(on: "a", in: "p", by: "mia", "second")
        #expect(
            try kinds(store) == [.created, .deleted, .imported, .commented, .commented])
    }

    @Test("The default size of an adoption fits a remote table")
    func remoteAdoption() async throws {
        let fixture = try await Fixture(.table)
        for number in 0..<60 {
            try await fixture.store.put(
                CodexFlow.Task(id: try .init("i\(number)"), projectID: "p", title: "I"))
        }
        #expect(try await fixture.workspace.adoptHistory(of: "p", by: "adam") == 60)
    }

    // MARK: Removals

    @Test(
        "A removal that no entry tells of counts on its day, also if its writers' clocks differ",
        arguments: [true, false])
    func removal(isStreamed: Bool) async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        let first = CalendarDay(fixture.clock.now)
        let ahead = workspace(fixture, ahead: 2 * Self.daySeconds)
        if isStreamed { try await Analytics.catchUp(store) }
        for _ in 0..<2 {
            try await ahead.createTask(in: "p", by: "mia", id: "a") {
                ($0.title, $0.estimate) = ("A", 5)
            }
            #expect(try await store.delete(.task("a", in: "p")))
            fixture.clock.advance(by: 3 * Self.daySeconds)
        }
        try await ahead.createTask(in: "p", by: "mia", id: "a") {
            ($0.title, $0.estimate) = ("A", 5)
        }
        try await Analytics.catchUp(store)
        let days = try Analytics.stored(store)
        let expected = [(0, -5), (2, 5), (3, -5), (5, 5), (8, 5)]
        #expect(days.map(\.date) == expected.map { first.adding(days: $0.0) })
        #expect(days.map { $0.flow?.scope ?? 0 } == expected.map { $0.1 })
        try await expectRebuild(store)
    }

    @Test(
        "A task with contributions on more days than its share keeps leaves nothing behind",
        arguments: [-1, 0, 1, 30])
    func manyDays(more: Int) async throws {
        let fixture = try await Fixture()
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        let first = CalendarDay(clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("b") { $0.estimate = 13 }
        try await fixture.task("a") { $0.estimate = 5 }
        let count = CodexFlow.AnalyticsShare.dayCountMax + more
        for number in 2..<count {
            clock.advance(by: Self.daySeconds)
            try await workspace.changeTask("a", in: "p", by: "mia") {
                $0.estimate = number % 2 == 0 ? 3 : 8
            }
        }
        clock.advance(by: Self.daySeconds)
        #expect(try await store.delete(.task("a", in: "p")))
        try await Analytics.catchUp(store)
        for _ in 0..<2 {
            let report = try await workspace.analyticsReport(
                of: "p", from: first, through: CalendarDay(clock.now))
            let state = try #require(report.states.last)
            #expect(state.scope == 13 && state.remaining == 13 && state.statuses == [.backlog: 1])
            let created = try Analytics.stored(store).map { $0.flow?.created ?? 0 }
            #expect(created.reduce(0, +) == 2)
            try await store.rebuildAnalytics()
        }
    }
}
