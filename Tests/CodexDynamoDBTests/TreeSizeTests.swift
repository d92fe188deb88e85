import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexDynamoDB

/// How the sizes of indexes are measured: of few items, and only if they are needed.
@Suite("Sizes of indexes")
struct TreeSizeTests {
    private static let table = SampleTable.definition(indexes: [
        IndexDefinition(
            "copies", partitionKey: [KeyAttribute("group")], projection: .include(["content"])),
        IndexDefinition(
            "references", partitionKey: [KeyAttribute("group")],
            projection: .include(["content"]), layout: .references),
        IndexDefinition("keys", partitionKey: [KeyAttribute("group")], projection: .keysOnly),
        IndexDefinition("all", partitionKey: [KeyAttribute("group")]),
    ])

    /// Counts the calls of a budget, whose time is over after some of them.
    private final class Calls: Sendable {
        private let state = Mutex(0)
        private let countMax: Int

        init(countMax: Int = .max) { self.countMax = countMax }

        var count: Int { state.withLock { $0 } }

        var budget: RequestBudget {
            RequestBudget(isOver: { [self] in
                state.withLock { count in
                    count += 1
                    return count > countMax
                }
            })
        }
    }

    private func store(_ count: Int, byteCount: Int) async throws -> TemporaryStore {
        let temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]), options: StoreOptions(durability: .none))
        let content = AttributeValue.string(String(repeating: "x", count: byteCount))
        try await temporary.store.write { transaction in
            for number in 0..<count {
                try transaction.put(
                    [
                        "partition": .string("p\(100 + number)"), "group": "g",
                        "content": content, "value": 1,
                    ], in: "samples")
            }
        }
        return temporary
    }

    @Test(
        "Of an INCLUDE index, few items are measured, and fewer large ones",
        arguments: [
            (0, 10, 0), (1, 10, 1), (15, 10, 15), (16, 10, 16), (17, 10, 16), (30, 10, 16),
            (30, 10_000, 7), (30, 100_000, 1),
        ])
    func measured(count: Int, byteCount: Int, measuredCount: Int) async throws {
        let temporary = try await store(count, byteCount: byteCount)
        let item: Item = [
            "partition": "p100", "group": "g",
            "content": .string(String(repeating: "x", count: byteCount)),
        ]
        for index in ["copies", "references"] {
            let calls = Calls()
            let sizes = try TreeSizes(
                temporary.store, Self.table, of: [index], within: calls.budget)
            // The time is looked at before each item, and at the end.
            #expect(calls.count == measuredCount + 1)
            #expect(sizes[index].count == count)
            #expect(sizes[index].byteCount == count * item.byteCount)
        }
    }

    @Test("Only the indexes that are asked for are measured")
    func asked() async throws {
        let temporary = try await store(5, byteCount: 10)
        for (names, callCount) in [
            ([], 0), (["keys", "all"], 0), (["keys", "copies"], 6), (nil, 12),
        ] as [([String]?, Int)] {
            let calls = Calls()
            let sizes = try TreeSizes(
                temporary.store, Self.table, of: names, within: calls.budget)
            #expect(calls.count == callCount)
            #expect(sizes[nil].count == 5 && sizes[nil].byteCount > 0)
            for index in Self.table.indexes.map(\.name) {
                #expect(sizes[index].count == (names?.contains(index) ?? true ? 5 : 0))
            }
        }
    }

    @Test("A measurement ends when the request's time is over", arguments: [0, 1, 5])
    func timed(callCount: Int) async throws {
        let temporary = try await store(20, byteCount: 10)
        let calls = Calls(countMax: callCount)
        #expect(throws: ServiceError.self) {
            try TreeSizes(temporary.store, Self.table, of: ["copies"], within: calls.budget)
        }
        #expect(calls.count == callCount + 2)
    }

    @Test("A description whose time is over is refused")
    func described() async throws {
        let temporary = try await store(20, byteCount: 10)
        let service = DynamoDBService(temporary.store)
        for (countMax, status) in [(1, 400), (.max, 200)] as [(Int, Int)] {
            let answer = await service.response(
                target: "DynamoDB_20120810.DescribeTable",
                body: Array(#"{"TableName":"samples"}"#.utf8),
                budget: Calls(countMax: countMax).budget)
            #expect(answer.status == status)
            let text = String(decoding: answer.body, as: UTF8.self)
            #expect(text.contains("ThrottlingException") == (status == 400))
        }
    }

    @Test("A write that asks for its item collection measures the local indexes alone")
    func collection() async throws {
        let service = try SampleService()
        let include = #"{"ProjectionType":"INCLUDE","NonKeyAttributes":["n"]}"#
        let local = TableJSON.index("local", ["Hp", "Rx"], projection: include)
        let global = TableJSON.index("global", ["Hx"], projection: include)
        let indexes = #""LocalSecondaryIndexes":[\#(local)],"GlobalSecondaryIndexes":[\#(global)]"#
        try await service.ok(
            "CreateTable",
            TableJSON.table(keys: ["Hp", "Rs"], names: ["Sp", "Ss", "Sx"], more: indexes))
        for number in 0..<3 {
            let item = #"{"p":{"S":"p"},"s":{"S":"\#(number)"},"x":{"S":"x"},"n":{"N":"1"}}"#
            try await service.ok("PutItem", #"{"TableName":"table","Item":\#(item)}"#)
        }
        func callCount(_ more: String) async -> Int {
            let calls = Calls()
            let item = #"{"p":{"S":"p"},"s":{"S":"0"},"x":{"S":"x"},"n":{"N":"1"}}"#
            let answer = await service.service.response(
                target: "DynamoDB_20120810.PutItem",
                body: Array(#"{"TableName":"table","Item":\#(item)\#(more)}"#.utf8),
                budget: calls.budget)
            #expect(answer.status == 200)
            return calls.count
        }
        let plain = await callCount("")
        #expect(await callCount(#","ReturnItemCollectionMetrics":"SIZE""#) == plain + 4)
    }
}
