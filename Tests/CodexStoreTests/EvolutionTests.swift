import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Schema versions, formats, large values, and what an operator is told.
@Suite("Evolution")
struct EvolutionTests {
    static let table = TableDefinition(
        "t", partitionKey: KeyAttribute("p"),
        indexes: [IndexDefinition("byTopic", partitionKey: [KeyAttribute("g")])])

    struct NoteV1: Codable, Entity, Equatable {
        static let definition = EntityDefinition("note", table: "t", keys: ["p": "NOTE#{id}"])
        var id: String
        var body: String
    }

    struct NoteV3: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "t", schemaVersion: 3, keys: ["p": "NOTE#{id}", "g": "TOPIC#{topic}"])
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
        try await temporary.store.put(["p": "NOTE#raw", "id": "raw"], in: "t")
        try await temporary.store.update(
            in: "t", key: PrimaryKey("NOTE#1"), Update().setting(Attribute<Int>("more"), to: 7))
        temporary.store.close()

        let schema = Schema(tables: [Self.table], entities: [NoteV3.definition])
        let store = try Store(at: temporary.path, schema: schema)
        let lookup = Lookup<NoteV3>(partition: "NOTE#1")
        #expect(try store.get(lookup) == NoteV3(id: "1", text: "body 1", topic: "none"))
        #expect(try store.stored(lookup)?.schemaVersion == 1)
        // Its index key comes with the rewriting.
        let byTopic = TableQuery(table: "t", index: "byTopic", partition: ["TOPIC#none"])
        #expect(try store.count(byTopic).count == 0)
        #expect(throws: CodexError(.typeMismatch, "")) {
            try store.get(Lookup<NoteV3>(partition: "NOTE#3"))
        }
        let report = try await store.migrate(NoteV3.self, batchCount: 3)
        #expect(report.examinedCount == 11)
        #expect(report.migratedCount == 9)
        #expect(report.failures.map(\.key) == [PrimaryKey("NOTE#3"), PrimaryKey("NOTE#raw")])
        #expect(report.failures[0].error.code == .typeMismatch)
        #expect(try store.count(byTopic).count == 9)
        #expect(try store.stored(lookup)?.schemaVersion == 3)
        #expect(try store.item(in: "t", key: PrimaryKey("NOTE#1"))?["more"] == 7)
        // Again: only what failed is left.
        #expect(try await store.migrate(NoteV3.self).migratedCount == 0)
        #expect(try store.verify().isSound)
        store.close()
        // The earlier program must not write over the later one's.
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try Store(
                at: temporary.path,
                schema: Schema(tables: [Self.table], entities: [NoteV1.definition]))
        }
    }

    @Test("A store of format 1 opens, its long keys in order, and becomes one of format 4")
    func format1() throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/format1")
        let directory = URL(fileURLWithPath: try TemporaryStore.makeDirectory())
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("store").path
        try FileManager.default.copyItem(atPath: fixture.path, toPath: path)
        #expect(throws: CodexError(.unsupportedFormat, "")) {
            try Store(at: path, options: StoreOptions(isReadOnly: true))
        }
        let store = try Store(at: path)
        #expect(try store.get(.user(CodexFlow.User.ID("123")))?.name == "John Doe")
        let page = try store.items(matching: TableQuery(table: "t", partition: ["p"]))
        var expected: [String] = []
        for count in 500...511 {
            for end in ["\0", "\u{1}", "x"] {
                expected.append(String(repeating: "k", count: count - 3) + end)
            }
        }
        expected.sort { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(page.items.compactMap { $0["s"]?.string } == expected)
        for count in 505...511 {
            let query = TableQuery(
                table: "t", index: "byG",
                partition: [.string(String(repeating: "g", count: count - 6))])
            #expect(
                try store.items(matching: query).items.compactMap { $0["s"]?.string } == [
                    "\(count)"
                ])
        }
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
        store.close()
        let marker = try String(contentsOfFile: path + "/CODEX", encoding: .utf8)
        #expect(marker == "codex store\nformat 4\n")
        try Store(at: path, options: StoreOptions(isReadOnly: true)).close()
    }

    @Test("Values around the size from which they are stored in chunks, changed and removed")
    func chunks() async throws {
        let schema = Schema(tables: [
            TableDefinition(
                "t", partitionKey: KeyAttribute("p"),
                indexes: [
                    IndexDefinition("all", partitionKey: [KeyAttribute("g")]),
                    IndexDefinition(
                        "some", partitionKey: [KeyAttribute("g")], projection: .include(["x"])),
                ])
        ])
        let temporary = try TemporaryStore(schema: schema)
        let store = temporary.store
        var random = SystemRandomNumberGenerator()
        let noise = (0..<400_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        for count in [16_300, 16_370, 16_384, 16_385, 32_736, 32_737, 400_000] {
            let item: Item = [
                "p": .string("\(count)"), "g": "g", "x": .binary(Array(noise.prefix(count))),
            ]
            try await store.put(item, in: "t")
            #expect(try store.item(in: "t", key: PrimaryKey(.string("\(count)"))) == item)
        }
        let all = TableQuery(table: "t", index: "all", partition: ["g"])
        let some = TableQuery(table: "t", index: "some", partition: ["g"])
        #expect(try store.items(matching: all).items == store.items(matching: some).items)
        #expect(try store.verify().isSound)
        struct Abandon: Error {}
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                try transaction.delete(in: "t", key: PrimaryKey("400000"))
                try transaction.put(["p": "16384", "g": "h"], in: "t")
                throw Abandon()
            }
        }
        #expect(try store.count(all).count == 7)
        #expect(try store.verify().isSound)
        try await store.deleteItems(matching: all)
        #expect(try store.stats().overflowByteCount == 0)
        #expect(try store.verify().isSound)
    }

    @Test("An operator is told of slow commits, long readers and growth")
    func events() async throws {
        let events = Events()
        var options = StoreOptions()
        options.observer = { events.add($0) }
        options.thresholds = .init(
            slowCommit: .zero, longReader: .zero, growthByteCount: 1 << 20)
        let temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]), options: options)
        let store = temporary.store
        try store.read { _ in
            for number in 0..<8 {
                // Nothing that is compressed.
                let filler = (0..<300_000).map { _ in UInt8.random(in: .min ... .max) }
                let item: Item = ["p": .string("\(number)"), "x": .binary(filler)]
                try store.write { _ = try $0.put(item, in: "t") }
            }
        }
        // Once it is closed, the observer has got all.
        store.close()
        let seen = events.all
        let own = ProcessInfo.processInfo.processIdentifier
        #expect(seen.contains { if case .slowCommit(_, 1) = $0 { true } else { false } })
        #expect(seen.contains { if case .longReader(own, _) = $0 { true } else { false } })
        #expect(seen.contains { if case .growth = $0 { true } else { false } })
    }

    private final class Events: @unchecked Sendable {
        // Guarded by the lock.
        private var events: [StoreEvent] = []
        private let lock = NSLock()

        func add(_ event: StoreEvent) { lock.withLock { events.append(event) } }
        var all: [StoreEvent] { lock.withLock { events } }
    }
}
