public import CodexCore

// Typed members of an event's detail; each is `nil` if this kind of event does not have it.

extension CodexFlow.Event {
    /// The task that the event is about.
    public var taskID: CodexFlow.Task.ID? { identifier("taskId") }
    /// The task that blocks, or blocked, the event's task.
    public var blockerID: CodexFlow.Task.ID? { identifier("blockerId") }
    /// The project that the event is about, or that its subject belongs to.
    public var projectID: CodexFlow.Project.ID? { identifier("projectId") }
    /// The PRD that the event is about.
    public var prdID: CodexFlow.PRD.ID? { identifier("prdId") }
    /// The PRD's version.
    public var version: Int? { integer("version") }
    /// The comment that the event is about.
    public var commentID: CodexFlow.Comment.ID? { identifier("commentId") }
    /// The user that the event is about: a member, or the user who logged work, reviewed or opened
    /// a session.
    public var userID: CodexFlow.User.ID? { identifier("userId") }
    /// The user who made the change, if the stored items name the user.
    public var actorID: CodexFlow.User.ID? { identifier("actor") }
    /// The task's assignee.
    public var assigneeID: CodexFlow.User.ID? { identifier("assignee") }
    /// The task's previous assignee.
    public var previousAssigneeID: CodexFlow.User.ID? { identifier("previousAssignee") }
    /// The task's title, or the PRD's.
    public var title: String? { detail["title"]?.string }
    /// The task's number.
    public var number: Int? { integer("number") }
    /// The task's status.
    public var taskStatus: CodexFlow.Task.Status? {
        source == "codexflow.tasks" ? choice("status") : nil
    }
    /// The task's previous status.
    public var previousTaskStatus: CodexFlow.Task.Status? {
        source == "codexflow.tasks" ? choice("from") : nil
    }
    /// The names of the fields that changed.
    public var fields: [String]? { detail["fields"].flatMap([String].init(attributeValue:)) }
    /// The hours that were logged, less the hours that were taken back.
    public var hours: Number? { detail["hours"]?.number }
    /// The role of a member.
    public var memberRole: CodexFlow.Member.Role? {
        source == "codexflow.projects" ? choice("role") : nil
    }
    /// The reviewer's decision.
    public var decision: CodexFlow.PRDReview.Decision? { choice("decision") }

    private func identifier<Model>(_ name: String) -> Identifier<Model>? {
        detail[name].flatMap(Identifier<Model>.init(attributeValue:))
    }

    private func integer(_ name: String) -> Int? { detail[name]?.number?.int64.map { Int($0) } }

    private func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
        detail[name]?.string.flatMap(Choice.init)
    }
}
