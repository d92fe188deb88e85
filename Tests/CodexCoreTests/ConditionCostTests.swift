import TestSupport
import Testing

@testable import CodexCore

/// What evaluating a condition takes, in steps.
@Suite("The cost of conditions")
struct ConditionCostTests {
    private static let stepCountMax = StoreLimits.conditionStepCountMax

    private func taken(_ part: [UInt8], in whole: [UInt8]) -> Int {
        var left = Int.max
        _ = ByteSearch.contains(part, in: whole, steps: &left)
        return .max - left
    }

    @Test("A part is found as a search step by step finds it")
    func search() {
        let seed = UInt64.random(in: .min ... .max)
        print("conditions: parts with seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<20_000 {
            let alphabet = 1 + random.below(3)
            func bytes(_ countMax: Int) -> [UInt8] {
                (0..<random.below(countMax + 1)).map { _ in UInt8(random.below(alphabet)) }
            }
            let (whole, part) = (bytes(90), bytes(20))
            let expected =
                part.count <= whole.count
                && (0...(whole.count - part.count)).contains { whole[$0...].starts(with: part) }
            var steps = Int.max
            let found = ByteSearch.contains(part, in: whole, steps: &steps)
            #expect(found == expected, "\(part) in \(whole)")
        }
    }

    @Test(
        "A search takes steps that grow with the text, whatever is in it",
        arguments: [
            ("x", "a"), ("aaaaaaaaxaaaaaaaa", "a"), ("aaaaaaaaaaaaaaaax", "a"),
            ("xaaaaaaaaaaa", "a"), ("abababababxb", "ab"),
            ("aaaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaac"),
        ])
    func steps(part: String, period: String) {
        func text(_ count: Int) -> [UInt8] {
            Array(String(repeating: period, count: count / period.utf8.count).utf8)
        }
        let part = Array(part.utf8)
        let (once, twice) = (taken(part, in: text(50_000)), taken(part, in: text(100_000)))
        #expect(once <= 2 * 50_000 + 100)
        #expect(twice <= 2 * once + 100)
    }

    @Test("A part that has half of the text is no exception")
    func longPart() {
        func steps(_ count: Int) -> Int {
            let quarter = [UInt8](repeating: 0, count: count / 4)
            return taken(quarter + [1] + quarter, in: [UInt8](repeating: 0, count: count))
        }
        #expect(steps(100_000) <= 2 * steps(50_000) + 100)
    }

    private static let item: Item = [
        "text": .string(String(repeating: "ab", count: 10_000)),
        "list": .list((0..<2000).map { .number(Number($0)) }),
        "map": ["a": .list(Array(repeating: "long enough for two words", count: 100)), "b": 1],
        "set": .stringSet(AttributeSet((0..<1000).map { "member \($0)" })),
    ]

    private static var conditions: [Condition] {
        let item = item
        let text = item["text"] ?? .null
        func equal(_ name: String) -> Condition {
            .compare(.path(DocumentPath(name)), .equal, .value(item[name] ?? .null))
        }
        return [
            equal("text"), equal("list"), equal("map"), equal("set"),
            .contains(.path("text"), .value("abb")), .contains(.path("list"), .value(1999)),
            .contains(.path("text"), .value("bababababac")),
            .beginsWith(.path("text"), .value(text)),
            .between(.path("text"), low: .value(text), high: .value(text)),
            .isIn(.path("list"), [.value([]), .value("x"), .path("list")]),
            !equal("map") || equal("set") && equal("list"),
            .compare(.path("text"), .less, .value(text)),
            .compare(.path("missing"), .notEqual, .path("text")) && equal("text"),
        ]
    }

    @Test("A condition ends with its steps, and gives no answer then", arguments: -1...1)
    func budget(difference: Int) {
        for condition in Self.conditions {
            var left = Int.max
            let holds = condition.evaluate(Self.item, steps: &left)
            let taken = Int.max - left
            #expect(taken > 0 && condition.evaluate(Self.item) == holds)
            left = taken + difference
            let again = condition.evaluate(Self.item, steps: &left)
            #expect((left >= 0) == (difference >= 0), "\(condition)")
            if left >= 0 { #expect(again == holds && left == difference) }
        }
    }

    private static let nulls: AttributeValue = .list(
        [AttributeValue](repeating: .null, count: 200_000))

    /// Conditions that look at each member of a large value, and what they cost alone.
    private static var large: [Condition] {
        let names = AttributeValue.stringSet(AttributeSet((0..<50_000).map { "\($0)" }))
        return [
            .contains(.value(nulls), .value("x")),
            .compare(.value(nulls), .notEqual, .value(nulls)),
            .not(.isIn(.value(nulls), [.value("x"), .value(nulls)])),
            .compare(.value(names), .notEqual, .value(names)),
        ]
    }

    @Test("Members cost steps, and nothing is looked at when the steps are over")
    func members() {
        for condition in Self.large {
            let many = (1..<150).reduce(condition) { all, _ in all || condition }
            var left = Self.stepCountMax
            _ = many.evaluate([:], steps: &left)
            // The step that was too much is the last: it compares one member.
            #expect(left < 0 && left >= -32, "\(left)")
        }
    }

    @Test("A condition whose steps are over takes no more", arguments: [0, 1, 7, 100])
    func over(count: Int) {
        for condition in Self.conditions + Self.large {
            var left = -1 - count
            _ = condition.evaluate(Self.item, steps: &left)
            #expect(left == -1 - count)
        }
    }

    @Test("Looking for a long member of a set costs its bytes at each place")
    func longMember() {
        let long = String(repeating: "m", count: 80_000)
        let set = AttributeValue.stringSet([long + "a", long + "b"])
        var left = Int.max
        let holds = Condition.contains(.value(set), .value(.string(long + "b")))
            .evaluate([:], steps: &left)
        #expect(holds && .max - left >= 2 * 80_000 / 8)
    }

    /// Whether one of so many parts is in the text; none is.
    private func oneOf(_ count: Int, _ text: String) -> Condition {
        func part(_ number: Int) -> Condition {
            .contains(.path("v"), .value(.string("\(text)\(number)")))
        }
        return (1..<count).reduce(part(0)) { $0 || part($1) }
    }

    @Test("150 parts are looked for in the largest item, within the steps of a condition")
    func largest() {
        let item: Item = [
            "v": .string(String(repeating: "a", count: DynamoDBLimits.itemByteCountMax - 1))
        ]
        var left = Self.stepCountMax
        let holds = oneOf(150, "x").evaluate(item, steps: &left)
        #expect(!holds && left >= 0)
        #expect(Self.stepCountMax - left < 150 * DynamoDBLimits.itemByteCountMax / 7)
    }

    @Test("Looking for parts that nearly are everywhere ends with the steps of a condition")
    func endless() {
        let item: Item = [
            "v": .string(String(repeating: "0", count: DynamoDBLimits.itemByteCountMax - 1))
        ]
        let part = String(repeating: "0", count: 9) + "x" + String(repeating: "0", count: 9)
        let condition = Condition.contains(.path("v"), .value(.string(part)))
        var (left, count) = (Self.stepCountMax, 0)
        while left >= 0, count < 150 {
            let holds = condition.evaluate(item, steps: &left)
            #expect(!holds)
            count += 1
        }
        #expect(left < 0 && count > 30)
    }
}
