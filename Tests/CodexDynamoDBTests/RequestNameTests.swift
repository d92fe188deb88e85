import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexDynamoDB

/// Names and texts of requests: how long they may be, what they reserve, and how errors quote them.
@Suite("Names of requests")
struct RequestNameTests {
    private let temporary: TemporaryStore
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.single)
        service = DynamoDBService(temporary.store)
    }

    private func ask(_ operation: String, _ body: String) async -> DynamoDBResponse {
        await service.response(target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
    }

    /// One character, as Swift counts them, of so many bytes.
    private static func character(_ byteCount: Int) -> String {
        "e" + String(repeating: "\u{301}", count: (byteCount - 1) / 2)
    }

    private func parameters(_ text: String, _ meter: MemoryMeter) throws -> RequestParameters {
        try RequestParameters(Array(text.utf8), meter.budget())
    }

    // MARK: Errors

    private static let key = #""TableName":"ttt","Key":{"p":{"S":"a"}}"#
    private static let put = #""TableName":"ttt","Item":{"p":{"S":"a"}}"#

    @Test(
        "A request has no more placeholders than expressions can use", arguments: [-1, 0, 1],
        [("Names", "#", #""a""#), ("Values", ":", #"{"NULL":true}"#)])
    func placeholders(
        difference: Int, kind: (parameter: String, sign: String, value: String)
    ) async throws {
        let members = (0..<DynamoDBLimits.expressionByteCountMax + difference)
            .map { #""\#(kind.sign)p\#($0)":\#(kind.value)"# }.joined(separator: ",")
        let response = await ask(
            "PutItem",
            #"{\#(Self.put),"ConditionExpression":"attribute_not_exists(p)","#
                + #""ExpressionAttribute\#(kind.parameter)":{\#(members)}}"#)
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(response.status == 400)
        #expect(text.contains(difference > 0 ? "more than 4096 members" : "unused in expressions"))
    }

    /// Requests that an error refuses which quotes a name or text of them.
    private static func requests(_ name: String) -> [(operation: String, body: String)] {
        let index = #""IndexName":"\#(name)""#
        let definition = #"{"AttributeName":"\#(name)","AttributeType":"S"}"#
        let new = #""TableName":"new","BillingMode":"PAY_PER_REQUEST""#
        return [
            ("PutItem", #"{\#(put),"Expected":{"\#(name)":5}}"#),
            ("PutItem", #"{\#(put),"Expected":{"\#(name)":{"Exists":true}}}"#),
            (
                "PutItem",
                #"{\#(put),"Expected":{"\#(name)":{"Exists":false,"Value":{"S":"x"}}}}"#
            ),
            ("UpdateItem", #"{\#(key),"AttributeUpdates":{"\#(name)":5}}"#),
            ("Scan", #"{"TableName":"ttt","ScanFilter":{"\#(name)":5}}"#),
            ("Query", #"{"TableName":"ttt","KeyConditions":{"\#(name)":5}}"#),
            (
                "Query",
                #"{"TableName":"ttt","KeyConditions":{"p":{"ComparisonOperator":"\#(name)"}}}"#
            ),
            ("BatchGetItem", #"{"RequestItems":{"\#(name)":5}}"#),
            ("BatchWriteItem", #"{"RequestItems":{"\#(name)":5}}"#),
            ("Scan", #"{"TableName":"ttt",\#(index)}"#),
            (
                "CreateTable",
                #"{\#(new),"AttributeDefinitions":[\#(definition),\#(definition)]}"#
            ),
            (
                "CreateTable",
                #"{\#(new),"AttributeDefinitions":[\#(definition)],"KeySchema":[{"AttributeName":"q","KeyType":"HASH"}]}"#
            ),
        ]
    }

    @Test("An error quotes some bytes of a name, even if they are one character")
    func quotes() async {
        for (operation, body) in Self.requests(Self.character(60_001)) {
            let response = await ask(operation, body)
            #expect(response.status == 400 && response.byteCount < 2000, "\(operation)")
        }
        let target = await service.response(target: Self.character(10_001), body: [])
        #expect(target.byteCount < 400)
    }

    // MARK: Lengths

    @Test("A name has as many bytes as an attribute's, with escapes and without", arguments: -1...1)
    func lengths(difference: Int) throws {
        let count = DynamoDBLimits.attributeNameByteCountMax + difference
        let escaped = #"\u006e"#
        for name in [
            String(repeating: "n", count: count),
            escaped + String(repeating: "n", count: count - 1),
            String(repeating: escaped, count: count),
        ] {
            let input = try parameters(#"{"Expected":{"\#(name)":{}}}"#, MemoryMeter())
            let members = try? input.object("Expected")?.all
            #expect((members?.first?.name.utf8.count == count) == (difference <= 0))
            let list = try parameters(#"{"Names":["\#(name)"]}"#, MemoryMeter())
            let names = try? list.strings("Names")
            #expect((names?.first?.utf8.count == count) == (difference <= 0))
        }
    }

    @Test("A name that is too long is refused before it is copied")
    func longNames() async throws {
        let name = Self.character(4 << 20)
        let meter = MemoryMeter()
        for text in [
            #"{"\#(name)":5}"#, #"{"Expected":{"\#(name)":5}}"#,
            #"{"Expected":{"a":{"Value":{"\#(name)":5}}}}"#,
            #"{"Expected":{"a":{"Value":{"M":{"\#(name)":{"S":""}}}}}}"#,
        ] {
            #expect(throws: ServiceError.self) {
                let input = try parameters(text, meter)
                var byteCountLeft = DynamoDBLimits.expressionValueByteCountMax
                _ = try LegacyParameters.expected(input, within: &byteCountLeft)
            }
        }
        #expect(meter.byteCount < 100_000)
    }

    // MARK: Memory

    @Test("Names and texts are reserved, but for some of a usual request")
    func memory() throws {
        let names = (0..<4000).map { "\($0)" + String(repeating: "n", count: 600) }
        let byteCount = names.reduce(0) { $0 + $1.utf8.count }
        let quoted = names.map { #""\#($0)""# }
        let object = quoted.map { $0 + ":5" }.joined(separator: ",")
        let placeholders = quoted.enumerated().map { ##""#n\##($0)":\##($1)"## }
        let text =
            #"{"Object":{\#(object)},"List":[\#(quoted.joined(separator: ","))],"#
            + #""ExpressionAttributeNames":{\#(placeholders.joined(separator: ","))},"#
            + #""ProjectionExpression":"a"}"#
        for read: (RequestParameters) throws -> Void in [
            { _ = try $0.object("Object") }, { _ = try $0.strings("List") },
            { _ = try Expressions($0, .read) },
        ] {
            let meter = MemoryMeter()
            let input = try parameters(text, meter)
            #expect(meter.byteCount == 0)
            try read(input)
            #expect(meter.byteCount >= byteCount)
            let little = try parameters(text, MemoryMeter(limit: byteCount / 2))
            #expect { try read(little) } throws: {
                ($0 as? ServiceError)?.type == "ThrottlingException"
            }
        }
    }

    // MARK: Tags

    @Test("A tag's key and value are counted by scalars", arguments: [128, 129])
    func tags(count: Int) async {
        // Any number of these letters is one character.
        let key = String(repeating: "\u{1100}", count: count)
        let create =
            #"{"TableName":"new","BillingMode":"PAY_PER_REQUEST","Tags":[{"Key":"\#(key)","Value":""}],"#
            + #""KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"#
            + #""AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}"#
        let response = await ask("CreateTable", create)
        #expect((response.status == 200) == (count == 128))
    }

    // MARK: Types

    @Test(
        "Errors have the namespace and the member that AWS's services give their type",
        arguments: [
            ("ValidationException", "com.amazon.coral.validate", "message"),
            ("AccessDeniedException", "com.amazon.coral.service", "Message"),
            ("RequestEntityTooLarge", "com.amazon.coral.service", "Message"),
            ("ThrottlingException", "com.amazonaws.dynamodb.v20120810", "message"),
        ])
    func types(type: String, namespace: String, member: String) {
        let response = DynamoDBResponse.error(type, "a \"b\"", status: 413)
        let expected = #"{"__type":"\#(namespace)#\#(type)","\#(member)":"a \"b\""}"#
        #expect(String(decoding: response.body, as: UTF8.self) == expected)
        #expect(response.status == 413)
    }
}
