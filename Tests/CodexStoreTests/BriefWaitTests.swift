import CodexCore
import CodexTesting
import Testing

@testable import CodexStore

/// Changes of a small table, which wait for its build alone.
@Suite("Waits for small builds")
struct BriefWaitTests {
    private static let schema = Schema(
        tables: ["a", "z"].map { TableDefinition($0, partitionKey: KeyAttribute("p")) })
    private static let byG = IndexDefinition("byG", partitionKey: [KeyAttribute("g")])
    private static let count = CounterDefinition("count", group: [KeyAttribute("g")])

    private func state(
        of name: String, in table: String, _ store: Store
    ) throws -> BuildStatus.State? {
        try store.buildStatus().first { $0.table == table && $0.name == name }?.state
    }

    @Test("A change of a small table does not wait for a large build", .timeLimit(.minutes(1)))
    func large() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        var number = 0
        try await store.load(into: "a") {
            guard number <= Builder.smallItemCount else { return nil }
            defer { number += 1 }
            return ["p": .string("\(number)"), "g": "g"]
        }
        try await store.put(["p": "1", "g": "g"], in: "z")
        // As if another process built, and did not end.
        let lock = try #require(try FileLock(Builder.lockName, in: try Directory(store.path)))
        try await store.addIndex(Self.byG, to: "a")
        try await store.addIndex(Self.byG, to: "z")
        try await store.addCounter(Self.count, to: "z")
        try await store.addTimeToLive("e", to: "z")
        try await store.removeTimeToLive(from: "z")
        #expect(try state(of: "byG", in: "a", store) == .building)
        #expect(try state(of: "byG", in: "z", store) == .building)
        lock.release()
        try await store.waitUntilReady()
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
        #expect(try store.verify().isSound)
    }

    @Test("A change of a table does not fail with the build of another one")
    func failing() async throws {
        let trouble = BuilderRetryTests.Trouble()
        var options = StoreOptions()
        options.parts.beforeCommit = { try trouble.check() }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        for table in ["a", "z"] { try await store.put(["p": "1", "g": "g"], in: table) }
        trouble.begin(.corrupted)
        await #expect(throws: CodexError(.corrupted, "")) {
            try await store.addIndex(Self.byG, to: "a")
        }
        try await store.addIndex(Self.byG, to: "z")
        #expect(try state(of: "byG", in: "z", store) == .building)
        // A request that has checked its change does not fail with a build at all.
        let byH = IndexDefinition("byH", partitionKey: [KeyAttribute("h")])
        let number = try store.number(of: "a")
        try await store.addIndex(byH, to: "a", number: number) { _ in }
        try await store.addTimeToLive("e", to: "a", number: number) { _ in }
        #expect(try state(of: "byH", in: "a", store) == .building)
        // A failure that may pass is not waited for, either.
        trouble.begin(.diskFull)
        try await store.addCounter(Self.count, to: "z")
        #expect(try state(of: "count", in: "z", store) == .building)
        trouble.end()
        try await store.waitUntilReady()
        #expect(try store.buildStatus().allSatisfy { $0.state == .ready })
    }
}
