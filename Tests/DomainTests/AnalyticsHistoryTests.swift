import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Tasks whose histories were removed, and tasks that were removed and stored again.
@Suite("Analytics and removed histories")
struct AnalyticsHistoryTests {
    private static let daySeconds = 86_400.0

    /// The error of a rebuild that a test interrupts.
    private struct Interrupted: Error {}

    /// Stores a task without the services.
    private func store(
        _ id: CodexFlow.Task.ID, _ points: Int, _ fixture: Fixture
    ) async throws {
        var task = CodexFlow.Task(id: id, projectID: "p", title: "Task \(id)", status: .todo)
        task.estimate = points
        try await fixture.store.put(task)
    }

    // MARK: Tasks that were stored again

    @Test("Tasks that were removed and stored again without history count from their adoption on")
    func adopted() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        let ids = try (0..<60).map { try CodexFlow.Task.ID("i\($0)") }
        for id in ids { try await self.store(id, 2, fixture) }
        for id in ids { #expect(try await store.delete(.task(id, in: "p"))) }
        for id in ids { try await self.store(id, 2, fixture) }
        // The first batch of the consumer has removals, and the history is in a later one.
        #expect(try await fixture.workspace.adoptHistory(of: "p", by: "adam") == 60)
        let report = try await Analytics.report(fixture, from: first, days: 1)
        #expect(report.states.map(\.scope) == [120] && report.states.map(\.remaining) == [120])
        #expect(report.states.first?.statuses == [.todo: 60])
        try await Analytics.expectRebuild(store)
    }

    @Test("A removed task leaves with the state that it had, not with that of a later one")
    func storedAgain() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await fixture.task("a") { $0.estimate = 5 }
        // The first run of the consumer rebuilds, and writes no share of the task.
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: Self.daySeconds)
        #expect(try await store.delete(.task("a", in: "p")))
        try await self.store("a", 2, fixture)
        // More changes than a batch of the consumer has; these tasks have no history.
        for number in 0..<120 { try await self.store(try .init("f\(number)"), 1, fixture) }
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        let report = try await Analytics.report(fixture, from: first, days: 2)
        #expect(report.states.map(\.scope) == [5, 2] && report.states.map(\.remaining) == [5, 2])
        #expect(report.states.last?.statuses == [.inProgress: 1])
        try await Analytics.expectRebuild(store)
    }

    // MARK: Removed histories

    @Test("What a present task contributed stays if its history is removed, and begins again")
    func presentTask() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await fixture.task("b") { $0.estimate = 5 }
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await Analytics.removeHistory(of: id, store)
        }
        for _ in 0..<2 { try await Analytics.expectRebuild(store) }
        fixture.clock.advance(by: Self.daySeconds)
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await workspace.moveTask(id, in: "p", to: .todo, by: "mia")
        }
        let report = try await Analytics.report(fixture, from: first, days: 2)
        #expect(report.states.map(\.scope) == [8, 8] && report.states.map(\.remaining) == [5, 8])
        #expect(report.states.last?.statuses == [.todo: 2])
        // The completion belongs to the history that is gone.
        #expect(report.tasksCompleted == 1 && report.pointsCompleted == 3)
        #expect(try Analytics.stored(store).allSatisfy { $0.flow?.importedPoints == 0 })
        try await Analytics.expectRebuild(store)
    }

    @Test("A task that was moved, deleted and lost its history before the consumer ran leaves once")
    func removedEarly() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        for (id, points) in [("a", 5), ("b", 3), ("c", 1)] {
            try await fixture.task(try .init(id)) { task in
                task.estimate = points
                task.status = .inProgress
            }
        }
        try await workspace.completeTask("b", in: "p", by: "mia")
        // The first run of the consumer rebuilds, and writes no shares.
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: Self.daySeconds)
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await workspace.moveTask(id, in: "p", to: .todo, by: "mia")
            try await workspace.deleteTask(id, in: "p", by: "mia")
            try await Analytics.removeHistory(of: id, store)
        }
        let report = try await Analytics.report(fixture, from: first, days: 2)
        #expect(report.states.map(\.scope) == [9, 1] && report.states.map(\.remaining) == [6, 1])
        #expect(report.states.last?.statuses == [.inProgress: 1])
        #expect(try Analytics.stored(store).allSatisfy { $0.flow?.importedPoints == 0 })
        // Nothing is left of them for a rebuild.
        try await store.rebuildAnalytics()
        let rebuilt = try await Analytics.report(fixture, from: first, days: 2)
        #expect(rebuilt.states.map(\.scope) == [1, 1] && rebuilt.tasksCompleted == 0)
    }

    @Test("A rebuild removes the share of a task that lacks entries")
    func staleShare() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (5, .todo) }
        try await fixture.task("b") { ($0.estimate, $0.status) = (1, .todo) }
        try await Analytics.catchUp(store)
        // After it, a rebuild cannot let the consumer catch up before.
        await #expect(throws: Interrupted.self) {
            try await store.rebuildAnalytics(writeCount: 10, patience: .zero) {
                throw Interrupted()
            }
        }
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        try await store.rebuildAnalytics(writeCount: 10, patience: .zero)
        #expect(try store.get(.analyticsShare(of: "a", in: "p")) == nil)
        #expect(try store.get(.analyticsShare(of: "b", in: "p")) != nil)
        try await workspace.moveTask("a", in: "p", to: .inReview, by: "mia")
        try await Analytics.removeHistory(of: "a", store)
        let report = try await Analytics.report(fixture, from: first, days: 1)
        #expect(report.states.map(\.scope) == [6] && report.states.map(\.remaining) == [6])
        #expect(report.states.first?.statuses == [.todo: 1, .inReview: 1])
    }
}
