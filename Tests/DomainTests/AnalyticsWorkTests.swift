import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Hours on tasks that are removed, and on later tasks with their identifiers.
@Suite("Analytics of work on removed tasks")
struct AnalyticsWorkTests {
    private static let daySeconds = 86_400.0

    /// Completes a new task of some points with hours of work of today, and removes it.
    private func completeAndRemove(
        _ points: Int, _ hours: Number, _ fixture: Fixture, byCommand: Bool = true
    ) async throws {
        let workspace = fixture.workspace
        try await fixture.task("a") { ($0.estimate, $0.status) = (points, .inProgress) }
        try await workspace.logWork(hours, on: "a", in: "p", by: "mia")
        try await workspace.completeTask("a", in: "p", by: "mia")
        if byCommand {
            try await workspace.deleteTask("a", in: "p", by: "mia")
        } else {
            #expect(try await fixture.store.delete(.task("a", in: "p")))
        }
    }

    /// The measured and the logged hours of a day's completed tasks.
    private func hours(_ date: CalendarDay, _ store: Store) throws -> [Number] {
        let flow = try store.get(.analytics(of: "p", on: date))?.flow
        return [Number(flow?.measuredHours ?? 0), flow?.loggedHours ?? 0]
    }

    // MARK: Hours that are taken back

    @Test(
        "Hours of a removed task that are taken back leave its completion, and not its successor",
        arguments: [true, false], [true, false])
    func takenBack(byCommand: Bool, isLate: Bool) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        if !isLate { try await Analytics.catchUp(store) }
        try await completeAndRemove(8, 5, fixture, byCommand: byCommand)
        fixture.clock.advance(by: Self.daySeconds)
        let second = CalendarDay(fixture.clock.now)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.logWork(4, on: "a", in: "p", by: "mia")
        try await workspace.logWork(-3, on: "a", in: "p", by: "mia", day: first)
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await Analytics.expectRebuild(store)
        #expect(try hours(first, store) == [8, 2])
        #expect(try hours(second, store) == [3, 4])
        let day = try #require(try store.get(.analytics(of: "p", on: first)))
        #expect(day.teamStats.map(\.hoursLogged) == [2])
        // The last hours take the estimate with them; what is logged then is of the new task.
        try await workspace.logWork(-2, on: "a", in: "p", by: "mia", day: first)
        try await Analytics.expectRebuild(store)
        #expect(try hours(first, store) == [0, 0] && hours(second, store) == [3, 4])
        try await workspace.logWork(6, on: "a", in: "p", by: "mia", day: first)
        try await Analytics.expectRebuild(store)
        #expect(try hours(first, store) == [0, 0] && hours(second, store) == [3, 10])
    }

    @Test("Hours on one log are taken back from the present task first, then from the last one")
    func oneLog() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await completeAndRemove(8, 5, fixture)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.completeTask("a", in: "p", by: "mia")
        // Each step: the hours, and the measured and logged hours of both tasks together.
        let steps: [(Number, [Number])] = [
            (2, [11, 7]), (-1, [11, 6]), (-3, [8, 3]), (-2, [8, 1]), (1, [11, 2]), (-2, [0, 0]),
        ]
        for (place, step) in steps.enumerated() {
            try await workspace.logWork(step.0, on: "a", in: "p", by: "mia")
            try await Analytics.catchUp(store)
            #expect(try hours(first, store) == step.1, "step \(place)")
            // A rebuild in between changes nothing, and neither does a deletion.
            if place == 2 { try await Analytics.expectRebuild(store) }
        }
        try await workspace.deleteTask("a", in: "p", by: "mia")
        try await Analytics.expectRebuild(store)
        #expect(try hours(first, store) == [0, 0])
    }

    @Test("What was taken back stays so if the history is removed")
    func removedHistory() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await completeAndRemove(8, 5, fixture)
        try await fixture.task("a") { $0.estimate = 3 }
        try await workspace.logWork(-3, on: "a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        try await Analytics.removeHistory(of: "a", store)
        for _ in 0..<2 { try await Analytics.expectRebuild(store) }
        #expect(try hours(first, store) == [8, 2])
        #expect(try store.get(.analytics(of: "p", on: first))?.flow?.scope == 3)
    }

    // MARK: Removals

    @Test(
        "Work that is logged after a direct removal counts nothing, in the stream and in a rebuild",
        arguments: [true, false])
    func afterRemoval(isLate: Bool) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        if !isLate { try await Analytics.catchUp(store) }
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.logWork(4, on: "a", in: "p", by: "mia")
        try await workspace.completeTask("a", in: "p", by: "mia")
        let task = try #require(try store.get(.task("a", in: "p")))
        #expect(try await store.delete(.task("a", in: "p")))
        try await store.put(task)
        try await workspace.logWork(2, on: "a", in: "p", by: "mia")
        try await Analytics.expectRebuild(store)
        #expect(try hours(first, store) == [3, 4])
        #expect(try store.get(.analytics(of: "p", on: first))?.flow?.scope == 0)
    }
}
