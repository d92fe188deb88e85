import Codex
import Foundation

/// The commands of agents on the tasks of one project.
///
/// The rules are those of the workspace. Each command is one commit, but for two. A claim also
/// starts the task, in a second commit. A completion first records the criteria that it meets, and
/// starts a task that was not started.
struct AgentLedger: Sendable {
    private let store: Store
    private let workspace: CodexFlow.Workspace
    private let project: CodexFlow.Project.ID
    /// The user who acts; `nil` can only read.
    private let user: CodexFlow.User.ID?
    private let clock: @Sendable () -> Date

    /// The bytes of an idempotency key.
    ///
    /// Two workers that choose one key get one claim, so a key must be random: shorter ones are
    /// words and counts. The steps of a command add to the key.
    static let keyByteCounts = 16...200
    /// The time of a claim without a given one, in seconds.
    static let leaseSeconds = 900
    /// Most tasks of a list.
    static let listCountMax = 100
    /// Most comments that are shown with a task.
    static let commentCountMax = 20

    /// Creates the commands of a user on a project.
    init(
        _ store: Store, project: CodexFlow.Project.ID, user: CodexFlow.User.ID?,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        workspace = CodexFlow.Workspace(store, clock: clock)
        self.project = project
        self.user = user
        self.clock = clock
    }

    // MARK: Lists

    /// The tasks that can be claimed, in the order of the queue.
    ///
    /// The queue is a hint: a claim looks at the blockers again. It also takes up tasks whose
    /// blocker was finished, whose claim ended or whose time has come. `mayFollow` tells whether
    /// there are any.
    func ready(
        matching filter: CodexFlow.TaskFilter = CodexFlow.TaskFilter(), limit: Int = 20
    ) throws -> AgentAnswer {
        try requireList(limit)
        let examinedCount = CodexFlow.Workspace.examinedCountMax
        var found: [(key: String, task: CodexFlow.Task)] = []
        var isWhole = true
        let assignees: [CodexFlow.User.ID?] = user.map { [nil, $0] } ?? [nil]
        for assignee in assignees {
            let page = try store.query(
                .readyTasks(in: project, assignedTo: assignee), limit: examinedCount,
                onFailure: { _ in })
            isWhole = isWhole && page.next == nil
            for task in page.items where filter.matches(task) {
                found.append((try task.item()["GSI6SK"]?.string ?? "", task))
            }
        }
        found.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let tasks = found.prefix(limit).map(\.task)
        return AgentAnswer(
            json: [
                "tasks": .list(tasks.map { .map($0.brief) }),
                "more": .bool(!isWhole || found.count > limit), "mayFollow": .bool(try mayFollow()),
            ],
            text: tasks.isEmpty ? "nothing" : tasks.map(\.line).joined(separator: "\n"))
    }

    /// Whether tasks wait for the next claim to take them up.
    private func mayFollow() throws -> Bool {
        let now = clock()
        let freed = Query<CodexFlow.Dependency>(
            partition: .string("PROJECT#\(project)#FREED"), index: CodexFlow.Index.gsi6)
        return try endedClaims.contains { try hasAny($0) }
            || hasAny(.tasks(in: project, waitingUntil: now)) || hasAny(freed)
    }

    private func hasAny<E: Entity>(_ query: Query<E>) throws -> Bool {
        try !store.query(query, limit: 1, onFailure: { _ in }).items.isEmpty
    }

    /// The tasks whose claims hold nothing any more, and that no command has met since: the leases
    /// ended, or a clock that was wrong made the claims.
    private var endedClaims: [Query<CodexFlow.Task>] {
        let now = clock()
        return [
            .tasks(in: project, claimEndingBy: now), .tasks(in: project, claimInvalidAt: now),
        ]
    }

    /// The tasks whose claims ended, earliest end first.
    ///
    /// The next claim takes them up.
    func expired(limit: Int = 20) throws -> AgentAnswer { try list(endedClaims, limit) }

    /// The tasks all of whose attempts failed, earliest first.
    ///
    /// A task whose last attempt ended by time is among the expired ones until a command meets it.
    func dead(limit: Int = 20) throws -> AgentAnswer {
        try list([.deadTasks(in: project)], limit)
    }

    /// The tasks of some queries, in their order.
    private func list(_ queries: [Query<CodexFlow.Task>], _ limit: Int) throws -> AgentAnswer {
        try requireList(limit)
        var (found, isWhole): ([CodexFlow.Task], Bool) = ([], true)
        for query in queries where found.count <= limit {
            let page = try store.query(
                query, limit: limit + 1 - found.count, onFailure: { _ in })
            found += page.items
            isWhole = isWhole && page.next == nil
        }
        let tasks = found.prefix(limit)
        return AgentAnswer(
            json: [
                "tasks": .list(tasks.map { .map($0.held) }),
                "more": .bool(!isWhole || found.count > limit),
            ],
            text: tasks.isEmpty ? "nothing" : tasks.map(\.heldLine).joined(separator: "\n"))
    }

    /// Throws unless a list may have a number of tasks, and the project exists.
    private func requireList(_ limit: Int) throws {
        guard (1...Self.listCountMax).contains(limit) else {
            throw CodexError(.invalidArgument, "A limit is from 1 to \(Self.listCountMax).")
        }
        guard try store.get(.project(project)) != nil else {
            throw CodexError(.notFound, "The store has no such project.")
        }
    }

    /// A task with its blockers and its last comments.
    func show(_ id: CodexFlow.Task.ID) throws -> AgentAnswer {
        guard let task = try store.get(.task(id, in: project)) else { throw Self.noTask }
        let blockers = try store.all(.blockers(of: id, in: project), onFailure: { _ in })
        let comments = Query<CodexFlow.Comment>.comments(on: id, in: project)
        let newest = try store.query(
            comments.reversed, limit: Self.commentCountMax, onFailure: { _ in })
        let shown = Array(newest.items.reversed())
        return AgentAnswer(
            json: [
                "task": .map(task.whole), "blockers": .list(blockers.map { .map($0.agentJSON) }),
                "comments": .list(shown.map { .map($0.agentJSON) }),
                "moreComments": .bool(newest.next != nil),
            ],
            text: (task.lines + blockers.map(\.line) + shown.flatMap(\.lines))
                .joined(separator: "\n"))
    }

    private static var noTask: CodexError {
        CodexError(.notFound, "The project has no task with this identifier.")
    }

    // MARK: Claims

    /// The choice of a task to claim.
    struct ClaimChoice: Sendable {
        /// The task; `nil` is the first of the queue.
        var task: CodexFlow.Task.ID?
        /// The tasks that the worker takes from the queue.
        var filter = CodexFlow.TaskFilter()
        /// The obstacles that do not refuse the claim of a given task.
        var despite: Set<CodexFlow.Task.ClaimObstacle> = []
        /// The time of the claim.
        var leaseSeconds = AgentLedger.leaseSeconds
        /// Whether the task is moved from todo to inProgress.
        var starts = true
    }

    /// Claims a task; the answer has the claim's token, which no other answer has.
    ///
    /// An error of the start is in the answer, and not thrown: the claim is stored already, and the
    /// worker must get its token. A completion meets the same rule.
    func claim(_ choice: ClaimChoice, key: String? = nil) async throws -> AgentAnswer {
        let user = try requireUser()
        let lease = Duration.seconds(choice.leaseSeconds)
        let commands = try once(key, comparing: ["starts": .bool(choice.starts)])
        let claimed: CodexFlow.Task?
        if let id = choice.task {
            claimed = try await commands.claimTask(
                id, in: project, by: user, lease: lease, despite: choice.despite)
        } else {
            claimed = try await commands.claimNext(
                in: project, by: user, matching: choice.filter, lease: lease)
        }
        guard let claimed, let claim = claimed.claim, let token = claim.token else {
            return .nothing
        }
        var (task, lines) = (claimed, ["token \(token)"])
        var json: AttributeMap = [
            "token": token.attributeValue, "until": claim.until.attributeValue,
        ]
        if choice.starts, claimed.status == .todo {
            do {
                // Since an earlier call with the key, others may have moved the task.
                task = try await once(key, step: "start").moveTask(
                    claimed.id, in: project, from: .todo, to: .inProgress, by: user,
                    holding: token)
            } catch let error as CodexError {
                json["startError"] = .map(error.agentJSON)
                lines.append("not started: \(error.message) [\(error.code)]".printable())
            }
        }
        json["task"] = .map(task.whole)
        return AgentAnswer(json: json, text: (lines + task.lines).joined(separator: "\n"))
    }

    /// Begins the lease of a claim again.
    func renew(
        _ id: CodexFlow.Task.ID, token: Int, leaseSeconds: Int = AgentLedger.leaseSeconds,
        key: String? = nil
    ) async throws -> AgentAnswer {
        let claim = try await once(key).renewClaim(
            of: id, in: project, by: try requireUser(), holding: token,
            lease: .seconds(leaseSeconds))
        return AgentAnswer(
            json: [
                "task": id.attributeValue, "token": token.attributeValue,
                "until": claim.until.attributeValue,
            ],
            text: "until \(Timestamp.text(claim.until))")
    }

    // MARK: Ends of work

    /// Completes a task.
    ///
    /// - Parameters:
    ///   - id: The task. If it is in todo, it is started first.
    ///   - token: The token of the claim; `nil` is no holder.
    ///   - result: What the work gave.
    ///   - met: The identifiers of criteria that hold now.
    ///   - note: A note for the history.
    ///   - key: The idempotency key.
    /// - Returns: The completed task.
    /// - Throws: ``CodexError/Code/invalidArgument`` for an unknown criterion, and the errors of
    ///   `completeTask(_:in:by:holding:result:overriding:note:)`.
    func complete(
        _ id: CodexFlow.Task.ID, token: Int?, result: CodexFlow.Task.Result? = nil,
        met: Set<String> = [], note: String? = nil, key: String? = nil
    ) async throws -> AgentAnswer {
        let user = try requireUser()
        let commands = try once(key, comparing: ["met": met.sorted().attributeValue])
        if !met.isEmpty {
            try await prepare(key) { step in
                try await step.changeTask(id, in: project, by: user, holding: token) { task in
                    try task.meet(met)
                }
            }
        }
        do {
            return Self.answer(
                try await commands.completeTask(
                    id, in: project, by: user, holding: token, result: result, note: note))
        } catch let error as CodexError where error.rule == .taskTransition {
            try await prepare(key) { step in
                try await step.moveTask(
                    id, in: project, from: .todo, to: .inProgress, by: user, holding: token)
            }
        }
        return Self.answer(
            try await commands.completeTask(
                id, in: project, by: user, holding: token, result: result, note: note))
    }

    /// Gives a task back, since the attempt failed.
    func fail(
        _ id: CodexFlow.Task.ID, token: Int, retryAfterSeconds: Int? = nil, note: String? = nil,
        key: String? = nil
    ) async throws -> AgentAnswer {
        let task = try await once(key).failTask(
            id, in: project, by: try requireUser(), holding: token,
            retryAfter: retryAfterSeconds.map { .seconds($0) }, note: note)
        return Self.answer(task)
    }

    /// Gives a task back without a failed attempt.
    ///
    /// Without a token, admins and the task's assignee end a claim of another worker.
    func release(
        _ id: CodexFlow.Task.ID, token: Int?, note: String? = nil, key: String? = nil
    ) async throws -> AgentAnswer {
        let task = try await once(key).releaseTask(
            id, in: project, by: try requireUser(), holding: token, note: note)
        return Self.answer(task)
    }

    /// Gives a dead task new attempts.
    func revive(
        _ id: CodexFlow.Task.ID, token: Int?, note: String? = nil, key: String? = nil
    ) async throws -> AgentAnswer {
        let task = try await once(key).reviveTask(
            id, in: project, by: try requireUser(), holding: token, note: note)
        return Self.answer(task)
    }

    private static func answer(_ task: CodexFlow.Task) -> AgentAnswer {
        AgentAnswer(json: ["task": .map(task.brief)], text: task.line)
    }

    // MARK: Plans

    /// The fields of a new task.
    struct Draft: Sendable {
        var title: String
        var id: CodexFlow.Task.ID?
        var body: String?
        var kind: CodexFlow.Task.Kind?
        var priority: CodexFlow.Task.Priority?
        var labels: [String] = []
        var skills: [String] = []
        var estimate: Int?
        var assignee: CodexFlow.User.ID?
        var parent: CodexFlow.Task.ID?
        /// The texts of the acceptance criteria, which get the identifiers 1, 2 and so on.
        var criteria: [String] = []
        /// The tasks that must be finished before.
        var blockers: [CodexFlow.Task.ID] = []
        /// Whether the task stays in the backlog, so that no worker gets it.
        var isInBacklog = false

        init(title: String) { self.title = title }
    }

    /// Creates a task in todo, or in the backlog, with its dependencies.
    ///
    /// All of it is one commit. So no worker gets the task before it waits for its blockers, and a
    /// refusal stores nothing.
    func add(_ draft: Draft, key: String? = nil) async throws -> AgentAnswer {
        let task = try await once(key).createTask(
            in: project, by: try requireUser(), id: draft.id, waitingFor: draft.blockers
        ) { task in
            draft.fill(&task)
            task.status = draft.isInBacklog ? .backlog : .todo
        }
        return Self.answer(task)
    }

    /// Adds a comment to a task.
    func comment(
        on id: CodexFlow.Task.ID, _ text: String, token: Int? = nil, key: String? = nil
    ) async throws -> AgentAnswer {
        let comment = try await once(key).addComment(
            on: id, in: project, by: try requireUser(), holding: token, text)
        return AgentAnswer(
            json: ["comment": .map(comment.agentJSON)],
            text: "commented \(Timestamp.text(comment.createdAt))")
    }

    /// Makes a task wait for another one.
    func block(
        _ id: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID, token: Int? = nil,
        key: String? = nil
    ) async throws -> AgentAnswer {
        let dependency = try await once(key).addDependency(
            of: id, on: blocker, in: project, by: try requireUser(), holding: token)
        return AgentAnswer(
            json: ["dependency": .map(dependency.agentJSON)], text: dependency.line)
    }

    /// Removes the dependency of a task on another one.
    func unblock(
        _ id: CodexFlow.Task.ID, from blocker: CodexFlow.Task.ID, token: Int? = nil,
        key: String? = nil
    ) async throws -> AgentAnswer {
        try await once(key).removeDependency(
            of: id, on: blocker, in: project, by: try requireUser(), holding: token)
        return AgentAnswer(
            json: ["dependency": .null], text: "does not wait for \(blocker)".printable())
    }

    // MARK: Actors and keys

    private func requireUser() throws(CodexError) -> CodexFlow.User.ID {
        guard let user else {
            throw CodexError(.invalidArgument, "A change needs a user. Name one with --as.")
        }
        return user
    }

    /// Makes a step before a command's own commit, unless the command with the key has happened.
    ///
    /// The commit of the step looks for that. A command that failed is not remembered: its steps
    /// are made again, and may have other arguments.
    private func prepare(
        _ key: String?, _ step: (CodexFlow.Workspace) async throws -> Void
    ) async throws {
        guard let key else { return try await step(workspace) }
        do {
            try await step(workspace.preceding(key))
        } catch CodexError.Code.conditionFailed {
            // The command's own commit gives its first result, or refuses other arguments.
        }
    }

    /// The workspace for one step of a command, which happens once if the command has a key.
    ///
    /// The step after the main one has a key of its own, which no given key equals. The main step
    /// compares the arguments of the others, too.
    private func once(
        _ key: String?, step: String? = nil, comparing arguments: AttributeMap = [:]
    ) throws(CodexError) -> CodexFlow.Workspace {
        guard let key else { return workspace }
        guard Self.keyByteCounts.contains(key.utf8.count),
            key.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw CodexError(
                .invalidArgument,
                "An idempotency key has \(Self.keyByteCounts.lowerBound) to "
                    + "\(Self.keyByteCounts.upperBound) bytes, and no control characters. Make a "
                    + "new random UUID for each command.")
        }
        return workspace.idempotent(
            step.map { "\(key)\u{1}\($0)" } ?? key, comparing: arguments)
    }
}

extension AgentLedger.Draft {
    /// Sets the fields of a new task.
    fileprivate func fill(_ task: inout CodexFlow.Task) {
        task.title = title
        task.body = body
        task.kind = kind
        task.priority = priority
        task.labels = labels
        task.skills = skills
        task.estimate = estimate
        task.assigneeID = assignee
        task.parentID = parent
        task.acceptanceCriteria = criteria.enumerated().map { index, text in
            CodexFlow.Task.Criterion(id: "\(index + 1)", text: text)
        }
    }
}

extension CodexFlow.Task {
    /// Records criteria that hold.
    fileprivate mutating func meet(_ criteria: Set<String>) throws(CodexError) {
        guard criteria.isSubset(of: acceptanceCriteria.map(\.id)) else {
            throw CodexError(.invalidArgument, "The task has no criterion with an identifier.")
        }
        for index in acceptanceCriteria.indices
        where criteria.contains(acceptanceCriteria[index].id) {
            acceptanceCriteria[index].isMet = true
        }
    }
}

extension CodexFlow.Dependency {
    /// The dependency as JSON.
    fileprivate var agentJSON: AttributeMap {
        [
            "task": taskID.attributeValue, "blocker": blockerID.attributeValue,
            "open": .bool(isOpen),
        ]
    }

    /// The dependency in one line.
    fileprivate var line: String {
        "\(isOpen ? "waits" : "waited") for \(blockerID)".printable()
    }
}

extension CodexFlow.Comment {
    /// The comment as JSON.
    fileprivate var agentJSON: AttributeMap {
        [
            "id": id.attributeValue, "author": authorID.attributeValue, "text": .string(text),
            "createdAt": createdAt.attributeValue,
        ]
    }

    /// The comment in lines.
    fileprivate var lines: [String] {
        [
            "", "\(authorID) \(Timestamp.text(createdAt)):".printable(),
            text.printable(keepsLines: true),
        ]
    }
}
