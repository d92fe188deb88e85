import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Large values that several entries of an item share.
@Suite("Shared chunks")
struct RetiredChunkTests {
    /// Each entry of an item has the same copy of its content.
    private static let tags = IndexDefinition(
        "tags", partitionKey: [KeyAttribute("tag")], projection: .include(["content"]),
        multiValued: "tag", layout: .copies)

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        var options = StoreOptions(durability: .none)
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: [Self.tags]), options: options)
    }

    /// Stores an item whose content is in chunks, in three entries.
    private func put(_ name: String, seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let noise = (0..<20_000).map { _ in UInt8(random.below(256)) }
        try await store.put(
            [
                "partition": .string(name), "tag": .list(["x", "y", "z"]),
                "content": .binary(noise),
            ], in: "samples")
    }

    private func expectSound(_ comment: Comment) throws {
        let report = try store.verify()
        #expect(report.isSound, "\(comment) \(report.differences.prefix(3))")
    }

    /// Does the builder's work step by step, and verifies the store after each one.
    private func expectSoundSteps() throws {
        var stepCount = 0
        var outcome: BuildsOnDemand.Outcome
        repeat {
            try expectSound("step \(stepCount)")
            outcome = try store.build(stepCountMax: 1)
            stepCount += 1
        } while outcome == .more && stepCount < 100
        #expect(outcome == .done && stepCount >= 9)
        try expectSound("emptied")
    }

    @Test("An index that was removed is sound after each step that empties it")
    func emptied() async throws {
        for number in 0..<3 { try await put("p\(number)", seed: UInt64(number)) }
        try expectSound("stored")
        try await store.removeIndex("tags", from: "samples")
        try expectSoundSteps()
    }

    @Test("A table that was removed is sound after each step that empties its trees")
    func dropped() async throws {
        for number in 0..<3 { try await put("p\(number)", seed: UInt64(number)) }
        try await store.addTable(TableDefinition("other", partitionKey: KeyAttribute("p")))
        try await store.removeTable("samples")
        try expectSoundSteps()
    }

    @Test("The bytes of a value that entries share are counted once, also after it is replaced")
    func counted() async throws {
        func byteCounts() throws -> [Int] {
            try store.stats(of: "samples").map(\.largeByteCount)
        }
        for name in ["p", "q"] { try await put(name, seed: 1) }
        let first = try byteCounts()
        #expect(first.count == 2 && first.allSatisfy { $0 >= 40_000 })
        for seed in 2...4 {
            try await put("p", seed: UInt64(seed))
            #expect(try byteCounts() == first)
        }
        for name in ["p", "q"] {
            try await store.delete(in: "samples", key: PrimaryKey(.string(name)))
        }
        #expect(try byteCounts() == [0, 0])
    }
}
