import CodexCore
import TestSupport
import Testing

/// Ranges of values as ranges of keys, and the texts beside a text.
@Suite("Ranges through templates")
struct KeyTextTests {
    private static let seed: UInt64 = 24_003

    private static let numbers: [Number] = {
        let texts = [
            "0", "1", "2", "7", "10", "0.5", "0.05", "7.25", "9999999999", "9999999999.9",
            "10000000000", "123456789012.5", "1e30", "1e125", "1e-130",
        ]
        let numbers = texts.compactMap { try? Number(parsing: $0) }
        return Set(numbers + numbers.map(\.negated)).sorted()
    }()

    /// Whether a condition finds a value.
    private func finds<Value>(
        _ condition: SortCondition, _ value: Value, _ order: (AttributeValue, Value) -> Int?
    ) -> Bool {
        switch condition {
        case .any: true
        case .equal(let other): order(other, value) == 0
        case .less(let other): (order(other, value) ?? -1) > 0
        case .lessOrEqual(let other): (order(other, value) ?? -1) >= 0
        case .greater(let other): (order(other, value) ?? 1) < 0
        case .greaterOrEqual(let other): (order(other, value) ?? 1) <= 0
        case .between(let low, let high):
            (order(low, value) ?? 1) <= 0 && (order(high, value) ?? -1) >= 0
        case .beginsWith(let prefix):
            "\(value)".utf8.starts(with: (prefix.string ?? "").utf8)
        }
    }

    private func finds(_ condition: SortCondition, key: String) -> Bool {
        finds(condition, key) { bound, key in
            bound.string.map { ByteOrder.compare($0, key) }
        }
    }

    private func finds(_ condition: SortCondition, number: Number) -> Bool {
        finds(condition, number) { bound, number in
            bound.number.map { $0 == number ? 0 : $0 < number ? -1 : 1 }
        }
    }

    @Test(
        "A range of numbers finds the keys of the numbers in it, and no others",
        arguments: ["{n}", "N#{n}", "N#{n}#END", "N#{n}#{b}", "N#{n}#X#{b}", "N-{n}#"])
    func numberRanges(source: String) throws {
        let template = try KeyTemplate(source)
        var dice = SplitMix(seed: Self.seed)
        let filling = try template.filled(by: [:])
        let others = ["A", "M#0000000007", "N", "N!", "O", "O#0000000007", "~"]
        for _ in 0..<300 {
            let bounds = [dice.pick(Self.numbers), dice.pick(Self.numbers)].sorted()
            let (low, high) = (AttributeValue.number(bounds[0]), AttributeValue.number(bounds[1]))
            let conditions: [SortCondition] = [
                .equal(low), .less(low), .lessOrEqual(low), .greater(low), .greaterOrEqual(low),
                .between(low, high), .any,
            ]
            let condition = dice.pick(conditions)
            let keys = try filling.condition(condition)
            for number in Self.numbers {
                let value = dice.pick(["a", "b c", "!", "~"])
                let item: Item = ["n": .number(number), "b": .string(value)]
                let key = try #require(try template.render(item))
                #expect(
                    finds(keys, key: key) == finds(condition, number: number),
                    "\(condition) \(key), seed \(Self.seed)")
            }
            // Keys that do not begin with the template's text.
            guard !filling.text.isEmpty else { continue }
            for key in others { #expect(!finds(keys, key: key), "\(condition) \(key)") }
        }
    }

    @Test("A template is filled up to its first attribute without a value")
    func filling() throws {
        let template: KeyTemplate = "A#{x}#B#{y}#{z}"
        let cases: [([String: AttributeValue], String, String?, [String])] = [
            ([:], "A#", "x", []), (["x": 1], "A#0000000001#B#", "y", ["x"]),
            (["x": "v", "z": "w"], "A#v#B#", "y", ["x"]),
            (["x": "v", "y": "u"], "A#v#B#u#", "z", ["x", "y"]),
            (["x": "v", "y": "u", "z": "w"], "A#v#B#u#w", nil, ["x", "y", "z"]),
        ]
        for (values, text, next, used) in cases {
            let filling = try template.filled(by: values)
            #expect(filling.text == text && filling.nextName == next)
            #expect(filling.usedNames == used)
        }
        #expect(try KeyTemplate("ORDER").filled(by: [:]).text == "ORDER")
        #expect(throws: CodexError(.invalidIdentifier, "")) {
            try template.filled(by: ["x": "a#b"])
        }
    }

    @Test("The texts right below and above a text, and the last with a prefix")
    func neighbours() throws {
        let limit = DynamoDBLimits.sortKeyByteCountMax
        for prefix in ["", "A", "é", "€", "\u{10FFFF}", String(repeating: "x", count: limit)] {
            let last = KeyText.last(beginningWith: prefix)
            #expect(last.utf8.count == limit && last.utf8.starts(with: prefix.utf8))
        }
        for (count, hasRoom) in [(limit - 1, true), (limit, false)] {
            let text = String(repeating: "x", count: count)
            let above = try #require(KeyText.first(above: text))
            #expect(ByteOrder.compare(text, above) < 0 && above.utf8.count <= limit)
            #expect((above == text + "\0") == hasRoom)
        }
        #expect(KeyText.last(below: "") == "")
        #expect(KeyText.last(below: "a\0") == "a")
        let full = KeyText.last(beginningWith: "")
        #expect(KeyText.first(above: full) == nil)
        // Scalars of all lengths, and the ends of the surrogates.
        var dice = SplitMix(seed: Self.seed)
        let scalars = [
            "\0", "\u{1}", "a", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}",
            "\u{FFFF}", "\u{10000}", "\u{10FFFF}",
        ]
        for _ in 0..<500 {
            let text = (0...dice.below(4)).map { _ in dice.pick(scalars) }.joined()
            let other = (0...dice.below(4)).map { _ in dice.pick(scalars) }.joined()
            let below = KeyText.last(below: text)
            let above = try #require(KeyText.first(above: text))
            #expect(ByteOrder.compare(below, text) < 0 && ByteOrder.compare(text, above) < 0)
            // No text is between.
            if ByteOrder.compare(other, text) < 0 { #expect(ByteOrder.compare(other, below) <= 0) }
            if ByteOrder.compare(other, text) > 0 { #expect(ByteOrder.compare(other, above) >= 0) }
        }
    }

    @Test("Other spellings of UUIDs and numbers in keys")
    func spellings() throws {
        let upper = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
        let template: KeyTemplate = "SITE#{site}#{n}"
        func other(
            _ key: String, _ spelling: KeyTemplate.Spelling, _ fields: [FieldDefinition] = [],
            from values: [String: AttributeValue] = [:]
        ) -> String? {
            template.respelled(key, spelling, fields: fields, values: values)
        }
        // Without declared fields, digits in a key by hand may be an identifier.
        #expect(other("SITE#\(upper)#7", .canonical) == "SITE#\(upper.lowercased())#7")
        for key in ["SITE#x#7", "SITE#x#-7.5", "SITE#x#0000000007"] {
            #expect(other(key, .canonical) == nil && other(key, .plain) == nil, "\(key)")
        }
        // The kinds of given values are known.
        for (value, plain): (AttributeValue, String?) in [
            (7, "SITE#x#7"), ("0000000007", nil),
        ] {
            let values: [String: AttributeValue] = ["site": "x", "n": value]
            #expect(other("SITE#x#0000000007", .plain, from: values) == plain)
            #expect(other("SITE#x#0000000007", .canonical, from: values) == nil)
        }
        let given: [String: AttributeValue] = ["site": .string(upper), "n": "7"]
        #expect(
            other("SITE#\(upper)#7", .canonical, from: given)
                == "SITE#\(upper.lowercased())#7")
        #expect(other("SITE#\(upper.lowercased())#7", .canonical, from: given) == nil)
        for key in ["SITE#x#y", "OTHER#\(upper)#7", "SITE#7", "SITE#a#7#8", "", "SITE##7"] {
            #expect(other(key, .canonical) == nil && other(key, .plain) == nil, "\(key)")
        }
        // Declared fields say what their values are.
        let text: [FieldDefinition] = [.required("n", .string), .required("site", .string)]
        #expect(other("SITE#x#7", .canonical, text) == nil)
        #expect(other("SITE#x#0000000007", .plain, text) == nil)
        #expect(other("SITE#\(upper)#y", .canonical, text) == "SITE#\(upper.lowercased())#y")
        let number: [FieldDefinition] = [.required("n", .number)]
        #expect(other("SITE#x#7", .canonical, number) == "SITE#x#0000000007")
        #expect(other("SITE#x#-7.5", .canonical, number) == "SITE#x#-9999999992.4~")
        #expect(other("SITE#x#0000000007", .canonical, number) == nil)
        #expect(other("SITE#x#0000000007", .plain, number) == nil)
    }
}
