import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Another process that writes as `Tests/TestAgent/CrashWriter.swift` says, and what it said.
final class CrashAgent: Sendable {
    private let process: Process
    private let lines = Mutex<[String]>([])
    private let ended = DispatchSemaphore(value: 0)
    private let begun = DispatchSemaphore(value: 0)
    private let stepsPath: String

    /// Starts a process; its steps go into a file beside the store.
    init(
        _ store: String, writers: Range<Int>, seed: UInt64, groups: Int = 0,
        killedAt step: ProtocolStep? = nil, after passes: Int = 0, fault: PlantedFault? = nil
    ) throws {
        stepsPath = store + ".steps-\(writers.lowerBound)"
        var arguments = [
            "crash", store, stepsPath, "\(writers.lowerBound)", "\(writers.count)", "\(seed)",
            "\(groups)",
        ]
        arguments += [step?.rawValue ?? "-", "\(passes)"]
        if let fault { arguments.append(fault.rawValue) }
        process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        // What it has to complain of belongs into the test's output.
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        try process.run()
        let handle = output.fileHandleForReading
        let thread = Thread { [self] in
            var rest = Data()
            while true {
                let data = handle.availableData
                if data.isEmpty { break }
                rest.append(data)
                var found: [String] = []
                while let end = rest.firstIndex(of: 10) {
                    found.append(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
                let isFirst = lines.withLock { lines in
                    defer { lines += found }
                    return lines.isEmpty && !found.isEmpty
                }
                if isFirst { begun.signal() }
            }
            begun.signal()
            ended.signal()
        }
        thread.start()
    }

    private static var executable: URL {
        // Beside the test bundle, where the package is built.
        let folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
        return (folder ?? URL(fileURLWithPath: CommandLine.arguments[0]))
            .deletingLastPathComponent().appendingPathComponent("codex-test-agent")
    }

    func waitUntilBegun() { begun.wait() }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits until the process is gone; returns the last step that it was at.
    @discardableResult
    func waitForEnd(limit: Duration = .seconds(60)) -> ProtocolStep? {
        let deadline = DispatchTime.now() + .seconds(Int(limit.components.seconds))
        if ended.wait(timeout: deadline) == .timedOut {
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

    /// The last acknowledged group of each writer.
    var acknowledged: [Int: Int64] {
        var last: [Int: Int64] = [:]
        for line in lines.withLock({ $0 }) {
            let words = line.split(separator: " ")
            guard words.count == 2, let writer = Int(words[0]), let group = Int64(words[1]) else {
                continue
            }
            last[writer] = max(last[writer] ?? 0, group)
        }
        return last
    }
}

/// What is wrong with a store after a crash.
struct CrashFinding: Error, CustomStringConvertible {
    let description: String
}

/// A store that crash agents write to, and what they acknowledged so far.
struct CrashStore {
    let path: String
    /// The last group of each writer that must be there.
    private var acknowledged: [Int: Int64] = [:]
    /// How many processes ended since the last check: each may have left one more.
    private var endCount: Int64 = 0

    init(_ path: String) { self.path = path }

    /// Takes note of what a process that has ended said.
    mutating func note(_ agent: CrashAgent) {
        acknowledged.merge(agent.acknowledged) { max($0, $1) }
        endCount += 1
    }

    static func size(_ writer: Int, _ group: Int64) -> Int {
        1 + Int((group &* 31 &+ Int64(writer) &* 17) % 5)
    }

    /// Opens the store, which recovers it, and looks whether all is as it must be.
    ///
    /// - Returns: What the recovery did.
    @discardableResult
    mutating func check() throws -> RecoveryReport? {
        let store = try Store(at: path)
        defer { store.close() }
        let report = try store.verify()
        guard report.isSound else {
            throw CrashFinding(description: "verify: \(report.differences.prefix(3))")
        }
        for (writer, group) in acknowledged {
            // What was seen is there for good.
            acknowledged[writer] = try check(store, writer, group)
        }
        endCount = 0
        return store.recovery
    }

    /// Returns the writer's last group.
    private func check(_ store: Store, _ writer: Int, _ acknowledged: Int64) throws -> Int64 {
        let name = AttributeValue.string("w\(writer)")
        let last = try store.item(in: "t", key: PrimaryKey(name, "last"))?["k"]?.number?.int64 ?? 0
        guard last >= acknowledged else {
            throw CrashFinding(
                description: "writer \(writer): \(acknowledged) acknowledged, \(last) there")
        }
        guard last <= acknowledged + endCount else {
            throw CrashFinding(
                description: "writer \(writer): \(last) there, \(acknowledged) acknowledged")
        }
        var expected: Set<String> = ["last"]
        for group in max(1, last - 19)...max(1, last) where group <= last {
            for position in 0..<Self.size(writer, group) {
                expected.insert("g\(group)#\(position)")
            }
        }
        let query = TableQuery(table: "t", partition: [name])
        let found = try store.items(matching: query).items
        guard Set(found.compactMap { $0["s"]?.string }) == expected else {
            throw CrashFinding(description: "writer \(writer): a group is not whole")
        }
        return last
    }
}
