import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Entries that refer to their items, and so do not have the second of expiry.
///
/// Entries of keys only that format 4 wrote have one. But it may be an earlier one.
@Suite("Expiry of references")
struct ReferenceExpiryTests {
    private static let table = SampleTable.definition(
        indexes: [
            IndexDefinition(
                "one", partitionKey: [KeyAttribute("unique")], projection: .keysOnly,
                isUnique: true),
            IndexDefinition("many", partitionKey: [KeyAttribute("group")], projection: .keysOnly),
        ], timeToLive: "expires")

    private let clock = ManualClock()
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]), options: ExpiryTests.options(clock))
    }

    private static func item(_ name: String, _ unique: String, after second: Int?) -> Item {
        var item: Item = [
            "partition": .string(name), "unique": .string(unique), "group": "g",
        ]
        item["expires"] = second.map { .number(Number(ExpiryTests.start + $0)) }
        return item
    }

    /// Stores items, and gives an index the entries that format 4 would have, if that is asked for.
    private func put(_ items: [Item], _ index: String, isFormer: Bool) async throws {
        for item in items { try await store.put(item, in: "samples") }
        if isFormer { try await store.writeFormerEntries(index) }
    }

    @Test(
        "A unique key is free once the item that has it is expired", arguments: [false, true])
    func unique(isFormer: Bool) async throws {
        let items = [Self.item("a", "1", after: 10), Self.item("b", "2", after: nil)]
        try await put(items, "one", isFormer: isFormer)
        for unique in ["1", "2"] {
            await #expect(throws: CodexError(.uniqueViolation, "")) {
                try await store.put(Self.item("c", unique, after: nil), in: "samples")
            }
        }
        clock.advance(by: 10)
        try await store.put(Self.item("c", "1", after: nil), in: "samples")
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(Self.item("d", "2", after: nil), in: "samples")
        }
        #expect(try store.count(TableScan(table: "samples")).examinedCount == 2)
        try store.expectSound()
    }

    @Test(
        "The second that counts is that of the item, which may have got a later one",
        arguments: [false, true])
    func refreshed(isFormer: Bool) async throws {
        try await put([Self.item("a", "1", after: 10)], "one", isFormer: isFormer)
        let before = try store.storedEntries("one")
        try await store.put(Self.item("a", "1", after: 20), in: "samples")
        #expect(try store.storedEntries("one") == before)
        clock.advance(by: 19)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(Self.item("b", "1", after: nil), in: "samples")
        }
        try store.expectSound()
        clock.advance(by: 1)
        try await store.put(Self.item("b", "1", after: nil), in: "samples")
        #expect(try store.count(TableScan(table: "samples")).examinedCount == 1)
        try store.expectSound()
    }

    @Test("A reference without its item is damage, and names the index", arguments: [false, true])
    func lost(isFormer: Bool) async throws {
        try await put([Self.item("a", "1", after: 10)], "one", isFormer: isFormer)
        try await store.loseItem(PrimaryKey("a"))
        let error = await #expect(throws: CodexError.self) {
            try await store.put(Self.item("b", "1", after: nil), in: "samples")
        }
        #expect(error?.code == .corrupted && error?.key == PrimaryKey("a"))
        #expect(error?.message.contains("Index one of table samples") == true)
    }

    @Test("Expired items share their key with no other item", arguments: [false, true])
    func duplicates(isFormer: Bool) async throws {
        let seconds = [("a", 10), ("b", nil), ("c", 10), ("d", nil)] as [(String, Int?)]
        let items = seconds.map { Self.item($0.0, $0.0, after: $0.1) }
        try await put(items, "many", isFormer: isFormer)
        func names() throws -> [String] {
            try store.read { snapshot in
                let table = try snapshot.reader.catalog.table("samples")
                let keys = try IndexReads(snapshot.reader).duplicates(
                    table, try table.index("many"), limit: 10)
                return try keys.map { try table.plan.primaryKey($0.span).partition.string ?? "" }
            }
        }
        #expect(try names() == ["b", "c", "d"])
        clock.advance(by: 10)
        #expect(try names() == ["d"])
    }
}
