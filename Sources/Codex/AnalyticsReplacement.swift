internal import CodexCore
internal import CodexStore
internal import CodexWorkspace

/// The writes with which a rebuild replaces the stored analytics.
///
/// There may be very many. They are written in transactions of limited size, while the consumer
/// waits. A last small transaction makes them valid.
struct AnalyticsReplacement: Sendable {
    /// A write of one item.
    enum Write: Sendable {
        /// Stores a day, or removes an empty one.
        case day(CodexFlow.Analytics)
        /// Removes a day for which there are no sums.
        case dayRemoval(PrimaryKey)
        /// Stores a share, in the place of a stale one or not.
        case share(CodexFlow.AnalyticsShare, isStale: Bool)
        /// Removes a share that does not have what the sums have of its task.
        case shareRemoval(PrimaryKey)
    }

    let writes: [Write]
    private let generation: Int
    /// The partitions of projects whose stored days the consumer counts again.
    private let goneOn: Set<AttributeValue>
    /// The projects that have sums.
    private let summed: Set<CodexFlow.Project.ID>
    /// The projects as they were at the end of the sums.
    private let projects: [CodexFlow.Project.ID: CodexFlow.Project]

    /// Plans the writes of a rebuild that is in force with a generation.
    ///
    /// - Throws: The errors of making keys.
    init(_ rebuild: AnalyticsRebuild, _ generation: Int, _ definition: TableDefinition) throws {
        self.generation = generation
        (goneOn, projects) = (rebuild.goneOn, rebuild.projects)
        summed = Set(rebuild.tally.days.keys.map(\.projectID))
        let shares = Self.shareWrites(rebuild)
        var writes = shares.writes
        var days: Set<PrimaryKey> = []
        for day in rebuild.tally.days.values {
            days.insert(try definition.primaryKey(of: try day.item()))
            writes.append(.day(day))
        }
        for key in rebuild.storedDays where !days.contains(key) {
            writes.append(.dayRemoval(key))
        }
        // They come last: if the rebuild is interrupted, the next one may need these shares.
        writes += shares.removedKeys.map { Write.shareRemoval($0) }
        self.writes = writes
    }

    /// The writes of shares, and the keys of the shares to remove.
    ///
    /// A share that another one replaces is not removed before: the rebuild may be interrupted in
    /// between.
    private static func shareWrites(
        _ rebuild: AnalyticsRebuild
    ) -> (writes: [Write], removedKeys: Set<PrimaryKey>) {
        var (writes, stale): ([Write], Set<PrimaryKey>) = ([], rebuild.staleShares)
        for share in rebuild.shares {
            let key = AnalyticsTask(share.projectID, share.taskID).shareKey
            writes.append(.share(share, isStale: stale.remove(key) != nil))
        }
        // The consumer goes back, and needs the shares as they were.
        for (task, share) in rebuild.keptShares where stale.contains(task.shareKey) {
            stale.remove(task.shareKey)
            writes.append(.share(share, isStale: true))
        }
        return (writes, stale)
    }

    /// Performs some of the writes.
    ///
    /// Projects that are missing, damaged, in deletion or not those of the sums are left out.
    ///
    /// - Returns: The number of stored days; `nil` if another rebuild is in force.
    /// - Throws: The errors of reading and writing.
    func perform(
        _ range: Range<Int>, _ transaction: inout WriteTransaction
    ) throws -> Int? {
        var state = try transaction.analyticsState
        guard state.advance(generation) else { return nil }
        try transaction.setAnalyticsState(state)
        var projects = MeantProjects(projects)
        var count = 0
        for write in writes[range] {
            switch write {
            case .day(let day):
                if try projects.contains(day.projectID, transaction) {
                    count += try AnalyticsWriter.replace(day, &transaction)
                } else if goneOn.contains(.string("PROJECT#\(day.projectID)")) {
                    try transaction.delete(.analytics(of: day.projectID, on: day.date))
                }
            case .dayRemoval(let key):
                guard try isStale(key, &projects, transaction) else { continue }
                try AnalyticsWriter.removeDay(key, &transaction)
            case .share(let share, let isStale):
                if try projects.contains(share.projectID, transaction) {
                    try AnalyticsWriter.store(share, &transaction)
                } else if isStale {
                    let task = AnalyticsTask(share.projectID, share.taskID)
                    try transaction.delete(in: CodexFlow.table, key: task.shareKey)
                }
            case .shareRemoval(let key):
                try transaction.delete(in: CodexFlow.table, key: key)
            }
        }
        return count
    }

    /// Whether a stored day without sums is of no use: its project has other sums, or the consumer
    /// counts it again.
    private func isStale(
        _ key: PrimaryKey, _ projects: inout MeantProjects,
        _ transaction: borrowing WriteTransaction
    ) throws -> Bool {
        if goneOn.contains(key.partition) { return true }
        guard let project = CodexFlow.Project.ID(partition: key.partition),
            summed.contains(project)
        else { return false }
        return try projects.contains(project, transaction)
    }
}

/// The projects that are still those of the sums, and accept changes.
private struct MeantProjects {
    private let projects: [CodexFlow.Project.ID: CodexFlow.Project]
    private var known: [CodexFlow.Project.ID: Bool] = [:]

    init(_ projects: [CodexFlow.Project.ID: CodexFlow.Project]) { self.projects = projects }

    mutating func contains(
        _ id: CodexFlow.Project.ID, _ transaction: borrowing WriteTransaction
    ) throws -> Bool {
        if let isMeant = known[id] { return isMeant }
        var isMeant = false
        if let found = try transaction.openProject(id) {
            isMeant = found.createdAt == projects[id]?.createdAt
        }
        known[id] = isMeant
        return isMeant
    }
}
