import Testing

/// The texts of refused items, keys, values and numbers, word for word.
///
/// Sources: the tests of architect/dynalite, putItem and getItem, and `tests/tier3` of
/// nubo-db/dynamodb-conformance (error-messages, limits); both were recorded with the service.
@Suite("Texts of refused items and keys")
struct ItemTextTests {
    private static let invalid = "One or more parameter values were invalid: "

    private func put(_ item: String, _ table: String = "ttt") -> String {
        #"{"TableName":"\#(table)","Item":\#(item)}"#
    }

    /// An item of the table `ttt`, and the error.
    private static let items: [(String, String)] = [
        ("{}", "\(invalid)Missing the key p in the item"),
        (#"{"q":{"S":"a"}}"#, "\(invalid)Missing the key p in the item"),
        (#"{"p":{"N":"1"}}"#, "\(invalid)Type mismatch for key p expected: S actual: N"),
        (#"{"p":{"SS":["a"]}}"#, "\(invalid)Type mismatch for key p expected: S actual: SS"),
        (#"{"p":{"M":{}}}"#, "\(invalid)Type mismatch for key p expected: S actual: M"),
        (
            #"{"p":{"S":""}}"#,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p"
        ),
        (
            #"{"p":{"S":"\#(String(repeating: "k", count: 2049))"}}"#,
            "\(invalid)Size of hashkey has exceeded the maximum size limit of2048 bytes"
        ),
    ]

    /// A value, and the error.
    private static let values: [(String, String)] = [
        (
            "{}",
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        ),
        (
            #"{"a":""}"#,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        ),
        (
            #"{"L":[{}]}"#,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        ),
        (
            #"{"S":"a","N":"1"}"#,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
        ),
        (#"{"SS":[]}"#, "\(invalid)An string set  may not be empty"),
        (#"{"NS":[]}"#, "\(invalid)An number set  may not be empty"),
        (#"{"BS":[]}"#, "\(invalid)Binary sets should not be empty"),
        (#"{"SS":["a","a"]}"#, "\(invalid)Input collection [a, a] contains duplicates."),
        (#"{"SS":["b","a","b"]}"#, "\(invalid)Input collection [b, a, b] contains duplicates."),
        (
            #"{"BS":["Yg==","Yg=="]}"#,
            "\(invalid)Input collection [Yg==, Yg==]of type BS contains duplicates."
        ),
        (#"{"NS":["1","1.0"]}"#, "Input collection contains duplicates"),
        (#"{"N":""}"#, "The parameter cannot be converted to a numeric value"),
        (#"{"N":"b"}"#, "The parameter cannot be converted to a numeric value: b"),
        (#"{"NS":["1","b","a"]}"#, "The parameter cannot be converted to a numeric value: b"),
        (
            #"{"N":"123456789012345678901234567890123456789"}"#,
            "Attempting to store more than 38 significant digits in a Number"
        ),
        (
            #"{"N":"-1.23456789012345678901234567890123456789"}"#,
            "Attempting to store more than 38 significant digits in a Number"
        ),
        (
            #"{"N":"-1e126"}"#,
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        ),
        (
            #"{"N":"1e-131"}"#,
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        ),
        (
            nested(33),
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
        ),
    ]

    /// A value in lists.
    private static func nested(_ depth: Int) -> String {
        String(repeating: #"{"L":["#, count: depth) + #"{"S":"a"}"#
            + String(repeating: "]}", count: depth)
    }

    @Test("Items that do not have the key", arguments: items)
    func missingKey(item: String, message: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.refuses(message, "PutItem", put(item))
        #expect(try await bench.items().isEmpty)
    }

    @Test("Values: in an item, and as a placeholder's", arguments: values)
    func wrongValue(value: String, message: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.refuses(message, "PutItem", put(#"{"p":{"S":"a"},"v":\#(value)}"#))
        let answer = try await bench.ask(
            "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":\#(value)}}"#
        )
        #expect(answer.type == "ValidationException")
        if !message.hasPrefix("Nesting") {
            let text = "ExpressionAttributeValues contains invalid value: \(message) for key :v"
            #expect(answer.message == text)
        }
        #expect(try await bench.items().isEmpty)
    }

    @Test("Values at the limits, and NULL with false, are stored")
    func accepted() async throws {
        let bench = try await ProtocolBench()
        for value in [
            Self.nested(32), #"{"N":"9.9999999999999999999999999999999999999e125"}"#,
            #"{"N":"1e-130"}"#, #"{"N":"12345678901234567890123456789012345678"}"#, #"{"S":""}"#,
            #"{"B":""}"#, #"{"SS":["a","A"]}"#,
        ] { try await bench.ok("PutItem", put(#"{"p":{"S":"a"},"v":\#(value)}"#)) }
        try await bench.ok("PutItem", put(#"{"p":{"S":"n"},"v":{"NULL":false}}"#))
        let value = try await bench.items()["n"]?["v"] as? [String: Bool]
        #expect(value == ["NULL": true])
    }

    @Test(
        "Keys of single items",
        arguments: [
            "{}", #"{"q":{"S":"a"}}"#, #"{"p":{"S":"a"},"q":{"S":"a"}}"#, #"{"p":{"N":"1"}}"#,
            #"{"p":{"BOOL":true}}"#, #"{"p":{"SS":["a"]}}"#, #"{"p":{"L":[]}}"#,
        ])
    func wrongKey(key: String) async throws {
        let bench = try await ProtocolBench()
        for operation in ["GetItem", "DeleteItem", "UpdateItem"] {
            try await bench.refuses(
                "The provided key element does not match the schema", operation,
                #"{"TableName":"ttt","Key":\#(key)}"#)
        }
    }

    @Test("Sort keys and keys of indexes")
    func otherKeys() async throws {
        let bench = try await ProtocolBench()
        let long = String(repeating: "k", count: 1025)
        let (sortLimit, partitionLimit) = (
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
            "Size of hashkey has exceeded the maximum size limit of2048 bytes"
        )
        for (item, message) in [
            (#"{"p":{"S":"a"}}"#, "\(Self.invalid)Missing the key s in the item"),
            (#"{"p":{"S":"a"},"s":{"S":"\#(long)"}}"#, "\(Self.invalid)\(sortLimit)"),
            (#"{"p":{"S":"a"},"s":{"S":"a"},"x":{"S":"\#(long)"}}"#, "\(Self.invalid)\(sortLimit)"),
            (
                #"{"p":{"S":"a"},"s":{"S":"a"},"g":{"S":"\#(long)\#(long)"}}"#,
                "\(Self.invalid)\(partitionLimit)"
            ),
            (
                #"{"p":{"S":"a"},"s":{"S":"a"},"g":{"N":"1"}}"#,
                "\(Self.invalid)Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi1"
            ),
            (
                #"{"p":{"S":"a"},"s":{"S":"a"},"x":{"S":""}}"#,
                "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: lsi1, IndexKey: x"
            ),
        ] { try await bench.refuses(message, "PutItem", put(item, "rrr")) }
        try await bench.ok(
            "PutItem", put(#"{"p":{"S":"a"},"s":{"S":"a"},"g":{"S":"\#(long)"}}"#, "rrr"))
        let answer = try await bench.ask(
            "GetItem", #"{"TableName":"nothing","Key":{"p":{"S":"a"}}}"#)
        #expect(answer.type == "ResourceNotFoundException")
        #expect(answer.message == "Requested resource not found")
    }

    @Test("ReturnValues of a put or a deletion")
    func returnValues() async throws {
        let bench = try await ProtocolBench()
        for values in ["UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] {
            for (operation, body) in [
                ("PutItem", #""Item":{"p":{"S":"a"}}"#), ("DeleteItem", #""Key":{"p":{"S":"a"}}"#),
            ] {
                try await bench.refuses(
                    "ReturnValues can only be ALL_OLD or NONE", operation,
                    #"{"TableName":"ttt",\#(body),"ReturnValues":"\#(values)"}"#)
            }
        }
    }
}
