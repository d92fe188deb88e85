import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Items of earlier versions of an entity.
@Suite("Migrations")
struct MigrationTests {
    private static let table = SampleTable.definition(
        indexes: [IndexDefinition("byTopic", partitionKey: [KeyAttribute("group")])])

    struct NoteV1: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "samples", keys: ["partition": "NOTE#{id}"])
        var id: String
        var body: String
    }

    struct NoteV3: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "samples", schemaVersion: 3,
            keys: ["partition": "NOTE#{id}", "group": "TOPIC#{topic}"])
        var id: String
        var text: String
        var topic: String

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            switch version {
            case 1:
                guard item["body"]?.string?.isEmpty == false else {
                    throw CodexError(.typeMismatch, "A note without a body.")
                }
                item["text"] = item["body"]
                item["body"] = nil
            default: item["topic"] = "none"
            }
        }
    }

    @Test("Earlier items are lifted step by step on reading, and rewritten by a migration")
    func migration() async throws {
        let temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table], entities: [NoteV1.definition]))
        for number in 0..<10 {
            try await temporary.store.put(
                NoteV1(id: "\(number)", body: number == 3 ? "" : "body \(number)"))
        }
        try await temporary.store.put(["partition": "NOTE#raw", "id": "raw"], in: "samples")
        try await temporary.store.update(
            in: "samples", key: PrimaryKey("NOTE#1"),
            Update().setting(Attribute<Int>("more"), to: 7))
        temporary.store.close()

        let schema = Schema(tables: [Self.table], entities: [NoteV3.definition])
        let store = try Store(at: temporary.path, schema: schema)
        let lookup = Lookup<NoteV3>(partition: "NOTE#1")
        #expect(try store.get(lookup) == NoteV3(id: "1", text: "body 1", topic: "none"))
        #expect(try store.stored(lookup)?.schemaVersion == 1)
        // Its index key comes with the rewriting.
        let byTopic = TableQuery(table: "samples", index: "byTopic", partition: ["TOPIC#none"])
        #expect(try store.count(byTopic).count == 0)
        #expect(throws: CodexError(.typeMismatch, "")) {
            try store.get(Lookup<NoteV3>(partition: "NOTE#3"))
        }
        let report = try await store.migrate(NoteV3.self, batchCount: 3)
        #expect(report.examinedCount == 11)
        #expect(report.migratedCount == 9)
        #expect(!report.isComplete)
        #expect(report.failures.map(\.key) == [PrimaryKey("NOTE#3"), PrimaryKey("NOTE#raw")])
        #expect(report.failures[0].error.code == .typeMismatch)
        #expect(try store.count(byTopic).count == 9)
        #expect(try store.stored(lookup)?.schemaVersion == 3)
        #expect(try store.item(in: "samples", key: PrimaryKey("NOTE#1"))?["more"] == 7)
        // Again: only what failed is left.
        #expect(try await store.migrate(NoteV3.self).migratedCount == 0)
        #expect(try store.verify().isSound)
        // What failed keeps typed queries by the index from missing it.
        #expect(throws: CodexError(.migrationPending, "")) {
            try store.count(Query<NoteV3>(partition: "TOPIC#none", index: "byTopic"))
        }
        store.close()
        // The earlier program must not write over the later one's.
        let earlier = try Store(
            at: temporary.path,
            schema: Schema(tables: [Self.table], entities: [NoteV1.definition]))
        defer { earlier.close() }
        #expect(earlier.schema == schema)
        await #expect(throws: CodexError(.programTooOld, "")) {
            try await earlier.put(NoteV1(id: "1", body: "mine"))
        }
        #expect(try earlier.item(in: "samples", key: PrimaryKey("NOTE#1"))?["text"] == "body 1")
    }
}
