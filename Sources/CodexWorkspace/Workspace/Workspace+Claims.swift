public import CodexCore
internal import FoundationEssentials

extension CodexFlow.Workspace {
    /// Claims a task for a time, so that no other worker works on it.
    ///
    /// Of any number of workers that try, exactly one gets the task. The claim has a token
    /// (``CodexFlow/Task/Claim/token``), which the worker gives to each of its commands
    /// (`holding:`). Two workers with one account are two holders: only one of them has the token.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who claims it.
    ///   - lease: The time of the claim, a second to a day; after it the task is free.
    ///   - obstacles: The obstacles that the worker knows of, and that do not refuse the claim.
    ///     They stay: when the claim ends, a dead task is dead, and an early one waits.
    /// - Returns: The task with the claim.
    /// - Throws: ``CodexFlow/Rule/taskClaimed`` if another worker holds it,
    ///   ``CodexFlow/Rule/taskClaim``, ``CodexFlow/Rule/taskBlocked``,
    ///   ``CodexFlow/Rule/taskAssigned``, ``CodexFlow/Rule/taskEarly``,
    ///   ``CodexFlow/Rule/taskDead``, ``CodexFlow/Rule/taskArchived``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func claimTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        lease: Duration, despite obstacles: Set<CodexFlow.Task.ClaimObstacle> = []
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "claimTask",
                [
                    "task": id, "project": project, "actor": actor, "lease": lease.seconds,
                    "despite": obstacles.map(\.rawValue).sorted(),
                ]),
            reading: .claim(of: id, in: project, by: actor, despite: obstacles)
        ) { context in
            let change = try context.change(id, in: project, by: actor)
            try context.requireUnclaimed(change, orAdmin: false)
            try context.requireLease(lease, of: change.old)
            try context.requireNoObstacle(change, but: obstacles)
            return try context.claim(change, lease)
        }
    }

    /// Sets a new end of a claim, counted from now.
    ///
    /// A claim that a clock which was wrong made more than two days ahead holds nothing. Its
    /// renewal ends it, with the event `TaskClaimExpired`, and then throws
    /// ``CodexFlow/Rule/taskClaimEnded``.
    ///
    /// A renewal is silent: it has no entry of history and no event, and keeps the task's
    /// ``CodexFlow/Task/updatedAt``. It needs no idempotency key, since it may be sent again: a
    /// repetition with a key gives the first result, and does not renew.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who holds it.
    ///   - token: The claim's token.
    ///   - lease: The time of the claim from now on, a second to a day.
    /// - Returns: The claim with its new end.
    /// - Throws: ``CodexFlow/Rule/taskClaimEnded`` if the claim ended before;
    ///   ``CodexFlow/Rule/taskNotHeld`` if the actor did not have a claim with the token;
    ///   ``CodexFlow/Rule/taskClaim``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``, and the errors of writing.
    @discardableResult
    public func renewClaim(
        of id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int, lease: Duration
    ) async throws -> CodexFlow.Task.Claim {
        let outcome = try await run(
            CommandCall(
                "renewClaim",
                [
                    "task": id, "project": project, "actor": actor, "holding": token,
                    "lease": lease.seconds,
                ]),
            reading: .taskAlone(id, in: project, by: actor),
            isComplete: { (outcome: Renewal) in outcome.claim != nil }
        ) { context in
            let change = try context.change(id, in: project, by: actor, mayBeArchived: true)
            return try context.renew(change, token, lease)
        }
        guard let claim = outcome.claim else { throw outcome.refusal ?? Renewal.damaged }
        return claim
    }

    /// Releases a claim before its end; a task without a claim stays as it is.
    ///
    /// The holder gives the token. Without a token, admins release each claim, and the assignee
    /// releases a claim of another user.
    ///
    /// - Throws: ``CodexFlow/Rule/taskNotHeld``; ``CodexFlow/Rule/taskClaimed`` if another worker
    ///   holds it; ``CodexFlow/Rule/note``, ``CodexFlow/Rule/taskArchived``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func releaseTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "releaseTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token, "note": note,
                ]),
            reading: .task(id, in: project, by: actor)
        ) { context in
            var change = try context.change(id, in: project, by: actor, holding: token)
            try context.requireUnclaimed(change, orAssignee: true)
            let hasExpired = change.old.holder(at: context.now) == nil
            if hasExpired {
                var task = change.task
                try context.endExpiredClaim(of: &task, change)
                change.task = task
            } else {
                change.task.release(at: context.now)
            }
            return try context.replaceTask(
                change, hasExpired ? .claimExpired : .released, note: note)
        }
    }

    // MARK: Expired claims

    /// The tasks of a project whose claims ended by time and that no command has changed since,
    /// earliest end first.
    ///
    /// Claims whose end is more than two days away are among them: a clock that was wrong made
    /// them, and they hold nothing.
    ///
    /// - Throws: The errors of reading.
    public func expiredClaims(
        in project: CodexFlow.Project.ID
    ) async throws -> [CodexFlow.Task] {
        let now = settings.clock().bounded
        let ended = try await all(.tasks(in: project, claimEndingBy: now))
        return try await ended + all(.tasks(in: project, claimInvalidAt: now))
    }

    /// Removes claims of a project that ended by time; each has the event `TaskClaimExpired`.
    ///
    /// Expired claims hold nothing, also without this command. A program that waits for the events
    /// calls it from time to time. Other commands that change such a task remove the claim too, so
    /// each claim has the event once.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - limit: The highest number of claims. On a store in this process, all of them are one
    ///     commit. A commit on a remote table removes 12 at most, and further commits the rest.
    /// - Returns: The number of removed claims. If it is `limit`, there may be more.
    /// - Throws: ``CodexError/Code/notFound``, the errors of reading and writing;
    ///   `CancellationError` between commits.
    @discardableResult
    public func expireClaims(
        in project: CodexFlow.Project.ID, limit: Int = 100
    ) async throws -> Int {
        var count = 0
        while true {
            let left = limit - count
            let remoteBound = min(left, CodexFlow.DecisionContext.endedClaimCountMax)
            let (ended, bound) = try await commit(
                reading: .expiry(in: project, limit: remoteBound)
            ) { context in
                let bound = context.isRemote ? remoteBound : left
                return (try context.expireClaims(in: project, limit: bound), bound)
            }
            count += ended
            guard ended == bound, count < limit else { return count }
            try _Concurrency.Task.checkCancellation()
        }
    }

    /// Ends the claims of a user who may no longer work, in commits that fit on a remote table.
    ///
    /// The claims hold nothing from the moment of the user's removal. This makes it visible. If the
    /// index of claims cannot be read yet, since the store comes from an earlier release, the
    /// claims stay until their leases end. The commands that give a user the right to work back end
    /// them in their own commit (``CodexFlow/DecisionContext/endLeftoverClaims(of:in:)``).
    func endClaims(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID? = nil
    ) async throws {
        do {
            var projects = project.map { [$0] } ?? []
            if project == nil {
                projects = try await decided(reading: .firstClaim(of: user)) {
                    try $0.projectsOfClaims(of: user)
                }
            }
            // Each project has commits of its own, so claims that stay do not hide those of others.
            for id in projects {
                var count = 0
                repeat {
                    count = try await decided(reading: .leftClaims(of: user, in: id)) {
                        try $0.endClaims(of: user, in: id)
                    }
                    if count > 0 { try _Concurrency.Task.checkCancellation() }
                } while count > 0
            }
        } catch let error as CodexError
            where error.code == .migrationPending || error.code == .indexNotReady
        {
            return
        }
    }
}
