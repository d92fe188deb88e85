import Codex
import CodexCore
import CodexTesting
import Foundation
import Testing

/// The start of a project's time, which all features share, and forecasts without a target or a
/// start.
@Suite("Risk and starts of projects")
struct RiskStartTests {
    private static let now = Date(timeIntervalSince1970: 1_762_300_800)
    private static let today = CalendarDay(now)

    /// Tasks of one point each: the oldest one done, and the others open.
    private static func tasks(createdDaysAgo days: [Int]) throws -> [CodexFlow.Task] {
        try days.enumerated().map { place, days in
            var task = CodexFlow.Task(
                id: try .init("t\(place)"), projectID: "p", title: "T",
                status: place == 0 ? .done : .todo, createdAt: now - Double(days) * 86_400)
            task.estimate = 1
            return task
        }
    }

    private static func features(
        _ tasks: [CodexFlow.Task], _ change: (inout CodexFlow.Project) -> Void
    ) -> CodexFlow.RiskFeatures {
        var project = CodexFlow.Project(id: "p", name: "P", ownerID: "o", status: .started)
        change(&project)
        return CodexFlow.RiskFeatures(tasks, blocked: [], in: project, at: now, today: today)
    }

    @Test("Without a start day, all features begin with the oldest task, as the forecast does")
    func oldestTask() throws {
        let tasks = try Self.tasks(createdDaysAgo: [60, 30, 5])
        let target = Self.today.adding(days: 30)
        let stated = Self.features(tasks) {
            ($0.startDate, $0.targetDate) = (Self.today.adding(days: -60), target)
        }
        // An import creates the project long after its tasks.
        let imported = Self.features(tasks) {
            ($0.createdAt, $0.targetDate) = (Self.now - 10 * 86_400, target)
        }
        #expect(imported == stated)
        // 60 of 90 days are over, and one of three points is done; one task is of the last 59 days.
        #expect(abs(imported[.behind] - (60.0 / 90 - 1.0 / 3)) < 1e-12)
        #expect(abs(imported[.scopeGrowth] - 1.0 / 3) < 1e-12)
        let created = Self.features(tasks) {
            ($0.createdAt, $0.targetDate) = (Self.now - 60 * 86_400, target)
        }
        #expect(created == stated)
        // A start day counts, also if it is after the oldest task.
        let later = Self.features(tasks) {
            ($0.startDate, $0.targetDate) = (Self.today.adding(days: -3), target)
        }
        #expect(later[.behind] == 0 && later[.scopeGrowth] == 0)
    }

    @Test("The first day after the first third is the limit of the scope's growth")
    func third() throws {
        for (days, growth) in [(21, 0.0), (20, 0.0), (19, 0.5)] {
            let tasks = try Self.tasks(createdDaysAgo: [30, days])
            let found = Self.features(tasks) { $0.targetDate = Self.today }
            #expect(found[.scopeGrowth] == growth, "\(days)")
        }
    }

    @Test("What is late is forecast without a start, and after the first target without a target")
    func withoutStart() throws {
        var tasks = try Self.tasks(createdDaysAgo: [1, 1])
        for place in tasks.indices { tasks[place].createdAt = nil }
        let yesterday = Self.today.adding(days: -1)
        let late = Self.features(tasks) { $0.targetDate = yesterday }
        #expect(late.hasForecast && late[.pace] == 1)
        let removed = Self.features(tasks) {
            $0.targetDate = yesterday
            $0.targetDate = nil
        }
        #expect(removed.hasForecast && removed[.pace] == 0.6)
        let moved = Self.features(tasks) {
            $0.targetDate = yesterday
            $0.targetDate = Self.today.adding(days: 30)
        }
        #expect(moved.hasForecast && moved[.pace] == 0.6)
        let open = Self.features(tasks) { $0.targetDate = Self.today }
        #expect(!open.hasForecast)
        #expect(!Self.features(tasks) { _ in }.hasForecast)
    }
}
