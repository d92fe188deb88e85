import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Events: their envelope, which are wanted, and how they are delivered.
@Suite("Events")
struct EventTests {
    private func events(
        _ fixture: Fixture, after start: SequenceNumber
    ) throws -> [CodexFlow.Event] {
        try fixture.store.retainedChanges(after: .sequenceNumber(start)).flatMap { try $0.events }
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
            (#"{"detail": {"labels": [{"anything-but": "api"}]}}"#, true),
            (#"{"detail": {"labels": [{"anything-but": ["api", "urgent"]}]}}"#, false),
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
            #"{"source": [{}]}"#, #"{"source": [{"prefix": 1}]}"#,
            #"{"source": [{"anything-but": {"prefix": ""}}]}"#,
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
                    attemptCount: 3, delay: .milliseconds(1), keepsDeadLetters: true)
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
        let parked = try store.deadLetters(of: "notifications")
        #expect(parked.count == 1 && parked[0].error.contains("Unreachable"))
        #expect(parked[0].attemptCount == 3)
        // Somebody sees to it.
        struct StillUnreachable: Error {}
        let failed = try await store.retryDeadLetterEvents(
            of: "notifications", matching: .kinds(.taskAssigned)
        ) { _ in throw StillUnreachable() }
        #expect(failed == (0, 1))
        let still = try store.deadLetters(of: "notifications")
        #expect(still.map(\.attemptCount) == [4])
        #expect(still[0].error.contains("StillUnreachable"))
        isDown.withLock { $0 = false }
        let retried = try await store.retryDeadLetterEvents(
            of: "notifications", matching: .kinds(.taskAssigned)
        ) { event in send.yield("again \(event.detail["assignee"]?.string ?? "")") }
        #expect(retried == (1, 0))
        #expect(await messages.next() == "again max")
        #expect(try store.deadLetters(of: "notifications").isEmpty)
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
        #expect(try store.deadLetters(of: "s").count == 1)
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
