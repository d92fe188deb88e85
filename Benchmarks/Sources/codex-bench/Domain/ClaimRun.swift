import ArgumentParser
import Codex
import Foundation

private let clock = ContinuousClock()

/// Many processes that claim and complete the tasks of one project, while some of them are killed.
///
/// Each process also commits a bare durable write before each claim. So both are measured beside
/// the same load.
struct ClaimRun: Sendable {
    let directory: String
    let workerCount: Int
    let taskCount: Int

    /// The pause between two kills.
    private static let killInterval = Duration.milliseconds(50)

    private var path: String { directory + "/claims" }

    func measure() async throws {
        note("making \(taskCount) tasks and \(workerCount) agents")
        let store = try await makeStore()
        defer { store.close() }
        let start = clock.now
        let killCount = try await runWorkers(store)
        let taken = Double(nanoseconds(clock.now - start)) / 1e9
        try check(store)
        let samples = try readSamples()
        say(
            "\(workerCount) processes, \(taskCount) tasks, a kill every 50 ms: \(killCount) kills; "
                + "each task is completed once")
        row("seconds", [taken])
        for quantile in [50, 99] {
            let (bare, claim) = (
                Self.milliseconds(samples.bare, quantile),
                Self.milliseconds(samples.claim, quantile)
            )
            row("a bare durable write, p\(quantile), ms", [bare])
            row("a claim, p\(quantile), ms", [claim])
            row("the claim beyond the write, ms", [claim - bare], goal: quantile == 99 ? "10" : "")
        }
    }

    private static func milliseconds(_ samples: [UInt64], _ percentile: Int) -> Double {
        guard !samples.isEmpty else { return 0 }
        let sorted = samples.sorted()
        return Double(sorted[(sorted.count - 1) * percentile / 100]) / 1e6
    }

    // MARK: Data

    private func makeStore() async throws -> Store {
        let store = try Store(at: path, schema: CodexFlow.schema)
        let workspace = CodexFlow.Workspace(store)
        try await workspace.createUser(email: "owner@example.com", name: "Owner", id: "owner")
        try await workspace.createProject(key: "PR", name: "Project", id: "p", owner: "owner")
        for number in 0..<workerCount {
            let id = try CodexFlow.User.ID("agent\(number)")
            try await workspace.createUser(
                email: "\(id)@example.com", name: "Agent", id: id, role: .agent)
            try await workspace.addMember(id, to: "p", by: "owner")
        }
        for number in 0..<taskCount {
            try await workspace.createTask(in: "p", by: "owner", id: try .init("t\(number)")) {
                ($0.title, $0.status) = ("Task \(number)", .todo)
            }
        }
        return store
    }

    /// Each task is done, and its history has one completion.
    private func check(_ store: Store) throws {
        for number in 0..<taskCount {
            let id = try CodexFlow.Task.ID("t\(number)")
            let completions = try store.all(.activity(of: id, in: "p")).filter {
                $0.facts?.to == .done
            }
            guard completions.count == 1 else {
                throw ValidationError("Task \(id) has \(completions.count) completions.")
            }
        }
    }

    // MARK: Processes

    /// Runs the workers until all tasks are done; returns how many were killed.
    private func runWorkers(_ store: Store) async throws -> Int {
        try FileManager.default.createDirectory(
            atPath: directory + "/samples", withIntermediateDirectories: true)
        var random = SystemRandomNumberGenerator()
        var workers: [Process] = []
        defer { for worker in workers { kill(worker.processIdentifier, SIGKILL) } }
        for number in 0..<workerCount { workers.append(try start(number, 0)) }
        var killCount = 0
        while try !isDone(store) {
            try await Task.sleep(for: Self.killInterval)
            let number = Int.random(in: 0..<workerCount, using: &random)
            if workers[number].isRunning {
                kill(workers[number].processIdentifier, SIGKILL)
                killCount += 1
            }
            workers[number].waitUntilExit()
            workers[number] = try start(number, killCount)
        }
        return killCount
    }

    private func isDone(_ store: Store) throws -> Bool {
        try store.query(.tasks(in: "p", status: .todo), limit: 1).items.isEmpty
            && store.query(.tasks(in: "p", status: .inProgress), limit: 1).items.isEmpty
    }

    private func start(_ number: Int, _ round: Int) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = [
            "claim-worker", path, "agent\(number)", directory + "/samples/\(number)-\(round)",
        ]
        try process.run()
        return process
    }

    /// The times of bare writes and of claims, in nanoseconds, of all workers.
    private func readSamples() throws -> (bare: [UInt64], claim: [UInt64]) {
        var (bare, claim): ([UInt64], [UInt64]) = ([], [])
        for name in try FileManager.default.contentsOfDirectory(atPath: directory + "/samples") {
            let text = try String(contentsOfFile: directory + "/samples/" + name, encoding: .utf8)
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: " ").compactMap { UInt64($0) }
                guard parts.count == 2 else { continue }
                bare.append(parts[0])
                claim.append(parts[1])
            }
        }
        return (bare, claim)
    }
}

/// A process that claims tasks and completes them until it is killed.
struct ClaimWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claim-worker", abstract: "A worker of the claims' run.", shouldDisplay: false)

    @Argument var path: String
    @Argument var agent: String
    @Argument var samples: String

    func run() async throws {
        let store = try Store(at: path)
        let workspace = CodexFlow.Workspace(store)
        let user = try CodexFlow.User.ID(agent)
        try Data().write(to: URL(fileURLWithPath: samples))
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: samples))
        var count = 0
        while true {
            count += 1
            let item: Item = ["PK": "PROBE", "SK": .string(agent), "n": .number(Number(count))]
            // Each is the first one in half of the rounds: waiting may depend on the order.
            var bare = try await Self.time { try await store.put(item, in: CodexFlow.table) }
            let start = clock.now
            let task = try await workspace.claimNext(in: "p", by: user, lease: .seconds(2))
            let claim = nanoseconds(clock.now - start)
            if count.isMultiple(of: 2) {
                bare = try await Self.time { try await store.put(item, in: CodexFlow.table) }
            }
            guard let task, let token = task.claim?.token else {
                // The rest is held by others, or by the dead until their leases end.
                try await Task.sleep(for: .milliseconds(200))
                continue
            }
            output.write(Data("\(bare) \(claim)\n".utf8))
            do {
                try await workspace.moveTask(
                    task.id, in: "p", to: .inProgress, by: user, holding: token)
                try await workspace.completeTask(task.id, in: "p", by: user, holding: token)
            } catch let error as CodexError where error.rule == .taskNotHeld {
                continue
            }
        }
    }

    private static func time(_ body: () async throws -> Void) async rethrows -> UInt64 {
        let start = clock.now
        try await body()
        return nanoseconds(clock.now - start)
    }
}
