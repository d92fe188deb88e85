import CodexCore
import Foundation

/// CodexFlow's own items, as all formats have them.
enum FixtureWorkspace {
    static func users() -> [CodexFlow.User] {
        [
            CodexFlow.User(
                id: "ada", email: "Ada@example.com", name: "Ada", role: .admin, state: .active,
                createdAt: FixtureValues.start),
            CodexFlow.User(id: "bo", email: "bo@example.com", name: "Bo"),
        ]
    }

    static func project() -> CodexFlow.Project {
        CodexFlow.Project(
            id: "fixtures", name: "Fixtures", ownerID: "ada", key: "FIX",
            createdAt: FixtureValues.start)
    }

    static func task(_ number: Int, body: String? = nil) throws -> CodexFlow.Task {
        let assignee: CodexFlow.User.ID? = number % 2 == 0 ? "ada" : nil
        let status: CodexFlow.Task.Status = number % 3 == 0 ? .done : .todo
        var task = CodexFlow.Task(
            id: try CodexFlow.Task.ID("t\(number)"), projectID: "fixtures",
            title: "Task \(number)", assigneeID: assignee, status: status,
            createdAt: FixtureValues.start)
        task.number = number + 1
        task.estimate = number
        if number % 2 == 0 { task.labels = ["blue", "red"] }
        task.body = body
        return task
    }

    /// Two sessions, one of which ends 10 seconds after the start.
    static func sessions() -> [CodexFlow.Session] {
        [session("short", 10), session("long", 30_000_000)]
    }

    private static func session(
        _ id: CodexFlow.Session.ID, _ seconds: TimeInterval
    ) -> CodexFlow.Session {
        CodexFlow.Session(
            id: id, userID: "ada", createdAt: FixtureValues.start,
            expiresAt: FixtureValues.start.addingTimeInterval(seconds), client: "fixtures")
    }
}
