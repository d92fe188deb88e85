import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// What programs need of the services besides the rules.
@Suite("Lists, sessions, one's own commands")
struct CommandTests {
    @Test("Users and projects are listed, and somebody's open tasks", arguments: Place.allCases)
    func lists(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await workspace.createProject(key: "TWO", name: "Two", id: "q", owner: "nora")
        let users = try await workspace.all(.users)
        #expect(users.map(\.id) == ["adam", "max", "mia", "nora", "olga", "vera"])
        #expect(try await workspace.all(.projects).map(\.id) == ["p", "q"])
        try await workspace.deleteUser("vera")
        try await workspace.deleteProject("q", by: "nora")
        #expect(try await workspace.all(.users.reversed).map(\.id).first == "olga")
        #expect(try await workspace.all(.projects).map(\.id) == ["p"])
        for id in ["a", "b", "c", "d"] as [CodexFlow.Task.ID] {
            try await fixture.task(id) { ($0.status, $0.assigneeID) = (.inProgress, "max") }
        }
        try await fixture.store.put(
            CodexFlow.Task(id: "e", projectID: "p", title: "no status", assigneeID: "max"))
        try await workspace.completeTask("a", in: "p", by: "max")
        try await workspace.moveTask("b", in: "p", to: .canceled, by: "max")
        try await workspace.archiveTask("c", in: "p", by: "max")
        let open = try await workspace.all(.openTasks(assignedTo: "max"))
        #expect(open.map(\.id) == ["d", "e"] && open.allSatisfy(\.isOpen))
    }

    @Test("A session is good where its last use cannot be written down")
    func refusedWrites() async throws {
        let failures = CommitFailures()
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let temporary = try TemporaryStore(options: options, failures: failures)
        let workspace = CodexFlow.Workspace(temporary.store, clock: { clock.now })
        try await workspace.createUser(email: "a@example.com", name: "A", id: "a")
        let token = try await workspace.openSession(for: "a").token
        clock.advance(by: 600)
        failures.failNextCommit(with: CodexError(.diskFull, "as the test asked"))
        let session = try #require(try await workspace.session(token: token))
        #expect(session.lastSeenAt == nil)
        #expect(try await workspace.session(token: token)?.lastSeenAt == clock.now)
    }

    @Test("A workspace without a clock has that of its store")
    func storeClock() async throws {
        let fixture = try await Fixture()
        let workspace = CodexFlow.Workspace(fixture.store)
        for seconds in [0, 60, 86_400] as [Double] {
            fixture.clock.advance(by: seconds)
            let now = fixture.clock.now
            let task = try await workspace.createTask(in: "p", by: "mia") { $0.title = "T" }
            #expect(task.createdAt == now)
        }
        // The record of a key expires by one clock alone.
        let first = try await workspace.idempotent("key").createTask(in: "p", by: "mia") {
            $0.title = "Once"
        }
        fixture.clock.advance(by: Double(CodexFlow.Limits.idempotencySeconds))
        let second = try await workspace.idempotent("key").createTask(in: "p", by: "mia") {
            $0.title = "Once"
        }
        #expect(first.id != second.id)
    }

    @Test("One of a user's sessions is ended", arguments: Place.allCases)
    func sessions(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let first = try await workspace.openSession(for: "mia", client: "laptop")
        let second = try await workspace.openSession(for: "mia", client: "phone")
        let lost = try #require(
            try await workspace.all(.sessions(of: "mia")).first { $0.client == "phone" })
        try await workspace.revokeSession(lost.id)
        try await workspace.revokeSession(lost.id)
        #expect(try await workspace.session(token: second.token) == nil)
        #expect(try await workspace.session(token: first.token) != nil)
        #expect(try store.all(.sessions(of: "mia")).count == 1)
    }

    @Test("The first version of a PRD has risks as well")
    func risks() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let bare = try await workspace.createPRD(
            in: "p", title: "T", content: .init(overview: "o"), by: "mia")
        let whole = try await workspace.createPRD(
            in: "p", title: "T", content: .init(overview: "o"), by: "mia", id: "d"
        ) { draft in
            (draft.risks, draft.nonGoals, draft.openQuestions) = (["r"], ["n"], ["q"])
            // Not what a draft decides.
            (draft.version, draft.approvalStatus, draft.createdBy) = (7, .approved, "vera")
        }
        #expect(whole.risks == ["r"] && whole.nonGoals == ["n"] && whole.openQuestions == ["q"])
        #expect(whole.version == 1 && whole.approvalStatus == .draft && whole.createdBy == "mia")
        #expect(whole.contentHash != bare.contentHash)
        #expect(try await workspace.latestPRD("d", in: "p") == whole)
    }

    @Test("Members leave archived projects, which go to other owners", arguments: Place.allCases)
    func archived(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a") { $0.assigneeID = "max" }
        try await workspace.archiveProject("p", by: "olga")
        try await workspace.removeMember("mia", from: "p", by: "mia")
        try await workspace.changeMember("vera", of: "p", to: .member, by: "adam")
        try await fixture.expect(.projectReadOnly) {
            try await workspace.addMember("nora", to: "p", by: "adam")
        }
        // Open work there binds nobody.
        try await workspace.removeMember("max", from: "p", by: "max")
        #expect(try store.get(.task("a", in: "p"))?.assigneeID == nil)
        try await workspace.transferProject("p", to: "adam", by: "olga")
        try await workspace.removeMember("olga", from: "p", by: "olga")
        try await workspace.deleteUser("olga")
        #expect(try store.all(.members(of: "p")).map(\.userID) == ["adam", "vera"])
        // Not in one that is being deleted.
        var project = try #require(try store.get(.project("p")))
        project.deletingSince = fixture.clock.now
        try await store.put(project)
        try await fixture.expect(.projectDeletion) {
            try await workspace.removeMember("vera", from: "p", by: "vera")
        }
    }

    @Test("A command of one's own asks for roles and writes history", arguments: Place.allCases)
    func own(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        let rank: @Sendable (CodexFlow.User.ID) async throws -> Void = { actor in
            try await workspace.commit { context in
                _ = try context.project("p", for: actor, as: .admin)
                var task = try context.find(.task("a", in: "p"))
                try context.record(
                    .changed, of: task, by: actor,
                    changes: [.init(field: "rank", from: nil, to: "m")], note: "sorted")
                task.rank = "m"
                context.replace(task)
            }
        }
        try await fixture.expect(.actorRole) { try await rank("mia") }
        try await workspace.suspendUser("adam")
        try await fixture.expect(.actorActive) { try await rank("adam") }
        try await workspace.activateUser("adam")
        try await rank("adam")
        let entry = try #require(try fixture.store.all(.activity(of: "a", in: "p")).last)
        #expect(entry.note == "sorted" && entry.actorID == "adam" && entry.facts == nil)
        #expect(try fixture.store.get(.task("a", in: "p"))?.rank == "m")
    }

    @Test("One's own commands may write several entries", arguments: Place.allCases)
    func entries(place: Place) async throws {
        let fixture = try await Fixture(place)
        let task = CodexFlow.Task(id: "raw", projectID: "p", title: "Raw", status: .todo)
        try await fixture.store.put(task)
        try await fixture.workspace.commit { context in
            for note in ["one", "two"] {
                try context.record(.changed, of: task, by: "mia", note: note)
            }
        }
        let entries = try fixture.store.all(.activity(of: "raw", in: "p"))
        #expect(entries.map(\.kind) == [.imported, .changed, .changed])
    }

    @Test("An agent whose claim ended does not finish the task", arguments: Place.allCases)
    func holding(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a", through: [.todo, .inProgress])
        try await fixture.expect(.taskNotHeld, "claim") {
            try await workspace.completeTask("a", in: "p", by: "mia", holding: 1)
        }
        let first = try await fixture.claim("a", by: "mia")
        fixture.clock.advance(by: 60)
        try await fixture.expect(.taskNotHeld) {
            try await workspace.completeTask("a", in: "p", by: "mia", holding: first)
        }
        let second = try await fixture.claim("a", by: "max")
        try await fixture.expect(.taskNotHeld) {
            try await workspace.completeTask("a", in: "p", by: "mia", holding: first)
        }
        try await fixture.expect(.taskNotHeld) {
            try await workspace.completeTask("a", in: "p", by: "adam", holding: first)
        }
        fixture.clock.advance(by: 59)
        try await workspace.completeTask("a", in: "p", by: "max", holding: second)
    }

    @Test("A token of no session is refused where one is needed")
    func tokens() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        let token = try await workspace.openSession(for: "mia").token
        #expect(try await workspace.requireSession(token: token).userID == "mia")
        try await fixture.expect(.sessionToken, "token") {
            _ = try await workspace.requireSession(token: token + "x")
        }
        fixture.clock.advance(by: 86_400)
        try await fixture.expect(.sessionToken) {
            _ = try await workspace.requireSession(token: token)
        }
    }

    @Test("History has what became of comments", arguments: Place.allCases)
    func comments(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.task("a")
        let comment = try await workspace.addComment(on: "a", in: "p", by: "mia", "one")
        let start = try store.read { try $0.sequenceNumber }
        try await workspace.changeComment(comment.id, on: "a", in: "p", by: "mia", to: "two")
        try await workspace.changeComment(comment.id, on: "a", in: "p", by: "mia", to: "two")
        try await workspace.deleteComment(comment.id, on: "a", in: "p", by: "adam")
        let entries = try store.all(.activity(of: "a", in: "p")).dropFirst()
        #expect(entries.map(\.kind) == [.commented, .commentChanged, .commentDeleted])
        #expect(entries.map(\.actorID) == ["mia", "mia", "adam"])
        #expect(entries.allSatisfy { $0.changes.first?.to == comment.id.attributeValue })
        let events = try store.retainedChanges(after: .sequenceNumber(start)).flatMap {
            try $0.events
        }
        #expect(events.map(\.kind) == [.taskCommentChanged, .taskCommentDeleted])
        #expect(events.allSatisfy { $0.commentID == comment.id && $0.taskID == "a" })
    }

    @Test("PRDs that were stored without the services go on by them", arguments: Place.allCases)
    func foreignPRDs(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let content = CodexFlow.PRD.Content(
            overview: "o",
            userStories: [.init(id: "1", description: "d", acceptanceCriteria: ["c"])])
        for (version, status) in [
            (1, CodexFlow.PRD.ApprovalStatus.superseded), (2, .approved), (3, .draft),
        ] {
            try await store.put(
                CodexFlow.PRD(
                    id: "raw", projectID: "p", version: version, title: "V\(version)",
                    content: content, approvalStatus: status, createdBy: "mia"))
        }
        #expect(try await workspace.approvedPRD("raw", in: "p")?.version == 2)
        let submitted = try await workspace.submitPRD("raw", version: 3, in: "p", by: "mia")
        let hash = try #require(submitted.contentHash)
        try await workspace.reviewPRD(
            "raw", version: 3, contentHash: hash, in: "p", by: "max", decision: .approve)
        #expect(try await workspace.approvedPRD("raw", in: "p")?.version == 3)
        #expect(
            try store.all(.versions(of: "raw", in: "p")).map(\.approvalStatus)
                == [.superseded, .superseded, .approved])
        let fourth = try await workspace.addPRDVersion(of: "raw", in: "p", basedOn: 3, by: "mia") {
            $0.title = "V4"
        }
        #expect(fourth.version == 4)
        #expect(try store.get(.prdDocument("raw", in: "p"))?.title == "V4")
        await #expect(throws: CodexError(.notFound, "")) {
            try await workspace.submitPRD("none", version: 1, in: "p", by: "mia")
        }
    }

    @Test("The document of the services names every event")
    func documents() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Docs/Services.md"), encoding: .utf8)
        for kind in CodexFlow.Event.Kind.allCases {
            #expect(text.contains("`\(kind.rawValue)`"), "\(kind.rawValue)")
        }
    }
}
