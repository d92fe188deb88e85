public import Foundation
internal import Testing

/// Another process that works on a store: see `Tests/TestAgent`.
public final class Agent {
    private let process = Process()
    private let output = Pipe()

    public init(_ arguments: String...) throws {
        process.executableURL = Self.executable
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
    }

    /// The program, beside the test bundle, where the package is built.
    public static var executable: URL {
        let folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
        return (folder ?? URL(fileURLWithPath: CommandLine.arguments[0]))
            .deletingLastPathComponent().appendingPathComponent("codex-test-agent")
    }

    /// Waits for the line that says that it has begun.
    public func waitUntilBegun() {
        let begun = output.fileHandleForReading.readData(ofLength: 6)
        #expect(String(decoding: begun, as: UTF8.self) == "begun\n")
    }

    /// The next lines that it prints; fewer if it ends.
    public func lines(_ count: Int) throws -> [String] {
        var bytes = Data()
        while bytes.count(where: { $0 == UInt8(ascii: "\n") }) < count {
            let more = try output.fileHandleForReading.read(upToCount: 1) ?? Data()
            if more.isEmpty { break }
            bytes += more
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What it prints, to its end.
    public func text() throws -> String {
        String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }

    /// Stops it, and waits until each of its threads is: one in the middle of a flush ends that first.
    public func stop() { Self.stop(process.processIdentifier) }

    /// Lets it go on.
    public func resume() { Foundation.kill(process.processIdentifier, SIGCONT) }

    /// Stops a process, and waits until each of its threads is.
    public static func stop(_ process: Int32) {
        Foundation.kill(process, SIGSTOP)
        let folder = "/proc/\(process)/task"
        func isStopped(_ thread: String) -> Bool {
            guard
                let stat = try? String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8),
                let state = stat.split(separator: ")").last?.split(separator: " ").first
            else { return true }
            return ["T", "Z", "X"].contains(state)
        }
        while let threads = try? FileManager.default.contentsOfDirectory(atPath: folder),
            !threads.allSatisfy(isStopped)
        { sched_yield() }
    }

    /// Kills it at once.
    public func kill() {
        // The number of one that is gone may be another's.
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Waits until it is done, without an error.
    public func wait() {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
