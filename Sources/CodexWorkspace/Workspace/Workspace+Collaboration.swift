public import CodexCore
internal import FoundationEssentials

extension CodexFlow.Workspace {
    // MARK: Comments

    /// Adds a comment to a task.
    ///
    /// - Parameters:
    ///   - task: The task.
    ///   - project: Its project.
    ///   - author: The user who writes it.
    ///   - token: The token of the author's claim, which must not have ended; `nil` is no holder.
    ///   - text: The text.
    /// - Returns: The comment.
    /// - Throws: ``CodexFlow/Rule/commentText``, ``CodexFlow/Rule/taskNotHeld``, the rules of
    ///   actors, ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func addComment(
        on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by author: CodexFlow.User.ID,
        holding token: Int? = nil, _ text: String
    ) async throws -> CodexFlow.Comment {
        try await run(
            CommandCall(
                "addComment",
                [
                    "task": task, "project": project, "author": author, "holding": token,
                    "text": text,
                ]),
            reading: .task(task, in: project, by: author)
        ) { context in
            let change = try context.change(
                task, in: project, by: author, holding: token, mayBeArchived: true)
            let comment = CodexFlow.Comment(
                id: try context.newID(), projectID: project, taskID: task, authorID: author,
                text: text, createdAt: context.now)
            try comment.validate()
            context.insert(comment)
            try context.record(.commented, of: change, changes: [comment.reference])
            return comment
        }
    }

    /// Changes a comment's text.
    ///
    /// - Throws: ``CodexFlow/Rule/commentAuthor`` if the comment is another user's and the actor is
    ///   not an admin; as ``addComment(on:in:by:holding:_:)``.
    public func changeComment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID, holding token: Int? = nil, to text: String
    ) async throws {
        try await perform(
            CommandCall(
                "changeComment",
                [
                    "comment": id, "task": task, "project": project, "actor": actor,
                    "holding": token, "text": text,
                ]),
            reading: .comment(id, on: task, in: project, by: actor)
        ) { context in
            let (change, old) = try context.comment(
                id, on: task, in: project, for: actor, holding: token)
            var comment = old
            comment.text = text
            guard comment != old else { return }
            comment.updatedAt = context.instant(after: old.updatedAt)
            comment.updatedByID = actor
            try comment.validate()
            context.replace(comment)
            try context.record(.commentChanged, of: change, changes: [comment.reference])
        }
    }

    /// Removes a comment.
    ///
    /// - Throws: As ``changeComment(_:on:in:by:holding:to:)``.
    public func deleteComment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID, holding token: Int? = nil
    ) async throws {
        try await perform(
            CommandCall(
                "deleteComment",
                [
                    "comment": id, "task": task, "project": project, "actor": actor,
                    "holding": token,
                ]),
            reading: .comment(id, on: task, in: project, by: actor)
        ) { context in
            let (change, comment) = try context.comment(
                id, on: task, in: project, for: actor, holding: token)
            context.delete(comment)
            try context.record(.commentDeleted, of: change, changes: [comment.reference])
        }
    }

    // MARK: Dependencies

    /// Makes a task wait for another task of the same project.
    ///
    /// A given token is of the actor's claim of the task that waits.
    ///
    /// - Throws: ``CodexFlow/Rule/dependencySelf``, ``CodexFlow/Rule/dependencyCycle``,
    ///   ``CodexFlow/Rule/dependencyTaken``, ``CodexFlow/Rule/dependencyCount``,
    ///   ``CodexFlow/Rule/dependencyReach``, ``CodexFlow/Rule/taskArchived``,
    ///   ``CodexFlow/Rule/taskNotHeld``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound`` for either task.
    /// - Complexity: Reads the tasks that the blocker waits for, also through other tasks, or those
    ///   that wait for the task, whichever are fewer; at most
    ///   ``CodexFlow/Limits/dependencyWalkMax`` tasks and links in both directions.
    @discardableResult
    public func addDependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, holding token: Int? = nil
    ) async throws -> CodexFlow.Dependency {
        try await run(
            CommandCall(
                "addDependency",
                [
                    "task": task, "blocker": blocker, "project": project, "actor": actor,
                    "holding": token,
                ]),
            reading: .linking(task, on: blocker, in: project, by: actor)
        ) { context in
            try context.addDependency(
                of: task, on: blocker, in: project, by: actor, holding: token)
        }
    }

    /// Removes the dependency of a task on another one.
    ///
    /// A given token is of the actor's claim of the task that waits.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if there is no such dependency,
    ///   ``CodexFlow/Rule/taskNotHeld``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``.
    public func removeDependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, holding token: Int? = nil
    ) async throws {
        try await perform(
            CommandCall(
                "removeDependency",
                [
                    "task": task, "blocker": blocker, "project": project, "actor": actor,
                    "holding": token,
                ]),
            reading: .unlinking(task, from: blocker, in: project, by: actor)
        ) { context in
            let change = try context.change(task, in: project, by: actor, holding: token)
            let dependency = try context.find(.dependency(of: task, on: blocker, in: project))
            context.delete(dependency)
            try context.recordRemoval(of: dependency, change)
            // The blocker may be a part too, which the task still waits for.
            let isBlocked =
                try context.hasOpenBlockers(change.old, except: blocker)
                || context.hasOpenParts(of: task, in: project)
            try context.setBlocked(isBlocked, change.old)
        }
    }

    // MARK: Work

    /// Adds hours to a user's work on a task on a day.
    ///
    /// - Parameters:
    ///   - hours: The hours, with at most four decimals; negative hours take logged ones back.
    ///   - task: The task.
    ///   - project: Its project.
    ///   - user: The user who worked, and who logs the work.
    ///   - token: The token of the user's claim, which must not have ended; `nil` is no holder.
    ///   - day: The day; `nil` is today in the project's time zone.
    /// - Returns: The log of the day after the change; `nil` if no hours are left.
    /// - Throws: ``CodexFlow/Rule/workHours``, ``CodexFlow/Rule/workDay``,
    ///   ``CodexFlow/Rule/taskNotHeld``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``.
    @discardableResult
    public func logWork(
        _ hours: Number, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by user: CodexFlow.User.ID, holding token: Int? = nil, day: CalendarDay? = nil
    ) async throws -> CodexFlow.WorkLog? {
        try await run(
            CommandCall(
                "logWork",
                [
                    "hours": hours, "task": task, "project": project, "user": user,
                    "holding": token, "day": day,
                ]),
            reading: .work(of: user, on: task, in: project, day: day, by: user)
        ) { context in
            let change = try context.change(
                task, in: project, by: user, holding: token, mayBeArchived: true)
            let today = try context.today(in: change.project)
            let day = day ?? today
            try CodexFlow.Rule.workDay.require(day <= today, "day", ["day": day.attributeValue])
            let old = try context.get(.work(of: user, on: task, day: day, in: project))
            return try context.log(hours, of: user, on: day, over: old, change)
        }
    }

    /// Corrects the hours of a user's work on a task on a day, also of a user who left.
    ///
    /// - Parameters:
    ///   - hours: The hours to add, with at most four decimals; negative hours take logged ones
    ///     back.
    ///   - user: The user who worked, who need not be a member any more, or exist.
    ///   - task: The task.
    ///   - project: Its project.
    ///   - day: The day, which has a log of the user's work on the task.
    ///   - actor: The user who corrects it: an admin, or the user who worked.
    ///   - note: A note for the history.
    /// - Returns: The log of the day after the change; `nil` if no hours are left.
    /// - Throws: ``CodexFlow/Rule/workHours``, ``CodexFlow/Rule/note``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``; ``CodexError/Code/notFound`` if there is no such log.
    @discardableResult
    public func correctWork(
        _ hours: Number, of user: CodexFlow.User.ID, on task: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, day: CalendarDay, by actor: CodexFlow.User.ID,
        note: String? = nil
    ) async throws -> CodexFlow.WorkLog? {
        try await run(
            CommandCall(
                "correctWork",
                [
                    "hours": hours, "user": user, "task": task, "project": project, "day": day,
                    "actor": actor, "note": note,
                ]),
            reading: .work(of: user, on: task, in: project, day: day, by: actor)
        ) { context in
            let change = try context.change(task, in: project, by: actor, mayBeArchived: true)
            if actor != user { try context.requireRole(of: actor, in: change.project, .admin) }
            let old = try context.find(.work(of: user, on: task, day: day, in: project))
            return try context.log(hours, of: user, on: day, over: old, change, note: note)
        }
    }
}

extension CodexFlow.DecisionContext {
    /// Adds hours to a user's work on a task on a day.
    ///
    /// - Parameters:
    ///   - hours: The hours, which may be negative.
    ///   - user: The user who worked.
    ///   - day: The day.
    ///   - old: The log of that day before.
    ///   - change: The task, with the user who logs the work.
    ///   - note: A note for the history.
    /// - Returns: The log after the change; `nil` if no hours are left.
    /// - Throws: The rules of logged work; the errors of reading.
    fileprivate func log(
        _ hours: Number, of user: CodexFlow.User.ID, on day: CalendarDay,
        over old: CodexFlow.WorkLog?, _ change: CodexFlow.TaskChange, note: String? = nil
    ) throws -> CodexFlow.WorkLog? {
        let (task, project) = (change.old.id, change.project.id)
        var log = CodexFlow.WorkLog(
            projectID: project, taskID: task, userID: user, day: day,
            hours: try (old?.hours ?? 0).adding(hours), updatedAt: instant(after: old?.updatedAt))
        log.updatedByID = change.actor
        log.entryID = try record(
            .worked, of: change, changes: log.changes(from: old, by: change.actor), note: note)
        if log.hours == 0, let old {
            delete(old)
            return nil
        }
        try log.validate()
        let others = try all(.work(of: user, from: day, through: day))
        var total = log.hours
        for other in others where other.projectID != project || other.taskID != task {
            total = try total.adding(other.hours)
        }
        try CodexFlow.Rule.workHours.require(
            total <= 24, "hours",
            ["hours": .number(hours), "day": day.attributeValue, "total": .number(total)])
        if old == nil { insert(log) } else { replace(log) }
        return log
    }

    /// Adds a dependency, as ``CodexFlow/Workspace/addDependency(of:on:in:by:holding:)`` describes.
    func addDependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, holding token: Int? = nil
    ) throws -> CodexFlow.Dependency {
        let change = try change(task, in: project, by: actor, holding: token)
        let other = try find(.task(blocker, in: project))
        var dependency = CodexFlow.Dependency(
            projectID: project, taskID: task, blockerID: blocker,
            isOpen: change.old.isOpen && other.isOpen, createdAt: now)
        dependency.createdByID = actor
        try dependency.validate()
        try CodexFlow.Rule.dependencyTaken.require(
            try get(.dependency(of: task, on: blocker, in: project)) == nil,
            "blockerId", ["taskId": task.attributeValue, "blockerId": blocker.attributeValue])
        try requireRoom(for: dependency)
        try requireNoCycle(dependency)
        insert(dependency)
        if dependency.isOpen { try setBlocked(true, change.old) }
        try record(
            .linked, of: change,
            changes: [
                CodexFlow.Activity.Change(
                    field: "blockerId", from: nil, to: blocker.attributeValue)
            ])
        return dependency
    }

    /// Writes the entry of a removed dependency in the history of the task that waited.
    func recordRemoval(
        of dependency: CodexFlow.Dependency, _ change: CodexFlow.TaskChange
    ) throws {
        try record(
            .unlinked, of: change,
            changes: [
                CodexFlow.Activity.Change(
                    field: "blockerId", from: dependency.blockerID.attributeValue, to: nil),
                CodexFlow.Activity.Change(
                    field: "isOpen", from: .bool(dependency.isOpen), to: nil),
            ])
    }

    /// A comment that the actor may change.
    fileprivate func comment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        for actor: CodexFlow.User.ID, holding token: Int?
    ) throws -> (CodexFlow.TaskChange, CodexFlow.Comment) {
        let change = try change(
            task, in: project, by: actor, holding: token, mayBeArchived: true)
        let comment = try find(.comment(id, on: task, in: project))
        let role = try role(of: actor, in: change.project)
        try CodexFlow.Rule.commentAuthor.require(
            comment.authorID == actor || role?.includes(.admin) == true, "actor",
            ["actor": actor.attributeValue])
        return (change, comment)
    }
}

extension CodexFlow.WorkLog {
    /// What the history keeps of a change of a log: the user who worked only if another one made
    /// it, and the entry of the change before.
    fileprivate func changes(
        from old: Self?, by actor: CodexFlow.User.ID
    ) -> [CodexFlow.Activity.Change] {
        var changes = [
            CodexFlow.Activity.Change(
                field: "hours", from: old?.hours.attributeValue, to: hours.attributeValue),
            CodexFlow.Activity.Change(field: "day", from: nil, to: day.attributeValue),
        ]
        if actor != userID {
            changes.append(
                CodexFlow.Activity.Change(field: "userId", from: nil, to: userID.attributeValue))
        }
        // Analytics know by it whether the hours before are those of a removed task.
        if let last = old?.entryID {
            changes.append(
                CodexFlow.Activity.Change(field: "entryId", from: last.attributeValue, to: nil))
        }
        return changes
    }
}

extension CodexFlow.Comment {
    /// The comment's identifier as an entry of history has it.
    fileprivate var reference: CodexFlow.Activity.Change {
        CodexFlow.Activity.Change(field: "commentId", from: nil, to: id.attributeValue)
    }
}
