import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// What a schema version changes besides the templates of index keys.
@Suite("Changed fields")
struct ChangedFieldsTests {
    private static let marks: [String: KeyTemplate] = [
        "partition": "NOTE#{id}", "unique": "MARK#{id}",
    ]
    private static let table = SampleTable.definition(
        indexes: [
            IndexDefinition("byGroup", partitionKey: [KeyAttribute("group")]),
            IndexDefinition("byMark", partitionKey: [KeyAttribute("unique")]),
        ],
        counters: [
            CounterDefinition(
                "perGroup", group: [KeyAttribute("group")], sums: ["value"], entities: ["note"])
        ])

    /// A note whose definition has no fields.
    struct Silent: Codable, Entity {
        static let definition = EntityDefinition("note", table: "samples", keys: marks)
        var id: String
        var group: String
        var value: Int?
    }

    /// The same with fields.
    struct Listed: Codable, Entity {
        static let definition = EntityDefinition(
            "note", table: "samples", keys: marks,
            fields: [
                .required("id", .string), .required("group", .string), .optional("value", .number),
            ])
        var id: String
        var group: String
        var value: Int?
    }

    /// Another type of version 1, with another index key, that no store was opened with.
    struct Stranger: Codable, Entity {
        static let definition = EntityDefinition(
            "note", table: "samples", keys: ["partition": "NOTE#{id}", "unique": "OTHER#{id}"])
        var id: String
    }

    /// The note of the second version, whose value is required and counts in hundredths.
    struct Second: Codable, Entity {
        static let definition = EntityDefinition(
            "note", table: "samples", schemaVersion: 2, keys: marks,
            fields: [
                .required("id", .string), .required("group", .string), .required("value", .number),
            ])
        var id: String
        var group: String
        var value: Int

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            if let group = item["group"]?.string { item["group"] = .string(group.uppercased()) }
            item["value"] = 100
        }
    }

    private func made<E: Entity>(_ entity: E) async throws -> TemporaryStore {
        let temporary = try TemporaryStore(schema: Schema(tables: [Self.table]).adding(E.self))
        try await temporary.store.put(entity)
        return temporary
    }

    private func raise(_ store: Store) async throws {
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(Schema(tables: [Self.table]).adding(Second.self))
        }
        try await store.waitUntilReady()
    }

    private func count<E: Entity>(_ type: E.Type, _ store: Store) throws -> Int {
        try store.count(Query<E>(partition: "A", index: "byGroup"))
    }

    // MARK: Fields and sums

    @Test("If only the new version declares fields, each of them may have changed")
    func newlyDeclared() async throws {
        let temporary = try await made(Silent(id: "1", group: "a"))
        let store = temporary.store
        try await raise(store)
        #expect(RollingUpgradeTests.code { _ = try count(Second.self, store) } == .migrationPending)
        #expect(RollingUpgradeTests.code { _ = try count(Silent.self, store) } == .programTooOld)
        try await store.migrate(Second.self)
        #expect(try count(Second.self, store) == 1)
    }

    @Test("A counter whose sums a version changed is pending as one with another group")
    func sums() async throws {
        let temporary = try await made(Listed(id: "1", group: "A", value: 1))
        let store = temporary.store
        func sums<E: Entity>(_ type: E.Type) throws -> [Number?] {
            try store.counts(of: type, by: "perGroup").map { $0.sums["value"] }
        }
        #expect(try sums(Listed.self) == [1])
        try await raise(store)
        #expect(RollingUpgradeTests.code { _ = try sums(Second.self) } == .migrationPending)
        #expect(RollingUpgradeTests.code { _ = try sums(Listed.self) } == .programTooOld)
        // The group stays as it was.
        #expect(try count(Second.self, store) == 1)
        try await store.migrate(Second.self)
        #expect(try sums(Second.self) == [100])
    }

    @Test("A counter that comes after the version is pending by sums of undeclared fields")
    func laterSums() async throws {
        let temporary = try await made(Listed(id: "1", group: "A", value: 1))
        let store = temporary.store
        try await raise(store)
        let counters = ["more", "id"].map { name in
            CounterDefinition(
                "sum-\(name)", group: [KeyAttribute("unique")], sums: [name], entities: ["note"])
        }
        // As a program does that has no type of the entity.
        try await store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(Schema(tables: [Self.table.with(counters: counters)]))
        }
        try await store.waitUntilReady()
        func code(_ name: String) -> CodexError.Code? {
            RollingUpgradeTests.code { _ = try store.counts(of: Second.self, by: "sum-\(name)") }
        }
        #expect(code("more") == .migrationPending)
        #expect(code("id") == nil)
        try await store.migrate(Second.self)
        #expect(code("more") == nil)
    }

    @Test("A definition that the store never saw is compared, whatever changes are recorded")
    func stranger() async throws {
        let temporary = try await made(Listed(id: "1", group: "A"))
        let store = temporary.store
        try await raise(store)
        #expect(store.core.catalog.manifest.evolution?.migrations?["note"] != nil)
        #expect(try store.count(Query<Listed>(partition: "MARK#1", index: "byMark")) == 1)
        #expect(
            RollingUpgradeTests.code {
                _ = try store.count(Query<Stranger>(partition: "OTHER#1", index: "byMark"))
            } == .programTooOld)
    }

    // MARK: Derived attributes of earlier items

    /// Stores an order with another derived attribute, as no write path does.
    private func forge(_ id: String, _ store: Store) async throws {
        try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("orders")
            var key: [UInt8] = []
            try table.plan.encode(PrimaryKey(.string("ORDER#\(id)")), into: &key)
            let old = try #require(try context.image(table, key))
            var item = old.item
            item["openSite"] = "OPEN#x"
            let change = Change(
                table: table, key: key, old: old, new: Image(item: item, header: old.header))
            let stored = try context.items.apply([change], isUndo: true)
            context.noteItem(change, stored[0])
        }
    }

    @Test("verify checks those derived attributes of earlier items that no later version changed")
    func verification() async throws {
        let temporary = try await RollingUpgradeTests.made(1)
        let store = temporary.store
        try await RollingUpgradeTests.raise(store, to: 2)
        try await store.put(RollingOrder.V2(id: "second"))
        // The second version defines the attribute, the third leaves it.
        for version in [2, 3] {
            try await RollingUpgradeTests.raise(store, to: version)
            for id in ["0", "second"] { try await forge(id, store) }
            let differences = try store.verify().differences
            #expect(differences.map(\.kind) == [.wrongDerivedAttribute], "\(version)")
            #expect(differences.map(\.attribute) == ["openSite"])
            #expect(differences.map(\.key) == [PrimaryKey("ORDER#second")])
        }
        try await store.migrate(RollingOrder.V3.self)
        #expect(try store.verify().isSound)
    }
}
