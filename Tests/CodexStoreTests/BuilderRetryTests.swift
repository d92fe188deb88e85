import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

/// Builds that fail: what may pass is tried again by itself.
@Suite("Failing builds")
struct BuilderRetryTests {
    /// Lets commits fail: those of builds, where nothing else writes items.
    final class Trouble: Sendable {
        private let state = Mutex<(error: CodexError?, restCount: Int, count: Int)>((nil, 0, 0))
        static let message = "It failed, as the test asked."

        func begin(_ code: CodexError.Code, times: Int = .max) {
            state.withLock { $0 = (CodexError(code, Self.message), times, 0) }
        }

        func end() { state.withLock { $0.error = nil } }

        /// How many commits failed since it began.
        var count: Int { state.withLock { $0.count } }

        func check() throws {
            let error = state.withLock { state -> CodexError? in
                guard let error = state.error, state.restCount > 0 else { return nil }
                state.restCount -= 1
                state.count += 1
                return error
            }
            if let error { throw error }
        }
    }

    /// A store's events, in order.
    final class Events: Sendable {
        private let events = Mutex<[StoreEvent]>([])
        func add(_ event: StoreEvent) { events.withLock { $0.append(event) } }
        /// Those of builds that failed.
        var failures: [StoreEvent] {
            events.withLock { events in
                events.filter { event in
                    guard case .buildFailed = event else { return false }
                    return true
                }
            }
        }
    }

    private let trouble = Trouble()
    private let events = Events()

    private func options(_ base: StoreOptions = StoreOptions()) -> StoreOptions {
        var options = base
        options.parts.beforeCommit = { [trouble] in try trouble.check() }
        options.observer = { [events] in events.add($0) }
        return options
    }

    private func fill(_ store: Store, _ count: Int) async throws {
        var number = 0
        try await store.load(into: "t") {
            guard number < count else { return nil }
            defer { number += 1 }
            return BuildingTests.item(number)
        }
    }

    /// Waits until something is so that nothing tells of.
    private func wait(until isSo: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Hang.limit
        while try !isSo() {
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Waits until all is built, without asking for it.
    private func waitUntilReady(_ store: Store) async throws {
        try await wait { try store.buildStatus().allSatisfy { $0.state == .ready } }
    }

    private func failed(
        _ code: CodexError.Code, name: String = "byG", retryDelay: Duration?
    ) -> StoreEvent {
        .buildFailed(
            table: "t", name: name, code: code, message: Trouble.message, retryDelay: retryDelay)
    }

    @Test(
        "What fails for a while is built without being asked for, and the observer is told",
        arguments: [
            CodexError.Code.queueFull, .diskFull, .tooManyReaders, .outOfMemory, .inputOutput,
        ])
    func passing(code: CodexError.Code) async throws {
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options())
        let store = temporary.store
        try await fill(store, 12_000)
        trouble.begin(code, times: 4)
        try await store.addIndex(BuildingTests.byG, to: "t")
        try await waitUntilReady(store)
        #expect(trouble.count == 4)
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 12_000)
        #expect(try store.verify().isSound)
        // Once it is closed, the observer has got all.
        store.close()
        let delays: [Duration] = [50, 100, 200, 400].map { .milliseconds($0) }
        #expect(events.failures == delays.map { failed(code, retryDelay: $0) })
    }

    @Test("A counter's build, and what empties a removed index, are tried again too")
    func otherSteps() async throws {
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options())
        let store = temporary.store
        try await fill(store, 12_000)
        trouble.begin(.diskFull, times: 2)
        try await store.addCounter(
            CounterDefinition("count", group: [KeyAttribute("g")], sums: ["v"]), to: "t")
        try await waitUntilReady(store)
        let totals = try store.totals(of: "count", in: "t")
        #expect(totals.reduce(0) { $0 + $1.count } == 12_000)
        trouble.begin(.diskFull, times: 2)
        try await store.removeCounter("count", from: "t")
        try await wait { trouble.count == 2 }
        try await store.waitUntilReady()
        #expect(try store.verify().isSound)
        store.close()
        #expect(events.failures.count == 4)
    }

    @Test("Those who wait are told of a failure that lasts, and building goes on")
    func lasting() async throws {
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options())
        let store = temporary.store
        try await fill(store, 100)
        trouble.begin(.diskFull)
        await #expect(throws: CodexError(.diskFull, "")) {
            try await store.addIndex(BuildingTests.byG, to: "t")
        }
        #expect(trouble.count >= 7, "some seconds of failures are waited through")
        #expect(try store.buildStatus().map(\.state) == [.building])
        // Who asks now is told as soon as it failed again.
        await #expect(throws: CodexError(.diskFull, "")) { try await store.waitUntilReady() }
        trouble.end()
        try await store.waitUntilReady()
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 100)
        #expect(try store.verify().isSound)
    }

    @Test("What cannot pass ends the building until it is asked for again")
    func lost() async throws {
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options())
        let store = temporary.store
        try await fill(store, 100)
        trouble.begin(.corrupted)
        await #expect(throws: CodexError(.corrupted, "")) {
            try await store.addIndex(BuildingTests.byG, to: "t")
        }
        #expect(try store.buildStatus().map(\.state) == [.building])
        trouble.end()
        try await store.waitUntilReady()
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 100)
        store.close()
        #expect(!events.failures.isEmpty)
        #expect(events.failures.allSatisfy { $0 == failed(.corrupted, retryDelay: nil) })
    }

    @Test("Opening does not wait for a build that fails")
    func opening() async throws {
        let temporary = try TemporaryStore(schema: BuildingTests.schema)
        try await fill(temporary.store, 100)
        temporary.store.close()
        let schema = AgentTable.schema(indexes: [BuildingTests.byG])
        trouble.begin(.diskFull)
        let store = try Store(at: temporary.path, schema: schema, options: options())
        #expect((1..<7).contains(trouble.count))
        #expect(try store.buildStatus().map(\.state) == [.building])
        trouble.end()
        try await store.waitUntilReady()
        #expect(try store.verify().isSound)
        store.close()
    }

    @Test("Closing ends the wait for the next attempt")
    func closing() async throws {
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options())
        let store = temporary.store
        try await fill(store, 12_000)
        trouble.begin(.diskFull)
        try await store.addIndex(BuildingTests.byG, to: "t")
        try await wait { trouble.count >= 3 }
        let waiting = Task { try await store.waitUntilReady() }
        store.close()
        await #expect(throws: CodexError.self) { try await waiting.value }
        trouble.end()
        let again = try Store(at: temporary.path)
        try await again.waitUntilReady()
        #expect(try again.verify().isSound)
        again.close()
    }

    // MARK: The queue

    @Test("Writes that fill the queue all the time do not keep an index from being built")
    func fullQueue() async throws {
        let temporary = try TemporaryStore(
            schema: BuildingTests.schema, options: options(StoreOptions(maximumWaitingWrites: 4)))
        let store = temporary.store
        try await fill(store, 12_000)
        let isOver = ConcurrencyTests.Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { isOver.increment() }
            for worker in 0..<16 {
                group.addTask {
                    while isOver.value == 0 {
                        do {
                            try await store.put(BuildingTests.item(20_000 + worker), in: "t")
                        } catch CodexError.Code.queueFull {}
                        await Task.yield()
                    }
                }
            }
            while true {
                do {
                    try await store.addIndex(BuildingTests.byG, to: "t")
                    break
                } catch CodexError.Code.queueFull {
                    continue
                }
            }
            try await waitUntilReady(store)
            isOver.increment()
            try await group.waitForAll()
        }
        #expect(try store.verify().isSound)
        store.close()
        #expect(events.failures.isEmpty)
    }

    /// Keeps the writer busy until `gate` is released, with as many writes waiting as may.
    private static func fillQueue(_ store: Store, _ gate: ConcurrencyTests.Gate) {
        DispatchQueue.global().async {
            try? store.write { _ in
                gate.entered.signal()
                gate.release.wait()
            }
        }
        gate.entered.wait()
        // Of two more, one waits and one is refused.
        let refused = DispatchSemaphore(value: 0)
        for _ in 0..<2 {
            DispatchQueue.global().async {
                do {
                    try store.write { _ in }
                } catch {
                    refused.signal()
                }
            }
        }
        refused.wait()
    }

    @Test("A bulk load that finds the queue full at its end leaves its indexes to the builder")
    func loadEnd() async throws {
        struct Stop: Error {}
        let temporary = try TemporaryStore(
            schema: BuildingTests.schema, options: options(StoreOptions(maximumWaitingWrites: 1)))
        let store = temporary.store
        try await store.addIndex(BuildingTests.byG, to: "t")
        let gate = ConcurrencyTests.Gate()
        await #expect(throws: Stop.self) {
            try await store.load(into: "t") {
                Self.fillQueue(store, gate)
                throw Stop()
            }
        }
        gate.release.signal()
        try await waitUntilReady(store)
        #expect(try store.count(TableScan(table: "t", index: "byG")).count == 0)
    }
}
