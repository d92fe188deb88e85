import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Lists of actions, tokens, deletions of ranges, scans.
@Suite("Lists, ranges and scans")
struct ListTests {
    let clock = ManualClock()
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws {
        let clock = clock
        var options = StoreOptions()
        options.use(clock)
        temporary = try TemporaryStore(
            schema: Schema(tables: [
                TableDefinition(
                    "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number),
                    indexes: [
                        IndexDefinition("one", partitionKey: [KeyAttribute("u")], isUnique: true),
                        IndexDefinition(
                            "tags", partitionKey: [KeyAttribute("tag")], multiValued: "tag"),
                    ])
            ]), options: options)
    }

    private func key(_ number: Int) -> PrimaryKey { PrimaryKey("p", .number(Number(number))) }

    private func item(_ number: Int, u: String? = nil) -> Item {
        var item: Item = ["p": "p", "s": .number(Number(number))]
        item["u"] = u.map { .string($0) }
        return item
    }

    @Test("Two items may exchange their unique keys in one list, and not take one twice")
    func exchange() async throws {
        try await store.perform([
            .put(table: "t", item(1, u: "a")), .put(table: "t", item(2, u: "b")),
        ])
        try await store.perform([
            .put(table: "t", item(1, u: "b")), .put(table: "t", item(2, u: "a")),
        ])
        #expect(try store.item(in: "t", key: key(1)) == item(1, u: "b"))
        do {
            try await store.perform([
                .put(table: "t", item(3)), .put(table: "t", item(4, u: "c")),
                .put(table: "t", item(5, u: "c")), .delete(table: "t", key: key(1)),
            ])
            Issue.record("one unique key was given to two items")
        } catch let error as CodexError {
            #expect(error.reasons.map { $0?.code } == [nil, nil, .uniqueViolation, nil])
        }
        #expect(try store.count(TableScan(table: "t")).count == 2)
        #expect(try store.verify().isSound)
    }

    @Test("A list with a token is done once, also after a restart, until the window is over")
    func tokens() async throws {
        let add: [WriteAction] = [
            .update(table: "t", key: key(1), Update().adding(1, to: Attribute<Int>("n")))
        ]
        #expect(try await store.perform(add, idempotencyToken: "once"))
        #expect(try await store.perform(add, idempotencyToken: "once") == false)
        await #expect(throws: CodexError(.idempotencyMismatch, "")) {
            try await store.perform(
                [.delete(table: "t", key: key(1))], idempotencyToken: "once")
        }
        store.close()
        let clock = clock
        var options = StoreOptions()
        options.use(clock)
        let again = try Store(at: temporary.path, options: options)
        clock.advance(by: 600)
        #expect(try await again.perform(add, idempotencyToken: "once") == false)
        clock.advance(by: 0.001)
        #expect(try await again.perform(add, idempotencyToken: "once"))
        #expect(try again.item(in: "t", key: key(1))?["n"] == 2)
        again.close()
    }

    @Test("A token whose list failed, or whose transaction was undone, is not remembered")
    func failedTokens() async throws {
        let list: [WriteAction] = [
            .put(table: "t", item(1), condition: .attributeExists("p"))
        ]
        for _ in 0..<2 {
            await #expect(throws: CodexError(.transactionCancelled, "")) {
                try await store.perform(list, idempotencyToken: "x")
            }
        }
        struct Abandon: Error {}
        let put: [WriteAction] = [.put(table: "t", item(1))]
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                try transaction.perform(put, idempotencyToken: "y")
                throw Abandon()
            }
        }
        #expect(try await store.perform(put, idempotencyToken: "y"))
    }

    @Test("A token has 1 to 36 bytes")
    func tokenLimits() async throws {
        for (count, isAllowed) in [(0, false), (1, true), (35, true), (36, true), (37, false)] {
            let token = String(repeating: "t", count: count)
            let actions: [WriteAction] = [.put(table: "t", item(count))]
            if isAllowed {
                #expect(try await store.perform(actions, idempotencyToken: token))
            } else {
                await #expect(throws: CodexError(.invalidArgument, "")) {
                    try await store.perform(actions, idempotencyToken: token)
                }
            }
        }
    }

    @Test("A partition or range is deleted whole, in batches of any size, through an index too")
    func deletion() async throws {
        for batchCount in [1, 3, 100] {
            try await store.write { transaction in
                for number in 0..<20 {
                    var item = item(number)
                    item["tag"] = .list(number % 2 == 0 ? ["x", "y"] : ["y"])
                    try transaction.put(item, in: "t")
                }
                try transaction.put(["p": "other", "s": 1], in: "t")
            }
            let range = TableQuery(table: "t", partition: ["p"], sort: .between(3, 6))
            #expect(try await store.deleteItems(matching: range, batchCount: batchCount) == 4)
            let tagged = TableQuery(table: "t", index: "tags", partition: ["x"])
            #expect(try await store.deleteItems(matching: tagged, batchCount: batchCount) == 8)
            let filtered = TableQuery(
                table: "t", partition: ["p"], filter: .attributeNotExists("tag"))
            #expect(try await store.deleteItems(matching: filtered, batchCount: batchCount) == 0)
            let all = TableQuery(table: "t", partition: ["p"])
            #expect(try await store.deleteItems(matching: all, batchCount: batchCount) == 8)
            #expect(try store.count(TableScan(table: "t")).count == 1)
            #expect(try store.verify().isSound)
        }
    }

    @Test("A multi-valued attribute has at most 1,000 elements")
    func elements() async throws {
        for (count, isAllowed) in [(999, true), (1000, true), (1001, false)] {
            var large = item(1)
            large["tag"] = .list((0..<count).map { .string("tag\($0)") })
            let item = large
            if isAllowed {
                try await store.put(item, in: "t")
                #expect(try store.count(TableScan(table: "t", index: "tags")).count == count)
            } else {
                await #expect(throws: CodexError(.invalidKey, "")) {
                    try await store.put(item, in: "t")
                }
            }
        }
        #expect(try store.verify().isSound)
    }

    @Test("Segments are as many as asked for, or fewer, and divide evenly")
    func segments() async throws {
        #expect(try store.segments(of: "t", count: 4).count == 1)
        try await store.write { transaction in
            for number in 0..<4000 {
                try transaction.put(
                    ["p": .string("p\(number % 400)"), "s": .number(Number(number))], in: "t")
            }
        }
        for count in [1, 2, 7, 16] {
            let segments = try store.segments(of: "t", count: count)
            let counts = try segments.map {
                try store.count(TableScan(table: "t", segment: $0)).count
            }
            #expect(counts.reduce(0, +) == 4000)
            #expect(segments.count == count)
            #expect(counts.allSatisfy { $0 < 4000 / count * 2 }, "\(counts)")
        }
        for count in [0, 1001] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try store.segments(of: "t", count: count)
            }
        }
    }

    @Test("A failing transaction of 100,000 items is undone, and its memory is bounded")
    func largeUndo() async throws {
        struct Abandon: Error {}
        try await store.put(item(-1), in: "t")
        let filler = AttributeValue.binary((0..<900).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try await store.write { transaction in
            for number in 0..<100 {
                try transaction.put(item(number), in: "t")
            }
        }
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                for round in 0..<2 {
                    for number in 0..<30_000 {
                        var item = item(number)
                        item["x"] = filler
                        item["round"] = .number(Number(round))
                        try transaction.put(item, in: "t")
                    }
                }
                throw Abandon()
            }
        }
        #expect(try store.count(TableScan(table: "t")).count == 101)
        #expect(try store.verify().isSound)
    }
}
