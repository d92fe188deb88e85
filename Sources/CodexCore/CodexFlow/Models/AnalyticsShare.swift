package import FoundationEssentials

extension CodexFlow {
    /// A task's share of its project's analytics, which the consumer of analytics maintains.
    ///
    /// Key `PROJECT#<projectId>` / `SHARE#<taskId>`. It has the state of the task after the counted
    /// history, and what the task contributed to each day. The item stays after the removal of the
    /// task, since the history may be removed as well. A program does not write it.
    public struct AnalyticsShare: Entity, Hashable {
        /// The present completion of a task.
        package struct Completion: Sendable, Hashable {
            /// The day on which it is booked.
            package var day: CalendarDay
            /// The points; `nil` without an estimate.
            package var points: Int?
            /// The hours that the points represent.
            package var estimatedHours = 0
            /// The seconds in progress and in review.
            package var cycleSeconds: Int?
            /// The seconds since the creation.
            package var leadSeconds: Int?
            /// The user to whom it counts: the holder of the claim, and without a claim the
            /// assignee.
            package var assigneeID: User.ID?
            /// Whether the task was done when its history began.
            package var isImported = false

            package init(day: CalendarDay) { self.day = day }
        }

        /// The state of a task after its counted history.
        package struct State: Sendable, Hashable {
            /// The status.
            package var status: Task.Status
            /// The points; `nil` without an estimate.
            package var points: Int?
            /// Whether the task is archived.
            package var isArchived = false
            /// The start of the present interval of work, in milliseconds since 1970.
            package var startedSince: Int?
            /// The length of the earlier intervals of work, in milliseconds.
            package var startedMilliseconds = 0
            /// When the history began, in milliseconds since 1970, if the task was in work then.
            package var importedAt: Int?
            /// All hours that were logged on the task, less those that were taken back.
            ///
            /// Entries of work may be counted in any order, so the sum is below zero if hours from
            /// before the history were taken back.
            package var hours: Number = 0
            /// The present completion.
            package var completion: Completion?
            /// The day of the newest counted entry.
            package var lastDay: CalendarDay

            package init(status: Task.Status, points: Int?, lastDay: CalendarDay) {
                self.status = status
                self.points = points
                self.lastDay = lastDay
            }
        }

        /// The project.
        package var projectID: Project.ID
        /// The task.
        package var taskID: Task.ID
        /// The task's state; `nil` if it has no counted history or was removed.
        package var state: State?
        /// Whether a rebuild found no item of the task, and no removal of it.
        ///
        /// The days then do not have the state, on its last day. An import may store the item
        /// later.
        package var isMissing = false
        /// What the present task contributed, by day; at most ``dayCountMax`` days.
        package var days: [CalendarDay: Analytics] = [:]
        /// The oldest day of ``days``, if it also has what the task contributed before that day.
        package var firstDay: CalendarDay?
        /// What removed tasks with the identifier contributed, by day; at most ``dayCountMax``
        /// days.
        package var past: [CalendarDay: Analytics] = [:]
        /// The newest counted entry of history.
        package var lastID: Activity.ID?
        /// The newest entry of removed tasks.
        package var removedID: Activity.ID?
        /// The time of the first entry of the newest removed task, if that is
        /// ``Activity/Kind/imported``.
        package var removedImport: Date?
        /// The time of the first entry of the present task, likewise.
        package var presentImport: Date?
        /// The finished work of removed tasks with the identifier, oldest first, of which hours may
        /// be taken back later.
        ///
        /// It is as it was when the present task began.
        package var removedWork: [RemovedWork] = []
        /// The work logs of removed tasks that entries of the present task have changed.
        package var earlierLogs: [EarlierLog] = []

        /// The highest number of days that an item keeps of a task, and of its predecessors.
        package static let dayCountMax = 250

        /// Creates the share of a task without counted history.
        package init(projectID: Project.ID, taskID: Task.ID) {
            self.projectID = projectID
            self.taskID = taskID
        }

        /// Creates the share of a task without counted history, after the removed tasks of another
        /// share.
        package init(projectID: Project.ID, taskID: Task.ID, after other: AnalyticsShare?) {
            self.init(projectID: projectID, taskID: taskID)
            past = other?.past ?? [:]
            removedWork = other?.removedWork ?? []
            (removedID, removedImport) = (other?.removedID, other?.removedImport)
            lastID = removedID
        }
    }
}

extension CodexFlow.AnalyticsShare {
    enum Field: Int, EntityField {
        case projectId, taskId, state, days, past, lastId, removedId, removedImport, presentImport
        case firstDay, removedWork, earlierLogs, missing

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("taskId", .string),
            .optional("state", .map), .optional("days", .map), .optional("past", .map),
            .optional("lastId", .string), .optional("removedId", .string),
            .optional("removedImport", .string), .optional("presentImport", .string),
            .optional("firstDay", .string), .optional("removedWork", .list),
            .optional("earlierLogs", .list), .optional("missing", .bool),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "analyticsShare", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "SHARE#{taskId}"], fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "PK": .string("PROJECT#\(projectID)"), "SK": .string("SHARE#\(taskID)"),
        ])
        writer.set(.projectId, projectID)
        writer.set(.taskId, taskID)
        writer.set(.state, state)
        writer.set(.days, Self.stored(days))
        writer.set(.past, Self.stored(past))
        writer.set(.lastId, lastID)
        writer.set(.removedId, removedID)
        writer.set(.removedImport, removedImport)
        writer.set(.presentImport, presentImport)
        writer.set(.firstDay, firstDay)
        writer.setList(.removedWork, removedWork)
        writer.setList(.earlierLogs, earlierLogs)
        if isMissing { writer.set(.missing, true) }
        return writer.item
    }

    /// Reads a share from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        taskID = try reader.identifier(Field.taskId)
        state = try reader.optional(Field.state)
        lastID = try reader.optionalIdentifier(Field.lastId)
        removedID = try reader.optionalIdentifier(Field.removedId)
        removedImport = try reader.optionalDate(Field.removedImport)
        presentImport = try reader.optionalDate(Field.presentImport)
        firstDay = try reader.optional(Field.firstDay)
        removedWork = try reader.list(Field.removedWork)
        earlierLogs = try reader.list(Field.earlierLogs)
        let missing: Bool? = try reader.optional(Field.missing)
        isMissing = missing ?? false
        let days: AttributeMap? = try reader.optional(Field.days)
        let past: AttributeMap? = try reader.optional(Field.past)
        self.days = try Self.days(days, "days", projectID)
        self.past = try Self.days(past, "past", projectID)
    }

    /// The days as a map by day; `nil` if there are none.
    private static func stored(_ days: [CalendarDay: CodexFlow.Analytics]) -> AttributeMap? {
        guard !days.isEmpty else { return nil }
        return AttributeMap(
            days.map { date, day -> (String, AttributeValue) in
                var day = day
                // Hours that were taken back from a removed task are below zero.
                day.requireCounts(exceptHours: true)
                var map: AttributeMap = ["metrics": day.metrics.attributeValue]
                if !day.teamStats.isEmpty { map["teamStats"] = day.teamStats.attributeValue }
                map["flow"] = day.flow?.attributeValue
                return (date.description, .map(map))
            })
    }

    private static func days(
        _ map: AttributeMap?, _ name: String, _ project: CodexFlow.Project.ID
    ) throws(CodexError) -> [CalendarDay: CodexFlow.Analytics] {
        var days: [CalendarDay: CodexFlow.Analytics] = [:]
        for element in map ?? AttributeMap() {
            guard let date = CalendarDay(element.name), let day = element.value.map,
                let metrics = day["metrics"].flatMap(
                    CodexFlow.Analytics.Metrics.init(attributeValue:)),
                let stats = [CodexFlow.Analytics.MemberStats](
                    attributeValue: day["teamStats"] ?? .list([])),
                let flow = CodexFlow.Analytics.Flow(attributeValue: day["flow"] ?? .map([:]))
            else {
                throw CodexError(
                    .typeMismatch,
                    "The share has a day in \(name) that is not a day's analytics. Rebuild the "
                        + "analytics."
                ).at(path: name)
            }
            days[date] = CodexFlow.Analytics(
                projectID: project, date: date, metrics: metrics, teamStats: stats, flow: flow)
        }
        return days
    }

    /// Checks that the figures are small enough to be added up.
    public func validate() throws(CodexError) {
        for day in days.values { try day.validate() }
        for day in past.values { try day.validate() }
        let bound = CodexFlow.Limits.analyticsFigureMax
        let completion = state?.completion
        let started = state?.startedMilliseconds ?? 0
        let figures: [Int?] = [
            state?.points, completion?.points, completion?.estimatedHours,
            completion?.cycleSeconds, completion?.leadSeconds,
            started < 0 ? -1 : started / 1000,
        ]
        var hours = removedWork.map(\.hours) + earlierLogs.map(\.hours)
        hours += earlierLogs.map(\.takenBack)
        hours.append(state?.hours ?? 0)
        try CodexFlow.Rule.analyticsFigures.require(
            figures.allSatisfy { (0...bound).contains($0 ?? 0) }
                && removedWork.allSatisfy { (0...bound).contains($0.estimatedHours) }
                && hours.allSatisfy { $0.isOfHours && abs($0.double) <= Double(bound) },
            "state", ["taskId": taskID.attributeValue])
    }
}

extension Number {
    /// Whether the number has at most the decimals that logged hours may have.
    ///
    /// Sums of such numbers are exact, as long as they are within the limit of figures.
    package var isOfHours: Bool { exponent >= -4 }
}

extension CodexFlow.AnalyticsShare.State: AttributeConvertible {
    /// A map value.
    package var attributeValue: AttributeValue {
        var map: AttributeMap = [
            "status": .string(status.rawValue), "lastDay": lastDay.attributeValue,
        ]
        map["points"] = points?.attributeValue
        if isArchived { map["archived"] = true }
        map["since"] = startedSince?.attributeValue
        if startedMilliseconds != 0 { map["started"] = startedMilliseconds.attributeValue }
        map["importedAt"] = importedAt?.attributeValue
        if hours != 0 { map["hours"] = .number(hours) }
        map["completion"] = completion?.attributeValue
        return .map(map)
    }

    /// Reads a map value.
    package init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let status = map["status"]?.string.flatMap(CodexFlow.Task.Status.init(rawValue:)),
            let lastDay = map["lastDay"].flatMap(CalendarDay.init(attributeValue:))
        else { return nil }
        self.init(
            status: status, points: map["points"].flatMap(Int.init(attributeValue:)),
            lastDay: lastDay)
        isArchived = map["archived"] == true
        startedSince = map["since"].flatMap(Int.init(attributeValue:))
        startedMilliseconds = map["started"].flatMap(Int.init(attributeValue:)) ?? 0
        importedAt = map["importedAt"].flatMap(Int.init(attributeValue:))
        hours = map["hours"]?.number ?? 0
        guard let stored = map["completion"] else { return }
        guard let completion = CodexFlow.AnalyticsShare.Completion(attributeValue: stored) else {
            return nil
        }
        self.completion = completion
    }
}

extension CodexFlow.AnalyticsShare.Completion: AttributeConvertible {
    /// A map value.
    package var attributeValue: AttributeValue {
        var map: AttributeMap = ["day": day.attributeValue]
        map["points"] = points?.attributeValue
        if estimatedHours != 0 { map["estimatedHours"] = estimatedHours.attributeValue }
        map["cycleSeconds"] = cycleSeconds?.attributeValue
        map["leadSeconds"] = leadSeconds?.attributeValue
        map["assignee"] = assigneeID?.attributeValue
        if isImported { map["imported"] = true }
        return .map(map)
    }

    /// Reads a map value.
    package init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let day = map["day"].flatMap(CalendarDay.init(attributeValue:))
        else { return nil }
        func integer(_ name: String) -> Int? { map[name].flatMap(Int.init(attributeValue:)) }
        self.init(day: day)
        points = integer("points")
        estimatedHours = integer("estimatedHours") ?? 0
        cycleSeconds = integer("cycleSeconds")
        leadSeconds = integer("leadSeconds")
        assigneeID = map["assignee"].flatMap(CodexFlow.User.ID.init(attributeValue:))
        isImported = map["imported"] == true
    }
}

extension Lookup where E == CodexFlow.AnalyticsShare {
    /// The share of a task in the analytics.
    public static func analyticsShare(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("SHARE#\(task)"))
    }
}
