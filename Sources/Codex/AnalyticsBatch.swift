internal import CodexCore
internal import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

/// The effects of a batch of changes on the analytics, in the transaction of their checkpoint.
struct AnalyticsBatch {
    /// The changes that concern the analytics.
    static let filter = ChangeFilter(
        tables: [CodexFlow.table],
        entities: [
            CodexFlow.Activity.definition.name, CodexFlow.WorkLog.definition.name,
            CodexFlow.Task.definition.name, CodexFlow.Project.definition.name,
        ])

    /// Interrupts the consumer: what was read before the transaction is out of date.
    ///
    /// A rebuild replaces the days, a share was removed by another program, or the checkpoint was
    /// moved.
    struct Interruption: Error {}

    /// Interrupts the consumer: more analytics of a removed project are left than one transaction
    /// removes.
    struct Leftover: Error {
        let project: CodexFlow.Project.ID
        /// The change that removed the project.
        let removal: SequenceNumber
    }

    /// The highest number of items of a removed project that one transaction removes.
    static let removalCountMax = 200

    /// The shares of the tasks that had none before the batch.
    private let bases: AnalyticsBases
    private var tally = CodexFlow.AnalyticsTally()
    /// The shares of the tasks that the batch concerns, as they will be stored.
    private var shares: [AnalyticsTask: CodexFlow.AnalyticsShare] = [:]
    /// The projects that accept changes; `nil` for one that is missing, damaged or being deleted.
    private var projects: [CodexFlow.Project.ID: CodexFlow.Project?] = [:]
    /// The projects that were removed in the batch, so that no earlier share is of use.
    private var removedProjects: Set<CodexFlow.Project.ID> = []
    /// The tasks whose history began in the batch.
    private var begun: Set<AnalyticsTask> = []

    private init(_ bases: AnalyticsBases) { self.bases = bases }

    /// Applies a batch of changes, in the transaction that has moved the checkpoint past them.
    ///
    /// - Parameters:
    ///   - changes: The changes.
    ///   - start: The checkpoint before them.
    ///   - bases: The shares of the tasks that had none.
    ///   - transaction: The transaction.
    /// - Throws: The errors of reading and writing; ``CodexError/Code/keyUnavailable``;
    ///   ``Interruption``, ``Leftover``, ``AnalyticsLookahead/MissedHistory``.
    static func apply(
        _ changes: [ChangeRecord], after start: SequenceNumber, _ bases: AnalyticsBases,
        to transaction: inout WriteTransaction
    ) throws {
        guard try transaction.analyticsState.generation == bases.generation else {
            throw Interruption()
        }
        try moveCheckpoint(from: start, &transaction)
        var batch = AnalyticsBatch(bases)
        for change in changes { try batch.add(change, &transaction) }
        try AnalyticsWriter.add(batch.tally, &transaction)
        for (key, share) in batch.shares {
            guard try batch.project(key.project, transaction) != nil else { continue }
            try AnalyticsWriter.store(share, &transaction)
        }
    }

    /// Records the checkpoint that the stored days are of.
    ///
    /// - Parameters:
    ///   - start: The checkpoint before the transaction.
    ///   - transaction: The transaction, which has moved the checkpoint.
    /// - Throws: ``Interruption`` if the days are not valid, or are not those of `start`; the
    ///   errors of reading and writing.
    static func moveCheckpoint(
        from start: SequenceNumber, _ transaction: inout WriteTransaction
    ) throws {
        var state = try transaction.analyticsState
        guard state.isPresent, state.checkpoint == start else { throw Interruption() }
        state.checkpoint = try transaction.checkpoint(of: Store.analyticsConsumer)
        try transaction.setAnalyticsState(state)
    }

    private mutating func add(
        _ change: ChangeRecord, _ transaction: inout WriteTransaction
    ) throws {
        switch (try change.entity, change.kind) {
        case (CodexFlow.Activity.definition.name?, .insert):
            guard let new = try change.openedNewImage,
                let entry = try CodexFlow.Activity.sound(in: new)
            else { return }
            try add(entry, transaction)
        case (CodexFlow.WorkLog.definition.name?, _): try addWork(change, transaction)
        case (CodexFlow.Task.definition.name?, .insert):
            guard let key = AnalyticsTask(try change.key) else { return }
            try putBack(key, transaction)
        case (CodexFlow.Task.definition.name?, .remove):
            guard let key = AnalyticsTask(try change.key) else { return }
            try remove(key, at: change.time, transaction)
        case (CodexFlow.Project.definition.name?, .remove):
            guard let project = CodexFlow.Project.ID(partition: try change.key.partition) else {
                return
            }
            try empty(project, change.sequenceNumber, &transaction)
        default: return
        }
    }

    /// Adds the difference that a change of a work log makes.
    private mutating func addWork(
        _ change: ChangeRecord, _ transaction: borrowing WriteTransaction
    ) throws {
        let old = try change.openedOldImage.flatMap { try CodexFlow.WorkLog.sound(in: $0) }
        let new = try change.openedNewImage.flatMap { try CodexFlow.WorkLog.sound(in: $0) }
        guard let log = new ?? old, new?.hours != old?.hours,
            try project(log.projectID, transaction) != nil
        else { return }
        if let new { try tally.add(new) }
        if let old { try tally.remove(old) }
    }

    // MARK: Tasks

    private mutating func add(
        _ entry: CodexFlow.Activity, _ transaction: borrowing WriteTransaction
    ) throws {
        guard CodexFlow.AnalyticsShare.counts(entry),
            try project(entry.projectID, transaction) != nil
        else { return }
        let key = AnalyticsTask(entry.projectID, entry.taskID)
        if CodexFlow.AnalyticsShare.begins(with: entry) { begun.insert(key) }
        var share: CodexFlow.AnalyticsShare
        if let known = shares.removeValue(forKey: key) {
            share = known
        } else {
            share = try storedShare(of: key, transaction)
        }
        try share.add(entry, to: &tally)
        shares[key] = share
    }

    /// Puts a task back into the figures of state whose item was missing when they were rebuilt.
    ///
    /// An import stores tasks after their history, and a rebuild may come in between. The import
    /// may also have stored the task's share in between. The days do not have that one.
    ///
    /// - Throws: ``AnalyticsLookahead/MissedHistory`` in the latter case; the errors of reading.
    private mutating func putBack(
        _ key: AnalyticsTask, _ transaction: borrowing WriteTransaction
    ) throws {
        guard try project(key.project, transaction) != nil, !begun.contains(key),
            !removedProjects.contains(key.project)
        else { return }
        var share: CodexFlow.AnalyticsShare
        if let known = shares[key] {
            share = known
        } else {
            let lookup = CodexCore.Lookup<CodexFlow.AnalyticsShare>.analyticsShare(
                of: key.task, in: key.project)
            guard let stored = try transaction.sound(lookup) else { return }
            share = stored
        }
        guard share.state != nil else { return }
        guard share.isMissing else {
            throw AnalyticsLookahead.MissedHistory(generation: bases.generation)
        }
        try share.setMissing(false, &tally)
        shares[key] = share
    }

    /// Takes a task whose item was removed out of the figures of state.
    private mutating func remove(
        _ key: AnalyticsTask, at time: Date, _ transaction: borrowing WriteTransaction
    ) throws {
        guard let project = try self.project(key.project, transaction) else { return }
        var share: CodexFlow.AnalyticsShare
        if let known = shares[key] {
            share = known
        } else {
            share = try storedShare(of: key, transaction)
        }
        // The history may have told of the removal before.
        guard share.state != nil else { return }
        // The stream does not tell the time zone that the project had then.
        let day = SystemCalendar().day(of: time, in: project.timeZone)
        try share.remove(on: day, from: &tally)
        shares[key] = share
    }

    /// A task's share before the batch.
    private func storedShare(
        of key: AnalyticsTask, _ transaction: borrowing WriteTransaction
    ) throws -> CodexFlow.AnalyticsShare {
        if removedProjects.contains(key.project) {
            return CodexFlow.AnalyticsShare(projectID: key.project, taskID: key.task)
        }
        let lookup = CodexCore.Lookup<CodexFlow.AnalyticsShare>.analyticsShare(
            of: key.task, in: key.project)
        if let stored = try transaction.sound(lookup) { return stored }
        guard let share = bases.share(of: key) else { throw Interruption() }
        return share
    }

    // MARK: Projects

    /// The project; `nil` if it is missing, damaged or being deleted.
    private mutating func project(
        _ id: CodexFlow.Project.ID, _ transaction: borrowing WriteTransaction
    ) throws -> CodexFlow.Project? {
        if let known = projects[id] { return known }
        let project = try transaction.openProject(id)
        projects.updateValue(project, forKey: id)
        return project
    }

    /// Removes the analytics of a removed project.
    ///
    /// The command that deletes a project deletes them as well. But the project's item may have
    /// been removed directly, or the history of the removed project may have been counted for a
    /// new one with the same identifier.
    private mutating func empty(
        _ project: CodexFlow.Project.ID, _ removal: SequenceNumber,
        _ transaction: inout WriteTransaction
    ) throws {
        tally.remove(project)
        shares = shares.filter { $0.key.project != project }
        removedProjects.insert(project)
        let isDone = try transaction.removeAnalytics(of: project, upTo: Self.removalCountMax)
        guard isDone else { throw Leftover(project: project, removal: removal) }
    }
}

extension Identifier where Model == CodexFlow.Project {
    /// Reads the partition key of a project's items; `nil` for other keys.
    init?(partition: AttributeValue) {
        guard let text = partition.string, text.utf8.starts(with: "PROJECT#".utf8),
            let id = try? Self(String(decoding: text.utf8.dropFirst(8), as: UTF8.self))
        else { return nil }
        self = id
    }
}
