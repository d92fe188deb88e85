import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// What `verify()` finds in the entries of indexes, by the layout of each.
@Suite("Verification by layout")
struct VerifiedLayoutTests {
    private typealias Kind = VerificationReport.Difference.Kind

    private static let group = [KeyAttribute("group")]
    private static let schema = SampleTable.schema(
        indexes: [
            IndexDefinition("keys", partitionKey: group, projection: .keysOnly),
            IndexDefinition("all", partitionKey: group),
            IndexDefinition(
                "some", partitionKey: group, projection: .include(["content"]),
                layout: .references),
            IndexDefinition("wholes", partitionKey: group, layout: .copies),
            IndexDefinition("parts", partitionKey: group, projection: .include(["content"])),
        ], timeToLive: "expires")
    private static let references = ["keys", "all", "some"]
    private static let copies = ["wholes", "parts"]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    /// Stores an item that does not expire, and one that does.
    init() async throws {
        temporary = try TemporaryStore(
            schema: Self.schema, options: ExpiryTests.options(ManualClock()))
        for (name, second) in [("a", nil), ("b", 10)] as [(String, Int?)] {
            var item: Item = ["partition": .string(name), "group": "g", "content": "c"]
            item["expires"] = second.map { .number(Number(ExpiryTests.start + $0)) }
            try await store.put(item, in: "samples")
        }
    }

    /// What is found in an index; all differences must be of it, and of the item `a`.
    private func found(_ index: String) throws -> [Kind] {
        let differences = try store.verify().differences
        #expect(differences.allSatisfy { $0.index == index && $0.table == "samples" })
        let keys = differences.filter { $0.kind != .unreadableEntry }.map(\.key)
        #expect(keys.allSatisfy { $0 == PrimaryKey("a") })
        return differences.map(\.kind)
    }

    /// Replaces the value of the first entry of an index, which is that of the item `a`.
    private func replaceFirst(_ index: String, by value: [UInt8]?) async throws {
        let first = try #require(try store.storedEntries(index).first)
        try await store.replaceValues(index) { $0 == first ? value : $0.value }
    }

    @Test("What is not exactly the reference to the item is found", arguments: references)
    func wrongReferences(index: String) async throws {
        let right = try #require(try store.storedEntries(index).first).value
        #expect(right == [0xE0, 0])
        let copy = try #require(try store.storedEntries("wholes").first).value
        let values: [([UInt8], Kind)] = [
            // The flag, and the entity.
            ([0xE4, 0], .wrongProjection), ([0xE0, 1], .wrongProjection),
            // A number that is longer than it must be, other flags, and what is short or long.
            ([0xE0, 0x80, 0], .wrongProjection), ([0xE1, 0], .unreadableEntry),
            ([0xE0], .unreadableEntry), ([0xE0, 0, 0], .unreadableEntry), ([], .unreadableEntry),
            (copy, .unreadableEntry),
        ]
        for (value, kind) in values {
            try await replaceFirst(index, by: value)
            #expect(try found(index) == [kind], "\(value.prefix(3))")
        }
        try await replaceFirst(index, by: right)
        try store.expectSound()
    }

    @Test("A flag that is missing is found")
    func staleFlag() async throws {
        for index in Self.references + ["$expiry"] {
            let entries = try store.storedEntries(index)
            let last = try #require(entries.last)
            try await store.replaceValues(index) { $0 == last ? [0xE0, 0] : $0.value }
            let differences = try store.verify().differences
            #expect(differences.map(\.kind) == [.wrongProjection])
            #expect(differences.map(\.index) == [index])
            #expect(differences.map(\.key) == [PrimaryKey("b")])
            try await store.replaceValues(index) { $0.key == last.key ? last.value : $0.value }
        }
        try store.expectSound()
    }

    @Test("An entry of keys only from format 4 is right, unless its flag or entity is wrong")
    func former() async throws {
        let entries = try store.storedEntries("all")
        for index in Self.references {
            try await store.writeFormerEntries(index)
            let isRight = index == "keys"
            let differences = try store.verify().differences
            let expected: [Kind] = isRight ? [] : [.wrongProjection, .wrongProjection]
            #expect(differences.map(\.kind) == expected)
            #expect(differences.allSatisfy { $0.index == index })
            guard isRight else {
                let values = Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.value) })
                try await store.replaceValues(index) { values[$0.key] }
                continue
            }
            // What the other item's entry says is wrong for this one.
            let other = try #require(try store.storedEntries(index).last).value
            let own = try #require(try store.storedEntries(index).first).value
            try await replaceFirst(index, by: other)
            #expect(try found(index) == [.wrongProjection])
            try await replaceFirst(index, by: own)
        }
        try store.expectSound()
    }

    @Test("A reference in the place of a copy cannot be read", arguments: copies)
    func referenceAsCopy(index: String) async throws {
        try await replaceFirst(index, by: [0xE0, 0])
        #expect(try found(index) == [.unreadableEntry])
    }

    @Test("An entry that is missing is found in each layout", arguments: references + copies)
    func missing(index: String) async throws {
        try await replaceFirst(index, by: nil)
        #expect(try found(index) == [.missingEntry])
    }

    @Test("An entry without its item is found in each layout")
    func dangling() async throws {
        try await store.loseItem(PrimaryKey("a"))
        let differences = try store.verify().differences
        #expect(differences.allSatisfy { $0.kind == .danglingEntry && $0.key == PrimaryKey("a") })
        let indexes = Self.references + Self.copies
        #expect(differences.compactMap(\.index).sorted() == indexes.sorted())
    }

    @Test("Two references to living items under one unique key are found; expired ones are none")
    func duplicates() async throws {
        let clock = ManualClock()
        let unique = IndexDefinition(
            "one", partitionKey: [KeyAttribute("unique")], isUnique: true)
        let temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: [unique], timeToLive: "expires"),
            options: ExpiryTests.options(clock))
        let store = temporary.store
        let expires = AttributeValue.number(Number(ExpiryTests.start + 10))
        try await store.put(
            ["partition": "a", "unique": "u", "expires": expires], in: "samples")
        // A clock that was wrong lets another item take the key; the sweep has not come yet.
        try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            var key: [UInt8] = []
            try table.plan.encode(PrimaryKey("b"), into: &key)
            let image = Image(
                item: ["partition": "b", "unique": "u"], header: ItemHeader())
            // No index refuses an undo.
            let change = Change(table: table, key: key, old: nil, new: image)
            for stored in try context.items.apply([change], isUndo: true) {
                context.noteItem(change, stored)
            }
        }
        #expect(try store.verify().differences.map(\.kind) == [.duplicateKey])
        clock.advance(by: 10)
        try store.expectSound()
    }
}
