internal import CodexCore
internal import CodexStore
internal import CodexWorkspace
internal import FoundationEssentials

/// The removals of tasks in the change stream, and their places among the entries of history.
///
/// A removal may be in no entry of history. The stream has entries and removals in the order of
/// their commits, which does not depend on the clocks of their writers. So a removal comes before
/// the first entry that was committed after it, of any kind: work that was logged before it counts,
/// and later work does not.
struct AnalyticsRemovals: Sendable {
    /// The times of a task's removals, oldest first.
    private struct Times {
        /// Those before an entry.
        var before: [CodexFlow.Activity.ID: [Date]] = [:]
        /// Those after the last entry.
        var last: [Date] = []
    }

    private var times: [AnalyticsTask: Times] = [:]

    /// Creates removals of no task.
    init() {}

    /// Reads the removals after a place, up to a change; none if the changes are no longer
    /// retained.
    ///
    /// - Throws: The errors of reading; ``CodexError/Code/keyUnavailable``.
    init(after start: ChangeCursor, through end: SequenceNumber, _ store: Store) throws {
        let filter = ChangeFilter(
            tables: [CodexFlow.table],
            entities: [CodexFlow.Task.definition.name, CodexFlow.Activity.definition.name],
            kinds: [.insert, .remove])
        var found = Self()
        do {
            _ = try store.catchUp(
                after: start, through: end, view: .keysOnly, filter: filter
            ) { change in try found.add(change) }
        } catch let error as CodexError where error.code == .changesTrimmed {
            found = Self()
        }
        self = found
    }

    private mutating func add(_ change: ChangeRecord) throws {
        switch (try change.entity, change.kind) {
        case (CodexFlow.Task.definition.name?, .remove):
            guard let key = AnalyticsTask(try change.key) else { return }
            times[key, default: Times()].last.append(change.time)
        case (CodexFlow.Activity.definition.name?, .insert):
            guard let key = AnalyticsTask(entry: try change.key), var known = times[key],
                !known.last.isEmpty, let entry = try change.countedEntry
            else { return }
            known.before[entry.id, default: []] += known.last
            known.last = []
            times[key] = known
        default: return
        }
    }

    /// Takes the removals of a task that came directly before an entry.
    mutating func take(of key: AnalyticsTask, before entry: CodexFlow.Activity.ID) -> [Date] {
        times[key]?.before.removeValue(forKey: entry) ?? []
    }

    /// Takes the removals of a task after its last entry.
    mutating func takeLast(of key: AnalyticsTask) -> [Date] {
        times.removeValue(forKey: key)?.last ?? []
    }
}
