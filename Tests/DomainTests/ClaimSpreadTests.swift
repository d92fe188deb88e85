import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Many agents who claim tasks of one project, on a remote table whose index reads are behind.
@Suite("Claims of many agents on a remote table")
struct ClaimSpreadTests {
    private static let agentCount = 16
    /// The tasks that there are for each agent.
    private static let taskCount = 8

    /// A workspace of one agent, with a backend of its own and the same identifiers each time.
    private static func workspace(
        of agent: Int, _ scene: LaggingScene, _ turns: Turns, seed: UInt64
    ) throws -> CodexFlow.Workspace {
        let clock = scene.clock
        let count = Mutex(0)
        return CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(TurnTable(scene.table, turns, client: agent)),
            clock: { clock.now }, calendar: SystemCalendar(),
            identifiers: { _ in
                count.withLock { count in
                    defer { count += 1 }
                    return "id\(seed)x\(agent)x\(count)"
                }
            })
    }

    /// Claims tasks until there is none.
    private static func claims(
        of agent: Int, in workspace: CodexFlow.Workspace
    ) async throws -> [CodexFlow.Task.ID] {
        let name = try CodexFlow.User.ID("agent\(agent)")
        var found: [CodexFlow.Task.ID] = []
        while let task = try await workspace.claimNext(in: "p", by: name, lease: .seconds(600)) {
            found.append(task.id)
        }
        return found
    }

    /// Without batch reads, an agent has one request at a time. So the order of the requests is
    /// that of the seed.
    @Test("Each task is claimed once, in few attempts", arguments: [1, 2, 3] as [UInt64])
    func many(seed: UInt64) async throws {
        let scene = try await LaggingScene(hasBatches: false)
        for agent in 0..<Self.agentCount {
            let id = "agent\(agent)"
            try await scene.workspace.createUser(
                email: "\(id)@example.com", name: id, id: try .init(id), role: .agent)
            try await scene.workspace.addMember(try .init(id), to: "p", by: "olga")
        }
        let count = Self.agentCount * Self.taskCount
        for number in 0..<count {
            try await scene.task(try .init("t\(number)")) { $0.status = .todo }
        }
        try scene.table.settle()
        let turns = Turns(seed: seed, clientCount: Self.agentCount)
        let found = Mutex<[CodexFlow.Task.ID]>([])
        let counts = try await scene.table.counts {
            try await withThrowingTaskGroup(of: [CodexFlow.Task.ID].self) { group in
                for agent in 0..<Self.agentCount {
                    let workspace = try Self.workspace(of: agent, scene, turns, seed: seed)
                    group.addTask {
                        let result: Result<[CodexFlow.Task.ID], any Error>
                        do {
                            result = .success(try await Self.claims(of: agent, in: workspace))
                        } catch {
                            result = .failure(error)
                        }
                        await turns.leave(agent)
                        return try result.get()
                    }
                }
                for try await claimed in group { found.withLock { $0 += claimed } }
            }
        }
        let claimed = found.withLock { $0 }
        #expect(claimed.count == count && Set(claimed).count == count)
        for number in 0..<count {
            let id = try CodexFlow.Task.ID("t\(number)")
            let kinds = try scene.store.all(.activity(of: id, in: "p")).map(\.kind)
            #expect(kinds == [.created, .claimed], "\(id), seed \(seed)")
        }
        // A model of the agents has 1.6 to 1.8 attempts for each task. With four tasks to choose
        // from, it has 3.3 to 4.
        #expect(2 * counts.transactions < 5 * count, "\(counts), seed \(seed)")
    }

    @Test("A worker whom nobody meets gets one of the first four tasks")
    func order() async throws {
        let scene = try await LaggingScene()
        var waiting: [CodexFlow.Task.ID] = []
        for number in 0..<16 {
            let id = try CodexFlow.Task.ID("t\(number)")
            scene.clock.advance(by: 1)
            try await scene.task(id) { $0.status = .todo }
            waiting.append(id)
        }
        try scene.table.settle()
        while !waiting.isEmpty {
            let task = try #require(
                try await scene.workspace.claimNext(in: "p", by: "mia", lease: .seconds(600)))
            let place = try #require(waiting.firstIndex(of: task.id))
            #expect(place < 4)
            waiting.remove(at: place)
        }
    }
}
