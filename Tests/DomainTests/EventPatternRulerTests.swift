import Codex
import CodexCore
import TestSupport
import Testing

/// Event patterns do what AWS's Event Ruler does.
@Suite("Event patterns as of Event Ruler")
struct EventPatternRulerTests {
    private typealias Oracle = EventPatternOracle

    static let groups =
        EventPatternGroup.ofValues + EventPatternGroup.ofFields + EventPatternGroup.ofRefusals

    @Test("Patterns match, or are refused", arguments: groups)
    func cases(group: EventPatternGroup) throws {
        for example in group.cases {
            #expect(
                try example.found() == example.outcome, "\(example.pattern) and \(example.event)")
        }
    }

    @Test("There are hundreds of different cases")
    func count() {
        let cases = Self.groups.flatMap(\.cases)
        #expect(cases.count >= 500)
        #expect(Set(cases).count == cases.count)
    }

    @Test("An error names the place of what is refused, and nothing of an operand")
    func place() {
        #expect {
            try CodexFlow.EventPattern(#"{"a":{"b":[{"cidr":"secret"}]}}"#)
        } throws: { error in
            let message = (error as? CodexError)?.message ?? ""
            return message.contains("a.b") && !message.contains("secret")
        }
    }

    // MARK: Random patterns

    /// Patterns and events from a seed, small enough that they often match.
    private struct Source {
        var random: SplitMix

        /// Names with a value, and names with an object: a path has one of both.
        private let valueNames = ["a", "b", "o-x"]
        private let objectNames = ["o", "p"]

        mutating func fields(depth: Int) -> Oracle.Fields {
            var fields = Oracle.Fields()
            for name in valueNames where random.chance(40) {
                fields.lists.append((name, tests()))
            }
            for name in objectNames where depth > 0 && random.chance(50) {
                fields.objects.append(
                    Oracle.Object(name: name, fields: self.fields(depth: depth - 1)))
            }
            if depth > 0, random.chance(30) {
                fields.alternatives = (0..<2 + random.below(2)).map { _ in
                    self.fields(depth: depth - 1)
                }
            }
            if fields.isEmpty { fields.lists.append(("a", tests())) }
            return fields
        }

        private mutating func tests() -> [Oracle.Test] {
            (0..<1 + random.below(2)).map { _ in test() }
        }

        private mutating func test() -> Oracle.Test {
            switch random.below(7) {
            case 0: .equal(.text(random.pick(["x", "xy", ""])))
            case 1: .equal(.number(random.below(3)))
            case 2: .prefix(random.pick(["x", ""]))
            case 3: .above(random.below(3))
            case 4: .present
            case 5: .absent
            default: .anythingBut([.equal(.text("x")), .equal(.text("xy"))])
            }
        }

        mutating func object(depth: Int) -> Oracle.Value {
            var members: [String: Oracle.Value] = [:]
            for name in valueNames where random.chance(60) { members[name] = value(depth: 2) }
            for name in objectNames where random.chance(70) {
                members[name] = depth > 0 ? objects(depth: depth - 1) : .null
            }
            return .object(members)
        }

        /// An object, a list of objects, or neither.
        private mutating func objects(depth: Int) -> Oracle.Value {
            switch random.below(8) {
            case 0: value(depth: 1)
            case 1, 2: object(depth: depth)
            case 3: .list((0..<random.below(3)).map { _ in objects(depth: depth) })
            default: .list((0..<random.below(4)).map { _ in object(depth: depth) })
            }
        }

        private mutating func value(depth: Int) -> Oracle.Value {
            switch random.below(depth > 0 ? 8 : 5) {
            case 0, 1: .text(random.pick(["x", "xy", "y", ""]))
            case 2, 3: .number(random.below(4))
            case 4: .null
            case 5: .object(["c": .number(1)])
            default: .list((0..<random.below(3)).map { _ in value(depth: depth - 1) })
            }
        }
    }

    @Test(
        "Random patterns match what a search finds that tries everything",
        .timeLimit(.minutes(30)))
    func oracle() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("event patterns: Event Ruler with seed \(seed)")
        var source = Source(random: SplitMix(seed: seed))
        var matchCount = 0
        for _ in 0..<10_000 {
            let fields = source.fields(depth: 2)
            let event = source.object(depth: 2)
            guard fields.json.unicodeScalars.count <= CodexFlow.Limits.eventPatternCharacterCountMax
            else { continue }
            let found = try EventPatternCase(
                pattern: fields.json, event: event.json, outcome: .matches
            ).found()
            let matches = Oracle(event).matches(fields)
            #expect(found == (matches ? .matches : .differs), "\(fields.json) and \(event.json)")
            if matches { matchCount += 1 }
        }
        #expect(matchCount > 400)
    }
}
