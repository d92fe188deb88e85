import ArgumentParser
import Codex
import Foundation
import Hummingbird
import Logging
import TaskService

/// The task service as a program: `serve` answers requests, and the other commands are for setup.
@main
struct TaskServiceProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task-service",
        abstract: "CodexFlow's task service over HTTP, on a store in this process.",
        subcommands: [Serve.self, AddUser.self, MakeToken.self, MakeKeys.self])
}

struct StoreOption: ParsableArguments {
    @Option(help: "The store's directory; it is created if missing.")
    var store = "tasks.codex"
    @Option(
        help: """
            A file that `task-service keys` made: descriptions, comments and history are encrypted.
            """)
    var keys: String?

    func open() throws -> Store {
        guard let keys else { return try Store(at: store, schema: CodexFlow.schema) }
        var options = StoreOptions()
        // The program does not create the file: with a wrong path, new keys could not decrypt the
        // stored data.
        options.encryptionKeys = try FileKeyProvider(at: keys)
        let schema = CodexFlow.schema
            .sealing(["body", "metadata"], of: CodexFlow.Task.self)
            .sealing(["text"], of: CodexFlow.Comment.self)
            .sealing(["changes", "note"], of: CodexFlow.Activity.self)
        return try Store(at: store, schema: schema, options: options)
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answers requests until it is told to stop.")

    @OptionGroup var place: StoreOption
    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The port; 0 takes a free one.") var port = 8080
    @Option(help: "The most requests of a user in a minute.") var requestsPerMinute = 600

    func run() async throws {
        var configuration = TaskService.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.requestsPerMinute = requestsPerMinute
        let store = try place.open()
        defer { store.close() }
        var logger = Logger(label: "task-service")
        logger.logLevel = .notice
        let application = try TaskApplication.make(store, configuration, logger: logger) {
            channel in
            print("listening on port \(channel.localAddress?.port ?? 0)")
            fflush(nil)
        }
        try await application.runService()
    }
}

struct AddUser: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Adds a user.")

    @OptionGroup var place: StoreOption
    @Argument(help: "The e-mail address.") var email: String
    @Argument(help: "The name to show.") var name: String

    func run() async throws {
        let store = try place.open()
        defer { store.close() }
        let user = try await CodexFlow.Workspace(store).createUser(email: email, name: name)
        print(user.id.rawValue)
    }
}

struct MakeToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Opens a session for a user and prints its token.")

    @OptionGroup var place: StoreOption
    @Argument(help: "The user's e-mail address.") var email: String

    func run() async throws {
        let store = try place.open()
        defer { store.close() }
        guard let user = try store.get(.user(email: email)) else {
            throw ValidationError("No user has this address.")
        }
        let opened = try await CodexFlow.Workspace(store).openSession(for: user.id, client: "cli")
        print(opened.token)
    }
}

struct MakeKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes a file of keys, once for a store.")

    @Argument(help: "The file to make.") var file: String

    func run() throws {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw ValidationError("\(file) exists, and is left as it is.")
        }
        print(try FileKeyProvider(at: file, mayCreate: true).currentKeyID)
    }
}
