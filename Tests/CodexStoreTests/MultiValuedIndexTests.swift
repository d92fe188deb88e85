import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Indexes with an entry for each element of an attribute.
@Suite("Multi-valued indexes")
struct MultiValuedIndexTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: SampleTable.taggedSchema)
    }

    @Test("A multi-valued attribute has at most 1,000 elements")
    func elements() async throws {
        for (count, isAllowed) in [(999, true), (1000, true), (1001, false)] {
            var large: Item = ["partition": "p", "sort": 1]
            large["tag"] = .list((0..<count).map { .string("tag\($0)") })
            let item = large
            if isAllowed {
                try await store.put(item, in: "samples")
                #expect(try store.count(TableScan(table: "samples", index: "tags")).count == count)
            } else {
                await #expect(throws: CodexError(.invalidKey, "")) {
                    try await store.put(item, in: "samples")
                }
            }
        }
        #expect(try store.verify().isSound)
    }
}
