import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Times to live that are removed, and other ones after them.
extension ExpiryTests {
    /// Stores items of which every second expires.
    private func fill(_ count: Int, _ store: Store) async throws {
        let items = (0..<count).map { number -> Item in
            var item = item(number, after: number % 2 == 0 ? 5 : nil)
            // An attribute that may be the next time to live.
            item["other"] = .number(Number(Self.start + (number % 4 == 1 ? 5 : 100)))
            return item
        }
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
    }

    @Test("Without a time to live, items that have expired are there again in all trees")
    func removal() async throws {
        try await fill(8, store)
        clock.advance(by: 5)
        for index in Self.indexes { #expect(try found(index) == [1, 3, 5, 7]) }
        try await store.removeTimeToLive(from: "samples")
        for index in Self.indexes { #expect(try found(index).count == 8) }
        #expect(store.schema.tables.first?.timeToLive == nil)
        #expect(try entryCount("$expiry") == nil)
        try await store.waitUntilReady()
        #expect(try await store.removeExpired() == 0)
        // A write keeps the attribute, which means nothing.
        try await store.put(item(2, after: -10), in: "samples")
        #expect(try found().count == 8)
        try expectSound()
        await #expect(throws: CodexError(.unknownIndex, "")) {
            try await store.removeTimeToLive(from: "samples")
        }
    }

    @Test(
        "Another time to live is in force at once on a small table",
        arguments: ["expires", "other"])
    func another(attribute: String) async throws {
        try await fill(8, store)
        clock.advance(by: 5)
        try await store.removeTimeToLive(from: "samples")
        try await store.addTimeToLive(attribute, to: "samples")
        let kept: [Int64] = attribute == "expires" ? [1, 3, 5, 7] : [0, 2, 3, 4, 6, 7]
        for index in Self.indexes { #expect(try found(index) == kept) }
        #expect(try await store.removeExpired() == 8 - kept.count)
        #expect(try entryCount() == kept.count)
        try expectSound()
    }

    @Test("Nothing expires while seconds of a former time to live remain", arguments: [1, 3, 100])
    func steps(stepCountMax: Int) async throws {
        var options = Self.options(clock)
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        try await fill(9, store)
        clock.advance(by: 5)
        try await store.removeTimeToLive(from: "samples")
        try await store.addTimeToLive("other", to: "samples")
        #expect(try store.timeToLive(of: "samples").isSettled == false)
        var rounds = 0
        repeat {
            #expect(try found(nil, store).count == 9)
            try expectSound(store)
            rounds += 1
            guard rounds < 100 else { break }
        } while try store.build(stepCountMax: stepCountMax) == .more
            && !store.timeToLive(of: "samples").isSettled
        #expect(rounds < 100)
        while try store.build() == .more {}
        #expect(try store.timeToLive(of: "samples").isSettled)
        #expect(try store.timeToLive(of: "samples").attribute == "other")
        #expect(try found(nil, store) == [0, 2, 3, 4, 6, 7, 8])
        for index in Self.indexes.dropFirst() {
            #expect(try found(index, store).count == 7)
        }
        try expectSound(store)
    }

    @Test("A removal that was interrupted continues when the store is opened again")
    func interrupted() async throws {
        var options = Self.options(clock)
        options.parts.builds = BuildsOnDemand(entryCountMax: 2)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        try await fill(9, temporary.store)
        clock.advance(by: 5)
        try await temporary.store.removeTimeToLive(from: "samples")
        _ = try temporary.store.build(stepCountMax: 1)
        temporary.store.close()
        let again = try Store(at: temporary.path, options: Self.options(clock))
        #expect(try found(nil, again).count == 9)
        try await again.waitUntilReady()
        #expect(try again.timeToLive(of: "samples").isSettled)
        try expectSound(again)
        again.close()
        // A program with the former schema adds it again.
        let old = try Store(at: temporary.path, schema: Self.schema, options: Self.options(clock))
        try await old.waitUntilReady()
        #expect(try found(nil, old) == [1, 3, 5, 7])
        try expectSound(old)
        old.close()
    }

    @Test("An item with a large value loses its second of expiry, and its value is counted")
    func large() async throws {
        var random = SplitMix(seed: 7)
        var large = item(1, after: 5)
        large["content"] = .binary((0..<100_000).map { _ in UInt8(random.below(256)) })
        try await store.put(large, in: "samples")
        let kept = large
        clock.advance(by: 5)
        #expect(try store.item(in: "samples", key: key(1)) == nil)
        try await store.removeTimeToLive(from: "samples")
        #expect(try store.item(in: "samples", key: key(1)) == kept)
        let trees = try store.stats().trees
        let table = try #require(trees.first { $0.index == nil && $0.counter == nil })
        #expect((100_000..<110_000).contains(table.largeByteCount))
        // The entries that project all attributes share the value.
        #expect(trees.first { $0.index == "all" }?.largeByteCount == 0)
        try expectSound()
        try await store.delete(in: "samples", key: key(1))
        #expect(try store.stats().trees.allSatisfy { $0.largeByteCount == 0 })
        try expectSound()
    }
}
