import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// The numbers of items that await a migration.
@Suite("Pending migrations")
struct PendingMigrationTests {
    private static let table = SampleTable.definition(sort: .string)

    struct NoteV1: Codable, Entity {
        static let definition = EntityDefinition(
            "note", table: "samples", keys: ["partition": "NOTE#{id}", "sort": "NOTE"])
        var id: String
        var body: String
    }

    struct NoteV2: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "samples", schemaVersion: 2,
            keys: ["partition": "NOTE#{id}", "sort": "NOTE"])
        var id: String
        var text: String

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            guard item["body"]?.string?.isEmpty == false else {
                throw CodexError(.typeMismatch, "A note without a body.")
            }
            item["text"] = item["body"]
            item["body"] = nil
        }
    }

    struct Tag: Codable, Entity {
        static let definition = EntityDefinition(
            "tag", table: "samples", keys: ["partition": "NOTE#{id}", "sort": "TAG#{name}"])
        var id: String
        var name: String
    }

    /// A store with notes of version 1, of which some cannot be upgraded, opened with version 2.
    private func openStore(
        _ count: Int, bad: Int = 0
    ) async throws -> (temporary: TemporaryStore, store: Store) {
        let temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]).adding(NoteV1.self, Tag.self),
            options: StoreOptions(durability: .none))
        for number in 0..<count {
            let body = number < bad ? "" : "body \(number)"
            try await temporary.store.put(NoteV1(id: "\(number)", body: body))
            try await temporary.store.put(Tag(id: "\(number)", name: "t"))
        }
        #expect(try temporary.store.itemsAwaitingMigration().isEmpty)
        temporary.store.close()
        let schema = Schema(tables: [Self.table]).adding(NoteV2.self, Tag.self)
        return (temporary, try Store(at: temporary.path, schema: schema))
    }

    @Test("Items of earlier versions are counted, until they are written or migrated")
    func versions() async throws {
        let (temporary, store) = try await openStore(12, bad: 2)
        defer { withExtendedLifetime(temporary) { store.close() } }
        #expect(try store.itemsAwaitingMigration() == ["note": 12])
        #expect(try store.itemsAwaitingMigration(of: NoteV2.self) == 12)
        #expect(try store.itemsAwaitingMigration(of: Tag.self) == 0)
        // A write of the present version, and a removal.
        try await store.put(NoteV2(id: "5", text: "new"))
        try await store.delete(Lookup<NoteV2>(partition: "NOTE#6", sort: "NOTE"))
        #expect(try store.itemsAwaitingMigration(of: NoteV2.self) == 10)
        // A transaction sees its own writes.
        let inside = try await store.write { transaction -> Int in
            try transaction.put(NoteV2(id: "7", text: "new"))
            return try transaction.itemsAwaitingMigration(of: NoteV2.self)
        }
        #expect(inside == 9)
        let report = try await store.migrate(NoteV2.self, batchCount: 4)
        #expect(report.migratedCount == 7 && report.failureCount == 2)
        // What a migration could not rewrite still awaits one.
        #expect(try store.itemsAwaitingMigration() == ["note": 2])
        for id in ["0", "1"] {
            try await store.delete(in: "samples", key: PrimaryKey(.string("NOTE#\(id)"), "NOTE"))
        }
        #expect(try store.itemsAwaitingMigration().isEmpty)
    }

    @Test("A scan upgrades items of earlier versions, and reports those that it cannot upgrade")
    func scan() async throws {
        let (temporary, store) = try await openStore(4, bad: 1)
        defer { withExtendedLifetime(temporary) { store.close() } }
        #expect(throws: CodexError(.typeMismatch, "")) { try store.all(of: NoteV2.self) }
        var failures: [CodexError] = []
        let found = try store.all(of: NoteV2.self, onFailure: { failures.append($0) })
        #expect(found == (1...3).map { NoteV2(id: "\($0)", text: "body \($0)") })
        #expect(failures.map(\.key) == [PrimaryKey("NOTE#0", "NOTE")])
        // A bulk update writes the present version.
        let report = try await store.updateAll(of: NoteV2.self) { $0.text += "!" }
        #expect(report.updatedCount == 3 && report.failureCount == 1)
        #expect(try store.itemsAwaitingMigration() == ["note": 1])
    }

    @Test("Items from before their entity are counted, and others never")
    func rawItems() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: [Self.table]))
        let raw: [Item] = [
            ["partition": "NOTE#1", "sort": "NOTE", "id": "1", "text": "one"],
            ["partition": "NOTE#1", "sort": "TAG#a", "id": "1", "name": "a"],
            ["partition": "NOTE#1", "sort": "OTHER"], ["partition": "else", "sort": "NOTE"],
        ]
        for item in raw { try await temporary.store.put(item, in: "samples") }
        #expect(try temporary.store.itemsAwaitingMigration().isEmpty)
        temporary.store.close()
        let schema = Schema(tables: [Self.table]).adding(NoteV2.self, Tag.self)
        let store = try Store(at: temporary.path, schema: schema)
        defer { withExtendedLifetime(temporary) { store.close() } }
        #expect(try store.itemsAwaitingMigration() == ["note": 1, "tag": 1])
        try await store.migrate(Tag.self)
        #expect(try store.itemsAwaitingMigration() == ["note": 1])
        try await store.migrate(NoteV2.self)
        #expect(try store.itemsAwaitingMigration().isEmpty)
        #expect(try store.all(of: NoteV2.self) == [NoteV2(id: "1", text: "one")])
    }
}
