import Foundation
import Testing

/// Another process that works on a store: see `Tests/TestAgent`.
final class Agent {
    private let process = Process()
    private let output = Pipe()

    init(_ arguments: String...) throws {
        // Beside the test bundle, where the package is built.
        let folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
        let beside = (folder ?? URL(fileURLWithPath: CommandLine.arguments[0]))
            .deletingLastPathComponent()
        process.executableURL = beside.appendingPathComponent("codex-test-agent")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
    }

    /// Waits for the line that says that it has begun.
    func waitUntilBegun() {
        let begun = output.fileHandleForReading.readData(ofLength: 6)
        #expect(String(decoding: begun, as: UTF8.self) == "begun\n")
    }

    /// What it prints, to its end.
    func text() -> String {
        String(decoding: (try? output.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
    }

    /// Waits until it is done, without an error.
    func wait() {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
