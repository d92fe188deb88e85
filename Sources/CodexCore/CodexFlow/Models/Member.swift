public import FoundationEssentials

extension CodexFlow {
    /// A user's part in a project.
    ///
    /// Key `PROJECT#<projectId>` / `MEMBER#<userId>`; found by user through GSI1
    /// `MEMBER#<userId>` / `PROJECT#<projectId>`.
    public struct Member: Entity, Hashable {
        /// A member's permissions; each role includes those of the roles after it.
        public enum Role: String, StoredChoice {
            /// Everything, including transfer and deletion; only the project's owner has this role.
            case owner
            /// Settings, members, archiving, and other members' claims and comments.
            case admin
            /// Tasks, comments, PRDs, work.
            case member
            /// Reading.
            case viewer

            /// The cases as they are stored.
            public static let choices = Choices(allCases)

            /// Whether the role includes all permissions of `other`.
            public func includes(_ other: Role) -> Bool { rank <= other.rank }

            private var rank: Int {
                switch self {
                case .owner: 0
                case .admin: 1
                case .member: 2
                case .viewer: 3
                }
            }
        }

        /// The project.
        public var projectID: Project.ID
        /// The user.
        public var userID: User.ID
        /// The user's permissions in the project.
        public var role: Role
        /// When the membership began.
        public var createdAt: Date
        /// The user who added the member, or changed the role last.
        public var updatedByID: User.ID?

        /// Creates a membership.
        public init(projectID: Project.ID, userID: User.ID, role: Role, createdAt: Date) {
            self.projectID = projectID
            self.userID = userID
            self.role = role
            self.createdAt = createdAt
        }
    }

    /// The last number that a project assigned from one sequence.
    ///
    /// Key `PROJECT#<projectId>` / `SEQUENCE#<name>`. It is not part of the project's item, so a
    /// new task does not change an item that is read often.
    public struct NumberSequence: Entity, Hashable {
        /// The project.
        public var projectID: Project.ID
        /// The name of the numbered things.
        public var name: String
        /// The last number that was assigned.
        public var last: Int

        /// Creates a sequence.
        public init(projectID: Project.ID, name: String, last: Int = 0) {
            self.projectID = projectID
            self.name = name
            self.last = last
        }

        /// The name of the sequence of tasks' numbers.
        public static let tasks = "TASK"
    }
}

extension CodexFlow.Member {
    enum Field: Int, EntityField {
        case projectId, userId, role, createdAt, updatedBy

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("userId", .string),
            .required("role", .string), .required("createdAt", .string),
            .optional("updatedBy", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "member", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "MEMBER#{userId}"], fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI1PK", "GSI1SK"]

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "GSI1PK": .string("MEMBER#\(userID)"), "GSI1SK": .string("PROJECT#\(projectID)"),
            "PK": .string("PROJECT#\(projectID)"), "SK": .string("MEMBER#\(userID)"),
        ])
        writer.set(.projectId, projectID)
        writer.set(.userId, userID)
        writer.setChoice(.role, role)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        return writer.item
    }

    /// Reads a membership from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        userID = try reader.identifier(Field.userId)
        role = try reader.choice(Field.role)
        createdAt = try reader.value(Field.createdAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
    }
}

extension CodexFlow.NumberSequence {
    enum Field: Int, EntityField {
        case projectId, name, last

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("name", .string),
            .required("last", .number),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "sequence", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "SEQUENCE#{name}"], fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "PK": .string("PROJECT#\(projectID)"), "SK": .string("SEQUENCE#\(name)"),
        ])
        writer.set(.projectId, projectID)
        writer.set(.name, name)
        writer.set(.last, last)
        return writer.item
    }

    /// Reads a sequence from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        name = try reader.string(Field.name)
        last = try reader.value(Field.last)
    }
}

extension Lookup where E == CodexFlow.Member {
    /// The user's part in the project.
    public static func member(
        _ user: CodexFlow.User.ID, of project: CodexFlow.Project.ID
    ) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("MEMBER#\(user)"))
    }
}

extension Lookup where E == CodexFlow.NumberSequence {
    /// The project's sequence with the name.
    public static func sequence(_ name: String, of project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("SEQUENCE#\(name)"))
    }
}

extension Query where E == CodexFlow.Member {
    /// The members of a project, by user.
    public static func members(of project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .beginsWith("MEMBER#"))
    }

    /// A user's parts in projects, by project.
    public static func memberships(of user: CodexFlow.User.ID) -> Self {
        Self(partition: .string("MEMBER#\(user)"), index: CodexFlow.Index.gsi1)
    }
}
