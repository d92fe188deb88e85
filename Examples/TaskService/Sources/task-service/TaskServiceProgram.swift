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
        abstract: "CodexFlow's task service over HTTP, on a store or on a remote table.",
        subcommands: [
            Serve.self, AddUser.self, MakeToken.self, MakeTable.self, Verify.self, MakeKeys.self,
        ])
}

struct DataOption: ParsableArguments {
    @Option(
        help: "The store's directory; it is created if missing. (default: tasks.codex)")
    var store: String?
    @Option(
        help: """
            The address of a service that speaks DynamoDB's API, such as http://localhost:8000, in \
            place of a store. (default: the variable TASK_SERVICE_ENDPOINT)
            """)
    var endpoint: String?
    @Option(
        help: """
            A file that `task-service keys` made: descriptions, comments and history are encrypted.
            """)
    var keys: String?

    /// The address of the service; `nil` is a store in this process.
    var address: String? {
        if store != nil { return nil }
        let variable = ProcessInfo.processInfo.environment["TASK_SERVICE_ENDPOINT"] ?? ""
        return endpoint ?? (variable.isEmpty ? nil : variable)
    }

    func validate() throws {
        guard store == nil || endpoint == nil else {
            throw ValidationError("Give --store or --endpoint: the data is in one place.")
        }
        guard keys == nil || address == nil else {
            throw ValidationError(
                "A remote table has no encrypted fields. Leave out --keys, or give --store.")
        }
    }

    /// Opens the store, or connects to the table.
    func open() async throws -> TaskData {
        if let address { return try await TaskData.connect(to: address) }
        let directory = store ?? "tasks.codex"
        guard let keys else { return .store(try Store(at: directory, schema: CodexFlow.schema)) }
        var options = StoreOptions()
        // The program does not create the file: with a wrong path, new keys could not decrypt the
        // stored data.
        options.encryptionKeys = try FileKeyProvider(at: keys)
        let schema = CodexFlow.schema
            .sealing(["body", "metadata"], of: CodexFlow.Task.self)
            .sealing(["text"], of: CodexFlow.Comment.self)
            .sealing(["changes", "note"], of: CodexFlow.Activity.self)
        return .store(try Store(at: directory, schema: schema, options: options))
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answers requests until it is told to stop.")

    @OptionGroup var place: DataOption
    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The port; 0 takes a free one.") var port = 8080
    @Option(help: "The most requests of a user in a minute.") var requestsPerMinute = 600

    func run() async throws {
        var configuration = TaskService.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.requestsPerMinute = requestsPerMinute
        let data = try await place.open()
        defer { data.close() }
        var logger = Logger(label: "task-service")
        logger.logLevel = .notice
        let application = try TaskApplication.make(data, configuration, logger: logger) {
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

    @OptionGroup var place: DataOption
    @Argument(help: "The e-mail address.") var email: String
    @Argument(help: "The name to show.") var name: String

    func run() async throws {
        let data = try await place.open()
        defer { data.close() }
        let user = try await data.workspace().createUser(email: email, name: name)
        print(user.id.rawValue)
    }
}

struct MakeToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Opens a session for a user and prints its token.")

    @OptionGroup var place: DataOption
    @Argument(help: "The user's e-mail address.") var email: String

    func run() async throws {
        let data = try await place.open()
        defer { data.close() }
        let workspace = try data.workspace()
        guard let user = try await workspace.get(.user(email: email)) else {
            throw ValidationError("No user has this address.")
        }
        print(try await workspace.openSession(for: user.id, client: "cli").token)
    }
}

struct MakeTable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Creates the table in a service, once.")

    @OptionGroup var place: DataOption

    func run() async throws {
        guard let address = place.address else {
            throw ValidationError("A store has its table already. Give --endpoint.")
        }
        try await TaskData.createTable(at: address)
    }
}

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks the data, and prints what is wrong; exits with 1 if anything is.")

    @OptionGroup var place: DataOption

    func run() async throws {
        let data = try await place.open()
        defer { data.close() }
        let problems = try await data.problems()
        for problem in problems { print(problem) }
        guard problems.isEmpty else { throw ExitCode(1) }
        print("sound")
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
