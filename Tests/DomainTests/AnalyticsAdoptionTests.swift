import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Imported projects, stores of earlier releases, and the progress of the consumer.
@Suite("Adoption of analytics")
struct AnalyticsAdoptionTests {
    /// Stores tasks without the services: one open, one done, one archived, one without points.
    private func storeTasks(_ fixture: Fixture) async throws {
        let tasks: [(id: String, status: CodexFlow.Task.Status, points: Int?)] = [
            ("open", .inProgress, 5), ("done", .done, 3), ("archived", .todo, 2),
            ("bare", .todo, nil),
        ]
        for (id, status, points) in tasks {
            var task = CodexFlow.Task(
                id: try .init(id), projectID: "p", title: id, status: status,
                createdAt: fixture.clock.now - 1000)
            task.estimate = points
            if status == .inProgress { task.startedAt = fixture.clock.now - 100 }
            if id == "archived" { task.archivedAt = fixture.clock.now }
            task.isImport = true
            try await fixture.store.put(task)
        }
    }

    // MARK: Imports

    @Test(
        "Adopted tasks are in the figures of state from that day on", arguments: Place.allCases)
    func adoption(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("own") { $0.estimate = 1 }
        try await storeTasks(fixture)
        try await Analytics.catchUp(store)
        let day = CalendarDay(fixture.clock.now)
        var report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(report.states.map(\.scope) == [1])
        #expect(try await workspace.adoptHistory(of: "p", by: "adam", batchCount: 2) == 4)
        #expect(try await workspace.adoptHistory(of: "p", by: "adam") == 0)
        try await Analytics.catchUp(store)
        report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(report.states.map(\.scope) == [9] && report.states.map(\.remaining) == [6])
        let statuses: [CodexFlow.Task.Status: Int] = [
            .backlog: 1, .inProgress: 1, .done: 1, .todo: 1,
        ]
        #expect(report.states.first?.statuses == statuses)
        #expect(report.tasksCompleted == 0 && report.pointsCompleted == 0)
        // The work began before the history.
        fixture.clock.advance(by: 50)
        try await workspace.completeTask("open", in: "p", by: "mia")
        try await workspace.restoreTask("archived", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        #expect(report.states.map(\.scope) == [11] && report.states.map(\.remaining) == [3])
        let cycle = try #require(report.cycleTimes?.median)
        #expect(abs(cycle - 150) <= 150 / 31)
        let before = try Analytics.bytes(store)
        try await store.rebuildAnalytics()
        #expect(try Analytics.bytes(store) == before)
    }

    @Test("History is adopted by admins, in commits of limited size")
    func adopters() async throws {
        let fixture = try await Fixture()
        try await storeTasks(fixture)
        try await fixture.expect(.actorRole) {
            try await fixture.workspace.adoptHistory(of: "p", by: "mia")
        }
        for count in [0, CodexFlow.Workspace.batchCountMax + 1] {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await fixture.workspace.adoptHistory(of: "p", by: "olga", batchCount: count)
            }
        }
        for count in [1, CodexFlow.Workspace.batchCountMax] {
            try await fixture.workspace.adoptHistory(of: "p", by: "olga", batchCount: count)
        }
    }

    @Test("An import does not notify; later changes do")
    func silentImport() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let start = try store.read { try $0.sequenceNumber }
        try await storeTasks(fixture)
        try await workspace.createTask(in: "p", by: "mia", id: "services") { task in
            (task.title, task.assigneeID) = ("T", "max")
            task.isImport = true
        }
        try await workspace.adoptHistory(of: "p", by: "adam")
        func kinds() throws -> [CodexFlow.Event.Kind] {
            try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
                try $0.events
            }.map(\.kind)
        }
        #expect(try kinds().isEmpty)
        try await workspace.completeTask("open", in: "p", by: "mia")
        #expect(try kinds().contains(.taskCompleted))
        // Without the mark, it is an event like any other.
        try await store.put(CodexFlow.Task(id: "loud", projectID: "p", title: "L"))
        #expect(try kinds().contains(.taskCreated))
    }

    @Test("The mark of an import is kept with other metadata")
    func importMark() {
        var task = CodexFlow.Task(id: "a", projectID: "p", title: "A")
        #expect(!task.isImport && task.metadata == nil)
        task.isImport = true
        #expect(task.isImport)
        task.isImport = false
        #expect(!task.isImport && task.metadata == nil)
        task.metadata = ["own": 1]
        task.isImport = true
        task.isImport = false
        #expect(task.metadata == ["own": 1])
    }

    // MARK: Earlier releases

    @Test("Days of the first rules are readable, with the figures of the present rules")
    func firstRules() throws {
        let stored: AttributeValue = [
            "scope": 10, "points": 7, "importedPoints": 4, "statuses": ["done": 2],
        ]
        let flow = try #require(CodexFlow.Analytics.Flow(attributeValue: stored))
        #expect(flow.scope == 10 && flow.remaining == 3)
        #expect(flow.points == 3 && flow.importedPoints == 4)
        #expect(CodexFlow.Analytics.Flow(attributeValue: flow.attributeValue) == flow)
        // Figures of any size do not trap, and break the rule on figures.
        let huge: AttributeValue = [
            "scope": .number(Number(Int64.min)), "points": .number(Number(Int64.max)),
        ]
        var day = CodexFlow.Analytics(
            projectID: "p", date: CalendarDay(Date()), metrics: .init(tasksCompleted: 0))
        day.flow = CodexFlow.Analytics.Flow(attributeValue: huge)
        #expect(day.flow != nil)
        #expect(throws: CodexError.self) { try day.validate() }
    }

    @Test("A store of an earlier release gets right numbers with the first run of the consumer")
    func earlierRelease() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let day = CalendarDay(fixture.clock.now)
        try await fixture.task("a") { ($0.estimate, $0.status) = (7, .inProgress) }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        // The day and the consumer as the earlier release left them.
        try await store.put(
            [
                "PK": "PROJECT#p", "SK": .string("ANALYTICS#\(day)"), "projectId": "p",
                "date": day.attributeValue,
                "metrics": [
                    "tasksCompleted": 1, "velocity": .number(try Number(parsing: "-1.75")),
                ],
                "flow": ["created": 1, "reopened": 1, "scope": 7, "statuses": ["todo": 1]],
            ], in: CodexFlow.table)
        try await store.addConsumer(
            Store.analyticsConsumer, after: .latest,
            filter: ChangeFilter(
                tables: [CodexFlow.table],
                entities: [
                    CodexFlow.Activity.definition.name, CodexFlow.WorkLog.definition.name,
                ]))
        let old = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(old.metrics.velocity?.description == "-1.75")
        try await Analytics.catchUp(store)
        let new = try #require(try store.get(.analytics(of: "p", on: day)))
        #expect(new.metrics.tasksCompleted == 0 && new.metrics.velocity == nil)
        #expect(new.flow?.remaining == 7 && new.flow?.created == 1)
        // From then on the consumer counts each change once, without a rebuild.
        let bytes = try Analytics.bytes(store)
        try await Analytics.catchUp(store)
        #expect(try Analytics.bytes(store) == bytes)
        // Registered again, it would count again: the days are rebuilt.
        try await store.removeConsumer(Store.analyticsConsumer)
        try await Analytics.catchUp(store)
        #expect(try Analytics.bytes(store) == bytes)
    }

    // MARK: Progress

    @Test("A report says how far the consumer is")
    func progress() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let day = CalendarDay(fixture.clock.now)
        func progress() async throws -> CodexFlow.AnalyticsReport.Progress? {
            try await workspace.analyticsReport(of: "p", from: day, through: day).progress
        }
        #expect(try await progress() == nil)
        try await Analytics.catchUp(store)
        #expect(try await progress()?.isCurrent == true)
        // Changes of other entities are not missing.
        try await workspace.suspendUser("nora")
        #expect(try await progress()?.isCurrent == true)
        fixture.clock.advance(by: 60)
        let missing = fixture.clock.now
        try await fixture.task("a")
        fixture.clock.advance(by: 60)
        try await fixture.task("b")
        let late = try #require(try await progress())
        #expect(!late.isCurrent && late.missingSince == missing && !late.isTrimmed)
        #expect(late.lagCommitCount >= 2)
        try await Analytics.catchUp(store)
        #expect(try await progress()?.isCurrent == true)
        let remote = try Fixture.workspace(.table, store, fixture.clock)
        let report = try await remote.analyticsReport(of: "p", from: day, through: day)
        #expect(report.progress == nil && report.states.map(\.statuses) == [[.backlog: 2]])
    }
}
