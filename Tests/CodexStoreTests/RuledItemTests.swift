import CodexTesting
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// A note whose group is made for keys, and whose order is a property.
private struct Note: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "note", table: "samples",
        keys: ["partition": "BOOK#{book}", "sort": "NOTE#{id}", "group": "AUTHOR#{author}"])

    var book: String
    var id: String
    var author: String
    var order: String
}

/// Items whose index keys are stored as rules of their shapes.
@Suite("Items with text by rule")
struct RuledItemTests {
    static let indexes = [
        IndexDefinition("copies", partitionKey: ["group"], sortKey: ["order"], layout: .copies),
        IndexDefinition("references", partitionKey: ["group"], sortKey: ["order"]),
        IndexDefinition(
            "included", partitionKey: ["group"], sortKey: ["order"],
            projection: .include(["owner"])),
    ]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: SampleTable.schema(sort: .string, indexes: Self.indexes),
            options: StoreOptions(durability: .none))
    }

    /// An item whose index key repeats its other text and its key.
    private static func item(_ number: Int, isOpen: Bool = true, title: String = "") -> Item {
        [
            "partition": "PROJECT#p1", "sort": .string("TASK#\(1000 + number)"),
            "owner": .string("USER#u\(number % 3)"), "state": .string(isOpen ? "open" : "done"),
            "group": .string("OWNER#u\(number % 3)"), "title": .string(title),
            "order": .string(
                isOpen
                    ? "PROJECT#p1#STATE#open#TASK#\(1000 + number)" : "TASK##\(1000 + number)"),
        ]
    }

    private static func key(_ number: Int) -> PrimaryKey {
        PrimaryKey("PROJECT#p1", .string("TASK#\(1000 + number)"))
    }

    private func put(_ items: [Item]) async throws {
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
    }

    /// The bytes of a stored item.
    private func byteCount(_ number: Int) throws -> Int {
        let count = try store.read { snapshot in
            try snapshot.view(in: "samples", key: Self.key(number)) { view in
                view.withStoredBytes { $0.count }
            }
        }
        return try #require(count)
    }

    private func changes(_ count: Int) async throws -> [ChangeRecord] {
        var changes: [ChangeRecord] = []
        for try await change in store.changes(after: .trimHorizon) {
            changes.append(change)
            if changes.count == count { break }
        }
        return changes
    }

    private func expectSound(_ itemCount: Int) throws {
        let report = try store.verify()
        #expect(
            report.isSound && report.itemCount == itemCount, "\(report.differences.prefix(3))")
    }

    @Test("A rule is used once it held for 16 items, and older items are as before")
    func proof() async throws {
        let items = (0..<40).map { Self.item($0) }
        for item in items { try await put([item]) }
        // `group` has 8 bytes, and `order` 31.
        #expect(try byteCount(14) == byteCount(0))
        #expect(try byteCount(15) == byteCount(0) - 8 - 31)
        #expect(try byteCount(39) == byteCount(15))
        let found = try store.items(in: "samples", keys: (0..<40).map { Self.key($0) })
        #expect(found == items)
        try expectSound(40)
    }

    @Test("Several forms of a key get a rule each, and a value that has none is stored")
    func forms() async throws {
        let items = (0..<120).map { Self.item($0, isOpen: $0 % 3 > 0) }
        try await put(items)
        // A closed item has 10 bytes in `order`.
        #expect(try byteCount(118) == byteCount(1) - 8 - 31)
        #expect(try byteCount(117) == byteCount(0) - 8 - 10)
        var other = Self.item(200)
        other["order"] = "something else"
        try await put([other])
        let keys = (Array(0..<120) + [200]).map { Self.key($0) }
        let expected = items + [other]
        #expect(try store.items(in: "samples", keys: keys) == expected)
        try expectSound(121)
    }

    @Test("Queries find the items by index keys that are rules", arguments: indexes)
    func queries(index: IndexDefinition) async throws {
        let items = (0..<90).map { Self.item($0) }
        try await put(items)
        let whole = index.projection == .all
        let expected = items.filter { $0["owner"] == "USER#u1" }.map { item in
            whole ? item : item.keeping { !["state", "title"].contains($0.name) }
        }
        let query = TableQuery(
            table: "samples", index: index.name, partition: ["OWNER#u1"],
            sort: .beginsWith("PROJECT#p1#STATE#open#"))
        #expect(try store.items(matching: query).items == expected)
        let filtered = TableQuery(
            table: "samples", index: index.name, partition: ["OWNER#u1"],
            filter: Attribute<String>("order") > "PROJECT#p1#STATE#open#TASK#1050")
        #expect(try store.items(matching: filtered).items == Array(expected[17...]))
        try expectSound(90)
    }

    @Test("An update moves the entries of an item with rules, and a deletion removes them")
    func maintenance() async throws {
        try await put((0..<40).map { Self.item($0) })
        try await put([Self.item(30, isOpen: false)])
        try await store.write { transaction in
            _ = try transaction.delete(in: "samples", key: Self.key(31))
        }
        let query = TableQuery(
            table: "samples", index: "references", partition: ["OWNER#u0"],
            sort: .beginsWith("TASK#"))
        #expect(try store.items(matching: query).items == [Self.item(30, isOpen: false)])
        try expectSound(39)
    }

    @Test("A write that only stores a text as a rule is no change of the stream")
    func unchanged() async throws {
        try await put((0..<20).map { Self.item($0) })
        let before = try byteCount(0)
        try await put([Self.item(0)])
        #expect(try byteCount(0) < before)
        try await put([Self.item(0), Self.item(19)])
        try await put([Self.item(19, title: "changed")])
        let changes = try await self.changes(21)
        #expect(changes.prefix(20).allSatisfy { $0.kind == .insert })
        #expect(changes[20].kind == .modify)
        for number in 0..<20 { #expect(try changes[number].newImage == Self.item(number)) }
        #expect(try changes[20].oldImage == Self.item(19))
        #expect(try changes[20].newImage == Self.item(19, title: "changed"))
        try expectSound(20)
    }

    @Test("A key that a type reads as its property has no rule")
    func properties() async throws {
        let schema = SampleTable.schema(sort: .string, indexes: Self.indexes).adding(Note.self)
        let temporary = try TemporaryStore(
            schema: schema, options: StoreOptions(durability: .none))
        let notes = (0..<40).map { number in
            Note(book: "b1", id: "n\(number)", author: "a\(number % 3)", order: "n\(number)")
        }
        for note in notes { try await temporary.store.put(note) }
        let key = PrimaryKey("BOOK#b1", "NOTE#n39")
        let tags = try temporary.store.read { snapshot in
            try snapshot.view(in: "samples", key: key) { view in
                let (bytes, shape) = (view.bytes, view.bytes.layout.shape)
                return try ["group", "order"].map { name in
                    try bytes.tag(at: shape.position(of: name) ?? 0)
                }
            }
        }
        #expect(tags == [0x10, 3])
        #expect(try temporary.store.get(Lookup<Note>(.primaryKey(key))) == notes[39])
        #expect(try temporary.store.verify().isSound)
    }

    @Test("A store that is opened again has the rules, and proves others")
    func reopened() async throws {
        try await put((0..<20).map { Self.item($0) })
        let shapeCount = try store.stats().shapeCount
        store.close()
        let opened = try Store(at: temporary.path, options: StoreOptions(durability: .none))
        defer { opened.close() }
        let items = (0..<60).map { Self.item($0, isOpen: $0 < 30) }
        try await opened.write { transaction in
            for item in items[20...] { try transaction.put(item, in: "samples") }
        }
        let found = try opened.items(in: "samples", keys: (0..<60).map { Self.key($0) })
        #expect(found == items)
        // The closed items have the same names, and one more rule.
        #expect(try opened.stats().shapeCount == shapeCount + 1)
        #expect(try opened.verify().isSound)
    }

    @Test("Forms that change all the time give few shapes")
    func bounded() async throws {
        let forms = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map { String($0) }
        var items: [Item] = []
        for (place, form) in forms.enumerated() {
            for number in (100 * place)..<(100 * place + 40) {
                var item = Self.item(number)
                item["order"] = .string("\(form)#open#\(1000 + number)")
                items.append(item)
            }
        }
        try await put(items)
        // Those of the items, and one of the entries of the index with its own attributes.
        #expect(try store.stats().shapeCount <= 6)
        let keys = items.compactMap { item in
            item["sort"].map { PrimaryKey("PROJECT#p1", $0) }
        }
        for start in stride(from: 0, to: keys.count, by: 100) {
            let range = start..<min(start + 100, keys.count)
            let found = try store.items(in: "samples", keys: Array(keys[range]))
            #expect(found == Array(items[range]))
        }
        try expectSound(items.count)
    }

    @Test("Shapes of 10,000 different name sets leave no room for rules, and items are kept")
    func manyNames() async throws {
        for start in stride(from: 0, to: 10_000, by: 1000) {
            try await store.write { transaction in
                for number in start..<(start + 1000) {
                    var item = Self.item(number)
                    item["n\(number)"] = 1
                    try transaction.put(item, in: "samples")
                }
            }
        }
        let items = (20_000..<20_040).map { Self.item($0) }
        try await put(items)
        #expect(try store.stats().shapeCount == StoreLimits.shapeCountMax)
        #expect(
            try store.items(in: "samples", keys: (20_000..<20_040).map { Self.key($0) }) == items)
        try expectSound(10_040)
    }
}
