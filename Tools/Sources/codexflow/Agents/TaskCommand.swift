import ArgumentParser
import Codex
import Foundation

struct TaskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task",
        abstract: "Lists, claims and finishes the tasks of a project, for agents and scripts.",
        discussion: """
            Name the store, the project and the user once:

              export CODEXFLOW_STORE=work.codex CODEXFLOW_PROJECT=engine CODEXFLOW_USER=bot-1
              codexflow task claim --next
              codexflow task done TASK --token 7 --result "It is done."

            Only `claim` tells a token that you do not have. Docs/Agents.md has the JSON of each \
            answer. The exit code is 0 for done, 1 for a failure, 2 if there is nothing to \
            claim, 3 if the worker does not hold the task, and 64 for wrong usage.
            """,
        subcommands: [
            SetUp.self, Ready.self, Claim.self, Renew.self, Done.self, Fail.self, Release.self,
            Add.self, Show.self, Comment.self, Block.self, Expired.self, Dead.self, Revive.self,
        ])
}

// MARK: Arguments

/// The filters of the queue.
struct TaskFilterArguments: ParsableArguments {
    @Option(help: "Only tasks with this label; repeatable, for tasks with all of them.")
    var label: [String] = []

    @Option(help: "Only tasks of this kind; repeatable.")
    var kind: [String] = []

    @Option(help: "Only tasks of this priority; repeatable.")
    var priority: [String] = []

    @Option(help: "A skill of the worker; with one, tasks that need others are skipped.")
    var skill: [String] = []

    func validate() throws { _ = try filter() }

    /// The filter.
    func filter() throws -> CodexFlow.TaskFilter {
        CodexFlow.TaskFilter(
            labels: Set(label), kinds: Set(try kind.map { try $0.choice("--kind") }),
            priorities: Set(try priority.map { try $0.choice("--priority") }),
            skills: skill.isEmpty ? nil : Set(skill))
    }
}

extension String {
    /// The case of an enumeration with this name.
    ///
    /// - Throws: `ValidationError` with the names.
    fileprivate func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ option: String
    ) throws -> Choice {
        guard let choice = Choice(rawValue: self) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(option) is one of: \(names).")
        }
        return choice
    }
}

/// The arguments of a command on one task.
struct OneTaskArguments: ParsableArguments {
    @OptionGroup var change: TaskChangeArguments

    @Argument(help: "The task's identifier.")
    var task: String

    var key: String? { change.idempotencyKey }

    /// Runs the command and prints its answer.
    func write(
        _ body: (AgentLedger, CodexFlow.Task.ID) async throws -> AgentAnswer
    ) async throws {
        try await change.task.write { try await body($0, CodexFlow.Task.ID(task)) }
    }
}

// MARK: Commands

extension TaskCommand {
    struct Ready: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the tasks that can be claimed, best first.")

        @OptionGroup var arguments: TaskArguments
        @OptionGroup var filters: TaskFilterArguments

        @Option(help: "The maximum number of tasks, 1 to 100.")
        var limit = 20

        func run() async throws {
            let filter = try filters.filter()
            try await arguments.read { try $0.ready(matching: filter, limit: limit) }
        }
    }

    struct Claim: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Claims the best ready task, or a given one, and starts it.")

        @OptionGroup var arguments: TaskChangeArguments
        @OptionGroup var filters: TaskFilterArguments

        @Argument(help: "The task's identifier.")
        var task: String?

        @Flag(help: "Claim the best ready task.")
        var next = false

        @Option(help: "An obstacle of the given task to ignore; repeatable.")
        var despite: [String] = []

        @Option(help: "The seconds until the claim ends, 1 to 86400.")
        var lease = AgentLedger.leaseSeconds

        @Flag(inversion: .prefixedNo, help: "Move the task to inProgress.")
        var start = true

        func validate() throws {
            guard (task == nil) == next else {
                throw ValidationError("Name a task, or claim one with --next.")
            }
            guard task == nil || filters.hasNone else {
                throw ValidationError("Filters choose with --next.")
            }
            guard despite.isEmpty || task != nil else {
                throw ValidationError("--despite is of a given task.")
            }
        }

        func run() async throws {
            var choice = AgentLedger.ClaimChoice()
            choice.filter = try filters.filter()
            choice.despite = Set(try despite.map { try $0.choice("--despite") })
            (choice.leaseSeconds, choice.starts) = (lease, start)
            let chosen = choice
            try await arguments.task.write { ledger in
                var choice = chosen
                choice.task = try task.map { try CodexFlow.Task.ID($0) }
                return try await ledger.claim(choice, key: arguments.idempotencyKey)
            }
        }
    }

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begins the lease of a claim again.")

        @OptionGroup var arguments: OneTaskArguments

        @Option(help: "The claim's token.")
        var token: Int

        @Option(help: "The seconds until the claim ends, 1 to 86400.")
        var lease = AgentLedger.leaseSeconds

        func run() async throws {
            try await arguments.write { ledger, id in
                try await ledger.renew(
                    id, token: token, leaseSeconds: lease, key: arguments.key)
            }
        }
    }

    struct Done: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Completes a task.")

        @OptionGroup var arguments: OneTaskArguments

        @Option(help: "The claim's token.")
        var token: Int?

        @Option(help: "What the work gave, for people.")
        var result: String?

        @Option(help: "What the work gave, for programs: one JSON value.")
        var data: String?

        @Option(help: "A link to what the work gave.")
        var link: String?

        @Option(help: "The identifier of a criterion that holds; repeatable.")
        var met: [String] = []

        @Option(help: "A note for the history.")
        var note: String?

        func run() async throws {
            try await arguments.write { ledger, id in
                let gave = CodexFlow.Task.Result(
                    text: result, data: try data.map { try PlainJSON.value($0.utf8) }, link: link)
                return try await ledger.complete(
                    id, token: token, result: gave == CodexFlow.Task.Result() ? nil : gave,
                    met: Set(met), note: note, key: arguments.key)
            }
        }
    }

    struct Fail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a claimed task back, since the attempt failed.")

        @OptionGroup var arguments: OneTaskArguments

        @Option(help: "The claim's token.")
        var token: Int

        @Option(help: "The seconds until the next attempt.")
        var retryAfter: Int?

        @Option(help: "The reason, for the history.")
        var note: String?

        @Flag(help: "Give the task back without a failed attempt.")
        var release = false

        func validate() throws {
            if release, retryAfter != nil {
                throw ValidationError("--release and --retry-after exclude each other.")
            }
        }

        func run() async throws {
            try await arguments.write { ledger, id in
                if release {
                    return try await ledger.release(
                        id, token: token, note: note, key: arguments.key)
                }
                return try await ledger.fail(
                    id, token: token, retryAfterSeconds: retryAfter, note: note,
                    key: arguments.key)
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a claim before its lease does, without a failed attempt.",
            discussion: """
                Without a token, an admin of the project or the task's assignee ends the claim of \
                another worker.
                """)

        @OptionGroup var arguments: OneTaskArguments

        @Option(help: "The claim's token.")
        var token: Int?

        @Option(help: "The reason, for the history.")
        var note: String?

        func run() async throws {
            try await arguments.write { ledger, id in
                try await ledger.release(id, token: token, note: note, key: arguments.key)
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Creates a task in todo, ready for workers.")

        @OptionGroup var arguments: TaskChangeArguments

        @Argument(help: "The title.")
        var title: String

        @Option(help: "The identifier; without it, one is made.") var id: String?
        @Option(help: "The description in Markdown.") var body: String?
        @Option(help: "The kind of work.") var kind: String?
        @Option(help: "How urgent the task is.") var priority: String?
        @Option(help: "A label; repeatable.") var label: [String] = []
        @Option(help: "A skill that a worker needs; repeatable.") var skill: [String] = []
        @Option(help: "The estimate, in points.") var estimate: Int?
        @Option(help: "The user who should do the work; no other worker gets it.")
        var assignee: String?
        @Option(help: "The task of which this one is a part.") var parent: String?
        @Option(help: "A criterion that must hold before the task is done; repeatable.")
        var criterion: [String] = []
        @Option(help: "A task that must be finished before; repeatable.")
        var blockedBy: [String] = []
        @Flag(help: "Leave the task in the backlog, where no worker gets it.") var backlog = false

        func run() async throws {
            let kind: CodexFlow.Task.Kind? = try self.kind.map { try $0.choice("--kind") }
            let priority: CodexFlow.Task.Priority? = try self.priority.map {
                try $0.choice("--priority")
            }
            try await arguments.task.write { ledger in
                var draft = AgentLedger.Draft(title: title)
                draft.id = try id.map { try CodexFlow.Task.ID($0) }
                (draft.body, draft.kind, draft.priority) = (body, kind, priority)
                (draft.labels, draft.skills, draft.estimate) = (label, skill, estimate)
                draft.assignee = try assignee.map { try CodexFlow.User.ID($0) }
                draft.parent = try parent.map { try CodexFlow.Task.ID($0) }
                draft.criteria = criterion
                draft.blockers = try blockedBy.map { try CodexFlow.Task.ID($0) }
                draft.isInBacklog = backlog
                return try await ledger.add(draft, key: arguments.idempotencyKey)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a task with its blockers and last comments.")

        @OptionGroup var arguments: TaskArguments

        @Argument(help: "The task's identifier.")
        var task: String

        func run() async throws {
            try await arguments.read { try $0.show(CodexFlow.Task.ID(task)) }
        }
    }

    struct Comment: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Adds a comment to a task.")

        @OptionGroup var arguments: OneTaskArguments

        @Argument(help: "The text in Markdown.")
        var text: String

        @Option(help: "The claim's token.")
        var token: Int?

        func run() async throws {
            try await arguments.write { ledger, id in
                try await ledger.comment(on: id, text, token: token, key: arguments.key)
            }
        }
    }

    struct Block: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a task wait for another one.")

        @OptionGroup var arguments: OneTaskArguments

        @Option(help: "The task that must be finished before.")
        var on: String

        @Flag(help: "Remove the dependency.")
        var remove = false

        @Option(help: "The claim's token.")
        var token: Int?

        func run() async throws {
            try await arguments.write { ledger, id in
                let blocker = try CodexFlow.Task.ID(on)
                if remove {
                    return try await ledger.unblock(
                        id, from: blocker, token: token, key: arguments.key)
                }
                return try await ledger.block(id, on: blocker, token: token, key: arguments.key)
            }
        }
    }
}

// MARK: Tasks without a worker

extension TaskCommand {
    struct Expired: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the tasks whose claims ended by time, earliest first.",
            discussion: "The next claims take them up, so the list is empty while agents work.")

        @OptionGroup var arguments: TaskArguments

        @Option(help: "The maximum number of tasks, 1 to 100.")
        var limit = 20

        func run() async throws { try await arguments.read { try $0.expired(limit: limit) } }
    }

    struct Dead: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the tasks all of whose attempts failed, earliest first.",
            discussion: "No worker gets them from the queue before `revive`.")

        @OptionGroup var arguments: TaskArguments

        @Option(help: "The maximum number of tasks, 1 to 100.")
        var limit = 20

        func run() async throws { try await arguments.read { try $0.dead(limit: limit) } }
    }

    struct Revive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a dead task new attempts.")

        @OptionGroup var arguments: OneTaskArguments

        @Option(help: "The claim's token, if the task is claimed.")
        var token: Int?

        @Option(help: "The reason, for the history.")
        var note: String?

        func run() async throws {
            try await arguments.write { ledger, id in
                try await ledger.revive(id, token: token, note: note, key: arguments.key)
            }
        }
    }
}

extension TaskFilterArguments {
    /// Whether no filter is given.
    fileprivate var hasNone: Bool {
        label.isEmpty && kind.isEmpty && priority.isEmpty && skill.isEmpty
    }
}
