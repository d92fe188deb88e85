internal import CodexCore
internal import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

/// The sums of the history and the work logs in one snapshot.
///
/// The snapshot is read twice. The first time finds which tasks there are, and what removed tasks
/// contributed. The second time adds the history of each task, entry by entry, and compares the
/// outcome with the stored share.
struct AnalyticsRebuild: Sendable {
    /// The end of the sums: they have the changes up to this place.
    private(set) var end: ChangeCursor
    /// The number of rebuilds before this one.
    private(set) var generation: Int
    private(set) var tally = CodexFlow.AnalyticsTally()
    /// The keys of the days in the snapshot, and of those that were written later, except for days
    /// of imports.
    private(set) var storedDays: Set<PrimaryKey> = []
    /// The keys of the shares that do not have what the sums have of their tasks, and of those that
    /// were written later.
    private(set) var staleShares: Set<PrimaryKey> = []
    /// The partitions of projects with newer history, which the consumer counts again.
    private(set) var goneOn: Set<AttributeValue> = []
    /// The projects, whose creation times tell a project from a later one with the same identifier.
    private(set) var projects: [CodexFlow.Project.ID: CodexFlow.Project] = [:]
    /// The stored shares that have more than the history, as they are in the snapshot: those of
    /// removed tasks, and of tasks without history.
    private(set) var keptShares: [AnalyticsTask: CodexFlow.AnalyticsShare] = [:]
    /// The shares to store, since neither the stored ones nor the history have what the sums have.
    private(set) var shares: [CodexFlow.AnalyticsShare] = []
    /// The tasks that there are.
    private var tasks: Set<AnalyticsTask> = []
    /// The hash values of the stored shares whose task has no history, as far as it was read.
    private var unread: [AnalyticsTask: Int] = [:]
    /// The shares of removed tasks, without those whose task has history, as far as it was read.
    private var known: [AnalyticsTask: CodexFlow.AnalyticsShare] = [:]
    /// The removals of tasks that the shares do not have.
    private var removals = AnalyticsRemovals()
    /// The share of the task whose history is being read, and its identifiers.
    private var current: (key: AnalyticsTask, share: CodexFlow.AnalyticsShare)?
    /// Whether a removal of that task was in no entry of history.
    private var isUnnoticed = false
    /// The place up to which newer changes were read.
    private var readThrough: ChangeCursor

    /// Sums up the history and the work logs in a snapshot.
    ///
    /// - Parameters:
    ///   - snapshot: The snapshot.
    ///   - store: The store.
    ///   - start: The place after which the shares lack removals; `nil` if it is not known.
    /// - Throws: The errors of reading; ``CodexError/Code/keyUnavailable``.
    init(_ snapshot: borrowing Snapshot, _ store: Store, after start: ChangeCursor?) throws {
        end = try snapshot.cursor
        generation = try snapshot.analyticsState.generation
        readThrough = end
        if let start {
            removals = try AnalyticsRemovals(after: start, through: end.sequenceNumber, store)
        }
        var reading = self
        let definition = try store.schema.table(CodexFlow.table)
        try snapshot.forEach(TableScan(table: CodexFlow.table)) { view in
            try reading.survey(view, definition, store)
            return true
        }
        reading.known = reading.keptShares
        try snapshot.forEach(TableScan(table: CodexFlow.table)) { view in
            try reading.add(view, store)
            return true
        }
        try reading.finish()
        self = reading
    }

    // MARK: First reading

    private mutating func survey(
        _ view: borrowing ItemView, _ definition: TableDefinition, _ store: Store
    ) throws {
        switch store.entityName(of: view.header) {
        case CodexFlow.Task.definition.name?:
            let keys = try view.item(keeping: ["PK", "SK"])
            if let key = AnalyticsTask(try definition.primaryKey(of: keys)) { tasks.insert(key) }
        case CodexFlow.Project.definition.name?:
            let item = try store.opened(view)
            if let project = CodexFlow.Project.placed(in: item) {
                projects[project.id] = project
            } else {
                try item.requireOpened()
            }
        case CodexFlow.Analytics.definition.name?:
            let item = try store.opened(view)
            if try !CodexFlow.Analytics.isImported(item) {
                storedDays.insert(try definition.primaryKey(of: item))
            }
        case CodexFlow.AnalyticsShare.definition.name?:
            let share = try CodexFlow.AnalyticsShare.sound(in: try store.opened(view))
            guard let share else { return }
            let key = AnalyticsTask(share.projectID, share.taskID)
            unread[key] = share.hashValue
            if share.removedID != nil { keptShares[key] = share }
        default: break
        }
    }

    // MARK: Second reading

    private mutating func add(_ view: borrowing ItemView, _ store: Store) throws {
        switch store.entityName(of: view.header) {
        case CodexFlow.Activity.definition.name?:
            let entry = try CodexFlow.Activity.sound(in: try store.opened(view))
            if let entry, CodexFlow.AnalyticsShare.counts(entry) { try add(entry) }
        case CodexFlow.WorkLog.definition.name?:
            let log = try CodexFlow.WorkLog.sound(in: try store.opened(view))
            if let log { try tally.add(log) }
        case CodexFlow.AnalyticsShare.definition.name?:
            // The keys of a project's history come before those of its shares.
            let share = try CodexFlow.AnalyticsShare.sound(in: try store.opened(view))
            if let share { try add(share) }
        default: break
        }
    }

    private mutating func add(_ entry: CodexFlow.Activity) throws {
        let key = AnalyticsTask(entry.projectID, entry.taskID)
        if current?.key != key {
            try finishTask()
            let stored = known.removeValue(forKey: key)
            if let stored { try tally.add(stored.past.values) }
            current = (
                key,
                CodexFlow.AnalyticsShare(
                    projectID: key.project, taskID: key.task, after: stored)
            )
        }
        guard var share = current?.share, !share.isPast(entry) else { return }
        let times = removals.take(of: key, before: entry.id)
        try remove(&share, key, at: times)
        try share.add(entry, to: &tally)
        current?.share = share
    }

    /// Takes out a task that was removed at some times, if no entry tells of it.
    private mutating func remove(
        _ share: inout CodexFlow.AnalyticsShare, _ key: AnalyticsTask, at times: [Date]
    ) throws {
        for time in times where share.state != nil {
            try share.remove(on: day(of: time, key), from: &tally)
            isUnnoticed = true
        }
    }

    /// Takes out the task whose history was read, if it was removed, and checks its stored share.
    private mutating func finishTask() throws {
        guard let (key, found) = current else { return }
        var share = found
        let times = removals.takeLast(of: key)
        try remove(&share, key, at: times)
        // The change that removed it is no longer retained, or an import has not stored it yet.
        if share.state != nil, !tasks.contains(key) {
            try share.setMissing(true, &tally)
            isUnnoticed = true
        }
        let stored = unread.removeValue(forKey: key)
        let isStale = stored != nil && stored != share.hashValue
        if isUnnoticed || isStale && share.removedID != nil {
            shares.append(share)
        } else if isStale {
            // The history has it all, until it is removed.
            staleShares.insert(key.shareKey)
        }
        (current, isUnnoticed) = (nil, false)
    }

    /// Adds what a task contributed whose history was removed, whether the task is there or not.
    private mutating func add(_ stored: CodexFlow.AnalyticsShare) throws {
        try finishTask()
        let key = AnalyticsTask(stored.projectID, stored.taskID)
        guard unread.removeValue(forKey: key) != nil, stored.state != nil else { return }
        try tally.add(stored.days.values)
        var share = stored
        // What it contributed has the task. Here it is found out again whether the item is missing.
        share.isMissing = false
        if let removal = removals.takeLast(of: key).last {
            try share.remove(on: day(of: removal, key), from: &tally)
        } else {
            if !tasks.contains(key) { try share.setMissing(true, &tally) }
            keptShares[key] = share
        }
        if share != stored { shares.append(share) }
    }

    /// Adds what is left after the second reading: removed tasks without history.
    private mutating func finish() throws {
        try finishTask()
        for stored in known.values { try tally.add(stored.past.values) }
        (known, tasks, unread, removals) = ([:], [], [:], AnalyticsRemovals())
    }

    private func day(of time: Date, _ key: AnalyticsTask) -> CalendarDay {
        SystemCalendar().day(of: time, in: projects[key.project]?.timeZone)
    }

    // MARK: Newer changes

    /// Records the analytics and the history that were written since.
    mutating func readOn(_ store: Store) throws {
        let filter = ChangeFilter(
            tables: [CodexFlow.table],
            entities: [
                CodexFlow.Analytics.definition.name, CodexFlow.AnalyticsShare.definition.name,
                CodexFlow.Activity.definition.name, CodexFlow.WorkLog.definition.name,
            ])
        let last = try store.read { try $0.sequenceNumber }
        readThrough = try store.catchUp(
            after: readThrough, through: last, view: .keysOnly, filter: filter
        ) { change in
            switch try change.entity {
            case CodexFlow.Analytics.definition.name?:
                let key = try change.key
                if let image = try change.openedNewImage,
                    try !CodexFlow.Analytics.isImported(image)
                {
                    storedDays.insert(key)
                } else {
                    storedDays.remove(key)
                }
            case CodexFlow.AnalyticsShare.definition.name?: staleShares.insert(try change.key)
            default: goneOn.insert(try change.key.partition)
            }
        }
    }
}

extension CodexFlow.Analytics {
    /// Whether an item is a day of an import: it is valid, and has no sums of the consumer.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if encrypted fields cannot be opened.
    fileprivate static func isImported(_ item: Item) throws(CodexError) -> Bool {
        guard let day = try sound(in: item) else { return false }
        return day.flow == nil
    }
}
