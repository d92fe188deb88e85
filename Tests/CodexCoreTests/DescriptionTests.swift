import CodexCore
import Foundation
import TestSupport
import Testing

/// Values as text that people read, and text with values in it.
@Suite("Descriptions and interpolation")
struct DescriptionTests {
    /// What the documentation says of any description.
    private static let byteCountMax = 24_000

    private static let simpleForms: [(AttributeValue, String)] = [
        ("Ada", "\"Ada\""), ("", "\"\""), (12.5, "12.5"), (-7, "-7"), (0, "0"), (true, "true"),
        (false, "false"), (.null, "null"), ([], "[]"), ([:], "{}"), (.binary([]), "<0 bytes>"),
        (.binary([0]), "<1 byte 00>"), (.binary([1, 255, 16]), "<3 bytes 01ff10>"),
    ]
    private static let nestedForms: [(AttributeValue, String)] = [
        (["a", 1, [.null]], "[\"a\", 1, [null]]"),
        (["b": 1, "a": ["c": "d"]], "{\"a\": {\"c\": \"d\"}, \"b\": 1}"),
        (.stringSet(["b", "a"]), "SS[\"a\", \"b\"]"), (.numberSet([2, 1.5]), "NS[1.5, 2]"),
        (.binarySet([[2], [1, 2]]), "BS[<2 bytes 0102>, <1 byte 02>]"),
    ]

    @Test("Each type has its form", arguments: simpleForms + nestedForms)
    func forms(value: AttributeValue, text: String) {
        #expect(value.description == text)
        #expect("\(value)" == text)
        #expect(String(reflecting: value) == text)
    }

    @Test("Items, their attributes and sets have the form of values")
    func containers() {
        let item: Item = ["PK": "USER#1", "age": 36]
        #expect(item.description == "{\"PK\": \"USER#1\", \"age\": 36}")
        #expect(item.elements[1].description == "\"age\": 36")
        #expect("\(Item())" == "{}")
        #expect(AttributeSet<String>(["b", "a"]).description == "SS[\"a\", \"b\"]")
        #expect(AttributeSet<Number>([3]).description == "NS[3]")
        #expect(AttributeValue.binarySet([[7]]).description == "BS[<1 byte 07>]")
    }

    @Test("Characters that a terminal obeys, or does not show, are escaped in values and names")
    func escapes() {
        let escapes = [
            ("\"", "\\\""), ("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"),
            ("\u{0}", "\\u{0}"), ("\u{1B}", "\\u{1b}"), ("\u{7F}", "\\u{7f}"),
            ("\u{85}", "\\u{85}"), ("\u{9B}", "\\u{9b}"), ("\u{AD}", "\\u{ad}"),
            ("\u{200B}", "\\u{200b}"), ("\u{202E}", "\\u{202e}"), ("\u{2028}", "\\u{2028}"),
            ("\u{2029}", "\\u{2029}"), ("\u{FEFF}", "\\u{feff}"), ("\u{E000}", "\\u{e000}"),
            ("\u{10FFFF}", "\\u{10ffff}"), ("é", "é"), ("日本", "日本"), ("🜁", "🜁"), (" ", " "),
        ]
        for (text, shown) in escapes {
            #expect(AttributeValue.string(text).description == "\"\(shown)\"")
            let item = Item([(text + "x", AttributeValue.null)])
            #expect(item.description == "{\"\(shown)x\": null}")
        }
        // Each ASCII character once.
        for byte in UInt8(0)..<128 {
            let text = String(decoding: [byte], as: UTF8.self)
            let shown = AttributeValue.string(text).description.utf8
            #expect(shown.allSatisfy { (0x20..<0x7F).contains($0) }, "\(byte)")
        }
    }

    // MARK: Limits

    @Test(
        "Text is cut at 512 bytes, between scalars, and has its size", arguments: [511, 512, 513])
    func longText(byteCount: Int) {
        let text = String(repeating: "a", count: byteCount)
        let whole = "\"\(text)\""
        let cut = "\"\(String(repeating: "a", count: 512))…\" (\(byteCount) bytes)"
        #expect(AttributeValue.string(text).description == (byteCount > 512 ? cut : whole))
        // The last scalar does not fit whole.
        let umlauts = String(repeating: "a", count: 511) + "ü"
        let description = AttributeValue.string(umlauts).description
        #expect(description == "\"\(String(repeating: "a", count: 511))…\" (513 bytes)")
    }

    @Test("Binaries are cut at 32 bytes, and have their size", arguments: [31, 32, 33])
    func longBinary(byteCount: Int) {
        let shown = String(repeating: "ab", count: min(byteCount, 32))
        let value = AttributeValue.binary(Array(repeating: 0xAB, count: byteCount))
        let description = value.description
        #expect(description == "<\(byteCount) bytes \(shown)\(byteCount > 32 ? "…" : "")>")
    }

    @Test("Nesting is cut below 40 levels", arguments: [39, 40, 41, 10_000])
    func nesting(levelCount: Int) {
        var list = AttributeValue.null
        var map = AttributeValue.null
        for _ in 0..<levelCount {
            list = [list]
            map = ["m": map]
        }
        let shown = min(levelCount, 41)
        let core = levelCount > 40 ? "…" : "null"
        let brackets = String(repeating: "[", count: shown)
        #expect(
            list.description == brackets + core + brackets.replacingOccurrences(of: "[", with: "]"))
        #expect(map.description.count < 1000)
        #expect(map.description.contains("…") == (levelCount > 40))
        list.dismantle()
        map.dismantle()
    }

    @Test("Huge values give bounded text, from a seed", arguments: UInt64(0)..<4)
    func bounded(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let controls = String(repeating: "\u{1B}", count: 2000)
        let pairs = (0..<1000).map { (controls + "\($0)", AttributeValue.string(controls)) }
        let numbers = (0..<20_000).map { _ -> AttributeValue in
            random.chance(50) ? 1 : 1e-130
        }
        let texts = (0..<5000).map { controls + "\($0)" }
        let values: [AttributeValue] = [
            .list(Array(repeating: .null, count: 1_000_000)),
            .list(Array(repeating: .string(controls), count: 1000)), .map(Item(pairs)),
            .numberSet(AttributeSet((0..<50_000).map { Number($0) })),
            .stringSet(AttributeSet(texts)), .binary(Array(repeating: 7, count: 400_000)),
            .string(String(repeating: "x", count: 400_000)), .list(numbers),
        ]
        for value in values {
            let description = value.description
            #expect(description.utf8.count <= Self.byteCountMax, "seed \(seed)")
            #expect(description.utf8.count < 1000 || description.contains("…"), "seed \(seed)")
        }
        // Of any mixture.
        for _ in 0..<20 {
            var value = AttributeValue.list(values.filter { _ in random.chance(40) })
            for _ in 0..<random.below(30) {
                value = random.chance(50) ? .list([value]) : .map([controls: value])
            }
            #expect(value.description.utf8.count <= Self.byteCountMax, "seed \(seed)")
        }
    }

    @Test("Errors have no values in their text, though values have text")
    func errors() {
        let item: Item = ["secret": "s3cr3t"]
        let error = CodexError(.conditionFailed, "The condition failed.", currentItem: item)
        #expect(!error.description.contains("s3cr3t") && !error.message.contains("s3cr3t"))
        #expect(error.currentItem?.description.contains("s3cr3t") == true)
    }

    // MARK: Interpolation

    @Test("Values stand in text in their stored form")
    func interpolation() throws {
        let id: CodexFlow.User.ID = "ada"
        let (number, name) = (12, "engine")
        let decimal: Number = 2.50
        #expect(("USER#\(id)" as AttributeValue) == .string("USER#ada"))
        #expect(("T#\(number)#\(name)" as AttributeValue) == .string("T#12#engine"))
        #expect(("\(decimal) \(true) \(name.dropFirst(3))" as AttributeValue) == "2.5 true ine")
        #expect(("\(AttributeValue.string("a"))" as AttributeValue) == "a")
        #expect(("\(["a", "b"])" as AttributeValue) == "[\"a\", \"b\"]")
        #expect(("é\(name)\n" as AttributeValue).string == "éengine\n")
        let day = Date(timeIntervalSince1970: 0)
        #expect(("\(day)" as AttributeValue) == day.attributeValue)
        // A type that is not stored as a value of its own.
        struct Place: CustomStringConvertible { let description = "here" }
        #expect(("\(Place())" as AttributeValue) == "here")
        // Strings stay strings.
        let text = "T#\(number)"
        #expect(text == "T#12")
        let key = PrimaryKey("USER#\(id)", "ORDER#\(key: number)")
        #expect(key == PrimaryKey("USER#ada", "ORDER#0000000012"))
    }

    @Test("Numbers in keys sort by value, from a seed", arguments: UInt64(0)..<4)
    func keys(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let numbers = (0..<200).map { _ in random.below(2_000_000) - 1_000_000 }.sorted()
        let keys = numbers.map { "N#\(key: $0)#x" as AttributeValue }.compactMap(\.string)
        let sorted = keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(keys == sorted, "seed \(seed)")
        // Text stands in a key as it is.
        #expect(("\(key: "a")" as AttributeValue) == "a")
    }
}

extension AttributeValue {
    /// Takes a deeply nested value apart level by level: its release would need as many calls.
    fileprivate mutating func dismantle() {
        while true {
            switch self {
            case .list(var elements):
                guard let first = elements.first else { return }
                elements.removeAll()
                self = first
            case .map(let map):
                guard let first = map.elements.first?.value else { return }
                self = first
            default: return
            }
        }
    }
}
