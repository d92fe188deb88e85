import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Any sequence of commands keeps the rules, and analytics tell what it did.
extension AnalyticsTests {
    @Test(
        "No sequence of commands breaks a rule; analytics equal a naive recomputation",
        arguments: Place.allCases)
    func random(place: Place) async throws {
        let given = ProcessInfo.processInfo.environment["CODEX_SEED"].flatMap { UInt64($0) }
        // Seeds with which enough happened for this to mean something: with some, there is soon
        // no user left who may do anything.
        let wanted = given == nil && place == .embedded ? 4 : 1
        var (enough, attempts) = (0, 0)
        while enough < wanted, attempts < 4 * wanted {
            attempts += 1
            // Every other seed is even, and removes histories.
            let seed = given ?? UInt64.random(in: 1...500_000_000) * 2 + UInt64(1 - attempts % 2)
            let fixture = try await Fixture(place)
            let (work, shown) = try await work(fixture, seed: seed)
            if given != nil || work.successCount > 25 && work.refusals.count > 3 { enough += 1 }
            try await Analytics.catchUp(fixture.store)
            let days = try work.oracle.days()
            try expectDays(fixture.store, days, seed)
            try await expectState(fixture, days, seed)
            try await expectShown(fixture, shown, seed)
            try await expectRebuild(fixture, seed)
        }
        #expect(enough == wanted)
    }

    /// Runs 300 commands, none of which breaks a rule, and the consumer and rebuilds now and then.
    ///
    /// - Returns: The work, and the states of past days as they were shown.
    private func work(
        _ fixture: Fixture, seed: UInt64
    ) async throws -> (RandomWork, [CodexFlow.AnalyticsReport.State]) {
        let removesHistories = seed % 2 == 0
        if removesHistories { try await Analytics.catchUp(fixture.store) }
        var work = RandomWork(fixture, seed: seed, removesHistories: removesHistories)
        var shown: [CodexFlow.AnalyticsReport.State] = []
        for step in 0..<300 {
            try await work.step()
            guard step % 50 == 49 else { continue }
            let broken = try work.broken()
            #expect(broken.isEmpty, "seed \(seed), step \(step): \(broken)")
            // The consumer counts some changes at once, and some late.
            if step % 100 == 49 { shown += try await states(fixture) }
        }
        #expect(try fixture.store.verify().isSound, "seed \(seed)")
        return (work, shown)
    }

    /// The states of some days that are over in every time zone, from present analytics.
    private func states(
        _ fixture: Fixture
    ) async throws -> [CodexFlow.AnalyticsReport.State] {
        try await Analytics.catchUp(fixture.store)
        let last = CalendarDay(fixture.clock.now).adding(days: -2)
        return try await fixture.workspace.analyticsReport(
            of: "p", from: last.adding(days: -4), through: last
        ).states
    }

    /// Expects that the stored days are those of the recomputation.
    private func expectDays(
        _ store: Store, _ expected: [CalendarDay: AnalyticsOracle.Figures], _ seed: UInt64
    ) throws {
        let days = try Analytics.stored(store)
        #expect(Set(days.map(\.date)) == Set(expected.keys), "seed \(seed)")
        for day in days {
            guard let wanted = expected[day.date] else { continue }
            let found = try figures(day, wanted)
            #expect(found == wanted, "seed \(seed), \(day.date)")
            #expect(day.metrics.velocity == nil, "seed \(seed), \(day.date)")
            try expectEfficiency(day, wanted, "seed \(seed), \(day.date)")
        }
    }

    /// A stored day's figures; times are those of `wanted` if the histograms have the same values.
    private func figures(
        _ day: CodexFlow.Analytics, _ wanted: AnalyticsOracle.Figures
    ) throws -> AnalyticsOracle.Figures {
        let flow = try #require(day.flow)
        var found = AnalyticsOracle.Figures()
        (found.created, found.canceled, found.reopened) = (
            flow.created, flow.canceled, flow.reopened
        )
        (found.completed, found.unestimated) = (day.metrics.tasksCompleted, flow.unestimated)
        (found.points, found.importedPoints) = (flow.points, flow.importedPoints)
        (found.scope, found.remaining) = (flow.scope, flow.remaining)
        (found.estimatedHours, found.measuredHours) = (flow.estimatedHours, flow.measuredHours)
        (found.loggedHours, found.statuses) = (flow.loggedHours, flow.statuses)
        for stats in day.teamStats {
            if stats.tasksCompleted != 0 { found.completedBy[stats.userID] = stats.tasksCompleted }
            found.hours[stats.userID] = stats.hoursLogged
        }
        if flow.cycleTimes == histogram(wanted.cycleSeconds) {
            found.cycleSeconds = wanted.cycleSeconds
        }
        if flow.leadTimes == histogram(wanted.leadSeconds) {
            found.leadSeconds = wanted.leadSeconds
        }
        let counts = [
            flow.created, flow.canceled, flow.reopened, flow.points, flow.importedPoints,
            flow.unestimated, flow.estimatedHours, flow.measuredHours, day.metrics.tasksCompleted,
        ]
        #expect(counts.allSatisfy { $0 >= 0 } && flow.loggedHours >= 0)
        return found
    }

    private func histogram(_ values: [Int]) -> CodexFlow.Histogram {
        var histogram = CodexFlow.Histogram()
        for value in values { histogram.record(value) }
        return histogram
    }

    private func expectEfficiency(
        _ day: CodexFlow.Analytics, _ wanted: AnalyticsOracle.Figures, _ comment: Comment
    ) throws {
        guard wanted.loggedHours > 0 else {
            #expect(day.metrics.teamEfficiency == nil, comment)
            return
        }
        let share = min(1, Double(wanted.measuredHours) / wanted.loggedHours.double)
        let found = try #require(day.metrics.teamEfficiency).double
        #expect(abs(found - share) <= 0.000_05 + 1e-12, comment)
    }

    /// Expects that the tasks, as they are now, are what the days add up to, and the velocities.
    private func expectState(
        _ fixture: Fixture, _ expected: [CalendarDay: AnalyticsOracle.Figures], _ seed: UInt64
    ) async throws {
        let last = try #require(expected.keys.max())
        let first = last.adding(days: -40)
        let report = try await fixture.workspace.analyticsReport(
            of: "p", from: first, through: last.adding(days: 10))
        #expect(try fixture.store.analyticsProgress()?.isCurrent == true, "seed \(seed)")
        let tasks = try fixture.store.all(.tasks(in: "p")).filter { $0.archivedAt == nil }
        let state = try #require(report.states.last)
        for status in CodexFlow.Task.Status.allCases {
            let count = tasks.filter { $0.status == status }.count
            let found = state.statuses[status] ?? 0
            #expect(found == count, "seed \(seed), \(status)")
        }
        func points(_ isIncluded: (CodexFlow.Task) -> Bool) -> Int {
            tasks.filter(isIncluded).reduce(0) { $0 + ($1.estimate ?? 0) }
        }
        let (remaining, scope) = (points { $0.isOpen }, points { $0.status != .canceled })
        #expect(state.remaining == remaining && state.scope == scope, "seed \(seed)")
        let days = try await fixture.workspace.analyticsDays(
            of: "p", from: first, through: last.adding(days: 10))
        let velocities = days.map(\.metrics.velocity)
        #expect(velocities == report.states.map(\.velocity), "seed \(seed)")
        for state in report.states {
            let velocity = try AnalyticsOracle.velocity(expected, on: state.date)
            #expect(state.velocity == velocity, "seed \(seed), \(state.date)")
            #expect(velocity?.isNegative != true)
        }
    }

    /// Expects that the states of past days are as they were shown.
    private func expectShown(
        _ fixture: Fixture, _ shown: [CodexFlow.AnalyticsReport.State], _ seed: UInt64
    ) async throws {
        for old in shown {
            let report = try await fixture.workspace.analyticsReport(
                of: "p", from: old.date, through: old.date)
            let new = try #require(report.states.first)
            #expect(
                new.scope == old.scope && new.remaining == old.remaining
                    && new.statuses == old.statuses, "seed \(seed), \(old.date)")
        }
    }

    /// Expects that analytics from scratch are the same, byte for byte, and that the stream goes on
    /// where the rebuild ended.
    private func expectRebuild(_ fixture: Fixture, _ seed: UInt64) async throws {
        let (workspace, store) = (fixture.workspace, fixture.store)
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before, "seed \(seed)")
        let owner = try #require(try store.get(.project("p"))?.ownerID)
        try await workspace.activateUser(owner)
        try await workspace.createTask(in: "p", by: owner, id: "after-all") { $0.title = "T" }
        try await reopenTasks(fixture, owner)
        try await Analytics.catchUp(store)
        let after = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == after && after != before, "seed \(seed)")
    }

    /// Reopens finished tasks, which the rebuild has counted and the stream corrects.
    private func reopenTasks(_ fixture: Fixture, _ owner: CodexFlow.User.ID) async throws {
        for task in try fixture.store.all(.tasks(in: "p"))
        where task.status == .done && task.archivedAt == nil && task.parentID == nil {
            try await fixture.workspace.moveTask(task.id, in: "p", to: .todo, by: owner)
        }
    }
}
