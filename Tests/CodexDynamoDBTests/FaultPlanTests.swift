import CodexCore
import CodexDynamoDB
import CodexDynamoDBFaults
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Plans of faults in JSON, and what is wrong with one.
@Suite("Plans of faults")
struct FaultPlanTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    private func plan(_ json: String) throws -> FaultPlan { try FaultPlan(json: Array(json.utf8)) }

    private func plan(rule: String) throws -> FaultPlan { try plan(#"{"rules":[\#(rule)]}"#) }

    @Test("The example is a plan, and the document shows it")
    func example() throws {
        let text = try Self.text("Examples/Data/faults.json")
        let plan = try plan(text)
        #expect(plan.seed == 7 && plan.rules.count == 7)
        #expect(
            plan.rules[0]
                == FaultRule(
                    .throttle(nil), operations: ["PutItem", "UpdateItem"], tables: ["orders"],
                    schedule: .rate(0.1)))
        #expect(plan.rules[5] == FaultRule(.latency(milliseconds: 5...50)))
        let document = try Self.text("Docs/DynamoDB.md")
        #expect(document.contains("```json\n\(text)```"))
    }

    @Test("Members that are left out have their usual values")
    func usual() throws {
        #expect(try plan(#"{"rules":[]}"#) == FaultPlan(seed: 0, rules: []))
        #expect(
            try plan(rule: #"{"fault":"unprocessed"}"#).rules
                == [FaultRule(.unprocessed(share: 0.5))])
        #expect(
            try plan(rule: #"{"fault":"internalError"}"#).rules
                == [FaultRule(.internalError(.either))])
    }

    @Test(
        "A plan is read as it is written",
        arguments: [
            FaultRule(.throttle(nil)),
            FaultRule(.throttle(.account), operations: ["Query"], schedule: .first(2)),
            FaultRule(.internalError(.after), tables: ["a", "b"], schedule: .every(3)),
            FaultRule(.transactionConflict, schedule: .rate(0.25)),
            FaultRule(.latency(milliseconds: 7...7)), FaultRule(.latency(milliseconds: 0...60_000)),
            FaultRule(.staleIndex(milliseconds: 10_000)), FaultRule(.unprocessed(share: 1)),
            FaultRule(.duplicateRecords), FaultRule(.splitStream(shardCount: 1)),
            FaultRule(.splitStream(shardCount: 1000), tables: ["a"]),
        ])
    func written(rule: FaultRule) throws {
        let plan = FaultPlan(seed: .max, rules: [rule])
        #expect(try FaultPlan(json: Array(JSONEncoder().encode(plan))) == plan)
    }

    @Test(
        "An error names the path of the wrong value",
        arguments: [
            ("[]", "expected an object with rules"),
            ("{}", "at rules: expected a list"),
            (#"{"rules":{}}"#, "at rules: expected a list"),
            (#"{"rules":[],"seeds":1}"#, "at seeds: the member is not known"),
            (#"{"rules":[],"seed":-1}"#, "at seed: expected a whole number"),
            (#"{"rules":[],"seed":1.5}"#, "at seed: expected a whole number"),
            (#"{"rules":[1]}"#, "at rules[0]: expected an object with a fault"),
            (#"{"rules":[{}]}"#, "at rules[0].fault: expected one of throttle, internalError"),
            (#"{"rules":[{"fault":"fire"}]}"#, "at rules[0].fault: expected one of"),
            (#"{"rules":[{"fault":1}]}"#, "at rules[0].fault: expected the name"),
        ])
    func plans(json: String, problem: String) {
        #expect(refusal { try plan(json) }?.contains(problem) == true, "\(json)")
    }

    @Test(
        "An error of a rule names the path of the wrong value",
        arguments: [
            (#""throttle","rat":1"#, ".rat: the member is not known here"),
            (#""throttle","share":1"#, ".share: the member is not known here"),
            (#""duplicateRecords","milliseconds":1"#, ".milliseconds: the member is not known"),
            (#""throttle","rate":0"#, ".rate: expected a number above 0"),
            (#""throttle","rate":1.01"#, ".rate: expected a number above 0"),
            (#""throttle","rate":"all""#, ".rate: expected a number above 0"),
            (#""throttle","every":0"#, ".every: expected a whole number from 1"),
            (#""throttle","every":1.5"#, ".every: expected a whole number from 1"),
            (#""throttle","first":1000000001"#, ".first: expected a whole number from 1"),
            (#""throttle","rate":1,"first":1"#, ".rate: rate, every and first exclude"),
            (#""throttle","every":1,"first":1"#, ".every: rate, every and first exclude"),
            (#""throttle","exception":"Error""#, ".exception: expected one of Provisioned"),
            (#""throttle","operations":"PutItem""#, ".operations: expected a list"),
            (#""throttle","operations":[]"#, ": a list of operations or tables is empty"),
            (#""throttle","operations":["GetItem","putItem"]"#, ".operations[1]: putItem is no"),
            (#""unprocessed","operations":["PutItem"]"#, ".operations[0]: unprocessed applies to"),
            (#""throttle","tables":[]"#, ": a list of operations or tables is empty"),
            (#""throttle","tables":["a",""]"#, ".tables[1]: a table has a name"),
            (#""throttle","tables":["arn:aws:x"]"#, ".tables[0]: expected a table's name"),
            (#""internalError","outcome":"never""#, ".outcome: expected one of before, after"),
            (#""latency""#, ".milliseconds: expected milliseconds"),
            (#""latency","milliseconds":-1"#, ".milliseconds: expected 0 to 60000"),
            (#""latency","milliseconds":60001"#, ".milliseconds: expected 0 to 60000"),
            (#""latency","milliseconds":"1""#, ".milliseconds: expected milliseconds"),
            (#""latency","milliseconds":{"from":2,"to":1}"#, ".milliseconds.from: expected from"),
            (#""latency","milliseconds":{"from":2}"#, ".milliseconds.from: expected from"),
            (#""latency","milliseconds":{"from":2,"til":3}"#, ".milliseconds.til: the member"),
            (#""staleIndex""#, ".milliseconds: expected a whole number"),
            (#""staleIndex","milliseconds":0"#, ".milliseconds: expected 1 to 10000"),
            (#""staleIndex","milliseconds":10001"#, ".milliseconds: expected 1 to 10000"),
            (#""unprocessed","share":0"#, ".share: expected a number above 0"),
            (#""unprocessed","share":1.5"#, ".share: expected a number above 0"),
            (#""splitStream""#, ".shards: expected a whole number of shards"),
            (#""splitStream","shards":0"#, ".shards: expected 1 to 1000"),
            (#""splitStream","shards":1001"#, ".shards: expected 1 to 1000"),
            (#""splitStream","shards":2,"rate":0.5"#, ": a rule with splitStream has no"),
            (
                #""splitStream","shards":2,"operations":["GetRecords"]"#,
                ": a rule with splitStream has no"
            ),
        ])
    func rules(members: String, problem: String) {
        let found = refusal { try plan(rule: #"{"fault":\#(members)}"#) }
        #expect(found?.contains("at rules[0]\(problem)") == true, "\(members): \(found ?? "")")
    }

    @Test(
        "What is no JSON is refused",
        arguments: ["", "{", "{\"rules\":[]} x", "\u{1}", "{rules:[]}"])
    func malformed(json: String) {
        #expect(refusal { try plan(json) }?.contains("is not JSON") == true)
    }

    @Test("A plan has 100 rules at most, and eight with past states", arguments: -1...1)
    func counts(difference: Int) throws {
        let throttle = FaultRule(.throttle(nil))
        let stale = FaultRule(.staleIndex(milliseconds: 1))
        for (rule, limit) in [(throttle, 100), (stale, 8)] {
            let plan = FaultPlan(rules: Array(repeating: rule, count: limit + difference))
            let found = refusal { try FaultPlan(json: Array(JSONEncoder().encode(plan))) }
            #expect((found == nil) == (difference <= 0))
            #expect(found?.contains("at rules: a plan has at most \(limit) rules") != false)
        }
    }

    @Test("A plan that was made in Swift is checked when it is used")
    func checked() throws {
        let temporary = try TemporaryStore(schema: ShortTables.single)
        let service = DynamoDBService(temporary.store)
        let plan = FaultPlan(rules: [
            FaultRule(.throttle(nil)), FaultRule(.throttle(nil), schedule: .rate(2)),
        ])
        let found = refusal { try FaultyDynamoDBService(service, plan: plan) }
        #expect(found?.contains("at rules[1].rate") == true)
    }

    /// The message with which `body` is refused as an invalid argument.
    private func refusal<Value>(_ body: () throws -> Value) -> String? {
        do {
            _ = try body()
            return nil
        } catch let error as CodexError {
            #expect(error.code == .invalidArgument)
            return error.message
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }
}
