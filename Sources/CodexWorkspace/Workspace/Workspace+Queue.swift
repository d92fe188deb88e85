public import CodexCore
internal import FoundationEssentials

// The queue of a project: workers take its tasks in the order of priority, rank and age
// (Task+Queue.swift has its ranges).

extension CodexFlow.Workspace {
    /// Most tasks that ``claimNext(in:by:matching:lease:)`` examines for a filter.
    public static let examinedCountMax = 100
    /// Most commits of one `claimNext`: if a commit finds only damaged tasks, and tasks that it
    /// marks as blocked, the next one looks further.
    private static let claimCommitCountMax = 20

    /// Claims the first task of a project's queue, in one commit.
    ///
    /// A task is in the queue if its status is todo or inProgress, it is not archived, it waits for
    /// no open task, it has no claim, and its attempts are not used up. A task waits for its
    /// blockers, and a whole for its parts. A worker gets the first task that is unassigned or the
    /// worker's own. The order is by priority, then by rank, then by age. Tasks without a rank come
    /// after those with one.
    ///
    /// The same commit takes up a few tasks whose claims ended, whose time has come, or whose
    /// blockers were finished. A commit that finds only tasks that turn out to be blocked says so
    /// to the queue, and further commits look on. On a remote table, the queue is only a hint: the
    /// worker gets one of the first four tasks, and the write has the condition that the task is
    /// unchanged. While claims of the project meet each other, the four grow up to 128.
    ///
    /// Tasks that cannot be read or changed, since they were stored without the services, are
    /// passed over. So are tasks with a dependency, a blocker or a last token that cannot be read,
    /// and tasks whose items have no room for a claim. An answer of `nil` is not remembered under
    /// an idempotency key.
    ///
    /// The attempt of a claim that ended by time failed. But it is taken back if the holder may
    /// work in the project no longer: the commit that should have released the claim was
    /// interrupted. If a commit finds nothing else to do, it also ends such claims before the end
    /// of their leases: it looks at the few that end first.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: The user who claims it.
    ///   - filter: The tasks that the worker takes.
    ///   - lease: The time of the claim, a second to a day; after it the task is free.
    /// - Returns: The task with the claim; `nil` if none of the first ``examinedCountMax`` ready
    ///   tasks is one for the worker.
    /// - Throws: ``CodexFlow/Rule/taskClaim`` for the lease, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound`` for the project;
    ///   ``CodexError/Code/migrationPending`` or ``CodexError/Code/indexNotReady`` if the queue
    ///   cannot be read yet; with an idempotency key, as ``idempotent(_:)``; `CancellationError`
    ///   between commits, and the errors of writing.
    /// - Complexity: Independent of the number of tasks.
    public func claimNext(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        matching filter: CodexFlow.TaskFilter = CodexFlow.TaskFilter(), lease: Duration
    ) async throws -> CodexFlow.Task? {
        let call = CommandCall(
            "claimNext",
            [
                "project": project, "actor": actor, "filter": filter.arguments,
                "lease": lease.seconds,
            ])
        var passed: Set<CodexFlow.Task.ID> = []
        for _ in 0..<Self.claimCommitCountMax {
            try _Concurrency.Task.checkCancellation()
            // What found nothing may find something when it is sent again.
            let outcome = try await run(
                call,
                reading: .nextClaim(in: project, by: actor, matching: filter, passing: passed),
                isComplete: { (outcome: NextClaim) in outcome.task != nil }
            ) { [passed] context in
                try context.claimNext(
                    in: project, by: actor, matching: filter, lease: lease, passing: passed)
            }
            if outcome.task != nil || !outcome.hasMore { return outcome.task }
            passed = outcome.passed
        }
        return nil
    }

    /// Gives a claimed task back to the queue, since the attempt failed.
    ///
    /// The last attempt makes the task dead (``CodexFlow/Task/isDead``): it stays open, and no
    /// worker gets it until ``reviveTask(_:in:by:holding:note:)``. Each claim is an attempt, also
    /// one that ended by time. ``releaseTask(_:in:by:holding:note:)`` gives a task back without a
    /// failure, and takes its attempt back.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who holds it.
    ///   - token: The claim's token.
    ///   - delay: The time until the next attempt; `nil` is none. A later
    ///     ``CodexFlow/Task/notBefore`` of the task stays.
    ///   - note: The reason, for the history.
    /// - Returns: The changed task.
    /// - Throws: ``CodexFlow/Rule/taskNotHeld``, ``CodexFlow/Rule/note``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func failTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int, retryAfter delay: Duration? = nil, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "failTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token,
                    "delay": delay?.seconds, "note": note,
                ]),
            reading: .task(id, in: project, by: actor)
        ) { context in
            var change = try context.change(id, in: project, by: actor, holding: token)
            change.task.claim = nil
            change.task.endAttempt(at: context.now)
            if let delay, !change.task.isDead {
                let start = context.end(of: max(delay, .zero))
                change.task.notBefore = max(start, change.old.notBefore ?? start)
            }
            return try context.replaceTask(change, .failed, note: note)
        }
    }

    /// Moves a task to another status if it has a given one; otherwise, it stays as it is.
    ///
    /// The commit itself looks at the status. So a program that goes on after an interruption, to
    /// start a task that it claimed for example, does not undo what others did meanwhile.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - known: The status from which the task is moved.
    ///   - status: The new status.
    ///   - actor: The user who moves it.
    ///   - token: The token of the actor's claim, which must not have ended; `nil` is no holder.
    ///   - note: A note for the history.
    /// - Returns: The task.
    /// - Throws: As ``moveTask(_:in:to:by:holding:overriding:note:)``.
    @discardableResult
    public func moveTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        from known: CodexFlow.Task.Status, to status: CodexFlow.Task.Status,
        by actor: CodexFlow.User.ID, holding token: Int? = nil, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "moveTask",
                [
                    "task": id, "project": project, "actor": actor, "from": known.rawValue,
                    "to": status.rawValue, "holding": token, "note": note,
                ]),
            reading: .move(of: id, in: project, to: status, by: actor)
        ) { context in
            let task = try context.change(id, in: project, by: actor, holding: token).old
            guard task.status ?? .backlog == known else { return task }
            return try context.moveTask(
                id, in: project, to: status, by: actor, holding: token, overriding: nil,
                note: note)
        }
    }

    /// Gives a dead task new attempts; another task stays as it is.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who revives it.
    ///   - token: The token of the actor's claim, which must not have ended; `nil` is no holder.
    ///   - note: A note for the history.
    /// - Returns: The task.
    /// - Throws: ``CodexFlow/Rule/taskClaimed``, ``CodexFlow/Rule/taskNotHeld``,
    ///   ``CodexFlow/Rule/taskArchived``, ``CodexFlow/Rule/note``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func reviveTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "reviveTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token, "note": note,
                ]),
            reading: .task(id, in: project, by: actor)
        ) { context in
            var change = try context.change(id, in: project, by: actor, holding: token)
            // The last attempt may have ended by time, and nothing has met its end yet.
            var present = change.old
            try context.endExpiredClaim(of: &present, change)
            guard present.isDead else { return change.old }
            try context.requireUnclaimed(change)
            (change.task.diedAt, change.task.attempts) = (nil, nil)
            return try context.replaceTask(change, .revived, note: note)
        }
    }

    /// Repairs what the queue of a project knows of blockers and parts, by reading all of them.
    ///
    /// The commands maintain it. A program that changed statuses, dependencies or parents without
    /// the services calls this afterwards, and a program whose store comes from an earlier release
    /// calls it after the migration of tasks. ``verifyQueue(of:onFailure:)`` lists what it would
    /// change.
    ///
    /// It also removes a task's ``CodexFlow/Task/notBefore`` if a failed attempt set it by a clock
    /// that was more than two days ahead. The history tells that. Far times that users set stay.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: An admin of the project.
    ///   - batchCount: The number of tasks of a commit, from 1 to ``batchCountMax``. On a remote
    ///     table, a commit that has no room for so many is divided.
    ///   - onFailure: Gets the error of each item that the repair passes over, with its key: a
    ///     task, dependency or blocker that cannot be read, or an item without room for the change.
    ///     A task that depends on such an item stays as it is. An item that several tasks depend on
    ///     is passed over for each of them.
    /// - Returns: The number of changed tasks and dependencies.
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/invalidArgument``;
    ///   `CancellationError` between commits.
    /// - Complexity: Reads the project's tasks and dependencies.
    @discardableResult
    public func repairQueue(
        of project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, batchCount: Int = 100,
        onFailure: (@Sendable (CodexError) -> Void)? = nil
    ) async throws -> Int {
        try Self.requireBatchCount(batchCount)
        let whole = try await commitTasks(
            of: project, by: actor, batchCount, onFailure,
            reading: { .obstacles(of: $0, in: project) }
        ) { context, task, batch in
            try context.repairBlockers(of: task, in: project, &batch)
        }
        return whole.count
    }

    /// The tasks of a project of which the queue has something else than their blockers and parts
    /// say, in the order of their identifiers.
    ///
    /// The mark of a blocked task depends on other items, so a store's `verify()` cannot recompute
    /// it: raw writes of statuses, dependencies and parents leave it as it was. This reads blockers
    /// and parts themselves. A wrong mark costs time only: a blocked task is never given, and
    /// ``repairQueue(of:by:batchCount:onFailure:)`` brings back a task that waits for nothing.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - onFailure: Gets the error of each item that cannot be read, with its key. The check
    ///     passes over the tasks that depend on it.
    /// - Returns: The tasks that ``repairQueue(of:by:batchCount:onFailure:)`` would correct.
    /// - Throws: The errors of reading; `CancellationError` between its reads of 100 tasks.
    /// - Complexity: Reads the project's tasks and dependencies.
    public func verifyQueue(
        of project: CodexFlow.Project.ID, onFailure: (@Sendable (CodexError) -> Void)? = nil
    ) async throws -> [CodexFlow.Task.ID] {
        let whole = try await commitTasks(
            of: project, 100, onFailure, reading: { .obstacles(of: $0, in: project) }
        ) { context, task, batch in
            if try !context.hasSoundPlace(task, in: project) { batch.found.append(task) }
        }
        return whole.found
    }
}
