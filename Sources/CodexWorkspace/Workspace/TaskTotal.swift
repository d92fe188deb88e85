public import CodexCore

extension CodexFlow {
    /// The tasks of a project that have one status, archived ones included.
    public struct TaskTotal: Sendable, Hashable {
        /// The number of tasks.
        public var count: Int
        /// The exact sum of their estimates, in points.
        public var points: Number
        /// The number of those that have an estimate.
        public var estimatedCount: Int

        /// Creates a total.
        public init(count: Int = 0, points: Number = .zero, estimatedCount: Int = 0) {
            self.count = count
            self.points = points
            self.estimatedCount = estimatedCount
        }

        /// Whether nothing was counted.
        var isEmpty: Bool { self == Self() }

        /// This total, and another one.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` if the points need more than 38 digits.
        func adding(_ other: Self) throws(CodexError) -> Self {
            Self(
                count: count + other.count, points: try points.adding(other.points),
                estimatedCount: estimatedCount + other.estimatedCount)
        }

        /// This total without another one.
        ///
        /// - Throws: As ``adding(_:)``.
        func subtracting(_ other: Self) throws(CodexError) -> Self {
            Self(
                count: count - other.count, points: try points.subtracting(other.points),
                estimatedCount: estimatedCount - other.estimatedCount)
        }
    }

    /// The totals of a project's tasks, by status.
    struct TaskTotals: Sendable, Equatable {
        /// The totals that are not empty.
        private(set) var byStatus: [Task.Status: TaskTotal] = [:]

        /// Creates totals of no task.
        init() {}

        /// The totals of one task, from its item; empty without a status.
        init(of task: Item) {
            guard let text = task["status"]?.string, let status = Task.Status(rawValue: text)
            else { return }
            let estimate = task["estimate"]?.number
            byStatus[status] = TaskTotal(
                count: 1, points: estimate ?? .zero, estimatedCount: estimate == nil ? 0 : 1)
        }

        /// Adds to the total of a status.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber``.
        mutating func add(_ total: TaskTotal, to status: Task.Status) throws(CodexError) {
            let sum = try (byStatus[status] ?? TaskTotal()).adding(total)
            byStatus[status] = sum.isEmpty ? nil : sum
        }

        /// Adds totals.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber``.
        mutating func add(_ other: Self) throws(CodexError) {
            for (status, total) in other.byStatus { try add(total, to: status) }
        }

        /// Subtracts totals.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber``.
        mutating func subtract(_ other: Self) throws(CodexError) {
            for (status, total) in other.byStatus {
                try add(try TaskTotal().subtracting(total), to: status)
            }
        }
    }
}

extension CodexFlow.Workspace {
    /// How many tasks of a project have each status, and the sums of their estimates.
    ///
    /// A store keeps the totals with its tasks. On a remote table, the commands keep them
    /// (``CodexFlow/TableWorkspaceBackend/verifyTaskTotals(repairing:)``), and they are read with
    /// one query. While commands run, each task counts once, in a status that it had during the
    /// read. Tasks that another program stored with an unknown status, or without one, do not
    /// count.
    ///
    /// - Parameter project: The project.
    /// - Returns: The totals of the statuses that tasks have; nothing if there is no such project.
    /// - Throws: ``CodexError/Code/indexNotReady`` on a remote table if the totals of the project
    ///   were never made; the errors of reading.
    public func taskTotals(
        of project: CodexFlow.Project.ID
    ) async throws -> [CodexFlow.Task.Status: CodexFlow.TaskTotal] {
        try await backend.taskTotals(of: project)
    }
}

extension CodexFlow.WorkspaceBackend {
    /// The totals of a project's tasks by status, which reads all of its tasks.
    public func taskTotals(
        of project: CodexFlow.Project.ID
    ) async throws -> [CodexFlow.Task.Status: CodexFlow.TaskTotal] {
        var totals = CodexFlow.TaskTotals()
        var token: PageToken?
        repeat {
            let page = try await query(
                Query<CodexFlow.Task>.tasks(in: project), limit: nil, after: token)
            for task in page.items { try totals.add(CodexFlow.TaskTotals(of: try task.item())) }
            token = page.next
        } while token != nil
        return totals.byStatus
    }
}
