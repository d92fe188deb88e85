public import CodexCore

extension CodexFlow {
    /// The sums that entries of history and work logs add to the analytics of days.
    ///
    /// A tally has sums only, so the order of the entries does not matter. A stored day and a
    /// tally's day can be added as well (``Analytics/add(_:)``).
    package struct AnalyticsTally: Sendable {
        /// A day of a project.
        package struct Day: Sendable, Hashable {
            /// The project.
            package let projectID: Project.ID
            /// The day.
            package let date: CalendarDay
        }

        /// The sums to add, by day.
        package private(set) var days: [Day: Analytics] = [:]

        /// Creates an empty tally.
        package init() {}

        /// Adds an entry of history.
        package mutating func add(_ activity: Activity) {
            guard let facts = activity.facts else { return }
            change(activity.projectID, activity.day) {
                $0.add(facts, isImport: activity.kind == .imported)
            }
        }

        /// Adds a change of a work log; `nil` is the state before its creation or after its
        /// deletion.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid
        ///   number.
        package mutating func add(_ old: WorkLog?, _ new: WorkLog?) throws(CodexError) {
            guard let log = new ?? old else { return }
            let hours = try (new?.hours ?? 0).subtracting(old?.hours ?? 0)
            try change(log.projectID, log.day) { day throws(CodexError) in
                try day.addHours(hours, of: log.userID)
            }
        }

        /// Adds the day to the tally, without any sums.
        package mutating func touch(_ project: Project.ID, _ date: CalendarDay) {
            change(project, date) { _ in }
        }

        private mutating func change<Failure: Error>(
            _ project: Project.ID, _ date: CalendarDay,
            _ body: (inout Analytics) throws(Failure) -> Void
        ) throws(Failure) {
            let key = Day(projectID: project, date: date)
            var day = days.removeValue(forKey: key) ?? Analytics(projectID: project, date: date)
            try body(&day)
            days[key] = day
        }
    }
}

extension CodexFlow.Analytics {
    /// Creates a day on which nothing happened.
    init(projectID: CodexFlow.Project.ID, date: CalendarDay) {
        self.init(
            projectID: projectID, date: date, metrics: Metrics(tasksCompleted: 0), flow: Flow())
    }

    /// Whether nothing happened on the day.
    public var isEmpty: Bool {
        metrics.tasksCompleted == 0 && teamStats.isEmpty && flow?.isEmpty ?? true
    }

    /// Adds a tally's sums for the day.
    ///
    /// The caller must then update the means (``updateMeans(pointsOfFourWeeks:)``).
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid number.
    package mutating func add(_ other: CodexFlow.Analytics) throws(CodexError) {
        metrics.tasksCompleted += other.metrics.tasksCompleted
        var sum = flow ?? Flow()
        sum.add(other.flow ?? Flow())
        flow = sum
        for stats in other.teamStats {
            changeStats(of: stats.userID) { $0.tasksCompleted += stats.tasksCompleted }
            if let hours = stats.hoursLogged { try addHours(hours, of: stats.userID) }
        }
    }

    /// Recomputes the means.
    ///
    /// - Parameter points: The points completed on this day and the 27 days before it, without
    ///   imported ones; `nil` if nothing was completed on those days.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum is not a valid number.
    package mutating func updateMeans(pointsOfFourWeeks points: Int?) throws(CodexError) {
        metrics.velocity = try points.map { points throws(CodexError) in
            try Number(
                negative: points < 0, magnitude: UInt128(points.magnitude) * 25, exponent: -2)
        }
        metrics.teamEfficiency = nil
        var logged: Number = 0
        for stats in teamStats { logged = try logged.adding(stats.hoursLogged ?? 0) }
        guard logged > 0 else { return }
        // In ten-thousandths, the finest unit of hours; halves are rounded up.
        let parts = Int128((logged.double * 10_000).rounded())
        let estimated = Int128(flow?.estimatedHours ?? 0) * 100_000_000
        let share = parts > 0 ? max(0, min(10_000, (estimated + parts / 2) / parts)) : 10_000
        metrics.teamEfficiency = try Number(
            negative: false, magnitude: UInt128(share), exponent: -4)
    }

    mutating func add(_ facts: CodexFlow.Activity.Facts, isImport: Bool) {
        var flow = flow ?? Flow()
        defer { self.flow = flow }
        let points = facts.points ?? 0
        flow.estimatedHours += facts.estimatedHours ?? 0
        if isImport, let status = facts.to {
            // The task existed before. Its earlier changes count on other days.
            flow.count(status, 1)
            if status != .canceled { flow.scope += points }
            if status == .done {
                flow.points += points
                flow.importedPoints += points
            }
            return
        }
        guard let to = facts.to else {
            // The estimate changed, and the status did not.
            guard facts.from != .canceled else { return }
            let more = points - (facts.pointsBefore ?? 0)
            flow.scope += more
            if facts.from == .done { flow.points += more }
            if facts.isOfImport { flow.importedPoints += more }
            return
        }
        flow.count(to, 1)
        if let from = facts.from {
            flow.count(from, -1)
            if !from.isOpen, to.isOpen { flow.reopened += 1 }
            if from == .done { flow.points -= points }
            if facts.isOfImport { flow.importedPoints -= points }
            if from == .canceled { flow.scope += points }
        } else {
            flow.created += 1
            flow.scope += points
        }
        switch to {
        case .canceled:
            flow.canceled += 1
            flow.scope -= points
        case .done:
            metrics.tasksCompleted += 1
            if facts.points == nil { flow.unestimated += 1 }
            flow.points += points
            if let seconds = facts.cycleSeconds { flow.cycleTimes.record(seconds) }
            if let seconds = facts.leadSeconds { flow.leadTimes.record(seconds) }
            if let user = facts.assigneeID { changeStats(of: user) { $0.tasksCompleted += 1 } }
        default: break
        }
    }

    fileprivate mutating func addHours(
        _ hours: Number, of user: CodexFlow.User.ID
    ) throws(CodexError) {
        let old = teamStats.first { $0.userID == user }?.hoursLogged ?? 0
        setHours(try old.adding(hours), of: user)
    }

    /// Replaces the hours of a member.
    package mutating func setHours(_ hours: Number, of user: CodexFlow.User.ID) {
        changeStats(of: user) { $0.hoursLogged = hours == 0 ? nil : hours }
    }

    /// Changes a member's statistics, which are sorted by user; empty ones are removed.
    private mutating func changeStats(
        of user: CodexFlow.User.ID, _ body: (inout MemberStats) -> Void
    ) {
        let place =
            teamStats.firstIndex { ByteOrder.compare($0.userID.rawValue, user.rawValue) >= 0 }
            ?? teamStats.count
        var stats = MemberStats(userID: user, tasksCompleted: 0)
        if place < teamStats.count, teamStats[place].userID == user {
            stats = teamStats.remove(at: place)
        }
        body(&stats)
        if stats.tasksCompleted != 0 || stats.hoursLogged != nil {
            teamStats.insert(stats, at: place)
        }
    }
}
