import CodexCore
import CodexDynamoDB
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// How much a request may have a transaction do: its items together, and the work on each.
@Suite("Limits of DynamoDB's transactions")
struct TransactionLimitTests {
    private let temporary: TemporaryStore
    private let service: DynamoDBService
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.single)
        service = DynamoDBService(temporary.store)
    }

    /// The error's type without its namespace, and the body.
    private func ask(
        _ operation: String, _ body: String
    ) async throws -> (error: String?, body: [String: Any]) {
        let answer = await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
        let type = (object["__type"] as? String)?.split(separator: "#").last.map(String.init)
        return (type, object)
    }

    private func write(_ actions: [String]) async throws -> (error: String?, body: [String: Any]) {
        try await ask(
            "TransactWriteItems", #"{"TransactItems":[\#(actions.joined(separator: ","))]}"#)
    }

    private func reasons(_ body: [String: Any]) -> [String] {
        (body["CancellationReasons"] as? [[String: Any]] ?? []).compactMap { $0["Code"] as? String }
    }

    private func key(_ number: Int) -> String { #"{"p":{"S":"\#(name(number))"}}"# }

    private func name(_ number: Int) -> String { "k\(100 + number)" }

    /// An item with so many bytes.
    private func item(_ number: Int, _ byteCount: Int) -> Item {
        // Two names, and the key of four bytes.
        [
            "p": .string(name(number)),
            "v": .string(String(repeating: "0", count: byteCount - 6)),
        ]
    }

    /// Eleven items with 4 MiB together, or some bytes more or less.
    private func items(_ difference: Int) -> [Item] {
        let last =
            DynamoDBLimits.transactionByteCountMax - 10 * DynamoDBLimits.itemByteCountMax
            + difference
        return (0..<10).map { item($0, DynamoDBLimits.itemByteCountMax) } + [item(10, last)]
    }

    private func put(_ items: [Item]) async throws {
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "ttt") }
        }
    }

    private func stored() throws -> [Item] {
        try (0..<30).compactMap { try store.item(in: "ttt", key: PrimaryKey(.string(name($0)))) }
    }

    // MARK: Bytes

    @Test("Items that are put have 4 MiB together, and not a byte more", arguments: -1...1)
    func puts(difference: Int) async throws {
        let items = items(difference)
        let answer = try await write(
            items.map { #"{"Put":{"TableName":"ttt","Item":\#(DynamoDBJSON.text($0))}}"# })
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
        #expect(try stored() == (difference > 0 ? [] : items))
    }

    @Test("Items that are deleted count as they were", arguments: -1...1)
    func deletes(difference: Int) async throws {
        let items = items(difference)
        try await put(items)
        let answer = try await write(
            (0...10).map { #"{"Delete":{"TableName":"ttt","Key":\#(key($0))}}"# })
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
        #expect(try stored() == (difference > 0 ? items : []))
    }

    @Test("What is only checked counts, and what grows counts as it becomes", arguments: -1...1)
    func grows(difference: Int) async throws {
        let items = items(-1001)
        try await put(items)
        let checks = (0..<10).map {
            #"{"ConditionCheck":{"TableName":"ttt","Key":\#(key($0)),"ConditionExpression":"attribute_exists(p)"}}"#
        }
        // With its name of one byte.
        let more = String(repeating: "w", count: 1000 + difference)
        let update =
            #"{"Update":{"TableName":"ttt","Key":\#(key(10)),"UpdateExpression":"SET w = :w","ExpressionAttributeValues":{":w":{"S":"\#(more)"}}}}"#
        let answer = try await write(checks + [update])
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
        let isUnchanged = try stored() == items
        #expect(isUnchanged == (difference > 0))
    }

    @Test("Items that are read have 4 MiB together, and not a byte more", arguments: -1...1)
    func gets(difference: Int) async throws {
        try await put(items(difference))
        let gets = (0...10).map { #"{"Get":{"TableName":"ttt","Key":\#(key($0))}}"# }
        let answer = try await ask(
            "TransactGetItems",
            #"{"TransactItems":[\#(gets.joined(separator: ","))],"ReturnConsumedCapacity":"TOTAL"}"#
        )
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
        let responses = answer.body["Responses"] as? [[String: Any]]
        #expect(responses?.count == (difference > 0 ? nil : 11))
        #expect(responses?.allSatisfy { $0["Item"] != nil } ?? true)
        // Ten of 100 units for each 4 KB, and one of 24 and a part; twice, for a transaction.
        let capacity = (answer.body["ConsumedCapacity"] as? [[String: Any]])?.first
        let units = (capacity?["CapacityUnits"] as? NSNumber)?.doubleValue
        let expected: Double? = difference > 0 ? nil : 2048
        #expect(units == expected)
    }

    /// An item whose encoding has five times the bytes that it counts.
    private func swollen(_ number: Int) throws -> Item {
        // Each of the numbers counts two bytes, and takes ten or eleven.
        let numbers = try (1...9).map { try Number(parsing: "\($0)e18") }
        let set = AttributeValue.numberSet(AttributeSet(numbers))
        return [
            "p": .string(name(number)), "l": .list([AttributeValue](repeating: set, count: 21_000)),
        ]
    }

    /// An item of bytes that are not compressed.
    private func noise(_ number: Int, _ byteCount: Int) -> Item {
        var random = SplitMix(seed: 1)
        let bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return ["p": .string(name(number)), "b": .binary(bytes)]
    }

    /// The bytes of the encodings of the first items, with their values inflated.
    private func encodedByteCount(_ count: Int) throws -> Int {
        var sum = 0
        for number in 0..<count {
            let key = PrimaryKey(.string(name(number)))
            let byteCount = try store.read { snapshot in
                try snapshot.view(in: "ttt", key: key) { try $0.inflatedByteCount() }
            }
            sum += try #require(byteCount)
        }
        return sum
    }

    /// The errors of a transaction that reads parts of the first items, and of one that checks
    /// them.
    private func errors(_ count: Int, reading path: String) async throws -> [String?] {
        let gets = (0..<count).map {
            #"{"Get":{"TableName":"ttt","Key":\#(key($0)),"ProjectionExpression":"\#(path)"}}"#
        }
        let read = try await ask(
            "TransactGetItems", #"{"TransactItems":[\#(gets.joined(separator: ","))]}"#)
        let checks = (0..<count).map {
            #"{"ConditionCheck":{"TableName":"ttt","Key":\#(key($0)),"ConditionExpression":"attribute_exists(p)"}}"#
        }
        return [read.error, try await write(checks).error]
    }

    @Test(
        "Items that are only read have 16 MiB of encodings together, and not a byte more",
        arguments: -1...1)
    func encodings(difference: Int) async throws {
        // Eight encodings have some 2,040,000 bytes each; the items count 399,000.
        try await put((0..<8).map(swollen))
        try await put([noise(8, 200_000), noise(9, 200_000)])
        let limit = ActionLimits.dynamoDB.encodedByteCount
        let missing = try limit + difference - encodedByteCount(10)
        try await put([noise(9, 200_000 + missing)])
        try #require(try encodedByteCount(10) == limit + difference)
        let error = difference > 0 ? "ValidationException" : nil
        #expect(try await errors(10, reading: "l[0]") == [error, error])
    }

    /// Names of three bytes.
    private static func names(_ count: Int) -> [String] {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        return (0..<count).map { (number: Int) -> String in
            let places: [Int] = [number / 4096, number / 64 % 64, number % 64]
            return String(places.map { letters[$0] })
        }
    }

    /// The attributes of an item of 408,000 bytes, whose encoding has more than twice as many.
    private static func largeEncoding(_ kind: String) throws -> Item {
        guard kind == "numbers" else {
            // An attribute takes nine bytes: a length, its name, a place in a table, and its type.
            return Item(names(102_000).map { ($0, AttributeValue.null) })
        }
        // As amounts of a currency with 18 decimal places; each takes eleven bytes, and counts 3.
        let numbers = try (47...92).map { AttributeValue.number(try Number(parsing: "\($0)e17")) }
        return ["l": .list((0..<136_000).map { numbers[$0 % numbers.count] })]
    }

    @Test(
        "Ten of the largest items are read and checked, also if their encodings are larger",
        arguments: [("names", "p"), ("numbers", "l[0]")])
    func largeEncodings(kind: String, path: String) async throws {
        let attributes = try Self.largeEncoding(kind)
        try await put(
            (0..<10).map { number in
                var item = attributes
                item["p"] = .string(name(number))
                return item
            })
        #expect(try encodedByteCount(10) > 2 * DynamoDBLimits.transactionByteCountMax)
        #expect(try await errors(10, reading: path) == [nil, nil])
    }

    @Test("A transaction of an embedding program has no such limit")
    func embedded() async throws {
        let items = items(1)
        try await store.write { transaction in
            _ = try transaction.perform(items.map { .put(table: "ttt", $0, condition: nil) })
        }
        #expect(try stored() == items)
    }

    @Test("What is written costs what the items had and have, in one answer")
    func capacity() async throws {
        try await put([item(0, 5000), item(1, 100)])
        let actions = [
            #"{"Delete":{"TableName":"ttt","Key":\#(key(0))}}"#,
            #"{"Put":{"TableName":"ttt","Item":\#(DynamoDBJSON.text(item(1, 3000)))}}"#,
            #"{"Put":{"TableName":"ttt","Item":\#(DynamoDBJSON.text(item(2, 1024)))}}"#,
        ].joined(separator: ",")
        let body =
            #"{"TransactItems":[\#(actions)],"ReturnConsumedCapacity":"TOTAL","ClientRequestToken":"once"}"#
        // The second time it is looked up: the key and the items that are not there.
        for (kind, units) in [("WriteCapacityUnits", 2.0 * (5 + 3 + 1)), ("ReadCapacityUnits", 6)] {
            let answer = try await ask("TransactWriteItems", body)
            let capacity = try #require(answer.body["ConsumedCapacity"] as? [[String: Any]])
            #expect(capacity.count == 1 && capacity[0][kind] as? Double == units)
        }
        #expect(try stored() == [item(1, 3000), item(2, 1024)])
    }

    // MARK: Work

    /// One clause that joins a list with itself, or several ones.
    private func joined(_ count: Int) -> String {
        count == 1
            ? "l = list_append(l, l)"
            : (0..<count).map { "x\($0) = list_append(l, l)" }.joined(separator: ", ")
    }

    @Test(
        "Lists that are joined again and again fail by themselves, and end a transaction if many",
        .timeLimit(.minutes(30)))
    func nestedLists() async throws {
        let list = AttributeValue.list([AttributeValue](repeating: .null, count: 75_000))
        try await put((0..<25).map { ["p": .string(name($0)), "l": list] })
        func update(_ number: Int, _ depth: Int) -> String {
            #"{"TableName":"ttt","Key":\#(key(number)),"UpdateExpression":"SET \#(joined(depth))"}"#
        }
        // Each takes the size of its item, and that of the largest one.
        let countMax =
            DynamoDBLimits.transactionByteCountMax
            / (DynamoDBLimits.itemByteCountMax + 3 + 2 * 75_000)
        for count in [1, countMax - 1, countMax] {
            let answer = try await write((0..<count).map { #"{"Update":\#(update($0, 100))}"# })
            #expect(answer.error == "TransactionCanceledException", "\(count)")
            #expect(reasons(answer.body) == [String](repeating: "ValidationError", count: count))
        }
        for count in [countMax + 1, 25] {
            let answer = try await write((0..<count).map { #"{"Update":\#(update($0, 100))}"# })
            #expect(answer.error == "ValidationException", "\(count)")
        }
        #expect(try await ask("UpdateItem", update(0, 100)).error == "ValidationException")
        #expect(try await ask("UpdateItem", update(0, 1)).error == nil)
        let counts = try stored().map { $0["l"]?.list?.count ?? 0 }
        #expect(counts == [150_000] + [Int](repeating: 75_000, count: 24))
    }

    /// Parts that the text of an item nearly has at each place.
    private func parts(_ count: Int) -> String {
        [String](repeating: "NOT contains(v, :v)", count: count).joined(separator: " AND ")
    }

    private static let part = "000000000x000000000"

    @Test("The conditions of a request have as many steps together as one alone")
    func steps() async throws {
        try await put((0..<3).map { item($0, DynamoDBLimits.itemByteCountMax) })
        func check(_ number: Int, _ count: Int) -> String {
            #""TableName":"ttt","Key":\#(key(number)),"ConditionExpression":"\#(parts(count))","ExpressionAttributeValues":{":v":{"S":"\#(Self.part)"}}"#
        }
        let one = try await ask("DeleteItem", "{\(check(0, 60))}")
        #expect(one.error == "ValidationException")
        let all = try await write((0..<3).map { "{\"ConditionCheck\":{\(check($0, 15))}}" })
        #expect(all.error == "TransactionCanceledException")
        #expect(reasons(all.body) == ["None", "None", "ValidationError"])
        #expect(try stored().count == 3)
        // Once the steps are over, no further condition holds, and those without one go on.
        let more = [
            "{\"ConditionCheck\":{\(check(0, 60))}}", "{\"Delete\":{\(check(1, 1))}}",
            "{\"ConditionCheck\":{\(check(5, 1))}}",
            #"{"Delete":{"TableName":"ttt","Key":\#(key(2))}}"#,
        ]
        let over = try await write(more)
        #expect(reasons(over.body) == [String](repeating: "ValidationError", count: 3) + ["None"])
        #expect(try await ask("DeleteItem", "{\(check(0, 15))}").error == nil)
    }

    @Test("A checked item costs what it counts, in the units of its table")
    func checkedCapacity() async throws {
        try await put([item(0, 3000)])
        let checks = [(0, "attribute_exists(p)"), (1, "attribute_not_exists(p)")].map {
            #"{"ConditionCheck":{"TableName":"ttt","Key":\#(key($0)),"ConditionExpression":"\#($1)"}}"#
        }
        let answer = try await ask(
            "TransactWriteItems",
            #"{"TransactItems":[\#(checks.joined(separator: ","))],"ReturnConsumedCapacity":"TOTAL"}"#
        )
        let capacity = try #require(answer.body["ConsumedCapacity"] as? [[String: Any]])
        let units = capacity[0]["WriteCapacityUnits"] as? Double
        #expect(capacity.count == 1 && units == 2.0 * (3 + 1))
    }

    @Test("The names and values that expressions refer to have 4 MiB together", arguments: -1...1)
    func expressions(difference: Int) async throws {
        // 64 references of 64 KiB less one byte, and the bytes that are missing.
        let name = String(repeating: "n", count: DynamoDBLimits.attributeNameByteCountMax)
        let rest = String(repeating: "r", count: 64 + difference)
        func check(_ number: Int, _ condition: String, _ names: String) -> String {
            #"{"ConditionCheck":{"TableName":"ttt","Key":\#(key(number)),"ConditionExpression":"\#(condition)","ExpressionAttributeNames":{\#(names)}}}"#
        }
        let path = [String](repeating: "#a", count: 32).joined(separator: ".")
        let condition = "attribute_not_exists(\(path))"
        let actions = [
            check(0, condition, ##""#a":"\##(name)""##),
            check(1, condition, ##""#a":"\##(name)""##),
            check(2, "attribute_not_exists(#b)", ##""#b":"\##(rest)""##),
        ]
        let answer = try await write(actions)
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
    }

    @Test("The values that expressions refer to have 4 MiB together, too", arguments: -1...1)
    func values(difference: Int) async throws {
        func check(_ number: Int, _ count: Int) -> String {
            let values = #"{":v":{"S":"\#(String(repeating: "v", count: count))"}}"#
            return #"{"ConditionCheck":{"TableName":"ttt","Key":\#(key(number)),"#
                + #""ConditionExpression":"a <> :v","ExpressionAttributeValues":\#(values)}}"#
        }
        let half = DynamoDBLimits.expressionValueByteCountMax
        let answer = try await write([
            check(0, half), check(1, half - 64), check(2, 64 + difference),
        ])
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
    }

    @Test("The names that projections refer to have 4 MiB together", arguments: 63...65)
    func projections(count: Int) async throws {
        // Each is 65,535 bytes: 64 of them fit, and 65 do not.
        let name = String(repeating: "n", count: DynamoDBLimits.attributeNameByteCountMax)
        let gets = [31, 31, count - 62].enumerated().map { place, count in
            let path = [String](repeating: "#a", count: count).joined(separator: ".")
            let expression = ##""ProjectionExpression":"\##(path)""##
            let names = ##""ExpressionAttributeNames":{"#a":"\##(name)"}"##
            return
                #"{"Get":{"TableName":"ttt","Key":\#(key(place)),\#(expression),\#(names)}}"#
        }
        let answer = try await ask(
            "TransactGetItems", #"{"TransactItems":[\#(gets.joined(separator: ","))]}"#)
        #expect(answer.error == (count > 64 ? "ValidationException" : nil))
    }

    @Test("A name has 65,535 bytes at most", arguments: -1...1)
    func longName(difference: Int) async throws {
        let name = String(
            repeating: "n", count: DynamoDBLimits.attributeNameByteCountMax + difference)
        let body =
            ##"{"TableName":"ttt","Key":\##(key(0)),"ConditionExpression":"attribute_not_exists(#a)","ExpressionAttributeNames":{"#a":"\##(name)"}}"##
        let answer = try await ask("DeleteItem", body)
        #expect(answer.error == (difference > 0 ? "ValidationException" : nil))
    }

    @Test("A value that an expression names again and again counts as often")
    func repeatedValues() async throws {
        try await put([item(0, 100)])
        let value = String(repeating: "x", count: 400_000)
        func delete(_ count: Int) -> String {
            #"{"TableName":"ttt","Key":\#(key(0)),"ConditionExpression":"\#(parts(count))","ExpressionAttributeValues":{":v":{"S":"\#(value)"}}}"#
        }
        #expect(try await ask("DeleteItem", delete(6)).error == "ValidationException")
        #expect(try await ask("DeleteItem", delete(5)).error == nil)
    }
}
