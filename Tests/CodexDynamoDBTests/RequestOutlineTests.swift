import Testing

@testable import CodexDynamoDB

/// The tables that a request names, before it is performed.
@Suite("Outlines of requests")
struct RequestOutlineTests {
    private func outline(_ body: String) -> RequestOutline {
        RequestOutline(Array(body.utf8), RequestBudget())
    }

    @Test(
        "Tables are found where DynamoDB's parameters name them",
        arguments: [
            (#"{"TableName":"a"}"#, ["a"]),
            (#"{"TableName":"arn:aws:dynamodb:r:1:table/a/index/i"}"#, ["a"]),
            (#"{"StreamArn":"arn:aws:dynamodb:r:1:table/a/stream/2026"}"#, ["a"]),
            (#"{"ShardIterator":"arn:aws:dynamodb:r:1:table/a/stream/2026|1|xyz"}"#, ["a"]),
            (#"{"RequestItems":{"a":[],"b":{}}}"#, ["a", "b"]),
            (
                #"{"TransactItems":[{"Put":{"TableName":"a"}},{"Get":{"TableName":"b"}}]}"#,
                ["a", "b"]
            ),
            (#"{"Statement":"SELECT * FROM \"a\".\"i\" WHERE x = 'FROM b'"}"#, ["a"]),
            (#"{"Statement":"update a-b_1 set x = 1"}"#, ["a-b_1"]),
            (#"{"Statement":"INSERT INTO \"a\" VALUE {'p':'x'}"}"#, ["a"]),
            (#"{"Statements":[{"Statement":"DELETE FROM a WHERE p = 1"}]}"#, ["a"]),
            (#"{"TransactStatements":[{"Statement":"UPDATE a SET x = 1"}]}"#, ["a"]),
            ("{}", []), ("[]", []), ("{", []), ("", []), (#"{"TableName":1}"#, []),
            (#"{"TableName":"arn:"}"#, []), (#"{"RequestItems":[]}"#, []),
            (#"{"TransactItems":[1,{"Put":1},{"Put":{}}]}"#, []),
            (#"{"Statement":"FROM"}"#, []), (#"{"Statement":"'FROM a"}"#, []),
        ])
    func tables(body: String, names: [String]) {
        #expect(outline(body).tables == Set(names))
    }

    @Test("Actions are counted, up to the limit of a transaction", arguments: [0, 1, 99, 100, 101])
    func actions(count: Int) {
        let action = #"{"Put":{"TableName":"a"}}"#
        let list = Array(repeating: action, count: count).joined(separator: ",")
        #expect(outline(#"{"TransactItems":[\#(list)]}"#).actionCount == min(count, 100))
    }

    @Test(
        "An index with several key attributes of one kind is found where it is made",
        arguments: [
            (["HASH"], false), (["HASH", "RANGE"], false), (["HASH", "HASH"], true),
            (["HASH", "RANGE", "RANGE"], true), ([], false),
        ])
    func compositeKeys(kinds: [String], isComposite: Bool) {
        let keys = kinds.map { #"{"AttributeName":"a","KeyType":"\#($0)"}"# }
        let index = #"{"IndexName":"i","KeySchema":[\#(keys.joined(separator: ","))]}"#
        for body in [
            #"{"GlobalSecondaryIndexes":[{"KeySchema":[]},\#(index)]}"#,
            #"{"GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"j"}},{"Create":\#(index)}]}"#,
        ] {
            #expect(outline(body).hasCompositeIndexKey == isComposite)
        }
        #expect(!outline(#"{"KeySchema":1,"GlobalSecondaryIndexes":2}"#).hasCompositeIndexKey)
    }

    @Test("A text that is too long names no table")
    func long() {
        let name = String(repeating: "a", count: (8 << 10) + 1)
        #expect(outline(#"{"TableName":"\#(name)"}"#).tables.isEmpty)
        #expect(outline(#"{"TableName":"\#(name.dropFirst())"}"#).tables.count == 1)
    }
}
