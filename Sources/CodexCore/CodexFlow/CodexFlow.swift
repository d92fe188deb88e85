/// CodexFlow's domain in one table: users, projects, tasks, PRDs, analytics, sessions and their
/// related items.
///
/// The models are nested here, so a program that imports the module keeps Swift's `Task` and its
/// own `User` type. Keys and attribute names follow CodexFlow's architecture document. Open a store
/// with the schema `CodexFlow.schema`.
public enum CodexFlow {
    /// The name of the one table.
    public static let table = "codexflow-main"

    /// Names of the table's indexes.
    public enum Index {
        /// E-mail addresses, owners, assignees, members, blockers, workers.
        public static let gsi1 = "GSI1"
        /// Tasks by status, PRDs by approval status, sessions by user, open dependencies, projects
        /// in deletion.
        public static let gsi2 = "GSI2"
        /// Due days of open tasks; the feeds of projects.
        public static let gsi3 = "GSI3"
        /// Tasks by the story of a PRD; the feeds of actors.
        public static let gsi4 = "GSI4"
        /// Claimed tasks by holder.
        public static let gsi5 = "GSI5"
        /// The queue of a project: ready, claimed, waiting and dead tasks.
        public static let gsi6 = "GSI6"
        /// Unique: one task of a project per number.
        public static let taskNumber = "task-number"
        /// Tasks of a project by label.
        public static let taskLabel = "task-label"
        /// Tasks of a project by parent.
        public static let taskParent = "task-parent"
        /// Unique: one user per normalised e-mail address.
        public static let userEmail = "user-email"
        /// Unique: one project per project key.
        public static let projectKey = "project-key"
        /// All users and all projects: the table's keys, swapped.
        public static let inverted = "inverted"
    }

    /// Names of the table's counters.
    public enum Counter {
        /// Tasks and their points by project and status.
        public static let tasksByStatus = "tasks-by-status"
    }

    /// The table, its indexes and counters, and the entities.
    ///
    /// Items expire by the attribute `expiresAt`, a number of seconds. Sessions, rate windows and
    /// the records of commands with an idempotency key have it.
    public static let schema = Schema(
        tables: [
            TableDefinition(
                table,
                partitionKey: KeyAttribute("PK"),
                sortKey: KeyAttribute("SK"),
                indexes: [
                    IndexDefinition(
                        Index.gsi1, partitionKey: [KeyAttribute("GSI1PK")],
                        sortKey: [KeyAttribute("GSI1SK")]),
                    IndexDefinition(
                        Index.gsi2, partitionKey: [KeyAttribute("GSI2PK")],
                        sortKey: [KeyAttribute("GSI2SK")]),
                    IndexDefinition(
                        Index.userEmail, partitionKey: [KeyAttribute("GSI1PK")],
                        projection: .keysOnly, isUnique: true,
                        entities: [User.definition.name]),
                    IndexDefinition(
                        Index.projectKey, partitionKey: [KeyAttribute("key")],
                        projection: .keysOnly, isUnique: true,
                        entities: [Project.definition.name]),
                    IndexDefinition(
                        Index.inverted, partitionKey: [KeyAttribute("SK")],
                        sortKey: [KeyAttribute("PK")], projection: .keysOnly,
                        entities: [User.definition.name, Project.definition.name]),
                    IndexDefinition(
                        Index.gsi3, partitionKey: [KeyAttribute("GSI3PK")],
                        sortKey: [KeyAttribute("GSI3SK")], projection: .keysOnly),
                    IndexDefinition(
                        Index.gsi4, partitionKey: [KeyAttribute("GSI4PK")],
                        sortKey: [KeyAttribute("GSI4SK")], projection: .keysOnly),
                    IndexDefinition(
                        Index.gsi5, partitionKey: [KeyAttribute("GSI5PK")],
                        sortKey: [KeyAttribute("GSI5SK")], projection: .keysOnly),
                    IndexDefinition(
                        Index.gsi6, partitionKey: [KeyAttribute("GSI6PK")],
                        sortKey: [KeyAttribute("GSI6SK")], projection: .keysOnly),
                    IndexDefinition(
                        Index.taskNumber, partitionKey: [KeyAttribute("projectId")],
                        sortKey: [KeyAttribute("number", .number)], projection: .keysOnly,
                        isUnique: true, entities: [Task.definition.name]),
                    IndexDefinition(
                        Index.taskLabel,
                        partitionKey: [KeyAttribute("projectId"), KeyAttribute("labels")],
                        projection: .keysOnly, entities: [Task.definition.name],
                        multiValued: "labels"),
                    IndexDefinition(
                        Index.taskParent,
                        partitionKey: [KeyAttribute("projectId"), KeyAttribute("parentId")],
                        projection: .keysOnly, entities: [Task.definition.name]),
                ],
                counters: [
                    CounterDefinition(
                        Counter.tasksByStatus,
                        group: [KeyAttribute("projectId"), KeyAttribute("status")],
                        sums: ["estimate"], entities: [Task.definition.name])
                ],
                timeToLive: "expiresAt")
        ],
        types: entities)

    /// The entities.
    public static var entities: [any Entity.Type] {
        [
            User.self, Project.self, Task.self, PRD.self, Analytics.self, Session.self,
            Member.self, NumberSequence.self, Activity.self, Comment.self, Dependency.self,
            WorkLog.self, PRDDocument.self, PRDReview.self, RateWindow.self, ClaimTally.self,
            AnalyticsShare.self, CommandRecord.self, ProjectEntry.self, UserEntry.self,
        ]
    }
}

/// The identifier of a model: text that is part of keys, without `#` and control characters.
public struct Identifier<Model>: Sendable, Hashable {
    /// The identifier's text.
    public let rawValue: String

    /// Creates an identifier from text.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` if it is empty or contains `#` or a control
    ///   character.
    public init(_ rawValue: String) throws(CodexError) {
        try KeyTemplate.requirePart(rawValue, name: "an identifier")
        self.rawValue = rawValue
    }

    /// Compares by bytes.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        ByteOrder.equal(lhs.rawValue, rhs.rawValue)
    }

    /// Reads the identifier after `prefix` in stored text; `nil` if there is none.
    init?(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, after prefix: StaticString
    ) throws(CodexError) {
        let first = start + prefix.utf8CodeUnitCount
        guard first < end else { return nil }
        for index in 0..<prefix.utf8CodeUnitCount
        where unsafe bytes[start + index] != prefix.utf8Start[index] {
            return nil
        }
        for index in first..<end {
            let byte = bytes[index]
            if byte == UInt8(ascii: "#") || byte < 0x20 || byte == 0x7F { return nil }
        }
        rawValue = try Wire.string(bytes, first, end)
    }
}

extension Identifier: ExpressibleByStringLiteral {
    /// Creates an identifier from a literal.
    ///
    /// - Precondition: The literal is a valid identifier, because it is code and not data.
    public init(stringLiteral value: String) {
        do {
            try self.init(value)
        } catch {
            preconditionFailure("The literal \"\(value)\" is no identifier: \(error.message)")
        }
    }
}

extension Identifier: CustomStringConvertible {
    /// The identifier's text.
    public var description: String { rawValue }
}

extension Identifier: Codable {
    /// Reads the identifier's text.
    public init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the identifier's text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension Identifier: AttributeConvertible {
    /// A string value.
    public var attributeValue: AttributeValue { .string(rawValue) }
    /// The identifier that a string value holds.
    public init?(attributeValue: AttributeValue) {
        guard case .string(let text) = attributeValue,
            let identifier = try? Identifier(text)
        else { return nil }
        self = identifier
    }
}

extension CodexFlow {
    /// A reference to a user as the architecture document defines it: `USER#<id>`.
    struct UserReference: AttributeConvertible {
        let id: User.ID

        init(_ id: User.ID) { self.id = id }

        init?(_ id: User.ID?) {
            guard let id else { return nil }
            self.id = id
        }

        var attributeValue: AttributeValue { .string("USER#\(id)") }

        init?(attributeValue: AttributeValue) {
            // By bytes: the first mark of an identifier may be one character with the `#`.
            guard case .string(let text) = attributeValue, text.utf8.starts(with: "USER#".utf8),
                let id = try? User.ID(String(Substring(text.utf8.dropFirst(5))))
            else { return nil }
            self.id = id
        }
    }
}
