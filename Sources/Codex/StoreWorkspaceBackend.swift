public import CodexCore
public import CodexStore
public import CodexWorkspace
public import Foundation

/// A workspace's data in a store in this process.
private struct StoreWorkspaceBackend: CodexFlow.WorkspaceBackend {
    let store: Store
    let cache: StoreCache?

    // A workspace's keys are made from identifiers. Two of them may be spellings of one UUID, and
    // are two keys nevertheless.

    func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
        guard let cache else { return try store.exactly(lookup) }
        do {
            return try cache.get(lookup)
        } catch let error as CodexError where error.code == .invalidKey {
            return try store.exactly(lookup)
        }
    }

    func query<E: Entity>(
        _ query: Query<E>, limit: Int?, after token: PageToken?
    ) async throws -> Page<E> {
        try store.exactPage(of: query, limit: limit, after: token)
    }

    func query<E: Entity>(
        _ query: Query<E>, limit: Int?, after token: PageToken?,
        onFailure: @Sendable (CodexError) -> Void
    ) async throws -> Page<E> {
        try store.exactPage(of: query, limit: limit, after: token, onFailure: onFailure)
    }

    /// The totals that a counter has.
    func taskTotals(
        of project: CodexFlow.Project.ID
    ) async throws -> [CodexFlow.Task.Status: CodexFlow.TaskTotal] {
        var totals: [CodexFlow.Task.Status: CodexFlow.TaskTotal] = [:]
        for group in try store.counts(
            of: CodexFlow.Task.self, by: CodexFlow.Counter.tasksByStatus,
            groupsBeginning: [project.attributeValue])
        {
            guard let text = group.group.last?.string,
                let status = CodexFlow.Task.Status(rawValue: text)
            else { continue }
            totals[status] = CodexFlow.TaskTotal(
                count: group.count, points: group.sums["estimate"] ?? .zero,
                estimatedCount: group.summedCounts["estimate"] ?? 0)
        }
        return totals
    }

    func analyticsProgress() async throws -> CodexFlow.AnalyticsReport.Progress? {
        try store.analyticsProgress()
    }

    /// Reads the log once, after the figures.
    func analyticsProgress(
        during reading: () async throws -> Void
    ) async throws -> CodexFlow.AnalyticsReport.Progress? {
        let start = try store.analyticsPlace()
        try await reading()
        return try start.map { try store.analyticsProgress(since: $0) }
    }

    /// Decides and writes in one transaction.
    func commit<Outcome: Sendable>(
        _ decide:
            @escaping @Sendable (any CodexFlow.DecisionReader) throws -> CodexFlow.Decision<Outcome>
    ) async throws -> Outcome {
        try await store.write { transaction in
            let decision = try decide(StoreReader(reader: transaction.reader))
            for write in decision.writes {
                switch write {
                case .insert(let entity): try transaction.insert(entity)
                case .replace(let entity): try transaction.overwrite(entity)
                case .delete(let entity): try transaction.remove(entity)
                }
            }
            return decision.outcome
        }
    }

    /// The items that a commit of a deletion removes, however long that takes.
    private static let removedCountMin = 32

    /// Removes items of a project that is marked for deletion, for some milliseconds, since other
    /// writers wait.
    func removeItems(of project: CodexFlow.Project.ID, limit: Int) async throws -> Bool {
        try await store.write { transaction in
            guard let found = try transaction.reader.get(.project(project)),
                found.deletingSince != nil
            else { return true }
            let whole = PrimaryKey(.string("PROJECT#\(project)"), "METADATA")
            let definition = try transaction.schema.table(CodexFlow.table)
            let page = try transaction.items(
                matching: TableQuery(
                    table: CodexFlow.table, partition: [whole.partition],
                    projection: try Projection(
                        definition.keyAttributes.map { DocumentPath($0.name) })),
                limits: PageLimits(returned: limit))
            let keys = try page.items.map { try definition.primaryKey(of: $0) }
            let others = keys.filter { $0 != whole }
            // The project's own item is removed after all its other items.
            let isAlone = page.next == nil && others.isEmpty
            let end = ContinuousClock.now + .milliseconds(4)
            for (count, key) in (isAlone ? keys : others).enumerated() {
                if count >= Self.removedCountMin, ContinuousClock.now > end { break }
                try transaction.delete(in: CodexFlow.table, key: key)
            }
            return isAlone
        }
    }
}

extension CodexFlow.Workspace {
    /// Creates a workspace on a store, with the days of all time zones.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - cache: A cache of the store. It answers the reads that are not part of a command:
    ///     `get(_:)` and `session(token:)`. Commands read in their transactions.
    ///   - clock: The source of the present time; `nil` is the store's clock
    ///     (``StoreOptions/now``), by which items expire as well.
    public init(
        _ store: Store, cache: StoreCache? = nil, clock: (@Sendable () -> Date)? = nil
    ) {
        self.init(
            StoreWorkspaceBackend(store: store, cache: cache), clock: clock ?? store.clock,
            calendar: SystemCalendar())
    }
}

/// A decision's view of a write transaction.
private struct StoreReader: CodexFlow.CheckedReader {
    let reader: TransactionReader

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? { try reader.get(lookup) }

    func all<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        try reader.all(query, limit: limit)
    }

    func readable<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        try reader.readable(query, limit: limit)
    }

    func takes<E: Entity>(_ entity: E) throws -> Bool { reader.takes(entity) }
}

/// The days of the time zones that Foundation knows.
public struct SystemCalendar: CodexFlow.DayCalendar {
    /// Creates the calendar.
    public init() {}

    /// The day of an instant; in UTC if the time zone is unknown.
    public func day(of instant: Date, in timeZone: String?) -> CalendarDay {
        guard let timeZone, let zone = TimeZones.shared.zone(timeZone) else {
            return CalendarDay(instant)
        }
        let instant = instant.bounded
        return CalendarDay(instant + TimeInterval(zone.secondsFromGMT(for: instant)))
    }

    /// Whether Foundation knows the time zone.
    public func isTimeZone(_ name: String) -> Bool { TimeZones.shared.zone(name) != nil }
}

/// Time zones by name, cached because creating one reads a file.
private final class TimeZones: Sendable {
    static let shared = TimeZones()
    private let zones = Locked<[String: TimeZone]>([:])

    func zone(_ name: String) -> TimeZone? {
        if let known = zones.withLock({ $0[name] }) { return known }
        // Foundation also accepts abbreviations and offsets, which do not name places.
        guard name == "UTC" || name.contains("/"), let zone = TimeZone(identifier: name) else {
            return nil
        }
        zones.withLock { $0[name] = zone }
        return zone
    }
}
