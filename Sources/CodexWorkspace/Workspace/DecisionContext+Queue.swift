internal import CodexCore
internal import FoundationEssentials

extension CodexFlow.DecisionContext {
    /// Most tasks of each kind that one claim takes up into the queue.
    private var promotionCountMax: Int { isRemote ? Self.remotePromotionCountMax : 5 }
    /// The same on a remote table.
    static let remotePromotionCountMax = 3
    /// The tasks at the beginning of the queue among which a worker on a remote table chooses,
    /// while claims do not meet each other (``QueueSpread``).
    static let claimableCountMax = 4

    /// What one commit of a claim may still read and write, so that it fits into a transaction of a
    /// remote table, and no other writer waits for long.
    private struct ClaimBudget {
        /// The reads of blockers and parts, and of items that turn out to be damaged.
        var readCount: Int
        var markCount: Int
        /// The tasks that this commit and the next ones pass over.
        ///
        /// They, their dependencies, their blockers or their tokens are damaged, or have no room
        /// for a change. Nothing marks them in the queue.
        private(set) var passed: Set<CodexFlow.Task.ID>

        init(isRemote: Bool, passing passed: Set<CodexFlow.Task.ID>) {
            // On a remote table, the predicate locks of blockers and parts count as well.
            readCount = Self.whole(isRemote) + (isRemote ? 2 : 0)
            markCount = isRemote ? 3 : 100
            self.passed = passed
        }

        /// Passes over a task, after `count` reads that were of no use.
        mutating func pass(_ task: CodexFlow.Task.ID, after count: Int = 0) {
            passed.insert(task)
            readCount -= count
        }

        /// The reads of blockers of a claim: as many as a task may have, at least.
        static func whole(_ isRemote: Bool) -> Int {
            isRemote ? CodexFlow.Limits.dependencyCountMax : 400
        }
    }

    // MARK: Claiming

    /// Claims the first task of the queue; see
    /// ``CodexFlow/Workspace/claimNext(in:by:matching:lease:)``.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: The user who claims the task.
    ///   - filter: The tasks that the worker takes.
    ///   - lease: The time of the claim.
    ///   - passed: The tasks that earlier commits of the same claim passed over.
    /// - Returns: The task, or what the next commit must know.
    /// - Throws: The rules of the command, and the errors of reading.
    func claimNext(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        matching filter: CodexFlow.TaskFilter, lease: Duration,
        passing passed: Set<CodexFlow.Task.ID>
    ) throws -> NextClaim {
        let project = try self.project(project, for: actor, as: .member)
        try requireLease(lease)
        var budget = ClaimBudget(isRemote: isRemote, passing: passed)
        // On a remote table, workers that all choose the first one meet each other.
        let choice = try choices.map { choices in
            QueueChoice(choices, in: project.id, by: try newID(CodexFlow.Task.self).rawValue)
        }
        let first = try firstPromotionCount(in: project, choice)
        var promoted = try promotions(in: project, upTo: first, &budget)
        var ready = try readyTasks(
            for: actor, in: project, promoted, limit: Self.firstReadCount,
            from: choice?.place ?? 0, passing: budget.passed)
        let near = ready.first.filter { filter.matches($0.task) }
        var next = try firstClaimable(
            of: choice?.order(near) ?? near, by: actor, lease, &promoted, &budget)
        if next == nil {
            if first == 0 {
                promoted += try promotions(in: project, upTo: promotionCountMax, &budget)
            }
            let limit = CodexFlow.Workspace.examinedCountMax
            ready = try readyTasks(
                for: actor, in: project, promoted, limit: limit, passing: budget.passed)
            let found = (ready.first + ready.later).filter { filter.matches($0.task) }
            next = try firstClaimable(
                of: choice?.order(found, isWhole: true) ?? found, by: actor, lease, &promoted,
                &budget)
        }
        for change in promoted where change.old.id != next?.old.id { try promote(change) }
        guard let next else {
            if writes.isEmpty { try endLeftClaims(in: project) }
            let hasPassed = budget.passed.count > passed.count
            return NextClaim(hasMore: hasPassed || !writes.isEmpty, passed: budget.passed)
        }
        return NextClaim(task: try claim(next, lease))
    }

    /// Ends claims of users who lost the right to work, if a claim finds nothing else to do.
    ///
    /// The command that took the right was interrupted. It looks at the claims that end first:
    /// workers who are there renew theirs.
    private func endLeftClaims(in project: CodexFlow.Project) throws {
        let last = now + 2 * CodexFlow.Limits.leaseMax.seconds
        let first = try soundTasks(
            .tasks(in: project.id, claimEndingBy: last), limit: promotionCountMax
        ) { task in
            task.claim?.isHeld(at: now) == true
        }
        for task in first {
            guard let claim = task.claim, try hasLeft(claim.holder, project) else { continue }
            _ = try endClaim(of: task, in: project)
        }
    }

    /// The number of ready tasks that a claim reads first: few are enough without a filter, and
    /// each costs a read on a remote table.
    static let firstReadCount = 8

    /// The ready tasks for a user and the promoted ones that are ready, in their order.
    ///
    /// - Parameters:
    ///   - user: The user.
    ///   - project: The project.
    ///   - promoted: The promoted tasks.
    ///   - limit: Most tasks of each list.
    ///   - place: How many of the first tasks of each list are passed over, if there are others.
    ///   - passed: The tasks that are passed over.
    /// - Returns: The first tasks of the queue, and those that may have others before them, which
    ///   were not read.
    /// - Throws: The errors of reading.
    private func readyTasks(
        for user: CodexFlow.User.ID, in project: CodexFlow.Project,
        _ promoted: [CodexFlow.TaskChange], limit: Int, from place: Int = 0,
        passing passed: Set<CodexFlow.Task.ID>
    ) throws -> (first: [CodexFlow.TaskChange], later: [CodexFlow.TaskChange]) {
        let known = Set(promoted.map(\.old.id))
        func isFor(_ task: CodexFlow.Task) -> Bool {
            task.isReady && (task.assigneeID ?? user) == user && !passed.contains(task.id)
        }
        var found = promoted.filter { isFor($0.task) }
        var ends: [String] = []
        for assignee in [nil, user] {
            let stored = try soundTasks(
                .readyTasks(in: project.id, assignedTo: assignee), limit: limit, from: place,
                where: isFor)
            // Of a list that is read from a place on, tasks before that are not read either.
            if place == 0, stored.count == limit, let last = stored.last {
                ends.append(last.readyKey)
            }
            for task in stored where !known.contains(task.id) {
                found.append(CodexFlow.TaskChange(task, in: project, by: user))
            }
        }
        found.sort { ByteOrder.compare($0.task.readyKey, $1.task.readyKey) < 0 }
        // A task after the end of what was read comes after tasks that were not read.
        let count = found.prefix { change in
            ends.allSatisfy { ByteOrder.compare(change.task.readyKey, $0) <= 0 }
        }.count
        return (Array(found[..<count]), Array(found[count...]))
    }

    /// The claim of the first of the tasks that waits for no open task.
    ///
    /// The queue may be older than the last change of a blocker or part, if that was made without
    /// the services. A task that is found to be blocked leaves the queue. A damaged one stays, and
    /// is passed over. So is one that has no room for a claim or for its mark, and one with a
    /// dependency that has no room for its correction.
    private func firstClaimable(
        of tasks: [CodexFlow.TaskChange], by actor: CodexFlow.User.ID, _ lease: Duration,
        _ promoted: inout [CodexFlow.TaskChange], _ budget: inout ClaimBudget
    ) throws -> CodexFlow.TaskChange? {
        for var change in tasks where budget.markCount > 0 {
            var claim = CodexFlow.TaskChange(change.old, in: change.project, by: actor)
            claim.task = change.task
            switch try finding(of: claim, lease, &budget) {
            case .free: return claim
            case .unread: return nil
            case .damaged(let readCount): budget.pass(change.old.id, after: readCount)
            case .blocked(let dependency):
                let opened = dependency.flatMap(Self.opened)
                change.task.isBlocked = true
                guard try isStorable(change), try opened.map({ try isStorable($0) }) ?? true else {
                    budget.pass(change.old.id)
                    continue
                }
                budget.markCount -= 1
                if let opened { replace(opened) }
                Self.put(change, in: &promoted)
            }
        }
        return nil
    }

    /// What a claim finds out about a task of the queue.
    private enum Finding {
        /// It can be claimed.
        case free
        /// It waits for the blocker of a dependency; `nil` is for a part.
        case blocked(by: CodexFlow.Dependency?)
        /// It cannot be claimed, since it is damaged, or what it waits for: after some reads.
        case damaged(after: Int)
        /// It has more blockers than the commit may still read.
        ///
        /// The next commit looks at this task first, since the ones before it left the queue or are
        /// passed over.
        case unread
    }

    private func finding(
        of claim: CodexFlow.TaskChange, _ lease: Duration, _ budget: inout ClaimBudget
    ) throws -> Finding {
        let (id, project) = (claim.old.id, claim.project.id)
        // The predicate lock of the blockers.
        if isRemote { budget.readCount -= 1 }
        // A task with a dependency or a blocker that cannot be read may be blocked.
        let read: [CodexFlow.Dependency]? = try ifReadable {
            try all(.blockers(of: id, in: project))
        }
        guard let blockers = read, blockers.count <= ClaimBudget.whole(isRemote) else {
            return .damaged(after: 0)
        }
        guard blockers.count <= budget.readCount else { return .unread }
        guard let found = try ifReadable({ try firstOpen(of: blockers) }) else {
            return .damaged(after: blockers.count)
        }
        budget.readCount -= found.readCount
        if let open = found.open { return .blocked(by: open) }
        budget.readCount -= 1
        if try hasOpenParts(of: id, in: project) { return .blocked(by: nil) }
        let canBeStored = try ifReadable { try isClaimable(claim, lease) }
        return canBeStored == true ? .free : .damaged(after: 1)
    }

    /// The first of the dependencies whose blocker is open, as the blocker itself says, and the
    /// number of blockers that were read.
    private func firstOpen(
        of blockers: [CodexFlow.Dependency]
    ) throws -> (open: CodexFlow.Dependency?, readCount: Int) {
        // Those that are stored as open are probably so: few reads are enough.
        let order = blockers.filter(\.isOpen) + blockers.filter { !$0.isOpen }
        let place = try order.firstIndex { dependency in
            try get(.task(dependency.blockerID, in: dependency.projectID))?.isOpen == true
        }
        guard let place else { return (nil, order.count) }
        return (order[place], place + 1)
    }

    /// The correction of a dependency whose tasks are both open; `nil` if it is right.
    ///
    /// The command that finishes the blocker then finds that it frees the waiting task.
    private static func opened(_ dependency: CodexFlow.Dependency) -> CodexFlow.Dependency? {
        guard !dependency.isOpen else { return nil }
        var open = dependency
        (open.isOpen, open.isFreed) = (true, false)
        return open
    }

    /// An index below `count`, which is the same when the attempt is decided again.
    private func startAmong(_ count: Int) throws -> Int {
        let id = try newID(CodexFlow.Task.self)
        return Self.start(among: count, by: "\(id)#\(choices?.attempt ?? 1)")
    }

    /// The index below `count` to which an identifier leads.
    static func start(among count: Int, by identifier: String) -> Int {
        Int(SHA256.digest(identifier.utf8)[0]) % count
    }

    // MARK: Promotions

    /// The number of tasks of each kind that a claim takes up before it chooses a task.
    ///
    /// On a remote table, workers that all take up the same tasks meet each other. While the queue
    /// has enough tasks, only one of four workers takes up one.
    private func firstPromotionCount(
        in project: CodexFlow.Project, _ choice: QueueChoice?
    ) throws -> Int {
        guard let choice else { return promotionCountMax }
        let ready: [CodexFlow.Task] = try readable(
            .readyTasks(in: project.id), limit: Self.firstReadCount, from: choice.place)
        if ready.count < Self.firstReadCount / 2 { return promotionCountMax }
        return choice.takesUp ? 1 : 0
    }

    /// Tasks that come into the queue, or leave it as dead ones: their claims ended by time, their
    /// time has come, or their blockers were finished.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - limit: Most tasks of each of the three kinds.
    ///   - budget: What the commit may still read.
    /// - Returns: The changes, at most one for each task.
    /// - Throws: The errors of reading.
    private func promotions(
        in project: CodexFlow.Project, upTo limit: Int, _ budget: inout ClaimBudget
    ) throws -> [CodexFlow.TaskChange] {
        guard limit > 0 else { return [] }
        var changes: [CodexFlow.TaskChange] = []
        let passed = budget.passed
        let ended = try tasksOfEndedClaims(in: project.id, limit: 4 * limit) {
            !passed.contains($0.id)
        }
        try add(ended, upTo: limit, in: project, to: &changes, &budget) { change in
            var task = change.task
            try endExpiredClaim(of: &task, change)
            return task
        }
        let due = try soundTasks(
            .tasks(in: project.id, waitingUntil: now), limit: 4 * limit
        ) { task in
            task.claim == nil && task.notBefore.map { $0 <= now } == true
                && !passed.contains(task.id)
        }
        try add(due, upTo: limit, in: project, to: &changes, &budget) { change in
            var task = change.task
            task.notBefore = nil
            return task
        }
        try addFreedTasks(of: project, upTo: limit, to: &changes, &budget)
        return changes
    }

    /// Adds changes of tasks, at most `limit`, in the order of
    /// ``startingAnywhere(_:ifMoreThan:)``.
    ///
    /// Tasks that have no room for the change are passed over.
    private func add(
        _ tasks: [CodexFlow.Task], upTo limit: Int, in project: CodexFlow.Project,
        to changes: inout [CodexFlow.TaskChange], _ budget: inout ClaimBudget,
        _ changed: (CodexFlow.TaskChange) throws -> CodexFlow.Task
    ) throws {
        var leftCount = limit
        for task in try startingAnywhere(tasks, ifMoreThan: limit) where leftCount > 0 {
            var change = promotion(of: task, in: project, changes)
            change.task = try changed(change)
            guard try isStorable(change) else {
                // On a remote table, the holder and the membership were read.
                budget.pass(task.id, after: isRemote ? 2 : 1)
                continue
            }
            Self.put(change, in: &changes)
            leftCount -= 1
        }
    }

    /// The change of a task among the promotions; a new one by the task's holder, or in the name of
    /// the user who changed the task last.
    private func promotion(
        of task: CodexFlow.Task, in project: CodexFlow.Project,
        _ changes: [CodexFlow.TaskChange]
    ) -> CodexFlow.TaskChange {
        changes.first { $0.old.id == task.id }
            ?? CodexFlow.TaskChange(
                task, in: project,
                by: task.claim?.holder ?? task.updatedByID ?? project.ownerID)
    }

    /// Sets the change of a task among the promotions.
    private static func put(
        _ change: CodexFlow.TaskChange, in changes: inout [CodexFlow.TaskChange]
    ) {
        if let place = changes.firstIndex(where: { $0.old.id == change.old.id }) {
            changes[place] = change
        } else {
            changes.append(change)
        }
    }

    /// The elements in their order, on a remote table from a random one on if there are many: two
    /// workers rarely choose the same.
    private func startingAnywhere<Element>(
        _ found: [Element], ifMoreThan limit: Int
    ) throws -> [Element] {
        guard isRemote, found.count > limit else { return found }
        let start = try startAmong(found.count)
        return Array(found[start...] + found[..<start])
    }

    /// Adds changes of the blocked tasks whose blockers were finished.
    ///
    /// Their dependencies are no longer marked as freed. Those of tasks that cannot be read or
    /// changed now stay marked, and the list passes over them. The same holds for dependencies that
    /// cannot be changed themselves. A dependency that this commit has corrected already is passed
    /// over, too: its stored state is an older one.
    ///
    /// - Complexity: Reads 100 dependencies, 12 on a remote table, and up to 1000 (100) if it
    ///   passes over some. Half of the budget's reads is left.
    private func addFreedTasks(
        of project: CodexFlow.Project, upTo limit: Int,
        to changes: inout [CodexFlow.TaskChange], _ budget: inout ClaimBudget
    ) throws {
        let corrected = Set(
            writes.compactMap { write in
                (write.entity as? CodexFlow.Dependency).map { [$0.taskID, $0.blockerID] }
            })
        var leftCount = limit
        let readCountMin = budget.readCount / 2
        let bound = isRemote ? 100 : 1000
        var (knownCount, pageCount) = (0, isRemote ? 4 * limit : 100)
        while true {
            let read: [CodexFlow.Dependency] = try readable(
                .freedDependencies(in: project.id), limit: pageCount)
            let new = Array(read.dropFirst(knownCount))
            for var dependency in try startingAnywhere(new, ifMoreThan: limit)
            where !budget.passed.contains(dependency.taskID)
                && !corrected.contains([dependency.taskID, dependency.blockerID])
            {
                guard leftCount > 0, budget.readCount > readCountMin else { return }
                dependency.isFreed = false
                guard try isStorable(dependency) else { continue }
                switch try freedTask(of: dependency, in: project, changes) {
                case .unchangeable:
                    // On a remote table, the locks of its blockers and parts were read as well.
                    budget.pass(dependency.taskID, after: isRemote ? 3 : 1)
                    continue
                case .changed(let change): Self.put(change, in: &changes)
                case .unchanged: break
                }
                replace(dependency)
                leftCount -= 1
            }
            guard leftCount > 0, read.count == pageCount, pageCount < bound else { return }
            (knownCount, pageCount) = (pageCount, min(4 * pageCount, bound))
        }
    }

    /// The task that waits by a freed dependency.
    private enum FreedTask {
        case changed(CodexFlow.TaskChange)
        /// It is in the queue already, or there is none.
        case unchanged
        /// It, or a dependency of it, cannot be read or changed now.
        case unchangeable
    }

    /// What becomes of the task that waits by a freed dependency; another task may still block it.
    private func freedTask(
        of dependency: CodexFlow.Dependency, in project: CodexFlow.Project,
        _ changes: [CodexFlow.TaskChange]
    ) throws -> FreedTask {
        let id = dependency.taskID
        let read: CodexFlow.Task?? = try ifReadable { try get(.task(id, in: project.id)) }
        guard let found = read else { return .unchangeable }
        guard let task = found, task.isBlocked else { return .unchanged }
        guard (try? task.validate()) != nil, let waits = try ifReadable({ try isWaiting(task) })
        else { return .unchangeable }
        var change = promotion(of: task, in: project, changes)
        change.task.isBlocked = waits
        return try isStorable(change) ? .changed(change) : .unchangeable
    }

    /// Stores a promoted task: with history if its claim ended, otherwise silently, since nothing
    /// of the task has changed but its place in the queue.
    private func promote(_ change: CodexFlow.TaskChange) throws {
        guard change.task != change.old else { return }
        if change.task.claim != change.old.claim {
            try replaceTask(change, .claimExpired)
        } else {
            replace(change.task)
        }
    }
}

extension CodexFlow.Task {
    /// Makes the task dead if its attempts are used up.
    mutating func endAttempt(at now: Date) {
        if isOpen, claim == nil, attempts ?? 0 >= attemptCountMax { diedAt = now }
    }
}
