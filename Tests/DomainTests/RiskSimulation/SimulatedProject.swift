import Codex
import CodexCore
import Foundation

/// A task of a simulated project, with all that happens to it; days count from the first day.
struct SimulatedTask {
    let created: Int
    let estimate: Int?
    var due: Int?
    /// Whether it has an assignee before somebody starts it.
    var isAssigned = true
    var started: Int?
    var completed: Int?
    var reopened: Int?
    var completedAgain: Int?
    /// The day on which the task that it waits for is done.
    var blockedUntil = 0

    init(created: Int, estimate: Int?) {
        (self.created, self.estimate) = (created, estimate)
    }

    /// The day on which it is done for good; `nil` if that day is after the simulation.
    var finish: Int? { reopened == nil ? completed : completedAgain }

    func isReopened(on day: Int) -> Bool { reopened.map { $0 <= day } ?? false }

    func isStarted(on day: Int) -> Bool { started.map { $0 <= day } ?? false }

    func isDone(on day: Int) -> Bool {
        guard let completed, completed <= day else { return false }
        return !isReopened(on: day) || (completedAgain.map { $0 <= day } ?? false)
    }
}

/// A project whose end is known.
struct SimulatedProject {
    /// A target day, and the day on which it was set.
    struct Target {
        let setOn: Int
        let day: Int
    }

    var tasks: [SimulatedTask] = []
    /// The target days, the first one first.
    var targets: [Target] = []

    /// The last target day.
    var lastTarget: Int { targets.last?.day ?? 0 }

    /// Whether work was left after the last target day.
    var isLate: Bool { tasks.contains { ($0.finish ?? .max) > lastTarget } }

    /// Whether there is open work on a day.
    func hasOpenWork(on day: Int) -> Bool {
        tasks.contains { $0.created <= day && !$0.isDone(on: day) }
    }

    // MARK: The project as the risk analysis sees it

    private static let firstInstant = Date(timeIntervalSince1970: 1_762_300_800)

    private static func instant(_ day: Int) -> Date { firstInstant + Double(day) * 86_400 }

    private static func calendarDay(_ day: Int) -> CalendarDay { CalendarDay(instant(day)) }

    /// The features on a day, from nothing but what was known then.
    func features(on day: Int) throws -> CodexFlow.RiskFeatures {
        var project = CodexFlow.Project(id: "p", name: "P", ownerID: "o", status: .started)
        project.startDate = Self.calendarDay(0)
        for target in targets where target.setOn <= day {
            project.targetDate = Self.calendarDay(target.day)
        }
        var known: [CodexFlow.Task] = []
        var blocked: Set<CodexFlow.Task.ID> = []
        for (place, task) in tasks.enumerated() where task.created <= day {
            let id = try CodexFlow.Task.ID("t\(place)")
            known.append(Self.seen(task, as: id, on: day))
            if task.blockedUntil > day { blocked.insert(id) }
        }
        return CodexFlow.RiskFeatures(
            known, blocked: blocked, in: project, at: Self.instant(day),
            today: Self.calendarDay(day))
    }

    private static func seen(
        _ task: SimulatedTask, as id: CodexFlow.Task.ID, on day: Int
    ) -> CodexFlow.Task {
        let (isDone, isStarted) = (task.isDone(on: day), task.isStarted(on: day))
        var seen = CodexFlow.Task(
            id: id, projectID: "p", title: "T",
            assigneeID: task.isAssigned || isStarted ? "o" : nil,
            status: isDone ? .done : isStarted ? .inProgress : .todo,
            createdAt: instant(task.created))
        seen.estimate = task.estimate
        seen.dueDate = task.due.map(calendarDay)
        if isStarted { seen.startedAt = task.started.map(instant) }
        if task.isReopened(on: day) {
            seen.reopenCount = 1
            seen.statusChangedAt = task.reopened.map(instant)
        }
        return seen
    }
}
