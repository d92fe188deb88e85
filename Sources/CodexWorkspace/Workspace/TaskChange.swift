public import CodexCore
internal import FoundationEssentials

extension CodexFlow {
    /// A change of a task in progress: the task before and after it, its project and its actor.
    struct TaskChange {
        let old: Task
        var task: Task
        let project: Project
        let actor: User.ID
        /// The token of the claim with which the actor holds the task; `nil` is no holder.
        let token: Int?
        /// Whether the change ends a claim whose holder lost the right to work.
        ///
        /// Only a command on this one task does. On a remote table, two more items are read.
        var endsLeftClaim = false

        init(_ task: Task, in project: Project, by actor: User.ID, holding token: Int? = nil) {
            old = task
            self.task = task
            self.project = project
            self.actor = actor
            self.token = token
        }
    }
}

extension CodexFlow.DecisionContext {
    /// Starts a change of a task by an actor who may change it.
    ///
    /// A given token is checked here, before the command decides whether there is anything to do.
    ///
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexFlow/Rule/taskNotHeld``,
    ///   ``CodexFlow/Rule/taskArchived``.
    func change(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        holding token: Int? = nil, mayBeArchived: Bool = false
    ) throws -> CodexFlow.TaskChange {
        let project = try self.project(project, for: actor, as: .member)
        let task = try find(.task(id, in: project.id))
        var change = CodexFlow.TaskChange(task, in: project, by: actor, holding: token)
        change.endsLeftClaim = true
        try requireHeld(change)
        try CodexFlow.Rule.taskArchived.require(
            mayBeArchived || task.archivedAt == nil, "archivedAt", ["taskId": id.attributeValue])
        return change
    }

    /// Stores a changed task with its history; an unchanged task stays as it is.
    ///
    /// It also corrects the queue's mark of the task's whole.
    @discardableResult
    func replaceTask(
        _ change: CodexFlow.TaskChange, _ kind: CodexFlow.Activity.Kind, note: String? = nil,
        reason: String? = nil
    ) throws -> CodexFlow.Task {
        guard change.task != change.old else { return change.task }
        let task = try finished(change)
        try task.validate()
        replace(task)
        try refreshWholes(from: change.old, to: task)
        let facts =
            try facts(change.old, task, change.project)
            ?? (change.old.archivedAt == task.archivedAt ? nil : presentFacts(of: change.old))
        try record(
            kind, of: change, changes: change.old.changes(to: task), facts: facts, note: note,
            reason: reason)
        return task
    }

    /// The task as a change stores it: without a claim that ended by time, or that its holder left
    /// behind, and with time and actor.
    private func finished(_ change: CodexFlow.TaskChange) throws -> CodexFlow.Task {
        var task = change.task
        try endExpiredClaim(of: &task, change)
        try endLeftClaim(of: &task, change)
        task.updatedAt = instant(after: change.old.updatedAt)
        task.updatedByID = change.actor
        return task
    }

    /// Whether a change of a task can be stored, with its history.
    ///
    /// Raw tasks may be so large, or have so long an identifier, that they have no room for it. A
    /// command that comes to such a task by itself passes over it.
    func isStorable(_ change: CodexFlow.TaskChange) throws -> Bool {
        // A claim of a raw task may name a holder who is too long for the keys of an entry.
        let feed = CodexFlow.FeedPlace.partition(.activity, by: change.actor)
        return try feed.byteCount <= DynamoDBLimits.partitionKeyByteCountMax
            && isStorable(finished(change))
    }

    /// Whether an entity can be stored in place of the read one.
    ///
    /// A raw item may break a rule, or may be so large that it has no room for a change.
    func isStorable(_ entity: some Entity) throws -> Bool {
        try (try? entity.validate()) != nil && takes(entity)
    }

    /// Whether a changed task can be stored.
    func isStorable(_ task: CodexFlow.Task) throws -> Bool {
        guard (try? task.validate()) != nil, task.hasRoomForKeys else { return false }
        return try takes(task)
    }

    /// Throws if a command on the content of a task leaves no room for what is added later: claims,
    /// keys of the queue, times.
    ///
    /// A task that is larger already may shrink. The claims do not count: they come and go.
    ///
    /// - Throws: ``CodexError/Code/itemTooLarge``, and the errors of items.
    func requireRoom(in task: CodexFlow.Task, over old: CodexFlow.Task? = nil) throws {
        func byteCount(_ task: CodexFlow.Task) throws -> Int {
            var task = task
            task.claim = nil
            return try task.item().byteCount
        }
        let (count, max) = (try byteCount(task), CodexFlow.Limits.taskItemByteCountMax)
        guard count > max, try count > (old.map(byteCount) ?? 0) else { return }
        throw CodexError(
            .itemTooLarge,
            "The task has \(count) bytes; \(max) are allowed, so that it can be claimed and moved. "
                + "Shorten its texts and its metadata.")
    }

    /// Writes an entry in the history of an existing task.
    ///
    /// - Returns: The identifier of the entry.
    @discardableResult
    func record(
        _ kind: CodexFlow.Activity.Kind, of change: CodexFlow.TaskChange,
        changes: [CodexFlow.Activity.Change] = [], facts: CodexFlow.Activity.Facts? = nil,
        note: String? = nil, reason: String? = nil
    ) throws -> CodexFlow.Activity.ID {
        try beginHistory(of: change)
        let (task, project) = (change.old.id, change.project)
        let id = try newEntryID(of: task, in: project.id, after: change.old.updatedAt)
        try record(
            CodexFlow.Activity(
                id: id, projectID: project.id, taskID: task, actorID: change.actor, at: now,
                day: try today(in: project), kind: kind, changes: changes, facts: facts,
                note: note, reason: reason))
        return id
    }

    /// Begins the history of a task that was stored without the services.
    ///
    /// The first entry has the status and the points that later changes of the analytics refer to.
    ///
    /// - Throws: The errors of reading; as ``CodexFlow/Activity/validate()``.
    func beginHistory(of change: CodexFlow.TaskChange) throws {
        let (task, project) = (change.old, change.project)
        var history = try history(of: task.id, in: project.id)
        guard !history.hasBegun, let id = history.beginningID else { return }
        var facts = CodexFlow.Activity.Facts(to: task.status ?? .backlog)
        facts.points = task.countedPoints
        facts.reopenCount = task.reopenCount
        // An archived task is not in the scope.
        let archiving = task.archivedAt.map { archivedAt in
            CodexFlow.Activity.Change(
                field: "archivedAt", from: nil, to: archivedAt.attributeValue)
        }
        let entry = CodexFlow.Activity(
            id: id, projectID: project.id, taskID: task.id, actorID: change.actor, at: now,
            day: try today(in: project), kind: .imported,
            changes: archiving.map { [$0] } ?? [], facts: facts)
        // After the history of an earlier task, the identifier is longer than others, and may leave
        // no room in the longest key. The history then goes on without a beginning.
        guard entry.feedPosition.utf8.count <= DynamoDBLimits.sortKeyByteCountMax else { return }
        // Of two commands that begin the history, one is decided again.
        guard try get(.activity(id, of: task.id, in: project.id)) == nil else { return }
        history.hasBegun = true
        histories[[project.id.rawValue, task.id.rawValue]] = history
        try record(entry)
    }

    /// Writes an entry of a task's history for a custom command; analytics do not count it.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if the project does not exist,
    ///   ``CodexFlow/Rule/note``, and the errors of reading.
    public func record(
        _ kind: CodexFlow.Activity.Kind, of task: CodexFlow.Task, by actor: CodexFlow.User.ID,
        changes: [CodexFlow.Activity.Change] = [], note: String? = nil
    ) throws {
        let project = try find(.project(task.projectID))
        try record(
            kind, of: CodexFlow.TaskChange(task, in: project, by: actor), changes: changes,
            note: note)
    }

    private func record(_ entry: CodexFlow.Activity) throws {
        try entry.validate()
        try entry.validateNotes()
        insert(entry)
    }

    /// Writes the first entry of a new task's history.
    func recordCreation(
        of task: CodexFlow.Task, in project: CodexFlow.Project, by actor: CodexFlow.User.ID
    ) throws {
        try record(
            CodexFlow.Activity(
                id: try newEntryID(of: task.id, in: project.id, after: nil),
                projectID: project.id, taskID: task.id, actorID: actor, at: now,
                day: try today(in: project), kind: .created,
                facts: try facts(nil, task, project)))
    }

    /// The facts that analytics need of a change; `nil` if they need none.
    private func facts(
        _ old: CodexFlow.Task?, _ new: CodexFlow.Task, _ project: CodexFlow.Project
    ) throws -> CodexFlow.Activity.Facts? {
        // A task that was stored without a status counts as in the backlog.
        let before = old.map { $0.status ?? .backlog }
        let isMove = before != new.status
        guard isMove || old?.estimate != new.estimate else { return nil }
        var facts = CodexFlow.Activity.Facts(from: before, to: isMove ? new.status : nil)
        facts.pointsBefore = old?.countedPoints
        facts.points = new.countedPoints
        let hoursPerPoint = min(
            max(project.hoursPerPoint ?? 1, 1), CodexFlow.Limits.hoursPerPointMax)
        // A reopening subtracts the hours that the completion added.
        func hours(_ task: CodexFlow.Task?) -> Int {
            task?.status == .done ? (task?.countedPoints ?? 0) * hoursPerPoint : 0
        }
        let more = hours(new) - hours(old)
        facts.estimatedHours = more == 0 ? nil : more
        guard isMove, new.status == .done, let done = new.completedAt else { return facts }
        facts.assigneeID = try old.flatMap { try holder(of: $0, in: project) } ?? new.assigneeID
        func seconds(since start: Date?) -> Int? {
            start.map { start in
                // A stored date may be extremely far away, or not a number.
                let seconds = done.timeIntervalSince(start).rounded()
                return seconds > 0
                    ? Int(min(seconds, Double(CodexFlow.Limits.analyticsFigureMax))) : 0
            }
        }
        facts.cycleSeconds = seconds(since: new.startedAt)
        facts.leadSeconds = seconds(since: new.createdAt)
        return facts
    }

    /// The facts of a task that is archived, restored or deleted, with its status and points.
    func presentFacts(of task: CodexFlow.Task) -> CodexFlow.Activity.Facts {
        var facts = CodexFlow.Activity.Facts(from: task.status ?? .backlog)
        facts.pointsBefore = task.countedPoints
        facts.points = task.countedPoints
        return facts
    }

    // MARK: Rules on other items

    /// Whether a user is an active member who may work.
    func isAssignable(
        _ user: CodexFlow.User.ID, in project: CodexFlow.Project
    ) throws -> Bool {
        let role = try role(of: user, in: project)
        return try get(.user(user))?.isActive == true && role?.includes(.member) == true
    }

    /// Throws unless the assignee is an active member who may work.
    func requireAssignable(_ user: CodexFlow.User.ID, in project: CodexFlow.Project) throws {
        try CodexFlow.Rule.taskAssignee.require(
            try isAssignable(user, in: project), "assignee", ["assignee": user.attributeValue])
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

    /// Throws unless the task may be a part of `parent`.
    ///
    /// The parent must be another task of the project, and open if the task is open. There may be
    /// at most ``CodexFlow/Limits/taskDepthMax`` levels in all, and
    /// ``CodexFlow/Limits/subtaskCountMax`` parts of the parent that are not canceled.
    func requireParent(_ parent: CodexFlow.Task.ID, of task: CodexFlow.Task) throws {
        let values = ["taskId": task.id.attributeValue, "parentId": parent.attributeValue]
        var above = 0
        var next: CodexFlow.Task.ID? = parent
        while let id = next {
            try CodexFlow.Rule.taskDepth.require(
                id != task.id && above < CodexFlow.Limits.taskDepthMax, "parentId", values)
            guard let found = try get(.task(id, in: task.projectID)) else {
                // A missing task further up does not concern this command.
                try CodexFlow.Rule.taskParent.require(above > 0, "parentId", values)
                break
            }
            if above == 0 {
                // A finished task must not have an open part.
                try CodexFlow.Rule.taskParent.require(
                    found.isOpen || !task.isOpen, "parentId", values)
            }
            above += 1
            next = found.parentID
        }
        try requireRoom(forPart: task, of: parent)
        // Two levels above allow no part at all.
        if isRemote, above + 1 < CodexFlow.Limits.taskDepthMax {
            try requireRemoteRoom(
                try all(.subtasks(of: task.id, in: task.projectID)).count,
                of: "parts of the task", upTo: CodexFlow.Limits.remotePartCountMax,
                "Give some of its parts another parent first.")
        }
        let below = try depth(below: task.id, in: task.projectID)
        try CodexFlow.Rule.taskDepth.require(
            above + 1 + below <= CodexFlow.Limits.taskDepthMax, "parentId", values)
    }

    private func depth(
        below task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, level: Int = 0
    ) throws -> Int {
        guard level < CodexFlow.Limits.taskDepthMax else { return level }
        var depth = 0
        // Two levels below are too many in any case.
        for part in try all(.subtasks(of: task, in: project))
        where level + depth < CodexFlow.Limits.taskDepthMax - 1 {
            depth = max(depth, 1 + (try self.depth(below: part.id, in: project, level: level + 1)))
        }
        return depth
    }

    /// Throws unless the PRD version and the story that the origin names exist.
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

    /// Updates the dependencies of a task in both directions: one is open if both of its tasks are.
    ///
    /// The queue's mark of an open task follows, which also depends on its parts. A dependency that
    /// cannot be changed, since it was stored without the services, stays as it is, and marks no
    /// task. It must not keep its blocker from its end, and claims read the blockers themselves.
    ///
    /// On a remote table, further commits correct what the transaction has no room for. Decision 48
    /// tells why no rule depends on them.
    func refreshDependencies(of task: CodexFlow.Task) throws {
        var hasOpenBlocker = false
        let both =
            try all(.blockers(of: task.id, in: task.projectID))
            + all(.dependents(of: task.id, in: task.projectID))
        let isRoomy = !isRemote || task.dependencyActionCount(both.count) <= Self.roomForRefresh
        for dependency in both where isRoomy || task.mustRefresh(dependency) {
            if try refresh(dependency, beside: task) { hasOpenBlocker = true }
        }
        if !isRoomy { refreshLater(both.filter { !task.mustRefresh($0) }, of: task) }
        guard task.isOpen else { return }
        try setBlocked(
            hasOpenBlocker || hasOpenParts(of: task.id, in: task.projectID), task)
    }

    /// Most actions of a transaction that correct the dependencies of a task which is opened or
    /// ended, if that can also be done later.
    static let roomForRefresh = 40
    /// Most dependencies that a later commit corrects: each takes two actions.
    private static let laterRefreshCountMax = 40

    /// Corrects whether a dependency of a task is open.
    ///
    /// - Returns: Whether it makes the task wait.
    private func refresh(
        _ known: CodexFlow.Dependency, beside task: CodexFlow.Task
    ) throws -> Bool {
        var dependency = known
        let isBlocker = dependency.blockerID == task.id
        let other = isBlocker ? dependency.taskID : dependency.blockerID
        // The other task is read only if it matters: on a remote table, each read costs an action.
        let otherTask = try task.isOpen ? get(.task(other, in: task.projectID)) : nil
        let isOpen = otherTask?.isOpen == true
        let isChanged = dependency.isOpen != isOpen
        // The queue looks at the tasks of freed dependencies itself: here, each would cost a
        // further action on a remote table.
        if isChanged {
            (dependency.isOpen, dependency.isFreed) = (isOpen, isBlocker && !isOpen)
        }
        guard try !isChanged || isStorable(dependency) else { return false }
        if isChanged {
            replace(dependency)
            if let otherTask, isOpen, isBlocker { try setBlocked(true, otherTask) }
        } else if !task.isOpen {
            // A command that opens the other task may be about to change it.
            try rely(on: dependency)
        }
        return isOpen && !isBlocker
    }

    /// Lets further commits correct dependencies of a task.
    private func refreshLater(_ dependencies: [CodexFlow.Dependency], of task: CodexFlow.Task) {
        let (id, project) = (task.id, task.projectID)
        for start in stride(from: 0, to: dependencies.count, by: Self.laterRefreshCountMax) {
            let part = Array(dependencies[start...].prefix(Self.laterRefreshCountMax))
            continueLater(reading: { try $0.readDependencies(part, of: id, in: project) }) {
                try $0.refresh(part, of: id, in: project)
            }
        }
    }

    /// Corrects dependencies of a task, after the commit that opened or ended it.
    ///
    /// The task, and what it waits for, may have changed since. Nothing is done in a project that
    /// is being deleted.
    private func refresh(
        _ dependencies: [CodexFlow.Dependency], of id: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID
    ) throws {
        guard let whole = try get(.project(project)), whole.deletingSince == nil,
            let task = try get(.task(id, in: project))
        else { return }
        var hasOpenBlocker = false
        for known in dependencies {
            let (waiting, blocker) = (known.taskID, known.blockerID)
            guard let present = try get(.dependency(of: waiting, on: blocker, in: project)) else {
                continue
            }
            if try refresh(present, beside: task) { hasOpenBlocker = true }
        }
        if hasOpenBlocker { try setBlocked(true, task) }
    }

    /// Throws if the task has the maximum of blockers, or the blocker the maximum of dependents.
    func requireRoom(for dependency: CodexFlow.Dependency) throws {
        let max = CodexFlow.Limits.dependencyCountMax
        let project = dependency.projectID
        let blockers = try all(.blockers(of: dependency.taskID, in: project), limit: max)
        let dependents = try all(.dependents(of: dependency.blockerID, in: project), limit: max)
        try CodexFlow.Rule.dependencyCount.require(
            blockers.count < max && dependents.count < max, "blockerId",
            [
                "taskId": dependency.taskID.attributeValue,
                "blockerId": dependency.blockerID.attributeValue,
            ])
    }
}

extension CodexFlow.Task {
    /// The actions on a remote table that correct dependencies of this task: those of an open task
    /// also concern the other task of each.
    fileprivate func dependencyActionCount(_ count: Int) -> Int { isOpen ? 2 * count : count }

    /// Whether a dependency of this task must be corrected in the commit that ends the task: a task
    /// that waits by it would not become free otherwise.
    fileprivate func mustRefresh(_ dependency: CodexFlow.Dependency) -> Bool {
        !isOpen && dependency.blockerID == id
    }

    /// The estimate, clamped to its bounds: a task that was stored without the services may have
    /// any.
    fileprivate var countedPoints: Int? {
        estimate.map { min(max($0, 0), CodexFlow.Limits.estimateMax) }
    }
}

extension Entity {
    /// The fields that differ, with their stored values.
    func changes(to new: Self) -> [CodexFlow.Activity.Change] {
        guard let old = try? item(), let new = try? new.item() else { return [] }
        // Long texts are shortened: the entity and the stream of changes have them in full.
        return Self.changedFields(from: old, to: new).map { name in
            CodexFlow.Activity.Change(
                field: name, from: old[name]?.shortened, to: new[name]?.shortened)
        }
    }

    /// The stored names of the fields that differ, without the times of changes.
    func changedFields(to new: Self) -> [String] {
        guard let old = try? item(), let new = try? new.item() else { return [] }
        return Self.changedFields(from: old, to: new)
    }

    fileprivate static func changedFields(from old: Item, to new: Item) -> [String] {
        definition.fields.map(\.name).filter {
            !["updatedAt", "updatedBy", "statusChangedAt"].contains($0) && old[$0] != new[$0]
        }
    }
}

extension AttributeValue {
    /// The value, or a short form of a large or deep one, since the history keeps both values of
    /// each change.
    fileprivate var shortened: AttributeValue {
        let count = byteCount
        // The list of changes adds two levels to those of the value.
        let isDeep = isNested(over: DynamoDBLimits.nestingDepthMax - 2)
        guard count > CodexFlow.Limits.historyValueByteCountMax || isDeep else { return self }
        guard case .string(let text) = self else { return .string("… (\(count) bytes)") }
        var start = text.unicodeScalars.prefix(CodexFlow.Limits.historyValueByteCountMax / 8)
        while start.last?.properties.generalCategory == .nonspacingMark { start.removeLast() }
        return .string(String(start) + "… (\(count) bytes)")
    }
}
