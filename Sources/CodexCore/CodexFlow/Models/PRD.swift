public import FoundationEssentials

extension CodexFlow {
    /// One numbered version of a product requirements document.
    ///
    /// Key `PROJECT#<projectId>` / `PRD#<prdId>#V#<version>`; found by approval status through GSI2
    /// `PROJECT#<projectId>#APPROVAL#<status>` / `PRD#<prdId>#V#<version>`.
    public struct PRD: Entity, Hashable {
        /// A document's identifier, common to its versions.
        public typealias ID = Identifier<PRD>

        /// The state of a version in its approval.
        public enum ApprovalStatus: String, StoredChoice {
            case draft, inReview, approved, rejected, superseded, archived

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// A user story.
        public struct Story: Sendable, Hashable {
            /// Identifies the story across versions.
            public var id: String
            /// The story, in the form "As a …, I want …, so that …".
            public var description: String
            /// The conditions that must hold for the story to be done.
            public var acceptanceCriteria: [String]

            /// Creates a story.
            public init(id: String, description: String, acceptanceCriteria: [String] = []) {
                self.id = id
                self.description = description
                self.acceptanceCriteria = acceptanceCriteria
            }
        }

        /// The content of a version.
        public struct Content: Sendable, Hashable {
            /// An overview of the document's subject.
            public var overview: String
            /// The objectives.
            public var objectives: [String]
            /// The functions that the product must have.
            public var functionalRequirements: [String]
            /// The qualities that the product must have.
            public var nonFunctionalRequirements: [String]
            /// The user stories.
            public var userStories: [Story]

            /// Creates content.
            public init(
                overview: String, objectives: [String] = [],
                functionalRequirements: [String] = [], nonFunctionalRequirements: [String] = [],
                userStories: [Story] = []
            ) {
                self.overview = overview
                self.objectives = objectives
                self.functionalRequirements = functionalRequirements
                self.nonFunctionalRequirements = nonFunctionalRequirements
                self.userStories = userStories
            }
        }

        /// The identifier, common to all versions.
        public var id: ID
        /// The project that the document belongs to.
        public var projectID: Project.ID
        /// The version's number, from 1.
        public var version: Int
        /// The title.
        public var title: String {
            didSet {
                unchangedTexts.setLine(title, over: oldValue)
                unchangedTexts.content = false
            }
        }
        /// The content of the version.
        public var content: Content? {
            didSet { unchangedTexts.content = false }
        }
        /// Whether a model wrote it.
        public var isAIGenerated: Bool?
        /// The state of the version in its approval.
        public var approvalStatus: ApprovalStatus?
        /// The user who created the version.
        public var createdBy: User.ID?
        /// A summary of the changes since the previous version.
        public var summary: String?
        /// The version from which this one was made.
        public var parentVersion: Int?
        /// The hash of the content, to which approvals are bound: that of ``makeContentHash()``.
        ///
        /// A typed write refuses another one, unless the version was read with it.
        public var contentHash: String? {
            didSet { unchangedTexts.content = false }
        }
        /// The goals that are excluded.
        public var nonGoals: [String] {
            didSet { unchangedTexts.content = false }
        }
        /// The risks.
        public var risks: [String] {
            didSet { unchangedTexts.content = false }
        }
        /// The questions that are not decided yet.
        public var openQuestions: [String] {
            didSet { unchangedTexts.content = false }
        }
        /// When the version was created.
        public var createdAt: Date?
        /// When the version last changed.
        public var updatedAt: Date?
        /// The user who last changed the version through a service.
        public var updatedByID: User.ID?
        /// Whether title, content and hash may break a rule that is newer than they are.
        var unchangedTexts = UnchangedTexts()

        /// Creates a version; all other properties can be set afterwards.
        public init(
            id: ID, projectID: Project.ID, version: Int, title: String, content: Content? = nil,
            approvalStatus: ApprovalStatus? = nil, createdBy: User.ID? = nil,
            createdAt: Date? = nil
        ) {
            self.id = id
            self.projectID = projectID
            self.version = version
            self.title = title
            self.content = content
            self.approvalStatus = approvalStatus
            self.createdBy = createdBy
            self.createdAt = createdAt
            nonGoals = []
            risks = []
            openQuestions = []
        }
    }
}

extension CodexFlow.PRD.ApprovalStatus {
    /// The statuses that may follow.
    public var successors: Set<Self> {
        switch self {
        case .draft: [.inReview, .superseded, .archived]
        case .inReview: [.draft, .approved, .rejected, .superseded, .archived]
        case .approved: [.superseded, .archived]
        case .rejected, .superseded: [.archived]
        case .archived: []
        }
    }
}

extension CodexFlow.PRD {
    /// Computes the hash by which approvals identify a version's content.
    ///
    /// It is the SHA-256, in hexadecimal, of the stored form of title, content, non-goals, risks
    /// and open questions, as JSON with sorted members.
    ///
    /// - Throws: ``CodexError`` if a value cannot be stored.
    public func makeContentHash() throws(CodexError) -> String {
        let said = ["title", "content", "nonGoals", "risks", "openQuestions"]
        let item = try item()
        return SHA256.hexadecimal(
            DynamoDBJSON.text(Item(said.compactMap { name in item[name].map { (name, $0) } })))
    }
}

extension CodexFlow.PRD {
    enum Field: Int, EntityField {
        case prdId, projectId, version, title, content, aiGenerated, approvalStatus, createdBy
        case summary, parentVersion, contentHash, nonGoals, risks, openQuestions
        case createdAt, updatedAt, updatedBy

        static let definitions: [FieldDefinition] = [
            .required("prdId", .string), .required("projectId", .string),
            .required("version", .number), .required("title", .string),
            .optional("content", .map), .optional("aiGenerated", .bool),
            .optional("approvalStatus", .string), .optional("createdBy", .string),
            .optional("summary", .string), .optional("parentVersion", .number),
            .optional("contentHash", .string), .optional("nonGoals", .list),
            .optional("risks", .list), .optional("openQuestions", .list),
            .optional("createdAt", .string), .optional("updatedAt", .string),
            .optional("updatedBy", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "prd", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "PRD#{prdId}#V#{version}"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI2PK", "GSI2SK"]

    /// The attributes, as the architecture document defines them.
    public func item() throws(CodexError) -> Item {
        let sort = "PRD#\(id)#V#" + (try KeyTemplate.padded(version))
        var keys: Item = ["PK": .string("PROJECT#\(projectID)"), "SK": .string(sort)]
        if let approvalStatus {
            keys["GSI2PK"] = .string("PROJECT#\(projectID)#APPROVAL#\(approvalStatus.rawValue)")
            keys["GSI2SK"] = .string(sort)
        }
        var writer = FieldWriter<Field>(keys)
        writer.set(.prdId, id)
        writer.set(.projectId, projectID)
        writer.set(.version, version)
        writer.set(.title, title)
        writer.set(.content, content)
        writer.set(.aiGenerated, isAIGenerated)
        writer.setChoice(.approvalStatus, approvalStatus)
        writer.set(.createdBy, CodexFlow.UserReference(createdBy))
        writer.set(.summary, summary)
        writer.set(.parentVersion, parentVersion)
        writer.set(.contentHash, contentHash)
        writer.setList(.nonGoals, nonGoals)
        writer.setList(.risks, risks)
        writer.setList(.openQuestions, openQuestions)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        return writer.item
    }

    /// Reads a version from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.prdId)
        projectID = try reader.identifier(Field.projectId)
        version = try reader.value(Field.version)
        title = try reader.string(Field.title)
        content = try reader.optional(Field.content)
        isAIGenerated = try reader.optional(Field.aiGenerated)
        approvalStatus = try reader.optionalChoice(Field.approvalStatus)
        createdBy = try reader.optionalIdentifier(Field.createdBy, prefix: "USER#")
        summary = try reader.optionalString(Field.summary)
        parentVersion = try reader.optionalInt(Field.parentVersion)
        contentHash = try reader.optionalString(Field.contentHash)
        nonGoals = try reader.list(Field.nonGoals)
        risks = try reader.list(Field.risks)
        openQuestions = try reader.list(Field.openQuestions)
        createdAt = try reader.optionalDate(Field.createdAt)
        updatedAt = try reader.optionalDate(Field.updatedAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
        unchangedTexts = .all
    }
}

extension CodexFlow.PRD.Content: AttributeConvertible {
    /// A map value, as the architecture document defines it.
    public var attributeValue: AttributeValue {
        [
            "overview": .string(overview), "objectives": objectives.attributeValue,
            "requirements": [
                "functional": functionalRequirements.attributeValue,
                "nonFunctional": nonFunctionalRequirements.attributeValue,
            ],
            "userStories": userStories.attributeValue,
        ]
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map, let overview = map["overview"]?.string else {
            return nil
        }
        let requirements = map["requirements"]?.map
        guard let objectives = Self.list(map["objectives"], of: String.self),
            let functional = Self.list(requirements?["functional"], of: String.self),
            let nonFunctional = Self.list(requirements?["nonFunctional"], of: String.self),
            let stories = Self.list(map["userStories"], of: CodexFlow.PRD.Story.self)
        else { return nil }
        self.init(
            overview: overview, objectives: objectives, functionalRequirements: functional,
            nonFunctionalRequirements: nonFunctional, userStories: stories)
    }

    private static func list<Element: AttributeConvertible>(
        _ value: AttributeValue?, of type: Element.Type
    ) -> [Element]? {
        guard let value else { return [] }
        return [Element](attributeValue: value)
    }
}

extension CodexFlow.PRD.Story: AttributeConvertible {
    /// A map value, as the architecture document defines it.
    public var attributeValue: AttributeValue {
        [
            "id": .string(id), "description": .string(description),
            "acceptanceCriteria": acceptanceCriteria.attributeValue,
        ]
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map, let id = map["id"]?.string,
            let description = map["description"]?.string,
            let criteria = [String](attributeValue: map["acceptanceCriteria"] ?? .list([]))
        else { return nil }
        self.init(id: id, description: description, acceptanceCriteria: criteria)
    }
}

extension Lookup where E == CodexFlow.PRD {
    /// The version of the document in the project.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a version that is negative or longer
    ///   than ten digits.
    public static func prd(
        _ id: CodexFlow.PRD.ID, version: Int, in project: CodexFlow.Project.ID
    ) throws(CodexError) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .string("PRD#\(id)#V#" + (try KeyTemplate.padded(version))))
    }
}

extension Query where E == CodexFlow.PRD {
    /// The versions of a document, oldest first.
    public static func versions(
        of id: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .beginsWith(.string("PRD#\(id)#V#")))
    }

    /// The versions in a project that have the approval status.
    public static func prds(
        in project: CodexFlow.Project.ID, approvalStatus: CodexFlow.PRD.ApprovalStatus
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)#APPROVAL#\(approvalStatus.rawValue)"),
            index: CodexFlow.Index.gsi2)
    }
}
