public import CodexCore

// The work of users who leave: by removal, demotion, suspension or deletion. The command that takes
// the right to work looks for one open task in the index of assignees. Further commits of a bounded
// size remove what the user leaves behind. Until then, this holds:
//
// - A claim of the user holds no task (`validClaim`), and is removed by the first command that
//   changes the task, or that gives the right back (`endLeftoverClaims`).
// - The user stays the assignee of open tasks in archived projects, which are read-only. If such a
//   project is restored first, the further commits remove the assignee of its tasks all the same.

extension CodexFlow.Workspace {
    /// Continues what a removal, demotion, suspension or deletion of a user leaves to further
    /// commits, if it was interrupted.
    ///
    /// It removes the user's claims where the user may no longer work, and the user as the assignee
    /// of open tasks in projects where the user is not a member who may work. A user who may work
    /// keeps both. A user who never was a member, in an imported project for example, loses the
    /// tasks too. It needs no actor: the command that was interrupted had the right.
    ///
    /// - Parameters:
    ///   - user: The user, who need not exist any more.
    ///   - project: The project; `nil` is all projects.
    /// - Throws: `CancellationError` between commits, and the errors of reading and writing.
    /// - Complexity: Each commit changes 50 tasks at most, 12 on a remote table.
    public func resumeLeaving(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID? = nil
    ) async throws {
        try await unassign(user, in: project, by: nil)
        try await endClaims(of: user, in: project)
    }

    /// Removes a user who may no longer work as the assignee of open tasks: those of a project that
    /// was archived when the user left.
    ///
    /// - Parameters:
    ///   - user: The user.
    ///   - project: The project; `nil` is all projects.
    ///   - actor: The user who made the user leave; `nil` is the user.
    /// - Throws: `CancellationError` between commits, and the errors of reading and writing.
    func unassign(
        _ user: CodexFlow.User.ID, in project: CodexFlow.Project.ID?, by actor: CodexFlow.User.ID?
    ) async throws {
        var projects = project.map { [$0] } ?? []
        if project == nil {
            projects = try await decided(reading: .openTasks(of: user)) {
                try $0.projectsOfOpenTasks(of: user)
            }
        }
        for id in projects {
            var hasMore = false
            repeat {
                hasMore = try await decided(reading: .leftTasks(of: user, in: id)) {
                    try $0.unassign(user, in: id, by: actor ?? user)
                }
                if hasMore { try _Concurrency.Task.checkCancellation() }
            } while hasMore
        }
    }
}

extension CodexFlow.DecisionContext {
    /// Most tasks that a commit changes after a user left: few, since other writers wait.
    var leftWorkCountMax: Int { isRemote ? Self.endedClaimCountMax : 50 }

    /// Throws if the user has open tasks in a project.
    ///
    /// Those of a project that is archived or in deletion do not count: no user can assign them to
    /// others.
    ///
    /// - Throws: ``CodexFlow/Rule/memberWork``, and the errors of reading.
    /// - Complexity: Reads one task. It also examines the user's tasks that were stored without a
    ///   status, as raw items or by an earlier release, and the project's tasks whose identifiers
    ///   begin with a character before `%`.
    func requireNoWork(of user: CodexFlow.User.ID, in project: CodexFlow.Project) throws {
        guard !project.isReadOnly else { return }
        var task: CodexFlow.Task?
        for query in Self.openTasks(of: user, in: project.id) where task == nil {
            task = try all(query, limit: 1).first
        }
        try CodexFlow.Rule.memberWork.require(
            task == nil, "userId",
            ["userId": user.attributeValue, "taskId": task?.id.attributeValue])
    }

    /// Throws if the user has open tasks in any project.
    ///
    /// Those of a project that is archived, in deletion or missing do not count.
    ///
    /// - Throws: As ``requireNoWork(of:in:)``; ``CodexError/Code/transactionTooLarge`` for more
    ///   projects than fit into a transaction on a remote table.
    /// - Complexity: As ``requireNoWork(of:in:)``, for each project in which the user has open
    ///   tasks.
    func requireNoWork(of user: CodexFlow.User.ID) throws {
        let projects = try projectsOfOpenTasks(of: user)
        for id in projects {
            if let project = try get(.project(id)) { try requireNoWork(of: user, in: project) }
        }
        try requireRemoteRoom(
            projects.count, of: "archived projects with open tasks of the user",
            upTo: CodexFlow.Limits.remoteProjectCountMax,
            "Restore some of them, and give the tasks to others.")
    }

    /// The queries of the open tasks of a user in a project; a task may be in two of them.
    ///
    /// On a remote table, the last query has no predicate lock. The lock of the others counts the
    /// writes of all tasks of the user, so they come first.
    static func openTasks(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> [CodexCore.Query<CodexFlow.Task>] {
        [
            .placedTasks(assignedTo: user, in: project),
            .unplacedTasks(assignedTo: user, in: project),
            .earlyTasks(assignedTo: user, in: project),
        ]
    }

    /// The projects in which a user has open tasks.
    fileprivate func projectsOfOpenTasks(
        of user: CodexFlow.User.ID
    ) throws -> [CodexFlow.Project.ID] {
        var found: [CodexFlow.Project.ID] = []
        var seen: Set<CodexFlow.Project.ID> = []
        func add(_ task: CodexFlow.Task) {
            if seen.insert(task.projectID).inserted { found.append(task.projectID) }
        }
        var key = CodexFlow.Task.firstOpenKey
        // The keys are by project: of each project, one task is read.
        while let task = try readable(.placedTasks(assignedTo: user, from: key), limit: 1).first {
            add(task)
            guard let next = task.nextOpenKey(after: key) else {
                // A raw write stored a key that no release makes.
                for other in try readable(.placedTasks(assignedTo: user, from: key)) { add(other) }
                break
            }
            key = next
        }
        for task in try readable(.unplacedTasks(assignedTo: user)) { add(task) }
        for task in try readable(.earlyTasks(assignedTo: user)) { add(task) }
        return found
    }

    /// Removes a user as the assignee of open tasks of a project, if the user may not work there;
    /// see ``CodexFlow/Workspace/unassign(_:in:by:)``.
    ///
    /// The project may have been restored since the user left. One that cannot be read stays as it
    /// is, and so does one with a membership of the user that cannot be read.
    ///
    /// - Returns: Whether there may be more of them than fit into a commit.
    fileprivate func unassign(
        _ user: CodexFlow.User.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) throws -> Bool {
        let read: CodexFlow.Project?? = try ifReadable { try get(.project(project)) }
        guard let found = read, let whole = found, whole.deletingSince == nil,
            try ifReadable({ try role(of: user, in: whole)?.includes(.member) == true }) == false
        else { return false }
        var changed: Set<CodexFlow.Task.ID> = []
        for query in Self.openTasks(of: user, in: project) {
            let limit = leftWorkCountMax - changed.count
            let tasks = try soundTasks(query, limit: limit) { task in
                try task.assigneeID == user && task.projectID == project
                    && !changed.contains(task.id)
                    && isStorable(unassignment(of: task, in: whole, by: actor))
            }
            for task in tasks {
                try replaceTask(unassignment(of: task, in: whole, by: actor), .assigned)
                changed.insert(task.id)
            }
        }
        return changed.count == leftWorkCountMax
    }

    private func unassignment(
        of task: CodexFlow.Task, in project: CodexFlow.Project, by actor: CodexFlow.User.ID
    ) -> CodexFlow.TaskChange {
        var change = CodexFlow.TaskChange(task, in: project, by: actor)
        change.task.assigneeID = nil
        return change
    }
}
