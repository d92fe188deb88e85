internal import CodexCore

// Hours that are taken back from a work log (Docs/Analytics.md has the rule):
//
// 1. The hours of the present task are taken first.
// 2. The rest belongs to the removed task whose entry changed the log last. Its completion loses
//    them, on its own day. The present task inherits nothing.

extension CodexFlow.AnalyticsShare {
    /// Most finished works of removed tasks that a share keeps.
    private static let removedWorkCountMax = 50
    /// Most work logs of removed tasks that a share keeps.
    private static let earlierLogCountMax = 100

    /// Books hours that an entry takes back from a removed task.
    ///
    /// - Returns: The hours that the entry adds to the present task; `nil` if it is no entry of
    ///   work.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    mutating func takeBackRemoved(
        _ entry: CodexFlow.Activity, _ tally: inout CodexFlow.AnalyticsTally
    ) throws(CodexError) -> Number? {
        guard let added = entry.addedHours else { return nil }
        guard let place = self.place(ofLogIn: entry), added < 0 else { return added }
        let log = earlierLogs[place]
        let own = try (entry.change("hours")?.from?.number ?? 0).subtracting(log.hours)
        let rest = try added.adding(max(own, 0))
        guard rest < 0 else { return added }
        let work = removedWork.first { $0.contains(log.entryID) }
        let old = try work.map { work throws(CodexError) in try hours(of: work) }
        earlierLogs[place].hours = try log.hours.adding(rest)
        earlierLogs[place].takenBack = try log.takenBack.subtracting(rest)
        if let work, let old {
            let new = try hours(of: work)
            try book(on: work.day, &tally) { day throws(CodexError) in
                var flow = day.flow ?? CodexFlow.Analytics.Flow()
                try flow.addHours(old, over: work.estimatedHours, sign: -1)
                try flow.addHours(new, over: work.estimatedHours, sign: 1)
                day.flow = flow
            }
        }
        return try added.subtracting(rest)
    }

    /// Keeps the finished work of the task, which is removed, and what is left of that of earlier
    /// ones.
    ///
    /// - Parameter state: The state of the task.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum of hours is not a valid number.
    mutating func closeWork(of state: State) throws(CodexError) {
        var works: [RemovedWork] = []
        for var work in removedWork {
            work.hours = try hours(of: work)
            if work.hours > 0 { works.append(work) }
        }
        if let completion = state.completion, !completion.isImported,
            completion.points ?? 0 > 0, state.hours > 0, let lastID
        {
            works.append(
                RemovedWork(
                    after: removedID, through: lastID, day: completion.day,
                    estimatedHours: completion.estimatedHours, hours: state.hours))
        }
        removedWork = Array(works.suffix(Self.removedWorkCountMax))
        earlierLogs = []
    }

    /// The hours of a removed task that were not taken back.
    private func hours(of work: RemovedWork) throws(CodexError) -> Number {
        var hours = work.hours
        for log in earlierLogs where work.contains(log.entryID) {
            hours = try hours.subtracting(log.takenBack)
        }
        return hours
    }

    /// The place of the log that an entry changes among those of removed tasks; `nil` for a log of
    /// the present task.
    private mutating func place(ofLogIn entry: CodexFlow.Activity) -> Int? {
        guard let day = entry.change("day")?.to.flatMap(CalendarDay.init(attributeValue:)) else {
            return nil
        }
        let user =
            entry.change("userId")?.to.flatMap(CodexFlow.User.ID.init(attributeValue:))
            ?? entry.actorID
        let known = earlierLogs.firstIndex { $0.userID == user && $0.day == day }
        if let known { return known }
        let last = entry.change("entryId")?.from
        guard let id = last.flatMap(CodexFlow.Activity.ID.init(attributeValue:)), let removedID,
            ByteOrder.compare(id.rawValue, removedID.rawValue) <= 0,
            let hours = entry.change("hours")?.from?.number, hours > 0
        else { return nil }
        if earlierLogs.count >= Self.earlierLogCountMax { earlierLogs.removeFirst() }
        earlierLogs.append(EarlierLog(userID: user, day: day, entryID: id, hours: hours))
        return earlierLogs.count - 1
    }
}
