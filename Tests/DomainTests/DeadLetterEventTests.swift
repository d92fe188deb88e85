import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import Testing

/// Events that cannot be delivered, at the limit of what is parked.
@Suite("Dead letters of events", .timeLimit(.minutes(30)))
struct DeadLetterEventTests {
    @Test("A delivery ends right before the event that finds no room, and goes on with it")
    func limit() async throws {
        struct Down: Error {}
        let fixture = try await Fixture()
        let store = fixture.store
        try await store.addSubscription("s")
        for id in ["a", "b", "c", "d", "e"] as [CodexFlow.Task.ID] { try await fixture.task(id) }
        let policy = ConsumerFailurePolicy(
            attemptCount: 1, keepsDeadLetters: true, maximumDeadLetters: 1)
        let pattern = CodexFlow.EventPattern.kinds(.taskCreated)
        let seen = Mutex<[String]>([])
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) {
            try await store.deliverEvents(to: "s", matching: pattern, onFailure: policy) { event in
                let task = event.detail["taskId"]?.string ?? ""
                seen.withLock { $0.append(task) }
                if ["b", "d"].contains(task) { throw Down() }
            }
        }
        #expect(seen.withLock { $0 } == ["a", "b", "c", "d"])
        #expect(try store.deadLetters(of: "s").count == 1)
        let (tasks, task) = AsyncStream<String>.makeStream()
        let delivery = _Concurrency.Task {
            try await store.deliverEvents(to: "s", matching: pattern, onFailure: policy) {
                task.yield($0.detail["taskId"]?.string ?? "")
            }
        }
        var iterator = tasks.makeAsyncIterator()
        // What was handled before does not come again.
        #expect(await iterator.next() == "d")
        #expect(await iterator.next() == "e")
        delivery.cancel()
        _ = await delivery.result
        let retried = try await store.retryDeadLetterEvents(of: "s", matching: pattern) { event in
            #expect(event.detail["taskId"]?.string == "b")
        }
        #expect(retried == (1, 0))
        #expect(try store.deadLetters(of: "s").isEmpty)
    }
}
