internal import CodexCore
internal import CodexStore

/// The removals of projects in the change stream.
///
/// A consumer that is late gets the history of a removed project while a new project has the
/// identifier. That history must not count, not even until the consumer gets to the removal. The
/// consumer may stop before it for longer than changes are kept, and would then never get there.
struct AnalyticsProjectRemovals: Sendable {
    /// The last removal of each project's item.
    private let last: [CodexFlow.Project.ID: SequenceNumber]

    /// Reads the removals after a place, up to a change.
    ///
    /// - Throws: ``CodexError/Code/changesTrimmed``, and the errors of reading.
    init(after start: ChangeCursor, through end: SequenceNumber, _ store: Store) throws {
        let filter = ChangeFilter(
            tables: [CodexFlow.table], entities: [CodexFlow.Project.definition.name],
            kinds: [.remove])
        var found: [CodexFlow.Project.ID: SequenceNumber] = [:]
        _ = try store.catchUp(
            after: start, through: end, view: .keysOnly, filter: filter
        ) { change in
            guard let project = CodexFlow.Project.ID(partition: try change.key.partition) else {
                return
            }
            found[project] = change.sequenceNumber
        }
        last = found
    }

    /// The changes without those from before the removal of their project.
    func remaining(of changes: [ChangeRecord]) throws -> [ChangeRecord] {
        guard !last.isEmpty else { return changes }
        return try changes.filter { change in
            guard let project = CodexFlow.Project.ID(partition: try change.key.partition),
                let removal = last[project]
            else { return true }
            return change.sequenceNumber >= removal
        }
    }
}
