import CodexDynamoDB
import CodexDynamoDBFaults
import Foundation
import Testing

/// Batches of which a part stays unprocessed, and streams whose records come again.
@Suite("Faults of batches and streams")
struct FaultyBatchTests {
    private typealias Object = FaultFixture.Object

    private static func writes(_ keys: [String]) -> String {
        let requests = keys.map { #"{"PutRequest":{"Item":\#(FaultFixture.item($0))}}"# }
        return #"{"RequestItems":{"table":[\#(requests.joined(separator: ","))]}}"#
    }

    private static func reads(_ keys: [String]) -> String {
        let keys = keys.map { #"{"p":{"S":"\#($0)"}}"# }.joined(separator: ",")
        return #"""
            {"RequestItems":{"table":{"Keys":[\#(keys)],"ConsistentRead":true,
             "ProjectionExpression":"#p","ExpressionAttributeNames":{"#p":"p"}}}}
            """#
    }

    private static let keys = (10..<20).map { "k\($0)" }

    private func fixture(_ share: Double) async throws -> FaultFixture {
        let fixture = try FaultFixture([FaultRule(.unprocessed(share: share))])
        try await fixture.makeTable()
        return fixture
    }

    /// The keys of the writes that an answer leaves unprocessed.
    private func unprocessed(_ answer: Object) throws -> [String] {
        let tables = try #require(answer["UnprocessedItems"] as? Object)
        let requests = tables["table"] as? [Object] ?? []
        return FaultFixture.keys(
            requests.compactMap { ($0["PutRequest"] as? Object)?["Item"] as? Object })
    }

    private func json(_ object: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }

    @Test(
        "A share of a BatchWriteItem stays unprocessed, but neither none nor all",
        arguments: [(0.01, 1), (0.3, 3), (0.96, 9), (1.0, 9)])
    func writes(share: Double, count: Int) async throws {
        let fixture = try await fixture(share)
        let answer = try await fixture.ok("BatchWriteItem", Self.writes(Self.keys))
        let left = try unprocessed(answer)
        #expect(left.count == count)
        #expect((try await fixture.keys() + left).sorted() == Self.keys)
    }

    @Test("A program that sends again what was left writes all of it")
    func again() async throws {
        let fixture = try await fixture(0.5)
        var body = Self.writes(Self.keys)
        var requestCount = 0
        while requestCount < 20 {
            requestCount += 1
            let answer = try await fixture.ok("BatchWriteItem", body)
            let left = try #require(answer["UnprocessedItems"] as? Object)
            if left.isEmpty { break }
            body = #"{"RequestItems":\#(try json(left))}"#
        }
        #expect((3...8).contains(requestCount))
        #expect(try await fixture.keys() == Self.keys)
    }

    @Test("A batch of one element is done, and an invalid one is refused as a whole")
    func unchanged() async throws {
        let fixture = try await fixture(1)
        let one = try await fixture.ok("BatchWriteItem", Self.writes(["a"]))
        #expect(try unprocessed(one).isEmpty)
        #expect(try await fixture.keys() == ["a"])
        for keys in [["b", "c", "b"], ["b", "c", ""]] {
            let answer = try await fixture.ask("BatchWriteItem", Self.writes(keys))
            #expect(answer.error == "ValidationException")
            let read = try await fixture.ask("BatchGetItem", Self.reads(keys))
            #expect(read.error == "ValidationException")
        }
        #expect(try await fixture.keys() == ["a"])
    }

    @Test("A share of a BatchGetItem stays unprocessed, with the parameters of its table")
    func reads() async throws {
        let fixture = try await fixture(0.4)
        _ = try await fixture.ok("BatchWriteItem", Self.writes(Self.keys), faults: false)
        let answer = try await fixture.ok("BatchGetItem", Self.reads(Self.keys))
        let responses = try #require(answer["Responses"] as? Object)
        let found = FaultFixture.keys(try #require(responses["table"] as? [Object]))
        let tables = try #require(answer["UnprocessedKeys"] as? Object)
        let rest = try #require(tables["table"] as? Object)
        let left = FaultFixture.keys(try #require(rest["Keys"] as? [Object]))
        #expect(found.count == 6 && left.count == 4)
        #expect((found + left).sorted() == Self.keys)
        #expect(rest["ConsistentRead"] as? Bool == true)
        #expect(rest["ProjectionExpression"] as? String == "#p")
        let again = try await fixture.ok(
            "BatchGetItem", #"{"RequestItems":\#(try json(tables))}"#, faults: false)
        let others = try #require(again["Responses"] as? Object)
        #expect(FaultFixture.keys(try #require(others["table"] as? [Object])) == left)
    }

    @Test("What stays unprocessed is under the ARN of its table if the request has the ARN")
    func arns() async throws {
        let fixture = try await fixture(0.5)
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/table"
        for (operation, body, member) in [
            ("BatchWriteItem", Self.writes(Self.keys), "UnprocessedItems"),
            ("BatchGetItem", Self.reads(Self.keys), "UnprocessedKeys"),
        ] {
            let named = body.replacingOccurrences(
                of: #"{"table":"#, with: "{\"\(arn)\":")
            let answer = try await fixture.ok(operation, named)
            let left = try #require(answer[member] as? Object)
            #expect(left.keys.sorted() == [arn], "\(operation)")
        }
    }

    @Test("A table of a BatchGetItem may stay unprocessed as a whole")
    func wholeTable() async throws {
        let fixture = try await fixture(1)
        try await fixture.makeTable("other")
        let body = #"""
            {"RequestItems":{"table":{"Keys":[{"p":{"S":"a"}},{"p":{"S":"b"}}]},
             "other":{"Keys":[{"p":{"S":"c"}}]}}}
            """#
        for _ in 0..<20 {
            let answer = try await fixture.ok("BatchGetItem", body)
            let left = try #require(answer["UnprocessedKeys"] as? Object)
            let counts = ["table", "other"].map { name in
                ((left[name] as? Object)?["Keys"] as? [Object])?.count ?? 0
            }
            #expect(counts.reduce(0, +) == 2)
            #expect((answer["Responses"] as? Object)?.count == 2)
        }
    }

    // MARK: Streams

    /// The sequence numbers of a stream's records, page by page.
    private func numbers(_ fixture: FaultFixture, faults: Bool) async throws -> [[String]] {
        let list = try await fixture.ok("ListStreams", "{}")
        let arn = try #require((list["Streams"] as? [Object])?.first?["StreamArn"] as? String)
        let stream = try await fixture.ok("DescribeStream", #"{"StreamArn":"\#(arn)"}"#)
        let description = try #require(stream["StreamDescription"] as? Object)
        let shards = try #require(description["Shards"] as? [Object])
        let shard = try #require(shards.first?["ShardId"] as? String)
        let start = try await fixture.ok(
            "GetShardIterator",
            """
            {"StreamArn":"\(arn)","ShardId":"\(shard)","ShardIteratorType":"TRIM_HORIZON"}
            """)
        var next = try #require(start["ShardIterator"] as? String)
        var pages: [[String]] = []
        while true {
            let page = try await fixture.ok(
                "GetRecords", #"{"ShardIterator":"\#(next)","Limit":4}"#, faults: faults)
            let records = try #require(page["Records"] as? [Object])
            if records.isEmpty { return pages }
            pages.append(
                records.compactMap { ($0["dynamodb"] as? Object)?["SequenceNumber"] as? String })
            next = try #require(page["NextShardIterator"] as? String)
        }
    }

    @Test("Some records come again right after the last of them, and none is missing")
    func duplicates() async throws {
        let fixture = try FaultFixture([FaultRule(.duplicateRecords)])
        try await fixture.makeTable()
        for key in Self.keys { _ = try await fixture.ok("PutItem", FaultFixture.put(key)) }
        let whole = try await numbers(fixture, faults: false)
        let pages = try await numbers(fixture, faults: true)
        #expect(whole.map { $0.count } == [4, 4, 2] && pages.count == 3)
        for (page, expected) in zip(pages, whole) {
            #expect(page.count > expected.count)
            var seen: [String] = []
            for number in page where !seen.contains(number) { seen.append(number) }
            #expect(seen == expected)
            // A consumer that starts again at an earlier record sees such an order.
            let places = page.compactMap { expected.firstIndex(of: $0) }
            let steps = zip(places, places.dropFirst()).map { $1 - $0 }
            #expect(steps.filter { $0 != 1 }.count == 1)
        }
    }

    @Test("A page without records stays as it is")
    func noRecords() async throws {
        let fixture = try FaultFixture([FaultRule(.duplicateRecords)])
        try await fixture.makeTable()
        #expect(try await numbers(fixture, faults: true).isEmpty)
    }
}
