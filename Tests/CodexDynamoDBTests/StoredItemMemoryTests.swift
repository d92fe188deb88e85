import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexDynamoDB

/// What requests reserve of stored items that take many times their size in memory.
@Suite("Memory of stored items")
struct StoredItemMemoryTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let service: DynamoDBService

    /// The texts of an item: each counts one byte, and takes 24 in memory.
    private static let textCount = DynamoDBLimits.itemByteCountMax - 100
    private static let decodedByteCount = textCount * MemoryLayout<AttributeValue>.stride

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.single)
        service = DynamoDBService(temporary.store)
    }

    private static func item(_ number: Int) -> Item {
        let texts = [AttributeValue](repeating: .string(""), count: textCount)
        return ["p": .string("k\(number)"), "d": .list(texts)]
    }

    private func fill(_ count: Int) async throws {
        try await store.write { transaction in
            for number in 0..<count { try transaction.put(Self.item(number), in: "ttt") }
        }
    }

    private func count() throws -> Int {
        try store.stats().trees.first { $0.table == "ttt" && $0.index == nil }?.entryCount ?? 0
    }

    private func ask(
        _ operation: String, _ body: String, _ budget: RequestBudget
    ) async -> DynamoDBResponse {
        await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8), budget: budget)
    }

    private func contains(_ response: DynamoDBResponse, _ text: String) -> Bool {
        String(decoding: response.body.prefix(4096), as: UTF8.self).contains(text)
    }

    private static func target(_ number: Int) -> String {
        #""TableName":"ttt","Key":{"p":{"S":"k\#(number)"}}"#
    }

    // MARK: One item

    /// Requests that decode the item `k0`.
    private static let decoding: [(operation: String, body: String)] = [
        (
            "Query",
            #"{\#(query),"FilterExpression":"attribute_exists(d)"}"#
        ),
        ("Scan", #"{"TableName":"ttt","FilterExpression":"attribute_exists(d)"}"#),
        ("PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"k0"}}}"#),
        (
            "PutItem",
            #"{"TableName":"ttt","Item":{"p":{"S":"k0"}},"ConditionExpression":"attribute_exists(d)"}"#
        ),
        ("UpdateItem", #"{\#(target(0)),"UpdateExpression":"SET n=p"}"#),
        ("UpdateItem", "{\(target(0))}"),
        (
            "BatchWriteItem",
            #"{"RequestItems":{"ttt":[{"PutRequest":{"Item":{"p":{"S":"k0"}}}}]},"ReturnConsumedCapacity":"TOTAL"}"#
        ),
        ("TransactWriteItems", #"{"TransactItems":[{"Delete":{\#(target(0))}}]}"#),
    ]

    /// Requests that read parts of the item `k0` from its bytes, or check a condition on it there;
    /// the last one removes it.
    private static let inPlace: [(operation: String, body: String)] = [
        ("GetItem", "{\(part)}"),
        (
            "BatchGetItem",
            #"{"RequestItems":{"ttt":{"Keys":[{"p":{"S":"k0"}}],"ProjectionExpression":"d[0]"}}}"#
        ),
        ("TransactGetItems", #"{"TransactItems":[{"Get":{\#(part)}}]}"#),
        ("Query", #"{\#(query),"ProjectionExpression":"d[0]"}"#),
        ("Scan", #"{"TableName":"ttt","ProjectionExpression":"d[0]"}"#),
        ("TransactWriteItems", check("attribute_exists(p)")),
        ("TransactWriteItems", check("NOT contains(d,p)")),
        ("DeleteItem", #"{\#(target(0)),"ConditionExpression":"attribute_exists(d)"}"#),
    ]

    private static let part = #"\#(target(0)),"ProjectionExpression":"d[0]""#

    private static func check(_ condition: String) -> String {
        #"{"TransactItems":[{"ConditionCheck":{\#(target(0)),"ConditionExpression":"\#(condition)"}}]}"#
    }

    private static let query =
        #""TableName":"ttt","KeyConditionExpression":"p=:p","ExpressionAttributeValues":{":p":{"S":"k0"}}"#

    /// Requests whose responses have the whole item `k0`, which are written from its bytes.
    private static let writing: [(operation: String, body: String)] = [
        ("GetItem", "{\(target(0))}"),
        ("GetItem", #"{\#(target(0)),"ProjectionExpression":"d"}"#),
        ("BatchGetItem", #"{"RequestItems":{"ttt":{"Keys":[{"p":{"S":"k0"}}]}}}"#),
        ("TransactGetItems", #"{"TransactItems":[{"Get":{\#(target(0))}}]}"#),
        ("Query", "{\(query)}"),
        ("Scan", #"{"TableName":"ttt"}"#),
        ("PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"k0"}},"ReturnValues":"ALL_OLD"}"#),
        ("DeleteItem", #"{\#(target(0)),"ReturnValues":"ALL_OLD"}"#),
        (
            "DeleteItem",
            #"{\#(target(0)),"ReturnValues":"ALL_OLD","ReturnConsumedCapacity":"TOTAL"}"#
        ),
    ]

    @Test("An item is not decoded before its memory is granted, and a refusal changes nothing")
    func refused() async throws {
        try await fill(1)
        for (operation, body) in Self.decoding {
            let meter = MemoryMeter(limit: Self.decodedByteCount)
            let response = await ask(operation, body, meter.budget())
            #expect(contains(response, "ThrottlingException"), "\(operation)")
            #expect(meter.peak <= Self.decodedByteCount, "\(operation)")
        }
        #expect(try store.item(in: "ttt", key: PrimaryKey("k0")) == Self.item(0))
    }

    @Test(
        "The memory of an item is given back once it is not needed, and the response keeps its own",
        arguments: StoredItemMemoryTests.decoding.indices)
    func granted(request: Int) async throws {
        try await fill(1)
        let meter = MemoryMeter()
        let (operation, body) = Self.decoding[request]
        let response = await ask(operation, body, meter.budget())
        #expect(response.status == 200, "\(operation)")
        #expect(meter.peak > Self.decodedByteCount)
        let rest = meter.byteCount - response.byteCount
        #expect(rest > -1000 && rest < ResponseWriter.partByteCount, "\(operation): \(rest)")
    }

    @Test("A whole item is written from its bytes, and a refusal changes nothing")
    func written() async throws {
        try await fill(1)
        for (operation, body) in Self.writing {
            let refused = await ask(operation, body, MemoryMeter(limit: Self.textCount).budget())
            #expect(contains(refused, "ThrottlingException"), "\(operation)")
        }
        #expect(try store.item(in: "ttt", key: PrimaryKey("k0")) == Self.item(0))
        for (operation, body) in Self.writing {
            await expectWritten(operation, body)
            // The item may be replaced or removed.
            if ["PutItem", "DeleteItem"].contains(operation) { try await fill(1) }
        }
    }

    private func expectWritten(_ operation: String, _ body: String) async {
        let meter = MemoryMeter()
        let response = await ask(operation, body, meter.budget())
        #expect(response.status == 200 && response.byteCount > 9 * Self.textCount, "\(operation)")
        // A replaced item alone is decoded, too.
        let decodedByteCount = operation == "PutItem" ? Self.decodedByteCount : 0
        #expect(
            meter.peak < response.byteCount + decodedByteCount + 10 * Self.textCount, "\(operation)"
        )
    }

    @Test("Parts of an item and its conditions are read from its bytes, and can be refused")
    func readInPlace() async throws {
        try await fill(1)
        for (operation, body) in Self.inPlace {
            let refused = await ask(operation, body, MemoryMeter(limit: Self.textCount).budget())
            #expect(contains(refused, "ThrottlingException"), "\(operation)")
            let meter = MemoryMeter()
            let response = await ask(operation, body, meter.budget())
            #expect(response.status == 200 && response.byteCount < 1000, "\(operation)")
            #expect(meter.peak < Self.decodedByteCount / 2, "\(operation)")
            #expect(meter.byteCount < ResponseWriter.partByteCount, "\(operation)")
        }
        #expect(try count() == 0)
    }

    @Test(
        "A delete that is asked for its capacity decodes no value",
        arguments: ["TOTAL", "INDEXES"])
    func measuredDelete(detail: String) async throws {
        try await fill(1)
        let body = #"{\#(Self.target(0)),"ReturnConsumedCapacity":"\#(detail)"}"#
        let meter = MemoryMeter()
        let response = await ask("DeleteItem", body, meter.budget())
        #expect(contains(response, #""CapacityUnits":400.0"#))
        #expect(meter.peak < Self.decodedByteCount / 2)
        #expect(try count() == 0)
        let missing = await ask("DeleteItem", body, meter.budget())
        #expect(contains(missing, #""CapacityUnits":1.0"#))
    }

    @Test("A large item is read and written in one turn of the executor")
    func oneTurn() async throws {
        try await fill(1)
        let (executor, meter) = (QueueExecutor(), MemoryMeter())
        let response = await ask(
            "GetItem", "{\(Self.target(0))}", meter.budget(executor: executor))
        #expect(response.status == 200 && executor.jobCount == 1)
        #expect(meter.byteCountOnQueue >= response.byteCount)
    }

    @Test("Large items of pages and batches are read and written by the executor")
    func pages() async throws {
        try await fill(2)
        for (operation, body) in [
            ("Scan", #"{"TableName":"ttt"}"#),
            (
                "BatchGetItem",
                #"{"RequestItems":{"ttt":{"Keys":[{"p":{"S":"k0"}},{"p":{"S":"k1"}}]}}}"#
            ),
        ] {
            let meter = MemoryMeter()
            let response = await ask(operation, body, meter.budget(executor: QueueExecutor()))
            #expect(response.status == 200, "\(operation)")
            #expect(meter.byteCountOnQueue >= response.byteCount, "\(operation)")
        }
    }

    // MARK: Several items

    private func transaction(_ action: String, _ count: Int, _ more: String = "") -> String {
        let actions = (0..<count).map { #"{"\#(action)":{\#(Self.target($0))\#(more)}}"# }
        return #"{"TransactItems":[\#(actions.joined(separator: ","))]}"#
    }

    @Test("A batch of writes has one of its items in memory")
    func batchWrites() async throws {
        try await fill(5)
        let deletes = (0..<5).map { #"{"DeleteRequest":{"Key":{"p":{"S":"k\#($0)"}}}}"# }
        let meter = MemoryMeter()
        let response = await ask(
            "BatchWriteItem",
            #"{"RequestItems":{"ttt":[\#(deletes.joined(separator: ","))]},"ReturnConsumedCapacity":"TOTAL"}"#,
            meter.budget())
        #expect(response.status == 200 && contains(response, #""CapacityUnits":2000.0"#))
        #expect(meter.peak < 2 * Self.decodedByteCount)
        #expect(try count() == 0)
    }

    @Test("The items of a transaction's reads are in memory one by one, and have a bound as JSON")
    func transactionReads() async throws {
        try await fill(10)
        for count in [9, 10] {
            let meter = MemoryMeter()
            let response = await ask(
                "TransactGetItems", transaction("Get", count), meter.budget())
            #expect((response.status == 200) == (count == 9), "\(count)")
            #expect(contains(response, "ValidationException") == (count == 10), "\(count)")
            #expect(meter.peak < ResponseWriter.transactionByteCountMax + Self.decodedByteCount)
        }
    }

    @Test("The items that a transaction changes have a bound in memory")
    func transactionWrites() async throws {
        try await fill(10)
        // The refused one comes first, and leaves all items.
        for (count, leftCount) in [(10, 10), (3, 7)] {
            let meter = MemoryMeter()
            let response = await ask(
                "TransactWriteItems", transaction("Delete", count), meter.budget())
            #expect((response.status == 200) == (count == 3), "\(count)")
            #expect(contains(response, "ValidationException") == (count == 10), "\(count)")
            #expect(meter.peak <= 48 << 20, "\(count)")
            #expect(try self.count() == leftCount)
        }
    }

    @Test("Items that a transaction only checks are in memory one by one")
    func checks() async throws {
        try await fill(6)
        for (condition, holds) in [
            ("attribute_exists(p)", true), ("attribute_not_exists(p)", false),
        ] {
            let meter = MemoryMeter()
            let response = await ask(
                "TransactWriteItems",
                transaction("ConditionCheck", 6, #","ConditionExpression":"\#(condition)""#),
                meter.budget())
            #expect((response.status == 200) == holds, "\(condition)")
            #expect(meter.peak < Self.decodedByteCount, "\(condition)")
            #expect(meter.byteCount < ResponseWriter.partByteCount, "\(condition)")
        }
    }

    @Test("An update that makes a large item of a small one reserves it in a transaction")
    func grownItems() async throws {
        let list = AttributeValue.list([AttributeValue](repeating: .string(""), count: 1000))
        try await store.write { transaction in
            for number in 0..<10 {
                try transaction.put(["p": .string("k\(number)"), "d": list], in: "ttt")
            }
        }
        let sets = (0..<190).map { "a\($0)=list_append(d,d)" }.joined(separator: ",")
        let meter = MemoryMeter()
        let response = await ask(
            "TransactWriteItems",
            transaction("Update", 10, #","UpdateExpression":"SET \#(sets)""#), meter.budget())
        #expect(contains(response, "ValidationException"))
        #expect(meter.peak <= 48 << 20)
    }

    // MARK: Errors

    private static let fails =
        #","ConditionExpression":"attribute_not_exists(p)","ReturnValuesOnConditionCheckFailure":"ALL_OLD""#

    @Test("An error with items comes in parts, which the executor writes and reserves")
    func failures() async throws {
        try await fill(3)
        let (executor, meter) = (QueueExecutor(), MemoryMeter())
        let response = await ask(
            "TransactWriteItems", transaction("ConditionCheck", 3, Self.fails),
            meter.budget(executor: executor))
        #expect(contains(response, "TransactionCanceledException"))
        // Each text is {"S":""} and a comma.
        #expect(response.byteCount > 3 * 9 * Self.textCount)
        #expect(response.parts.allSatisfy { $0.count < 2 * ResponseWriter.partByteCount })
        #expect(executor.jobCount > 0)
        let rest = meter.byteCount - response.byteCount
        #expect(rest >= 0 && rest < ResponseWriter.partByteCount)
    }

    private func count(_ text: String, in response: DynamoDBResponse) -> Int {
        String(decoding: response.body, as: UTF8.self).components(separatedBy: text).count - 1
    }

    @Test("An error leaves out items from the first that does not fit on, and nothing else")
    func longFailures() async throws {
        try await fill(10)
        // It would fit.
        let small: Item = ["p": "k10"]
        _ = try await store.write { transaction in try transaction.put(small, in: "ttt") }
        let meter = MemoryMeter()
        let response = await ask(
            "TransactWriteItems", transaction("ConditionCheck", 11, Self.fails), meter.budget())
        #expect(contains(response, "TransactionCanceledException"))
        #expect(count(#""Code":"ConditionalCheckFailed""#, in: response) == 11)
        #expect(count(#""Message":"The conditional request failed""#, in: response) == 11)
        #expect(count(#""Item":{"#, in: response) == 3)
        #expect(response.byteCount < ResponseWriter.cancellationByteCountMax)
        // The items wait in their stored form, and not decoded.
        #expect(meter.peak < ResponseWriter.cancellationByteCountMax + Self.decodedByteCount / 2)
    }

    /// The actions of a transaction, each with what follows its target.
    private func transaction(_ actions: [(kind: String, more: String)]) -> String {
        let parts = actions.enumerated().map { number, action in
            #"{"\#(action.kind)":{\#(Self.target(number))\#(action.more)}}"#
        }
        return #"{"TransactItems":[\#(parts.joined(separator: ","))]}"#
    }

    @Test("An error with an item needs no memory of the changes that were not made")
    func droppedChanges() async throws {
        try await fill(2)
        // The item to delete is decoded, and not kept until the other one is written.
        let meter = MemoryMeter(limit: 13_000_000)
        let response = await ask(
            "TransactWriteItems", transaction([("ConditionCheck", Self.fails), ("Delete", "")]),
            meter.budget())
        #expect(contains(response, "TransactionCanceledException"))
        #expect(count(#""Item":{"#, in: response) == 1)
        #expect(meter.peak > Self.decodedByteCount)
        #expect(try count() == 2)
    }

    @Test("Decoded items of an error leave the memory as they are written")
    func writtenFailures() async throws {
        try await fill(2)
        // Both are decoded, and then the response grows.
        let meter = MemoryMeter(limit: 28_000_000)
        let response = await ask(
            "TransactWriteItems", transaction("Delete", 2, Self.fails), meter.budget())
        #expect(contains(response, "TransactionCanceledException"))
        #expect(count(#""Item":{"#, in: response) == 2)
        #expect(meter.peak > 2 * Self.decodedByteCount)
    }

    @Test("Items that fill the memory of a transaction do not keep another from being written")
    func fullMemory() async throws {
        try await fill(5)
        // The first item inflates to 2 MB, and the last one fills up the 48 MiB.
        let numbers = try (1...9).map { try Number(parsing: "\($0)e18") }
        let sets = [AttributeValue](
            repeating: .numberSet(AttributeSet(numbers)), count: 21_000)
        let texts = [AttributeValue](repeating: .string(""), count: 60_000)
        let items: [Item] = [["p": "k0", "d": .list(sets)], ["p": "k5", "d": .list(texts)]]
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "ttt") }
        }
        let meter = MemoryMeter()
        let kinds = ["ConditionCheck"] + [String](repeating: "Delete", count: 5)
        let response = await ask(
            "TransactWriteItems", transaction(kinds.map { (kind: $0, more: Self.fails) }),
            meter.budget())
        #expect(contains(response, "TransactionCanceledException"))
        #expect(count(#""Code":"ConditionalCheckFailed""#, in: response) == 6)
        // The first has 4.4 MB of JSON, and the others 3.7 MB each.
        #expect(count(#""Item":{"#, in: response) == 3)
        #expect(meter.peak > 47_000_000)
    }

    @Test("An error with an item for which there is no memory is a ThrottlingException")
    func refusedFailure() async throws {
        try await fill(1)
        // The item can be checked, but not written.
        let meter = MemoryMeter(limit: 3_000_000)
        let response = await ask(
            "DeleteItem", "{\(Self.target(0))\(Self.fails)}", meter.budget())
        #expect(contains(response, "ThrottlingException") && response.byteCount < 1000)
        #expect(meter.peak > 2_500_000)
        #expect(try count() == 1)
    }

    /// Writes of the item `k0` whose condition fails.
    private static let failing: [(operation: String, body: String)] = [
        ("PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"k0"}}\#(fails)}"#),
        ("UpdateItem", #"{\#(target(0)),"UpdateExpression":"SET n=p"\#(fails)}"#),
        ("DeleteItem", "{\(target(0))\(fails)}"),
    ]

    @Test("A single write whose condition fails decodes no item, and returns it from its bytes")
    func failedWrites() async throws {
        try await fill(1)
        for (operation, body) in Self.failing { await failToWrite(operation, body) }
        #expect(try store.item(in: "ttt", key: PrimaryKey("k0")) == Self.item(0))
    }

    private func failToWrite(_ operation: String, _ body: String) async {
        let meter = MemoryMeter()
        let response = await ask(operation, body, meter.budget())
        #expect(contains(response, "ConditionalCheckFailedException"), "\(operation)")
        #expect(count(#""Item":{"#, in: response) == 1)
        #expect(response.byteCount > 9 * Self.textCount)
        #expect(meter.peak < response.byteCount + Self.decodedByteCount / 2, "\(operation)")
        let rest = meter.byteCount - response.byteCount
        #expect(rest > -1000 && rest < ResponseWriter.partByteCount, "\(operation): \(rest)")
        let withoutItem = body.replacingOccurrences(of: "ALL_OLD", with: "NONE")
        let shortMeter = MemoryMeter()
        let short = await ask(operation, withoutItem, shortMeter.budget())
        #expect(contains(short, "ConditionalCheckFailedException") && short.byteCount < 1000)
        #expect(shortMeter.peak < Self.decodedByteCount / 2, "\(operation)")
        #expect(shortMeter.byteCount < ResponseWriter.partByteCount, "\(operation)")
    }

    // MARK: Streams

    @Test("Records are written one image at a time, in parts that are reserved")
    func records() async throws {
        let body =
            #"{"TableName":"ttt","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#
        #expect(await ask("UpdateTable", body, RequestBudget()).status == 200)
        try await fill(1)
        var changed = Self.item(0)
        changed["n"] = 1
        let new = changed
        _ = try await store.write { transaction in try transaction.put(new, in: "ttt") }
        let iterator = try await iterator()
        let request = Array(#"{"ShardIterator":"\#(iterator)"}"#.utf8)
        func page(_ budget: RequestBudget) async -> DynamoDBResponse {
            await service.response(
                target: "DynamoDBStreams_20120810.GetRecords", body: request, budget: budget)
        }
        let meter = MemoryMeter()
        let response = await page(meter.budget())
        // A page ends after a mebibyte of records: the first has one image.
        #expect(response.status == 200 && response.byteCount > 9 * Self.textCount)
        #expect(response.parts.allSatisfy { $0.count < 2 * ResponseWriter.partByteCount })
        #expect(meter.peak > Self.decodedByteCount && meter.byteCount >= response.byteCount - 1000)
        let little = await page(MemoryMeter(limit: Self.decodedByteCount).budget())
        #expect(contains(little, "ThrottlingException"))
    }

    /// The iterator of the only stream, from its beginning on.
    private func iterator() async throws -> String {
        func ask(_ operation: String, _ body: String) async throws -> [String: Any] {
            let response = await service.response(
                target: "DynamoDBStreams_20120810." + operation, body: Array(body.utf8))
            return try #require(
                try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
        }
        let streams = try await ask("ListStreams", "{}")["Streams"] as? [[String: Any]]
        let arn = try #require(streams?.first?["StreamArn"] as? String)
        let stream =
            try await ask("DescribeStream", #"{"StreamArn":"\#(arn)"}"#)["StreamDescription"]
            as? [String: Any]
        let shards = stream?["Shards"] as? [[String: Any]]
        let shard = try #require(shards?.first?["ShardId"] as? String)
        let body =
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"TRIM_HORIZON"}"#
        return try #require(try await ask("GetShardIterator", body)["ShardIterator"] as? String)
    }
}
