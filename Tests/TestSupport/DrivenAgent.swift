internal import Foundation

/// Another process that does what it is told, a line at a time: see `Tests/TestAgent/Driven.swift`.
public final class DrivenAgent {
    /// What it says to a command.
    public struct Answer: Sendable, CustomStringConvertible {
        /// The code of the error; `nil` if there was none.
        public let code: String?
        /// What follows; after an error how much was done before, and the message.
        public let words: [String]

        /// The first word that follows; -1 if it is no number.
        public var number: Int { words.first.flatMap { Int($0) } ?? -1 }
        /// All that follows.
        public var text: String { words.joined(separator: " ") }
        /// The line.
        public var description: String { "\(code ?? "ok") \(text)" }
    }

    /// It ended, or says nothing.
    public struct Silent: Error {
        /// What it was told.
        public let command: String
    }

    /// It failed at what it should have been able to do.
    public struct Failed: Error, CustomStringConvertible {
        /// What it was told.
        public let command: String
        /// What it said.
        public let answer: Answer

        /// Both.
        public var description: String { "\(command): \(answer)" }
    }

    private let process = Process()
    private let input = Pipe()
    private let lines: LinePipe
    /// What it was told last.
    private var command = ""

    /// Starts a process.
    public init() throws {
        // A process that was killed is an error of the call, not the end of this one.
        signal(SIGPIPE, SIG_IGN)
        let output = Pipe()
        lines = LinePipe(output)
        process.executableURL = Agent.executable
        process.arguments = ["drive"]
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

    /// Tells it what to do, without waiting for the answer.
    public func tell(_ command: String) {
        self.command = command
        try? input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
    }

    /// What it says to what it was told.
    public func answer() throws -> Answer {
        guard let line = nextLine() else { throw Silent(command: command) }
        var words = line.split(separator: " ").map(String.init)
        guard words.first == "error", words.count > 1 else {
            return Answer(code: nil, words: Array(words.dropFirst()))
        }
        words.removeFirst()
        let code = words.removeFirst()
        return Answer(code: code, words: words)
    }

    /// What it prints next; `nil` if it ends before, or prints nothing before ``Hang/limit``.
    private func nextLine() -> String? {
        let deadline = ContinuousClock.now + Hang.limit
        while process.isRunning, ContinuousClock.now < deadline {
            if let line = lines.next(within: .milliseconds(100)) { return line }
        }
        return lines.next(within: .zero)
    }

    /// Tells it what to do, and waits for the answer.
    public func ask(_ command: String) throws -> Answer {
        tell(command)
        return try answer()
    }

    /// The same, for what must not fail.
    @discardableResult
    public func must(_ command: String) throws -> Answer {
        let answer = try ask(command)
        guard answer.code == nil else { throw Failed(command: command, answer: answer) }
        return answer
    }

    /// Waits until the system has stopped it, which it does itself.
    ///
    /// - Returns: Whether it is before ``Hang/limit``.
    public func waitUntilStopped() -> Bool {
        let deadline = ContinuousClock.now + Hang.limit
        while ContinuousClock.now < deadline {
            if state == "T" { return true }
            sched_yield()
        }
        return false
    }

    /// The state that Linux says it is in.
    private var state: Substring? {
        let stat = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
        return stat?.split(separator: ")").last?.split(separator: " ").first
    }

    /// Lets it go on.
    public func resume() { Foundation.kill(processID, SIGCONT) }

    /// Kills it at once.
    public func kill() {
        guard process.isRunning else { return }
        Foundation.kill(processID, SIGKILL)
        process.waitUntilExit()
    }

    /// Waits until it is gone, by what it does itself.
    public func waitUntilGone() { process.waitUntilExit() }

    /// Lets it close its stores and end.
    public func quit() {
        tell("quit")
        process.waitUntilExit()
    }
}
