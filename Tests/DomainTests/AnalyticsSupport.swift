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
        // A task of another project is the last change that the consumer gets.
        let end = try await mark(store)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.runAnalytics() }
            group.addTask {
                for try await _ in store.changes(
                    after: .trimHorizon, filter: ChangeFilter(entities: ["analytics"]))
                {
                    let status = try store.consumers().first { $0.name == Store.analyticsConsumer }
                    if let status, status.sequenceNumber >= end { break }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Lets the consumer have something to write that comes after all else.
    private static func mark(_ store: Store) async throws -> SequenceNumber {
        let project = CodexFlow.Project(id: "mark", name: "Mark", ownerID: "olga")
        let day = CalendarDay(Date())
        var activity = CodexFlow.Activity(
            id: try .init(UUID().uuidString), projectID: "mark", taskID: "t", actorID: "olga",
            at: Date(), day: day, kind: .created)
        activity.facts = CodexFlow.Activity.Facts(to: .backlog)
        try await store.write { [activity] transaction in
            try transaction.put(project)
            try transaction.put(activity)
        }
        let changes = try store.retainedChanges(after: .trimHorizon)
        return try #require(changes.last { try $0.entity == "activity" }).sequenceNumber
    }

    /// Each day as it is stored.
    static func bytes(_ store: Store) throws -> [String] {
        try stored(store).map { DynamoDBJSON.text(try $0.item()) }
    }
}
