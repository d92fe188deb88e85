public import FoundationEssentials

extension CodexFlow {
    /// A project, which contains tasks, PRDs and analytics.
    ///
    /// Key `PROJECT#<id>` / `METADATA`; found by owner through GSI1 `OWNER#<userId>` /
    /// `PROJECT#<id>`.
    public struct Project: Entity, Hashable {
        /// A project's identifier.
        public typealias ID = Identifier<Project>

        /// Whether the project refuses changes, because it is archived or in deletion.
        public var isReadOnly: Bool { archivedAt != nil || deletingSince != nil }

        /// The state of a project in its life cycle.
        public enum Status: String, StoredChoice {
            case backlog, planned, started, paused, completed, canceled

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The health of a project.
        public enum Health: String, StoredChoice {
            case onTrack, atRisk, offTrack

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// Who may override rules of tasks, with a reason.
        public enum OverridePolicy: String, StoredChoice {
            /// Admins, and members who are no agents.
            case people
            /// Admins only.
            case admins

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The identifier.
        public var id: ID
        /// The display name.
        public var name: String {
            didSet { unchangedTexts.setLine(name, over: oldValue) }
        }
        /// The user who owns the project.
        public var ownerID: User.ID
        /// The unique short key in task numbers, as in `ENG-12`.
        public var key: String?
        /// What the project is about.
        public var summary: String?
        /// The state of the project in its life cycle.
        public var status: Status?
        /// The health of the project.
        public var health: Health?
        /// The day on which the project starts.
        public var startDate: CalendarDay?
        /// The day on which the project should be complete.
        public var targetDate: CalendarDay? {
            didSet {
                if baselineTargetDate == nil { baselineTargetDate = targetDate }
            }
        }
        /// The first day that ``targetDate`` was set to: the baseline of later targets.
        ///
        /// It stays if the target moves or is removed. A project that an earlier release stored has
        /// its target as the baseline.
        public private(set) var baselineTargetDate: CalendarDay?
        /// The IANA name of the time zone of the project's days.
        public var timeZone: String?
        /// The estimates that tasks may have.
        public var estimateScale: [Int]
        /// The hours that one estimate point represents; the default is 1.
        public var hoursPerPoint: Int?
        /// Who may override rules of tasks; the default is ``OverridePolicy/people``.
        public var overridePolicy: OverridePolicy?
        /// When the project, with everything in it, was marked for deletion.
        public var deletingSince: Date?
        /// When the project was archived.
        public var archivedAt: Date?
        /// When the project was created.
        public var createdAt: Date?
        /// When the project last changed.
        public var updatedAt: Date?
        /// The user who last changed the project through a service.
        public var updatedByID: User.ID?
        /// Whether the name may break a rule that is newer than it is.
        var unchangedTexts = UnchangedTexts()

        /// Creates a project; all other properties can be set afterwards.
        public init(
            id: ID, name: String, ownerID: User.ID, key: String? = nil, status: Status? = nil,
            createdAt: Date? = nil
        ) {
            self.id = id
            self.name = name
            self.ownerID = ownerID
            self.key = key
            self.status = status
            self.createdAt = createdAt
            estimateScale = []
        }
    }
}

extension CodexFlow.Project.Status {
    /// The statuses that may follow.
    public var successors: Set<Self> {
        switch self {
        case .backlog: [.planned, .started, .canceled]
        case .planned: [.backlog, .started, .canceled]
        case .started: [.paused, .completed, .canceled]
        case .paused: [.started, .canceled]
        case .completed, .canceled: [.started]
        }
    }
}

extension CodexFlow.Project {
    enum Field: Int, EntityField {
        case projectId, name, owner, key, summary, status, health, startDate, targetDate, timeZone
        case estimateScale, hoursPerPoint, deletingSince, archivedAt, createdAt, updatedAt
        case baselineTargetDate, overridePolicy, updatedBy

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("name", .string),
            .required("owner", .string), .optional("key", .string), .optional("summary", .string),
            .optional("status", .string), .optional("health", .string),
            .optional("startDate", .string), .optional("targetDate", .string),
            .optional("timeZone", .string), .optional("estimateScale", .list),
            .optional("hoursPerPoint", .number), .optional("deletingSince", .string),
            .optional("archivedAt", .string), .optional("createdAt", .string),
            .optional("updatedAt", .string), .optional("baselineTargetDate", .string),
            .optional("overridePolicy", .string), .optional("updatedBy", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "project", table: CodexFlow.table, schemaVersion: 2,
        keys: ["PK": "PROJECT#{projectId}", "SK": "METADATA"], fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"]

    /// Removes the number of the last task, which version 1 stored in the project without
    /// maintaining it.
    public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
        if version == 1 { item["taskCounter"] = nil }
    }

    /// The attributes, as the architecture document defines them.
    public func item() throws(CodexError) -> Item {
        var keys: Item = [
            "GSI1PK": .string("OWNER#\(ownerID)"), "GSI1SK": .string("PROJECT#\(id)"),
            "PK": .string("PROJECT#\(id)"), "SK": "METADATA",
        ]
        if deletingSince != nil {
            keys["GSI2PK"] = "PROJECTS#DELETING"
            keys["GSI2SK"] = .string("PROJECT#\(id)")
        }
        var writer = FieldWriter<Field>(keys)
        writer.set(.projectId, id)
        writer.set(.name, name)
        writer.set(.owner, CodexFlow.UserReference(ownerID))
        writer.set(.key, key)
        writer.set(.summary, summary)
        writer.setChoice(.status, status)
        writer.setChoice(.health, health)
        writer.set(.startDate, startDate)
        writer.set(.targetDate, targetDate)
        writer.set(.baselineTargetDate, baselineTargetDate)
        writer.set(.timeZone, timeZone)
        writer.setList(.estimateScale, estimateScale)
        writer.set(.hoursPerPoint, hoursPerPoint)
        writer.setChoice(.overridePolicy, overridePolicy)
        writer.set(.deletingSince, deletingSince)
        writer.set(.archivedAt, archivedAt)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        return writer.item
    }

    /// Reads a project from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.projectId)
        name = try reader.string(Field.name)
        ownerID = try reader.identifier(Field.owner, prefix: "USER#")
        key = try reader.optionalString(Field.key)
        summary = try reader.optionalString(Field.summary)
        status = try reader.optionalChoice(Field.status)
        health = try reader.optionalChoice(Field.health)
        startDate = try reader.optional(Field.startDate)
        let target: CalendarDay? = try reader.optional(Field.targetDate)
        let baseline: CalendarDay? = try reader.optional(Field.baselineTargetDate)
        targetDate = target
        baselineTargetDate = baseline ?? target
        timeZone = try reader.optionalString(Field.timeZone)
        estimateScale = try reader.list(Field.estimateScale)
        hoursPerPoint = try reader.optionalInt(Field.hoursPerPoint)
        overridePolicy = try reader.optionalChoice(Field.overridePolicy)
        deletingSince = try reader.optionalDate(Field.deletingSince)
        archivedAt = try reader.optionalDate(Field.archivedAt)
        createdAt = try reader.optionalDate(Field.createdAt)
        updatedAt = try reader.optionalDate(Field.updatedAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
        unchangedTexts = .all
    }
}

extension Lookup where E == CodexFlow.Project {
    /// The project with the identifier.
    public static func project(_ id: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(id)"), sort: "METADATA")
    }

    /// The project with the key.
    public static func project(key: String) -> Self {
        Self(.index(CodexFlow.Index.projectKey, partition: [.string(key)], sort: []))
    }
}

extension Query where E == CodexFlow.Project {
    /// All projects, by identifier.
    public static var projects: Self {
        Self(partition: "METADATA", index: CodexFlow.Index.inverted)
    }

    /// The projects that a user owns.
    public static func projects(ownedBy user: CodexFlow.User.ID) -> Self {
        Self(partition: .string("OWNER#\(user)"), index: CodexFlow.Index.gsi1)
    }

    /// The projects whose deletion began and has not ended.
    public static var projectsInDeletion: Self {
        Self(partition: "PROJECTS#DELETING", index: CodexFlow.Index.gsi2)
    }
}
