public import FoundationEssentials

extension CodexFlow {
    /// A person or agent that works with CodexFlow.
    ///
    /// Key `USER#<id>` / `PROFILE`; found by e-mail through GSI1 `EMAIL#<address>` / `USER`.
    public struct User: Entity, Hashable {
        /// A user's identifier.
        public typealias ID = Identifier<User>

        /// A user's role in the embedding program; a ``Member``'s role decides the permissions in a
        /// project.
        public enum Role: String, StoredChoice {
            case owner, admin, member, viewer, agent

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The state of a user in the life cycle.
        public enum State: String, StoredChoice {
            case invited, active, suspended

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The identifier.
        public var id: ID
        /// The address as it was typed; comparisons use ``normalizedEmail``.
        public var email: String
        /// The display name.
        public var name: String
        /// The user's role in the embedding program; agents do not review PRDs.
        public var role: Role?
        /// The state of the user in the life cycle.
        public var state: State?
        /// The IANA name of the user's time zone.
        public var timeZone: String?
        /// When the user was created.
        public var createdAt: Date?
        /// When the user last changed.
        public var updatedAt: Date?

        /// Creates a user.
        public init(
            id: ID, email: String, name: String, role: Role? = nil, state: State? = nil,
            timeZone: String? = nil, createdAt: Date? = nil, updatedAt: Date? = nil
        ) {
            self.id = id
            self.email = email
            self.name = name
            self.role = role
            self.state = state
            self.timeZone = timeZone
            self.createdAt = createdAt
            self.updatedAt = updatedAt
        }

        /// The address for comparisons: without surrounding white space, in lower case.
        public var normalizedEmail: String { Self.normalize(email) }

        static func normalize(_ email: String) -> String {
            let trimmed = email.drop(while: \.isWhitespace)
            let end = trimmed.lastIndex { !$0.isWhitespace }.map { trimmed.index(after: $0) }
            return trimmed[..<(end ?? trimmed.startIndex)].lowercased()
        }
    }
}

extension CodexFlow.User {
    /// Whether the user may act; a user who was imported without a state may.
    public var isActive: Bool { (state ?? .active) == .active }
}

extension CodexFlow.User {
    enum Field: Int, EntityField {
        case userId, email, name, role, state, timeZone, createdAt, updatedAt

        static let definitions: [FieldDefinition] = [
            .required("userId", .string), .required("email", .string), .required("name", .string),
            .optional("role", .string), .optional("state", .string),
            .optional("timeZone", .string), .optional("createdAt", .string),
            .optional("updatedAt", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "user", table: CodexFlow.table, keys: ["PK": "USER#{userId}", "SK": "PROFILE"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI1PK", "GSI1SK"]

    /// The attributes, as the architecture document defines them.
    public func item() throws(CodexError) -> Item {
        try KeyTemplate.requirePart(normalizedEmail, name: "email")
        var writer = FieldWriter<Field>([
            "GSI1PK": .string("EMAIL#\(normalizedEmail)"), "GSI1SK": "USER",
            "PK": .string("USER#\(id)"), "SK": "PROFILE",
        ])
        writer.set(.userId, id)
        writer.set(.email, email)
        writer.set(.name, name)
        writer.setChoice(.role, role)
        writer.setChoice(.state, state)
        writer.set(.timeZone, timeZone)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        return writer.item
    }

    /// Reads a user from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.userId)
        email = try reader.string(Field.email)
        name = try reader.string(Field.name)
        role = try reader.optionalChoice(Field.role)
        state = try reader.optionalChoice(Field.state)
        timeZone = try reader.optionalString(Field.timeZone)
        createdAt = try reader.optionalDate(Field.createdAt)
        updatedAt = try reader.optionalDate(Field.updatedAt)
    }
}

extension Query where E == CodexFlow.User {
    /// All users, by identifier.
    public static var users: Self {
        Self(partition: "PROFILE", index: CodexFlow.Index.inverted)
    }
}

extension Lookup where E == CodexFlow.User {
    /// The user with the identifier.
    public static func user(_ id: CodexFlow.User.ID) -> Self {
        Self(partition: .string("USER#\(id)"), sort: "PROFILE")
    }

    /// The user with the e-mail address, compared in its normalized form.
    public static func user(email: String) -> Self {
        Self(
            .index(
                CodexFlow.Index.gsi1,
                partition: [.string("EMAIL#\(CodexFlow.User.normalize(email))")], sort: ["USER"]))
    }
}
