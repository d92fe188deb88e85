internal import CodexCore

// What the commands on users, sessions, projects, members and PRDs are known to read.

extension KnownReads {
    // MARK: Users

    /// A new user's identifier, if it is known, and the address.
    static func newUser(
        _ id: CodexFlow.User.ID?, email: String, by administrator: CodexFlow.User.ID?
    ) -> Self {
        Self { reader, _ in
            try reader.readUsers(id, administrator)
            try reader.readAddress(email)
        }
    }

    /// A user, and the user who administers users.
    static func user(
        _ id: CodexFlow.User.ID, by administrator: CodexFlow.User.ID?
    ) -> Self {
        Self { reader, _ in try reader.readUsers(id, administrator) }
    }

    /// A user who is changed, with what the new fields concern.
    static func change(
        of id: CodexFlow.User.ID, by administrator: CodexFlow.User.ID?,
        _ body: @escaping @Sendable (inout CodexFlow.User) throws -> Void
    ) -> Self {
        Self.user(id, by: administrator).and { reader in
            guard let old = try reader.get(.user(id)) else { return }
            var new = old
            try body(&new)
            let isMoved = !ByteOrder.equal(new.email, old.email)
            if isMoved { try reader.readAddress(new.email) }
            if isMoved || new.role != old.role { try reader.readSessions(of: id) }
        }
    }

    /// A user who may act again, and the first claim that may have been left.
    static func activation(
        of id: CodexFlow.User.ID, by administrator: CodexFlow.User.ID?
    ) -> Self {
        Self.user(id, by: administrator).with(Self.firstClaim(of: id).read)
    }

    /// A user whose sessions end.
    static func suspension(
        of id: CodexFlow.User.ID, by administrator: CodexFlow.User.ID?
    ) -> Self {
        Self.user(id, by: administrator).and { try $0.readSessions(of: id) }
    }

    /// A user who is deleted, with projects, memberships, sessions and open tasks.
    static func deletion(
        of id: CodexFlow.User.ID, by administrator: CodexFlow.User.ID?
    ) -> Self {
        Self.suspension(of: id, by: administrator).and { reader in
            _ = try reader.all(.projects(ownedBy: id), limit: 1)
            try reader.readOpenTasks(of: id)
            let memberships = try reader.all(
                .memberships(of: id),
                limit: CodexFlow.DecisionContext.remoteMembershipCountMax + 1)
            for project in memberships.map(\.projectID) {
                _ = try reader.get(.project(project))
            }
        }
    }

    /// A user, with the sessions.
    static func sessions(of user: CodexFlow.User.ID) -> Self {
        Self { reader, _ in
            _ = try reader.get(.user(user))
            try reader.readSessions(of: user)
        }
    }

    /// The sessions of a user.
    static func allSessions(of user: CodexFlow.User.ID) -> Self {
        Self { reader, _ in try reader.readSessions(of: user) }
    }

    /// A session, and its user if that is known.
    static func session(
        _ id: CodexFlow.Session.ID, of user: CodexFlow.User.ID? = nil
    ) -> Self {
        Self { reader, _ in
            _ = try reader.get(.session(id))
            if let user { _ = try reader.get(.user(user)) }
        }
    }

    // MARK: Projects

    /// The owner of a new project, and the project's key.
    static func newProject(key: String, by owner: CodexFlow.User.ID) -> Self {
        Self { reader, _ in
            _ = try reader.get(.user(owner))
            _ = try reader.get(.project(key: key))
        }
    }

    /// The actor, and a project that is changed.
    static func change(
        of project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        _ body: @escaping @Sendable (inout CodexFlow.Project) throws -> Void
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            guard let old = try reader.get(.project(project)) else { return }
            var new = old
            try body(&new)
            if let key = new.key, key != old.key { _ = try reader.get(.project(key: key)) }
        }
    }

    /// The actor, and a project that gets another owner.
    static func transfer(
        of project: CodexFlow.Project.ID, to owner: CodexFlow.User.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            try reader.readWorker(owner, in: project)
            guard reader.isComplete else { return }
            if let former = try reader.get(.project(project))?.ownerID {
                try reader.readWorker(former, in: project)
            }
            if try reader.get(.member(owner, of: project))?.role.includes(.member) != true {
                _ = try reader.claims(of: owner, in: project)
            }
        }
    }

    // MARK: Members

    /// The actor, and a user who becomes a member.
    static func addition(
        of user: CodexFlow.User.ID, to project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            try reader.readWorker(user, in: project)
            _ = try reader.claims(of: user, in: project)
        }
    }

    /// The actor, and a member who gets another role; `nil` is none.
    ///
    /// A user who may not work any more must have no open task. One who may again has no claims
    /// from before.
    static func change(
        of user: CodexFlow.User.ID, in project: CodexFlow.Project.ID,
        to role: CodexFlow.Member.Role?, by actor: CodexFlow.User.ID
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            let found = try reader.get(.member(user, of: project))
            guard role?.includes(.member) == true else {
                for query in CodexFlow.DecisionContext.openTasks(of: user, in: project) {
                    _ = try reader.all(query, limit: 1)
                }
                return
            }
            if let found, !found.role.includes(.member) {
                _ = try reader.get(.user(user))
                _ = try reader.claims(of: user, in: project)
            }
        }
    }

    // MARK: PRDs

    /// The actor, and a version of a PRD with its document.
    static func version(
        _ version: Int, of prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID
    ) -> Self {
        Self.actor(actor, in: project).and { reader in
            _ = try reader.get(.prdDocument(prd, in: project))
            _ = try reader.get(.prd(prd, version: version, in: project))
        }
    }

    /// The actor, and a version of a PRD that is reviewed, with all reviews and the version in
    /// force.
    static func review(
        of version: Int, of prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID
    ) -> Self {
        Self.version(version, of: prd, in: project, by: actor).and { reader in
            _ = try reader.all(.reviews(of: prd, in: project), limit: nil)
            let document = try reader.get(.prdDocument(prd, in: project))
            guard let approved = document?.approvedVersion else { return }
            _ = try reader.get(.prd(prd, version: approved, in: project))
        }
    }
}

extension CodexFlow.DecisionReader {
    /// Reads users, as far as they are known.
    fileprivate func readUsers(_ users: CodexFlow.User.ID?...) throws {
        for case .some(let user) in users { _ = try get(.user(user)) }
    }

    /// Reads the users with an address.
    fileprivate func readAddress(_ email: String) throws {
        let address = CodexFlow.Text.trimmed(email)
        for target in Lookup<CodexFlow.User>.user(email: address).targets {
            _ = try get(Lookup<CodexFlow.User>(target))
        }
    }

    /// Reads the sessions of a user.
    fileprivate func readSessions(of user: CodexFlow.User.ID) throws {
        _ = try all(.sessions(of: user), limit: nil)
    }
}
