import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import Foundation
import Testing

@testable import CodexDynamoDB

/// Long requests in slices, within time and memory.
@Suite("Budgets of requests")
struct BudgetTests {
    /// What a request did between its pauses.
    private final class Slices: @unchecked Sendable {
        private let lock = NSLock()
        private var list: [RequestBudget.Slice] = []

        var all: [RequestBudget.Slice] { lock.withLock { list } }

        func add(_ slice: RequestBudget.Slice) { lock.withLock { list.append(slice) } }
    }

    private typealias Object = [String: Any]

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let service: DynamoDBService

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.pair)
        service = DynamoDBService(temporary.store)
    }

    private func ask(
        _ operation: String, _ body: String, _ budget: RequestBudget = RequestBudget()
    ) async throws -> Object {
        let answer = await service.response(
            target: "DynamoDB_20120810." + operation, body: Array(body.utf8), budget: budget)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body)) as? Object)
    }

    private func type(_ answer: Object) -> String? {
        (answer["__type"] as? String)?.split(separator: "#").last.map(String.init)
    }

    /// Adds items of about `byteCount` bytes.
    private func fill(_ count: Int, _ byteCount: Int, from first: Int = 0) async throws {
        let text = String(repeating: "x", count: byteCount)
        try await store.write { transaction in
            for number in first..<(first + count) {
                let item: Item = [
                    "p": .string("p\(number % 7)"), "s": .number(Number(number)), "g": "g",
                    "text": .string(text),
                ]
                try transaction.put(item, in: "ttt")
            }
        }
    }

    private func numbers(_ answer: Object) throws -> [Int] {
        let items = try #require(answer["Items"] as? [[String: Object]])
        return items.compactMap { ($0["s"]?["N"] as? String).flatMap { Int($0) } }
    }

    // MARK: Slices

    /// A request that looks at all items.
    private static func request(_ kind: String) -> (operation: String, body: String) {
        func body(_ parameters: String, _ value: String) -> String {
            #"{"TableName":"ttt",\#(parameters),"ExpressionAttributeValues":{":v":\#(value)}}"#
        }
        return switch kind {
        case "filter": ("Scan", body(#""FilterExpression":"s < :v""#, #"{"N":"5"}"#))
        case "query":
            (
                "Query",
                body(#""IndexName":"ggg","KeyConditionExpression":"g = :v""#, #"{"S":"g"}"#)
            )
        default: ("Scan", #"{"TableName":"ttt"}"#)
        }
    }

    @Test(
        "Between two pauses a request looks at few items and bytes",
        arguments: ["scan", "filter", "query"], [10, 2000, 300_000])
    func slices(kind: String, byteCount: Int) async throws {
        try await fill(min(3000, 1_200_000 / byteCount), byteCount)
        let slices = Slices()
        let (operation, body) = Self.request(kind)
        let answer = try await ask(operation, body, RequestBudget(pause: { slices.add($0) }))
        let scanned = try #require(answer["ScannedCount"] as? Int)
        let size = RequestBudget.Slice.Size.next
        for slice in slices.all {
            #expect(slice.itemCount <= size.itemCountMax)
            #expect(slice.byteCount < size.byteCountMax + DynamoDBLimits.itemByteCountMax)
        }
        let counted = slices.all.reduce(0) { $0 + $1.itemCount }
        // The last slice may find only an item that does not fit into the page.
        #expect(counted <= scanned && scanned - counted <= size.itemCountMax)
        // The page is the one of a request that does not pause.
        let whole = try await ask(operation, body)
        #expect(try numbers(answer) == numbers(whole))
    }

    @Test("What is written between two slices neither repeats nor hides other items")
    func writesBetweenSlices() async throws {
        try await fill(2000, 10)
        let (store, slices) = (store, Slices())
        let budget = RequestBudget(pause: { slice in
            slices.add(slice)
            let round = slices.all.count
            // One new item and one less, before and behind where the scan is.
            try? await store.write { transaction in
                for partition in 0..<7 {
                    let key = PrimaryKey(
                        .string("p\(partition)"), .number(Number(partition + 7 * round)))
                    _ = try transaction.delete(in: "ttt", key: key)
                    try transaction.put(
                        [
                            "p": .string("p\(partition)"),
                            "s": .number(Number(100_000 + 7 * round + partition)),
                        ], in: "ttt")
                }
            }
        })
        let answer = try await ask("Scan", #"{"TableName":"ttt"}"#, budget)
        let found = try numbers(answer)
        #expect(slices.all.count > 3 && Set(found).count == found.count)
        // The others were there all the time.
        let stable = Set(7 * slices.all.count + 7..<2000)
        #expect(stable.isSubset(of: found))
    }

    // MARK: Steps

    /// A scan whose filter looks so many times for a part in the text.
    private static func search(_ part: String, _ count: Int, after key: String = "") -> String {
        let filter = Array(repeating: "contains(#t,:v)", count: count).joined(separator: " OR ")
        let start = key.isEmpty ? "" : ##""ExclusiveStartKey":\##(key),"##
        return ##"{"TableName":"ttt","FilterExpression":"\##(filter)",\##(start)"##
            + ##""ExpressionAttributeNames":{"#t":"text"},"##
            + ##""ExpressionAttributeValues":{":v":{"S":"\##(part)"}}}"##
    }

    /// The steps of looking for a part once in a text of ``fill(_:_:from:)``.
    private static func stepCount(_ part: String, _ byteCount: Int) -> Int {
        let item: Item = ["text": .string(String(repeating: "x", count: byteCount))]
        var left = Int.max
        _ = Condition.contains(.path("text"), .value(.string(part))).evaluate(item, steps: &left)
        return .max - left
    }

    /// So many searches, with an operator between two of them, are as many as an expression has.
    private static let searchCountMax = (DynamoDBLimits.expressionOperatorCountMax + 1) / 2

    /// How many items it takes until their steps are so many.
    private static func itemCount(_ stepCount: Int, of itemStepCount: Int) -> Int {
        (stepCount + itemStepCount - 1) / itemStepCount
    }

    @Test("A filter that takes many steps ends slices, and pages")
    func steps() async throws {
        try await fill(30, 10_000)
        // With those of the operators: a search each, and one between two of them.
        let each =
            Self.searchCountMax * Self.stepCount("xy", 10_000)
            + PageRead.operatorStepCount * (2 * Self.searchCountMax - 1)
        let pageCount = Self.itemCount(PageTally.stepCountMax, of: each)
        let sliceCount = Self.itemCount(RequestBudget.Slice.stepCountMax, of: each)
        #expect(pageCount < 30 && sliceCount * 10_000 < RequestBudget.Slice.Size.next.byteCountMax)
        let slices = Slices()
        let answer = try await ask(
            "Scan", Self.search("xy", Self.searchCountMax),
            RequestBudget(pause: { slices.add($0) }))
        #expect(answer["ScannedCount"] as? Int == pageCount && answer["Count"] as? Int == 0)
        #expect(slices.all.count == Self.itemCount(pageCount, of: sliceCount) - 1)
        for slice in slices.all {
            #expect(slice.itemCount == sliceCount && slice.stepCount == sliceCount * each)
        }
        let key = try JSONSerialization.data(
            withJSONObject: try #require(answer["LastEvaluatedKey"] as? Object))
        let rest = try await ask(
            "Scan",
            Self.search("xy", Self.searchCountMax, after: String(decoding: key, as: UTF8.self)))
        #expect(rest["ScannedCount"] as? Int == 30 - pageCount)
        #expect(rest["LastEvaluatedKey"] == nil)
    }

    @Test("An item that alone takes too many steps of a filter is refused")
    func stepsOfOneItem() async throws {
        // It nearly is everywhere, so that each search looks at all bytes one by one.
        let part = String(repeating: "x", count: 9) + "y" + String(repeating: "x", count: 9)
        let byteCount = DynamoDBLimits.itemByteCountMax - 100
        try await fill(1, byteCount)
        let countMax = StoreLimits.conditionStepCountMax / Self.stepCount(part, byteCount)
        #expect(countMax < Self.searchCountMax)
        for (count, isTaken) in [(countMax - 1, true), (countMax, true), (countMax + 1, false)] {
            let answer = try await ask("Scan", Self.search(part, count))
            #expect(type(answer) == (isTaken ? nil : "ValidationException"), "\(count)")
            #expect((answer["ScannedCount"] as? Int == 1) == isTaken, "\(count)")
        }
    }

    @Test("A request without pauses stays where it was started, a long one goes to its executor")
    func executors() async throws {
        try await fill(300, 1000)
        let executor = CountingExecutor()
        let budget = RequestBudget(executor: executor)
        let get = #"{"TableName":"ttt","Key":{"p":{"S":"p1"},"s":{"N":"1"}}}"#
        #expect(try await ask("GetItem", get, budget)["Item"] != nil)
        let one =
            #"{"TableName":"ttt","KeyConditionExpression":"p = :p AND s = :s","#
            + #""ExpressionAttributeValues":{":p":{"S":"p1"},":s":{"N":"1"}}}"#
        #expect(try await ask("Query", one, budget)["Count"] as? Int == 1)
        #expect(executor.jobCount == 0)
        #expect(try await ask("Scan", #"{"TableName":"ttt"}"#, budget)["Count"] as? Int == 300)
        #expect(executor.jobCount > 0)
    }

    @Test(
        "An item that is large before or after it is inflated is decoded by the executor",
        arguments: [(100, false), (10_000, false), (20_000, true), (300_000, true)])
    func largeItem(byteCount: Int, isLarge: Bool) async throws {
        try await fill(1, byteCount)
        let executor = CountingExecutor()
        let get = #"{"TableName":"ttt","Key":{"p":{"S":"p0"},"s":{"N":"0"}}}"#
        let answer = try await ask("GetItem", get, RequestBudget(executor: executor))
        let text = (answer["Item"] as? [String: Object])?["text"]?["S"] as? String
        #expect(text?.utf8.count == byteCount && (executor.jobCount > 0) == isLarge)
        let missing = #"{"TableName":"ttt","Key":{"p":{"S":"p0"},"s":{"N":"7"}}}"#
        #expect(try await ask("GetItem", missing, RequestBudget(executor: executor))["Item"] == nil)
    }

    // MARK: Time

    @Test(
        "A request whose time is over ends within a few items, with an error of DynamoDB's",
        arguments: [0, 1, 5, 20, 80])
    func deadlines(questionCount: Int) async throws {
        try await fill(3000, 10)
        let (asked, slices) = (Slices(), Slices())
        let budget = RequestBudget(
            isOver: {
                asked.add(RequestBudget.Slice())
                return asked.all.count > questionCount
            }, pause: { slices.add($0) })
        let answer = try await ask("Scan", #"{"TableName":"ttt"}"#, budget)
        #expect(type(answer) == "ThrottlingException")
        #expect(asked.all.count == questionCount + 1)
        let done = slices.all.reduce(0) { $0 + $1.itemCount }
        #expect(done <= questionCount * RequestBudget.itemCountPerCheck)
    }

    @Test("A write whose time is over before it begins changes nothing")
    func lateWrite() async throws {
        let late = RequestBudget(isOver: { true })
        for (operation, body) in [
            ("PutItem", #"{"TableName":"uuu","Item":{"p":{"S":"a"}}}"#),
            (
                "BatchWriteItem",
                #"{"RequestItems":{"uuu":[{"PutRequest":{"Item":{"p":{"S":"a"}}}}]}}"#
            ),
        ] {
            let answer = try await ask(operation, body, late)
            #expect(type(answer) == "ThrottlingException")
        }
        #expect(try store.items(scanning: TableScan(table: "uuu")).items.isEmpty)
    }

    @Test("A write whose time ends while it waits for its turn changes nothing")
    func lateInTurn() async throws {
        let item = #"{"p":{"S":"a"}}"#
        for (operation, body) in [
            ("PutItem", #"{"TableName":"uuu","Item":\#(item)}"#),
            ("UpdateItem", #"{"TableName":"uuu","Key":\#(item)}"#),
            ("BatchWriteItem", #"{"RequestItems":{"uuu":[{"PutRequest":{"Item":\#(item)}}]}}"#),
            (
                "TransactWriteItems",
                #"{"TransactItems":[{"Put":{"TableName":"uuu","Item":\#(item)}}]}"#
            ),
        ] {
            let asked = Slices()
            let late = RequestBudget(isOver: {
                asked.add(RequestBudget.Slice())
                return asked.all.count > 1
            })
            #expect(type(try await ask(operation, body, late)) == "ThrottlingException")
        }
        #expect(try store.items(scanning: TableScan(table: "uuu")).items.isEmpty)
    }

    // MARK: Memory

    @Test("An answer with an item is asked for before it is made, and a refusal changes nothing")
    func itemAnswers() async throws {
        let stored: Item = ["p": "a", "text": .string(String(repeating: "x", count: 10_000))]
        _ = try await store.write { try $0.put(stored, in: "uuu") }
        let key = #""TableName":"uuu","Key":{"p":{"S":"a"}}"#
        let put = #""TableName":"uuu","Item":{"p":{"S":"a"}}"#
        let fails =
            #""ConditionExpression":"attribute_not_exists(p)","#
            + #""ReturnValuesOnConditionCheckFailure":"ALL_OLD""#
        let little = RequestBudget(reserve: { $0 < 10_000 })
        for (operation, body) in [
            ("GetItem", "{\(key)}"),
            ("PutItem", #"{\#(put),"ReturnValues":"ALL_OLD"}"#),
            ("PutItem", "{\(put),\(fails)}"),
            ("DeleteItem", #"{\#(key),"ReturnValues":"ALL_OLD"}"#),
            (
                "UpdateItem",
                #"{\#(key),"ReturnValues":"ALL_NEW","UpdateExpression":"SET n = p"}"#
            ),
            ("TransactGetItems", #"{"TransactItems":[{"Get":{\#(key)}}]}"#),
            ("TransactWriteItems", #"{"TransactItems":[{"Put":{\#(put),\#(fails)}}]}"#),
        ] {
            let answer = try await ask(operation, body, little)
            #expect(type(answer) == "ThrottlingException", "\(operation)")
        }
        #expect(try store.items(scanning: TableScan(table: "uuu")).items == [stored])
    }

    @Test("What is decoded of a value is asked for to its last byte")
    func decodedValues() throws {
        for count in [1, 1000, 100_000] {
            let reserved = Slices()
            let text = String(repeating: "x", count: count)
            let body = #"{"Item":{"a":{"S":"\#(text)"}}}"#
            let budget = RequestBudget(reserve: { byteCount in
                var slice = RequestBudget.Slice()
                slice.add(byteCount: byteCount)
                reserved.add(slice)
                return true
            })
            let input = try RequestParameters(Array(body.utf8), budget)
            _ = try input.requiredItem("Item")
            #expect(reserved.all.reduce(0) { $0 + $1.byteCount } >= count)
        }
    }

    @Test("Of a batch's parameters only those come back that it is read with")
    func unreadParameters() throws {
        let body =
            #"{"Keys":[{"p":{"S":"a"}}],"ProjectionExpression":"p","Other":1,"#
            + #""ConsistentRead":true}"#
        let input = try RequestParameters(Array(body.utf8), RequestBudget())
        let get = try BatchGet(try TableReference("uuu"), input, countSoFar: 0)
        #expect(get.isConsistent && get.rest.map { $0.name } == ["ProjectionExpression"])
    }

    @Test("What an answer grows by is asked for, and a refusal ends the request")
    func memory() async throws {
        try await fill(300, 2000)
        let reserved = Slices()
        let all = RequestBudget(reserve: { byteCount in
            for _ in 0..<(byteCount >> 10) { reserved.add(RequestBudget.Slice()) }
            return true
        })
        let answer = await service.response(
            target: "DynamoDB_20120810.Scan", body: Array(#"{"TableName":"ttt"}"#.utf8), budget: all
        )
        // In kibibytes, rounded down for each slice.
        #expect(reserved.all.count <= answer.byteCount >> 10)
        #expect(reserved.all.count >= (answer.byteCount >> 10) - 16)
        // One slice after the other, none of which asks for so much.
        let portions = RequestBudget(reserve: { $0 < 100_000 })
        let taken = try await ask("Scan", #"{"TableName":"ttt"}"#, portions)
        #expect(type(taken) == nil)
        let keys = (0..<100).map { #"{"p":{"S":"p\#($0 % 7)"},"s":{"N":"\#($0)"}}"# }
        let batch = #"{"RequestItems":{"ttt":{"Keys":[\#(keys.joined(separator: ","))]}}}"#
        let little = RequestBudget(reserve: { _ in false })
        let refused = try await ask("BatchGetItem", batch, little)
        #expect(type(refused) == "ThrottlingException")
    }

    @Test("A long answer comes in parts, none of which is long")
    func parts() async throws {
        try await fill(300, 3000)
        let answer = await service.response(
            target: "DynamoDB_20120810.Scan", body: Array(#"{"TableName":"ttt"}"#.utf8))
        #expect(answer.parts.count > 10)
        #expect(answer.parts.allSatisfy { $0.count < 80_000 })
        #expect(answer.byteCount == answer.body.count)
        #expect(answer == DynamoDBResponse(status: 200, body: answer.body))
    }
}

/// Runs jobs on a queue, and counts them.
private final class CountingExecutor: TaskExecutor, @unchecked Sendable {
    private let queue = DispatchQueue(label: "counting")
    private let lock = NSLock()
    private var count = 0

    var jobCount: Int { lock.withLock { count } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        lock.withLock { count += 1 }
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
