public import CodexCore

extension CodexFlow.Workspace {
    /// Deletes a task with its comments and dependencies.
    ///
    /// The history and the logged hours stay, since the analytics count them. The last entry of the
    /// history has the kind ``CodexFlow/Activity/Kind/deleted``. The task's number and its claim
    /// tokens are not given again, also if a new task has the identifier.
    ///
    /// A task with many comments or dependencies is deleted in several commits, the task itself
    /// with the last one. So is a task whose claim has ended by time: the first commit removes the
    /// claim. Each commit checks all rules. If one of them is broken meanwhile, or after an
    /// interruption, the task has fewer comments and dependencies, and another call continues. A
    /// task that the services alone changed keeps the dependencies on its blockers until the last
    /// commit.
    ///
    /// If another call deletes the task meanwhile, the deletion is done. A new task with the
    /// identifier stays.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who deletes it: its reporter, or an admin.
    ///   - token: The token of the actor's claim, which must not have ended; `nil` is no holder.
    ///   - note: A note for the history.
    /// - Throws: ``CodexFlow/Rule/taskDeletion`` if it has subtasks,
    ///   ``CodexFlow/Rule/taskClaimed``, ``CodexFlow/Rule/taskNotHeld``, ``CodexFlow/Rule/note``,
    ///   the rules of actors, ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``,
    ///   `CancellationError` between commits.
    /// - Complexity: A commit removes 40 comments, 40 dependencies on blockers, or 13 dependencies
    ///   of tasks that wait (11 on a remote table). Of several kinds, it removes fewer of each.
    public func deleteTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, note: String? = nil
    ) async throws {
        try await runDeletion(
            CommandCall(
                "deleteTask",
                [
                    "task": id, "project": project, "actor": actor, "holding": token, "note": note,
                ]),
            reading: .deletion(of: id, in: project, by: actor)
        ) { context, begun in
            try context.deleteTask(
                id, in: project, by: actor, holding: token, note: note, begun: begun)
        }
    }
}

/// The actions on a remote table that a commit has for what belongs to a deleted task.
///
/// A transaction has at most 100. The task, its whole, its count, its history, the checks of the
/// rules, the predicate locks and the idempotency keys take up to 20.
struct RemovalRoom {
    /// The actions of all that belongs to the task.
    static let actionCountMax = 80
    /// The actions of a comment.
    ///
    /// One would be enough. But a comment may have 64 KB, and a transaction of DynamoDB has 4 MB.
    static let actionCountOfComment = 2
    /// The actions of a blocker: the dependency, and the predicate lock of the blocker's tasks.
    static let actionCountOfBlocker = 2
    /// The actions of a task that waits: the dependency, the task, two entries of its history, and
    /// the predicate locks of its comments and its parts; on a remote table, also the lock of its
    /// blockers.
    let actionCountOfDependent: Int

    init(isRemote: Bool) { actionCountOfDependent = isRemote ? 7 : 6 }

    /// Most comments of a commit.
    var commentCount: Int { Self.actionCountMax / Self.actionCountOfComment }

    /// Most tasks that wait, of a commit with some comments; negative if these have no room.
    func dependentCount(besides commentCount: Int) -> Int {
        let left = Self.actionCountMax - commentCount * Self.actionCountOfComment
        return left < 0 ? -1 : left / actionCountOfDependent
    }
}

extension CodexFlow.DecisionContext {
    /// Deletes a task, or a part of its comments and dependencies, if there are many.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - actor: The user who deletes it.
    ///   - token: The token of the actor's claim.
    ///   - note: A note for the history.
    ///   - begun: The task that an earlier commit of the command began to delete.
    /// - Returns: Whether further commits must follow.
    /// - Throws: As ``CodexFlow/Workspace/deleteTask(_:in:by:holding:note:)``.
    func deleteTask(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int?, note: String?, begun: DeletionStep.Origin?
    ) throws -> DeletionStep {
        if let begun {
            guard let present = try get(.task(id, in: project)),
                DeletionStep.Origin(present) == begun
            else { return .done }
        }
        let change = try change(
            id, in: project, by: actor, holding: token, mayBeArchived: true)
        try requireDeletable(change)
        try requireNote(note, of: change)
        let unfinished = DeletionStep(rest: DeletionStep.Origin(change.old))
        // The item must still be there when its claim ends by time: the events are derived from it.
        if let claim = change.old.claim, !claim.isHeld(at: now),
            try endClaim(of: change.old, in: change.project)
        {
            return unfinished
        }
        guard try removeBelongings(of: change) else { return unfinished }
        try record(
            .deleted, of: change, changes: change.old.changesOfDeletion,
            facts: presentFacts(of: change.old), note: note)
        delete(change.old)
        try refreshWholes(from: change.old, to: nil)
        return .done
    }

    /// Throws unless the actor may delete the task.
    private func requireDeletable(_ change: CodexFlow.TaskChange) throws {
        let (task, project) = (change.old, change.project)
        try requireUnclaimed(change)
        if task.reporterID != change.actor {
            try requireRole(of: change.actor, in: project, .admin)
        }
        let part = try all(.subtasks(of: task.id, in: project.id), limit: 1).first
        try CodexFlow.Rule.taskDeletion.require(
            part == nil, "taskId",
            ["taskId": task.id.attributeValue, "partId": part?.id.attributeValue])
    }

    /// Throws if the last commit of a deletion would refuse its note, before an earlier commit
    /// removes anything.
    private func requireNote(_ note: String?, of change: CodexFlow.TaskChange) throws {
        let entry = CodexFlow.Activity(
            id: CodexFlow.Activity.importID, projectID: change.project.id, taskID: change.old.id,
            actorID: change.actor, at: now, day: try today(in: change.project),
            kind: .deleted, note: note)
        try entry.validate()
        try entry.validateNotes()
    }

    // MARK: Comments and dependencies

    /// Removes comments and dependencies of a task, as many as fit into a commit.
    ///
    /// - Returns: Whether none is left, so that the rest of the commit may follow.
    private func removeBelongings(of change: CodexFlow.TaskChange) throws -> Bool {
        let (id, project) = (change.old.id, change.project.id)
        let room = RemovalRoom(isRemote: isRemote)
        let comments = try all(.comments(on: id, in: project), limit: room.commentCount + 1)
        for comment in comments.prefix(room.commentCount) { delete(comment) }
        let dependentCount = room.dependentCount(besides: comments.count)
        guard dependentCount >= 0 else { return false }
        let dependents = try all(.dependents(of: id, in: project), limit: dependentCount + 1)
        for dependency in dependents.prefix(dependentCount) {
            try removeDependent(dependency, of: change)
        }
        let actionCount =
            RemovalRoom.actionCountMax - comments.count * RemovalRoom.actionCountOfComment
            - dependents.count * room.actionCountOfDependent
        guard actionCount >= 0 else { return false }
        return try removeBlockers(of: change, within: actionCount)
    }

    /// Removes the dependency of a task that waits, which has the removal in its history.
    private func removeDependent(
        _ dependency: CodexFlow.Dependency, of change: CodexFlow.TaskChange
    ) throws {
        let (id, project) = (change.old.id, change.project)
        delete(dependency)
        // A raw item may make the deleted task wait for itself.
        guard dependency.taskID != id,
            let task = try get(.task(dependency.taskID, in: project.id))
        else { return }
        try recordRemoval(
            of: dependency, CodexFlow.TaskChange(task, in: project, by: change.actor))
        if task.isBlocked { try setBlocked(isWaiting(task, except: id), task) }
    }

    /// Removes the dependencies of a task on its blockers.
    ///
    /// The task must not be claimed before its blockers are finished. So these dependencies go with
    /// the task itself: a commit has room for as many as the services allow. Only raw items can be
    /// more. Then the task waits for the rest.
    ///
    /// - Returns: Whether none is left, so that the rest of the commit may follow.
    private func removeBlockers(
        of change: CodexFlow.TaskChange, within actionCount: Int
    ) throws -> Bool {
        let (id, project) = (change.old.id, change.project.id)
        let blockers = try all(.blockers(of: id, in: project)).filter { $0.blockerID != id }
        let count = actionCount / RemovalRoom.actionCountOfBlocker
        guard blockers.count > count else {
            for dependency in blockers { delete(dependency) }
            return true
        }
        // The commit has removed other things, and the next one has room for more.
        guard actionCount == RemovalRoom.actionCountMax else { return false }
        for dependency in blockers.prefix(count) { delete(dependency) }
        try setBlocked(blockers.dropFirst(count).contains(where: \.isOpen), change.old)
        return false
    }
}

extension CodexFlow.Task {
    /// What the history keeps of a deleted task.
    fileprivate var changesOfDeletion: [CodexFlow.Activity.Change] {
        var changes = [
            CodexFlow.Activity.Change(field: "title", from: .string(title), to: nil)
        ]
        if let number {
            changes.append(
                CodexFlow.Activity.Change(field: "number", from: number.attributeValue, to: nil))
        }
        if let archivedAt {
            changes.append(
                CodexFlow.Activity.Change(
                    field: "archivedAt", from: archivedAt.attributeValue, to: nil))
        }
        return changes
    }
}
