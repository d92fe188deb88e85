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
            /// completed part of its scope.
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
        }

        /// The features' values, from 0 to 1.
        private var values: [Name: Double]
        /// The number of open tasks: without an open task, there is no risk.
        public let openTaskCount: Int

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
        /// Archived tasks and canceled tasks do not count.
        ///
        /// - Parameters:
        ///   - tasks: The project's tasks.
        ///   - blocked: The tasks that wait for others.
        ///   - project: The project.
        ///   - now: The present time.
        ///   - today: The present day in the project's time zone.
        /// - Complexity: O(*n*) for *n* tasks.
        public init(
            _ tasks: [Task], blocked: Set<Task.ID>, in project: Project, at now: Date,
            today: CalendarDay
        ) {
            var counts = Counts(project, blocked: blocked, at: now, today: today)
            for task in tasks { counts.add(TaskOutline(task)) }
            self.init(counts)
        }

        init(_ counts: Counts) {
            self.init(counts.values, openTaskCount: counts.open)
        }

        /// The counts of a project's tasks, which are added one by one.
        struct Counts {
            private let blockedTasks: Set<Task.ID>
            private let now: Date
            private let today: CalendarDay
            /// The elapsed part of the project's time, from 0 to 1; `nil` without a start or target
            /// day.
            private let elapsed: Double?
            /// The end of the first third of the project's time.
            private let third: Date?
            private(set) var open = 0
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
            private var late = 0
            private var all = 0
            /// The sum of points; a task without an estimate counts one point.
            private var scope = 0
            private var done = 0

            init(
                _ project: Project, blocked: Set<Task.ID>, at now: Date, today: CalendarDay
            ) {
                (blockedTasks, self.now, self.today) = (blocked, now, today)
                let first = project.startDate ?? project.createdAt.map { CalendarDay($0) }
                guard let first, let last = project.targetDate, last > first else {
                    (elapsed, third) = (nil, nil)
                    return
                }
                let days = last.daysSince1970 - first.daysSince1970
                let over = today.daysSince1970 - first.daysSince1970
                elapsed = max(0, min(1, Double(over) / Double(days)))
                // The end of the day.
                third = Date(
                    timeIntervalSince1970: Double(first.daysSince1970 + days / 3 + 1) * 86_400)
            }

            mutating func add(_ task: TaskOutline) {
                guard !task.isArchived, task.status != .canceled else { return }
                all += 1
                let points = max(1, min(task.estimate ?? 1, CodexFlow.Limits.estimateMax))
                scope += points
                let reopenCount = max(0, min(task.reopenCount ?? 0, 1000))
                reopenings += reopenCount
                completions += reopenCount
                if let third, let created = task.createdAt, created >= third { late += 1 }
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
                if !blockedTasks.isEmpty, blockedTasks.contains(task.id) { blocked += 1 }
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

            var values: [Name: Double] {
                func share(_ part: Int, _ whole: Int) -> Double {
                    whole == 0 ? 0 : Double(part) / Double(whole)
                }
                return [
                    .overdue: share(overdue, due), .blocked: share(blocked, open),
                    .behind: scope == 0 ? 0 : (elapsed ?? 0) - share(done, scope),
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
