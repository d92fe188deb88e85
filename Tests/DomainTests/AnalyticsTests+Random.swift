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
            let seed = given ?? UInt64.random(in: 1...1_000_000_000)
            let fixture = try await Fixture(place)
            let work = try await work(fixture, seed: seed)
            if given != nil || work.successCount > 25 && work.refusals.count > 3 { enough += 1 }
            try await Analytics.catchUp(fixture.store)
            let last = try expectDays(fixture.store, work.expectedDays, seed)
            try await expectState(fixture, last, seed)
            try await expectRebuild(fixture, seed)
        }
        #expect(enough == wanted)
    }

    /// Runs 300 commands, none of which breaks a rule.
    private func work(_ fixture: Fixture, seed: UInt64) async throws -> RandomWork {
        var work = RandomWork(fixture, seed: seed)
        for step in 0..<300 {
            try await work.step()
            if step % 50 == 49 {
                let broken = try work.broken()
                #expect(broken.isEmpty, "seed \(seed), step \(step): \(broken)")
            }
        }
        #expect(try fixture.store.verify().isSound, "seed \(seed)")
        return work
    }

    /// Expects that the stored days are those of the recomputation.
    ///
    /// - Returns: The last of them.
    private func expectDays(
        _ store: Store, _ expected: [CalendarDay: RandomWork.Expected], _ seed: UInt64
    ) throws -> CalendarDay {
        let days = try Analytics.stored(store)
        #expect(Set(days.map(\.date)) == Set(expected.keys), "seed \(seed)")
        for day in days {
            guard let wanted = expected[day.date] else { continue }
            try expectFlow(day, wanted, "seed \(seed), \(day.date)")
            expectTeam(day, wanted, "seed \(seed), \(day.date)")
            // The mean of four weeks.
            let window = expected.filter {
                $0.key <= day.date && $0.key >= day.date.adding(days: -27)
            }
            let points = window.values.reduce(0) { $0 + $1.points }
            let hasVelocity = window.values.contains { $0.completed > 0 }
            let velocity = hasVelocity ? try Number(Double(points) / 4) : nil
            #expect(day.metrics.velocity == velocity, "seed \(seed), \(day.date)")
        }
        return try #require(days.last?.date)
    }

    private func expectFlow(
        _ day: CodexFlow.Analytics, _ wanted: RandomWork.Expected, _ comment: Comment
    ) throws {
        let flow = try #require(day.flow)
        let sums: [Int] = [flow.created, flow.canceled, flow.reopened, flow.points, flow.scope]
        let wantedSums: [Int] = [
            wanted.created, wanted.canceled, wanted.reopened, wanted.points, wanted.scope,
        ]
        #expect(sums == wantedSums, comment)
        #expect(flow.statuses == wanted.statuses, comment)
        #expect(flow.cycleTimes.count == wanted.cycleSeconds.count, comment)
    }

    private func expectTeam(
        _ day: CodexFlow.Analytics, _ wanted: RandomWork.Expected, _ comment: Comment
    ) {
        #expect(day.metrics.tasksCompleted == wanted.completed, comment)
        for stats in day.teamStats {
            let completed = wanted.completedBy[stats.userID] ?? 0
            #expect(stats.tasksCompleted == completed, comment)
            #expect(stats.hoursLogged == wanted.hours[stats.userID], comment)
        }
        let users = Set(wanted.completedBy.keys).union(wanted.hours.keys)
        #expect(Set(day.teamStats.map(\.userID)) == users, comment)
    }

    /// Expects that the tasks, as they are now, are what the days add up to.
    private func expectState(
        _ fixture: Fixture, _ last: CalendarDay, _ seed: UInt64
    ) async throws {
        let report = try await fixture.workspace.analyticsReport(
            of: "p", from: last.adding(days: -5), through: last)
        let tasks = try fixture.store.all(.tasks(in: "p"))
        let state = try #require(report.states.last)
        for status in CodexFlow.Task.Status.allCases {
            let count = tasks.filter { $0.status == status }.count
            let found = state.statuses[status] ?? 0
            #expect(found == count, "seed \(seed), \(status)")
        }
        let open = tasks.filter { $0.status?.isOpen == true }
        let remaining = open.reduce(0) { $0 + ($1.estimate ?? 0) }
        #expect(state.remaining == remaining, "seed \(seed)")
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
        try await Analytics.catchUp(store)
        let after = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == after && after != before, "seed \(seed)")
    }
}
