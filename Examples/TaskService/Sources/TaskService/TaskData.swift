import Codex
import CodexRemote

/// Where the service's data is.
public enum TaskData: Sendable {
    /// A store in this process.
    case store(Store)
    /// A table of a service that speaks DynamoDB's API.
    case table(RemoteTable)

    /// Whether the data is in another process, so that some parts do not exist.
    var isRemote: Bool {
        switch self {
        case .store: false
        case .table: true
        }
    }

    /// A workspace on the data, without a cache.
    ///
    /// - Throws: The errors of a table that lacks what the workspace needs.
    public func workspace() throws -> CodexFlow.Workspace {
        switch self {
        case .store(let store): return CodexFlow.Workspace(store)
        case .table(let table):
            return CodexFlow.Workspace(
                try CodexFlow.TableWorkspaceBackend(table), calendar: SystemCalendar())
        }
    }

    /// Closes a store; the connections of a table end with its last use.
    public func close() {
        if case .store(let store) = self { store.close() }
    }
}

// MARK: Remote tables

extension TaskData {
    /// What CodexFlow's table lacks in a service: labels have no index, counters do not exist, and
    /// markers replace unique indexes.
    private static let accepted: Set<RemoteTableDesign.Omission.Reason> = [
        .multiValuedIndex, .uniqueness, .entities, .counter,
    ]

    /// Connects to CodexFlow's table of a service.
    ///
    /// - Parameters:
    ///   - endpoint: The address of the service, such as `http://localhost:8000`.
    ///   - credentials: The source of the credentials; `nil` is that of AWS's tools: environment,
    ///     shared files, container, instance.
    /// - Returns: The table.
    /// - Throws: `CodexError`: the service has no such table, lacks what the workspace needs, or
    ///   was not reached.
    public static func connect(
        to endpoint: String, credentials: (any CredentialsProvider)? = nil
    ) async throws -> TaskData {
        .table(
            try await RemoteTable.connect(
                to: try CodexFlow.schema.table(CodexFlow.table),
                try makeClient(endpoint, credentials),
                requiring: CodexFlow.TableWorkspaceBackend.needs))
    }

    /// Creates CodexFlow's table in a service, with a stream of changes.
    ///
    /// - Parameters:
    ///   - endpoint: As for ``connect(to:credentials:)``.
    ///   - credentials: As for ``connect(to:credentials:)``.
    /// - Throws: `CodexError`: the table exists, or the service was not reached.
    public static func createTable(
        at endpoint: String, credentials: (any CredentialsProvider)? = nil
    ) async throws {
        let table = RemoteTable(
            try CodexFlow.schema.table(CodexFlow.table), try makeClient(endpoint, credentials))
        try await table.create(accepting: accepted)
    }

    /// A client that gives up early: a user waits for the answer.
    ///
    /// The time of an attempt is longer than the two seconds in which a connection is made. So an
    /// attempt without a connection is known as one that wrote nothing.
    private static func makeClient(
        _ endpoint: String, _ credentials: (any CredentialsProvider)?
    ) throws -> RemoteClient {
        let attemptTimeout: Duration = .seconds(3)
        var options = RemoteOptions()
        options.endpoint = endpoint
        options.credentials = credentials
        options.transport = DeadlineTransport(
            base: AsyncHTTPTransport(readTimeout: attemptTimeout))
        options.retries.attemptTimeout = attemptTimeout
        options.retries.deadline = .seconds(8)
        return try RemoteClient(options)
    }
}

// MARK: Verification

extension TaskData {
    /// What is wrong with the data, one sentence each.
    ///
    /// A store's indexes are compared with its items, and so are a table's markers and totals. In
    /// both, the queues of all projects that accept changes are compared with their tasks. A
    /// table's lists by label are not compared, since they follow its stream.
    ///
    /// - Throws: The errors of reading.
    public func problems() async throws -> [String] {
        var problems: [String] = []
        switch self {
        case .store(let store):
            let count = try store.verify().differences.count
            if count > 0 { problems.append("\(count) entries of indexes or counters are wrong.") }
        case .table(let table):
            let backend = try CodexFlow.TableWorkspaceBackend(table)
            let missingCount = try await backend.verifyMarkers().missingCount
            if missingCount > 0 { problems.append("\(missingCount) markers are missing.") }
            let differingCount = try await backend.verifyTaskTotals().differingCount
            if differingCount > 0 {
                problems.append("The totals of tasks are wrong in \(differingCount) projects.")
            }
        }
        let workspace = try workspace()
        for project in try await workspace.all(.projects) where !project.isReadOnly {
            let count = try await workspace.verifyQueue(of: project.id).count
            if count > 0 {
                problems.append("The queue of project \(project.id) has \(count) wrong tasks.")
            }
        }
        return problems
    }
}
