internal import CodexCore
internal import CodexStore
internal import CodexWorkspace

/// The changes between a batch of the consumer and a snapshot, as far as the batch needs them.
///
/// Most batches need none. The log is read once: each look continues where the last one ended, and
/// what the batches have passed is forgotten. So a consumer that is late reads the log once more
/// than one that is not.
final class AnalyticsLookahead: Sendable {
    /// The error of a batch in which a project's item comes after its history or its work, or a
    /// task's item after its share.
    ///
    /// The consumer has counted nothing of that history, or it came with its analytics, which have
    /// it. The analytics must be rebuilt.
    struct MissedHistory: Error {
        /// The last rebuild.
        let generation: Int
    }

    private let state = Locked(Found())

    /// The first entries of history after a batch, of tasks that the batch only removes.
    ///
    /// - Parameters:
    ///   - removed: The tasks.
    ///   - batch: The batch.
    ///   - snapshot: The snapshot up to which to look.
    ///   - store: The store.
    /// - Returns: The lowest identifiers of the tasks' later counted entries.
    /// - Throws: The errors of reading.
    func firstEntries(
        of removed: Set<AnalyticsTask>, after batch: [ChangeRecord],
        _ snapshot: borrowing Snapshot, _ store: Store
    ) throws -> [AnalyticsTask: CodexFlow.Activity.ID] {
        guard !removed.isEmpty else { return [:] }
        let end = try snapshot.sequenceNumber
        return try state.withLock { found in
            try found.read(from: batch, through: end, store)
            var first: [AnalyticsTask: CodexFlow.Activity.ID] = [:]
            for key in removed { first[key] = found.firstEntry(of: key) }
            return first
        }
    }

    /// Throws if a project's item in a batch comes after history, work or a share of the project.
    ///
    /// An import stores items in the order of their keys, so a history may come first. A project
    /// that was put back has its history from before, and one that was repaired may have more.
    ///
    /// - Throws: ``MissedHistory``, and the errors of reading.
    /// - Complexity: O(*n*) for *n* entries and work logs of a project whose item is in the batch.
    func requireWholeHistories(
        of batch: [ChangeRecord], _ snapshot: borrowing Snapshot, _ store: Store
    ) throws {
        for change in batch {
            guard let project = try change.openedProject else { continue }
            guard try isWhole(project, since: change.sequenceNumber, batch, snapshot, store) else {
                throw MissedHistory(generation: try snapshot.analyticsState.generation)
            }
        }
    }

    /// Whether all history and work of a project came after its item.
    private func isWhole(
        _ project: CodexFlow.Project.ID, since opening: SequenceNumber, _ batch: [ChangeRecord],
        _ snapshot: borrowing Snapshot, _ store: Store
    ) throws -> Bool {
        // The consumer has made no share of a project whose item it has not reached.
        guard try !snapshot.holds("SHARE#", of: project) else { return false }
        let storedCount =
            try snapshot.count("ACTIVITY#", of: project) + snapshot.count("WORK#", of: project)
        guard storedCount > 0 else { return true }
        let end = try snapshot.sequenceNumber
        return try state.withLock { found in
            try found.read(from: batch, through: end, store)
            // If the item was stored again, that later change decides.
            guard let count = found.itemCount(of: project, since: opening) else { return true }
            return storedCount <= count
        }
    }
}

/// What was found in the log.
private struct Found {
    /// A removal of a task's item without an entry of history before it in its commit.
    private struct Removal {
        let number: SequenceNumber
        /// The lowest identifier of the later counted entries.
        var firstEntry: CodexFlow.Activity.ID?
    }

    /// The place of a project's item, and the entries and work logs that were stored after it,
    /// without those that were removed.
    private struct Opening {
        let number: SequenceNumber
        var itemCount = 0
    }

    private static let filter = ChangeFilter(
        tables: [CodexFlow.table],
        entities: [
            CodexFlow.Activity.definition.name, CodexFlow.WorkLog.definition.name,
            CodexFlow.Task.definition.name, CodexFlow.Project.definition.name,
        ])

    /// The place up to which the log was read.
    private var cursor: ChangeCursor?
    /// The first removals of tasks that no batch has passed.
    private var removals: [AnalyticsTask: Removal] = [:]
    /// The tasks of these removals, in the order of their commits.
    private var order: ArraySlice<AnalyticsTask> = []
    private var openings: [CodexFlow.Project.ID: Opening] = [:]
    /// The tasks with an entry in the commit that was read last.
    private var entered: (commit: UInt64, tasks: Set<AnalyticsTask>) = (0, [])

    func firstEntry(of key: AnalyticsTask) -> CodexFlow.Activity.ID? { removals[key]?.firstEntry }

    /// The number of entries and work logs since the item of a project; `nil` if the item was
    /// stored again after it.
    func itemCount(of project: CodexFlow.Project.ID, since opening: SequenceNumber) -> Int? {
        guard let known = openings[project], known.number == opening else { return nil }
        return known.itemCount
    }

    /// Reads on up to the end of a snapshot, and forgets what comes before a batch.
    mutating func read(
        from batch: [ChangeRecord], through end: SequenceNumber, _ store: Store
    ) throws {
        guard let first = batch.first else { return }
        let start = first.commitCursor
        if cursor.map({ $0.sequenceNumber < start.sequenceNumber }) ?? true {
            self = Self()
            cursor = start
        }
        forget(before: first.sequenceNumber)
        guard let known = cursor, known.sequenceNumber < end else { return }
        cursor = try store.catchUp(
            after: known, through: end, view: .keysOnly, filter: Self.filter
        ) { change in
            try add(change)
        }
    }

    private mutating func forget(before number: SequenceNumber) {
        while let key = order.first, let removal = removals[key], removal.number < number {
            removals[key] = nil
            order = order.dropFirst()
        }
        if openings.values.contains(where: { $0.number < number }) {
            openings = openings.filter { $0.value.number >= number }
        }
    }

    private mutating func add(_ change: ChangeRecord) throws {
        switch (try change.entity, change.kind) {
        case (CodexFlow.Task.definition.name?, .remove):
            guard let key = AnalyticsTask(try change.key) else { return }
            addRemoval(of: key, at: change.sequenceNumber)
        case (CodexFlow.Activity.definition.name?, .insert):
            try count(change, 1)
            guard let key = AnalyticsTask(entry: try change.key) else { return }
            enter(key, in: change.sequenceNumber.commit)
            guard removals[key] != nil, let entry = try change.countedEntry else { return }
            if let known = removals[key]?.firstEntry, !entry.isEarlier(than: known) { return }
            removals[key]?.firstEntry = entry.id
        case (CodexFlow.WorkLog.definition.name?, .insert): try count(change, 1)
        case (CodexFlow.Activity.definition.name?, .remove),
            (CodexFlow.WorkLog.definition.name?, .remove):
            try count(change, -1)
        default:
            guard let project = try change.openedProject else { return }
            openings[project] = Opening(number: change.sequenceNumber)
        }
    }

    /// Adds a removal, unless an entry of its commit tells of it, or an earlier removal is known.
    private mutating func addRemoval(of key: AnalyticsTask, at number: SequenceNumber) {
        let isTold = entered.commit == number.commit && entered.tasks.contains(key)
        guard !isTold, removals[key] == nil else { return }
        removals[key] = Removal(number: number)
        order.append(key)
    }

    private mutating func enter(_ key: AnalyticsTask, in commit: UInt64) {
        if entered.commit != commit { entered = (commit, []) }
        entered.tasks.insert(key)
    }

    private mutating func count(_ change: ChangeRecord, _ added: Int) throws {
        guard !openings.isEmpty,
            let project = CodexFlow.Project.ID(partition: try change.key.partition)
        else { return }
        openings[project]?.itemCount += added
    }
}

extension ChangeRecord {
    /// The project whose item begins to accept changes with this change; `nil` if none does.
    ///
    /// The item was stored, or repaired.
    var openedProject: CodexFlow.Project.ID? {
        get throws {
            guard try entity == CodexFlow.Project.definition.name, kind != .remove,
                let id = CodexFlow.Project.ID(partition: try key.partition)
            else { return nil }
            func isOpen(_ image: Item?) throws -> Bool {
                try image.flatMap { try CodexFlow.Project.open(id, in: $0) } != nil
            }
            guard try isOpen(openedNewImage), try !isOpen(openedOldImage) else { return nil }
            return id
        }
    }
}

extension Snapshot {
    fileprivate func query(_ prefix: String, of project: CodexFlow.Project.ID) -> TableQuery {
        TableQuery(
            table: CodexFlow.table, partition: [.string("PROJECT#\(project)")],
            sort: .beginsWith(.string(prefix)))
    }

    /// Whether a project has items with a prefix of their sort keys.
    fileprivate func holds(_ prefix: String, of project: CodexFlow.Project.ID) throws -> Bool {
        var isFound = false
        try forEach(query(prefix, of: project)) { _ in
            isFound = true
            return false
        }
        return isFound
    }

    /// The number of a project's items with a prefix of their sort keys.
    fileprivate func count(_ prefix: String, of project: CodexFlow.Project.ID) throws -> Int {
        try count(query(prefix, of: project)).count
    }
}
