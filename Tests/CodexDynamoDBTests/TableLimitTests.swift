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

    @Test(
        "Many new indexes and many definitions are refused in one pass", .timeLimit(.minutes(30)),
        arguments: [20, 10_000])
    func newIndexes(count: Int) async throws {
        let updates = (0..<count).map { number in
            #"{"Create":{"IndexName":"index\#(number)","KeySchema":[{"AttributeName":"a0","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}"#
        }.joined(separator: ",")
        let definitions = (0..<10_000)
            .map { #"{"AttributeName":"a\#($0)","AttributeType":"S"}"# }.joined(separator: ",")
        let answer = try await ask(
            "UpdateTable",
            #"{"TableName":"samples","AttributeDefinitions":[\#(definitions)],"GlobalSecondaryIndexUpdates":[\#(updates)]}"#
        )
        #expect(error(answer) == "LimitExceededException", "\(answer)")
    }

    @Test("There are 2,500 tables, and no more", .timeLimit(.minutes(30)))
    func tables() async throws {
        let made = (0..<2499).map { number in
            TableDefinition("table\(10_000 + number)", partitionKey: KeyAttribute("p"))
        }
        let service = try SampleService(
            Schema(tables: made), options: StoreOptions(durability: .none))
        try await service.ok("CreateTable", TableJSON.table("last"))
        try await service.refuses(
            Rule(
                "CreateTable", TableJSON.table("more"), "LimitExceededException",
                "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber",
                from: "hashicorp/terraform-provider-aws, pull request 2274"))
        var count = 0
        var start = ""
        while true {
            let page = try await service.ok("ListTables", "{\(start)}")
            count += try #require(page["TableNames"] as? [String]).count
            guard let last = page["LastEvaluatedTableName"] as? String else { break }
            start = #""ExclusiveStartTableName":"\#(last)""#
        }
        #expect(count == 2500)
        try await service.ok("DeleteTable", #"{"TableName":"table10000"}"#)
        try await service.ok("CreateTable", TableJSON.table("more"))
        try await service.ok("PutItem", #"{"TableName":"more","Item":{"p":{"S":"a"}}}"#)
        let item = try await service.ok(
            "GetItem", #"{"TableName":"more","Key":{"p":{"S":"a"}}}"#)
        #expect(item["Item"] != nil)
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
