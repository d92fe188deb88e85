public import FoundationEssentials

extension CodexFlow {
    /// What a project's tasks say about whether it will be late: each from 0, nothing to see, to 1.
    public struct RiskFeatures: Sendable, Hashable {
        /// A feature.
        public enum Name: String, Sendable, Hashable, CaseIterable {
            /// Open tasks that are past their due day, of those that have one.
            case overdue
            /// Open tasks that wait for others, of the open ones.
            case blocked
            /// How far completion is behind the calendar: the part of the project's time that is over,
            /// less the part of its scope that is done.
            case behind
            /// Started tasks that nothing happened to for 14 days, of the started ones.
            case stalled
            /// Reopenings, of completions and reopenings.
            case reopened
            /// Open tasks that nobody has, of the open ones.
            case unassigned
            /// Open tasks without an estimate, of the open ones.
            case unestimated
            /// Open tasks of high complexity (7 of 10, or more), of those that have one.
            case complex
            /// Urgent tasks that are open, of the open ones.
            case urgent
            /// Tasks that came after a third of the project's time, of all.
            case scopeGrowth
        }

        /// The features' values, from 0 to 1.
        private var values: [Name: Double]
        /// The open tasks there are: without one, there is no risk.
        public let openTaskCount: Int

        /// Creates features; what is missing is 0, and what is not from 0 to 1 is moved there.
        public init(_ values: [Name: Double], openTaskCount: Int) {
            self.values = values.mapValues { $0.isNaN ? 0 : max(0, min(1, $0)) }
            self.openTaskCount = openTaskCount
        }

        /// A feature's value.
        public subscript(name: Name) -> Double { values[name] ?? 0 }

        /// The values in the order of ``Name``'s cases: the row that a ``RandomForest`` gets.
        public var row: [Double] { Name.allCases.map { self[$0] } }

        /// Looks at a project's tasks.
        ///
        /// Archived tasks and canceled ones do not count.
        ///
        /// - Parameters:
        ///   - tasks: The project's tasks.
        ///   - blocked: Those that wait for others.
        ///   - project: The project.
        ///   - now: Now.
        ///   - today: Today in the project.
        /// - Complexity: O(*n*) for *n* tasks.
        public init(
            _ tasks: [Task], blocked: Set<Task.ID>, in project: Project, at now: Date,
            today: CalendarDay
        ) {
            let first = project.startDate ?? project.createdAt.map { CalendarDay($0) }
            let elapsed = first.flatMap { first -> Double? in
                guard let end = project.targetDate, end > first else { return nil }
                let all = Double(end.daysSince1970 - first.daysSince1970)
                return max(0, Double(today.daysSince1970 - first.daysSince1970)) / all
            }
            let third = first.flatMap { first in
                project.targetDate.map {
                    first.adding(days: ($0.daysSince1970 - first.daysSince1970) / 3)
                }
            }
            var counts = Counts()
            for task in tasks where task.archivedAt == nil && task.status != .canceled {
                counts.add(task, isBlocked: blocked.contains(task.id), now, today, after: third)
            }
            var values = counts.values
            if let elapsed, counts.scope > 0 {
                values[.behind] = min(1, elapsed) - Double(counts.done) / Double(counts.scope)
            }
            self.init(values, openTaskCount: counts.open)
        }

        /// What is counted of tasks.
        private struct Counts {
            var open = 0
            var due = 0
            var overdue = 0
            var blocked = 0
            var started = 0
            var stalled = 0
            var completions = 0
            var reopenings = 0
            var unassigned = 0
            var unestimated = 0
            var analyzed = 0
            var complex = 0
            var urgent = 0
            var late = 0
            var all = 0
            /// Points, of which a task without an estimate has one.
            var scope = 0
            var done = 0

            mutating func add(
                _ task: Task, isBlocked: Bool, _ now: Date, _ today: CalendarDay,
                after third: CalendarDay?
            ) {
                all += 1
                let points = max(1, min(task.estimate ?? 1, Limits.estimateMax))
                scope += points
                let reopenCount = max(0, min(task.reopenCount ?? 0, 1000))
                reopenings += reopenCount
                completions += reopenCount
                if let third, let created = task.createdAt, CalendarDay(created) > third {
                    late += 1
                }
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
                if isBlocked { blocked += 1 }
                if task.status?.isStarted == true {
                    started += 1
                    let last = [task.updatedAt, task.statusChangedAt, task.startedAt]
                        .compactMap { $0 }.max()
                    if let last, now.timeIntervalSince(last) >= 14 * 86_400 { stalled += 1 }
                }
                if task.assigneeID == nil { unassigned += 1 }
                if task.estimate == nil { unestimated += 1 }
                if let complexity = task.complexity {
                    analyzed += 1
                    if complexity >= 7 { complex += 1 }
                }
                if task.priority == .urgent { urgent += 1 }
            }

            var values: [Name: Double] {
                func share(_ part: Int, _ whole: Int) -> Double {
                    whole == 0 ? 0 : Double(part) / Double(whole)
                }
                return [
                    .overdue: share(overdue, due), .blocked: share(blocked, open),
                    .stalled: share(stalled, started),
                    .reopened: share(reopenings, completions + reopenings),
                    .unassigned: share(unassigned, open), .unestimated: share(unestimated, open),
                    .complex: share(complex, analyzed), .urgent: share(urgent, open),
                    .scopeGrowth: share(late, all),
                ]
            }
        }
    }
}
