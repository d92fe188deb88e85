import AsyncHTTPClient
import Codex
import CodexTesting
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import TaskService
import Testing

/// Where the data of a tested service is.
enum Place: String, CaseIterable, Sendable {
    /// In a store in the service's process.
    case directory
    /// In a table behind DynamoDB's API.
    case endpoint
}

/// A service in this process, on data of its own.
struct Service {
    let data: TaskData
    let workspace: CodexFlow.Workspace
    let tokens: [String: String]
    var configuration = TaskService.Configuration()
    /// The server of the table; `nil` for a store.
    let server: DynamoDBServer?
    /// The store; `nil` for a table.
    private let temporary: TemporaryStore?

    /// Creates three users: Ada owns the project ENG, Bob is a member, and Eve has no access.
    init(_ place: Place) async throws {
        switch place {
        case .directory:
            let store = try TemporaryStore()
            (temporary, server) = (store, nil)
            data = .store(store.store)
        case .endpoint:
            let started = try await DynamoDBServer()
            (temporary, server) = (nil, started)
            data = try await started.connect()
        }
        workspace = try data.workspace()
        var tokens: [String: String] = [:]
        for name in ["ada", "bob", "eve"] {
            try await workspace.createUser(
                email: "\(name)@example.com", name: name, id: try .init(name))
            tokens[name] = try await workspace.openSession(for: try .init(name)).token
        }
        self.tokens = tokens
        try await workspace.createProject(key: "ENG", name: "Engine", id: "p", owner: "ada")
        try await workspace.addMember("bob", to: "p", by: "ada")
        configuration.port = 0
    }

    /// The tasks of the project.
    var tasks: [CodexFlow.Task] {
        get async throws { try await workspace.all(.tasks(in: "p")) }
    }

    /// Adds a task to the project, whose title is its identifier.
    func addTask(_ id: String, labels: [String]) async throws {
        try await workspace.createTask(in: "p", by: "ada", id: try .init(id)) {
            ($0.title, $0.labels) = (id, labels)
        }
    }

    /// Runs `body` with the service listening.
    func run(_ body: @Sendable (Client) async throws -> Void) async throws {
        let application = try TaskApplication.make(data, configuration)
        try await application.test(.ahc(.http)) { client in
            try await body(Client(base: client, tokens: tokens))
        }
    }
}

/// Sends requests and reads the answers.
struct Client: Sendable {
    let base: any TestClientProtocol
    let tokens: [String: String]
    var port: Int { base.port ?? 0 }

    struct Answer {
        let status: Int
        let headers: HTTPFields
        let body: AttributeMap
        var data: AttributeMap { body["data"]?.map ?? [:] }
        var error: AttributeMap { body["error"]?.map ?? [:] }
        var paths: [String] {
            error["fields"]?.list?.compactMap { $0.map?["path"]?.string } ?? []
        }
        /// The titles of a list of tasks.
        var titles: [String] {
            body["data"]?.list?.compactMap { $0.map?["title"]?.string } ?? []
        }
    }

    /// The titles of the tasks of the project ENG that have a label.
    ///
    /// A list by label of a remote table follows the table's stream, and no event tells when it has
    /// a change. So the request is repeated for a minute at most, until the list is as expected.
    func titles(ofLabel label: String, until expected: [String]) async throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let answer = try await send(.get, "/tasks?project=ENG&label=\(label)")
            let isFinal = answer.status == 200 && answer.titles == expected
            if isFinal || ContinuousClock.now > deadline { return answer.titles }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    func send(
        _ method: HTTPRequest.Method, _ uri: String, as user: String? = "ada", _ body: String? = nil
    ) async throws -> Answer {
        var headers: HTTPFields = [:]
        if let user { headers[.authorization] = "Bearer \(tokens[user] ?? user)" }
        return try await base.execute(
            uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
        ) { response in
            Answer(
                status: response.status.code, headers: response.headers,
                body: try DynamoDBJSON.item(parsingPlain: Array(response.body.readableBytesView)))
        }
    }
}
