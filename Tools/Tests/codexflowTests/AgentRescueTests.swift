import Codex
import Foundation
import Testing

@testable import codexflow

/// What people do about tasks that no worker finishes: lists, releases, revivals.
@Suite("codexflow task, tasks without a worker")
struct AgentRescueTests {
    let fixture: AgentFixture

    init() async throws { fixture = try await AgentFixture() }

    @Test("Dead tasks are listed, and a revived one is claimed again")
    func dead() async throws {
        let ledger = fixture.ledger()
        #expect(try ledger.dead().text == "nothing")
        for id in ["a", "b"] as [CodexFlow.Task.ID] {
            try await fixture.add(id)
            try await CodexFlow.Workspace(fixture.store).changeTask(
                id, in: AgentFixture.project, by: "ada"
            ) { $0.maximumAttempts = 1 }
            let token = try #require(try await ledger.claim(AgentLedger.ClaimChoice()).token)
            _ = try await ledger.fail(id, token: token)
        }
        #expect(try ledger.dead().taskIDs == ["a", "b"])
        let first = try #require(try ledger.dead().json["tasks"]?.list?.first?.map)
        #expect(first["attempts"] == 1 && first["maximumAttempts"] == 1 && first["diedAt"] != nil)
        #expect(try ledger.dead().text.contains("dead since"))
        for (limit, count, hasMore) in [(1, 1, true), (2, 2, false), (3, 2, false)] {
            let list = try ledger.dead(limit: limit)
            #expect(list.taskIDs.count == count && list.json["more"] == .bool(hasMore))
        }
        let key = AgentFixture.key("revival")
        let revived = try await ledger.revive("b", token: nil, note: "again", key: key)
        #expect(revived.taskID == "b")
        #expect(try ledger.dead().taskIDs == ["a"])
        let again = try await ledger.revive("b", token: nil, note: "again", key: key)
        #expect(again.json == revived.json)
        #expect(try await ledger.claim(AgentLedger.ClaimChoice()).taskID == "b")
    }

    @Test("Dead tasks in the backlog and in review are listed, and archived ones are not")
    func deadOfAnyStatus() async throws {
        let (ledger, workspace) = (fixture.ledger(), CodexFlow.Workspace(fixture.store))
        let project = AgentFixture.project
        try await fixture.add("planned") { $0.isInBacklog = true }
        try await fixture.add("reviewed")
        for id in ["planned", "reviewed"] as [CodexFlow.Task.ID] {
            try await workspace.changeTask(id, in: project, by: "ada") { $0.maximumAttempts = 1 }
            var choice = AgentLedger.ClaimChoice()
            choice.task = id
            let token = try #require(try await ledger.claim(choice).token)
            if id == "reviewed" {
                try await workspace.moveTask(
                    id, in: project, to: .inReview, by: "bot", holding: token)
            }
            _ = try await ledger.fail(id, token: token)
        }
        #expect(try fixture.task("planned").status == .backlog)
        #expect(try fixture.task("reviewed").status == .inReview)
        #expect(try ledger.dead().taskIDs == ["planned", "reviewed"])
        // Each move between statuses of open tasks keeps the task in the list.
        try await workspace.moveTask("planned", in: project, to: .todo, by: "ada")
        #expect(try ledger.dead().taskIDs == ["planned", "reviewed"])
        try await workspace.archiveTask("planned", in: project, by: "ada")
        #expect(try ledger.dead().taskIDs == ["reviewed"])
        try await workspace.restoreTask("planned", in: project, by: "ada")
        _ = try await ledger.revive("reviewed", token: nil)
        #expect(try ledger.dead().taskIDs == ["planned"])
        #expect(try await ledger.claim(AgentLedger.ClaimChoice()).isNothing)
    }

    @Test("Tasks whose claims ended are listed, also those of a clock that was ahead")
    func expired() async throws {
        try await fixture.add("a")
        let ledger = fixture.ledger()
        _ = try await ledger.claim(AgentLedger.ClaimChoice())
        #expect(try ledger.expired().text == "nothing")
        #expect(try ledger.ready().json["mayFollow"] == .bool(false))
        let later = fixture.ledger("bat", later: 1000)
        #expect(try later.expired().taskIDs == ["a"])
        #expect(try later.expired().json["tasks"]?.list?.first?.map?["holder"] == "bot")
        #expect(try later.expired().text.contains("held by bot until"))
        #expect(try later.expired(limit: 1).json["more"] == .bool(false))

        try await fixture.add("b")
        var choice = AgentLedger.ClaimChoice()
        choice.task = "b"
        _ = try await fixture.ledger("bat", later: 10 * 86_400).claim(choice)
        #expect(try ledger.expired().taskIDs == ["b"])
        #expect(try ledger.ready().json["mayFollow"] == .bool(true))
        // A claim takes both up.
        #expect(try later.expired().taskIDs == ["a", "b"])
        #expect(try later.expired(limit: 1).taskIDs == ["a"])
        #expect(try later.expired(limit: 1).json["more"] == .bool(true))
        #expect(try await later.claim(AgentLedger.ClaimChoice()).taskID != nil)
        #expect(try later.expired().text == "nothing")
    }

    @Test("The task's assignee and admins release the claim of another worker")
    func release() async throws {
        try await fixture.add("a") { $0.assignee = "bat" }
        var choice = AgentLedger.ClaimChoice()
        (choice.task, choice.despite) = ("a", [.assignedToOther])
        for user in ["bat", "ada"] as [CodexFlow.User.ID] {
            let token = try #require(try await fixture.ledger().claim(choice).token)
            // The account of the holder is not the holder.
            await expectLost { try await fixture.ledger().release("a", token: nil) }
            await expectLost { try await fixture.ledger().release("a", token: token + 1) }
            let released = try await fixture.ledger(user).release("a", token: nil, note: "mine")
            #expect(released.taskID == "a")
            let task = try fixture.task("a")
            #expect(task.claim == nil && task.attempts == 0)
            await expectLost { try await fixture.ledger().complete("a", token: token) }
        }
    }

    @Test("These lists have 1 to 100 tasks of a project that exists")
    func limits() throws {
        let ledger = fixture.ledger()
        let strange = AgentLedger(fixture.store, project: "none", user: "bot")
        for list in [{ try $0.dead(limit: $1) }, { try $0.expired(limit: $1) }]
            as [(AgentLedger, Int) throws -> AgentAnswer]
        {
            for limit in [1, 100] { #expect(try list(ledger, limit).text == "nothing") }
            for limit in [0, 101, Int.min, Int.max] {
                #expect(throws: CodexError(.invalidArgument, "")) { try list(ledger, limit) }
            }
            #expect(throws: CodexError(.notFound, "")) { try list(strange, 1) }
        }
    }
}
