public import CodexCore
internal import FoundationEssentials

// These commands have no actor: the embedding program decides who may use them.

extension CodexFlow.Workspace {
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
        try await commit { context in
            try context.createUser(
                email: email, name: name, id: id, role: role, state: state, timeZone: timeZone)
        }
    }

    /// Changes a user's address, name, role or time zone.
    ///
    /// - Throws: ``CodexError/Code/notFound``, and as
    ///   ``createUser(email:name:id:role:state:timeZone:)``; ``CodexFlow/Rule/userKept`` for a
    ///   change of a field that only other commands change.
    @discardableResult
    public func changeUser(
        _ id: CodexFlow.User.ID, _ body: @escaping @Sendable (inout CodexFlow.User) throws -> Void
    ) async throws -> CodexFlow.User {
        try await commit { context in
            let old = try context.find(.user(id))
            var user = old
            try body(&user)
            try context.requireKept(user, old, CodexFlow.User.keptFields, .userKept)
            guard user != old else { return old }
            user.updatedAt = context.instant(after: old.updatedAt)
            try context.requireSound(user, old: old)
            context.replace(user)
            return user
        }
    }

    /// Activates an invited or suspended user.
    ///
    /// - Throws: ``CodexError/Code/notFound``.
    @discardableResult
    public func activateUser(_ id: CodexFlow.User.ID) async throws -> CodexFlow.User {
        try await commit { try $0.setState(.active, of: id) }
    }

    /// Suspends a user and ends the user's sessions, in one commit.
    ///
    /// The user keeps memberships, projects and assigned tasks, but cannot act. An admin of a
    /// project may transfer it (``transferProject(_:to:by:)``).
    ///
    /// - Throws: ``CodexError/Code/notFound``.
    @discardableResult
    public func suspendUser(_ id: CodexFlow.User.ID) async throws -> CodexFlow.User {
        try await commit { context in
            let user = try context.setState(.suspended, of: id)
            for session in try context.all(.sessions(of: id)) { context.delete(session) }
            return user
        }
    }

    /// Deletes a user with their sessions and memberships; the content that the user wrote stays.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexFlow/Rule/userOwnsProjects``,
    ///   ``CodexFlow/Rule/memberWork`` if the user has open tasks.
    public func deleteUser(_ id: CodexFlow.User.ID) async throws {
        try await commit { context in
            let user = try context.find(.user(id))
            let owned = try context.all(.projects(ownedBy: id), limit: 1)
            try CodexFlow.Rule.userOwnsProjects.require(
                owned.isEmpty, "userId",
                ["userId": id.attributeValue, "projectId": owned.first?.id.attributeValue])
            try context.requireNoWork(of: id)
            for session in try context.all(.sessions(of: id)) { context.delete(session) }
            for member in try context.all(.memberships(of: id)) { context.delete(member) }
            context.delete(user)
        }
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
    /// - Parameters:
    ///   - user: The session's user.
    ///   - kind: The kind of user or program that opens it.
    ///   - client: The client that opens it.
    ///   - lifetime: The time until it ends; 24 hours by default.
    /// - Returns: The session and its token.
    /// - Throws: ``CodexFlow/Rule/sessionUser``, ``CodexFlow/Rule/sessionLifetime``.
    public func openSession(
        for user: CodexFlow.User.ID, kind: CodexFlow.Session.Kind = .login, client: String? = nil,
        lifetime: Duration = .seconds(86_400)
    ) async throws -> OpenedSession {
        var random = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let token = Base64.encodeURL(secret)
        let session = try await commit { context in
            try context.activeUser(user, or: .sessionUser, "userId")
            let others = try context.all(.sessions(of: user))
            let excess = others.count + 1 - CodexFlow.Limits.sessionCountMax
            if excess > 0 { for old in others.prefix(excess) { context.delete(old) } }
            let session = CodexFlow.Session(
                id: try CodexFlow.Session.ID(token: token), userID: user, kind: kind,
                createdAt: context.now, expiresAt: context.now + lifetime.seconds, client: client)
            try session.validate()
            context.insert(session)
            return session
        }
        return OpenedSession(token: token, session: session)
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
            return try await commit { context in
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
        try await commit { context in
            if let session = try context.get(.session(id)) { context.delete(session) }
        }
    }

    /// Ends all sessions of a user.
    ///
    /// - Returns: The number of ended sessions.
    /// - Throws: The errors of reading and writing.
    @discardableResult
    public func revokeSessions(of user: CodexFlow.User.ID) async throws -> Int {
        try await commit { context in
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
        state: CodexFlow.User.State, timeZone: String?
    ) throws -> CodexFlow.User {
        try CodexFlow.Rule.userState.require(
            state != .suspended, "state", ["state": .string(state.rawValue)])
        let user = CodexFlow.User(
            id: try id ?? newID(), email: email, name: name, role: role, state: state,
            timeZone: timeZone, createdAt: now, updatedAt: now)
        try requireSound(user)
        insert(user)
        return user
    }

    /// Checks a user by itself and against other users.
    fileprivate func requireSound(_ user: CodexFlow.User, old: CodexFlow.User? = nil) throws {
        try user.validate()
        if let zone = user.timeZone, zone != old?.timeZone {
            try CodexFlow.Rule.userTimeZone.require(
                settings.calendar.isTimeZone(zone), "timeZone", ["timeZone": .string(zone)])
        }
        guard old.map({ !ByteOrder.equal(user.normalizedEmail, $0.normalizedEmail) }) ?? true
        else { return }
        let other = try get(.user(email: user.email))
        try CodexFlow.Rule.userEmailTaken.require(
            other == nil || other?.id == user.id, "email", ["email": .string(user.email)])
    }

    fileprivate func setState(
        _ state: CodexFlow.User.State, of id: CodexFlow.User.ID
    ) throws -> CodexFlow.User {
        var user = try find(.user(id))
        guard user.state != state else { return user }
        user.state = state
        user.updatedAt = instant(after: user.updatedAt)
        replace(user)
        return user
    }
}

extension CodexFlow.User {
    /// The fields that only other commands change.
    static let keptFields = [
        KeptField<Self>("userId", \.id), .init("state", \.state), .init("createdAt", \.createdAt),
        .init("updatedAt", \.updatedAt),
    ]
}

extension CodexFlow.Session {
    /// Whether the session has neither ended nor been revoked.
    func isValid(at instant: Date) -> Bool { expiresAt > instant && revokedAt == nil }
}
