import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Rebuilds in many small transactions, interrupted, overtaken, and beside other writers.
@Suite("Rebuilds of analytics")
struct AnalyticsRebuildTests {
    private static let daySeconds = 86_400.0

    /// The error of a rebuild that a test interrupts.
    private struct Interrupted: Error {}

    /// Counts calls.
    private final class Counter: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    /// Completes a task, creates another one, and removes the one of the day before.
    private func work(_ fixture: Fixture, day: Int) async throws {
        let workspace = fixture.workspace
        try await fixture.task(try .init("done\(day)")) {
            ($0.estimate, $0.status) = (3, .inProgress)
        }
        try await workspace.completeTask(try .init("done\(day)"), in: "p", by: "mia")
        try await fixture.task(try .init("open\(day)")) { $0.estimate = 2 }
        if day > 0 {
            _ = try await fixture.store.delete(.task(try .init("open\(day - 1)"), in: "p"))
        }
        try await workspace.logWork(1, on: try .init("done\(day)"), in: "p", by: "mia")
        fixture.clock.advance(by: Self.daySeconds)
    }

    /// The numbers of days and shares that each commit after a change changes.
    private func sizes(
        _ store: Store, after start: SequenceNumber, of kinds: [ChangeRecord.Kind]
    ) throws -> [Int] {
        var sizes: [UInt64: Int] = [:]
        for change in try store.retainedChanges(after: .sequenceNumber(start)) {
            let sort = try change.key.sort?.string ?? ""
            guard kinds.contains(change.kind),
                sort.hasPrefix("ANALYTICS#") || sort.hasPrefix("SHARE#")
            else { continue }
            sizes[change.sequenceNumber.commit, default: 0] += 1
        }
        return Array(sizes.values)
    }

    // MARK: Sizes

    @Test("A rebuild writes in transactions of limited size")
    func chunks() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        for day in 0..<10 { try await work(fixture, day: day) }
        try await Analytics.catchUp(store)
        let before = try Analytics.bytes(store)
        for day in try Analytics.stored(store) {
            #expect(try await store.delete(.analytics(of: "p", on: day.date)))
        }
        let start = try store.read { try $0.sequenceNumber }
        #expect(try await store.rebuildAnalytics(writeCount: 3) == 10)
        let sizes = try sizes(store, after: start, of: ChangeRecord.Kind.allCases)
        #expect(sizes.reduce(0, +) >= 10 && sizes.allSatisfy { $0 <= 3 })
        #expect(try Analytics.bytes(store) == before)
    }

    @Test("The analytics of a project whose item was removed are removed in limited steps, once")
    func leftovers() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await Analytics.catchUp(store)
        try await workspace.createTasks(
            from: Array(0..<230), in: "p", by: "mia",
            id: { number in try CodexFlow.Task.ID("t\(number)") }
        ) { _, task in (task.title, task.estimate) = ("T", 1) }
        try await Analytics.catchUp(store)
        let project = try #require(try store.get(.project("p")))
        #expect(try await store.delete(.project("p")))
        let start = try store.read { try $0.sequenceNumber }
        try await Analytics.catchUp(store)
        #expect(try Analytics.stored(store).isEmpty)
        let sizes = try sizes(store, after: start, of: [.remove])
        #expect(sizes.reduce(0, +) > 200 && sizes.allSatisfy { $0 <= 200 })
        // The history is still there, and counts again.
        try await store.put(project)
        try await fixture.task("new") { $0.estimate = 4 }
        try await Analytics.catchUp(store)
        let days = try Analytics.stored(store)
        #expect(days.map { $0.flow?.scope } == [234])
        #expect(days.map { $0.flow?.created } == [231])
        // The next change of the task makes a share.
        try await fixture.workspace.moveTask("new", in: "p", to: .todo, by: "mia")
        try await Analytics.catchUp(store)
        // Another program that got to the removal before, and continues now.
        let removal = try store.retainedChanges(after: .trimHorizon).last { change in
            guard change.kind == .remove else { return false }
            return try change.key.sort?.string == "METADATA"
        }
        let number = try #require(removal?.sequenceNumber)
        try await store.removeAnalytics(of: "p", before: number)
        #expect(try Analytics.stored(store).map { $0.flow?.scope } == [234])
        #expect(try store.get(.analyticsShare(of: "new", in: "p")) != nil)
    }

    @Test("A late consumer writes nothing for a project that was deleted and made again")
    func removedProject() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await Analytics.catchUp(store)
        // More changes than a batch of the consumer has.
        for day in 0..<20 { try await work(fixture, day: day) }
        try await workspace.deleteProject("p", by: "olga")
        try await workspace.createProject(key: "NEW", name: "New", id: "p", owner: "olga")
        try await workspace.createTask(in: "p", by: "olga", id: "new") {
            ($0.title, $0.estimate) = ("T", 4)
        }
        let start = try store.read { try $0.sequenceNumber }
        try await Analytics.catchUp(store)
        let keys = try store.retainedChanges(after: .sequenceNumber(start)).compactMap {
            change -> String? in
            // The state of the analytics is an item of no entity.
            guard try change.entity != nil else { return nil }
            return try change.key.sort?.string
        }
        let day = CalendarDay(fixture.clock.now)
        let expected: Set<String> = ["SHARE#new", "ANALYTICS#\(day)"]
        #expect(Set(keys) == expected)
        #expect(try Analytics.stored(store).map { $0.flow?.scope } == [4])
        try await Analytics.expectRebuild(store)
    }

    // MARK: Interruptions

    @Test("An interrupted rebuild is made again; the days are not valid until then")
    func interrupted() async throws {
        let (fixture, twin) = (try await Fixture(), try await Fixture())
        let store = fixture.store
        for each in [fixture, twin] {
            try await Analytics.catchUp(each.store)
            for day in 0..<3 { try await work(each, day: day) }
            try await Analytics.catchUp(each.store)
        }
        for step in 1...4 {
            for each in [fixture, twin] { try await work(each, day: 2 + step) }
            let turns = Counter()
            await #expect(throws: Interrupted.self) {
                try await store.rebuildAnalytics(writeCount: 2, patience: .zero) {
                    if turns.next() == step { throw Interrupted() }
                }
            }
            let progress = try #require(try store.analyticsProgress())
            #expect(progress.isRebuilding && !progress.isCurrent, "step \(step)")
        }
        try await store.rebuildAnalytics(writeCount: 2, patience: .zero)
        #expect(try store.analyticsProgress()?.isCurrent == true)
        try await Analytics.catchUp(twin.store)
        #expect(try Analytics.bytes(store) == Analytics.bytes(twin.store))
        // The stream goes on where the rebuild ended.
        for each in [fixture, twin] {
            try await work(each, day: 7)
            try await Analytics.catchUp(each.store)
        }
        #expect(try Analytics.bytes(store) == Analytics.bytes(twin.store))
    }

    @Test("A rebuild that ends between any two transactions loses no share", arguments: 1...3)
    func interruptedShares(step: Int) async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await workspace.deleteTask("a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        // Only the share has the completion now.
        try await Analytics.removeHistory(of: "a", store)
        let turns = Counter()
        do {
            try await store.rebuildAnalytics(
                writeCount: 1, patience: .zero,
                beforeWrites: { if turns.next() == step { throw Interrupted() } },
                afterReading: {
                    // The consumer changes the share after the snapshot.
                    fixture.clock.advance(by: 60)
                    try await fixture.task("a") { $0.estimate = 1 }
                    try await Analytics.catchUp(store)
                })
        } catch is Interrupted {}
        try await store.rebuildAnalytics(writeCount: 1, patience: .zero)
        let report = try await Analytics.report(fixture, from: first, days: 1)
        #expect(report.states.map(\.scope) == [1] && report.pointsCompleted == 3)
        #expect(try store.analyticsProgress()?.isCurrent == true)
    }

    @Test("Of two rebuilds the second takes over, and the first one is made again")
    func twice() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        for day in 0..<5 { try await work(fixture, day: day) }
        try await Analytics.catchUp(store)
        let before = try Analytics.bytes(store)
        let turns = Counter()
        let count = try await store.rebuildAnalytics(writeCount: 2, patience: .zero) {
            guard turns.next() == 2 else { return }
            try await store.rebuildAnalytics(writeCount: 3, patience: .zero)
        }
        #expect(count == before.count && turns.next() > 3)
        #expect(try Analytics.bytes(store) == before)
        #expect(try store.analyticsProgress()?.isCurrent == true)
    }

    @Test("What others do while a rebuild writes counts once")
    func beside() async throws {
        let (fixture, twin) = (try await Fixture(), try await Fixture())
        for day in 0..<3 {
            for each in [fixture, twin] { try await work(each, day: day) }
        }
        let turns = Counter()
        try await fixture.store.rebuildAnalytics(writeCount: 1, patience: .zero) {
            let turn = turns.next()
            if turn <= 3 { try await work(fixture, day: 2 + turn) }
        }
        try await Analytics.catchUp(twin.store)
        for day in 3...5 { try await work(twin, day: day) }
        for each in [fixture, twin] { try await Analytics.catchUp(each.store) }
        #expect(try Analytics.bytes(fixture.store) == Analytics.bytes(twin.store))
    }

    @Test("A rebuild first counts what the consumer has not counted yet")
    func catchingUp() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        try await Analytics.catchUp(store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.completeTask("a", in: "p", by: "mia")
        fixture.clock.advance(by: Self.daySeconds)
        #expect(try await store.delete(.task("a", in: "p")))
        // Only the stream has it now.
        for entry in try store.all(.activity(of: "a", in: "p")) {
            _ = try await store.delete(.activity(entry.id, of: "a", in: "p"))
        }
        try await store.rebuildAnalytics()
        let report = try await workspace.analyticsReport(
            of: "p", from: first, through: first.adding(days: 1))
        #expect(report.states.map(\.scope) == [3, 0] && report.pointsCompleted == 3)
    }

    // MARK: Progress and raw data

    @Test("Changes that do not concern the analytics are not missing")
    func progress() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: 60)
        for _ in 0..<10 {
            try await workspace.suspendUser("nora")
            try await workspace.activateUser("nora")
        }
        #expect(try store.analyticsProgress()?.isCurrent == true)
        let place = try #require(try store.analyticsPlace())
        #expect(try store.analyticsProgress(since: place, byteCountMax: 1 << 20).isCurrent)
    }

    @Test("Entries of custom commands count nothing, also if they name fields that count")
    func customEntries() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await workspace.commit { context in
            let task = try context.find(.task("a", in: "p"))
            for kind in [CodexFlow.Activity.Kind.changed, .commented, .linked] {
                try context.record(
                    kind, of: task, by: "mia",
                    changes: [
                        .init(field: "archivedAt", from: nil, to: "2025-11-05T00:00:00.000Z"),
                        .init(field: "hours", from: nil, to: 5),
                    ])
            }
        }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await Analytics.catchUp(store)
        let flow = try #require(try Analytics.stored(store).first?.flow)
        #expect(flow.scope == 3 && flow.statuses == [.done: 1] && flow.loggedHours == 0)
    }
}
