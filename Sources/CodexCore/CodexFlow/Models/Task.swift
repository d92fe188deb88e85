public import FoundationEssentials

extension CodexFlow {
    /// A piece of work in a project.
    ///
    /// Key `PROJECT#<projectId>` / `TASK#<taskId>`; found
    ///
    /// - by assignee through GSI1 `ASSIGNEE#<userId>` / `TASK#<taskId>`,
    /// - by status, unless archived, through GSI2 `PROJECT#<projectId>#STATUS#<status>` /
    ///   `TASK#<taskId>`,
    /// - by due day, if open, through GSI3 `PROJECT#<projectId>#DUE` / `<day>#TASK#<taskId>`,
    /// - by story through GSI4 `PROJECT#<projectId>#STORY#<prdId>#<storyId>` / `TASK#<taskId>`,
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

        /// An agent's lease on the task.
        public struct Claim: Sendable, Hashable {
            /// The user who holds the lease.
            public var holder: User.ID
            /// When the lease ends.
            public var until: Date

            /// Creates a claim.
            public init(holder: User.ID, until: Date) {
                self.holder = holder
                self.until = until
            }
        }

        /// The identifier, unique in the project.
        public var id: ID
        /// The project that the task belongs to.
        public var projectID: Project.ID
        /// One line that describes the work.
        public var title: String
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
        public var labels: [String]
        /// The day on which the task is due.
        public var dueDate: CalendarDay?
        /// The task of which this one is a part.
        public var parentID: ID?
        /// The cycle for which the task is planned.
        public var cycleID: String?
        /// The place in manual orderings, as sortable text.
        public var rank: String?
        /// The conditions that must hold before the task is done.
        public var acceptanceCriteria: [Criterion]
        /// The source of the task.
        public var origin: Origin?
        /// An agent's lease on it.
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
    }
}

extension CodexFlow.Task {
    /// Whether work is left and the task is not archived.
    public var isOpen: Bool { (status?.isOpen ?? true) && archivedAt == nil }

    /// The user who holds the task at an instant; `nil` if no user does.
    public func holder(at instant: Date) -> CodexFlow.User.ID? {
        claim.flatMap { $0.until > instant ? $0.holder : nil }
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
    public static func tasks(assignedTo user: CodexFlow.User.ID) -> Self {
        Self(
            partition: .string("ASSIGNEE#\(user)"), sort: .beginsWith("TASK#"),
            index: CodexFlow.Index.gsi1)
    }

    /// The tasks that are assigned to a user and open, in all projects.
    ///
    /// - Complexity: The query also examines the assigned tasks that are not open.
    public static func openTasks(assignedTo user: CodexFlow.User.ID) -> Self {
        let finished = CodexFlow.Task.Status.allCases.filter { !$0.isOpen }
        return tasks(assignedTo: user).filtered(
            by: .attributeNotExists(DocumentPath("archivedAt"))
                && !.isIn(
                    .path(DocumentPath("status")),
                    finished.map { .value(.string($0.rawValue)) })
        )
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

    /// The tasks of a project that have the label.
    public static func tasks(in project: CodexFlow.Project.ID, label: String) -> Self {
        Self(
            TableQuery(
                table: CodexFlow.table, index: CodexFlow.Index.taskLabel,
                partition: [.string(project.rawValue), .string(label)]))
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
