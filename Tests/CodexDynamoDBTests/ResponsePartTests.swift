import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexDynamoDB

/// Responses in parts: what they are of, where they are written, and how long they may be.
@Suite("Parts of responses")
struct ResponsePartTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let service: DynamoDBService

    init() throws {
        let table = TableDefinition(
            "ttt", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number))
        temporary = try TemporaryStore(schema: Schema(tables: [table]))
        service = DynamoDBService(temporary.store)
    }

    private func ask(
        _ operation: String, _ body: String, _ budget: RequestBudget = RequestBudget()
    ) async -> DynamoDBResponse {
        await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8), budget: budget)
    }

    private func put(_ attributes: Item, _ number: Int = 0) async throws {
        var item = attributes
        item["p"] = "p"
        item["s"] = .number(Number(number))
        let stored = item
        _ = try await store.write { transaction in try transaction.put(stored, in: "ttt") }
    }

    private static func key(_ number: Int) -> String {
        #"{"p":{"S":"p"},"s":{"N":"\#(number)"}}"#
    }

    private static let get = #"{"TableName":"ttt","Key":\#(key(0))}"#
    private static let query =
        #"{"TableName":"ttt","KeyConditionExpression":"p=:p","ExpressionAttributeValues":{":p":{"S":"p"}}}"#
    private static let batchGet = #"{"RequestItems":{"ttt":{"Keys":[\#(key(0))]}}}"#

    // MARK: Items

    /// Numbers of three bytes, each of which has 135 in JSON.
    private static func largeNumbers(_ count: Int = 130_000) throws -> AttributeValue {
        .list([AttributeValue](repeating: .number(try Number(parsing: "9E125")), count: count))
    }

    /// A value whose JSON has several parts.
    private static func largeValue(_ kind: String) throws -> AttributeValue {
        switch kind {
        case "text": .string(String(repeating: "\u{1}\"\\é😀", count: 20_000))
        case "binary": .binary((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        case "texts": .list([AttributeValue](repeating: .string(""), count: 50_000))
        case "numbers": try largeNumbers(10_000)
        case "stringSet": .stringSet(AttributeSet((0..<25_000).map { "\"\($0)" }))
        case "numberSet": .numberSet(AttributeSet((0..<30_000).map { Number($0) }))
        case "binarySet":
            .binarySet(AttributeSet((0..<40_000).map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }))
        case "map":
            .map(
                AttributeMap(
                    (0..<1000).map { number -> (String, AttributeValue) in
                        ("\(number)" + String(repeating: "n", count: 300), .null)
                    }))
        default: .map([String(repeating: "\u{2}", count: 60_000): .list([.map([:]), .list([])])])
        }
    }

    @Test(
        "An item that is written in parts is the one that is written at once",
        arguments: [
            "text", "binary", "texts", "numbers", "stringSet", "numberSet", "binarySet", "map",
            "name",
        ])
    func items(kind: String) async throws {
        try await put(["d": Self.largeValue(kind), "e": true])
        let stored = try #require(
            try store.item(in: "ttt", key: PrimaryKey("p", .number(Number(0)))))
        let response = await ask("GetItem", Self.get)
        let isSame = response.body == Array(#"{"Item":\#(DynamoDBJSON.text(stored))}"#.utf8)
        #expect(isSame && response.parts.count > 2)
        // Each part but the last is one piece of the item.
        #expect(response.parts.allSatisfy { $0.count < ResponseWriter.partByteCount + (20 << 10) })
        #expect(response.parts.dropLast().allSatisfy { $0.count >= ResponseWriter.partByteCount })
        let old = await ask(
            "DeleteItem", #"{"TableName":"ttt","Key":\#(Self.key(0)),"ReturnValues":"ALL_OLD"}"#)
        #expect(old.parts.allSatisfy { $0.count < 2 * ResponseWriter.partByteCount })
        #expect(old.body.count == response.body.count + "Attributes".count - "Item".count)
    }

    @Test("Attributes that a write returns are the same below and above the size of small ones")
    func returnedAttributes() async throws {
        for count in [4000, 4100, 70_000] {
            let text = String(repeating: "x", count: count)
            let put =
                #"{"TableName":"ttt","Item":{"p":{"S":"p"},"s":{"N":"0"},"d":{"S":"\#(text)"}}}"#
            _ = await ask("PutItem", put)
            let update =
                #"{"TableName":"ttt","Key":\#(Self.key(0)),"UpdateExpression":"SET d=d","#
                + #""ReturnValues":"UPDATED_OLD","ReturnConsumedCapacity":"TOTAL"}"#
            let response = await ask("UpdateItem", update)
            let units = (count + 5 + 1023) / 1024
            let expected =
                #"{"Attributes":{"d":{"S":"\#(text)"}},"ConsumedCapacity":"#
                + #"{"TableName":"ttt","CapacityUnits":\#(units).0}}"#
            #expect(String(decoding: response.body, as: UTF8.self) == expected)
        }
    }

    // MARK: Lengths

    @Test("A page ends once its JSON is long, however small its items count")
    func longPage() async throws {
        for number in 0..<2 { try await put(["d": Self.largeNumbers()], number) }
        let response = await ask("Query", Self.query)
        let end = String(decoding: response.body.suffix(200), as: UTF8.self)
        #expect(response.byteCount > ResponseWriter.pageByteCountMax)
        #expect(end.contains(#""Count":1,"ScannedCount":1,"LastEvaluatedKey""#))
    }

    @Test("The item with the longest JSON for its size fits into a response")
    func longestItem() async throws {
        // Of two bytes each, and of 135 with quotes and comma.
        let numbers = try (1...99).map { try Number(parsing: "\($0)E-130") }
        let set = AttributeValue.numberSet(AttributeSet(numbers))
        let item: Item = ["d": .list([AttributeValue](repeating: set, count: 2050))]
        try await put(item)
        let response = await ask("GetItem", Self.get)
        #expect(response.status == 200 && response.byteCount > 67 * item.byteCount)
        #expect(response.byteCount < ResponseWriter.byteCountMax)
    }

    private func read(
        _ count: Int, _ budget: RequestBudget = RequestBudget()
    ) async -> DynamoDBResponse {
        let gets = (0..<count).map { #"{"Get":{"TableName":"ttt","Key":\#(Self.key($0))}}"# }
        return await ask(
            "TransactGetItems", #"{"TransactItems":[\#(gets.joined(separator: ","))]}"#, budget)
    }

    /// The value of an item of nearly 400 KB.
    private static func usualValue(_ kind: String) -> AttributeValue {
        switch kind {
        // Of 2 and 3 bytes each, and of 15 and 11 in JSON.
        case "Booleans": .list([AttributeValue](repeating: false, count: 204_700))
        case "digits": .list([AttributeValue](repeating: 17, count: 136_000))
        default: .string(String(repeating: "\u{1}", count: 409_500))
        }
    }

    @Test(
        "A transaction reads 4 MiB of Booleans, of digits, or of text that is escaped",
        arguments: ["Booleans", "digits", "text"])
    func usualTransaction(kind: String) async throws {
        for number in 0..<10 { try await put(["d": Self.usualValue(kind)], number) }
        let response = await read(10)
        #expect(response.status == 200 && response.byteCount > 12 << 20)
    }

    @Test("The response of a transaction of reads has 32 MiB, and not a byte more")
    func transactionLimit() async throws {
        for number in 0..<2 { try await put(["d": Self.largeNumbers(123_500)], number) }
        func read(_ byteCount: Int) async throws -> DynamoDBResponse {
            try await put(["d": .string(String(repeating: "x", count: byteCount))], 2)
            return await self.read(3)
        }
        let short = try await read(100_000)
        try #require(short.status == 200)
        // Two brackets follow what is measured.
        let missing = ResponseWriter.transactionByteCountMax + 2 - short.byteCount
        for difference in -1...1 {
            let response = try await read(100_000 + missing + difference)
            #expect((response.status == 200) == (difference <= 0), "\(difference)")
        }
    }

    @Test("A transaction of reads whose response would be too long is refused")
    func longTransaction() async throws {
        for number in 0..<3 { try await put(["d": Self.largeNumbers()], number) }
        let meter = MemoryMeter()
        let response = await read(3, meter.budget())
        let text = String(decoding: response.body.prefix(1000), as: UTF8.self)
        #expect(text.contains("ValidationException") && response.byteCount < 1000)
        #expect(meter.peak < ResponseWriter.transactionByteCountMax + 10_000_000)
    }

    @Test("A cancelled transaction returns items up to 12 MiB, and no byte more")
    func cancellationLimit() async throws {
        try await put(["d": Self.largeNumbers(92_500)])
        let checks = (0..<2).map { number in
            #"{"ConditionCheck":{"TableName":"ttt","Key":\#(Self.key(number)),"#
                + #""ConditionExpression":"attribute_not_exists(p)","#
                + #""ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}"#
        }
        func check(_ byteCount: Int) async throws -> DynamoDBResponse {
            try await put(["d": .string(String(repeating: "x", count: byteCount))], 1)
            return await ask(
                "TransactWriteItems", #"{"TransactItems":[\#(checks.joined(separator: ","))]}"#)
        }
        let short = try await check(40_000)
        // Three brackets follow what is measured.
        let missing = ResponseWriter.cancellationByteCountMax + 3 - short.byteCount
        let reason = #""Code":"ConditionalCheckFailed","Message":"The conditional request failed""#
        for difference in -1...1 {
            let response = try await check(40_000 + missing + difference)
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(text.contains("TransactionCanceledException"))
            #expect(text.components(separatedBy: reason).count == 1 + 2, "\(difference)")
            let itemCount = text.components(separatedBy: #","Item":{"#).count - 1
            #expect(itemCount == (difference > 0 ? 1 : 2), "\(difference)")
            // What was written of an item that does not fit is removed.
            #expect(text.hasSuffix(difference > 0 ? reason + "}]}" : #""1"}}}]}"#))
        }
    }

    @Test("A response has as many bytes as it may, and not one more", arguments: -1...1)
    func limit(difference: Int) throws {
        var response = ResponseWriter(byteCountMax: 100_000)
        // The rest is {"a":"".
        response.string("a", String(repeating: "x", count: 100_000 - 7 + difference))
        #expect(response.byteCount == 100_000 + difference)
        if difference <= 0 {
            try response.reserve(RequestBudget())
        } else {
            #expect(throws: ServiceError.self) { try response.reserve(RequestBudget()) }
        }
    }

    @Test("Keys that are left unread come back in parts, as they came")
    func unprocessedKeys() async throws {
        for number in 0..<2 { try await put(["d": Self.largeNumbers()], number) }
        let names = (0..<30_000).map { #""name\#($0)""# }.joined(separator: ", ")
        let keys = (0..<3).map(Self.key).joined(separator: ",")
        let body =
            #"{"RequestItems":{"ttt":{"Keys":[\#(keys)],"Unknown":[\#(names)],"#
            + ##""ProjectionExpression":"d,#a","ExpressionAttributeNames":{"#a":"a"}}}}"##
        let response = await ask("BatchGetItem", body)
        #expect(response.parts.allSatisfy { $0.count < 2 * ResponseWriter.partByteCount })
        let end = String(decoding: response.body.suffix(300), as: UTF8.self)
        #expect(
            end.hasSuffix(
                #""UnprocessedKeys":{"ttt":{"Keys":[\#(Self.key(1)),\#(Self.key(2))],"#
                    + ##""ProjectionExpression":"d,#a","ExpressionAttributeNames":{"#a":"a"}}}}"##))
    }

    // MARK: First slices

    /// A text that takes nearly as many bytes on the disk.
    private static func noise(_ count: Int) -> AttributeValue {
        var random = SplitMix(seed: 1)
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        let bytes = (0..<count).map { _ in random.pick(letters) }
        return .string(String(decoding: bytes, as: UTF8.self))
    }

    private func jobCount(_ operation: String, _ body: String) async -> Int {
        let executor = QueueExecutor()
        let response = await ask(operation, body, RequestBudget(executor: executor))
        #expect(response.status == 200 && response.byteCount > 100)
        return executor.jobCount
    }

    @Test(
        "A large item is left to the executor, however it is stored",
        arguments: [(100, false), (8000, false), (20_000, true), (300_000, true)], [false, true])
    func firstSlice(size: (byteCount: Int, isLarge: Bool), isNoise: Bool) async throws {
        let text = String(repeating: "x", count: size.byteCount)
        try await put(["d": isNoise ? Self.noise(size.byteCount) : .string(text)])
        for (operation, body) in [
            ("GetItem", Self.get), ("Query", Self.query), ("BatchGetItem", Self.batchGet),
        ] {
            let isMoved = await jobCount(operation, body) > 0
            #expect(isMoved == size.isLarge, "\(operation)")
        }
    }

    @Test("So is an item of many names, which are not read before", arguments: [300, 5000])
    func manyNames(count: Int) async throws {
        let names = (0..<count).map { ("attribute\($0)", AttributeValue.null) }
        try await put(AttributeMap(names))
        for (operation, body) in [
            ("GetItem", Self.get), ("Query", Self.query), ("BatchGetItem", Self.batchGet),
        ] {
            let isMoved = await jobCount(operation, body) > 0
            #expect(isMoved == (count == 5000), "\(operation)")
        }
    }

    @Test("Small items before a large one are read in the first slice, and each item once")
    func sliceBeforeLargeItem() async throws {
        for number in 0..<6 {
            let count = number == 3 ? 100_000 : 100
            try await put(["d": .string(String(repeating: "x", count: count))], number)
        }
        let pauses = Pauses()
        let response = await ask("Query", Self.query, RequestBudget(pause: { pauses.add($0) }))
        #expect(pauses.all.first?.itemCount == 3)
        let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
        let items = try #require(object?["Items"] as? [[String: [String: String]]])
        #expect(items.map { $0["s"]?["N"] } == ["0", "1", "2", "3", "4", "5"])
    }
}

/// The slices before the pauses of a request.
private final class Pauses: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [RequestBudget.Slice] = []

    var all: [RequestBudget.Slice] { lock.withLock { list } }

    func add(_ slice: RequestBudget.Slice) { lock.withLock { list.append(slice) } }
}
