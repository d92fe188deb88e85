import Foundation
import TestSupport
import Testing

@testable import CodexCore

@Suite("JSON of stored items")
struct StoredItemJSONWriterTests {
    private let shapes = MemoryShapes()

    /// The JSON that is written from an item's encoding, and the size that is counted on the way.
    private func written(
        _ bytes: [UInt8], keys: [AttributeMap.Element] = [], only names: Set<ExactName>? = nil
    ) throws -> (text: String, byteCount: Int) {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        let json = Sink()
        var writer = StoredItemJSONWriter(DecodingBudget(), only: names) { json.writer.append($0) }
        let byteCount = try writer.write(
            bytes.span, layout, ItemLayout.MissingKeys(keys, layout.shape))
        return (json.writer.text, byteCount)
    }

    private func measured(
        _ bytes: [UInt8], keys: [AttributeMap.Element] = []
    ) throws -> Int {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        var meter = StoredItemMeter(DecodingBudget())
        return try meter.measure(bytes.span, layout, ItemLayout.MissingKeys(keys, layout.shape))
    }

    private final class Sink {
        var writer = JSONWriter()
    }

    /// What is written from an item's encoding is what is written of the item.
    private func expectSame(
        _ item: Item, keys: [String] = [], _ comment: @autoclosure () -> Comment = ""
    ) throws {
        let bytes = try ItemCodec.encode(
            item, header: ItemHeader(), excluding: keys, shapes: shapes)
        var expected = JSONWriter()
        expected.typed(item)
        let (text, byteCount) = try written(
            bytes, keys: item.elements.filter { keys.contains($0.name) })
        #expect(text == expected.text, comment())
        #expect(byteCount == item.byteCount, comment())
        let missing = item.elements.filter { keys.contains($0.name) }
        #expect(try measured(bytes, keys: missing) == item.byteCount, comment())
        let names = Set(
            names: item.elements.enumerated().filter { $0.offset % 2 == 0 }.map(\.element.name))
        var shown = JSONWriter()
        shown.typed(item.keeping { names.contains($0.name) })
        let part = try written(bytes, keys: missing, only: names)
        #expect(part.text == shown.text && part.byteCount == item.byteCount, comment())
        let whole = Sink()
        try item.writeTypedJSON { whole.writer.append($0) }
        #expect(whole.writer.text == expected.text, comment())
        // The writers share their spelling of text, bytes and numbers; the parser does not.
        #expect(try DynamoDBJSON.item(parsing: Array(text.utf8)) == item, comment())
    }

    @Test("Every type, with names of the store and of the item")
    func everything() throws {
        for ownNames in [false, true] {
            shapes.ownNames = ownNames
            try expectSame(try CodecTests.everything())
        }
        try expectSame([:])
    }

    @Test("Key attributes come where they belong, first, last and between")
    func keys() throws {
        let item: Item = ["a": "x\"", "b": 2, "c": .binary([7, 8, 9]), "d": "z"]
        for keys in [["a"], ["d"], ["b", "c"], ["a", "d"], ["a", "b", "c", "d"]] {
            try expectSame(item, keys: keys, "\(keys)")
        }
    }

    @Test("Items at random are written as they are decoded")
    func random() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var values = RandomValues(seed: seed)
        for turn in 0..<600 {
            try expectSame(values.item(), "seed \(seed), turn \(turn)")
        }
    }

    @Test("Numbers of every exponent and count of digits")
    func numbers() throws {
        let digits = "98765432109876543210987654321098765432"
        for count in [1, 2, 17, 18, 19, 20, 21, 37, 38] {
            for exponent in stride(from: -130, through: 125 - count + 1, by: 1) {
                let text = "\(digits.prefix(count - 1))3e\(exponent)"
                guard let number = try? Number(parsing: text) else { continue }
                try expectSame(
                    ["n": .number(number), "m": .list([.number(number.negated)])], "\(text)")
            }
        }
        for value in [Int64.min, Int64.min + 1, -10, -1, 0, 1, 9, 10, 99, 100, Int64.max] {
            try expectSame(["n": .number(Number(value)), "ns": .numberSet([Number(value)])])
        }
    }

    @Test("Stored numbers at random, and beside powers of ten and of two, keep their spelling")
    func sampledNumbers() throws {
        let seed = UInt64.random(in: 0 ... .max)
        for sample in try NumberTests.samples(seed: seed) {
            let item: Item = ["n": .number(sample.number), "ns": .numberSet([sample.number])]
            let bytes = try ItemCodec.encode(
                item, header: ItemHeader(), excluding: [], shapes: shapes)
            let (text, byteCount) = try written(bytes)
            let spelled = sample.text
            #expect(
                text == #"{"n":{"N":"\#(spelled)"},"ns":{"NS":["\#(spelled)"]}}"#, "seed \(seed)")
            // The names count three bytes.
            #expect(byteCount == 3 + 2 * sample.byteCount, "seed \(seed), \(spelled)")
        }
    }

    @Test("An item is passed on in pieces that are long enough for a part of a response")
    func pieces() throws {
        let values: [AttributeValue] = [
            .list([AttributeValue](repeating: 17, count: 40_000)),
            .list([AttributeValue](repeating: "", count: 40_000)),
            .numberSet(AttributeSet((0..<40_000).map { Number($0) })),
            .string(String(repeating: "\u{1}", count: 100_000)),
            .string(String(repeating: "a", count: 300_000)),
            .binary([UInt8](repeating: 7, count: 300_000)),
        ]
        for value in values {
            let item: Item = ["d": value]
            var byteCounts: [Int] = []
            try item.writeTypedJSON { byteCounts.append($0.count) }
            #expect(byteCounts.count > 3, "\(value.type)")
            // The last piece has the rest.
            let isLong = byteCounts.dropLast().allSatisfy { $0 >= JSONBuffer.partByteCount }
            #expect(isLong && byteCounts.allSatisfy { $0 < 84 << 10 }, "\(value.type)")
        }
    }

    @Test(
        "Text and bytes of each length about a piece and about the buffer, with escapes at its end")
    func lengths() throws {
        for length in [
            0, 1, 7, 8, 9, 3071, 3072, 3073, 3074, 65_535, 65_536, 65_537, 83_969, 83_970, 83_971,
            200_000,
        ] {
            for tail in ["", "\"", "\u{1F}", "\\\n", "é", "😀"] {
                let text = String(repeating: "a", count: length) + tail
                try expectSame(["s": .string(text), "l": [.string(text)]], "\(length)")
            }
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try expectSame(["b": .binary(bytes), "m": ["x": .binary(bytes)]], "\(length)")
        }
        try expectSame(["s": .string(String(repeating: "\u{1}", count: 100_000))])
    }

    @Test("The small buffer grows at each place of an item: text, escapes, bytes, numbers")
    func growth() throws {
        // Room is asked for text with all its bytes escaped.
        let capacity = JSONBuffer.smallCapacity
        for length in (capacity / 6 - 40)...(capacity / 6 + 10) {
            let text = String(repeating: "a", count: length)
            try expectSame(["s": .string(text), "t": .string("\u{1}")], "\(length)")
            let escapes = String(repeating: "\u{1}", count: length)
            try expectSame(["s": .string(escapes), "n": 1], "\(length)")
        }
        for length in (capacity * 3 / 4 - 120)...(capacity * 3 / 4 + 10) {
            let bytes = [UInt8](repeating: 7, count: length)
            try expectSame(["b": .binary(bytes), "n": 1, "z": .null], "\(length)")
        }
    }

    @Test("Each character is escaped as JSON has it, at every place of a word and of a piece")
    func escapes() throws {
        let letters: [UInt8: String] = [
            0x22: "\\\"", 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t",
        ]
        for byte in UInt8(0)..<0x80 {
            let digits = String(byte, radix: 16)
            let code = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            let character = String(UnicodeScalar(byte))
            let spelled = letters[byte] ?? (byte < 0x20 ? code : character)
            for count in [0, 1, 6, 7, 8, 9, 126, 127, 128, 129, 300] {
                let (before, after) = (String(repeating: "a", count: count), "bcdefghij")
                let item: Item = ["s": .string(before + character + after)]
                let json = Sink()
                try item.writeTypedJSON { json.writer.append($0) }
                let expected = "{\"s\":{\"S\":\"\(before)\(spelled)\(after)\"}}"
                #expect(json.writer.text == expected, "\(byte), \(count)")
                #expect(DynamoDBJSON.text(item) == expected, "\(byte), \(count)")
            }
        }
    }

    @Test("Base64 is that of Foundation")
    func base64() throws {
        for count in [0, 1, 2, 3, 4, 5, 6, 255, 256, 257, 3071, 3072, 3073, 10_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ count) }
            let text = Base64.encode(bytes)
            #expect(text == Data(bytes).base64EncodedString(), "\(count)")
            #expect(try Base64.decode(text) == bytes, "\(count)")
        }
        for text in [
            "A", "AA", "AAA", "AAAAA", "A===", "====", "=AAA", "AA=A", "AAAA=", "AAAA====",
            "AA==AAAA", "AA A", "AAA\n", "AA-_", "AA\u{0}A", "AAé", "éé", "AAAAéé",
        ] {
            #expect(throws: CodexError(.invalidJSON, ""), "\(text)") { try Base64.decode(text) }
        }
    }

    @Test("Unused bits of the last digit of base64 are zero, as DynamoDB requires")
    func unusedBits() throws {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        for (value, digit) in digits.enumerated() {
            // Four bits, and two.
            for (text, bits) in [("A\(digit)==", 16), ("AA\(digit)=", 4)] {
                let bytes = try? Base64.decode(text)
                #expect((bytes != nil) == (value % bits == 0), "\(text)")
                if let bytes { #expect(Base64.encode(bytes) == text) }
                let url = text.filter { $0 != "=" }.replacingOccurrences(of: "+", with: "-")
                    .replacingOccurrences(of: "/", with: "_")
                #expect(Base64.decodeURL(url) == bytes, "\(text)")
                let json = Array(#"{"b":{"B":"\#(text)"}}"#.utf8)
                let item = try? DynamoDBJSON.item(parsing: json)
                #expect((item != nil) == (bytes != nil), "\(text)")
            }
        }
        // All digits of a text without padding are used.
        #expect(try Base64.decode("AAAB") == [0, 0, 1])
        #expect(Base64.decodeURL("AA==") == nil && Base64.decodeURL("AA") == [0])
    }

    // MARK: Projections

    /// The JSON of what a projection keeps, and the size of the whole item.
    private func written(
        _ bytes: [UInt8], keys: [AttributeMap.Element] = [], _ projection: Projection
    ) throws -> (text: String, byteCount: Int) {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        var finder = StoredPathFinder(
            DecodingBudget(), pathCount: projection.paths.count, keepsStarts: false)
        let byteCount = try finder.find(
            projection.tree, in: bytes.span, layout, ItemLayout.MissingKeys(keys, layout.shape))
        let json = Sink()
        var writer = StoredItemJSONWriter(DecodingBudget()) { json.writer.append($0) }
        try writer.write(projection.tree, finder.values)
        return (json.writer.text, byteCount)
    }

    @Test("What a projection keeps of a stored item is what it keeps of the decoded one")
    func projections() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var (values, random) = (RandomValues(seed: seed), SplitMix(seed: seed))
        var count = 0
        for turn in 0..<1000 {
            let item = try turn == 0 ? CodecTests.everything() : values.item()
            let keys = item.elements.filter { $0.value.type == .number && random.chance(30) }
            let bytes = try ItemCodec.encode(
                item, header: ItemHeader(), excluding: keys.map(\.name), shapes: shapes)
            var paths = RandomPaths(item, seed: random.next())
            for _ in 0..<5 {
                let kept = (0...random.below(6)).map { _ in paths.path() }
                // Some of them conflict.
                guard let projection = try? Projection(kept) else { continue }
                count += 1
                var expected = JSONWriter()
                expected.typed(projection.apply(to: item))
                let (text, byteCount) = try written(bytes, keys: keys, projection)
                #expect(text == expected.text, "seed \(seed), turn \(turn)")
                #expect(byteCount == item.byteCount, "seed \(seed), turn \(turn)")
            }
        }
        #expect(count > 500)
    }

    @Test("Damaged bytes are refused by the writer and the meter where decoding refuses them")
    func damaged() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix(seed: seed)
        let sound = try ItemCodec.encode(
            try CodecTests.everything(), header: ItemHeader(), excluding: [], shapes: shapes)
        for turn in 0..<3000 {
            var bytes = sound
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: bytes.indices, using: &generator)
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if turn % 5 == 0 {
                bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
            }
            let json = try? written(bytes)
            let item = try? ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
            let read = try json.map { try DynamoDBJSON.item(parsing: Array($0.text.utf8)) }
            #expect(read == item, "seed \(seed), turn \(turn)")
            #expect((try? measured(bytes)) == item?.byteCount, "seed \(seed), turn \(turn)")
        }
    }

    @Test("Names and members that are equal or out of order are refused")
    func order() throws {
        let (map, texts, numbers) = (
            ValueCodec.Tag.map.rawValue, ValueCodec.Tag.stringSet.rawValue,
            ValueCodec.Tag.numberSet.rawValue
        )
        let integer = ValueCodec.Tag.integer.rawValue
        let (a, b) = (UInt8(ascii: "a"), UInt8(ascii: "b"))
        for (first, second) in [(a, a), (b, a), (a, b)] {
            for value in [
                [map, 2, 1, first, 0, 1, second, 0], [texts, 2, 1, first, 1, second],
                [numbers, 2, integer, first << 1 & 0x7F, integer, second << 1 & 0x7F],
            ] {
                let bytes = Self.encoded(value)
                let item = try? ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
                #expect((item != nil) == ((try? written(bytes)) != nil), "\(value)")
                #expect((item != nil) == ((try? measured(bytes)) != nil), "\(value)")
                #expect((item != nil) == (first < second), "\(value)")
            }
        }
    }

    /// The encoding of an item with one attribute.
    private static func encoded(_ value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [ItemCodec.formatVersion << 4 | ItemCodec.ownNamesFlag, 0, 0, 1, 1]
        Wire.append("l", to: &bytes)
        return bytes + [UInt8(truncatingIfNeeded: value.count), UInt8(value.count >> 8)] + value
    }

    /// The encoding of an item with one list of one text, not compressed; and where the text is.
    private static func encodedText(_ length: Int) -> (bytes: [UInt8], start: Int) {
        var value = [ValueCodec.Tag.list.rawValue, 1, ValueCodec.Tag.string.rawValue]
        Wire.append(UInt64(length), to: &value)
        let bytes = encoded(value + [UInt8](repeating: UInt8(ascii: "a"), count: length))
        return (bytes, bytes.count - length)
    }

    @Test("Text that is not UTF-8 is refused at every place of a piece")
    func notText() throws {
        for length in [1, 8, 3072, 3073, 10_000] {
            let (sound, start) = Self.encodedText(length)
            #expect(try written(sound).text.utf8.count == length + 22)
            for place in [start, start + length / 2, start + length - 1] {
                var bytes = sound
                bytes[place] = 0xC3
                #expect(throws: CodexError.self) { try written(bytes) }
            }
        }
    }
}

/// Items at random, of every type, nested.
struct RandomValues {
    private var generator: SplitMix

    init(seed: UInt64) { generator = SplitMix(seed: seed) }

    private mutating func below(_ bound: Int) -> Int { generator.below(bound) }

    mutating func item() -> Item {
        var item = Item()
        for _ in 0..<below(8) { item[text(1 + below(6))] = value(depth: 0) }
        return item
    }

    private mutating func text(_ length: Int) -> String {
        let letters: [Character] = [
            "a", "b", "\"", "\\", "\n", "\u{0}", "\u{1F}", "é", "語", "😀", "z",
        ]
        return String((0..<length).map { _ in letters[below(letters.count)] })
    }

    private mutating func bytes(_ length: Int) -> [UInt8] {
        (0..<length).map { _ in UInt8(below(256)) }
    }

    private mutating func number() -> Number {
        let digits = (0..<(1 + below(38))).map { _ in "\(below(10))" }.joined()
        let text = "\(below(2) == 0 ? "-" : "")\(digits)e\(below(250) - 125)"
        return (try? Number(parsing: text)) ?? Number(Int64(below(1000)))
    }

    private mutating func value(depth: Int) -> AttributeValue {
        switch below(depth < 4 ? 10 : 5) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .string(text(below(below(20) == 0 ? 2000 : 20)))
        case 3: return .number(number())
        case 4: return .binary(bytes(below(30)))
        case 5: return .list((0..<below(6)).map { _ in value(depth: depth + 1) })
        case 6:
            var map = AttributeMap()
            for _ in 0..<below(5) { map[text(1 + below(4))] = value(depth: depth + 1) }
            return .map(map)
        case 7: return .stringSet(AttributeSet((0...below(4)).map { _ in text(below(9)) }))
        case 8: return .numberSet(AttributeSet((0...below(4)).map { _ in number() }))
        default: return .binarySet(AttributeSet((0...below(4)).map { _ in bytes(below(9)) }))
        }
    }
}
