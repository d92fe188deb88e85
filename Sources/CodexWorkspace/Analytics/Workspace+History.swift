public import CodexCore

extension CodexFlow.Workspace {
    /// Begins the history of the tasks of a project that have none, as after an import.
    ///
    /// A task that was stored without the services is in no figure of the analytics until its
    /// history begins. Here it begins with an entry ``CodexFlow/Activity/Kind/imported``, with the
    /// task's present status and points. The tasks then are in the scope, the burndown and the
    /// cumulative flow from today on. Completions from before are no velocity. No event is
    /// produced.
    ///
    /// A task whose history ends with a deletion is adopted as well: it was stored again after it.
    /// But a task that was removed and stored again without the services is not: it enters the
    /// figures with its next command that changes it.
    ///
    /// The tasks are adopted in commits of up to `batchCount` tasks. After an interruption, call it
    /// again: tasks with history stay as they are.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - actor: An admin of the project, whose name the entries have.
    ///   - batchCount: The number of tasks of a commit, from 1 to ``batchCountMax``. On a remote
    ///     table, a commit that has no room for so many is divided.
    ///   - onFailure: Gets the error of each task that cannot be read, with its key. It is passed
    ///     over.
    /// - Returns: The number of tasks whose history began.
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/invalidArgument``;
    ///   `CancellationError` between commits.
    /// - Complexity: Reads the project's tasks, and the newest entry of each task's history.
    @discardableResult
    public func adoptHistory(
        of project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID, batchCount: Int = 40,
        onFailure: (@Sendable (CodexError) -> Void)? = nil
    ) async throws -> Int {
        try Self.requireBatchCount(batchCount)
        // The actor is checked even if there are no tasks.
        try await commit(reading: .actor(actor, in: project)) { context in
            _ = try context.project(project, for: actor, as: .admin)
        }
        let whole = try await commitTasks(
            of: project, by: actor, batchCount, onFailure,
            reading: { .histories(of: $0, in: project) }
        ) { context, task, batch in
            let whole = try batch.project ?? context.find(.project(project))
            if try context.adopt(task, in: whole, by: actor) { batch.count += 1 }
        }
        return whole.count
    }
}

extension CodexFlow.DecisionContext {
    /// Begins the history of a task, if it has none.
    ///
    /// - Returns: Whether the history began.
    fileprivate func adopt(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project, by actor: CodexFlow.User.ID
    ) throws -> Bool {
        // The task may have been removed since the list was read.
        guard let task = try get(.task(id, in: project.id)) else { return false }
        let start = writes.count
        try beginHistory(of: CodexFlow.TaskChange(task, in: project, by: actor))
        return writes.count > start
    }
}
