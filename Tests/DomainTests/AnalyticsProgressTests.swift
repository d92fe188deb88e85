import Codex
import CodexCore
import CodexStore
import CodexTesting
import CodexWorkspace
import Foundation
import Testing

/// What a report says of changes and rebuilds while its days are read.
@Suite("Progress of reports")
struct AnalyticsProgressTests {
    /// The error of a rebuild that a test interrupts.
    private struct Interrupted: Error {}

    /// A report's progress, with something that happens before its days are read.
    private func progress(
        _ fixture: Fixture, _ beforeDays: @escaping @Sendable () async throws -> Void
    ) async throws -> CodexFlow.AnalyticsReport.Progress {
        let clock = fixture.clock
        let workspace = CodexFlow.Workspace(
            ReadingBackend(store: fixture.store, beforeDays: beforeDays),
            clock: { clock.now }, calendar: SystemCalendar())
        let day = CalendarDay(clock.now)
        let report = try await workspace.analyticsReport(of: "p", from: day, through: day)
        return try #require(report.progress)
    }

    @Test(
        "Days that were read while a rebuild began are not current, even if it has ended",
        arguments: [true, false])
    func rebuild(isWhole: Bool) async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await fixture.task("a") { $0.estimate = 3 }
        try await Analytics.catchUp(store)
        let report = try await progress(fixture) {
            do {
                try await store.rebuildAnalytics(writeCount: 1, patience: .zero) {
                    if !isWhole { throw Interrupted() }
                }
            } catch is Interrupted {}
        }
        #expect(report.isRebuilding && !report.isCurrent && !report.isTrimmed)
        #expect(try store.analyticsProgress()?.isRebuilding == !isWhole)
    }

    @Test("A change while the days are read is missing in them")
    func change() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await Analytics.catchUp(store)
        fixture.clock.advance(by: 60)
        let late = try await progress(fixture) { _ = try await fixture.task("a") }
        #expect(late.missingSince == fixture.clock.now && !late.isCurrent && !late.isRebuilding)
        #expect(late.lagCommitCount > 0)
        // What the consumer counts between two pages may be in one of them alone.
        let counted = try await progress(fixture) { try await Analytics.catchUp(store) }
        #expect(counted.missingSince == late.missingSince && !counted.isCurrent)
        let calm = try await progress(fixture) {}
        #expect(calm.isCurrent)
    }
}

/// A workspace's data in a store that can only be read, with something that happens before each
/// query.
private struct ReadingBackend: CodexFlow.WorkspaceBackend {
    let store: Store
    let beforeDays: @Sendable () async throws -> Void

    func commit<Outcome: Sendable>(
        _ decide:
            @escaping @Sendable (any CodexFlow.DecisionReader) throws -> CodexFlow.Decision<Outcome>
    ) async throws -> Outcome {
        throw CodexError(.invalidArgument, "This backend only reads.")
    }

    func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? { try store.get(lookup) }

    func query<E: Entity>(
        _ query: CodexCore.Query<E>, limit: Int?, after token: PageToken?
    ) async throws -> Page<E> {
        try await beforeDays()
        return try store.query(query, limit: limit, after: token)
    }

    func removeItems(of project: CodexFlow.Project.ID, limit: Int) async throws -> Bool { true }

    func analyticsProgress() async throws -> CodexFlow.AnalyticsReport.Progress? {
        try store.analyticsProgress()
    }
}
