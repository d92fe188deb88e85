extension CodexFlow {
    /// What tells which tasks wait for which: a task's identifiers, and that of its whole.
    ///
    /// A search reads many tasks, and decodes these three fields alone. The type is declared beside
    /// the task because it reads the task's own fields in place.
    package struct TaskLink: Entity {
        package let id: Task.ID
        package let projectID: Project.ID
        /// The task of which this one is a part.
        package let parentID: Task.ID?

        package static var definition: EntityDefinition { Task.definition }

        package static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            try Task.upgrade(&item, from: version)
        }

        package init(reading reader: borrowing FieldReader) throws(CodexError) {
            id = try reader.identifier(Task.Field.taskId)
            projectID = try reader.identifier(Task.Field.projectId)
            parentID = try reader.optionalIdentifier(Task.Field.parentId)
        }

        /// Always throws, because storing a link would lose the task's other fields.
        package func item() throws(CodexError) -> Item {
            throw CodexError(.invalidArgument, "A link of a task cannot be stored.")
        }

        /// The attributes by which the task has its place among the parts of its whole.
        package var placeItem: Item {
            var item: Item = [
                "PK": .string("PROJECT#\(projectID)"), "SK": .string("TASK#\(id)"),
                "projectId": projectID.attributeValue,
            ]
            item["parentId"] = parentID?.attributeValue
            return item
        }
    }
}

extension Lookup where E == CodexFlow.TaskLink {
    /// The task with the identifier in the project.
    package static func taskLink(
        _ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(Lookup<CodexFlow.Task>.task(id, in: project).target)
    }
}

extension Query where E == CodexFlow.TaskLink {
    /// The parts of a task.
    package static func subtaskLinks(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(Query<CodexFlow.Task>.subtasks(of: task, in: project).request)
    }
}
