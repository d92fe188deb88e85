public import FoundationEssentials

extension CodexFlow {
    /// An entry of a task's history: who changed what, and when.
    ///
    /// Key `PROJECT#<projectId>` / `ACTIVITY#<taskId>#<activityId>`. The identifiers of a task's
    /// entries sort in the order of their commits, also if ``at`` does not. An entry is written in
    /// the commit of the change, and never changes. It contains everything that analytics count.
    ///
    /// It is found by project and time through GSI3 `PROJECT#<projectId>#ACTIVITY` /
    /// `<at>#<activityId>#<taskId>#<projectId>`, and by actor and time through GSI4
    /// `ACTOR#<userId>#ACTIVITY` / the same.
    public struct Activity: Entity, Hashable {
        /// An entry's identifier.
        public typealias ID = Identifier<Activity>

        /// The kind of the change.
        public enum Kind: String, StoredChoice {
            case created, changed, moved, assigned, claimed, released, commented, linked, unlinked
            case commentChanged, commentDeleted, worked, archived, restored
            /// A claim that ended by time was removed, in the name of its holder.
            case claimExpired
            /// The task was deleted; its history stays.
            case deleted
            /// A worker gave the task back, since the attempt failed.
            case failed
            /// A dead task got new attempts.
            case revived
            /// The first entry of a task that was stored directly, without the services.
            case imported

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// A field that changed.
        public struct Change: Sendable, Hashable {
            /// The field's stored name.
            public var field: String
            /// The value before; `nil` if there was none.
            public var from: AttributeValue?
            /// The value after; `nil` if there is none.
            public var to: AttributeValue?

            /// Creates a change.
            public init(field: String, from: AttributeValue?, to: AttributeValue?) {
                self.field = field
                self.from = from
                self.to = to
            }
        }

        /// The task's data, as of the entry, that analytics need.
        public struct Facts: Sendable, Hashable {
            /// The status before; `nil` for a new task.
            public var from: Task.Status?
            /// The status after, if it is another.
            public var to: Task.Status?
            /// The points before.
            public var pointsBefore: Int?
            /// The points after.
            public var points: Int?
            /// The user to whom a completion counts: the holder of the claim, and without a claim
            /// the assignee.
            public var assigneeID: User.ID?
            /// Seconds from start to completion, with a completion.
            public var cycleSeconds: Int?
            /// Seconds from creation to completion, with a completion.
            public var leadSeconds: Int?
            /// The estimated hours of completed tasks that the entry adds, less those that it
            /// removes.
            public var estimatedHours: Int?
            /// The number of times that the task had been reopened, for an ``Kind/imported`` entry.
            public var reopenCount: Int?

            /// Creates facts.
            public init(from: Task.Status? = nil, to: Task.Status? = nil) {
                self.from = from
                self.to = to
            }
        }

        /// The identifier, which sorts after those of the task's earlier commits.
        public var id: ID
        /// The project.
        public var projectID: Project.ID
        /// The task.
        public var taskID: Task.ID
        /// The user who made the change.
        public var actorID: User.ID
        /// The time of the change.
        public var at: Date
        /// The day of the change, in the project's time zone.
        public var day: CalendarDay
        /// The kind of the change.
        public var kind: Kind
        /// The fields that changed.
        public var changes: [Change]
        /// The data that analytics need.
        public var facts: Facts?
        /// The actor's note.
        public var note: String?
        /// The reason for overriding rules.
        public var reason: String?

        /// Creates an entry.
        public init(
            id: ID, projectID: Project.ID, taskID: Task.ID, actorID: User.ID, at: Date,
            day: CalendarDay, kind: Kind, changes: [Change] = [], facts: Facts? = nil,
            note: String? = nil, reason: String? = nil
        ) {
            self.id = id
            self.projectID = projectID
            self.taskID = taskID
            self.actorID = actorID
            self.at = at
            self.day = day
            self.kind = kind
            self.changes = changes
            self.facts = facts
            self.note = note
            self.reason = reason
        }
    }
}

extension CodexFlow.Activity {
    enum Field: Int, EntityField {
        case activityId, projectId, taskId, actor, at, day, kind, changes, facts, note, reason

        static let definitions: [FieldDefinition] = [
            .required("activityId", .string), .required("projectId", .string),
            .required("taskId", .string), .required("actor", .string), .required("at", .string),
            .required("day", .string), .required("kind", .string), .optional("changes", .list),
            .optional("facts", .map), .optional("note", .string),
            .optional("reason", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "activity", table: CodexFlow.table, schemaVersion: 2,
        keys: ["PK": "PROJECT#{projectId}", "SK": "ACTIVITY#{taskId}#{activityId}"],
        fields: Field.definitions + CodexFlow.FeedPlace.fields)

    /// Adds the index keys of feeds, which version 1 did not have.
    public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
        guard version < 2 else { return }
        for element in try Self(item: item).feedPlace.keys { item[element.name] = element.value }
    }

    /// The entry's position in feeds.
    ///
    /// Identifiers of entries are those of one task, and those of tasks are of one project. So the
    /// position has all three. A sort key has no room for very long ones: then the project is left
    /// out.
    package var feedPosition: String {
        let position = "\(Timestamp.text(at))#\(id)#\(taskID)"
        let whole = "\(position)#\(projectID)"
        return whole.utf8.count <= DynamoDBLimits.sortKeyByteCountMax ? whole : position
    }

    private var feedPlace: CodexFlow.FeedPlace {
        CodexFlow.FeedPlace(.activity, of: projectID, by: actorID, position: feedPosition)
    }

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var keys = feedPlace.keys
        keys["PK"] = .string("PROJECT#\(projectID)")
        keys["SK"] = .string("ACTIVITY#\(taskID)#\(id)")
        var writer = FieldWriter<Field>(keys)
        writer.set(.activityId, id)
        writer.set(.projectId, projectID)
        writer.set(.taskId, taskID)
        writer.set(.actor, CodexFlow.UserReference(actorID))
        writer.set(.at, at)
        writer.set(.day, day)
        writer.setChoice(.kind, kind)
        writer.setList(.changes, changes)
        writer.set(.facts, facts)
        writer.set(.note, note)
        writer.set(.reason, reason)
        return writer.item
    }

    /// Reads an entry from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.activityId)
        projectID = try reader.identifier(Field.projectId)
        taskID = try reader.identifier(Field.taskId)
        actorID = try reader.identifier(Field.actor, prefix: "USER#")
        at = try reader.value(Field.at)
        day = try reader.value(Field.day)
        kind = try reader.choice(Field.kind)
        changes = try reader.list(Field.changes)
        facts = try reader.optional(Field.facts)
        note = try reader.optionalString(Field.note)
        reason = try reader.optionalString(Field.reason)
    }
}

extension CodexFlow.Activity.Change: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        var map: AttributeMap = ["field": .string(field)]
        map["from"] = from
        map["to"] = to
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map, let field = map["field"]?.string else { return nil }
        self.init(field: field, from: map["from"], to: map["to"])
    }
}

extension CodexFlow.Activity.Facts: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        var map = AttributeMap()
        map["from"] = from.map { .string($0.rawValue) }
        map["to"] = to.map { .string($0.rawValue) }
        map["pointsBefore"] = pointsBefore?.attributeValue
        map["points"] = points?.attributeValue
        map["assignee"] = assigneeID?.attributeValue
        map["cycleSeconds"] = cycleSeconds?.attributeValue
        map["leadSeconds"] = leadSeconds?.attributeValue
        map["estimatedHours"] = estimatedHours?.attributeValue
        map["reopenCount"] = reopenCount?.attributeValue
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map else { return nil }
        func integer(_ name: String) -> Int? { map[name]?.number?.int64.map { Int($0) } }
        self.init(
            from: map["from"]?.string.flatMap(CodexFlow.Task.Status.init),
            to: map["to"]?.string.flatMap(CodexFlow.Task.Status.init))
        pointsBefore = integer("pointsBefore")
        points = integer("points")
        assigneeID = map["assignee"].flatMap(CodexFlow.User.ID.init(attributeValue:))
        cycleSeconds = integer("cycleSeconds")
        leadSeconds = integer("leadSeconds")
        estimatedHours = integer("estimatedHours")
        reopenCount = integer("reopenCount")
    }
}

extension CodexFlow.Activity {
    /// The identifier of each task's ``Kind/imported`` entry, which sorts before all generated
    /// identifiers.
    package static let importID: ID = "0"
}

extension Lookup where E == CodexFlow.Activity {
    /// An entry of a task's history.
    public static func activity(
        _ id: CodexFlow.Activity.ID, of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"), sort: .string("ACTIVITY#\(task)#\(id)"))
    }
}

extension Query where E == CodexFlow.Activity {
    /// The history of a task, oldest first.
    public static func activity(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("ACTIVITY#\(task)#")))
    }

    /// The history of a task before an identifier, oldest first.
    package static func activity(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, before end: String
    ) -> Self {
        let start = "ACTIVITY#\(task)#"
        return Self(
            partition: .string("PROJECT#\(project)"),
            sort: .between(.string(start), .string(start + end)))
    }
}
