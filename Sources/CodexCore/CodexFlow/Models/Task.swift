public import FoundationEssentials

extension CodexFlow {
    /// A piece of work in a project.
    ///
    /// Key `PROJECT#<projectId>` / `TASK#<taskId>`; found
    ///
    /// - by assignee through GSI1 `ASSIGNEE#<userId>` / `TASK#$<projectId>#<taskId>` while it is
    ///   open, `TASK##<taskId>` afterwards, and `TASK#<taskId>` or `TASK#%<taskId>` if it was
    ///   stored without a status,
    /// - by status, unless archived, through GSI2 `PROJECT#<projectId>#STATUS#<status>` /
    ///   `TASK#<taskId>`,
    /// - by due day, if open, through GSI3 `PROJECT#<projectId>#DUE` / `<day>#TASK#<taskId>`,
    /// - by story through GSI4 `PROJECT#<projectId>#STORY#<prdId>#<storyId>` / `TASK#<taskId>`,
    /// - while it is claimed, by holder through GSI5 `HOLDER#<userId>` /
    ///   `PROJECT#<projectId>#TASK#<taskId>`,
    /// - by its place in the queue of workers through GSI6 `PROJECT#<projectId>#READY` /
    ///   `<priority>#<rank>#<createdAt>#TASK#<taskId>`, or `PROJECT#<projectId>#CLAIMED`,
    ///   `…#WAITING` or `…#DEAD` / `<time>#TASK#<taskId>`,
    /// - by number, label and parent through indexes of their fields.
    public struct Task: Entity, Hashable {
        /// A task's identifier.
        public typealias ID = Identifier<Task>

        /// The kind of work.
        public enum Kind: String, StoredChoice {
            case task, bug, feature, chore, epic

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The state of the task in its workflow.
        public enum Status: String, StoredChoice {
            case backlog, todo, inProgress, inReview, done, canceled

            /// The cases as they are stored.
            public static let choices = Choices(allCases)

            /// Whether work is left.
            public var isOpen: Bool { self != .done && self != .canceled }

            /// Whether work is in progress.
            public var isStarted: Bool { self == .inProgress || self == .inReview }

            /// The statuses that may follow.
            public var successors: Set<Status> {
                switch self {
                case .backlog: [.todo, .canceled]
                case .todo: [.backlog, .inProgress, .canceled]
                case .inProgress: [.todo, .inReview, .done, .canceled]
                case .inReview: [.inProgress, .done, .canceled]
                case .done, .canceled: [.todo]
                }
            }
        }

        /// How urgent the task is.
        public enum Priority: String, StoredChoice {
            case none, urgent, high, medium, low

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// One thing that must hold before the task is done.
        public struct Criterion: Sendable, Hashable {
            /// Identifies the criterion in its task.
            public var id: String
            /// The condition that must hold.
            public var text: String
            /// Whether the condition holds.
            public var isMet: Bool

            /// Creates a criterion.
            public init(id: String, text: String, isMet: Bool = false) {
                self.id = id
                self.text = text
                self.isMet = isMet
            }
        }

        /// The source of a task.
        public enum Origin: Sendable, Hashable {
            /// A person wrote it.
            case human
            /// An agent wrote it.
            case agent
            /// It was derived from a story of a PRD.
            case prd(id: String, version: Int, storyID: String?)
        }

        /// A worker's lease on the task.
        public struct Claim: Sendable, Hashable {
            /// The user who holds the lease.
            public var holder: User.ID
            /// When the lease ends.
            public var until: Date
            /// The number that tells this claim from all others of the task, before and after it.
            ///
            /// The holder gives it to each command (`holding:`). Two workers with one account
            /// have different tokens. No token of a task identifier is given twice, also if the
            /// task or its project is deleted and created again (``ClaimTally``). `nil` is a claim
            /// from before there were tokens.
            public var token: Int?

            /// Creates a claim.
            public init(holder: User.ID, until: Date, token: Int? = nil) {
                self.holder = holder
                self.until = until
                self.token = token
            }

            /// Whether the claim has not ended at an instant.
            ///
            /// A claim whose end is further away than two of the longest leases was made by a clock
            /// that was wrong, and does not hold the task.
            public func isHeld(at instant: Date) -> Bool {
                until > instant
                    && until.timeIntervalSince(instant) <= 2 * CodexFlow.Limits.leaseMax.seconds
            }

            /// Whether it is the same claim as `other`, which may have been renewed since.
            package func isSame(as other: Self) -> Bool {
                token == other.token && holder == other.holder
                    && (token != nil || until == other.until)
            }
        }

        /// A reason against a claim, which a worker can overrule.
        public enum ClaimObstacle: String, Sendable, Hashable, CaseIterable {
            /// The task waits for another one and has not started.
            case blocked
            /// The task is assigned to another user.
            case assignedToOther
            /// The task is not to be claimed yet (``Task/notBefore``).
            case early
            /// All attempts failed (``Task/isDead``).
            case dead
        }

        /// The identifier, unique in the project.
        public var id: ID
        /// The project that the task belongs to.
        public var projectID: Project.ID
        /// One line that describes the work.
        public var title: String {
            didSet { unchangedTexts.setLine(title, over: oldValue) }
        }
        /// The user who should do the work.
        public var assigneeID: User.ID?
        /// The number in the project, as in `ENG-12`.
        public var number: Int?
        /// The description in Markdown.
        public var body: String?
        /// The kind of work.
        public var kind: Kind?
        /// The state of the task in its workflow.
        public var status: Status?
        /// How urgent the task is.
        public var priority: Priority?
        /// The estimated effort, in the project's scale.
        public var estimate: Int?
        /// The complexity that an analysis assigned, 1 to 10.
        public var complexity: Int?
        /// The user who reported the task.
        public var reporterID: User.ID?
        /// The labels, in the order in which they were given.
        public var labels: [String] {
            didSet { unchangedTexts.setLabels(labels, over: oldValue) }
        }
        /// The day on which the task is due.
        public var dueDate: CalendarDay?
        /// The task of which this one is a part.
        public var parentID: ID?
        /// The cycle for which the task is planned.
        public var cycleID: String?
        /// The place in manual orderings, as sortable text.
        public var rank: String?
        /// The conditions that must hold before the task is done.
        public var acceptanceCriteria: [Criterion] {
            didSet { unchangedTexts.setCriteria(acceptanceCriteria, over: oldValue) }
        }
        /// The source of the task.
        public var origin: Origin?
        /// A worker's lease on it, which may have ended.
        public var claim: Claim?
        /// The number of times that the task was reopened.
        public var reopenCount: Int?
        /// When work on it first started.
        public var startedAt: Date?
        /// When it was done.
        public var completedAt: Date?
        /// When it was canceled.
        public var canceledAt: Date?
        /// When the status last changed.
        public var statusChangedAt: Date?
        /// When it was archived.
        public var archivedAt: Date?
        /// When it was created.
        public var createdAt: Date?
        /// When it last changed.
        public var updatedAt: Date?
        /// The user who last changed the task through a service.
        public var updatedByID: User.ID?
        /// Further data that the embedding program keeps with the task.
        public var metadata: AttributeMap?
        /// The token of the last claim that ended by time; 0 if that claim had none.
        public var expiredToken: Int?
        /// The skills that a worker needs, as the embedding program names them.
        public var skills: [String]
        /// The instant before which workers do not get the task from the queue.
        ///
        /// It is removed when the instant has passed.
        public var notBefore: Date?
        /// The number of claims since the task was created, reopened or revived.
        public var attempts: Int?
        /// The number of attempts after which the task is dead; `nil` is
        /// ``CodexFlow/Limits/attemptCountDefault``.
        public var maximumAttempts: Int?
        /// When the last attempt failed.
        public var diedAt: Date?
        /// Whether the task is kept out of the queue, since it waits for another open task: for a
        /// blocker, or for a part.
        ///
        /// The commands maintain it for the queue alone; rules read blockers and parts themselves.
        public var isBlocked: Bool
        /// What the completed work gave.
        public var result: Result?
        /// The texts that may break a rule which is newer than they are.
        var unchangedTexts = UnchangedTexts()
    }
}

extension CodexFlow.Task {
    // Declared in an extension, so that the compiler still synthesizes the memberwise initializer:
    // see `init(reading:)`.
    /// Creates a task; all other properties can be set afterwards.
    public init(
        id: ID, projectID: CodexFlow.Project.ID, title: String,
        assigneeID: CodexFlow.User.ID? = nil, status: Status? = nil, createdAt: Date? = nil
    ) {
        self.id = id
        self.projectID = projectID
        self.title = title
        self.assigneeID = assigneeID
        self.status = status
        self.createdAt = createdAt
        labels = []
        acceptanceCriteria = []
        skills = []
        isBlocked = false
    }
}

extension CodexFlow.Task {
    /// Whether work is left and the task is not archived.
    public var isOpen: Bool { (status?.isOpen ?? true) && archivedAt == nil }

    /// The user who holds the task at an instant; `nil` if no user does.
    public func holder(at instant: Date) -> CodexFlow.User.ID? {
        claim.flatMap { $0.isHeld(at: instant) ? $0.holder : nil }
    }
}

extension Lookup where E == CodexFlow.Task {
    /// The task with the number in the project, as in `ENG-12`.
    public static func task(number: Int, in project: CodexFlow.Project.ID) -> Self {
        Self(
            .index(
                CodexFlow.Index.taskNumber, partition: [.string(project.rawValue)],
                sort: [.number(Number(number))]))
    }

    /// The task with the identifier in the project.
    public static func task(_ id: CodexFlow.Task.ID, in project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .string("TASK#\(id)"))
    }
}

extension Query where E == CodexFlow.Task {
    /// The tasks of a project.
    public static func tasks(in project: CodexFlow.Project.ID) -> Self {
        Self(partition: .string("PROJECT#\(project)"), sort: .beginsWith("TASK#"))
    }

    /// The tasks of a project that have the status.
    public static func tasks(
        in project: CodexFlow.Project.ID, status: CodexFlow.Task.Status
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)#STATUS#\(status.rawValue)"),
            index: CodexFlow.Index.gsi2)
    }

    /// The tasks that are assigned to a user, in all projects.
    ///
    /// The open ones come last, by project.
    public static func tasks(assignedTo user: CodexFlow.User.ID) -> Self {
        Self(
            partition: .string("ASSIGNEE#\(user)"), sort: .beginsWith("TASK#"),
            index: CodexFlow.Index.gsi1)
    }

    /// The tasks that are assigned to a user and open, in all projects, by project.
    ///
    /// An earlier release, or a raw write, may have stored `TASK#<taskId>` as the task's sort key.
    /// The query finds such a task unless its identifier begins with a space, `!` or `"`. It does
    /// not find a task that a raw write reopened or restored without a change of its sort key.
    /// `store.migrate(_:)` for tasks corrects the keys of an earlier release. The next command on a
    /// task, or typed write of it, corrects a raw key.
    ///
    /// - Complexity: O(log *n* + *m*) for *m* open tasks of the user. Other tasks are not examined,
    ///   apart from those that an earlier release stored, until `store.migrate(_:)` for tasks.
    public static func openTasks(assignedTo user: CodexFlow.User.ID) -> Self {
        openTasks(assignedTo: user, sort: .greaterOrEqual(.string(CodexFlow.Task.firstOpenKey)))
    }

    /// The open tasks of a user in a project, apart from ``unplacedTasks(assignedTo:in:)`` and
    /// most of ``earlyTasks(assignedTo:in:)``.
    package static func placedTasks(
        assignedTo user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        openTasks(assignedTo: user, sort: .beginsWith(.string("TASK#$\(project)#")))
    }

    /// The open tasks of a user from a sort key on, apart from ``unplacedTasks(assignedTo:in:)``
    /// and ``earlyTasks(assignedTo:)``.
    ///
    /// - Parameters:
    ///   - user: The assignee.
    ///   - key: The first sort key: ``CodexFlow/Task/firstOpenKey``, or a result of
    ///     ``CodexFlow/Task/nextOpenKey(after:)``.
    /// - Returns: The query.
    package static func placedTasks(
        assignedTo user: CodexFlow.User.ID, from key: String
    ) -> Self {
        openTasks(assignedTo: user, sort: .between(.string(key), "TASK#%"))
    }

    /// The open tasks of a user that the index does not have by project: those that were stored
    /// without a status, as raw items, or by an earlier release, and those with very long keys.
    ///
    /// Most of ``earlyTasks(assignedTo:in:)`` are not among them.
    package static func unplacedTasks(
        assignedTo user: CodexFlow.User.ID, in project: CodexFlow.Project.ID? = nil
    ) -> Self {
        let all = openTasks(assignedTo: user, sort: .greaterOrEqual("TASK#%"))
        guard let project else { return all }
        return all.filtered(
            by: .compare(.path("projectId"), .equal, .value(.string(project.rawValue))))
    }

    /// The open tasks of a user whose sort keys are identifiers that begin with a space, `!` or
    /// `"`, in all projects.
    package static func earlyTasks(assignedTo user: CodexFlow.User.ID) -> Self {
        openTasks(assignedTo: user, sort: .between("TASK# ", "TASK##"))
    }

    /// The open tasks of a user in a project whose identifiers begin with a character before `%`.
    ///
    /// With an identifier alone as its sort key, such a task is before all open tasks in the index,
    /// or between those of other projects. So the table finds it.
    ///
    /// - Complexity: Examines the tasks of the project with such identifiers.
    package static func earlyTasks(
        assignedTo user: CodexFlow.User.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        let query = Self(
            partition: .string("PROJECT#\(project)"), sort: .between("TASK# ", "TASK#%"))
        return query.filtered(
            by: .compare(.path("GSI1PK"), .equal, .value(.string("ASSIGNEE#\(user)"))) && isOpen)
    }

    /// The tasks of a project that have the status, and are open.
    package static func openTasks(
        in project: CodexFlow.Project.ID, status: CodexFlow.Task.Status
    ) -> Self {
        tasks(in: project, status: status).filtered(by: isOpen)
    }

    private static func openTasks(
        assignedTo user: CodexFlow.User.ID, sort: SortCondition
    ) -> Self {
        let query = Self(
            partition: .string("ASSIGNEE#\(user)"), sort: sort, index: CodexFlow.Index.gsi1)
        return query.filtered(by: isOpen)
    }

    /// The condition that a task is open: a raw write of the status leaves the keys as they were.
    private static var isOpen: Condition {
        let finished = CodexFlow.Task.Status.allCases.filter { !$0.isOpen }
        return .attributeNotExists(DocumentPath("archivedAt"))
            && !.isIn(
                .path(DocumentPath("status")), finished.map { .value(.string($0.rawValue)) })
    }

    /// The open tasks of a project that are due on a day up to `last`, by day.
    ///
    /// Tasks without a due day are not included.
    public static func tasks(
        in project: CodexFlow.Project.ID, dueThrough last: CalendarDay
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)#DUE"), sort: .less(.string("\(last)$")),
            index: CodexFlow.Index.gsi3)
    }

    /// The open tasks of a project that were due before a day.
    public static func tasks(
        in project: CodexFlow.Project.ID, overdueOn today: CalendarDay
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)#DUE"), sort: .less(.string("\(today)")),
            index: CodexFlow.Index.gsi3)
    }

    /// The tasks that a user holds, or held until the claim's end, by project.
    ///
    /// - Parameters:
    ///   - user: The holder.
    ///   - project: The tasks' project; `nil` is all projects.
    /// - Returns: The query.
    public static func tasks(
        claimedBy user: CodexFlow.User.ID, in project: CodexFlow.Project.ID? = nil
    ) -> Self {
        Self(
            partition: .string("HOLDER#\(user)"),
            sort: project.map { SortCondition.beginsWith(.string("PROJECT#\($0)#TASK#")) } ?? .any,
            index: CodexFlow.Index.gsi5)
    }

    /// The tasks that a user holds, or held until the claim's end, in the projects after one, by
    /// project; `nil` is all projects.
    package static func tasks(
        claimedBy user: CodexFlow.User.ID, after project: CodexFlow.Project.ID?
    ) -> Self {
        // `$` comes after `#`, which follows each project.
        Self(
            partition: .string("HOLDER#\(user)"),
            sort: project.map { SortCondition.greaterOrEqual(.string("PROJECT#\($0)$")) } ?? .any,
            index: CodexFlow.Index.gsi5)
    }

    /// The tasks of a project whose claims end at an instant or before, earliest end first.
    public static func tasks(
        in project: CodexFlow.Project.ID, claimEndingBy instant: Date
    ) -> Self {
        // `$` comes after `#`, which follows each time.
        Self(
            partition: .string("PROJECT#\(project)#CLAIMED"),
            sort: .less(.string("\(Timestamp.text(instant))$")), index: CodexFlow.Index.gsi6)
    }

    /// The tasks of a project whose claims end so late that they hold nothing at an instant,
    /// earliest end first: a clock that was wrong made them.
    public static func tasks(
        in project: CodexFlow.Project.ID, claimInvalidAt instant: Date
    ) -> Self {
        let last = instant + 2 * CodexFlow.Limits.leaseMax.seconds
        return Self(
            partition: .string("PROJECT#\(project)#CLAIMED"),
            sort: .greater(.string("\(Timestamp.text(last))$")), index: CodexFlow.Index.gsi6)
    }

    /// The tasks of a project that have the label.
    public static func tasks(in project: CodexFlow.Project.ID, label: String) -> Self {
        Self(
            TableQuery(
                table: CodexFlow.table, index: CodexFlow.Index.taskLabel,
                partition: [
                    .string(project.rawValue), .string(Normalization.composed(label)),
                ]))
    }

    /// The parts of a task.
    public static func subtasks(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            TableQuery(
                table: CodexFlow.table, index: CodexFlow.Index.taskParent,
                partition: [.string(project.rawValue), .string(task.rawValue)]))
    }

    /// The parts of a task that are open.
    package static func openSubtasks(
        of task: CodexFlow.Task.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        subtasks(of: task, in: project).filtered(by: isOpen)
    }

    /// The tasks of a project that have numbers, by number.
    public static func tasksByNumber(in project: CodexFlow.Project.ID) -> Self {
        Self(
            TableQuery(
                table: CodexFlow.table, index: CodexFlow.Index.taskNumber,
                partition: [.string(project.rawValue)]))
    }

    /// The tasks that come from a story of a PRD, in any of its versions.
    public static func tasks(
        ofStory story: String, of prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) -> Self {
        Self(
            partition: .string("PROJECT#\(project)#STORY#\(prd)#\(story)"),
            index: CodexFlow.Index.gsi4)
    }
}
