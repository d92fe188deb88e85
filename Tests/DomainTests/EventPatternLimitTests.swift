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

    @Test("Text is compared in lower case as a whole would be")
    func lowercased() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("event patterns: lower case with seed \(seed)")
        var random = SplitMix(seed: seed)
        func text(_ countMax: Int) -> String {
            (0..<1 + random.below(countMax)).map { _ in
                random.pick(["a", "A", "ß", "İ", "i", "é", "É", "Σ", "ς", "𐐀"])
            }.joined()
        }
        for _ in 0..<5000 {
            let (part, whole) = (text(2), text(4))
            let (low, lowWhole) = (part.lowercased().utf8, whole.lowercased().utf8)
            let isEqual = low.elementsEqual(lowWhole)
            #expect(try matches(#"{"equals-ignore-case":"\#(part)"}"#, whole) == isEqual)
            let begins = lowWhole.starts(with: low)
            #expect(
                try matches(#"{"prefix":{"equals-ignore-case":"\#(part)"}}"#, whole) == begins,
                "\(part) \(whole)")
            let ends = lowWhole.reversed().starts(with: low.reversed())
            #expect(
                try matches(#"{"suffix":{"equals-ignore-case":"\#(part)"}}"#, whole) == ends,
                "\(part) \(whole)")
        }
    }

    @Test("Values of all kinds are found among many, in lists too", .timeLimit(.minutes(30)))
    func values() throws {
        let numbers = (0..<300).map { "\($0)" }.joined(separator: ",")
        let pattern = try Pattern(#"{"v":[\#(numbers),"x",null,true]}"#)
        let other = try Pattern(#"{"v":[{"anything-but":[\#(numbers),"x"]}]}"#)
        let long = AttributeValue.list((0..<100_000).map { .number(Number($0 + 1000)) })
        let cases: [(AttributeValue, Bool)] = [
            ("x", true), (7, true), (.null, true), (true, true), (false, false), ("7", false),
            ([], false), (["y", 8], true), ([["x"]], true), (["v": 1], false), (long, false),
        ]
        for (value, isOne) in cases {
            #expect(pattern.matches(envelope: ["v": value]) == isOne, "\(value)")
        }
        #expect(!pattern.matches(envelope: [:]) && !other.matches(envelope: [:]))
        #expect(
            other.matches(envelope: ["v": long]) && !other.matches(envelope: ["v": ["x", "y"]]))
    }
}
