import CodexCore
import CodexStore
import TestSupport
import Testing

/// ItemCollectionMetrics, and sizes and units that tables with local indexes have.
///
/// Sources: the API reference, ItemCollectionMetrics; the developer guide, "Local secondary
/// indexes", about read capacity.
@Suite("Item collections")
struct ItemCollectionTests {
    private typealias Object = ProtocolBench.Object

    private static let wanted = #""ReturnItemCollectionMetrics":"SIZE""#

    private func item(_ key: String, _ sort: String) -> String {
        #"{"p":{"S":"\#(key)"},"s":{"S":"\#(sort)"}}"#
    }

    /// A collection as its key and the bounds of its size in gigabytes.
    private func text(_ metrics: Any?) -> String {
        let metrics = metrics as? Object
        let key = metrics?["ItemCollectionKey"] as? [String: [String: String]] ?? [:]
        let bounds = metrics?["SizeEstimateRangeGB"] as? [Double] ?? []
        return "\(key["p"]?["S"] ?? "") \(key.count) \(bounds)"
    }

    private static let ofA = "a 1 [0.0, 1.0]"
    private static let ofB = "b 1 [0.0, 1.0]"

    @Test(
        "Single writes have the collection of their item",
        arguments: [
            ("PutItem", #""Item":{"p":{"S":"a"},"s":{"S":"b"},"x":{"S":"c"}}"#),
            ("UpdateItem", #""Key":{"p":{"S":"a"},"s":{"S":"b"}},"UpdateExpression":"SET v = p""#),
            ("DeleteItem", #""Key":{"p":{"S":"a"},"s":{"S":"b"}}"#),
        ])
    func single(operation: String, body: String) async throws {
        let bench = try await ProtocolBench()
        let object = try await bench.ok(
            operation, #"{"TableName":"rrr",\#(body),\#(Self.wanted)}"#)
        #expect(text(object["ItemCollectionMetrics"]) == Self.ofA)
        for rest in ["", #","ReturnItemCollectionMetrics":"NONE""#] {
            let without = try await bench.ok(operation, #"{"TableName":"rrr",\#(body)\#(rest)}"#)
            #expect(without["ItemCollectionMetrics"] == nil)
        }
    }

    @Test("A table without local indexes has none")
    func noIndexes() async throws {
        let bench = try await ProtocolBench()
        let object = try await bench.ok(
            "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"a"}},\#(Self.wanted)}"#)
        #expect(object["ItemCollectionMetrics"] == nil)
        let batch = try await bench.ok(
            "BatchWriteItem",
            #"{"RequestItems":{"ttt":[{"PutRequest":{"Item":{"p":{"S":"a"}}}}]},\#(Self.wanted)}"#)
        #expect(batch["ItemCollectionMetrics"] == nil)
    }

    @Test("Batches have each collection once")
    func batch() async throws {
        let bench = try await ProtocolBench()
        let puts = [item("a", "1"), item("b", "1"), item("a", "2")].map {
            #"{"PutRequest":{"Item":\#($0)}}"#
        }
        let object = try await bench.ok(
            "BatchWriteItem",
            #"{"RequestItems":{"rrr":[\#(puts.joined(separator: ","))],"ttt":[{"PutRequest":{"Item":{"p":{"S":"c"}}}}]},\#(Self.wanted)}"#
        )
        let metrics = try #require(object["ItemCollectionMetrics"] as? Object)
        #expect(metrics.keys.sorted() == ["rrr"])
        #expect((metrics["rrr"] as? [Any])?.map { text($0) } == [Self.ofA, Self.ofB])
    }

    @Test("Transactions have those of their writes")
    func transaction() async throws {
        let bench = try await ProtocolBench()
        let actions = [
            #"{"ConditionCheck":{"TableName":"rrr","Key":\#(item("c", "1")),"ConditionExpression":"attribute_not_exists(p)"}}"#,
            #"{"Put":{"TableName":"rrr","Item":\#(item("a", "1"))}}"#,
            #"{"Delete":{"TableName":"rrr","Key":\#(item("a", "2"))}}"#,
            #"{"Update":{"TableName":"rrr","Key":\#(item("b", "1")),"UpdateExpression":"SET v = p"}}"#,
        ]
        let object = try await bench.ok(
            "TransactWriteItems",
            #"{"TransactItems":[\#(actions.joined(separator: ","))],\#(Self.wanted)}"#)
        let metrics = try #require(object["ItemCollectionMetrics"] as? Object)
        #expect(metrics.keys.sorted() == ["rrr"])
        #expect((metrics["rrr"] as? [Any])?.map { text($0) } == [Self.ofA, Self.ofB])
    }

    // MARK: Units

    @Test("What a read through a local index fetches is charged to the table", arguments: [1, 2])
    func fetched(factor: Int) async throws {
        let bench = try await ProtocolBench()
        let far = String(repeating: "f", count: 5000)
        for number in 1...3 {
            try await bench.ok(
                "PutItem",
                #"{"TableName":"rrr","Item":{"p":{"S":"a"},"s":{"S":"\#(number)"},"x":{"S":"x"},"far":{"S":"\#(far)"}}}"#
            )
        }
        func units(_ names: String) async throws -> [Double?] {
            let object = try await bench.ok(
                "Query",
                #"{"TableName":"rrr","IndexName":"lsi1","KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"a"}},"ProjectionExpression":"\#(names)","ConsistentRead":\#(factor == 2),"ReturnConsumedCapacity":"INDEXES"}"#
            )
            let capacity = try #require(object["ConsumedCapacity"] as? Object)
            let index = (capacity["LocalSecondaryIndexes"] as? Object)?["lsi1"] as? Object
            return [
                (capacity["Table"] as? Object)?["CapacityUnits"] as? Double,
                index?["CapacityUnits"] as? Double, capacity["CapacityUnits"] as? Double,
            ]
        }
        let half = 0.5 * Double(factor)
        #expect(try await units("s") == [0, half, half])
        // Each item of two 4 KB is fetched by itself.
        #expect(try await units("far") == [6 * half, half, 7 * half])
    }

    // MARK: Sizes

    @Test("A table's size has its large values")
    func tableSize() async throws {
        let bench = try await ProtocolBench()
        func size() async throws -> Int {
            let object = try await bench.ok("DescribeTable", #"{"TableName":"ttt"}"#)
            let table = try #require(object["Table"] as? Object)
            return try #require(table["TableSizeBytes"] as? Int)
        }
        #expect(try await size() == 0)
        var random = SplitMix(seed: 1)
        let noise = (0..<300_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        try await bench.store.write { transaction in
            for number in 0..<10 {
                try transaction.put(["p": .string("\(number)"), "b": .binary(noise)], in: "ttt")
            }
        }
        let full = try await size()
        #expect((3_000_000...3_300_000).contains(full), "\(full)")
        for number in 0..<9 {
            try await bench.ok(
                "DeleteItem", #"{"TableName":"ttt","Key":{"p":{"S":"\#(number)"}}}"#)
        }
        let rest = try await size()
        #expect((300_000...400_000).contains(rest), "\(rest)")
    }
}
