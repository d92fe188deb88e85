import Codex
import HTTPTypes
import Hummingbird

/// The task service of the architecture document: create, get, list, update, delete, and the other
/// task routes.
///
/// A path names a task by its project's key and its number, as people do: `ENG-12`.
struct TaskRoutes: Sendable {
    let workspace: CodexFlow.Workspace
    let configuration: Configuration

    func add(to router: some RouterMethods<RequestState>) {
        router.post("tasks", use: create)
        router.get("tasks", use: list)
        router.get("tasks/:key", use: get)
        router.patch("tasks/:key", use: update)
        router.delete("tasks/:key", use: delete)
        router.post("tasks/:key/move", use: move)
        router.post("tasks/:key/claim", use: claim)
        router.get("tasks/:key/comments", use: comments)
        router.post("tasks/:key/comments", use: comment)
        router.get("tasks/:key/history", use: history)
    }

    /// The task that a path names, with its project.
    private func task(
        _ context: RequestState
    ) async throws -> (CodexFlow.Task, CodexFlow.Project) {
        let key = try context.parameters.require("key")
        let parts = key.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[1]), number > 0,
            let project = try await workspace.project(String(parts[0]), for: context),
            let task = try await workspace.get(.task(number: number, in: project.id))
        else { throw Failure.notFound("task") }
        return (task, project)
    }

    @Sendable func create(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        var payload = try await Payload.read(request, configuration)
        let project = payload.required("project")
        let id = payload.identifier("taskId", of: CodexFlow.Task.self)
        let status = payload.choice("status", of: CodexFlow.Task.Status.self)
        let assignee = payload.identifier("assignee", of: CodexFlow.User.self)
        let edit = TaskEdit(&payload, isNew: true)
        try payload.finish()
        guard let found = try await workspace.project(project, for: context) else {
            throw Failure.invalid(
                .init(path: "project", message: "There is no project with this key."))
        }
        let task = try await workspace.createTask(in: found.id, by: user, id: id) { task in
            edit.apply(to: &task)
            task.status = status ?? .backlog
            task.assigneeID = assignee
        }
        var response = Envelope.response(task.view(found), context, status: .created)
        if let key = found.key, let number = task.number {
            response.headers[.location] = "/tasks/\(key)-\(number)"
        }
        return response
    }

    @Sendable func get(_ request: Request, _ context: RequestState) async throws -> Response {
        let (task, project) = try await task(context)
        return Envelope.response(task.view(project), context)
    }

    @Sendable func list(_ request: Request, _ context: RequestState) async throws -> Response {
        let parameters = request.uri.queryParameters
        let user = try context.requireUser()
        let filters: Set<Substring> = ["status", "label", "dueThrough"]
        let names = Set(parameters.map(\.key))
        guard names.isSubset(of: filters.union(["project", "limit", "after"])),
            names.intersection(filters).count <= (names.contains("project") ? 1 : 0)
        else {
            throw Failure.badQuery(
                "There are project, limit and after, and with a project one of status, label and "
                    + "dueThrough.")
        }
        let (limit, token) = try Self.page(request)
        guard let key = parameters["project"].map({ String($0) }) else {
            // The requesting user's own open tasks.
            let page = try await workspace.query(
                .openTasks(assignedTo: user), limit: limit, after: token)
            return try await respond(page, context)
        }
        guard let project = try await workspace.project(key, for: context) else {
            throw Failure.notFound("project")
        }
        var query = CodexCore.Query<CodexFlow.Task>.tasks(in: project.id)
        if let text = parameters["status"] {
            guard let status = CodexFlow.Task.Status(rawValue: String(text)) else {
                throw Failure.badQuery("There is no such status.")
            }
            query = .tasks(in: project.id, status: status)
        } else if let label = parameters["label"] {
            query = .tasks(in: project.id, label: String(label))
        } else if let text = parameters["dueThrough"] {
            query = .tasks(in: project.id, dueThrough: try Self.day(text))
        }
        return try await respond(
            try await workspace.query(query, limit: limit, after: token), context)
    }

    /// The requested page of a list.
    static func page(_ request: Request) throws -> (limit: Int, after: PageToken?) {
        let parameters = request.uri.queryParameters
        let limit = parameters["limit"].map { Int($0) ?? 0 } ?? 50
        guard (1...100).contains(limit) else {
            throw Failure.badQuery("A limit is from 1 to 100.")
        }
        return (limit, parameters["after"].map { PageToken(String($0)) })
    }

    static func day(_ text: some StringProtocol) throws -> CalendarDay {
        guard let day = CalendarDay(String(text)) else {
            throw Failure.badQuery("A day is written as 2026-11-25.")
        }
        return day
    }

    private func respond(
        _ page: Page<CodexFlow.Task>, _ context: RequestState
    ) async throws -> Response {
        var projects: [CodexFlow.Project.ID: CodexFlow.Project] = [:]
        var views: [AttributeValue] = []
        for task in page.items {
            let id = task.projectID
            if projects[id] == nil { projects[id] = try await workspace.get(.project(id)) }
            if let project = projects[id] { views.append(task.view(project)) }
        }
        return Envelope.list(views, page.next, context)
    }

    @Sendable func update(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        let (task, project) = try await task(context)
        var payload = try await Payload.read(request, configuration)
        // A client that read an older state gets an error.
        let read = payload.string("updatedAt")
        let hasAssignee = payload.has("assignee")
        let assignee = payload.identifier("assignee", of: CodexFlow.User.self)
        let edit = TaskEdit(&payload, isNew: false)
        let readAt = read.flatMap(Timestamp.date)
        if read != nil, readAt == nil {
            payload.refuse("updatedAt", "It is a time as it was given.")
        }
        try payload.finish()
        let changed = try await workspace.changeTask(
            task.id, in: project.id, by: user, readAt: readAt
        ) { task in
            edit.apply(to: &task)
            if hasAssignee { task.assigneeID = assignee }
        }
        return Envelope.response(changed.view(project), context)
    }

    /// Archives the task: its number and history stay.
    @Sendable func delete(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        let (task, project) = try await task(context)
        let archived = try await workspace.archiveTask(task.id, in: project.id, by: user)
        return Envelope.response(archived.view(project), context)
    }

    @Sendable func move(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        let (task, project) = try await task(context)
        var payload = try await Payload.read(request, configuration)
        let status = payload.choice("status", of: CodexFlow.Task.Status.self)
        let (reason, token) = (payload.string("overriding"), payload.integer("holding"))
        if status == nil, payload.fields.isEmpty { payload.refuse("status", "It is missing.") }
        try payload.finish()
        let moved = try await workspace.moveTask(
            task.id, in: project.id, to: status ?? .todo, by: user, holding: token,
            overriding: reason)
        return Envelope.response(moved.view(project), context)
    }

    @Sendable func claim(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        let (task, project) = try await task(context)
        var payload = try await Payload.read(request, configuration)
        let seconds = payload.integer("leaseSeconds") ?? 600
        try payload.finish()
        let claimed = try await workspace.claimTask(
            task.id, in: project.id, by: user,
            lease: .seconds(min(max(seconds, -1), 1_000_000)))
        return Envelope.response(claimed.view(project), context)
    }

    @Sendable func comment(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        let (task, project) = try await task(context)
        var payload = try await Payload.read(request, configuration)
        let text = payload.required("text")
        try payload.finish()
        let comment = try await workspace.addComment(on: task.id, in: project.id, by: user, text)
        return Envelope.response(comment.view, context, status: .created)
    }

    @Sendable func comments(_ request: Request, _ context: RequestState) async throws -> Response {
        let (task, project) = try await task(context)
        let (limit, token) = try Self.page(request)
        let page = try await workspace.query(
            .comments(on: task.id, in: project.id), limit: limit, after: token)
        return Envelope.list(page.items.map(\.view), page.next, context)
    }

    @Sendable func history(_ request: Request, _ context: RequestState) async throws -> Response {
        let (task, project) = try await task(context)
        let (limit, token) = try Self.page(request)
        let page = try await workspace.query(
            .activity(of: task.id, in: project.id), limit: limit, after: token)
        return Envelope.list(page.items.map(\.view), page.next, context)
    }
}

/// The changes of a request to a task; missing members stay, and `null` removes a value.
private struct TaskEdit: Sendable {
    private var changes: [@Sendable (inout CodexFlow.Task) -> Void] = []

    init(_ payload: inout Payload, isNew: Bool) {
        if isNew || payload.has("title") {
            let title = payload.required("title")
            changes.append { $0.title = title }
        }
        let body = payload.string("description")
        if payload.has("description") { changes.append { $0.body = body } }
        let kind = payload.choice("kind", of: CodexFlow.Task.Kind.self)
        if payload.has("kind") { changes.append { $0.kind = kind } }
        let priority = payload.choice("priority", of: CodexFlow.Task.Priority.self)
        if payload.has("priority") { changes.append { $0.priority = priority } }
        let estimate = payload.integer("estimate")
        if payload.has("estimate") { changes.append { $0.estimate = estimate } }
        let labels = payload.strings("labels") ?? []
        if payload.has("labels") { changes.append { $0.labels = labels } }
        let due = payload.day("dueDate")
        if payload.has("dueDate") { changes.append { $0.dueDate = due } }
        let parent = payload.identifier("parentId", of: CodexFlow.Task.self)
        if payload.has("parentId") { changes.append { $0.parentID = parent } }
        let criteria =
            payload.objects("acceptanceCriteria") { element in
                CodexFlow.Task.Criterion(
                    id: element.required("id"), text: element.required("text"),
                    isMet: element.flag("met") ?? false)
            } ?? []
        if payload.has("acceptanceCriteria") {
            changes.append { $0.acceptanceCriteria = criteria }
        }
    }

    func apply(to task: inout CodexFlow.Task) {
        for change in changes { change(&task) }
    }
}

extension CodexFlow.Workspace {
    /// The project with the key, if the requesting user may see it; otherwise it counts as missing.
    func project(_ key: String, for context: RequestState) async throws -> CodexFlow.Project? {
        let user = try context.requireUser()
        guard !key.isEmpty, let project = try await get(.project(key: key)) else { return nil }
        if project.ownerID == user { return project }
        return try await get(.member(user, of: project.id)) == nil ? nil : project
    }
}
