import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// Copies of a store that programs of two releases use.
@Suite("Rolling upgrades of copies")
struct RollingFollowerTests {
    typealias V1 = RollingOrder.V1
    typealias V2 = RollingOrder.V2

    private static let schema = Schema(
        tables: [AgentTable.definition(), RollingOrder.table(version: 1)]
    ).adding(V1.self)

    /// The number of orders by the changed index; `nil` while a migration is pending.
    private func count(_ store: Store) throws -> Int? {
        do {
            return try store.count(RollingOrder.bySite() as Query<V2>)
        } catch CodexError.Code.migrationPending {
            return nil
        }
    }

    private func raise(_ store: Store) async throws {
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(RollingOrder.schema(version: 2))
        }
    }

    @Test("A follower knows what is pending, with each change of its leader, and once promoted")
    func follower() async throws {
        let pair = try await FollowerPair(schema: Self.schema)
        let (leader, follower) = (pair.leader, pair.follower)
        try await leader.put(V1(id: "0"))
        try await pair.catchUp()
        #expect(throws: CodexError(.schemaMismatch, "")) { try count(follower) }
        try await raise(leader)
        try await pair.catchUp()
        #expect(try count(follower) == nil)
        #expect(try follower.get(RollingOrder.order("0") as Lookup<V1>)?.state == "open")
        #expect(try follower.get(RollingOrder.order("0") as Lookup<V2>)?.region == "n")
        try await leader.migrate(V2.self)
        try await pair.catchUp()
        #expect(try count(follower) == 1)
        try await leader.put(V1(id: "1"))
        try await pair.catchUp()
        #expect(try count(leader) == nil)
        #expect(try count(follower) == nil)
        try await leader.migrate(V2.self)
        try await pair.catchUp()
        #expect(try count(follower) == 2)
        #expect(follower.schema == leader.schema)
        #expect(try follower.verify().isSound)
        let (manifest, other) = (follower.core.catalog.manifest, leader.core.catalog.manifest)
        #expect(manifest.evolution == other.evolution)
        try await follower.promote()
        try await follower.put(V1(id: "2"))
        #expect(try count(follower) == nil)
        #expect(try await follower.migrate(V2.self).isComplete)
        #expect(try count(follower) == 3)
    }

    @Test("A unique index that was in force stays so when its conflicting follower is promoted")
    func uniqueIndex() async throws {
        let unique = IndexDefinition(
            "one", partitionKey: [KeyAttribute("unique")], isUnique: true)
        let pair = try await FollowerPair(
            schema: Schema(tables: [
                AgentTable.definition(), SampleTable.definition(indexes: [unique]),
            ]))
        @Sendable func item(_ number: Int) -> Item {
            ["partition": .string("\(number)"), "unique": "same"]
        }
        var numbers = [0, 1]
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await pair.leader.load(into: "samples") { numbers.popLast().map(item) }
        }
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await pair.leader.put(item(2), in: "samples")
        }
        try await pair.catchUp()
        try await pair.follower.promote()
        await #expect(throws: CodexError(.indexNotReady, "")) {
            try await pair.follower.waitUntilReady()
        }
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await pair.follower.put(item(2), in: "samples")
        }
        #expect(try pair.follower.duplicates(ofIndex: "one", in: "samples").count == 1)
        try await pair.follower.delete(in: "samples", key: PrimaryKey("1"))
        try await pair.follower.waitUntilReady()
        #expect(try pair.follower.verify().isSound)
    }

    @Test("A restored store has what was pending at its backup, and what the archive adds")
    func restored() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Store(at: directory + "/store", schema: Self.schema)
        defer { store.close() }
        try await store.put(V1(id: "0"))
        try await raise(store)
        try await store.backup(to: directory + "/backup")
        try await store.migrate(V2.self)
        try await store.put(V1(id: "1"))
        try await store.archiveLog(to: directory + "/archive")
        try await Store.restore(directory + "/backup", at: directory + "/early")
        try await Store.restore(
            directory + "/backup", archive: directory + "/archive", at: directory + "/late")
        for (name, itemCount) in [("early", 1), ("late", 2)] {
            let copy = try Store(at: directory + "/" + name)
            #expect(try count(copy) == nil, "\(name)")
            #expect(try await copy.migrate(V2.self).isComplete, "\(name)")
            #expect(try count(copy) == itemCount, "\(name)")
            #expect(try copy.verify().isSound)
            copy.close()
        }
    }
}
