import AsyncHTTPClient
import Codex
import CodexTesting
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import TaskService
import Testing

/// A service in this process, on its own store.
struct Service {
    let temporary: TemporaryStore
    let workspace: CodexFlow.Workspace
    let tokens: [String: String]
    var configuration = TaskService.Configuration()
    var store: Store { temporary.store }

    /// Creates three users: Ada owns the project ENG, Bob is a member, and Eve has no access.
    init() async throws {
        temporary = try TemporaryStore()
        workspace = CodexFlow.Workspace(temporary.store)
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

    /// Runs `body` with the service listening.
    func run(_ body: @Sendable (Client) async throws -> Void) async throws {
        let application = try TaskApplication.make(store, configuration)
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

/// The program as a process.
final class ServerProcess: Sendable {
    let directory: String
    let port: Int
    let identifier: Int32
    private let process: Process

    static var program: String {
        // The program is beside the tests' bundle.
        let bundle = CommandLine.arguments[0]
        let folder = URL(fileURLWithPath: bundle).deletingLastPathComponent()
        for candidate in [folder, folder.deletingLastPathComponent()] {
            let path = candidate.appendingPathComponent("task-service").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        preconditionFailure("There is no task-service beside \(folder.path).")
    }

    /// Starts the program on a store, and waits until it listens.
    init(in directory: String, _ arguments: String...) throws {
        self.directory = directory
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments =
            [
                "serve", "--store", directory + "/tasks.codex", "--port", "0",
                "--requests-per-minute", "1000000",
            ] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        identifier = process.processIdentifier
        var text = ""
        while !text.contains("\n") {
            let data = pipe.fileHandleForReading.availableData
            guard !data.isEmpty else { throw CodexError(.notFound, "The server ended: \(text)") }
            text += String(decoding: data, as: UTF8.self)
        }
        port = try #require(text.split(separator: " ").last.flatMap { Int($0.trimmed) })
        self.process = process
    }

    /// Ends the process with the signal and waits for its exit; returns the exit reason and status.
    func end(_ signal: Int32) -> (reason: Process.TerminationReason, status: Int32) {
        kill(identifier, signal)
        process.waitUntilExit()
        return (process.terminationReason, process.terminationStatus)
    }

    /// Runs the program once, and returns its output.
    @discardableResult
    static func run(_ arguments: String...) throws -> String {
        let outcome = try outcome(arguments)
        try #require(outcome.status == 0)
        return outcome.output
    }

    /// Runs the program once, and returns its exit reason, status and output.
    static func outcome(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self).trimmed)
    }
}

extension StringProtocol {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
