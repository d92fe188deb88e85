public import FoundationEssentials

extension CodexFlow {
    /// The head of a PRD: its newest version and the approved version in force.
    ///
    /// Key `PROJECT#<projectId>` / `PRDHEAD#<prdId>`.
    public struct PRDDocument: Entity, Hashable {
        /// The document's identifier.
        public var id: PRD.ID
        /// The project.
        public var projectID: Project.ID
        /// The newest version's title.
        public var title: String
        /// The newest version's number.
        public var headVersion: Int
        /// The approved version in force, which stays while newer versions are drafts.
        public var approvedVersion: Int?
        /// The user who is responsible for the document.
        public var ownerID: User.ID
        /// When the first version was made.
        public var createdAt: Date
        /// When any part of the document last changed.
        public var updatedAt: Date

        /// Creates a document's head.
        public init(
            id: PRD.ID, projectID: Project.ID, title: String, headVersion: Int = 1,
            ownerID: User.ID, createdAt: Date
        ) {
            self.id = id
            self.projectID = projectID
            self.title = title
            self.headVersion = headVersion
            self.ownerID = ownerID
            self.createdAt = createdAt
            updatedAt = createdAt
        }
    }

    /// One user's review of one version of a PRD.
    ///
    /// Key `PROJECT#<projectId>` / `PRD#<prdId>#APPROVAL#<version>#<userId>`.
    public struct PRDReview: Entity, Hashable {
        /// The decision of a review.
        public enum Decision: String, StoredChoice {
            case approve, requestChanges, reject

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The document.
        public var prdID: PRD.ID
        /// The project.
        public var projectID: Project.ID
        /// The version under review.
        public var version: Int
        /// The hash of the content under review.
        public var contentHash: String
        /// The user who decided.
        public var userID: User.ID
        /// The decision.
        public var decision: Decision
        /// The reason for the decision.
        public var note: String?
        /// When the user decided.
        public var at: Date

        /// Creates a review.
        public init(
            prdID: PRD.ID, projectID: Project.ID, version: Int, contentHash: String,
            userID: User.ID, decision: Decision, note: String? = nil, at: Date
        ) {
            self.prdID = prdID
            self.projectID = projectID
            self.version = version
            self.contentHash = contentHash
            self.userID = userID
            self.decision = decision
            self.note = note
            self.at = at
        }
    }
}

extension CodexFlow.PRDDocument {
    enum Field: Int, EntityField {
        case prdId, projectId, title, headVersion, approvedVersion, owner, createdAt, updatedAt

        static let definitions: [FieldDefinition] = [
            .required("prdId", .string), .required("projectId", .string),
            .required("title", .string), .required("headVersion", .number),
            .optional("approvedVersion", .number), .required("owner", .string),
            .required("createdAt", .string), .required("updatedAt", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "prdDocument", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "PRDHEAD#{prdId}"], fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "PK": .string("PROJECT#\(projectID)"), "SK": .string("PRDHEAD#\(id)"),
        ])
        writer.set(.prdId, id)
        writer.set(.projectId, projectID)
        writer.set(.title, title)
        writer.set(.headVersion, headVersion)
        writer.set(.approvedVersion, approvedVersion)
        writer.set(.owner, CodexFlow.UserReference(ownerID))
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        return writer.item
    }

    /// Reads a document's head from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.prdId)
        projectID = try reader.identifier(Field.projectId)
        title = try reader.string(Field.title)
        headVersion = try reader.value(Field.headVersion)
        approvedVersion = try reader.optionalInt(Field.approvedVersion)
        ownerID = try reader.identifier(Field.owner, prefix: "USER#")
        createdAt = try reader.value(Field.createdAt)
        updatedAt = try reader.value(Field.updatedAt)
    }
}

extension CodexFlow.PRDReview {
    enum Field: Int, EntityField {
        case prdId, projectId, version, contentHash, userId, decision, note, at

        static let definitions: [FieldDefinition] = [
            .required("prdId", .string), .required("projectId", .string),
            .required("version", .number), .required("contentHash", .string),
            .required("userId", .string), .required("decision", .string),
            .optional("note", .string), .required("at", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "prdReview", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "PRD#{prdId}#APPROVAL#{version}#{userId}"],
        fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        let number = try KeyTemplate.padded(version)
        var writer = FieldWriter<Field>([
            "PK": .string("PROJECT#\(projectID)"),
            "SK": .string("PRD#\(prdID)#APPROVAL#\(number)#\(userID)"),
        ])
        writer.set(.prdId, prdID)
        writer.set(.projectId, projectID)
        writer.set(.version, version)
        writer.set(.contentHash, contentHash)
        writer.set(.userId, userID)
        writer.setChoice(.decision, decision)
        writer.set(.note, note)
        writer.set(.at, at)
        return writer.item
    }

    /// Reads a review from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        prdID = try reader.identifier(Field.prdId)
        projectID = try reader.identifier(Field.projectId)
        version = try reader.value(Field.version)
        contentHash = try reader.string(Field.contentHash)
        userID = try reader.identifier(Field.userId)
        decision = try reader.choice(Field.decision)
        note = try reader.optionalString(Field.note)
        at = try reader.value(Field.at)
    }
}

extension Lookup where E == CodexFlow.PRDDocument {
    /// The document in the project.
    public static func prdDocument(
        _ id: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("PRDHEAD#\(id)"))
    }
}

extension Query where E == CodexFlow.PRDDocument {
    /// The documents of a project: the newest version and the approved one of each.
    public static func prdDocuments(in project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .beginsWith("PRDHEAD#"))
    }
}

extension Query where E == CodexFlow.PRDReview {
    /// The reviews of a document, by version and user.
    public static func reviews(
        of prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("PRD#\(prd)#APPROVAL#")))
    }

    /// The reviews of a version.
    package static func reviews(
        of prd: CodexFlow.PRD.ID, version: Int, in project: CodexFlow.Project.ID
    ) throws(CodexError) -> Self {
        let number = try KeyTemplate.padded(version)
        return Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("PRD#\(prd)#APPROVAL#\(number)#")))
    }
}
