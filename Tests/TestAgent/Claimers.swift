import Codex
import CodexCore
import CodexStore

/// Users of this process who all want the same tasks.
struct Claimers: Sendable {
    private let workspace: CodexFlow.Workspace
    private let users: [String]

    init(_ store: Store, count: Int, prefix: String) {
        workspace = CodexFlow.Workspace(store)
        users = (0..<count).map { "\(prefix)\($0)" }
    }

    /// Lets all try to claim the tasks `t0`, `t1`, …, and prints who got which.
    func claim(taskCount: Int) async throws {
        for number in 0..<taskCount {
            try await withThrowingTaskGroup(of: String?.self) { group in
                for user in users {
                    group.addTask { try await claim("t\(number)", as: user) }
                }
                for try await winner in group {
                    if let winner { say("t\(number) \(winner)") }
                }
            }
        }
    }

    /// Returns the user if the task is the user's.
    private func claim(_ task: String, as user: String) async throws -> String? {
        do {
            let claimed = try await workspace.claimTask(
                try .init(task), in: "p", by: try .init(user), lease: .seconds(3600))
            return claimed.claim?.holder.rawValue == user ? user : "somebody else"
        } catch let error as CodexError where error.rule == .taskClaimed {
            return nil
        }
    }
}
