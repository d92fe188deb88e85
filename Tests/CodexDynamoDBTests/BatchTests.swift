import CodexCore
import CodexStore
import Testing

@testable import CodexDynamoDB

/// Batches: what they name, how many they take, and where they end.
///
/// Sources: the API reference, BatchGetItem and BatchWriteItem; nubo-db/dynamodb-conformance,
/// error-messages/batchGetItem and batchWriteItem.
@Suite("Batches")
struct BatchTests {
    private typealias Object = ProtocolBench.Object

    private static let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/ttt"

    private func write(_ table: String, _ requests: [String], _ rest: String = "") -> String {
        #"{"RequestItems":{"\#(table)":[\#(requests.joined(separator: ","))]}\#(rest)}"#
    }

    private func put(_ key: String) -> String {
        #"{"PutRequest":{"Item":{"p":{"S":"\#(key)"}}}}"#
    }

    private func keys(_ range: Range<Int>) -> String {
        range.map { #"{"p":{"S":"\#($0)"}}"# }.joined(separator: ",")
    }

    // MARK: Tables

    @Test("A batch names tables by name or by ARN, and the response repeats it")
    func arns() async throws {
        let bench = try await ProtocolBench()
        let written = try await bench.ok(
            "BatchWriteItem", write(Self.arn, [put("a")], #","ReturnConsumedCapacity":"TOTAL""#))
        let units = written["ConsumedCapacity"] as? [Object]
        #expect(units?.count == 1 && units?.first?["TableName"] as? String == Self.arn)
        let read = try await bench.ok(
            "BatchGetItem",
            #"{"RequestItems":{"\#(Self.arn)":{"Keys":[{"p":{"S":"a"}}]},"rrr":{"Keys":[{"p":{"S":"a"},"s":{"S":"b"}}]}},"ReturnConsumedCapacity":"TOTAL"}"#
        )
        let responses = try #require(read["Responses"] as? Object)
        #expect(responses.keys.sorted() == [Self.arn, "rrr"])
        #expect((responses[Self.arn] as? [Any])?.count == 1)
        let capacity = read["ConsumedCapacity"] as? [Object] ?? []
        #expect(
            capacity.compactMap { $0["TableName"] as? String }.sorted() == [Self.arn, "rrr"])
        // Two names of one table are one table.
        try await bench.refuses(
            "Provided list of item keys contains duplicates", "BatchWriteItem",
            #"{"RequestItems":{"\#(Self.arn)":[\#(put("a"))],"ttt":[\#(put("a"))]}}"#)
        let keys = #"{"Keys":[{"p":{"S":"a"}}]}"#
        try await bench.refuses(
            "Provided list of item keys contains duplicates", "BatchGetItem",
            #"{"RequestItems":{"\#(Self.arn)":\#(keys),"ttt":\#(keys)}}"#)
    }

    @Test(
        "The ARN of an index or a stream is no table's, in any operation",
        arguments: [
            "\(arn)/index/gsi1", "\(arn)/stream/2024-01-01T00:00:00.000", "\(arn)/",
            "arn:aws:s3:::t", "arn:aws:dynamodb:us-east-1:000000000000:t",
        ])
    func otherARNs(arn: String) async throws {
        let bench = try await ProtocolBench()
        for (operation, body) in [
            ("GetItem", #"{"TableName":"\#(arn)","Key":{"p":{"S":"a"}}}"#),
            ("PutItem", #"{"TableName":"\#(arn)","Item":{"p":{"S":"a"}}}"#),
            ("Scan", #"{"TableName":"\#(arn)"}"#), ("BatchWriteItem", write(arn, [put("a")])),
            ("BatchGetItem", #"{"RequestItems":{"\#(arn)":{"Keys":[{"p":{"S":"a"}}]}}}"#),
            (
                "TransactWriteItems",
                #"{"TransactItems":[{"Put":{"TableName":"\#(arn)","Item":{"p":{"S":"a"}}}}]}"#
            ),
        ] {
            let answer = try await bench.ask(operation, body)
            #expect(answer.type == "ValidationException", "\(operation)")
        }
        #expect(try await bench.items().isEmpty)
    }

    // MARK: Counts

    @Test("A write has 1 to 25 requests for a table, and for all tables", arguments: [24, 25, 26])
    func writeCounts(count: Int) async throws {
        let bench = try await ProtocolBench()
        let requests = (0..<count).map { put("\($0)") }
        let answer = try await bench.ask("BatchWriteItem", write("ttt", requests))
        #expect(answer.type == (count > 25 ? "ValidationException" : nil))
        if count > 25 {
            #expect(answer.message.contains("Member must have length less than or equal to 25"))
        }
        #expect(try await bench.items().count == (count > 25 ? 0 : count))
        let others = (0..<count - 20).map {
            #"{"PutRequest":{"Item":{"p":{"S":"\#($0)"},"s":{"S":"a"}}}}"#
        }
        let puts = (0..<20).map { put("\($0)") }
        let both =
            #"{"RequestItems":{"ttt":[\#(puts.joined(separator: ","))],"rrr":[\#(others.joined(separator: ","))]}}"#
        guard count > 25 else {
            try await bench.ok("BatchWriteItem", both)
            return
        }
        try await bench.refuses(
            "Too many items requested for the BatchWriteItem call", "BatchWriteItem", both)
    }

    @Test("An empty list is refused, also beside another table")
    func emptyLists() async throws {
        let bench = try await ProtocolBench()
        let rule =
            "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
        for body in [
            #"{"RequestItems":{"ttt":[]}}"#, #"{"RequestItems":{"ttt":[],"rrr":[\#(put("a"))]}}"#,
            #"{"RequestItems":{"rrr":[{"PutRequest":{"Item":{"p":{"S":"a"},"s":{"S":"a"}}}}],"ttt":[]}}"#,
        ] {
            let answer = try await bench.ask("BatchWriteItem", body)
            #expect(answer.type == "ValidationException")
            #expect(
                answer.message.hasSuffix(
                    "at 'requestItems' failed to satisfy constraint: \(rule)"))
        }
        #expect(try await bench.items("rrr").isEmpty)
        for (operation, message) in [
            ("BatchWriteItem", "The requestItems parameter is required for BatchWriteItem"),
            ("BatchGetItem", "The requestItems parameter is required for BatchGetItem"),
        ] { try await bench.refuses(message, operation, #"{"RequestItems":{}}"#) }
        for keys in ["[]", "null"] {
            let answer = try await bench.ask(
                "BatchGetItem",
                #"{"RequestItems":{"rrr":{"Keys":[{"p":{"S":"a"},"s":{"S":"a"}}]},"ttt":{"Keys":\#(keys)}}}"#
            )
            #expect(answer.type == "ValidationException")
        }
    }

    @Test("A read has 100 keys for each table, and for all tables", arguments: [99, 100, 101])
    func readCounts(count: Int) async throws {
        let bench = try await ProtocolBench()
        let answer = try await bench.ask(
            "BatchGetItem", #"{"RequestItems":{"ttt":{"Keys":[\#(keys(0..<count))]}}}"#)
        #expect(answer.type == (count > 100 ? "ValidationException" : nil))
        if count > 100 {
            #expect(
                answer.message
                    == "1 validation error detected: Value at 'RequestItems.ttt.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100"
            )
        }
        let others = (0..<count - 60).map { #"{"p":{"S":"\#($0)"},"s":{"S":"a"}}"# }
        let both =
            #"{"RequestItems":{"ttt":{"Keys":[\#(keys(0..<60))]},"rrr":{"Keys":[\#(others.joined(separator: ","))]}}}"#
        guard count > 100 else {
            try await bench.ok("BatchGetItem", both)
            return
        }
        try await bench.refuses(
            "Too many items requested for the BatchGetItem call", "BatchGetItem", both)
    }

    @Test("A write request has one kind, and no key is there twice")
    func requests() async throws {
        let bench = try await ProtocolBench()
        let message = "Supplied WriteRequest must have exactly one of PutRequest and DeleteRequest"
        let delete = #"{"DeleteRequest":{"Key":{"p":{"S":"a"}}}}"#
        let both =
            #"{"PutRequest":{"Item":{"p":{"S":"a"}}},"DeleteRequest":{"Key":{"p":{"S":"b"}}}}"#
        for request in ["{}", both] {
            try await bench.refuses(message, "BatchWriteItem", write("ttt", [request]))
        }
        try await bench.refuses(
            "Provided list of item keys contains duplicates", "BatchWriteItem",
            write("ttt", [put("a"), delete]))
        try await bench.refuses(
            "Provided list of item keys contains duplicates", "BatchGetItem",
            #"{"RequestItems":{"ttt":{"Keys":[{"p":{"S":"a"}},{"p":{"S":"a"}}]}}}"#)
        // Errors of a batch do not name the key.
        for item in [#"{"q":{"S":"a"}}"#, #"{"p":{"N":"1"}}"#] {
            try await bench.refuses(
                "The provided key element does not match the schema", "BatchWriteItem",
                write("ttt", [#"{"PutRequest":{"Item":\#(item)}}"#]))
        }
        try await bench.refuses(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
            "BatchGetItem",
            #"{"RequestItems":{"ttt":{"Keys":[{"p":{"S":"a"}}],"AttributesToGet":["a"]},"rrr":{"Keys":[{"p":{"S":"a"},"s":{"S":"a"}}],"ProjectionExpression":"a"}}}"#
        )
        #expect(try await bench.items().isEmpty)
    }

    // MARK: Sixteen megabytes

    /// Puts items of these sizes, with the keys 100 and so on.
    private func fill(_ bench: ProtocolBench, _ sizes: [Int]) async throws {
        try await bench.store.write { transaction in
            for (number, size) in sizes.enumerated() {
                // Two names of one byte, and the key of three.
                let text = String(repeating: "v", count: size - 5)
                try transaction.put(
                    ["p": .string("\(100 + number)"), "v": .string(text)], in: "ttt")
            }
        }
    }

    /// The numbers of items that were read and of keys that were not.
    private func read(_ bench: ProtocolBench, _ count: Int) async throws -> [Int?] {
        let object = try await bench.ok(
            "BatchGetItem", #"{"RequestItems":{"ttt":{"Keys":[\#(keys(100..<100 + count))]}}}"#)
        let rest = (object["UnprocessedKeys"] as? Object)?["ttt"] as? Object
        return [
            ((object["Responses"] as? Object)?["ttt"] as? [Any])?.count,
            (rest?["Keys"] as? [Any])?.count ?? 0,
        ]
    }

    @Test("Of items of 300 KB, a batch has 52: the example of the API reference")
    func example() async throws {
        let bench = try await ProtocolBench()
        try await fill(bench, [Int](repeating: 300 * 1024, count: 60))
        #expect(try await read(bench, 60) == [52, 8])
    }

    @Test("A batch ends before the item that does not fit into 16 MB", arguments: -1...1)
    func sixteenMegabytes(difference: Int) async throws {
        let bench = try await ProtocolBench()
        let sizes = [Int](repeating: 400_000, count: BatchRead.byteCountMax / 400_000 - 1)
        try await fill(bench, sizes + [400_000 + difference, 100])
        // With one byte less, the small item does not fit, either.
        let count = sizes.count + (difference > 0 ? 0 : 1)
        #expect(try await read(bench, sizes.count + 2) == [count, sizes.count + 2 - count])
    }
}
