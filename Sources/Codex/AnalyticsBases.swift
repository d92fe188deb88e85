internal import CodexCore
internal import CodexStore
internal import CodexWorkspace

/// The shares of tasks that have none, as they are before a batch of changes.
///
/// A rebuild writes no shares of present tasks. The first change of such a task after the rebuild
/// needs the state that the rebuild has counted. A history may be long. So it is read in a
/// snapshot, and not in the transaction that other writers wait for.
struct AnalyticsBases: Sendable {
    /// The changes of a task in a batch.
    private struct Part {
        /// The counted entry with the lowest identifier; `nil` if the batch has none.
        private(set) var first: CodexFlow.Activity?
        /// The place of the first counted entry.
        private var entryPlace: SequenceNumber?
        /// The place of the first removal of the task's item.
        private var removalPlace: SequenceNumber?

        /// Whether the task was removed before the first entry.
        var beginsWithRemoval: Bool {
            guard let removalPlace else { return false }
            return entryPlace.map { removalPlace < $0 } ?? true
        }

        mutating func add(_ entry: CodexFlow.Activity, at place: SequenceNumber) {
            if first.map({ entry.isEarlier(than: $0.id) }) ?? true { first = entry }
            entryPlace = entryPlace ?? place
        }

        mutating func addRemoval(at place: SequenceNumber) {
            removalPlace = removalPlace ?? place
        }
    }

    /// The last rebuild.
    let generation: Int
    private var shares: [AnalyticsTask: CodexFlow.AnalyticsShare] = [:]

    /// Computes the shares for a batch of changes, none of which is counted yet.
    ///
    /// The snapshot may be newer than the batch. A stored share needs no computation: it has all
    /// that was counted, since a rebuild removes the others (``AnalyticsRebuild/staleShares``).
    ///
    /// - Throws: The errors of reading; ``CodexError/Code/keyUnavailable``;
    ///   ``AnalyticsLookahead/MissedHistory``; ``AnalyticsBatch/Interruption``.
    /// - Complexity: Reads the histories of the tasks without a share. If the batch only removes
    ///   one of these tasks, it also reads the changes up to the snapshot that no earlier batch has
    ///   read.
    init(
        _ changes: [ChangeRecord], _ snapshot: borrowing Snapshot, _ store: Store,
        _ lookahead: AnalyticsLookahead
    ) throws {
        generation = try snapshot.analyticsState.generation
        // Another program may have counted the batch meanwhile.
        if let first = changes.first?.sequenceNumber,
            let done = try snapshot.consumer(Store.analyticsConsumer)?.checkpoint, done >= first
        {
            throw AnalyticsBatch.Interruption()
        }
        try lookahead.requireWholeHistories(of: changes, snapshot, store)
        var parts: [AnalyticsTask: Part] = [:]
        for change in changes { try Self.add(change, to: &parts) }
        for key in Array(parts.keys) {
            let lookup = CodexCore.Lookup<CodexFlow.AnalyticsShare>.analyticsShare(
                of: key.task, in: key.project)
            if try snapshot.sound(lookup, store) != nil { parts[key] = nil }
        }
        // The snapshot may have later entries of the tasks that the batch only removes, but they
        // are those of a new task.
        var removed: Set<AnalyticsTask> = []
        for (key, part) in parts where part.first == nil {
            if try Self.hasHistory(key, snapshot, store) { removed.insert(key) }
        }
        let later = try lookahead.firstEntries(of: removed, after: changes, snapshot, store)
        for (key, part) in parts {
            shares[key] = try Self.share(
                of: key, part, before: part.first?.id ?? later[key], snapshot, store)
        }
    }

    /// The share of a task before the batch; `nil` if the task had a stored one.
    func share(of key: AnalyticsTask) -> CodexFlow.AnalyticsShare? { shares[key] }

    // MARK: Changes

    private static func add(
        _ change: ChangeRecord, to parts: inout [AnalyticsTask: Part]
    ) throws {
        switch (try change.entity, change.kind) {
        case (CodexFlow.Activity.definition.name?, .insert):
            guard let entry = try change.countedEntry else { return }
            let key = AnalyticsTask(entry.projectID, entry.taskID)
            parts[key, default: Part()].add(entry, at: change.sequenceNumber)
        case (CodexFlow.Task.definition.name?, .remove):
            guard let key = AnalyticsTask(try change.key) else { return }
            parts[key, default: Part()].addRemoval(at: change.sequenceNumber)
        default: return
        }
    }

    // MARK: Histories

    private static func hasHistory(
        _ key: AnalyticsTask, _ snapshot: borrowing Snapshot, _ store: Store
    ) throws -> Bool {
        var isFound = false
        let history = CodexCore.Query<CodexFlow.Activity>.activity(of: key.task, in: key.project)
        try snapshot.forEachSound(history, store) { entry in
            isFound = CodexFlow.AnalyticsShare.counts(entry)
            return !isFound
        }
        return isFound
    }

    /// Computes the share of a task from its history before the batch.
    ///
    /// The last rebuild has counted that history, so it is not booked again.
    ///
    /// - Parameters:
    ///   - key: The task.
    ///   - part: Its changes in the batch.
    ///   - end: The first entry that is not from before the batch; `nil` if there is none.
    ///   - snapshot: The snapshot.
    ///   - store: The store.
    /// - Returns: The share.
    /// - Throws: The errors of reading.
    private static func share(
        of key: AnalyticsTask, _ part: Part, before end: CodexFlow.Activity.ID?,
        _ snapshot: borrowing Snapshot, _ store: Store
    ) throws -> CodexFlow.AnalyticsShare {
        var share = CodexFlow.AnalyticsShare(projectID: key.project, taskID: key.task)
        var counted = CodexFlow.AnalyticsTally()
        var (hasHistory, isWhole) = (false, end == nil)
        let history = CodexCore.Query<CodexFlow.Activity>.activity(of: key.task, in: key.project)
        try snapshot.forEachSound(history, store) { entry in
            if let end, !entry.isEarlier(than: end) {
                isWhole = entry.id == end
                return false
            }
            guard CodexFlow.AnalyticsShare.counts(entry) else { return true }
            hasHistory = true
            try share.add(entry, to: &counted)
            return true
        }
        if hasHistory, isWhole { return share }
        // The history was removed after the batch, and the entries that are there came later.
        share = CodexFlow.AnalyticsShare(projectID: key.project, taskID: key.task)
        if let first = part.first, !part.beginsWithRemoval { try share.assumeState(before: first) }
        return share
    }
}

extension CodexFlow.Activity {
    /// Whether the entry sorts before another one of its task.
    func isEarlier(than id: ID) -> Bool { ByteOrder.compare(self.id.rawValue, id.rawValue) < 0 }
}

extension ChangeRecord {
    /// The entry of history that the change inserts; `nil` if it does not count.
    var countedEntry: CodexFlow.Activity? {
        get throws {
            guard let image = try openedNewImage,
                let entry = try CodexFlow.Activity.sound(in: image),
                CodexFlow.AnalyticsShare.counts(entry)
            else { return nil }
            return entry
        }
    }
}
