import Codex
import CodexTesting
import Foundation
import Testing

@testable import FieldService

extension TemporaryStore {
    /// A store with the customer, its sites and two technicians.
    static func service(failures: CommitFailures? = nil) async throws -> TemporaryStore {
        let temporary =
            if let failures {
                try TemporaryStore(schema: WorkOrder.schema, failures: failures)
            } else {
                try TemporaryStore(schema: WorkOrder.schema)
            }
        let technicians = [
            Technician(id: "t1", skills: ["pumps"]),
            Technician(id: "t2", skills: ["pumps", "welding"]),
        ]
        try await ServiceWorld.make(in: temporary.store, technicians: technicians)
        return temporary
    }
}

/// The program, beside the tests' bundle.
enum Program {
    static var path: String {
        let bundle = CommandLine.arguments[0]
        let folder = URL(fileURLWithPath: bundle).deletingLastPathComponent()
        for candidate in [folder, folder.deletingLastPathComponent()] {
            let path = candidate.appendingPathComponent("field-service").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        preconditionFailure("There is no field-service beside \(folder.path).")
    }

    /// The package's directory.
    static var package: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
    }
}

/// A process of the service that works on a store.
final class WorkerProcess {
    let name: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending = ""

    /// The process said something else than what was awaited, or ended.
    struct Unexpected: Error {
        let name: String
        let line: String
    }

    /// Starts a process of a release, and waits until it reads.
    init(_ name: String, release: Int, at path: String) throws {
        self.name = name
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["work", path, String(release), name]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try line("ready")
    }

    deinit {
        // Only after a failure: an end of the input ends the process, too.
        if process.isRunning { process.terminate() }
    }

    func send(_ command: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
    }

    /// Waits until the process has worked on for some rounds of operations.
    func work() throws {
        try send("work")
        try line("worked")
    }

    /// Waits for a line that begins with a word.
    func line(_ word: String) throws {
        let line = try nextLine()
        guard line.hasPrefix(word) else { throw Unexpected(name: name, line: line) }
    }

    /// Ends the process, and returns its report.
    func end() throws -> WorkerReport {
        try send("stop")
        let last = try nextLine()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Unexpected(name: name, line: last) }
        return try JSONDecoder().decode(WorkerReport.self, from: Data(last.utf8))
    }

    private func nextLine() throws -> String {
        while true {
            if let end = pending.firstIndex(of: "\n") {
                let line = String(pending[..<end])
                pending = String(pending[pending.index(after: end)...])
                return line
            }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Unexpected(name: name, line: pending) }
            pending += String(decoding: data, as: UTF8.self)
        }
    }
}
