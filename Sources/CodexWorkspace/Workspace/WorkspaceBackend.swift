public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// What a decision reads: one moment of the data.
    public protocol DecisionReader {
        /// The entity that the lookup names, or `nil`.
        func get<E: Entity>(_ lookup: Lookup<E>) throws -> E?

        /// The entities that the query names, up to `limit`.
        func all<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E]
    }

    /// One entity that a decision writes.
    public enum DecisionWrite: Sendable {
        /// Stores an entity whose key is not taken.
        case insert(any Entity)
        /// Stores an entity in place of the one that was read; attributes that its type does not know
        /// stay.
        case replace(any Entity)
        /// Removes an entity that was read.
        case delete(any Entity)
    }

    /// What became of a command: its answer, and what is to be written for it.
    public struct Decision<Outcome: Sendable>: Sendable {
        /// The answer.
        public let outcome: Outcome
        /// What is written, all of it or nothing.
        public let writes: [DecisionWrite]

        /// Creates a decision.
        public init(_ outcome: Outcome, _ writes: [DecisionWrite]) {
            self.outcome = outcome
            self.writes = writes
        }
    }

    /// Where a ``Workspace`` keeps its data: a remote table (``TableWorkspaceBackend``), or a store of
    /// this process (with the module `Codex`, a workspace is created with the store itself).
    public protocol WorkspaceBackend: Sendable {
        /// Decides and writes what was decided, as if nobody else wrote in between.
        ///
        /// - Parameter decide: A pure function of what it reads. It may run more than once.
        /// - Returns: The decision's outcome.
        /// - Throws: What `decide` throws, with nothing written; ``CodexError/Code/conditionFailed`` if
        ///   the key of an insert is taken; and what writing throws.
        func commit<Outcome: Sendable>(
            _ decide: @escaping @Sendable (any DecisionReader) throws -> Decision<Outcome>
        ) async throws -> Outcome

        /// The entity that the lookup names, or `nil`.
        func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E?

        /// A page of the entities that the query names.
        func query<E: Entity>(
            _ query: Query<E>, limit: Int?, after token: PageToken?
        ) async throws -> Page<E>

        /// Removes up to `limit` items of a project that is marked for deletion
        /// (``Project/deletingSince``), the project itself after all others.
        ///
        /// The mark is looked at in the same commit, so that a project which was made anew with the
        /// same identifier keeps its items.
        ///
        /// - Returns: Whether nothing is left to remove: the project is gone, or not marked.
        func removeItems(of project: Project.ID, limit: Int) async throws -> Bool
    }

    /// The days of time zones.
    public protocol DayCalendar: Sendable {
        /// The day that a moment is on.
        ///
        /// - Parameters:
        ///   - instant: The moment.
        ///   - timeZone: The IANA name of a time zone; `nil` is UTC.
        /// - Returns: The day.
        func day(of instant: Date, in timeZone: String?) -> CalendarDay

        /// Whether there is a time zone of the name.
        func isTimeZone(_ name: String) -> Bool
    }

    /// Days in UTC, the only time zone that it knows.
    public struct UTCCalendar: DayCalendar {
        /// Creates the calendar.
        public init() {}

        /// The day in UTC.
        public func day(of instant: Date, in timeZone: String?) -> CalendarDay {
            CalendarDay(instant)
        }

        /// Whether it is a name of UTC.
        public func isTimeZone(_ name: String) -> Bool {
            ["UTC", "Etc/UTC", "GMT", "Z"].contains(name)
        }
    }
}

extension CalendarDay {
    /// The first day that there is.
    static let distantPast = CalendarDay(daysSince1970: .min)
}
