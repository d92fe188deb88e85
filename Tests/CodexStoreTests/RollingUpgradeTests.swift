import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Several releases of a program on one store.
///
/// One store object has the types of all releases: the manifest decides what a type may do, and
/// ``raise(_:to:)`` changes it as another process does. `RollingProcessTests` has other processes.
@Suite("Rolling upgrades")
struct RollingUpgradeTests {
    typealias V1 = RollingOrder.V1
    typealias V2 = RollingOrder.V2
    typealias V3 = RollingOrder.V3

    /// A store of the first release with orders `0`, `1`, …
    static func made(_ count: Int = 5) async throws -> TemporaryStore {
        let temporary = try TemporaryStore(schema: RollingOrder.schema(version: 1))
        for number in 0..<count { try await temporary.store.put(V1(id: "\(number)")) }
        return temporary
    }

    /// Does what the opening of a later release does.
    static func raise(_ store: Store, to version: Int) async throws {
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(RollingOrder.schema(version: version))
        }
        try await store.waitUntilReady()
    }

    /// The code of a read's error; `nil` if it succeeds.
    static func code(_ read: () throws -> Void) -> CodexError.Code? {
        do {
            try read()
            return nil
        } catch {
            return (error as? CodexError)?.code
        }
    }

    /// The code of a write's error; `nil` if it succeeds.
    static func writeCode(_ write: () async throws -> Void) async -> CodexError.Code? {
        do {
            try await write()
            return nil
        } catch {
            return (error as? CodexError)?.code
        }
    }

    @Test("A program goes on with its own items after another one raised the version")
    func olderProgram() async throws {
        let temporary = try await Self.made()
        let store = temporary.store
        try await Self.raise(store, to: 2)
        // Its own items, as before.
        #expect(try store.get(RollingOrder.order("1") as Lookup<V1>)?.state == "open")
        try await store.update(RollingOrder.order("1") as Lookup<V1>) { $0.state = "done" }
        try await store.put(V1(id: "new"))
        #expect(try store.count(RollingOrder.byState() as Query<V1>) == 5)
        #expect(try store.stored(RollingOrder.order("new") as Lookup<V1>)?.schemaVersion == 1)
        // Items of the later version are neither read nor replaced.
        try await store.put(V2(id: "later"))
        let later: Lookup<V1> = RollingOrder.order("later")
        #expect(Self.code { _ = try store.get(later) } == .programTooOld)
        let list: Query<V1> = RollingOrder.byState()
        #expect(Self.code { _ = try store.all(list) } == .programTooOld)
        #expect(await Self.writeCode { try await store.put(V1(id: "later")) } == .programTooOld)
        let change = { try await store.update(later) { $0.note = "x" } }
        #expect(await Self.writeCode { _ = try await change() } == .programTooOld)
        #expect(
            await Self.writeCode { try await store.insert(V1(id: "later")) } == .conditionFailed)
        #expect(try store.get(RollingOrder.order("later") as Lookup<V2>) == V2(id: "later"))
        // A deletion reads nothing.
        #expect(try await store.delete(later))
        #expect(try store.verify().isSound)
    }

    @Test("The error of an item of a later version names both versions")
    func message() async throws {
        let temporary = try await Self.made(0)
        let store = temporary.store
        try await Self.raise(store, to: 3)
        try await store.put(V3(id: "x"))
        do {
            _ = try store.get(RollingOrder.order("x") as Lookup<V2>)
            Issue.record("an item of version 3 was read as version 2")
        } catch let error as CodexError {
            #expect(
                error.message.contains("This program knows version 2 of order, the item has 3."))
        }
    }

    @Test("A newer program reads items of all earlier versions, and writes its own")
    func threeVersions() async throws {
        let temporary = try await Self.made(1)
        let store = temporary.store
        try await store.update(RollingOrder.order("0") as Lookup<V1>) { $0.note = "n" }
        try await Self.raise(store, to: 2)
        try await store.put(V2(id: "2"))
        try await Self.raise(store, to: 3)
        try await store.put(V3(id: "3"))
        let third = try store.get(RollingOrder.order("0") as Lookup<V3>)
        #expect(third?.remark == "n" && third?.region == "n")
        #expect(try store.get(RollingOrder.order("0") as Lookup<V2>)?.note == "n")
        #expect(try store.get(RollingOrder.order("2") as Lookup<V3>)?.region == "n")
        for id in ["2", "3"] {
            #expect(
                Self.code { _ = try store.get(RollingOrder.order(id) as Lookup<V1>) }
                    == .programTooOld)
        }
        #expect(await Self.writeCode { try await store.put(V2(id: "3")) } == .programTooOld)
        // What one of them rewrites has its version.
        try await store.update(RollingOrder.order("0") as Lookup<V2>) { $0.state = "done" }
        #expect(try store.stored(RollingOrder.order("0") as Lookup<V2>)?.schemaVersion == 2)
        #expect(await Self.writeCode { try await store.put(V1(id: "0")) } == .programTooOld)
        #expect(await Self.writeCode { _ = try await store.migrate(V2.self) } == .programTooOld)
        #expect(try await store.migrate(V3.self).isComplete)
        #expect(try store.all(RollingOrder.bySite() as Query<V3>).map(\.id) == ["0", "2", "3"])
        #expect(
            Self.code { _ = try store.get(RollingOrder.order("0") as Lookup<V2>) }
                == .programTooOld)
    }

    @Test("An index whose key a version changed is not read by older programs, others are")
    func changedKeys() async throws {
        let temporary = try await Self.made()
        let store = temporary.store
        #expect(try store.count(RollingOrder.bySite(version: 1) as Query<V1>) == 5)
        try await Self.raise(store, to: 2)
        let bySite: Query<V1> = RollingOrder.bySite(version: 1)
        #expect(Self.code { _ = try store.count(bySite) } == .programTooOld)
        #expect(Self.code { _ = try store.all(bySite) } == .programTooOld)
        #expect(
            Self.code { try store.read { try $0.forEach(bySite) { _ in true } } }
                == .programTooOld)
        #expect(try store.count(RollingOrder.byState() as Query<V1>) == 5)
        // The second release's keys are those of the third.
        try await store.migrate(V2.self)
        try await Self.raise(store, to: 3)
        #expect(try store.count(RollingOrder.bySite() as Query<V2>) == 5)
        #expect(try store.count(RollingOrder.openBySite() as Query<V2>) == 5)
    }

    @Test("An untyped update keeps the version of an item, whatever the program knows")
    func untypedUpdates() async throws {
        let temporary = try await Self.made(1)
        let store = temporary.store
        try await Self.raise(store, to: 2)
        try await store.put(V2(id: "later"))
        let note = Update().setting(Attribute<String>("note"), to: "x")
        for (id, version) in [("0", 1), ("later", 2)] {
            try await store.update(in: "orders", key: PrimaryKey(.string("ORDER#\(id)")), note)
            let stored = try store.stored(RollingOrder.order(id) as Lookup<V2>)
            #expect(stored?.value.note == "x" && stored?.schemaVersion == version)
        }
    }

    @Test("An older program's whole items have its version, and replace no later item")
    func untypedItems() async throws {
        let temporary = try await Self.made(1)
        let store = temporary.store
        try await Self.raise(store, to: 2)
        try await store.migrate(V2.self)
        try await store.put(V2(id: "later"))
        let early = try V1(id: "later").item()
        #expect(
            await Self.writeCode { _ = try await store.put(early, in: "orders") }
                == .programTooOld)
        let load = {
            var items = [early]
            _ = try await store.load(into: "orders") { items.popLast() }
        }
        #expect(await Self.writeCode { try await load() } == .programTooOld)
        #expect(try store.get(RollingOrder.order("later") as Lookup<V2>) == V2(id: "later"))
        #expect(try store.count(RollingOrder.bySite() as Query<V2>) == 2)
        // They count as earlier writes, as typed ones do.
        try await store.put(try V1(id: "whole").item(), in: "orders")
        let made = Update().setting(Attribute<String>("id"), to: "made")
            .setting(Attribute<String>("siteID"), to: "s")
            .setting(Attribute<String>("state"), to: "open")
        try await store.update(in: "orders", key: PrimaryKey("ORDER#made"), made)
        for id in ["whole", "made"] {
            let stored = try store.stored(RollingOrder.order(id) as Lookup<V2>)
            #expect(stored?.schemaVersion == 1 && stored?.value.region == "n")
        }
        #expect(
            Self.code { _ = try store.count(RollingOrder.bySite() as Query<V2>) }
                == .migrationPending)
        #expect(try await store.migrate(V2.self).migratedCount == 2)
        store.close()
        // A process without the type writes what the store says.
        let other = try Store(at: temporary.path)
        defer { other.close() }
        for id in ["later", "raw"] {
            try await other.put(try V2(id: id, region: "m").item(), in: "orders")
            let stored = try other.stored(RollingOrder.order(id) as Lookup<V2>)
            #expect(stored?.schemaVersion == 2 && stored?.value.region == "m")
        }
    }

    @Test("A program whose version the store does not know reads, and does not write")
    func unknownVersion() async throws {
        let temporary = try TemporaryStore(schema: RollingOrder.schema(version: 2))
        let store = temporary.store
        try await store.put(V2(id: "2"))
        #expect(try store.get(RollingOrder.order("1") as Lookup<V1>) == nil)
        #expect(await Self.writeCode { try await store.put(V1(id: "1")) } == .programTooOld)
        #expect(
            Self.code { _ = try store.count(RollingOrder.bySite(version: 1) as Query<V1>) }
                == .programTooOld)
        #expect(
            Self.code { _ = try store.get(RollingOrder.order("2") as Lookup<V3>) }
                == .schemaMismatch)
        store.close()
        // It is known once it opened the store, which changes nothing else.
        let again = try Store(at: temporary.path, schema: RollingOrder.schema(version: 1))
        defer { again.close() }
        #expect(again.schema == RollingOrder.schema(version: 2))
        try await again.put(V1(id: "1"))
        #expect(try again.get(RollingOrder.order("1") as Lookup<V2>)?.region == "n")
        #expect(
            Self.code { _ = try again.count(RollingOrder.bySite() as Query<V2>) }
                == .migrationPending)
        #expect(try again.count(RollingOrder.openBySite() as Query<V2>) == 2)
    }

    @Test("Additive changes disturb no program, and an older one keeps what it does not know")
    func additions() async throws {
        let temporary = try await Self.made(2)
        let store = temporary.store
        var fields = V1.definition.fields
        fields.append(.optional("priority", .number))
        let definition = EntityDefinition(
            "order", table: "orders", keys: V1.definition.keys, fields: fields)
        let byPriority = IndexDefinition(
            "byPriority", partitionKey: [KeyAttribute("priority", .number)])
        let table = RollingOrder.table(version: 1)
        let grown = Schema(
            tables: [table.with(indexes: table.indexes + [byPriority])], entities: [definition])
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(grown)
        }
        let order = PrimaryKey("ORDER#0")
        let priority = Update().setting(Attribute<Int>("priority"), to: 7)
        try await store.update(in: "orders", key: order, priority)
        try await store.update(RollingOrder.order("0") as Lookup<V1>) { $0.note = "kept" }
        #expect(try store.item(in: "orders", key: order)?["priority"] == 7)
        let query = TableQuery(table: "orders", index: "byPriority", partition: [7])
        #expect(try store.count(query).count == 1)
        store.close()
        let again = try Store(at: temporary.path, schema: RollingOrder.schema(version: 1))
        defer { again.close() }
        #expect(again.schema == grown)
        #expect(again.core.catalog.manifest.evolution == nil)
        #expect(try again.get(RollingOrder.order("0") as Lookup<V1>)?.note == "kept")
        #expect(try again.verify().isSound)
    }
}
