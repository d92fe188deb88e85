public import CodexCore
internal import FoundationEssentials

// These commands have no actor: the embedding program decides who may use them. It may name the
// user who acts, for the history and the events.

extension CodexFlow.Workspace {
    /// The same workspace, whose commands on users have an actor: the user who administers them.
    ///
    /// The actor must be an active user, and stands in the history
    /// (``Query/history(ofUser:)``), in ``CodexFlow/User/updatedByID`` and in events. Whether the
    /// actor may administer users is for the embedding program to decide. Without it, the history
    /// has no actor.
    ///
    /// ```swift
    /// try await workspace.acting(as: "olga").suspendUser("max")
    /// ```
    public func acting(as administrator: CodexFlow.User.ID) -> Self {
        var copy = self
        copy.administratorID = administrator
        return copy
    }

    /// Creates a user.
    ///
    /// - Parameters:
    ///   - email: The address, which must be unique.
    ///   - name: The name to show.
    ///   - id: The identifier; `nil` makes one.
    ///   - role: The user's role in the embedding program.
    ///   - state: Active, or invited.
    ///   - timeZone: The IANA name of the user's time zone.
    /// - Returns: The user.
    /// - Throws: ``CodexFlow/Rule/userEmail``, ``CodexFlow/Rule/userEmailTaken``,
    ///   ``CodexFlow/Rule/userName``, ``CodexFlow/Rule/userState``,
    ///   ``CodexFlow/Rule/userTimeZone``; ``CodexError/Code/conditionFailed`` if the identifier is
    ///   taken.
    @discardableResult
    public func createUser(
        email: String, name: String, id: CodexFlow.User.ID? = nil,
        role: CodexFlow.User.Role = .member, state: CodexFlow.User.State = .active,
        timeZone: String? = nil
    ) async throws -> CodexFlow.User {
        try await run(
            CommandCall(
                "createUser",
                [
                    "email": email, "name": name, "id": id, "role": role.rawValue,
                    "state": state.rawValue, "timeZone": timeZone,
                    "administrator": administratorID,
                ]),
            reading: .newUser(id, email: email, by: administratorID)
        ) { [administratorID] context in
            try context.createUser(
                email: email, name: name, id: id, role: role, state: state, timeZone: timeZone,
                by: administratorID)
        }
    }

    /// Changes a user's address, name, role or time zone.
    ///
    /// Another address or role ends the user's sessions, in the same commit.
    ///
    /// - Throws: ``CodexError/Code/notFound``, and as
    ///   ``createUser(email:name:id:role:state:timeZone:)``; ``CodexFlow/Rule/userKept`` for a
    ///   change of a field that only other commands change.
    @discardableResult
    public func changeUser(
        _ id: CodexFlow.User.ID, _ body: @escaping @Sendable (inout CodexFlow.User) throws -> Void
    ) async throws -> CodexFlow.User {
        try await runChange(
            CommandCall("changeUser", ["user": id, "administrator": administratorID]),
            reading: .change(of: id, by: administratorID, body), body
        ) { [administratorID] context in
            try context.requireAdministrator(administratorID)
            let old = try context.find(.user(id))
            var user = old
            try body(&user)
            try context.requireKept(user, old, CodexFlow.User.keptFields, .userKept)
            // The stored form is also the returned one.
            if !ByteOrder.equal(user.email, old.email) {
                user.email = CodexFlow.Text.trimmed(user.email)
            }
            guard user != old else { return (old, old) }
            user.updatedAt = context.instant(after: old.updatedAt)
            user.updatedByID = administratorID
            try context.requireSound(user, old: old)
            context.replace(user)
            if user.role != old.role || !ByteOrder.equal(user.email, old.email) {
                try context.endSessions(of: id)
            }
            try context.recordEntry(
                .changed, of: id, by: administratorID, changes: old.changes(to: user))
            return (old, user)
        }
    }

    /// Activates an invited or suspended user.
    ///
    /// Claims from before the suspension have ended.
    ///
    /// - Throws: ``CodexError/Code/notFound``; ``CodexError/Code/migrationPending`` or
    ///   ``CodexError/Code/indexNotReady`` if the index of claims cannot be read yet.
    @discardableResult
    public func activateUser(_ id: CodexFlow.User.ID) async throws -> CodexFlow.User {
        try await runWhole(
            CommandCall("activateUser", ["user": id, "administrator": administratorID]),
            reading: .activation(of: id, by: administratorID)
        ) { [administratorID] context in
            // A commit that others follow must not end claims for a user who may not act.
            try context.requireAdministrator(administratorID)
            // An interrupted suspension may have left some.
            if try context.find(.user(id)).state == .suspended {
                guard try context.endLeftoverClaims(of: id) else { return nil }
            }
            return try context.setState(.active, of: id, by: administratorID)
        }
    }

    /// Suspends a user and ends the user's sessions, in one commit.
    ///
    /// From then on, the user's claims hold no task. Further commits remove them
    /// (``resumeLeaving(of:in:)``).
    ///
    /// The user keeps memberships, projects and assigned tasks, but cannot act. An admin of a
    /// project may transfer it (``transferProject(_:to:by:)``).
    ///
    /// - Throws: ``CodexError/Code/notFound``.
    @discardableResult
    public func suspendUser(_ id: CodexFlow.User.ID) async throws -> CodexFlow.User {
        let user = try await run(
            CommandCall("suspendUser", ["user": id, "administrator": administratorID]),
            reading: .suspension(of: id, by: administratorID)
        ) { [administratorID] context in
            let user = try context.setState(.suspended, of: id, by: administratorID)
            try context.endSessions(of: id)
            return user
        }
        try await endClaims(of: id)
        return user
    }

    /// Deletes a user with their sessions and memberships; the content that the user wrote stays.
    ///
    /// A user with many memberships is deleted in several commits, the user with the last one. Each
    /// checks all rules. If one of them is broken meanwhile, or after an interruption, the user has
    /// fewer memberships, and another call continues. If another call deletes the user meanwhile,
    /// the deletion is done. A new user with the identifier stays.
    ///
    /// The history of each membership has its end, by the user who administers users. Without one,
    /// it is by the deleted user.
    ///
    /// After the deletion, the user's claims hold no task. Further commits remove them, and the
    /// user as the assignee of open tasks in archived projects (``resumeLeaving(of:in:)``). The
    /// history of the user stays.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexFlow/Rule/userOwnsProjects``,
    ///   ``CodexFlow/Rule/memberWork`` if the user has open tasks; on a remote table,
    ///   ``CodexError/Code/transactionTooLarge`` if the user has open tasks in more than
    ///   ``CodexFlow/Limits/remoteProjectCountMax`` archived projects; `CancellationError` between
    ///   commits.
    /// - Complexity: Each commit reads one task for each project in which the user has open tasks.
    public func deleteUser(_ id: CodexFlow.User.ID) async throws {
        try await runDeletion(
            CommandCall("deleteUser", ["user": id, "administrator": administratorID]),
            reading: .deletion(of: id, by: administratorID)
        ) { [administratorID] context, begun in
            try context.requireAdministrator(administratorID)
            if let begun {
                guard let present = try context.get(.user(id)),
                    DeletionStep.Origin(present) == begun
                else { return .done }
            }
            let user = try context.find(.user(id))
            let owned = try context.all(.projects(ownedBy: id), limit: 1)
            try CodexFlow.Rule.userOwnsProjects.require(
                owned.isEmpty, "userId",
                ["userId": id.attributeValue, "projectId": owned.first?.id.attributeValue])
            try context.requireNoWork(of: id)
            guard try context.endMemberships(of: id, by: administratorID ?? id) else {
                return DeletionStep(rest: DeletionStep.Origin(user))
            }
            try context.endSessions(of: id)
            context.delete(user)
            try context.recordEntry(.deleted, of: id, by: administratorID)
            return .done
        }
        try await unassign(id, in: nil, by: administratorID)
        try await endClaims(of: id)
    }

    // MARK: Sessions

    /// A session with its token, which is shown once and not stored.
    public struct OpenedSession: Sendable, CustomStringConvertible, CustomReflectable {
        /// The token, 43 letters, digits, `-` and `_`: keep it secret.
        public let token: String
        /// The stored session.
        public let session: CodexFlow.Session

        /// The session without the token, for logs.
        public var description: String { "OpenedSession of \(session.userID)" }
        /// The session without the token, for logs.
        public var customMirror: Mirror { Mirror(self, children: ["session": session]) }
    }

    /// Opens a session; beyond ``CodexFlow/Limits/sessionCountMax`` sessions, the oldest one ends.
    ///
    /// A repetition with the same idempotency key gives the same session with the same token, also
    /// if the session has ended since. The token is not stored: the store has it masked by a hash
    /// of the key. A key that can be guessed gives the token to those who read the store. So it has
    /// ``CodexFlow/Limits/sessionKeyByteCountMin`` bytes or more: use a new random UUID, and keep
    /// it out of logs.
    ///
    /// - Parameters:
    ///   - user: The session's user.
    ///   - kind: The kind of user or program that opens it.
    ///   - client: The client that opens it.
    ///   - lifetime: The time until it ends; 24 hours by default.
    /// - Returns: The session and its token.
    /// - Throws: ``CodexFlow/Rule/sessionUser``, ``CodexFlow/Rule/sessionLifetime``; with an
    ///   idempotency key, as ``idempotent(_:)``, and ``CodexError/Code/invalidArgument`` if it is
    ///   too short.
    public func openSession(
        for user: CodexFlow.User.ID, kind: CodexFlow.Session.Kind = .login, client: String? = nil,
        lifetime: Duration = .seconds(86_400)
    ) async throws -> OpenedSession {
        let byteCountMin = CodexFlow.Limits.sessionKeyByteCountMin
        if let idempotencyKey, idempotencyKey.utf8.count < byteCountMin {
            throw CodexError(
                .invalidArgument,
                "The idempotency key of a session has \(byteCountMin) bytes or more. Make a new "
                    + "random UUID for each session.")
        }
        let key = idempotencyKey ?? ""
        var random = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let id = try CodexFlow.Session.ID(token: Base64.encodeURL(secret))
        let opening = try await run(
            CommandCall(
                "openSession",
                [
                    "user": user, "kind": kind.rawValue, "client": client,
                    "lifetime": lifetime.seconds,
                ]),
            reading: .sessions(of: user)
        ) { context in
            try context.activeUser(user, or: .sessionUser, "userId")
            let others = try context.all(.sessions(of: user))
            let excess = others.count + 1 - CodexFlow.Limits.sessionCountMax
            if excess > 0 { for old in others.prefix(excess) { context.delete(old) } }
            let session = CodexFlow.Session(
                id: id, userID: user, kind: kind, createdAt: context.now,
                expiresAt: context.now + lifetime.seconds, client: client)
            try session.validate()
            context.insert(session)
            return try SessionOpening(session, secret: secret, under: key)
        }
        return OpenedSession(token: try opening.token(under: key), session: opening.session)
    }

    /// The session of a token; `nil` if there is none, it ended or was revoked, or its user is
    /// inactive.
    ///
    /// The time of use is stored at most once in five minutes. If that write fails (because of a
    /// full disk, for example), the session is still valid.
    ///
    /// - Throws: The errors of reading; an unknown token is no error.
    public func session(token: String) async throws -> CodexFlow.Session? {
        let id = try CodexFlow.Session.ID(token: token)
        let now = settings.clock()
        guard let session = try await get(.session(id)), session.isValid(at: now),
            try await get(.user(session.userID))?.isActive == true
        else { return nil }
        let seen = session.lastSeenAt ?? session.createdAt
        guard now.timeIntervalSince(seen) >= 300 else { return session }
        do {
            return try await decided(reading: .session(id, of: session.userID)) { context in
                guard var session = try context.get(.session(id)), session.isValid(at: context.now),
                    try context.get(.user(session.userID))?.isActive == true
                else { return nil }
                session.lastSeenAt = context.now
                context.replace(session)
                return session
            }
        } catch is CodexError {
            return session
        }
    }

    /// The session of a token, as ``session(token:)``; an unknown or invalid token is an error.
    ///
    /// - Throws: ``CodexFlow/Rule/sessionToken``, and the errors of reading.
    public func requireSession(token: String) async throws -> CodexFlow.Session {
        guard let session = try await session(token: token) else {
            throw CodexFlow.Rule.sessionToken.violated("token")
        }
        return session
    }

    /// Ends the session of a token, if there is one.
    ///
    /// - Throws: The errors of reading and writing.
    public func revokeSession(token: String) async throws {
        try await revokeSession(try CodexFlow.Session.ID(token: token))
    }

    /// Ends a session, if it exists: one of a user's sessions (``Query/sessions(of:)``), for
    /// example.
    ///
    /// - Throws: The errors of reading and writing.
    public func revokeSession(_ id: CodexFlow.Session.ID) async throws {
        try await perform(
            CommandCall("revokeSession", ["session": id]), reading: .session(id)
        ) { context in
            if let session = try context.get(.session(id)) { context.delete(session) }
        }
    }

    /// Ends all sessions of a user.
    ///
    /// A repetition with the same idempotency key ends no sessions that were opened since.
    ///
    /// - Returns: The number of ended sessions.
    /// - Throws: The errors of reading and writing; with an idempotency key, as ``idempotent(_:)``.
    @discardableResult
    public func revokeSessions(of user: CodexFlow.User.ID) async throws -> Int {
        try await run(
            CommandCall("revokeSessions", ["user": user]), reading: .allSessions(of: user)
        ) { context in
            let sessions = try context.all(.sessions(of: user))
            for session in sessions { context.delete(session) }
            return sessions.count
        }
    }
}

extension Identifier where Model == CodexFlow.Session {
    /// Creates the identifier of a session: the SHA-256 of its token.
    ///
    /// A token is 256 random bits. A plain hash is therefore enough, since an attacker cannot try
    /// all tokens.
    public init(token: String) throws(CodexError) { try self.init(SHA256.hexadecimal(token)) }
}

extension CodexFlow.DecisionContext {
    /// Creates a user, as
    /// ``CodexFlow/Workspace/createUser(email:name:id:role:state:timeZone:)`` describes.
    func createUser(
        email: String, name: String, id: CodexFlow.User.ID?, role: CodexFlow.User.Role,
        state: CodexFlow.User.State, timeZone: String?, by administrator: CodexFlow.User.ID?
    ) throws -> CodexFlow.User {
        try requireAdministrator(administrator)
        try CodexFlow.Rule.userState.require(
            state != .suspended, "state", ["state": .string(state.rawValue)])
        var user = CodexFlow.User(
            id: try id ?? newID(), email: CodexFlow.Text.trimmed(email), name: name, role: role,
            state: state, timeZone: timeZone, createdAt: now, updatedAt: now)
        user.updatedByID = administrator
        try requireSound(user)
        insert(user)
        try recordEntry(.created, of: user.id, by: administrator)
        return user
    }

    /// Throws unless the user who administers users is active, if there is one.
    ///
    /// - Throws: ``CodexFlow/Rule/actorActive``, and the errors of reading.
    func requireAdministrator(_ administrator: CodexFlow.User.ID?) throws {
        if let administrator { try self.actor(administrator) }
    }

    /// Most memberships that a commit on a remote table deletes.
    static let remoteMembershipCountMax = 10

    /// Deletes memberships of a user with their history, at most as many as fit into a commit.
    ///
    /// - Returns: Whether none is left, so that the rest of the commit may follow.
    fileprivate func endMemberships(
        of user: CodexFlow.User.ID, by actor: CodexFlow.User.ID
    ) throws -> Bool {
        // On a remote table, the sessions of the user take a commit of their own.
        let bound = isRemote ? Self.remoteMembershipCountMax : 100
        let members = try all(.memberships(of: user), limit: bound + 1)
        for member in members.prefix(bound) {
            delete(member)
            let project: CodexFlow.Project?? = try ifReadable {
                try get(.project(member.projectID))
            }
            // A raw membership may be of a project that does not exist.
            guard let found = project, found != nil else { continue }
            try recordEntry(.removed, of: member, by: actor, from: member.role)
        }
        return isRemote ? members.isEmpty : members.count <= bound
    }

    /// Deletes the sessions of a user.
    fileprivate func endSessions(of user: CodexFlow.User.ID) throws {
        for session in try all(.sessions(of: user)) { delete(session) }
    }

    /// Checks a user by itself and against other users.
    fileprivate func requireSound(_ user: CodexFlow.User, old: CodexFlow.User? = nil) throws {
        try user.validate()
        if let zone = user.timeZone, zone != old?.timeZone {
            try CodexFlow.Rule.userTimeZone.require(
                settings.calendar.isTimeZone(zone), "timeZone", ["timeZone": .string(zone)])
        }
        let isSame = old.map { old in
            ByteOrder.equal(user.emailKey, old.emailKey) && ByteOrder.equal(user.email, old.email)
        }
        if isSame == true { return }
        // Users whom an earlier version stored may have different keys of one address.
        for target in Lookup<CodexFlow.User>.user(email: user.email).targets {
            let other = try get(Lookup<CodexFlow.User>(target))
            try CodexFlow.Rule.userEmailTaken.require(
                other == nil || other?.id == user.id, "email", ["email": .string(user.email)])
        }
    }

    fileprivate func setState(
        _ state: CodexFlow.User.State, of id: CodexFlow.User.ID,
        by administrator: CodexFlow.User.ID?
    ) throws -> CodexFlow.User {
        try requireAdministrator(administrator)
        let old = try find(.user(id))
        guard old.state != state else { return old }
        var user = old
        user.state = state
        user.updatedAt = instant(after: old.updatedAt)
        user.updatedByID = administrator
        replace(user)
        try recordEntry(
            state == .suspended ? .suspended : .activated, of: id, by: administrator,
            changes: old.changes(to: user))
        return user
    }
}

extension CodexFlow.User {
    /// The fields that only other commands change.
    static let keptFields = [
        KeptField<Self>("userId", \.id), .init("state", \.state), .init("createdAt", \.createdAt),
        .init("updatedAt", \.updatedAt), .init("updatedBy", \.updatedByID),
    ]
}

extension CodexFlow.Session {
    /// Whether the session has neither ended nor been revoked.
    func isValid(at instant: Date) -> Bool { expiresAt > instant && revokedAt == nil }
}
