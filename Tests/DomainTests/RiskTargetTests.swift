import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Target days: the forecast from the pace, moved targets, and projects that have ended.
@Suite("Risk and target days")
struct RiskTargetTests {
    private static let now = Date(timeIntervalSince1970: 1_762_300_800)
    private static let today = CalendarDay(now)

    /// A started project; days count from today.
    private static func project(start: Int?, target: Int?) -> CodexFlow.Project {
        var project = CodexFlow.Project(id: "p", name: "P", ownerID: "o", status: .started)
        project.startDate = start.map(today.adding(days:))
        project.targetDate = target.map(today.adding(days:))
        return project
    }

    /// Tasks of one point each.
    private static func tasks(done: Int, open: Int) throws -> [CodexFlow.Task] {
        try (0..<done + open).map { place in
            var task = CodexFlow.Task(
                id: try .init("t\(place)"), projectID: "p", title: "T", assigneeID: "o",
                status: place < done ? .done : .todo)
            task.estimate = 1
            return task
        }
    }

    private static func features(
        _ project: CodexFlow.Project, done: Int, open: Int, after days: Int = 0
    ) throws -> CodexFlow.RiskFeatures {
        CodexFlow.RiskFeatures(
            try tasks(done: done, open: open), blocked: [], in: project,
            at: now + Double(days) * 86_400, today: today.adding(days: days))
    }

    private static func report(
        _ project: CodexFlow.Project, done: Int, open: Int, after days: Int = 0
    ) throws -> CodexFlow.RiskReport {
        CodexFlow.WeightedRisk().report(
            try features(project, done: done, open: open, after: days))
    }

    // MARK: The forecast

    @Test(
        "Open work after the target day is high, however much is done",
        arguments: [1, 2, 30, 10_000])
    func pastTarget(days: Int) throws {
        for start in [-90, nil] {
            let project = Self.project(start: start, target: -days)
            for (done, open) in [(0, 10), (9, 1), (999, 1)] {
                let report = try Self.report(project, done: done, open: open)
                #expect(report.riskLevel == .high && report.factors.first?.name == .pace)
                #expect(report.recommendations.first?.contains("pace") == true)
            }
        }
    }

    @Test("The limit is the end of the target day")
    func limit() throws {
        // At the end, one point of a hundred is left.
        let project = Self.project(start: -90, target: 0)
        let levels = try [-1, 0, 1].map { days in
            try Self.report(project, done: 99, open: 1, after: days).riskLevel
        }
        #expect(levels == [.low, .medium, .high])
        #expect(try Self.report(project, done: 100, open: 0, after: 1).riskScore == 0)
    }

    @Test("A project that has just begun is low, and with nothing done it becomes high")
    func beginning() throws {
        let project = Self.project(start: 0, target: 90)
        let levels = try [-30, 0, 2, 5, 10, 22, 45, 90].map { days in
            try Self.report(project, done: 0, open: 100, after: days).riskLevel
        }
        #expect(levels == [.low, .low, .low, .medium, .high, .high, .high, .high])
    }

    @Test("More done is no more likelihood, and less time is no less")
    func monotone() throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("risk: forecasts, seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<300 {
            let project = Self.project(start: -random.below(100), target: random.below(100))
            let (done, open) = (random.below(20), 2 + random.below(20))
            let pace = try Self.features(project, done: done, open: open)[.pace]
            #expect((0...1).contains(pace))
            let more = try Self.features(project, done: done + 1, open: open - 1)[.pace]
            #expect(more <= pace)
            let later = try Self.features(project, done: done, open: open, after: 1)[.pace]
            #expect(later >= pace)
        }
    }

    @Test("Days that contradict each other and extreme counts give numbers")
    func extremes() throws {
        for (start, target) in [(5, 0), (0, 0), (-3_000_000, 3_000_000), (3_000_000, 10)] {
            let project = Self.project(start: start, target: target)
            for days in [-3_000_000, 0, 3_000_000] {
                let features = try Self.features(project, done: 1, open: 1, after: days)
                #expect(features.row.allSatisfy { (0...1).contains($0) })
            }
        }
    }

    @Test("Without a target day the other features stand for the whole")
    func noTarget() throws {
        let project = Self.project(start: -90, target: nil)
        #expect(try !Self.features(project, done: 1, open: 1).hasForecast)
        #expect(try Self.report(project, done: 0, open: 5).riskScore == 0)
        let model = CodexFlow.WeightedRisk()
        let late = model.report(.init([.overdue: 1], openTaskCount: 1))
        #expect(late.riskLevel == .medium)
        let later = model.report(.init([.overdue: 1, .pace: 0], openTaskCount: 1))
        #expect(later.riskLevel == .low)
        let names = CodexFlow.RiskFeatures.Name.allCases.filter { $0 != .pace }
        let all = Dictionary(uniqueKeysWithValues: names.map { ($0, 1.0) })
        #expect(abs(model.report(.init(all, openTaskCount: 1)).riskScore - 1) < 1e-12)
    }

    @Test("Without a start day a project starts with its creation or its oldest task")
    func noStart() throws {
        var project = Self.project(start: nil, target: 30)
        #expect(try !Self.features(project, done: 1, open: 1).hasForecast)
        project.createdAt = Self.now - 30 * 86_400
        let created = try Self.features(project, done: 1, open: 1)[.pace]
        let started = try Self.features(
            Self.project(start: -30, target: 30), done: 1, open: 1)[.pace]
        #expect(created == started && created > 0)
        var tasks = try Self.tasks(done: 1, open: 1)
        tasks[0].createdAt = Self.now - 60 * 86_400
        let oldest = CodexFlow.RiskFeatures(
            tasks, blocked: [], in: project, at: Self.now, today: Self.today)
        #expect(oldest[.pace] > created)
    }

    @Test("The days of a project are those of its time zone", arguments: Place.allCases)
    func timeZone(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        // The project is created at midnight in UTC, which is the afternoon before in its zone.
        let first = CalendarDay(fixture.clock.now).adding(days: -1)
        try await fixture.task("a")
        try await workspace.changeProject("p", by: "olga") {
            ($0.timeZone, $0.targetDate) = ("America/Los_Angeles", first.adding(days: 30))
        }
        // The last day of the first third of the project's time.
        fixture.clock.advance(by: 10 * 86_400)
        try await fixture.task("b")
        let report = try await workspace.riskReport(of: "p")
        let growth = try #require(report.factors.first { $0.name == .scopeGrowth })
        #expect(growth.value == 0)
        try await workspace.changeProject("p", by: "olga") { $0.startDate = first }
        #expect(try await workspace.riskReport(of: "p") == report)
        try await workspace.changeProject("p", by: "olga") {
            $0.startDate = first.adding(days: 1)
        }
        #expect(try await workspace.riskReport(of: "p") != report)
    }

    // MARK: Projects that have ended

    @Test("A project that has ended, or is read-only, has no risk")
    func ended() throws {
        let changes: [(inout CodexFlow.Project) -> Void] = [
            { $0.status = .completed }, { $0.status = .canceled }, { $0.archivedAt = Self.now },
            { $0.deletingSince = Self.now },
        ]
        for change in changes {
            var project = Self.project(start: -90, target: -1)
            change(&project)
            #expect(try Self.features(project, done: 1, open: 5).openTaskCount == 0)
            let report = try Self.report(project, done: 1, open: 5)
            #expect(report.riskLevel == .low && report.riskScore == 0)
            #expect(report.recommendations.isEmpty)
        }
        var paused = Self.project(start: -90, target: -1)
        paused.status = .paused
        #expect(try Self.report(paused, done: 1, open: 5).riskLevel == .high)
    }

    // MARK: Archived tasks

    @Test("Archived work stays done, and archived open work is no work")
    func archivedTasks() throws {
        let project = Self.project(start: -90, target: 15)
        var tasks = try Self.tasks(done: 95, open: 5)
        func report() -> CodexFlow.RiskReport {
            let features = CodexFlow.RiskFeatures(
                tasks, blocked: [], in: project, at: Self.now, today: Self.today)
            return CodexFlow.WeightedRisk().report(features)
        }
        let healthy = report()
        #expect(healthy.riskLevel == .low)
        for place in tasks.indices where tasks[place].status == .done {
            tasks[place].archivedAt = Self.now
        }
        #expect(report() == healthy)
        for place in tasks.indices where tasks[place].status == .todo {
            tasks[place].archivedAt = Self.now
        }
        #expect(report().riskScore == 0)
    }

    // MARK: Moved targets

    @Test("A moved target is forecast by its new day, and never low after its first day")
    func moved() throws {
        var project = Self.project(start: -90, target: -10)
        #expect(try Self.report(project, done: 50, open: 50).riskLevel == .high)
        project.targetDate = Self.today.adding(days: 1_000)
        #expect(project.baselineTargetDate == Self.today.adding(days: -10))
        let features = try Self.features(project, done: 99, open: 1)
        let added = 1010.0 / 1090
        #expect(features[.postponed] == added)
        #expect(try Self.report(project, done: 99, open: 1).riskLevel == .medium)
        // On the first target day itself, only the new day counts.
        #expect(try Self.report(project, done: 99, open: 1, after: -10).riskLevel == .low)
        project.targetDate = nil
        #expect(try Self.report(project, done: 99, open: 1).riskLevel == .medium)
        #expect(try Self.features(project, done: 99, open: 1)[.postponed] == 1)
        project.targetDate = Self.today.adding(days: -20)
        #expect(try Self.features(project, done: 99, open: 1)[.postponed] == 0)
        #expect(try Self.report(project, done: 99, open: 1).riskLevel == .high)
    }

    @Test("A project's first target day stays", arguments: Place.allCases)
    func baseline(place: Place) async throws {
        let fixture = try await Fixture(place)
        let first = CalendarDay(fixture.clock.now)
        func stored() throws -> AttributeValue? {
            let items = try fixture.contents.filter {
                $0["PK"] == "PROJECT#p" && $0["SK"] == "METADATA"
            }
            let item = try #require(items.first)
            return item["baselineTargetDate"]
        }
        func move(to target: CalendarDay?) async throws -> CalendarDay? {
            try await fixture.workspace.changeProject("p", by: "olga") { $0.targetDate = target }
            return try fixture.store.get(.project("p"))?.baselineTargetDate
        }
        #expect(try fixture.store.get(.project("p"))?.baselineTargetDate == nil)
        #expect(try stored() == nil)
        #expect(try await move(to: first) == first)
        for days in [30, -30, 60] {
            #expect(try await move(to: first.adding(days: days)) == first)
            #expect(try stored() == .string("\(first)"))
        }
        #expect(try await move(to: nil) == first)
        #expect(try stored() == .string("\(first)"))
        #expect(try await move(to: first) == first)
        #expect(try stored() == .string("\(first)"))
    }

    @Test("A target that another program moves leaves the baseline as it is")
    func movedOutside() throws {
        let old = Self.project(start: nil, target: 10)
        var item = try old.item()
        item["targetDate"] = .string("\(Self.today.adding(days: 90))")
        let moved = try CodexFlow.Project(item: item)
        #expect(moved.targetDate == Self.today.adding(days: 90))
        #expect(moved.baselineTargetDate == old.targetDate)
    }

    @Test("An item of an earlier release has its target as the baseline, and keeps it")
    func earlierItem() throws {
        let old = Self.project(start: nil, target: 10)
        var item = try old.item()
        item["baselineTargetDate"] = nil
        var project = try CodexFlow.Project(item: item)
        #expect(project == old && project.baselineTargetDate == old.targetDate)
        project.targetDate = Self.today.adding(days: 20)
        let moved = try CodexFlow.Project(item: try project.item())
        #expect(moved == project && moved.baselineTargetDate == old.targetDate)
    }

    @Test("A project's report follows its target day", arguments: Place.allCases)
    func report(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let today = CalendarDay(fixture.clock.now)
        try await fixture.task("a")
        typealias Change = @Sendable (inout CodexFlow.Project) -> Void
        let steps: [(Change, CodexFlow.RiskReport.Level)] = [
            ({ $0.targetDate = today.adding(days: 100) }, .low),
            ({ $0.targetDate = today.adding(days: -30) }, .high),
            ({ $0.status = .started }, .high), ({ $0.status = .completed }, .low),
            ({ $0.status = .started }, .high),
        ]
        for (change, level) in steps {
            try await workspace.changeProject("p", by: "olga", change)
            let report = try await workspace.riskReport(of: "p")
            #expect(report.riskLevel == level)
        }
        try await workspace.archiveProject("p", by: "olga")
        #expect(try await workspace.riskReport(of: "p").riskScore == 0)
    }
}
