internal import CodexCore
public import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

extension Store {
    /// The name of the consumer that makes analytics.
    public static let analyticsConsumer = "codexflow.analytics"

    /// Makes the analytics of CodexFlow's projects from the history of tasks and the work logs, exactly
    /// once, as it is written; it goes on until its task is cancelled or something throws.
    ///
    /// It registers its consumer itself, which begins with the oldest change that is retained; a store
    /// that had history before that is brought up to it by ``rebuildAnalytics()``. Items whose keys are
    /// those of history, work logs or analytics and which are none, or break the rules of those
    /// (``CodexFlow/Activity/validate()``), count nothing.
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
                    // It may be gone by now with its project, of which there may be another.
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

    /// Makes all analytics anew from the history and the work logs as they are, in place of those that
    /// there are; the consumer goes on from there.
    ///
    /// The outcome is the same as that of the stream. Days of projects that have neither history nor
    /// work logs, by an import say, stay as they are, as do those of projects whose item is damaged.
    ///
    /// - Returns: How many days there are.
    /// - Throws: As ``write(_:)-(_)``.
    /// - Complexity: It reads the whole table, without keeping writers; the days are written in one
    ///   transaction.
    @discardableResult
    public func rebuildAnalytics() async throws -> Int {
        try await addConsumer(
            Self.analyticsConsumer, after: .trimHorizon, filter: AnalyticsWriter.filter)
        var past = try read { try AnalyticsPast($0, self) }
        while true {
            // Most of what was written since is read before the writers have to wait.
            try past.readOn(self)
            let now = past
            let count = try await write { try now.replaceAnalytics(&$0, in: self) }
            if let count { return count }
            // The consumer wrote in the same commit group: what it wrote cannot be told yet.
        }
    }
}

extension Entity {
    /// The entity that an item holds, if it keeps the rules of one value by itself.
    fileprivate init?(soundIn item: Item) {
        guard let entity = Self(placedIn: item), (try? entity.validate()) != nil else {
            return nil
        }
        self = entity
    }

    /// The entity that an item holds, if its attributes say what the key says that it is found by: a raw
    /// item may say another thing.
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
    /// The entities that a query finds, without what is none or breaks its rules.
    fileprivate func sound<E: Entity>(_ query: CodexCore.Query<E>) throws -> [E] {
        var found: [E] = []
        try forEach(query.request) { view in
            if let entity = E(soundIn: try opened(view)) { found.append(entity) }
            return true
        }
        return found
    }

    /// The entity that a lookup names; `nil` also for what is none.
    fileprivate func sound<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        guard case .primaryKey(let key) = lookup.target else { return nil }
        return try view(in: E.definition.table, key: key) { view in
            E(soundIn: try opened(view))
        } ?? nil
    }

    /// The project, unless there is none, or no project but a damaged item.
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

/// The history and the work logs as they were at one moment, added up.
private struct AnalyticsPast {
    private var tally = CodexFlow.AnalyticsTally()
    /// The analytics that there were, and were written since.
    private var stale: Set<PrimaryKey> = []
    /// The partitions of projects whose history went on since: the consumer may have counted that, and
    /// will again.
    private var goneOn: Set<AttributeValue> = []
    /// When the projects were created: another one with the same identifier is not meant.
    private var creations: [CodexFlow.Project.ID: Date] = [:]
    private let sequence: SequenceNumber
    /// Where the reading of what was written since is.
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

    /// Takes note of the analytics, and of the history, that were written since.
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

    /// Puts the sums in the place of all analytics, and the consumer's checkpoint where they end.
    ///
    /// - Returns: How many days there are; `nil` if others of the commit group wrote analytics.
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

/// Writes what tallies add.
private enum AnalyticsWriter {
    /// Somebody's day in a project, whose hours are to be added up anew.
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

    /// Adds a tally to the days that there are, but for projects that are gone or go.
    ///
    /// - Parameters:
    ///   - tally: What is added.
    ///   - workers: Whose hours are put as they are now, whatever the day said before.
    ///   - projects: The projects that are meant; `nil` is all.
    ///   - transaction: Where the days are.
    /// - Returns: How many days changed.
    /// - Throws: What reading and writing throw.
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
        // Means look 27 days back.
        let window = CodexCore.Query<CodexFlow.Analytics>.analytics(
            of: project, from: first.adding(days: -27), through: last.adding(days: 27))
        let known = try transaction.sound(window)
        var all = Dictionary(known.map { ($0.date, $0) }) { $1 }
        for day in days {
            // A stored day that leaves no room for more is none of ours.
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
            // What lies before the window was read for its points only.
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
