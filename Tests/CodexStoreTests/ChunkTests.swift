import CodexCore
import CodexStore
import CodexTesting
import Testing

/// Values that are stored in chunks.
@Suite("Values in chunks")
struct ChunkTests {
    @Test("Values around the size from which they are stored in chunks, changed and removed")
    func chunks() async throws {
        let schema = Schema(tables: [
            TableDefinition(
                "t", partitionKey: KeyAttribute("p"),
                indexes: [
                    IndexDefinition("all", partitionKey: [KeyAttribute("g")]),
                    IndexDefinition(
                        "some", partitionKey: [KeyAttribute("g")], projection: .include(["x"])),
                ])
        ])
        let temporary = try TemporaryStore(schema: schema)
        let store = temporary.store
        var random = SystemRandomNumberGenerator()
        let noise = (0..<400_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        for count in [16_300, 16_370, 16_384, 16_385, 32_736, 32_737, 400_000] {
            let item: Item = [
                "p": .string("\(count)"), "g": "g", "x": .binary(Array(noise.prefix(count))),
            ]
            try await store.put(item, in: "t")
            #expect(try store.item(in: "t", key: PrimaryKey(.string("\(count)"))) == item)
        }
        let all = TableQuery(table: "t", index: "all", partition: ["g"])
        let some = TableQuery(table: "t", index: "some", partition: ["g"])
        #expect(try store.items(matching: all).items == store.items(matching: some).items)
        #expect(try store.verify().isSound)
        struct Abandon: Error {}
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                try transaction.delete(in: "t", key: PrimaryKey("400000"))
                try transaction.put(["p": "16384", "g": "h"], in: "t")
                throw Abandon()
            }
        }
        #expect(try store.count(all).count == 7)
        #expect(try store.verify().isSound)
        try await store.deleteItems(matching: all)
        #expect(try store.stats().overflowByteCount == 0)
        #expect(try store.verify().isSound)
    }
}
