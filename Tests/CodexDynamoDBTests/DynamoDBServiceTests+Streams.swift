import CodexCore
import CodexDynamoDB
import CodexTesting
import Foundation
import Testing

/// The changes of a table, as DynamoDB Streams has them.
extension DynamoDBServiceTests {
    /// The table's stream, with its only shard.
    private struct TableStream {
        let tests: DynamoDBServiceTests
        let arn: String
        let shard: String

        init(_ tests: DynamoDBServiceTests) async throws {
            self.tests = tests
            let list = try await tests.ok("ListStreams", #"{"TableName":"table"}"#, streams: true)
            arn = try #require((list["Streams"] as? [Object])?.first?["StreamArn"] as? String)
            let answer = try await tests.ok(
                "DescribeStream", #"{"StreamArn":"\#(arn)"}"#, streams: true)
            let description = try #require(answer["StreamDescription"] as? Object)
            shard = try #require((description["Shards"] as? [Object])?.first?["ShardId"] as? String)
        }

        func iterator(_ kind: String, _ more: String = "") async throws -> String {
            let body =
                #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"\#(kind)"\#(more)}"#
            let answer = try await tests.ok("GetShardIterator", body, streams: true)
            return try #require(answer["ShardIterator"] as? String)
        }

        func records(
            _ iterator: String, _ limit: Int = 1000
        ) async throws -> (records: [Object], next: String) {
            let answer = try await tests.ok(
                "GetRecords", #"{"ShardIterator":"\#(iterator)","Limit":\#(limit)}"#, streams: true)
            return (
                try #require(answer["Records"] as? [Object]),
                try #require(answer["NextShardIterator"] as? String)
            )
        }

        /// All records, two at a time.
        func allRecords() async throws -> [Object] {
            var all: [Object] = []
            var next = try await iterator("TRIM_HORIZON")
            while true {
                let page = try await records(next, 2)
                if page.records.isEmpty { return all }
                all += page.records
                next = page.next
            }
        }

        /// The sequence numbers of all records.
        func sequenceNumbers() async throws -> [String] {
            try await allRecords().compactMap {
                ($0["dynamodb"] as? Object)?["SequenceNumber"] as? String
            }
        }
    }

    private static let switchingOn =
        #"{"TableName":"table","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}"#

    /// Switches a stream on after one item, for four more and a deletion.
    private func makeStream() async throws -> TableStream {
        try await makeTable()
        try await put(1)
        _ = try await ok("UpdateTable", Self.switchingOn)
        for number in 2..<6 { try await put(number) }
        _ = try await ok(
            "DeleteItem", #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"2"}}}"#)
        return try await TableStream(self)
    }

    @Test("A stream has the changes since it was switched on, with the images that were asked for")
    func streams() async throws {
        let all = try await makeStream().allRecords()
        let names = all.map { $0["eventName"] as? String }
        #expect(names == ["INSERT", "INSERT", "INSERT", "INSERT", "REMOVE"])
        let images = all.compactMap { $0["dynamodb"] as? Object }
        #expect(images[0]["NewImage"] != nil && images.allSatisfy { $0["OldImage"] == nil })
        let numbers = images.compactMap { $0["SequenceNumber"] as? String }
        #expect(numbers.sorted() == numbers && Set(numbers).count == 5)
    }

    @Test("A stream that is on is not switched on again")
    func streamTwice() async throws {
        _ = try await makeStream()
        try await fails("ValidationException", "UpdateTable", Self.switchingOn)
    }

    @Test("A stream is read from any record on; an iterator can be used again")
    func iterators() async throws {
        let stream = try await makeStream()
        let numbers = try await stream.sequenceNumbers()
        let number = #","SequenceNumber":"\#(numbers[2])""#
        let at = try await stream.iterator("AT_SEQUENCE_NUMBER", number)
        #expect(try await stream.records(at).records.count == 3)
        let after = try await stream.iterator("AFTER_SEQUENCE_NUMBER", number)
        for _ in 0..<2 { #expect(try await stream.records(after).records.count == 2) }
        let latest = try await stream.iterator("LATEST")
        #expect(try await stream.records(latest).records.isEmpty)
        try await put(9)
        #expect(try await stream.records(latest).records.count == 1)
    }

    @Test("An item that is written again as it was is no change, compressed values included")
    func sameItem() async throws {
        let stream = try await makeStream()
        let count = try await stream.allRecords().count
        let text = String(repeating: "text ", count: 20_000)
        for (value, added) in [(text, 1), (text, 1), (text + "!", 2), (text + "!", 2)] {
            try await put(3, #","x":{"S":"\#(value)"}"#)
            #expect(try await stream.allRecords().count == count + added)
        }
    }

    @Test("Iterators that the service did not make are refused")
    func forgedIterators() async throws {
        let stream = try await makeStream()
        let latest = try await stream.iterator("LATEST")
        func forged(_ text: String) -> String {
            let encoded = Data("\(stream.arn)|\(text)".utf8).base64EncodedString()
            return "a|1|" + encoded.replacingOccurrences(of: "=", with: "")
        }
        for text in [
            "", "x", "a|1|b", "a|1|!", String(latest.dropLast(30)), forged("1|0|\(Int.min)"),
            forged("1|0|\(Int.max)"), forged("0|0|\(Int(Date().timeIntervalSince1970 * 1000))"),
        ] {
            try await fails(
                "ValidationException", "GetRecords", #"{"ShardIterator":"\#(text)"}"#, streams: true
            )
        }
    }

    @Test("A stream that is not there, and records that are trimmed, are named")
    func missingStreams() async throws {
        let stream = try await makeStream()
        try await fails(
            "ResourceNotFoundException", "DescribeStream", #"{"StreamArn":"\#(stream.arn)x"}"#,
            streams: true)
        try await fails(
            "TrimmedDataAccessException", "GetShardIterator",
            #"{"StreamArn":"\#(stream.arn)","ShardId":"\#(stream.shard)","ShardIteratorType":"AT_SEQUENCE_NUMBER","SequenceNumber":"000000000000000000010000000000"}"#,
            streams: true)
    }

    @Test("A stream that was switched off ends where it was, with the view that it had")
    func streamEnd() async throws {
        try await makeTable(
            #","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}"#)
        try await put(1)
        let streams = try await ok("ListStreams", "{}", streams: true)["Streams"] as? [Object]
        let arn = try #require(streams?.first?["StreamArn"] as? String)
        func describe() async throws -> (status: String?, shards: [Object]) {
            let answer = try await ok("DescribeStream", #"{"StreamArn":"\#(arn)"}"#, streams: true)
            let description = answer["StreamDescription"] as? Object
            return (
                description?["StreamStatus"] as? String, description?["Shards"] as? [Object] ?? []
            )
        }
        let open = try await describe()
        let shard = try #require(open.shards.first?["ShardId"] as? String)
        #expect(open.status == "ENABLED")
        #expect((open.shards[0]["SequenceNumberRange"] as? Object)?["EndingSequenceNumber"] == nil)
        _ = try await ok(
            "UpdateTable", #"{"TableName":"table","StreamSpecification":{"StreamEnabled":false}}"#)
        try await put(2)
        let closed = try await describe()
        #expect(closed.status == "DISABLED")
        #expect(
            (closed.shards[0]["SequenceNumberRange"] as? Object)?["EndingSequenceNumber"] != nil)
        let iterator = try #require(
            try await ok(
                "GetShardIterator",
                #"{"StreamArn":"\#(arn)","ShardId":"\#(shard)","ShardIteratorType":"TRIM_HORIZON"}"#,
                streams: true)["ShardIterator"] as? String)
        let page = try await ok("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#, streams: true)
        let records = try #require(page["Records"] as? [Object])
        #expect(records.count == 1 && page["NextShardIterator"] == nil)
        let image = try #require(records[0]["dynamodb"] as? Object)
        #expect(image["Keys"] != nil && image["NewImage"] == nil)
        // Another stream is another.
        _ = try await ok(
            "UpdateTable",
            #"{"TableName":"table","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}"#
        )
        let latest = try await ok("ListStreams", "{}", streams: true)["Streams"] as? [Object]
        #expect(latest?.count == 2 && latest?[0]["StreamArn"] as? String == arn)
    }
}
