import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// DynamoDB's API, request by request.
///
/// What AWS's clients make of it, and how it compares with another implementation, is tested in Tools.
@Suite("DynamoDB's API")
struct DynamoDBServiceTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: Schema(tables: []))
        service = DynamoDBService(temporary.store)
    }

    typealias Object = [String: Any]

    /// The answer to a request, and its error's type without the namespace.
    func ask(
        _ operation: String, _ body: String, streams: Bool = false
    ) async throws -> (error: String?, object: Object) {
        let prefix = streams ? "DynamoDBStreams_20120810." : "DynamoDB_20120810."
        let answer = await service.response(target: prefix + operation, body: Array(body.utf8))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
        let type = (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        #expect((answer.status == 200) == (type == nil))
        return (type, object)
    }

    func ok(
        _ operation: String, _ body: String, streams: Bool = false
    ) async throws -> Object {
        let (error, object) = try await ask(operation, body, streams: streams)
        #expect(error == nil, "\(operation) \(body): \(object)")
        return object
    }

    func fails(
        _ type: String, _ operation: String, _ body: String, _ text: String = "",
        streams: Bool = false
    ) async throws {
        let (error, object) = try await ask(operation, body, streams: streams)
        #expect(error == type, "\(operation) \(body): \(object)")
        let message = (object["message"] ?? object["Message"]) as? String ?? ""
        #expect(text.isEmpty || message.contains(text), "\(operation) \(body): \(message)")
    }

    func makeTable(_ more: String = "") async throws {
        _ = try await ok(
            "CreateTable",
            """
            {"TableName":"table","BillingMode":"PAY_PER_REQUEST",
             "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}],
             "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
               {"AttributeName":"s","AttributeType":"N"},{"AttributeName":"g","AttributeType":"S"}],
             "GlobalSecondaryIndexes":[{"IndexName":"by-g","Projection":{"ProjectionType":"KEYS_ONLY"},
               "KeySchema":[{"AttributeName":"g","KeyType":"HASH"}]}],
             "LocalSecondaryIndexes":[{"IndexName":"local","Projection":{"ProjectionType":"KEYS_ONLY"},
               "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"g","KeyType":"RANGE"}]}]
             \(more)}
            """)
    }

    func put(_ number: Int, _ more: String = "") async throws {
        _ = try await ok(
            "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"\#(number)"},"g":{"S":"g\#(number % 2)"}\#(more)}}"#
        )
    }

    // MARK: Bad input

    @Test("What is no request is refused by its type; nothing traps")
    func malformed() async throws {
        try await makeTable()
        for target in [
            nil, "", "x", "DynamoDB_20120810.", "DynamoDB_20120810.Nothing",
            "DynamoDB_20111205.GetItem",
            "DynamoDBStreams_20120810.GetItem",
        ] {
            let answer = await service.response(target: target, body: Array("{}".utf8))
            #expect(answer.status == 400)
            #expect(
                String(decoding: answer.body, as: UTF8.self).contains("UnknownOperationException"))
        }
        for body in [
            "", "{", "[]", "1", "null", "{\"TableName\":}", "{\"TableName\":\"table\"} x",
            #"{"TableName":1,"Key":{}}"#, #"{"TableName":"table","Key":[]}"#,
            #"{"TableName":"table","Key":{"p":1}}"#, #"{"TableName":"table","Key":{"p":{"S":1}}}"#,
            #"{"TableName":"table","Key":{"p":{"B":"not base64!"}}}"#,
            // The last digit has bits that no byte has.
            #"{"TableName":"table","Key":{"p":{"B":"AB=="}}}"#,
            #"{"TableName":"table","Key":{"p":{"B":"AAF="}}}"#,
            #"{"TableName":"table","Key":{"p":{"SS":"x"}}}"#,
            #"{"TableName":"table","Key":{"p":{"S":"x"}},"ConsistentRead":"yes"}"#,
            #"{"TableName":"table","Key":{"p":{"S":"x"}},"ExpressionAttributeNames":[]}"#,
            "{\"TableName\":\"table\",\"Key\":{\"p\":{\"S\":\"\u{1}\"}}}",
        ] {
            try await fails("SerializationException", "GetItem", body)
        }
        let invalid = Array(#"{"TableName":"t"#.utf8) + [0xFF] + Array("\"}".utf8)
        let answer = await service.response(target: "DynamoDB_20120810.GetItem", body: invalid)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("SerializationException"))
        // Deep, long, and both.
        for text in [
            String(repeating: "[", count: 100_000),
            String(repeating: #"{"L":["#, count: 5000), String(repeating: "{\"a\":", count: 60_000),
        ] {
            try await fails("SerializationException", "PutItem", text)
        }
    }

    // MARK: Tables

    @Test("Tables are made, described, changed and deleted")
    func tables() async throws {
        try await fails(
            "ValidationException", "CreateTable",
            #"{"TableName":"ab","KeySchema":[],"AttributeDefinitions":[]}"#, "tableName")
        try await makeTable()
        try await fails(
            "ResourceInUseException", "CreateTable",
            #"{"TableName":"table","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}"#
        )
        let table = try #require(
            try await ok("DescribeTable", #"{"TableName":"table"}"#)["Table"] as? Object)
        #expect(table["TableStatus"] as? String == "ACTIVE")
        #expect((table["GlobalSecondaryIndexes"] as? [Object])?.count == 1)
        #expect((table["LocalSecondaryIndexes"] as? [Object])?.count == 1)
        _ = try await ok(
            "UpdateTable",
            #"{"TableName":"table","AttributeDefinitions":[{"AttributeName":"x","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"by-x","Projection":{"ProjectionType":"ALL"},"KeySchema":[{"AttributeName":"x","KeyType":"HASH"}]}}]}"#
        )
        try await put(1, #","x":{"N":"7"}"#)
        let found = try await ok(
            "Query",
            #"{"TableName":"table","IndexName":"by-x","KeyConditionExpression":"x = :x","ExpressionAttributeValues":{":x":{"N":"7.0"}}}"#
        )
        #expect(found["Count"] as? Int == 1)
        _ = try await ok(
            "UpdateTable",
            #"{"TableName":"table","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"by-x"}}]}"#
        )
        try await fails("ValidationException", "UpdateTable", #"{"TableName":"table"}"#)
        try await fails(
            "ValidationException", "UpdateTable",
            #"{"TableName":"table","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"local"}}]}"#,
            "Cannot delete an index that is not a GlobalSecondaryIndex: local")
        let arn = try #require(table["TableArn"] as? String)
        _ = try await ok(
            "TagResource",
            #"{"ResourceArn":"\#(arn)","Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}"#)
        _ = try await ok("UntagResource", #"{"ResourceArn":"\#(arn)","TagKeys":["a"]}"#)
        let tags =
            try await ok("ListTagsOfResource", #"{"ResourceArn":"\#(arn)"}"#)["Tags"] as? [Object]
        #expect(tags?.count == 1 && tags?[0]["Key"] as? String == "b")
        _ = try await ok("UpdateTable", #"{"TableName":"table","DeletionProtectionEnabled":true}"#)
        try await fails(
            "ValidationException", "DeleteTable", #"{"TableName":"table"}"#, "protected")
        _ = try await ok("UpdateTable", #"{"TableName":"table","DeletionProtectionEnabled":false}"#)
        #expect(try await ok("ListTables", "{}")["TableNames"] as? [String] == ["table"])
        _ = try await ok("DeleteTable", #"{"TableName":"table"}"#)
        #expect(try await ok("ListTables", "{}")["TableNames"] as? [String] == [])
        try await fails("ResourceNotFoundException", "DescribeTable", #"{"TableName":"table"}"#)
        try await fails(
            "ResourceNotFoundException", "DeleteTable", #"{"TableName":"codex.dynamodb.tables"}"#)
        // The same name again, empty.
        try await makeTable()
        #expect(try await ok("Scan", #"{"TableName":"table"}"#)["Count"] as? Int == 0)
        try await store.waitUntilReady()
        #expect(try store.verify().isSound)
    }

    // MARK: Pages

    @Test("Pages end at the limit and at a mebibyte, and go on after their last key")
    func pages() async throws {
        try await makeTable()
        for number in 0..<10 {
            try await put(number, #","text":{"S":"\#(String(repeating: "x", count: 200_000))"}"#)
        }
        func walk(_ operation: String, _ parameters: String) async throws -> (
            sizes: [Int], all: [String]
        ) {
            var (sizes, all): ([Int], [String]) = ([], [])
            var start = ""
            while true {
                let page = try await ok(operation, #"{"TableName":"table"\#(parameters)\#(start)}"#)
                let items = try #require(page["Items"] as? [[String: Object]])
                sizes.append(items.count)
                all += items.compactMap { $0["s"]?["N"] as? String }
                guard let last = page["LastEvaluatedKey"] else { return (sizes, all) }
                let text = try JSONSerialization.data(withJSONObject: last)
                start = #","ExclusiveStartKey":\#(String(decoding: text, as: UTF8.self))"#
            }
        }
        let digits = (0..<10).map(String.init)
        let scan = try await walk("Scan", "")
        #expect(scan.sizes == [5, 5] && scan.all == digits)
        let limited = try await walk("Scan", #","Limit":5"#)
        // Whether more follow is not looked at.
        #expect(limited.sizes == [5, 5, 0] && limited.all == digits)
        let backward = try await walk(
            "Query",
            #","Limit":4,"ScanIndexForward":false,"KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#
        )
        #expect(backward.sizes == [4, 4, 2] && backward.all == digits.reversed())
        let index = try await walk(
            "Query",
            #","IndexName":"by-g","Limit":2,"KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"g1"}}"#
        )
        #expect(index.sizes == [2, 2, 1] && Set(index.all) == ["1", "3", "5", "7", "9"])
        // A local index gives what it lacks from the table; a global one does not.
        let local = try await walk(
            "Query",
            ##","IndexName":"local","ProjectionExpression":"s, #t","ExpressionAttributeNames":{"#t":"text"},"KeyConditionExpression":"p = :p AND g = :g","ExpressionAttributeValues":{":p":{"S":"p"},":g":{"S":"g0"}}"##
        )
        #expect(local.all == ["0", "2", "4", "6", "8"])
        try await fails(
            "ValidationException", "Query",
            #"{"TableName":"table","IndexName":"by-g","Select":"ALL_ATTRIBUTES","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"g1"}}}"#
        )
        // Segments are disjoint and complete.
        var seen: [String] = []
        for segment in 0..<3 {
            seen += try await walk("Scan", #","TotalSegments":3,"Segment":\#(segment)"#).all
        }
        #expect(seen.sorted() == digits)
    }

    @Test("Capacity units are counted as DynamoDB does")
    func capacity() async throws {
        try await makeTable()
        func units(_ operation: String, _ body: String) async throws -> Double? {
            let answer = try await ok(operation, body)
            let capacity = answer["ConsumedCapacity"]
            return ((capacity as? Object) ?? (capacity as? [Object])?.first)?["CapacityUnits"]
                as? Double
        }
        let text = String(repeating: "x", count: 5000)
        let item = #"{"p":{"S":"p"},"s":{"N":"1"},"g":{"S":"g"},"text":{"S":"\#(text)"}}"#
        // 5 for the item, 1 for each of the two entries.
        #expect(
            try await units(
                "PutItem",
                #"{"TableName":"table","ReturnConsumedCapacity":"TOTAL","Item":\#(item)}"#) == 7)
        let key =
            #""TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},"ReturnConsumedCapacity":"INDEXES""#
        #expect(try await units("GetItem", "{\(key)}") == 1)
        #expect(try await units("GetItem", "{\(key),\"ConsistentRead\":true}") == 2)
        let missing =
            #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"2"}},"ReturnConsumedCapacity":"TOTAL"}"#
        #expect(try await units("GetItem", missing) == 0.5)
        // An index key that changes moves its entries: twice each.
        let update =
            #""UpdateExpression":"SET g = :g","ExpressionAttributeValues":{":g":{"S":"h"}}"#
        #expect(try await units("UpdateItem", "{\(key),\(update)}") == 9)
        #expect(
            try await units(
                "TransactWriteItems",
                #"{"ReturnConsumedCapacity":"TOTAL","TransactItems":[{"Delete":{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}}}}]}"#
            )
                == 14)
    }

    // MARK: Transactions

    @Test("A transaction's reasons are in order; its token makes it happen once")
    func transactions() async throws {
        try await makeTable()
        try await put(1)
        let body = #"""
            {"ClientRequestToken":"once","TransactItems":[
              {"Put":{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"2"}}}},
              {"Update":{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},"UpdateExpression":"ADD n :n",
                "ExpressionAttributeValues":{":n":{"N":"1"}}}}]}
            """#
        for _ in 0..<3 { _ = try await ok("TransactWriteItems", body) }
        let item = try await ok(
            "GetItem", #"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}}}"#)
        #expect(((item["Item"] as? Object)?["n"] as? Object)?["N"] as? String == "1")
        try await fails(
            "IdempotentParameterMismatchException", "TransactWriteItems",
            body.replacingOccurrences(of: #""N":"2""#, with: #""N":"3""#))
        let (error, object) = try await ask(
            "TransactWriteItems",
            #"""
            {"TransactItems":[
              {"Put":{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"5"}}}},
              {"ConditionCheck":{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},
                "ConditionExpression":"attribute_not_exists(p)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}},
              {"Update":{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"2"}},"UpdateExpression":"SET a = b + :n",
                "ExpressionAttributeValues":{":n":{"N":"1"}}}}]}
            """#)
        #expect(error == "TransactionCanceledException")
        let reasons = try #require(object["CancellationReasons"] as? [Object])
        #expect(
            reasons.map { $0["Code"] as? String } == [
                "None", "ConditionalCheckFailed", "ValidationError",
            ])
        #expect((reasons[1]["Item"] as? Object)?["n"] != nil)
        try await fails(
            "ValidationException", "TransactWriteItems",
            #"{"TransactItems":[{"Delete":{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}}}},{"Delete":{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1.0"}}}}]}"#,
            "multiple operations on one item")
        try await fails(
            "ResourceNotFoundException", "TransactWriteItems",
            #"{"TransactItems":[{"Delete":{"TableName":"nothing","Key":{"p":{"S":"p"}}}}]}"#)
    }

    // MARK: Other requests

    @Test("A deleted table's record goes, and one that is made meanwhile keeps its own")
    func recreated() async throws {
        for round in 0..<5 {
            try await makeTable(#","Tags":[{"Key":"round","Value":"\#(round)"}]"#)
            try await put(round)
            let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/table"
            let tags =
                try await ok("ListTagsOfResource", #"{"ResourceArn":"\#(arn)"}"#)["Tags"]
                as? [Object]
            #expect(tags?.first?["Value"] as? String == "\(round)")
            _ = try await ok("DeleteTable", #"{"TableName":"table"}"#)
        }
        #expect(
            try store.items(scanning: TableScan(table: "codex.dynamodb.tables")).items.isEmpty)
        let tags = (0..<51).map { #"{"Key":"k\#($0)","Value":""}"# }.joined(separator: ",")
        try await fails(
            "ValidationException", "CreateTable",
            #"{"TableName":"table","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],"Tags":[\#(tags)]}"#
        )
        #expect(try await ok("ListTables", "{}")["TableNames"] as? [String] == [])
    }

    @Test("Requests that are made to be slow or deep are refused, or done in no time")
    func abuse() async throws {
        try await makeTable()
        func many(_ count: Int, _ member: (Int) -> String) -> String {
            (0..<count).map(member).joined(separator: ",")
        }
        let conditions = many(100_000) { #""a\#($0)":{"ComparisonOperator":"NULL"}"# }
        let item = #""TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"}}"#
        try await fails("ValidationException", "PutItem", "{\(item),\"Expected\":{\(conditions)}}")
        try await fails(
            "ValidationException", "Scan",
            "{\"TableName\":\"table\",\"ScanFilter\":{\(conditions)}}")
        let names = many(100_000) { "\"a\($0)\"" }
        try await fails(
            "ValidationException", "Scan",
            "{\"TableName\":\"table\",\"AttributesToGet\":[\(names)]}")
        let key = #""TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}}"#
        let updates = many(1000) { #""a\#($0)":{"Action":"PUT","Value":{"NULL":true}}"# }
        try await fails(
            "ValidationException", "UpdateItem", "{\(key),\"AttributeUpdates\":{\(updates)}}")
        // In descending order, and more than an item holds.
        let attributes = many(300_000) { #""k\#(999_999 - $0)":{"NULL":true}"# }
        try await fails(
            "ValidationException", "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"},\#(attributes)}}"#)
        let text = String(repeating: "a", count: 300_000)
        _ = try await ok(
            "PutItem",
            #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"},"text":{"S":"\#(text)"}}}"#)
        _ = try await ok(
            "Scan",
            ##"{"TableName":"table","FilterExpression":"contains(#t, :v)","ExpressionAttributeNames":{"#t":"text"},"ExpressionAttributeValues":{":v":{"S":"\##(text.prefix(150_000))b"}}}"##
        )
        let large = String(repeating: "x", count: 1 << 20)
        try await fails(
            "ValidationException", "Scan",
            #"{"TableName":"table","FilterExpression":"a IN (:a, :b, :c)","ExpressionAttributeValues":{":a":{"S":"\#(large)"},":b":{"S":"\#(large)"},":c":{"S":"\#(large)"}}}"#,
            "exceeds max size")
        let list = many(300_000) { _ in #"{"NULL":true}"# }
        let nested =
            String(repeating: "list_append(:v, ", count: 100) + ":v"
            + String(repeating: ")", count: 100)
        try await fails(
            "ValidationException", "UpdateItem",
            #"{\#(key),"UpdateExpression":"SET a = \#(nested)","ExpressionAttributeValues":{":v":{"L":[\#(list)]}}}"#
        )
    }

    @Test("Typed models read what came over the wire, and the other way round")
    func typed() async throws {
        let temporary = try TemporaryStore()
        let service = DynamoDBService(temporary.store)
        try await temporary.store.put(
            CodexFlow.User(id: "1", email: "ada@example.com", name: "Ada"))
        let get = await service.response(
            target: "DynamoDB_20120810.GetItem",
            body: Array(
                #"{"TableName":"\#(CodexFlow.table)","Key":{"PK":{"S":"USER#1"},"SK":{"S":"PROFILE"}}}"#
                    .utf8))
        let text = String(decoding: get.body, as: UTF8.self)
        #expect(get.status == 200 && text.contains("ada@example.com"))
        let item = try #require(
            try (JSONSerialization.jsonObject(with: Data(get.body)) as? Object)?["Item"]
                as? [String: Object])
        var second = item
        second["PK"] = ["S": "USER#2"]
        for (name, value) in item {
            for (kind, inner) in value {
                guard let inner = inner as? String else { continue }
                second[name] = [
                    kind: inner == "1" && kind == "S"
                        ? "2"
                        : inner.replacingOccurrences(of: "ada@", with: "bob@")
                            .replacingOccurrences(of: "USER#1", with: "USER#2")
                ]
            }
        }
        let body = try JSONSerialization.data(
            withJSONObject: ["TableName": CodexFlow.table, "Item": second])
        let put = await service.response(target: "DynamoDB_20120810.PutItem", body: Array(body))
        #expect(put.status == 200, "\(String(decoding: put.body, as: UTF8.self))")
        let bob = try temporary.store.get(.user(email: "bob@example.com"))
        #expect(bob?.id.rawValue == "2")
        #expect(try temporary.store.verify().isSound)
    }

    @Test("Random bytes in the place of parameters never trap: 3,000 of them")
    func fuzz() async throws {
        try await makeTable()
        let seed = UInt64.random(in: 1...1_000_000)
        print("requests: seed \(seed)")
        var random = SplitMix(seed: seed)
        let bodies = [
            #"{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"},"l":{"L":[{"M":{"a":{"BOOL":true}}}]}}}"#,
            ##"{"TableName":"table","Key":{"p":{"S":"p"},"s":{"N":"1"}},"UpdateExpression":"SET #a = :v + if_not_exists(b, :v)","ExpressionAttributeNames":{"#a":"a"},"ExpressionAttributeValues":{":v":{"N":"1"}}}"##,
            #"{"TableName":"table","KeyConditionExpression":"p = :v AND s BETWEEN :a AND :b","ExpressionAttributeValues":{":v":{"S":"p"},":a":{"N":"0"},":b":{"N":"9"}}}"#,
            #"{"TransactItems":[{"Put":{"TableName":"table","Item":{"p":{"S":"p"},"s":{"N":"1"}}}}]}"#,
        ]
        let operations = [
            "PutItem", "UpdateItem", "Query", "TransactWriteItems", "Scan", "GetItem",
            "CreateTable",
            "BatchWriteItem", "UpdateTable",
        ]
        for _ in 0..<3000 {
            var bytes = Array(random.pick(bodies).utf8)
            for _ in 0...random.below(3) {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(random.below(256))
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8(random.below(256)), at: place)
                }
            }
            let answer = await service.response(
                target: "DynamoDB_20120810." + random.pick(operations), body: bytes)
            #expect(
                [200, 400].contains(answer.status),
                "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(try store.verify().isSound)
    }
}
