import CodexCore
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Expired items in chunks, of which the first says that they are expired.
///
/// The other chunks are missing here: a read of one would be told.
@Suite("Expired items in chunks")
struct LargeExpiredTests {
    private static let schema = SampleTable.schema(
        sort: .number,
        indexes: [
            IndexDefinition("all", partitionKey: [KeyAttribute("group")]),
            IndexDefinition("copied", partitionKey: [KeyAttribute("group")], layout: .copies),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("group")], projection: .include(["content"])),
            IndexDefinition("one", partitionKey: [KeyAttribute("unique")], isUnique: true),
        ], timeToLive: "expires")
    private static let indexes: [String?] = [nil, "all", "copied", "some"]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    /// Stores six items, of which those with even numbers are large and expired.
    init() async throws {
        temporary = try TemporaryStore(
            schema: Self.schema, options: ExpiryTests.options(ManualClock()))
        for number in 0..<6 {
            var item: Item = ["partition": "p", "sort": .number(Number(number)), "group": "g"]
            if number.isMultiple(of: 2) {
                item["content"] = Self.filler(UInt64(number))
                item["expires"] = .number(Number(ExpiryTests.start - 10))
            }
            try await store.put(item, in: "samples")
        }
        try await cut()
    }

    private static func filler(_ seed: UInt64) -> AttributeValue {
        var random = SplitMix(seed: seed)
        return .binary((0..<60_000).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    /// Removes all chunks but the first of each value.
    private func cut() async throws {
        try await store.write { transaction in
            let context = transaction.context
            let chunks = context.catalog.overflow.chunks
            var keys: [[UInt8]] = []
            try context.transaction.withCursor(chunks) { cursor in
                var entry = unsafe try cursor.first()
                while let current = unsafe entry {
                    keys.append(unsafe Array(current.key))
                    unsafe entry = try cursor.next()
                }
            }
            for key in keys where key.suffix(4) != [0, 0, 0, 0] {
                try context.transaction.delete(chunks, key)
            }
            context.noteChange()
        }
    }

    private func query(_ index: String?, _ direction: QueryDirection) -> TableQuery {
        var query =
            index.map { TableQuery(table: "samples", index: $0, partition: ["g"]) }
            ?? TableQuery(table: "samples", partition: ["p"])
        query.direction = direction
        return query
    }

    private func numbers(_ items: [Item]) -> [Int64] {
        items.compactMap { $0["sort"]?.number?.int64 }
    }

    @Test("Reads of a key pass over them")
    func points() throws {
        for number in 0..<6 {
            let key = PrimaryKey("p", .number(Number(number)))
            #expect(try (store.item(in: "samples", key: key) == nil) == number.isMultiple(of: 2))
        }
    }

    @Test("Scans, queries and counts pass over them", arguments: indexes)
    func walks(index: String?) throws {
        let scan = TableScan(table: "samples", index: index)
        #expect(try numbers(store.items(scanning: scan).items) == [1, 3, 5])
        #expect(try store.count(scan).examinedCount == 6)
        let forward = query(index, .forward)
        #expect(try numbers(store.items(matching: forward).items) == [1, 3, 5])
        #expect(try numbers(store.items(matching: query(index, .backward)).items) == [5, 3, 1])
        #expect(try store.count(forward).count == 3)
    }

    @Test("Pages count them as read", arguments: indexes)
    func pages(index: String?) throws {
        var (token, found, examined): (PageToken?, [[Int64]], [Int]) = (nil, [], [])
        repeat {
            let page = try store.items(
                matching: query(index, .forward), limits: PageLimits(examined: 4), after: token)
            found.append(numbers(page.items))
            examined.append(page.examinedCount)
            token = page.next
        } while token != nil
        #expect(found == [[1, 3], [5]] && examined == [4, 2])
    }

    @Test("Walks with a bound end at one, by its key alone", arguments: indexes)
    func bounded(index: String?) throws {
        let names = index == nil ? ["partition", "sort"] : ["group", "partition", "sort"]
        var found: [Int64?] = []
        let stop = try store.read { snapshot in
            try snapshot.forEach(
                query(index, .forward),
                within: WalkBound(skippedCountMax: 2, keyNames: names)
            ) { view in
                found.append(try view.value("sort")?.number?.int64)
                return true
            }
        }
        #expect(found == [1])
        #expect(stop?.names == names && stop?["sort"] == .number(Number(2)))
    }

    @Test("A scan of one segment passes over them", arguments: [nil, "all", "copied"] as [String?])
    func partitions(index: String?) throws {
        var count = 0
        let stop = try store.read { snapshot in
            try snapshot.forEach(
                TableScan(table: "samples", index: index),
                within: WalkBound(skippedCountMax: 10, keyNames: ["partition", "sort"]),
                choosing: { _ in .take }
            ) { _ in
                count += 1
                return true
            }
        }
        #expect(count == 3 && stop == nil)
    }

    @Test(
        "One that is not expired is read whole; its first chunk tells who has a unique key",
        arguments: [nil, ExpiryTests.start + 10])
    func live(second: Int?) async throws {
        var item: Item = ["partition": "q", "sort": 1, "unique": "a", "content": Self.filler(7)]
        item["expires"] = second.map { .number(Number($0)) }
        try await store.put(item, in: "samples")
        try await cut()
        #expect(throws: CodexError(.corrupted, "")) {
            try store.item(in: "samples", key: PrimaryKey("q", .number(Number(1))))
        }
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(["partition": "q", "sort": 2, "unique": "a"], in: "samples")
        }
    }
}
