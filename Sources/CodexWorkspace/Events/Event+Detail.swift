public import CodexCore

// What an event's detail says, typed; `nil` where the kind of event does not have it.

extension CodexFlow.Event {
    /// The task that it is about.
    public var taskID: CodexFlow.Task.ID? { identifier("taskId") }
    /// The task that blocks, or blocked, it.
    public var blockerID: CodexFlow.Task.ID? { identifier("blockerId") }
    /// The project that it is about, or that what it is about belongs to.
    public var projectID: CodexFlow.Project.ID? { identifier("projectId") }
    /// The PRD that it is about.
    public var prdID: CodexFlow.PRD.ID? { identifier("prdId") }
    /// The PRD's version.
    public var version: Int? { integer("version") }
    /// The comment that it is about.
    public var commentID: CodexFlow.Comment.ID? { identifier("commentId") }
    /// The user that it is about: a member, who logged work, reviewed or opened a session.
    public var userID: CodexFlow.User.ID? { identifier("userId") }
    /// Who did it to a task, as far as the services know.
    public var actorID: CodexFlow.User.ID? { identifier("actor") }
    /// The task's assignee.
    public var assigneeID: CodexFlow.User.ID? { identifier("assignee") }
    /// The task's assignee before.
    public var previousAssigneeID: CodexFlow.User.ID? { identifier("previousAssignee") }
    /// The task's title, or the PRD's.
    public var title: String? { detail["title"]?.string }
    /// The task's number.
    public var number: Int? { integer("number") }
    /// The task's status.
    public var taskStatus: CodexFlow.Task.Status? {
        source == "codexflow.tasks" ? choice("status") : nil
    }
    /// The task's status before.
    public var previousTaskStatus: CodexFlow.Task.Status? {
        source == "codexflow.tasks" ? choice("from") : nil
    }
    /// The names of the fields that changed.
    public var fields: [String]? { detail["fields"].flatMap([String].init(attributeValue:)) }
    /// The hours that were logged, less those that were taken back.
    public var hours: Number? { detail["hours"]?.number }
    /// The role of a member.
    public var memberRole: CodexFlow.Member.Role? {
        source == "codexflow.projects" ? choice("role") : nil
    }
    /// What a reviewer decided.
    public var decision: CodexFlow.PRDReview.Decision? { choice("decision") }

    private func identifier<Model>(_ name: String) -> Identifier<Model>? {
        detail[name].flatMap(Identifier<Model>.init(attributeValue:))
    }

    private func integer(_ name: String) -> Int? { detail[name]?.number?.int64.map { Int($0) } }

    private func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
        detail[name]?.string.flatMap(Choice.init)
    }
}
