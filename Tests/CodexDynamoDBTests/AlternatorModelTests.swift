import CodexCore
import CodexDynamoDBFaults
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexDynamoDB

/// What the model of Alternator refuses, delays and divides.
@Suite("The model of Alternator")
struct AlternatorModelTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static func service(
        _ change: (inout AlternatorModel.Options) -> Void = { _ in }
    ) throws -> SampleService {
        var options = AlternatorModel.Options()
        change(&options)
        return try SampleService { service, clock in
            try AlternatorModel(
                service, options: options, elapsed: { clock.elapsed }, sleep: { _ in })
        }
    }

    // MARK: Refusals

    @Test(
        "Operations that Alternator does not have are refused by their names",
        arguments: [
            "TransactWriteItems", "TransactGetItems", "ExecuteStatement", "BatchExecuteStatement",
            "ExecuteTransaction", "UpdateContinuousBackups", "DescribeLimits", "CreateBackup",
        ])
    func operations(name: String) async throws {
        let answer = try await Self.service().ask(name, "{}")
        #expect(answer.type == "UnknownOperationException")
        #expect(answer.message == "Unsupported operation \(name)")
    }

    @Test("Indexes with several key attributes of one kind are refused")
    func compositeKeys() async throws {
        let service = try Self.service()
        func table(_ keys: [String]) -> String {
            let index = JSON.index("byAB", keys)
            return JSON.table(
                names: ["Sp", "Sa", "Sb"], more: #""GlobalSecondaryIndexes":[\#(index)]"#)
        }
        for keys in [["Ha", "Hb"], ["Hp", "Ra", "Rb"]] {
            try await service.refuses(
                Rule(
                    "CreateTable", table(keys), "ValidationException",
                    "KeySchema must list exactly one or two key columns"))
        }
        try await service.ok("CreateTable", table(["Ha", "Rb"]))
    }

    @Test("Items, conditions and batches work as in DynamoDB")
    func items() async throws {
        let service = try Self.service()
        try await service.ok("CreateTable", JSON.table())
        let put = #"{"TableName":"table","Item":{"p":{"S":"a"}}"#
        let isNew = #","ConditionExpression":"attribute_not_exists(p)"}"#
        try await service.ok("PutItem", put + isNew)
        try await service.refuses(
            Rule("PutItem", put + isNew, "ConditionalCheckFailedException"))
        let keys = #"{"RequestItems":{"table":{"Keys":[{"p":{"S":"a"}}],"ConsistentRead":true}}}"#
        let answer = try await service.ok("BatchGetItem", keys)
        let found = (answer["Responses"] as? Object)?["table"] as? [Object]
        #expect(found?.count == 1)
    }

    @Test("Options at their limits are taken, and others refused")
    func limits() {
        func isTaken(_ change: (inout AlternatorModel.Options) -> Void) -> Bool {
            (try? Self.service(change)) != nil
        }
        for (count, isRight) in [(0, false), (1, true), (4096, true), (4097, false)] {
            #expect(isTaken { $0.streamShardCount = count } == isRight)
        }
        for (time, isRight) in [(-1, false), (0, true), (60_000, true), (60_001, false)] {
            #expect(isTaken { $0.streamDelay = .milliseconds(time) } == isRight)
        }
        for (time, isRight) in [(-1, false), (0, true), (10_000, true), (10_001, false)] {
            #expect(isTaken { $0.indexLag = .milliseconds(time) } == isRight)
        }
    }

    // MARK: Indexes

    @Test("A global index misses a write until it has the age; the table does not")
    func indexLag() async throws {
        let service = try Self.service { $0.indexLag = .seconds(2) }
        let index = JSON.index("byA", ["Ha"])
        try await service.ok(
            "CreateTable",
            JSON.table(names: ["Sp", "Sa"], more: #""GlobalSecondaryIndexes":[\#(index)]"#))
        try await service.ok(
            "PutItem", #"{"TableName":"table","Item":{"p":{"S":"x"},"a":{"S":"y"}}}"#)
        for (seconds, count) in [(0, 0), (1.5, 0), (0.5, 1)] {
            if seconds > 0 { service.advance(by: seconds) }
            let entries = try await service.ok("Scan", #"{"TableName":"table","IndexName":"byA"}"#)
            #expect((entries["Items"] as? [Object])?.count == count)
            let items = try await service.ok("Scan", #"{"TableName":"table"}"#)
            #expect((items["Items"] as? [Object])?.count == 1)
        }
    }

    // MARK: Streams

    private static let stream =
        #""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}"#

    /// A model whose changes appear in its streams after 8 seconds.
    private static func delayedService(shardCount: Int) throws -> SampleService {
        try service {
            $0.streamShardCount = shardCount
            $0.streamDelay = .seconds(8)
        }
    }

    /// Makes a table with a stream.
    private func makeStream(_ service: SampleService) async throws -> String {
        try await service.ok("CreateTable", JSON.table(more: Self.stream))
        return try #require(try await service.table()["LatestStreamArn"] as? String)
    }

    private func put(_ key: Int, _ value: Int, _ service: SampleService) async throws {
        let item = #"{"p":{"S":"\#(key)"},"n":{"N":"\#(value)"}}"#
        try await service.ok("PutItem", #"{"TableName":"table","Item":\#(item)}"#)
    }

    /// The pages of shards.
    private func pages(
        _ arn: String, _ service: SampleService, limit: Int? = nil
    ) async throws -> [[String]] {
        var pages: [[String]] = []
        let more = limit.map { #","Limit":\#($0)"# } ?? ""
        var start = ""
        while true {
            let answer = try await service.ok(
                "DescribeStream", #"{"StreamArn":"\#(arn)"\#(more)\#(start)}"#)
            let stream = try #require(answer["StreamDescription"] as? Object)
            let shards = try #require(stream["Shards"] as? [Object])
            pages.append(shards.compactMap { $0["ShardId"] as? String })
            guard let last = stream["LastEvaluatedShardId"] as? String else { return pages }
            #expect(pages.last?.last == last)
            start = #","ExclusiveStartShardId":"\#(last)""#
        }
    }

    /// The records of a shard, so many in a page, and whether the shard goes on.
    private func records(
        _ arn: String, _ shard: String, _ service: SampleService, limit: Int = 1000
    ) async throws -> (records: [Object], isOpen: Bool) {
        let start = try await service.ok(
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"TRIM_HORIZON"}"#)
        var next = start["ShardIterator"] as? String
        var all: [Object] = []
        while let iterator = next {
            let page = try await service.ok(
                "GetRecords", #"{"ShardIterator":"\#(iterator)","Limit":\#(limit)}"#)
            let records = try #require(page["Records"] as? [Object])
            #expect(records.count <= limit)
            all += records
            next = page["NextShardIterator"] as? String
            if records.isEmpty { break }
        }
        return (all, next != nil)
    }

    /// The value of each record's item, by the item's key.
    private func values(_ records: [Object]) -> [String: [String]] {
        var values: [String: [String]] = [:]
        for record in records {
            let dynamodb = record["dynamodb"] as? Object
            let key = ((dynamodb?["Keys"] as? Object)?["p"] as? Object)?["S"] as? String
            let image = (dynamodb?["NewImage"] ?? dynamodb?["OldImage"]) as? Object
            let value = (image?["n"] as? Object)?["N"] as? String
            values[key ?? "", default: []].append(value ?? "")
        }
        return values
    }

    @Test(
        "A stream has so many shards, which are listed in pages",
        arguments: [1, 7, 100, 101, 256])
    func shards(count: Int) async throws {
        let service = try Self.service { $0.streamShardCount = count }
        let arn = try await makeStream(service)
        for (limit, size) in [(nil, 100), (100, 100), (3, 3)] as [(Int?, Int)] {
            let pages = try await pages(arn, service, limit: limit)
            let all = pages.flatMap { $0 }
            #expect(all.count == count && Set(all).count == count && all == all.sorted())
            #expect(pages.dropLast().allSatisfy { $0.count == size })
        }
    }

    @Test(
        "Each change is in one shard, once and in the order of its item, for any size of pages",
        arguments: [1, 2, 1000])
    func division(limit: Int) async throws {
        let service = try Self.service {
            $0.streamShardCount = 5
            $0.streamDelay = .zero
        }
        let arn = try await makeStream(service)
        for value in 0..<4 {
            for key in 0..<30 { try await put(key, value, service) }
        }
        var found: [String: [String]] = [:]
        var usedCount = 0
        for shard in try await pages(arn, service).flatMap({ $0 }) {
            let read = try await records(arn, shard, service, limit: limit)
            #expect(read.isOpen)
            if !read.records.isEmpty { usedCount += 1 }
            for (key, list) in values(read.records) {
                let other = found.updateValue(list, forKey: key)
                #expect(other == nil)
            }
        }
        #expect(found.count == 30 && usedCount > 1)
        #expect(found.values.allSatisfy { $0 == ["0", "1", "2", "3"] })
    }

    @Test("Changes appear after the delay, and no earlier one is lost by reading before it")
    func delay() async throws {
        let service = try Self.delayedService(shardCount: 1)
        let arn = try await makeStream(service)
        let shard = try #require(try await pages(arn, service).first?.first)
        try await put(1, 0, service)
        service.advance(by: 7.5)
        try await put(1, 1, service)
        #expect(try await records(arn, shard, service).records.isEmpty)
        service.advance(by: 0.5)
        #expect(values(try await records(arn, shard, service).records) == ["1": ["0"]])
        service.advance(by: 7.5)
        #expect(values(try await records(arn, shard, service).records) == ["1": ["0", "1"]])
    }

    @Test("An iterator that found nothing yet finds the change later")
    func waiting() async throws {
        let service = try Self.delayedService(shardCount: 1)
        let arn = try await makeStream(service)
        let shard = try #require(try await pages(arn, service).first?.first)
        let start = try await service.ok(
            "GetShardIterator",
            #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"LATEST"}"#)
        var iterator = try #require(start["ShardIterator"] as? String)
        try await put(1, 0, service)
        for (seconds, count) in [(4.0, 0), (3.5, 0), (0.5, 1), (8, 0)] {
            service.advance(by: seconds)
            let page = try await service.ok("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#)
            #expect((page["Records"] as? [Object])?.count == count)
            iterator = try #require(page["NextShardIterator"] as? String)
        }
    }

    @Test("A delay is over at its end", arguments: [9_999, 10_000, 10_001])
    func shown(age: Int) {
        let variation = StreamVariation(shardCount: 1, delay: .seconds(10), source: "")
        let time = Date(timeIntervalSince1970: 100)
        #expect(variation.shows(time, at: 100_000 + age) == (age >= 10_000))
    }

    @Test("A creation is named as a change, and the removal of an item as one")
    func kinds() async throws {
        let service = try Self.service {
            $0.streamShardCount = 1
            $0.streamDelay = .zero
        }
        let arn = try await makeStream(service)
        let shard = try #require(try await pages(arn, service).first?.first)
        try await put(1, 0, service)
        try await put(1, 1, service)
        try await service.ok("DeleteItem", #"{"TableName":"table","Key":{"p":{"S":"1"}}}"#)
        let records = try await records(arn, shard, service).records
        #expect(
            records.compactMap { $0["eventName"] as? String } == ["MODIFY", "MODIFY", "REMOVE"])
        #expect(records.allSatisfy { $0["eventSource"] as? String == "scylladb:alternator" })
        let images = records.compactMap { $0["dynamodb"] as? Object }
        #expect(images.map { $0["OldImage"] != nil } == [false, true, true])
    }

    @Test("The shards of a stream that was disabled end with their last changes")
    func ended() async throws {
        let service = try Self.delayedService(shardCount: 4)
        let arn = try await makeStream(service)
        for key in 0..<20 { try await put(key, 0, service) }
        try await service.ok(
            "UpdateTable", #"{"TableName":"table","StreamSpecification":{"StreamEnabled":false}}"#)
        try await put(99, 0, service)
        let shards = try await pages(arn, service).flatMap { $0 }
        for shard in shards {
            let early = try await records(arn, shard, service)
            #expect(early.records.isEmpty && early.isOpen)
        }
        service.advance(by: 8)
        var found: Set<String> = []
        for shard in shards {
            let read = try await records(arn, shard, service, limit: 2)
            #expect(!read.isOpen)
            found.formUnion(values(read.records).keys)
        }
        #expect(found == Set((0..<20).map(String.init)))
    }

    @Test("A shard that the stream does not have is refused")
    func unknownShard() async throws {
        let service = try Self.service { $0.streamShardCount = 2 }
        let arn = try await makeStream(service)
        let shard = try #require(try await pages(arn, service).first?.last)
        try await service.refuses(
            Rule(
                "GetShardIterator",
                #"{"StreamArn":"\#(arn)","ShardId":"\#(shard.dropLast())2","#
                    + #""ShardIteratorType":"LATEST"}"#, "ResourceNotFoundException"))
    }
}
