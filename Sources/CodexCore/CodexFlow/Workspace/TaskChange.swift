internal import FoundationEssentials

extension CodexFlow {
    /// A change of a task at work: the task as it was and as it is to be, and what history says of it.
    struct TaskChange {
        let old: Task
        var task: Task
        let project: Project
        let actor: User.ID

        init(_ task: Task, in project: Project, by actor: User.ID) {
            old = task
            self.task = task
            self.project = project
            self.actor = actor
        }
    }
}

extension CodexFlow.DecisionContext {
    /// A task that the actor may change.
    ///
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexFlow/Rule/taskArchived``.
    func change(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        mayBeArchived: Bool = false
    ) throws -> CodexFlow.TaskChange {
        let project = try self.project(project, for: actor, as: .member)
        let task = try find(.task(id, in: project.id))
        try CodexFlow.Rule.taskArchived.require(
            mayBeArchived || task.archivedAt == nil, "archivedAt", ["taskId": id.attributeValue])
        return CodexFlow.TaskChange(task, in: project, by: actor)
    }

    /// Throws if somebody else holds the task: only the holder and admins move it meanwhile.
    func requireUnclaimed(_ change: CodexFlow.TaskChange) throws {
        guard let holder = change.old.holder(at: now), holder != change.actor else { return }
        let member = try get(.member(change.actor, of: change.project.id))
        try CodexFlow.Rule.taskClaimed.require(
            member?.role.includes(.admin) == true, "claim",
            [
                "holder": holder.attributeValue,
                "until": change.old.claim?.until.attributeValue,
            ])
    }

    /// Stores a changed task with its history; a task that did not change is left as it is.
    @discardableResult
    func store(
        _ change: CodexFlow.TaskChange, _ kind: CodexFlow.Activity.Kind, note: String? = nil
    ) throws -> CodexFlow.Task {
        var task = change.task
        guard task != change.old else { return task }
        task.updatedAt = moment(after: change.old.updatedAt)
        try task.validate()
        replace(task)
        try record(
            kind, of: task, in: change.project, by: change.actor,
            changes: change.old.changes(to: task),
            facts: facts(change.old, task, change.project), note: note)
        return task
    }

    /// Writes an entry of a task's history.
    func record(
        _ kind: CodexFlow.Activity.Kind, of task: CodexFlow.Task, in project: CodexFlow.Project,
        by actor: CodexFlow.User.ID, changes: [CodexFlow.Activity.Change] = [],
        facts: CodexFlow.Activity.Facts? = nil, note: String? = nil
    ) throws {
        insert(
            CodexFlow.Activity(
                id: try newID(), projectID: project.id, taskID: task.id, actorID: actor, at: now,
                day: today(in: project), kind: kind, changes: changes, facts: facts, note: note))
    }

    /// What analytics need of a change; `nil` if they need nothing.
    func facts(
        _ old: CodexFlow.Task?, _ new: CodexFlow.Task, _ project: CodexFlow.Project
    ) -> CodexFlow.Activity.Facts? {
        let isMove = old?.status != new.status
        guard isMove || old?.estimate != new.estimate else { return nil }
        var facts = CodexFlow.Activity.Facts(from: old?.status, to: isMove ? new.status : nil)
        if old == nil || !isMove { facts.from = old == nil ? nil : new.status }
        facts.pointsBefore = old?.estimate
        facts.points = new.estimate
        guard isMove, new.status == .done, let done = new.completedAt else { return facts }
        facts.assigneeID = new.assigneeID
        facts.estimatedHours = new.estimate.map { $0 * (project.hoursPerPoint ?? 1) }
        func seconds(since start: Date?) -> Int? {
            start.map { max(0, Int(done.timeIntervalSince($0).rounded())) }
        }
        facts.cycleSeconds = seconds(since: new.startedAt)
        facts.leadSeconds = seconds(since: new.createdAt)
        return facts
    }

    // MARK: Rules that look at other items

    /// Throws unless the assignee is an active member who may work.
    func requireAssignable(_ user: CodexFlow.User.ID, in project: CodexFlow.Project.ID) throws {
        let member = try get(.member(user, of: project))
        let isActive = try get(.user(user))?.isActive ?? false
        try CodexFlow.Rule.taskAssignee.require(
            isActive && member?.role.includes(.member) == true, "assigneeId",
            ["assigneeId": user.attributeValue])
    }

    /// Throws unless the estimate is on the project's scale.
    func requireOnScale(_ estimate: Int?, _ project: CodexFlow.Project) throws {
        guard let estimate, !project.estimateScale.isEmpty else { return }
        try CodexFlow.Rule.taskEstimate.require(
            project.estimateScale.contains(estimate), "estimate",
            [
                "estimate": estimate.attributeValue,
                "scale": project.estimateScale.attributeValue,
            ])
    }

    /// Throws unless the task may be a part of `parent`: another open task of the project, with no
    /// more than three levels in all.
    func requireParent(_ parent: CodexFlow.Task.ID, of task: CodexFlow.Task) throws {
        let values = ["taskId": task.id.attributeValue, "parentId": parent.attributeValue]
        var above = 0
        var next: CodexFlow.Task.ID? = parent
        while let id = next {
            try CodexFlow.Rule.taskDepth.require(id != task.id && above < 3, "parentId", values)
            guard let found = try get(.task(id, in: task.projectID)) else {
                // What is further up is not this command's business.
                try CodexFlow.Rule.taskParent.require(above > 0, "parentId", values)
                break
            }
            if above == 0 {
                // Else a finished task would have an open part.
                try CodexFlow.Rule.taskParent.require(
                    found.isOpen || !task.isOpen, "parentId", values)
            }
            above += 1
            next = found.parentID
        }
        let below = try depth(below: task.id, in: task.projectID)
        try CodexFlow.Rule.taskDepth.require(above + 1 + below <= 3, "parentId", values)
    }

    private func depth(
        below task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, level: Int = 0
    ) throws -> Int {
        guard level < 3 else { return level }
        var depth = 0
        for part in try all(.parts(of: task, in: project)) {
            depth = max(depth, 1 + (try self.depth(below: part.id, in: project, level: level + 1)))
        }
        return depth
    }

    /// Throws unless the origin, if it is a story, exists.
    func requireStory(_ origin: CodexFlow.Task.Origin?, in project: CodexFlow.Project.ID) throws {
        guard case .prd(let prd, let version, let story) = origin else { return }
        let values: [String: AttributeValue?] = [
            "prdId": .string(prd), "version": version.attributeValue,
            "storyId": story.map { .string($0) },
        ]
        guard let id = try? CodexFlow.PRD.ID(prd),
            let found = try get(.prd(id, version: version, in: project))
        else { throw CodexFlow.Rule.taskStory.violated("origin", values) }
        guard let story else { return }
        try CodexFlow.Rule.taskStory.require(
            found.content?.userStories.contains { $0.id == story } == true, "origin", values)
    }

    /// Brings the dependencies of a task, both ways, to whether both of their tasks are open.
    func refreshDependencies(of task: CodexFlow.Task) throws {
        for var dependency in try all(.blockers(of: task.id, in: task.projectID)) {
            let blocker = try get(.task(dependency.blockerID, in: task.projectID))
            let isOpen = task.isOpen && blocker?.isOpen == true
            guard dependency.isOpen != isOpen else { continue }
            dependency.isOpen = isOpen
            replace(dependency)
        }
        for var dependency in try all(.dependents(of: task.id, in: task.projectID)) {
            let waiting = try get(.task(dependency.taskID, in: task.projectID))
            let isOpen = task.isOpen && waiting?.isOpen == true
            guard dependency.isOpen != isOpen else { continue }
            dependency.isOpen = isOpen
            replace(dependency)
        }
    }

    /// Throws if `blocker` waits for `task`, at once or by way of others.
    func requireNoCycle(_ dependency: CodexFlow.Dependency) throws {
        var seen: Set<CodexFlow.Task.ID> = []
        var next = [dependency.blockerID]
        while let id = next.popLast() {
            try CodexFlow.Rule.dependencyCycle.require(
                id != dependency.taskID, "blockerId",
                [
                    "taskId": dependency.taskID.attributeValue,
                    "blockerId": dependency.blockerID.attributeValue,
                ])
            guard seen.insert(id).inserted else { continue }
            next += try all(.blockers(of: id, in: dependency.projectID)).map(\.blockerID)
        }
    }
}

extension CodexFlow.Task {
    /// The fields that differ, with their stored values.
    func changes(to new: CodexFlow.Task) -> [CodexFlow.Activity.Change] {
        let ignored: Set<String> = ["updatedAt", "statusChangedAt"]
        guard let old = try? item(), let new = try? new.item() else { return [] }
        var changes: [CodexFlow.Activity.Change] = []
        for field in Self.definition.fields where !ignored.contains(field.name) {
            let (from, to) = (old[field.name], new[field.name])
            guard from != to else { continue }
            // Long texts are in the task, and in the stream of changes.
            changes.append(
                CodexFlow.Activity.Change(
                    field: field.name, from: from?.shortened, to: to?.shortened))
        }
        return changes
    }
}

extension AttributeValue {
    /// The value, or where it is long what there is of it.
    fileprivate var shortened: AttributeValue {
        guard case .string(let text) = self, text.utf8.count > 500 else { return self }
        return .string(String(text.prefix(200)) + "…")
    }
}
