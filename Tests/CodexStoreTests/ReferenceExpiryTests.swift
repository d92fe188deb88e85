import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Entries that refer to their items, and so do not have the second of expiry.
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

    /// Replaces the entries of an index by references.
    private func refer(_ index: String) async throws {
        try await store.write { transaction in
            let context = transaction.context
            let tree = try context.catalog.table("samples").index(index).tree
            var entries: [(key: [UInt8], value: [UInt8])] = []
            try context.transaction.withCursor(tree) { cursor in
                var entry = unsafe try cursor.first()
                while let current = unsafe entry {
                    let header = unsafe try context.header(of: current.value)
                    let key = unsafe Array(current.key)
                    entries.append((key: key, value: ReferenceEntry(header).bytes))
                    unsafe entry = try cursor.next()
                }
            }
            for entry in entries {
                try context.transaction.put(tree, entry.key, entry.value)
            }
            context.noteChange()
        }
    }

    /// Removes an item behind the store.
    private func lose(_ name: String) async throws {
        try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            var key: [UInt8] = []
            try table.plan.encode(PrimaryKey(.string(name)), into: &key)
            try context.transaction.delete(table.tree, key)
            context.noteChange()
        }
    }

    @Test("A unique key is free once the item that has it is expired")
    func unique() async throws {
        try await store.put(Self.item("a", "1", after: 10), in: "samples")
        try await store.put(Self.item("b", "2", after: nil), in: "samples")
        try await refer("one")
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
    }

    @Test("A reference without its item is damage, and names the index")
    func lost() async throws {
        try await store.put(Self.item("a", "1", after: 10), in: "samples")
        try await refer("one")
        try await lose("a")
        let error = await #expect(throws: CodexError.self) {
            try await store.put(Self.item("b", "1", after: nil), in: "samples")
        }
        #expect(error?.code == .corrupted && error?.key == PrimaryKey("a"))
        #expect(error?.message.contains("Index one of table samples") == true)
    }

    @Test("Expired items share their key with no other item")
    func duplicates() async throws {
        for (name, second) in [("a", 10), ("b", nil), ("c", 10), ("d", nil)] as [(String, Int?)] {
            try await store.put(Self.item(name, name, after: second), in: "samples")
        }
        try await refer("many")
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
