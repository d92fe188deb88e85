internal import CodexCore
internal import FoundationEssentials

extension CodexFlow.DecisionContext {
    /// Most tasks of each kind that one claim takes up into the queue.
    private var promotionCountMax: Int { isRemote ? 3 : 5 }

    /// What one commit of a claim may still read and write, so that it fits into a transaction of a
    /// remote table, and no other writer waits for long.
    private struct ClaimBudget {
        /// The reads of blockers, and of items that turn out to be damaged.
        var readCount: Int
        var markCount: Int
        /// The tasks that this commit and the next ones pass over: they, their dependencies, their
        /// blockers or their tokens are damaged, and nothing marks them in the queue.
        private(set) var passed: Set<CodexFlow.Task.ID>

        init(isRemote: Bool, passing passed: Set<CodexFlow.Task.ID>) {
            readCount = Self.whole(isRemote)
            markCount = isRemote ? 5 : 100
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
    ///   - passed: The damaged tasks that earlier commits of the same claim passed over.
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
        let first = try firstPromotionCount(in: project)
        var promoted = try promotions(in: project, upTo: first, &budget)
        var ready = try readyTasks(
            for: actor, in: project, promoted, limit: Self.firstReadCount, passing: budget.passed)
        var next = try firstUnblocked(
            of: ready.first.filter { filter.matches($0.task) }, &promoted, &budget)
        if next == nil {
            if first == 0 {
                promoted += try promotions(in: project, upTo: promotionCountMax, &budget)
            }
            let limit = CodexFlow.Workspace.examinedCountMax
            ready = try readyTasks(
                for: actor, in: project, promoted, limit: limit, passing: budget.passed)
            let found = (ready.first + ready.later).filter { filter.matches($0.task) }
            next = try firstUnblocked(of: found, &promoted, &budget)
        }
        for change in promoted where change.old.id != next?.old.id { try promote(change) }
        guard let next else {
            let hasPassed = budget.passed.count > passed.count
            return NextClaim(hasMore: hasPassed || !writes.isEmpty, passed: budget.passed)
        }
        var change = CodexFlow.TaskChange(next.old, in: project, by: actor)
        change.task = next.task
        return NextClaim(task: try claim(change, lease))
    }

    /// The number of ready tasks that a claim reads first: few are enough without a filter, and
    /// each costs a read on a remote table.
    private static let firstReadCount = 8

    /// The ready tasks for a user and the promoted ones that are ready, in their order.
    ///
    /// - Returns: The first tasks of the queue, and those that may have others before them, which
    ///   were not read.
    private func readyTasks(
        for user: CodexFlow.User.ID, in project: CodexFlow.Project,
        _ promoted: [CodexFlow.TaskChange], limit: Int, passing passed: Set<CodexFlow.Task.ID>
    ) throws -> (first: [CodexFlow.TaskChange], later: [CodexFlow.TaskChange]) {
        let known = Set(promoted.map(\.old.id))
        func isFor(_ task: CodexFlow.Task) -> Bool {
            task.isReady && (task.assigneeID ?? user) == user && !passed.contains(task.id)
        }
        var found = promoted.filter { isFor($0.task) }
        var ends: [String] = []
        for assignee in [nil, user] {
            let stored = try soundTasks(
                .readyTasks(in: project.id, assignedTo: assignee), limit: limit, where: isFor)
            if stored.count == limit, let last = stored.last { ends.append(last.readyKey) }
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

    /// The first of the tasks whose blockers are all finished.
    ///
    /// The queue may be older than the last change of a blocker, if that was made without the
    /// services. A task that is found to be blocked leaves the queue. A damaged one stays, and is
    /// passed over.
    private func firstUnblocked(
        of tasks: [CodexFlow.TaskChange], _ promoted: inout [CodexFlow.TaskChange],
        _ budget: inout ClaimBudget
    ) throws -> CodexFlow.TaskChange? {
        guard !tasks.isEmpty else { return nil }
        // On a remote table, workers that all choose the first one meet each other.
        let start = try isRemote ? startAmong(min(tasks.count, 4)) : 0
        let order = tasks[start...] + tasks[..<start]
        for var change in order where budget.markCount > 0 {
            // A task with a dependency or a blocker that cannot be read may be blocked.
            let (id, project) = (change.old.id, change.project.id)
            let read: [CodexFlow.Dependency]? = try ifReadable {
                try all(.blockers(of: id, in: project))
            }
            guard let blockers = read, blockers.count <= ClaimBudget.whole(isRemote) else {
                budget.pass(id)
                continue
            }
            // The next commit looks at this task first, since the ones before it left the queue or
            // are passed over.
            guard blockers.count <= budget.readCount else { break }
            guard let found = try ifReadable({ try firstOpen(of: blockers) }) else {
                budget.pass(id, after: blockers.count)
                continue
            }
            budget.readCount -= found.readCount
            guard let open = found.open else {
                if try ifReadable({ try hasNextToken(change.old) }) == true { return change }
                budget.pass(id, after: 1)
                continue
            }
            budget.markCount -= 1
            markOpen(open)
            change.task.isBlocked = true
            if let place = promoted.firstIndex(where: { $0.old.id == change.old.id }) {
                promoted[place] = change
            } else {
                promoted.append(change)
            }
        }
        return nil
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

    /// Corrects a dependency whose tasks are both open: the command that finishes the blocker then
    /// finds that it frees the waiting task.
    private func markOpen(_ dependency: CodexFlow.Dependency) {
        guard !dependency.isOpen else { return }
        var open = dependency
        (open.isOpen, open.isFreed) = (true, false)
        replace(open)
    }

    /// An index below `count`, which is the same when the command is decided again.
    private func startAmong(_ count: Int) throws -> Int {
        let id = try newID(CodexFlow.Task.self)
        return Int(SHA256.digest(id.rawValue.utf8)[0]) % count
    }

    // MARK: Promotions

    /// The number of tasks of each kind that a claim takes up before it chooses a task.
    ///
    /// On a remote table, workers that all take up the same tasks meet each other. While the queue
    /// has enough tasks, only one of four workers takes up one.
    private func firstPromotionCount(in project: CodexFlow.Project) throws -> Int {
        guard isRemote else { return promotionCountMax }
        let ready: [CodexFlow.Task] = try readable(
            .readyTasks(in: project.id), limit: Self.firstReadCount)
        if ready.count < Self.firstReadCount / 2 { return promotionCountMax }
        return try startAmong(4) == 0 ? 1 : 0
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
        func add(
            _ task: CodexFlow.Task, _ actor: CodexFlow.User.ID?,
            _ body: (inout CodexFlow.Task) -> Void
        ) {
            if let place = changes.firstIndex(where: { $0.old.id == task.id }) {
                body(&changes[place].task)
                return
            }
            var change = CodexFlow.TaskChange(
                task, in: project, by: actor ?? task.updatedByID ?? project.ownerID)
            body(&change.task)
            changes.append(change)
        }
        for task in try few(of: tasksOfEndedClaims(in: project.id, limit: 4 * limit), limit) {
            add(task, task.claim?.holder) { $0.endExpiredClaim(of: task, at: now) }
        }
        let due = try soundTasks(
            .tasks(in: project.id, waitingUntil: now), limit: 4 * limit
        ) { task in
            task.claim == nil && task.notBefore.map { $0 <= now } == true
        }
        for task in try few(of: due, limit) { add(task, nil) { $0.notBefore = nil } }
        for (task, isBlocked) in try freedTasks(in: project.id, upTo: limit, &budget) {
            add(task, nil) { $0.isBlocked = isBlocked }
        }
        return changes
    }

    /// The first elements, in the order of ``startingAnywhere(_:ifMoreThan:)``.
    private func few<Element>(of found: [Element], _ limit: Int) throws -> [Element] {
        try Array(startingAnywhere(found, ifMoreThan: limit).prefix(limit))
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

    /// The blocked tasks whose blockers were finished, and whether each is still blocked.
    ///
    /// Their dependencies are no longer marked as freed. Those of tasks that cannot be read or
    /// changed now stay marked, and the list passes over them.
    ///
    /// - Complexity: Reads 100 dependencies, 12 on a remote table, and up to 1000 (100) if it
    ///   passes over some. Half of the budget's reads is left.
    private func freedTasks(
        in project: CodexFlow.Project.ID, upTo limit: Int, _ budget: inout ClaimBudget
    ) throws -> [(task: CodexFlow.Task, isBlocked: Bool)] {
        var tasks: [(task: CodexFlow.Task, isBlocked: Bool)] = []
        var leftCount = limit
        let readCountMin = budget.readCount / 2
        let bound = isRemote ? 100 : 1000
        var (knownCount, pageCount) = (0, isRemote ? 4 * limit : 100)
        while true {
            let read: [CodexFlow.Dependency] = try readable(
                .freedDependencies(in: project), limit: pageCount)
            let new = Array(read.dropFirst(knownCount))
            for var dependency in try startingAnywhere(new, ifMoreThan: limit)
            where !budget.passed.contains(dependency.taskID) {
                guard leftCount > 0, budget.readCount > readCountMin else { return tasks }
                guard let (task, isBlocked) = try waitingTask(of: dependency, in: project) else {
                    budget.pass(dependency.taskID, after: 1)
                    continue
                }
                if let task { tasks.append((task, isBlocked)) }
                dependency.isFreed = false
                replace(dependency)
                leftCount -= 1
            }
            guard leftCount > 0, read.count == pageCount, pageCount < bound else { return tasks }
            (knownCount, pageCount) = (pageCount, min(4 * pageCount, bound))
        }
    }

    /// The task that waits by a freed dependency, and whether another one blocks it.
    ///
    /// - Returns: `nil` if the task, or a dependency of it, cannot be read or changed now. There is
    ///   no task in the result if it need not be promoted.
    private func waitingTask(
        of dependency: CodexFlow.Dependency, in project: CodexFlow.Project.ID
    ) throws -> (task: CodexFlow.Task?, isBlocked: Bool)? {
        let id = dependency.taskID
        let read: CodexFlow.Task?? = try ifReadable { try get(.task(id, in: project)) }
        guard let found = read else { return nil }
        guard let task = found, task.isBlocked else { return (nil, false) }
        guard (try? task.validate()) != nil,
            let isBlocked = try ifReadable({ try hasOpenBlockers(task) })
        else { return nil }
        return (task, isBlocked)
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

    // MARK: Blockers

    /// Whether a stored dependency says that the task waits for an open one, except for `other`.
    func hasOpenBlockers(
        _ task: CodexFlow.Task, except other: CodexFlow.Task.ID? = nil
    ) throws -> Bool {
        try all(.blockers(of: task.id, in: task.projectID)).contains {
            $0.isOpen && $0.blockerID != other
        }
    }

    /// Stores whether a task is blocked, silently; the dependencies have the events.
    ///
    /// A task that breaks rules was stored without the services, and stays as it is.
    func setBlocked(_ isBlocked: Bool, _ task: CodexFlow.Task) {
        guard task.isBlocked != isBlocked, (try? task.validate()) != nil else { return }
        var task = task
        task.isBlocked = isBlocked
        replace(task)
    }

    /// Corrects the dependencies of a task on its blockers, and the task's place in the queue.
    ///
    /// - Returns: The number of changes.
    func repairBlockers(
        of id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> Int {
        guard let task = try get(.task(id, in: project)) else { return 0 }
        let state = try blockerState(of: task)
        let start = writes.count
        for var dependency in state.dependencies {
            let isOpen = state.open.contains(dependency.blockerID)
            guard dependency.isOpen != isOpen || dependency.isFreed else { continue }
            (dependency.isOpen, dependency.isFreed) = (isOpen, false)
            replace(dependency)
        }
        setBlocked(!state.open.isEmpty, task)
        return writes.count - start
    }

    /// Whether what is stored of a task's blockers agrees with the blockers themselves.
    ///
    /// A task whose blocker was just finished counts as right: `claimNext` takes it up. The mark of
    /// a task that is not open has no meaning.
    func hasSoundBlockers(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> Bool {
        guard let task = try get(.task(id, in: project)) else { return true }
        let state = try blockerState(of: task)
        guard state.dependencies.allSatisfy({ $0.isOpen == state.open.contains($0.blockerID) })
        else { return false }
        return !task.isOpen || task.isBlocked == !state.open.isEmpty
            || task.isBlocked && state.dependencies.contains(where: \.isFreed)
    }

    /// A task's dependencies on its blockers, and which of the blockers keep it waiting.
    private func blockerState(
        of task: CodexFlow.Task
    ) throws -> (dependencies: [CodexFlow.Dependency], open: Set<CodexFlow.Task.ID>) {
        let dependencies = try all(.blockers(of: task.id, in: task.projectID))
        var open: Set<CodexFlow.Task.ID> = []
        for blocker in dependencies.map(\.blockerID) where task.isOpen {
            if try get(.task(blocker, in: task.projectID))?.isOpen == true { open.insert(blocker) }
        }
        return (dependencies, open)
    }
}

extension CodexFlow.Task {
    /// Makes the task dead if its attempts are used up.
    mutating func endAttempt(at now: Date) {
        if isOpen, claim == nil, attempts ?? 0 >= attemptCountMax { diedAt = now }
    }
}
