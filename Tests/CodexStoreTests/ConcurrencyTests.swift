import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import Foundation
import Synchronization
import Testing

/// Also run under the thread sanitizer: `make test-thread`.
@Suite("Concurrency")
struct ConcurrencyTests {
    @Test("Readers see whole transactions while many write")
    func snapshots() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        // Each transaction moves a point from one task's estimate to the other's.
        var (a, b) = (SeedTests.task, SeedTests.task)
        (a.id, b.id) = ("a", "b")
        (a.estimate, b.estimate) = (500, 500)
        try await store.write { [a, b] transaction in
            try transaction.put(a)
            try transaction.put(b)
        }
        let isDone = Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    while isDone.value == 0 {
                        let sum = try store.read { snapshot in
                            let tasks = try snapshot.all(.tasks(in: "456"))
                            let byIndex = try snapshot.all(.tasks(assignedTo: "123"))
                            #expect(Set(tasks) == Set(byIndex))
                            return tasks.reduce(0) { $0 + ($1.estimate ?? 0) }
                        }
                        #expect(sum == 1000)
                        // Reads do not suspend: let the writers' tasks have the thread.
                        await Task.yield()
                    }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { writers in
                for writer in 0..<4 {
                    writers.addTask {
                        for _ in 0..<100 {
                            try await store.write { transaction in
                                let (from, to): (CodexFlow.Task.ID, CodexFlow.Task.ID) =
                                    writer % 2 == 0 ? ("a", "b") : ("b", "a")
                                try transaction.update(.task(from, in: "456")) {
                                    $0.estimate = ($0.estimate ?? 0) - 1
                                }
                                try transaction.update(.task(to, in: "456")) {
                                    $0.estimate = ($0.estimate ?? 0) + 1
                                }
                            }
                        }
                    }
                }
                try await writers.waitForAll()
            }
            isDone.increment()
            try await group.waitForAll()
        }
        #expect(try store.stored(.task("a", in: "456"))?.version == 401)
        #expect(try store.verify().isSound)
    }

    @Test("No update is lost among concurrent ones")
    func counters() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(SeedTests.task)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    try await store.update(.task("789", in: "456")) {
                        $0.reopenCount = ($0.reopenCount ?? 0) + 1
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.get(.task("789", in: "456"))?.reopenCount == 300)
        #expect(try store.stats().sequence < 300, "waiting writes share commits")
    }

    @Test("A write inside a write is an error, not a deadlock")
    func nestedWrite() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        await #expect(throws: CodexError(.nestedWrite, "")) {
            try await store.write { _ in try store.write { try $0.put(SeedTests.user) } }
        }
        // Reading inside of a write sees what was committed before.
        try await store.write { transaction in
            try transaction.put(SeedTests.user)
            #expect(try store.get(.user("123")) == nil)
            #expect(try transaction.get(.user("123")) == SeedTests.user)
        }
    }

    /// A number that tasks share.
    final class Count: Sendable {
        private let count = Atomic(0)
        var value: Int { count.load(ordering: .acquiring) }
        @discardableResult
        func increment() -> Int { count.add(1, ordering: .acquiringAndReleasing).newValue }
    }

    /// Holds the writer until it is let go, so that writes wait behind it.
    final class Gate: Sendable {
        let entered = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
    }

    @Test("Cancelling takes back a waiting write and leaves a running one")
    func cancellation() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let gate = Gate()
        let running = Task {
            try await store.write { transaction in
                try transaction.put(SeedTests.user)
                gate.entered.signal()
                gate.release.wait()
            }
        }
        await Self.wait(gate.entered)
        let waiting = Task { try await store.put(SeedTests.task) }
        waiting.cancel()
        await #expect(throws: CodexError(.cancelled, "")) { try await waiting.value }
        running.cancel()
        gate.release.signal()
        try await running.value
        #expect(try store.get(.user("123")) == SeedTests.user)
        #expect(try store.get(.task("789", in: "456")) == nil)
    }

    @Test("The queue of writers is bounded: one more is refused at once")
    func boundedQueue() async throws {
        let temporary = try TemporaryStore(options: StoreOptions(maximumWaitingWrites: 3))
        let store = temporary.store
        let gate = Gate()
        let running = Task {
            try await store.write { _ in
                gate.entered.signal()
                gate.release.wait()
            }
        }
        await Self.wait(gate.entered)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            let refused = Count()
            for number in 0..<6 {
                group.addTask {
                    var user = SeedTests.user
                    user.id = try! .init("u\(number)")
                    user.email = "u\(number)@example.com"
                    do {
                        try await store.put(user)
                        return true
                    } catch {
                        #expect((error as? CodexError)?.code == .queueFull)
                        // Three fit; once the other three were refused, let the writer go on.
                        if refused.increment() == 3 { gate.release.signal() }
                        return false
                    }
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        try await running.value
        #expect(outcomes.count { $0 } == 3)
    }

    @Test("Closing finishes running reads and accepted writes")
    func closing() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Store(at: directory + "/store", schema: CodexFlow.schema)
        let gate = Gate()
        let write = Task {
            try await store.write { transaction in
                gate.entered.signal()
                gate.release.wait()
                try transaction.put(SeedTests.user)
            }
        }
        await Self.wait(gate.entered)
        let closing = Task.detached { store.close() }
        gate.release.signal()
        try await write.value
        await closing.value
        #expect(throws: CodexError(.closed, "")) { try store.get(.user("123")) }
        let reopened = try Store(at: directory + "/store")
        #expect(try reopened.get(.user("123")) == SeedTests.user)
        reopened.close()
    }

    @Test("More snapshots at once than threads")
    func manySnapshots() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try store.write { try $0.put(SeedTests.user) }
        func nest(_ depth: Int) throws {
            try store.read { snapshot in
                #expect(try snapshot.get(.user("123")) == SeedTests.user)
                if depth > 0 { try nest(depth - 1) }
            }
        }
        try nest(300)
    }

    /// Waits for a semaphore without blocking the cooperative threads.
    static func wait(_ semaphore: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                semaphore.wait()
                continuation.resume()
            }
        }
    }
}
