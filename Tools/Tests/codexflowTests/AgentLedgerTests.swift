import CodexCore
import CodexStore
import Foundation
import Testing

@testable import codexflow

/// The commands of agents on tasks.
@Suite("codexflow task, the ledger")
struct AgentLedgerTests {
    let fixture: AgentFixture

    init() async throws { fixture = try await AgentFixture() }

    private func claim(_ user: CodexFlow.User.ID = "bot") async throws -> (id: String, token: Int) {
        let answer = try await fixture.ledger(user).claim(AgentLedger.ClaimChoice())
        return (try #require(answer.taskID), try #require(answer.token))
    }

    // MARK: Lists

    @Test("Ready tasks have the order in which a worker gets them, the worker's own among them")
    func order() async throws {
        try await fixture.add("low") { $0.priority = .low }
        try await fixture.add("other") { ($0.priority, $0.assignee) = (.urgent, "bat") }
        try await fixture.add("own") { ($0.priority, $0.assignee) = (.high, "bot") }
        try await fixture.add("urgent") { $0.priority = .urgent }
        let ready = try fixture.ledger().ready()
        #expect(ready.taskIDs == ["urgent", "own", "low"])
        #expect(ready.json["more"] == .bool(false))
        #expect(try fixture.ledger(nil).ready().taskIDs == ["urgent", "low"])
        let first = try fixture.ledger().ready(limit: 1)
        #expect(first.taskIDs == ["urgent"] && first.json["more"] == .bool(true))
        for expected in ["urgent", "own", "low"] { #expect(try await claim().id == expected) }
        let nothing = try await fixture.ledger().claim(AgentLedger.ClaimChoice())
        #expect(nothing.isNothing && nothing.json["task"] == .null)
    }

    @Test("A list has 1 to 100 tasks")
    func listLimits() throws {
        for limit in [1, 100] {
            #expect(try fixture.ledger().ready(limit: limit).text == "nothing")
        }
        for limit in [0, 101, Int.min, Int.max] {
            #expect(throws: CodexError.self) { try fixture.ledger().ready(limit: limit) }
        }
    }

    @Test("An unknown project and an unknown task are errors")
    func unknown() throws {
        let strange = AgentLedger(fixture.store, project: "none", user: "bot")
        #expect(throws: CodexError.self) { try strange.ready() }
        #expect(throws: CodexError.self) { try fixture.ledger().show("none") }
    }

    @Test("Filters choose by label, kind, priority and skill")
    func filters() async throws {
        try await fixture.add("plain")
        try await fixture.add("bug") { ($0.kind, $0.labels) = (.bug, ["parser", "C#"]) }
        try await fixture.add("hard") { $0.skills = ["swift"] }
        func ready(_ filter: CodexFlow.TaskFilter) throws -> Set<String> {
            Set(try fixture.ledger().ready(matching: filter).taskIDs)
        }
        #expect(try ready(.init(labels: ["C#"])) == ["bug"])
        #expect(try ready(.init(kinds: [.task])) == ["plain", "hard"])
        #expect(try ready(.init(priorities: [.urgent])).isEmpty)
        #expect(try ready(.init(skills: ["go"])) == ["plain", "bug"])
        var choice = AgentLedger.ClaimChoice()
        choice.filter = .init(kinds: [.bug])
        #expect(try await fixture.ledger().claim(choice).taskID == "bug")
    }

    // MARK: Claims

    @Test("Only the answer to a claim has its token, and a claim starts the task")
    func tokens() async throws {
        try await fixture.add("a")
        let answer = try await fixture.ledger().claim(AgentLedger.ClaimChoice())
        let token = try #require(answer.token)
        #expect(try fixture.task("a").claim?.token == token)
        #expect(try fixture.task("a").status == .inProgress)
        let shown = try fixture.ledger().show("a")
        #expect(shown.json["task"]?.map?["holder"] == "bot")
        #expect(shown.token == nil && shown.json["task"]?.map?["token"] == nil)
        let renewed = try await fixture.ledger().renew("a", token: token, leaseSeconds: 86_400)
        #expect(renewed.token == token)
        await expectLost { try await fixture.ledger("bat").renew("a", token: token) }
        await expectLost { try await fixture.ledger().renew("a", token: token + 1) }
    }

    @Test("A claim that starts nothing leaves the task in todo, and its completion starts it")
    func startsLater() async throws {
        try await fixture.add("a")
        var choice = AgentLedger.ClaimChoice()
        choice.starts = false
        let token = try #require(try await fixture.ledger().claim(choice).token)
        #expect(try fixture.task("a").status == .todo)
        _ = try await fixture.ledger().complete("a", token: token)
        #expect(try fixture.task("a").status == .done)
        #expect(try fixture.task("a").startedAt != nil)
    }

    @Test("A lease has 1 second to a day")
    func leases() async throws {
        try await fixture.add("a")
        for lease in [0, -1, 86_401, Int.min, Int.max] {
            var choice = AgentLedger.ClaimChoice()
            choice.leaseSeconds = lease
            await #expect(throws: CodexError.self) { try await fixture.ledger().claim(choice) }
        }
        var choice = AgentLedger.ClaimChoice()
        choice.leaseSeconds = 1
        #expect(try await fixture.ledger().claim(choice).taskID == "a")
    }

    @Test("After the lease another worker gets the task, and no stale token writes")
    func expiry() async throws {
        try await fixture.add("a")
        let (_, stale) = try await claim()
        let later = fixture.ledger("bat", later: 1000)
        let second = try await later.claim(AgentLedger.ClaimChoice())
        let token = try #require(second.token)
        #expect(second.taskID == "a" && token != stale)
        let late = fixture.ledger(later: 1000)
        await expectLost { try await late.renew("a", token: stale) }
        await expectLost { try await late.complete("a", token: stale) }
        await expectLost { try await late.fail("a", token: stale) }
        await expectLost { try await late.release("a", token: stale) }
        await expectLost { try await late.comment(on: "a", "late", token: stale) }
        await expectLost { try await late.block("a", on: "a", token: stale) }
        _ = try await later.complete("a", token: token)
        #expect(try fixture.task("a").status == .done)
    }

    @Test("A failed attempt is followed by another, a released one does not count")
    func attempts() async throws {
        try await fixture.add("a")
        var (_, token) = try await claim()
        _ = try await fixture.ledger().release("a", token: token)
        #expect(try fixture.task("a").attempts == 0)
        (_, token) = try await claim("bat")
        _ = try await fixture.ledger("bat").fail("a", token: token, retryAfterSeconds: 500)
        #expect(try fixture.task("a").attempts == 1)
        #expect(try await fixture.ledger().claim(AgentLedger.ClaimChoice()).isNothing)
        let later = try fixture.ledger(later: 600).ready()
        #expect(later.taskIDs.isEmpty && later.json["mayFollow"] == .bool(true))
        let next = try await fixture.ledger(later: 600).claim(AgentLedger.ClaimChoice())
        #expect(next.taskID == "a")
    }

    // MARK: Plans

    @Test("A task with blockers follows when they are finished")
    func blockers() async throws {
        try await fixture.add("first")
        try await fixture.add("second") { $0.blockers = ["first"] }
        #expect(try fixture.task("second").status == .todo)
        #expect(try fixture.ledger().ready().taskIDs == ["first"])
        let shown = try fixture.ledger().show("second")
        let blocker = shown.json["blockers"]?.list?.first?.map
        #expect(blocker?["blocker"] == "first" && blocker?["open"] == .bool(true))
        let (_, token) = try await claim()
        _ = try await fixture.ledger().complete("first", token: token)
        #expect(try fixture.ledger().ready().json["mayFollow"] == .bool(true))
        #expect(try await claim().id == "second")
    }

    @Test("A blocker that does not exist creates no task")
    func unknownBlocker() async throws {
        await #expect(throws: CodexError.self) {
            try await fixture.add("a") { $0.blockers = ["none"] }
        }
        #expect(try fixture.store.get(.task("a", in: AgentFixture.project)) == nil)
    }

    @Test("A task waits until its dependency is removed")
    func unblocking() async throws {
        try await fixture.add("a")
        try await fixture.add("b") { $0.isInBacklog = true }
        _ = try await fixture.ledger().block("a", on: "b")
        #expect(try await fixture.ledger().claim(AgentLedger.ClaimChoice()).isNothing)
        _ = try await fixture.ledger().unblock("a", from: "b")
        #expect(try await claim().id == "a")
    }

    @Test("A completion records criteria and its result; other criteria are an error")
    func criteria() async throws {
        try await fixture.add("a") { $0.criteria = ["builds", "is fast"] }
        let (_, token) = try await claim()
        let ledger = fixture.ledger()
        await #expect(throws: CodexError.self) {
            try await ledger.complete("a", token: token, met: ["1"])
        }
        #expect(try fixture.task("a").acceptanceCriteria.map(\.isMet) == [true, false])
        await #expect(throws: CodexError.self) {
            try await ledger.complete("a", token: token, met: ["3"])
        }
        let result = CodexFlow.Task.Result(text: "It builds.", data: ["tests": 12])
        _ = try await ledger.complete("a", token: token, result: result, met: ["2"])
        #expect(try fixture.task("a").result == result)
        let shown = try ledger.show("a").json["task"]?.map
        #expect(shown?["result"]?.map?["data"]?.map?["tests"] == 12)
    }

    @Test("Comments are shown in their order, the last 20")
    func comments() async throws {
        try await fixture.add("a")
        // One source of identifiers, which sort also within a millisecond.
        let ledger = fixture.ledger()
        for number in 1...21 { _ = try await ledger.comment(on: "a", "comment \(number)") }
        let shown = try fixture.ledger().show("a").json
        let texts = (shown["comments"]?.list ?? []).compactMap { $0.map?["text"]?.string }
        #expect(texts == (2...21).map { "comment \($0)" })
        #expect(shown["moreComments"] == .bool(true))
    }

    // MARK: Idempotency

    private func key(_ name: String) -> String { AgentFixture.key(name) }

    @Test("A command that is sent again with its key gives its first result")
    func repetitions() async throws {
        try await fixture.add("blocker")
        let ledger = fixture.ledger()
        var draft = AgentLedger.Draft(title: "Once")
        draft.blockers = ["blocker"]
        let added = try await ledger.add(draft, key: key("add"))
        #expect(try await ledger.add(draft, key: key("add")).json == added.json)
        var other = draft
        other.title = "Other"
        let changed = other
        await #expect(throws: CodexError.self) { try await ledger.add(changed, key: key("add")) }

        let choice = AgentLedger.ClaimChoice()
        let claimed = try await ledger.claim(choice, key: key("claim"))
        let token = try #require(claimed.token)
        #expect(claimed.taskID == "blocker")
        #expect(try await ledger.claim(choice, key: key("claim")).json == claimed.json)

        let first = try await ledger.complete("blocker", token: token, key: key("done"))
        let again = try await ledger.complete("blocker", token: token, key: key("done"))
        #expect(again.json == first.json)
        await expectLost { try await ledger.complete("blocker", token: token) }

        let comment = try await ledger.comment(on: "blocker", "Hi", key: key("comment"))
        let second = try await ledger.comment(on: "blocker", "Hi", key: key("comment"))
        #expect(second.json == comment.json)
        #expect(try ledger.show("blocker").json["comments"]?.list?.count == 1)
    }

    @Test("A repeated addition does not reopen a task that is done")
    func repeatedAddition() async throws {
        try await fixture.add("blocker")
        var draft = AgentLedger.Draft(title: "Once")
        (draft.id, draft.blockers) = ("a", ["blocker"])
        _ = try await fixture.ledger().add(draft, key: key("add"))
        let first = try await claim()
        _ = try await fixture.ledger().complete("blocker", token: first.token)
        let second = try await claim()
        _ = try await fixture.ledger().complete("a", token: second.token)
        _ = try await fixture.ledger().add(draft, key: key("add"))
        #expect(try fixture.task("a").status == .done)
    }

    @Test("A key has 16 to 200 bytes, and no control characters")
    func keys() async throws {
        func add(_ key: String) async throws {
            _ = try await fixture.ledger().add(AgentLedger.Draft(title: "A"), key: key)
        }
        func text(_ count: Int) -> String { String(repeating: "k", count: count) }
        for count in [16, 17, 199, 200] { try await add(text(count)) }
        let controls = ["\u{1}start", "\n", "\u{7F}"].map { text(20) + $0 }
        for key in ["", text(15), text(201)] + controls {
            await #expect(throws: CodexError(.invalidArgument, "")) { try await add(key) }
        }
    }

    @Test("A change needs a user")
    func readers() async throws {
        try await fixture.add("a")
        let reader = fixture.ledger(nil)
        await #expect(throws: CodexError.self) {
            try await reader.claim(AgentLedger.ClaimChoice())
        }
        await #expect(throws: CodexError.self) { try await reader.comment(on: "a", "Hi") }
    }

    // MARK: Text

    @Test("Text for a terminal has no characters that the terminal obeys")
    func printable() {
        #expect("a\u{1B}[31mb\u{7}c\nd".printable() == "a\u{FFFD}[31mb\u{FFFD}c\u{FFFD}d")
        #expect("a\nb\u{202E}c\u{2066}".printable(keepsLines: true) == "a\nb\u{FFFD}c\u{FFFD}")
        #expect("Zürich 👩‍🚀 日本".printable() == "Zürich 👩‍🚀 日本")
    }

    @Test("JSON is one value of any kind, and nothing else")
    func plainJSON() throws {
        for text in ["1", #""a""#, "null", "[1,2]", #"{"value":{}}"#, " true "] {
            #expect(throws: Never.self) { try PlainJSON.value(text.utf8) }
        }
        for text in ["", "1,2", #"1,"value":2"#, #"1,"other":2"#, "1}", "}{", "nul", "[1"] {
            #expect(throws: CodexError.self) { try PlainJSON.value(text.utf8) }
        }
    }
}
