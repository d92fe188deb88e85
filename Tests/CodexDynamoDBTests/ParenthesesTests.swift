import CodexCore
import Testing

/// Parentheses in expressions: where they are allowed, where they are redundant, and how deep.
///
/// Sources: architect/dynalite, `test/updateItem.js` and issue 99, recorded with the service;
/// nubo-db/dynamodb-conformance, putItem; ExtendDB/extenddb, pull requests 131 and 158.
@Suite("Parentheses in expressions")
struct ParenthesesTests {
    private static let redundant = "The expression has redundant parentheses;"

    /// An update, and the number that it gives for `c = 5`, `d = 7` and `:v = 1`.
    private static let sums = [
        ("SET c = (c - :v)", "4"), ("SET c = (c) - (:v)", "4"),
        ("SET c = ((c) + (d)), x = :v", "12"), ("SET c = (c) + d, x = (:v)", "12"),
        ("SET c = (if_not_exists(x, (d)) + :v)", "8"),
        ("SET c = if_not_exists((x), :v)", "1"), ("SET c = (d), x = :v", "7"),
        ("SET c = d - ( c ), x = :v", "2"), ("SET c = if_not_exists(x, (:v)) + (d)", "8"),
    ]

    @Test("An update has them around operands, and around the whole", arguments: sums)
    func update(text: String, result: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.ok(
            "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"a"},"c":{"N":"5"},"d":{"N":"7"}}}"#)
        let object = try await bench.ok(
            "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"\#(text)","ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"ALL_NEW"}"#
        )
        let attributes = object["Attributes"] as? ProtocolBench.Object
        #expect((attributes?["c"] as? ProtocolBench.Object)?["N"] as? String == result)
    }

    /// Conditions that hold for `a = 1`, `b = 2` and `:v = 1`.
    private static let allowed = [
        "(a = :v)", "(a) = (:v)", "((a) = (:v))", "(a = :v) AND (b > :v)",
        "((a = :v AND b > :v) AND a < b)", "(a < b AND (a = :v OR b = :v))",
        "a = :v OR (a = :v AND b = :v)", "NOT (a = b)", "(NOT (a = b))", "NOT (NOT (a = :v))",
        "(size((p))) = (:v)", "(a) BETWEEN (:v) AND (b)", "(a) IN ((b), (:v))",
        "attribute_exists((a)) AND (attribute_not_exists(x))", "( ( a ) = :v )",
    ]

    @Test("A condition has them around operands and conditions", arguments: allowed)
    func condition(text: String) async throws {
        let bench = try await ProtocolBench()
        let item = #"{"p":{"S":"k"},"a":{"N":"1"},"b":{"N":"2"}}"#
        try await bench.ok("PutItem", #"{"TableName":"ttt","Item":\#(item)}"#)
        let values = text.contains(":v") ? #","ExpressionAttributeValues":{":v":{"N":"1"}}"# : ""
        try await bench.ok(
            "PutItem",
            #"{"TableName":"ttt","Item":\#(item),"ConditionExpression":"\#(text)"\#(values)}"#)
        let found = try await bench.ok(
            "Scan", #"{"TableName":"ttt","FilterExpression":"\#(text)"\#(values)}"#)
        #expect(found["Count"] as? Int == 1)
    }

    @Test(
        "Twice around the same is redundant",
        arguments: [
            "((a = :v))", "((a)) = :v", "a = ((:v))", "(a = :v) AND ((b = :v))",
            "((a = :v AND b = :v))", "NOT ((a = :v))", "a BETWEEN ((:v)) AND b", "a IN (((:v)))",
            "attribute_exists(((a))) AND b = :v", "(((a = :v)) AND b = :v)", "((size(a))) = :v",
        ])
    func doubled(text: String) async throws {
        let bench = try await ProtocolBench()
        let values = #""ExpressionAttributeValues":{":v":{"N":"1"}}"#
        try await bench.refuses(
            "Invalid ConditionExpression: \(Self.redundant)", "PutItem",
            #"{"TableName":"ttt","Item":{"p":{"S":"k"}},"ConditionExpression":"\#(text)",\#(values)}"#
        )
        try await bench.refuses(
            "Invalid FilterExpression: \(Self.redundant)", "Scan",
            #"{"TableName":"ttt","FilterExpression":"\#(text)",\#(values)}"#)
    }

    @Test("Also in key conditions and updates")
    func doubledElsewhere() async throws {
        let bench = try await ProtocolBench()
        try await bench.refuses(
            "Invalid KeyConditionExpression: \(Self.redundant)", "Query",
            #"{"TableName":"ttt","KeyConditionExpression":"((p = :v))","ExpressionAttributeValues":{":v":{"S":"a"}}}"#
        )
        try await bench.ok(
            "Query",
            #"{"TableName":"ttt","KeyConditionExpression":"((p) = (:v))","ExpressionAttributeValues":{":v":{"S":"a"}}}"#
        )
        for text in ["SET a = ((:v))", "SET a = ((:v)) + b", "SET a = b - ((:v))"] {
            try await bench.refuses(
                "Invalid UpdateExpression: \(Self.redundant)", "UpdateItem",
                #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"\#(text)","ExpressionAttributeValues":{":v":{"N":"1"}}}"#
            )
        }
    }

    // MARK: Depth

    /// A condition with an operator and parentheses at each of some levels, and one function.
    private func nested(_ count: Int) -> String {
        String(repeating: "(NOT ", count: count) + "attribute_exists(p)"
            + String(repeating: ")", count: count)
    }

    @Test("They nest as deep as there are operators", arguments: -1...1)
    func depth(difference: Int) async throws {
        let bench = try await ProtocolBench()
        let text = nested(DynamoDBLimits.expressionOperatorCountMax - 1 + difference)
        let answer = try await bench.ask(
            "Scan", #"{"TableName":"ttt","FilterExpression":"\#(text)"}"#)
        #expect(answer.type == (difference > 0 ? "ValidationException" : nil))
        if difference > 0 {
            #expect(
                answer.message
                    == "Invalid FilterExpression: The expression contains too many operators; operator count: 301"
            )
        }
    }

    @Test(
        "A text of nothing else is refused, in each kind of expression",
        arguments: [
            ("UpdateItem", "UpdateExpression", "SET a = "), ("UpdateItem", "UpdateExpression", ""),
            ("UpdateItem", "ConditionExpression", ""),
            ("UpdateItem", "ConditionExpression", "a = "),
            ("UpdateItem", "ConditionExpression", "NOT "), ("Scan", "FilterExpression", "a IN "),
            ("Scan", "ProjectionExpression", ""), ("Query", "KeyConditionExpression", ""),
            ("Query", "KeyConditionExpression", "begins_with"),
        ])
    func deepest(operation: String, parameter: String, start: String) async throws {
        let bench = try await ProtocolBench()
        let count = DynamoDBLimits.expressionByteCountMax - start.utf8.count
        let key = operation == "UpdateItem" ? #""Key":{"p":{"S":"a"}},"# : ""
        for text in [
            String(repeating: "(", count: count),
            String(repeating: "(", count: count / 2) + String(repeating: ")", count: count / 2),
            String(repeating: "(", count: count / 2 - 1) + "a"
                + String(repeating: ")", count: count / 2),
        ] {
            let answer = try await bench.ask(
                operation, #"{"TableName":"ttt",\#(key)"\#(parameter)":"\#(start)\#(text)"}"#)
            #expect(answer.type == "ValidationException")
            #expect(answer.message.hasPrefix("Invalid \(parameter): "))
        }
    }

    // MARK: Names

    @Test("A name that begins with an underscore needs a placeholder; other names have them inside")
    func underscores() async throws {
        let bench = try await ProtocolBench()
        let put = #""TableName":"ttt","Item":{"p":{"S":"a"}}"#
        for text in ["attribute_not_exists(_a)", "attribute_not_exists(a._b)"] {
            let answer = try await bench.ask(
                "PutItem", #"{\#(put),"ConditionExpression":"\#(text)"}"#)
            let start = #"Invalid ConditionExpression: Syntax error; token: "_""#
            #expect(answer.message.hasPrefix(start))
        }
        try await bench.ok(
            "PutItem", #"{\#(put),"ConditionExpression":"attribute_not_exists(a_b.c_)"}"#)
        try await bench.ok(
            "PutItem",
            ##"{\##(put),"ConditionExpression":"attribute_not_exists(#a)","ExpressionAttributeNames":{"#a":"_a"}}"##
        )
        let answer = try await bench.ask(
            "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"REMOVE _a"}"#)
        #expect(answer.message.hasPrefix("Invalid UpdateExpression: Syntax error; token: \"_\""))
    }
}
