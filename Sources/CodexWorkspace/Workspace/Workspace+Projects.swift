public import CodexCore
internal import FoundationEssentials

extension CodexFlow.Workspace {
    /// Creates a project; its creator owns it and is its first member.
    ///
    /// - Parameters:
    ///   - key: The short key that numbers its tasks, as in `ENG-12`.
    ///   - name: The name to show.
    ///   - id: The identifier; `nil` makes one.
    ///   - owner: The owner.
    ///   - body: Sets the other fields.
    /// - Returns: The project.
    /// - Throws: The rules of projects; ``CodexFlow/Rule/actorActive``;
    ///   ``CodexError/Code/conditionFailed`` if the identifier is taken.
    @discardableResult
    public func createProject(
        key: String, name: String, id: CodexFlow.Project.ID? = nil, owner: CodexFlow.User.ID,
        _ body: @escaping @Sendable (inout CodexFlow.Project) throws -> Void = { _ in }
    ) async throws -> CodexFlow.Project {
        try await run(
            CommandCall(
                "createProject",
                [
                    "owner": owner, "id": id,
                    "body": CommandCall.effect(
                        of: body,
                        on: CodexFlow.Project(
                            id: id ?? "new", name: name, ownerID: owner, key: key,
                            status: .backlog)),
                ]),
            reading: .newProject(key: key, by: owner)
        ) { context in
            try context.actor(owner)
            let bare = CodexFlow.Project(
                id: try id ?? context.newID(), name: name, ownerID: owner, key: key,
                status: .backlog, createdAt: context.now)
            var project = bare
            try body(&project)
            try context.requireKept(project, bare, CodexFlow.Project.keptFields, .projectKept)
            let status = project.status ?? .backlog
            try CodexFlow.Rule.projectStatus.require(
                [.backlog, .planned, .started].contains(status), "status",
                ["to": .string(status.rawValue)])
            project.status = status
            project.updatedAt = context.now
            project.updatedByID = owner
            try context.requireSound(project)
            context.insert(project)
            try context.recordEntry(.created, of: project, by: owner)
            try context.addMember(owner, to: project.id, as: .owner, addedBy: owner)
            return project
        }
    }

    /// Changes a project's settings, except for the fields that only other commands change.
    ///
    /// An existing key is also fixed, since people have written it down in the numbers of tasks.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexFlow/Rule/projectKept``,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexFlow/Rule/projectStatus``, the rules of
    ///   projects and of actors.
    @discardableResult
    public func changeProject(
        _ id: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        _ body: @escaping @Sendable (inout CodexFlow.Project) throws -> Void
    ) async throws -> CodexFlow.Project {
        try await runChange(
            CommandCall("changeProject", ["project": id, "actor": actor]),
            reading: .change(of: id, by: actor, body), body
        ) { context in
            let old = try context.project(id, for: actor, as: .admin)
            var project = old
            try body(&project)
            var kept = CodexFlow.Project.keptFields
            if old.key != nil { kept.append(.init("key", \.key)) }
            try context.requireKept(project, old, kept, .projectKept)
            guard project != old else { return (old, old) }
            // A project that was stored without a status counts as in the backlog.
            let (from, to) = (old.status ?? .backlog, project.status ?? .backlog)
            try CodexFlow.Rule.projectStatus.require(
                from == to || from.successors.contains(to), "status",
                ["from": .string(from.rawValue), "to": .string(to.rawValue)])
            if old.status != nil, project.status == nil {
                throw CodexFlow.Rule.projectStatus.violated(
                    "status", ["from": .string(from.rawValue)])
            }
            project.updatedAt = context.instant(after: old.updatedAt)
            project.updatedByID = actor
            try context.requireSound(project, old: old)
            context.replace(project)
            try context.recordEntry(
                .changed, of: project, by: actor, changes: old.changes(to: project))
            return (old, project)
        }
    }

    /// Makes a project read-only.
    ///
    /// From then on, its open tasks do not keep their assignees from leaving: those who leave are
    /// removed as assignees.
    ///
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``.
    @discardableResult
    public func archiveProject(
        _ id: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Project {
        try await run(
            CommandCall("archiveProject", ["project": id, "actor": actor]),
            reading: .actor(actor, in: id)
        ) { context in
            var project = try context.project(id, for: actor, as: .admin)
            project.archivedAt = context.now
            project.updatedAt = context.instant(after: project.updatedAt)
            project.updatedByID = actor
            context.replace(project)
            try context.recordEntry(.archived, of: project, by: actor)
            return project
        }
    }

    /// Makes an archived project accept changes again.
    ///
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors;
    ///   ``CodexFlow/Rule/projectReadOnly`` if it is being deleted.
    @discardableResult
    public func restoreProject(
        _ id: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Project {
        try await run(
            CommandCall("restoreProject", ["project": id, "actor": actor]),
            reading: .actor(actor, in: id)
        ) { context in
            var project = try context.project(id, for: actor, as: .admin, isChange: false)
            guard project.archivedAt != nil else { return project }
            project.archivedAt = nil
            project.updatedAt = context.instant(after: project.updatedAt)
            project.updatedByID = actor
            context.replace(project)
            try context.recordEntry(.restored, of: project, by: actor)
            return project
        }
    }

    /// Transfers a project to another owner; the previous owner stays as an admin.
    ///
    /// The owner does this, or an admin if the owner is no longer active. It also works for
    /// archived projects.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexFlow/Rule/projectOwner``,
    ///   ``CodexFlow/Rule/projectReadOnly`` if it is being deleted, the rules of actors; for an
    ///   owner who was no member, as ``addMember(_:to:as:by:)``.
    @discardableResult
    public func transferProject(
        _ id: CodexFlow.Project.ID, to owner: CodexFlow.User.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Project {
        try await runWhole(
            CommandCall("transferProject", ["project": id, "to": owner, "actor": actor]),
            reading: .transfer(of: id, to: owner, by: actor)
        ) { context in
            var project = try context.project(id, for: actor, as: .admin, isChange: false)
            if try context.get(.user(project.ownerID))?.isActive == true {
                try context.requireRole(of: actor, in: project, .owner)
            }
            try context.activeUser(owner, or: .projectOwner, "owner")
            guard owner != project.ownerID else { return project }
            guard try context.endEarlierClaims(owner, in: project) else { return nil }
            for (user, role) in [(project.ownerID, CodexFlow.Member.Role.admin), (owner, .owner)] {
                if let member = try context.get(.member(user, of: id)) {
                    _ = try context.change(member, to: role, by: actor)
                } else if try context.get(.user(user)) != nil {
                    try context.addMember(user, to: id, as: role, addedBy: actor)
                }
            }
            let old = project
            project.ownerID = owner
            project.updatedAt = context.instant(after: project.updatedAt)
            project.updatedByID = actor
            context.replace(project)
            try context.recordEntry(
                .transferred, of: project, by: actor, changes: old.changes(to: project))
            return project
        }
    }

    /// Deletes a project with everything in it.
    ///
    /// The first commit marks the project. From then on, it accepts no changes. Further commits
    /// delete its items, and the project itself last. Each of them removes up to 500 items, and on
    /// the embedded store, it ends after some milliseconds. After an interruption, another call by
    /// the owner continues the deletion, as does ``resumeDeletions()``.
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors, `CancellationError`.
    public func deleteProject(
        _ id: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws {
        let call = CommandCall("deleteProject", ["project": id, "actor": actor])
        try await perform(call, reading: .actor(actor, in: id)) { context in
            let project = try context.find(.project(id))
            if project.deletingSince != nil {
                // The memberships may be deleted already.
                try context.actor(actor)
                return try CodexFlow.Rule.actorRole.require(
                    project.ownerID == actor, "actor", ["actor": actor.attributeValue])
            }
            var marked = try context.project(id, for: actor, as: .owner, isChange: false)
            marked.deletingSince = context.now
            marked.updatedAt = context.instant(after: marked.updatedAt)
            marked.updatedByID = actor
            context.replace(marked)
            try context.recordEntry(.deletionStarted, of: marked, by: actor)
        }
        try await removeItems(of: id)
    }

    /// Continues interrupted deletions of projects.
    ///
    /// It needs no actor: the user who marked the projects was allowed to delete them.
    ///
    /// - Returns: The projects that are deleted now.
    /// - Throws: `CancellationError`, and the errors of reading and writing.
    @discardableResult
    public func resumeDeletions() async throws -> [CodexFlow.Project.ID] {
        let projects = try await all(.projectsInDeletion).map(\.id)
        for project in projects { try await removeItems(of: project) }
        return projects
    }

    private func removeItems(of project: CodexFlow.Project.ID) async throws {
        while try await !backend.removeItems(of: project, limit: 500) {
            try _Concurrency.Task.checkCancellation()
        }
    }

    // MARK: Members

    /// Makes a user a member.
    ///
    /// Claims of an earlier membership have ended.
    ///
    /// - Throws: ``CodexFlow/Rule/memberUser``, ``CodexFlow/Rule/memberTaken``,
    ///   ``CodexFlow/Rule/memberOwner`` for the role of an owner, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``;
    ///   ``CodexError/Code/migrationPending`` or ``CodexError/Code/indexNotReady`` if the index of
    ///   claims cannot be read yet.
    @discardableResult
    public func addMember(
        _ user: CodexFlow.User.ID, to project: CodexFlow.Project.ID,
        as role: CodexFlow.Member.Role = .member, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Member {
        try await runWhole(
            CommandCall(
                "addMember",
                [
                    "user": user, "project": project, "role": role.rawValue, "actor": actor,
                ]),
            reading: .addition(of: user, to: project, by: actor)
        ) { context in
            try context.addMember(user, to: project, as: role, by: actor)
        }
    }

    /// Changes the role of a member, also in archived projects.
    ///
    /// The claims of a user who becomes a viewer hold no task from then on. Further commits remove
    /// them. In an archived project, they also remove the user as the assignee of open tasks. After
    /// an interruption, ``resumeLeaving(of:in:)`` continues.
    ///
    /// - Throws: ``CodexFlow/Rule/memberOwner`` from or to the role of an owner,
    ///   ``CodexFlow/Rule/memberWork`` if a viewer would have open tasks, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly`` if it is being deleted, ``CodexError/Code/notFound``;
    ///   for a viewer who becomes a member, as ``addMember(_:to:as:by:)``.
    /// - Complexity: The first commit reads one task of the user. Further commits end the claims,
    ///   and in an archived project the assignments, 50 at most in each.
    @discardableResult
    public func changeMember(
        _ user: CodexFlow.User.ID, of project: CodexFlow.Project.ID,
        to role: CodexFlow.Member.Role, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Member {
        let member: CodexFlow.Member = try await runWhole(
            CommandCall(
                "changeMember",
                [
                    "user": user, "project": project, "role": role.rawValue, "actor": actor,
                ]),
            reading: .change(of: user, in: project, to: role, by: actor)
        ) { context in
            let whole = try context.project(project, for: actor, as: .admin, isChange: false)
            try CodexFlow.Rule.memberOwner.require(
                role != .owner && user != whole.ownerID, "role", ["userId": user.attributeValue])
            let member = try context.find(.member(user, of: project))
            guard member.role != role else { return member }
            if role.includes(.member) {
                guard try context.endEarlierClaims(user, in: whole) else { return nil }
            } else {
                try context.requireNoWork(of: user, in: whole)
            }
            return try context.change(member, to: role, by: actor)
        }
        if !role.includes(.member) {
            try await unassign(user, in: project, by: actor)
            try await endClaims(of: user, in: project)
        }
        return member
    }

    /// Ends a membership, also in archived projects.
    ///
    /// From then on, the user's claims in the project hold no task. Further commits remove them. In
    /// an archived project, they also remove the user as the assignee of open tasks. After an
    /// interruption, ``resumeLeaving(of:in:)`` continues.
    ///
    /// - Throws: ``CodexFlow/Rule/memberOwner``, ``CodexFlow/Rule/memberWork`` if the member has
    ///   open tasks there, the rules of actors, ``CodexFlow/Rule/projectReadOnly`` if it is being
    ///   deleted, ``CodexError/Code/notFound``.
    /// - Complexity: As ``changeMember(_:of:to:by:)``.
    public func removeMember(
        _ user: CodexFlow.User.ID, from project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws {
        try await perform(
            CommandCall("removeMember", ["user": user, "project": project, "actor": actor]),
            reading: .change(of: user, in: project, to: nil, by: actor)
        ) { context in
            // Members may leave without an admin.
            let whole = try context.project(
                project, for: actor, as: user == actor ? .viewer : .admin, isChange: false)
            try CodexFlow.Rule.memberOwner.require(
                user != whole.ownerID, "userId", ["userId": user.attributeValue])
            let member = try context.find(.member(user, of: project))
            try context.requireNoWork(of: user, in: whole)
            context.delete(member)
            try context.recordEntry(.removed, of: member, by: actor, from: member.role)
        }
        try await unassign(user, in: project, by: actor)
        try await endClaims(of: user, in: project)
    }
}

extension CodexFlow.Project {
    /// The fields that only other commands change.
    static let keptFields = [
        KeptField<Self>("projectId", \.id), .init("owner", \.ownerID),
        .init("archivedAt", \.archivedAt), .init("deletingSince", \.deletingSince),
        .init("createdAt", \.createdAt), .init("updatedAt", \.updatedAt),
        .init("updatedBy", \.updatedByID),
    ]
}

extension CodexFlow.DecisionContext {
    /// Makes a user a member, as ``CodexFlow/Workspace/addMember(_:to:as:by:)`` describes.
    ///
    /// - Returns: The member; `nil` if the user has many claims of an earlier membership. Then the
    ///   commit ends some of them, and another one must follow.
    func addMember(
        _ user: CodexFlow.User.ID, to project: CodexFlow.Project.ID,
        as role: CodexFlow.Member.Role, by actor: CodexFlow.User.ID
    ) throws -> CodexFlow.Member? {
        let whole = try self.project(project, for: actor, as: .admin)
        try CodexFlow.Rule.memberOwner.require(
            role != .owner, "role", ["userId": user.attributeValue])
        try activeUser(user, or: .memberUser, "userId")
        try CodexFlow.Rule.memberTaken.require(
            try self.role(of: user, in: whole) == nil, "userId",
            ["userId": user.attributeValue])
        guard try endEarlierClaims(user, in: whole) else { return nil }
        return try addMember(user, to: project, as: role, addedBy: actor)
    }

    /// Stores a membership with its history.
    @discardableResult
    fileprivate func addMember(
        _ user: CodexFlow.User.ID, to project: CodexFlow.Project.ID,
        as role: CodexFlow.Member.Role, addedBy actor: CodexFlow.User.ID
    ) throws -> CodexFlow.Member {
        var member = CodexFlow.Member(
            projectID: project, userID: user, role: role, createdAt: now)
        member.updatedByID = actor
        insert(member)
        try recordEntry(.added, of: member, by: actor, to: role)
        return member
    }

    /// Stores another role of a member with its history.
    fileprivate func change(
        _ old: CodexFlow.Member, to role: CodexFlow.Member.Role, by actor: CodexFlow.User.ID
    ) throws -> CodexFlow.Member {
        var member = old
        member.role = role
        member.updatedByID = actor
        replace(member)
        try recordEntry(.changed, of: member, by: actor, from: old.role, to: role)
        return member
    }

    /// Ends the claims that a user has from before the user lost the right to work in a project,
    /// in a commit that gives the user a role there.
    ///
    /// - Returns: Whether the commit may give the role; otherwise another one must follow.
    fileprivate func endEarlierClaims(
        _ user: CodexFlow.User.ID, in project: CodexFlow.Project
    ) throws -> Bool {
        // Another role to work with gives no right back.
        if try role(of: user, in: project)?.includes(.member) == true { return true }
        return try endLeftoverClaims(of: user, in: project.id)
    }

    /// Checks a project by itself and against other projects.
    fileprivate func requireSound(
        _ project: CodexFlow.Project, old: CodexFlow.Project? = nil
    ) throws {
        try project.validate()
        if let zone = project.timeZone, zone != old?.timeZone {
            try CodexFlow.Rule.projectTimeZone.require(
                settings.calendar.isTimeZone(zone), "timeZone", ["timeZone": .string(zone)])
        }
        guard let key = project.key else {
            // A project that was stored without a key (by an import, for example) may stay without
            // one.
            return try CodexFlow.Rule.projectKey.require(
                old != nil && old?.key == nil, "key", ["projectId": project.id.attributeValue])
        }
        guard key != old?.key else { return }
        let other = try get(.project(key: key))
        try CodexFlow.Rule.projectKeyTaken.require(
            other == nil || other?.id == project.id, "key", ["key": .string(key)])
    }
}
