public import CodexCore

// The totals of tasks in a remote table: TaskCountShards.swift describes the stored form.

extension CodexFlow {
    /// What a comparison of the totals of tasks with the tasks found.
    public struct TaskTotalReport: Sendable, Hashable {
        /// The projects that were compared.
        public internal(set) var projectCount = 0
        /// Those whose totals differed from their tasks, or were never made.
        public internal(set) var differingCount = 0
        /// Those whose totals were corrected.
        public internal(set) var repairedCount = 0
        /// Those whose tasks changed during each attempt, so that they could not be compared.
        public internal(set) var busyCount = 0
    }
}

extension CodexFlow.TableWorkspaceBackend {
    /// Most items of a page of a scan.
    private static let scannedCountMax = 1000

    /// The totals of a project's tasks by status: from the items that count them, or from the tasks
    /// if queries of the table's indexes are consistent.
    ///
    /// - Parameter project: The project.
    /// - Returns: The totals of the statuses that tasks have; nothing if there is no such project.
    /// - Throws: ``CodexError/Code/indexNotReady`` if the totals of the project were never made;
    ///   the errors of the table.
    public func taskTotals(
        of project: CodexFlow.Project.ID
    ) async throws -> [CodexFlow.Task.Status: CodexFlow.TaskTotal] {
        let counts = ProjectCounts(fetch: fetch, project: project)
        guard fetch.hasMarkers else { return try await counts.counted().byStatus }
        let shards = try await counts.shards()
        guard shards.isComplete else {
            guard try await counts.exists() else { return [:] }
            throw CodexError(
                .indexNotReady,
                "The totals of the project's tasks were never made. Another program stored it, or "
                    + "an earlier release. Call verifyTaskTotals(of:repairing:) once.")
        }
        return try shards.totals().byStatus
    }

    /// Compares the totals of tasks with the tasks of all projects.
    ///
    /// - Parameter repairs: Whether totals that differ are corrected.
    /// - Returns: What was found; nothing if queries of the table's indexes are consistent, since
    ///   the tasks are counted then.
    /// - Throws: As ``verifyTaskTotals(of:repairing:)``.
    /// - Complexity: Reads all items of the table.
    public func verifyTaskTotals(
        repairing repairs: Bool = false
    ) async throws -> CodexFlow.TaskTotalReport {
        var report = CodexFlow.TaskTotalReport()
        guard fetch.hasMarkers else { return report }
        for project in try await projects() {
            try await ProjectCounts(fetch: fetch, project: project)
                .compare(repairing: repairs, &report)
        }
        return report
    }

    /// Compares the totals of a project's tasks with its tasks.
    ///
    /// Commands may run meanwhile. A comparison counts only if no task of the project changed its
    /// status or its estimate during it. If one did at each of five attempts, the project is busy,
    /// and another call may succeed. A correction is right also if commands run before it.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - repairs: Whether totals that differ are corrected.
    /// - Returns: What was found; nothing if queries of the table's indexes are consistent.
    /// - Throws: ``CodexError/Code/invalidNumber`` if the estimates of raw tasks have no exact sum;
    ///   the errors of the table.
    /// - Complexity: Reads all tasks of the project.
    public func verifyTaskTotals(
        of project: CodexFlow.Project.ID, repairing repairs: Bool = false
    ) async throws -> CodexFlow.TaskTotalReport {
        var report = CodexFlow.TaskTotalReport()
        guard fetch.hasMarkers else { return report }
        try await ProjectCounts(fetch: fetch, project: project)
            .compare(repairing: repairs, &report)
        return report
    }

    /// The projects of the table.
    private func projects() async throws -> [CodexFlow.Project.ID] {
        let definition = try schema.table(CodexFlow.table)
        var found: [CodexFlow.Project.ID] = []
        try await table.forEachItem(
            of: CodexFlow.table, pageCount: Self.scannedCountMax
        ) { item in
            guard try entities.isItem(item, of: CodexFlow.Project.definition),
                let project = CodexFlow.TaskCountShards.project(
                    of: item[definition.partitionKey.name])
            else { return }
            found.append(project)
        }
        return found
    }
}
