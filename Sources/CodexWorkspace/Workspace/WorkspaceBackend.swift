public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// The source of a decision's reads: one consistent state of the data.
    public protocol DecisionReader {
        /// The entity of the lookup, or `nil`.
        func get<E: Entity>(_ lookup: Lookup<E>) throws -> E?

        /// The entities of the query, up to `limit`.
        func all<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E]

        /// The entities of the query, up to `limit`, without those that cannot be read.
        ///
        /// It passes over a bounded number of such items. By default it is ``all(_:limit:)``, which
        /// throws.
        func readable<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E]
    }

    /// Reads of a table that also tell what the table refuses.
    package protocol CheckedReader: DecisionReader {
        /// Whether the table takes an entity in place of the stored one.
        ///
        /// It does not if the item is too large, with the stored attributes that the type does not
        /// know, or if a key is too long.
        func takes<E: Entity>(_ entity: E) throws -> Bool
    }

    /// Reads of a table that gives numbers before the commit.
    package protocol NumberingReader: DecisionReader {
        /// The next number of a project's tasks, which no other command gets.
        ///
        /// The same decision gets the same number each time that it runs.
        ///
        /// - Parameter project: The project.
        /// - Returns: The number; `nil` if the decision takes the number itself, from the sequence.
        /// - Throws: An error that ends the decision, if the number must be taken first.
        func takeTaskNumber(of project: Project.ID) throws -> Int?
    }

    /// Reads of a table of which another command may change the results before the commit.
    package protocol ProtectingReader: DecisionReader {
        /// The entities of a query about links between the waiting tasks of a project.
        ///
        /// The commit fails if another command added a link in the project meanwhile. So the query
        /// takes no predicate lock of its own: any number of them has the same few.
        ///
        /// - Parameters:
        ///   - query: The query.
        ///   - project: The project.
        ///   - isLenient: Whether it leaves out items that cannot be read.
        /// - Returns: The entities.
        /// - Throws: As the other reads.
        func linked<E: Entity>(
            _ query: Query<E>, in project: Project.ID, isLenient: Bool
        ) throws -> [E]

        /// Notes that the decision relies on the content of an entity that a query returned: the
        /// commit fails if another command changes it meanwhile.
        func rely<E: Entity>(on entity: E) throws
    }

    /// A write of one entity by a decision.
    public enum DecisionWrite: Sendable {
        /// Stores an entity whose key must not exist yet.
        case insert(any Entity)
        /// Replaces the entity that was read; attributes that its type does not know stay.
        case replace(any Entity)
        /// Deletes an entity that was read.
        case delete(any Entity)
    }

    /// What a command on a remote table does after its commit, in a commit of its own.
    package struct LaterDecision: Sendable {
        /// Reads what the decision is known to read.
        let reading: @Sendable (any DecisionReader) throws -> Void
        let decide: @Sendable (any DecisionReader) throws -> Decision<Void>
    }

    /// The result of a command: its answer, and its writes.
    public struct Decision<Outcome: Sendable>: Sendable {
        /// The answer.
        public let outcome: Outcome
        /// The writes, which are committed all or none.
        public let writes: [DecisionWrite]

        /// The decisions of further commits.
        ///
        /// A transaction on a remote table has no room for them. A store in this process needs
        /// none.
        package let later: [LaterDecision]

        /// Creates a decision.
        public init(_ outcome: Outcome, _ writes: [DecisionWrite]) {
            self.init(outcome, writes, later: [])
        }

        /// Creates a decision that others follow.
        package init(
            _ outcome: Outcome, _ writes: [DecisionWrite], later: [LaterDecision]
        ) {
            self.outcome = outcome
            self.writes = writes
            self.later = later
        }
    }

    /// The storage of a ``Workspace``'s data: a remote table, or a store in this process.
    ///
    /// A remote table has ``TableWorkspaceBackend``. For a store, the module `Codex` creates a
    /// workspace from the store itself.
    public protocol WorkspaceBackend: Sendable {
        /// Decides and writes the decision, as if no other writer wrote in between.
        ///
        /// - Parameter decide: A pure function of its reads. It may run more than once.
        /// - Returns: The decision's outcome.
        /// - Throws: The errors of `decide`, with nothing written;
        ///   ``CodexError/Code/conditionFailed`` if the key of an insert exists; and the errors of
        ///   writing.
        func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (any DecisionReader) throws -> Decision<Outcome>
        ) async throws -> Outcome

        /// Decides and writes the decision, as ``commit(_:)``, with a hint of what it reads.
        ///
        /// By default, the hint has no effect.
        ///
        /// - Parameters:
        ///   - known: Reads what the decision is known to read. A read may find nothing although
        ///     there is something. It may run more than once, or not at all.
        ///   - decide: As for ``commit(_:)``.
        /// - Returns: The decision's outcome.
        /// - Throws: As ``commit(_:)``.
        func commit<Outcome: Sendable>(
            reading known: @escaping @Sendable (any DecisionReader) throws -> Void,
            _ decide: @escaping @Sendable (any DecisionReader) throws -> Decision<Outcome>
        ) async throws -> Outcome

        /// The entity of the lookup, or `nil`.
        func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E?

        /// A page of the entities of the query.
        func query<E: Entity>(
            _ query: Query<E>, limit: Int?, after token: PageToken?
        ) async throws -> Page<E>

        /// A page of the entities of the query, without those that cannot be read.
        ///
        /// By default it is ``query(_:limit:after:)``, which throws.
        ///
        /// - Parameters:
        ///   - query: The query.
        ///   - limit: The maximum number of entities; items that cannot be read do not count.
        ///   - token: The token of the previous page; `nil` for the first page.
        ///   - onFailure: Gets the error of each item that cannot be read, with its key.
        /// - Returns: The page.
        /// - Throws: The errors that are not of one item.
        func query<E: Entity>(
            _ query: Query<E>, limit: Int?, after token: PageToken?,
            onFailure: @Sendable (CodexError) -> Void
        ) async throws -> Page<E>

        /// Which writes a list of the query sees; by default all that completed before it.
        ///
        /// - Throws: The errors of the query's definition.
        func consistency<E: Entity>(of query: Query<E>) throws -> ReadConsistency

        /// Deletes up to `limit` items of a project that is marked for deletion, the project itself
        /// last.
        ///
        /// The same commit checks the mark (``Project/deletingSince``). A new project with the same
        /// identifier therefore keeps its items.
        ///
        /// - Returns: Whether nothing is left to delete: the project is gone, or not marked.
        func removeItems(of project: Project.ID, limit: Int) async throws -> Bool

        /// The totals of a project's tasks by status; by default they are counted.
        ///
        /// - Returns: The totals of the statuses that tasks have.
        func taskTotals(of project: Project.ID) async throws -> [Task.Status: TaskTotal]

        /// Whether a consumer can compute the analytics of the data; by default yes.
        var hasAnalytics: Bool { get }

        /// How far the consumer of analytics is; `nil` if the data has none.
        func analyticsProgress() async throws -> AnalyticsReport.Progress?

        /// How far the consumer of analytics is while figures are read; `nil` if the data has none.
        ///
        /// By default, it is the worse one of ``analyticsProgress()`` before and after the reading.
        ///
        /// - Parameter reading: Reads the figures, once.
        /// - Returns: The progress, in which a change during the reading is missing.
        /// - Throws: The errors of `reading`, and those of reading the progress.
        func analyticsProgress(
            during reading: () async throws -> Void
        ) async throws -> AnalyticsReport.Progress?
    }

    /// The days of time zones.
    public protocol DayCalendar: Sendable {
        /// The day of an instant.
        ///
        /// - Parameters:
        ///   - instant: The instant.
        ///   - timeZone: The IANA name of a time zone; `nil` is UTC.
        /// - Returns: The day.
        /// - Throws: An error if the calendar does not have the days of the time zone. It ends the
        ///   command.
        func day(of instant: Date, in timeZone: String?) throws(CodexError) -> CalendarDay

        /// Whether a time zone with the name exists.
        func isTimeZone(_ name: String) -> Bool
    }

    /// Days in UTC, the only time zone of this calendar.
    ///
    /// A command that sets another time zone is refused, and so is one that needs the day of a
    /// project with another one.
    public struct UTCCalendar: DayCalendar {
        /// Creates the calendar.
        public init() {}

        /// The day in UTC.
        ///
        /// - Throws: ``CodexError/Code/unsupportedOperation`` for another time zone.
        public func day(
            of instant: Date, in timeZone: String?
        ) throws(CodexError) -> CalendarDay {
            if let timeZone, !isTimeZone(timeZone) {
                throw CodexError(
                    .unsupportedOperation,
                    "The project has another time zone than UTC, and UTCCalendar has no other. "
                        + "Give the workspace a calendar with time zones: SystemCalendar of the "
                        + "module Codex, or a type of your own.")
            }
            return CalendarDay(instant)
        }

        /// Whether the name is one of UTC's.
        public func isTimeZone(_ name: String) -> Bool {
            ["UTC", "Etc/UTC", "GMT", "Z"].contains(name)
        }
    }
}

extension CodexFlow.WorkspaceBackend {
    /// Decides and writes the decision, without use of the hint.
    public func commit<Outcome: Sendable>(
        reading known: @escaping @Sendable (any CodexFlow.DecisionReader) throws -> Void,
        _ decide:
            @escaping @Sendable (any CodexFlow.DecisionReader) throws -> CodexFlow.Decision<Outcome>
    ) async throws -> Outcome {
        try await commit(decide)
    }

    /// Each list sees all writes that completed before it.
    public func consistency<E: Entity>(of query: Query<E>) throws -> ReadConsistency {
        .consistent
    }

    /// A page of the entities of the query, as ``query(_:limit:after:)``.
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int?, after token: PageToken?,
        onFailure: @Sendable (CodexError) -> Void
    ) async throws -> Page<E> {
        try await self.query(query, limit: limit, after: token)
    }
}

extension CodexFlow.DecisionReader {
    /// The entities of the query, as ``all(_:limit:)``.
    public func readable<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        try all(query, limit: limit)
    }

    /// Some of the first entities of the query, up to `limit`, without those that cannot be read.
    ///
    /// On a remote table, so that workers look at different ones. Others read the first ones.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The most entities.
    ///   - place: How many of the first ones are passed over, if there are enough others.
    /// - Returns: The entities; fewer than `limit` are all of the query.
    /// - Throws: As the other reads.
    func candidates<E: Entity>(
        of query: Query<E>, limit: Int, from place: Int
    ) throws -> [E] {
        if let reads = self as? TableReads { return try reads.readable(query, limit, from: place) }
        if let collector = self as? ReadCollector {
            return try collector.readable(query, limit, from: place)
        }
        return try readable(query, limit: limit)
    }

    /// The queues from which the decision chooses tasks; `nil` if no other worker comes between.
    var queueChoices: QueueChoices? {
        (self as? TableReads)?.choices ?? (self as? ReadCollector)?.choices
    }

    /// Whether the table takes an entity in place of the stored one, as far as the reader knows.
    func accepts<E: Entity>(_ entity: E) throws -> Bool {
        if let checked = self as? any CodexFlow.CheckedReader { return try checked.takes(entity) }
        return (try? entity.item().validate()) != nil
    }
}

extension CalendarDay {
    /// The first possible day.
    static let distantPast = CalendarDay(daysSince1970: .min)
}
