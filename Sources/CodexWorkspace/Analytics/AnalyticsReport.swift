public import CodexCore

extension CodexFlow {
    /// A summary of a project's days: throughput, cycle and lead times, burndown, cumulative flow.
    public struct AnalyticsReport: Sendable {
        /// Quantiles of times, in seconds.
        public struct Times: Sendable, Hashable {
            /// Half of the tasks took no longer.
            public let median: Int
            /// 85 of 100 tasks took no longer.
            public let p85: Int
            /// 95 of 100 tasks took no longer.
            public let p95: Int

            init?(_ histogram: Histogram) {
                guard let median = histogram.quantile(0.5), let p85 = histogram.quantile(0.85),
                    let p95 = histogram.quantile(0.95)
                else { return nil }
                (self.median, self.p85, self.p95) = (median, p85, p95)
            }
        }

        /// The state of a project at the end of a day.
        public struct State: Sendable, Hashable {
            /// The day.
            public let date: CalendarDay
            /// The points of all tasks except canceled ones: the line above a burndown.
            public let scope: Int
            /// The points of tasks that were not completed: the burndown.
            public let remaining: Int
            /// The tasks in each status: the cumulative flow.
            public let statuses: [Task.Status: Int]
        }

        /// The first day.
        public let first: CalendarDay
        /// The last day.
        public let last: CalendarDay
        /// Tasks completed in the report's time.
        public let tasksCompleted: Int
        /// Points completed in the report's time, without tasks that were already done when they
        /// were imported.
        public let pointsCompleted: Int
        /// Tasks completed per week.
        public let throughput: Double
        /// Hours logged in the report's time.
        public let hoursLogged: Number
        /// Times from start to completion; `nil` if nothing was completed.
        public let cycleTimes: Times?
        /// Times from creation to completion; `nil` if nothing was completed.
        public let leadTimes: Times?
        /// The state at each day's end.
        public let states: [State]

        /// Adds up days.
        ///
        /// - Parameters:
        ///   - days: The project's days from its beginning on, in order.
        ///   - first: The first day of the report.
        ///   - last: Its last day.
        /// - Throws: ``CodexError/Code/invalidArgument`` if the last day is before the first, or if
        ///   there are more than ``CodexFlow/Limits/reportDayCountMax`` days;
        ///   ``CodexFlow/Rule/analyticsFigures``.
        public init(
            _ days: [Analytics], from first: CalendarDay, through last: CalendarDay
        ) throws(CodexError) {
            let count = last.daysSince1970 - first.daysSince1970 + 1
            guard (1...CodexFlow.Limits.reportDayCountMax).contains(count) else {
                throw CodexError(
                    .invalidArgument,
                    "A report is of 1 to \(CodexFlow.Limits.reportDayCountMax) "
                        + "days.")
            }
            for day in days { try day.validate() }
            (self.first, self.last) = (first, last)
            var (cycle, lead) = (Histogram(), Histogram())
            var (completed, points, hours): (Int, Int, Number) = (0, 0, 0)
            var total = Analytics.Flow()
            var states: [State] = []
            var next = days.startIndex
            for offset in 0..<count {
                let date = first.adding(days: offset)
                while next < days.endIndex, days[next].date <= date {
                    let day = days[next]
                    let flow = day.flow ?? Analytics.Flow()
                    total.add(flow)
                    next += 1
                    guard day.date >= first else { continue }
                    completed += day.metrics.tasksCompleted
                    points += flow.ownPoints
                    cycle.add(flow.cycleTimes)
                    lead.add(flow.leadTimes)
                    for stats in day.teamStats {
                        hours = try hours.adding(stats.hoursLogged ?? 0)
                    }
                }
                states.append(
                    State(
                        date: date, scope: total.scope, remaining: total.scope - total.points,
                        statuses: total.statuses))
            }
            tasksCompleted = completed
            pointsCompleted = points
            throughput = Double(completed) * 7 / Double(count)
            hoursLogged = hours
            cycleTimes = Times(cycle)
            leadTimes = Times(lead)
            self.states = states
        }
    }
}

extension CodexFlow.Workspace {
    /// Summarizes the days of a project.
    ///
    /// It reads the analytics that the consumer has computed so far.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` as ``CodexFlow/AnalyticsReport``.
    /// - Complexity: O(*d*) for *d* days since the project began.
    public func analyticsReport(
        of project: CodexFlow.Project.ID, from first: CalendarDay, through last: CalendarDay
    ) async throws -> CodexFlow.AnalyticsReport {
        let days = try await all(
            .analytics(of: project, from: .distantPast, through: last))
        return try CodexFlow.AnalyticsReport(days, from: first, through: last)
    }
}
