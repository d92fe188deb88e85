public import CodexCore
internal import FoundationEssentials

/// What a risk report reads of a project: all tasks of a small one, parts of a large one.
///
/// The parts of a large project begin at even distances in the order of the tasks' numbers, which
/// is the order of their creation. So the features, which are shares, are estimates of those of all
/// tasks.
///
/// Numbers alone do not tell how many tasks there are: they may have gaps, and tasks that were
/// stored without the services may have none. So if the parts have fewer tasks than may be read,
/// the first tasks by identifier are added, until these are all tasks or as many as may be read.
struct RiskSample {
    /// The tasks that were read.
    private struct Found {
        var counts: CodexFlow.RiskFeatures.Counts
        private(set) var ids: Set<CodexFlow.Task.ID> = []

        init(_ counts: CodexFlow.RiskFeatures.Counts) { self.counts = counts }

        /// Adds a task, once.
        mutating func add(_ task: CodexFlow.TaskOutline) {
            if ids.insert(task.id).inserted { counts.add(task) }
        }
    }

    /// The number of parts of a large project.
    private static let partCount = 50
    /// Most open tasks of a status that are added to a sample without an open task.
    ///
    /// There are few of them among all tasks, so more would make the shares wrong.
    private static let addedTaskCountMax = 10

    /// Most tasks that are read.
    let taskCountMax: Int
    /// Most open dependencies that are read.
    let dependencyCountMax: Int

    /// Most tasks of a part.
    private var partTaskCountMax: Int { max(1, taskCountMax / Self.partCount) }

    /// The counts of a project's tasks, and the number of tasks in them; `nil` if these are all.
    func counts(
        of project: CodexFlow.Project, in workspace: CodexFlow.Workspace, at now: Date,
        today: CalendarDay
    ) async throws -> (counts: CodexFlow.RiskFeatures.Counts, examinedTaskCount: Int?) {
        let page = try await workspace.query(
            .openDependencies(in: project.id), limit: dependencyCountMax)
        var found = Found(
            CodexFlow.RiskFeatures.Counts(
                project, blocked: Set(page.items.map(\.taskID)),
                knownThrough: page.next == nil ? nil : page.items.last?.taskID, at: now,
                today: today, calendar: workspace.settings.calendar))
        let last = try await highestNumber(in: project.id, of: workspace)
        if last > taskCountMax {
            try await readParts(of: project.id, through: last, in: workspace, into: &found)
        }
        if try await readRest(of: project.id, in: workspace, into: &found) {
            return (found.counts, nil)
        }
        if found.counts.open == 0 {
            try await readOpenTasks(of: project.id, in: workspace, into: &found)
        }
        return (found.counts, found.ids.count)
    }

    /// The highest number of a task that rules allow; 0 if there is none, or an invalid one.
    private func highestNumber(
        in project: CodexFlow.Project.ID, of workspace: CodexFlow.Workspace
    ) async throws -> Int {
        let query = CodexCore.Query<CodexFlow.TaskOutline>.outlines(
            in: project, downFromNumber: CodexFlow.Limits.taskNumberMax)
        return try await workspace.query(query, limit: 1).items.first?.number ?? 0
    }

    /// Reads the parts.
    ///
    /// The first one begins with the first task by identifier, which may have no number. The last
    /// one ends with the highest number.
    private func readParts(
        of project: CodexFlow.Project.ID, through last: Int, in workspace: CodexFlow.Workspace,
        into found: inout Found
    ) async throws {
        for part in 0..<Self.partCount {
            var query = CodexCore.Query<CodexFlow.TaskOutline>.outlines(in: project)
            if part > 0 {
                let share = Double(part) / Double(Self.partCount - 1)
                let number = 1 + Int(Double(last - partTaskCountMax) * share)
                let numbered = CodexCore.Query<CodexFlow.TaskOutline>.outlines(
                    in: project, fromNumber: number)
                guard let task = try await workspace.query(numbered, limit: 1).items.first else {
                    break
                }
                // Numbers may have gaps, and identifiers may be in another order than numbers.
                guard !found.ids.contains(task.id) else { continue }
                query = .outlines(in: project, from: task.id)
            }
            let page = try await workspace.query(query, limit: partTaskCountMax)
            for task in page.items { found.add(task) }
        }
    }

    /// Reads the tasks by identifier, in pages, so that few are in memory.
    ///
    /// - Returns: Whether all tasks of the project were read, together with those that were read
    ///   before. If not, these are as many as may be read.
    private func readRest(
        of project: CodexFlow.Project.ID, in workspace: CodexFlow.Workspace,
        into found: inout Found
    ) async throws -> Bool {
        let query = CodexCore.Query<CodexFlow.TaskOutline>.outlines(in: project)
        var token: PageToken?
        repeat {
            let page = try await workspace.query(query, limit: partTaskCountMax, after: token)
            for task in page.items {
                let isFull = found.ids.count >= taskCountMax
                if isFull, !found.ids.contains(task.id) { return false }
                found.add(task)
            }
            token = page.next
        } while token != nil
        return true
    }

    /// Reads some open tasks of each status, which the parts of the project do not have.
    private func readOpenTasks(
        of project: CodexFlow.Project.ID, in workspace: CodexFlow.Workspace,
        into found: inout Found
    ) async throws {
        for status in CodexFlow.Task.Status.allCases where status.isOpen {
            let query = CodexCore.Query<CodexFlow.TaskOutline>.openOutlines(
                in: project, status: status)
            let page = try await workspace.query(query, limit: Self.addedTaskCountMax)
            for task in page.items { found.add(task) }
        }
    }
}

extension CodexFlow.Workspace {
    /// Most tasks that a risk report reads.
    public static let riskTaskCountMax = 10_000
    /// Most open dependencies that a risk report reads.
    private static let riskDependencyCountMax = 5000

    /// Reports the likelihood that a project is late.
    ///
    /// Tasks are read page by page. A change by another writer during the read may be visible in
    /// some pages only. The tasks of a project that is completed, canceled, archived or in deletion
    /// are not read: its features have no open tasks.
    ///
    /// A project with more than ``riskTaskCountMax`` tasks is estimated: the report is of 50 parts
    /// of it, at even distances in the order of the tasks' numbers. The report says so
    /// (``CodexFlow/RiskReport/examinedTaskCount``). If no task of the parts is open, some open
    /// tasks of each status are added. If there are more than 5,000 open dependencies, the share of
    /// blocked tasks is that of the first tasks by identifier.
    ///
    /// Most numbers may belong to no task, or most tasks may have no number, since they were stored
    /// without the services. Then the parts overlap, and the report is also of the first tasks by
    /// identifier.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - model: The model that computes the report.
    /// - Returns: The report.
    /// - Throws: ``CodexError/Code/notFound``, the errors of reading, those of the model, and that
    ///   of a calendar without the days of the project's time zone.
    /// - Complexity: O(*n*) for *n* tasks of the project, at most ``riskTaskCountMax`` of them. If
    ///   numbers of the project belong to no task, the tasks may be read twice.
    public func riskReport(
        of project: CodexFlow.Project.ID,
        by model: some CodexFlow.RiskModel = CodexFlow.WeightedRisk()
    ) async throws -> CodexFlow.RiskReport {
        guard let found = try await get(.project(project)) else {
            throw CodexError(.notFound, "There is no such project.")
        }
        let now = settings.clock()
        let today = try settings.calendar.day(of: now, in: found.timeZone)
        if CodexFlow.RiskFeatures.hasEnded(found) {
            return try await model.report(
                CodexFlow.RiskFeatures([], blocked: [], in: found, at: now, today: today))
        }
        let sample = RiskSample(
            taskCountMax: Self.riskTaskCountMax,
            dependencyCountMax: Self.riskDependencyCountMax)
        let (counts, examinedTaskCount) = try await sample.counts(
            of: found, in: self, at: now, today: today)
        var report = try await model.report(CodexFlow.RiskFeatures(counts))
        report.examinedTaskCount = examinedTaskCount
        return report
    }
}
