public import CodexCore
public import FoundationEssentials

extension CodexFlow.Workspace {
    /// Creates a task with the project's next number, its history, and a valid assignee.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: The user who creates it, and is its reporter.
    ///   - id: The identifier; `nil` makes one.
    ///   - body: Sets title, status (backlog, todo or inProgress), assignee, reporter and content;
    ///     the services set numbers, times and claims.
    /// - Returns: The task.
    /// - Throws: The rules of tasks and actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``; ``CodexError/Code/conditionFailed`` if the identifier is
    ///   taken; ``CodexError/Code/keyTooLong`` if it is longer than
    ///   ``CodexFlow/Limits/taskIdentifierByteCountMax``; ``CodexError/Code/invalidIdentifier`` if
    ///   it begins with a space, `!`, `"` or `$`; ``CodexError/Code/itemTooLarge`` for more than
    ///   ``CodexFlow/Limits/taskItemByteCountMax`` bytes in all.
    @discardableResult
    public func createTask(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        id: CodexFlow.Task.ID? = nil,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "createTask",
                [
                    "project": project, "actor": actor, "id": id,
                    "body": CommandCall.effect(
                        of: body,
                        on: CodexFlow.Task(
                            id: id ?? "new", projectID: project, title: "", status: .backlog)),
                ]),
            reading: .creation(in: project, by: actor, id: id, body)
        ) { context in
            try context.createTask(in: project, by: actor, id: id, body)
        }
    }

    /// Changes a task's content and assignee, except for the fields that only other commands
    /// change.
    ///
    /// The assignee, body, estimate and acceptance criteria of a claimed task belong to the holder
    /// of the claim.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who changes it.
    ///   - token: The token of the actor's claim, which must not have ended; `nil` is no holder.
    ///   - read: The task's ``CodexFlow/Task/updatedAt`` when it was read, if the task must be
    ///     unchanged since then.
    ///   - body: Changes it.
    /// - Returns: The changed task.
    /// - Throws: ``CodexFlow/Rule/taskStale``, ``CodexFlow/Rule/taskKept``,
    ///   ``CodexFlow/Rule/taskNotHeld``, ``CodexFlow/Rule/taskClaimed``, for another assignee as
    ///   ``assignTask(_:in:to:by:holding:)``, ``CodexFlow/Rule/taskArchived``, the rules of tasks
    ///   and actors, ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``;
    ///   ``CodexError/Code/itemTooLarge`` if the task grows beyond
    ///   ``CodexFlow/Limits/taskItemByteCountMax`` bytes.
    @discardableResult
    public func changeTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, readAt read: Date? = nil,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) async throws -> CodexFlow.Task {
        try await runChange(
            CommandCall(
                "changeTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token,
                    "readAt": read,
                ]),
            reading: .change(of: id, in: project, by: actor, body), body
        ) { context in
            var change = try context.change(id, in: project, by: actor, holding: token)
            if let read {
                try CodexFlow.Rule.taskStale.require(
                    change.old.updatedAt == read, "updatedAt",
                    [
                        "read": read.attributeValue,
                        "stored": change.old.updatedAt?.attributeValue,
                    ])
            }
            try body(&change.task)
            try context.requireKept(
                change.task, change.old, CodexFlow.Task.keptFields, .taskKept)
            try context.requireMet(change)
            try context.requireUnprotected(change)
            try context.requireLinks(of: change.task, change.project, old: change.old)
            try context.requireRoom(in: change.task, over: change.old)
            return (change.old, try context.replaceTask(change, .changed))
        }
    }

    /// Moves a task to another status, by the table ``CodexFlow/Task/Status/successors``.
    ///
    /// The task keeps the times of its first start, its completion and its cancellation. Reopening
    /// clears the last two, and increments the reopen count. A completed or canceled task loses its
    /// claim. A reopened task loses an assignee who may no longer work in the project.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - status: The new status; the present status is no error.
    ///   - actor: The user who moves it.
    ///   - token: The token of the actor's claim (``claimTask(_:in:by:lease:despite:)``), which
    ///     must not have ended while the actor worked; `nil` is no holder.
    ///   - reason: The reason for starting a blocked task, or for completing one with unmet
    ///     criteria; `nil` enforces these rules. Admins may override them, and as the project's
    ///     ``CodexFlow/Project/overridePolicy`` says, other members who are no agents. The reason
    ///     must have letters. The history keeps it (``CodexFlow/Activity/reason``).
    ///   - note: A note for the history; `nil` is the reason, if there is one.
    /// - Returns: The changed task.
    /// - Throws: ``CodexFlow/Rule/taskTransition``, ``CodexFlow/Rule/taskClaimed``,
    ///   ``CodexFlow/Rule/taskOverride``, ``CodexFlow/Rule/note``,
    ///   ``CodexFlow/Rule/taskNotHeld``, ``CodexFlow/Rule/taskBlocked``,
    ///   ``CodexFlow/Rule/taskChildren``, ``CodexFlow/Rule/taskUnmet``,
    ///   ``CodexFlow/Rule/taskParent`` for reopening a part of a finished task,
    ///   ``CodexFlow/Rule/taskArchived``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``.
    @discardableResult
    public func moveTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        to status: CodexFlow.Task.Status, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, overriding reason: String? = nil, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "moveTask",
                [
                    "task": id, "project": project, "actor": actor, "to": status.rawValue,
                    "holding": token, "reason": reason, "note": note,
                ]),
            reading: .move(of: id, in: project, to: status, by: actor)
        ) { context in
            try context.moveTask(
                id, in: project, to: status, by: actor, holding: token, overriding: reason,
                note: note)
        }
    }

    /// Completes a task: ``moveTask(_:in:to:by:holding:overriding:note:)`` to done.
    ///
    /// The completion is credited to the holder of a claim, otherwise to the assignee.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who completes it.
    ///   - token: The token of the actor's claim; `nil` is no holder.
    ///   - result: What the work gave; it stays with the task until a reopening. A task that is
    ///     done already takes no other one.
    ///   - reason: As in ``moveTask(_:in:to:by:holding:overriding:note:)``.
    ///   - note: As in ``moveTask(_:in:to:by:holding:overriding:note:)``.
    /// - Returns: The changed task.
    /// - Throws: As ``moveTask(_:in:to:by:holding:overriding:note:)``;
    ///   ``CodexFlow/Rule/taskResult``; ``CodexError/Code/itemTooLarge`` if the result leaves no
    ///   room in the task's item; and the errors of writing.
    @discardableResult
    public func completeTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, result: CodexFlow.Task.Result? = nil,
        overriding reason: String? = nil, note: String? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "completeTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token,
                    "result": result, "reason": reason, "note": note,
                ]),
            reading: .move(of: id, in: project, to: .done, by: actor)
        ) { context in
            try context.moveTask(
                id, in: project, to: .done, by: actor, holding: token, result: result,
                overriding: reason, note: note)
        }
    }

    /// Assigns a task to a user, or removes its assignee.
    ///
    /// - Throws: ``CodexFlow/Rule/taskAssignee``, ``CodexFlow/Rule/taskClaimed``,
    ///   ``CodexFlow/Rule/taskNotHeld``, ``CodexFlow/Rule/taskArchived``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func assignTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, to user: CodexFlow.User.ID?,
        by actor: CodexFlow.User.ID, holding token: Int? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "assignTask",
                [
                    "task": id, "project": project, "actor": actor, "to": user, "holding": token,
                ]),
            reading: .assignment(of: id, in: project, to: user, by: actor)
        ) { context in
            var change = try context.change(id, in: project, by: actor, holding: token)
            guard change.old.assigneeID != user else { return change.old }
            try context.requireUnclaimed(change)
            if let user { try context.requireAssignable(user, in: change.project) }
            change.task.assigneeID = user
            try context.requireRoom(in: change.task, over: change.old)
            return try context.replaceTask(change, .assigned)
        }
    }

    /// Removes a task from the lists of open work; an archived task stays as it is.
    ///
    /// The task loses its claim.
    ///
    /// - Throws: ``CodexFlow/Rule/taskClaimed``, ``CodexFlow/Rule/taskNotHeld``, the rules of
    ///   actors, ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func archiveTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall(
                "archiveTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token,
                ]),
            reading: .archiving(id, in: project, by: actor)
        ) { context in
            var change = try context.change(
                id, in: project, by: actor, holding: token, mayBeArchived: true)
            guard change.old.archivedAt == nil else { return change.old }
            try context.requireUnclaimed(change)
            // A claim that ended by time ends with the change.
            if change.old.holder(at: context.now) != nil {
                change.task.release(at: context.now)
            }
            change.task.archivedAt = context.now
            let task = try context.replaceTask(change, .archived)
            try context.refreshDependencies(of: task)
            return task
        }
    }

    /// Restores an archived task.
    ///
    /// An open task loses an assignee who may no longer work in the project.
    ///
    /// - Throws: ``CodexFlow/Rule/taskParent`` for an open part of a finished task, the rules of
    ///   actors, ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func restoreTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Task {
        try await run(
            CommandCall("restoreTask", ["task": id, "project": project, "actor": actor]),
            reading: .restoring(id, in: project, by: actor)
        ) { context in
            var change = try context.change(id, in: project, by: actor, mayBeArchived: true)
            guard change.old.archivedAt != nil else { return change.old }
            try context.requireUnclaimed(change)
            change.task.archivedAt = nil
            // The last attempt may have ended by time, and the archiving met its end.
            if !change.task.isDead { change.task.endAttempt(at: context.now) }
            if change.task.isOpen { try context.requireOpenParent(of: change.task) }
            try context.requireAssigneeOfOpen(&change)
            let task = try context.replaceTask(change, .restored)
            try context.refreshDependencies(of: task)
            return task
        }
    }

    // MARK: Lists

    /// The open tasks of a project that wait for another open task, with their blockers.
    ///
    /// Each page of dependencies and each task is read in a separate snapshot. A change by another
    /// writer during the read may be visible in a part of the list only.
    ///
    /// - Throws: The errors of reading.
    /// - Complexity: O(*m*) for *m* open dependencies.
    public func blockedTasks(
        in project: CodexFlow.Project.ID
    ) async throws -> [(task: CodexFlow.Task, blockers: [CodexFlow.Task.ID])] {
        var blocked: [(task: CodexFlow.Task, blockers: [CodexFlow.Task.ID])] = []
        var isOpen: [CodexFlow.Task.ID: Bool] = [:]
        for dependency in try await all(.openDependencies(in: project)) {
            let blocker = dependency.blockerID
            if isOpen[blocker] == nil {
                isOpen[blocker] = try await get(.task(blocker, in: project))?.isOpen == true
            }
            // The blocker may have been finished without the services.
            guard isOpen[blocker] == true else { continue }
            if blocked.last?.task.id == dependency.taskID {
                blocked[blocked.count - 1].blockers.append(blocker)
            } else if let task = try await get(.task(dependency.taskID, in: project)), task.isOpen {
                blocked.append((task, [blocker]))
            }
        }
        return blocked
    }
}

extension CodexFlow.DecisionContext {
    /// Creates a task, as ``CodexFlow/Workspace/createTask(in:by:id:_:)`` describes.
    func createTask(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, id: CodexFlow.Task.ID?,
        _ body: (inout CodexFlow.Task) throws -> Void
    ) throws -> CodexFlow.Task {
        let project = try self.project(project, for: actor, as: .member)
        let bare = CodexFlow.Task(
            id: try id ?? newID(), projectID: project.id, title: "", status: .backlog,
            createdAt: now)
        try requireNewIdentifier(bare)
        var task = bare
        try body(&task)
        try requireKept(task, bare, CodexFlow.Task.keptFieldsOfNew, .taskKept)
        let status = task.status ?? .backlog
        try CodexFlow.Rule.taskStatus.require(
            [.backlog, .todo, .inProgress].contains(status), "status",
            ["status": .string(status.rawValue)])
        task.status = status
        task.reporterID = task.reporterID ?? actor
        task.updatedAt = now
        task.updatedByID = actor
        task.statusChangedAt = now
        if status.isStarted { task.startedAt = now }
        try requireLinks(of: task, project)
        task.number = try nextNumber(of: task)
        try task.validate()
        try requireRoom(in: task)
        insert(task)
        try refreshWholes(from: nil, to: task)
        try recordCreation(of: task, in: project, by: actor)
        return task
    }

    /// Throws unless an identifier is one for a new task.
    ///
    /// Identifiers that begin with a character before `%` are those of raw tasks alone. Keys of
    /// earlier releases with them are outside of the ranges of open tasks, so the commands that
    /// look for a user's open tasks read all of them.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier``, ``CodexError/Code/keyTooLong``.
    private func requireNewIdentifier(_ task: CodexFlow.Task) throws {
        guard task.id.rawValue.utf8.first.map({ $0 >= UInt8(ascii: "%") }) ?? false else {
            throw CodexError(
                .invalidIdentifier,
                "The identifier of a new task does not begin with a space, !, \" or $.")
        }
        guard task.hasRoomForKeys else {
            throw CodexError(
                .keyTooLong,
                "The identifier of a new task has at most "
                    + "\(CodexFlow.Limits.taskIdentifierByteCountMax) bytes, and less in a project "
                    + "with a long identifier. Choose a shorter one.")
        }
    }

    /// Moves a task, as ``CodexFlow/Workspace/moveTask(_:in:to:by:holding:overriding:note:)``
    /// describes.
    func moveTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        to status: CodexFlow.Task.Status, by actor: CodexFlow.User.ID, holding token: Int?,
        result: CodexFlow.Task.Result? = nil, overriding reason: String?, note: String?
    ) throws -> CodexFlow.Task {
        var change = try change(id, in: project, by: actor, holding: token)
        let from = change.old.status ?? .backlog
        guard from != status else {
            // A finished task keeps its result: another one would be lost.
            try CodexFlow.Rule.taskResult.require(
                result == nil || result == change.old.result, "result",
                ["taskId": id.attributeValue, "status": .string(status.rawValue)])
            return change.old
        }
        try requireUnclaimed(change)
        try CodexFlow.Rule.taskTransition.require(
            from.successors.contains(status), "status",
            ["from": .string(from.rawValue), "to": .string(status.rawValue)])
        if let reason { try requireOverride(change, reason) }
        try requireMove(change.old, to: status, isForced: reason != nil)
        change.task.move(to: status, at: now)
        if status == .done, let result {
            change.task.result = result
            try requireRoom(in: change.task, over: change.old)
        }
        try requireAssigneeOfOpen(&change)
        let task = try replaceTask(change, .moved, note: note ?? reason, reason: reason)
        if from.isOpen != status.isOpen { try refreshDependencies(of: task) }
        return task
    }

    /// Checks the assignee, parent, story and estimate of a task, where they differ from `old`.
    fileprivate func requireLinks(
        of task: CodexFlow.Task, _ project: CodexFlow.Project, old: CodexFlow.Task? = nil
    ) throws {
        if let user = task.assigneeID, user != old?.assigneeID {
            try requireAssignable(user, in: project)
        }
        if let parent = task.parentID, parent != old?.parentID {
            try requireParent(parent, of: task)
            if old != nil { try requireNoCycle(of: task, under: parent) }
        }
        if task.estimate != old?.estimate { try requireOnScale(task.estimate, project) }
        if task.origin != old?.origin { try requireStory(task.origin, in: project.id) }
    }

    /// Throws if a finished task has an unmet criterion that was met, or did not exist, before.
    fileprivate func requireMet(_ change: CodexFlow.TaskChange) throws {
        guard change.task.status == .done else { return }
        let before = Set(change.old.acceptanceCriteria.filter { !$0.isMet }.map(\.id))
        let unmet = change.task.acceptanceCriteria.filter { !$0.isMet }.map(\.id)
        try CodexFlow.Rule.taskUnmet.require(
            before.isSuperset(of: unmet), "acceptanceCriteria", ["unmet": unmet.attributeValue])
    }

    /// Removes an assignee who may no longer work in the project, if the task becomes open.
    fileprivate func requireAssigneeOfOpen(_ change: inout CodexFlow.TaskChange) throws {
        guard let user = change.task.assigneeID, change.task.isOpen, !change.old.isOpen,
            try !isAssignable(user, in: change.project)
        else { return }
        change.task.assigneeID = nil
    }

    /// Throws if the task's parent is finished.
    fileprivate func requireOpenParent(of task: CodexFlow.Task) throws {
        guard let parent = task.parentID else { return }
        let whole = try get(.task(parent, in: task.projectID))
        try CodexFlow.Rule.taskParent.require(
            whole?.status?.isOpen ?? true, "parentId", ["parentId": parent.attributeValue])
    }

    /// An open task that this one waits for; it is read itself, since it may have changed without
    /// the services.
    func openBlocker(of task: CodexFlow.Task) throws -> CodexFlow.Task.ID? {
        try all(.blockers(of: task.id, in: task.projectID)).map(\.blockerID).first { blocker in
            try get(.task(blocker, in: task.projectID))?.isOpen == true
        }
    }

    /// Throws unless the actor may override rules, with a reason that people can read.
    private func requireOverride(_ change: CodexFlow.TaskChange, _ reason: String) throws {
        let isAdmin = try role(of: change.actor, in: change.project)?.includes(.admin) == true
        let isAgent = try self.actor(change.actor).role == .agent
        let isPermitted = isAdmin || !isAgent && change.project.overridePolicy != .admins
        try CodexFlow.Rule.taskOverride.require(
            isPermitted
                && reason.unicodeScalars.contains { letter in
                    // A filler is a letter too, and shows nothing.
                    letter.properties.isAlphabetic && !CodexFlow.Text.isBlank(String(letter))
                },
            "overriding",
            [
                "actor": change.actor.attributeValue,
                "policy": .string((change.project.overridePolicy ?? .people).rawValue),
                "byteCount": reason.utf8.count.attributeValue,
            ])
    }

    /// Throws unless the conditions of a move are met.
    fileprivate func requireMove(
        _ task: CodexFlow.Task, to status: CodexFlow.Task.Status, isForced: Bool
    ) throws {
        if status.isStarted, task.status?.isStarted != true, !isForced {
            let blocker = try openBlocker(of: task)
            try CodexFlow.Rule.taskBlocked.require(
                blocker == nil, "status",
                [
                    "taskId": task.id.attributeValue, "blockerId": blocker?.attributeValue,
                ])
        }
        if !status.isOpen {
            let part = try all(.subtasks(of: task.id, in: task.projectID)).first(where: \.isOpen)
            try CodexFlow.Rule.taskChildren.require(
                part == nil, "status",
                ["taskId": task.id.attributeValue, "partId": part?.id.attributeValue])
        } else if task.status?.isOpen == false {
            try requireOpenParent(of: task)
            if let parent = task.parentID, task.status == .canceled {
                var reopened = task
                reopened.status = status
                try requireRoom(forPart: reopened, of: parent)
            }
        }
        if status == .done, !isForced {
            let unmet = task.acceptanceCriteria.filter { !$0.isMet }
            try CodexFlow.Rule.taskUnmet.require(
                unmet.isEmpty, "acceptanceCriteria", ["unmet": unmet.map(\.id).attributeValue])
        }
    }
}

extension CodexFlow.Task {
    /// Sets the status of the task, with the times that go with it.
    mutating func move(to new: Status, at now: Date) {
        let wasOpen = status?.isOpen ?? true
        status = new
        statusChangedAt = now
        if new.isStarted, startedAt == nil { startedAt = now }
        switch new {
        case .done:
            completedAt = now
            // A task that is completed without a start took no time.
            if startedAt == nil { startedAt = now }
            (claim, diedAt, notBefore) = (nil, nil, nil)
        case .canceled:
            canceledAt = now
            (claim, diedAt, notBefore) = (nil, nil, nil)
        default:
            if !wasOpen {
                (completedAt, canceledAt, attempts, result) = (nil, nil, nil, nil)
                reopenCount = min(reopenCount ?? 0, .max - 1) + 1
            }
        }
    }

    /// The fields that only other commands change.
    static let keptFields = [
        KeptField<Self>("taskId", \.id), .init("projectId", \.projectID),
        .init("number", \.number), .init("status", \.status),
        .init("reporter", \.reporterID), .init("claim", \.claim),
        .init("reopenCount", \.reopenCount), .init("startedAt", \.startedAt),
        .init("completedAt", \.completedAt), .init("canceledAt", \.canceledAt),
        .init("statusChangedAt", \.statusChangedAt), .init("archivedAt", \.archivedAt),
        .init("createdAt", \.createdAt), .init("updatedAt", \.updatedAt),
        .init("updatedBy", \.updatedByID), .init("expiredToken", \.expiredToken),
        .init("attempts", \.attempts), .init("diedAt", \.diedAt), .init("blocked", \.isBlocked),
        .init("result", \.result),
    ]
    /// The fields that a creation does not set either.
    static let keptFieldsOfNew = keptFields.filter {
        !["status", "reporter"].contains($0.name)
    }
}
