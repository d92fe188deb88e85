import CodexDynamoDB
import CodexDynamoDBFaults
import Foundation
import Testing

/// What a service with faults answers, and what it does to the store.
@Suite("A service with faults")
struct FaultyServiceTests {
    private typealias Object = FaultFixture.Object

    private static func put(_ key: String, in table: String = "table") -> String {
        FaultFixture.put(key, in: table)
    }

    private func message(_ object: Object) -> String {
        (object["message"] ?? object["Message"]) as? String ?? ""
    }

    // MARK: Errors

    @Test("Without a rule, answers are those of the service")
    func none() async throws {
        let fixture = try FaultFixture([])
        try await fixture.makeTable()
        _ = try await fixture.ok("PutItem", Self.put("a"))
        #expect(try await fixture.keys() == ["a"])
        let unknown = await fixture.faulty.response(target: "X.Y", body: [])
        #expect(await fixture.service.response(target: "X.Y", body: []) == unknown)
    }

    @Test("A throttled write has the type and text of the table's billing, and changes nothing")
    func throttled() async throws {
        let fixture = try FaultFixture([FaultRule(.throttle(nil))])
        try await fixture.makeTable("paid", isProvisioned: true)
        try await fixture.makeTable("free")
        let paid = try await fixture.ask("PutItem", Self.put("a", in: "paid"))
        #expect(paid.status == 400 && paid.error == "ProvisionedThroughputExceededException")
        #expect(message(paid.object).hasPrefix("The level of configured provisioned throughput"))
        let free = try await fixture.ask("PutItem", Self.put("a", in: "free"))
        #expect(free.status == 400 && free.error == "ThrottlingException")
        #expect(message(free.object).hasPrefix("Throughput exceeds the current capacity of your"))
        let tables = try await fixture.ask("ListTables", "{}")
        #expect(tables.error == "ThrottlingException")
        #expect(message(tables.object) == "Rate of requests exceeds the allowed throughput.")
        for table in ["paid", "free"] { #expect(try await fixture.keys(in: table) == []) }
    }

    @Test("A rule may choose the exception", arguments: Fault.Throttling.allCases)
    func exception(exception: Fault.Throttling) async throws {
        let fixture = try FaultFixture([FaultRule(.throttle(exception))])
        try await fixture.makeTable()
        #expect(try await fixture.ask("PutItem", Self.put("a")).error == exception.rawValue)
        let transaction = #"{"TransactItems":[{"Put":\#(Self.put("a"))}]}"#
        let answer = try await fixture.ask("TransactWriteItems", transaction)
        #expect(answer.error == exception.rawValue)
    }

    @Test("A 500 before a write leaves the store as it was; one after it does not")
    func internalErrors() async throws {
        let cases: [(outcome: Fault.Outcome, keys: [String])] = [(.before, []), (.after, ["a"])]
        for (outcome, keys) in cases {
            let fixture = try FaultFixture([FaultRule(.internalError(outcome))])
            try await fixture.makeTable()
            let answer = try await fixture.ask("PutItem", Self.put("a"))
            #expect(answer.status == 500 && answer.error == "InternalServerError")
            #expect(message(answer.object) == "Internal server error")
            #expect(try await fixture.keys() == keys)
        }
    }

    @Test("A request that is refused for itself keeps its error")
    func refused() async throws {
        let fixture = try FaultFixture([FaultRule(.internalError(.after))])
        try await fixture.makeTable()
        let answer = try await fixture.ask("PutItem", #"{"TableName":"table","Item":{}}"#)
        #expect(answer.status == 400 && answer.error == "ValidationException")
    }

    /// The keys that are stored after 64 writes, of which each may take effect or not.
    private func stored(seed: UInt64) async throws -> [String] {
        let fixture = try FaultFixture([FaultRule(.internalError(.either))], seed: seed)
        try await fixture.makeTable()
        for number in 100..<164 {
            #expect(try await fixture.ask("PutItem", Self.put("\(number)")).status == 500)
        }
        return try await fixture.keys()
    }

    @Test("The seed decides what takes effect")
    func seeds() async throws {
        let first = try await stored(seed: 1)
        #expect(!first.isEmpty && first.count < 64)
        #expect(try await stored(seed: 1) == first)
        #expect(try await stored(seed: 2) != first)
    }

    // MARK: Transactions

    private func reasons(_ object: Object) -> [(code: String, message: String?)] {
        (object["CancellationReasons"] as? [Object] ?? []).map {
            ($0["Code"] as? String ?? "", $0["Message"] as? String)
        }
    }

    private static let transaction =
        #"{"TransactItems":[{"Put":\#(put("a"))},{"Put":\#(put("b"))},{"Put":\#(put("c"))}]}"#

    @Test("A transaction is cancelled with the reason at one action, and changes nothing")
    func cancelled() async throws {
        let cases: [(fault: Fault, isProvisioned: Bool, code: String, text: String)] = [
            (.throttle(nil), false, "ThrottlingError", "Throughput exceeds the current"),
            (.throttle(nil), true, "ProvisionedThroughputExceeded", "The level of configured"),
            (.transactionConflict, false, "TransactionConflict", "Transaction is ongoing for the"),
        ]
        for (fault, isProvisioned, code, text) in cases {
            let fixture = try FaultFixture([FaultRule(fault)])
            try await fixture.makeTable(isProvisioned: isProvisioned)
            let answer = try await fixture.ask("TransactWriteItems", Self.transaction)
            #expect(answer.error == "TransactionCanceledException")
            let reasons = reasons(answer.object)
            #expect(reasons.count == 3)
            #expect(reasons.filter { $0.code == code }.count == 1)
            #expect(reasons.filter { $0.code == "None" && $0.message == nil }.count == 2)
            #expect(reasons.compactMap { $0.message }.allSatisfy { $0.hasPrefix(text) })
            let codes = reasons.map { $0.code }.joined(separator: ", ")
            #expect(message(answer.object).hasSuffix("[\(codes)]"))
            #expect(try await fixture.keys() == [])
        }
    }

    @Test("A write of one item conflicts with a transaction; a read does not")
    func conflict() async throws {
        let fixture = try FaultFixture([FaultRule(.transactionConflict)])
        try await fixture.makeTable()
        let answer = try await fixture.ask("PutItem", Self.put("a"))
        #expect(answer.status == 400 && answer.error == "TransactionConflictException")
        #expect(message(answer.object) == "Transaction is ongoing for the item")
        let get = #"{"TableName":"table","Key":{"p":{"S":"a"}}}"#
        #expect(try await fixture.ok("GetItem", get).isEmpty)
    }

    @Test("A transaction without actions is refused for itself")
    func noActions() async throws {
        let fixture = try FaultFixture([FaultRule(.throttle(nil))])
        let answer = try await fixture.ask("TransactWriteItems", #"{"TransactItems":[]}"#)
        #expect(answer.error == "ValidationException")
    }

    // MARK: Time

    @Test("Latencies add up, and each is in its range")
    func latency() async throws {
        let fixture = try FaultFixture([
            FaultRule(.latency(milliseconds: 10...10), operations: ["GetItem"]),
            FaultRule(.latency(milliseconds: 100...110), operations: ["GetItem", "ListTables"]),
        ])
        try await fixture.makeTable()
        let get = #"{"TableName":"table","Key":{"p":{"S":"a"}}}"#
        for _ in 0..<50 { _ = try await fixture.ok("GetItem", get) }
        let waited = fixture.waited
        #expect(waited.count == 50)
        #expect(waited.allSatisfy { $0 >= .milliseconds(110) && $0 <= .milliseconds(120) })
        #expect(Set(waited).count == 11)
        _ = try await fixture.ok("DescribeTable", #"{"TableName":"table"}"#)
        #expect(fixture.waited.count == 50)
        _ = try await fixture.ok("ListTables", "{}")
        #expect(fixture.waited.count == 51)
    }

    @Test("A latency counts as time of the request")
    func outOfTime() async throws {
        let fixture = try FaultFixture([FaultRule(.latency(milliseconds: 5...5))])
        try await fixture.makeTable()
        let answer = await fixture.faulty.response(
            target: "DynamoDB_20120810.PutItem", body: Array(Self.put("a").utf8),
            budget: RequestBudget(isOver: { !fixture.waited.isEmpty }))
        #expect(String(decoding: answer.body, as: UTF8.self).contains("ThrottlingException"))
        #expect(try await fixture.keys() == [])
    }

    // MARK: Choices

    /// The numbers of the requests, from 1, that a throttling rule hits.
    private func hits(
        _ schedule: FaultRule.Schedule, of count: Int, seed: UInt64 = 1
    ) async throws -> [Int] {
        let fixture = try FaultFixture([FaultRule(.throttle(nil), schedule: schedule)], seed: seed)
        var hits: [Int] = []
        for number in 1...count {
            if try await fixture.ask("ListTables", "{}").error != nil { hits.append(number) }
        }
        return hits
    }

    @Test("Schedules choose the first requests, each nth, or a share by the seed")
    func schedules() async throws {
        #expect(try await hits(.always, of: 3) == [1, 2, 3])
        #expect(try await hits(.first(2), of: 5) == [1, 2])
        #expect(try await hits(.every(3), of: 7) == [3, 6])
        #expect(try await hits(.rate(1), of: 3) == [1, 2, 3])
        let some = try await hits(.rate(0.25), of: 400)
        #expect((60...140).contains(some.count))
        #expect(try await hits(.rate(0.25), of: 400) == some)
        #expect(try await hits(.rate(0.25), of: 400, seed: 2) != some)
    }

    @Test("What one rule hits does not depend on the requests of others")
    func independence() async throws {
        let rule = FaultRule(.throttle(nil), operations: ["ListTables"], schedule: .rate(0.5))
        func hits(_ rules: [FaultRule], _ other: String?) async throws -> [Int] {
            let fixture = try FaultFixture(rules)
            var hits: [Int] = []
            for number in 1...50 {
                if let other { _ = try await fixture.ask(other, "{}") }
                if try await fixture.ask("ListTables", "{}").error != nil { hits.append(number) }
            }
            return hits
        }
        let alone = try await hits([rule], nil)
        let late = FaultRule(.latency(milliseconds: 1...9), schedule: .rate(0.3))
        #expect(try await hits([rule, late], "DescribeLimits") == alone)
    }

    @Test("A rule with tables hits the requests that name one of them")
    func tables() async throws {
        let fixture = try FaultFixture([FaultRule(.throttle(nil), tables: ["one"])])
        for table in ["one", "two"] { try await fixture.makeTable(table) }
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/one"
        let (first, second) = (Self.put("a", in: "one"), Self.put("a", in: "two"))
        let item = FaultFixture.item("a")
        func batch(_ table: String) -> String {
            #"{"RequestItems":{"\#(table)":[{"PutRequest":{"Item":\#(item)}}]}}"#
        }
        for (operation, body, isHit) in [
            ("PutItem", first, true), ("PutItem", second, false),
            ("PutItem", Self.put("a", in: arn), true), ("ListTables", "{}", false),
            ("BatchWriteItem", batch("one"), true), ("BatchWriteItem", batch("two"), false),
            ("TransactWriteItems", #"{"TransactItems":[{"Put":\#(second)}]}"#, false),
            (
                "TransactWriteItems",
                #"{"TransactItems":[{"Put":\#(second)},{"Put":\#(first)}]}"#, true
            ),
            ("ListTagsOfResource", #"{"ResourceArn":"\#(arn)"}"#, true),
        ] {
            let answer = try await fixture.ask(operation, body)
            #expect((answer.error != nil) == isHit, "\(operation) \(body): \(answer.object)")
        }
    }
}
