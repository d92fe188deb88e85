// A work log outlives its task. A command on a later task with the identifier may take hours of it
// back, which belong to the task that was removed.

extension CodexFlow.AnalyticsShare {
    /// The completion of a removed task with an estimate, and the hours that were logged on it.
    package struct RemovedWork: Sendable, Hashable {
        /// The newest entry of history before those of the task; `nil` if it was the first task.
        package var after: CodexFlow.Activity.ID?
        /// The newest entry of the task.
        package var through: CodexFlow.Activity.ID
        /// The day of the completion.
        package var day: CalendarDay
        /// The hours that the points represent.
        package var estimatedHours: Int
        /// All hours that were logged on the task.
        package var hours: Number

        package init(
            after: CodexFlow.Activity.ID?, through: CodexFlow.Activity.ID, day: CalendarDay,
            estimatedHours: Int, hours: Number
        ) {
            (self.after, self.through, self.day) = (after, through, day)
            (self.estimatedHours, self.hours) = (estimatedHours, hours)
        }

        /// Whether an entry of history is the task's.
        package func contains(_ entry: CodexFlow.Activity.ID) -> Bool {
            let isLater = after.map { ByteOrder.compare($0.rawValue, entry.rawValue) < 0 } ?? true
            return isLater && ByteOrder.compare(entry.rawValue, through.rawValue) <= 0
        }
    }

    /// A user's work log of a day with hours of removed tasks.
    package struct EarlierLog: Sendable, Hashable {
        /// The user who worked.
        package var userID: CodexFlow.User.ID
        /// The day.
        package var day: CalendarDay
        /// The entry that changed the log last, before those of the present task.
        package var entryID: CodexFlow.Activity.ID
        /// The hours of removed tasks that the log still has.
        package var hours: Number
        /// The hours of removed tasks that were taken back.
        package var takenBack: Number = 0

        package init(
            userID: CodexFlow.User.ID, day: CalendarDay, entryID: CodexFlow.Activity.ID,
            hours: Number
        ) {
            (self.userID, self.day) = (userID, day)
            (self.entryID, self.hours) = (entryID, hours)
        }
    }
}

extension CodexFlow.AnalyticsShare.RemovedWork: AttributeConvertible {
    /// A map value.
    package var attributeValue: AttributeValue {
        var map: AttributeMap = [
            "through": through.attributeValue, "day": day.attributeValue,
            "estimatedHours": estimatedHours.attributeValue, "hours": .number(hours),
        ]
        map["after"] = after?.attributeValue
        return .map(map)
    }

    /// Reads a map value.
    package init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let through = map["through"].flatMap(CodexFlow.Activity.ID.init(attributeValue:)),
            let day = map["day"].flatMap(CalendarDay.init(attributeValue:)),
            let estimatedHours = map["estimatedHours"].flatMap(Int.init(attributeValue:)),
            let hours = map["hours"]?.number
        else { return nil }
        self.init(
            after: map["after"].flatMap(CodexFlow.Activity.ID.init(attributeValue:)),
            through: through, day: day, estimatedHours: estimatedHours, hours: hours)
    }
}

extension CodexFlow.AnalyticsShare.EarlierLog: AttributeConvertible {
    /// A map value.
    package var attributeValue: AttributeValue {
        var map: AttributeMap = [
            "userId": userID.attributeValue, "day": day.attributeValue,
            "entryId": entryID.attributeValue, "hours": .number(hours),
        ]
        if takenBack != 0 { map["takenBack"] = .number(takenBack) }
        return .map(map)
    }

    /// Reads a map value.
    package init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let user = map["userId"].flatMap(CodexFlow.User.ID.init(attributeValue:)),
            let day = map["day"].flatMap(CalendarDay.init(attributeValue:)),
            let entry = map["entryId"].flatMap(CodexFlow.Activity.ID.init(attributeValue:)),
            let hours = map["hours"]?.number
        else { return nil }
        self.init(userID: user, day: day, entryID: entry, hours: hours)
        takenBack = map["takenBack"]?.number ?? 0
    }
}
