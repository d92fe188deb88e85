import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Steps of builds that are in one transaction with other writes.
@Suite("A build's step and a write in one group")
struct SharedGroupTests {
    private static func item(_ number: Int, _ group: String) -> Item {
        [
            "partition": .string("p\(number)"), "group": .string(group),
            "weight": .number(Number(number)),
        ]
    }

    @Test(
        "A step does not bring back what a write before it, in the same transaction, moved",
        arguments: [IndexProjection.all, .keysOnly, .include(["weight"])])
    func moved(projection: IndexProjection) async throws {
        let temporary = try TemporaryStore(schema: SampleTable.schema())
        let store = temporary.store
        // More than is built at once.
        var number = 0
        try await store.load(into: "samples") {
            guard number < Builder.smallItemCount + 10 else { return nil }
            defer { number += 1 }
            return Self.item(number, "old")
        }
        // As if another process built: the step is made by hand.
        let lock = try #require(try FileLock("build.lock", in: try Directory(store.path)))
        try await store.addIndex(
            IndexDefinition(
                "late", partitionKey: [KeyAttribute("group")], projection: projection),
            to: "samples")
        let isShared = try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            let index = try #require(table.indexes.first { $0.state == .building })
            var keys: [[UInt8]] = []
            for number in [7, 8] {
                var primaryKey: [UInt8] = []
                try table.plan.encode(PrimaryKey(.string("p\(number)")), into: &primaryKey)
                keys += try index.plan.entryKeys(
                    for: Self.item(number, "old"), primaryKey: primaryKey)
            }
            try transaction.put(Self.item(7, "new"), in: "samples")
            let count = try BuildSteps(context).insertEntries(
                EntryBatch(keys: keys[...]), of: context.position.changeCount, table, index.part,
                // Not where the builder keeps how far it is.
                Array("by hand".utf8), .ample)
            return count == keys.count
        }
        #expect(isShared)
        lock.release()
        try await store.waitUntilReady()
        func count(_ group: String) throws -> Int {
            let query = TableQuery(
                table: "samples", index: "late", partition: [.string(group)])
            return try store.count(query).count
        }
        #expect(try count("old") == number - 1)
        #expect(try count("new") == 1)
        let report = try store.verify()
        #expect(report.differences.prefix(3).isEmpty)
    }
}
