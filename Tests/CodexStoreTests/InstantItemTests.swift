import CodexIndex
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// Items with text of instants, in the present format and in that of earlier releases.
@Suite("Items with instants")
struct InstantItemTests {
    static let indexes = [
        IndexDefinition("copies", partitionKey: ["group"], sortKey: ["at"], layout: .copies),
        IndexDefinition("references", partitionKey: ["group"], sortKey: ["at"]),
        IndexDefinition(
            "included", partitionKey: ["group"], sortKey: ["at"], projection: .include(["ended"])),
    ]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: SampleTable.schema(indexes: Self.indexes),
            options: StoreOptions(durability: .none))
    }

    /// An item whose instants are as many minutes after an hour.
    private static func item(_ number: Int, value: Int = 0) -> Item {
        let date = Date(timeIntervalSince1970: 1_762_300_800 + 60 * Double(number))
        return [
            "partition": .string("p\(number)"), "group": "g", "at": .string(Timestamp.text(date)),
            "ended": .string(Timestamp.text(date + 1)), "value": .number(Number(value)),
        ]
    }

    private static func key(_ number: Int) -> PrimaryKey { PrimaryKey(.string("p\(number)")) }

    private func put(_ items: [Item]) async throws {
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
    }

    /// Stores items as earlier releases did.
    private func putEarlier(_ items: [Item]) async throws {
        try await store.write { transaction in
            for item in items { try Self.putEarlier(item, transaction.context) }
        }
    }

    /// Stores an item of the table `samples` as earlier releases did.
    static func putEarlier(_ item: Item, _ context: WriteContext) throws {
        let table = try context.catalog.table("samples")
        let primaryKey = try table.plan.definition.primaryKey(of: item)
        var key: [UInt8] = []
        try table.plan.encode(primaryKey, into: &key)
        let old = try context.image(table, key)
        let header = try context.writes.replacing(table, primaryKey, old, with: item).header
        let present = try ItemCodec.encode(
            item, header: header, excluding: table.plan.keyNames, shapes: context)
        let earlier = try EarlierItem.formatTwo(present, shapes: context)
        let new = try context.decode(earlier, key, table)
        let change = Change(table: table, key: key, old: old, new: new)
        for bytes in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, bytes)
        }
    }

    /// The format of a stored item.
    private func format(_ number: Int) throws -> UInt8? {
        try store.read { snapshot in
            try snapshot.view(in: "samples", key: Self.key(number)) { view in
                view.withStoredBytes { $0[0] >> 4 }
            }
        }
    }

    private func changes(_ count: Int) async throws -> [ChangeRecord] {
        var changes: [ChangeRecord] = []
        for try await change in store.changes(after: .trimHorizon) {
            changes.append(change)
            if changes.count == count { break }
        }
        return changes
    }

    @Test("Queries of both formats, side by side, give the same items", arguments: indexes)
    func queries(index: IndexDefinition) async throws {
        let items = (0..<40).map { Self.item($0) }
        try await put((0..<40).filter { $0 % 2 == 0 }.map { items[$0] })
        try await putEarlier((0..<40).filter { $0 % 2 == 1 }.map { items[$0] })
        #expect(try format(0) == 3 && format(1) == 2)
        let whole = index.projection == .all
        let expected = items.map { item in
            whole ? item : item.keeping { $0.name != "value" }
        }
        let start = try #require(items[10]["at"])
        let query = TableQuery(
            table: "samples", index: index.name, partition: ["g"], sort: .greaterOrEqual(start))
        #expect(try store.items(matching: query).items == Array(expected[10...]))
        let end = try #require(items[20]["ended"]?.string)
        let filtered = TableQuery(
            table: "samples", index: index.name, partition: ["g"],
            filter: Attribute<String>("ended") <= end)
        #expect(try store.items(matching: filtered).items == Array(expected[...20]))
        let report = try store.verify()
        #expect(report.isSound && report.itemCount == 40, "\(report.differences.prefix(3))")
    }

    @Test("A write that leaves the attributes as they are has no change in any format")
    func unchanged() async throws {
        try await putEarlier([Self.item(1)])
        #expect(try format(1) == 2)
        try await put([Self.item(1)])
        #expect(try format(1) == 3)
        try await put([Self.item(1)])
        try await put([Self.item(1, value: 7)])
        let changes = try await self.changes(2)
        #expect(changes.map(\.kind) == [.insert, .modify])
        #expect(try changes[0].newImage == Self.item(1))
        #expect(try changes[1].oldImage == Self.item(1))
        #expect(try changes[1].newImage == Self.item(1, value: 7))
        #expect(try store.verify().isSound)
    }

    @Test("A change of an item of format 2 has the text of both images")
    func changed() async throws {
        try await putEarlier([Self.item(1)])
        var later = Self.item(1)
        later["ended"] = "2030-01-01T00:00:00.000Z"
        try await put([later])
        let changes = try await self.changes(2)
        #expect(try changes[1].oldImage == Self.item(1))
        #expect(try changes[1].newImage == later)
        #expect(try format(1) == 3)
        #expect(try store.item(in: "samples", key: Self.key(1)) == later)
        #expect(try store.verify().isSound)
    }

    @Test("A store that is opened again has the text that was written")
    func reopened() async throws {
        let items = (0..<10).map { Self.item($0) }
        try await put(items)
        store.close()
        let opened = try Store(at: temporary.path)
        defer { opened.close() }
        let found = try opened.items(in: "samples", keys: (0..<10).map { Self.key($0) })
        #expect(found == items)
    }
}
