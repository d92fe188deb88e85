import Codex
import Foundation

/// The tools that a server of the Model Context Protocol offers: at most eight, of one project or
/// of all, and if wanted those alone that change nothing.
struct AgentTools: Sendable {
    /// One tool.
    struct Tool: Sendable {
        let name: String
        let summary: String
        let isChange: Bool
        let parameters: [ToolParameter]
        let call: @Sendable (AgentLedger, ToolArguments) async throws -> AgentAnswer
    }

    /// The tools, in the order of the list.
    let tools: [Tool]
    private let store: Store
    /// The project of all calls; `nil` if each call names one.
    private let project: CodexFlow.Project.ID?
    private let user: CodexFlow.User.ID?
    private let clock: @Sendable () -> Date

    /// Creates the tools.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - project: The project of all calls; `nil` if each call names one.
    ///   - user: The user who makes all changes; `nil` offers only the tools that change nothing.
    ///   - isReadOnly: Whether to offer only the tools that change nothing.
    ///   - clock: The source of the present time.
    init(
        _ store: Store, project: CodexFlow.Project.ID?, user: CodexFlow.User.ID?,
        isReadOnly: Bool = false, clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.project = project
        self.user = user
        self.clock = clock
        tools = Self.all.filter { !$0.isChange || (!isReadOnly && user != nil) }
    }

    /// What a model must know of all tools.
    static let instructions = """
        The tasks of projects, which workers claim. task_claim gives a token: send it with each \
        later call on the task, and call task_renew before `until`. After the errors taskNotHeld \
        and taskClaimEnded, stop the work: another worker may have the task. Give each change an \
        idempotencyKey: a new random UUID, never used before. If its answer is lost, send the call \
        again with the same key and arguments.
        """

    /// The tool with a name; `nil` if it is not offered.
    func tool(named name: String) -> Tool? { tools.first { $0.name == name } }

    /// The list of the tools, as `tools/list` gives it.
    var list: AttributeValue { .list(tools.map { .map(definition(of: $0)) }) }

    /// Calls a tool.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` for arguments that the tool does not take, and
    ///   the errors of the command.
    func call(_ tool: Tool, _ given: AttributeMap) async throws -> AgentAnswer {
        let arguments = try ToolArguments(given, for: parameters(of: tool))
        let project = try project ?? arguments.requiredIdentifier("project")
        return try await tool.call(
            AgentLedger(store, project: project, user: user, clock: clock), arguments)
    }

    private func parameters(of tool: Tool) -> [ToolParameter] {
        (project == nil ? [ToolParameter("project", .text).required] : []) + tool.parameters
    }

    private func definition(of tool: Tool) -> AttributeMap {
        let parameters = parameters(of: tool)
        let properties = parameters.map { ($0.name, AttributeValue.map($0.schema)) }
        var schema: AttributeMap = [
            "type": "object", "additionalProperties": false,
            "properties": .map(AttributeMap(properties)),
        ]
        let required = parameters.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema["required"] = required.attributeValue }
        return [
            "name": .string(tool.name), "description": .string(tool.summary),
            "inputSchema": .map(schema),
            // A change is not destructive: the history keeps what was.
            "annotations": tool.isChange ? ["destructiveHint": false] : ["readOnlyHint": true],
        ]
    }
}

// MARK: The tools

extension AgentTools {
    private static let all: [Tool] = [
        ready, claim, renew, finish, add, show, comment, block,
    ]

    private static func names<Choice: CaseIterable & RawRepresentable<String>>(
        _ type: Choice.Type
    ) -> [String] {
        type.allCases.map(\.rawValue)
    }

    private static let task = ToolParameter("task", .text, "Identifier").required
    private static let token = ToolParameter("token", .integer)
    private static let key = ToolParameter("idempotencyKey", .text, "New random UUID, never used")
    private static let lease = ToolParameter("leaseSeconds", .integer, "Default 900")
    private static let kind = names(CodexFlow.Task.Kind.self)
    private static let priority = names(CodexFlow.Task.Priority.self)

    private static let filters = [
        ToolParameter("labels", .texts, "All of these"),
        ToolParameter("kinds", .choices(kind)),
        ToolParameter("priorities", .choices(priority)),
        ToolParameter("skills", .texts, "Your skills: skips tasks that need others"),
    ]

    private static func filter(_ arguments: ToolArguments) -> CodexFlow.TaskFilter {
        CodexFlow.TaskFilter(
            labels: Set(arguments.texts("labels")), kinds: arguments.choices("kinds"),
            priorities: arguments.choices("priorities"),
            skills: arguments.json("skills") == nil ? nil : Set(arguments.texts("skills")))
    }

    private static let ready = Tool(
        name: "task_ready",
        summary: "Lists tasks that can be claimed, best first. mayFollow: a claim may find more.",
        isChange: false,
        parameters: filters + [ToolParameter("limit", .integer, "1 to 100, default 20")]
    ) { ledger, arguments in
        try ledger.ready(matching: filter(arguments), limit: arguments.integer("limit") ?? 20)
    }

    private static let claim = Tool(
        name: "task_claim",
        summary: """
            Claims the best ready task, or the given one, and starts it. Gives task, token, until; \
            task is null if there is none.
            """,
        isChange: true,
        parameters: [ToolParameter("task", .text, "Identifier; without it, the best")] + filters + [
            ToolParameter(
                "despite", .choices(names(CodexFlow.Task.ClaimObstacle.self)),
                "Obstacles of the given task to ignore"),
            lease, ToolParameter("start", .flag, "Default true"), key,
        ]
    ) { ledger, arguments in
        var choice = AgentLedger.ClaimChoice()
        choice.task = try arguments.identifier("task")
        choice.filter = filter(arguments)
        choice.despite = arguments.choices("despite")
        choice.leaseSeconds = arguments.integer("leaseSeconds") ?? choice.leaseSeconds
        choice.starts = arguments.flag("start") ?? true
        guard choice.task == nil ? choice.despite.isEmpty : choice.filter == .init() else {
            throw CodexError(
                .invalidArgument,
                "Filters choose from the queue, and despite is of a given task: leave one out.")
        }
        return try await ledger.claim(choice, key: arguments.text("idempotencyKey"))
    }

    private static let renew = Tool(
        name: "task_renew", summary: "Begins the claim's lease again. Gives until.",
        isChange: true, parameters: [task, token.required, lease, key]
    ) { ledger, arguments in
        try await ledger.renew(
            try arguments.requiredIdentifier("task"),
            token: try arguments.requiredInteger("token"),
            leaseSeconds: arguments.integer("leaseSeconds") ?? AgentLedger.leaseSeconds,
            key: arguments.text("idempotencyKey"))
    }

    private static let comment = Tool(
        name: "task_comment", summary: "Adds a comment in Markdown.", isChange: true,
        parameters: [task, ToolParameter("text", .text).required, token, key]
    ) { ledger, arguments in
        try await ledger.comment(
            on: try arguments.requiredIdentifier("task"), try arguments.requiredText("text"),
            token: arguments.integer("token"), key: arguments.text("idempotencyKey"))
    }

    private static let show = Tool(
        name: "task_show",
        summary: "Gives a task with body, criteria, result, blockers and the last comments.",
        isChange: false, parameters: [task]
    ) { ledger, arguments in
        try ledger.show(try arguments.requiredIdentifier("task"))
    }

    private static let block = Tool(
        name: "task_block", summary: "Makes a task wait for another one, or no longer.",
        isChange: true,
        parameters: [
            task, ToolParameter("blocker", .text, "Task to finish first").required,
            ToolParameter("remove", .flag), token, key,
        ]
    ) { ledger, arguments in
        let task: CodexFlow.Task.ID = try arguments.requiredIdentifier("task")
        let blocker: CodexFlow.Task.ID = try arguments.requiredIdentifier("blocker")
        let (token, key) = (arguments.integer("token"), arguments.text("idempotencyKey"))
        if arguments.flag("remove") == true {
            return try await ledger.unblock(task, from: blocker, token: token, key: key)
        }
        return try await ledger.block(task, on: blocker, token: token, key: key)
    }

    private static let add = Tool(
        name: "task_add", summary: "Creates a task in todo, ready for workers.", isChange: true,
        parameters: [
            ToolParameter("title", .text).required, ToolParameter("body", .text, "Markdown"),
            ToolParameter("id", .text, "Default: made"), ToolParameter("kind", .choice(kind)),
            ToolParameter("priority", .choice(priority)), ToolParameter("labels", .texts),
            ToolParameter("skills", .texts, "What a worker needs"),
            ToolParameter("estimate", .integer, "Points"),
            ToolParameter("assignee", .text, "Only this user gets it"),
            ToolParameter("parent", .text, "Task of which it is a part"),
            ToolParameter("criteria", .texts, "Must hold before it is done"),
            ToolParameter("blockedBy", .texts, "Tasks to finish first"),
            ToolParameter("backlog", .flag, "Not for workers yet"), key,
        ]
    ) { ledger, arguments in
        var draft = AgentLedger.Draft(title: try arguments.requiredText("title"))
        draft.id = try arguments.identifier("id")
        draft.body = arguments.text("body")
        draft.kind = arguments.choice("kind")
        draft.priority = arguments.choice("priority")
        draft.labels = arguments.texts("labels")
        draft.skills = arguments.texts("skills")
        draft.estimate = arguments.integer("estimate")
        draft.assignee = try arguments.identifier("assignee")
        draft.parent = try arguments.identifier("parent")
        draft.criteria = arguments.texts("criteria")
        draft.blockers = try arguments.texts("blockedBy").map { try CodexFlow.Task.ID($0) }
        draft.isInBacklog = arguments.flag("backlog") ?? false
        return try await ledger.add(draft, key: arguments.text("idempotencyKey"))
    }

    /// How the work on a task ended.
    private enum Outcome: String, CaseIterable {
        case done, failed, released
    }

    private static let finish = Tool(
        name: "task_finish",
        summary: """
            Ends the work on a claimed task: done, failed (another attempt follows), or released \
            (no attempt was made).
            """,
        isChange: true,
        parameters: [
            task, token.required, ToolParameter("outcome", .choice(names(Outcome.self))).required,
            ToolParameter("text", .text, "Result for people"),
            ToolParameter("data", .json, "Result for programs"),
            ToolParameter("link", .text, "Result's URL"),
            ToolParameter("met", .texts, "Ids of criteria that hold"),
            ToolParameter("retryAfterSeconds", .integer, "If failed"),
            ToolParameter("note", .text, "For the history"), key,
        ]
    ) { ledger, arguments in
        let task: CodexFlow.Task.ID = try arguments.requiredIdentifier("task")
        let token = try arguments.requiredInteger("token")
        let (note, key) = (arguments.text("note"), arguments.text("idempotencyKey"))
        let outcome: Outcome = arguments.choice("outcome") ?? .failed
        let isOnlyOfDone = ["text", "data", "link", "met"].contains { arguments.json($0) != nil }
        guard outcome == .done || !isOnlyOfDone,
            outcome == .failed || arguments.json("retryAfterSeconds") == nil
        else {
            throw CodexError(
                .invalidArgument,
                "A result and criteria are of the outcome done, and retryAfterSeconds of failed.")
        }
        switch outcome {
        case .done:
            return try await ledger.complete(
                task, token: token, result: result(arguments), met: Set(arguments.texts("met")),
                note: note, key: key)
        case .failed:
            return try await ledger.fail(
                task, token: token, retryAfterSeconds: arguments.integer("retryAfterSeconds"),
                note: note, key: key)
        case .released:
            return try await ledger.release(task, token: token, note: note, key: key)
        }
    }

    private static func result(_ arguments: ToolArguments) -> CodexFlow.Task.Result? {
        let result = CodexFlow.Task.Result(
            text: arguments.text("text"), data: arguments.json("data"),
            link: arguments.text("link"))
        return result == CodexFlow.Task.Result() ? nil : result
    }
}
