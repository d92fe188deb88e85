public import CodexCore

extension CodexFlow {
    /// The sums that entries of history and work logs add to the analytics of days.
    ///
    /// A tally has sums only, so the order in which they are added does not matter. Shares of tasks
    /// add to it (``AnalyticsShare/add(_:to:)``). A stored day and a tally's day can be added as
    /// well (``Analytics/add(_:)``).
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

        /// Adds a work log.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid
        ///   number.
        package mutating func add(_ log: WorkLog) throws(CodexError) {
            try change(log.projectID, log.day) { day throws(CodexError) in
                try day.addHours(log.hours, of: log.userID)
            }
        }

        /// Takes back a work log.
        ///
        /// - Throws: As ``add(_:)``.
        package mutating func remove(_ log: WorkLog) throws(CodexError) {
            try change(log.projectID, log.day) { day throws(CodexError) in
                try day.addHours(log.hours.negated, of: log.userID)
            }
        }

        /// Adds the sums of days.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid
        ///   number.
        package mutating func add(_ sums: some Sequence<Analytics>) throws(CodexError) {
            for sum in sums {
                try change(sum.projectID, sum.date) { day throws(CodexError) in try day.add(sum) }
            }
        }

        /// Removes the sums of a project.
        package mutating func remove(_ project: Project.ID) {
            days = days.filter { $0.key.projectID != project }
        }

        /// Changes the sums of a day.
        mutating func change<Failure: Error>(
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
        metrics.tasksCompleted == 0 && teamStats.isEmpty && otherStats == nil
            && flow?.isEmpty ?? true
    }

    /// Adds a tally's sums for the day.
    ///
    /// The caller must then update the efficiency (``updateEfficiency()``).
    ///
    /// - Parameters:
    ///   - other: The sums.
    ///   - memberCountMax: Most members to list. Once some are not listed, no further ones are, so
    ///     that all figures of a member are either in its entry or in the sums of the others.
    /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid number.
    package mutating func add(
        _ other: CodexFlow.Analytics, listing memberCountMax: Int = .max
    ) throws(CodexError) {
        metrics.tasksCompleted += other.metrics.tasksCompleted
        var sum = flow ?? Flow()
        try sum.add(other.flow ?? Flow())
        flow = sum
        for stats in other.teamStats {
            let isFull = otherStats != nil || teamStats.count >= memberCountMax
            if isFull, !place(of: stats.userID).isListed {
                try addToOthers(stats.tasksCompleted, stats.hoursLogged)
                continue
            }
            changeStats(of: stats.userID) { $0.tasksCompleted += stats.tasksCompleted }
            if let hours = stats.hoursLogged { try addHours(hours, of: stats.userID) }
        }
        if let others = other.otherStats {
            try addToOthers(others.tasksCompleted, others.hoursLogged)
        }
    }

    /// Sums up the members after the first ones by identifier.
    ///
    /// - Parameter count: Most members that stay listed.
    /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid number.
    package mutating func limitMembers(to count: Int) throws(CodexError) {
        guard teamStats.count > count else { return }
        for stats in teamStats[count...] {
            try addToOthers(stats.tasksCompleted, stats.hoursLogged)
        }
        teamStats.removeSubrange(count...)
    }

    /// Adds figures of members that are not listed.
    private mutating func addToOthers(
        _ completed: Int, _ hours: Number?
    ) throws(CodexError) {
        var others = otherStats ?? OtherStats()
        others.tasksCompleted += completed
        let sum = try (others.hoursLogged ?? 0).adding(hours ?? 0)
        others.hoursLogged = sum == 0 ? nil : sum
        otherStats = others == OtherStats() ? nil : others
    }

    /// The same day with the further figures of an import.
    package func keeping(_ further: [String: Number]) -> Self {
        var day = self
        day.metrics.further = further
        return day
    }

    /// Recomputes the efficiency from the day's sums, and removes a velocity.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if the share is not a valid number.
    package mutating func updateEfficiency() throws(CodexError) {
        metrics.velocity = nil
        metrics.teamEfficiency = try Self.efficiency(
            of: flow?.measuredHours ?? 0, over: flow?.loggedHours ?? 0)
    }

    /// Estimated hours over logged hours, 0 to 1, to four decimals; `nil` without logged hours.
    static func efficiency(
        of estimated: Int, over logged: Number
    ) throws(CodexError) -> Number? {
        guard logged > 0 else { return nil }
        // In ten-thousandths, the finest unit of hours; halves are rounded up.
        let units = (logged.double * 10_000).rounded()
        let parts = units < 1e30 ? Int128(units) : Int128(1e30)
        let scaled = Int128(estimated) * 100_000_000
        let share = parts > 0 ? max(0, min(10_000, (scaled + parts / 2) / parts)) : 10_000
        return try Number(negative: false, magnitude: UInt128(share), exponent: -4)
    }

    fileprivate mutating func addHours(
        _ hours: Number, of user: CodexFlow.User.ID
    ) throws(CodexError) {
        let (index, isListed) = place(of: user)
        let old = isListed ? teamStats[index].hoursLogged ?? 0 : 0
        let sum = try old.adding(hours)
        changeStats(of: user) { $0.hoursLogged = sum == 0 ? nil : sum }
    }

    /// Changes a member's statistics, which are sorted by user; empty ones are removed.
    mutating func changeStats(
        of user: CodexFlow.User.ID, _ body: (inout MemberStats) -> Void
    ) {
        let (index, isListed) = place(of: user)
        var stats = MemberStats(userID: user, tasksCompleted: 0)
        if isListed { stats = teamStats.remove(at: index) }
        body(&stats)
        if stats.tasksCompleted != 0 || stats.hoursLogged != nil {
            teamStats.insert(stats, at: index)
        }
    }

    /// The place of a member in the list, and whether the member is there.
    private func place(of user: CodexFlow.User.ID) -> (index: Int, isListed: Bool) {
        var (low, high) = (0, teamStats.count)
        while low < high {
            let middle = (low + high) / 2
            if ByteOrder.compare(teamStats[middle].userID.rawValue, user.rawValue) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, low < teamStats.count && teamStats[low].userID == user)
    }
}
