import CodexCore
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// The entries that writes and builds make in indexes of each layout, and those that they leave.
@Suite("Writes by layout")
struct WrittenLayoutTests {
    /// An entity with the attributes of the samples.
    struct Note: Codable, Entity {
        static let definition = EntityDefinition(
            "note", table: "samples", keys: ["partition": "NOTE#{id}"])

        var id: String
        var group = "g"
        var content = "c"
        var tag: [String]?
        var expires: Int?
    }

    private static let group = [KeyAttribute("group")]
    private static let table = SampleTable.definition(
        indexes: [
            IndexDefinition("keys", partitionKey: group, projection: .keysOnly),
            IndexDefinition("all", partitionKey: group),
            IndexDefinition("wholes", partitionKey: group, layout: .copies),
            IndexDefinition(
                "some", partitionKey: group, projection: .include(["content"]),
                layout: .references),
            IndexDefinition("parts", partitionKey: group, projection: .include(["content"])),
            IndexDefinition(
                "tags", partitionKey: [KeyAttribute("tag")], projection: .keysOnly,
                multiValued: "tag"),
        ], timeToLive: "expires")
    /// The indexes by `group` whose entries are references.
    private static let references = ["keys", "all", "some"]
    /// The references to raw items: one that does not expire, and one that does.
    private static let (plain, expiring): ([UInt8], [UInt8]) = ([0xE0, 0], [0xE4, 0])

    private let clock = ManualClock()
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]), options: ExpiryTests.options(clock))
    }

    private static func key(_ number: Int) -> PrimaryKey { PrimaryKey(.string("p\(number)")) }

    private static func item(_ number: Int, after second: Int? = nil) -> Item {
        var item: Item = [
            "partition": .string("p\(number)"), "group": "g", "content": .string("c\(number)"),
        ]
        item["expires"] = second.map { .number(Number(ExpiryTests.start + $0)) }
        return item
    }

    private func put(_ items: [Item]) async throws {
        for item in items { try await store.put(item, in: "samples") }
    }

    /// The values of the items of a store, in the order of their keys.
    private func storedItems() throws -> [[UInt8]] {
        try store.core.withReadContext { context in
            let tree = try context.catalog.table("samples").tree
            return try context.storedEntries(tree).map(\.value)
        }
    }

    // MARK: Writes

    @Test("A reference says entity and whether the item expires; a copy has the attributes")
    func values() async throws {
        try await put([Self.item(1), Self.item(2, after: 10)])
        for name in Self.references {
            #expect(try store.storedValues(name) == [Self.plain, Self.expiring], "\(name)")
        }
        #expect(try store.storedValues("$expiry") == [Self.expiring])
        #expect(try store.storedValues("wholes") == storedItems())
        let parts = try store.storedValues("parts")
        #expect(parts.map { $0[0] >> 4 } == [ItemCodec.formatVersion, ItemCodec.formatVersion])
        try store.expectSound()
    }

    @Test("A reference gets the entity of an item that was raw")
    func raw() async throws {
        let raw: Item = ["partition": "NOTE#1", "group": "g", "id": "1", "content": "c"]
        try await put([raw])
        #expect(try store.storedValues("all") == [Self.plain])
        store.close()
        let again = try Store(
            at: temporary.path, schema: Schema(tables: [Self.table]).adding(Note.self),
            options: ExpiryTests.options(clock))
        defer { again.close() }
        try await again.put(raw, in: "samples")
        for name in Self.references {
            #expect(try again.storedValues(name) == [[0xE0, 1]], "\(name)")
        }
        try again.expectSound()
    }

    @Test("Of a multi-valued attribute, only elements that are new get an entry")
    func elements() async throws {
        var item = Self.item(1)
        item["tag"] = .list(["a", "b"])
        try await put([item])
        // Entries of another form show which of them is written.
        try await store.writeFormerEntries("tags")
        let former = try store.storedEntries("tags")
        item["tag"] = .list(["b", "c"])
        try await put([item])
        let entries = try store.storedEntries("tags")
        try #require(former.count == 2 && entries.count == 2)
        #expect(entries[0] == former[1] && entries[1].value == Self.plain)
        try store.expectSound()
    }

    @Test("A body that throws leaves all entries as they were")
    func undone() async throws {
        try await put((1...4).map { Self.item($0, after: $0 == 2 ? 10 : nil) })
        let names = Self.references + ["$expiry", "wholes"]
        let before = try names.map { try store.storedEntries($0) }
        struct Abandon: Error {}
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                try transaction.put(Self.item(1, after: 10), in: "samples")
                try transaction.put(Self.item(2), in: "samples")
                try transaction.delete(in: "samples", key: Self.key(3))
                try transaction.update(
                    in: "samples", key: Self.key(4),
                    Update().setting(Attribute<String>("group"), to: "h"))
                try transaction.put(Self.item(5, after: 10), in: "samples")
                throw Abandon()
            }
        }
        #expect(try names.map { try store.storedEntries($0) } == before)
        try store.expectSound()
    }

    // MARK: Entries of format 4

    @Test("An entry of keys only from format 4 stays until its key or its meaning changes")
    func former() async throws {
        try await put([Self.item(1), Self.item(2, after: 10), Self.item(3)])
        try await store.writeFormerEntries("keys")
        try store.expectSound()
        let former = try store.storedEntries("keys")
        let query = TableQuery(table: "samples", index: "keys", partition: ["g"])
        #expect(try store.items(matching: query).items.count == 3)
        var other = Self.item(1)
        other["content"] = "other"
        try await put([other, Self.item(2, after: 20)])
        #expect(try store.storedEntries("keys") == former)
        try store.expectSound()
        // The first expires, the second does not any more, and the third moves.
        var moved = Self.item(3)
        moved["group"] = "h"
        try await put([Self.item(1, after: 10), Self.item(2), moved])
        #expect(
            try store.storedValues("keys") == [Self.expiring, Self.plain, Self.plain])
        try store.expectSound()
    }

    // MARK: Builds

    @Test(
        "An added index is built in the layout that it names, or in that of its projection",
        arguments: [nil] + IndexLayout.allCases)
    func built(layout: IndexLayout?) async throws {
        try await put((0..<20).map { Self.item($0, after: $0.isMultiple(of: 3) ? 10 : nil) })
        var large = Self.item(20)
        large["large"] = .binary((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) })
        try await put([large])
        let some = IndexProjection.include(["content"])
        let twins: [(IndexProjection, IndexLayout, String)] = [
            (.all, .references, "all"), (.all, .copies, "wholes"),
            (some, .references, "some"), (some, .copies, "parts"),
        ]
        for (projection, expected, twin) in twins
        where expected == layout ?? projection.defaultLayout {
            let index = IndexDefinition(
                "added-\(twin)", partitionKey: Self.group, projection: projection, layout: layout)
            try await store.addIndex(index, to: "samples")
            try await store.waitUntilReady()
            let table = try #require(store.core.catalog.manifest.tables["samples"])
            #expect(table.layout(of: index) == expected)
            #expect(try store.storedEntries(index.name) == store.storedEntries(twin))
        }
        #expect(store.core.catalog.manifest.schema.tables[0].indexes.count == 8)
        try store.expectSound()
    }

    @Test("A time to live that is added or removed changes what references say")
    func timeToLive() async throws {
        let temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: [
                IndexDefinition("keys", partitionKey: Self.group, projection: .keysOnly),
                IndexDefinition("all", partitionKey: Self.group),
            ]), options: ExpiryTests.options(clock))
        let store = temporary.store
        for item in [Self.item(1), Self.item(2, after: 10)] {
            try await store.put(item, in: "samples")
        }
        for names in [["keys", "all"], ["keys", "all", "$expiry"], ["keys", "all"]] {
            let expires = names.contains("$expiry")
            if expires {
                try await store.addTimeToLive("expires", to: "samples")
            } else if try store.timeToLive(of: "samples").attribute != nil {
                try await store.removeTimeToLive(from: "samples")
            }
            try await store.waitUntilReady()
            let second = expires ? Self.expiring : Self.plain
            for name in ["keys", "all"] {
                #expect(try store.storedValues(name) == [Self.plain, second], "\(names)")
            }
            if expires { #expect(try store.storedValues("$expiry") == [second]) }
            try store.expectSound()
        }
    }

    // MARK: Two trees of an index

    /// The entries of the tree that will replace another.
    private func replacingEntries(_ store: Store) throws -> [StoredEntry] {
        try store.core.withReadContext { context in
            let indexes = try context.catalog.table("samples").indexes
            let index = try #require(indexes.first { $0.isReplacement })
            return try context.storedEntries(index.tree)
        }
    }

    @Test(
        "While an index changes its layout, writes maintain both trees",
        arguments: IndexLayout.allCases)
    func both(layout: IndexLayout) async throws {
        var options = ExpiryTests.options(clock)
        options.parts.builds = BuildsOnDemand()
        let index = IndexDefinition(
            "changed", partitionKey: Self.group, projection: .include(["content"]),
            layout: layout == .copies ? .references : .copies)
        let temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: [index], timeToLive: "expires"), options: options)
        let store = temporary.store
        for number in 1...6 { try await store.put(Self.item(number), in: "samples") }
        try await store.changeLayout(ofIndex: "changed", in: "samples", to: layout)
        #expect(try replacingEntries(store).isEmpty)
        var moved = Self.item(1)
        moved["group"] = "h"
        var other = Self.item(2)
        other["content"] = "other"
        for item in [moved, other, Self.item(3, after: 10), Self.item(7)] {
            try await store.put(item, in: "samples")
        }
        try await store.delete(in: "samples", key: Self.key(4))
        // Those that were written are there.
        let keys = Set(try store.storedEntries("changed").map(\.key))
        let written = Set(try replacingEntries(store).map(\.key))
        #expect(keys.count == 6 && written.count == 4 && written.isSubset(of: keys))
        try store.expectSound()
        while try store.build() == .more {}
        let table = try #require(store.core.catalog.manifest.tables["samples"])
        #expect(table.layout(of: index) == layout && table.relayouts == nil)
        #expect(Set(try store.storedEntries("changed").map(\.key)) == keys)
        try store.expectSound()
    }
}
