import Codex
import CodexCore
import CodexStore
import CodexTesting
import CodexWorkspace
import Foundation
import Testing

extension Fixture {
    /// Changes a stored item to one that only an earlier version stored.
    fileprivate func rewrite(
        _ partition: String, _ sort: String, _ body: (inout Item) -> Void
    ) async throws {
        let key = PrimaryKey(.string(partition), .string(sort))
        var item = try #require(try store.item(in: CodexFlow.table, key: key))
        body(&item)
        try await store.put(item, in: CodexFlow.table)
    }

    /// Gives a stored task a title, labels and criteria that were allowed once.
    fileprivate func age(_ task: CodexFlow.Task.ID, _ text: String = "a\nb") async throws {
        try await rewrite("PROJECT#p", "TASK#\(task)") { item in
            item["title"] = .string(text)
            item["labels"] = ["\u{200B}", "x\u{85}y", "C"]
            item["acceptanceCriteria"] = [["id": "\u{200B}", "text": "\u{2800}", "met": false]]
        }
    }
}

/// Items whose texts were allowed when they were stored: they stay usable until the texts change.
@Suite("Texts of earlier versions")
struct EarlierTextTests {
    /// Texts that the rule of versions up to 0.2 took.
    static let texts = ["a\nb", "\u{200B}", "x\u{2028}", "\u{7F}", "\u{3164}"]

    @Test("A task with an old title is moved, changed and completed", arguments: Place.allCases)
    func tasks(place: Place) async throws {
        for text in Self.texts {
            let fixture = try await Fixture(place)
            let workspace = fixture.workspace
            try await fixture.task("a", through: [.todo])
            try await fixture.age("a", text)
            try await workspace.changeTask("a", in: "p", by: "mia") { task in
                (task.priority, task.title) = (.high, text)
                task.acceptanceCriteria[0].isMet = true
            }
            try await workspace.moveTask("a", in: "p", to: .inProgress, by: "mia")
            let done = try await workspace.completeTask("a", in: "p", by: "mia")
            #expect(done.status == .done && ByteOrder.equal(done.title, text))
            try await workspace.archiveTask("a", in: "p", by: "mia")
            try await fixture.store.update(.task("a", in: "p")) { $0.rank = "b" }
            let stored = try #require(try fixture.store.get(.task("a", in: "p")))
            #expect(ByteOrder.equal(stored.title, text) && stored.labels.count == 3)
            #expect(stored.rank == "b" && stored.archivedAt != nil)
            #expect(try fixture.store.verify().isSound)
        }
    }

    @Test("A task with an old title is claimed, and its claim is kept", arguments: Place.allCases)
    func claims(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a") { $0.status = .todo }
        try await fixture.age("a")
        let claimed = try await workspace.claimNext(in: "p", by: "mia", lease: .seconds(60))
        let token = try #require(claimed?.claim?.token)
        fixture.clock.advance(by: 30)
        try await workspace.renewClaim(
            of: "a", in: "p", by: "mia", holding: token, lease: .seconds(60))
        fixture.clock.advance(by: 50)
        #expect(try await workspace.expiredClaims(in: "p").isEmpty)
        try await workspace.releaseTask("a", in: "p", by: "mia", holding: token)
        _ = try await workspace.claimNext(in: "p", by: "max", lease: .seconds(1))
        fixture.clock.advance(by: 10)
        #expect(try await workspace.expireClaims(in: "p") == 1)
    }

    @Test("Users and projects with old names are suspended and deleted", arguments: Place.allCases)
    func names(place: Place) async throws {
        for text in Self.texts {
            let fixture = try await Fixture(place)
            let (workspace, store) = (fixture.workspace, fixture.store)
            try await fixture.rewrite("USER#max", "PROFILE") { $0["name"] = .string(text) }
            try await fixture.rewrite("PROJECT#p", "METADATA") { $0["name"] = .string(text) }
            #expect(try await workspace.suspendUser("max").state == .suspended)
            #expect(try await workspace.activateUser("max").isActive)
            try await workspace.archiveProject("p", by: "olga")
            try await workspace.restoreProject("p", by: "olga")
            try await workspace.changeProject("p", by: "olga") { $0.status = .started }
            try await workspace.deleteProject("p", by: "olga")
            #expect(try store.get(.project("p")) == nil)
        }
    }

    @Test("A PRD with an old title is reviewed; a new version needs a new title")
    func prds() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        var content = CodexFlow.PRD.Content(overview: "O")
        content.userStories = [.init(id: "s", description: "S", acceptanceCriteria: ["c"])]
        try await workspace.createPRD(
            in: "p", title: "T", content: content, by: "mia", id: "d")
        try await fixture.rewrite("PROJECT#p", "PRD#d#V#0000000001") { item in
            item["title"] = "a\nb"
            item["contentHash"] = nil
        }
        let submitted = try await workspace.submitPRD("d", version: 1, in: "p", by: "mia")
        let hash = try submitted.makeContentHash()
        let approved = try await workspace.reviewPRD(
            "d", version: 1, contentHash: hash, in: "p", by: "max", decision: .approve)
        #expect(approved.approvalStatus == .approved && approved.title == "a\nb")
        try await fixture.expect(.prdTitle, "title") {
            try await workspace.addPRDVersion(of: "d", in: "p", basedOn: 1, by: "mia") { prd in
                prd.summary = "S"
            }
        }
    }

    @Test("A changed text follows the present rule", arguments: Place.allCases)
    func changed(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.task("a")
        try await fixture.age("a")
        typealias Change = @Sendable (inout CodexFlow.Task) -> Void
        let changes: [(CodexFlow.Rule, Change)] = [
            (.taskTitle, { $0.title = "a\nb " }), (.taskLabels, { $0.labels.append("x") }),
            (.taskLabels, { $0.labels.swapAt(0, 1) }),
            (.taskCriteria, { $0.acceptanceCriteria[0].text = "\u{200B}" }),
            (.taskCriteria, { $0.acceptanceCriteria.append(.init(id: "2", text: "t")) }),
        ]
        for (rule, change) in changes {
            try await fixture.expect(rule) {
                try await workspace.changeTask("a", in: "p", by: "mia", change)
            }
        }
        try await workspace.changeTask("a", in: "p", by: "mia") { task in
            (task.title, task.labels, task.acceptanceCriteria) = ("a b", ["C"], [])
        }
    }

    @Test("A model is equal to one that was read, and a text of no version is refused")
    func values() throws {
        let user = CodexFlow.User(id: "u", email: "a@b", name: "A")
        let read = try CodexFlow.User(item: try user.item())
        #expect(read == user && Set([read, user]).count == 1)
        var item = try CodexFlow.Task(id: "t", projectID: "p", title: "T").item()
        for title in ["", " \n", "\u{A0}", String(repeating: "x", count: 257)] {
            item["title"] = .string(title)
            let task = try CodexFlow.Task(item: item)
            #expect(throws: CodexError(.ruleViolated, "")) { try task.validate() }
        }
        item["title"] = "a\nb"
        try CodexFlow.Task(item: item).validate()
        #expect(throws: CodexError(.ruleViolated, "")) {
            try CodexFlow.Task(id: "t", projectID: "p", title: "a\nb").validate()
        }
    }

    @Test("A completion with a note that was allowed once counts")
    func notes() async throws {
        let fixture = try await Fixture()
        try await fixture.task("a", through: [.todo, .inProgress])
        try await fixture.expect(.note, "note") {
            try await fixture.workspace.completeTask("a", in: "p", by: "mia", note: "\u{200B}")
        }
        try await fixture.workspace.completeTask("a", in: "p", by: "mia", note: "n")
        let history = try fixture.store.all(.activity(of: "a", in: "p"))
        let last = try #require(history.last { $0.note == "n" })
        try await fixture.rewrite("PROJECT#p", "ACTIVITY#a#\(last.id)") { $0["note"] = "\u{200B}" }
        try await fixture.store.rebuildAnalytics()
        let day = CalendarDay(fixture.clock.now)
        let report = try await fixture.workspace.analyticsReport(
            of: "p", from: day, through: day)
        #expect(report.tasksCompleted == 1)
    }

    @Test(
        "Lists of huge texts are refused before the texts are compared",
        .timeLimit(.minutes(30)))
    func huge() throws {
        // Composing or hashing a hundred of these takes minutes.
        let huge = String(repeating: "\u{301}", count: 16 << 20)
        var task = CodexFlow.Task(id: "t", projectID: "p", title: "T")
        let many = Array(repeating: huge, count: CodexFlow.Limits.labelCountMax)
        task.labels = many
        #expect(throws: CodexError(.ruleViolated, "")) { try task.validate() }
        task.labels = []
        task.skills = Array(many.prefix(CodexFlow.Limits.skillCountMax))
        #expect(throws: CodexError(.ruleViolated, "")) { try task.validate() }
        task.skills = []
        task.acceptanceCriteria = many.prefix(CodexFlow.Limits.criterionCountMax).map {
            .init(id: $0, text: "t")
        }
        #expect(throws: CodexError(.ruleViolated, "")) { try task.validate() }
    }
}
