public import CodexCore
internal import FoundationEssentials

extension CodexFlow.Workspace {
    // MARK: Comments

    /// Adds a comment to a task.
    ///
    /// - Throws: ``CodexFlow/Rule/commentText``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func addComment(
        on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by author: CodexFlow.User.ID,
        _ text: String
    ) async throws -> CodexFlow.Comment {
        try await commit { context in
            let change = try context.change(task, in: project, by: author, mayBeArchived: true)
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
    ///   not an admin; as ``addComment(on:in:by:_:)``.
    public func changeComment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID, to text: String
    ) async throws {
        try await commit { context in
            let (change, old) = try context.comment(id, on: task, in: project, for: actor)
            var comment = old
            comment.text = text
            guard comment != old else { return }
            comment.updatedAt = context.instant(after: old.updatedAt)
            try comment.validate()
            context.replace(comment)
            try context.record(.commentChanged, of: change, changes: [comment.reference])
        }
    }

    /// Removes a comment.
    ///
    /// - Throws: As ``changeComment(_:on:in:by:to:)``.
    public func deleteComment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID
    ) async throws {
        try await commit { context in
            let (change, comment) = try context.comment(id, on: task, in: project, for: actor)
            context.delete(comment)
            try context.record(.commentDeleted, of: change, changes: [comment.reference])
        }
    }

    // MARK: Dependencies

    /// Makes a task wait for another task of the same project.
    ///
    /// - Throws: ``CodexFlow/Rule/dependencySelf``, ``CodexFlow/Rule/dependencyCycle``,
    ///   ``CodexFlow/Rule/dependencyTaken``, ``CodexFlow/Rule/dependencyCount``,
    ///   ``CodexFlow/Rule/taskArchived``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound`` for either task.
    /// - Complexity: Reads all tasks that the blocker waits for, directly or through other tasks.
    @discardableResult
    public func addDependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Dependency {
        try await commit { context in
            try context.addDependency(of: task, on: blocker, in: project, by: actor)
        }
    }

    /// Removes the dependency of a task on another one.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if there is no such dependency, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``.
    public func removeDependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws {
        try await commit { context in
            let change = try context.change(task, in: project, by: actor)
            let dependency = try context.find(.dependency(of: task, on: blocker, in: project))
            context.delete(dependency)
            try context.record(
                .unlinked, of: change,
                changes: [
                    CodexFlow.Activity.Change(
                        field: "blockerId", from: blocker.attributeValue, to: nil),
                    CodexFlow.Activity.Change(
                        field: "isOpen", from: .bool(dependency.isOpen), to: nil),
                ])
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
    ///   - day: The day; `nil` is today in the project's time zone.
    /// - Returns: The log of the day after the change; `nil` if no hours are left.
    /// - Throws: ``CodexFlow/Rule/workHours``, ``CodexFlow/Rule/workDay``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func logWork(
        _ hours: Number, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by user: CodexFlow.User.ID, day: CalendarDay? = nil
    ) async throws -> CodexFlow.WorkLog? {
        try await commit { context in
            let change = try context.change(task, in: project, by: user, mayBeArchived: true)
            let today = context.today(in: change.project)
            let day = day ?? today
            try CodexFlow.Rule.workDay.require(day <= today, "day", ["day": day.attributeValue])
            let old = try context.get(.work(of: user, on: task, day: day, in: project))
            let log = CodexFlow.WorkLog(
                projectID: project, taskID: task, userID: user, day: day,
                hours: try (old?.hours ?? 0).adding(hours),
                updatedAt: context.instant(after: old?.updatedAt))
            try context.record(
                .worked, of: change,
                changes: [
                    CodexFlow.Activity.Change(
                        field: "hours", from: old?.hours.attributeValue,
                        to: log.hours.attributeValue),
                    CodexFlow.Activity.Change(field: "day", from: nil, to: day.attributeValue),
                ])
            if log.hours == 0, let old {
                context.delete(old)
                return nil
            }
            try log.validate()
            let others = try context.all(.work(of: user, from: day, through: day))
            var total = log.hours
            for other in others where other.projectID != project || other.taskID != task {
                total = try total.adding(other.hours)
            }
            try CodexFlow.Rule.workHours.require(
                total <= 24, "hours",
                ["hours": .number(hours), "day": day.attributeValue, "total": .number(total)])
            if old == nil { context.insert(log) } else { context.replace(log) }
            return log
        }
    }
}

extension CodexFlow.DecisionContext {
    /// Adds a dependency, as ``CodexFlow/Workspace/addDependency(of:on:in:by:)`` describes.
    func addDependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) throws -> CodexFlow.Dependency {
        let change = try change(task, in: project, by: actor)
        let other = try find(.task(blocker, in: project))
        let dependency = CodexFlow.Dependency(
            projectID: project, taskID: task, blockerID: blocker,
            isOpen: change.old.isOpen && other.isOpen, createdAt: now)
        try dependency.validate()
        try CodexFlow.Rule.dependencyTaken.require(
            try get(.dependency(of: task, on: blocker, in: project)) == nil,
            "blockerId", ["taskId": task.attributeValue, "blockerId": blocker.attributeValue])
        try requireRoom(for: dependency)
        try requireNoCycle(dependency)
        insert(dependency)
        try record(
            .linked, of: change,
            changes: [
                CodexFlow.Activity.Change(
                    field: "blockerId", from: nil, to: blocker.attributeValue)
            ])
        return dependency
    }

    /// A comment that the actor may change.
    fileprivate func comment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        for actor: CodexFlow.User.ID
    ) throws -> (CodexFlow.TaskChange, CodexFlow.Comment) {
        let change = try change(task, in: project, by: actor, mayBeArchived: true)
        let comment = try find(.comment(id, on: task, in: project))
        let role = try role(of: actor, in: change.project)
        try CodexFlow.Rule.commentAuthor.require(
            comment.authorID == actor || role?.includes(.admin) == true, "actor",
            ["actor": actor.attributeValue])
        return (change, comment)
    }
}

extension CodexFlow.Comment {
    /// The comment's identifier as an entry of history has it.
    fileprivate var reference: CodexFlow.Activity.Change {
        CodexFlow.Activity.Change(field: "commentId", from: nil, to: id.attributeValue)
    }
}
