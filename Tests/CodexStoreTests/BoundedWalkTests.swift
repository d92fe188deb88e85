import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Walks that end after so much that they passed over.
@Suite("Bounded walks")
struct BoundedWalkTests {
    private static let table = SampleTable.definition(
        sort: .number, indexes: [IndexDefinition("byGroup", partitionKey: [KeyAttribute("group")])])
    private static let single = TableDefinition(
        "singles", partitionKey: KeyAttribute("partition"))

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: Schema(tables: [Self.table, Self.single]))
    }

    /// Adds partitions of so many items each.
    private func fill(_ partitionCount: Int, _ itemCount: Int) async throws {
        try await store.write { transaction in
            for partition in 0..<partitionCount {
                for number in 0..<itemCount {
                    let item: Item = [
                        "partition": .string("p\(partition)"),
                        "sort": .number(Number(number)), "group": "g",
                    ]
                    try transaction.put(item, in: "samples")
                }
                try transaction.put(["partition": .string("p\(partition)")], in: "singles")
            }
        }
    }

    private struct Walk {
        /// The keys of the partitions that were asked for.
        var asked: [String] = []
        /// How many items were passed on.
        var passedCount = 0
        /// Where the bound ended it.
        var stop: Item?
    }

    private func walk(
        _ scan: TableScan, after item: Item? = nil, bound: Int = .max,
        taking isTaken: (String) -> Bool
    ) throws -> Walk {
        var walk = Walk()
        var names = ["partition"]
        if scan.table == "samples" { names.append("sort") }
        if scan.index != nil { names.append("group") }
        walk.stop = try store.read { snapshot in
            try snapshot.forEach(
                scan, after: item,
                within: WalkBound(skippedCountMax: bound, keyNames: names),
                choosing: { partition in
                    let key = partition.string ?? ""
                    walk.asked.append(key)
                    return isTaken(key) ? .take : .skip
                }
            ) { _ in
                walk.passedCount += 1
                return true
            }
        }
        return walk
    }

    @Test("A partition that is passed over is asked for once, however many items it has")
    func seeks() async throws {
        try await fill(5, 1000)
        let none = try walk(TableScan(table: "samples")) { _ in false }
        #expect(none.asked == (0..<5).map { "p\($0)" })
        #expect(none.passedCount == 0 && none.stop == nil)
        let some = try walk(TableScan(table: "samples")) { $0 == "p1" || $0 == "p4" }
        #expect(some.passedCount == 2000)
        #expect(some.asked.count == 3 + 2000)
    }

    @Test("All partitions together have each item once, in tables and indexes")
    func complete() async throws {
        try await fill(7, 9)
        for scan in [
            TableScan(table: "samples"), TableScan(table: "samples", index: "byGroup"),
            TableScan(table: "singles"),
        ] {
            let counts = try (0..<7).map { number in
                try walk(scan) { $0 == "p\(number)" }.passedCount
            }
            #expect(counts == Array(repeating: scan.table == "singles" ? 1 : 9, count: 7))
        }
    }

    @Test("A walk ends at its bound, and another goes on behind it")
    func bounds() async throws {
        try await fill(10, 3)
        for (bound, isCut) in [(9, true), (10, true), (11, false)] {
            let walk = try walk(TableScan(table: "singles"), bound: bound) { _ in false }
            #expect((walk.stop != nil) == isCut && walk.asked.count == min(bound, 10))
        }
        var (position, asked): (Item?, [String]) = (nil, [])
        repeat {
            let walk = try walk(TableScan(table: "samples"), after: position, bound: 4) {
                $0 == "p9"
            }
            // A partition may be asked for again, with another of its items.
            for key in walk.asked where key != asked.last { asked.append(key) }
            position = walk.stop
        } while position != nil
        #expect(asked == (0..<10).map { "p\($0)" })
        let index = try walk(TableScan(table: "samples", index: "byGroup"), bound: 5) { _ in false }
        #expect(index.stop?.names == ["group", "partition", "sort"] && index.asked.count == 5)
    }

    @Test("Expired items count as passed over, in both directions")
    func expired() async throws {
        let temporary = try TemporaryStore(
            schema: ExpiryTests.schema, options: ExpiryTests.options(ManualClock()))
        try await temporary.store.write { transaction in
            for number in 0..<50 {
                var item: Item = ["partition": "p", "sort": .number(Number(number)), "group": "g"]
                if number < 49 { item["expires"] = .number(Number(ExpiryTests.start - 10)) }
                try transaction.put(item, in: "samples")
            }
        }
        for direction in [QueryDirection.forward, .backward] {
            var query = TableQuery(table: "samples", partition: ["p"])
            query.direction = direction
            var (position, found, walkCount): (Item?, [Int64?], Int) = (nil, [], 0)
            repeat {
                position = try temporary.store.read { snapshot in
                    try snapshot.forEach(
                        query, after: position,
                        within: WalkBound(skippedCountMax: 10, keyNames: ["partition", "sort"])
                    ) { view in
                        found.append(try view.int64("sort"))
                        return true
                    }
                }
                walkCount += 1
            } while position != nil
            #expect(found == [49] && walkCount == 5)
        }
    }
}
