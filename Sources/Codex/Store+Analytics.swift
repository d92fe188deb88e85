internal import CodexCore
public import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

extension Store {
    /// The name of the consumer that computes the analytics.
    public static let analyticsConsumer = "codexflow.analytics"

    /// Computes the analytics of CodexFlow's projects from the tasks' history and the work logs,
    /// exactly once.
    ///
    /// It runs until its task is cancelled or an error is thrown. It registers its own consumer,
    /// which starts at the oldest retained change. If the store has older history, call
    /// ``rebuildAnalytics()`` once.
    ///
    /// An item under a key of history, work logs or analytics is ignored if it does not decode as
    /// that entity. It is also ignored if it breaks the entity's rules
    /// (``CodexFlow/Activity/validate()``).
    ///
    /// - Throws: As ``consume(_:view:batchCount:onFailure:_:)``.
    public func runAnalytics() async throws {
        try await addConsumer(
            Self.analyticsConsumer, after: .trimHorizon, filter: AnalyticsWriter.filter)
        try await consume(Self.analyticsConsumer, batchCount: 1000) { transaction, changes in
            var tally = CodexFlow.AnalyticsTally()
            var workers: Set<AnalyticsWriter.Worker> = []
            for change in changes {
                if try change.entity == CodexFlow.Activity.definition.name {
                    guard change.kind == .insert, let new = try change.openedNewImage,
                        let activity = CodexFlow.Activity(soundIn: new)
                    else { continue }
                    // The entry may have been deleted with its project. Another project may have
                    // its identifier.
                    let lookup = CodexCore.Lookup<CodexFlow.Activity>.activity(
                        activity.id, of: activity.taskID, in: activity.projectID)
                    if try transaction.sound(lookup) == activity { tally.add(activity) }
                    continue
                }
                for image in [try change.openedOldImage, try change.openedNewImage] {
                    guard let log = image.flatMap(CodexFlow.WorkLog.init(soundIn:)) else {
                        continue
                    }
                    workers.insert(AnalyticsWriter.Worker(log))
                }
            }
            try AnalyticsWriter.add(tally, workers, &transaction)
        }
    }

    /// Recomputes all analytics from the present history and work logs, and replaces the stored
    /// ones.
    ///
    /// The consumer continues from that point. The outcome equals that of the stream. Days of
    /// projects with neither history nor work logs (imported days, for example) stay as they are.
    /// The same holds for projects whose item is damaged.
    ///
    /// - Returns: The number of days.
    /// - Throws: As ``write(_:)-(_)``.
    /// - Complexity: Reads the whole table without blocking writers, and writes the days in one
    ///   transaction.
    @discardableResult
    public func rebuildAnalytics() async throws -> Int {
        try await addConsumer(
            Self.analyticsConsumer, after: .trimHorizon, filter: AnalyticsWriter.filter)
        var past = try read { try AnalyticsPast($0, self) }
        while true {
            // This reads most of the newer changes before the writers must wait.
            try past.readOn(self)
            let now = past
            let count = try await write { try now.replaceAnalytics(&$0, in: self) }
            if let count { return count }
            // The consumer wrote in the same commit group, and its writes are not visible yet.
        }
    }
}

extension Entity {
    /// Decodes an item; `nil` if it is no such entity, or breaks a rule on single values.
    fileprivate init?(soundIn item: Item) {
        guard let entity = Self(placedIn: item), (try? entity.validate()) != nil else {
            return nil
        }
        self = entity
    }

    /// Decodes an item; `nil` unless its attributes match its key, since a raw item may contradict
    /// it.
    fileprivate init?(placedIn item: Item) {
        guard let entity = try? Self(item: item),
            Self.definition.keys.allSatisfy({ name, template in
                guard case .string(let key)? = item[name] else { return false }
                return (try? template.render(item)).flatMap { $0 } == key
            })
        else { return nil }
        self = entity
    }
}

extension WriteTransaction {
    /// The valid entities that a query finds; other items are ignored.
    fileprivate func sound<E: Entity>(_ query: CodexCore.Query<E>) throws -> [E] {
        var found: [E] = []
        try forEach(query.request) { view in
            if let entity = E(soundIn: try opened(view)) { found.append(entity) }
            return true
        }
        return found
    }

    /// The entity that a lookup names; `nil` also if the item is not a valid entity.
    fileprivate func sound<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        guard case .primaryKey(let key) = lookup.target else { return nil }
        return try view(in: E.definition.table, key: key) { view in
            E(soundIn: try opened(view))
        } ?? nil
    }

    /// The project; `nil` if it is missing or its item is damaged.
    fileprivate mutating func soundProject(
        _ id: CodexFlow.Project.ID
    ) throws -> CodexFlow.Project? {
        let key = PrimaryKey(.string("PROJECT#\(id)"), "METADATA")
        let project = try item(in: CodexFlow.table, key: key).flatMap {
            try? CodexFlow.Project(item: $0)
        }
        return project?.id == id ? project : nil
    }
}

/// The sums of the history and the work logs in one snapshot.
private struct AnalyticsPast {
    private var tally = CodexFlow.AnalyticsTally()
    /// The keys of the analytics in the snapshot, and of those that were written later.
    private var stale: Set<PrimaryKey> = []
    /// The partitions of projects with newer history, which the consumer counts again.
    private var goneOn: Set<AttributeValue> = []
    /// The creation times of the projects, which tell a project from a later one with the same
    /// identifier.
    private var creations: [CodexFlow.Project.ID: Date] = [:]
    private let sequence: SequenceNumber
    /// The position up to which newer changes were read.
    private var readThrough: SequenceNumber

    init(_ snapshot: borrowing Snapshot, _ store: Store) throws {
        sequence = try snapshot.sequenceNumber
        readThrough = sequence
        var (tally, stale, creations) = (tally, stale, creations)
        let definition = try store.schema.table(CodexFlow.table)
        try snapshot.forEach(TableScan(table: CodexFlow.table)) { view in
            switch store.entityName(of: view.header) {
            case CodexFlow.Activity.definition.name?:
                let entry = CodexFlow.Activity(soundIn: try store.opened(view))
                if let entry { tally.add(entry) }
            case CodexFlow.WorkLog.definition.name?:
                let log = CodexFlow.WorkLog(soundIn: try store.opened(view))
                if let log { try tally.add(nil, log) }
            case CodexFlow.Project.definition.name?:
                if let project = CodexFlow.Project(placedIn: try view.item()) {
                    creations[project.id] = project.createdAt
                }
            case CodexFlow.Analytics.definition.name?:
                stale.insert(try definition.primaryKey(of: try view.item()))
            default: break
            }
            return true
        }
        (self.tally, self.stale, self.creations) = (tally, stale, creations)
    }

    /// Records the analytics and the history that were written since.
    mutating func readOn(_ store: Store) throws {
        let filter = ChangeFilter(
            tables: [CodexFlow.table],
            entities: [
                CodexFlow.Analytics.definition.name, CodexFlow.Activity.definition.name,
                CodexFlow.WorkLog.definition.name,
            ])
        try store.catchUp(after: readThrough, view: .keysOnly, filter: filter) { change in
            if try change.entity == CodexFlow.Analytics.definition.name {
                stale.insert(try change.key)
            } else {
                goneOn.insert(try change.key.partition)
            }
            readThrough = change.sequenceNumber
        }
    }

    /// Replaces all analytics with the sums, and moves the consumer's checkpoint to the end of the
    /// sums.
    ///
    /// - Returns: The number of days; `nil` if the consumer moved in the same commit group.
    func replaceAnalytics(
        _ transaction: inout WriteTransaction, in store: Store
    ) throws -> Int? {
        let name = Store.analyticsConsumer
        if try transaction.hasConsumerMovedInGroup(name) { return nil }
        var present = self
        try present.readOn(store)
        var meant: Set<CodexFlow.Project.ID> = []
        for project in Set(tally.days.keys.map(\.projectID)) {
            let found = try transaction.soundProject(project)
            if let found, found.createdAt == creations[project] { meant.insert(project) }
        }
        let counted = present.goneOn.union(meant.map { .string("PROJECT#\($0)") })
        for key in present.stale where counted.contains(key.partition) {
            try transaction.delete(in: CodexFlow.table, key: key)
        }
        let count = try AnalyticsWriter.add(tally, [], of: meant, &transaction)
        try transaction.moveConsumer(name, to: sequence)
        return count
    }
}

/// Writes the sums of tallies.
private enum AnalyticsWriter {
    /// A user's day in a project, whose hours must be summed again.
    struct Worker: Hashable {
        let project: CodexFlow.Project.ID
        let day: CalendarDay
        let user: CodexFlow.User.ID

        init(_ log: CodexFlow.WorkLog) {
            (project, day, user) = (log.projectID, log.day, log.userID)
        }
    }

    static let filter = ChangeFilter(
        tables: [CodexFlow.table],
        entities: [
            CodexFlow.Activity.definition.name, CodexFlow.WorkLog.definition.name,
        ])

    /// Adds a tally to the stored days, except for projects that are deleted or being deleted.
    ///
    /// - Parameters:
    ///   - tally: The sums to add.
    ///   - workers: The users and days whose hours are replaced by their present sum.
    ///   - projects: The projects to write; `nil` is all.
    ///   - transaction: The transaction that reads and writes the days.
    /// - Returns: The number of written days.
    /// - Throws: The errors of reading and writing.
    @discardableResult
    static func add(
        _ tally: CodexFlow.AnalyticsTally, _ workers: Set<Worker>,
        of projects: Set<CodexFlow.Project.ID>? = nil, _ transaction: inout WriteTransaction
    ) throws -> Int {
        var added = tally
        for worker in workers { added.touch(worker.project, worker.day) }
        var byProject: [CodexFlow.Project.ID: [CodexFlow.Analytics]] = [:]
        for (day, added) in added.days { byProject[day.projectID, default: []].append(added) }
        let workersByProject = Dictionary(grouping: workers, by: \.project)
        var count = 0
        for (project, days) in byProject where projects?.contains(project) ?? true {
            let found = try transaction.soundProject(project)
            guard let found, found.deletingSince == nil else { continue }
            count += try add(days, workersByProject[project] ?? [], project, &transaction)
        }
        return count
    }

    private static func add(
        _ days: [CodexFlow.Analytics], _ workers: [Worker], _ project: CodexFlow.Project.ID,
        _ transaction: inout WriteTransaction
    ) throws -> Int {
        let days = days.sorted { $0.date < $1.date }
        guard let first = days.first?.date, let last = days.last?.date else { return 0 }
        // A mean covers the day and the 27 days before it.
        let window = CodexCore.Query<CodexFlow.Analytics>.analytics(
            of: project, from: first.adding(days: -27), through: last.adding(days: 27))
        let known = try transaction.sound(window)
        var all = Dictionary(known.map { ($0.date, $0) }) { $1 }
        for day in days {
            // If the sum with a stored day breaks the rules, the stored day is invalid and is
            // replaced.
            if var old = all[day.date], (try? old.add(day)) != nil, (try? old.validate()) != nil {
                all[day.date] = old
            } else {
                all[day.date] = day
            }
        }
        for worker in workers {
            var hours: Number = 0
            let query = CodexCore.Query<CodexFlow.WorkLog>.work(
                of: worker.user, day: worker.day, in: project)
            for log in try transaction.sound(query) { hours = try hours.adding(log.hours) }
            all[worker.day]?.setHours(hours, of: worker.user)
        }
        let dates = all.keys.sorted()
        var (start, points, completions) = (0, 0, 0)
        var count = 0
        for (index, date) in dates.enumerated() {
            guard var day = all[date] else { continue }
            points += day.flow?.ownPoints ?? 0
            completions += day.metrics.tasksCompleted
            while dates[start] < date.adding(days: -27) {
                points -= all[dates[start]]?.flow?.ownPoints ?? 0
                completions -= all[dates[start]]?.metrics.tasksCompleted ?? 0
                start += 1
            }
            // Days before the window were read for their points only.
            guard date >= first, index >= start else { continue }
            try day.updateMeans(pointsOfFourWeeks: completions > 0 ? points : nil)
            if day.isEmpty {
                try transaction.delete(.analytics(of: project, on: date))
            } else {
                try transaction.put(day)
            }
            count += 1
        }
        return count
    }
}
