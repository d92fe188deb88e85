import Codex
import CodexCore
import CodexStore
import Foundation
import Testing

/// The analytics of the project `p`.
enum Analytics {
    /// The analytics as they are stored.
    static func stored(_ store: Store) throws -> [CodexFlow.Analytics] {
        try store.all(
            .analytics(
                of: "p", from: try #require(CalendarDay("2000-01-01")),
                through: try #require(CalendarDay("2100-01-01"))))
    }

    /// Runs the consumer until it is at the end; throws what ends it before.
    static func catchUp(_ store: Store) async throws {
        try await store.runAnalytics(until: .caughtUp)
    }

    /// A report from a first day on, after the consumer has caught up.
    static func report(
        _ fixture: Fixture, from first: CalendarDay, days: Int
    ) async throws -> CodexFlow.AnalyticsReport {
        try await catchUp(fixture.store)
        return try await fixture.workspace.analyticsReport(
            of: "p", from: first, through: first.adding(days: days - 1))
    }

    /// Expects that a rebuild makes the days that the stream made.
    static func expectRebuild(
        _ store: Store, location: SourceLocation = #_sourceLocation
    ) async throws {
        try await catchUp(store)
        let before = try bytes(store)
        try await store.rebuildAnalytics()
        #expect(try bytes(store) == before, sourceLocation: location)
    }

    /// Removes the whole history of a task, without the services.
    static func removeHistory(of task: CodexFlow.Task.ID, _ store: Store) async throws {
        let entries = try store.all(.activity(of: task, in: "p"))
        try await store.write { transaction in
            for entry in entries {
                try transaction.delete(.activity(entry.id, of: task, in: "p"))
            }
        }
    }

    /// Each day as it is stored.
    static func bytes(_ store: Store) throws -> [String] {
        try stored(store).map { DynamoDBJSON.text(try $0.item()) }
    }
}
