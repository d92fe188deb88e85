import Codex
import Foundation
import Testing

@testable import codexflow

/// Tokens and leases that a worker must not have, by the ledger and by the server.
@Suite("codexflow task and mcp, tokens and leases")
struct AgentTokenTests {
    let fixture: AgentFixture

    init() async throws { fixture = try await AgentFixture() }

    private func server(_ user: CodexFlow.User.ID = "bot") -> AgentPeer {
        AgentPeer(fixture.tools(user))
    }

    /// Claims a task as a user did some seconds ago.
    private func claim(
        _ id: CodexFlow.Task.ID, _ user: CodexFlow.User.ID = "bot", secondsAgo: TimeInterval = 0
    ) async throws -> Int {
        var choice = AgentLedger.ClaimChoice()
        choice.task = id
        let answer = try await fixture.ledger(user, later: -secondsAgo).claim(choice)
        return try #require(answer.token)
    }

    /// What each tool of a holder answers to a token.
    private func refusals(of token: Int, for task: String) async throws -> [String?] {
        let server = server()
        let calls = [
            ("task_renew", ""), ("task_comment", #","text":"x""#),
            ("task_finish", #","outcome":"done""#), ("task_finish", #","outcome":"failed""#),
            ("task_finish", #","outcome":"released""#), ("task_block", #","blocker":"c""#),
            ("task_block", #","blocker":"c","remove":true"#),
        ]
        var rules: [String?] = []
        for (tool, more) in calls {
            let arguments = #"{"task":"\#(task)","token":\#(token)\#(more)}"#
            let (json, isError) = try await server.call(tool, arguments)
            rules.append(isError ? json["error"]?.map?["rule"]?.string : "accepted")
        }
        return rules
    }

    @Test("A stale, foreign or forged token is refused by each tool, and changes nothing")
    func tokens() async throws {
        for id in ["a", "b", "c"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        let stale = try await claim("a", secondsAgo: 1000)
        let token = try await claim("a")
        let foreign = try await claim("b")
        let others = try await claim("c", "bat")
        #expect(Set([stale, token, foreign, others]).count == 4)
        let before = try fixture.task("a")
        for wrong in [stale, foreign, others, token + 1, token - 1, 0, -1, Int.max, Int.min] {
            let rules = try await refusals(of: wrong, for: "a")
            #expect(
                rules.allSatisfy { $0 == "taskNotHeld" || $0 == "taskClaimEnded" },
                "\(wrong): \(rules)")
        }
        // A right token does not help another user.
        let rules = try await refusals(of: others, for: "c")
        #expect(rules.allSatisfy { $0 == "taskNotHeld" }, "\(rules)")
        #expect(try fixture.task("a") == before)
        let shown = try fixture.ledger().show("a").json
        #expect(shown["comments"] == .list([]) && shown["blockers"] == .list([]))
        _ = try await fixture.ledger().complete("a", token: token)
    }

    @Test("Two workers with one account are two holders")
    func oneAccount() async throws {
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        let (first, second) = (server(), server())
        let one = try await first.call("task_claim", "{}").json
        let other = try await second.call("task_claim", "{}").json
        let tasks = [one, other].map { $0["task"]?.map?["id"]?.string }
        #expect(tasks == ["a", "b"])
        let token = try #require(one["token"].flatMap(Int.init(attributeValue:)))
        let stolen = try await second.call(
            "task_finish", #"{"task":"b","token":\#(token),"outcome":"done"}"#)
        #expect(stolen.json["error"]?.map?["rule"] == "taskNotHeld")
        #expect(try await second.call("task_claim", #"{"task":"a"}"#).isError)
    }

    @Test(
        "A lease of zero, of less, or of years is refused for a claim and a renewal",
        arguments: [0, -1, 86_401, 315_360_000, Int.max, Int.min])
    func leases(seconds: Int) async throws {
        try await fixture.add("a")
        let server = server()
        let lease = #""leaseSeconds":\#(seconds)"#
        for arguments in ["{\(lease)}", #"{"task":"a",\#(lease)}"#] {
            let refused = try await server.call("task_claim", arguments).json
            #expect(refused["error"]?.map?["rule"] == "taskClaim")
        }
        let token = try await claim("a")
        let until = try fixture.task("a").claim?.until
        let renewal = #"{"task":"a","token":\#(token),\#(lease)}"#
        let refused = try await server.call("task_renew", renewal).json
        #expect(refused["error"]?.map?["rule"] == "taskClaim")
        #expect(try fixture.task("a").claim?.until == until)
    }

    @Test("A delay of years makes a task wait, and one of less than nothing does not")
    func delays() async throws {
        try await fixture.add("a")
        let server = server()
        for (seconds, waits) in [(-1, false), (Int.min, false), (Int.max, true)] {
            let token = try await claim("a")
            let failed = try await server.call(
                "task_finish",
                #"{"task":"a","token":\#(token),"outcome":"failed","#
                    + #""retryAfterSeconds":\#(seconds)}"#)
            #expect(!failed.isError, "\(failed.json)")
            let claimed = try await fixture.ledger().claim(AgentLedger.ClaimChoice())
            #expect(claimed.isNothing == waits)
            guard let next = claimed.token else { continue }
            _ = try await fixture.ledger().release("a", token: next)
        }
    }

    @Test("A completion that is sent again after a reopening gives its first result")
    func repetition() async throws {
        try await fixture.add("a")
        let token = try await claim("a")
        let key = AgentFixture.key("done")
        let first = try await fixture.ledger().complete("a", token: token, key: key)
        let workspace = CodexFlow.Workspace(fixture.store)
        try await workspace.moveTask("a", in: AgentFixture.project, to: .todo, by: "ada")
        let again = try await fixture.ledger().complete("a", token: token, key: key)
        #expect(again.json == first.json)
        #expect(try fixture.task("a").status == .todo)
    }
}
