import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Claims from several processes at once.
@Suite("Claims of several processes", .serialized)
struct ClaimTests {
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
        let agents = try prefixes.map { prefix in
            try Agent("claim", temporary.path, "8", "\(roundCount)", prefix)
        }
        var winners: [String: [String]] = [:]
        for agent in agents {
            let text = try agent.text()
            agent.wait()
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
