internal import CodexCore
internal import FoundationEssentials

extension CodexFlow {
    /// What a command knows of the history of a task that it continues.
    struct TaskHistory {
        /// The newest stored entry.
        var newest: Activity?
        /// Whether the newest stored item is not a valid entry.
        var isDamaged = false
        /// Whether this command began the history.
        var hasBegun = false
        /// The place of the newest entry, which this command may have written.
        var place: UInt64?

        /// The identifier with which the history of the present task begins; `nil` if it has begun.
        ///
        /// A history that ends with a deletion is that of an earlier task. The identifier depends
        /// on what is stored alone, so that two commands that begin the history conflict.
        var beginningID: Activity.ID? {
            guard !isDamaged else { return nil }
            guard let newest else { return Activity.importID }
            // A raw entry may have an identifier of any length.
            guard newest.kind == .deleted, newest.id.rawValue.utf8.count <= 64 else { return nil }
            // It sorts directly after the deletion, and before all later identifiers.
            return try? Activity.ID(newest.id.rawValue + "0")
        }
    }
}

extension CodexFlow.DecisionContext {
    /// The history of a task as it is stored, and as this command has continued it.
    ///
    /// - Complexity: Reads one entry, and another one if the newest item is not of a command.
    func history(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) throws -> CodexFlow.TaskHistory {
        let key = [project.rawValue, task.rawValue]
        if let known = histories[key] { return known }
        var history = CodexFlow.TaskHistory()
        do {
            history.newest = try all(.activity(of: task, in: project).reversed, limit: 1).first
        } catch let error as CodexError where error.isOfDamagedItem {
            history.isDamaged = true
        }
        history.place = history.newest.flatMap { TimeOrderedIdentifiers.place(of: $0.id.rawValue) }
        if history.place == nil {
            history.place = try place(behind: history, of: task, in: project)
        }
        histories[key] = history
        return history
    }

    /// The place of the newest entry, if a raw item or the beginning of an imported history comes
    /// after it.
    ///
    /// An entry whose clock was more than a day ahead is taken for a raw one.
    private func place(
        behind history: CodexFlow.TaskHistory, of task: CodexFlow.Task.ID,
        in project: CodexFlow.Project.ID
    ) throws -> UInt64? {
        guard history.isDamaged || history.newest != nil else { return nil }
        let own = history.newest.flatMap { TimeOrderedIdentifiers.place(at: $0.at) }
        guard history.newest?.kind != .imported,
            let end = TimeOrderedIdentifiers.place(at: now + 86_400)
        else { return own }
        let entries = CodexCore.Query<CodexFlow.Activity>.activity(
            of: task, in: project, before: TimeOrderedIdentifiers.beginning(of: end))
        let found = try readable(entries.reversed, limit: 1).first
        let place = found.flatMap { TimeOrderedIdentifiers.place(of: $0.id.rawValue) }
        return [own, place].compactMap { $0 }.max()
    }

    /// The identifier of a new entry, which sorts after all entries of the task's history.
    ///
    /// Analytics replay a history in the order of identifiers. So it must be that of the commits:
    /// also if a command is decided again, and if the writers' clocks differ. The identifier is
    /// made from the stored entries, the stored task and the present time, each time that the
    /// command is decided.
    ///
    /// - Parameters:
    ///   - task: The task.
    ///   - project: Its project.
    ///   - last: The time of the task's last change; `nil` for a new task.
    /// - Returns: The identifier.
    /// - Throws: The errors of reading.
    func newEntryID(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID, after last: Date?
    ) throws -> CodexFlow.Activity.ID {
        var history = try history(of: task, in: project)
        // A stored time may be later than any that an identifier can have.
        let times = [now, instant(after: last)].compactMap { TimeOrderedIdentifiers.place(at: $0) }
        let place = TimeOrderedIdentifiers.place(from: times.max() ?? 0, after: history.place)
        history.place = place
        histories[[project.rawValue, task.rawValue]] = history
        return try CodexFlow.Activity.ID(TimeOrderedIdentifiers.text(place))
    }
}

extension CodexError {
    /// Whether a stored item is not a valid entity.
    fileprivate var isOfDamagedItem: Bool { code == .typeMismatch || code == .missingAttribute }
}

extension TimeOrderedIdentifiers {
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    /// The number of digits of an identifier.
    private static let digitCount = 20
    /// The number of the first digits, which are the place.
    private static let placeDigitCount = 12
    private static let placeMax: UInt64 = (1 << 60) - 1

    /// The identifier at a place, with random bits after it.
    static func text(_ place: UInt64) -> String {
        beginning(of: place) + text(of: UInt64.random(in: 0..<1 << 40), bitCount: 40)
    }

    /// What all identifiers at a place begin with; it sorts before them.
    ///
    /// It is a bound of queries. Such a bound must not have random bits: a command on a remote
    /// table is decided again after each read, and must make the same query.
    static func beginning(of place: UInt64) -> String { text(of: place, bitCount: 60) }

    private static func text(of value: UInt64, bitCount: Int) -> String {
        let text = stride(from: bitCount - 5, through: 0, by: -5).map { shift in
            digits[Int(value >> UInt64(shift) & 31)]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The first place of an instant's millisecond; `nil` after the year 2527.
    static func place(at instant: Date) -> UInt64? {
        let milliseconds = UInt64(max(0, instant.millisecondsSince1970))
        return milliseconds < 1 << 44 ? milliseconds << 16 : nil
    }

    /// The place of an identifier; `nil` for one of another kind.
    static func place(of identifier: String) -> UInt64? {
        guard identifier.utf8.count >= digitCount else { return nil }
        var place: UInt64 = 0
        for byte in identifier.utf8.prefix(placeDigitCount) {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            place = place << 5 | UInt64(digit)
        }
        return place
    }

    /// The first place that is not before `start`, and after `last`.
    static func place(from start: UInt64, after last: UInt64?) -> UInt64 {
        guard let last, last < placeMax else { return start }
        return max(start, last + 1)
    }
}
