public import FoundationEssentials

// The queue of a project, from which `claimNext` of a workspace gives tasks to workers. Each task
// is in at most one of its ranges, which are partitions of GSI6:
//
// - CLAIMED, by the claim's end: a worker has the task.
// - READY, by priority, rank and age: it can be claimed. The tasks of each assignee are in a
//   partition of their own.
// - WAITING, by ``CodexFlow/Task/notBefore``: it can be claimed later.
// - DEAD, by time: all its attempts failed. It is open, in any status.
//
// A blocked task, and one whose status is neither todo nor inProgress, is neither in READY nor in
// WAITING. An archived one is not in DEAD either.
extension CodexFlow.Task {
    /// What the work on a task gave.
    public struct Result: Sendable, Hashable {
        /// A text for people.
        public var text: String?
        /// Data for programs.
        public var data: AttributeValue?
        /// A link to what was made, with its scheme.
        public var link: String?

        /// Creates a result.
        public init(text: String? = nil, data: AttributeValue? = nil, link: String? = nil) {
            self.text = text
            self.data = data
            self.link = link
        }
    }

    /// Whether all attempts of workers failed, so that no worker gets the task from the queue.
    public var isDead: Bool { diedAt != nil }

    /// The number of claims after which the task is dead, unless it is done then.
    public var attemptCountMax: Int {
        max(maximumAttempts ?? CodexFlow.Limits.attemptCountDefault, 1)
    }

    /// Whether the task can be claimed from the queue, as far as the task itself tells.
    package var isReady: Bool {
        isQueued && claim == nil && !isDead && !isBlocked && notBefore == nil
    }

    /// Whether the task has a status of the queue.
    private var isQueued: Bool { archivedAt == nil && (status == .todo || status == .inProgress) }

    /// The place of the task among ready ones; compare it by bytes.
    package var readyKey: String {
        let order =
            switch priority {
            case .urgent: 0
            case .high: 1
            case .medium: 2
            case .low: 3
            case .some(.none), nil: 4
            }
        let age = Timestamp.text(createdAt ?? Date(timeIntervalSince1970: 0))
        // A sort key has a limit. Few ranks are longer, and differ only after that.
        if let rank {
            let key = "\(order)#0\(String(rank.unicodeScalars.prefix(64)))#\(age)#TASK#\(id)"
            if Self.isShort(key) { return key }
        }
        // The task has no rank, or its identifier leaves no room for it.
        return "\(order)#1#\(age)#TASK#\(id)"
    }

    /// Whether there is room for each key that the task may get, and for those of its history.
    package var hasRoomForKeys: Bool {
        let count = id.rawValue.utf8.count
        // The longest of the task's keys is that of a claim: the project and the task.
        let own = "PROJECT##TASK#".utf8.count + projectID.rawValue.utf8.count + count
        return count <= CodexFlow.Limits.taskIdentifierByteCountMax
            && own <= DynamoDBLimits.sortKeyByteCountMax
    }

    /// The partition and sort key of the task's place in the queue; `nil` if it has none.
    var queueKeys: (partition: String, sort: String)? {
        let project = "PROJECT#\(projectID)"
        if let claim {
            return ("\(project)#CLAIMED", "\(Timestamp.text(claim.until))#TASK#\(id)")
        }
        if let diedAt, isOpen {
            return ("\(project)#DEAD", "\(Timestamp.text(diedAt))#TASK#\(id)")
        }
        guard isQueued, !isBlocked else { return nil }
        if let notBefore {
            return ("\(project)#WAITING", "\(Timestamp.text(notBefore))#TASK#\(id)")
        }
        return (assigneeID.map { "\(project)#READY#\($0)" } ?? "\(project)#READY", readyKey)
    }

    /// Checks skills, attempts and the result.
    func validateQueue() throws(CodexError) {
        try CodexFlow.Rule.taskSkills.require(
            skills.count <= CodexFlow.Limits.skillCountMax
                && skills.allSatisfy { skill in
                    skill.utf8.count <= CodexFlow.Limits.skillByteCountMax
                        && !CodexFlow.Text.isBlank(skill)
                }
                // After the sizes: a set hashes each text.
                && Set(skills).count == skills.count,
            "skills", ["skills": skills.attributeValue])
        for (name, count) in [("attempts", attempts), ("maximumAttempts", maximumAttempts)] {
            guard let count else { continue }
            let first = name == "attempts" ? 0 : 1
            try CodexFlow.Rule.taskAttempts.require(
                count >= first && count <= CodexFlow.Limits.attemptCountMax, name,
                [name: count.attributeValue])
        }
        if let result { try result.validate() }
    }
}

extension CodexFlow.Limits {
    /// Most skills that a task needs.
    public static let skillCountMax = 50
    /// Most bytes of a skill.
    public static let skillByteCountMax = 200
    /// The number of attempts of a task that has no maximum of its own.
    public static let attemptCountDefault = 10
    /// The highest number of attempts.
    public static let attemptCountMax = 1_000_000
    /// Most bytes of a result's text and data together.
    public static let resultByteCountMax = 65_536
    /// Most bytes of a result's link.
    public static let linkByteCountMax = 2048
}

extension CodexFlow.Task.Result {
    /// Checks sizes, and that the link has a scheme.
    func validate() throws(CodexError) {
        let byteCount = (text?.utf8.count ?? 0) + (data?.byteCount ?? 0)
        let isLink = link.map { link in
            let scheme = link.utf8.prefix { $0 != UInt8(ascii: ":") }
            return link.utf8.count <= CodexFlow.Limits.linkByteCountMax
                && link.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
                && !scheme.isEmpty && scheme.count < link.utf8.count
        }
        try CodexFlow.Rule.taskResult.require(
            byteCount <= CodexFlow.Limits.resultByteCountMax && isLink ?? true, "result",
            ["byteCount": byteCount.attributeValue, "link": link.map { .string($0) }])
    }
}

extension CodexFlow.Task.Result: AttributeConvertible {
    /// A map value.
    public var attributeValue: AttributeValue {
        var map = AttributeMap()
        map["text"] = text.map { .string($0) }
        map["data"] = data
        map["link"] = link.map { .string($0) }
        return .map(map)
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map else { return nil }
        self.init(text: map["text"]?.string, data: map["data"], link: map["link"]?.string)
    }
}

extension Query where E == CodexFlow.Task {
    /// The tasks of a project that can be claimed, in the order in which workers get them.
    ///
    /// Tasks whose blocker was finished, whose claim ended by time, or whose time has come, follow
    /// with the next `claimNext`.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - user: The assignee; `nil` is the tasks without one.
    /// - Returns: The query.
    public static func readyTasks(
        in project: CodexFlow.Project.ID, assignedTo user: CodexFlow.User.ID? = nil
    ) -> Self {
        let all = "PROJECT#\(project)#READY"
        return Self(
            partition: .string(user.map { "\(all)#\($0)" } ?? all), index: CodexFlow.Index.gsi6)
    }

    /// The open tasks of a project all of whose attempts failed, earliest first.
    ///
    /// They may have any status of open tasks. Archived ones are left out.
    public static func deadTasks(in project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)#DEAD"), index: CodexFlow.Index.gsi6)
    }

    /// The unclaimed tasks of a project that were not to be claimed before an instant or an earlier
    /// one, earliest first.
    public static func tasks(
        in project: CodexFlow.Project.ID, waitingUntil instant: Date
    ) -> Self {
        // `$` comes after `#`, which follows each time.
        Self(
            partition: .string("PROJECT#\(project)#WAITING"),
            sort: .less(.string("\(Timestamp.text(instant))$")), index: CodexFlow.Index.gsi6)
    }
}

extension Query where E == CodexFlow.Dependency {
    /// The dependencies of a project whose blocker was finished, and whose waiting task may
    /// therefore be ready; `claimNext` promotes it.
    package static func freedDependencies(in project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)#FREED"), index: CodexFlow.Index.gsi6)
    }
}
