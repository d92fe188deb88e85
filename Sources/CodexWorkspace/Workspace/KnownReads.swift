internal import CodexCore

/// What a command is known to read, as far as its arguments tell.
///
/// A backend that fetches over a network asks for all of it at once. It runs ``read`` twice: the
/// second time, what depends on the first items is asked for. A command that reads something else
/// only takes longer.
struct KnownReads: Sendable {
    /// Gives the first identifier that the command will get; the same one each time.
    typealias FirstIdentifier = @Sendable () -> String
    typealias Read =
        @Sendable (any CodexFlow.DecisionReader, @escaping FirstIdentifier) throws -> Void

    let read: Read

    /// Nothing is known.
    static let none = KnownReads { _, _ in }

    init(_ read: @escaping Read) { self.read = read }

    /// What these and others read.
    func and(
        _ more: @escaping @Sendable (any CodexFlow.DecisionReader) throws -> Void
    ) -> Self {
        let read = read
        return Self { reader, first in
            try read(reader, first)
            try more(reader)
        }
    }

    /// The acting user and the project, with the membership.
    static func actor(
        _ actor: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self { reader, _ in
            _ = try reader.get(.user(actor))
            _ = try reader.get(.project(project))
            _ = try reader.get(.member(actor, of: project))
        }
    }

    /// The actor, and a task with the newest entry of its history.
    static func task(
        _ task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            _ = try reader.get(.task(task, in: project))
            _ = try reader.newestEntry(of: task, in: project)
        }
    }

    /// The actor, a task, and a comment on it.
    static func comment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            _ = try reader.get(.comment(id, on: task, in: project))
        }
    }

    /// The actor, and two tasks with the dependencies of the one and those on the other.
    static func link(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            _ = try reader.get(.task(blocker, in: project))
            _ = try reader.get(.dependency(of: task, on: blocker, in: project))
            let max = CodexFlow.Limits.dependencyCountMax
            for limit in [nil, max] {
                _ = try reader.all(.blockers(of: task, in: project), limit: limit)
            }
            _ = try reader.all(.dependents(of: blocker, in: project), limit: max)
            _ = try reader.all(.dependents(of: task, in: project), limit: 1)
            _ = try reader.all(.blockers(of: blocker, in: project), limit: nil)
            _ = try reader.readable(.subtaskLinks(of: blocker, in: project), limit: nil)
        }
    }

    /// The actor, a task, and a user's work on it and on other tasks of a day.
    ///
    /// Without a day, it is the present one, which only the decision knows.
    static func work(
        of user: CodexFlow.User.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        day: CalendarDay?, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            guard let day else { return }
            _ = try reader.get(.work(of: user, on: task, day: day, in: project))
            _ = try reader.all(.work(of: user, from: day, through: day), limit: nil)
        }
    }

    /// The actor, and a task with the user to whom it is assigned.
    static func assignment(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, to user: CodexFlow.User.ID?,
        by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            guard let user else { return }
            _ = try reader.get(.user(user))
            _ = try reader.get(.member(user, of: project))
        }
    }

    /// The actor, and a task that gets another status, with what waits and what it waits for.
    ///
    /// A start looks at the blockers. An end looks at the parts. Both ends and reopenings look at
    /// the dependencies in both directions, and at the whole.
    static func move(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        to status: CodexFlow.Task.Status, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            let found = try reader.get(.task(task, in: project))
            let blockers = try reader.all(.blockers(of: task, in: project), limit: nil)
            if status.isStarted {
                for blocker in blockers.map(\.blockerID) {
                    _ = try reader.get(.task(blocker, in: project))
                }
                return
            }
            _ = try reader.all(.dependents(of: task, in: project), limit: nil)
            if !status.isOpen { _ = try reader.all(.subtasks(of: task, in: project), limit: nil) }
            guard let whole = found?.parentID else { return }
            _ = try reader.get(.task(whole, in: project))
            _ = try reader.readable(.openSubtasks(of: whole, in: project), limit: 2)
            _ = try reader.all(.blockers(of: whole, in: project), limit: nil)
        }
    }

    /// The actor, and what a new task names.
    ///
    /// The number is taken when the decision asks for it: a refused command takes none.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: The user who creates the task.
    ///   - id: The identifier; `nil` is a new one.
    ///   - body: Sets the fields of the task.
    /// - Returns: The reads.
    static func creation(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, id: CodexFlow.Task.ID?,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) -> Self {
        let actorReads = Self.actor(actor, in: project)
        return Self { reader, first in
            try actorReads.read(reader, first)
            let task = try id ?? CodexFlow.Task.ID(first())
            _ = try reader.newestEntry(of: task, in: project)
            var new = CodexFlow.Task(id: task, projectID: project, title: "", status: .backlog)
            try body(&new)
            if let user = new.assigneeID {
                _ = try reader.get(.user(user))
                _ = try reader.get(.member(user, of: project))
            }
            guard let whole = new.parentID else { return }
            let parent = try reader.get(.task(whole, in: project))
            let bound = CodexFlow.Limits.subtaskTotalCountMax + 1
            _ = try reader.all(.subtasks(of: whole, in: project), limit: bound)
            if let above = parent?.parentID { _ = try reader.get(.task(above, in: project)) }
        }
    }
}

extension CodexFlow.DecisionReader {
    /// The newest entry of a task's history.
    fileprivate func newestEntry(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> CodexFlow.Activity? {
        try all(.activity(of: task, in: project).reversed, limit: 1).first
    }
}
