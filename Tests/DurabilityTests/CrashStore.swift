import CodexCore
import CodexStore
import CodexTesting
import CrashSupport
import Foundation
import PlantedFaults
import Synchronization
import TestSupport
import Testing

/// Another process that writes as `Tests/TestAgent/CrashWriter.swift` says, and what it said.
final class CrashAgent: Sendable {
    private let process: Process
    private let output: Mutex<Output>
    private let ended = DispatchSemaphore(value: 0)
    private let begun = DispatchSemaphore(value: 0)
    private let stepsPath: String

    /// Starts a process; its steps go into a file beside the store.
    init(
        _ store: String, writers: Range<Int>, seed: UInt64, groups: Int = 0,
        killedAt step: ProtocolStep? = nil, after passes: Int = 0, fault: PlantedFault? = nil,
        rareCheckpoints: Bool = false, compactsEvery groupCount: Int? = nil
    ) throws {
        stepsPath = store + ".steps-\(writers.lowerBound)"
        var arguments = [
            "crash", store, stepsPath, "\(writers.lowerBound)", "\(writers.count)", "\(seed)",
            "\(groups)",
        ]
        arguments += [step?.rawValue ?? "-", "\(passes)"]
        if let fault { arguments.append(fault.rawValue) }
        process = Process()
        process.executableURL = Agent.executable
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        output = Mutex(Output(pipe.fileHandleForReading.fileDescriptor))
        // What it has to complain of belongs into the test's output.
        var environment = ["SWIFT_BACKTRACE": "enable=no"]
        if rareCheckpoints { environment["CODEX_RARE_CHECKPOINTS"] = "1" }
        environment["CODEX_COMPACTING"] = groupCount.map { "\($0)" }
        process.environment = environment
        try process.run()
        let thread = Thread { [self] in
            var hasBegun = false
            var isOpen = true
            while isOpen {
                var waiting = pollfd(
                    fd: pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&waiting, 1, -1)
                isOpen = output.withLock { output in
                    let isOpen = output.take()
                    if !hasBegun, !output.lines.isEmpty || !isOpen {
                        hasBegun = true
                        begun.signal()
                    }
                    return isOpen
                }
            }
            ended.signal()
        }
        thread.start()
    }

    /// Waits until it writes, or has ended.
    ///
    /// - Returns: Whether it writes.
    @discardableResult
    func waitUntilBegun() -> Bool {
        begun.wait()
        return output.withLock { $0.lines.first == "begun" }
    }

    var isRunning: Bool { process.isRunning }

    /// Whether it ended by itself, without an error.
    var hasSucceeded: Bool {
        process.terminationReason == .exit && process.terminationStatus == 0
    }

    /// Stops it, and waits until each of its threads is: one in the middle of a flush ends that first.
    func stop() { Agent.stop(process.processIdentifier) }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits until the process is gone; returns the last step that it was at.
    @discardableResult
    func waitForEnd() -> ProtocolStep? {
        if ended.wait(timeout: .now() + .seconds(Hang.seconds)) == .timedOut {
            signal(SIGKILL)
            ended.wait()
        }
        process.waitUntilExit()
        let text = (try? String(contentsOfFile: stepsPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first.flatMap { ProtocolStep(rawValue: String($0)) }
    }

    /// Whether it was killed, and did not end or crash.
    var wasKilled: Bool {
        process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL
    }

    /// The last acknowledged group of each writer, of all that it has said until now.
    var acknowledged: [Int: Int64] {
        var last: [Int: Int64] = [:]
        let lines = output.withLock { output in
            output.take()
            return output.lines
        }
        for line in lines {
            let words = line.split(separator: " ")
            guard words.count == 2, let writer = Int(words[0]), let group = Int64(words[1]) else {
                continue
            }
            last[writer] = max(last[writer] ?? 0, group)
        }
        return last
    }
}

/// What a process prints, line by line.
private struct Output {
    private let file: Int32
    private var rest: [UInt8] = []
    private(set) var lines: [String] = []

    init(_ file: Int32) {
        self.file = file
        _ = fcntl(file, F_SETFL, O_NONBLOCK)
    }

    /// Takes everything that has been printed; does not wait for more.
    ///
    /// - Returns: False if the end is reached.
    @discardableResult
    mutating func take() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count == 0 { return false }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN
            }
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: 10) {
                lines.append(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
    }
}

/// A store that crash agents write to, and what they acknowledged so far.
struct CrashStore {
    let path: String
    /// The last group of each writer that must be there.
    private var acknowledged: [Int: Int64] = [:]
    /// How many processes ended since the last check: each may have left one more.
    private var endCount: Int64 = 0

    init(_ path: String) { self.path = path }

    /// Takes note of what a process said that has ended or is stopped.
    mutating func note(_ agent: CrashAgent) {
        acknowledged.merge(agent.acknowledged) { max($0, $1) }
        endCount += 1
    }

    /// Opens the store, which recovers it, and looks whether all is as it must be.
    mutating func check() throws {
        // What was seen is there for good.
        acknowledged = try CrashWorkload.check(path, acknowledged, excess: endCount)
        endCount = 0
    }

    /// The same by another process, which may die of what it finds; the copy `path` if one is given.
    ///
    /// - Returns: Whether all is as it must be.
    func isSound(_ path: String? = nil) throws -> Bool {
        let process = Process()
        process.executableURL = Agent.executable
        process.arguments =
            ["check", path ?? self.path] + acknowledged.map { "\($0.key)=\($0.value)" }
        process.standardError = FileHandle.nullDevice
        process.environment = ["SWIFT_BACKTRACE": "enable=no"]
        try process.run()
        process.waitUntilExit()
        return process.terminationReason == .exit && process.terminationStatus == 0
    }
}
