extension CodexFlow {
    /// The figures of a project on one day.
    ///
    /// Key `PROJECT#<projectId>` / `ANALYTICS#<date>`.
    public struct Analytics: Entity, Hashable {
        /// The day's figures.
        public struct Metrics: Sendable, Hashable {
            /// Tasks whose present completion is of this day.
            public var tasksCompleted: Int
            /// Points completed per week, as the mean of the 28 days up to this one.
            ///
            /// In a younger project, it is the mean of the days since its history began, of 7 days
            /// at least.
            ///
            /// The services store no velocity, because a correction of one day changes that of 28
            /// days. It is computed on reading (`analyticsDays(of:from:through:)`).
            public var velocity: Number?
            /// Estimated hours of the completed tasks over the hours logged on them, 0 to 1.
            public var teamEfficiency: Number?
            /// Further figures by name.
            public var further: [String: Number]

            /// Creates figures.
            public init(
                tasksCompleted: Int, velocity: Number? = nil, teamEfficiency: Number? = nil,
                further: [String: Number] = [:]
            ) {
                self.tasksCompleted = tasksCompleted
                self.velocity = velocity
                self.teamEfficiency = teamEfficiency
                self.further = further
            }
        }

        /// One member's share of the day's figures.
        public struct MemberStats: Sendable, Hashable {
            /// The member.
            public var userID: User.ID
            /// Completions of the day that count to the member: as the holder of the task's claim,
            /// and without a claim as its assignee.
            public var tasksCompleted: Int
            /// Hours that the member logged.
            public var hoursLogged: Number?

            /// Creates a member's share.
            public init(userID: User.ID, tasksCompleted: Int, hoursLogged: Number? = nil) {
                self.userID = userID
                self.tasksCompleted = tasksCompleted
                self.hoursLogged = hoursLogged
            }
        }

        /// The sums of the members that a day has no room to list.
        public struct OtherStats: Sendable, Hashable {
            /// Their completions of the day.
            public var tasksCompleted: Int
            /// Hours that they logged.
            public var hoursLogged: Number?

            /// Creates sums.
            public init(tasksCompleted: Int = 0, hoursLogged: Number? = nil) {
                self.tasksCompleted = tasksCompleted
                self.hoursLogged = hoursLogged
            }
        }

        /// The project.
        public var projectID: Project.ID
        /// The day, in the project's time zone.
        public var date: CalendarDay
        /// The day's figures.
        public var metrics: Metrics
        /// The members' shares: up to ``CodexFlow/Limits/analyticsMemberMax`` of them.
        public var teamStats: [MemberStats]
        /// The sums of the other members; `nil` if ``teamStats`` has all.
        public var otherStats: OtherStats?
        /// The changes to tasks and points.
        public var flow: Flow?

        /// Creates a day's analytics.
        public init(
            projectID: Project.ID, date: CalendarDay, metrics: Metrics,
            teamStats: [MemberStats] = [], flow: Flow? = nil, otherStats: OtherStats? = nil
        ) {
            self.projectID = projectID
            self.date = date
            self.metrics = metrics
            self.teamStats = teamStats
            self.flow = flow
            self.otherStats = otherStats
        }
    }
}

extension CodexFlow.Analytics {
    enum Field: Int, EntityField {
        case projectId, date, metrics, teamStats, flow, otherStats

        static let definitions: [FieldDefinition] = [
            .required("projectId", .string), .required("date", .string),
            .required("metrics", .map), .optional("teamStats", .list), .optional("flow", .map),
            .optional("otherStats", .map),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "analytics", table: CodexFlow.table,
        keys: ["PK": "PROJECT#{projectId}", "SK": "ANALYTICS#{date}"],
        fields: Field.definitions)

    /// The attributes, as the architecture document defines them.
    public func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>([
            "PK": .string("PROJECT#\(projectID)"), "SK": .string("ANALYTICS#\(date)"),
        ])
        writer.set(.projectId, projectID)
        writer.set(.date, date)
        writer.set(.metrics, metrics)
        writer.setList(.teamStats, teamStats)
        writer.set(.flow, flow)
        writer.set(.otherStats, otherStats)
        return writer.item
    }

    /// Reads a day's analytics from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        projectID = try reader.identifier(Field.projectId)
        date = try reader.value(Field.date)
        metrics = try reader.value(Field.metrics)
        teamStats = try reader.list(Field.teamStats)
        flow = try reader.optional(Field.flow)
        otherStats = try reader.optional(Field.otherStats)
    }
}

extension CodexFlow.Analytics.Metrics: AttributeConvertible {
    /// A map value, as the architecture document defines it.
    public var attributeValue: AttributeValue {
        var map = AttributeMap(further.map { ($0, AttributeValue.number($1)) })
        map["tasksCompleted"] = .number(Number(tasksCompleted))
        map["velocity"] = velocity.map { .number($0) }
        map["teamEfficiency"] = teamEfficiency.map { .number($0) }
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let completed = map["tasksCompleted"]?.number?.int64
        else { return nil }
        var further: [String: Number] = [:]
        for element in map {
            guard let number = element.value.number else { return nil }
            switch element.name {
            case "tasksCompleted", "velocity", "teamEfficiency": continue
            default: further[element.name] = number
            }
        }
        self.init(
            tasksCompleted: Int(completed), velocity: map["velocity"]?.number,
            teamEfficiency: map["teamEfficiency"]?.number, further: further)
    }
}

extension CodexFlow.Analytics.MemberStats: AttributeConvertible {
    /// A map value, as the architecture document defines it.
    public var attributeValue: AttributeValue {
        var map: AttributeMap = [
            "userId": userID.attributeValue, "tasksCompleted": .number(Number(tasksCompleted)),
        ]
        map["hoursLogged"] = hoursLogged.map { .number($0) }
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let user = map["userId"].flatMap(CodexFlow.User.ID.init(attributeValue:)),
            let completed = map["tasksCompleted"]?.number?.int64
        else { return nil }
        self.init(
            userID: user, tasksCompleted: Int(completed),
            hoursLogged: map["hoursLogged"]?.number)
    }
}

extension CodexFlow.Analytics.OtherStats: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        var map: AttributeMap = ["tasksCompleted": .number(Number(tasksCompleted))]
        map["hoursLogged"] = hoursLogged.map { .number($0) }
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map,
            let completed = map["tasksCompleted"]?.number?.int64
        else { return nil }
        self.init(tasksCompleted: Int(completed), hoursLogged: map["hoursLogged"]?.number)
    }
}

extension CodexFlow.Analytics {
    /// Replaces counts and hours below zero by zero, which sums of the history never have.
    ///
    /// - Parameter exceptHours: Whether hours of completed tasks may be below zero.
    package mutating func requireCounts(exceptHours: Bool = false) {
        metrics.tasksCompleted = max(0, metrics.tasksCompleted)
        for index in teamStats.indices {
            teamStats[index].tasksCompleted = max(0, teamStats[index].tasksCompleted)
            teamStats[index].hoursLogged = teamStats[index].hoursLogged.flatMap(Self.hours)
        }
        teamStats.removeAll { $0.tasksCompleted == 0 && $0.hoursLogged == nil }
        if let others = otherStats {
            let kept = OtherStats(
                tasksCompleted: max(0, others.tasksCompleted),
                hoursLogged: others.hoursLogged.flatMap(Self.hours))
            otherStats = kept == OtherStats() ? nil : kept
        }
        flow?.requireCounts(exceptHours: exceptHours)
    }

    /// Hours above zero; `nil` for others.
    private static func hours(_ hours: Number) -> Number? { hours > 0 ? hours : nil }
}

extension Lookup where E == CodexFlow.Analytics {
    /// The analytics of a project's day.
    public static func analytics(of project: CodexFlow.Project.ID, on day: CalendarDay) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("ANALYTICS#\(day)"))
    }
}

extension Query where E == CodexFlow.Analytics {
    /// The analytics of a project's days, both ends included.
    public static func analytics(
        of project: CodexFlow.Project.ID, from first: CalendarDay, through last: CalendarDay
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)"),
            sort: .between(.string("ANALYTICS#\(first)"), .string("ANALYTICS#\(last)")))
    }
}
