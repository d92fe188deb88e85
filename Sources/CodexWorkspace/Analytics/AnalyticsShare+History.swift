package import CodexCore
internal import FoundationEssentials

// How an entry of history changes the analytics (Docs/Analytics.md has the rules):
//
// 1. The entry changes the state of its task: status, points, archiving, intervals of work, hours,
//    and the present completion.
// 2. The difference of the two states is booked on the day of the entry.
// 3. If the completion changed, the old one is taken back on its day, and the new one is booked on
//    its day. A reopening, a re-estimate and logged work correct the day of the completion so.
//
// Each booking goes to the share's own days and to a tally.
extension CodexFlow.AnalyticsShare {
    /// Whether an entry may change the analytics.
    package static func counts(_ entry: CodexFlow.Activity) -> Bool {
        entry.kind == .deleted || entry.countedFacts != nil || entry.isArchiving != nil
            || entry.addedHours != nil
    }

    /// Whether an entry is the first one of a task.
    package static func begins(with entry: CodexFlow.Activity) -> Bool { entry.isBeginning }

    /// Whether the entry belongs to a removed task that had the identifier.
    package func isPast(_ entry: CodexFlow.Activity) -> Bool {
        if entry.id == CodexFlow.Activity.importID { return entry.at == removedImport }
        guard let removedID else { return false }
        return ByteOrder.compare(entry.id.rawValue, removedID.rawValue) <= 0
    }

    /// Adds an entry of the task's history.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    package mutating func add(
        _ entry: CodexFlow.Activity, to tally: inout CodexFlow.AnalyticsTally
    ) throws(CodexError) {
        try setMissing(false, &tally)
        // A removal without an entry may have gone unnoticed.
        if entry.isBeginning { try remove(on: entry.day, from: &tally) }
        note(entry)
        if entry.kind == .deleted { return try remove(on: entry.day, from: &tally) }
        let hours = try takeBackRemoved(entry, &tally)
        let old = state
        guard let new = try entry.state(after: old, adding: hours) else { return }
        state = new
        try book(on: entry.day, &tally) { day throws(CodexError) in
            day.changeState(from: old, to: new)
            day.countEvents(of: entry)
        }
        try replaceCompletion(of: old, by: new, &tally)
    }

    /// Sets the state before an entry whose earlier history was counted, and is removed.
    ///
    /// Nothing comes before the first entry of a task. The share does not know the days of the
    /// removed history, so it has the state on the day of the entry. It does not know a completion
    /// either, so a reopening takes none back. A later rebuild counts nothing of that history.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    package mutating func assumeState(before entry: CodexFlow.Activity) throws(CodexError) {
        guard !entry.isBeginning, let state = entry.stateBefore else { return }
        self.state = state
        self.state?.completion = nil
        var counted = CodexFlow.AnalyticsTally()
        try book(on: entry.day, &counted) { day throws(CodexError) in
            day.changeState(from: nil, to: state)
        }
    }

    /// Takes the task out of the figures of state, since it was removed; its completions stay.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    package mutating func remove(
        on day: CalendarDay, from tally: inout CodexFlow.AnalyticsTally
    ) throws(CodexError) {
        try setMissing(false, &tally)
        guard let old = state else { return }
        try book(on: day, &tally) { day throws(CodexError) in
            day.changeState(from: old, to: nil)
        }
        for (date, sums) in days {
            var sum =
                past[date] ?? CodexFlow.Analytics(projectID: projectID, date: date)
            try sum.add(sums)
            past[date] = sum
        }
        _ = try Self.fold(&past, to: Self.dayCountMax)
        try closeWork(of: old)
        (state, days, firstDay) = (nil, [:], nil)
        removedID = lastID
        (removedImport, presentImport) = (presentImport ?? removedImport, nil)
    }

    /// Takes the task out of the figures of state while its item is missing, or puts it back.
    ///
    /// The share stays as it is: the item may be one that an import has not stored yet.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum is not a valid number.
    package mutating func setMissing(
        _ isMissing: Bool, _ tally: inout CodexFlow.AnalyticsTally
    ) throws(CodexError) {
        guard isMissing != self.isMissing, let state else { return }
        self.isMissing = isMissing
        try tally.change(projectID, state.lastDay) { day throws(CodexError) in
            day.changeState(from: isMissing ? state : nil, to: isMissing ? nil : state)
        }
    }

    private mutating func note(_ entry: CodexFlow.Activity) {
        if entry.id == CodexFlow.Activity.importID { presentImport = entry.at }
        if let lastID, ByteOrder.compare(lastID.rawValue, entry.id.rawValue) >= 0 { return }
        lastID = entry.id
    }

    private mutating func replaceCompletion(
        of old: State?, by new: State, _ tally: inout CodexFlow.AnalyticsTally
    ) throws(CodexError) {
        guard old?.completion != new.completion || old?.hours != new.hours else { return }
        if let old, let completion = old.completion {
            try book(on: completion.day, &tally) { day throws(CodexError) in
                try day.add(completion, old.hours, sign: -1)
            }
        }
        if let completion = new.completion {
            try book(on: completion.day, &tally) { day throws(CodexError) in
                try day.add(completion, new.hours, sign: 1)
            }
        }
    }

    /// Changes a day of the share and of the tally alike.
    mutating func book(
        on date: CalendarDay, _ tally: inout CodexFlow.AnalyticsTally,
        _ change: (inout CodexFlow.Analytics) throws(CodexError) -> Void
    ) throws(CodexError) {
        // What was contributed before the first day was added to it.
        let kept = max(date, firstDay ?? date)
        var day = days[kept] ?? CodexFlow.Analytics(projectID: projectID, date: kept)
        try change(&day)
        days[kept] = day.isEmpty ? nil : day
        firstDay = try Self.fold(&days, to: Self.dayCountMax) ?? firstDay
        try tally.change(projectID, date, change)
    }

    /// Keeps fewer days apart, for a share that is too large for an item.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    package mutating func fold(to dayCount: Int) throws(CodexError) {
        firstDay = try Self.fold(&days, to: dayCount) ?? firstDay
        _ = try Self.fold(&past, to: dayCount)
    }

    /// Adds the oldest days to the day after them, until there are at most `countMax`.
    ///
    /// So the sums over all days stay right.
    ///
    /// - Returns: The oldest day, if days were added to it.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    private static func fold(
        _ days: inout [CalendarDay: CodexFlow.Analytics], to countMax: Int
    ) throws(CodexError) -> CalendarDay? {
        guard days.count > countMax else { return nil }
        let dates = days.keys.sorted()
        let first = dates[dates.count - countMax]
        for date in dates where date < first {
            guard let old = days.removeValue(forKey: date), var sum = days[first] else { continue }
            try sum.add(old)
            days[first] = sum
        }
        return first
    }
}

extension CodexFlow.Activity {
    /// The facts, if the entry is of a kind that changes a task.
    fileprivate var countedFacts: Facts? {
        switch kind {
        case .worked, .commented, .commentChanged, .commentDeleted, .linked, .unlinked: nil
        default: facts
        }
    }

    /// Whether it is the first entry of a task.
    fileprivate var isBeginning: Bool {
        switch kind {
        case .imported: facts?.to != nil
        case .created: facts?.to != nil && facts?.from == nil
        default: false
        }
    }

    /// The change of a field; `nil` if it is not changed.
    func change(_ field: String) -> Change? { changes.first { $0.field == field } }

    /// Whether the task is archived afterwards; `nil` if the entry does not change that.
    fileprivate var isArchiving: Bool? {
        switch kind {
        case .archived, .restored, .imported: change("archivedAt").map { $0.to != nil }
        default: nil
        }
    }

    /// The hours of work that the entry adds to the task; `nil` if it adds none.
    var addedHours: Number? {
        guard kind == .worked, let change = self.change("hours") else { return nil }
        let (old, new) = (change.from?.number ?? 0, change.to?.number ?? 0)
        guard [old, new].allSatisfy({ $0 >= 0 && $0 <= 24 && $0.isOfHours }) else { return nil }
        return try? new.subtracting(old)
    }

    /// The instant of the entry in milliseconds.
    private var milliseconds: Int { Int(at.millisecondsSince1970) }

    /// The state before an entry whose earlier history is missing; `nil` if the entry has no facts.
    fileprivate var stateBefore: CodexFlow.AnalyticsShare.State? {
        guard let facts = countedFacts, let from = facts.from else { return nil }
        var state = CodexFlow.AnalyticsShare.State(
            status: from, points: facts.pointsBefore, lastDay: day)
        state.isArchived = change("archivedAt")?.from != nil
        state.begin(on: day, at: milliseconds)
        return state
    }

    /// The state after the entry; `nil` if the task is not there and the entry does not tell how
    /// it is.
    ///
    /// - Parameters:
    ///   - old: The state before.
    ///   - hours: The hours of work that the entry adds to the task; `nil` if it is no such entry.
    /// - Returns: The state.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    fileprivate func state(
        after old: CodexFlow.AnalyticsShare.State?, adding hours: Number?
    ) throws(CodexError) -> CodexFlow.AnalyticsShare.State? {
        if isBeginning, let facts, let status = facts.to {
            var state = CodexFlow.AnalyticsShare.State(
                status: status, points: facts.points, lastDay: day)
            state.isArchived = isArchiving ?? false
            if kind == .imported {
                state.begin(on: day, at: milliseconds)
            } else {
                state.resume(at: milliseconds)
                if status == .done { state.complete(facts, on: day, at: milliseconds) }
            }
            return state
        }
        guard var state = old ?? stateBefore else { return nil }
        if let hours {
            // It changes nothing else: its place among the other entries does not matter, because
            // work may be logged while another command changes the task.
            state.hours = try state.hours.adding(hours)
            return state
        }
        state.pause(at: milliseconds)
        state.lastDay = day
        if let isArchiving { state.isArchived = isArchiving }
        if let countedFacts { state.apply(countedFacts, on: day, at: milliseconds) }
        state.resume(at: milliseconds)
        return state
    }
}

extension CodexFlow.AnalyticsShare.State {
    private static let millisecondsMax = CodexFlow.Limits.analyticsFigureMax * 1000

    /// The points in the scope.
    fileprivate var scope: Int { isArchived || status == .canceled ? 0 : points ?? 0 }

    /// The points in the burndown.
    fileprivate var remaining: Int { !isArchived && status.isOpen ? points ?? 0 : 0 }

    /// Begins a history with a task that existed before.
    fileprivate mutating func begin(on day: CalendarDay, at instant: Int) {
        resume(at: instant)
        if startedSince != nil { importedAt = instant }
        guard status == .done else { return }
        var completion = CodexFlow.AnalyticsShare.Completion(day: day)
        completion.points = points
        completion.isImported = true
        self.completion = completion
    }

    /// Starts an interval of work if the task is in work.
    fileprivate mutating func resume(at instant: Int) {
        startedSince = status.isStarted && !isArchived ? instant : nil
    }

    /// Ends an interval of work.
    fileprivate mutating func pause(at instant: Int) {
        guard let since = startedSince else { return }
        // A clock that was set back makes an interval of no length. Stored numbers may have any
        // size.
        let (length, overflows) = instant.subtractingReportingOverflow(since)
        let known = max(0, min(Self.millisecondsMax, startedMilliseconds))
        let added = overflows ? 0 : max(0, min(Self.millisecondsMax, length))
        startedMilliseconds = min(Self.millisecondsMax, known + added)
        startedSince = nil
    }

    /// Changes status, points and completion.
    fileprivate mutating func apply(
        _ facts: CodexFlow.Activity.Facts, on day: CalendarDay, at instant: Int
    ) {
        status = facts.to ?? facts.from ?? status
        points = facts.points
        if facts.to == .done {
            complete(facts, on: day, at: instant)
        } else if status == .done {
            completion?.reestimate(facts)
        } else {
            completion = nil
        }
    }

    /// Completes the task; its present interval of work has ended.
    fileprivate mutating func complete(
        _ facts: CodexFlow.Activity.Facts, on day: CalendarDay, at instant: Int
    ) {
        let bound = CodexFlow.Limits.analyticsFigureMax
        var completion = CodexFlow.AnalyticsShare.Completion(day: day)
        completion.points = facts.points
        completion.estimatedHours = max(0, facts.estimatedHours ?? 0)
        completion.assigneeID = facts.assigneeID
        completion.leadSeconds = facts.leadSeconds.map { min($0, bound) }
        var worked = startedMilliseconds
        if let importedAt, let total = facts.cycleSeconds {
            // The work began before the history did.
            let (seen, overflows) = instant.subtractingReportingOverflow(importedAt)
            let kept = max(-Self.millisecondsMax, min(Self.millisecondsMax, seen))
            worked += overflows ? 0 : max(0, min(total, bound) * 1000 - kept)
        }
        completion.cycleSeconds = min((worked + 500) / 1000, bound)
        self.completion = completion
    }
}

extension CodexFlow.AnalyticsShare.Completion {
    /// Changes the points, and the hours by the hours that a point has at the re-estimate.
    fileprivate mutating func reestimate(_ facts: CodexFlow.Activity.Facts) {
        points = facts.points
        let more = (facts.points ?? 0) - (facts.pointsBefore ?? 0)
        let hours = facts.estimatedHours ?? 0
        guard !isImported, more != 0 else { return }
        let perPoint = hours / more
        if perPoint * more == hours, (1...CodexFlow.Limits.hoursPerPointMax).contains(perPoint) {
            estimatedHours = (points ?? 0) * perPoint
        } else {
            estimatedHours = max(0, estimatedHours + hours)
        }
    }
}

extension CodexFlow.Analytics {
    /// Books the difference of two states of a task; `nil` is a task that is not there.
    fileprivate mutating func changeState(
        from old: CodexFlow.AnalyticsShare.State?, to new: CodexFlow.AnalyticsShare.State?
    ) {
        var flow = flow ?? Flow()
        flow.scope += (new?.scope ?? 0) - (old?.scope ?? 0)
        flow.remaining += (new?.remaining ?? 0) - (old?.remaining ?? 0)
        if let new, !new.isArchived { flow.count(new.status, 1) }
        if let old, !old.isArchived { flow.count(old.status, -1) }
        self.flow = flow
    }

    /// Counts the events of an entry.
    fileprivate mutating func countEvents(of entry: CodexFlow.Activity) {
        guard let facts = entry.countedFacts, let to = facts.to, entry.kind != .imported else {
            return
        }
        var flow = flow ?? Flow()
        if facts.from == nil { flow.created += 1 }
        if to == .canceled { flow.canceled += 1 }
        if facts.from?.isOpen == false, to.isOpen { flow.reopened += 1 }
        self.flow = flow
    }

    /// Books a completion (sign 1), or takes it back (sign -1).
    fileprivate mutating func add(
        _ completion: CodexFlow.AnalyticsShare.Completion, _ hours: Number, sign: Int
    ) throws(CodexError) {
        var flow = flow ?? Flow()
        defer { self.flow = flow }
        let points = completion.points ?? 0
        if completion.isImported {
            flow.importedPoints += sign * points
            return
        }
        metrics.tasksCompleted += sign
        flow.points += sign * points
        if completion.points == nil { flow.unestimated += sign }
        flow.estimatedHours += sign * completion.estimatedHours
        if points > 0 { try flow.addHours(hours, over: completion.estimatedHours, sign: sign) }
        if let seconds = completion.cycleSeconds { flow.cycleTimes.add(seconds, sign: sign) }
        if let seconds = completion.leadSeconds { flow.leadTimes.add(seconds, sign: sign) }
        if let user = completion.assigneeID { changeStats(of: user) { $0.tasksCompleted += sign } }
    }
}

extension CodexFlow.Analytics.Flow {
    /// Books hours that were logged on a completed task with an estimate, if there are any.
    ///
    /// - Parameters:
    ///   - hours: All hours of the task.
    ///   - estimatedHours: The hours that its points represent.
    ///   - sign: 1, or -1 to take them back.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    mutating func addHours(
        _ hours: Number, over estimatedHours: Int, sign: Int
    ) throws(CodexError) {
        guard hours > 0 else { return }
        measuredHours += sign * estimatedHours
        loggedHours = try loggedHours.adding(sign < 0 ? hours.negated : hours)
    }
}

extension CodexFlow.Histogram {
    fileprivate mutating func add(_ value: Int, sign: Int) {
        if sign < 0 { remove(value) } else { record(value) }
    }
}
