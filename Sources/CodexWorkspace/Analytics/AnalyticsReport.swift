public import CodexCore
public import FoundationEssentials

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
            /// The points of all tasks except canceled, archived and removed ones: the line above a
            /// burndown.
            public let scope: Int
            /// The points of the open ones among them: the burndown.
            public let remaining: Int
            /// The tasks in each status, without archived and removed ones: the cumulative flow.
            public let statuses: [Task.Status: Int]
            /// Points completed per week, as the mean of the 28 days up to this one, or of the days
            /// since the project's history began, 7 at least.
            ///
            /// It is `nil` before the history began.
            public let velocity: Number?
        }

        /// How far the consumer of analytics is.
        public struct Progress: Sendable, Hashable {
            /// The number of commits after the consumer's checkpoint, whether they concern it or
            /// not.
            public let lagCommitCount: UInt64
            /// The time of the oldest change that the figures do not have; `nil` if they have all.
            ///
            /// It may be too early by changes that do not concern the analytics, if there are more
            /// than 16 MiB of them before it.
            public let missingSince: Date?
            /// Whether changes after the checkpoint are no longer retained, so that the analytics
            /// must be rebuilt.
            public let isTrimmed: Bool
            /// Whether the days are being rebuilt, or must be, so that some may be out of date.
            ///
            /// In a report, also whether a rebuild began while the days were read.
            public let isRebuilding: Bool
            /// The number of rebuilds that have begun to replace days; `nil` if it is not known.
            package var rebuildCount: Int?

            /// Whether the figures have all changes.
            public var isCurrent: Bool { missingSince == nil && !isTrimmed && !isRebuilding }

            /// Creates the progress of a consumer.
            public init(
                lagCommitCount: UInt64, missingSince: Date?, isTrimmed: Bool,
                isRebuilding: Bool = false
            ) {
                self.lagCommitCount = lagCommitCount
                self.missingSince = missingSince
                self.isTrimmed = isTrimmed
                self.isRebuilding = isRebuilding
            }

            /// The progress of figures that were read between this progress and a later one: of
            /// each figure, the worse.
            ///
            /// - Parameters:
            ///   - later: The later progress.
            ///   - missing: The time of a change that the figures may lack, apart from those of
            ///     both progresses; `nil` is none.
            ///   - isCut: Whether a search for such a change found that the log was trimmed.
            /// - Returns: The progress.
            package func worst(
                with later: Self, missingSince missing: Date? = nil, isTrimmed isCut: Bool = false
            ) -> Self {
                let times = [missingSince, later.missingSince, missing]
                var worst = Self(
                    lagCommitCount: max(lagCommitCount, later.lagCommitCount),
                    missingSince: times.compactMap { $0 }.min(),
                    isTrimmed: isTrimmed || later.isTrimmed || isCut,
                    isRebuilding: isRebuilding || later.isRebuilding
                        || rebuildCount != later.rebuildCount)
                worst.rebuildCount = later.rebuildCount
                return worst
            }
        }

        /// The first day.
        public let first: CalendarDay
        /// The last day.
        public let last: CalendarDay
        /// Tasks completed in the report's time.
        public let tasksCompleted: Int
        /// Points completed in the report's time, without tasks that were done when their history
        /// began.
        public let pointsCompleted: Int
        /// Tasks completed per week.
        public let throughput: Double
        /// Hours logged in the report's time.
        public let hoursLogged: Number
        /// Estimated hours of the completed tasks over all hours logged on them, 0 to 1.
        ///
        /// It is `nil` if no completed task has an estimate and logged hours.
        public let teamEfficiency: Number?
        /// Times from start to completion; `nil` if nothing was completed.
        public let cycleTimes: Times?
        /// Times from creation to completion; `nil` if nothing was completed.
        public let leadTimes: Times?
        /// The state at each day's end.
        public let states: [State]
        /// How far the consumer was when the days were read: of each figure, the worse one of those
        /// before and after the reading.
        ///
        /// It is `nil` if there is no consumer, or if the report was made from given days.
        public internal(set) var progress: Progress?

        /// The velocity at the end of the report.
        public var velocity: Number? { states.last?.velocity }

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
            let count = try Self.dayCount(from: first, through: last)
            for day in days { try day.validate() }
            (self.first, self.last) = (first, last)
            var sums = Sums()
            var total = Analytics.Flow()
            var velocities = Analytics.Velocities(days)
            var states: [State] = []
            var next = days.startIndex
            for offset in 0..<count {
                let date = first.adding(days: offset)
                while next < days.endIndex, days[next].date <= date {
                    try total.add(days[next].flow ?? Analytics.Flow())
                    if days[next].date >= first { try sums.add(days[next]) }
                    next += 1
                }
                states.append(
                    State(
                        date: date, scope: max(0, total.scope),
                        remaining: max(0, total.remaining),
                        statuses: total.statuses.filter { $0.value > 0 },
                        velocity: try velocities.velocity(on: date)))
            }
            tasksCompleted = sums.completed
            pointsCompleted = sums.flow.points
            throughput = Double(sums.completed) * 7 / Double(count)
            hoursLogged = sums.hours
            teamEfficiency = try Analytics.efficiency(
                of: sums.flow.measuredHours, over: sums.flow.loggedHours)
            cycleTimes = Times(sums.flow.cycleTimes)
            leadTimes = Times(sums.flow.leadTimes)
            self.states = states
        }
    }
}

extension CodexFlow.AnalyticsReport {
    /// The number of days from the first to the last.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` if there are none or too many.
    fileprivate static func dayCount(
        from first: CalendarDay, through last: CalendarDay
    ) throws(CodexError) -> Int {
        let count = last.daysSince1970 - first.daysSince1970 + 1
        guard (1...CodexFlow.Limits.reportDayCountMax).contains(count) else {
            throw CodexError(
                .invalidArgument,
                "A report is of 1 to \(CodexFlow.Limits.reportDayCountMax) days.")
        }
        return count
    }

    /// The sums of the report's days.
    private struct Sums {
        var completed = 0
        var hours: Number = 0
        var flow = CodexFlow.Analytics.Flow()

        mutating func add(_ day: CodexFlow.Analytics) throws(CodexError) {
            completed += day.metrics.tasksCompleted
            try flow.add(day.flow ?? CodexFlow.Analytics.Flow())
            for stats in day.teamStats { hours = try hours.adding(stats.hoursLogged ?? 0) }
            hours = try hours.adding(day.otherStats?.hoursLogged ?? 0)
        }
    }
}

extension CodexFlow.WorkspaceBackend {
    /// Analytics that a consumer can compute.
    public var hasAnalytics: Bool { true }

    /// No progress, for data without a consumer of analytics.
    public func analyticsProgress() async throws -> CodexFlow.AnalyticsReport.Progress? { nil }

    /// The worse one of the progress before a reading and that after it, of each figure.
    public func analyticsProgress(
        during reading: () async throws -> Void
    ) async throws -> CodexFlow.AnalyticsReport.Progress? {
        let before = try await analyticsProgress()
        try await reading()
        guard let before, let after = try await analyticsProgress() else { return nil }
        return before.worst(with: after)
    }
}

extension CodexFlow.Workspace {
    /// Summarizes the days of a project.
    ///
    /// It reads the analytics that the consumer has computed so far
    /// (``CodexFlow/AnalyticsReport/progress``).
    ///
    /// - Throws: ``CodexError/Code/unsupportedOperation`` on a remote table, which has no consumer
    ///   of analytics; ``CodexError/Code/invalidArgument`` as ``CodexFlow/AnalyticsReport``.
    /// - Complexity: O(*d*) for *d* days since the project began.
    public func analyticsReport(
        of project: CodexFlow.Project.ID, from first: CalendarDay, through last: CalendarDay
    ) async throws -> CodexFlow.AnalyticsReport {
        try requireAnalytics()
        // The days are read in pages. So the progress covers all of them, and never promises too
        // much.
        var days: [CodexFlow.Analytics] = []
        let progress = try await backend.analyticsProgress {
            days = try await all(.analytics(of: project, from: .distantPast, through: last))
        }
        var report = try CodexFlow.AnalyticsReport(days, from: first, through: last)
        report.progress = progress
        return report
    }

    /// The analytics of each day of a range, also of days without events, with their velocity.
    ///
    /// - Throws: As ``analyticsReport(of:from:through:)``; ``CodexFlow/Rule/analyticsFigures``.
    /// - Complexity: O(*d*) for *d* days since the project began.
    public func analyticsDays(
        of project: CodexFlow.Project.ID, from first: CalendarDay, through last: CalendarDay
    ) async throws -> [CodexFlow.Analytics] {
        try requireAnalytics()
        let count = try CodexFlow.AnalyticsReport.dayCount(from: first, through: last)
        let stored = try await all(
            .analytics(of: project, from: .distantPast, through: last))
        for day in stored { try day.validate() }
        let known = Dictionary(stored.map { ($0.date, $0) }) { $1 }
        var velocities = CodexFlow.Analytics.Velocities(stored)
        return try (0..<count).map { offset in
            let date = first.adding(days: offset)
            let velocity = try velocities.velocity(on: date)
            var day = known[date] ?? CodexFlow.Analytics(projectID: project, date: date)
            // An imported day without sums keeps its velocity.
            if day.flow != nil { day.metrics.velocity = velocity }
            return day
        }
    }

    /// Refuses data whose analytics nothing computes: the figures would be zeros, or old copies.
    private func requireAnalytics() throws(CodexError) {
        guard backend.hasAnalytics else {
            throw CodexError(
                .unsupportedOperation,
                "A remote table has no consumer of analytics, so there are no figures. Read them "
                    + "from an embedded store, or compute your own with a RemoteConsumer.")
        }
    }
}
