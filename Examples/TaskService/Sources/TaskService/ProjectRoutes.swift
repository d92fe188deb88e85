import Codex
import Foundation
import HTTPTypes
import Hummingbird

/// The routes of the requesting user: their profile, sessions and projects.
struct ProjectRoutes: Sendable {
    let workspace: CodexFlow.Workspace
    /// Whether the data is in a remote table, which has no analytics.
    let isRemote: Bool
    let configuration: Configuration

    func add(to router: some RouterMethods<RequestState>) {
        router.get("me", use: me)
        router.delete("sessions/current", use: logOut)
        router.get("projects", use: list)
        router.post("projects", use: create)
        router.get("projects/:key", use: get)
        router.post("projects/:key/members", use: addMember)
        router.get("projects/:key/analytics", use: analytics)
        router.get("projects/:key/risk", use: risk)
    }

    private func project(
        _ context: RequestState
    ) async throws -> (CodexFlow.Project, CodexFlow.User.ID) {
        let key = try context.parameters.require("key")
        guard let project = try await workspace.project(key, for: context) else {
            throw Failure.notFound("project")
        }
        return (project, try context.requireUser())
    }

    @Sendable func me(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try await workspace.get(.user(try context.requireUser()))
        return Envelope.response(user?.view ?? .null, context)
    }

    @Sendable func logOut(_ request: Request, _ context: RequestState) async throws -> Response {
        try await workspace.revokeSession(token: try SessionMiddleware.token(of: request))
        return Envelope.response(.null, context)
    }

    @Sendable func list(_ request: Request, _ context: RequestState) async throws -> Response {
        let (limit, token) = try TaskRoutes.page(request)
        let page = try await workspace.query(
            .memberships(of: try context.requireUser()), limit: limit, after: token)
        var projects: [CodexFlow.Project] = []
        for member in page.items {
            if let project = try await workspace.get(.project(member.projectID)) {
                projects.append(project)
            }
        }
        return Envelope.list(projects.map(\.view), page.next, context)
    }

    @Sendable func create(_ request: Request, _ context: RequestState) async throws -> Response {
        let user = try context.requireUser()
        var payload = try await Payload.read(request, configuration)
        let (key, name) = (payload.required("key"), payload.required("name"))
        let summary = payload.string("summary")
        let target = payload.day("targetDate")
        try payload.finish()
        let project = try await workspace.createProject(key: key, name: name, owner: user) {
            ($0.summary, $0.targetDate) = (summary, target)
        }
        return Envelope.response(project.view, context, status: .created)
    }

    @Sendable func get(_ request: Request, _ context: RequestState) async throws -> Response {
        let (project, _) = try await project(context)
        return Envelope.response(project.view, context)
    }

    @Sendable func addMember(_ request: Request, _ context: RequestState) async throws -> Response {
        let (project, user) = try await project(context)
        var payload = try await Payload.read(request, configuration)
        let email = payload.required("email")
        let role = payload.choice("role", of: CodexFlow.Member.Role.self) ?? .member
        try payload.finish()
        // Not every member may find out who owns an email address.
        let own = try await workspace.get(.member(user, of: project.id))?.role
        guard project.ownerID == user || own?.includes(.admin) == true else {
            throw Failure(.forbidden, "forbidden", "Admins of a project add members.")
        }
        guard let other = try await workspace.get(.user(email: email)) else {
            throw Failure.invalid(.init(path: "email", message: "No user has this address."))
        }
        let member = try await workspace.addMember(other.id, to: project.id, as: role, by: user)
        return Envelope.response(
            [
                "userId": member.userID.attributeValue, "role": .string(member.role.rawValue),
            ], context, status: .created)
    }

    @Sendable func analytics(_ request: Request, _ context: RequestState) async throws -> Response {
        guard !isRemote else { throw Failure.absent("analytics") }
        let (project, _) = try await project(context)
        let parameters = request.uri.queryParameters
        func day(_ name: Substring, _ standard: CalendarDay) throws -> CalendarDay {
            try parameters[name].map { try TaskRoutes.day($0) } ?? standard
        }
        let today = SystemCalendar().day(of: Date(), in: project.timeZone)
        let last = try day("through", today)
        let report = try await workspace.analyticsReport(
            of: project.id, from: try day("from", last.adding(days: -27)), through: last)
        return Envelope.response(report.view, context)
    }

    @Sendable func risk(_ request: Request, _ context: RequestState) async throws -> Response {
        let (project, _) = try await project(context)
        let report = try await workspace.riskReport(of: project.id)
        return Envelope.response(
            .map(try DynamoDBJSON.item(parsingPlain: Array(report.json.utf8))), context)
    }
}
