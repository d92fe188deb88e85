import CodexCore
import Testing

/// Sizes in transactions and updates, and which action of a transaction is to blame.
///
/// Sources: nubo-db/dynamodb-conformance, limits/itemSizeBySurface; paritysuite's
/// dynamodb-conformance, issues 46 and 60; the developer guide, "DynamoDB transactions".
@Suite("Sizes and refusals in transactions")
struct TransactionSizeTests {
    private static let tooLarge = "Item size has exceeded the maximum allowed size"
    private static let updatedTooLarge = "Item size to update has exceeded the maximum allowed size"

    private func text(_ count: Int) -> String {
        #"{"S":"\#(String(repeating: "v", count: count))"}"#
    }

    private func put(_ key: String, _ count: Int) -> String {
        #"{"Put":{"TableName":"ttt","Item":{"p":{"S":"\#(key)"},"v":\#(text(count))}}}"#
    }

    private func transaction(_ actions: [String]) -> String {
        #"{"TransactItems":[\#(actions.joined(separator: ","))]}"#
    }

    // MARK: Four megabytes

    @Test("Items of 4 MiB are written and read, and a byte more is not", arguments: -1...1)
    func fourMegabytes(difference: Int) async throws {
        let bench = try await ProtocolBench()
        // Each item has its names, and a key of one byte.
        let rest = DynamoDBLimits.transactionByteCountMax - 10 * 400_000
        let message = "The aggregate size of the items in the transaction cannot exceed 4 MB"
        let puts = (0..<10).map { put("\($0)", 400_000 - 3) } + [put("a", rest - 3 + difference)]
        let gets = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a"].map {
            #"{"Get":{"TableName":"ttt","Key":{"p":{"S":"\#($0)"}}}}"#
        }
        guard difference > 0 else {
            try await bench.ok("TransactWriteItems", transaction(puts))
            let object = try await bench.ok("TransactGetItems", transaction(gets))
            #expect((object["Responses"] as? [Any])?.count == 11)
            return
        }
        try await bench.refuses(message, "TransactWriteItems", transaction(puts))
        #expect(try await bench.items().isEmpty)
        for action in puts {
            try await bench.ok("TransactWriteItems", transaction([action]))
        }
        try await bench.refuses(message, "TransactGetItems", transaction(gets))
        // What an update makes of the items counts, too.
        let update =
            #"{"Update":{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"SET w = v"}}"#
        let checks = (0..<10).map {
            #"{"ConditionCheck":{"TableName":"ttt","Key":{"p":{"S":"\#($0)"}},"ConditionExpression":"attribute_exists(v)"}}"#
        }
        try await bench.refuses(message, "TransactWriteItems", transaction(checks + [update]))
    }

    // MARK: One item

    @Test("The texts for an item that is too large: as it comes, and as an update makes it")
    func oneItem() async throws {
        let bench = try await ProtocolBench()
        let most = DynamoDBLimits.itemByteCountMax - 3
        try await bench.ok("TransactWriteItems", transaction([put("a", most)]))
        try await bench.refuses(
            Self.tooLarge, "TransactWriteItems", transaction([put("b", most + 1)]))
        try await bench.refuses(
            Self.tooLarge, "PutItem",
            #"{"TableName":"ttt","Item":{"p":{"S":"b"},"v":\#(text(most + 1))}}"#)
        let update =
            #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"UpdateExpression":"SET w = :w","ExpressionAttributeValues":{":w":{"S":""}}}"#
        try await bench.refuses(Self.updatedTooLarge, "UpdateItem", update)
        let answer = try await bench.ask(
            "TransactWriteItems", transaction([put("b", 1), #"{"Update":\#(update)}"#]))
        #expect(answer.type == "TransactionCanceledException")
        #expect(answer.reasons == ["None", "ValidationError: \(Self.updatedTooLarge)"])
    }

    /// UpdateItem measures what it writes, 3 bytes, and 19 or 20 for each SET and ADD.
    @Test("UpdateItem has its own measure, which other writes do not have", arguments: -1...1)
    func writtenSize(difference: Int) async throws {
        let bench = try await ProtocolBench()
        func update(_ key: String, _ expression: String, _ count: Int) -> String {
            #"{"TableName":"ttt","Key":{"p":{"S":"\#(key)"}},"UpdateExpression":"\#(expression)","ExpressionAttributeValues":{":v":\#(text(count))}}"#
        }
        let most = DynamoDBLimits.itemByteCountMax
        let cases = [
            ("SET v = :v", 1 + 3 + 19), ("SET v = :v REMOVE x, y", 1 + 3 + 19 + 2 * 2),
            ("SET v = :v, w = :w", 2 + 3 + 2 * 19),
        ]
        for (place, (expression, cost)) in cases.enumerated() {
            var body = update("\(place)", expression, most - cost + difference)
            if expression.contains(":w") {
                body = body.replacing(#"":v":"#, with: #"":w":{"S":""},":v":"#)
            }
            let answer = try await bench.ask("UpdateItem", body)
            #expect(answer.type == (difference > 0 ? "ValidationException" : nil), "\(expression)")
            #expect(answer.message == (difference > 0 ? Self.updatedTooLarge : ""))
        }
        // In a transaction, by the older parameters and as a whole, only the item's size counts.
        let count = most - 3 + difference
        let transacted = try await bench.ask(
            "TransactWriteItems", transaction([#"{"Update":\#(update("t", "SET v = :v", count))}"#])
        )
        #expect((transacted.type == nil) == (difference <= 0))
        let legacy = try await bench.ask(
            "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"l"}},"AttributeUpdates":{"v":{"Value":\#(text(count))}}}"#
        )
        #expect((legacy.type == nil) == (difference <= 0))
        // What an update leaves as it is does not count twice.
        let whole = try await bench.ask(
            "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"w"},"v":\#(text(count))}}"#)
        guard whole.type == nil else { return }
        try await bench.ok(
            "UpdateItem",
            #"{"TableName":"ttt","Key":{"p":{"S":"w"}},"UpdateExpression":"REMOVE x, y, z"}"#)
    }

    // MARK: Which action is invalid

    private static let emptyKey =
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p"

    /// Actions with an empty value of a key of the table `rrr`, and the error of the whole request.
    private static let emptyKeys = [
        (#"{"Put":{"TableName":"rrr","Item":{"p":{"S":""},"s":{"S":"a"}}}}"#, emptyKey),
        (#"{"Delete":{"TableName":"rrr","Key":{"p":{"S":""},"s":{"S":"a"}}}}"#, emptyKey),
        (
            #"{"Update":{"TableName":"rrr","Key":{"p":{"S":""},"s":{"S":"a"}},"UpdateExpression":"REMOVE a"}}"#,
            emptyKey
        ),
        (
            #"{"ConditionCheck":{"TableName":"rrr","Key":{"p":{"S":""},"s":{"S":"a"}},"ConditionExpression":"attribute_exists(p)"}}"#,
            emptyKey
        ),
        (
            #"{"Put":{"TableName":"rrr","Item":{"p":{"S":"a"},"s":{"S":"a"},"g":{"S":""}}}}"#,
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: gsi1, IndexKey: g"
        ),
        (
            #"{"Update":{"TableName":"rrr","Key":{"p":{"S":"a"},"s":{"S":"a"}},"UpdateExpression":"SET g = :g","ExpressionAttributeValues":{":g":{"S":""}}}}"#,
            "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."
        ),
    ]

    @Test("An empty value of a key is an error of the request, in any action", arguments: emptyKeys)
    func empty(action: String, message: String) async throws {
        let bench = try await ProtocolBench()
        let good = put("a", 1)
        let wrongType = #"{"Put":{"TableName":"ttt","Item":{"p":{"N":"1"}}}}"#
        for actions in [[action], [good, action], [wrongType, action], [action, wrongType]] {
            try await bench.refuses(message, "TransactWriteItems", transaction(actions))
        }
        #expect(try await bench.items().isEmpty)
    }

    @Test("Of several invalid actions, the first has a reason")
    func firstReason() async throws {
        let bench = try await ProtocolBench()
        let missing = #"{"Put":{"TableName":"rrr","Item":{"p":{"S":"a"}}}}"#
        let wrongType = #"{"Put":{"TableName":"ttt","Item":{"p":{"N":"1"}}}}"#
        let wrongIndexKey =
            #"{"Put":{"TableName":"rrr","Item":{"p":{"S":"a"},"s":{"S":"a"},"g":{"N":"1"}}}}"#
        let wrongKey = #"{"Delete":{"TableName":"ttt","Key":{"q":{"S":"a"}}}}"#
        let start = "ValidationError: One or more parameter values were invalid: "
        let texts = [
            (missing, "\(start)Missing the key s in the item"),
            (wrongType, "\(start)Type mismatch for key p expected: S actual: N"),
            (
                wrongIndexKey,
                "\(start)Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi1"
            ),
            (wrongKey, "ValidationError: The provided key element does not match the schema"),
        ]
        for (action, text) in texts {
            let answer = try await bench.ask(
                "TransactWriteItems", transaction([put("a", 1), action, wrongType, wrongKey]))
            #expect(answer.type == "TransactionCanceledException")
            #expect(answer.reasons == ["None", text, "None", "None"])
            #expect(
                answer.message
                    == "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError, None, None]"
            )
        }
        let gets = [#"{"S":"a"}"#, #"{"N":"1"}"#, #"{"N":"2"}"#].map {
            #"{"Get":{"TableName":"ttt","Key":{"p":\#($0)}}}"#
        }
        let answer = try await bench.ask("TransactGetItems", transaction(gets))
        #expect(
            answer.reasons == [
                "None", "ValidationError: The provided key element does not match the schema",
                "None",
            ])
        #expect(try await bench.items().isEmpty)
    }

    /// Source: ExtendDB/extenddb, issue 74 and pull request 81, checked with the service.
    @Test("TransactGetItems leaves out an item of which the projection keeps nothing")
    func emptyProjections() async throws {
        let bench = try await ProtocolBench()
        for key in ["a", "b"] {
            try await bench.ok(
                "PutItem", #"{"TableName":"ttt","Item":{"p":{"S":"\#(key)"},"m":{"M":{}}}}"#)
        }
        func get(_ key: String, _ projection: String) -> String {
            #"{"Get":{"TableName":"ttt","Key":{"p":{"S":"\#(key)"}},"#
                + #""ProjectionExpression":"\#(projection)"}}"#
        }
        for (projection, isThere) in [("w", false), ("m.w", false), ("w, p", true)] {
            let object = try await bench.ok(
                "TransactGetItems", transaction([get("a", projection), get("b", "p")]))
            let responses = object["Responses"] as? [ProtocolBench.Object] ?? []
            #expect(responses.count == 2, "\(projection)")
            #expect((responses.first?["Item"] != nil) == isThere, "\(projection)")
            #expect(responses.last?["Item"] != nil, "\(projection)")
        }
        // GetItem answers the item without attributes.
        let found = try await bench.ask(
            "GetItem", #"{"TableName":"ttt","Key":{"p":{"S":"a"}},"ProjectionExpression":"w"}"#)
        #expect(found.item?.isEmpty == true)
    }

    @Test("Each action has one kind, and the older parameters are none of it")
    func kinds() async throws {
        let bench = try await ProtocolBench()
        let message = "TransactItems can only contain one of Check, Put, Update or Delete"
        let both =
            #"{"Put":{"TableName":"ttt","Item":{"p":{"S":"a"}}},"Delete":{"TableName":"ttt","Key":{"p":{"S":"b"}}}}"#
        for action in [both, "{}"] {
            try await bench.refuses(message, "TransactWriteItems", transaction([action]))
        }
        // Unknown parameters are ignored, so the condition is missing.
        try await bench.refuses(
            "1 validation error detected: Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null",
            "TransactWriteItems",
            transaction([
                #"{"ConditionCheck":{"TableName":"ttt","Key":{"p":{"S":"a"}},"Expected":{"p":{"Exists":false}}}}"#
            ]))
        try await bench.refuses(
            "Transaction request cannot include multiple operations on one item",
            "TransactWriteItems", transaction([put("a", 1), put("a", 2)]))
        // A table's name and its ARN are one table.
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/ttt"
        let gets = ["ttt", arn].map { #"{"Get":{"TableName":"\#($0)","Key":{"p":{"S":"a"}}}}"# }
        for second in [gets[0], gets[1]] {
            try await bench.refuses(
                "Transaction request cannot include multiple operations on one item",
                "TransactGetItems", transaction([gets[0], second]))
        }
    }
}
