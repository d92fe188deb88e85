import Codex
import CodexCore
import CodexStore
import CodexTesting
import CodexWorkspace
import Foundation
import Testing

/// Days and shares that do not fit into an item, or whose sums no day may have.
@Suite("Limits of analytics")
struct AnalyticsLimitTests {
    /// The identifier of a user by number, of at least `byteCount` bytes.
    private static func user(_ number: Int, byteCount: Int = 0) throws -> CodexFlow.User.ID {
        let name = String(format: "u%05d", number)
        return try .init(name + String(repeating: "x", count: max(0, byteCount - name.utf8.count)))
    }

    /// Stores an hour of work of each of many users on a day.
    private static func log(
        _ numbers: Range<Int>, on day: CalendarDay, byteCount: Int = 0, _ store: Store
    ) async throws {
        try await store.write { transaction in
            for number in numbers {
                try transaction.put(
                    CodexFlow.WorkLog(
                        projectID: "p", taskID: "a",
                        userID: try Self.user(number, byteCount: byteCount), day: day, hours: 1,
                        updatedAt: Date(timeIntervalSince1970: 0)))
            }
        }
    }

    /// A valid day with as many bytes as an item may have, but for a few.
    private static func fullDay(
        _ date: CalendarDay, flow: CodexFlow.Analytics.Flow?
    ) throws -> CodexFlow.Analytics {
        var day = CodexFlow.Analytics(
            projectID: "p", date: date, metrics: .init(tasksCompleted: 0), flow: flow)
        for number in 0..<400 {
            let name = String(format: "%04d", number) + String(repeating: "x", count: 1000)
            day.metrics.further[name] = 1
        }
        let rest = DynamoDBLimits.itemByteCountMax - (try day.item().byteCount)
        day.metrics.further[String(repeating: "y", count: rest - 10)] = 1
        return day
    }

    // MARK: Members

    @Test("A day lists 1,000 members, and sums up the others", arguments: [999, 1000, 1001])
    func members(count: Int) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let date = CalendarDay(fixture.clock.now)
        let listed = min(count, CodexFlow.Limits.analyticsMemberMax)
        let others = count - listed
        func expectHours(_ sum: Int, _ location: SourceLocation = #_sourceLocation) async throws {
            let day = try #require(try store.get(.analytics(of: "p", on: date)))
            #expect(day.teamStats.count == listed, sourceLocation: location)
            let rest = day.otherStats?.hoursLogged ?? 0
            #expect(rest == Number(sum - listed), sourceLocation: location)
            let report = try await workspace.analyticsReport(of: "p", from: date, through: date)
            #expect(report.hoursLogged == Number(sum), sourceLocation: location)
        }
        try await Analytics.catchUp(store)
        try await Self.log(0..<count / 2, on: date, store)
        try await Analytics.catchUp(store)
        try await Self.log(count / 2..<count, on: date, store)
        try await Analytics.catchUp(store)
        try await expectHours(count)
        try await store.rebuildAnalytics()
        try await expectHours(count)
        guard others > 0 else { return }
        // Hours of a member who is not listed are taken back from the sum.
        let last = try Self.user(count - 1)
        try await store.delete(.work(of: last, on: "a", day: date, in: "p"))
        try await Analytics.catchUp(store)
        try await expectHours(count - 1)
        #expect(try store.get(.analytics(of: "p", on: date))?.otherStats == nil)
        try await Analytics.expectRebuild(store)
    }

    @Test("Members with long identifiers are summed up, so that the day fits into an item")
    func longIdentifiers() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let date = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await Self.log(0..<950, on: date, byteCount: 450, store)
        try await fixture.task("b") { $0.estimate = 2 }
        for _ in 0..<2 {
            try await Analytics.catchUp(store)
            let day = try #require(try store.get(.analytics(of: "p", on: date)))
            #expect(day.teamStats.count == 100 && day.otherStats?.hoursLogged == 850)
            #expect(day.flow?.scope == 2)
            let report = try await workspace.analyticsReport(of: "p", from: date, through: date)
            #expect(report.hoursLogged == 950 && report.progress?.isCurrent == true)
            try await store.rebuildAnalytics()
        }
    }

    // MARK: Days

    @Test(
        "A stored day that leaves no room is replaced, and stops nothing", arguments: [true, false])
    func fullDays(isImported: Bool) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let date = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        let full = try Self.fullDay(date, flow: isImported ? nil : .init())
        try await store.put(full)
        try await workspace.createProject(key: "TWO", name: "Two", id: "q", owner: "mia")
        for project in ["p", "q"] as [CodexFlow.Project.ID] {
            try await workspace.createTask(in: project, by: "mia") {
                ($0.title, $0.estimate) = ("T", 3)
            }
        }
        try await Analytics.catchUp(store)
        for project in ["p", "q"] as [CodexFlow.Project.ID] {
            let flow = try store.get(.analytics(of: project, on: date))?.flow
            #expect(flow?.created == 1 && flow?.scope == 3, "\(project)")
        }
        #expect(try store.analyticsProgress()?.isCurrent == true)
        // A rebuild meets such a day, too.
        try await store.put(full)
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "p", on: date))?.flow?.scope == 3)
        #expect(try store.get(.analytics(of: "p", on: date))?.metrics.further == [:])
    }

    // MARK: Shares

    @Test("A share whose sums no day may have is removed, and made from the history again")
    func hostileShare() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let date = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { $0.estimate = 3 }
        try await Analytics.catchUp(store)
        var share = try #require(try store.get(.analyticsShare(of: "a", in: "p")))
        share.days[date]?.flow?.scope = CodexFlow.Limits.analyticsFigureMax
        try await store.put(share)
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 }
        try await Analytics.catchUp(store)
        #expect(try store.get(.analytics(of: "p", on: date))?.flow?.scope == 8)
        #expect(try store.get(.analyticsShare(of: "a", in: "p")) == nil)
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 5 }
        try await Analytics.expectRebuild(store)
        #expect(try store.get(.analytics(of: "p", on: date))?.flow?.scope == 5)
        // A rebuild corrects what such a share makes of a day.
        share.days[date]?.flow?.scope = CodexFlow.Limits.analyticsFigureMax
        try await store.put(share)
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 13 }
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "p", on: date))?.flow?.scope == 13)
    }

    @Test("A share that is too large keeps fewer days apart, with the same sums")
    func largeShare() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { $0.estimate = 3 }
        try await Analytics.catchUp(store)
        var share = try #require(try store.get(.analyticsShare(of: "a", in: "p")))
        // What many removed tasks with the identifier may have contributed.
        let count = CodexFlow.AnalyticsShare.dayCountMax
        var number = 0
        for place in 0..<count {
            let date = first.adding(days: place - count)
            var day = CodexFlow.Analytics(
                projectID: "p", date: date, metrics: .init(tasksCompleted: 1), flow: .init())
            while day.teamStats.count < 18 {
                day.teamStats.append(
                    .init(userID: try Self.user(number, byteCount: 50), tasksCompleted: 1))
                number += 1
            }
            share.past[date] = day
        }
        let room = DynamoDBLimits.itemByteCountMax - (try share.item().byteCount)
        share.past[first.adding(days: -1)]?.teamStats.append(
            .init(userID: try Self.user(number, byteCount: room - 50), tasksCompleted: 1))
        try await store.put(share)
        fixture.clock.advance(by: 86_400)
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 8 }
        try await Analytics.catchUp(store)
        let folded = try #require(try store.get(.analyticsShare(of: "a", in: "p")))
        #expect(folded.state?.points == 8 && folded.past.count < count)
        #expect(folded.past.values.reduce(0) { $0 + $1.metrics.tasksCompleted } == count)
        let members = folded.past.values.flatMap(\.teamStats)
        #expect(members.reduce(0) { $0 + $1.tasksCompleted } == number + 1)
    }
}
