import Codex
import CodexCore
import CodexStore
import CodexTesting
import CodexWorkspace
import Foundation
import TestSupport
import Testing

/// The checkpoint of the consumer of analytics: what it costs to read from it, and who moves it.
@Suite("Checkpoints of analytics")
struct AnalyticsCheckpointTests {
    /// Stores items that do not concern the analytics, of 300,000 bytes that do not compress.
    private func storeOthers(_ count: Int, _ fixture: Fixture) async throws {
        var random = SplitMix(seed: 7)
        for number in 0..<count {
            var bytes: [UInt8] = []
            while bytes.count < 300_000 {
                let value = random.next()
                for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
            }
            let item: Item = [
                "PK": .string("OTHER#\(number)"), "SK": "ITEM", "content": .binary(bytes),
            ]
            try await fixture.store.put(item, in: CodexFlow.table)
        }
    }

    /// A caught-up consumer, and a finished task of 3 points.
    private func prepared() async throws -> (fixture: Fixture, days: [String]) {
        let fixture = try await Fixture()
        try await Analytics.catchUp(fixture.store)
        try await fixture.task("a") { ($0.estimate, $0.status) = (3, .inProgress) }
        try await fixture.workspace.completeTask("a", in: "p", by: "mia")
        try await Analytics.catchUp(fixture.store)
        return (fixture, try Analytics.bytes(fixture.store))
    }

    // MARK: Moved checkpoints

    @Test("A checkpoint that a program moved back counts nothing twice")
    func movedBack() async throws {
        let (fixture, days) = try await prepared()
        let store = fixture.store
        try await store.resetConsumer(Store.analyticsConsumer, to: .trimHorizon)
        #expect(try store.analyticsProgress()?.isRebuilding == true)
        try await Analytics.catchUp(store)
        #expect(try Analytics.bytes(store) == days)
        #expect(try store.analyticsProgress()?.isCurrent == true)
        // The shares are still those of their tasks.
        try await fixture.workspace.moveTask("a", in: "p", to: .todo, by: "mia")
        try await Analytics.expectRebuild(store)
    }

    @Test("A checkpoint that a program moved forward loses no change", arguments: [true, false])
    func movedForward(byReset: Bool) async throws {
        let (fixture, _) = try await prepared()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        fixture.clock.advance(by: 86_400)
        try await fixture.task("b") { $0.estimate = 5 }
        #expect(try await store.delete(.task("a", in: "p")))
        fixture.clock.advance(by: 86_400)
        if byReset {
            try await store.resetConsumer(Store.analyticsConsumer, to: .latest)
        } else {
            try await store.rebuildConsumer(Store.analyticsConsumer) { _ in }
        }
        #expect(try store.analyticsProgress()?.isCurrent == false)
        try await Analytics.catchUp(store)
        let report = try await workspace.analyticsReport(
            of: "p", from: first, through: first.adding(days: 2))
        // The removal, which only the stream has, counts on its day.
        #expect(report.states.map(\.scope) == [3, 5, 5] && report.progress?.isCurrent == true)
        try await Analytics.expectRebuild(store)
    }

    @Test("A checkpoint that passes other changes stays that of the days")
    func skipped() async throws {
        let (fixture, days) = try await prepared()
        let store = fixture.store
        let count = try store.analyticsProgress()?.rebuildCount
        // More bytes than a consumer passes over without a new checkpoint.
        try await storeOthers(6, fixture)
        let before = try store.read { try $0.sequenceNumber }
        for _ in 0..<2 { try await Analytics.catchUp(store) }
        #expect(try store.read { try $0.sequenceNumber } > before)
        try await fixture.task("b")
        try await Analytics.catchUp(store)
        #expect(try store.analyticsProgress()?.rebuildCount == count)
        #expect(try Analytics.bytes(store) != days)
    }

    // MARK: Progress

    @Test("A change during a reading is missing, also if it was counted meanwhile")
    func duringReading() async throws {
        let (fixture, _) = try await prepared()
        let store = fixture.store
        let start = try #require(try store.analyticsPlace())
        #expect(try store.analyticsProgress(since: start).isCurrent)
        fixture.clock.advance(by: 60)
        let missing = fixture.clock.now
        try await fixture.task("b")
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: 60)
        let progress = try store.analyticsProgress(since: start)
        #expect(progress.missingSince == missing && !progress.isRebuilding)
        #expect(try store.analyticsProgress()?.isCurrent == true)
        try await store.rebuildAnalytics()
        #expect(try store.analyticsProgress(since: start).isRebuilding)
        #expect(try store.analyticsProgress()?.isCurrent == true)
    }

    @Test("The progress is read from the checkpoint on, up to a number of bytes")
    func bytes() async throws {
        let (fixture, _) = try await prepared()
        let store = fixture.store
        fixture.clock.advance(by: 60)
        try await storeOthers(20, fixture)
        let start = try #require(try store.analyticsPlace())
        let limited = try store.analyticsProgress(since: start, byteCountMax: 1 << 20)
        #expect(limited.missingSince == fixture.clock.now && !limited.isTrimmed)
        #expect(try store.analyticsProgress()?.isCurrent == true)
        // The consumer passes over these changes, and what comes before its checkpoint is not read.
        for _ in 0..<2 { try await Analytics.catchUp(store) }
        let folder = fixture.temporary.path + "/log"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let last = try #require(names.filter { $0.hasSuffix(".segment") }.max())
        let file = try #require(FileHandle(forUpdatingAtPath: folder + "/" + last))
        defer { try? file.close() }
        // The first record of the segment, after the header.
        try file.seek(toOffset: 4096 + 200)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 64))
        #expect(try store.analyticsProgress()?.isCurrent == true)
        let day = CalendarDay(fixture.clock.now)
        let report = try await fixture.workspace.analyticsReport(
            of: "p", from: day, through: day)
        #expect(report.progress?.isCurrent == true)
    }

    // MARK: Removals

    @Test("Many direct removals count on their day, also of identifiers that were given again")
    func manyRemovals() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = CalendarDay(fixture.clock.now)
        let ids = try (0..<350).map { try CodexFlow.Task.ID("t\($0)") }
        try await workspace.createTasks(from: ids, in: "p", by: "mia", id: { $0 }) { _, task in
            (task.title, task.estimate) = ("T", 1)
        }
        // The first run of the consumer rebuilds, and writes no shares.
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: 86_400)
        for id in ids { #expect(try await store.delete(.task(id, in: "p"))) }
        // Some of the identifiers are given again.
        for id in ids.prefix(20) { try await fixture.task(id) { $0.estimate = 2 } }
        let report = try await Analytics.report(fixture, from: first, days: 2)
        #expect(report.states.map(\.scope) == [350, 40])
        try await Analytics.expectRebuild(store)
    }
}
