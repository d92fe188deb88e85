public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// Signs in a project's tasks that it will be late, each from 0 (no sign) to 1.
    public struct RiskFeatures: Sendable, Hashable {
        /// A feature.
        public enum Name: String, Sendable, Hashable, CaseIterable {
            /// The open tasks past their due day, as a share of the open tasks with a due day.
            case overdue
            /// The open tasks that wait for others, as a share of the open tasks.
            case blocked
            /// The delay behind the calendar: the elapsed part of the project's time, less the
            /// completed part of its scope. The time is that of the forecast.
            case behind
            /// The started tasks without a change for 14 days, as a share of the started tasks.
            case stalled
            /// The reopenings, as a share of completions and reopenings.
            case reopened
            /// The open tasks without an assignee, as a share of the open tasks.
            case unassigned
            /// The open tasks without an estimate, as a share of the open tasks.
            case unestimated
            /// The open tasks with a complexity of 7 of 10 or more, as a share of the open tasks
            /// with a complexity.
            case complex
            /// The urgent open tasks, as a share of the open tasks.
            case urgent
            /// The tasks that were created after the first third of the project's time, as a share
            /// of all tasks.
            case scopeGrowth
            /// The forecast from the pace: 1 after the target day. Before it, the value grows with
            /// the time that the remaining work needs at the present pace, over the time left.
            case pace
            /// The part of the project's time that lies after its first target day.
            case postponed
        }

        /// The features' values, from 0 to 1.
        private var values: [Name: Double]
        /// The number of open tasks: without an open task, there is no risk.
        ///
        /// It is 0 for a project that is completed, canceled, archived or in deletion. Of a large
        /// project, only tasks that were read count (``CodexFlow/RiskReport/examinedTaskCount``).
        public let openTaskCount: Int

        /// Whether there is a value of ``Name/pace``.
        ///
        /// A forecast needs a target day and a start, apart from two cases. After the target day,
        /// it is 1 without a start. After the first target day, it is at least 0.6.
        public var hasForecast: Bool { values[.pace] != nil }

        /// Creates features; a missing value is 0, and each value is clamped to 0 through 1.
        public init(_ values: [Name: Double], openTaskCount: Int) {
            self.values = values.mapValues { $0.isNaN ? 0 : max(0, min(1, $0)) }
            self.openTaskCount = openTaskCount
        }

        /// A feature's value.
        public subscript(name: Name) -> Double { values[name] ?? 0 }

        /// The values in the order of ``Name``'s cases: the input row of a ``RandomForest``.
        public var row: [Double] { Name.allCases.map { self[$0] } }

        /// Computes the features of a project's tasks.
        ///
        /// Canceled tasks do not count, and neither do open tasks that are archived. A done task
        /// stays done when it is archived. No task counts in a project that is completed, canceled,
        /// archived or in deletion. A task without an estimate counts as one point.
        ///
        /// - Parameters:
        ///   - tasks: The project's tasks.
        ///   - blocked: The tasks that wait for others.
        ///   - project: The project.
        ///   - now: The present time.
        ///   - today: The present day in the project's time zone.
        ///   - calendar: The source of the days on which the project and its tasks were created.
        ///     By default they are in UTC, as are those in a time zone that it does not have.
        /// - Complexity: O(*n*) for *n* tasks.
        public init(
            _ tasks: [Task], blocked: Set<Task.ID>, in project: Project, at now: Date,
            today: CalendarDay, calendar: some DayCalendar = UTCCalendar()
        ) {
            var counts = Counts(
                project, blocked: blocked, at: now, today: today, calendar: calendar)
            for task in tasks { counts.add(TaskOutline(task)) }
            self.init(counts)
        }

        init(_ counts: Counts) {
            self.init(counts.values, openTaskCount: counts.open)
        }

        /// Whether a project has ended, or is read-only: then its open tasks are no risk.
        static func hasEnded(_ project: Project) -> Bool {
            project.isReadOnly || project.status == .completed || project.status == .canceled
        }

        /// The counts of a project's tasks, which are added one by one.
        struct Counts {
            private let project: Project
            private let isEnded: Bool
            private let blockedTasks: Set<Task.ID>
            /// The last task of which it is known whether it is blocked; `nil` if all are known.
            private let lastKnown: Task.ID?
            private let now: Date
            private let today: CalendarDay
            private let calendar: any DayCalendar
            private(set) var open = 0
            /// The open tasks of which it is known whether they are blocked.
            private var known = 0
            private var due = 0
            private var overdue = 0
            private var blocked = 0
            private var started = 0
            private var stalled = 0
            private var completions = 0
            private var reopenings = 0
            private var unassigned = 0
            private var unestimated = 0
            private var analyzed = 0
            private var complex = 0
            private var urgent = 0
            private var all = 0
            /// The sum of points; a task without an estimate counts one point.
            private var scope = 0
            private var done = 0
            /// When the tasks were created.
            private var creations: [Date] = []
            /// The creation of the oldest task.
            private var oldest: Date?

            init(
                _ project: Project, blocked: Set<Task.ID>, knownThrough last: Task.ID? = nil,
                at now: Date, today: CalendarDay, calendar: any DayCalendar
            ) {
                (self.project, isEnded) = (project, RiskFeatures.hasEnded(project))
                (blockedTasks, lastKnown) = (blocked, last)
                (self.now, self.today, self.calendar) = (now, today, calendar)
            }

            mutating func add(_ task: TaskOutline) {
                guard !isEnded, task.isOpen || task.status == .done else { return }
                all += 1
                if let created = task.createdAt {
                    oldest = min(oldest ?? created, created)
                    creations.append(created)
                }
                let points = max(1, min(task.estimate ?? 1, CodexFlow.Limits.estimateMax))
                scope += points
                let reopenCount = max(0, min(task.reopenCount ?? 0, 1000))
                reopenings += reopenCount
                completions += reopenCount
                guard task.isOpen else {
                    done += points
                    completions += 1
                    return
                }
                open += 1
                if let day = task.dueDate {
                    due += 1
                    if day < today { overdue += 1 }
                }
                if isKnown(task) {
                    known += 1
                    if !blockedTasks.isEmpty, blockedTasks.contains(task.id) { blocked += 1 }
                }
                if task.status?.isStarted == true {
                    started += 1
                    if let last = task.lastChange, now.timeIntervalSince(last) >= 14 * 86_400 {
                        stalled += 1
                    }
                }
                if !task.isAssigned { unassigned += 1 }
                if task.estimate == nil { unestimated += 1 }
                if let complexity = task.complexity {
                    analyzed += 1
                    if complexity >= 7 { complex += 1 }
                }
                if task.priority == .urgent { urgent += 1 }
            }

            /// Whether an instant is of a day or of a later one.
            private func isFrom(_ day: CalendarDay, _ instant: Date) -> Bool {
                // A day of any time zone begins less than 24 hours before or after that of UTC.
                let start = Double(day.daysSince1970) * 86_400
                let distance = instant.timeIntervalSince1970 - start
                if abs(distance) > 86_400 { return distance > 0 }
                return self.day(of: instant) >= day
            }

            /// The day of an instant in the project's time zone; in UTC if the calendar does not
            /// have it.
            private func day(of instant: Date) -> CalendarDay {
                (try? calendar.day(of: instant, in: project.timeZone)) ?? CalendarDay(instant)
            }

            /// Whether it is known of a task whether it is blocked.
            private func isKnown(_ task: TaskOutline) -> Bool {
                guard let lastKnown else { return true }
                return ByteOrder.compare(task.id.rawValue, lastKnown.rawValue) <= 0
            }

            /// The day on which the project starts: without a start day, that of its creation or of
            /// its oldest task; `nil` if there is none.
            private var start: CalendarDay? {
                let created = [project.createdAt, oldest].compactMap { $0 }.min()
                return project.startDate ?? created.map { day(of: $0) }
            }

            /// The elapsed part of the project's time, and the tasks that were created after the
            /// first third of it; 0 of both without a time.
            private func course(from start: CalendarDay?) -> (elapsed: Double, lateCount: Int) {
                guard let start, let last = project.targetDate, last > start else { return (0, 0) }
                let dayCount = last.daysSince1970 - start.daysSince1970
                let over = today.daysSince1970 - start.daysSince1970
                let third = start.adding(days: dayCount / 3 + 1)
                return (
                    max(0, min(1, Double(over) / Double(dayCount))),
                    creations.count { isFrom(third, $0) }
                )
            }

            var values: [Name: Double] {
                let start = start
                let course = self.course(from: start)
                func share(_ part: Int, _ whole: Int) -> Double {
                    whole == 0 ? 0 : Double(part) / Double(whole)
                }
                var values: [Name: Double] = [
                    .overdue: share(overdue, due), .blocked: share(blocked, known),
                    .behind: scope == 0 ? 0 : course.elapsed - share(done, scope),
                    .stalled: share(stalled, started),
                    .reopened: share(reopenings, completions + reopenings),
                    .unassigned: share(unassigned, open), .unestimated: share(unestimated, open),
                    .complex: share(complex, analyzed), .urgent: share(urgent, open),
                    .scopeGrowth: share(course.lateCount, all),
                ]
                if open > 0 {
                    let forecast = PaceForecast(
                        start: start, target: project.targetDate,
                        baseline: project.baselineTargetDate, today: today)
                    values[.pace] = forecast.likelihood(done: done, scope: scope)
                    values[.postponed] = forecast.postponedShare
                }
                return values
            }
        }
    }
}
