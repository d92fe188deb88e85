import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexDynamoDB

/// Parallel scans, and batches that end early.
@Suite("Segments and batches")
struct SegmentTests {
    private typealias Object = [String: Any]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.pair)
        service = DynamoDBService(temporary.store)
    }

    private func ask(_ operation: String, _ body: String) async throws -> Object {
        let answer = await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
        return try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
    }

    private func fill(_ partitionCount: Int, _ itemCount: Int) async throws {
        try await store.write { transaction in
            for partition in 0..<partitionCount {
                for number in 0..<itemCount {
                    let item: Item = [
                        "p": .string("p\(partition)"), "s": .number(Number(number)), "g": "g",
                    ]
                    try transaction.put(item, in: "ttt")
                }
            }
        }
    }

    @Test("A page goes on after small and large items alike", arguments: 1...5)
    func sizes(limit: Int) async throws {
        let sizes = [10, 1023, 1024, 1025, 90_000, 20, 1024, 400_000, 30]
        try await store.write { transaction in
            for (number, size) in sizes.enumerated() {
                var item: Item = ["p": "p0", "s": .number(Number(number))]
                item["x"] = .string(String(repeating: "x", count: size - 1 - item.byteCount))
                #expect(item.byteCount == size)
                try transaction.put(item, in: "ttt")
            }
        }
        let pages = try await scan(0, of: 1, #","Limit":\#(limit)"#)
        #expect(pages.found == sizes.indices.map { "p0 \($0)" })
    }

    /// The items of a segment, page by page, and how many pages there were.
    private func scan(
        _ segment: Int, of count: Int, _ parameters: String = "", from start: String? = nil
    ) async throws -> (found: [String], pageCount: Int) {
        var (found, pageCount): ([String], Int) = ([], 0)
        var start = start
        repeat {
            let from = parameters + (start.map { #","ExclusiveStartKey":\#($0)"# } ?? "")
            let segments = #""Segment":\#(segment),"TotalSegments":\#(count)"#
            let page = try await ask("Scan", #"{"TableName":"ttt",\#(segments)\#(from)}"#)
            let items = try #require(page["Items"] as? [[String: Object]], "\(page)")
            found += items.map { "\($0["p"]?["S"] ?? "") \($0["s"]?["N"] ?? "")" }
            start = try (page["LastEvaluatedKey"] as? Object).map {
                String(
                    decoding: try JSONSerialization.data(withJSONObject: $0), as: UTF8.self)
            }
            pageCount += 1
        } while start != nil
        return (found, pageCount)
    }

    // MARK: Segments

    @Test(
        "Segments have each item once, in tables and indexes, whatever the limit",
        arguments: [1, 2, 3, 10, 50], ["", #","Limit":7"#, #","IndexName":"ggg""#])
    func complete(count: Int, parameters: String) async throws {
        try await fill(20, 6)
        var all: [String] = []
        for segment in 0..<count {
            all += try await scan(segment, of: count, parameters).found
        }
        #expect(all.count == 120 && Set(all).count == 120)
    }

    /// The segment of a partition: FNV-1a of the key, from its 17th bit on.
    private func segment(_ key: String, of count: Int) -> Int {
        Int((FNV1a(key.utf8).hash >> 16) % UInt64(count))
    }

    @Test("A segment goes on after any key of its own, and after no other")
    func starts() async throws {
        try await fill(9, 3)
        for segment in 0..<3 {
            let whole = try await scan(segment, of: 3).found
            for partition in 0..<9 {
                for number in [-1, 0, 1, 2, 7] {
                    let start = #"{"p":{"S":"p\#(partition)"},"s":{"N":"\#(number)"}}"#
                    guard self.segment("p\(partition)", of: 3) == segment else {
                        let answer = try await ask(
                            "Scan",
                            #"{"TableName":"ttt","Segment":\#(segment),"TotalSegments":3,"ExclusiveStartKey":\#(start)}"#
                        )
                        // architect/dynalite, scan.
                        #expect(
                            answer["message"] as? String
                                == "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 3 Segment: \(segment)"
                        )
                        continue
                    }
                    let rest = try await scan(segment, of: 3, from: start).found
                    let expected = whole.filter { entry in
                        let parts = entry.split(separator: " ")
                        let place = Int(parts[0].dropFirst()) ?? 0
                        return place > partition
                            || place == partition && (Int(parts[1]) ?? 0) > number
                    }
                    #expect(rest == expected, "\(segment) \(start)")
                }
            }
        }
    }

    @Test("Which segment an item is in stays as it was in the first release")
    func stable() async throws {
        try await fill(30, 1)
        for count in [3, 1_000_000] {
            for partition in 0..<30 {
                let number = segment("p\(partition)", of: count)
                let found = try await scan(number, of: count).found
                #expect(found.contains("p\(partition) 0"))
            }
        }
    }

    @Test(
        "One of a million segments takes a page, and a few if there are very many keys",
        .timeLimit(.minutes(30)))
    func narrow() async throws {
        try await fill(3, 2000)
        // Three partitions are passed over by three seeks.
        let narrow = try await scan(999_999, of: 1_000_000)
        #expect(narrow.found.isEmpty && narrow.pageCount == 1)
        var number = 0
        _ = try await store.load(into: "uuu") { () throws -> Item? in
            number += 1
            return number > 60_000 ? nil : ["p": .string("key \(number)")]
        }
        var (start, counts): (Object?, [Int]) = (nil, [])
        repeat {
            let from = try start.map {
                let text = try JSONSerialization.data(withJSONObject: $0)
                return #","ExclusiveStartKey":\#(String(decoding: text, as: UTF8.self))"#
            }
            let page = try await ask(
                "Scan",
                #"{"TableName":"uuu","Segment":7,"TotalSegments":1000000\#(from ?? "")}"#)
            counts.append(try #require(page["ScannedCount"] as? Int))
            start = page["LastEvaluatedKey"] as? Object
        } while start != nil
        // The first page passes over 32,768 keys, and ends after the next that may end one: of
        // these keys, the 34,064th.
        #expect(counts.count == 2)
    }

    @Test("A page that ends before a large item goes on after a key of its own segment")
    func largeItemBehindOthers() async throws {
        func keys(_ letter: String, _ range: Range<Int>, isInside: Bool) -> [String] {
            range.map { "\(letter)\($0)" }.filter { (segment($0, of: 2) == 0) == isInside }
        }
        let large =
            keys("a", 0..<20, isInside: true).prefix(2)
            + keys("z", 0..<20, isInside: true).prefix(1)
        // Two slices of the walk end at keys of the other segment.
        let others = keys("m", 0..<25_000, isInside: false).prefix(9000)
        try #require(large.count == 3 && others.count == 9000)
        try await store.write { transaction in
            for key in others {
                try transaction.put(["p": .string(key), "s": 0], in: "ttt")
            }
            for key in large {
                let text = AttributeValue.string(String(repeating: "x", count: 400_000))
                try transaction.put(["p": .string(key), "s": 0, "t": text], in: "ttt")
            }
        }
        let pages = try await scan(0, of: 2)
        #expect(pages.found == large.sorted().map { "\($0) 0" } && pages.pageCount == 2)
    }

    // MARK: Batches

    /// Adds items of exactly these sizes, with the keys 00, 01 and so on.
    private func fill(sizes: [Int], _ character: Character = "x") async throws {
        try await store.write { transaction in
            for (number, size) in sizes.enumerated() {
                let key = (number < 10 ? "0" : "") + "\(number)"
                // The names have 2 bytes, the key 2.
                let text = String(repeating: character, count: size - 4)
                try transaction.put(["p": .string(key), "t": .string(text)], in: "uuu")
            }
        }
    }

    /// Asks for items from one on; `names` is what is shown of them, `nil` the whole.
    private func batch(
        _ range: Range<Int>, _ names: String? = nil
    ) async throws -> (byteCount: Int, found: Int, left: Int) {
        let keys = range.map { #"{"p":{"S":"\#($0 < 10 ? "0" : "")\#($0)"}}"# }
        let projection = names.map { #","ProjectionExpression":"\#($0)""# } ?? ""
        let body =
            #"{"RequestItems":{"uuu":{"Keys":[\#(keys.joined(separator: ","))]\#(projection)}}}"#
        let answer = await service.response(
            target: "DynamoDB_20120810.BatchGetItem", body: Array(body.utf8))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
        let found = (object["Responses"] as? Object)?["uuu"] as? [Object]
        let rest = (object["UnprocessedKeys"] as? Object)?["uuu"] as? Object
        if let rest { #expect(rest["ProjectionExpression"] as? String == names) }
        return (
            answer.byteCount, try #require(found, "\(object.keys)").count,
            (rest?["Keys"] as? [Object])?.count ?? 0
        )
    }

    @Test(
        "A batch of large items ends at a limit, and the next ones get the rest",
        arguments: [("x", nil), ("\u{1}", nil), ("x", "p"), ("\u{1}", "p, t")])
    func batches(text: String, names: String?) async throws {
        let itemByteCount = DynamoDBLimits.itemByteCountMax
        // A batch has the bytes of 39 items, and the JSON of 8 whose characters take six bytes.
        let count = text == "x" ? 40 : 12
        try await fill(sizes: Array(repeating: itemByteCount, count: count), Character(text))
        var (start, requestCount) = (0, 0)
        while start < count {
            let batch = try await batch(start..<count, names)
            #expect(batch.found > 0 && batch.found + batch.left == count - start)
            #expect(batch.byteCount <= BatchRead.jsonByteCountMax + 10_000)
            #expect(batch.found * itemByteCount <= BatchRead.byteCountMax)
            start += batch.found
            requestCount += 1
        }
        #expect(requestCount > 1)
    }

    @Test("Small batches are whole, and too many keys are refused before they are read")
    func counts() async throws {
        try await fill(sizes: Array(repeating: 100, count: 100))
        for (count, isTaken) in [(99, true), (100, true), (101, false)] {
            let keys = (0..<count).map { #"{"p":{"S":"\#($0)"}}"# }.joined(separator: ",")
            let answer = try await ask(
                "BatchGetItem", #"{"RequestItems":{"uuu":{"Keys":[\#(keys)]}}}"#)
            #expect((answer["Responses"] != nil) == isTaken, "\(count)")
            if isTaken { #expect((answer["UnprocessedKeys"] as? Object)?.isEmpty == true) }
        }
        // The content of the keys and items is wrong.
        let wrong = Array(repeating: #"{"p":{"S":1}}"#, count: 101).joined(separator: ",")
        let answer = try await ask(
            "BatchGetItem", #"{"RequestItems":{"uuu":{"Keys":[\#(wrong)]}}}"#)
        #expect((answer["message"] as? String)?.contains("less than or equal to 100") == true)
        let put = #"{"PutRequest":{"Item":{"p":{"S":1}}}}"#
        let puts = Array(repeating: put, count: 26).joined(separator: ",")
        let write = try await ask("BatchWriteItem", #"{"RequestItems":{"uuu":[\#(puts)]}}"#)
        #expect((write["message"] as? String)?.contains("less than or equal to 25") == true)
    }
}
