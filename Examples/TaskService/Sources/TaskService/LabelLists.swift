import Codex
import CodexRemote
import Logging

/// Keeps the lists of tasks by label of a remote table, which has no index of labels.
///
/// The entries of the lists follow the table's stream. All processes of the service share this
/// work. Until they are built once, a list is refused (`indexNotReady`).
struct LabelLists: Sendable {
    /// The name of the consumer.
    static let name = "labels"

    private let table: RemoteTable
    private let backend: CodexFlow.TableWorkspaceBackend
    private let logger: Logger

    /// Nothing is sent.
    ///
    /// - Throws: The errors of a table that lacks what the workspace needs.
    init(_ table: RemoteTable, logger: Logger) throws {
        self.table = table
        self.logger = logger
        backend = try CodexFlow.TableWorkspaceBackend(table)
    }

    /// Builds the lists if they were never built, and follows the changes of tasks until its task
    /// is cancelled.
    func run() async throws {
        let consumer = try await consumer()
        // It is registered before the rebuild, and gets the changes that the rebuild does not see.
        try await consumer.register(
            filter: ChangeFilter(entities: [CodexFlow.Task.definition.name]))
        if try await !areBuilt() { _ = try await backend.rebuildLabels() }
        try await consumer.consume(isRepeatable: true) { changes in
            try backend.labelActions(of: changes.map { (old: $0.oldImage, new: $0.newImage) })
        }
    }

    /// Builds the lists again, and removes the consumer: the table has another stream.
    ///
    /// The next consumer begins with the oldest change of that stream, so it gets those that the
    /// rebuild does not see. After an interruption, the old consumer is refused again.
    func startOver() async throws {
        _ = try await backend.rebuildLabels()
        try await consumer().remove()
    }

    private func consumer() async throws -> RemoteConsumer {
        var options = RemoteConsumerOptions()
        options.gaps = .proceed { _ in
            logger.error("changes were missed", metadata: ["consumer": "\(Self.name)"])
            _ = try await backend.rebuildLabels()
        }
        return try RemoteConsumer(
            Self.name, of: try await table.stream(), in: table, schema: CodexFlow.schema,
            options: options)
    }

    /// Whether the lists were built once; any list tells it.
    private func areBuilt() async throws -> Bool {
        do {
            _ = try await backend.query(.tasks(in: "none", label: "none"), limit: 1, after: nil)
            return true
        } catch CodexError.Code.indexNotReady {
            return false
        }
    }
}
