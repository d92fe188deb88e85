import Foundation
import TestSupport

/// A process that writes histories: see `Tests/TestAgent/HistoryWriter.swift`.
final class HistoryAgent {
    private let process = Process()
    private let input = Pipe()
    private var isFrozen = false

    /// Starts one; its lines go to the pipe of all.
    init(_ arguments: [String], output: Pipe) throws {
        // To write to one that has died is no reason to die.
        signal(SIGPIPE, SIG_IGN)
        process.executableURL = Agent.executable
        process.arguments = ["histories"] + arguments
        process.standardInput = input
        // The handle, not the pipe: Foundation would close a pipe, which others still need.
        process.standardOutput = output.fileHandleForWriting
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_BACKTRACE": "enable=no"]
        ) { $1 }
        try process.run()
    }

    deinit { kill() }

    var hasEnded: Bool { !process.isRunning }

    func freeze() {
        guard process.isRunning else { return }
        isFrozen = true
        Agent.stop(process.processIdentifier)
    }

    func resume() {
        guard isFrozen else { return }
        isFrozen = false
        Foundation.kill(process.processIdentifier, SIGCONT)
    }

    /// Kills it at once, and waits until it is gone.
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Tells it to close its store and end.
    func tellToEnd() {
        resume()
        try? input.fileHandleForWriting.write(contentsOf: Data("end\n".utf8))
    }
}
