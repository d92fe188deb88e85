import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// The architecture document's example items, through the typed models and out again.
@Suite("The architecture document's items and access patterns")
struct SeedTests {
    static let userJSON = """
        {"PK": "USER#123", "SK": "PROFILE", "userId": "123", "email": "user@example.com",
         "name": "John Doe", "GSI1PK": "EMAIL#user@example.com", "GSI1SK": "USER"}
        """
    static let projectJSON = """
        {"PK": "PROJECT#456", "SK": "METADATA", "projectId": "456", "name": "CodexFlow MVP",
         "owner": "USER#123", "GSI1PK": "OWNER#123", "GSI1SK": "PROJECT#456"}
        """
    static let taskJSON = """
        {"PK": "PROJECT#456", "SK": "TASK#789", "taskId": "789", "projectId": "456",
         "title": "Implement login", "assignee": "USER#123",
         "GSI1PK": "ASSIGNEE#123", "GSI1SK": "TASK#789"}
        """

    static let user = CodexFlow.User(id: "123", email: "user@example.com", name: "John Doe")
    static let project = CodexFlow.Project(id: "456", name: "CodexFlow MVP", ownerID: "123")
    static let task = CodexFlow.Task(
        id: "789", projectID: "456", title: "Implement login", assigneeID: "123")

    func plain(_ json: String) throws -> Item {
        try DynamoDBJSON.item(parsingPlain: Array(json.utf8))
    }

    @Test("Exported, the three example items equal the document's JSON, key for key")
    func examplesAreExact() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(Self.user)
        try await store.put(Self.project)
        try await store.put(Self.task)
        for (json, key) in [
            (Self.userJSON, PrimaryKey("USER#123", "PROFILE")),
            (Self.projectJSON, PrimaryKey("PROJECT#456", "METADATA")),
            (Self.taskJSON, PrimaryKey("PROJECT#456", "TASK#789")),
        ] {
            let stored = try #require(try store.item(in: CodexFlow.table, key: key))
            #expect(stored == (try plain(json)))
            let exported = DynamoDBJSON.text(stored)
            #expect(try DynamoDBJSON.item(parsing: Array(exported.utf8)) == plain(json))
        }
    }

    @Test("Every access pattern of the document's table answers")
    func accessPatterns() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(Self.user)
        try await store.put(Self.project)
        try await store.put(Self.task)
        #expect(try store.get(.user("123")) == Self.user)
        #expect(try store.get(.user(email: " USER@Example.com ")) == Self.user)
        #expect(try store.get(.project("456")) == Self.project)
        #expect(try store.all(.projects(ownedBy: "123")) == [Self.project])
        #expect(try store.get(.task("789", in: "456")) == Self.task)
        #expect(try store.all(.tasks(assignedTo: "123")) == [Self.task])
        #expect(try store.all(.tasks(in: "456")) == [Self.task])
        #expect(try store.get(.user("nobody")) == nil)
        #expect(try store.verify().isSound)
    }

    @Test("An import of the document's JSON is read by the typed models")
    func rawItemsAreTyped() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        for json in [Self.userJSON, Self.projectJSON, Self.taskJSON] {
            try await store.put(try plain(json), in: CodexFlow.table)
        }
        #expect(try store.get(.user("123")) == Self.user)
        #expect(try store.all(.projects(ownedBy: "123")) == [Self.project])
        #expect(try store.all(.tasks(assignedTo: "123")) == [Self.task])
    }

    /// A task with a value in each field.
    private func fullTask(_ now: Date) -> CodexFlow.Task {
        var task = Self.task
        task.number = 12
        task.body = String(repeating: "A long text that compresses well. ", count: 100)
        (task.kind, task.status, task.priority) = (.bug, .inProgress, .high)
        (task.estimate, task.complexity) = (5, 7)
        task.reporterID = "9"
        task.labels = ["api", "ünïcode"]
        task.dueDate = CalendarDay(year: 2025, month: 12, day: 24)
        (task.parentID, task.cycleID, task.rank) = ("700", "c1", "0|abc")
        task.acceptanceCriteria = [.init(id: "1", text: "works", isMet: true)]
        task.origin = .prd(id: "p1", version: 3, storyID: "US-001")
        task.claim = .init(holder: "agent", until: now)
        task.reopenCount = 1
        (task.startedAt, task.completedAt, task.canceledAt) = (now, now, now)
        (task.statusChangedAt, task.archivedAt) = (now, now)
        (task.createdAt, task.updatedAt) = (now, now)
        task.metadata = ["sprint": 4]
        return task
    }

    @Test("A task keeps all its fields")
    func taskRoundTrip() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let task = fullTask(ManualClock().now)
        try await store.put(task)
        #expect(try store.get(.task("789", in: "456")) == task)
        // Archived tasks are in no list of open work.
        #expect(try store.all(.tasks(in: "456", status: .inProgress)).isEmpty)
        #expect(try store.all(.subtasks(of: "700", in: "456")) == [task])
        #expect(try CodexFlow.Task(item: task.item()) == task)
    }

    @Test("A PRD keeps all its fields")
    func prdRoundTrip() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        var prd = CodexFlow.PRD(
            id: "p1", projectID: "456", version: 3, title: "MVP",
            content: .init(
                overview: "o", objectives: ["a"], functionalRequirements: ["f"],
                nonFunctionalRequirements: ["n"],
                userStories: [.init(id: "US-001", description: "d", acceptanceCriteria: ["c"])]),
            approvalStatus: .approved, createdBy: "123", createdAt: ManualClock().now)
        prd.isAIGenerated = true
        prd.risks = ["late"]
        try await store.put(prd)
        #expect(try store.get(.prd("p1", version: 3, in: "456")) == prd)
        #expect(try store.all(.versions(of: "p1", in: "456")) == [prd])
        #expect(try store.all(.prds(in: "456", approvalStatus: .approved)) == [prd])
    }

    @Test("Analytics of a day keep all their fields")
    func analyticsRoundTrip() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        var metrics = CodexFlow.Analytics.Metrics(tasksCompleted: 5)
        metrics.velocity = try Number(parsing: "8.5")
        metrics.teamEfficiency = try Number(parsing: "0.87")
        metrics.further = ["created": 7]
        let day = try #require(CalendarDay("2025-11-05"))
        let analytics = CodexFlow.Analytics(
            projectID: "456", date: day, metrics: metrics,
            teamStats: [.init(userID: "123", tasksCompleted: 3, hoursLogged: 24)])
        try await store.put(analytics)
        #expect(try store.get(.analytics(of: "456", on: day)) == analytics)
        #expect(
            try store.all(.analytics(of: "456", from: day.adding(days: -1), through: day))
                == [analytics])
    }

    @Test("A session keeps all its fields")
    func sessionRoundTrip() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let temporary = try TemporaryStore(options: options)
        let session = CodexFlow.Session(
            id: "abcdef", userID: "123", createdAt: clock.now, expiresAt: clock.now + 86_400,
            client: "cli")
        try await temporary.store.put(session)
        #expect(try temporary.store.all(.sessions(of: "123")) == [session])
    }

    @Test("E-mail addresses and project keys are unique, and free again after a delete")
    func uniqueness() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.insert(Self.user)
        let other = CodexFlow.User(id: "124", email: "User@Example.COM", name: "Impostor")
        await #expect(throws: CodexError(.uniqueViolation, "")) { try await store.insert(other) }
        try await store.update(.user("123")) { $0.email = "new@example.com" }
        try await store.insert(other)
        try await store.delete(.user("124"))
        try await store.update(.user("123")) { $0.email = "user@example.com" }
        #expect(try store.get(.user(email: "user@example.com"))?.id == "123")
        #expect(try store.verify().isSound)
    }
}
