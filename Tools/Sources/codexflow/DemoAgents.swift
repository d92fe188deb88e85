import Codex
import Foundation

/// Shows two agents that claim tasks at the same time, of which one dies.
///
/// The other one takes over its task. Each claims as a process of this program. The rest is shown
/// in this process, with a clock that is set forward to the end of the lease.
struct DemoAgents {
    let store: Store
    /// The store's directory.
    let path: String

    private static let project: CodexFlow.Project.ID = "demo-agents"
    private static let survivor: CodexFlow.User.ID = "bot-1"
    private static let victim: CodexFlow.User.ID = "bot-2"
    /// The time of a claim, in seconds.
    private static let leaseSeconds = 60

    /// A task that an agent holds.
    private struct Holding {
        let task: CodexFlow.Task.ID
        let token: Int
        let label: String

        /// Reads the answer to a claim.
        ///
        /// - Throws: ``CodexError/Code/notFound`` if the answer has no task.
        init(_ answer: AttributeMap) throws {
            guard let found = answer["task"]?.map, let id = found["id"]?.string,
                let number = found["number"].flatMap(Int.init(attributeValue:)),
                let title = found["title"]?.string,
                let token = answer["token"].flatMap(Int.init(attributeValue:))
            else { throw CodexError(.notFound, "An agent of the demo got no task.") }
            task = try CodexFlow.Task.ID(id)
            label = "MILL-\(number) \(title)"
            self.token = token
        }
    }

    func run() async throws {
        let (survivor, victim) = (Self.survivor, Self.victim)
        try await LedgerSetUp(store).make(
            Self.project, key: "MILL", name: "Mill", owner: "ada", agents: [survivor, victim])
        for title in ["Grind the corn", "Sift the flour"] {
            _ = try await ledger("ada").add(AgentLedger.Draft(title: title))
        }
        Console.print(lines: "\nTwo agents, each a process of this program, claim a task at once:")
        let processes = try [survivor, victim].map { try startClaim(by: $0) }
        let claims = try processes.map { try holding(of: $0.process, $0.output) }
        for (agent, claim) in zip([survivor, victim], claims) {
            Console.print("  \(agent) holds \(claim.label), token \(claim.token)")
        }
        try await finish(claims[0])
        Console.print("  \(victim) dies: its process has ended, and its task is not done")
        try await takeOver(claims[1])
    }

    /// Shows that the task of the dead agent is free after its lease, for a new token alone.
    private func takeOver(_ lost: Holding) async throws {
        let (survivor, victim) = (Self.survivor, Self.victim)
        let early = try await ledger(survivor).claim(AgentLedger.ClaimChoice())
        if early.isNothing { Console.print("  \(survivor) finds no task before the lease ends") }
        let later = Self.leaseSeconds + 1
        let answer = try await ledger(survivor, later: later).claim(AgentLedger.ClaimChoice())
        let taken = try Holding(answer.json)
        Console.print("  the lease ends: \(survivor) holds \(taken.label), token \(taken.token)")
        await DemoServices.refused("\(victim) finishes the task with its old token") {
            try await ledger(victim, later: later).complete(lost.task, token: lost.token)
        }
        try await finish(taken, later: later)
    }

    /// Finishes a task of the surviving agent.
    private func finish(_ claim: Holding, later seconds: Int = 0) async throws {
        _ = try await ledger(Self.survivor, later: seconds).complete(
            claim.task, token: claim.token)
        Console.print("  \(Self.survivor) finishes \(claim.label)")
    }

    /// The commands of a user, some seconds from now.
    private func ledger(_ user: CodexFlow.User.ID, later seconds: Int = 0) -> AgentLedger {
        AgentLedger(
            store, project: Self.project, user: user,
            clock: { Date().addingTimeInterval(TimeInterval(seconds)) })
    }

    /// Starts a process of this program that claims the next task.
    private func startClaim(
        by agent: CodexFlow.User.ID
    ) throws -> (process: Process, output: Pipe) {
        let (process, output) = (Process(), Pipe())
        process.executableURL = Bundle.main.executableURL
        process.arguments = [
            "task", "claim", "--next", "--json", "--lease=\(Self.leaseSeconds)",
            "--store=\(path)", "--project=\(Self.project)", "--as=\(agent)",
        ]
        process.standardOutput = output
        try process.run()
        return (process, output)
    }

    /// What a process has claimed; it has ended then.
    private func holding(of process: Process, _ output: Pipe) throws -> Holding {
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return try Holding(DynamoDBJSON.item(parsingPlain: Array(data)))
    }
}
