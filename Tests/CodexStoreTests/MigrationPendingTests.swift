import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Typed reads by indexes whose keys a new schema version changed.
@Suite("Pending migrations")
struct MigrationPendingTests {
    typealias V1 = RollingOrder.V1
    typealias V2 = RollingOrder.V2

    /// What reads of the second release say of an index: a count, or the code of the error.
    private func outcomes(_ store: Store) -> [String] {
        let (bySite, openBySite): (Query<V2>, Query<V2>) = (
            RollingOrder.bySite(), RollingOrder.openBySite()
        )
        func outcome(_ read: () throws -> Int) -> String {
            do {
                return "\(try read())"
            } catch {
                return "\((error as? CodexError)?.code ?? .corrupted)"
            }
        }
        return [
            outcome { try store.count(bySite) }, outcome { try store.all(bySite).count },
            outcome { try store.query(openBySite, limit: 10).items.count },
            outcome {
                let lookup = LookupTarget.index("bySite", partition: ["SITE#n#s"], sort: [])
                return try store.get(Lookup<V2>(lookup)) == nil ? 0 : 1
            },
        ]
    }

    private static let pending = [String](repeating: "migrationPending", count: 4)

    @Test("Until all items are rewritten, affected reads say so, and then they find all items")
    func pending() async throws {
        let temporary = try await RollingUpgradeTests.made()
        let store = temporary.store
        try await RollingUpgradeTests.raise(store, to: 2)
        #expect(outcomes(store) == Self.pending)
        // Reads by the table, by other indexes, and untyped ones are not affected.
        #expect(try store.get(RollingOrder.order("1") as Lookup<V2>)?.region == "n")
        #expect(try store.count(RollingOrder.byState() as Query<V2>) == 5)
        let untyped = TableQuery(table: "orders", index: "bySite", partition: ["SITE#n#s"])
        #expect(try store.count(untyped).count == 0)
        let report = try await store.migrate(V2.self, batchCount: 2)
        #expect(report.isComplete && report.migratedCount == 5 && report.examinedCount == 5)
        #expect(outcomes(store) == ["5", "5", "5", "1"])
        // Nothing is left to do or to record.
        let generation = store.core.catalog.generation
        #expect(try await store.migrate(V2.self).isComplete)
        #expect(store.core.catalog.generation == generation)
        try await store.put(V2(id: "more"))
        #expect(outcomes(store) == ["6", "6", "6", "1"])
        #expect(try store.verify().isSound)
    }

    @Test("Counts by group of an entity are refused as index reads are")
    func counters() async throws {
        let temporary = try await RollingUpgradeTests.made()
        let store = temporary.store
        func require() throws {
            try store.core.withReadContext { context in
                try context.requireFindable(try context.binding(V2.self), counter: "perSite")
            }
        }
        try await RollingUpgradeTests.raise(store, to: 2)
        #expect(RollingUpgradeTests.code(require) == .migrationPending)
        try await store.migrate(V2.self)
        #expect(RollingUpgradeTests.code(require) == nil)
    }

    @Test("An item that cannot be upgraded keeps the migration pending, over openings too")
    func failure() async throws {
        let temporary = try await RollingUpgradeTests.made()
        try await temporary.store.put(V1(id: "bad", note: "refuse"))
        temporary.store.close()
        var store = try Store(at: temporary.path, schema: RollingOrder.schema(version: 2))
        #expect(outcomes(store) == Self.pending)
        let report = try await store.migrate(V2.self)
        #expect(!report.isComplete && report.migratedCount == 5)
        #expect(report.failures.map(\.key) == [PrimaryKey("ORDER#bad")])
        #expect(outcomes(store) == Self.pending)
        store.close()
        store = try Store(at: temporary.path, schema: RollingOrder.schema(version: 2))
        #expect(outcomes(store) == Self.pending)
        try await store.delete(in: "orders", key: PrimaryKey("ORDER#bad"))
        #expect(try await store.migrate(V2.self).isComplete)
        store.close()
        store = try Store(at: temporary.path, schema: RollingOrder.schema(version: 2))
        defer { store.close() }
        #expect(outcomes(store) == ["5", "5", "5", "1"])
    }

    @Test("An opening that raises the version of an empty table leaves nothing pending")
    func empty() async throws {
        let temporary = try await RollingUpgradeTests.made(0)
        temporary.store.close()
        let store = try Store(at: temporary.path, schema: RollingOrder.schema(version: 2))
        defer { store.close() }
        #expect(outcomes(store) == ["0", "0", "0", "0"])
        // An older program that goes on is noticed all the same.
        try await store.put(V1(id: "1"))
        let refused = "migrationPending"
        #expect(outcomes(store) == [refused, refused, "1", refused])
    }

    @Test("What an older program writes after a migration is pending again, unless it is derived")
    func laterWrites() async throws {
        let temporary = try await RollingUpgradeTests.made()
        let store = temporary.store
        try await RollingUpgradeTests.raise(store, to: 2)
        try await store.migrate(V2.self)
        try await store.put(V1(id: "late"))
        // The store makes derived attributes by its own definition.
        let refused = "migrationPending"
        #expect(outcomes(store) == [refused, refused, "6", refused])
        #expect(try await store.migrate(V2.self).isComplete)
        // Writes that are refused leave no trace.
        #expect(
            await RollingUpgradeTests.writeCode { try await store.put(V1(id: "late")) }
                == .programTooOld)
        let large = V1(id: "large", note: String(repeating: "x", count: 500_000))
        #expect(
            await RollingUpgradeTests.writeCode { try await store.put(large) } == .itemTooLarge)
        #expect(outcomes(store) == ["6", "6", "6", "1"])
        #expect(try store.verify().isSound)
    }

    @Test("A migration goes over the table again if an older program wrote behind it")
    func concurrentWrites() async throws {
        let temporary = try await RollingUpgradeTests.made()
        let store = temporary.store
        try await RollingUpgradeTests.raise(store, to: 2)
        let written = Locked(false)
        let report = try await store.migrate(V2.self, batchCount: 2) { _ in
            let isFirst = written.withLock { wrote in
                defer { wrote = true }
                return !wrote
            }
            guard isFirst else { return }
            // It comes before the items that were examined.
            try? store.write { try $0.put(V1(id: "!")) }
        }
        #expect(report.isComplete && report.migratedCount == 6 && report.examinedCount == 5 + 6)
        #expect(outcomes(store) == ["6", "6", "6", "1"])
        // One that never stops keeps it pending.
        let count = Locked(0)
        let restless = try await store.migrate(V2.self, batchCount: 2) { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            try? store.write { try $0.put(V1(id: "!\(number)")) }
        }
        #expect(!restless.isComplete && restless.failureCount == 0)
        #expect(outcomes(store)[0] == "migrationPending")
        #expect(try await store.migrate(V2.self).isComplete)
    }

    @Test("An index that comes after the version is pending too, by the attributes that it has")
    func laterIndex() async throws {
        let temporary = try await RollingUpgradeTests.made()
        temporary.store.close()
        let store = try Store(at: temporary.path, schema: RollingOrder.schema(version: 2))
        defer { store.close() }
        for name in ["region", "siteID"] {
            try await store.addIndex(
                IndexDefinition("by-\(name)", partitionKey: [KeyAttribute(name)]), to: "orders")
        }
        func count(_ name: String, _ value: String) -> CodexError.Code? {
            RollingUpgradeTests.code { () throws in
                let query = Query<V2>(partition: .string(value), index: "by-\(name)")
                #expect(try store.count(query) == 5)
            }
        }
        // Each version has a site; a region is new.
        #expect(count("siteID", "s") == nil)
        #expect(count("region", "n") == .migrationPending)
        try await store.migrate(V2.self)
        #expect(count("region", "n") == nil)
    }

    @Test("A cache does not answer for an index that an older program wrote past")
    func cache() async throws {
        let temporary = try await RollingUpgradeTests.made()
        let store = temporary.store
        try await RollingUpgradeTests.raise(store, to: 2)
        try await store.migrate(V2.self)
        let policy = CachePolicy(
            timeToLive: ["order": .seconds(3600)], listTimeToLive: ["order": .seconds(3600)])
        let cache = try StoreCache(store, policy: policy)
        let (bySite, openBySite): (Query<V2>, Query<V2>) = (
            RollingOrder.bySite(), RollingOrder.openBySite()
        )
        #expect(try cache.all(bySite).count == 5)
        #expect(try cache.all(openBySite).count == 5)
        // An older program's cache has what it read, until a later one rewrites the item.
        let older: Lookup<V1> = RollingOrder.order("old")
        try await store.put(V1(id: "old"))
        #expect(try cache.get(older)?.state == "open")
        try await store.update(RollingOrder.order("old") as Lookup<V2>) { $0.state = "done" }
        #expect(RollingUpgradeTests.code { _ = try cache.get(older) } == .programTooOld)
        try await store.migrate(V2.self)
        #expect(try cache.all(bySite).count == 6)
        try await store.put(V1(id: "late"))
        #expect(RollingUpgradeTests.code { _ = try cache.all(bySite) } == .migrationPending)
        #expect(try cache.all(openBySite).count == 6)
        try await store.migrate(V2.self)
        #expect(try cache.all(bySite).count == 7)
    }
}
