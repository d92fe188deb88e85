import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Days on which the clocks of a time zone change.
@Suite("Analytics of days with clock changes")
struct AnalyticsDayTests {
    /// A day of a time zone: the hour in UTC at which it begins, and its length.
    struct Change: Sendable {
        let zone: String
        let day: String
        let firstHour: Double
        let hourCount: Double
    }

    private static let changes = [
        Change(zone: "America/New_York", day: "2026-03-08", firstHour: 5, hourCount: 23),
        Change(zone: "America/New_York", day: "2026-11-01", firstHour: 4, hourCount: 25),
        Change(zone: "Europe/Berlin", day: "2026-03-29", firstHour: -1, hourCount: 23),
        Change(zone: "Europe/Berlin", day: "2026-10-25", firstHour: -2, hourCount: 25),
    ]

    @Test("A day begins and ends with the clocks of its time zone", arguments: changes)
    func limits(change: Change) async throws {
        let fixture = try await Fixture()
        let (workspace, store, clock) = (fixture.workspace, fixture.store, fixture.clock)
        let day = try #require(CalendarDay(change.day))
        let midnight = Date(timeIntervalSince1970: Double(day.daysSince1970) * 86_400)
        let begin = midnight + change.firstHour * 3600
        let end = begin + change.hourCount * 3600
        func go(to instant: Date) { clock.advance(by: instant.timeIntervalSince(clock.now)) }
        try await workspace.changeProject("p", by: "adam") { $0.timeZone = change.zone }
        try await Analytics.catchUp(store)
        go(to: begin - 1)
        try await fixture.task("before") { $0.estimate = 1 }
        go(to: begin)
        try await fixture.task("first") { ($0.estimate, $0.status) = (2, .inProgress) }
        try await fixture.task("removed") { $0.estimate = 16 }
        go(to: end - 1)
        try await workspace.completeTask("first", in: "p", by: "mia")
        try await fixture.task("last") { $0.estimate = 4 }
        // No entry tells of it: the day is made of the time of the commit.
        #expect(try await store.delete(.task("removed", in: "p")))
        go(to: end)
        try await fixture.task("after") { $0.estimate = 8 }
        let first = day.adding(days: -1)
        let report = try await Analytics.report(fixture, from: first, days: 3)
        #expect(report.states.map(\.scope) == [1, 7, 15])
        #expect(report.states.map(\.remaining) == [1, 5, 13])
        let days = try Analytics.stored(store)
        #expect(days.map(\.date) == [first, day, day.adding(days: 1)])
        #expect(days.map { $0.flow?.created } == [1, 3, 1])
        #expect(days.map(\.metrics.tasksCompleted) == [0, 1, 0])
        // The work took as long as the day, by any clock.
        let seconds = Int(change.hourCount) * 3600 - 1
        let cycle = try #require(report.cycleTimes?.median)
        #expect(abs(cycle - seconds) <= seconds / 31)
        let summary = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(summary.pointsCompleted == 2 && summary.tasksCompleted == 1)
        try await Analytics.expectRebuild(store)
        // The naive recomputation has the same limits.
        for (instant, wanted) in [
            (begin - 1, first), (begin, day), (end - 1, day), (end, day.adding(days: 1)),
        ] {
            #expect(AnalyticsOracle.day(of: instant, in: change.zone) == wanted)
            #expect(SystemCalendar().day(of: instant, in: change.zone) == wanted)
        }
    }
}
