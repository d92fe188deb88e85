import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Deletions of partitions and ranges.
@Suite("Deletions")
struct DeletionTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: SampleTable.taggedSchema)
    }

    @Test("A partition or range is deleted whole, in batches of any size, through an index too")
    func deletion() async throws {
        for batchCount in [1, 3, 100] {
            try await store.write { transaction in
                for number in 0..<20 {
                    var item: Item = ["partition": "p", "sort": .number(Number(number))]
                    item["tag"] = .list(number % 2 == 0 ? ["x", "y"] : ["y"])
                    try transaction.put(item, in: "samples")
                }
                try transaction.put(["partition": "other", "sort": 1], in: "samples")
            }
            let range = TableQuery(table: "samples", partition: ["p"], sort: .between(3, 6))
            #expect(try await store.deleteItems(matching: range, batchCount: batchCount) == 4)
            let tagged = TableQuery(table: "samples", index: "tags", partition: ["x"])
            #expect(try await store.deleteItems(matching: tagged, batchCount: batchCount) == 8)
            let filtered = TableQuery(
                table: "samples", partition: ["p"], filter: .attributeNotExists("tag"))
            #expect(try await store.deleteItems(matching: filtered, batchCount: batchCount) == 0)
            let all = TableQuery(table: "samples", partition: ["p"])
            #expect(try await store.deleteItems(matching: all, batchCount: batchCount) == 8)
            #expect(try store.count(TableScan(table: "samples")).count == 1)
            #expect(try store.verify().isSound)
        }
    }
}
