import Codex
import CodexRemote
import Foundation
import Logging

/// Logs assigned and completed tasks, where a real program would send mail.
struct Notifications: Sendable {
    /// The name of the consumer.
    static let name = "notifications"

    let logger: Logger

    private static let pattern = CodexFlow.EventPattern.kinds(.taskAssigned, .taskCompleted)

    /// Follows the events of a store, from now on, until its task is cancelled.
    func run(on store: Store) async throws {
        try await store.addSubscription(Self.name)
        try await store.deliverEvents(to: Self.name, matching: Self.pattern) { log($0) }
    }

    /// Follows the changes of a remote table, from now on, until its task is cancelled.
    ///
    /// All processes of the service share the changes.
    func run(on table: RemoteTable) async throws {
        let consumer = try await consumer(of: table)
        try await consumer.register(
            from: .time(Date()),
            filter: ChangeFilter(entities: [CodexFlow.Task.definition.name]))
        try await consumer.deliver { change in
            let events: [CodexFlow.Event]
            do throws(CodexError) {
                events = try Self.events(of: change)
            } catch {
                guard error.isOfUnreadableItem else { throw error }
                return logger.error("unreadable change", metadata: ["error": "\(error)"])
            }
            for event in events where Self.pattern.matches(event) { log(event) }
        }
    }

    /// The consumer of a remote table.
    ///
    /// - Throws: `CodexError` if the table has no stream, and the errors of the service.
    func consumer(of table: RemoteTable) async throws -> RemoteConsumer {
        var options = RemoteConsumerOptions()
        // Missed changes cannot be delivered any more.
        options.gaps = .proceed { _ in logger.error("changes were missed") }
        return try RemoteConsumer(
            Self.name, of: try await table.stream(), in: table, schema: CodexFlow.schema,
            options: options)
    }

    private static func events(of change: RemoteChange) throws(CodexError) -> [CodexFlow.Event] {
        try CodexFlow.Event.events(
            of: CodexFlow.Event.Change(
                old: change.oldImage, new: change.newImage, time: change.time,
                origin: change.origin, sequence: change.sequenceNumber.description,
                isExpiry: change.isExpiry))
    }

    private func log(_ event: CodexFlow.Event) {
        logger.notice(
            "event",
            metadata: [
                "type": "\(event.kind.rawValue)", "task": "\(event.taskID?.rawValue ?? "")",
            ])
    }
}
