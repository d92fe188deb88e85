package import FoundationEssentials

extension CodexFlow {
    /// The last claim token that a task's identifier got.
    ///
    /// Key `CLAIM#<projectId>#<taskId>` / `TALLY`. The item is outside of the project's partition.
    /// It survives the deletion of the task and of the project, so that a new task with the
    /// identifier does not get the token of an old claim.
    public struct ClaimTally: Entity, Hashable {
        /// The project.
        public var projectID: Project.ID
        /// The task.
        public var taskID: Task.ID
        /// The last token.
        public var last: Int

        /// Creates a tally.
        public init(projectID: Project.ID, taskID: Task.ID, last: Int = 0) {
            self.projectID = projectID
            self.taskID = taskID
            self.last = last
        }
    }
}

// A token is a count and a check. The count is the higher part and increases with each claim, so a
// newer token is always the greater one. The check is derived from the task's identifier. Therefore
// the token of another task practically never fits, although both tasks may have equal counts.
extension CodexFlow.ClaimTally {
    /// The highest token: the highest integer that each JSON reader represents exactly.
    static let tokenMax = (1 << 53) - 1

    private static let checkBitCount = 20
    private static let checkMask = (1 << checkBitCount) - 1
    /// The highest count that is taken from a clock, in the year 2106: a clock that is wrong leaves
    /// half of the counts.
    private static let clockCountMax = Double(UInt32.max)

    /// The number in each token of the task.
    private var check: Int {
        let digest = SHA256.digest("\(projectID)#\(taskID)".utf8)
        return digest.prefix(4).reduce(0) { $0 << 8 | Int($1) } & Self.checkMask
    }

    /// The token after this one; `nil` if there are no more.
    ///
    /// The count is at least the number of seconds since 1970. A store that was restored to an
    /// earlier state has lost the newest counts, and does not give them again.
    ///
    /// - Parameters:
    ///   - token: The token of the task's present claim, which may be newer than the tally if the
    ///     task was imported.
    ///   - now: The present time.
    /// - Returns: The token; `nil` if there is none left.
    package func next(after token: Int?, at now: Date) -> Int? {
        let seconds = now.timeIntervalSince1970.rounded(.down)
        // A time that is not a number fails both comparisons.
        let clock = seconds > 0 ? (seconds < Self.clockCountMax ? seconds : Self.clockCountMax) : 0
        // Raw items may have any number.
        let known = [last, token ?? 0].filter { (0...Self.tokenMax).contains($0) }.max() ?? 0
        let count = max((known >> Self.checkBitCount) + 1, Int(clock))
        guard count <= Self.tokenMax >> Self.checkBitCount else { return nil }
        return count << Self.checkBitCount | check
    }

    /// Whether the task's identifier got the token before.
    package func isKnown(_ token: Int) -> Bool {
        token > 0 && token <= last && token & Self.checkMask == check
    }
}

extension CodexFlow.ClaimTally {
    enum Field: Int, EntityField {
        case projectId, taskId, last

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("taskId", .string),
            .required("last", .number),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "claimTally", table: CodexFlow.table,
        keys: ["PK": "CLAIM#{projectId}#{taskId}", "SK": "TALLY"], fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "PK": .string("CLAIM#\(projectID)#\(taskID)"), "SK": "TALLY",
        ])
        writer.set(.projectId, projectID)
        writer.set(.taskId, taskID)
        writer.set(.last, last)
        return writer.item
    }

    /// Reads a tally from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        taskID = try reader.identifier(Field.taskId)
        last = try reader.value(Field.last)
    }

    /// Checks the token.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.taskClaimTokens.require(
            (0...Self.tokenMax).contains(last), "last", ["last": last.attributeValue])
    }
}

extension Lookup where E == CodexFlow.ClaimTally {
    /// The last claim token of a task's identifier.
    public static func claimTally(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(partition: .string("CLAIM#\(project)#\(task)"), sort: "TALLY")
    }
}
