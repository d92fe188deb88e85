import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexCore
@testable import CodexStore

/// Migrations of items that earlier releases stored, in their formats of items.
@Suite("Items of earlier formats")
struct RenewedItemTests {
    struct Visit: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "visit", table: "samples", keys: ["partition": "VISIT#{id}"])
        var id: String
        var group: String
        var at: String
        var content: String?
    }

    private static let schema = Schema(tables: [
        SampleTable.definition(indexes: [
            IndexDefinition("copies", partitionKey: [KeyAttribute("group")], layout: .copies),
            IndexDefinition("references", partitionKey: [KeyAttribute("group")]),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("group")], projection: .include(["at"])),
        ])
    ]).adding(Visit.self)

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: Self.schema, options: StoreOptions(durability: .none))
    }

    private static func visit(_ number: Int) -> Visit {
        var visit = Visit(
            id: "\(number)", group: "g", at: "2025-11-05T09:30:00.00\(number)Z", content: nil)
        guard number == 3 else { return visit }
        // It is so large, also compressed, that it is stored in chunks.
        var random = SplitMix(seed: 1)
        visit.content = (0..<60_000).map { _ in String(random.below(10)) }.joined()
        return visit
    }

    private static func key(_ number: Int) -> PrimaryKey { PrimaryKey(.string("VISIT#\(number)")) }

    /// Stores five items as an earlier release did, and two as this one does.
    private func fill() async throws {
        let items = try (0..<5).map { try Self.visit($0).item() }
        let raw: Item = ["partition": "raw", "at": "2025-11-05T09:30:00.000Z"]
        try await store.write { transaction in
            for item in items + [raw] {
                try Self.putEarlier(item, transaction.context)
            }
        }
        for number in 5..<7 { try await store.put(Self.visit(number)) }
    }

    /// Stores an item in format 1, whose bytes differ in the first one alone.
    private static func putEarlier(_ item: Item, _ context: WriteContext) throws {
        let table = try context.catalog.table("samples")
        let primaryKey = try table.plan.definition.primaryKey(of: item)
        var key: [UInt8] = []
        try table.plan.encode(primaryKey, into: &key)
        let header = try context.writes.replacing(table, primaryKey, nil, with: item).header
        var bytes = try ItemCodec.encode(
            item, header: header, excluding: table.plan.keyNames, shapes: context)
        bytes[0] = ItemCodec.untaggedVersion << 4 | bytes[0] & 0x0F
        let new = try context.decode(bytes, key, table)
        let change = Change(table: table, key: key, old: nil, new: new)
        for stored in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, stored)
        }
    }

    /// The format, the version and the number of bytes of a stored item.
    private func form(_ key: PrimaryKey) throws -> [Int] {
        let form: [Int]? = try store.read { snapshot in
            try snapshot.view(in: "samples", key: key) { view in
                [
                    view.withStoredBytes { Int($0[0] >> 4) }, view.version,
                    view.withStoredBytes { $0.count },
                ]
            }
        }
        return try #require(form)
    }

    @Test(
        "A migration stores them in the present format, and keeps all else",
        arguments: [1, 2, 100])
    func renewed(batchCount: Int) async throws {
        try await fill()
        let forms = try (0..<7).map { try form(Self.key($0)) }
        #expect(forms.map { $0[0] } == [1, 1, 1, 1, 1, 2, 2])
        #expect(try store.itemsAwaitingMigration() == ["visit": 5])
        #expect(try store.itemsAwaitingMigration(of: Visit.self) == 5)
        let changeCount = try store.retainedChanges(after: .trimHorizon).count

        let report = try await store.migrate(Visit.self, batchCount: batchCount)
        #expect(report.examinedCount == 7 && report.migratedCount == 5)
        #expect(report.isComplete && report.failureCount == 0)
        #expect(try store.itemsAwaitingMigration().isEmpty)
        for number in 0..<7 {
            let (before, after) = (forms[number], try form(Self.key(number)))
            #expect(after == [2, before[1], before[2]])
            #expect(
                try store.get(Lookup<Visit>(partition: "VISIT#\(number)")) == Self.visit(number))
        }
        // A raw item is no entity's: only a write of it changes its format.
        #expect(try form(PrimaryKey("raw"))[0] == 1)
        #expect(try store.retainedChanges(after: .trimHorizon).count == changeCount)
        try store.expectSound()
        #expect(try await store.migrate(Visit.self).migratedCount == 0)
    }

    @Test("A migration that was interrupted goes on with the rest")
    func interrupted() async throws {
        try await fill()
        let store = temporary.store
        let migration = Task {
            try await store.migrate(Visit.self, batchCount: 2) { _ in
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await migration.value }
        let restCount = try store.itemsAwaitingMigration(of: Visit.self)
        #expect(restCount > 0 && restCount < 5)
        #expect(try await store.migrate(Visit.self).migratedCount == restCount)
        #expect(try store.itemsAwaitingMigration().isEmpty)
        try store.expectSound()
    }
}
