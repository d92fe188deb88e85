import CodexCore
import Foundation

/// Figures recomputed naively, from the whole sequence of changes (Docs/Analytics.md has the
/// rules).
///
/// It looks at whole lives of tasks: there are no running sums and no corrections, and it uses
/// nothing of the code that it checks.
struct AnalyticsOracle {
    /// A change of a task, or hours that were logged on it.
    private struct Moment {
        var at: Date
        var day: CalendarDay
        /// The task afterwards; `nil` if it was removed.
        var task: CodexFlow.Task?
        var hoursPerPoint: Int
    }

    /// A task from its first moment to its removal.
    private struct Life {
        var isImported: Bool
        var moments: [Moment] = []
        var hours: Number = 0
    }

    /// A day's figures.
    struct Figures: Equatable {
        var created = 0
        var canceled = 0
        var reopened = 0
        var completed = 0
        var unestimated = 0
        var points = 0
        var importedPoints = 0
        var scope = 0
        var remaining = 0
        var estimatedHours = 0
        var measuredHours = 0
        var loggedHours: Number = 0
        var statuses: [CodexFlow.Task.Status: Int] = [:]
        var completedBy: [CodexFlow.User.ID: Int] = [:]
        var hours: [CodexFlow.User.ID: Number] = [:]
        var cycleSeconds: [Int] = []
        var leadSeconds: [Int] = []

        mutating func count(_ task: CodexFlow.Task?, _ sign: Int) {
            guard let task, let status = task.status, task.archivedAt == nil else { return }
            let points = sign * (task.estimate ?? 0)
            if status != .canceled { scope += points }
            if ![.done, .canceled].contains(status) { remaining += points }
            let sum = (statuses[status] ?? 0) + sign
            statuses[status] = sum == 0 ? nil : sum
        }
    }

    private var lives: [Life] = []
    /// The place of each present task's life.
    private var present: [CodexFlow.Task.ID: Int] = [:]
    private var logs: [Log: Hours] = [:]

    /// The log of a user, a task and a day.
    private struct Log: Hashable {
        var task: CodexFlow.Task.ID
        var user: CodexFlow.User.ID
        var day: CalendarDay
    }

    /// The hours of a log, and the lives that they belong to.
    private struct Hours {
        var all: Number = 0
        /// The life that changed the log last.
        var life: Int?
        /// The hours that were there when that life changed the log first, and are still there.
        var earlier: Number = 0
        /// The life that changed the log last before.
        var earlierLife: Int?
    }

    // MARK: Recording

    /// Records a task as it is after a change; `nil` is its removal.
    mutating func record(
        _ id: CodexFlow.Task.ID, _ task: CodexFlow.Task?, at: Date, day: CalendarDay,
        hoursPerPoint: Int, isImport: Bool
    ) {
        if present[id] == nil {
            present[id] = lives.count
            lives.append(Life(isImported: isImport))
        }
        guard let place = present[id] else { return }
        lives[place].moments.append(
            Moment(at: at, day: day, task: task, hoursPerPoint: hoursPerPoint))
        if task == nil { present[id] = nil }
    }

    /// Records the hours of a user on a task and a day, as they are after a change.
    ///
    /// Hours that are taken back are those of the present life first, and then those of the life
    /// that changed the log before.
    mutating func record(
        _ hours: Number, on task: CodexFlow.Task.ID, by user: CodexFlow.User.ID, _ day: CalendarDay
    ) throws {
        let log = Log(task: task, user: user, day: day)
        var known = logs[log] ?? Hours()
        let place = present[task]
        if known.life != place {
            (known.earlier, known.earlierLife) = (known.all, known.life)
            known.life = place
        }
        let added = try hours.subtracting(known.all)
        let own = try known.all.subtracting(known.earlier)
        let rest = min(0, try own.adding(added))
        known.earlier = try known.earlier.adding(rest)
        known.all = hours
        logs[log] = known
        if let earlier = known.earlierLife {
            lives[earlier].hours = try lives[earlier].hours.adding(rest)
        }
        guard let place else { return }
        lives[place].hours = try lives[place].hours.adding(try added.subtracting(rest))
    }

    // MARK: Figures

    /// The figures of the days on which there is something to tell.
    func days() throws -> [CalendarDay: Figures] {
        var days: [CalendarDay: Figures] = [:]
        for life in lives {
            Self.addStates(of: life, to: &days)
            try Self.addCompletion(of: life, to: &days)
        }
        for (log, hours) in logs where hours.all != 0 {
            let known = days[log.day]?.hours[log.user] ?? 0
            let sum = try known.adding(hours.all)
            days[log.day, default: Figures()].hours[log.user] = sum
        }
        return days.filter { $0.value != Figures() }
    }

    /// Adds what is booked on the day of each change.
    private static func addStates(of life: Life, to days: inout [CalendarDay: Figures]) {
        var before: CodexFlow.Task?
        for (index, moment) in life.moments.enumerated() {
            var day = days[moment.day] ?? Figures()
            day.count(before, -1)
            day.count(moment.task, 1)
            if index == 0, !life.isImported { day.created += 1 }
            if let before, let task = moment.task, before.status != task.status {
                if task.status == .canceled { day.canceled += 1 }
                if before.status?.isOpen == false, task.status?.isOpen == true {
                    day.reopened += 1
                }
            }
            days[moment.day] = day
            before = moment.task
        }
    }

    /// Adds what is booked on the day of the present completion, if there is one.
    private static func addCompletion(
        of life: Life, to days: inout [CalendarDay: Figures]
    ) throws {
        let moments = life.moments.filter { $0.task != nil }
        let tail = moments.reversed().prefix { $0.task?.status == .done }.count
        let start = moments.count - tail
        guard tail > 0, let last = moments.last?.task, let task = moments[start].task else {
            return
        }
        var day = days[moments[start].day] ?? Figures()
        defer { days[moments[start].day] = day }
        let points = last.estimate ?? 0
        if start == 0 {
            day.importedPoints += points
            return
        }
        day.completed += 1
        day.points += points
        if last.estimate == nil { day.unestimated += 1 }
        let hours = estimatedHours(Array(moments[start...]))
        day.estimatedHours += hours
        if points > 0, life.hours > 0 {
            day.measuredHours += hours
            day.loggedHours = try day.loggedHours.adding(life.hours)
        }
        day.cycleSeconds.append(workSeconds(life, until: start))
        if let created = task.createdAt {
            let seconds = moments[start].at.timeIntervalSince(created)
            day.leadSeconds.append(max(0, Int(seconds.rounded())))
        }
        // The work is the holder's, if a claim held the task.
        let holder = moments[start - 1].task?.holder(at: moments[start].at)
        if let user = holder ?? task.assigneeID { day.completedBy[user, default: 0] += 1 }
    }

    /// The hours of a completed task, by what a point was at the last change of the estimate.
    private static func estimatedHours(_ done: [Moment]) -> Int {
        var (hours, known) = (0, CodexFlow.Task?.none)
        for moment in done {
            let isChanged = (moment.task?.estimate ?? 0) != (known?.estimate ?? 0)
            if known == nil || isChanged {
                hours = (moment.task?.estimate ?? 0) * moment.hoursPerPoint
            }
            known = moment.task
        }
        return hours
    }

    /// The seconds in progress and in review before a moment.
    ///
    /// An interval lasts until the task's status, estimate or archiving changes. A clock that is
    /// behind makes an interval of no length.
    private static func workSeconds(_ life: Life, until end: Int) -> Int {
        var seconds = 0.0
        let moments = life.moments
        if let first = moments[0].task, life.isImported, isInWork(first),
            let started = first.startedAt
        {
            seconds += max(0, moments[0].at.timeIntervalSince(started))
        }
        var last = moments[0]
        for moment in moments[...end].dropFirst() where differs(moment.task, last.task) {
            if let task = last.task, isInWork(task) {
                seconds += max(0, moment.at.timeIntervalSince(last.at))
            }
            last = moment
        }
        return Int(seconds.rounded())
    }

    private static func differs(_ left: CodexFlow.Task?, _ right: CodexFlow.Task?) -> Bool {
        left?.status != right?.status || left?.estimate != right?.estimate
            || left?.archivedAt != right?.archivedAt
    }

    private static func isInWork(_ task: CodexFlow.Task) -> Bool {
        [.inProgress, .inReview].contains(task.status) && task.archivedAt == nil
    }

    // MARK: Days

    /// The day of an instant by Foundation's calendar.
    static func day(of instant: Date, in timeZone: String?) -> CalendarDay? {
        var calendar = Calendar(identifier: .gregorian)
        guard let zone = TimeZone(identifier: timeZone ?? "UTC") else { return nil }
        calendar.timeZone = zone
        let parts = calendar.dateComponents([.year, .month, .day], from: instant)
        guard let year = parts.year, let month = parts.month, let day = parts.day else {
            return nil
        }
        return CalendarDay(year: year, month: month, day: day)
    }

    /// The velocity of a day by definition.
    static func velocity(_ days: [CalendarDay: Figures], on date: CalendarDay) throws -> Number? {
        func isHistory(_ figures: Figures) -> Bool {
            var figures = figures
            figures.hours = [:]
            return figures != Figures()
        }
        guard let first = days.filter({ isHistory($0.value) }).keys.min(), first <= date else {
            return nil
        }
        let window = (0..<28).map { date.adding(days: -$0) }
        let points = window.reduce(0) { $0 + (days[$1]?.points ?? 0) }
        let age = window.count { $0 >= first }
        let exact = Double(points) * 700 / Double(max(7, age))
        return try Number((exact + 1e-9).rounded() / 100)
    }
}
