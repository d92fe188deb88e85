import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What services do with data that they did not write, and where rules meet each other.
@Suite("Edges of the services")
struct EdgeTests {
    @Test("A task that is reopened or restored is nobody's who left", arguments: Place.allCases)
    func assignees(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] {
            try await fixture.task(id, through: [.todo, .inProgress])
            try await workspace.assignTask(id, in: "p", to: "max", by: "mia")
        }
        try await workspace.completeTask("a", in: "p", by: "mia")
        try await workspace.archiveTask("b", in: "p", by: "mia")
        try await workspace.completeTask("c", in: "p", by: "mia")
        try await workspace.changeMember("max", of: "p", to: .viewer, by: "adam")
        #expect(try await workspace.moveTask("a", in: "p", to: .todo, by: "mia").assigneeID == nil)
        #expect(try await workspace.restoreTask("b", in: "p", by: "mia").assigneeID == nil)
        let entry = try #require(try store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.changes.contains { $0.field == "assignee" && $0.to == nil })
        try await workspace.changeMember("max", of: "p", to: .member, by: "adam")
        #expect(
            try await workspace.moveTask("c", in: "p", to: .todo, by: "mia").assigneeID == "max")
        #expect(try store.all(.tasks(assignedTo: "max")).map(\.id) == ["c"])
    }

    @Test("A finished task gets no unmet criterion", arguments: Place.allCases)
    func criteria(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a", through: [.todo, .inProgress])
        try await workspace.changeTask("a", in: "p", by: "mia") {
            $0.acceptanceCriteria = [
                .init(id: "1", text: "x", isMet: true), .init(id: "2", text: "y"),
            ]
        }
        try await workspace.completeTask("a", in: "p", by: "mia", overriding: "it is late")
        try await fixture.expect(.taskUnmet) {
            try await workspace.changeTask("a", in: "p", by: "mia") {
                $0.acceptanceCriteria[0].isMet = false
            }
        }
        try await fixture.expect(.taskUnmet) {
            try await workspace.changeTask("a", in: "p", by: "mia") {
                $0.acceptanceCriteria.append(.init(id: "3", text: "z"))
            }
        }
        try await workspace.changeTask("a", in: "p", by: "mia") {
            $0.acceptanceCriteria[1].isMet = true
        }
    }

    @Test("An admin may take over the project of an owner who is not active")
    func owners() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await workspace.suspendUser("olga")
        try await fixture.expect(.actorRole) {
            try await workspace.transferProject("p", to: "mia", by: "mia")
        }
        try await workspace.transferProject("p", to: "mia", by: "adam")
        #expect(try fixture.store.get(.member("mia", of: "p"))?.role == .owner)
    }

    @Test("Sessions: revoked ones and those of users who may not act open nothing; 50 at most")
    func sessions() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        let opened = try await workspace.openSession(for: "mia")
        #expect(!"\(opened) \(String(reflecting: opened))".contains(opened.token))
        var dumped = ""
        dump(opened, to: &dumped)
        #expect(!dumped.contains(opened.token))
        var session = opened.session
        session.revokedAt = fixture.clock.now
        try await store.put(session)
        #expect(try await workspace.session(token: opened.token) == nil)
        session.revokedAt = nil
        try await store.put(session)
        #expect(try await workspace.session(token: opened.token) != nil)
        // Written without the service, which would have ended the session.
        var user = try #require(try store.get(.user("mia")))
        user.state = .suspended
        try await store.put(user)
        #expect(try await workspace.session(token: opened.token) == nil)

        var tokens: [String] = []
        for _ in 0..<CodexFlow.Limits.sessionCountMax + 1 {
            fixture.clock.advance(by: 1)
            tokens.append(try await workspace.openSession(for: "max").token)
        }
        #expect(try store.all(.sessions(of: "max")).count == CodexFlow.Limits.sessionCountMax)
        #expect(try await workspace.session(token: tokens[0]) == nil)
        #expect(try await workspace.session(token: tokens[1]) != nil)
    }

    @Test("PRDs are reviewed by people")
    func reviewers() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await workspace.changeUser("max") { $0.role = .agent }
        var content = CodexFlow.PRD.Content(overview: "o")
        content.userStories = [.init(id: "1", description: "d", acceptanceCriteria: ["c"])]
        // Agents write them.
        let prd = try await workspace.createPRD(
            in: "p", title: "T", content: content, by: "max", id: "d")
        try await workspace.submitPRD("d", version: 1, in: "p", by: "max")
        let hash = try #require(prd.contentHash)
        try await fixture.expect(.prdReviewer) {
            try await workspace.reviewPRD(
                "d", version: 1, contentHash: hash, in: "p", by: "max", decision: .approve)
        }
        let reviewed = try await workspace.reviewPRD(
            "d", version: 1, contentHash: hash, in: "p", by: "mia", decision: .approve)
        #expect(reviewed.approvalStatus == .approved)
        // What an approval is about is all that the version says.
        let second = try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "max") {
            $0.risks = ["a risk"]
        }
        #expect(second.contentHash != hash)
    }

    @Test("Attributes that the types do not know stay", arguments: Place.allCases)
    func unknown(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { $0.assigneeID = "max" }
        let key = PrimaryKey("PROJECT#p", "TASK#a")
        var item = try #require(try store.item(in: CodexFlow.table, key: key))
        item["colour"] = "green"
        try await store.put(item, in: CodexFlow.table)
        try await workspace.assignTask("a", in: "p", to: nil, by: "mia")
        let changed = try #require(try store.item(in: CodexFlow.table, key: key))
        #expect(changed["colour"] == "green")
        // What the type knows and does not write any more goes.
        #expect(changed["assignee"] == nil && changed["GSI1PK"] == nil)
    }

    @Test("Large values change all the same: history has what there is of them")
    func largeValues() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await fixture.task("a") {
            $0.metadata = ["k": .string(String(repeating: "x", count: 99_000))]
            $0.body = String(repeating: "e\u{301}", count: 60_000)
        }
        try await workspace.changeTask("a", in: "p", by: "mia") {
            $0.metadata = ["k": .string(String(repeating: "y", count: 99_000))]
            $0.body = String(repeating: "a\u{301}", count: 60_000)
        }
        let entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(Set(entry.changes.map(\.field)) == ["metadata", "body"])
        #expect(try entry.item().byteCount < 5000)
    }

    @Test("Parts and dependencies are so many", arguments: Place.allCases)
    func counts(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("whole")
        for number in 1...CodexFlow.Limits.subtaskCountMax {
            try await fixture.task(try .init("t\(number)")) { $0.parentID = "whole" }
        }
        try await fixture.expect(.taskParts) {
            try await fixture.task("more") { $0.parentID = "whole" }
        }
        for number in 1...CodexFlow.Limits.dependencyCountMax {
            let other = try CodexFlow.Task.ID("t\(number)")
            try await workspace.addDependency(of: "whole", on: other, in: "p", by: "mia")
        }
        let next = try CodexFlow.Task.ID("t\(CodexFlow.Limits.dependencyCountMax + 1)")
        try await fixture.expect(.dependencyCount) {
            try await workspace.addDependency(of: "whole", on: next, in: "p", by: "mia")
        }
        // With all of them it can be finished still.
        for number in 1...CodexFlow.Limits.subtaskCountMax {
            try await workspace.moveTask(
                try .init("t\(number)"), in: "p", to: .canceled, by: "mia")
        }
        try await workspace.moveTask("whole", in: "p", to: .canceled, by: "mia")
    }

    @Test("A handler's own cancellation is a failure as any other")
    func cancellation() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await store.addSubscription("s")
        try await fixture.task("a")
        try await fixture.task("b")
        let (seen, see) = AsyncStream<String>.makeStream()
        let delivery = _Concurrency.Task {
            try await store.deliverEvents(
                to: "s", matching: .kinds(.taskCreated),
                onFailure: ConsumerFailurePolicy(
                    attemptCount: 2, delay: .milliseconds(1), keepsDeadLetters: true)
            ) { event in
                if event.detail["taskId"] == "a" { throw CancellationError() }
                see.yield(event.detail["taskId"]?.string ?? "")
            }
        }
        var iterator = seen.makeAsyncIterator()
        #expect(await iterator.next() == "b")
        #expect(try store.deadLetters(of: "s").count == 1)
        delivery.cancel()
        _ = await delivery.result
    }

    @Test("What changes nothing is no event; what changes several things tells all")
    func events() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        func events(
            _ body: () async throws -> Void
        ) async throws -> [CodexFlow.Event] {
            let start = try store.read { try $0.sequenceNumber }
            try await body()
            return try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
                try $0.events
            }
        }
        let both = try await events {
            try await workspace.changeProject("p", by: "adam") {
                ($0.status, $0.name, $0.timeZone) = (.started, "New", "Asia/Tokyo")
            }
        }
        #expect(both.map(\.kind) == [.projectStatusChanged, .projectUpdated])
        #expect(both.last?.detail["fields"] == ["name", "timeZone"])
        #expect(
            try await events {
                try await workspace.restoreProject("p", by: "adam")
                try await workspace.activateUser("mia")
                try await workspace.changeMember("mia", of: "p", to: .member, by: "adam")
                try await workspace.changeUser("mia") { $0.name = $0.name }
                try await workspace.changeProject("p", by: "adam") { $0.name = "New" }
            }.isEmpty)
        // A project that goes takes back no work and frees no task.
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        try await workspace.addDependency(of: "a", on: "b", in: "p", by: "mia")
        try await workspace.logWork(3, on: "a", in: "p", by: "mia")
        let gone = try await events { try await workspace.deleteProject("p", by: "olga") }
        #expect(
            Set(gone.map(\.kind)) == [
                .projectDeletionStarted, .memberRemoved, .taskDeleted, .projectDeleted,
            ])
        #expect(gone.last?.kind == .projectDeleted)
    }
}
