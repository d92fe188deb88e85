public import FoundationEssentials

extension CodexFlow {
    /// An entry of the history of a project, its members or its PRDs: who changed what, and when.
    ///
    /// Key `PROJECT#<projectId>` / `HISTORY#<subject>#<subjectId>#<entryId>`, with the subject
    /// `PROJECT`, `MEMBER` or `PRD`; identifiers sort by time. It is found by project and time
    /// through GSI3 `PROJECT#<projectId>#HISTORY` / `<at>#<entryId>`, and by actor and time through
    /// GSI4 `ACTOR#<userId>#HISTORY` / the same. An entry is written in the commit of the change,
    /// and never changes.
    ///
    /// - Important: `changes` and `note` have values of the changed entity. A program that encrypts
    ///   fields of entities also encrypts these.
    public struct ProjectEntry: Entity, Hashable {
        /// An entry's identifier.
        public typealias ID = Identifier<ProjectEntry>

        /// What changed.
        public enum Subject: Sendable, Hashable {
            /// The project itself.
            case project
            /// The membership of a user.
            case member(User.ID)
            /// A version of a PRD.
            case prd(PRD.ID, version: Int)
        }

        /// The kind of the change.
        public enum Kind: String, StoredChoice {
            case created, changed, archived, restored
            /// The project has another owner.
            case transferred
            /// The project is being deleted, with everything in it.
            case deletionStarted
            /// A user became a member, or a PRD got a version.
            case added
            /// A membership ended.
            case removed
            /// A version was submitted, or superseded by another one.
            case submitted, superseded
            /// A user reviewed a version.
            case approved, rejected, changesRequested

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The identifier, which sorts by time.
        public var id: ID
        /// The project.
        public var projectID: Project.ID
        /// What changed.
        public var subject: Subject
        /// The user who made the change.
        public var actorID: User.ID
        /// The time of the change.
        public var at: Date
        /// The kind of the change.
        public var kind: Kind
        /// The fields that changed.
        public var changes: [Activity.Change]
        /// The actor's note.
        public var note: String?

        /// Creates an entry.
        public init(
            id: ID, projectID: Project.ID, subject: Subject, actorID: User.ID, at: Date,
            kind: Kind, changes: [Activity.Change] = [], note: String? = nil
        ) {
            self.id = id
            self.projectID = projectID
            self.subject = subject
            self.actorID = actorID
            self.at = at
            self.kind = kind
            self.changes = changes
            self.note = note
        }
    }
}

extension CodexFlow.ProjectEntry {
    enum Field: Int, EntityField {
        case entryId, projectId, subject, subjectId, version, actor, at, kind, changes, note

        static let definitions: [FieldDefinition] = [
            .required("entryId", .string), .required("projectId", .string),
            .required("subject", .string), .required("subjectId", .string),
            .optional("version", .number), .required("actor", .string),
            .required("at", .string), .required("kind", .string), .optional("changes", .list),
            .optional("note", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "projectEntry", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "HISTORY#{subject}#{subjectId}#{entryId}"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = CodexFlow.FeedPlace.attributes

    /// The entry's position in feeds.
    package var feedPosition: String { "\(Timestamp.text(at))#\(id)" }

    /// The stored form of the subject.
    private var storedSubject: (name: String, id: String, version: Int?) {
        switch subject {
        case .project: ("PROJECT", projectID.rawValue, nil)
        case .member(let user): ("MEMBER", user.rawValue, nil)
        case .prd(let prd, let version): ("PRD", prd.rawValue, version)
        }
    }

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        let (name, subjectID, version) = storedSubject
        var keys =
            CodexFlow.FeedPlace(.history, of: projectID, by: actorID, position: feedPosition).keys
        keys["PK"] = .string("PROJECT#\(projectID)")
        keys["SK"] = .string("HISTORY#\(name)#\(subjectID)#\(id)")
        var writer = FieldWriter<Field>(keys)
        writer.set(.entryId, id)
        writer.set(.projectId, projectID)
        writer.set(.subject, name)
        writer.set(.subjectId, subjectID)
        writer.set(.version, version)
        writer.set(.actor, CodexFlow.UserReference(actorID))
        writer.set(.at, at)
        writer.setChoice(.kind, kind)
        writer.setList(.changes, changes)
        writer.set(.note, note)
        return writer.item
    }

    /// Reads an entry from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.entryId)
        projectID = try reader.identifier(Field.projectId)
        switch try reader.string(Field.subject) {
        case "PROJECT": subject = .project
        case "MEMBER": subject = .member(try reader.identifier(Field.subjectId))
        case "PRD":
            let prd: CodexFlow.PRD.ID = try reader.identifier(Field.subjectId)
            subject = .prd(prd, version: try reader.value(Field.version))
        default:
            throw CodexError(
                .typeMismatch,
                "The subject of an entry of a project's history is PROJECT, MEMBER or PRD.")
        }
        actorID = try reader.identifier(Field.actor, prefix: "USER#")
        at = try reader.value(Field.at)
        kind = try reader.choice(Field.kind)
        changes = try reader.list(Field.changes)
        note = try reader.optionalString(Field.note)
    }
}

extension Query where E == CodexFlow.ProjectEntry {
    /// The history of a project's settings, oldest first.
    public static func history(of project: CodexFlow.Project.ID) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("HISTORY#PROJECT#\(project)#")))
    }

    /// The history of a user's membership in a project, oldest first.
    public static func history(
        ofMember user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("HISTORY#MEMBER#\(user)#")))
    }

    /// The history of a PRD with all its versions, oldest first.
    public static func history(
        ofPRD prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("HISTORY#PRD#\(prd)#")))
    }
}
