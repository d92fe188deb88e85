public import FoundationEssentials

extension CodexFlow {
    /// A comment on a task.
    ///
    /// Key `PROJECT#<projectId>` / `COMMENT#<taskId>#<commentId>`; identifiers sort by time.
    public struct Comment: Entity, Hashable {
        /// A comment's identifier.
        public typealias ID = Identifier<Comment>

        /// The identifier, which sorts by time.
        public var id: ID
        /// The project.
        public var projectID: Project.ID
        /// The task.
        public var taskID: Task.ID
        /// The user who wrote the comment.
        public var authorID: User.ID
        /// The comment's text, in Markdown.
        public var text: String
        /// When the comment was written.
        public var createdAt: Date
        /// When the comment was last changed.
        public var updatedAt: Date?
        /// The user who changed the comment last.
        public var updatedByID: User.ID?

        /// Creates a comment.
        public init(
            id: ID, projectID: Project.ID, taskID: Task.ID, authorID: User.ID, text: String,
            createdAt: Date
        ) {
            self.id = id
            self.projectID = projectID
            self.taskID = taskID
            self.authorID = authorID
            self.text = text
            self.createdAt = createdAt
        }
    }

    /// A dependency: one task waits for another of the same project.
    ///
    /// Key `PROJECT#<projectId>` / `DEPENDENCY#<taskId>#<blockerId>`. It is found by blocker
    /// through GSI1 `PROJECT#<projectId>#BLOCKER#<blockerId>` / `TASK#<taskId>`. While both tasks
    /// are open, it is also found through GSI2 `PROJECT#<projectId>#BLOCKED` /
    /// `TASK#<taskId>#<blockerId>`. When the blocker was finished, it is found through GSI6
    /// `PROJECT#<projectId>#FREED` / `TASK#<taskId>#<blockerId>`, until the queue takes it up.
    public struct Dependency: Entity, Hashable {
        /// The project.
        public var projectID: Project.ID
        /// The task that waits.
        public var taskID: Task.ID
        /// The task that it waits for.
        public var blockerID: Task.ID
        /// Whether both tasks are open, so that the waiting task is blocked.
        public var isOpen: Bool
        /// When it was added.
        public var createdAt: Date
        /// The user who added it.
        public var createdByID: User.ID?
        /// Whether the blocker was finished, and the queue has not seen it.
        package var isFreed = false

        /// Creates a dependency.
        public init(
            projectID: Project.ID, taskID: Task.ID, blockerID: Task.ID, isOpen: Bool,
            createdAt: Date
        ) {
            self.projectID = projectID
            self.taskID = taskID
            self.blockerID = blockerID
            self.isOpen = isOpen
            self.createdAt = createdAt
        }
    }

    /// The hours that a user worked on a task on one day.
    ///
    /// Key `PROJECT#<projectId>` / `WORK#<day>#<userId>#<taskId>`; found by user and day through
    /// GSI1 `WORKER#<userId>` / `<day>#<projectId>#<taskId>`.
    public struct WorkLog: Entity, Hashable {
        /// The project.
        public var projectID: Project.ID
        /// The task.
        public var taskID: Task.ID
        /// The user who worked.
        public var userID: User.ID
        /// The day, in the project's time zone.
        public var day: CalendarDay
        /// All hours of the day together.
        public var hours: Number
        /// When hours were last added.
        public var updatedAt: Date
        /// The user who added or corrected hours last.
        public var updatedByID: User.ID?
        /// The entry of the task's history that has the last change; `nil` without the services, or
        /// before it was stored.
        public var entryID: Activity.ID?

        /// Creates a day's work.
        public init(
            projectID: Project.ID, taskID: Task.ID, userID: User.ID, day: CalendarDay,
            hours: Number, updatedAt: Date
        ) {
            self.projectID = projectID
            self.taskID = taskID
            self.userID = userID
            self.day = day
            self.hours = hours
            self.updatedAt = updatedAt
        }
    }
}

extension CodexFlow.Comment {
    enum Field: Int, EntityField {
        case commentId, projectId, taskId, author, text, createdAt, updatedAt, updatedBy

        static let definitions: [FieldDefinition] = [
            .required("commentId", .string), .required("projectId", .string),
            .required("taskId", .string), .required("author", .string),
            .required("text", .string), .required("createdAt", .string),
            .optional("updatedAt", .string), .optional("updatedBy", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "comment", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "COMMENT#{taskId}#{commentId}"],
        fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "PK": .string("PROJECT#\(projectID)"), "SK": .string("COMMENT#\(taskID)#\(id)"),
        ])
        writer.set(.commentId, id)
        writer.set(.projectId, projectID)
        writer.set(.taskId, taskID)
        writer.set(.author, CodexFlow.UserReference(authorID))
        writer.set(.text, text)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        return writer.item
    }

    /// Reads a comment from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.commentId)
        projectID = try reader.identifier(Field.projectId)
        taskID = try reader.identifier(Field.taskId)
        authorID = try reader.identifier(Field.author, prefix: "USER#")
        text = try reader.string(Field.text)
        createdAt = try reader.value(Field.createdAt)
        updatedAt = try reader.optionalDate(Field.updatedAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
    }
}

extension CodexFlow.Dependency {
    enum Field: Int, EntityField {
        case projectId, taskId, blockerId, isOpen, createdAt, freed, createdBy

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("taskId", .string),
            .required("blockerId", .string), .required("isOpen", .bool),
            .required("createdAt", .string), .optional("freed", .bool),
            .optional("createdBy", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "dependency", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "DEPENDENCY#{taskId}#{blockerId}"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = [
        "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "GSI6PK", "GSI6SK",
    ]

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var keys: Item = [
            "GSI1PK": .string("PROJECT#\(projectID)#BLOCKER#\(blockerID)"),
            "GSI1SK": .string("TASK#\(taskID)"), "PK": .string("PROJECT#\(projectID)"),
            "SK": .string("DEPENDENCY#\(taskID)#\(blockerID)"),
        ]
        if isOpen {
            keys["GSI2PK"] = .string("PROJECT#\(projectID)#BLOCKED")
            keys["GSI2SK"] = .string("TASK#\(taskID)#\(blockerID)")
        }
        if isFreed {
            keys["GSI6PK"] = .string("PROJECT#\(projectID)#FREED")
            keys["GSI6SK"] = .string("TASK#\(taskID)#\(blockerID)")
        }
        var writer = FieldWriter<Field>(keys)
        writer.set(.projectId, projectID)
        writer.set(.taskId, taskID)
        writer.set(.blockerId, blockerID)
        writer.set(.isOpen, isOpen)
        writer.set(.createdAt, createdAt)
        if isFreed { writer.set(.freed, true) }
        writer.set(.createdBy, CodexFlow.UserReference(createdByID))
        return writer.item
    }

    /// Reads a dependency from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        taskID = try reader.identifier(Field.taskId)
        blockerID = try reader.identifier(Field.blockerId)
        isOpen = try reader.value(Field.isOpen)
        createdAt = try reader.value(Field.createdAt)
        let freed: Bool? = try reader.optional(Field.freed)
        isFreed = freed ?? false
        createdByID = try reader.optionalIdentifier(Field.createdBy, prefix: "USER#")
    }
}

extension CodexFlow.WorkLog {
    enum Field: Int, EntityField {
        case projectId, taskId, userId, day, hours, updatedAt, updatedBy, entryId

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("taskId", .string),
            .required("userId", .string), .required("day", .string),
            .required("hours", .number), .required("updatedAt", .string),
            .optional("updatedBy", .string), .optional("entryId", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "workLog", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "WORK#{day}#{userId}#{taskId}"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI1PK", "GSI1SK"]

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "GSI1PK": .string("WORKER#\(userID)"),
            "GSI1SK": .string("\(day)#\(projectID)#\(taskID)"),
            "PK": .string("PROJECT#\(projectID)"),
            "SK": .string("WORK#\(day)#\(userID)#\(taskID)"),
        ])
        writer.set(.projectId, projectID)
        writer.set(.taskId, taskID)
        writer.set(.userId, userID)
        writer.set(.day, day)
        writer.set(.hours, hours)
        writer.set(.updatedAt, updatedAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        writer.set(.entryId, entryID)
        return writer.item
    }

    /// Reads a day's work from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        taskID = try reader.identifier(Field.taskId)
        userID = try reader.identifier(Field.userId)
        day = try reader.value(Field.day)
        hours = try reader.value(Field.hours)
        updatedAt = try reader.value(Field.updatedAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
        entryID = try reader.optionalIdentifier(Field.entryId)
    }
}

extension Lookup where E == CodexFlow.Comment {
    /// The comment with the identifier.
    public static func comment(
        _ id: CodexFlow.Comment.ID, on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("COMMENT#\(task)#\(id)"))
    }
}

extension Lookup where E == CodexFlow.Dependency {
    /// The dependency of the task on the blocker.
    public static func dependency(
        of task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"), sort: .string("DEPENDENCY#\(task)#\(blocker)")
        )
    }
}

extension Lookup where E == CodexFlow.WorkLog {
    /// The user's work on the task on the day.
    public static func work(
        of user: CodexFlow.User.ID, on task: CodexFlow.Task.ID, day: CalendarDay,
        in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"), sort: .string("WORK#\(day)#\(user)#\(task)"))
    }
}

extension Query where E == CodexFlow.Comment {
    /// The comments on a task, oldest first.
    public static func comments(
        on task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("COMMENT#\(task)#")))
    }
}

extension Query where E == CodexFlow.Dependency {
    /// The dependencies of a task on its blockers.
    public static func blockers(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("DEPENDENCY#\(task)#")))
    }

    /// The dependencies of other tasks on a task.
    public static func dependents(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)#BLOCKER#\(task)"), index: CodexFlow.Index.gsi1)
    }

    /// The open dependencies of a project, by waiting task: the blocked tasks and their blockers.
    public static func openDependencies(in project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)#BLOCKED"), index: CodexFlow.Index.gsi2)
    }

}

extension Query where E == CodexFlow.WorkLog {
    /// The work in a project, by day, both ends included.
    public static func work(
        in project: CodexFlow.Project.ID, from first: CalendarDay, through last: CalendarDay
    ) -> Self {
        // `$` comes after `#`, which follows each day.
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .between(.string("WORK#\(first)#"), .string("WORK#\(last)$")))
    }

    /// A user's work in a project on a day, by task.
    public static func work(
        of user: CodexFlow.User.ID, day: CalendarDay, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .beginsWith(.string("WORK#\(day)#\(user)#")))
    }

    /// A user's work in all projects, by day, both ends included.
    public static func work(
        of user: CodexFlow.User.ID, from first: CalendarDay, through last: CalendarDay
    ) -> Self {
        Self(
            partition: .string("WORKER#\(user)"),
            sort: .between(.string("\(first)#"), .string("\(last)$")), index: CodexFlow.Index.gsi1)
    }
}
