internal import CodexCore
internal import Synchronization

/// How far the claims of a backend spread over the first tasks of each queue.
///
/// Claims on a remote table that choose the same task meet each other, and all but one are decided
/// again. A queue has a width: the number of first tasks among which a claim chooses. The width
/// grows while claims meet each other, and shrinks with each claim that is written. So few workers
/// keep the order of the queue, and many rarely choose the same task.
///
/// The width is only a hint. No rule depends on it: the write of a claim has the condition that its
/// task is unchanged.
final class QueueSpread: Sendable {
    /// The width of a queue whose claims do not meet each other.
    static let widthMin = CodexFlow.DecisionContext.claimableCountMax
    /// The width of a queue of many workers: in a model of 64 agents, it is wide enough for 1.3
    /// attempts for each claim.
    static let widthMax = 128
    /// Most queues that have another width than the smallest.
    private static let queueCountMax = 1000

    private let widths = Mutex<[CodexFlow.Project.ID: Int]>([:])

    /// The width of a project's queue.
    func width(of project: CodexFlow.Project.ID) -> Int {
        widths.withLock { $0[project] } ?? Self.widthMin
    }

    /// Notes that a claim met another command.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - width: The width that the claim used. Claims with this width that fail at the same time
    ///     double it once.
    func widen(_ project: CodexFlow.Project.ID, from width: Int) {
        widths.withLock { widths in
            let wider = min(2 * width, Self.widthMax)
            guard wider > widths[project] ?? Self.widthMin else { return }
            if widths.count >= Self.queueCountMax { widths.removeAll() }
            widths[project] = wider
        }
    }

    /// Notes that a claim was written.
    ///
    /// The width shrinks by an eighth. It is then steady if about one of six claims meets another.
    func narrow(_ project: CodexFlow.Project.ID) {
        widths.withLock { widths in
            guard let width = widths[project] else { return }
            let narrower = width - max(1, width / 8)
            widths[project] = narrower > Self.widthMin ? narrower : nil
        }
    }
}

/// The queues from which the decisions of one attempt choose tasks.
///
/// One task at a time uses it.
final class QueueChoices {
    /// The number of the attempt, from 1.
    let attempt: Int
    private let spread: QueueSpread
    /// The widths of the queues that decisions asked for.
    private var widths: [CodexFlow.Project.ID: Int] = [:]

    init(_ spread: QueueSpread, attempt: Int) {
        self.spread = spread
        self.attempt = attempt
    }

    /// Whether a decision chose from a queue, so that the next attempt reads something else.
    var isUsed: Bool { !widths.isEmpty }

    /// The width of a project's queue, the same one each time that the attempt asks for it.
    func width(of project: CodexFlow.Project.ID) -> Int {
        if let known = widths[project] { return known }
        let width = spread.width(of: project)
        widths[project] = width
        return width
    }

    /// Notes whether the attempt was written, or met another command.
    func end(isWritten: Bool) {
        for (project, width) in widths {
            if isWritten {
                spread.narrow(project)
            } else {
                spread.widen(project, from: width)
            }
        }
    }
}

/// How one attempt of a claim on a remote table chooses among the tasks of a queue.
struct QueueChoice {
    /// How many of the first tasks are not read, if there are enough others.
    let place: Int
    /// The number of tasks among which the claim chooses, of the few that it reads.
    private let count: Int
    private let width: Int
    private let attempt: Int
    private let identifier: String

    /// Makes the choice of an attempt: another attempt chooses another place.
    ///
    /// - Parameters:
    ///   - choices: The choices of the attempt.
    ///   - project: The project.
    ///   - identifier: An identifier of the claim, the same one at each attempt.
    init(_ choices: QueueChoices, in project: CodexFlow.Project.ID, by identifier: String) {
        typealias Context = CodexFlow.DecisionContext
        width = choices.width(of: project)
        count = min(width, Context.firstReadCount)
        attempt = choices.attempt
        self.identifier = identifier
        place = Context.start(among: width - count + 1, by: "\(identifier)#place#\(attempt)")
    }

    /// Whether the claim takes up other tasks, while the queue has enough.
    ///
    /// A claim that met another command does not: the other one may have taken them up.
    var takesUp: Bool {
        attempt == 1 && CodexFlow.DecisionContext.start(among: 4, by: identifier) == 0
    }

    /// Tasks in the order in which the claim looks at them.
    ///
    /// - Parameters:
    ///   - tasks: The tasks in the order of the queue.
    ///   - isWhole: Whether they are the first of the queue, and not some of the first.
    /// - Returns: The tasks, from one of the first on.
    func order<Element>(_ tasks: [Element], isWhole: Bool = false) -> [Element] {
        guard !tasks.isEmpty else { return [] }
        let start = CodexFlow.DecisionContext.start(
            among: min(tasks.count, isWhole ? width : count),
            by: "\(identifier)#start#\(attempt)")
        return Array(tasks[start...] + tasks[..<start])
    }
}
