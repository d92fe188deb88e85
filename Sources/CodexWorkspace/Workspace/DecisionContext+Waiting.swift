internal import CodexCore

// Which tasks wait for which: a task waits for its blockers, and a whole for its parts. A circle of
// both would never end.

extension CodexFlow.DecisionContext {
    /// Most tasks of a search on a remote table that take predicate locks of their own.
    ///
    /// Each takes two actions of the transaction, which has at most 100. Further tasks are under
    /// the locks of the project's graph, and so are all tasks of a search that is one of several in
    /// a commit.
    private static let ownLockCountMax = 12

    /// The tasks that a search has met, nearest first.
    private struct Reached {
        private var tasks: [CodexFlow.Task.ID]
        private var known: Set<CodexFlow.Task.ID>
        /// How many of the tasks the search has looked at.
        private(set) var lookedAtCount = 0

        init(_ tasks: Set<CodexFlow.Task.ID>) {
            self.tasks = Array(tasks)
            known = tasks
        }

        /// The next task to look at; `nil` if the search is at its end.
        mutating func next() -> CodexFlow.Task.ID? {
            guard lookedAtCount < tasks.count else { return nil }
            lookedAtCount += 1
            return tasks[lookedAtCount - 1]
        }

        mutating func add(_ others: [CodexFlow.Task.ID]) {
            for other in others where known.insert(other).inserted { tasks.append(other) }
        }

        /// Whether one of some tasks was met.
        func meets(_ others: [CodexFlow.Task.ID]) -> Bool {
            others.contains { known.contains($0) }
        }
    }

    /// Throws if the blocker of a new dependency waits for the task that waits for it.
    ///
    /// - Throws: ``CodexFlow/Rule/dependencyCycle``; ``CodexFlow/Rule/dependencyReach`` if the
    ///   search reads more than ``CodexFlow/Limits/dependencyWalkMax`` tasks and links; the errors
    ///   of reading.
    /// - Complexity: Searches from both tasks in turn, and ends with the shorter search: the tasks
    ///   that the blocker waits for, or those that wait for the task, also through other tasks. On
    ///   a remote table, it searches from the blocker alone, and only if something waits for the
    ///   task.
    func requireNoCycle(_ dependency: CodexFlow.Dependency) throws {
        let values = [
            "taskId": dependency.taskID.attributeValue,
            "blockerId": dependency.blockerID.attributeValue,
        ]
        try requireNoPath(
            from: dependency.blockerID, to: [dependency.taskID], in: dependency.projectID,
            "blockerId", values)
    }

    /// Throws if a task waits for one of the tasks that it would become a part of.
    ///
    /// - Throws: As ``requireNoCycle(_:)``.
    /// - Complexity: As ``requireNoCycle(_:)``.
    func requireNoCycle(
        of task: CodexFlow.Task, under parent: CodexFlow.Task.ID
    ) throws {
        var wholes: Set<CodexFlow.Task.ID> = []
        var above: CodexFlow.Task.ID? = parent
        while let id = above, wholes.insert(id).inserted {
            above = try get(.taskLink(id, in: task.projectID))?.parentID
        }
        let values = [
            "taskId": task.id.attributeValue, "parentId": parent.attributeValue,
        ]
        try requireNoPath(
            from: task.id, to: wholes, in: task.projectID, "parentId", values)
    }

    /// Throws if a task is one of some others, or waits for one of them.
    private func requireNoPath(
        from task: CodexFlow.Task.ID, to others: Set<CodexFlow.Task.ID>,
        in project: CodexFlow.Project.ID, _ field: String, _ values: [String: AttributeValue?]
    ) throws {
        let cycle = CodexFlow.Rule.dependencyCycle
        try cycle.require(!others.contains(task), field, values)
        if isRemote, try !areAwaited(others, in: project) { return }
        let ownLockCount = isOneOfMany ? 0 : Self.ownLockCountMax
        var (awaited, waiting) = (Reached([task]), Reached(others))
        var leftCount = CodexFlow.Limits.dependencyWalkMax
        while let next = awaited.next() {
            let found =
                if let table = protectingReader, awaited.lookedAtCount > ownLockCount {
                    try tasks(awaitedBy: next, in: project, of: table)
                } else {
                    try tasks(awaitedBy: next, in: project)
                }
            try cycle.require(!waiting.meets(found), field, values)
            awaited.add(found)
            leftCount -= 1 + found.count
            // On a remote table, each task would take a condition on its item.
            if !isRemote {
                // If all tasks that wait for the others were met, the task is none of them.
                guard let next = waiting.next() else { return }
                let found = try tasks(waitingFor: next, in: project)
                try cycle.require(!awaited.meets(found), field, values)
                waiting.add(found)
                leftCount -= 1 + found.count
            }
            try CodexFlow.Rule.dependencyReach.require(leftCount >= 0, field, values)
        }
    }

    /// The tasks that a task waits for itself: its blockers and its parts.
    private func tasks(
        awaitedBy task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> [CodexFlow.Task.ID] {
        let blockers = try all(.blockers(of: task, in: project)).map(\.blockerID)
        // A raw item that does not tell its own identifier is no part.
        let parts = try readable(.subtaskLinks(of: task, in: project)).map(\.id)
        return blockers + parts
    }

    /// The same, under the locks of the project's graph.
    private func tasks(
        awaitedBy task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        of table: any CodexFlow.ProtectingReader
    ) throws -> [CodexFlow.Task.ID] {
        let blockers = try table.linked(
            CodexCore.Query<CodexFlow.Dependency>.blockers(of: task, in: project), in: project,
            isLenient: false)
        let parts = try table.linked(
            CodexCore.Query<CodexFlow.TaskLink>.subtaskLinks(of: task, in: project), in: project,
            isLenient: true)
        return blockers.map(\.blockerID) + parts.map(\.id)
    }

    /// Whether a task outside of some tasks may wait for one of them: by a dependency, or as its
    /// whole.
    ///
    /// If none does, no other task can wait for them through others either.
    private func areAwaited(
        _ tasks: Set<CodexFlow.Task.ID>, in project: CodexFlow.Project.ID
    ) throws -> Bool {
        for task in tasks.sorted(by: { ByteOrder.compare($0.rawValue, $1.rawValue) < 0 }) {
            if try !all(.dependents(of: task, in: project), limit: 1).isEmpty { return true }
            let found: CodexFlow.TaskLink?? = try ifReadable {
                try get(.taskLink(task, in: project))
            }
            if let known = found, let whole = known?.parentID, !tasks.contains(whole) {
                return true
            }
        }
        return false
    }

    /// The tasks that wait for a task themselves: its dependents and its whole.
    private func tasks(
        waitingFor task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> [CodexFlow.Task.ID] {
        let dependents = try all(.dependents(of: task, in: project)).map(\.taskID)
        let found: CodexFlow.TaskLink?? = try ifReadable { try get(.taskLink(task, in: project)) }
        guard let known = found, let whole = known?.parentID else { return dependents }
        return dependents + [whole]
    }

    /// Throws unless the parent has room for one more part; canceled parts take none.
    ///
    /// - Throws: ``CodexFlow/Rule/taskParts``, and the errors of reading.
    func requireRoom(forPart task: CodexFlow.Task, of parent: CodexFlow.Task.ID) throws {
        let bound = CodexFlow.Limits.subtaskTotalCountMax
        let others = try all(.subtasks(of: parent, in: task.projectID), limit: bound + 1).filter {
            $0.id != task.id
        }
        let liveCount = others.count { $0.status != .canceled }
        try CodexFlow.Rule.taskParts.require(
            others.count < bound
                && (task.status == .canceled || liveCount < CodexFlow.Limits.subtaskCountMax),
            "parentId",
            ["taskId": task.id.attributeValue, "parentId": parent.attributeValue])
    }
}
