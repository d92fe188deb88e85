import CodexDynamoDBFaults
import Foundation
import Testing

/// Streams that a service with faults divides into shards.
@Suite("Streams of many shards")
struct SplitStreamTests {
    private typealias Object = FaultFixture.Object

    private static func fixture(
        _ count: Int, tables: [String]? = nil
    ) async throws -> FaultFixture {
        let fixture = try FaultFixture([
            FaultRule(.splitStream(shardCount: count), tables: tables)
        ])
        try await fixture.makeTable()
        return fixture
    }

    private static func arn(_ fixture: FaultFixture) async throws -> String {
        let answer = try await fixture.ok("ListStreams", #"{"TableName":"table"}"#)
        let streams = try #require(answer["Streams"] as? [Object])
        return try #require(streams.first?["StreamArn"] as? String)
    }

    /// The identifiers of all shards, in their order.
    private static func shards(_ arn: String, _ fixture: FaultFixture) async throws -> [String] {
        var found: [String] = []
        var start = ""
        while true {
            let answer = try await fixture.ok(
                "DescribeStream", #"{"StreamArn":"\#(arn)"\#(start)}"#)
            let stream = try #require(answer["StreamDescription"] as? Object)
            let shards = try #require(stream["Shards"] as? [Object])
            #expect(shards.allSatisfy { $0["ParentShardId"] == nil })
            found += shards.compactMap { $0["ShardId"] as? String }
            guard let last = stream["LastEvaluatedShardId"] as? String else { return found }
            start = #","ExclusiveStartShardId":"\#(last)""#
        }
    }

    /// The records of a shard, read in pages of so many.
    private static func records(
        _ arn: String, _ shard: String, _ fixture: FaultFixture, limit: Int
    ) async throws -> [Object] {
        let start = try await fixture.ok(
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"TRIM_HORIZON"}"#)
        var next = try #require(start["ShardIterator"] as? String)
        var all: [Object] = []
        while true {
            let page = try await fixture.ok(
                "GetRecords", #"{"ShardIterator":"\#(next)","Limit":\#(limit)}"#)
            let records = try #require(page["Records"] as? [Object])
            #expect(records.count <= limit)
            if records.isEmpty { return all }
            all += records
            next = try #require(page["NextShardIterator"] as? String)
        }
    }

    private static func key(_ record: Object) -> String? {
        let keys = (record["dynamodb"] as? Object)?["Keys"] as? Object
        return (keys?["p"] as? Object)?["S"] as? String
    }

    @Test("A stream has so many shards, with names as DynamoDB's", arguments: [1, 2, 101, 1000])
    func count(count: Int) async throws {
        let fixture = try await Self.fixture(count)
        let shards = try await Self.shards(try await Self.arn(fixture), fixture)
        #expect(shards.count == count && Set(shards).count == count && shards == shards.sorted())
        #expect(shards.allSatisfy { $0.hasPrefix("shardId-") && (28...65).contains($0.count) })
    }

    @Test(
        "Each change is in one shard, once and in the order of its item", arguments: [1, 2, 1000])
    func division(limit: Int) async throws {
        let fixture = try await Self.fixture(5)
        let keys = (0..<30).map { "k\($0)" }
        for key in keys { _ = try await fixture.ok("PutItem", FaultFixture.put(key)) }
        for key in keys {
            _ = try await fixture.ok(
                "DeleteItem", #"{"TableName":"table","Key":{"p":{"S":"\#(key)"}}}"#)
        }
        let arn = try await Self.arn(fixture)
        var found: [String: [String]] = [:]
        var usedCount = 0
        for shard in try await Self.shards(arn, fixture) {
            let records = try await Self.records(arn, shard, fixture, limit: limit)
            if !records.isEmpty { usedCount += 1 }
            #expect(records.allSatisfy { $0["eventSource"] as? String == "aws:dynamodb" })
            let kinds = Dictionary(grouping: records) { Self.key($0) ?? "" }
                .mapValues { $0.compactMap { $0["eventName"] as? String } }
            #expect(Set(kinds.keys).isDisjoint(with: found.keys))
            found.merge(kinds) { first, _ in first }
        }
        #expect(usedCount > 1 && Set(found.keys) == Set(keys))
        #expect(found.values.allSatisfy { $0 == ["INSERT", "REMOVE"] })
    }

    @Test("A rule divides the streams of its tables alone", arguments: [true, false])
    func tables(isNamed: Bool) async throws {
        let fixture = try await Self.fixture(7, tables: [isNamed ? "table" : "other"])
        let arn = try await Self.arn(fixture)
        let shards = try await Self.shards(arn, fixture)
        #expect(shards.count == (isNamed ? 7 : 1))
        _ = try await fixture.ok("PutItem", FaultFixture.put("k"))
        var count = 0
        for shard in shards {
            count += try await Self.records(arn, shard, fixture, limit: 10).count
        }
        #expect(count == 1)
    }
}
