import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

@testable import CodexDynamoDB

/// The sizes of values in requests, and what of a request is not read because it is refused anyway.
@Suite("Values of requests")
struct RequestValueTests {
    private static let valueByteCountMax = DynamoDBLimits.expressionValueByteCountMax

    private let temporary: TemporaryStore
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.pair)
        service = DynamoDBService(temporary.store)
    }

    /// The error's type without the namespace, and its message; both are empty without an error.
    private func ask(
        _ operation: String, _ body: String
    ) async throws -> (type: String, message: String) {
        let answer = await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
        let type = (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        let message = (object["message"] ?? object["Message"]) as? String
        return (type ?? "", message ?? "")
    }

    private func parameters(
        _ text: String, _ meter: MemoryMeter = MemoryMeter()
    ) throws -> RequestParameters {
        try RequestParameters(Array(text.utf8), meter.budget())
    }

    /// The refusal; `nil` if there is none.
    private func refusal(_ body: () throws -> Void) -> ServiceError? {
        do {
            try body()
            return nil
        } catch {
            return ServiceError(error)
        }
    }

    private static func text(_ byteCount: Int) -> String {
        String(repeating: "x", count: byteCount)
    }

    /// JSON of a list, with equal elements.
    private static func list(_ count: Int, _ element: String) -> String {
        "[" + Array(repeating: element, count: count).joined(separator: ",") + "]"
    }

    // MARK: Sizes

    /// An item with values of each type, at several depths.
    private static var item: Item {
        [
            "n": -12, "t": true, "z": .null, "b": .binary([1, 2, 3]), "s": "text",
            "l": ["a", ["b", 100, .null], [:]], "m": ["x": ["y": 7, "z": []], "w": "v"],
            "ss": .stringSet(["a", "bc"]), "ns": .numberSet([1, -234, 5_000_000]),
            "bs": .binarySet([[1], []]),
        ]
    }

    @Test("An item is counted as it is read, to the byte", arguments: -1...1)
    func itemSizes(difference: Int) throws {
        var item = Self.item
        let rest = DynamoDBLimits.itemByteCountMax - item.byteCount + difference - 1
        item["x"] = .string(Self.text(rest))
        var writer = JSONWriter()
        writer.typed(item)
        let input = try parameters(#"{"Item":\#(writer.text)}"#)
        var read: Item?
        let error = refusal { read = try input.requiredItem("Item") }
        #expect(read == nil || read == item)
        #expect((error == nil) == (difference <= 0))
        #expect(error?.message.contains("maximum allowed size") ?? true)
    }

    @Test("The values of placeholders are counted together, to the byte", arguments: -1...1)
    func valueSizes(difference: Int) throws {
        let value = AttributeValue.map(Self.item)
        var writer = JSONWriter()
        writer.typed(value)
        let map = writer.text
        let text = Self.text(Self.valueByteCountMax - 2 * value.byteCount + difference)
        let input = try parameters(
            #"{"FilterExpression":"a IN (:a,:b,:c)","ExpressionAttributeValues":"#
                + #"{":a":\#(map),":b":{"S":"\#(text)"},":c":\#(map)}}"#)
        let error = refusal { _ = try Expressions(input, .scan) }
        #expect((error == nil) == (difference <= 0))
        #expect(error?.message.contains("exceeds max size") ?? true)
    }

    @Test("Numbers that are too large together are refused before all are read")
    func manyNumbers() throws {
        let number = "\"1234567890123456789\""
        // 11 bytes each, as DynamoDB counts them.
        let countMax = Self.valueByteCountMax / 11
        let numbers = Self.list(2 * countMax, number)
        for content in [#"{"NS":\#(numbers)}"#, #"{"L":[{"NS":\#(numbers)}]}"#] {
            let meter = MemoryMeter()
            let input = try parameters(
                #"{"FilterExpression":"a = :a","ExpressionAttributeValues":{":a":\#(content)}}"#,
                meter)
            let error = refusal { _ = try Expressions(input, .scan) }
            #expect(error?.message.contains("exceeds max size") == true)
            let memberByteCount = DecodedSize.setMember(of: Number.self)
            #expect(meter.byteCount <= (countMax + 100) * memberByteCount)
        }
    }

    // MARK: Spelling

    @Test("Numbers and Booleans are read with escapes, spaces and other members")
    func spelling() throws {
        for (text, value) in [
            (#"{"N":"\u0031\u0032"}"#, 12), (#"{"N":"1\u0032" }"#, 12),
            (#"{"N":"12","S":null}"#, 12), (#"{"BOOL":true}"#, true),
            (#"{"BOOL":false }"#, false), (#"{"NULL":true,"S":null}"#, .null),
            (#"{"S":null,"BOOL":true}"#, true), (#"{"NS":["\u0031","2"]}"#, .numberSet([1, 2])),
            (#"{"S":""}"#, ""), (#"{"S":"\n"}"#, "\n"),
        ] as [(String, AttributeValue)] {
            let input = try parameters(#"{"Item":{"a":\#(text),"b":{"L":[\#(text)]}}}"#)
            #expect(try input.requiredItem("Item") == ["a": value, "b": .list([value])], "\(text)")
        }
        for (text, type) in [
            (#"{"N":"\u0041"}"#, "ValidationException"), (#"{"N":""}"#, "ValidationException"),
            (#"{"BOOL":"true"}"#, "SerializationException"),
            (#"{"BOOL":1}"#, "SerializationException"), (#"{"N":1}"#, "SerializationException"),
            (#"{"NS":["1","\u0031.0"]}"#, "ValidationException"),
            (#"{"BOOL":true,"S":"x"}"#, "ValidationException"),
        ] {
            let input = try parameters(#"{"Item":{"a":\#(text)}}"#)
            #expect(refusal { _ = try input.requiredItem("Item") }?.type == type, "\(text)")
        }
    }

    // MARK: Keys

    /// Values of types that no key has; the content of lists, maps and sets is invalid.
    private static let others: [String] = [
        #"{"L":[{"S":"x"},7]}"#, #"{"M":{"a":{"N":"none"}}}"#, #"{"SS":["x","x"]}"#,
        #"{"NS":["none"]}"#, #"{"BS":[]}"#, #"{"BOOL":true}"#, #"{"NULL":true}"#,
    ]

    /// Requests with a key, and a part of the message if the key is of another type.
    private static func requests(
        _ key: String
    ) -> [(operation: String, body: String, text: String)] {
        let parameters = #""TableName":"uuu","Key":\#(key)"#
        let mismatch = "does not match the schema"
        return [
            ("GetItem", "{\(parameters)}", mismatch), ("DeleteItem", "{\(parameters)}", mismatch),
            ("UpdateItem", "{\(parameters)}", mismatch),
            ("BatchGetItem", #"{"RequestItems":{"uuu":{"Keys":[\#(key)]}}}"#, mismatch),
            (
                "BatchWriteItem", #"{"RequestItems":{"uuu":[{"DeleteRequest":{"Key":\#(key)}}]}}"#,
                mismatch
            ),
            ("TransactGetItems", #"{"TransactItems":[{"Get":{\#(parameters)}}]}"#, "cancelled"),
            (
                "TransactWriteItems", #"{"TransactItems":[{"Delete":{\#(parameters)}}]}"#,
                "cancelled"
            ),
            ("Scan", #"{"TableName":"uuu","ExclusiveStartKey":\#(key)}"#, "starting key"),
        ]
    }

    @Test("A key of another type is refused by its type, without its content", arguments: others)
    func otherTypes(value: String) async throws {
        for (operation, body, text) in Self.requests(#"{"p":\#(value)}"#) {
            let error = try await ask(operation, body)
            let isTransaction = text == "cancelled"
            #expect(
                error.type
                    == (isTransaction ? "TransactionCanceledException" : "ValidationException"),
                "\(operation)")
            #expect(error.message.contains(text), "\(operation): \(error.message)")
        }
    }

    @Test("A key whose list or map is none is refused as in an item")
    func otherContent() throws {
        for text in [#"{"L":{}}"#, #"{"M":[]}"#, #"{"SS":"x"}"#, #"{"NS":{}}"#, #"{"BS":true}"#] {
            let input = try parameters(#"{"Key":{"p":\#(text)},"Item":{"p":\#(text)}}"#)
            #expect(refusal { _ = try input.requiredKey("Key") }?.type == "SerializationException")
            #expect(
                refusal { _ = try input.requiredItem("Item") }?.type == "SerializationException")
        }
        let missing = refusal { _ = try parameters("{}").requiredKey("Key") }
        #expect(missing?.message.contains("'key'") == true)
    }

    @Test("The content of other types takes no memory, and what follows it is read")
    func skippedContent() throws {
        let names = (0..<20_000).map { #""name\#($0)":{"S":"a text of more than 15 bytes"}"# }
        let members = names.joined(separator: ",")
        let numbers = Self.list(20_000, #"{"N":"1"}"#)
        let texts = Self.list(20_000, #""]}""#)
        for text in [#"{"M":{\#(members)}}"#, #"{"L":\#(numbers)}"#, #"{"SS":\#(texts)}"#] {
            let meter = MemoryMeter()
            let input = try parameters(#"{"Key":{"a":\#(text),"b":{"S":"x"}}}"#, meter)
            let key = try input.requiredKey("Key")
            #expect(key.count == 2 && key["b"] == "x" && key["a"]?.byteCount ?? 9 <= 3)
            #expect(meter.byteCount < 1000)
        }
    }

    @Test("A key has at most the size of its parts and of their names", arguments: -1...1)
    func keySizes(difference: Int) throws {
        let nameByteCount = 2 * DynamoDBLimits.keyAttributeNameByteCountMax
        let part = DynamoDBLimits.partitionKeyByteCountMax + DynamoDBLimits.sortKeyByteCountMax
        for partCount in [1, 5] {
            let count = partCount * (part + nameByteCount) - 2 + difference
            let (first, second) = (Self.text(count - 100), Self.base64(100))
            let input = try parameters(
                #"{"Key":{"p":{"S":"\#(first)"},"s":{"B":"\#(second)"}}}"#)
            let value = try #require(input["Key"])
            let error = refusal { _ = try AttributeReader.key(value, partCountMax: partCount) }
            #expect((error == nil) == (difference <= 0))
            #expect(error.map { $0.type == "ValidationException" } ?? true)
        }
    }

    private static func base64(_ byteCount: Int) -> String {
        Data(repeating: 7, count: byteCount).base64EncodedString()
    }

    @Test("Keys of the largest size are taken by all requests that name them")
    func largestKeys() async throws {
        let value = Self.text(DynamoDBLimits.partitionKeyByteCountMax)
        let key = #"{"p":{"S":"\#(value)"}}"#
        for (operation, body, _) in Self.requests(key) {
            #expect(try await ask(operation, body).type == "", "\(operation)")
        }
        let longer = #"{"p":{"S":"\#(value)x"}}"#
        let error = try await ask("GetItem", #"{"TableName":"uuu","Key":\#(longer)}"#)
        #expect(error.type == "ValidationException" && error.message.contains("2048"))
    }

    // MARK: Queries

    private static func query(_ value: String, _ more: String = "") -> String {
        #"{"TableName":"uuu","KeyConditionExpression":"p = :p",\#(more)"#
            + #""ExpressionAttributeValues":{":p":\#(value)}}"#
    }

    @Test("A query's key of another type is refused by its type", arguments: others)
    func queries(value: String) async throws {
        let condition = #"{"p":{"ComparisonOperator":"EQ","AttributeValueList":[\#(value)]}}"#
        for body in [Self.query(value), #"{"TableName":"uuu","KeyConditions":\#(condition)}"#] {
            let error = try await ask("Query", body)
            #expect(error.type == "ValidationException")
            #expect(error.message.contains("does not match schema type"), "\(error.message)")
        }
    }

    @Test(
        "Empty members of a set are refused at the second, and take no memory",
        arguments: ["SS", "BS"])
    func emptyMembers(type: String) throws {
        let meter = MemoryMeter()
        let members = [String](repeating: #""""#, count: 100_000).joined(separator: ",")
        let input = try parameters(
            #"{"Item":{"p":{"S":"x"},"a":{"\#(type)":[\#(members)]}}}"#, meter)
        let error = try #require(refusal { _ = try input.requiredItem("Item") })
        #expect(error.message.contains("contains duplicates"))
        #expect(meter.byteCount < 10_000)
        let one = try parameters(#"{"Item":{"p":{"S":"x"},"a":{"\#(type)":[""]}}}"#)
        #expect(try one.requiredItem("Item").count == 2)
    }

    @Test("With a filter, all content of a query's values is read")
    func filteredQueries() async throws {
        let filter = #""FilterExpression":"a <> :p","#
        let error = try await ask("Query", Self.query(#"{"SS":["x","x"]}"#, filter))
        #expect(error.message.contains("contains duplicates"))
        let list = #"{"L":[{"S":"x"}]}"#
        let taken = try await ask(
            "Query",
            #"{"TableName":"uuu","KeyConditionExpression":"p = :p","FilterExpression":"a = :l","#
                + #""ExpressionAttributeValues":{":p":{"S":"a"},":l":\#(list)}}"#)
        #expect(taken.type == "")
        let both = try await ask(
            "Query",
            #"{"TableName":"uuu","KeyConditions":{"p":{"ComparisonOperator":"EQ","#
                + #""AttributeValueList":[{"S":"a"}]}},"QueryFilter":{"a":{"#
                + #""ComparisonOperator":"EQ","AttributeValueList":[\#(list)]}}}"#)
        #expect(both.type == "")
    }

    // MARK: Older parameters

    private func expected(_ text: String, _ meter: MemoryMeter = MemoryMeter()) throws {
        let input = try parameters(#"{"Expected":{\#(text)}}"#, meter)
        var expressions = try Expressions(input, .condition)
        _ = try expressions.condition()
    }

    @Test("A comparison has as many values as operands; they are counted before they are read")
    func operandCounts() throws {
        let one = ["EQ", "NE", "LT", "LE", "GT", "GE", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"]
        for name in one + ["NULL", "NOT_NULL", "BETWEEN", "IN"] {
            let counts =
                switch name {
                case "NULL", "NOT_NULL": 0...0
                case "BETWEEN": 2...2
                case "IN": 1...100
                default: 1...1
                }
            for count in [0, 1, 2, 3, 99, 100, 101] {
                let values = Self.list(count, #"{"S":"x"}"#)
                let text =
                    #""a":{"ComparisonOperator":"\#(name)","AttributeValueList":\#(values)}"#
                let error = refusal { try expected(text) }
                #expect((error == nil) == counts.contains(count), "\(name) \(count)")
                #expect(error?.message.contains("Invalid number of argument(s)") ?? true)
            }
        }
        let values = Self.list(10_000, #"{"N":"none"}"#)
        let meter = MemoryMeter()
        let error = refusal {
            try expected(
                #""a":{"ComparisonOperator":"IN","AttributeValueList":\#(values)}"#, meter)
        }
        #expect(error?.message.contains("Invalid number of argument(s)") == true)
    }

    @Test("All values of the older parameters have one limit", arguments: -1...1)
    func commonLimit(difference: Int) throws {
        let half = Self.valueByteCountMax / 2
        let (first, second) = (Self.text(half), Self.text(half + difference))
        let value = #"{"Value":{"S":"\#(first)"}}"#
        let other = #"{"Value":{"S":"\#(second)"}}"#
        let list = #""AttributeValueList":[{"S":"\#(first)"},{"S":"\#(second)"}]"#
        // The lower bound is not above the upper one.
        let range = #""AttributeValueList":[{"S":"\#(second)"},{"S":"\#(first)"}]"#
        let key = #""TableName":"ttt","Key":{"p":{"S":"p"},"s":{"N":"1"}}"#
        let bodies = [
            #"{"Expected":{"a":\#(value),"b":\#(other)}}"#,
            #"{"Expected":{"a":{"ComparisonOperator":"IN",\#(list)}}}"#,
            #"{\#(key),"AttributeUpdates":{"a":\#(value)},"Expected":{"b":\#(other)}}"#,
            #"{\#(key),"AttributeUpdates":{"a":\#(value),"b":\#(other)}}"#,
            #"{"KeyConditions":{"a":{"ComparisonOperator":"BETWEEN",\#(range)}}}"#,
        ]
        for body in bodies {
            let input = try parameters(body)
            let error = refusal {
                var expressions = try Expressions(
                    input, input.has("KeyConditions") ? .query : .update)
                if input.has("AttributeUpdates") { _ = try expressions.update() }
                if input.has("KeyConditions") { _ = try expressions.keyCondition() }
                _ = try expressions.condition()
            }
            #expect((error == nil) == (difference <= 0), "\(body.prefix(60))")
            #expect(error?.message.contains("exceeds max size") ?? true)
        }
    }
}
