import Foundation

/// A process of the test agent that a test freezes, kills, or tells to end.
open class SteeredAgent {
    private let process = Process()
    private let input = Pipe()
    private var isFrozen = false

    /// Starts it.
    ///
    /// - Parameters:
    ///   - arguments: The mode of the agent, and what the mode takes.
    ///   - output: Where its lines go: a `Pipe`, of which Foundation closes the end that writes, or a
    ///     `FileHandle`, which stays open for others.
    public init(_ arguments: [String], output: Any) throws {
        // To write to one that has died is no reason to die.
        signal(SIGPIPE, SIG_IGN)
        process.executableURL = Agent.executable
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_BACKTRACE": "enable=no"]
        ) { $1 }
        try process.run()
    }

    deinit { kill() }

    /// The number of the process.
    public var processID: Int32 { process.processIdentifier }

    /// Whether the process is gone.
    public var hasEnded: Bool { !process.isRunning }

    /// Stops it, and waits until each of its threads is.
    public func freeze() {
        guard process.isRunning else { return }
        isFrozen = true
        Agent.stop(process.processIdentifier)
    }

    /// Lets it go on, if it was frozen.
    public func resume() {
        guard isFrozen else { return }
        isFrozen = false
        Foundation.kill(process.processIdentifier, SIGCONT)
    }

    /// Kills it at once, and waits until it is gone.
    public func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Tells it to close its store and end.
    public func tellToEnd() {
        resume()
        try? input.fileHandleForWriting.write(contentsOf: Data("end\n".utf8))
    }
}
