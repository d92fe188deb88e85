import CodexCore
import CodexStore
import CodexTesting
import Synchronization
import TestSupport
import Testing

/// A builder that works on demand alone, as the simulator uses it.
@Suite("Builds on demand")
struct BuildsOnDemandTests {
    private final class StepCounter: Sendable {
        private let steps = Mutex(0)
        var count: Int { steps.withLock { $0 } }
        func add() { steps.withLock { $0 += 1 } }
    }

    private static let scan = TableScan(table: "t", index: "byG")

    private func fill(_ store: Store, _ count: Int) async throws {
        try await store.write { transaction in
            for number in 0..<count { try transaction.put(BuildingTests.item(number), in: "t") }
        }
    }

    @Test("Nothing is built and no call waits, until steps are demanded")
    func steps() async throws {
        let steps = StepCounter()
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand(entryCountMax: 2) { steps.add() }
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options)
        let store = temporary.store
        try await fill(store, 7)
        try await store.addIndex(BuildingTests.byG, to: "t")
        try await store.waitUntilReady()
        #expect(steps.count == 0)
        #expect(throws: CodexError(.indexNotReady, "")) {
            try store.items(scanning: Self.scan)
        }
        var outcomes: [BuildsOnDemand.Outcome] = []
        repeat {
            outcomes.append(try store.build(stepCountMax: 1))
            try await store.put(BuildingTests.item(10 + outcomes.count), in: "t")
        } while outcomes.last == .more && outcomes.count < 30
        #expect(outcomes.last == .done)
        // Seven entries, two in a step, and the end.
        #expect(steps.count >= 5)
        #expect(outcomes.count >= 5)
        #expect(try store.items(scanning: Self.scan).items.count == 7 + outcomes.count)
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }

    /// A store that has some items, and handles two in a step.
    private func opened(_ count: Int) async throws -> TemporaryStore {
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options)
        try await fill(temporary.store, count)
        return temporary
    }

    @Test("The entries of a removed index are removed by steps")
    func removal() async throws {
        let temporary = try await opened(5)
        let store = temporary.store
        try await store.addIndex(BuildingTests.byG, to: "t")
        while try store.build() == .more {}
        try await store.removeIndex("byG", from: "t")
        #expect(try store.build(stepCountMax: 1) == .more)
        #expect(try store.build() == .more)
        #expect(try store.build() == .done)
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }

    @Test("A later change of the schema leaves the progress of a build")
    func progress() async throws {
        let temporary = try await opened(7)
        let store = temporary.store
        let counter = CounterDefinition("count", group: [KeyAttribute("g")])
        // The second counter gets the number of the first.
        try await store.addCounter(counter, to: "t")
        try await store.removeCounter("count", from: "t")
        while try store.build() == .more {}
        try await store.addCounter(counter, to: "t")
        #expect(try store.build(stepCountMax: 1) == .more)
        try await store.addIndex(BuildingTests.byG, to: "t")
        while try store.build() == .more {}
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }

    @Test("A failed step throws at once, and the next demand goes on")
    func failure() async throws {
        let trouble = BuilderRetryTests.Trouble()
        var options = StoreOptions()
        options.parts.builds = BuildsOnDemand()
        options.parts.beforeCommit = { try trouble.check() }
        let temporary = try TemporaryStore(schema: BuildingTests.schema, options: options)
        let store = temporary.store
        try await fill(store, 5)
        try await store.addIndex(BuildingTests.byG, to: "t")
        trouble.begin(.inputOutput, times: 1)
        #expect(throws: CodexError(.inputOutput, "")) { try store.build() }
        #expect(trouble.count == 1)
        while try store.build() == .more {}
        #expect(try store.items(scanning: Self.scan).items.count == 5)
    }
}
