import Testing

/// The parameters that DynamoDB had before expressions, constraint by constraint.
///
/// Sources: the tests of architect/dynalite, recorded with the service (putItem, updateItem, query,
/// scan); "Legacy DynamoDB conditional parameters" in the developer guide.
@Suite("Parameters from before expressions")
struct LegacyParameterTests {
    private typealias Object = ProtocolBench.Object

    private static let invalid = "One or more parameter values were invalid: "

    // MARK: Expected

    /// What `Expected` has for the attribute `a`, and the error.
    private static let expected = [
        ("{}", "Value must be provided when Exists is null for Attribute: a"),
        (#"{"Exists":true}"#, "Value must be provided when Exists is true for Attribute: a"),
        (
            #"{"Exists":false,"Value":{"S":"a"}}"#,
            "Value cannot be used when Exists is false for Attribute: a"
        ),
        (
            #"{"ComparisonOperator":"LT"}"#,
            "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a"
        ),
        (
            #"{"Exists":true,"ComparisonOperator":"LT"}"#,
            "Exists and ComparisonOperator cannot be used together for Attribute: a"
        ),
        (
            #"{"AttributeValueList":[{"S":"a"}],"Value":{"S":"a"},"ComparisonOperator":"LT"}"#,
            "Value and AttributeValueList cannot be used together for Attribute: a"
        ),
        (
            #"{"AttributeValueList":[{"S":"a"}]}"#,
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"
        ),
        (
            #"{"Exists":true,"AttributeValueList":[{"S":"a"}]}"#,
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"
        ),
        (
            #"{"Value":{"S":"a"},"ComparisonOperator":"NULL"}"#,
            "Invalid number of argument(s) for the NULL ComparisonOperator"
        ),
        (
            #"{"Value":{"S":"a"},"ComparisonOperator":"BETWEEN"}"#,
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator"
        ),
    ]

    @Test("Each constraint of Expected", arguments: expected)
    func expectation(node: String, message: String) async throws {
        let bench = try await ProtocolBench()
        let rest = #""Expected":{"a":\#(node)}"#
        for (operation, body) in [
            ("PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"k"}},\#(rest)}"#),
            ("DeleteItem", #"{"TableName":"ttt","Key":{"p":{"S":"k"}},\#(rest)}"#),
            ("UpdateItem", #"{"TableName":"ttt","Key":{"p":{"S":"k"}},\#(rest)}"#),
        ] { try await bench.refuses(Self.invalid + message, operation, body) }
        #expect(try await bench.items().isEmpty)
    }

    // MARK: Comparisons

    /// A comparison, its values, and the error.
    private static let comparisons = [
        ("EQ", "[]", "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (
            "EQ", #"[{"S":"a"},{"S":"b"}]"#,
            "Invalid number of argument(s) for the EQ ComparisonOperator"
        ),
        ("NULL", #"[{"S":"a"}]"#, "Invalid number of argument(s) for the NULL ComparisonOperator"),
        (
            "NOT_NULL", #"[{"S":"a"}]"#,
            "Invalid number of argument(s) for the NOT_NULL ComparisonOperator"
        ),
        ("IN", "[]", "Invalid number of argument(s) for the IN ComparisonOperator"),
        (
            "BETWEEN", #"[{"N":"1"},{"N":"10"},{"N":"12"}]"#,
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator"
        ),
        (
            "BETWEEN", #"[{"N":"1"}]"#,
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator"
        ),
        (
            "BETWEEN", #"[{"N":"1"},{"S":"a"}]"#,
            "AttributeValues inside AttributeValueList must be of same type"
        ),
        (
            "IN", #"[{"S":"b"},{"N":"1"}]"#,
            "AttributeValues inside AttributeValueList must be of same type"
        ),
        ("LT", #"[{"L":[]}]"#, "ComparisonOperator LT is not valid for L AttributeValue type"),
        (
            "GE", #"[{"BOOL":true}]"#,
            "ComparisonOperator GE is not valid for BOOL AttributeValue type"
        ),
        (
            "CONTAINS", #"[{"SS":["a"]}]"#,
            "ComparisonOperator CONTAINS is not valid for SS AttributeValue type"
        ),
        (
            "BEGINS_WITH", #"[{"N":"1"}]"#,
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"
        ),
        ("IN", #"[{"M":{}}]"#, "ComparisonOperator IN is not valid for M AttributeValue type"),
    ]

    @Test("Each comparison has its number of values and its types", arguments: comparisons)
    func comparison(name: String, values: String, message: String) async throws {
        let bench = try await ProtocolBench()
        let node = #"{"ComparisonOperator":"\#(name)","AttributeValueList":\#(values)}"#
        try await bench.refuses(
            Self.invalid + message, "PutItem",
            #"{"TableName":"ttt","Item":{"p":{"S":"k"}},"Expected":{"a":\#(node)}}"#)
        try await bench.refuses(
            Self.invalid + message, "Scan", #"{"TableName":"ttt","ScanFilter":{"a":\#(node)}}"#)
        try await bench.refuses(
            Self.invalid + message, "Query",
            #"{"TableName":"ttt","KeyConditions":{"p":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"k"}]}},"QueryFilter":{"a":\#(node)}}"#
        )
    }

    @Test("The lower bound of BETWEEN is not above the upper one")
    func bounds() async throws {
        let bench = try await ProtocolBench()
        try await bench.refuses(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
            "Scan",
            #"{"TableName":"ttt","ScanFilter":{"a":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"2"},{"N":"1"}]}}}"#
        )
    }

    /// A comparison with its values, and the items that pass it.
    ///
    /// In the item `1`, a is the number 1. In `x`, it is the text "xy", and in `s` the set of "x"
    /// and "y". The item `no` has no a.
    private static let filters = [
        ("EQ", #"[{"N":"1"}]"#, "1"), ("NE", #"[{"N":"1"}]"#, "no,s,x"),
        ("LT", #"[{"N":"2"}]"#, "1"), ("LE", #"[{"N":"1"}]"#, "1"), ("GT", #"[{"N":"1"}]"#, ""),
        ("GE", #"[{"S":"xy"}]"#, "x"), ("NULL", "[]", "no"), ("NOT_NULL", "[]", "1,s,x"),
        ("CONTAINS", #"[{"S":"x"}]"#, "s,x"), ("BEGINS_WITH", #"[{"S":"x"}]"#, "x"),
        ("IN", #"[{"N":"3"},{"N":"1"}]"#, "1"), ("BETWEEN", #"[{"N":"0"},{"N":"1"}]"#, "1"),
        ("EQ", #"[{"SS":["y","x"]}]"#, "s"),
    ]

    private func filled() async throws -> ProtocolBench {
        let bench = try await ProtocolBench()
        for item in [
            #"{"p":{"S":"1"},"a":{"N":"1"}}"#, #"{"p":{"S":"x"},"a":{"S":"xy"},"b":{"S":"b"}}"#,
            #"{"p":{"S":"s"},"a":{"SS":["x","y"]}}"#, #"{"p":{"S":"no"},"b":{"S":"c"}}"#,
        ] { try await bench.ok("PutItem", #"{"TableName":"ttt","Item":\#(item)}"#) }
        return bench
    }

    private func keys(_ object: Object) -> String {
        let items = object["Items"] as? [Object] ?? []
        return items.compactMap { ($0["p"] as? Object)?["S"] as? String }.sorted()
            .joined(separator: ",")
    }

    @Test("What passes a filter, and what an expectation takes", arguments: filters)
    func filter(name: String, values: String, passing: String) async throws {
        let bench = try await filled()
        let node = #"{"a":{"ComparisonOperator":"\#(name)","AttributeValueList":\#(values)}}"#
        let object = try await bench.ok("Scan", #"{"TableName":"ttt","ScanFilter":\#(node)}"#)
        #expect(keys(object) == passing)
        var deleted: [String] = []
        for key in ["1", "no", "s", "x"] {
            let answer = try await bench.ask(
                "DeleteItem",
                #"{"TableName":"ttt","Key":{"p":{"S":"\#(key)"}},"Expected":\#(node)}"#)
            if answer.type == nil { deleted.append(key) }
        }
        #expect(deleted.joined(separator: ",") == passing)
    }

    @Test("Several conditions are joined with AND, or with OR")
    func operators() async throws {
        let bench = try await filled()
        let both =
            #"{"a":{"ComparisonOperator":"NOT_NULL"},"b":{"ComparisonOperator":"NOT_NULL"}}"#
        for (choice, passing) in [
            ("", "x"), (#","ConditionalOperator":"AND""#, "x"),
            (#","ConditionalOperator":"OR""#, "1,no,s,x"),
        ] {
            let object = try await bench.ok(
                "Scan", #"{"TableName":"ttt","ScanFilter":\#(both)\#(choice)}"#)
            #expect(keys(object) == passing, "\(choice)")
        }
        for (filter, message) in [
            ("", "ConditionalOperator cannot be used without Filter or Expected"),
            (#""ScanFilter":{},"#, "ConditionalOperator cannot be used without Filter or Expected"),
            (
                #""ScanFilter":{"a":{"ComparisonOperator":"NULL"}},"#,
                "ConditionalOperator can only be used when Filter or Expected has two or more elements"
            ),
        ] {
            try await bench.refuses(
                message, "Scan", #"{"TableName":"ttt",\#(filter)"ConditionalOperator":"OR"}"#)
        }
    }

    // MARK: Updates

    @Test(
        "Actions take values of some types",
        arguments: [
            (
                #"{"Action":"PUT"}"#,
                "Only DELETE action is allowed when no attribute value is specified"
            ),
            (
                #"{"Action":"ADD"}"#,
                "Only DELETE action is allowed when no attribute value is specified"
            ),
            ("{}", "Only DELETE action is allowed when no attribute value is specified"),
            (
                #"{"Action":"DELETE","Value":{"S":"a"}}"#,
                "DELETE action with value is not supported for the type S"
            ),
            (
                #"{"Action":"DELETE","Value":{"N":"1"}}"#,
                "DELETE action with value is not supported for the type N"
            ),
            (
                #"{"Action":"ADD","Value":{"B":"Yg=="}}"#,
                "ADD action is not supported for the type B"
            ),
            (
                #"{"Action":"ADD","Value":{"NULL":true}}"#,
                "ADD action is not supported for the type NULL"
            ),
            (#"{"Action":"ADD","Value":{"M":{}}}"#, "ADD action is not supported for the type M"),
        ])
    func action(node: String, message: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.refuses(
            Self.invalid + message, "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"k"}},"AttributeUpdates":{"a":\#(node)}}"#)
    }

    @Test("An action on a stored value of another type")
    func storedTypes() async throws {
        let bench = try await filled()
        for (key, node) in [
            ("s", #"{"Action":"DELETE","Value":{"NS":["1"]}}"#),
            ("1", #"{"Action":"DELETE","Value":{"NS":["1"]}}"#),
            ("x", #"{"Action":"ADD","Value":{"N":"1"}}"#),
            ("s", #"{"Action":"ADD","Value":{"L":[]}}"#),
        ] {
            try await bench.refuses(
                "Type mismatch for attribute to update", "UpdateItem",
                #"{"TableName":"ttt","Key":{"p":{"S":"\#(key)"}},"AttributeUpdates":{"a":\#(node)}}"#
            )
        }
        let object = try await bench.ok(
            "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"1"}},"AttributeUpdates":{"a":{"Action":"ADD","Value":{"N":"2"}},"l":{"Action":"ADD","Value":{"L":[{"S":"a"}]}}},"ReturnValues":"ALL_NEW"}"#
        )
        let attributes = try #require(object["Attributes"] as? Object)
        #expect((attributes["a"] as? Object)?["N"] as? String == "3")
        #expect((attributes["l"] as? Object)?["L"] as? [[String: String]] == [["S": "a"]])
    }

    // MARK: Reads

    @Test("AttributesToGet names each attribute once")
    func attributes() async throws {
        let bench = try await filled()
        try await bench.refuses(
            Self.invalid + "Duplicate value in attribute name: a", "GetItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"x"}},"AttributesToGet":["a","b","a"]}"#)
        let object = try await bench.ok(
            "GetItem", #"{"TableName":"ttt","Key":{"p":{"S":"x"}},"AttributesToGet":["b","c"]}"#)
        #expect((object["Item"] as? Object)?.keys.sorted() == ["b"])
    }

    private static let key =
        #""KeyConditions":{"p":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}}"#

    @Test("KeyConditions: what is refused")
    func keyConditions() async throws {
        let bench = try await ProtocolBench()
        func node(_ name: String, _ values: String) -> String {
            #"{"ComparisonOperator":"\#(name)","AttributeValueList":\#(values)}"#
        }
        let (a, number) = (#"[{"S":"a"}]"#, #"[{"N":"1"}]"#)
        for (conditions, message) in [
            ("{}", "Conditions can be of length 1 or 2 only"),
            (
                #"{"p":\#(node("NE", a))}"#,
                "Attempted conditional constraint is not an indexable operation"
            ),
            (#"{"p":\#(node("LT", a))}"#, "Query key condition not supported"),
            (#"{"s":\#(node("EQ", a))}"#, "Query condition missed key schema element: p"),
            (
                #"{"p":\#(node("EQ", a)),"x":\#(node("EQ", a))}"#,
                "Query condition missed key schema element: s"
            ),
            (
                #"{"p":\#(node("EQ", number))}"#,
                "\(Self.invalid)Condition parameter type does not match schema type"
            ),
        ] {
            try await bench.refuses(
                message, "Query", #"{"TableName":"rrr","KeyConditions":\#(conditions)}"#)
        }
        try await bench.refuses(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            "Query", #"{"TableName":"rrr"}"#)
    }

    @Test("KeyConditions can be used with expressions for the filter and the projection")
    func keyConditionsWithExpressions() async throws {
        let bench = try await filled()
        let values = #""ExpressionAttributeValues":{":v":{"S":"b"}}"#
        let object = try await bench.ok(
            "Query",
            #"{"TableName":"ttt",\#(Self.key),"FilterExpression":"b = :v",\#(values),"ProjectionExpression":"p"}"#
        )
        #expect(keys(object) == "x")
        #expect((object["Items"] as? [Object])?.first?.count == 1)
        try await bench.refuses(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {QueryFilter} Expression parameters: {ProjectionExpression}",
            "Query",
            #"{"TableName":"ttt",\#(Self.key),"QueryFilter":{},"ProjectionExpression":"p"}"#)
    }

    @Test("A filter of a query does not name the queried keys")
    func queryFilter() async throws {
        let bench = try await filled()
        let message = "can only contain non-primary key attributes: Primary key attribute: p"
        try await bench.refuses(
            "QueryFilter \(message)", "Query",
            #"{"TableName":"ttt",\#(Self.key),"QueryFilter":{"p":{"ComparisonOperator":"NOT_NULL"}}}"#
        )
        try await bench.refuses(
            "Filter Expression \(message)", "Query",
            #"{"TableName":"ttt",\#(Self.key),"FilterExpression":"attribute_exists(p)"}"#)
        let object = try await bench.ok(
            "Query",
            #"{"TableName":"ttt",\#(Self.key),"QueryFilter":{"b":{"ComparisonOperator":"NOT_NULL"}}}"#
        )
        #expect(keys(object) == "x")
    }
}
