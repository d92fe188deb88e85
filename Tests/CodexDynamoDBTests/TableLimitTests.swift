import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// How much a request on a table or its stream may ask for.
@Suite("Limits of requests on tables and streams")
struct TableLimitTests {
    private typealias Object = [String: Any]

    private let temporary: TemporaryStore
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: SampleTable.schema())
        service = DynamoDBService(temporary.store)
    }

    private func ask(
        _ operation: String, _ body: String, streams: Bool = false
    ) async throws -> Object {
        let prefix = streams ? "DynamoDBStreams_20120810." : "DynamoDB_20120810."
        let answer = await service.response(target: prefix + operation, body: Array(body.utf8))
        return try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
    }

    private func error(_ answer: Object) -> String? {
        (answer["__type"] as? String)?.split(separator: "#").last.map(String.init)
    }

    @Test("UpdateTable changes 20 indexes at most", arguments: 19...21)
    func indexUpdates(count: Int) async throws {
        let update = #"{"Update":{"IndexName":"missing"}}"#
        let updates = [String](repeating: update, count: count).joined(separator: ",")
        let answer = try await ask(
            "UpdateTable", #"{"TableName":"samples","GlobalSecondaryIndexUpdates":[\#(updates)]}"#)
        #expect(
            error(answer) == (count > 20 ? "ValidationException" : "ResourceNotFoundException"))
    }

    @Test(
        "Many new indexes and many definitions are refused in one pass", .timeLimit(.minutes(30)),
        arguments: [20, 10_000])
    func newIndexes(count: Int) async throws {
        let create =
            #"{"Create":{"IndexName":"index","KeySchema":[{"AttributeName":"a0","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}"#
        let updates = [String](repeating: create, count: count).joined(separator: ",")
        let definitions = (0..<10_000)
            .map { #"{"AttributeName":"a\#($0)","AttributeType":"S"}"# }.joined(separator: ",")
        let answer = try await ask(
            "UpdateTable",
            #"{"TableName":"samples","AttributeDefinitions":[\#(definitions)],"GlobalSecondaryIndexUpdates":[\#(updates)]}"#
        )
        #expect(
            error(answer) == (count > 20 ? "ValidationException" : "LimitExceededException"),
            "\(answer)")
    }

    @Test("Records have the images of the stream's view", arguments: StreamView.allCases)
    func views(view: StreamView) async throws {
        _ = try await ask(
            "UpdateTable",
            #"{"TableName":"samples","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"\#(view.rawValue)"}}"#
        )
        for number in 1...2 {
            _ = try await ask(
                "PutItem",
                #"{"TableName":"samples","Item":{"partition":{"S":"k"},"value":{"N":"\#(number)"}}}"#
            )
        }
        let records = try await records()
        let images = try records.map { try #require($0["dynamodb"] as? Object) }
        let (hasNew, hasOld) = (
            view == .newImage || view == .newAndOldImages,
            view == .oldImage || view == .newAndOldImages
        )
        #expect(images.map { $0["NewImage"] != nil } == [hasNew, hasNew])
        #expect(images.map { $0["OldImage"] != nil } == [false, hasOld])
    }

    /// All records of the only stream.
    private func records() async throws -> [Object] {
        let streams = try await ask("ListStreams", "{}", streams: true)["Streams"] as? [Object]
        let arn = try #require(streams?.first?["StreamArn"] as? String)
        let stream =
            try await ask("DescribeStream", #"{"StreamArn":"\#(arn)"}"#, streams: true)[
                "StreamDescription"] as? Object
        let shard = try #require((stream?["Shards"] as? [Object])?.first?["ShardId"] as? String)
        let iterator = try #require(
            try await ask(
                "GetShardIterator",
                #"{"ShardIteratorType":"TRIM_HORIZON","StreamArn":"\#(arn)","ShardId":"\#(shard)"}"#,
                streams: true)["ShardIterator"] as? String)
        let page = try await ask("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#, streams: true)
        return try #require(page["Records"] as? [Object])
    }
}
