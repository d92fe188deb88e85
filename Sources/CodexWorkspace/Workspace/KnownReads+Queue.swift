internal import CodexCore
internal import FoundationEssentials

// What the commands on the queue and on claims are known to read.

extension KnownReads {
    /// The actor, and a task that is claimed by its identifier.
    static func claim(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        despite obstacles: Set<CodexFlow.Task.ClaimObstacle>
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            _ = try reader.get(.claimTally(of: task, in: project))
            if !obstacles.contains(.blocked) { try reader.readBlockers(of: task, in: project) }
        }
    }

    /// The actor, the first tasks of the queue, and what a claim of one of them looks at.
    ///
    /// If the queue has few tasks, these are also what a claim takes up into it.
    static func nextClaim(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        matching filter: CodexFlow.TaskFilter, passing passed: Set<CodexFlow.Task.ID>
    ) -> Self {
        typealias Context = CodexFlow.DecisionContext
        return Self.actor(actor, in: project).with { reader, given in
            guard let choices = reader.queueChoices else { return }
            let choice = QueueChoice(choices, in: project, by: given.identifier(0))
            let count = Context.firstReadCount
            let ready: [CodexFlow.Task] = try reader.candidates(
                of: .readyTasks(in: project), limit: count, from: choice.place)
            let own: [CodexFlow.Task] = try reader.candidates(
                of: .readyTasks(in: project, assignedTo: actor), limit: count, from: choice.place)
            guard reader.isComplete else { return }
            let tasks = (ready + own).filter { task in
                task.isReady && (task.assigneeID ?? actor) == actor && filter.matches(task)
                    && !passed.contains(task.id)
            }
            let isShort = ready.count < count / 2
            let all = Context.remotePromotionCountMax
            try reader.readPromotions(
                in: project, given.now,
                upTo: isShort || tasks.isEmpty ? all : choice.takesUp ? 1 : 0)
            guard !tasks.isEmpty else {
                return try reader.readRest(of: project, for: actor, given.now)
            }
            let sorted = tasks.sorted { ByteOrder.compare($0.readyKey, $1.readyKey) < 0 }
            guard let task = choice.order(sorted).first?.id else { return }
            try reader.readObstacles(of: task, in: project)
            _ = try reader.get(.claimTally(of: task, in: project))
            _ = try reader.newestEntry(of: task, in: project)
        }
    }

    /// A project, and its claims that ended by time.
    static func expiry(in project: CodexFlow.Project.ID, limit: Int) -> Self {
        Self { reader, given in
            _ = try reader.get(.project(project))
            let ended = try reader.endedClaims(in: project, given.now, limit: limit)
            for task in ended {
                if let holder = task.claim?.holder { try reader.readWorker(holder, in: project) }
                _ = try reader.newestEntry(of: task.id, in: project)
            }
        }
    }

    /// The tasks of a part of a project's tasks, with their obstacles and the blockers themselves.
    static func obstacles(
        of tasks: [CodexFlow.Task.ID], in project: CodexFlow.Project.ID
    ) -> Self {
        Self { reader, _ in
            for task in tasks {
                _ = try reader.get(.task(task, in: project))
                try reader.readObstacles(of: task, in: project)
                try reader.readBlockers(of: task, in: project)
            }
        }
    }

    /// Some tasks of a project, with the newest entries of their histories.
    static func histories(
        of tasks: [CodexFlow.Task.ID], in project: CodexFlow.Project.ID
    ) -> Self {
        Self { reader, _ in
            for task in tasks {
                _ = try reader.get(.task(task, in: project))
                _ = try reader.newestEntry(of: task, in: project)
            }
        }
    }

    // MARK: Users who leave

    /// A project, and the claims there of a user who left.
    static func leftClaims(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self { reader, _ in
            _ = try reader.get(.project(project))
            try reader.readWorker(user, in: project)
            for task in try reader.claims(of: user, in: project) {
                _ = try reader.newestEntry(of: task.id, in: project)
            }
        }
    }

    /// A project, and the open tasks there of a user who left.
    static func leftTasks(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self { reader, _ in
            _ = try reader.get(.project(project))
            _ = try reader.get(.member(user, of: project))
            let limit = CodexFlow.DecisionContext.endedClaimCountMax
            for query in CodexFlow.DecisionContext.openTasks(of: user, in: project) {
                for task in try reader.readable(query, limit: limit) {
                    _ = try reader.newestEntry(of: task.id, in: project)
                }
            }
        }
    }

    /// The first open task of a user in each project, as far as one list tells.
    static func openTasks(of user: CodexFlow.User.ID) -> Self {
        Self { reader, _ in try reader.readOpenTasks(of: user) }
    }

    /// The first claim of a user.
    static func firstClaim(of user: CodexFlow.User.ID) -> Self {
        Self { reader, _ in
            let none: CodexFlow.Project.ID? = nil
            _ = try reader.readable(.tasks(claimedBy: user, after: none), limit: 1)
        }
    }
}

extension CodexFlow.DecisionReader {
    /// Whether all that was read so far is there, so that an empty list is one.
    var isComplete: Bool { (self as? ReadCollector)?.missing.isEmpty ?? true }

    /// The tasks of a project whose claims hold nothing any more.
    fileprivate func endedClaims(
        in project: CodexFlow.Project.ID, _ now: Date, limit: Int
    ) throws -> [CodexFlow.Task] {
        guard limit > 0 else { return [] }
        var found: [CodexFlow.Task] = []
        for query in CodexFlow.DecisionContext.endedClaims(in: project, at: now) {
            found += try readable(query, limit: limit)
        }
        return found
    }

    /// Reads what a claim takes up into the queue, `count` of each kind.
    fileprivate func readPromotions(
        in project: CodexFlow.Project.ID, _ now: Date, upTo count: Int
    ) throws {
        let limit = 4 * count
        guard limit > 0 else { return }
        for task in try endedClaims(in: project, now, limit: limit) {
            if let holder = task.claim?.holder { try readWorker(holder, in: project) }
        }
        _ = try readable(.tasks(in: project, waitingUntil: now), limit: limit)
        let freed: [CodexFlow.Dependency] = try readable(
            .freedDependencies(in: project), limit: limit)
        for task in freed.map(\.taskID).prefix(count) {
            _ = try get(.task(task, in: project))
            try readObstacles(of: task, in: project)
        }
    }

    /// Reads what a claim looks at that finds no task among the first ones.
    fileprivate func readRest(
        of project: CodexFlow.Project.ID, for actor: CodexFlow.User.ID, _ now: Date
    ) throws {
        let count = CodexFlow.Workspace.examinedCountMax
        _ = try readable(.readyTasks(in: project), limit: count)
        _ = try readable(.readyTasks(in: project, assignedTo: actor), limit: count)
        let last = now + 2 * CodexFlow.Limits.leaseMax.seconds
        _ = try readable(
            .tasks(in: project, claimEndingBy: last),
            limit: CodexFlow.DecisionContext.remotePromotionCountMax)
    }

    /// The claims of a user in a project, as many as a commit ends.
    func claims(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) throws -> [CodexFlow.Task] {
        try readable(
            .tasks(claimedBy: user, in: project),
            limit: CodexFlow.DecisionContext.endedClaimCountMax)
    }

    /// Reads the lists that tell in which projects a user has open tasks.
    func readOpenTasks(of user: CodexFlow.User.ID) throws {
        _ = try readable(
            .placedTasks(assignedTo: user, from: CodexFlow.Task.firstOpenKey), limit: 1)
        _ = try readable(.unplacedTasks(assignedTo: user), limit: nil)
        _ = try readable(.earlyTasks(assignedTo: user), limit: nil)
    }
}
