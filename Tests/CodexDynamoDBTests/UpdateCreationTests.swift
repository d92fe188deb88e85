import Testing

/// Updates of items that are not there.
///
/// Sources: AWS's API reference, UpdateItem, AttributeUpdates ("DELETE causes nothing to happen");
/// scylladb/scylladb#5862 and #28368; test_update_expression.py of ScyllaDB's alternator.
@Suite("Updates without an item")
struct UpdateCreationTests {
    private static func body(_ rest: String) -> String {
        #"{"TableName":"ttt","Key":{"p":{"S":"new"}},\#(rest)}"#
    }

    private static let literals = #""ExpressionAttributeValues":{":v":{"SS":["a"]}}"#

    /// Updates that only remove.
    private static let removals = [
        #""UpdateExpression":"REMOVE x""#, #""UpdateExpression":"REMOVE x.y, z[0]""#,
        #""UpdateExpression":"DELETE x :v",\#(literals)"#,
        #""UpdateExpression":"DELETE x.y :v",\#(literals)"#,
        #""UpdateExpression":"REMOVE a DELETE x :v",\#(literals)"#,
        #""AttributeUpdates":{"x":{"Action":"DELETE"}}"#,
        #""AttributeUpdates":{"x":{"Action":"DELETE","Value":{"SS":["a"]}}}"#,
        #""UpdateExpression":"REMOVE x","ConditionExpression":"attribute_not_exists(p)""#,
    ]

    /// Updates that create the item.
    private static let creations = [
        "", #""AttributeUpdates":{},"#, #""ConditionExpression":"attribute_not_exists(p)","#,
        #""UpdateExpression":"SET x = :v",\#(literals),"#,
        #""UpdateExpression":"ADD x :v",\#(literals),"#,
        #""UpdateExpression":"REMOVE y ADD x :v",\#(literals),"#,
        #""AttributeUpdates":{"x":{"Action":"DELETE"},"y":{"Value":{"S":"a"}}},"#,
    ]

    @Test("An update that only removes creates no item", arguments: removals)
    func removal(rest: String) async throws {
        let bench = try await ProtocolBench()
        for values in ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] {
            let object = try await bench.ok(
                "UpdateItem", Self.body(#"\#(rest),"ReturnValues":"\#(values)""#))
            #expect(object["Attributes"] == nil)
        }
        #expect(try await bench.items().isEmpty)
        #expect(try bench.changeCount() == 0)
    }

    @Test("It has no effect in a transaction, either", arguments: removals.prefix(5))
    func transaction(rest: String) async throws {
        let bench = try await ProtocolBench()
        let other = #"{"Put":{"TableName":"ttt","Item":{"p":{"S":"other"}}}}"#
        try await bench.ok(
            "TransactWriteItems",
            #"{"TransactItems":[{"Update":\#(Self.body(rest))},\#(other)]}"#)
        #expect(try await bench.items().keys.sorted() == ["other"])
        #expect(try bench.changeCount() == 1)
    }

    @Test("Other updates create the item", arguments: creations)
    func creation(rest: String) async throws {
        let bench = try await ProtocolBench()
        try await bench.ok(
            "UpdateItem", #"{"TableName":"ttt",\#(rest)"Key":{"p":{"S":"new"}}}"#)
        #expect(try await bench.items().keys.sorted() == ["new"])
        #expect(try bench.changeCount() == 1)
    }

    @Test("A condition decides first")
    func condition() async throws {
        let bench = try await ProtocolBench()
        let answer = try await bench.ask(
            "UpdateItem",
            Self.body(#""UpdateExpression":"REMOVE x","ConditionExpression":"attribute_exists(p)""#)
        )
        #expect(answer.type == "ConditionalCheckFailedException")
        #expect(try await bench.items().isEmpty)
    }

    @Test("With an item, a path through a missing map is refused, and a missing leaf is not")
    func paths() async throws {
        let bench = try await ProtocolBench()
        let item = #"{"p":{"S":"new"},"a":{"M":{"x":{"N":"3"}}},"b":{"L":[{"S":"hi"}]}}"#
        try await bench.ok("PutItem", #"{"TableName":"ttt","Item":\#(item)}"#)
        let before = try ProtocolBench.text(try await bench.items())
        for expression in ["REMOVE a.y", "REMOVE b[7]", "REMOVE c", "DELETE a.y :v"] {
            let rest = expression.contains(":v") ? ",\(Self.literals)" : ""
            try await bench.ok(
                "UpdateItem", Self.body(#""UpdateExpression":"\#(expression)"\#(rest)"#))
        }
        #expect(try ProtocolBench.text(try await bench.items()) == before)
        for expression in [
            "REMOVE c.y", "REMOVE b.y", "REMOVE a[0]", "DELETE c.y :v", "ADD c.y :v",
        ] {
            let rest = expression.contains(":v") ? ",\(Self.literals)" : ""
            try await bench.refuses(
                "The document path provided in the update expression is invalid for update",
                "UpdateItem", Self.body(#""UpdateExpression":"\#(expression)"\#(rest)"#))
        }
    }
}
