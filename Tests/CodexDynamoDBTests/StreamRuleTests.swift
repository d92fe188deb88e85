import CodexStore
import Foundation
import Testing

/// What AWS refuses of streams, and how long a stream is described after its end.
@Suite("Rules of streams")
struct StreamRuleTests {
    private typealias JSON = TableJSON
    private typealias Object = SampleService.Object

    private static let specification =
        #""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#

    private let service: SampleService

    init() throws { service = try SampleService() }

    private func set(_ specification: String) -> String {
        #"{"TableName":"table","StreamSpecification":{\#(specification)}}"#
    }

    private static let on = #""StreamEnabled":true,"StreamViewType":"KEYS_ONLY""#
    private static let off = #""StreamEnabled":false"#

    private func put(_ key: String) async throws {
        try await service.ok("PutItem", #"{"TableName":"table","Item":{"p":{"S":"\#(key)"}}}"#)
    }

    /// Makes the table with a stream, and gives the stream's ARN.
    private func make() async throws -> String {
        try await service.ok("CreateTable", JSON.table(more: Self.specification))
        return try #require(try await service.table()["LatestStreamArn"] as? String)
    }

    private func describe(_ arn: String, _ more: String = "") async throws -> Object {
        let answer = try await service.ok("DescribeStream", #"{"StreamArn":"\#(arn)"\#(more)}"#)
        return try #require(answer["StreamDescription"] as? Object)
    }

    private func shard(_ arn: String) async throws -> String {
        let shards = try await describe(arn)["Shards"] as? [Object]
        return try #require(shards?.first?["ShardId"] as? String)
    }

    private func iterator(
        _ arn: String, _ type: String, _ number: String? = nil
    ) async throws -> String {
        let number = number.map { #","SequenceNumber":"\#($0)""# } ?? ""
        return #"{"StreamArn":"\#(arn)","ShardId":"\#(try await shard(arn))","#
            + #""ShardIteratorType":"\#(type)"\#(number)}"#
    }

    /// The sequence numbers of a stream's shard: the first one, and the last one if it ended.
    private func range(_ arn: String) async throws -> (start: String, end: String?) {
        let shards = try await describe(arn)["Shards"] as? [Object]
        let range = try #require(shards?.first?["SequenceNumberRange"] as? Object)
        let start = try #require(range["StartingSequenceNumber"] as? String)
        return (start, range["EndingSequenceNumber"] as? String)
    }

    /// The commit of a sequence number.
    private func commit(_ number: String?) -> UInt64? { number.flatMap { UInt64($0.prefix(20)) } }

    /// All records of a stream from its beginning, and whether it goes on.
    private func records(_ arn: String) async throws -> (records: [Object], isOpen: Bool) {
        let body = try await iterator(arn, "TRIM_HORIZON")
        let answer = try await service.ok("GetShardIterator", body)
        let text = try #require(answer["ShardIterator"] as? String)
        let page = try await service.ok("GetRecords", #"{"ShardIterator":"\#(text)"}"#)
        return (page["Records"] as? [Object] ?? [], page["NextShardIterator"] != nil)
    }

    // MARK: Tables

    @Test("A stream is switched on and off once, and needs a view when it is on")
    func table() async throws {
        try await service.ok("CreateTable", JSON.table())
        let source = "ACK, DDB-TABLE-382"
        func refuses(_ specification: String, _ text: String, isInvalid: Bool = true) async throws {
            let body = set(specification)
            try await service.refuses(
                isInvalid
                    ? .invalid("UpdateTable", body, text, from: source)
                    : Rule("UpdateTable", body, "ValidationException", text, from: source))
        }
        try await refuses(
            #""StreamEnabled":true"#, "If stream is being enabled then UpdateViewType is required")
        try await refuses(
            #""StreamEnabled":false,"StreamViewType":"NEW_IMAGE""#,
            "If stream is being disabled, then UpdateViewType must not be specified")
        try await refuses(
            Self.off, "Table has no stream to disable: TableName: table", isInvalid: false)
        try await service.ok("UpdateTable", set(Self.on))
        try await refuses(
            Self.on, "Table already has an enabled stream: TableName: table", isInvalid: false)
        try await service.ok("UpdateTable", set(Self.off))
        try await refuses(
            Self.off, "Table has no stream to disable: TableName: table", isInvalid: false)
        let table = try await service.table()
        #expect(table["StreamSpecification"] == nil && table["LatestStreamArn"] != nil)
    }

    // MARK: DescribeStream

    @Test("Shards come after the start, and the one shard has no children")
    func shards() async throws {
        let arn = try await make()
        let shard = try await shard(arn)
        func count(_ more: String) async throws -> Int? {
            (try await describe(arn, more)["Shards"] as? [Object])?.count
        }
        #expect(try await count("") == 1)
        #expect(try await count(#","Limit":1"#) == 1)
        #expect(try await count(#","ExclusiveStartShardId":"\#(shard)""#) == 0)
        #expect(try await count(#","ExclusiveStartShardId":"shardId-00000000000000000000""#) == 1)
        let children = #","ShardFilter":{"Type":"CHILD_SHARDS","ShardId":"\#(shard)"}"#
        #expect(try await count(children) == 0)
        for filter in [#"{"Type":"CHILD_SHARDS"}"#, #"{"Type":"ALL"}"#, "{}"] {
            try await service.refuses(
                Rule("DescribeStream", #"{"StreamArn":"\#(arn)","ShardFilter":\#(filter)}"#))
        }
    }

    @Test("An ARN that is none of a stream is refused; a stream that is not there is named")
    func arns() async throws {
        let arn = try await make()
        let table = "arn:aws:dynamodb:us-east-1:000000000000:table/table"
        try await service.refuses(
            Rule(
                "DescribeStream", #"{"StreamArn":"\#(table)"}"#, "ValidationException",
                "Invalid StreamArn", from: "aws/aws-sdk-js"))
        let other = arn.replacingOccurrences(of: "table/table/", with: "table/other/")
        for text in [arn + "0", other] {
            try await service.refuses(
                Rule(
                    "DescribeStream", #"{"StreamArn":"\#(text)"}"#, "ResourceNotFoundException",
                    "Requested resource not found: Stream: \(text) not found",
                    from: "scylladb/scylladb, test/alternator/test_streams.py"))
        }
    }

    // MARK: GetShardIterator

    @Test("Two types of iterators have a sequence number, which the stream must reach")
    func iterators() async throws {
        // The stream does not begin with the store.
        try await service.ok("CreateTable", JSON.table("first"))
        let arn = try await make()
        try await put("a")
        let number = try #require(
            (try await records(arn).records.first?["dynamodb"] as? Object)?["SequenceNumber"]
                as? String)
        for type in ["TRIM_HORIZON", "LATEST"] {
            try await service.refuses(
                Rule("GetShardIterator", try await iterator(arn, type, number)))
            try await service.ok("GetShardIterator", try await iterator(arn, type))
        }
        let future = "000000000000000099990000000000"
        for type in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
            for text in [nil, "", "1", "x", String(repeating: "9", count: 30), future] {
                try await service.refuses(
                    Rule("GetShardIterator", try await iterator(arn, type, text)))
            }
            try await service.refuses(
                Rule(
                    "GetShardIterator",
                    try await iterator(arn, type, String(repeating: "0", count: 30)),
                    "TrimmedDataAccessException"))
            try await service.ok("GetShardIterator", try await iterator(arn, type, number))
        }
        try await service.refuses(
            Rule(
                "GetShardIterator",
                #"{"StreamArn":"\#(arn)","ShardId":"shardId-00000000000000000000","#
                    + #""ShardIteratorType":"LATEST"}"#,
                "ResourceNotFoundException"))
    }

    @Test("A shard is read from the number with which it begins, also before it has a record")
    func beginning() async throws {
        let arn = try await make()
        let shards = try await describe(arn)["Shards"] as? [Object]
        let range = shards?.first?["SequenceNumberRange"] as? Object
        let start = try #require(range?["StartingSequenceNumber"] as? String)
        let body = try await iterator(arn, "AT_SEQUENCE_NUMBER", start)
        let answer = try await service.ok("GetShardIterator", body)
        try await put("a")
        let text = try #require(answer["ShardIterator"] as? String)
        let page = try await service.ok("GetRecords", #"{"ShardIterator":"\#(text)"}"#)
        #expect((page["Records"] as? [Object])?.count == 1)
    }

    @Test("An iterator is used for 15 minutes", arguments: [900, 900.001])
    func expired(seconds: Double) async throws {
        let arn = try await make()
        let body = try await iterator(arn, "LATEST")
        let answer = try await service.ok("GetShardIterator", body)
        let text = try #require(answer["ShardIterator"] as? String)
        service.advance(by: seconds)
        let page = try await service.ask("GetRecords", #"{"ShardIterator":"\#(text)"}"#)
        #expect(page.type == (seconds > 900 ? "ExpiredIteratorException" : nil))
    }

    // MARK: The end

    @Test("A stream ends with the commit that ends it, and the next begins after its own commit")
    func commits() async throws {
        let former = try await make()
        try await put("a")
        try await service.ok("UpdateTable", set(Self.off))
        // No write comes between the last commit of the stream and the one that ends it.
        let end = try service.store.commits().last
        #expect(commit(try await range(former).end) == end)
        try await put("b")
        try await service.ok("UpdateTable", set(Self.on))
        let start = try service.store.commits().last
        let latest = try #require(try await service.table()["LatestStreamArn"] as? String)
        #expect(commit(try await range(latest).start) == start + 1)
        try await put("c")
        for (arn, key) in [(former, "a"), (latest, "c")] {
            let records = try await records(arn).records
            let keys = records.map { ($0["dynamodb"] as? Object)?["Keys"] as? Object }
            #expect(keys.map { ($0?["p"] as? Object)?["S"] as? String } == [key])
        }
    }

    @Test("A shard that ended begins before its end, also when all its changes are trimmed")
    func trimmed() async throws {
        let arn = try await make()
        try await put("a")
        try await service.ok("UpdateTable", set(Self.off))
        let whole = try await range(arn)
        try await put("b")
        // A purge keeps no changes.
        let report = try await service.store.purgePlaintext()
        let end = try #require(commit(whole.end))
        #expect(report.trimmedSequence > end)
        let rest = try await range(arn)
        #expect(rest.end == whole.end && commit(rest.start) == end)
        let numbers = [whole.start, rest.start, try #require(rest.end)]
        #expect(numbers == numbers.sorted())
        let old = try await records(arn)
        #expect(old.records.isEmpty && !old.isOpen)
        let body = try await iterator(arn, "AT_SEQUENCE_NUMBER", rest.start)
        try await service.refuses(
            Rule("GetShardIterator", body, "TrimmedDataAccessException"))
    }

    // MARK: After the end

    @Test("A stream that another one replaced is read for a day", arguments: [86_399.0, 86_400.0])
    func replaced(seconds: Double) async throws {
        let former = try await make()
        try await put("a")
        try await service.ok("UpdateTable", set(Self.off))
        service.advance(by: 1)
        try await service.ok("UpdateTable", set(Self.on))
        try await put("b")
        let latest = try #require(try await service.table()["LatestStreamArn"] as? String)
        #expect(latest != former)
        service.advance(by: seconds - 1)
        let isKept = seconds < 86_400
        let listed = try await service.ok("ListStreams", "{}")["Streams"] as? [Object]
        #expect(listed?.count == (isKept ? 2 : 1))
        guard isKept else {
            try await service.refuses(
                Rule(
                    "DescribeStream", #"{"StreamArn":"\#(former)"}"#,
                    "ResourceNotFoundException"))
            return
        }
        let description = try await describe(former)
        #expect(description["StreamStatus"] as? String == "DISABLED")
        #expect(description["StreamViewType"] as? String == "NEW_IMAGE")
        let old = try await records(former)
        #expect(old.records.count == 1 && !old.isOpen)
        let new = try await records(latest)
        #expect(new.records.count == 1 && new.isOpen)
    }

    @Test("The stream of a deleted table is read for a day, also if the name is used again")
    func deleted() async throws {
        let former = try await make()
        try await put("a")
        try await put("b")
        try await service.ok("DeleteTable", #"{"TableName":"table"}"#)
        for isMadeAgain in [false, true] {
            // The clock stands still, and the streams have different labels.
            if isMadeAgain {
                let latest = try await make()
                #expect(latest != former)
                try await put("c")
                #expect(try await records(latest).records.count == 1)
            }
            let description = try await describe(former)
            #expect(description["StreamStatus"] as? String == "DISABLED")
            #expect(description["TableName"] as? String == "table")
            #expect((description["KeySchema"] as? [Object])?.count == 1)
            let old = try await records(former)
            #expect(old.records.count == 2 && !old.isOpen)
            let keys = old.records.map { ($0["dynamodb"] as? Object)?["Keys"] as? Object }
            #expect(keys.compactMap { ($0?["p"] as? Object)?["S"] as? String } == ["a", "b"])
        }
        service.advance(by: 86_400)
        try await service.refuses(
            Rule("DescribeStream", #"{"StreamArn":"\#(former)"}"#, "ResourceNotFoundException"))
        #expect(try await service.ok("ListTables", "{}")["TableNames"] as? [String] == ["table"])
    }

    @Test("A stream that was switched off ends for a day, and is then only the table's latest")
    func disabled() async throws {
        let arn = try await make()
        try await service.ok("UpdateTable", set(Self.off))
        service.advance(by: 86_399)
        #expect(try await describe(arn)["StreamStatus"] as? String == "DISABLED")
        service.advance(by: 1)
        try await service.refuses(
            Rule("DescribeStream", #"{"StreamArn":"\#(arn)"}"#, "ResourceNotFoundException"))
        #expect(try await service.table()["LatestStreamArn"] as? String == arn)
        let listed = try await service.ok("ListStreams", "{}")["Streams"] as? [Object]
        #expect(listed?.isEmpty == true)
    }

    @Test("The last commit of a stream that was switched off is read to its end", arguments: 1...4)
    func lastCommit(limit: Int) async throws {
        let arn = try await make()
        let writes = ["a", "b", "c"].map { #"{"PutRequest":{"Item":{"p":{"S":"\#($0)"}}}}"# }
        try await service.ok(
            "BatchWriteItem",
            #"{"RequestItems":{"table":[\#(writes.joined(separator: ","))]}}"#)
        try await service.ok("UpdateTable", set(Self.off))
        try await put("d")
        var next: String? = try await service.iterator(of: arn)
        var keys: [String] = []
        for _ in 0..<5 {
            guard let text = next else { break }
            let page = try await service.ok(
                "GetRecords", #"{"ShardIterator":"\#(text)","Limit":\#(limit)}"#)
            for record in try #require(page["Records"] as? [Object]) {
                let key = (record["dynamodb"] as? Object)?["Keys"] as? Object
                keys.append(try #require((key?["p"] as? Object)?["S"] as? String))
            }
            next = page["NextShardIterator"] as? String
        }
        #expect(keys == ["a", "b", "c"] && next == nil)
    }
}
