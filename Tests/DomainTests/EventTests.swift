import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Events: which follow from what, which are wanted, and how they are delivered.
@Suite("Events")
struct EventTests {
    /// All events of what `body` does.
    private func kinds(
        _ fixture: Fixture, _ body: () async throws -> Void
    ) async throws -> [CodexFlow.Event.Kind] {
        let start = try fixture.store.read { try $0.sequenceNumber }
        try await body()
        return try events(fixture, after: start).map(\.kind)
    }

    private func events(
        _ fixture: Fixture, after start: SequenceNumber
    ) throws -> [CodexFlow.Event] {
        try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap { try $0.events }
    }

    @Test("Each command has its events")
    func derivation() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        func expect(
            _ expected: [CodexFlow.Event.Kind], location: SourceLocation = #_sourceLocation,
            _ body: () async throws -> Void
        ) async throws {
            let found = try await kinds(fixture, body)
            #expect(Set(found) == Set(expected), sourceLocation: location)
            #expect(found.count == expected.count, sourceLocation: location)
        }
        let start = try fixture.store.read { try $0.sequenceNumber }
        try await expect([.userCreated]) {
            try await workspace.createUser(email: "x@y", name: "X", id: "x")
        }
        try await expect([.userUpdated]) { try await workspace.changeUser("x") { $0.name = "Y" } }
        try await expect([.sessionOpened]) { _ = try await workspace.openSession(for: "x") }
        try await expect([.userSuspended, .sessionEnded]) { try await workspace.suspendUser("x") }
        try await expect([.userActivated]) { try await workspace.activateUser("x") }
        try await expect([.projectCreated, .memberAdded]) {
            try await workspace.createProject(key: "XX", name: "X", id: "x", owner: "x")
        }
        try await expect([.projectUpdated]) {
            try await workspace.changeProject("x", by: "x") { $0.name = "Y" }
        }
        try await expect([.projectStatusChanged]) {
            try await workspace.changeProject("x", by: "x") { $0.status = .started }
        }
        try await expect([.projectTransferred, .memberChanged, .memberAdded]) {
            try await workspace.transferProject("x", to: "mia", by: "x")
        }
        try await expect([.memberRemoved]) {
            try await workspace.removeMember("x", from: "x", by: "mia")
        }
        try await expect([.projectArchived]) { try await workspace.archiveProject("x", by: "mia") }
        try await expect([.projectRestored]) { try await workspace.restoreProject("x", by: "mia") }
        try await expect([.projectDeletionStarted, .memberRemoved, .projectDeleted]) {
            try await workspace.deleteProject("x", by: "mia")
        }
        try await expect([.userDeleted]) { try await workspace.deleteUser("x") }
        try await expect([.taskCreated, .taskAssigned]) {
            try await fixture.task("a") { ($0.assigneeID, $0.status) = ("max", .todo) }
        }
        try await expect([.taskCreated]) { try await fixture.task("b") { $0.status = .todo } }
        try await expect([.taskUpdated]) {
            try await workspace.changeTask("a", in: "p", by: "mia") { $0.title = "New" }
        }
        try await expect([.taskBlocked]) {
            try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        }
        try await expect([.taskStatusChanged, .taskStarted]) {
            try await workspace.move("b", in: "p", to: .inProgress, by: "mia")
        }
        try await expect([.taskStatusChanged]) {
            try await workspace.move("b", in: "p", to: .inReview, by: "mia")
        }
        try await expect([.taskStatusChanged, .taskCompleted, .taskUnblocked]) {
            try await workspace.complete("b", in: "p", by: "mia")
        }
        try await expect([.taskStatusChanged, .taskReopened, .taskBlocked]) {
            try await workspace.move("b", in: "p", to: .todo, by: "mia")
        }
        try await expect([.taskStatusChanged, .taskCanceled, .taskUnblocked]) {
            try await workspace.move("b", in: "p", to: .canceled, by: "mia")
        }
        try await expect([.taskClaimed]) {
            try await workspace.claim("a", in: "p", by: "mia", lease: .seconds(60))
        }
        try await expect([.taskReleased]) {
            try await workspace.release("a", in: "p", by: "mia")
        }
        try await expect([.taskUnassigned]) {
            try await workspace.assign("a", in: "p", to: nil, by: "mia")
        }
        try await expect([.taskCommented]) {
            try await workspace.comment(on: "a", in: "p", by: "mia", "So")
        }
        for hours in [1, 2, -3] {
            try await expect([.workLogged]) {
                try await workspace.logWork(Number(hours), on: "a", in: "p", by: "mia")
            }
        }
        try await expect([.taskArchived]) { try await workspace.archive("a", in: "p", by: "mia") }
        try await expect([.taskRestored]) { try await workspace.restore("a", in: "p", by: "mia") }
        try await expect([.taskCreated, .taskStarted]) {
            try await fixture.task("c") { $0.status = .inProgress }
        }
        try await expect([.taskBlocked]) {
            try await workspace.addDependency(of: "a", on: "c", in: "p", by: "mia")
        }
        try await expect([.taskUnblocked]) {
            try await workspace.removeDependency(of: "a", on: "c", in: "p", by: "mia")
        }
        let content = CodexFlow.PRD.Content(
            overview: "o",
            userStories: [.init(id: "1", description: "d", acceptanceCriteria: ["c"])])
        try await expect([.prdCreated]) {
            try await workspace.createPRD(in: "p", title: "T", content: content, by: "mia", id: "d")
        }
        let hash = try #require(
            try fixture.store.get(.prd("d", version: 1, in: "p"))?.contentHash)
        try await expect([.prdSubmitted]) {
            try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        }
        try await expect([.prdChangesRequested, .prdReviewed]) {
            try await workspace.reviewPRD(
                "d", version: 1, contentHash: hash, in: "p", by: "max",
                decision: .requestChanges)
        }
        try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        try await expect([.prdApproved, .prdReviewed]) {
            try await workspace.reviewPRD(
                "d", version: 1, contentHash: hash, in: "p", by: "max",
                decision: .approve)
        }
        try await expect([.prdVersionAdded]) {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") { _ in }
        }
        try await expect([.prdSuperseded, .prdVersionAdded]) {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 2, by: "mia") { _ in }
        }
        try await workspace.submitPRD("d", version: 3, in: "p", by: "mia")
        try await expect([.prdRejected, .prdReviewed]) {
            try await workspace.reviewPRD(
                "d", version: 3, contentHash: hash, in: "p", by: "max",
                decision: .reject)
        }
        try await expect([.prdArchived]) {
            try await workspace.archivePRD("d", version: 3, in: "p", by: "adam")
        }
        // All of them are read back from JSON, and typed.
        for event in try events(fixture, after: start) {
            let read = try CodexFlow.Event(json: event.json)
            #expect(read.id == event.id && read.kind == event.kind && read.detail == event.detail)
            #expect(abs(read.time.timeIntervalSince(event.time)) < 1)
            switch event.source {
            case "codexflow.tasks": #expect(event.taskID != nil && event.projectID != nil)
            case "codexflow.projects": #expect(event.projectID != nil)
            case "codexflow.prds": #expect(event.prdID != nil && event.version != nil)
            default: #expect(event.userID == "x")
            }
            switch event.kind {
            case .taskStatusChanged:
                #expect(event.taskStatus != event.previousTaskStatus && event.actorID == "mia")
            case .taskAssigned: #expect(event.assigneeID == "max" && event.title != nil)
            case .taskUnassigned: #expect(event.previousAssigneeID == "max")
            case .prdReviewed: #expect(event.decision != nil && event.userID == "max")
            case .memberAdded: #expect(event.memberRole == .owner)
            case .workLogged: #expect(event.hours != nil)
            case .taskUpdated: #expect(event.fields == ["title"])
            case .taskBlocked, .taskUnblocked: #expect(event.blockerID != nil)
            default: break
            }
        }
        // What was refused has none.
        try await expect([]) {
            _ = try? await workspace.complete("a", in: "p", by: "mia")
        }
    }

    @Test("An event in EventBridge's envelope, always with the same identifier")
    func envelope() async throws {
        let fixture = try await Fixture()
        let start = try fixture.store.read { try $0.sequenceNumber }
        try await fixture.task("789") { ($0.title, $0.assigneeID) = ("Log in", "max") }
        let found = try events(fixture, after: start)
        #expect(try events(fixture, after: start) == found)
        let event = try #require(found.first { $0.kind == .taskCreated })
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(event.json.utf8)) as? [String: Any])
        #expect(object["source"] as? String == "codexflow.tasks")
        #expect(object["detail-type"] as? String == "TaskCreated")
        #expect(object["time"] as? String == "2025-11-05T00:00:00Z")
        #expect((object["id"] as? String).flatMap(UUID.init) != nil)
        let detail = try #require(object["detail"] as? [String: Any])
        #expect(detail["taskId"] as? String == "789" && detail["projectId"] as? String == "p")
        #expect(detail["assignee"] as? String == "max" && detail["number"] as? Int == 1)
        #expect(detail["createdAt"] as? String == "2025-11-05T00:00:00.000Z")
        #expect(Set(found.map(\.id)).count == found.count)
    }

    @Test("Kinds have the sources of their services")
    func sources() {
        for kind in CodexFlow.Event.Kind.allCases {
            let service =
                switch kind.rawValue {
                case let name where name.hasPrefix("Task") || name.hasPrefix("Work"): "tasks"
                case let name where name.hasPrefix("Project") || name.hasPrefix("Member"):
                    "projects"
                case let name where name.hasPrefix("PRD"): "prds"
                default: "users"
                }
            #expect(kind.source == "codexflow.\(service)")
        }
    }

    static let event: AttributeMap = [
        "source": "codexflow.tasks", "detail-type": "TaskStatusChanged",
        "detail": [
            "status": "inProgress", "number": 12, "labels": ["api", "urgent"], "done": false,
            "parent": .null, "nested": ["deep": "value"], "title": "Note G", "starred": "a*c",
            "back": "a\\c",
        ],
    ]

    @Test(
        "Patterns",
        arguments: [
            (#"{"source": ["codexflow.tasks"]}"#, true),
            (#"{"source": ["codexflow.users", "codexflow.tasks"]}"#, true),
            (#"{"source": ["codexflow.users"]}"#, false),
            (#"{"source": [{"prefix": "codexflow."}]}"#, true),
            (#"{"source": [{"prefix": "x"}]}"#, false),
            (#"{"source": [{"suffix": ".tasks"}]}"#, true),
            (#"{"source": [{"suffix": ".users"}]}"#, false),
            (#"{"source": [{"prefix": {"equals-ignore-case": "CODEX"}}]}"#, true),
            (#"{"detail": {"title": [{"equals-ignore-case": "note g"}]}}"#, true),
            (#"{"detail": {"title": [{"wildcard": "N*e*G"}]}}"#, true),
            (#"{"detail": {"title": [{"wildcard": "N*H"}]}}"#, false),
            (#"{"detail": {"title": [{"wildcard": "*"}]}}"#, true),
            (#"{"detail": {"starred": [{"wildcard": "a\\*c"}]}}"#, true),
            (#"{"detail": {"starred": [{"wildcard": "a\\*d"}]}}"#, false),
            (#"{"detail": {"title": [{"wildcard": "N\\*G"}]}}"#, false),
            (#"{"detail": {"back": [{"wildcard": "a\\\\*"}]}}"#, true),
            (#"{"detail": {"title": [{"wildcard": "N\\\\*"}]}}"#, false),
            (#"{"detail": {"number": [12]}}"#, true), (#"{"detail": {"number": [1.2e1]}}"#, true),
            (#"{"detail": {"number": ["12"]}}"#, false),
            (#"{"detail": {"number": [{"numeric": [">", 10]}]}}"#, true),
            (#"{"detail": {"number": [{"numeric": [">", 12]}]}}"#, false),
            (#"{"detail": {"number": [{"numeric": [">=", 12, "<", 13]}]}}"#, true),
            (#"{"detail": {"number": [{"numeric": ["=", 12]}]}}"#, true),
            (#"{"detail": {"title": [{"numeric": [">", 0]}]}}"#, false),
            (#"{"detail": {"done": [false]}}"#, true), (#"{"detail": {"done": [true]}}"#, false),
            (#"{"detail": {"parent": [null]}}"#, true), (#"{"detail": {"title": [null]}}"#, false),
            (#"{"detail": {"labels": ["urgent"]}}"#, true),
            (#"{"detail": {"labels": ["other"]}}"#, false),
            (#"{"detail": {"nested": {"deep": ["value"]}}}"#, true),
            (#"{"detail": {"missing": [{"exists": false}]}}"#, true),
            (#"{"detail": {"missing": [{"exists": true}]}}"#, false),
            (#"{"detail": {"status": [{"exists": true}]}}"#, true),
            (#"{"detail": {"status": [{"exists": false}]}}"#, false),
            (#"{"detail": {"status": [{"anything-but": "done"}]}}"#, true),
            (#"{"detail": {"status": [{"anything-but": ["done", "inProgress"]}]}}"#, false),
            (#"{"detail": {"status": [{"anything-but": {"prefix": "in"}}]}}"#, false),
            (#"{"detail": {"status": [{"anything-but": {"suffix": "ss"}}]}}"#, false),
            (#"{"detail": {"status": [{"anything-but": {"prefix": "x"}}]}}"#, true),
            (#"{"detail": {"number": [{"anything-but": [1, 2]}]}}"#, true),
            (#"{"detail": {"missing": [{"anything-but": "x"}]}}"#, false),
            (#"{"detail": {"labels": [{"anything-but": "api"}]}}"#, false),
            (#"{"detail": {"status": ["done"], "number": [12]}}"#, false),
            (#"{"detail": {"$or": [{"status": ["done"]}, {"number": [12]}]}}"#, true),
            (#"{"$or": [{"source": ["x"]}, {"detail": {"number": [1]}}]}"#, false),
        ])
    func patterns(json: String, matches: Bool) throws {
        #expect(try CodexFlow.EventPattern(json).matches(envelope: Self.event) == matches)
    }

    @Test(
        "Malformed patterns are refused",
        arguments: [
            "", "[]", "1", "{}", #"{"source": "x"}"#, #"{"source": []}"#, #"{"detail": {}}"#,
            #"{"source": [{}]}"#, #"{"source": [{"prefix": 1}]}"#, #"{"source": [{"prefix": ""}]}"#,
            #"{"source": [{"prefix": "a", "suffix": "b"}]}"#, #"{"source": [{"other": "a"}]}"#,
            #"{"source": [["a"]]}"#, #"{"source": [{"exists": "yes"}]}"#,
            #"{"source": [{"numeric": []}]}"#, #"{"source": [{"numeric": [">"]}]}"#,
            #"{"source": [{"numeric": ["!", 1]}]}"#, #"{"source": [{"numeric": [">", "1"]}]}"#,
            #"{"source": [{"numeric": ["<", 1, ">", 0]}]}"#,
            #"{"source": [{"numeric": [">", 2, "<", 1]}]}"#,
            #"{"source": [{"anything-but": []}]}"#,
            #"{"source": [{"anything-but": {"exists": true}}]}"#,
            #"{"source": [{"anything-but": [{"prefix": "x"}]}]}"#,
            #"{"source": [{"wildcard": "a**b"}]}"#, #"{"source": [{"wildcard": "a\\b"}]}"#,
            #"{"source": [{"wildcard": "a\\"}]}"#, #"{"$or": [{"a": ["b"]}]}"#, #"{"$or": {}}"#,
            #"{"source": ["a"]"#,
        ])
    func malformed(json: String) {
        do {
            _ = try CodexFlow.EventPattern(json)
            Issue.record("taken: \(json)")
        } catch {
            #expect(error.code == .invalidPattern || error.code == .invalidJSON, "\(error)")
        }
    }

    private struct Unreachable: Error {}

    @Test("The write path: a task is created, its assignee notified; a dead letter is retried")
    func delivery() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await store.addSubscription("notifications")
        let (sent, send) = AsyncStream<String>.makeStream()
        let isDown = Mutex(true)
        let attempts = Mutex(0)
        let delivery = _Concurrency.Task {
            try await store.deliverEvents(
                to: "notifications", matching: .kinds(.taskAssigned),
                onFailure: ConsumerFailurePolicy(
                    attemptCount: 3, delay: .milliseconds(1), parks: true)
            ) { event in
                let user = event.detail["assignee"]?.string ?? ""
                if user == "max", isDown.withLock({ $0 }) {
                    attempts.withLock { $0 += 1 }
                    throw Unreachable()
                }
                send.yield("\(user): \(event.detail["title"]?.string ?? "")")
            }
        }
        var messages = sent.makeAsyncIterator()
        try await fixture.task("a") { $0.assigneeID = "mia" }
        #expect(await messages.next() == "mia: Task a")
        try await fixture.task("b") { $0.assigneeID = "max" }
        try await fixture.task("c") { $0.assigneeID = "mia" }
        #expect(await messages.next() == "mia: Task c")
        #expect(attempts.withLock { $0 } == 3)
        let parked = try store.parkedChanges(of: "notifications")
        #expect(parked.count == 1 && parked[0].error.contains("Unreachable"))
        #expect(parked[0].attemptCount == 3)
        // Somebody sees to it.
        struct StillUnreachable: Error {}
        let failed = try await store.retryParkedEvents(
            of: "notifications", matching: .kinds(.taskAssigned)
        ) { _ in throw StillUnreachable() }
        #expect(failed == (0, 1))
        let still = try store.parkedChanges(of: "notifications")
        #expect(still.map(\.attemptCount) == [4])
        #expect(still[0].error.contains("StillUnreachable"))
        isDown.withLock { $0 = false }
        let retried = try await store.retryParkedEvents(
            of: "notifications", matching: .kinds(.taskAssigned)
        ) { event in send.yield("again \(event.detail["assignee"]?.string ?? "")") }
        #expect(retried == (1, 0))
        #expect(await messages.next() == "again max")
        #expect(try store.parkedChanges(of: "notifications").isEmpty)
        delivery.cancel()
        _ = await delivery.result
    }

    @Test("An item that is no task, though its key is one's, is parked; others' events go on")
    func poison() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await store.addSubscription("s")
        let bad: Item = ["PK": "PROJECT#p", "SK": "TASK#bad", "title": 7]
        try await store.put(bad, in: CodexFlow.table)
        try await fixture.task("good")
        let (seen, see) = AsyncStream<String>.makeStream()
        let delivery = _Concurrency.Task {
            try await store.deliverEvents(to: "s", matching: .kinds(.taskCreated)) { event in
                see.yield(event.detail["taskId"]?.string ?? "")
            }
        }
        var iterator = seen.makeAsyncIterator()
        #expect(await iterator.next() == "good")
        #expect(try store.parkedChanges(of: "s").count == 1)
        delivery.cancel()
        _ = await delivery.result
    }

    @Test("A handler that fails ends the delivery if nothing is parked, and gets the event again")
    func again() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await store.addSubscription("s")
        try await fixture.task("a")
        await #expect(throws: Unreachable.self) {
            try await store.deliverEvents(
                to: "s", matching: .kinds(.taskCreated),
                onFailure: ConsumerFailurePolicy(attemptCount: 1)
            ) { _ in throw Unreachable() }
        }
        let (seen, see) = AsyncStream<String>.makeStream()
        let delivery = _Concurrency.Task {
            try await store.deliverEvents(to: "s", matching: .kinds(.taskCreated)) { event in
                see.yield(event.detail["taskId"]?.string ?? "")
            }
        }
        var iterator = seen.makeAsyncIterator()
        #expect(await iterator.next() == "a")
        delivery.cancel()
        _ = await delivery.result
    }
}
