#if Remote
    import CodexCore
    import CodexRemote
    import CodexWorkspace
    import Synchronization

    /// Agents who create the tasks of one project, and then claim, start and complete them, through
    /// a service that answers 4 ms late.
    struct AgentRun: Sendable {
        let program: String
        let isQuick: Bool

        private static let agentCount = 64
        /// A fault of the service: it adds to each answer.
        private static let latency = #"{"fault":"latency","milliseconds":4}"#
        private static let goal = Figure.Goal.atLeast(200)
        /// The tasks whose round trips are counted.
        private static let countedTaskCount = 25
        /// The most round trips of a new task before its transaction.
        private static let roundTripGoal = Figure.Goal.atMost(2)

        private var taskCount: Int { isQuick ? 640 : 6400 }
        /// After this time, the agents end the tasks that they have, and claim no others.
        private var completionTime: Duration { .seconds(isQuick ? 10 : 30) }

        /// What the agents did together.
        private final class Progress: Sendable {
            let doneCount = Atomic(0)
            /// The commands that failed.
            let failureCount = Atomic(0)
            /// The error of the first of them.
            private let first = Mutex<String?>(nil)

            func fail(_ error: any Error) {
                failureCount.add(1, ordering: .relaxed)
                first.withLock { $0 = $0 ?? "\(error)" }
            }

            /// Writes what the first failure was.
            func noteFailure(of command: String) {
                if let text = first.withLock({ $0 }) { note("\(command): \(text)") }
            }
        }

        /// The figures of the part.
        ///
        /// - Throws: The errors of the service, and ``BenchFailure``.
        func figures() async throws -> [Figure] {
            let server = try Server(program, rule: Self.latency)
            defer { server.end() }
            let client = try makeClient(server.endpoint)
            let team = try await Team(client, memberCount: Self.agentCount)
            var figures = try await create(team, server.id)
            figures += try await complete(team)
            await client.close()
            let counts = try await roundTripCounts(at: server.endpoint)
            figures.append(
                Figure(
                    "createTask, round trips before its transaction", rounds: counts,
                    "round trips", goal: Self.roundTripGoal))
            return figures
        }

        // MARK: Creating

        /// Creates tasks, from a project without any.
        ///
        /// No command is sent again: each that fails counts.
        private func create(_ team: Team, _ serverID: Int32) async throws -> [Figure] {
            let progress = Progress()
            let watch = Stopwatch(serverID: serverID)
            try await eachAgent(of: team) { agent, place in
                for number in stride(from: place, to: taskCount, by: Self.agentCount) {
                    try Task.checkCancellation()
                    do {
                        try await Self.createTask("t\(number)", by: agent, team.workspace)
                        progress.doneCount.add(1, ordering: .relaxed)
                    } catch {
                        progress.fail(error)
                    }
                }
            }
            let doneCount = progress.doneCount.load(ordering: .relaxed)
            let rate = Double(doneCount) / watch.seconds
            let processors = watch.processors("creating")
            progress.noteFailure(of: "createTask")
            let failureCount = progress.failureCount.load(ordering: .relaxed)
            let totals = try await team.workspace.taskTotals(of: "p")
            // A command whose outcome is unknown may have created its task.
            guard failureCount > 0 || totals[.todo]?.count == taskCount else {
                throw BenchFailure("\(totals[.todo]?.count ?? 0) of \(taskCount) tasks are there.")
            }
            let figures = [
                Figure(
                    "\(Self.agentCount) agents, 4 ms a request: created", rate, "tasks/s",
                    goal: Self.goal),
                Figure(
                    "\(Self.agentCount) agents: creations that failed", Double(failureCount),
                    "commands", goal: .atMost(0)),
            ]
            return figures + processors
        }

        private static func createTask(
            _ id: String, by actor: CodexFlow.User.ID, _ workspace: CodexFlow.Workspace
        ) async throws {
            let id = try CodexFlow.Task.ID(id)
            try await workspace.createTask(in: "p", by: actor, id: id) { task in
                (task.title, task.status) = ("Task \(id)", .todo)
            }
        }

        /// The round trips of new tasks before their transactions, one task after the other.
        ///
        /// The service answers 4 ms late. So requests that do not depend on each other are all sent
        /// before the first of them is answered.
        private func roundTripCounts(at endpoint: String) async throws -> [Double] {
            let transport = NotingTransport()
            let workspace = try Team.workspace(try makeClient(endpoint, transport))
            var counts: [Double] = []
            for number in 0..<Self.countedTaskCount {
                _ = transport.take()
                try await Self.createTask("counted\(number)", by: "owner", workspace)
                guard let count = transport.take().roundTripCount else {
                    throw BenchFailure("A task was created without a transaction.")
                }
                counts.append(Double(count))
            }
            await transport.close()
            return counts
        }

        // MARK: Completing

        /// Claims, starts and completes tasks for some time.
        private func complete(_ team: Team) async throws -> [Figure] {
            let progress = Progress()
            let start = ContinuousClock.now
            let end = start + completionTime
            try await eachAgent(of: team) { agent, _ in
                while ContinuousClock.now < end,
                    progress.doneCount.load(ordering: .relaxed) < taskCount
                {
                    try await completeTask(of: team.workspace, agent, progress)
                }
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            progress.noteFailure(of: "claimNext, moveTask or completeTask, which was sent again")
            let doneCount = progress.doneCount.load(ordering: .relaxed)
            let totals = try await team.workspace.taskTotals(of: "p")
            guard totals[.done]?.count ?? 0 == doneCount else {
                throw BenchFailure("\(totals[.done]?.count ?? 0) of \(doneCount) tasks are done.")
            }
            return [
                Figure(
                    "\(Self.agentCount) agents, 4 ms a request: claimed, started and completed",
                    Double(doneCount) / seconds, "tasks/s", goal: Self.goal),
                Figure(
                    "\(Self.agentCount) agents: commands that were sent again",
                    Double(progress.failureCount.load(ordering: .relaxed)), "commands"),
            ]
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
            progress.doneCount.add(1, ordering: .relaxed)
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
                    progress.fail(error)
                }
            }
        }
    }
#endif
