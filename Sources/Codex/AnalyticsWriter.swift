internal import CodexCore
internal import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

/// Writes the sums of tallies, and shares.
///
/// What does not fit into an item is summed up, so that one item never stops the analytics of all
/// projects.
enum AnalyticsWriter {
    /// Most members that a day lists, and what is tried for a day that is too large with them.
    private static let memberCounts = [CodexFlow.Limits.analyticsMemberMax, 100, 0]

    /// Adds a tally to the stored days, except for projects that are deleted or being deleted.
    ///
    /// - Parameters:
    ///   - tally: The sums to add.
    ///   - transaction: The transaction that reads and writes the days.
    /// - Throws: The errors of reading and writing.
    static func add(
        _ tally: CodexFlow.AnalyticsTally, _ transaction: inout WriteTransaction
    ) throws {
        let byProject = Dictionary(grouping: tally.days.values, by: \.projectID)
        for (project, days) in byProject {
            guard try transaction.openProject(project) != nil else { continue }
            for day in days.sorted(by: { $0.date < $1.date }) where !day.isEmpty {
                let stored = try transaction.storedDay(of: project, on: day.date)
                let total = sum(of: stored, and: day)
                if let total, try store(total, &transaction) != nil { continue }
                // A stored day with which there is no valid sum is invalid, and is replaced.
                _ = try store(day, &transaction)
            }
        }
    }

    /// The sum of a stored day and a tally's; `nil` if it breaks the rules.
    ///
    /// An imported day has no sums. Its further figures stay, and the tally replaces the others.
    private static func sum(
        of stored: CodexFlow.Analytics?, and day: CodexFlow.Analytics
    ) -> CodexFlow.Analytics? {
        guard let stored else { return day }
        guard stored.flow != nil else { return day.keeping(stored.metrics.further) }
        var sum = stored
        guard (try? sum.add(day, listing: CodexFlow.Limits.analyticsMemberMax)) != nil,
            (try? sum.validate()) != nil
        else { return nil }
        return sum
    }

    /// Replaces the computed figures of a stored day; further figures of an import stay.
    ///
    /// - Returns: The number of stored days, 0 or 1.
    /// - Throws: The errors of reading and writing.
    static func replace(
        _ day: CodexFlow.Analytics, _ transaction: inout WriteTransaction
    ) throws -> Int {
        let stored = try transaction.storedDay(of: day.projectID, on: day.date)
        let further = stored?.metrics.further ?? [:]
        if let count = try store(day.keeping(further), &transaction) { return count }
        return try store(day, &transaction) ?? 0
    }

    /// Removes the computed figures of a stored day; further figures of an import stay.
    ///
    /// - Throws: The errors of reading and writing.
    static func removeDay(_ key: PrimaryKey, _ transaction: inout WriteTransaction) throws {
        let lookup = CodexCore.Lookup<CodexFlow.Analytics>(.primaryKey(key))
        guard let stored = try transaction.sound(lookup), !stored.metrics.further.isEmpty else {
            try transaction.delete(in: CodexFlow.table, key: key)
            return
        }
        let empty = CodexFlow.Analytics(
            projectID: stored.projectID, date: stored.date, metrics: .init(tasksCompleted: 0))
        _ = try store(empty.keeping(stored.metrics.further), &transaction)
    }

    /// Stores a day, and removes an empty one.
    ///
    /// - Returns: The number of stored days, 0 or 1; `nil` if the day does not fit into an item.
    /// - Throws: The errors of writing.
    private static func store(
        _ day: CodexFlow.Analytics, _ transaction: inout WriteTransaction
    ) throws -> Int? {
        var day = day
        day.requireCounts()
        try day.updateEfficiency()
        if day.isEmpty {
            guard !day.metrics.further.isEmpty else {
                try transaction.delete(.analytics(of: day.projectID, on: day.date))
                return 0
            }
            // What is left is a day of an import.
            day.flow = nil
        }
        for count in memberCounts {
            try day.limitMembers(to: count)
            if try transaction.putIfFits(day) { return 1 }
        }
        return nil
    }

    /// Stores a share.
    ///
    /// One that is too large keeps fewer days apart, and the sums over them stay right. One that
    /// breaks the rules, as after a write by hand, is removed: the next change of the task computes
    /// it from the history.
    ///
    /// - Throws: The errors of writing.
    static func store(
        _ share: CodexFlow.AnalyticsShare, _ transaction: inout WriteTransaction
    ) throws {
        var share = share
        var dayCount = CodexFlow.AnalyticsShare.dayCountMax
        while try !transaction.putIfFits(share) {
            guard dayCount > 1, (try? share.validate()) != nil else {
                let key = AnalyticsTask(share.projectID, share.taskID).shareKey
                try transaction.delete(in: CodexFlow.table, key: key)
                return
            }
            dayCount /= 2
            try share.fold(to: dayCount)
        }
    }
}

extension CodexFlow.Project {
    /// Decodes the item of a project; `nil` if it is damaged or being deleted.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if encrypted fields cannot be opened.
    static func open(_ id: ID, in item: Item) throws(CodexError) -> Self? {
        guard let project = try readable(in: item), project.id == id, project.deletingSince == nil
        else { return nil }
        return project
    }
}

extension WriteTransaction {
    /// The project; `nil` if it is missing, damaged or being deleted.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if encrypted fields cannot be opened.
    func openProject(_ id: CodexFlow.Project.ID) throws -> CodexFlow.Project? {
        let key = PrimaryKey(.string("PROJECT#\(id)"), "METADATA")
        let found = try view(in: CodexFlow.table, key: key) { view in
            try CodexFlow.Project.open(id, in: try opened(view))
        }
        return found ?? nil
    }

    /// A stored day; `nil` also if the item is not a valid day.
    fileprivate func storedDay(
        of project: CodexFlow.Project.ID, on date: CalendarDay
    ) throws -> CodexFlow.Analytics? {
        let lookup = CodexCore.Lookup<CodexFlow.Analytics>.analytics(of: project, on: date)
        return try sound(lookup)
    }

    /// Stores an entity, unless it is too large or breaks a rule.
    ///
    /// - Returns: Whether it is stored.
    /// - Throws: The other errors of writing.
    fileprivate mutating func putIfFits(_ entity: some Entity) throws -> Bool {
        do {
            try put(entity)
            return true
        } catch CodexError.Code.itemTooLarge, CodexError.Code.ruleViolated {
            return false
        }
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
