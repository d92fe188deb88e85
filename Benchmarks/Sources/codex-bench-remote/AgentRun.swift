#if Remote
    import CodexCore
    import CodexRemote
    import CodexWorkspace
    import Synchronization

    /// Agents who create the tasks of one project, and then claim, start and complete them, through
    /// a service that answers 4 ms late.
    struct AgentRun: Sendable {
        let program: String
        let taskCount: Int

        private static let agentCount = 64
        /// A fault of the service: it adds to each answer.
        private static let latency = #"{"fault":"latency","milliseconds":4}"#
        private static let goal = Figure.Goal.atLeast(200)

        /// What the agents did together.
        private final class Progress: Sendable {
            let completedCount = Atomic(0)
            /// The commands that were refused since other agents were faster at each attempt.
            let refusedCount = Atomic(0)
            /// The time of the last completion.
            let end = Mutex<ContinuousClock.Instant?>(nil)
        }

        func figures() async throws -> [Figure] {
            let server = try Server(program, rule: Self.latency)
            defer { server.end() }
            let client = try makeClient(server.endpoint)
            let team = try await Team(client, memberCount: Self.agentCount)
            let creation = try await create(team)
            let completion = try await complete(team)
            let totals = try await team.workspace.taskTotals(of: "p")
            await client.close()
            guard totals[.done]?.count == taskCount else {
                throw BenchFailure("\(totals[.done]?.count ?? 0) of \(taskCount) tasks are done.")
            }
            let agents = "\(Self.agentCount) agents, 4 ms a request"
            return [
                Figure("\(agents): created", creation.rate, "tasks/s", goal: Self.goal),
                Figure(
                    "refused creations", Double(creation.refusedCount), "commands",
                    goal: .atMost(0)),
                Figure(
                    "\(agents): claimed, started and completed", completion.rate, "tasks/s",
                    goal: Self.goal),
                Figure(
                    "refused claims and moves, which were sent again",
                    Double(completion.refusedCount), "commands"),
            ]
        }

        // MARK: The parts

        private func create(_ team: Team) async throws -> (rate: Double, refusedCount: Int) {
            let progress = Progress()
            let start = ContinuousClock.now
            try await eachAgent(of: team) { agent, place in
                for number in stride(from: place, to: taskCount, by: Self.agentCount) {
                    let id = try CodexFlow.Task.ID("t\(number)")
                    try await Self.persistent(progress) {
                        try await team.workspace.createTask(in: "p", by: agent, id: id) { task in
                            (task.title, task.status) = ("Task \(number)", .todo)
                        }
                    }
                }
            }
            let rate = Double(taskCount) / ((ContinuousClock.now - start) / .seconds(1))
            return (rate, progress.refusedCount.load(ordering: .relaxed))
        }

        private func complete(_ team: Team) async throws -> (rate: Double, refusedCount: Int) {
            let progress = Progress()
            let start = ContinuousClock.now
            try await eachAgent(of: team) { agent, _ in
                while progress.completedCount.load(ordering: .relaxed) < taskCount {
                    try await completeTask(of: team.workspace, agent, progress)
                }
            }
            let end = progress.end.withLock { $0 } ?? .now
            let rate = Double(taskCount) / ((end - start) / .seconds(1))
            return (rate, progress.refusedCount.load(ordering: .relaxed))
        }

        /// Claims, starts and completes a task; if there is none, it waits for a moment.
        private func completeTask(
            of workspace: CodexFlow.Workspace, _ agent: CodexFlow.User.ID, _ progress: Progress
        ) async throws {
            let claimed = try await Self.persistent(progress) {
                try await workspace.claimNext(in: "p", by: agent, lease: .seconds(600))
            }
            guard let task = claimed, let token = task.claim?.token else {
                // An index may not have the last tasks yet, or other agents have them.
                return try await Task.sleep(for: .milliseconds(10))
            }
            try await Self.persistent(progress) {
                try await workspace.moveTask(
                    task.id, in: "p", to: .inProgress, by: agent, holding: token)
            }
            try await Self.persistent(progress) {
                try await workspace.completeTask(task.id, in: "p", by: agent, holding: token)
            }
            let count = progress.completedCount.add(1, ordering: .relaxed).newValue
            if count == taskCount { progress.end.withLock { $0 = .now } }
        }

        private func eachAgent(
            of team: Team, _ body: @escaping @Sendable (CodexFlow.User.ID, Int) async throws -> Void
        ) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (place, agent) in team.members.enumerated() {
                    group.addTask { try await body(agent, place) }
                }
                try await group.waitForAll()
            }
        }

        /// Runs a command, and again as long as other agents are faster at each of its attempts.
        @discardableResult
        private static func persistent<Value>(
            _ progress: Progress, _ command: () async throws -> Value
        ) async throws -> Value {
            while true {
                try Task.checkCancellation()
                do {
                    return try await command()
                } catch let error as CodexError where error.code == .transactionCancelled {
                    progress.refusedCount.add(1, ordering: .relaxed)
                }
            }
        }
    }
#endif
