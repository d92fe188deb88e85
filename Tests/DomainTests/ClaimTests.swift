import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Claims from several processes at once.
@Suite("Claims of several processes", .serialized)
struct ClaimTests {
    /// The test agent, beside the test bundle, where the package is built.
    private static var executable: URL {
        let folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
        return (folder ?? URL(fileURLWithPath: CommandLine.arguments[0]))
            .deletingLastPathComponent().appendingPathComponent("codex-test-agent")
    }

    @Test("Of 32 claimers in 4 processes exactly one gets a task, every time")
    func processes() async throws {
        let roundCount = 20
        let temporary = try TemporaryStore()
        let workspace = CodexFlow.Workspace(temporary.store)
        try await workspace.createUser(email: "owner@example.com", name: "Owner", id: "owner")
        try await workspace.createProject(key: "PP", name: "P", id: "p", owner: "owner")
        let prefixes = ["a", "b", "c", "d"]
        for prefix in prefixes {
            for number in 0..<8 {
                let id = "\(prefix)\(number)"
                try await workspace.createUser(
                    email: "\(id)@example.com", name: id, id: try .init(id), role: .agent)
                try await workspace.addMember(try .init(id), to: "p", by: "owner")
            }
        }
        for round in 0..<roundCount {
            try await workspace.createTask(in: "p", by: "owner", id: try .init("t\(round)")) {
                $0.title = "T"
            }
        }
        var agents: [(process: Process, output: Pipe)] = []
        for prefix in prefixes {
            let (process, output) = (Process(), Pipe())
            process.executableURL = Self.executable
            process.arguments = ["claim", temporary.path, "8", "\(roundCount)", prefix]
            process.standardOutput = output
            try process.run()
            agents.append((process, output))
        }
        var winners: [String: [String]] = [:]
        for agent in agents {
            let text = String(
                decoding: try agent.output.fileHandleForReading.readToEnd() ?? Data(),
                as: UTF8.self)
            agent.process.waitUntilExit()
            #expect(agent.process.terminationStatus == 0)
            for line in text.split(separator: "\n") where line.hasPrefix("t") {
                let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
                winners[parts[0], default: []].append(parts[1])
            }
        }
        for round in 0..<roundCount {
            let found = winners["t\(round)"] ?? []
            #expect(found.count == 1, "\(found)")
            let task = try temporary.store.get(.task(try .init("t\(round)"), in: "p"))
            #expect(task?.claim?.holder.rawValue == found.first)
            let history = try temporary.store.all(
                .activity(of: try .init("t\(round)"), in: "p"))
            #expect(history.map(\.kind) == [.created, .claimed])
        }
        #expect(try temporary.store.verify().isSound)
    }
}
