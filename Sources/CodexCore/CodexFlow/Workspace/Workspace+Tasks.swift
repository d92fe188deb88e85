public import FoundationEssentials

extension CodexFlow.Workspace {
    /// Creates a task: with the project's next number, its history, and an assignee who may have it.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: Who creates it, and reports it.
    ///   - id: The identifier; `nil` makes one.
    ///   - body: Sets title, status (backlog, todo or inProgress) and whatever else.
    /// - Returns: The task.
    /// - Throws: The rules of tasks and actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``; ``CodexError/Code/conditionFailed`` if the identifier is taken.
    @discardableResult
    public func createTask(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        id: CodexFlow.Task.ID? = nil,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            let project = try context.project(project, for: actor, as: .member)
            let bare = CodexFlow.Task(
                id: try id ?? context.newID(), projectID: project.id, title: "", status: .backlog,
                createdAt: context.now)
            var task = bare
            try body(&task)
            try bare.requireKept(in: task, but: ["status", "assignee", "reporter", "createdAt"])
            let status = task.status ?? .backlog
            try CodexFlow.Rule.taskStatus.require(
                [.backlog, .todo, .inProgress].contains(status), "status",
                ["status": .string(status.rawValue)])
            task.status = status
            task.reporterID = task.reporterID ?? actor
            task.createdAt = context.now
            task.updatedAt = context.now
            task.statusChangedAt = context.now
            if status.isStarted { task.startedAt = context.now }
            try context.requireLinks(of: task, project)
            task.number = try context.nextNumber(in: project.id)
            try task.validate()
            context.insert(task)
            try context.record(
                .created, of: task, in: project, by: actor,
                facts: context.facts(nil, task, project))
            return task
        }
    }

    /// Changes what a task says: everything but what other commands keep.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: Who changes it.
    ///   - read: The task's ``CodexFlow/Task/updatedAt`` when it was read, if it must not have changed
    ///     since.
    ///   - body: Changes it.
    /// - Returns: The task as it is now.
    /// - Throws: ``CodexFlow/Rule/taskStale``, ``CodexFlow/Rule/taskKept``,
    ///   ``CodexFlow/Rule/taskArchived``, the rules of tasks and actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func changeTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        readAt read: Date? = nil,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            var change = try context.change(id, in: project, by: actor)
            if let read {
                try CodexFlow.Rule.taskStale.require(
                    change.old.updatedAt == read, "updatedAt",
                    [
                        "read": read.attributeValue,
                        "stored": change.old.updatedAt?.attributeValue,
                    ])
            }
            try body(&change.task)
            try change.old.requireKept(in: change.task)
            try context.requireLinks(of: change.task, change.project, old: change.old)
            return try context.store(change, .changed)
        }
    }

    /// Moves a task to another status, by the table ``CodexFlow/Task/Status/successors``.
    ///
    /// The first start, completion and cancellation are written down; reopening clears the latter two
    /// and counts. A completed or canceled task is not claimed any more.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - status: Where it goes; where it is already is no error.
    ///   - actor: Who moves it.
    ///   - isForced: Whether a blocked task may be started, and one be done whose criteria are not
    ///     met; say why in the note.
    ///   - note: What history says about it.
    /// - Returns: The task as it is now.
    /// - Throws: ``CodexFlow/Rule/taskTransition``, ``CodexFlow/Rule/taskClaimed``,
    ///   ``CodexFlow/Rule/taskBlocked``, ``CodexFlow/Rule/taskChildren``,
    ///   ``CodexFlow/Rule/taskUnmet``, ``CodexFlow/Rule/taskParent`` for reopening a part of a
    ///   finished task, ``CodexFlow/Rule/taskArchived``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func move(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        to status: CodexFlow.Task.Status, by actor: CodexFlow.User.ID, isForced: Bool = false,
        note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            var change = try context.change(id, in: project, by: actor)
            let from = change.old.status ?? .backlog
            guard from != status else { return change.old }
            try context.requireUnclaimed(change)
            try CodexFlow.Rule.taskTransition.require(
                from.successors.contains(status), "status",
                ["from": .string(from.rawValue), "to": .string(status.rawValue)])
            try context.requireMove(change.old, to: status, isForced: isForced && note != nil)
            change.task.move(to: status, at: context.now)
            let task = try context.store(change, .moved, note: note)
            if from.isOpen != status.isOpen { try context.refreshDependencies(of: task) }
            return task
        }
    }

    /// Completes a task: ``move(_:in:to:by:isForced:note:)`` to done.
    @discardableResult
    public func complete(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        isForced: Bool = false, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await move(id, in: project, to: .done, by: actor, isForced: isForced, note: note)
    }

    /// Gives a task to somebody, or to nobody.
    ///
    /// - Throws: ``CodexFlow/Rule/taskAssignee``, ``CodexFlow/Rule/taskClaimed``,
    ///   ``CodexFlow/Rule/taskArchived``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``.
    @discardableResult
    public func assign(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, to user: CodexFlow.User.ID?,
        by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            var change = try context.change(id, in: project, by: actor)
            guard change.old.assigneeID != user else { return change.old }
            try context.requireUnclaimed(change)
            if let user { try context.requireAssignable(user, in: project) }
            change.task.assigneeID = user
            return try context.store(change, .assigned)
        }
    }

    /// Takes a task for a time, so that nobody else works on it: for agents, of which one gets it
    /// however many try.
    ///
    /// The holder may claim again, which sets the end anew.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: Who takes it.
    ///   - lease: For how many seconds, a day at most; after that the task is free.
    /// - Returns: The task with the claim.
    /// - Throws: ``CodexFlow/Rule/taskClaimed`` if somebody else holds it,
    ///   ``CodexFlow/Rule/taskClaim``, ``CodexFlow/Rule/taskArchived``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func claim(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        lease: TimeInterval
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            var change = try context.change(id, in: project, by: actor)
            if let holder = change.old.holder(at: context.now), holder != actor {
                throw CodexFlow.Rule.taskClaimed.violated(
                    "claim",
                    [
                        "holder": holder.attributeValue,
                        "until": change.old.claim?.until.attributeValue,
                    ])
            }
            try CodexFlow.Rule.taskClaim.require(
                change.old.isOpen && lease >= 1 && lease <= 86_400, "lease",
                [
                    "lease": .string("\(lease)"),
                    "status": change.old.status.map { .string($0.rawValue) },
                ])
            change.task.claim = CodexFlow.Task.Claim(holder: actor, until: context.now + lease)
            return try context.store(change, .claimed)
        }
    }

    /// Gives a claimed task back before its time; one that is not claimed is left as it is.
    ///
    /// - Throws: ``CodexFlow/Rule/taskClaimed`` if somebody else holds it and the actor is no admin;
    ///   as ``claim(_:in:by:lease:)``.
    @discardableResult
    public func release(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            var change = try context.change(id, in: project, by: actor)
            try context.requireUnclaimed(change)
            change.task.claim = nil
            return try context.store(change, .released)
        }
    }

    /// Takes a task out of the lists of open work, or brings it back.
    ///
    /// - Throws: ``CodexFlow/Rule/taskClaimed``, ``CodexFlow/Rule/taskParent`` for bringing back an open
    ///   part of a finished task, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``.
    @discardableResult
    public func archive(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, _ isArchived: Bool = true,
        by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Task {
        try await commit { context in
            var change = try context.change(id, in: project, by: actor, mayBeArchived: true)
            guard (change.old.archivedAt != nil) != isArchived else { return change.old }
            try context.requireUnclaimed(change)
            change.task.archivedAt = isArchived ? context.now : nil
            if change.task.isOpen { try context.requireOpenParent(of: change.task) }
            let task = try context.store(change, isArchived ? .archived : .restored)
            try context.refreshDependencies(of: task)
            return task
        }
    }

    // MARK: Lists

    /// The tasks of a project that are open and wait for another open task, with what they wait for.
    ///
    /// - Complexity: O(*m*) for *m* open dependencies.
    public func blockedTasks(
        in project: CodexFlow.Project.ID
    ) async throws -> [(task: CodexFlow.Task, blockers: [CodexFlow.Task.ID])] {
        var blocked: [(task: CodexFlow.Task, blockers: [CodexFlow.Task.ID])] = []
        for dependency in try await all(.blocked(in: project)) {
            if blocked.last?.task.id == dependency.taskID {
                blocked[blocked.count - 1].blockers.append(dependency.blockerID)
            } else if let task = try await get(.task(dependency.taskID, in: project)) {
                blocked.append((task, [dependency.blockerID]))
            }
        }
        return blocked
    }
}

extension CodexFlow.DecisionContext {
    /// Takes the project's next number.
    fileprivate func nextNumber(in project: CodexFlow.Project.ID) throws -> Int {
        let name = CodexFlow.Sequence.tasks
        if var sequence = try get(.sequence(name, of: project)) {
            sequence.last += 1
            replace(sequence)
            return sequence.last
        }
        // Tasks that were stored without the services may have numbers.
        let last = try all(.tasksByNumber(in: project).reversed, limit: 1).first?.number ?? 0
        insert(CodexFlow.Sequence(projectID: project, name: name, last: last + 1))
        return last + 1
    }

    /// Checks what a task names: assignee, parent, story, estimate; only what differs from `old`.
    fileprivate func requireLinks(
        of task: CodexFlow.Task, _ project: CodexFlow.Project, old: CodexFlow.Task? = nil
    ) throws {
        if let user = task.assigneeID, user != old?.assigneeID {
            try requireAssignable(user, in: project.id)
        }
        if let parent = task.parentID, parent != old?.parentID {
            try requireParent(parent, of: task)
        }
        if task.estimate != old?.estimate { try requireOnScale(task.estimate, project) }
        if task.origin != old?.origin { try requireStory(task.origin, in: project.id) }
    }

    /// Throws if the task that this one is a part of is finished.
    fileprivate func requireOpenParent(of task: CodexFlow.Task) throws {
        guard let parent = task.parentID else { return }
        let whole = try get(.task(parent, in: task.projectID))
        try CodexFlow.Rule.taskParent.require(
            whole?.status?.isOpen ?? true, "parentId", ["parentId": parent.attributeValue])
    }

    /// Throws unless what a move needs is so.
    fileprivate func requireMove(
        _ task: CodexFlow.Task, to status: CodexFlow.Task.Status, isForced: Bool
    ) throws {
        if status.isStarted, task.status?.isStarted != true, !isForced {
            let blocker = try all(.openBlockers(of: task.id, in: task.projectID), limit: 1).first
            try CodexFlow.Rule.taskBlocked.require(
                blocker == nil, "status",
                [
                    "taskId": task.id.attributeValue,
                    "blockerId": blocker?.blockerID.attributeValue,
                ])
        }
        if !status.isOpen {
            let part = try all(.parts(of: task.id, in: task.projectID)).first(where: \.isOpen)
            try CodexFlow.Rule.taskChildren.require(
                part == nil, "status",
                ["taskId": task.id.attributeValue, "partId": part?.id.attributeValue])
        } else if task.status?.isOpen == false {
            try requireOpenParent(of: task)
        }
        if status == .done, !isForced {
            let unmet = task.acceptanceCriteria.filter { !$0.isMet }
            try CodexFlow.Rule.taskUnmet.require(
                unmet.isEmpty, "acceptanceCriteria", ["unmet": unmet.map(\.id).attributeValue])
        }
    }
}

extension CodexFlow.Task {
    /// Puts the task in a status, with the times that go with it.
    mutating func move(to new: Status, at now: Date) {
        let wasOpen = status?.isOpen ?? true
        status = new
        statusChangedAt = now
        if new.isStarted, startedAt == nil { startedAt = now }
        switch new {
        case .done:
            completedAt = now
            // Done without a start: it took no time.
            if startedAt == nil { startedAt = now }
            claim = nil
        case .canceled:
            canceledAt = now
            claim = nil
        default:
            if !wasOpen {
                (completedAt, canceledAt) = (nil, nil)
                reopenCount = (reopenCount ?? 0) + 1
            }
        }
    }

    /// Throws unless the fields that commands keep are the same in both.
    fileprivate func requireKept(in new: CodexFlow.Task, but free: Set<String> = []) throws {
        let kept: [(String, Bool)] = [
            ("taskId", id == new.id), ("projectId", projectID == new.projectID),
            ("number", number == new.number), ("status", status == new.status),
            ("assignee", assigneeID == new.assigneeID),
            ("reporter", reporterID == new.reporterID), ("claim", claim == new.claim),
            ("reopenCount", reopenCount == new.reopenCount),
            ("startedAt", startedAt == new.startedAt),
            ("completedAt", completedAt == new.completedAt),
            ("canceledAt", canceledAt == new.canceledAt),
            ("statusChangedAt", statusChangedAt == new.statusChangedAt),
            ("archivedAt", archivedAt == new.archivedAt),
            ("createdAt", createdAt == new.createdAt), ("updatedAt", updatedAt == new.updatedAt),
        ]
        for (field, isKept) in kept where !free.contains(field) {
            try CodexFlow.Rule.taskKept.require(isKept, field)
        }
    }
}
