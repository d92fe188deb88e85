import CodexCore
import Testing

@testable import CodexDynamoDB

/// JSON of another type than a parameter's.
@Suite("Types of requests")
struct RequestTypeTests {
    private static let structure = "Start of structure or map found where not expected"
    private static let cast =
        "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to "
        + "class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
        + "java.lang.Class are in module java.base of loader 'bootstrap')"
    private static let package = "com.amazonaws.dynamodb.v20120810"

    /// A kind of parameter: a request with `%` in its place, and the message for each JSON.
    struct Typed: Sendable, CustomTestStringConvertible {
        let name: String
        let operation: String
        let body: String
        let messages: [String: String]

        private static let scalars = [#""23""#, "true", "23", "-2147483648", "34.56"]

        /// Creates a kind; `scalars` is the message for texts, numbers and Booleans.
        init(
            _ name: String, _ operation: String, _ body: String, scalars: String? = nil,
            _ others: [String: String]
        ) {
            (self.name, self.operation, self.body) = (name, operation, body)
            var messages = others
            if let scalars { for json in Self.scalars { messages[json] = scalars } }
            self.messages = messages
        }

        var testDescription: String { name }
    }

    /// The message for an array where a Java type is needed.
    private static func collection(_ type: String) -> String {
        "Unrecognized collection type \(type)"
    }

    private static let field = "Unexpected field type"
    private static let payload = "Unexpected value type in payload"
    private static let values = "java.util.Map<java.lang.String, \(package).AttributeValue>"
    private static let writes =
        "java.util.Map<java.lang.String, java.util.List<\(package).WriteRequest>>"

    private static let scalars: [Typed] = [
        Typed(
            "String", "GetItem", #"{"TableName":%}"#,
            [
                "true": "TRUE_VALUE cannot be converted to String",
                "false": "FALSE_VALUE cannot be converted to String",
                "23": "NUMBER_VALUE cannot be converted to String",
                "34.56": "DECIMAL_VALUE cannot be converted to String",
                "[]": collection("class java.lang.String"), "{}": structure,
            ]),
        Typed(
            "String in a list", "GetItem", #"{"AttributesToGet":[%]}"#,
            [
                "23": "NUMBER_VALUE cannot be converted to String",
                "[]": collection("class java.lang.String"), "{}": structure,
            ]),
        Typed(
            "String in a map", "GetItem", ##"{"ExpressionAttributeNames":{"#a":%}}"##,
            [
                "true": "TRUE_VALUE cannot be converted to String",
                "[]": collection("class java.lang.String"), "{}": structure,
            ]),
        Typed(
            "Boolean", "GetItem", #"{"ConsistentRead":%}"#,
            [
                #""true""#: "Unexpected token received from parser",
                "23": "NUMBER_VALUE cannot be converted to Boolean",
                "34.56": "DECIMAL_VALUE cannot be converted to Boolean",
                "[]": collection("class java.lang.Boolean"), "{}": structure,
            ]),
        Typed(
            "Integer", "Scan", #"{"Limit":%}"#,
            [
                #""23""#: "STRING_VALUE cannot be converted to Integer",
                "true": "TRUE_VALUE cannot be converted to Integer",
                "false": "FALSE_VALUE cannot be converted to Integer",
                "1e400": "DECIMAL_VALUE cannot be converted to Integer",
                "[]": collection("class java.lang.Integer"), "{}": structure,
            ]),
        Typed(
            "Long", "CreateTable", #"{"ProvisionedThroughput":{"ReadCapacityUnits":%}}"#,
            [
                #""23""#: "STRING_VALUE cannot be converted to Long",
                "true": "TRUE_VALUE cannot be converted to Long",
                "[]": collection("class java.lang.Long"), "{}": structure,
            ]),
    ]

    private static let others: [Typed] = [
        Typed(
            "List", "GetItem", #"{"AttributesToGet":%}"#, scalars: field, ["{}": structure]),
        Typed(
            "List in a map", "BatchWriteItem", #"{"RequestItems":{"abc":%}}"#, scalars: cast,
            ["{}": structure]),
        Typed("Map", "GetItem", #"{"Key":%}"#, scalars: field, ["[]": collection(values)]),
        Typed(
            "Map of lists", "BatchWriteItem", #"{"RequestItems":%}"#, scalars: field,
            ["[]": collection(writes)]),
        Typed(
            "Map in a list", "BatchGetItem", #"{"RequestItems":{"abc":{"Keys":[%]}}}"#,
            scalars: cast, ["[]": collection(values)]),
        Typed(
            "Structure", "CreateTable", #"{"ProvisionedThroughput":%}"#, scalars: field,
            ["[]": collection("class \(package).ProvisionedThroughput")]),
        Typed(
            "Structure in a list", "CreateTable", #"{"KeySchema":[%]}"#, scalars: payload,
            ["[]": collection("class \(package).KeySchemaElement")]),
        Typed(
            "Structure in a map", "BatchGetItem", #"{"RequestItems":{"abc":%}}"#, scalars: payload,
            ["[]": collection("class \(package).KeysAndAttributes")]),
        Typed(
            "Attribute value in a map", "PutItem", #"{"Item":{"a":%}}"#, scalars: payload,
            ["[]": collection("class \(package).AttributeValue")]),
        Typed(
            "Attribute value in a member", "PutItem", #"{"Expected":{"a":{"Value":%}}}"#,
            scalars: field, ["[]": collection("class \(package).AttributeValue")]),
    ]

    @Test("JSON of another type is refused in AWS's words", arguments: scalars + others)
    func types(type: Typed) throws {
        for (json, message) in type.messages {
            let parts = type.body.split(separator: "%", maxSplits: 1)
            let error = try CheckedRequest.error(type.operation, "\(parts[0])\(json)\(parts[1])")
            #expect(error?.type == "SerializationException", "\(json)")
            #expect(error?.message == message, "\(json)")
        }
    }

    @Test("The reader of attribute values has the same words")
    func attributeValues() throws {
        for (value, message) in [
            (#"{"S":1}"#, "NUMBER_VALUE cannot be converted to String"),
            (#"{"N":true}"#, "TRUE_VALUE cannot be converted to String"),
            (#"{"BOOL":"true"}"#, "Unexpected token received from parser"),
            (#"{"NULL":1}"#, "NUMBER_VALUE cannot be converted to Boolean"),
            (#"{"B":1}"#, "only base-64-encoded strings are convertible to bytes"),
            (#"{"B":[]}"#, "Unrecognized collection type class java.nio.ByteBuffer"),
            (
                #"{"B":"23456"}"#,
                "Base64 encoded length is expected a multiple of 4 bytes but found: 5"
            ),
            (#"{"B":"+/+="}"#, "Invalid last non-pad Base64 character dectected"),
            (#"{"L":"x"}"#, "Unexpected field type"), (#"{"L":{}}"#, Self.structure),
            (#"{"L":[1]}"#, "Unexpected value type in payload"),
            (#"{"SS":["x",1]}"#, "NUMBER_VALUE cannot be converted to String"),
            (#"{"SS":1}"#, "Unexpected field type"),
            (#"{"BS":[1]}"#, "only base-64-encoded strings are convertible to bytes"),
            (#"{"M":"x"}"#, "Unexpected field type"),
            (#"{"M":{"a":1}}"#, "Unexpected value type in payload"),
        ] {
            let input = try RequestParameters(
                Array(#"{"Item":{"a":\#(value)}}"#.utf8), RequestBudget())
            let error = #expect(throws: ServiceError.self) { try input.requiredItem("Item") }
            #expect(error?.type == "SerializationException", "\(value)")
            #expect(error?.message == message, "\(value)")
        }
    }

    // MARK: Order

    @Test("The first wrong type of the text is reported, before any constraint")
    func typesFirst() throws {
        let error = try CheckedRequest.error(
            "Scan", #"{"TableName":"a","Select":"x","Segment":"1","Limit":true}"#)
        #expect(error?.message == "STRING_VALUE cannot be converted to Integer")
        let missing = try CheckedRequest.error("CreateTable", #"{"KeySchema":1}"#)
        #expect(missing?.message == "Unexpected field type")
    }

    // MARK: Costs

    @Test("A check reserves no memory, and has a bound for the parts of a request")
    func bounds() throws {
        let meter = MemoryMeter()
        let most = RequestChecker.valueCountMax
        // The list is a member, too.
        for (count, isPermitted) in [(most - 2, true), (most - 1, true), (most, false)] {
            let names = [String](repeating: #""a""#, count: count).joined(separator: ",")
            let error = try CheckedRequest.error(
                "UntagResource", #"{"TagKeys":[\#(names)]}"#, meter.budget())
            #expect((error == nil) == isPermitted, "\(count)")
        }
        #expect(meter.byteCount == 0)
    }

    @Test("Items do not count, and long ones are left to the reader")
    func items() throws {
        let count = RequestChecker.valueCountMax + 1
        let members = (0..<count).map { #""a\#($0)":{}"# }.joined(separator: ",")
        let body = #"{"TableName":"abc","Item":{\#(members)}}"#
        #expect(try CheckedRequest.error("PutItem", body) == nil)
        let elements = [String](repeating: "1", count: count).joined(separator: ",")
        let statement = #"{"Statement":"s","Parameters":[\#(elements)]}"#
        #expect(try CheckedRequest.error("ExecuteStatement", statement) == nil)
    }
}
