import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Analytics tell what happened in a project.
@Suite("Analytics")
struct AnalyticsTests {
    @Test(
        "A project that is deleted and made again begins with nothing, however late the consumer is"
    )
    func again() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { $0.estimate = 3 }
        try await workspace.logWork(5, on: "a", in: "p", by: "mia")
        try await workspace.deleteProject("p", by: "olga")
        try await workspace.createProject(key: "NEW", name: "New", id: "p", owner: "olga")
        try await workspace.addMember("mia", to: "p", by: "olga")
        try await fixture.task("b") { $0.estimate = 1 }
        try await Analytics.catchUp(store)
        let days = try Analytics.stored(store)
        #expect(days.map { $0.flow?.created } == [1] && days[0].flow?.scope == 1)
        #expect(days[0].teamStats.isEmpty)
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before)
    }

    @Test("Efficiency is hours estimated over hours logged, 0 to 1, absent without logs")
    func efficiency() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.changeProject("p", by: "adam") { $0.hoursPerPoint = 4 }
        try await fixture.task("a") {
            ($0.estimate, $0.status, $0.assigneeID) = (2, .inProgress, "mia")
        }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await store.rebuildAnalytics()
        let day = CalendarDay(fixture.clock.now)
        #expect(try store.get(.analytics(of: "p", on: day))?.metrics.teamEfficiency == nil)
        for (hours, expected) in [("4", "1"), ("5", "0.8889"), ("15", "0.3333")] {
            try await workspace.logWork(
                try Number(parsing: hours), on: "a", in: "p", by: "mia")
            try await store.rebuildAnalytics()
            let metrics = try #require(try store.get(.analytics(of: "p", on: day))).metrics
            #expect(metrics.teamEfficiency?.description == expected)
        }
        // The seed's form.
        let item = try #require(
            try store.get(.analytics(of: "p", on: day)).map { try $0.item() })
        #expect(item["metrics"]?.map?["tasksCompleted"] == 1)
        #expect(item["teamStats"]?.list?.first?.map?["hoursLogged"] == 24)
    }

    @Test("A task that is finished, reopened and finished again counts its hours once")
    func reopened() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (2, .inProgress) }
        try await workspace.logWork(8, on: "a", in: "p", by: "mia")
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await workspace.changeTask("a", in: "p", by: "mia") { $0.estimate = 4 }
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
        try await store.rebuildAnalytics()
        let day = CalendarDay(fixture.clock.now)
        let open = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(open.metrics.teamEfficiency == nil && open.metrics.tasksCompleted == 0)
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await store.rebuildAnalytics()
        let analytics = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(analytics.flow?.estimatedHours == 4 && analytics.flow?.points == 4)
        #expect(analytics.metrics.teamEfficiency?.description == "0.5")
        // The first completion was taken back.
        #expect(analytics.metrics.tasksCompleted == 1 && analytics.flow?.reopened == 1)
    }

    @Test("Tasks that were stored without the services are there from their first change on")
    func imports() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        for (id, status, points) in [
            ("a", CodexFlow.Task.Status.inProgress, 5), ("b", .done, 3), ("c", .canceled, 2),
        ] {
            var task = CodexFlow.Task(
                id: try .init(id), projectID: "p", title: id, status: status)
            task.estimate = points
            try await store.put(task)
        }
        try await store.put(CodexFlow.Task(id: "d", projectID: "p", title: "d"))
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await workspace.changeTask("b", in: "p", by: "mia") { $0.estimate = 4 }
        try await workspace.moveTask("c", in: "p", to: .todo, by: "mia")
        try await workspace.moveTask("d", in: "p", to: .todo, by: "mia")
        try await Analytics.catchUp(store)
        let day = CalendarDay(fixture.clock.now)
        let flow = try #require(try store.get(.analytics(of: "p", on: day))?.flow)
        #expect(flow.created == 0 && flow.scope == 5 + 4 + 2 && flow.remaining == 2)
        #expect(flow.points == 5 && flow.importedPoints == 4)
        let statuses: [CodexFlow.Task.Status: Int] = [.done: 2, .todo: 2]
        #expect(flow.statuses == statuses)
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(report.states.map(\.remaining) == [2] && report.tasksCompleted == 1)
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before)
    }

    @Test("What is no history, work log or day counts nothing, and stops nothing")
    func hostile() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (2, .inProgress) }
        let day = CalendarDay(fixture.clock.now)
        try await workspace.logWork(4, on: "a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).first)
        let log = try #require(try store.all(.work(in: "p", from: day, through: day)).first)
        /// The attributes of an entity under another sort key, with some of them changed.
        func raw(
            _ entity: some Entity, _ sort: String, _ changes: [String: AttributeValue]
        ) async throws {
            var item = try entity.item()
            for name in ["GSI1PK", "GSI1SK"] { item[name] = nil }
            item["SK"] = .string(sort)
            for (name, value) in changes { item[name] = value }
            try await store.put(item, in: CodexFlow.table)
        }
        let huge = AttributeValue.number(Number(Int64.max))
        for (place, facts) in [
            ["to": "done", "points": huge], ["to": "done", "estimatedHours": huge],
            ["pointsBefore": huge], ["to": "done", "cycleSeconds": -1],
        ].enumerated() as EnumeratedSequence<[AttributeMap]> {
            for copy in 0..<2 {
                let id = "zz\(place)\(copy)"
                try await raw(
                    entry, "ACTIVITY#a#\(id)",
                    ["activityId": .string(id), "facts": .map(facts)])
            }
        }
        try await raw(entry, "ACTIVITY#a#zzz", ["activityId": "zzz", "day": 7])
        for (place, hours) in ["1E-100", "0.00001", "1E20", "-3", "24.0001"].enumerated() {
            var worked = entry
            worked.id = try .init("zy\(place)")
            (worked.kind, worked.facts) = (.worked, nil)
            worked.changes = [
                .init(field: "hours", from: nil, to: .number(try Number(parsing: hours)))
            ]
            try await store.put(try worked.item(), in: CodexFlow.table)
        }
        for (place, hours) in ["1E20", "-3", "0", "25", "1E-100"].enumerated() {
            var worked = log
            worked.taskID = try .init("z\(place)")
            worked.hours = try Number(parsing: hours)
            try await store.put(try worked.item(), in: CodexFlow.table)
        }
        try await raw(log, "WORK#\(day)#mia#zz", ["taskId": "zz", "hours": "many"])
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let analytics = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(analytics.metrics.tasksCompleted == 1 && analytics.flow?.points == 2)
        #expect(analytics.teamStats.map(\.hoursLogged) == [4] && analytics.flow?.loggedHours == 4)
        let yesterday = day.adding(days: -1)
        let figures = CodexFlow.Analytics(
            projectID: "p", date: day, metrics: .init(tasksCompleted: 1))
        try await raw(
            figures, "ANALYTICS#\(yesterday)",
            ["metrics": ["tasksCompleted": huge], "date": yesterday.attributeValue])
        try await raw(
            figures, "ANALYTICS#\(day)", ["metrics": ["tasksCompleted": "one"]])
        try await raw(
            try #require(try store.get(.analyticsShare(of: "a", in: "p"))), "SHARE#a",
            ["state": ["status": "gone"]])
        await #expect(throws: CodexError.self) {
            _ = try await workspace.analyticsReport(of: "p", from: yesterday, through: day)
        }
        try await store.rebuildAnalytics()
        let again = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(again == analytics)
    }

    @Test("A report adds up days: times, throughput, hours, burndown")
    func report() async throws {
        let fixture = try await Fixture()
        let (workspace, clock) = (fixture.workspace, fixture.clock)
        let first = CalendarDay(clock.now)
        for number in 1...20 {
            let id = try CodexFlow.Task.ID("t\(number)")
            try await fixture.task(id) { ($0.estimate, $0.status) = (1, .todo) }
            clock.advance(by: 3600)
            try await workspace.moveTask(id, in: "p", to: .inProgress, by: "mia")
            // Those that begin on the first day take that many minutes.
            clock.advance(by: Double(number * 60))
            try await workspace.completeTask(id, in: "p", by: "mia")
            clock.advance(by: 7200 - Double(number * 60) - 3600)
        }
        try await workspace.logWork(5, on: "t1", in: "p", by: "mia", day: first)
        try await workspace.logWork(2, on: "t2", in: "p", by: "max", day: first)
        try await fixture.task("open") { $0.estimate = 8 }
        try await fixture.store.rebuildAnalytics()
        let last = CalendarDay(clock.now)
        #expect(last == first.adding(days: 1))
        let report = try await workspace.analyticsReport(
            of: "p", from: first, through: last.adding(days: 5))
        #expect(report.first == first && report.last == last.adding(days: 5))
        #expect(report.tasksCompleted == 20 && report.pointsCompleted == 20)
        #expect(report.throughput == 20 && report.hoursLogged == 7)
        // To within a thirty-second part.
        let cycle = try #require(report.cycleTimes)
        for (found, minutes) in [(cycle.median, 10), (cycle.p85, 17), (cycle.p95, 19)] {
            #expect(abs(found - minutes * 60) <= minutes * 60 / 31)
        }
        let lead = try #require(report.leadTimes)
        for (found, minutes) in [(lead.median, 70), (lead.p85, 77), (lead.p95, 79)] {
            #expect(abs(found - minutes * 60) <= minutes * 60 / 31)
        }
        #expect(report.states.map(\.scope) == [12] + Array(repeating: 28, count: 6))
        #expect(report.states.map(\.remaining) == [0] + Array(repeating: 8, count: 6))
        let late = try await workspace.analyticsReport(of: "p", from: last, through: last)
        #expect(late.tasksCompleted == 8 && late.states.map(\.scope) == [28])
        for days in [-1, CodexFlow.Limits.reportDayCountMax] {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                _ = try await workspace.analyticsReport(
                    of: "p", from: first, through: first.adding(days: days))
            }
        }
    }

    @Test("Days that were imported stay where there is no history")
    func importedDays() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.createProject(key: "TWO", name: "Two", id: "q", owner: "mia")
        let day = CalendarDay(fixture.clock.now)
        try await store.put(
            CodexFlow.Analytics(projectID: "q", date: day, metrics: .init(tasksCompleted: 7)))
        try await fixture.task("a")
        try await store.rebuildAnalytics()
        #expect(try store.get(.analytics(of: "q", on: day))?.metrics.tasksCompleted == 7)
        #expect(try store.get(.analytics(of: "p", on: day))?.flow?.created == 1)
    }

    @Test("Days are those of the project's time zone")
    func timeZones() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await workspace.changeProject("p", by: "adam") { $0.timeZone = "America/New_York" }
        // Midnight in UTC is the evening before.
        try await fixture.task("a")
        try await store.rebuildAnalytics()
        let day = try #require(CalendarDay("2025-11-04"))
        #expect(try store.get(.analytics(of: "p", on: day))?.flow?.created == 1)
    }

    @Test("Quantiles are within a thirty-second part; histograms add up")
    func histograms() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let values = (0..<500).map { _ in
                Int.random(in: 0...1 << Int.random(in: 1...40, using: &random), using: &random)
            }.sorted()
            var (whole, left, right) = (
                CodexFlow.Histogram(), CodexFlow.Histogram(), CodexFlow.Histogram()
            )
            for (index, value) in values.enumerated() {
                whole.record(value)
                if index % 3 == 0 { left.record(value) } else { right.record(value) }
            }
            left.add(right)
            #expect(left == whole && whole.count == 500)
            for fraction in [0.01, 0.5, 0.85, 0.95, 1] {
                let exact = values[max(0, Int((500 * fraction).rounded(.up)) - 1)]
                let found = whole.quantile(fraction) ?? -1
                #expect(abs(found - exact) <= max(1, exact / 31), "\(exact) \(found)")
            }
            #expect(CodexFlow.Histogram(attributeValue: whole.attributeValue) == whole)
        }
        var edge = CodexFlow.Histogram()
        for value in [-1, 0, 63, 64, .max] { edge.record(value) }
        #expect(edge.count == 5 && CodexFlow.Histogram().quantile(0.5) == nil)
    }

    @Test("Counts of a histogram end at the largest number, whatever is stored or asked for")
    func largestHistogram() throws {
        let most = AttributeValue.number(Number(Int64.max))
        let stored: AttributeValue = ["0": most, "5": most, "1887": most]
        var histogram = try #require(CodexFlow.Histogram(attributeValue: stored))
        #expect(histogram.count == .max)
        histogram.record(0)
        let same = histogram
        histogram.add(same)
        #expect(histogram == same && histogram.count == .max)
        let fractions: [Double] = [0, 0.5, 1, -1, 2, .nan, .infinity, -.infinity]
        for fraction in fractions { #expect(histogram.quantile(fraction) != nil, "\(fraction)") }
        #expect(histogram.quantile(-.infinity) == 0)
        let refused: [AttributeValue] = [
            ["1888": 1], ["-1": 1], ["9223372036854775808": 1], ["0": 0], ["0": -1],
            ["0": .number(try Number(parsing: "0.5"))], ["0": .number(try Number(parsing: "1e30"))],
        ]
        for value in refused { #expect(CodexFlow.Histogram(attributeValue: value) == nil) }
    }
}
