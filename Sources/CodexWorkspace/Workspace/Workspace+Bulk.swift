public import CodexCore

// Commands on many elements, for imports and for changes of whole plans. Each batch of elements is
// one commit: the decisions of the single command, one after the other. Each sees what the ones
// before it wrote (CumulativeReads.swift). So rules, numbers, history and events are those of the
// single commands.

extension CodexFlow.Workspace {
    /// Most elements of one commit of a bulk command.
    public static let batchCountMax = 500

    /// Creates many tasks, each as ``createTask(in:by:id:_:)`` does, in commits of `batchCount`
    /// tasks.
    ///
    /// ```swift
    /// try await workspace.createTasks(
    ///     from: rows, in: "engine", by: "ada", id: { try CodexFlow.Task.ID($0.id) }
    /// ) { row, task in
    ///     task.title = row.title
    ///     task.parentID = try row.parent.map { try CodexFlow.Task.ID($0) }
    /// }
    /// ```
    ///
    /// The tasks get their numbers in the order of the drafts. A task may be a part of one that
    /// comes before it. Each task has its own entry of history and its own events.
    ///
    /// If a draft is refused, nothing of its commit is stored, and the commits before it stay. The
    /// error has the draft's index (``CodexError/itemIndex``). So a caller continues with the
    /// drafts after the number that `progress` got last.
    ///
    /// - Parameters:
    ///   - drafts: The source of each task, of any type.
    ///   - project: The project.
    ///   - actor: The user who creates the tasks, and is their reporter.
    ///   - batchCount: The number of tasks of a commit, from 1 to ``batchCountMax``. A commit on a
    ///     remote table has room for about 20.
    ///   - progress: Called after each commit with the number of tasks that are stored.
    ///   - id: The identifier of the task of a draft; `nil` makes one.
    ///   - body: Sets the fields of a draft's task, as in the single command. It may run again.
    /// - Returns: The tasks, in the order of the drafts.
    /// - Throws: As ``createTask(in:by:id:_:)``, with the index of the draft; errors of `id` and
    ///   `body`; ``CodexError/Code/invalidArgument``; `CancellationError` between commits.
    @discardableResult
    public func createTasks<Draft: Sendable>(
        from drafts: [Draft], in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        batchCount: Int = 100, progress: (@Sendable (Int) -> Void)? = nil,
        id: @escaping @Sendable (Draft) throws -> CodexFlow.Task.ID? = { _ in nil },
        _ body: @escaping @Sendable (Draft, inout CodexFlow.Task) throws -> Void
    ) async throws -> [CodexFlow.Task] {
        let call = CommandCall("createTasks", ["project": project, "actor": actor])
        return try await commit(
            call, each: drafts, batchCount, progress,
            reading: { draft in
                let known = try? id(draft)
                let reads = KnownReads.creation(in: project, by: actor, id: known) { task in
                    try body(draft, &task)
                }
                return reads.and { if let known { _ = try $0.get(.task(known, in: project)) } }
            },
            describedBy: { draft in
                let known = try? id(draft)
                let new = CodexFlow.Task(
                    id: known ?? "new", projectID: project, title: "", status: .backlog)
                return CommandCall.effect(of: { try body(draft, &$0) }, on: new)
            }
        ) { context, draft in
            let known = try id(draft)
            // The backend would find a taken identifier too, but not know whose it is.
            if let known, let task = try context.get(.task(known, in: project)) {
                throw Self.taken(task)
            }
            return try context.createTask(in: project, by: actor, id: known) { task in
                try body(draft, &task)
            }
        }
    }

    /// Creates many PRDs, each as ``createPRD(in:title:content:by:id:isAIGenerated:_:)`` does, in
    /// commits of `batchCount` PRDs.
    ///
    /// - Parameters:
    ///   - drafts: The source of each PRD, of any type.
    ///   - project: The project.
    ///   - author: The user who writes them.
    ///   - batchCount: The number of PRDs of a commit, from 1 to ``batchCountMax``.
    ///   - progress: Called after each commit with the number of PRDs that are stored.
    ///   - id: The identifier of the PRD of a draft; `nil` makes one.
    ///   - body: Sets title, content, nonGoals, risks, openQuestions and isAIGenerated of a draft's
    ///     PRD. It may run again.
    /// - Returns: The first versions, in the order of the drafts.
    /// - Throws: As ``createPRD(in:title:content:by:id:isAIGenerated:_:)``, with the index of the
    ///   draft (``CodexError/itemIndex``); errors of `id` and `body`;
    ///   ``CodexError/Code/invalidArgument``; `CancellationError` between commits.
    @discardableResult
    public func createPRDs<Draft: Sendable>(
        from drafts: [Draft], in project: CodexFlow.Project.ID, by author: CodexFlow.User.ID,
        batchCount: Int = 100, progress: (@Sendable (Int) -> Void)? = nil,
        id: @escaping @Sendable (Draft) throws -> CodexFlow.PRD.ID? = { _ in nil },
        _ body: @escaping @Sendable (Draft, inout CodexFlow.PRD) throws -> Void
    ) async throws -> [CodexFlow.PRD] {
        let call = CommandCall("createPRDs", ["project": project, "author": author])
        return try await commit(
            call, each: drafts, batchCount, progress,
            reading: { draft in
                guard let known = try? id(draft) else { return .actor(author, in: project) }
                return .version(1, of: known, in: project, by: author)
            },
            describedBy: { draft in
                let known = try? id(draft)
                let new = CodexFlow.PRD(
                    id: known ?? "new", projectID: project, version: 1, title: "")
                return CommandCall.effect(of: { try body(draft, &$0) }, on: new)
            }
        ) { context, draft in
            let known = try id(draft)
            if let known, let prd = try context.get(.prd(known, version: 1, in: project)) {
                throw Self.taken(prd)
            }
            let empty = CodexFlow.PRD.Content(overview: "")
            return try context.createPRD(
                in: project, title: "", content: empty, by: author, id: known
            ) { prd in
                try body(draft, &prd)
            }
        }
    }

    /// Creates many users, each as ``createUser(email:name:id:role:state:timeZone:)`` does, in
    /// commits of `batchCount` users.
    ///
    /// - Parameters:
    ///   - users: The users with identifier, address, name, role, state and time zone. The services
    ///     set their times.
    ///   - batchCount: The number of users of a commit, from 1 to ``batchCountMax``.
    ///   - progress: Called after each commit with the number of users that are stored.
    /// - Returns: The users, in their order.
    /// - Throws: As ``createUser(email:name:id:role:state:timeZone:)``, with the index of the user
    ///   (``CodexError/itemIndex``); ``CodexError/Code/invalidArgument``; `CancellationError`
    ///   between commits.
    @discardableResult
    public func createUsers(
        _ users: [CodexFlow.User], batchCount: Int = 100,
        progress: (@Sendable (Int) -> Void)? = nil
    ) async throws -> [CodexFlow.User] {
        let administrator = administratorID
        let call = CommandCall("createUsers", ["administrator": administrator])
        return try await commit(
            call, each: users, batchCount, progress,
            reading: { .newUser($0.id, email: $0.email, by: administrator) },
            describedBy: { CommandCall.effect(of: { _ in }, on: $0) }
        ) { context, user in
            if let found = try context.get(.user(user.id)) { throw Self.taken(found) }
            return try context.createUser(
                email: user.email, name: user.name, id: user.id, role: user.role ?? .member,
                state: user.state ?? .active, timeZone: user.timeZone, by: administrator)
        }
    }

    /// Moves many tasks to another status, each as
    /// ``moveTask(_:in:to:by:holding:overriding:note:)`` does, in commits of `batchCount` tasks.
    ///
    /// The tasks are moved in their order: put parts before the tasks that they belong to, and
    /// blockers before the tasks that wait for them.
    ///
    /// - Parameters:
    ///   - tasks: The tasks.
    ///   - project: Their project.
    ///   - status: The new status.
    ///   - actor: The user who moves them.
    ///   - reason: The reason for starting blocked tasks, or for completing tasks with unmet
    ///     criteria; `nil` enforces these rules.
    ///   - note: A note for the history of each task; `nil` is the reason, if there is one.
    ///   - batchCount: The number of tasks of a commit, from 1 to ``batchCountMax``.
    ///   - progress: Called after each commit with the number of tasks that are moved.
    /// - Returns: The changed tasks, in their order.
    /// - Throws: As ``moveTask(_:in:to:by:holding:overriding:note:)``, with the index of the task
    ///   (``CodexError/itemIndex``); ``CodexError/Code/invalidArgument``; `CancellationError`
    ///   between commits.
    @discardableResult
    public func moveTasks(
        _ tasks: [CodexFlow.Task.ID], in project: CodexFlow.Project.ID,
        to status: CodexFlow.Task.Status, by actor: CodexFlow.User.ID,
        overriding reason: String? = nil, note: String? = nil, batchCount: Int = 100,
        progress: (@Sendable (Int) -> Void)? = nil
    ) async throws -> [CodexFlow.Task] {
        let call = CommandCall(
            "moveTasks",
            [
                "project": project, "actor": actor, "to": status.rawValue, "reason": reason,
                "note": note,
            ])
        return try await commit(
            call, each: tasks, batchCount, progress,
            reading: { .move(of: $0, in: project, to: status, by: actor) },
            describedBy: \.attributeValue
        ) { context, task in
            try context.moveTask(
                task, in: project, to: status, by: actor, holding: nil, overriding: reason,
                note: note)
        }
    }

    /// Adds many dependencies, each as ``addDependency(of:on:in:by:holding:)`` does, in commits of
    /// `batchCount` dependencies.
    ///
    /// - Parameters:
    ///   - dependencies: The tasks that wait, with the tasks that they wait for.
    ///   - project: The project of all these tasks.
    ///   - actor: The user who adds them.
    ///   - batchCount: The number of dependencies of a commit, from 1 to ``batchCountMax``.
    ///   - progress: Called after each commit with the number of dependencies that are stored.
    /// - Returns: The dependencies, in their order.
    /// - Throws: As ``addDependency(of:on:in:by:holding:)``, with the index of the dependency
    ///   (``CodexError/itemIndex``); ``CodexError/Code/invalidArgument``; `CancellationError`
    ///   between commits.
    @discardableResult
    public func addDependencies(
        _ dependencies: [(task: CodexFlow.Task.ID, blocker: CodexFlow.Task.ID)],
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, batchCount: Int = 100,
        progress: (@Sendable (Int) -> Void)? = nil
    ) async throws -> [CodexFlow.Dependency] {
        let call = CommandCall("addDependencies", ["project": project, "actor": actor])
        return try await commit(
            call, each: dependencies, batchCount, progress,
            reading: { .linking($0.task, on: $0.blocker, in: project, by: actor) },
            describedBy: { [$0.task, $0.blocker].attributeValue }
        ) { context, dependency in
            try context.addDependency(
                of: dependency.task, on: dependency.blocker, in: project, by: actor)
        }
    }

    /// Makes many users members, each as ``addMember(_:to:as:by:)`` does, in commits of
    /// `batchCount` members.
    ///
    /// - Parameters:
    ///   - members: The users with their roles.
    ///   - project: The project.
    ///   - actor: The user who adds them.
    ///   - batchCount: The number of members of a commit, from 1 to ``batchCountMax``.
    ///   - progress: Called after each commit with the number of members that are stored.
    /// - Returns: The memberships, in their order.
    /// - Throws: As ``addMember(_:to:as:by:)``, with the index of the member
    ///   (``CodexError/itemIndex``); ``CodexError/Code/invalidArgument``; `CancellationError`
    ///   between commits.
    @discardableResult
    public func addMembers(
        _ members: [(user: CodexFlow.User.ID, role: CodexFlow.Member.Role)],
        to project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, batchCount: Int = 100,
        progress: (@Sendable (Int) -> Void)? = nil
    ) async throws -> [CodexFlow.Member] {
        let call = CommandCall("addMembers", ["project": project, "actor": actor])
        return try await commit(
            call, each: members, batchCount, progress,
            reading: { .addition(of: $0.user, to: project, by: actor) },
            describedBy: { [$0.user.rawValue, $0.role.rawValue].attributeValue }
        ) { context, member in
            let added = try context.addMember(
                member.user, to: project, as: member.role, by: actor)
            guard let added else {
                throw CodexError(
                    .transactionTooLarge,
                    "The user has many claims of an earlier membership. Add the user with "
                        + "addMember, which ends them first.")
            }
            return added
        }
    }

    /// Creates a task that waits for others, with its dependencies, in one commit.
    ///
    /// It does what ``createTask(in:by:id:_:)`` does, and then for each blocker what
    /// ``addDependency(of:on:in:by:holding:)`` does. So no worker meets the task without its
    /// dependencies, and if one of them is refused, nothing is stored.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: The user who creates it.
    ///   - id: The identifier; `nil` makes one.
    ///   - blockers: The tasks that must be finished before. One that is named twice counts once.
    ///   - body: Sets the fields of the task, as in ``createTask(in:by:id:_:)``.
    /// - Returns: The task.
    /// - Throws: As ``createTask(in:by:id:_:)`` and ``addDependency(of:on:in:by:holding:)``; on a
    ///   remote table, ``CodexError/Code/transactionTooLarge`` for more than
    ///   ``CodexFlow/Limits/remoteBlockerCountMax`` blockers.
    @discardableResult
    public func createTask(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        id: CodexFlow.Task.ID? = nil, waitingFor blockers: [CodexFlow.Task.ID],
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) async throws -> CodexFlow.Task {
        let once = try use(for: {
            CommandCall(
                "createTask",
                [
                    "project": project, "actor": actor, "id": id, "blockers": blockers,
                    "body": CommandCall.effect(
                        of: body,
                        on: CodexFlow.Task(
                            id: id ?? "new", projectID: project, title: "", status: .backlog)),
                ])
        })
        var seen: Set<CodexFlow.Task.ID> = []
        let unique = blockers.filter { seen.insert($0).inserted }
        let known = KnownReads.creation(
            in: project, by: actor, id: id, waitingFor: unique, body)
        return try await commitSteps(unique.count + 2, once, reading: [known]) { steps in
            let created = try steps.run(0) { context in
                try context.requireRemoteRoom(
                    unique.count, of: "tasks that a new task waits for",
                    upTo: CodexFlow.Limits.remoteBlockerCountMax,
                    "Create the task in the backlog with some of them, and add the others with "
                        + "addDependency.")
                return try context.createTask(in: project, by: actor, id: id, body)
            }
            for (number, blocker) in unique.enumerated() {
                _ = try steps.run(number + 1) {
                    try $0.addDependency(of: created.id, on: blocker, in: project, by: actor)
                }
            }
            return try steps.run(unique.count + 1) {
                try $0.find(.task(created.id, in: project))
            }
        }
    }

    private static func taken<E: Entity>(_ entity: E) -> CodexError {
        CodexError(
            .conditionFailed, "There is a \(E.definition.name) with this identifier already.",
            currentItem: try? entity.item())
    }

    // MARK: Commits

    /// Throws unless a commit may have a number of elements.
    static func requireBatchCount(_ batchCount: Int) throws {
        guard (1...batchCountMax).contains(batchCount) else {
            throw CodexError(
                .invalidArgument,
                "A commit of a bulk command has 1 to \(batchCountMax) elements.")
        }
    }

    /// Runs a decision for each task of a project, in commits of up to `batchCount` tasks.
    ///
    /// Tasks that cannot be read, or of which the decision reads such an item, are passed over:
    /// they must not end the work on the others.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: An admin of the project; `nil` if the decision needs no actor.
    ///   - batchCount: The number of tasks of a commit.
    ///   - onFailure: Gets the error of each item that is passed over, with its key.
    ///   - known: What the decisions for some tasks are known to read.
    ///   - decide: The decision, which reads before it writes.
    /// - Returns: What the decisions did, in all.
    /// - Throws: The errors of reading and of ``commit(_:)``; `CancellationError` between commits.
    func commitTasks(
        of project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID? = nil, _ batchCount: Int,
        _ onFailure: (@Sendable (CodexError) -> Void)?,
        reading known: @escaping @Sendable ([CodexFlow.Task.ID]) -> KnownReads,
        _ decide:
            @escaping @Sendable (CodexFlow.DecisionContext, CodexFlow.Task.ID, inout TaskBatch)
            throws -> Void
    ) async throws -> TaskBatch {
        var (whole, token): (TaskBatch, PageToken?) = (TaskBatch(), nil)
        repeat {
            try _Concurrency.Task.checkCancellation()
            let page: Page<CodexFlow.Task> = try await backend.query(
                .tasks(in: project), limit: batchCount, after: token,
                onFailure: { onFailure?($0) })
            let batch = try await commitPart(
                page.items.map(\.id), of: project, by: actor, reading: known, decide)
            for failure in batch.failures { onFailure?(failure) }
            whole.count += batch.count
            whole.found += batch.found
            token = page.next
        } while token != nil
        return whole
    }

    /// Runs a decision for each of some tasks, in one commit.
    ///
    /// If a transaction on a remote table has no room for it, each half of the tasks has a commit
    /// of its own. The decision on a single task always fits.
    private func commitPart(
        _ tasks: [CodexFlow.Task.ID], of project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID?,
        reading known: @escaping @Sendable ([CodexFlow.Task.ID]) -> KnownReads,
        _ decide:
            @escaping @Sendable (CodexFlow.DecisionContext, CodexFlow.Task.ID, inout TaskBatch)
            throws -> Void
    ) async throws -> TaskBatch {
        var reads = known(tasks)
        if let actor {
            let taskReads = reads
            reads = KnownReads.actor(actor, in: project).with(taskReads.read)
        }
        do {
            return try await commit(reading: reads) { context -> TaskBatch in
                let whole = try actor.map { try context.project(project, for: $0, as: .admin) }
                var batch = TaskBatch(project: whole)
                for id in tasks {
                    do {
                        try decide(context, id, &batch)
                    } catch let error as CodexError where error.isOfUnreadableItem {
                        batch.failures.append(
                            error.inItem(
                                key: PrimaryKey(
                                    .string("PROJECT#\(project)"), .string("TASK#\(id)"))))
                    }
                }
                return batch
            }
        } catch let error as CodexError
            where error.code == .transactionTooLarge && tasks.count > 1
        {
            try _Concurrency.Task.checkCancellation()
            let (first, second) = (tasks[..<(tasks.count / 2)], tasks[(tasks.count / 2)...])
            var batch = try await commitPart(
                Array(first), of: project, by: actor, reading: known, decide)
            batch.add(
                try await commitPart(
                    Array(second), of: project, by: actor, reading: known, decide))
            return batch
        }
    }

    /// Runs a decision for each element, in commits of `batchCount` elements.
    ///
    /// With an idempotency key, each commit is remembered by the arguments of the call and by its
    /// elements, as `describe` describes them.
    private func commit<Element: Sendable, Outcome: CommandOutcome>(
        _ call: CommandCall, each elements: [Element], _ batchCount: Int,
        _ progress: (@Sendable (Int) -> Void)?,
        reading known: (Element) -> KnownReads,
        describedBy describe: @escaping @Sendable (Element) -> AttributeValue,
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext, Element) throws -> Outcome
    ) async throws -> [Outcome] {
        let uses = try uses(of: call, for: elements, batchCount, describe)
        let reads = elements.map(known)
        let decideAt: @Sendable (CodexFlow.DecisionContext, Int) throws -> Outcome = {
            try decide($0, elements[$1])
        }
        return try await commit(reads, batchCount, uses, progress, decideAt)
    }

    /// The use of the key for each batch; none if the workspace has no key.
    private func uses<Element>(
        of call: CommandCall, for elements: [Element], _ batchCount: Int,
        _ describe: (Element) -> AttributeValue
    ) throws -> [CommandUse?] {
        try Self.requireBatchCount(batchCount)
        guard idempotencyKey != nil else { return [] }
        return try stride(from: 0, to: elements.count, by: batchCount).map { start in
            let batch = elements[start..<min(elements.count, start + batchCount)]
            return try use(
                for: { call.with(batch.map(describe)) }, part: start == 0 ? nil : start)
        }
    }

    /// Runs a decision for each number of an element, in commits of `batchCount` elements.
    ///
    /// The release build of Swift 6.3 crashes if a generic function with a loop of commits also
    /// describes the elements. So this one knows numbers, and what the decision for each element is
    /// known to read.
    private func commit<Outcome: CommandOutcome>(
        _ known: [KnownReads], _ batchCount: Int, _ uses: [CommandUse?],
        _ progress: (@Sendable (Int) -> Void)?,
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext, Int) throws -> Outcome
    ) async throws -> [Outcome] {
        let count = known.count
        var outcomes: [Outcome] = []
        for (number, start) in stride(from: 0, to: count, by: batchCount).enumerated() {
            try _Concurrency.Task.checkCancellation()
            let once = uses.isEmpty ? nil : uses[number]
            let batch = start..<min(count, start + batchCount)
            outcomes += try await commit(batch, once, Array(known[batch]), decide)
            progress?(outcomes.count)
        }
        return outcomes
    }

    /// Runs a decision for each number of a batch, in one commit.
    private func commit<Outcome: CommandOutcome>(
        _ batch: Range<Int>, _ once: CommandUse?, _ known: [KnownReads],
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext, Int) throws -> Outcome
    ) async throws -> [Outcome] {
        do {
            return try await commitSteps(batch.count, once, reading: known) { steps in
                var outcomes: [Outcome] = []
                for (step, number) in batch.enumerated() {
                    do {
                        outcomes.append(try steps.run(step) { try decide($0, number) })
                    } catch let error as CodexError {
                        throw error.inItem(number)
                    }
                }
                return outcomes
            }
        } catch let error as CodexError where error.code == .transactionTooLarge {
            throw error.adding("A smaller batchCount makes smaller transactions.")
        }
    }

    /// Runs steps as one commit, at most once if there is a key.
    ///
    /// - Parameters:
    ///   - count: Most steps that the commit has.
    ///   - once: The use of the key; `nil` if there is none.
    ///   - known: What the first steps, or all of them, are known to read.
    ///   - decide: Runs the steps.
    /// - Returns: The outcome, or that of the first commit with the key.
    /// - Throws: The errors of `decide` and of writing, and those of the key.
    private func commitSteps<Outcome: CommandOutcome>(
        _ count: Int, _ once: CommandUse?, reading known: [KnownReads],
        _ decide: @escaping @Sendable (CommitSteps) throws -> Outcome
    ) async throws -> Outcome {
        let (settings, precededKey) = (settings, precededKey)
        let issued = (0..<count).map { _ in IssuedIdentifiers() }
        var known = known
        if let once, !known.isEmpty { known[0] = known[0].and { try once.readRecord($0) } }
        let hint = hint(known, issued)
        return try await backend.commit(reading: hint) { reader in
            let whole = CodexFlow.DecisionContext(reader, settings, IssuedIdentifiers())
            try CommandUse.requireUnused(precededKey, in: whole)
            if let known = try once?.known(in: whole, as: Outcome.self) {
                return CodexFlow.Decision(known, [])
            }
            let reads = CumulativeReads(reader, CodexFlow.schema)
            let steps = CommitSteps(reads, settings, issued)
            let outcome = try decide(steps)
            try once?.remember(outcome, in: whole)
            return CodexFlow.Decision(outcome, reads.writes + whole.writes, later: steps.later)
        }
    }
}

/// The steps of one commit: each is a decision that sees what the ones before it wrote.
private final class CommitSteps {
    private let reads: CumulativeReads
    private let settings: CodexFlow.DecisionContext.Settings
    /// The identifiers of each step, which stay the same when the commit is decided again.
    private let issued: [IssuedIdentifiers]
    /// What further commits do after this one.
    private(set) var later: [CodexFlow.LaterDecision] = []

    init(
        _ reads: CumulativeReads, _ settings: CodexFlow.DecisionContext.Settings,
        _ issued: [IssuedIdentifiers]
    ) {
        (self.reads, self.settings, self.issued) = (reads, settings, issued)
    }

    /// Runs the decision of a step, and keeps its writes and what follows them.
    func run<Outcome>(
        _ step: Int, _ decide: (CodexFlow.DecisionContext) throws -> Outcome
    ) throws -> Outcome {
        let context = CodexFlow.DecisionContext(reads, settings, issued[step])
        let outcome = try decide(context)
        try reads.add(context.writes)
        later += context.later
        return outcome
    }
}

/// What a commit did about some tasks of a project.
struct TaskBatch: Sendable {
    /// The project; `nil` if the commit has no actor, and so does not read it.
    var project: CodexFlow.Project?
    /// The number of changes.
    var count = 0
    /// The tasks that were looked for.
    var found: [CodexFlow.Task.ID] = []
    /// The errors of the items that were passed over.
    var failures: [CodexError] = []

    /// Adds what another commit did.
    mutating func add(_ other: Self) {
        count += other.count
        found += other.found
        failures += other.failures
    }
}
