import Codex
import CodexCore
import CodexTesting
import Testing

@testable import CodexStore

/// What a cache keeps, by its policy.
@Suite("Policies of caches")
struct CachePolicyTests {
    private struct Note: Codable, Entity, Equatable {
        static let definition = EntityDefinition("note", table: "notes", keys: ["PK": "NOTE#{id}"])
        var id: String
        var text: String
    }

    private static let schema = Schema(
        tables: [TableDefinition("notes", partitionKey: KeyAttribute("PK"))], types: [Note.self])

    private static let lookup = Lookup<Note>(partition: "NOTE#1")
    private static let query = Query<Note>(partition: "NOTE#1")

    /// How often a second read of an entity and of a list is answered by the cache.
    private func hits(_ cache: StoreCache, _ store: Store) async throws -> Int {
        try await store.put(Note(id: "1", text: "a"))
        for _ in 0..<2 {
            #expect(try cache.get(Self.lookup)?.text == "a")
            #expect(try cache.all(Self.query).count == 1)
        }
        let count = cache.statistics.hitCount
        try await store.put(Note(id: "1", text: "b"))
        #expect(try cache.get(Self.lookup)?.text == "b")
        return count
    }

    @Test("Without a policy, each entity and list is kept for the default time")
    func defaultPolicy() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        // CodexFlow's entities, which the store lacks, have times in the second.
        for cache in [try StoreCache(store, policy: .everyEntity), try StoreCache(store)] {
            #expect(try await hits(cache, store) == 2)
            let before = cache.statistics
            let time = CachePolicy.defaultTimeToLive.seconds
            clock.advance(by: time * 0.8)
            _ = try cache.get(Self.lookup)
            #expect(cache.statistics.hitCount == before.hitCount + 1)
            clock.advance(by: time * 0.3)
            _ = try cache.get(Self.lookup)
            #expect(cache.statistics.missCount == before.missCount + 1)
        }
        #expect(CachePolicy.defaultTimeToLive == .seconds(300))
    }

    @Test("A policy may keep what it names, or what it does not name")
    func named() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let none = CachePolicy()
        var others = CachePolicy(otherTimeToLive: .seconds(60))
        #expect(try await hits(try StoreCache(store, policy: none), store) == 0)
        #expect(try await hits(try StoreCache(store, policy: others), store) == 2)
        others.timeToLive["note"] = .zero
        #expect(try await hits(try StoreCache(store, policy: others), store) == 1)
        others.listTimeToLive["note"] = .zero
        #expect(try await hits(try StoreCache(store, policy: others), store) == 0)
        others.otherTimeToLive = .seconds(-1)
        #expect(throws: CodexError(.invalidArgument, "")) {
            try StoreCache(store, policy: others)
        }
    }

    @Test("Names that the store does not have are refused, also those that it had")
    func unknown() async throws {
        let temporary = try TemporaryStore(schema: CodexFlow.schema.adding(Other.self))
        let store = temporary.store
        _ = try StoreCache(store, policy: .codexFlow)
        for policy in [
            CachePolicy(timeToLive: ["users": .seconds(1)]),
            CachePolicy(timeToLive: ["user": .seconds(1)], listTimeToLive: ["usr": .seconds(1)]),
        ] {
            do throws(CodexError) {
                _ = try StoreCache(store, policy: policy)
                Issue.record("accepted")
            } catch {
                #expect(error.code == .unknownEntity)
                #expect(error.message.contains("Did you mean user?"), "\(error.message)")
            }
        }
        try await store.removeTable(CodexFlow.table)
        #expect(throws: CodexError(.unknownEntity, "")) {
            try StoreCache(store, policy: .codexFlow)
        }
        // Without a policy there is nothing to be unknown.
        _ = try StoreCache(store)
    }

    private struct Other: Codable, Entity {
        static let definition = EntityDefinition(
            "other", table: CodexFlow.table, keys: ["PK": "OTHER#{id}", "SK": "OTHER"])
        var id: String
    }
}
