internal import CodexCore
internal import FoundationEssentials

// The queue's mark of a task that waits for an open task: for a blocker, or as a whole for a part.
//
// The commands keep the mark. A task is marked by the command that opens what it waits for. The
// command that finishes a blocker marks the dependency, and a claim takes the waiting task up: a
// task may have many dependents. The command that finishes the last part takes the mark off, since
// a part has one whole. A claim reads blockers and parts again, and marks a task that waits
// nevertheless.

extension CodexFlow.DecisionContext {
    // MARK: What a task waits for

    /// Whether a task waits for an open task, as the stored dependencies and the parts say.
    ///
    /// - Parameters:
    ///   - task: The task.
    ///   - other: A task that this commit finishes or deletes, and that does not count.
    /// - Returns: Whether it waits.
    /// - Throws: The errors of reading.
    func isWaiting(
        _ task: CodexFlow.Task, except other: CodexFlow.Task.ID? = nil
    ) throws -> Bool {
        try hasOpenBlockers(task, except: other)
            || hasOpenParts(of: task.id, in: task.projectID, except: other)
    }

    /// Whether a stored dependency says that the task waits for an open one, except for `other`.
    ///
    /// The task may stay marked because of that dependency: its blocker must still be there to take
    /// the mark off. A mark that is missing does no harm.
    func hasOpenBlockers(
        _ task: CodexFlow.Task, except other: CodexFlow.Task.ID?
    ) throws -> Bool {
        let open = try all(.blockers(of: task.id, in: task.projectID)).first {
            $0.isOpen && $0.blockerID != other
        }
        guard let open else { return false }
        try rely(on: open)
        return true
    }

    /// Whether a task has an open part, except for `other`; a part that cannot be read is none.
    ///
    /// - Complexity: Reads two open parts, and examines the finished ones before them.
    func hasOpenParts(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID,
        except other: CodexFlow.Task.ID? = nil
    ) throws -> Bool {
        try readable(.openSubtasks(of: task, in: project), limit: 2).contains { $0.id != other }
    }

    // MARK: The mark

    /// Stores whether a task is blocked, silently; the dependencies have the events.
    ///
    /// A task that breaks rules or has no room was stored without the services, and stays as it is.
    func setBlocked(_ isBlocked: Bool, _ task: CodexFlow.Task) throws {
        guard task.isBlocked != isBlocked else { return }
        var marked = task
        marked.isBlocked = isBlocked
        if try isStorable(marked) { replace(marked) }
    }

    /// Corrects the mark of a whole of which a part became open, or is open no longer.
    ///
    /// - Parameters:
    ///   - old: The part before the change; `nil` is a new one.
    ///   - new: The part after the change; `nil` is a deleted one.
    /// - Throws: The errors of reading.
    func refreshWholes(from old: CodexFlow.Task?, to new: CodexFlow.Task?) throws {
        func whole(of part: CodexFlow.Task?) -> CodexFlow.Task.ID? {
            part.flatMap { $0.isOpen ? $0.parentID : nil }
        }
        guard let part = new ?? old, whole(of: old) != whole(of: new) else { return }
        if let task = try openWhole(whole(of: new), of: part) { try setBlocked(true, task) }
        // A part that is open under another whole, or under none, may be a blocker too.
        let other = new?.isOpen == true ? nil : part.id
        if let task = try openWhole(whole(of: old), of: part), task.isBlocked,
            try !hasOpenBlockers(task, except: other)
                && !hasOpenParts(of: task.id, in: task.projectID, except: part.id)
        {
            try setBlocked(false, task)
        }
    }

    /// The whole of a part, if it can be read and is open: the mark of others has no meaning.
    private func openWhole(
        _ id: CodexFlow.Task.ID?, of part: CodexFlow.Task
    ) throws -> CodexFlow.Task? {
        guard let id else { return nil }
        let read: CodexFlow.Task?? = try ifReadable { try get(.task(id, in: part.projectID)) }
        guard let found = read, let task = found, task.isOpen else { return nil }
        return task
    }

    // MARK: Repairs

    /// Corrects the dependencies of a task on its blockers, and the task's place in the queue.
    ///
    /// - Parameters:
    ///   - id: The task.
    ///   - project: Its project.
    ///   - batch: Counts the changes, and gets the errors of items without room for one.
    /// - Throws: The errors of reading, before the first change.
    func repairBlockers(
        of id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, _ batch: inout TaskBatch
    ) throws {
        guard let task = try get(.task(id, in: project)) else { return }
        let state = try blockerState(of: task)
        var repaired = task
        repaired.isBlocked = try waits(task, state.open)
        if try hasWrongStart(task) { repaired.notBefore = nil }
        for var dependency in state.dependencies {
            let isOpen = state.open.contains(dependency.blockerID)
            guard dependency.isOpen != isOpen || dependency.isFreed else { continue }
            (dependency.isOpen, dependency.isFreed) = (isOpen, false)
            guard try isStorable(dependency) else {
                batch.failures.append(try Self.noRoom(in: dependency))
                // The end of this blocker would not take a new mark off.
                repaired.isBlocked = repaired.isBlocked && task.isBlocked
                continue
            }
            replace(dependency)
            batch.count += 1
        }
        guard repaired != task else { return }
        guard try isStorable(repaired) else {
            batch.failures.append(try Self.noRoom(in: repaired))
            return
        }
        replace(repaired)
        batch.count += 1
    }

    /// The error of an item that a repair leaves as it is.
    private static func noRoom<E: Entity>(in entity: E) throws -> CodexError {
        let table = try CodexFlow.schema.table(E.definition.table)
        let error = CodexError(
            .itemTooLarge,
            "The item has no room for the change, or breaks a rule: it was stored without the "
                + "services. Correct or shorten it.")
        return error.inEntity(E.definition.name).inItem(
            key: try table.primaryKey(of: try entity.item()))
    }

    /// Whether what is stored of a task's place in the queue agrees with its blockers and parts,
    /// and with the clock.
    ///
    /// A task whose blocker was just finished counts as right: `claimNext` takes it up. The mark of
    /// a task that is not open has no meaning.
    func hasSoundPlace(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> Bool {
        guard let task = try get(.task(id, in: project)) else { return true }
        let state = try blockerState(of: task)
        guard state.dependencies.allSatisfy({ $0.isOpen == state.open.contains($0.blockerID) }),
            try !hasWrongStart(task)
        else { return false }
        return try !task.isOpen || task.isBlocked == waits(task, state.open)
            || task.isBlocked && state.dependencies.contains(where: \.isFreed)
    }

    /// Whether an open task waits for one of some blockers, or for a part.
    private func waits(
        _ task: CodexFlow.Task, _ open: Set<CodexFlow.Task.ID>
    ) throws -> Bool {
        try !open.isEmpty || task.isOpen && hasOpenParts(of: task.id, in: task.projectID)
    }

    /// A task's dependencies on its blockers, and which of the blockers keep it waiting.
    private func blockerState(
        of task: CodexFlow.Task
    ) throws -> (dependencies: [CodexFlow.Dependency], open: Set<CodexFlow.Task.ID>) {
        let dependencies = try all(.blockers(of: task.id, in: task.projectID))
        var open: Set<CodexFlow.Task.ID> = []
        for blocker in dependencies.map(\.blockerID) where task.isOpen {
            if try get(.task(blocker, in: task.projectID))?.isOpen == true { open.insert(blocker) }
        }
        return (dependencies, open)
    }

    /// Whether the task waits for its next attempt until a time that a clock which was ahead gave.
    ///
    /// A time that is far away is no sign of it: people set such times too. But the history tells
    /// that a failed attempt set this time, at an instant that is still far ahead.
    ///
    /// - Complexity: Reads one entry of the history, only if the task itself was changed far ahead.
    private func hasWrongStart(_ task: CodexFlow.Task) throws -> Bool {
        let tolerance = 2 * CodexFlow.Limits.leaseMax.seconds
        func isFarAhead(_ instant: Date?) -> Bool {
            instant.map { $0.timeIntervalSince(now) > tolerance } ?? false
        }
        guard isFarAhead(task.notBefore), isFarAhead(task.updatedAt) else { return false }
        let failures = CodexCore.Query<CodexFlow.Activity>
            .activity(of: task.id, in: task.projectID).reversed
            .filtered(
                by: .compare(
                    .path(DocumentPath("kind")), .equal,
                    .value(.string(CodexFlow.Activity.Kind.failed.rawValue))))
        guard let failure = try readable(failures, limit: 1).first, isFarAhead(failure.at) else {
            return false
        }
        let change = failure.changes.first { $0.field == "notBefore" }
        return change?.to == task.notBefore?.attributeValue
    }
}
