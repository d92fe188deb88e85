import Codex
import Dispatch
import Foundation
import Testing

@testable import codexflow

/// Idempotency keys that workers share, and those of commands with several commits.
@Suite("codexflow task and mcp, idempotency keys")
struct AgentKeyTests {
    let fixture: AgentFixture
    private let key = UUID().uuidString

    init() async throws { fixture = try await AgentFixture() }

    private var tools: AgentTools {
        fixture.tools()
    }

    /// A new task `new` that waits for others.
    private func draft(
        _ blockers: [CodexFlow.Task.ID], isInBacklog: Bool = false
    ) -> AgentLedger.Draft {
        var draft = AgentLedger.Draft(title: "New")
        (draft.id, draft.blockers, draft.isInBacklog) = ("new", blockers, isInBacklog)
        return draft
    }

    /// The claim of the queue's first task, which does not start it.
    private var unstarted: AgentLedger.ClaimChoice {
        var choice = AgentLedger.ClaimChoice()
        choice.starts = false
        return choice
    }

    /// Adds the task `a` with criteria, and claims it for the worker.
    ///
    /// - Returns: The claim's token.
    private func claimed(
        _ criteria: [String] = [], _ choice: AgentLedger.ClaimChoice = AgentLedger.ClaimChoice()
    ) async throws -> Int {
        try await fixture.add("a") { $0.criteria = criteria }
        return try #require(try await fixture.ledger().claim(choice).token)
    }

    // MARK: Random keys

    @Test("A key that two workers may both choose is refused, and claims nothing")
    func shortKeys() async throws {
        try await fixture.add("a")
        for key in ["1", "claim-1", "0123456789abcde"] {
            for server in [AgentPeer(tools), AgentPeer(tools)] {
                let (json, isError) = try await server.call(
                    "task_claim", #"{"idempotencyKey":"\#(key)"}"#)
                #expect(isError && json["error"]?.map?["code"] == "invalidArgument")
            }
        }
        #expect(try fixture.task("a").claim == nil)
    }

    @Test("A model is told that each key is a new random UUID")
    func told() {
        #expect(AgentTools.instructions.contains("new random UUID"))
        let keys = tools.tools.flatMap(\.parameters).filter { $0.name == "idempotencyKey" }
        #expect(keys.count == 6)
        for key in keys { #expect(key.summary.contains("random UUID")) }
    }

    // MARK: Commands of several commits

    @Test("An addition that is sent again after its blocker was deleted gives its first result")
    func deletedBlocker() async throws {
        try await fixture.add("blocker")
        let (ledger, waiting) = (fixture.ledger(), draft(["blocker"]))
        let first = try await ledger.add(waiting, key: key)
        try await CodexFlow.Workspace(fixture.store).deleteTask(
            "blocker", in: AgentFixture.project, by: "ada")
        #expect(try await ledger.add(waiting, key: key).json == first.json)
        let other = UUID().uuidString
        await #expect(throws: CodexError(.notFound, "")) {
            _ = try await ledger.add(waiting, key: other)
        }
    }

    @Test("An addition with other blockers, or with another place, is refused under its key")
    func otherAdditions() async throws {
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        let ledger = fixture.ledger()
        let first = try await ledger.add(draft(["a"], isInBacklog: true), key: key)
        let others = [
            draft(["a"]), draft([], isInBacklog: true), draft(["b"], isInBacklog: true),
            draft(["a", "b"], isInBacklog: true),
        ]
        for other in others { await expectMismatch { try await ledger.add(other, key: key) } }
        #expect(try fixture.task("new").status == .backlog)
        let blockers = try ledger.show("new").json["blockers"]?.list
        #expect(blockers?.compactMap { $0.map?["blocker"]?.string } == ["a"])
        let again = try await ledger.add(draft(["a"], isInBacklog: true), key: key)
        #expect(again.json == first.json)
    }

    @Test("The key of a claim that starts nothing does not start the task later")
    func otherStart() async throws {
        try await fixture.add("a")
        let ledger = fixture.ledger()
        let first = try await ledger.claim(unstarted, key: key)
        await expectMismatch { try await ledger.claim(AgentLedger.ClaimChoice(), key: key) }
        #expect(try fixture.task("a").status == .todo)
        #expect(try await ledger.claim(unstarted, key: key).json == first.json)
    }

    @Test("The key of a completion does not record other criteria later")
    func otherCriteria() async throws {
        let (ledger, token) = (fixture.ledger(), try await claimed(["builds", "is fast"]))
        try await CodexFlow.Workspace(fixture.store).changeTask(
            "a", in: AgentFixture.project, by: "bot", holding: token
        ) { $0.acceptanceCriteria[0].isMet = true }
        let first = try await ledger.complete("a", token: token, met: ["2"], key: key)
        let done = try fixture.task("a")
        for met in [[], ["1"], ["1", "2"]] as [Set<String>] {
            await expectMismatch {
                try await ledger.complete("a", token: token, met: met, key: key)
            }
        }
        #expect(try fixture.task("a") == done)
        let again = try await ledger.complete("a", token: token, met: ["2"], key: key)
        #expect(again.json == first.json)
    }

    @Test("Criteria under the key of a completion without any are refused")
    func laterCriteria() async throws {
        let (ledger, token) = (fixture.ledger(), try await claimed())
        _ = try await ledger.complete("a", token: token, key: key)
        await expectMismatch {
            try await ledger.complete("a", token: token, met: ["1"], key: key)
        }
    }

    @Test("A completion goes on if another process with its key starts and completes the task")
    func startedMeanwhile() async throws {
        let (ledger, store) = (fixture.ledger(), fixture.store)
        var choice = unstarted
        var claims: [(id: CodexFlow.Task.ID, token: Int)] = []
        for number in 0..<20 {
            let id = try await fixture.add(CodexFlow.Task.ID("t\(number)"))
            choice.task = id
            let token = try #require(try await ledger.claim(choice).token)
            claims.append((id, token))
        }
        let (begun, count) = (DispatchSemaphore(value: 0), 2 * claims.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Writes that wait together are one commit. A refusal after a change in it is answered
            // when the starts behind it are stored.
            group.addTask {
                try await store.write { _ in
                    for _ in 0..<count { begun.wait() }
                }
            }
            for (id, token) in claims {
                let own = "\(key)\(id)"
                for _ in 0..<2 {
                    group.addTask {
                        begun.signal()
                        _ = try await ledger.complete(id, token: token, key: own)
                    }
                }
            }
            try await group.waitForAll()
        }
        for (id, _) in claims { #expect(try fixture.task(id).status == .done) }
    }

    // MARK: Commands that failed

    @Test("A completion that failed may have other arguments under its key")
    func correctedCriteria() async throws {
        let (ledger, token) = (fixture.ledger(), try await claimed(["builds", "is fast"]))
        await expectBroken(.taskUnmet) {
            try await ledger.complete("a", token: token, met: ["1"], key: key)
        }
        let first = try await ledger.complete("a", token: token, met: ["1", "2"], key: key)
        #expect(try fixture.task("a").status == .done)
        let again = try await ledger.complete("a", token: token, met: ["1", "2"], key: key)
        #expect(again.json == first.json)
    }

    @Test("A completion that failed may be sent again with the token of a later claim")
    func laterToken() async throws {
        let (ledger, first) = (fixture.ledger(), try await claimed(["builds", "is fast"]))
        await expectBroken(.taskUnmet) {
            try await ledger.complete("a", token: first, met: ["1"], key: key)
        }
        _ = try await ledger.release("a", token: first)
        let second = try #require(try await ledger.claim(AgentLedger.ClaimChoice()).token)
        _ = try await ledger.complete("a", token: second, met: ["1", "2"], key: key)
        #expect(try fixture.task("a").status == .done)
    }

    @Test("A completion that failed starts the task again, and records its criteria again")
    func repeatedSteps() async throws {
        let ledger = fixture.ledger()
        let token = try await claimed(["builds", "is fast"], unstarted)
        await expectBroken(.taskUnmet) {
            try await ledger.complete("a", token: token, met: ["1"], key: key)
        }
        #expect(try fixture.task("a").status == .inProgress)
        let workspace = CodexFlow.Workspace(fixture.store)
        try await workspace.moveTask("a", in: AgentFixture.project, to: .todo, by: "ada")
        try await workspace.changeTask("a", in: AgentFixture.project, by: "ada") { task in
            (task.acceptanceCriteria[0].isMet, task.acceptanceCriteria[1].isMet) = (false, true)
        }
        _ = try await ledger.complete("a", token: token, met: ["1"], key: key)
        #expect(try fixture.task("a").status == .done)
    }

    @Test("A repeated completion does not touch a task that was reopened")
    func reopened() async throws {
        try await fixture.add("a") { $0.criteria = ["builds"] }
        let ledger = fixture.ledger("ada")
        _ = try await ledger.claim(AgentLedger.ClaimChoice())
        let first = try await ledger.complete("a", token: nil, met: ["1"], key: key)
        let workspace = CodexFlow.Workspace(fixture.store)
        try await workspace.moveTask("a", in: AgentFixture.project, to: .todo, by: "ada")
        try await workspace.changeTask("a", in: AgentFixture.project, by: "ada") {
            $0.acceptanceCriteria[0].isMet = false
        }
        let open = try fixture.task("a")
        #expect(
            try await ledger.complete("a", token: nil, met: ["1"], key: key).json == first.json)
        #expect(try fixture.task("a") == open)
    }

    // MARK: Starts that fail

    @Test("A claim whose start fails gives its token, and tells the error")
    func failedStart() async throws {
        try await fixture.add("a")
        // Another command has the key of the start.
        try await CodexFlow.Workspace(fixture.store).idempotent("\(key)\u{1}start").addComment(
            on: "a", in: AgentFixture.project, by: "bot", "Hi")
        let claimed = try await fixture.ledger().claim(AgentLedger.ClaimChoice(), key: key)
        let token = try #require(claimed.token)
        #expect(claimed.json["task"]?.map?["status"] == "todo")
        #expect(claimed.json["startError"]?.map?["code"] == "idempotencyMismatch")
        #expect(claimed.text.contains("not started"))
        _ = try await fixture.ledger().complete("a", token: token)
        #expect(try fixture.task("a").status == .done)
    }

    @Test("A repeated claim does not start a task that was moved since")
    func movedMeanwhile() async throws {
        try await fixture.add("a")
        let workspace = CodexFlow.Workspace(fixture.store)
        // The first call ended between its commits.
        let claimed = try await workspace.idempotent(key, comparing: ["starts": true]).claimNext(
            in: AgentFixture.project, by: "bot", lease: .seconds(AgentLedger.leaseSeconds))
        for status in [CodexFlow.Task.Status.inProgress, .inReview] {
            try await workspace.moveTask("a", in: AgentFixture.project, to: status, by: "ada")
        }
        let again = try await fixture.ledger().claim(AgentLedger.ClaimChoice(), key: key)
        #expect(again.token == claimed?.claim?.token && again.token != nil)
        #expect(again.json["startError"] == nil)
        #expect(try fixture.task("a").status == .inReview)
    }

    @Test("A claim that a rule does not start names the rule, and one that starts has no error")
    func refusedStart() async throws {
        try await fixture.add("first")
        try await fixture.add("second") { $0.blockers = ["first"] }
        var choice = AgentLedger.ClaimChoice()
        (choice.task, choice.despite) = ("second", [.blocked])
        let refused = try await fixture.ledger().claim(choice)
        #expect(refused.token != nil)
        #expect(refused.json["startError"]?.map?["rule"] == "taskBlocked")
        let started = try await fixture.ledger().claim(AgentLedger.ClaimChoice())
        #expect(started.taskID == "first" && started.json["startError"] == nil)
    }
}
