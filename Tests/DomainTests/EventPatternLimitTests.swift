import Codex
import TestSupport
import Testing

@testable import CodexWorkspace

/// How long an event pattern may be, and what matching takes.
@Suite("Limits of event patterns")
struct EventPatternLimitTests {
    private typealias Pattern = CodexFlow.EventPattern

    private func matches(_ tests: String, _ text: String) throws -> Bool {
        try Pattern(#"{"detail":{"title":[\#(tests)]}}"#)
            .matches(envelope: ["detail": ["title": .string(text)]])
    }

    @Test("A pattern has 2,048 characters, and not one more", arguments: ["a", "é", "𝄞"], -1...1)
    func length(character: String, difference: Int) throws {
        let around = #"{"source":[""]}"#
        let count =
            CodexFlow.Limits.eventPatternCharacterCountMax - around.unicodeScalars.count
            + difference
        let text = String(repeating: character, count: count)
        let json = #"{"source":["\#(text)"]}"#
        guard difference <= 0 else {
            #expect(throws: CodexError(.invalidPattern, "")) { try Pattern(json) }
            return
        }
        #expect(try Pattern(json).matches(envelope: ["source": .string(text)]))
    }

    @Test("A text of megabytes is no pattern")
    func huge() {
        let json = #"{"source":["x"]}"# + String(repeating: " ", count: 8 << 20)
        #expect(throws: CodexError(.invalidPattern, "")) { try Pattern(json) }
    }

    // MARK: Wildcards

    private func matchesByTrying(_ pattern: Substring, _ text: Substring) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        guard first == "*" else {
            return text.first == first && matchesByTrying(rest, text.dropFirst())
        }
        return matchesByTrying(rest, text)
            || !text.isEmpty && matchesByTrying(pattern, text.dropFirst())
    }

    private func wildcard(_ text: String) -> Wildcard {
        let pieces = text.split(separator: "*", omittingEmptySubsequences: false)
        return Wildcard(pieces.map { Array($0.utf8) })
    }

    @Test("A wildcard matches what trying everything finds")
    func oracle() {
        let seed = UInt64.random(in: .min ... .max)
        print("event patterns: wildcards with seed \(seed)")
        var random = SplitMix(seed: seed)
        func text(_ countMax: Int, _ alphabet: [String]) -> String {
            (0..<random.below(countMax + 1)).map { _ in random.pick(alphabet) }.joined()
        }
        var matchCount = 0
        for _ in 0..<20_000 {
            let pattern = text(7, ["a", "a", "b", "*"])
            let whole = text(9, ["a", "a", "b"])
            var steps = 0
            let found = wildcard(pattern).matches(Array(whole.utf8), steps: &steps)
            #expect(
                found == matchesByTrying(pattern[...], whole[...]), "\(pattern) and \(whole)")
            if found { matchCount += 1 }
        }
        #expect(matchCount > 1000)
    }

    @Test(
        "The steps of a wildcard grow with text and pattern, whatever is in them",
        arguments: ["a*", "aaaaaaaaab*", "aaaaaaaaaaaaaaaaaaaaa*", "ab*ba*", "*a", "aa*ab*"])
    func steps(period: String) {
        let body = String(repeating: period, count: 2000 / period.utf8.count)
        for text in ["a", "ab", "aab", "aaaaaaaaaaaaaaaaaaaac"] {
            for pattern in ["*" + body + "*", body, "*" + body + "*c"] {
                let whole = Array(String(repeating: text, count: 100_000 / text.utf8.count).utf8)
                var steps = 0
                _ = wildcard(pattern).matches(whole, steps: &steps)
                #expect(steps <= 2 * (whole.count + pattern.utf8.count), "\(pattern.prefix(20))")
            }
        }
    }

    @Test("Stars stand for text, and escaped ones for themselves")
    func stars() throws {
        for (pattern, text, expected) in [
            ("*", "", true), ("*", "x", true), ("", "", true), ("", "x", false), ("a*", "a", true),
            ("*a", "ba", true), ("a*a", "a", false), ("a*a", "aa", true), (#"a\\*"#, "a*", true),
            (#"a\\*"#, "ab", false), (#"*\\**"#, "x*y", true), (#"*\\**"#, "xy", false),
            (#"\\\\*"#, #"\x"#, true),
        ] {
            #expect(
                try matches(#"{"wildcard":"\#(pattern)"}"#, text) == expected, "\(pattern) \(text)")
        }
        #expect(throws: CodexError(.invalidPattern, "")) { try matches(#"{"wildcard":"**"}"#, "") }
    }

    // MARK: Other tests

    /// What is left of text after each character of the pattern took its lower or its upper case.
    private func rests(_ pattern: Substring, _ text: String) -> Set<String> {
        guard let first = pattern.unicodeScalars.first else { return [text] }
        let rest = Substring(pattern.unicodeScalars.dropFirst())
        let (lower, upper) = (first.properties.lowercaseMapping, first.properties.uppercaseMapping)
        var found: Set<String> = []
        for letter in [lower, upper] where text.unicodeScalars.starts(with: letter.unicodeScalars) {
            let end = text.unicodeScalars.dropFirst(letter.unicodeScalars.count)
            found.formUnion(rests(rest, String(end)))
        }
        return found
    }

    @Test("Each character of a pattern stands for its lower and its upper case")
    func ignoredCase() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("event patterns: ignored case with seed \(seed)")
        var random = SplitMix(seed: seed)
        func text(_ countMax: Int) -> String {
            (0..<1 + random.below(countMax)).map { _ in
                random.pick(["a", "A", "ß", "s", "S", "İ", "i", "é", "É", "Σ", "ς", "σ", "𐐀"])
            }.joined()
        }
        var matchCount = 0
        for _ in 0..<5000 {
            let (part, whole) = (text(2), text(4))
            let found = rests(part[...], whole)
            let isEqual = found.contains("")
            #expect(try matches(#"{"equals-ignore-case":"\#(part)"}"#, whole) == isEqual)
            #expect(
                try matches(#"{"prefix":{"equals-ignore-case":"\#(part)"}}"#, whole)
                    == !found.isEmpty,
                "\(part) \(whole)")
            let ends = (0...whole.unicodeScalars.count).contains { count in
                let end = String(whole.unicodeScalars.dropFirst(count))
                return rests(part[...], end).contains("")
            }
            #expect(
                try matches(#"{"suffix":{"equals-ignore-case":"\#(part)"}}"#, whole) == ends,
                "\(part) \(whole)")
            if ends { matchCount += 1 }
        }
        #expect(matchCount > 100)
    }

    @Test("Values of all kinds are found among many, in lists too", .timeLimit(.minutes(30)))
    func values() throws {
        let numbers = (0..<300).map { "\($0)" }.joined(separator: ",")
        let pattern = try Pattern(#"{"v":[\#(numbers),"x",null,true]}"#)
        let other = try Pattern(#"{"v":[{"anything-but":[\#(numbers)]}]}"#)
        let long = AttributeValue.list((0..<100_000).map { .number(Number($0 + 1000)) })
        let cases: [(AttributeValue, Bool)] = [
            ("x", true), (7, true), (.null, true), (true, true), (false, false), ("7", false),
            ([], false), (["y", 8], true), ([["x"]], true), (["v": 1], false), (long, false),
        ]
        for (value, isOne) in cases {
            #expect(pattern.matches(envelope: ["v": value]) == isOne, "\(value)")
        }
        #expect(!pattern.matches(envelope: [:]) && !other.matches(envelope: [:]))
        #expect(other.matches(envelope: ["v": long]) && other.matches(envelope: ["v": [1, "y"]]))
        #expect(!other.matches(envelope: ["v": [1, 2]]) && !other.matches(envelope: ["v": []]))
    }

    @Test("Elements of a list that have no field of a pattern cost a look at their names")
    func absentFields() throws {
        let names = (0..<60).map { #""f\#($0)""# }
        func pattern(_ test: String) throws -> Pattern {
            let fields = names.map { "\($0):[\(test)]" }.joined(separator: ",")
            return try Pattern(#"{"d":{\#(fields)}}"#)
        }
        let (none, all) = (
            try pattern(#"{"exists":false}"#), try pattern(#"{"exists":true}"#)
        )
        let elements: [AttributeValue] = [.map(["x": 1]), .map([:]), .list([]), .list([[:]]), "x"]
        let tails: [([AttributeValue], Bool)] = [([], true), ([.map(["f0": 1])], false)]
        for count in [1000, 10_000] {
            let list = elements.flatMap { Array(repeating: $0, count: count) }
            for (tail, isAbsent) in tails {
                for (pattern, isMatch) in [(none, isAbsent), (all, false)] {
                    var steps = 0
                    let found = pattern.matches(
                        envelope: ["d": .list(list + tail)], steps: &steps)
                    #expect(found == isMatch)
                    #expect(steps <= list.count + 1000, "\(steps) steps for \(list.count)")
                }
            }
        }
    }

    @Test("Sets count as lists, and bytes as base64")
    func sets() throws {
        let envelope: AttributeMap = [
            "texts": .stringSet(AttributeSet(["a", "b"])), "bytes": .binary([1, 2, 3]),
            "numbers": .numberSet(AttributeSet([1, 2])),
            "all": .binarySet(AttributeSet([[1, 2, 3], [4]])),
        ]
        for (json, isMatch) in [
            (#"{"texts":["b"],"numbers":[2],"bytes":["AQID"],"all":["BA=="]}"#, true),
            (#"{"texts":["c"]}"#, false), (#"{"numbers":["1"]}"#, false),
            (#"{"texts":[{"anything-but":["a","b"]}]}"#, false),
        ] {
            #expect(try Pattern(json).matches(envelope: envelope) == isMatch, "\(json)")
        }
    }

    // MARK: Combinations of $or

    /// A pattern whose lists of `$or` have these lengths.
    private func combinations(_ lengths: [Int], last: String = "[0]") -> String {
        let fields = lengths.enumerated().map { place, length in
            let alternatives = Array(repeating: #"{"x":[1]},"#, count: length - 1).joined()
            return #""\#(place)":{"$or":[\#(alternatives){"x":\#(last)}]}"#
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    @Test(
        "$or has 1,000 combinations, and not one more",
        arguments: [[27, 37], [25, 40], [2, 2, 2, 5, 5, 5], [7, 11, 13]])
    func combinationCount(lengths: [Int]) throws {
        let json = combinations(lengths)
        let count = lengths.reduce(1, *)
        guard count <= CodexFlow.Limits.eventPatternCombinationCountMax else {
            #expect(throws: CodexError(.invalidPattern, "")) { try Pattern(json) }
            return
        }
        let pattern = try Pattern(json)
        let fields = lengths.indices.map { ("\($0)", AttributeValue.map(["x": 0])) }
        #expect(pattern.matches(envelope: AttributeMap(fields)))
        #expect(!pattern.matches(envelope: AttributeMap(fields.dropLast())))
    }

    @Test("A thousand combinations take one pass over a list of objects", .timeLimit(.minutes(30)))
    func manyCombinations() throws {
        let nested = combinations([2, 2, 2, 5, 5, 5], last: #"[{"exists":false}]"#)
        let pattern = try Pattern(#"{"d":\#(nested)}"#)
        let objects = (0..<5000).map { number -> AttributeValue in
            let fields = (0..<6).map { ("\($0)", AttributeValue.map(["x": .number(Number(2))])) }
            return .map(AttributeMap(fields + [("n", .number(Number(number)))]))
        }
        #expect(!pattern.matches(envelope: ["d": .list(objects)]))
        let last = AttributeValue.map(
            AttributeMap((0..<6).map { ("\($0)", AttributeValue.map(["x": 1])) }))
        #expect(pattern.matches(envelope: ["d": .list(objects + [last])]))
    }
}
