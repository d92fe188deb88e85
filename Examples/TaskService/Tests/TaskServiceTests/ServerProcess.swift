import Codex
import CodexTesting
import Foundation
import TaskService
import Testing

/// Runs a call that blocks on a thread of its own, so that tasks of this process go on.
func blocking<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// The data that processes of the program share.
struct SharedData: Sendable {
    /// The options that name it.
    let arguments: [String]
    /// The server of the table; `nil` for a store.
    let server: DynamoDBServer?
    private let store: String

    /// The data at a place, in a directory of the test's own.
    init(_ place: Place, in directory: String) async throws {
        store = directory + "/tasks.codex"
        switch place {
        case .directory:
            server = nil
            arguments = ["--store", store]
        case .endpoint:
            let server = try await DynamoDBServer()
            self.server = server
            arguments = ["--endpoint", server.endpoint]
        }
    }

    /// Opens it in this process.
    func open() async throws -> TaskData {
        if let server { return try await server.connect() }
        return .store(try Store(at: store, schema: CodexFlow.schema))
    }

    /// Adds a user with the program, and returns a token of a session.
    func addUser(_ email: String, _ name: String, _ options: String...) async throws -> String {
        let place = arguments + options
        try await ServerProcess.run(["user"] + place + [email, name])
        return try await ServerProcess.run(["token"] + place + [email])
    }
}

/// The program as a process.
final class ServerProcess: Sendable {
    let port: Int
    let identifier: Int32
    private let process: Process
    /// It keeps the server of the table.
    private let data: SharedData

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

    /// The variables of this process, with a key for the service.
    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging([
            "AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "SECRET",
        ]) { $1 }
    }

    /// Starts the program on data, and waits until it listens.
    static func start(_ data: SharedData, _ options: String...) async throws -> ServerProcess {
        try await blocking { try ServerProcess(data, options) }
    }

    private init(_ data: SharedData, _ options: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.environment = Self.environment
        process.arguments =
            ["serve", "--port", "0", "--requests-per-minute", "1000000"] + data.arguments + options
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        identifier = process.processIdentifier
        var text = ""
        while !text.contains("\n") {
            let bytes = pipe.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw CodexError(.notFound, "The server ended: \(text)") }
            text += String(decoding: bytes, as: UTF8.self)
        }
        port = try #require(text.split(separator: " ").last.flatMap { Int($0.trimmed) })
        (self.process, self.data) = (process, data)
    }

    deinit {
        if process.isRunning { kill(identifier, SIGKILL) }
    }

    /// Ends the process with the signal and waits for its exit; returns the exit reason and status.
    func end(
        _ signal: Int32
    ) async throws -> (reason: Process.TerminationReason, status: Int32) {
        kill(identifier, signal)
        try await blocking { [process] in process.waitUntilExit() }
        return (process.terminationReason, process.terminationStatus)
    }

    /// Runs the program once, and returns its output.
    @discardableResult
    static func run(_ arguments: [String]) async throws -> String {
        let outcome = try await outcome(arguments)
        try #require(outcome.status == 0)
        return outcome.output
    }

    /// Runs the program once, and returns its exit status and output.
    static func outcome(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        try await outcome(of: program, arguments)
    }

    /// Runs any program once, and returns its exit status and output.
    static func outcome(
        of program: String, _ arguments: [String]
    ) async throws -> (status: Int32, output: String) {
        let environment = environment
        return try await blocking {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.environment = environment
            process.arguments = arguments
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let data = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: data, as: UTF8.self).trimmed)
        }
    }
}

extension StringProtocol {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
