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
        try await commit { context in
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
            try context.requireSound(project)
            context.insert(project)
            context.insert(
                CodexFlow.Member(
                    projectID: project.id, userID: owner, role: .owner, createdAt: context.now))
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
        try await commit { context in
            let old = try context.project(id, for: actor, as: .admin)
            var project = old
            try body(&project)
            var kept = CodexFlow.Project.keptFields
            if old.key != nil { kept.append(.init("key", \.key)) }
            try context.requireKept(project, old, kept, .projectKept)
            guard project != old else { return old }
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
            try context.requireSound(project, old: old)
            context.replace(project)
            return project
        }
    }

    /// Makes a project read-only.
    ///
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``.
    @discardableResult
    public func archiveProject(
        _ id: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Project {
        try await commit { context in
            var project = try context.project(id, for: actor, as: .admin)
            project.archivedAt = context.now
            project.updatedAt = context.instant(after: project.updatedAt)
            context.replace(project)
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
        try await commit { context in
            var project = try context.project(id, for: actor, as: .admin, isChange: false)
            guard project.archivedAt != nil else { return project }
            project.archivedAt = nil
            project.updatedAt = context.instant(after: project.updatedAt)
            context.replace(project)
            return project
        }
    }

    /// Transfers a project to another owner; the previous owner stays as an admin.
    ///
    /// The owner does this, or an admin if the owner is no longer active. It also works for
    /// archived projects.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexFlow/Rule/projectOwner``,
    ///   ``CodexFlow/Rule/projectReadOnly`` if it is being deleted, the rules of actors.
    @discardableResult
    public func transferProject(
        _ id: CodexFlow.Project.ID, to owner: CodexFlow.User.ID, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Project {
        try await commit { context in
            var project = try context.project(id, for: actor, as: .admin, isChange: false)
            if try context.get(.user(project.ownerID))?.isActive == true {
                try context.requireRole(of: actor, in: project, .owner)
            }
            try context.activeUser(owner, or: .projectOwner, "owner")
            guard owner != project.ownerID else { return project }
            for (user, role) in [(project.ownerID, CodexFlow.Member.Role.admin), (owner, .owner)] {
                if var member = try context.get(.member(user, of: id)) {
                    member.role = role
                    context.replace(member)
                } else if try context.get(.user(user)) != nil {
                    context.insert(
                        CodexFlow.Member(
                            projectID: id, userID: user, role: role, createdAt: context.now))
                }
            }
            project.ownerID = owner
            project.updatedAt = context.instant(after: project.updatedAt)
            context.replace(project)
            return project
        }
    }

    /// Deletes a project with everything in it.
    ///
    /// The first commit marks the project. From then on, it accepts no changes. Further commits
    /// delete its items, up to 500 in each, and the project itself last. After an interruption,
    /// another call by the owner continues the deletion, as does ``resumeDeletions()``.
    /// - Throws: ``CodexError/Code/notFound``, the rules of actors, `CancellationError`.
    public func deleteProject(
        _ id: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws {
        try await commit { context in
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
            context.replace(marked)
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
    /// - Throws: ``CodexFlow/Rule/memberUser``, ``CodexFlow/Rule/memberTaken``,
    ///   ``CodexFlow/Rule/memberOwner`` for the role of an owner, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func addMember(
        _ user: CodexFlow.User.ID, to project: CodexFlow.Project.ID,
        as role: CodexFlow.Member.Role = .member, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Member {
        try await commit { context in
            try context.addMember(user, to: project, as: role, by: actor)
        }
    }

    /// Changes the role of a member, also in archived projects.
    ///
    /// - Throws: ``CodexFlow/Rule/memberOwner`` from or to the role of an owner,
    ///   ``CodexFlow/Rule/memberWork`` if a viewer would have open tasks, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly`` if it is being deleted, ``CodexError/Code/notFound``.
    @discardableResult
    public func changeMember(
        _ user: CodexFlow.User.ID, of project: CodexFlow.Project.ID,
        to role: CodexFlow.Member.Role, by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.Member {
        try await commit { context in
            let whole = try context.project(project, for: actor, as: .admin, isChange: false)
            try CodexFlow.Rule.memberOwner.require(
                role != .owner && user != whole.ownerID, "role", ["userId": user.attributeValue])
            var member = try context.find(.member(user, of: project))
            guard member.role != role else { return member }
            if !role.includes(.member) { try context.requireNoWork(of: user, in: project) }
            member.role = role
            context.replace(member)
            return member
        }
    }

    /// Ends a membership, also in archived projects.
    ///
    /// - Throws: ``CodexFlow/Rule/memberOwner``, ``CodexFlow/Rule/memberWork`` if the member has
    ///   open tasks there, the rules of actors, ``CodexFlow/Rule/projectReadOnly`` if it is being
    ///   deleted, ``CodexError/Code/notFound``.
    /// - Complexity: Reads the member's open tasks of all projects.
    public func removeMember(
        _ user: CodexFlow.User.ID, from project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) async throws {
        try await commit { context in
            // Members may leave without an admin.
            let whole = try context.project(
                project, for: actor, as: user == actor ? .viewer : .admin, isChange: false)
            try CodexFlow.Rule.memberOwner.require(
                user != whole.ownerID, "userId", ["userId": user.attributeValue])
            let member = try context.find(.member(user, of: project))
            try context.requireNoWork(of: user, in: project)
            context.delete(member)
        }
    }
}

extension CodexFlow.Project {
    /// The fields that only other commands change.
    static let keptFields = [
        KeptField<Self>("projectId", \.id), .init("owner", \.ownerID),
        .init("archivedAt", \.archivedAt), .init("deletingSince", \.deletingSince),
        .init("createdAt", \.createdAt), .init("updatedAt", \.updatedAt),
    ]
}

extension CodexFlow.DecisionContext {
    /// Makes a user a member, as ``CodexFlow/Workspace/addMember(_:to:as:by:)`` describes.
    func addMember(
        _ user: CodexFlow.User.ID, to project: CodexFlow.Project.ID,
        as role: CodexFlow.Member.Role, by actor: CodexFlow.User.ID
    ) throws -> CodexFlow.Member {
        let whole = try self.project(project, for: actor, as: .admin)
        try CodexFlow.Rule.memberOwner.require(
            role != .owner, "role", ["userId": user.attributeValue])
        try activeUser(user, or: .memberUser, "userId")
        try CodexFlow.Rule.memberTaken.require(
            try self.role(of: user, in: whole) == nil, "userId",
            ["userId": user.attributeValue])
        let member = CodexFlow.Member(
            projectID: project, userID: user, role: role, createdAt: now)
        insert(member)
        return member
    }

    /// Throws if the user has open tasks, in the given project or in any project.
    func requireNoWork(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID? = nil
    ) throws {
        let open = try all(.openTasks(assignedTo: user)).first {
            project == nil || $0.projectID == project
        }
        try CodexFlow.Rule.memberWork.require(
            open == nil, "userId",
            ["userId": user.attributeValue, "taskId": open?.id.attributeValue])
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
