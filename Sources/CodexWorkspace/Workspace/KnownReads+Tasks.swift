internal import CodexCore

// What the commands on single tasks are known to read. KnownReads+Queue.swift has those on the
// queue and on claims.

extension KnownReads {
    /// The actor, and a task without its history.
    static func taskAlone(
        _ task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            _ = try reader.get(.task(task, in: project))
        }
    }

    /// The actor, and a task with the newest entry of its history and the holder of its claim.
    static func task(
        _ task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.taskAlone(task, in: project, by: actor).and { reader in
            _ = try reader.newestEntry(of: task, in: project)
            let found = try reader.get(.task(task, in: project))
            if let holder = found?.claim?.holder { try reader.readWorker(holder, in: project) }
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

    /// The actor, a task, and a user's work on it and on other tasks of a day.
    ///
    /// Without a day, it is the present one, which depends on the project.
    static func work(
        of user: CodexFlow.User.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        day: CalendarDay?, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).with { reader, given in
            let found = try reader.get(.project(project))
            guard let day = try day ?? found.map({ try given.today(in: $0) }) else { return }
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
            if let user { try reader.readWorker(user, in: project) }
        }
    }

    // MARK: Links

    /// The actor, and two tasks of which one will wait for the other.
    ///
    /// The search for a circle begins with the blocker, if something waits for the task.
    static func linking(
        _ task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            try reader.readLink(of: task, on: blocker, in: project)
            let waiting = try reader.all(.dependents(of: task, in: project), limit: 1)
            let whole = try reader.get(.task(task, in: project))?.parentID
            guard !waiting.isEmpty || whole != nil else { return }
            _ = try reader.all(.blockers(of: blocker, in: project), limit: nil)
            _ = try reader.readable(.subtaskLinks(of: blocker, in: project), limit: nil)
        }
    }

    /// The actor, and a task that waits, with its dependency on another one and its obstacles.
    static func unlinking(
        _ task: CodexFlow.Task.ID, from blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            _ = try reader.get(.dependency(of: task, on: blocker, in: project))
            try reader.readObstacles(of: task, in: project)
        }
    }

    // MARK: Moves

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
            if status.isStarted {
                try reader.readBlockers(of: task, in: project)
            } else if !status.isOpen {
                _ = try reader.all(.subtasks(of: task, in: project), limit: nil)
                try reader.readEnd(of: task, found, in: project)
            } else if let found, !found.isOpen {
                try reader.readReopening(of: task, found, in: project)
            }
        }
    }

    /// The actor, and a task that is archived.
    static func archiving(
        _ task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            let found = try reader.get(.task(task, in: project))
            try reader.readEnd(of: task, found, in: project)
        }
    }

    /// The actor, and a task that is restored from the archive.
    static func restoring(
        _ task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            let found = try reader.get(.task(task, in: project))
            try reader.readReopening(of: task, found, in: project)
        }
    }

    /// The actor, and a task that is deleted, with what belongs to it.
    static func deletion(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            _ = try reader.all(.subtasks(of: task, in: project), limit: 1)
            let room = RemovalRoom(isRemote: true)
            let comments = try reader.all(
                .comments(on: task, in: project), limit: room.commentCount + 1)
            let dependentCount = room.dependentCount(besides: comments.count)
            let dependents = try reader.all(
                .dependents(of: task, in: project), limit: max(0, dependentCount) + 1)
            _ = try reader.all(.blockers(of: task, in: project), limit: nil)
            for waiting in dependents.map(\.taskID) {
                _ = try reader.newestEntry(of: waiting, in: project)
                let other = try reader.get(.task(waiting, in: project))
                if other?.isBlocked == true { try reader.readObstacles(of: waiting, in: project) }
            }
            let found = try reader.get(.task(task, in: project))
            try reader.readFormerWhole(of: found, in: project)
        }
    }

    // MARK: Changes

    /// The actor, and a task that is changed, with what its new fields name.
    static func change(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) -> Self {
        Self.task(task, in: project, by: actor).and { reader in
            guard let old = try reader.get(.task(task, in: project)) else { return }
            var new = old
            try body(&new)
            if let user = new.assigneeID, user != old.assigneeID {
                try reader.readWorker(user, in: project)
            }
            if new.origin != old.origin { try reader.readStory(new.origin, in: project) }
            guard let whole = new.parentID, whole != old.parentID else { return }
            try reader.readWhole(whole, in: project)
            _ = try reader.all(.subtasks(of: task, in: project), limit: nil)
            _ = try reader.all(.dependents(of: whole, in: project), limit: 1)
            try reader.readFormerWhole(of: old, in: project)
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
        Self.actor(actor, in: project).with { reader, given in
            let task = try id ?? CodexFlow.Task.ID(given.identifier(0))
            _ = try reader.newestEntry(of: task, in: project)
            var new = CodexFlow.Task(id: task, projectID: project, title: "", status: .backlog)
            try body(&new)
            if let user = new.assigneeID { try reader.readWorker(user, in: project) }
            try reader.readStory(new.origin, in: project)
            if let whole = new.parentID { try reader.readWhole(whole, in: project) }
        }
    }

    /// The actor, what a new task names, and the tasks that it waits for.
    static func creation(
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, id: CodexFlow.Task.ID?,
        waitingFor blockers: [CodexFlow.Task.ID],
        _ body: @escaping @Sendable (inout CodexFlow.Task) throws -> Void
    ) -> Self {
        Self.creation(in: project, by: actor, id: id, body).with { reader, given in
            let task = try id ?? CodexFlow.Task.ID(given.identifier(0))
            for blocker in blockers { try reader.readLink(of: task, on: blocker, in: project) }
            _ = try reader.all(.dependents(of: task, in: project), limit: 1)
        }
    }
}

extension CodexFlow.DecisionReader {
    /// Reads a blocker, and what the limits of dependencies look at.
    fileprivate func readLink(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws {
        _ = try get(.task(blocker, in: project))
        _ = try get(.dependency(of: task, on: blocker, in: project))
        let max = CodexFlow.Limits.dependencyCountMax
        _ = try all(.blockers(of: task, in: project), limit: max)
        _ = try all(.dependents(of: blocker, in: project), limit: max)
    }

    /// Reads the tasks that a task waits for.
    func readBlockers(of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID) throws {
        for dependency in try all(.blockers(of: task, in: project), limit: nil) {
            _ = try get(.task(dependency.blockerID, in: project))
        }
    }

    /// Reads dependencies of a task that was opened or ended; if it is open, also the other task
    /// of each.
    func readDependencies(
        _ dependencies: [CodexFlow.Dependency], of task: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID
    ) throws {
        _ = try get(.project(project))
        let isOpen = try get(.task(task, in: project))?.isOpen == true
        for known in dependencies {
            let (waiting, blocker) = (known.taskID, known.blockerID)
            _ = try get(.dependency(of: waiting, on: blocker, in: project))
            let other = blocker == task ? waiting : blocker
            if isOpen { _ = try get(.task(other, in: project)) }
        }
    }

    /// Reads the dependencies of a task that ends, and its whole.
    fileprivate func readEnd(
        of task: CodexFlow.Task.ID, _ found: CodexFlow.Task?, in project: CodexFlow.Project.ID
    ) throws {
        _ = try all(.blockers(of: task, in: project), limit: nil)
        _ = try all(.dependents(of: task, in: project), limit: nil)
        try readFormerWhole(of: found, in: project)
    }

    /// Reads the whole of a task that is its part, or open, no longer.
    fileprivate func readFormerWhole(
        of found: CodexFlow.Task?, in project: CodexFlow.Project.ID
    ) throws {
        guard let whole = found?.parentID else { return }
        _ = try get(.task(whole, in: project))
        try readObstacles(of: whole, in: project)
    }

    /// Reads the dependencies of a task that is opened, with the other tasks of each, if one
    /// transaction corrects them.
    fileprivate func readReopening(
        of task: CodexFlow.Task.ID, _ found: CodexFlow.Task?, in project: CodexFlow.Project.ID
    ) throws {
        let blockers = try all(.blockers(of: task, in: project), limit: nil)
        let dependents = try all(.dependents(of: task, in: project), limit: nil)
        _ = try readable(.openSubtasks(of: task, in: project), limit: 2)
        let others = blockers.map(\.blockerID) + dependents.map(\.taskID)
        if 2 * others.count <= CodexFlow.DecisionContext.roomForRefresh {
            for other in others { _ = try get(.task(other, in: project)) }
        }
        guard let found else { return }
        if let user = found.assigneeID { try readWorker(user, in: project) }
        guard let whole = found.parentID else { return }
        if found.status == .canceled { return try readWhole(whole, in: project) }
        _ = try get(.task(whole, in: project))
    }

    /// Reads a task that gets another part, with its parts and the task above it.
    fileprivate func readWhole(
        _ whole: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws {
        let found = try get(.task(whole, in: project))
        let bound = CodexFlow.Limits.subtaskTotalCountMax + 1
        _ = try all(.subtasks(of: whole, in: project), limit: bound)
        if let above = found?.parentID { _ = try get(.task(above, in: project)) }
    }

    /// Reads the version of a PRD that the origin of a task names.
    fileprivate func readStory(
        _ origin: CodexFlow.Task.Origin?, in project: CodexFlow.Project.ID
    ) throws {
        guard case .prd(let prd, let version, _) = origin else { return }
        _ = try get(.prd(CodexFlow.PRD.ID(prd), version: version, in: project))
    }
}
