internal import CodexCore
internal import FoundationEssentials

/// What a command is known to read, as far as its arguments tell.
///
/// A backend that fetches over a network asks for all of it at once. It runs ``read`` several
/// times: each time, what depends on the items of the time before is asked for. A command that
/// reads something else only takes longer.
struct KnownReads: Sendable {
    /// The values that a command gets from outside, as far as its reads depend on them.
    struct Given {
        /// The present time of the command.
        let now: Date
        private let calendar: any CodexFlow.DayCalendar
        private let identifiers: (Int) -> String

        /// - Parameters:
        ///   - now: The present time of the command.
        ///   - calendar: The days of time zones.
        ///   - identifiers: Gives the identifiers that the command will get, by their places; the
        ///     same ones each time.
        init(
            now: Date, calendar: any CodexFlow.DayCalendar, identifiers: @escaping (Int) -> String
        ) {
            self.now = now
            self.calendar = calendar
            self.identifiers = identifiers
        }

        /// An identifier that the command will get, by its place from 0.
        func identifier(_ place: Int) -> String { identifiers(place) }

        /// The present day in a project's time zone.
        ///
        /// - Throws: The error of a calendar without the days of the time zone.
        func today(in project: CodexFlow.Project) throws(CodexError) -> CalendarDay {
            try calendar.day(of: now, in: project.timeZone)
        }
    }

    typealias Read = @Sendable (any CodexFlow.DecisionReader, Given) throws -> Void

    let read: Read

    /// Nothing is known.
    static let none = KnownReads { _, _ in }

    init(_ read: @escaping Read) { self.read = read }

    /// What these and others read.
    func and(
        _ more: @escaping @Sendable (any CodexFlow.DecisionReader) throws -> Void
    ) -> Self {
        with { reader, _ in try more(reader) }
    }

    /// What these and others read, which depend on given values.
    func with(_ more: @escaping Read) -> Self {
        let read = read
        return Self { reader, given in
            try read(reader, given)
            try more(reader, given)
        }
    }

    /// The acting user and the project, with the membership.
    static func actor(
        _ actor: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self { reader, _ in
            try reader.readWorker(actor, in: project)
            _ = try reader.get(.project(project))
        }
    }
}

extension CodexFlow.DecisionReader {
    /// Reads a user and the user's membership in a project.
    func readWorker(_ user: CodexFlow.User.ID, in project: CodexFlow.Project.ID) throws {
        _ = try get(.user(user))
        _ = try get(.member(user, of: project))
    }

    /// The newest entry of a task's history.
    func newestEntry(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> CodexFlow.Activity? {
        try all(.activity(of: task, in: project).reversed, limit: 1).first
    }

    /// Reads what may keep a task waiting: its blockers, and two of its open parts.
    func readObstacles(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws {
        _ = try all(.blockers(of: task, in: project), limit: nil)
        _ = try readable(.openSubtasks(of: task, in: project), limit: 2)
    }
}
