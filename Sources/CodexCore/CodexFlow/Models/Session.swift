public import FoundationEssentials

extension CodexFlow {
    /// A login or an agent's run.
    ///
    /// Key `SESSION#<hash>` / `META`, with the hash of the token and never the token; found by user
    /// through GSI2 `USER#<userId>#SESSIONS` / `<createdAt>#<hash>`.
    public struct Session: Entity, Hashable {
        /// The hash of a session's token.
        public typealias ID = Identifier<Session>

        /// The kind of a session: a person's login or an agent's run.
        public enum Kind: String, StoredChoice {
            case login, agent

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The hash of the token.
        public var id: ID
        /// The user to whom the session belongs.
        public var userID: User.ID
        /// The kind of the session.
        public var kind: Kind
        /// When it was opened.
        public var createdAt: Date
        /// When the session ends; it is stored in whole seconds, rounded up.
        ///
        /// It is the table's ``TableDefinition/timeToLive``, so the session is absent from then on.
        public var expiresAt: Date
        /// When it was last used.
        public var lastSeenAt: Date?
        /// The client that opened it.
        public var client: String?
        /// When it was revoked.
        public var revokedAt: Date?

        /// Creates a session.
        public init(
            id: ID, userID: User.ID, kind: Kind = .login, createdAt: Date, expiresAt: Date,
            client: String? = nil
        ) {
            self.id = id
            self.userID = userID
            self.kind = kind
            self.createdAt = createdAt
            self.expiresAt = expiresAt
            self.client = client
        }
    }
}

extension CodexFlow.Session {
    enum Field: Int, EntityField {
        case sessionId, userId, kind, createdAt, expiresAt, lastSeenAt, client, revokedAt

        static let definitions: [FieldDefinition] = [
            .required("sessionId", .string), .required("userId", .string),
            .required("kind", .string), .required("createdAt", .string),
            .required("expiresAt", .number), .optional("lastSeenAt", .string),
            .optional("client", .string), .optional("revokedAt", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "session", table: CodexFlow.table, keys: ["PK": "SESSION#{sessionId}", "SK": "META"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI2PK", "GSI2SK"]

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "GSI2PK": .string("USER#\(userID)#SESSIONS"),
            "GSI2SK": .string("\(Timestamp.text(createdAt))#\(id)"),
            "PK": .string("SESSION#\(id)"), "SK": "META",
        ])
        writer.set(.sessionId, id)
        writer.set(.userId, userID)
        writer.setChoice(.kind, kind)
        writer.set(.createdAt, createdAt)
        writer.set(.expiresAt, try Number(expiresAt.timeIntervalSince1970.rounded(.up)))
        writer.set(.lastSeenAt, lastSeenAt)
        writer.set(.client, client)
        writer.set(.revokedAt, revokedAt)
        return writer.item
    }

    /// Reads a session from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.sessionId)
        userID = try reader.identifier(Field.userId)
        kind = try reader.choice(Field.kind)
        createdAt = try reader.value(Field.createdAt)
        expiresAt = Date(
            timeIntervalSince1970: try reader.value(Field.expiresAt, as: Number.self).double)
        lastSeenAt = try reader.optionalDate(Field.lastSeenAt)
        client = try reader.optionalString(Field.client)
        revokedAt = try reader.optionalDate(Field.revokedAt)
    }
}

extension Lookup where E == CodexFlow.Session {
    /// The session with the token's hash.
    public static func session(_ id: CodexFlow.Session.ID) -> Self {
        Self(partition: .string("SESSION#\(id)"), sort: "META")
    }
}

extension Query where E == CodexFlow.Session {
    /// The sessions of a user, oldest first.
    public static func sessions(of user: CodexFlow.User.ID) -> Self {
        Self(partition: .string("USER#\(user)#SESSIONS"), index: CodexFlow.Index.gsi2)
    }
}
