internal import CodexCore
internal import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

/// Writes the sums of tallies.
enum AnalyticsWriter {
    /// A user's day in a project, whose hours must be summed again.
    struct Worker: Hashable {
        let project: CodexFlow.Project.ID
        let day: CalendarDay
        let user: CodexFlow.User.ID

        init(_ log: CodexFlow.WorkLog) {
            (project, day, user) = (log.projectID, log.day, log.userID)
        }
    }

    /// Adds a tally to the stored days, except for projects that are deleted or being deleted.
    ///
    /// - Parameters:
    ///   - tally: The sums to add.
    ///   - workers: The users and days whose hours are replaced by their present sum.
    ///   - transaction: The transaction that reads and writes the days.
    /// - Throws: The errors of reading and writing.
    static func add(
        _ tally: CodexFlow.AnalyticsTally, _ workers: Set<Worker>,
        _ transaction: inout WriteTransaction
    ) throws {
        var added = tally
        for worker in workers { added.touch(worker.project, worker.day) }
        var byProject: [CodexFlow.Project.ID: [CodexFlow.Analytics]] = [:]
        for (day, added) in added.days { byProject[day.projectID, default: []].append(added) }
        let workersByProject = Dictionary(grouping: workers, by: \.project)
        for (project, days) in byProject {
            guard try transaction.openProject(project) != nil else { continue }
            try add(days, workersByProject[project] ?? [], project, &transaction)
        }
    }

    private static func add(
        _ days: [CodexFlow.Analytics], _ workers: [Worker], _ project: CodexFlow.Project.ID,
        _ transaction: inout WriteTransaction
    ) throws {
        var sums: [CalendarDay: CodexFlow.Analytics] = [:]
        for day in days { sums[day.date] = try sum(day, transaction) }
        for worker in workers {
            var hours: Number = 0
            let query = CodexCore.Query<CodexFlow.WorkLog>.work(
                of: worker.user, day: worker.day, in: project)
            for log in try transaction.sound(query) { hours = try hours.adding(log.hours) }
            sums[worker.day]?.setHours(hours, of: worker.user)
        }
        for day in sums.values.sorted(by: { $0.date < $1.date }) {
            try store(day, &transaction)
        }
    }

    /// Replaces a stored day; an empty one is removed.
    ///
    /// - Returns: The number of stored days, 0 or 1.
    @discardableResult
    static func store(
        _ day: CodexFlow.Analytics, _ transaction: inout WriteTransaction
    ) throws -> Int {
        var day = day
        day.requireCounts()
        try day.updateEfficiency()
        if day.isEmpty {
            try transaction.delete(.analytics(of: day.projectID, on: day.date))
            return 0
        }
        try transaction.put(day)
        return 1
    }

    /// The sum of a tally's day and the stored day.
    private static func sum(
        _ day: CodexFlow.Analytics, _ transaction: borrowing WriteTransaction
    ) throws -> CodexFlow.Analytics {
        let lookup = CodexCore.Lookup<CodexFlow.Analytics>.analytics(
            of: day.projectID, on: day.date)
        // If the sum with a stored day breaks the rules, the stored day is invalid and is replaced.
        guard var sum = try transaction.sound(lookup), (try? sum.add(day)) != nil,
            (try? sum.validate()) != nil
        else { return day }
        return sum
    }
}

extension WriteTransaction {
    /// The project; `nil` if it is missing, damaged or being deleted.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if encrypted fields cannot be opened.
    func openProject(_ id: CodexFlow.Project.ID) throws -> CodexFlow.Project? {
        let key = PrimaryKey(.string("PROJECT#\(id)"), "METADATA")
        let found = try view(in: CodexFlow.table, key: key) { view in
            try CodexFlow.Project.readable(in: try opened(view))
        }
        guard let project = found ?? nil, project.id == id, project.deletingSince == nil else {
            return nil
        }
        return project
    }

    /// Removes analytics of a project, whose days and shares are of no use.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - countMax: The highest number of items to remove.
    /// - Returns: Whether all are removed.
    /// - Throws: The errors of reading and writing.
    mutating func removeAnalytics(
        of project: CodexFlow.Project.ID, upTo countMax: Int
    ) throws -> Bool {
        let definition = try schema.table(CodexFlow.table)
        var keys: [PrimaryKey] = []
        for prefix in ["ANALYTICS#", "SHARE#"] {
            let query = TableQuery(
                table: CodexFlow.table, partition: [.string("PROJECT#\(project)")],
                sort: .beginsWith(.string(prefix)))
            try forEach(query) { view in
                guard keys.count < countMax else { return false }
                keys.append(try definition.primaryKey(of: try view.item(keeping: ["PK", "SK"])))
                return true
            }
        }
        for key in keys { try delete(in: CodexFlow.table, key: key) }
        return keys.count < countMax
    }
}
