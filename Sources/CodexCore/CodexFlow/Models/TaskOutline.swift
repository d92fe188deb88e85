package import FoundationEssentials

extension CodexFlow {
    /// The fields of a task that the risk analysis reads.
    ///
    /// A project has many tasks, and decoding all 30 fields takes twice as long. The type is
    /// declared beside the task because it reads the task's own fields in place.
    package struct TaskOutline: Entity {
        package let id: Task.ID
        /// The number; `nil` if the stored one is invalid.
        package let number: Int?
        package let status: Task.Status?
        package let priority: Task.Priority?
        package let estimate: Int?
        package let complexity: Int?
        package let reopenCount: Int?
        package let isAssigned: Bool
        package let isArchived: Bool
        package let dueDate: CalendarDay?
        package let createdAt: Date?
        /// When the task last changed.
        package let lastChange: Date?

        package static var definition: EntityDefinition { Task.definition }

        package static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            try Task.upgrade(&item, from: version)
        }

        package init(_ task: Task) {
            id = task.id
            number = task.number
            status = task.status
            priority = task.priority
            estimate = task.estimate
            complexity = task.complexity
            reopenCount = task.reopenCount
            isAssigned = task.assigneeID != nil
            isArchived = task.archivedAt != nil
            dueDate = task.dueDate
            createdAt = task.createdAt
            lastChange = Self.last(task.updatedAt, task.statusChangedAt, task.startedAt)
        }

        package init(reading reader: borrowing FieldReader) throws(CodexError) {
            id = try reader.identifier(Task.Field.taskId)
            number = try? reader.optionalInt(Task.Field.number)
            status = try reader.optionalChoice(Task.Field.status)
            priority = try reader.optionalChoice(Task.Field.priority)
            estimate = try reader.optionalInt(Task.Field.estimate)
            complexity = try reader.optionalInt(Task.Field.complexity)
            reopenCount = try reader.optionalInt(Task.Field.reopenCount)
            isAssigned = reader.has(Task.Field.assignee)
            isArchived = reader.has(Task.Field.archivedAt)
            dueDate = try reader.optional(Task.Field.dueDate)
            createdAt = try reader.optionalDate(Task.Field.createdAt)
            lastChange = Self.last(
                try reader.optionalDate(Task.Field.updatedAt),
                try reader.optionalDate(Task.Field.statusChangedAt),
                try reader.optionalDate(Task.Field.startedAt))
        }

        /// Always throws, because storing an outline would lose the task's other fields.
        package func item() throws(CodexError) -> Item {
            throw CodexError(.invalidArgument, "An outline of a task cannot be stored.")
        }

        package var isOpen: Bool { (status?.isOpen ?? true) && !isArchived }

        private static func last(_ first: Date?, _ second: Date?, _ third: Date?) -> Date? {
            var last = first
            for date in [second, third] {
                if let date, date > last ?? .distantPast { last = date }
            }
            return last
        }
    }
}

extension Query where E == CodexFlow.TaskOutline {
    /// The tasks of a project.
    package static func outlines(in project: CodexFlow.Project.ID) -> Self {
        Self(Query<CodexFlow.Task>.tasks(in: project).request)
    }

    /// The tasks of a project that have the status, and are open.
    package static func openOutlines(
        in project: CodexFlow.Project.ID, status: CodexFlow.Task.Status
    ) -> Self {
        Self(Query<CodexFlow.Task>.openTasks(in: project, status: status).request)
    }

    /// The tasks of a project from one on, by identifier.
    package static func outlines(
        in project: CodexFlow.Project.ID, from task: CodexFlow.Task.ID
    ) -> Self {
        // `$` comes after `#`.
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .between(.string("TASK#\(task)"), .string("TASK$")))
    }

    /// The tasks of a project from a number on, by number.
    package static func outlines(
        in project: CodexFlow.Project.ID, fromNumber number: Int
    ) -> Self {
        var request = Query<CodexFlow.Task>.tasksByNumber(in: project).request
        request.sort = .greaterOrEqual(.number(Number(number)))
        return Self(request)
    }

    /// The tasks of a project up to a number, the highest number first.
    package static func outlines(
        in project: CodexFlow.Project.ID, downFromNumber number: Int
    ) -> Self {
        var request = Query<CodexFlow.Task>.tasksByNumber(in: project).reversed.request
        request.sort = .lessOrEqual(.number(Number(number)))
        return Self(request)
    }
}
