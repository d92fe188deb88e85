public import CodexCore
import FoundationEssentials

/// The tasks that everything is measured with: about 350 bytes, a thousand to a project.
public enum SampleTasks {
    public static let userCount = 500

    /// CodexFlow's entities with the indexes that the peers have too.
    public static let schema = makeSchema(projecting: .all)

    /// The same schema, whose indexes of whole tasks may project something else, or have another
    /// layout.
    ///
    /// - Parameters:
    ///   - projection: What the two indexes project.
    ///   - layout: How they are stored; `nil` is the default of the projection.
    /// - Returns: The schema.
    public static func makeSchema(
        projecting projection: IndexProjection, layout: IndexLayout? = nil
    ) -> Schema {
        Schema(
            tables: CodexFlow.schema.tables.map { table in
                TableDefinition(
                    table.name, partitionKey: table.partitionKey, sortKey: table.sortKey,
                    indexes: table.indexes.compactMap { index -> IndexDefinition? in
                        switch index.name {
                        case CodexFlow.Index.gsi1, CodexFlow.Index.gsi2:
                            IndexDefinition(
                                index.name, partitionKey: index.partitionKey,
                                sortKey: index.sortKey, projection: projection,
                                layout: layout)
                        case CodexFlow.Index.userEmail, CodexFlow.Index.projectKey: index
                        default: nil
                        }
                    }, timeToLive: table.timeToLive)
            }, entities: CodexFlow.schema.entities)
    }

    public static func task(_ number: Int) throws -> CodexFlow.Task {
        var task = CodexFlow.Task(
            id: try .init(taskID(number)), projectID: try .init(projectID(number)),
            title: "Task number \(number): measure what it costs",
            assigneeID: try .init(userID(number)),
            status: CodexFlow.Task.Status.allCases[number % 6],
            createdAt: Date(timeIntervalSince1970: 1_762_300_800 + Double(number)))
        task.number = number
        task.body = String(repeating: "What is to be done, said at some length. ", count: 5)
        task.updatedAt = task.createdAt
        return task
    }

    public static func projectID(_ number: Int) -> String { "p" + digits(number / 1000, 4) }
    public static func taskID(_ number: Int) -> String { "t" + digits(number, 7) }
    public static func userID(_ number: Int) -> String { "u\(number &* 7919 % userCount)" }

    /// `String(format:)` would take longer than a read does.
    private static func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
