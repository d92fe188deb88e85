import CodexCore
import CodexStore

extension MeasuredPath {
    /// A table with an index of the tasks of a status, by their assignees.
    private static let assigneeSchema = Schema(
        tables: [
            TableDefinition(
                CodexFlow.table, partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
                indexes: [
                    IndexDefinition(
                        "assignee", partitionKey: [KeyAttribute("status")],
                        sortKey: [KeyAttribute("assignee")], projection: .keysOnly)
                ])
        ], entities: [CodexFlow.Task.definition])

    /// A query by an index of the tasks.
    private static func byIndex(
        _ name: String, _ projection: IndexProjection = .all, _ layout: IndexLayout? = nil,
        _ read: @escaping @Sendable (Store) throws -> Bool
    ) -> MeasuredPath {
        counted("query", name) { directory in
            let store = try await makeStore(
                directory, taskCount,
                schema: SampleTasks.makeSchema(projecting: projection, layout: layout))
            return { try require(try read(store)) }
        }
    }

    /// Whether a user has 20 tasks.
    @Sendable private static func readTyped(_ store: Store) throws -> Bool {
        let user = try CodexFlow.User.ID(SampleTasks.userID(77))
        return try store.query(.tasks(assignedTo: user), limit: 20).items.count == 20
    }

    /// Whether 50 tasks of a project and a status can be lent.
    @Sendable private static func readViews(_ store: Store) throws -> Bool {
        let project = try CodexFlow.Project.ID(SampleTasks.projectID(5000))
        return try store.read { snapshot in
            var (count, byteCount) = (0, 0)
            try snapshot.forEach(.tasks(in: project, status: .inProgress)) { view in
                try view.forEachRawValue { _, bytes in byteCount += bytes.count }
                count += 1
                return count < 50
            }
            return count == 50 && byteCount > 15_000
        }
    }

    static let indexPaths: [MeasuredPath] = [
        byIndex("20 typed by an index", .all, .copies, readTyped),
        byIndex("20 typed by an index of references", .all, .references, readTyped),
        byIndex("20 typed by an index of keys", .keysOnly, nil, readTyped),
        counted("query", "1000 typed by an index of keys in another order") { directory in
            let store = try await makeStore(directory, taskCount, schema: assigneeSchema)
            let query = Query<CodexFlow.Task>(partition: "done", index: "assignee")
            return { try require(try store.query(query, limit: 1000).items.count == 1000) }
        },
        byIndex("50 views by an index", .all, .copies, readViews),
        byIndex("50 views by references", .all, .references, readViews),
        byIndex("167, count by references", .all, .references) { store in
            let project = try CodexFlow.Project.ID(SampleTasks.projectID(5000))
            let query: Query<CodexFlow.Task> = .tasks(in: project, status: .inProgress)
            return try store.count(query) == 167
        },
    ]
}
