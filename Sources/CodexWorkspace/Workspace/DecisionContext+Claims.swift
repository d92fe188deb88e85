internal import CodexCore
internal import FoundationEssentials

extension CodexFlow.DecisionContext {
    // MARK: Rules of claims

    /// Throws unless the actor holds the task with the command's token, if it has one.
    func requireHeld(_ change: CodexFlow.TaskChange) throws {
        guard let token = change.token else { return }
        let claim = change.old.claim
        let isHeld =
            claim?.token == token && claim?.holder == change.actor
            && claim?.isHeld(at: now) == true
        try CodexFlow.Rule.taskNotHeld.require(
            isHeld, "claim", claimValues(of: change.old, token))
    }

    /// Throws if another worker holds the task: during a claim, only its holder and admins change
    /// it.
    ///
    /// - Parameters:
    ///   - change: The change. If it has a token, the token was checked when the change began.
    ///   - orAdmin: Whether admins may change the task nevertheless.
    ///   - orAssignee: Whether the task's assignee may.
    /// - Throws: ``CodexFlow/Rule/taskClaimed``; the errors of reading.
    func requireUnclaimed(
        _ change: CodexFlow.TaskChange, orAdmin: Bool = true, orAssignee: Bool = false
    ) throws {
        guard change.token == nil, let claim = try validClaim(of: change) else { return }
        // A claim from before there were tokens belongs to the account.
        if claim.token == nil, claim.holder == change.actor { return }
        if orAssignee, change.old.assigneeID == change.actor { return }
        let isAllowed =
            try orAdmin
            && role(of: change.actor, in: change.project)?.includes(.admin) == true
        try CodexFlow.Rule.taskClaimed.require(
            isAllowed, "claim", claimValues(of: change.old))
    }

    /// Throws if the change modifies a field that belongs to the holder of a claim.
    func requireUnprotected(_ change: CodexFlow.TaskChange) throws {
        let (old, new) = (change.old, change.task)
        let isProtected =
            old.assigneeID != new.assigneeID || old.body != new.body
            || old.estimate != new.estimate || old.acceptanceCriteria != new.acceptanceCriteria
        if isProtected { try requireUnclaimed(change) }
    }

    /// Throws unless the task, if it is known, is open, and the lease is within its limits.
    func requireLease(_ lease: Duration, of task: CodexFlow.Task? = nil) throws {
        try CodexFlow.Rule.taskClaim.require(
            task?.isOpen ?? true && lease >= .seconds(1) && lease <= CodexFlow.Limits.leaseMax,
            "lease",
            [
                "lease": .string("\(lease)"),
                "status": task?.status.map { .string($0.rawValue) },
            ])
    }

    /// Throws if the task is blocked, another user's, early or dead, unless the worker claims it
    /// nevertheless.
    func requireNoObstacle(
        _ change: CodexFlow.TaskChange, but obstacles: Set<CodexFlow.Task.ClaimObstacle>
    ) throws {
        var task = change.old
        // The last attempt may have ended by time, and nothing has met its end yet.
        try endExpiredClaim(of: &task, change)
        if !obstacles.contains(.assignedToOther), let assignee = task.assigneeID {
            try CodexFlow.Rule.taskAssigned.require(
                assignee == change.actor, "assignee", ["assignee": assignee.attributeValue])
        }
        if !obstacles.contains(.dead) {
            try CodexFlow.Rule.taskDead.require(
                !task.isDead, "diedAt", ["diedAt": task.diedAt?.attributeValue])
        }
        if !obstacles.contains(.early), let start = task.notBefore {
            try CodexFlow.Rule.taskEarly.require(
                start <= now, "notBefore", ["notBefore": start.attributeValue])
        }
        guard !obstacles.contains(.blocked), task.status?.isStarted != true else { return }
        let blocker = try openBlocker(of: change.old)
        try CodexFlow.Rule.taskBlocked.require(
            blocker == nil, "claim",
            ["taskId": task.id.attributeValue, "blockerId": blocker?.attributeValue])
    }

    /// The user who holds a task; a user who may no longer work holds none.
    func holder(
        of task: CodexFlow.Task, in project: CodexFlow.Project
    ) throws -> CodexFlow.User.ID? {
        guard let holder = task.holder(at: now), try !hasLeft(holder, project) else { return nil }
        return holder
    }

    /// The claim that holds the task now; a claim of a user who may no longer work does not.
    private func validClaim(of change: CodexFlow.TaskChange) throws -> CodexFlow.Task.Claim? {
        guard let claim = change.old.claim, claim.isHeld(at: now),
            try isAssignable(claim.holder, in: change.project)
        else { return nil }
        return claim
    }

    /// What an error tells about a claim; it does not have the holder's token, which another worker
    /// must not use.
    private func claimValues(
        of task: CodexFlow.Task, _ token: Int? = nil
    ) -> [String: AttributeValue?] {
        [
            "taskId": task.id.attributeValue,
            "holder": task.claim?.holder.attributeValue,
            "until": task.claim?.until.attributeValue,
            "given": token?.attributeValue,
        ]
    }

    // MARK: Changes of claims

    /// When a lease that begins now ends.
    func end(of lease: Duration) -> Date { (now + lease.seconds).bounded }

    /// Gives the task to the actor, with a new token; this counts as an attempt.
    ///
    /// An obstacle that the worker overruled stays with the task: it is there again when the claim
    /// ends.
    func claim(_ change: CodexFlow.TaskChange, _ lease: Duration) throws -> CodexFlow.Task {
        let token = try nextToken(of: change.old)
        return try replaceTask(claimed(change, lease, token), .claimed)
    }

    /// Whether a claim of the task can be stored: its identifier has one more token, and the items
    /// of the token and of the task have room.
    func isClaimable(_ change: CodexFlow.TaskChange, _ lease: Duration) throws -> Bool {
        guard let tally = try nextTally(of: change.old)?.tally else { return false }
        return try isStorable(tally) && isStorable(claimed(change, lease, tally.last))
    }

    private func claimed(
        _ change: CodexFlow.TaskChange, _ lease: Duration, _ token: Int
    ) throws -> CodexFlow.TaskChange {
        var change = change
        // The attempt of a user who may work no longer did not fail.
        if let claim = change.task.claim, try hasLeft(claim.holder, change.project) {
            change.task.release(at: now)
        }
        if let start = change.task.notBefore, start <= now { change.task.notBefore = nil }
        let known = max(0, change.task.attempts ?? 0)
        change.task.attempts = min(known, CodexFlow.Limits.attemptCountMax - 1) + 1
        change.task.claim = CodexFlow.Task.Claim(
            holder: change.actor, until: end(of: lease), token: token)
        return change
    }

    /// The tally with the next token of the task's identifier; `nil` if there are no more.
    private func nextTally(
        of task: CodexFlow.Task
    ) throws -> (tally: CodexFlow.ClaimTally, isNew: Bool)? {
        let known = try get(.claimTally(of: task.id, in: task.projectID))
        var tally = known ?? CodexFlow.ClaimTally(projectID: task.projectID, taskID: task.id)
        guard let token = tally.next(after: task.claim?.token, at: now) else { return nil }
        tally.last = token
        return (tally, known == nil)
    }

    /// Takes the next token of the task's identifier.
    private func nextToken(of task: CodexFlow.Task) throws -> Int {
        guard let (tally, isNew) = try nextTally(of: task) else {
            throw CodexFlow.Rule.taskClaimTokens.violated(
                "claim", ["taskId": task.id.attributeValue])
        }
        if isNew { insert(tally) } else { replace(tally) }
        return tally.last
    }

    /// The actor's claim with the token, which has not ended.
    ///
    /// - Throws: ``CodexFlow/Rule/taskClaimEnded`` if the token was given out and its claim ended,
    ///   ``CodexFlow/Rule/taskNotHeld`` for other tokens.
    private func renewableClaim(
        of change: CodexFlow.TaskChange, _ token: Int
    ) throws -> CodexFlow.Task.Claim {
        let task = change.old
        let current = task.claim.flatMap {
            $0.token == token && $0.isHeld(at: now) ? $0 : nil
        }
        if let current, current.holder == change.actor { return current }
        let tally = try get(.claimTally(of: task.id, in: task.projectID))
        let hasEnded = current == nil && tally?.isKnown(token) == true
        let rule = hasEnded ? CodexFlow.Rule.taskClaimEnded : .taskNotHeld
        throw rule.violated("claim", claimValues(of: task, token))
    }

    /// Sets a new end of a claim; see ``CodexFlow/Workspace/renewClaim(of:in:by:holding:lease:)``.
    ///
    /// A claim that a clock which was wrong made far ahead ends here. Otherwise it would hold the
    /// task again when its time comes.
    func renew(
        _ change: CodexFlow.TaskChange, _ token: Int, _ lease: Duration
    ) throws -> Renewal {
        if let known = change.old.claim, known.token == token, known.holder == change.actor,
            known.until > now, !known.isHeld(at: now),
            try endClaim(of: change.old, in: change.project)
        {
            return Renewal(
                refusal: CodexFlow.Rule.taskClaimEnded.violated(
                    "claim", claimValues(of: change.old, token)))
        }
        var claim = try renewableClaim(of: change, token)
        try requireLease(lease, of: change.old)
        claim.until = end(of: lease)
        guard claim != change.old.claim else { return Renewal(claim: claim) }
        var task = change.old
        task.claim = claim
        replace(task)
        return Renewal(claim: claim)
    }

    // MARK: Ends of claims

    /// Whether a user who claimed a task may work in the project no longer.
    ///
    /// A user or a membership that cannot be read does not count.
    func hasLeft(
        _ user: CodexFlow.User.ID, _ project: CodexFlow.Project
    ) throws -> Bool {
        try ifReadable { try isAssignable(user, in: project) } == false
    }

    /// Ends a claim of a task, before a change, that ended by time.
    ///
    /// The attempt did not fail if its holder lost the right to work meanwhile: the commit that
    /// should have released the claim was interrupted.
    func endExpiredClaim(
        of task: inout CodexFlow.Task, _ change: CodexFlow.TaskChange
    ) throws {
        guard let ended = change.old.claim, !ended.isHeld(at: now) else { return }
        task.endExpiredClaim(
            of: change.old, at: now, hasFailed: try !hasLeft(ended.holder, change.project))
    }

    /// Ends a claim of a task, before a change by a command, whose holder lost the right to work.
    ///
    /// The command that took the right ends the user's claims in further commits. It was
    /// interrupted.
    func endLeftClaim(
        of task: inout CodexFlow.Task, _ change: CodexFlow.TaskChange
    ) throws {
        guard change.endsLeftClaim, change.token == nil, let left = change.old.claim,
            left.isHeld(at: now), task.claim?.isSame(as: left) == true,
            try hasLeft(left.holder, change.project)
        else { return }
        task.release(at: now)
    }

    /// Removes claims that ended by time; see ``CodexFlow/Workspace/expireClaims(in:limit:)``.
    func expireClaims(in project: CodexFlow.Project.ID, limit: Int) throws -> Int {
        let project = try find(.project(project))
        guard project.deletingSince == nil else { return 0 }
        var count = 0
        let tasks = try tasksOfEndedClaims(in: project.id, limit: limit) { task in
            try endedClaim(of: task, in: project) != nil
        }
        for task in tasks {
            if try endClaim(of: task, in: project) { count += 1 }
        }
        return count
    }

    /// The tasks of a project whose claims hold nothing any more, up to `limit`: those that ended,
    /// and those that a clock which was wrong made.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - limit: Most tasks.
    ///   - isIncluded: A further test.
    /// - Returns: The tasks.
    /// - Throws: The errors of reading and of the test.
    func tasksOfEndedClaims(
        in project: CodexFlow.Project.ID, limit: Int,
        where isIncluded: (CodexFlow.Task) throws -> Bool
    ) throws -> [CodexFlow.Task] {
        var found: [CodexFlow.Task] = []
        // The limit of each query is the same, so that both can be read ahead.
        for query in Self.endedClaims(in: project, at: now) where found.count < limit {
            let tasks = try soundTasks(query, limit: limit) { task in
                try task.claim?.isHeld(at: now) == false && isIncluded(task)
            }
            found += tasks.prefix(limit - found.count)
        }
        return found
    }

    /// The queries of the claims of a project that hold nothing any more at an instant.
    static func endedClaims(
        in project: CodexFlow.Project.ID, at now: Date
    ) -> [CodexCore.Query<CodexFlow.Task>] {
        [.tasks(in: project, claimEndingBy: now), .tasks(in: project, claimInvalidAt: now)]
    }

    /// The tasks of a query that commands can change and that pass a test, up to `limit`.
    ///
    /// A task that breaks rules, or that cannot be read, was stored without the services and stays
    /// as it is. A list with a limit passes over such tasks, so that they do not hide the others.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: Most tasks.
    ///   - place: How many of the first tasks a remote table passes over, if there are others.
    ///   - isIncluded: The test.
    /// - Returns: The tasks.
    /// - Throws: The errors of reading and of the test.
    /// - Complexity: Reads up to 1000 tasks that are not in the result; 100 on a remote table.
    func soundTasks(
        _ query: CodexCore.Query<CodexFlow.Task>, limit: Int, from place: Int = 0,
        where isIncluded: (CodexFlow.Task) throws -> Bool
    ) throws -> [CodexFlow.Task] {
        guard limit > 0 else { return [] }
        let bound = max(limit, isRemote ? 100 : 1000)
        var readCount = limit
        while true {
            let read = try readable(query, limit: readCount, from: place)
            let sound = try read.filter { task in
                try (try? task.validate()) != nil && isIncluded(task)
            }
            let isWhole = sound.count >= limit || read.count < readCount || readCount == bound
            if isWhole { return Array(sound.prefix(limit)) }
            readCount = readCount > bound / 4 ? bound : 4 * readCount
        }
    }

    /// The projects in which a user has claims, in the order of the index.
    func projectsOfClaims(of user: CodexFlow.User.ID) throws -> [CodexFlow.Project.ID] {
        var found: [CodexFlow.Project.ID] = []
        var seen: Set<CodexFlow.Project.ID> = []
        func add(_ task: CodexFlow.Task) {
            if seen.insert(task.projectID).inserted { found.append(task.projectID) }
        }
        // The keys are by project: of each project, one task is read.
        while let task = try readable(.tasks(claimedBy: user, after: found.last), limit: 1).first {
            let isNew = !seen.contains(task.projectID)
            add(task)
            let byteCount = "PROJECT#\(task.projectID)$".utf8.count
            guard isNew, byteCount <= DynamoDBLimits.sortKeyByteCountMax else {
                // A raw write stored a task whose key is not that of its project.
                for other in try readable(.tasks(claimedBy: user)) { add(other) }
                break
            }
        }
        return found
    }

    /// Ends claims of a user in a project; see ``CodexFlow/Workspace/endClaims(of:in:)``.
    ///
    /// The claims of a user who may work in the project stay. A command that is sent again with its
    /// idempotency key comes here too, and the user may have come back since.
    ///
    /// So do those in a project that cannot be read, or with a membership that cannot be read: no
    /// command works on their tasks. They must not keep the user from other projects.
    ///
    /// - Parameters:
    ///   - user: The user.
    ///   - project: The project of the claimed tasks.
    ///   - limit: Most claims to end; `nil` is ``leftWorkCountMax``.
    /// - Returns: The number of ended claims.
    /// - Throws: The errors of reading.
    func endClaims(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID, limit: Int? = nil
    ) throws -> Int {
        let read: CodexFlow.Project?? = try ifReadable { try get(.project(project)) }
        guard let found = read, let whole = found, whole.deletingSince == nil,
            try hasLeft(user, whole)
        else { return 0 }
        let tasks = try soundTasks(
            .tasks(claimedBy: user, in: project), limit: limit ?? leftWorkCountMax
        ) { task in
            try task.claim?.holder == user && task.projectID == project
                && endedClaim(of: task, in: whole) != nil
        }
        for task in tasks { _ = try endClaim(of: task, in: whole) }
        return tasks.count
    }

    /// Ends the claims that a user still has from before the user lost the right to work.
    ///
    /// The commit that gives the right back calls it before, since the claims would hold their
    /// tasks again. Usually there are none: the command that took the right ended them. It may have
    /// been interrupted.
    ///
    /// - Returns: Whether no claims are left, so that the rest of the commit may follow.
    /// - Throws: ``CodexError/Code/migrationPending`` or ``CodexError/Code/indexNotReady`` if the
    ///   index of claims cannot be read yet.
    func endLeftoverClaims(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID? = nil
    ) throws -> Bool {
        var leftCount = Self.endedClaimCountMax
        for id in try project.map({ [$0] }) ?? projectsOfClaims(of: user) {
            leftCount -= try endClaims(of: user, in: id, limit: leftCount)
            guard leftCount > 0 else { return false }
        }
        return true
    }

    /// Most claims that a commit ends: each takes up to seven actions on a remote table, where a
    /// transaction has at most 100.
    static let endedClaimCountMax = 12

    /// Ends a claim in the name of its holder.
    ///
    /// - Returns: Whether the task was changed; a task that breaks rules or has no room, since it
    ///   was stored without the services, stays as it is.
    func endClaim(
        of task: CodexFlow.Task, in project: CodexFlow.Project
    ) throws -> Bool {
        guard let (change, kind) = try endedClaim(of: task, in: project) else { return false }
        try replaceTask(change, kind)
        return true
    }

    /// The change that ends a claim, with its kind; `nil` if it cannot be stored.
    private func endedClaim(
        of task: CodexFlow.Task, in project: CodexFlow.Project
    ) throws -> (change: CodexFlow.TaskChange, kind: CodexFlow.Activity.Kind)? {
        guard let claim = task.claim else { return nil }
        let begun = CodexFlow.TaskChange(task, in: project, by: claim.holder)
        var change = begun
        let isHeld = claim.isHeld(at: now)
        if isHeld {
            change.task.release(at: now)
        } else {
            try endExpiredClaim(of: &change.task, begun)
        }
        guard try isStorable(change) else { return nil }
        let kind: CodexFlow.Activity.Kind = isHeld ? .released : .claimExpired
        return (change, kind)
    }
}

extension CodexFlow.Task {
    /// Removes a claim that holds the task, and takes its attempt back: it did not fail.
    mutating func release(at now: Date) {
        claim = nil
        if let count = attempts, count > 0 { attempts = count - 1 }
        if !isDead { endAttempt(at: now) }
    }

    /// Removes a claim that ended by time, and records its token, from which the event
    /// `TaskClaimExpired` is derived.
    fileprivate mutating func endExpiredClaim(of old: Self, at now: Date, hasFailed: Bool) {
        guard let ended = old.claim, !ended.isHeld(at: now) else { return }
        expiredToken = ended.token ?? 0
        if let claim, claim.isSame(as: ended) {
            if hasFailed { self.claim = nil } else { release(at: now) }
        }
        endAttempt(at: now)
    }
}
