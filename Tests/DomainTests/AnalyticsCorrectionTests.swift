import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What later changes do to figures that were computed before (Docs/Analytics.md).
@Suite("Corrections of analytics")
struct AnalyticsCorrectionTests {
    private static let daySeconds = 86_400.0

    /// A report from a first day on, after the consumer has caught up.
    private func report(
        _ fixture: Fixture, from first: CalendarDay, days: Int
    ) async throws -> CodexFlow.AnalyticsReport {
        try await Analytics.catchUp(fixture.store)
        return try await fixture.workspace.analyticsReport(
            of: "p", from: first, through: first.adding(days: days - 1))
    }

    /// Completes a new task of some points.
    private func complete(
        _ id: CodexFlow.Task.ID, _ points: Int?, _ fixture: Fixture
    ) async throws {
        try await fixture.task(id) { ($0.estimate, $0.status) = (points, .inProgress) }
        try await fixture.workspace.completeTask(id, in: "p", by: "mia")
    }

    /// Expects that a rebuild makes the same days.
    private func expectRebuild(_ store: Store) async throws {
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before)
    }

    // MARK: Reopening and estimates

    @Test("A reopening corrects the day of the completion; the burndown of past days stays")
    func reopening() async throws {
        let fixture = try await Fixture()
        let first = CalendarDay(fixture.clock.now)
        try await complete("a", 7, fixture)
        try await complete("b", 2, fixture)
        let shown = try await report(fixture, from: first, days: 1)
        #expect(shown.states.map(\.remaining) == [0] && shown.pointsCompleted == 9)
        fixture.clock.advance(by: 40 * Self.daySeconds)
        try await fixture.workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        let corrected = try await report(fixture, from: first, days: 41)
        #expect(corrected.tasksCompleted == 1 && corrected.pointsCompleted == 2)
        #expect(corrected.states.first?.remaining == 0 && corrected.states.last?.remaining == 7)
        #expect(corrected.states.first?.statuses == [.done: 2])
        #expect(corrected.states.allSatisfy { $0.velocity?.isNegative == false })
        #expect(corrected.velocity == 0)
        try await expectRebuild(fixture.store)
    }

    @Test("A re-estimate of finished work is booked on the day of its completion")
    func estimates() async throws {
        let fixture = try await Fixture()
        let (workspace, first) = (fixture.workspace, CalendarDay(fixture.clock.now))
        try await workspace.changeProject("p", by: "adam") { $0.hoursPerPoint = 2 }
        try await complete("a", 3, fixture)
        fixture.clock.advance(by: 2 * Self.daySeconds)
        try await workspace.changeProject("p", by: "adam") { $0.hoursPerPoint = 5 }
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 }
        let report = try await report(fixture, from: first, days: 3)
        #expect(report.states.map(\.scope) == [3, 3, 8])
        #expect(report.states.map(\.remaining) == [0, 0, 0])
        let flows = try Analytics.stored(fixture.store).map(\.flow)
        #expect(flows.map { $0?.points } == [8, 0])
        #expect(flows.map { $0?.estimatedHours } == [40, 0])
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = nil }
        try await Analytics.catchUp(fixture.store)
        let flow = try Analytics.stored(fixture.store).first?.flow
        #expect(flow?.points == 0 && flow?.unestimated == 1 && flow?.estimatedHours == 0)
        try await expectRebuild(fixture.store)
    }

    @Test("A cycle time is the sum of the intervals of work")
    func cycleTimes() async throws {
        let fixture = try await Fixture()
        let (workspace, clock) = (fixture.workspace, fixture.clock)
        try await fixture.task("a", through: [.todo])
        // Work of 10, 20 and 30 seconds, with long breaks in other statuses and in the archive.
        for (seconds, status) in [(10.0, CodexFlow.Task.Status.todo), (20, .inReview), (30, .done)]
        {
            if try fixture.store.get(.task("a", in: "p"))?.status != .inReview {
                try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
            }
            clock.advance(by: seconds)
            try await workspace.moveTask("a", in: "p", to: status, by: "mia")
            if status == .inReview {
                try await workspace.archiveTask("a", in: "p", by: "mia")
                clock.advance(by: 5000)
                try await workspace.restoreTask("a", in: "p", by: "mia")
            } else {
                clock.advance(by: 3000)
            }
        }
        let day = CalendarDay(clock.now)
        var times = try await report(fixture, from: day, days: 1).cycleTimes
        #expect(times?.median == 60)
        // A second round adds to the first, which was taken back.
        for status in [CodexFlow.Task.Status.todo, .inProgress] {
            try await workspace.moveTask("a", in: "p", to: status, by: "mia")
        }
        clock.advance(by: 3)
        try await workspace.completeTask("a", in: "p", by: "mia")
        times = try await report(fixture, from: day, days: 1).cycleTimes
        #expect(times?.median == 63 && times?.p95 == 63)
        try await expectRebuild(fixture.store)
    }

    // MARK: Archived and removed tasks

    @Test("Archived tasks leave scope, burndown and flow, and return; completions stay")
    func archiving() async throws {
        let fixture = try await Fixture()
        let (workspace, first) = (fixture.workspace, CalendarDay(fixture.clock.now))
        try await complete("done", 3, fixture)
        try await fixture.task("open") { $0.estimate = 5 }
        for id in ["done", "open"] as [CodexFlow.Task.ID] {
            fixture.clock.advance(by: Self.daySeconds)
            try await workspace.archiveTask(id, in: "p", by: "mia")
        }
        fixture.clock.advance(by: Self.daySeconds)
        try await workspace.restoreTask("open", in: "p", by: "mia")
        let report = try await report(fixture, from: first, days: 4)
        #expect(report.states.map(\.scope) == [8, 5, 0, 5])
        #expect(report.states.map(\.remaining) == [5, 5, 0, 5])
        let statuses: [[CodexFlow.Task.Status: Int]] = [
            [.done: 1, .backlog: 1], [.backlog: 1], [:], [.backlog: 1],
        ]
        #expect(report.states.map(\.statuses) == statuses)
        #expect(report.tasksCompleted == 1 && report.pointsCompleted == 3)
        try await expectRebuild(fixture.store)
    }

    @Test(
        "Removed tasks leave on the day of the removal, by whatever; a new task does not inherit",
        arguments: [true, false], [true, false])
    func removal(byCommand: Bool, isLate: Bool) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        func removeAll() async throws {
            for id in ["a", "b"] as [CodexFlow.Task.ID] {
                if byCommand {
                    try await workspace.deleteTask(id, in: "p", by: "adam")
                } else {
                    #expect(try await store.delete(.task(id, in: "p")))
                }
            }
        }
        try await complete("a", 3, fixture)
        try await fixture.task("b") { $0.estimate = 5 }
        if !isLate { try await Analytics.catchUp(store) }
        fixture.clock.advance(by: Self.daySeconds)
        try await removeAll()
        if !isLate { try await Analytics.catchUp(store) }
        fixture.clock.advance(by: Self.daySeconds)
        try await fixture.task("a") { $0.estimate = 1 }
        let report = try await report(fixture, from: first, days: 3)
        #expect(report.states.map(\.scope) == [8, 0, 1])
        #expect(report.states.map(\.remaining) == [5, 0, 1])
        let statuses: [[CodexFlow.Task.Status: Int]] = [
            [.done: 1, .backlog: 1], [:], [.backlog: 1],
        ]
        #expect(report.states.map(\.statuses) == statuses)
        #expect(report.tasksCompleted == 1 && report.pointsCompleted == 3)
        try await expectRebuild(store)
        // The new task's completion is its own, and so is its reopening.
        for status in [CodexFlow.Task.Status.todo, .inProgress, .done, .todo] {
            try await workspace.moveTask("a", in: "p", to: status, by: "mia")
        }
        let again = try await self.report(fixture, from: first, days: 3)
        #expect(again.tasksCompleted == 1 && again.pointsCompleted == 3)
        #expect(again.states.map(\.remaining) == [5, 0, 1])
        try await expectRebuild(store)
    }

    @Test(
        "What a removed task contributed stays, also if its history is removed",
        arguments: [true, false])
    func removedHistory(isShared: Bool) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        // The first run of the consumer rebuilds, and writes no shares of present tasks.
        if isShared { try await Analytics.catchUp(store) }
        try await complete("a", 3, fixture)
        try await complete("b", 1, fixture)
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: Self.daySeconds)
        try await workspace.deleteTask("a", in: "p", by: "adam")
        for entry in try store.all(.activity(of: "a", in: "p")) {
            _ = try await store.delete(.activity(entry.id, of: "a", in: "p"))
        }
        let report = try await report(fixture, from: first, days: 2)
        #expect(report.states.map(\.scope) == [4, 1] && report.pointsCompleted == 4)
        if isShared { return try await expectRebuild(store) }
        // Nothing is left of it for a rebuild.
        try await store.rebuildAnalytics()
        let rebuilt = try await self.report(fixture, from: first, days: 2)
        #expect(rebuilt.states.map(\.scope) == [1, 1] && rebuilt.pointsCompleted == 1)
    }

    @Test("A consumer that is late counts nothing of a project that was deleted and made again")
    func lateConsumer() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await complete("a", 1, fixture)
        try await Analytics.catchUp(store)
        try await complete("b", 3, fixture)
        try await workspace.logWork(5, on: "b", in: "p", by: "mia")
        try await workspace.deleteProject("p", by: "olga")
        try await workspace.createProject(key: "NEW", name: "New", id: "p", owner: "olga")
        try await workspace.addMember("mia", to: "p", by: "olga")
        try await fixture.task("b") { $0.estimate = 1 }
        try await Analytics.catchUp(store)
        let days = try Analytics.stored(store)
        #expect(days.map { $0.flow?.created } == [1] && days.map { $0.flow?.scope } == [1])
        #expect(days.map(\.metrics.tasksCompleted) == [0] && days.allSatisfy(\.teamStats.isEmpty))
        try await expectRebuild(store)
    }

    // MARK: Velocity and efficiency

    @Test("Velocity is that of the project's age, on every day, and 0 without completions")
    func velocity() async throws {
        let fixture = try await Fixture()
        let first = CalendarDay(fixture.clock.now)
        fixture.clock.advance(by: Self.daySeconds)
        try await complete("a", 7, fixture)
        fixture.clock.advance(by: 13 * Self.daySeconds)
        try await complete("b", 7, fixture)
        let report = try await report(fixture, from: first, days: 50)
        func velocity(_ day: Int) -> String? { report.states[day].velocity?.description }
        // The history begins on day 1. Its first week has 7 points, and its first two have 14.
        let expected: [(day: Int, velocity: String?)] = [
            (0, nil), (1, "7"), (7, "7"), (8, "6.13"), (13, "3.77"), (14, "7"), (28, "3.5"),
            (29, "1.75"), (41, "1.75"), (42, "0"), (49, "0"),
        ]
        for (day, wanted) in expected { #expect(velocity(day) == wanted, "day \(day)") }
        let days = try await fixture.workspace.analyticsDays(
            of: "p", from: first, through: first.adding(days: 49))
        #expect(days.count == 50)
        #expect(days.map(\.metrics.velocity) == report.states.map(\.velocity))
    }

    @Test("Efficiency compares the estimate with all hours of the task, on any day")
    func efficiency() async throws {
        let fixture = try await Fixture()
        let (workspace, first) = (fixture.workspace, CalendarDay(fixture.clock.now))
        try await workspace.changeProject("p", by: "adam") { $0.hoursPerPoint = 8 }
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        for _ in 0..<4 {
            try await workspace.logWork(8, on: "a", in: "p", by: "mia")
            fixture.clock.advance(by: Self.daySeconds)
        }
        try await workspace.completeTask("a", in: "p", by: "mia")
        // Tasks without an estimate or without logs are not compared.
        try await complete("b", nil, fixture)
        try await workspace.logWork(4, on: "b", in: "p", by: "max")
        try await complete("c", 13, fixture)
        let report = try await report(fixture, from: first, days: 5)
        #expect(report.teamEfficiency?.description == "0.75" && report.hoursLogged == 36)
        let days = try Analytics.stored(fixture.store)
        #expect(
            days.map { $0.metrics.teamEfficiency?.description } == [nil, nil, nil, nil, "0.75"])
        // Later work on it counts on the day of the completion.
        fixture.clock.advance(by: Self.daySeconds)
        try await workspace.logWork(16, on: "a", in: "p", by: "mia")
        try await Analytics.catchUp(fixture.store)
        let later = try Analytics.stored(fixture.store)
        #expect(later.count == 6 && later[4].metrics.teamEfficiency?.description == "0.5")
        try await expectRebuild(fixture.store)
    }
}
