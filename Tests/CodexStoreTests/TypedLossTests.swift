import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// That a typed write loses no item that it was not to write.
@Suite("Typed writes lose nothing")
struct TypedLossTests {
    private static let table = SampleTable.definition(
        indexes: [
            IndexDefinition("byTopic", partitionKey: [KeyAttribute("group")]),
            IndexDefinition("byCode", partitionKey: [KeyAttribute("unique")], isUnique: true),
        ])

    struct Note: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "note", table: "samples",
            keys: [
                "partition": "NOTE#{id}", "group": "TOPIC#{topic}", "unique": "CODE#{code}",
            ])
        var id: String
        var topic = "none"
        var text = ""
        var code: String?
    }

    /// An entity whose items may come under any key, as those of a program with a mistake.
    struct Stray: Entity, Equatable {
        static let definition = EntityDefinition(
            "stray", table: "samples", keys: ["partition": "STRAY#{id}"])
        var id: String
        var place: String

        init(id: String, place: String) { (self.id, self.place) = (id, place) }

        func item() throws(CodexError) -> Item {
            ["partition": .string(place), "id": .string(id)]
        }

        init(reading reader: borrowing FieldReader) throws(CodexError) {
            let item = try reader.item()
            self.init(
                id: item["id"]?.string ?? "", place: item["partition"]?.string ?? "")
        }
    }

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]).adding(Note.self, Stray.self))
    }

    private func lookup(_ id: String) -> Lookup<Note> { Lookup(partition: .string("NOTE#\(id)")) }

    private func note(_ id: String) throws -> Note? { try store.get(lookup(id)) }

    private func stored(_ id: String) throws -> Stored<Note> {
        try #require(try store.stored(lookup(id)))
    }

    /// The keys of all items, and those of the entries of the index by topic.
    private func keys() throws -> [String] {
        var keys: [String] = []
        try store.read { snapshot in
            try snapshot.forEachItem(in: "samples") { view in
                keys.append(try view.string("partition") ?? "?")
                return true
            }
        }
        return keys.sorted()
    }

    private func topic(_ name: String) throws -> Int {
        let query = TableQuery(
            table: "samples", index: "byTopic", partition: [.string("TOPIC#\(name)")])
        return try store.count(query).count
    }

    // MARK: replace

    @Test("A replaced value with another key moves, with what its type does not know")
    func moves() async throws {
        try await store.insert(Note(id: "a", topic: "x", text: "A"))
        try await store.update(
            in: "samples", key: PrimaryKey("NOTE#a"),
            Update().setting(Attribute<Int>("more"), to: 7))
        var stored = try stored("a")
        #expect(stored.version == 2)
        stored.value.id = "b"
        stored.value.topic = "y"
        let moved = try await store.replace(stored)
        #expect(moved == Stored(stored.value, version: 1))
        #expect(try keys() == ["NOTE#b"])
        #expect(try note("b")?.text == "A")
        #expect(try store.item(in: "samples", key: PrimaryKey("NOTE#b"))?["more"] == 7)
        #expect(try topic("x") == 0)
        #expect(try topic("y") == 1)
        // The result is known under the new key, and moves again.
        var again = moved
        again.value.id = "c"
        try await store.replace(again)
        #expect(try keys() == ["NOTE#c"])
        #expect(try store.verify().isSound)
    }

    @Test("A value that moves does not replace another item")
    func takenKey() async throws {
        try await store.insert(Note(id: "a", text: "A"))
        try await store.insert(Note(id: "b", text: "B"))
        var stored = try stored("a")
        stored.value.id = "b"
        let error = try await #require(throws: CodexError.self) {
            try await store.replace(stored)
        }
        #expect(error.code == .conditionFailed)
        #expect(error.currentItem?["text"] == "B")
        #expect(error.entity == "note" && error.key == PrimaryKey("NOTE#b"))
        #expect(!error.description.contains("NOTE#b"))
        #expect(try note("a")?.text == "A" && note("b")?.text == "B")
        #expect(try self.stored("b").version == 1)
        #expect(try store.verify().isSound)
        let stray = Stray(id: "1", place: "NOTE#c")
        try await store.put(stray)
        stored.value.id = "c"
        await #expect(throws: CodexError(.otherEntity, "")) {
            try await store.replace(stored)
        }
        #expect(try keys() == ["NOTE#a", "NOTE#b", "NOTE#c"])
    }

    @Test("A value that changed or was deleted meanwhile does not move")
    func changedMeanwhile() async throws {
        try await store.insert(Note(id: "a", text: "old"))
        var stored = try stored("a")
        stored.value.id = "b"
        try await store.update(lookup("a")) { $0.text = "new" }
        let changed = try await #require(throws: CodexError.self) {
            try await store.replace(stored)
        }
        #expect(changed.code == .versionMismatch)
        #expect(changed.currentItem?["text"] == "new")
        #expect(try keys() == ["NOTE#a"] && note("a")?.text == "new")
        try await store.delete(lookup("a"))
        let deleted = try await #require(throws: CodexError.self) {
            try await store.replace(stored)
        }
        #expect(deleted.code == .versionMismatch)
        #expect(deleted.currentItem == nil)
        #expect(try keys().isEmpty)
    }

    @Test("A move that fails halfway leaves both items, also in a transaction that goes on")
    func undone() async throws {
        try await store.insert(Note(id: "a", code: "1"))
        try await store.insert(Note(id: "b", code: "2"))
        var stored = try stored("a")
        (stored.value.id, stored.value.code) = ("c", "2")
        try await store.write { [stored] transaction in
            #expect(throws: CodexError(.uniqueViolation, "")) {
                try transaction.replace(stored)
            }
            try transaction.put(Note(id: "d"))
        }
        #expect(try keys() == ["NOTE#a", "NOTE#b", "NOTE#d"])
        #expect(try note("a")?.code == "1")
        #expect(try store.verify().isSound)
    }

    @Test("A value that a program made is compared with the item under its own key")
    func handmade() async throws {
        try await store.insert(Note(id: "a", text: "A"))
        let replaced = try await store.replace(Stored(Note(id: "a", text: "new"), version: 1))
        #expect(replaced.version == 2)
        await #expect(throws: CodexError(.versionMismatch, "")) {
            try await store.replace(Stored(Note(id: "a"), version: 1))
        }
        await #expect(throws: CodexError(.versionMismatch, "")) {
            try await store.replace(Stored(Note(id: "z"), version: 1))
        }
        #expect(try keys() == ["NOTE#a"] && note("a")?.text == "new")
        // What a replacement returns knows its key, and so moves.
        var moved = replaced
        moved.value.id = "b"
        try await store.replace(moved)
        #expect(try keys() == ["NOTE#b"])
    }

    @Test("The key of a stored value is no part of its equality")
    func equality() async throws {
        try await store.insert(Note(id: "a"))
        #expect(try stored("a") == Stored(Note(id: "a"), version: 1))
        #expect(try stored("a") != Stored(Note(id: "a"), version: 2))
        #expect(try stored("a") != Stored(Note(id: "b"), version: 1))
    }

    @Test("A value that was read through an index moves from its own key")
    func throughIndex() async throws {
        try await store.insert(Note(id: "a", topic: "x"))
        let lookup = Lookup<Note>(.index("byTopic", partition: ["TOPIC#x"], sort: []))
        var stored = try #require(try store.stored(lookup))
        stored.value.id = "b"
        try await store.replace(stored)
        #expect(try keys() == ["NOTE#b"])
    }

    @Test("An update of an item under another key than the value's moves it, and copies nothing")
    func updateOfOtherKey() async throws {
        try await store.put(
            ["partition": "NOTE#A", "id": "a", "topic": "none", "text": "x"], in: "samples")
        try await store.update(lookup("A")) { $0.text = "y" }
        #expect(try keys() == ["NOTE#a"])
        #expect(try note("a")?.text == "y")
    }

    // MARK: Other entities

    @Test("No typed write replaces an item of another entity")
    func otherEntity() async throws {
        try await store.put(Stray(id: "1", place: "NOTE#a"))
        let before = try store.item(in: "samples", key: PrimaryKey("NOTE#a"))
        let writes: [@Sendable (inout WriteTransaction) throws -> Void] = [
            { try $0.put(Note(id: "a")) }, { try $0.insert(Note(id: "a")) },
            { try $0.replace(Stored(Note(id: "a"), version: 1)) },
            {
                try $0.update(Lookup<Note>(partition: "NOTE#a")) { $0.text = "x" }
            },
            { try $0.delete(Lookup<Note>(partition: "NOTE#a")) },
        ]
        for (number, write) in writes.enumerated() {
            let error = try await #require(throws: CodexError.self, "write \(number)") {
                try await store.write { try write(&$0) }
            }
            #expect(error.code == .otherEntity, "write \(number): \(error)")
            #expect(error.message.contains("note") && error.message.contains("stray"))
            #expect(!error.description.contains("NOTE#a"))
        }
        #expect(throws: CodexError(.otherEntity, "")) { try note("a") }
        #expect(try store.item(in: "samples", key: PrimaryKey("NOTE#a")) == before)
        // A value does not move onto it either.
        try await store.insert(Note(id: "b"))
        await #expect(throws: CodexError(.otherEntity, "")) {
            try await store.update(Lookup<Note>(partition: "NOTE#b")) { $0.id = "a" }
        }
        #expect(try keys() == ["NOTE#a", "NOTE#b"])
    }

    @Test("A raw item under the entity's key is no entity, and is replaced by a put")
    func rawItems() async throws {
        let raw = try TemporaryStore(schema: Schema(tables: [Self.table]))
        for id in ["a", "b", "c"] {
            try await raw.store.put(
                [
                    "partition": .string("NOTE#\(id)"), "id": .string(id), "topic": "none",
                    "text": "raw",
                ], in: "samples")
        }
        raw.store.close()
        let store = try Store(
            at: raw.path, schema: Schema(tables: [Self.table]).adding(Note.self, Stray.self))
        defer { store.close() }
        let error = try #require(throws: CodexError.self) { try store.get(lookup("a")) }
        #expect(error.code == .otherEntity)
        #expect(error.message.contains("raw item") && error.message.contains("migrate"))
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await store.insert(Note(id: "a"))
        }
        try await store.put(Note(id: "a", text: "typed"))
        try await store.replace(Stored(Note(id: "b", text: "typed"), version: 1))
        #expect(try store.get(lookup("a"))?.text == "typed")
        #expect(try store.stored(lookup("b"))?.version == 2)
        // The directory is removed with this object.
        withExtendedLifetime(raw) {}
    }
}
