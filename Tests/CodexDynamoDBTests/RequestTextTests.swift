import CodexCore
import Foundation
import TestSupport
import Testing

@testable import CodexDynamoDB

/// Requests are read without a tree of their JSON, and refused where they go wrong.
@Suite("Text of requests")
struct RequestTextTests {
    /// Counts what is reserved.
    private final class Reserved: @unchecked Sendable {
        private let lock = NSLock()
        private var count = 0

        var byteCount: Int { lock.withLock { count } }

        func add(_ byteCount: Int) { lock.withLock { count += byteCount } }
    }

    private func parameters(
        _ text: String, _ reserved: Reserved? = nil
    ) throws -> RequestParameters {
        let budget = RequestBudget(reserve: { byteCount in
            reserved?.add(byteCount)
            return true
        })
        return try RequestParameters(Array(text.utf8), budget)
    }

    private func item(_ text: String) throws -> Item {
        try parameters(#"{"Item":\#(text)}"#).requiredItem("Item")
    }

    /// The type of the refusal; `nil` if there is none.
    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return ServiceError(error).type
        }
    }

    // MARK: Checking

    @Test("The checker takes what the parser takes, but for equal names: 20,000 random texts")
    func agreement() {
        let seed = UInt64.random(in: 1...1_000_000)
        print("JSON: seed \(seed)")
        var random = SplitMix(seed: seed)
        let texts = [
            #"{"a":[1,-0.5e+7,true,false,null,"é\u00e9\ud83d\ude00\n"],"b":{"c":{}},"d":[]}"#,
            #" [ { "" : "\"\\\/\b\f\n\r\t" } , 0 , -1 , 1E9 ] "#,
            "{\"👍\":\"\u{7F}\u{800}\u{10FFFF}\"}",
        ]
        for _ in 0..<20_000 {
            var bytes = Array(random.pick(texts).utf8)
            for _ in 0...random.below(3) {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(random.below(256))
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8(random.below(256)), at: place)
                }
            }
            let isTree = (try? JSONNode.parse(bytes)) != nil
            let isChecked = (try? JSONChecker.check(bytes)) != nil
            let hasDuplicates = isChecked && !isTree && Self.namesTwice(bytes)
            #expect(
                isTree == isChecked || hasDuplicates,
                "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    /// Whether the parser's objection is to equal names.
    private static func namesTwice(_ bytes: [UInt8]) -> Bool {
        do throws(CodexError) {
            _ = try JSONNode.parse(bytes)
            return false
        } catch {
            return error.message.contains("two members of one name")
        }
    }

    @Test("Each byte of UTF-8 is checked as the Unicode Standard has it")
    func scalars() {
        for value: UInt32 in [
            0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF, 0xD7FF, 0xE000, 0xFFFD,
        ] {
            let text = Unicode.Scalar(value).map { "\"\($0)\"" } ?? ""
            #expect(throws: Never.self) { try JSONChecker.check(Array(text.utf8)) }
            for count in 1..<text.utf8.count {
                #expect(throws: CodexError.self) {
                    try JSONChecker.check(Array(text.utf8.prefix(count)))
                }
            }
        }
        for bytes: [UInt8] in [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
            [0xC2], [0xE1, 0x80], [0xF1, 0x80, 0x80], [0xE1, 0x80, 0xC0],
        ] {
            #expect(throws: CodexError.self) { try JSONChecker.check([0x22] + bytes + [0x22]) }
        }
    }

    @Test("Each byte at each place of a string is taken or refused as by the parser")
    func places() {
        let plain = Array(repeating: UInt8(ascii: "x"), count: 20)
        for place in plain.indices {
            for byte in UInt8.min...UInt8.max {
                var content = plain
                content[place] = byte
                for text in [content, content + [UInt8(ascii: "\"")]] {
                    let bytes: [UInt8] = [0x5B, 0x22] + text + [0x22, 0x5D]
                    let isTree = (try? JSONNode.parse(bytes)) != nil
                    let isChecked = (try? JSONChecker.check(bytes)) != nil
                    #expect(isTree == isChecked, "\(bytes)")
                }
            }
        }
    }

    @Test("Plain text ends at the first byte that is none, as far as eight bytes are left")
    func plainText() {
        var wrong: [String] = []
        for count in [0, 1, 7, 8, 9, 15, 16, 17, 20] {
            for place in 0..<count {
                for byte in UInt8.min...UInt8.max {
                    var bytes = Array(repeating: UInt8(ascii: "x"), count: count)
                    bytes[place] = byte
                    let isPlain = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
                    for start in 0...count {
                        let last = start + (count - start) / 8 * 8
                        let isFound = !isPlain && place >= start && place < last
                        let end = PlainText.end(in: bytes.span, from: start)
                        if end == (isFound ? place : last) { continue }
                        wrong.append("\(byte) at \(place) of \(count), from \(start): \(end)")
                    }
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test("Strings of each length, with an escape at each place, are read and passed")
    func strings() throws {
        let pieces = [
            ("", ""), ("\\\"", "\""), ("\\\\", "\\"), ("\\u00e9", "é"), ("é", "é"), ("😀", "😀"),
            ("éあ😀", "éあ😀"), ("é\\\"é", "é\"é"), ("あaあ", "あaあ"),
        ]
        for count in 0...20 {
            for place in 0...count {
                for (written, meant) in pieces {
                    let (before, after) = (
                        String(repeating: "a", count: place),
                        String(repeating: "}", count: count - place)
                    )
                    let text = #"{"s":"\#(before)\#(written)\#(after)","n":7}"#
                    let input = try parameters(text)
                    #expect(try input.string("s") == before + meant + after, "\(text)")
                    #expect(try input.integer("n") == 7, "\(text)")
                }
            }
        }
    }

    @Test("A check ends at the end of the text, and names the place")
    func ends() {
        let text = #"{"a":[1,-0.5e+7,true,false,null,"é\u00e9\ud83d\ude00","12345678"]}"#
        let bytes = Array(text.utf8)
        #expect(throws: Never.self) { try JSONChecker.check(bytes) }
        for count in bytes.indices {
            #expect(throws: CodexError(.invalidJSON, "")) {
                try JSONChecker.check(Array(bytes.prefix(count)))
            }
        }
        for (text, message) in [
            ("", "at byte 0: the text ends early"), ("tru", "at byte 0: unknown word"),
            (" falsy", "at byte 1: unknown word"), ("[nul", "at byte 1: unknown word"),
            ("\0", "at byte 0: a value is expected"), ("\"abc", "at byte 4: a string ends early"),
            ("\"abc\0\"", "at byte 4: a control character in a string"),
            ("\"12345678\n\"", "at byte 9: a control character in a string"),
            ("\"\\", "at byte 2: a string ends early"), ("01", "superfluous zero"),
            ("1 2", "at byte 2: text after the document's end"),
        ] {
            let error = #expect(throws: CodexError.self) {
                try JSONChecker.check(Array(text.utf8))
            }
            #expect(error?.message.contains(message) == true, "\(text): \(message)")
        }
    }

    @Test("Nesting has a limit, and what is not read costs no memory")
    func depthAndMemory() throws {
        // The outermost value is no level.
        let depth = 2 * DynamoDBLimits.nestingDepthMax + 9
        for (count, isTaken) in [(depth - 1, true), (depth, true), (depth + 1, false)] {
            let text = String(repeating: "[", count: count) + String(repeating: "]", count: count)
            let isChecked = (try? JSONChecker.check(Array(text.utf8))) != nil
            #expect(isChecked == isTaken, "\(count)")
        }
        let reserved = Reserved()
        let many = String(repeating: #"{"":0},"#, count: 500_000) + "0"
        let input = try parameters(#"{"TableName":"table","other":[\#(many)]}"#, reserved)
        #expect(try input.string("TableName") == "table")
        #expect(reserved.byteCount == 0)
        #expect(refusal { _ = try input.list("other") } == "ValidationException")
    }

    // MARK: Values

    @Test("Items are read as they were written: 500 random ones")
    func roundTrips() throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("items: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            var item = Item()
            for _ in 0...random.below(12) {
                item[Self.text(&random) + "x"] = Self.value(&random, depth: 0)
            }
            var writer = JSONWriter()
            writer.typed(item)
            #expect(try self.item(writer.text) == item, "seed \(seed): \(writer.text)")
        }
    }

    private static func text(_ random: inout SplitMix) -> String {
        let pieces = ["a", "é", "\"", "\\", "\n", "\u{1}", "😀", "/", "#", ""]
        return (0..<random.below(6)).map { _ in random.pick(pieces) }.joined()
    }

    private static func value(_ random: inout SplitMix, depth: Int) -> AttributeValue {
        let number = Number(Int64(random.below(2000) - 1000))
        switch random.below(depth < 4 ? 10 : 6) {
        case 0: return .string(text(&random))
        case 1: return .number(number)
        case 2: return .binary((0..<random.below(5)).map { _ in UInt8(random.below(256)) })
        case 3: return .bool(random.chance(50))
        case 4: return .null
        case 5: return .numberSet([number, 5000])
        case 6: return .stringSet([text(&random), "z"])
        case 7: return .binarySet([[1], [2, 3]])
        case 8:
            var values: [AttributeValue] = []
            for _ in 0..<random.below(4) { values.append(value(&random, depth: depth + 1)) }
            return .list(values)
        default:
            var map = AttributeMap()
            for _ in 0..<random.below(4) {
                map[text(&random) + "y"] = value(&random, depth: depth + 1)
            }
            return .map(map)
        }
    }

    @Test("Escapes are read, and null is as good as nothing")
    func escapes() throws {
        let text = #"{"a\u0062\/":{"S":"\ud83d\ude00\"\\\b\f\n\r\t\u00e9","N":null}}"#
        #expect(try item(text) == ["ab/": "😀\"\\\u{8}\u{C}\n\r\té"])
    }

    @Test("The name of a type is read in any spelling")
    func typeNames() throws {
        let values: [(name: String, content: String, value: AttributeValue)] = [
            ("S", #""x""#, "x"), ("N", #""7""#, 7), ("B", #""AQ==""#, .binary([1])),
            ("BOOL", "true", true), ("NULL", "true", .null), ("L", #"[{"S":"x"}]"#, ["x"]),
            ("M", #"{"a":{"N":"1"}}"#, ["a": 1]), ("SS", #"["x"]"#, .stringSet(["x"])),
            ("NS", #"["1"]"#, .numberSet([1])), ("BS", #"["AQ=="]"#, .binarySet([[1]])),
        ]
        for (name, content, value) in values {
            let digits = String(Unicode.Scalar(name.utf8.first ?? 0).value, radix: 16)
            let escaped = "\\u00\(digits)" + name.dropFirst()
            let other = name == "S" ? "N" : "S"
            for text in [
                #"{"\#(name)":\#(content)}"#, #"{ "\#(name)" : \#(content) }"#,
                #"{"\#(escaped)":\#(content)}"#, #"{"\#(other)":null,"\#(name)":\#(content)}"#,
                #"{"\#(name)":\#(content),"\#(other)":null}"#,
            ] {
                #expect(try item(#"{"a":\#(text)}"#) == ["a": value], "\(text)")
            }
            for (text, type) in [
                (#"{"\#(name)":\#(content),"\#(name)":\#(content)}"#, "SerializationException"),
                (#"{"\#(escaped)":\#(content),"\#(name)":\#(content)}"#, "SerializationException"),
                (#"{"\#(name)":\#(content),"\#(other)":"1"}"#, "ValidationException"),
                (#"{"\#(name)X":\#(content)}"#, "ValidationException"),
                (#"{"\#(name)":null}"#, "ValidationException"),
            ] {
                #expect(refusal { _ = try item(#"{"a":\#(text)}"#) } == type, "\(text)")
            }
        }
    }

    @Test("What follows a long value is found as after a short one", arguments: -1...1)
    func longValues(difference: Int) throws {
        // Two brackets and two quotes.
        let length = JSONEnds.byteCountMin + difference
        let inner = "[\"" + String(repeating: "]", count: length - 4) + "\"]"
        let text = #"{"a":{"b":[\#(inner),\#(inner)],"c":2},"d":\#(inner),"TableName":"ttt","e":5}"#
        let input = try parameters(text)
        #expect(try input.string("TableName") == "ttt" && input.integer("e") == 5)
        #expect(input["d"].map { String(decoding: $0.source, as: UTF8.self) } == inner)
        let nested = try #require(try input.object("a"))
        #expect(try nested.integer("c") == 2)
        let elements = try #require(try nested.list("b"))
        #expect(elements.map { String(decoding: $0.source, as: UTF8.self) } == [inner, inner])
        #expect(elements.allSatisfy { $0.byteCount == length })
        #expect(try elements[1].elements()?.count == 1)
    }

    @Test("What is wrong in an item is refused by its type")
    func refusals() {
        for (text, type) in [
            (#"{"a":{"S":"x"},"a":{"S":"y"}}"#, "SerializationException"),
            (#"{"b":{"S":"x"},"a":{"S":"y"},"b":{"S":"y"}}"#, "SerializationException"),
            (#"{"a":{"M":{"b":{"NULL":true},"b":{"NULL":true}}}}"#, "SerializationException"),
            (#"{"a":{"S":"x","S":"y"}}"#, "SerializationException"),
            (#"{"a":{"S":"x","N":"1"}}"#, "ValidationException"),
            (#"{"":{"S":"x"}}"#, "ValidationException"),
            (#"{"a":{"M":{"":{"S":"x"}}}}"#, "ValidationException"),
            (#"{"a":{"":0}}"#, "ValidationException"), (#"{"a":{"X":"y"}}"#, "ValidationException"),
            (#"{"a":{}}"#, "ValidationException"), (#"{"a":{"S":null}}"#, "ValidationException"),
            (#"{"a":null}"#, "SerializationException"), (#"{"a":[]}"#, "SerializationException"),
            (#"{"a":{"S":1}}"#, "SerializationException"),
            (#"{"a":{"L":{}}}"#, "SerializationException"),
            (#"{"a":{"M":[]}}"#, "SerializationException"),
            (#"{"a":{"SS":["x",1]}}"#, "SerializationException"),
        ] {
            #expect(refusal { _ = try item(text) } == type, "\(text)")
        }
    }

    @Test("An item is refused once it is too large, before the rest is read")
    func early() throws {
        let limit = DynamoDBLimits.itemByteCountMax
        for (count, isTaken) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
            let text = String(repeating: "x", count: count - 1)
            let type = refusal { _ = try item(#"{"a":{"S":"\#(text)"}}"#) }
            #expect(type == (isTaken ? nil : "ValidationException"), "\(count)")
        }
        let reserved = Reserved()
        let nulls = String(repeating: #"{"NULL":true},"#, count: 1_000_000) + #"{"NULL":true}"#
        let input = try parameters(#"{"Item":{"a":{"L":[\#(nulls)]}}}"#, reserved)
        #expect(refusal { _ = try input.requiredItem("Item") } == "ValidationException")
        #expect(reserved.byteCount <= limit * MemoryLayout<AttributeValue>.stride)
    }

    @Test("Parameters have bounds of their own")
    func bounds() throws {
        for (count, isTaken) in [(254, true), (255, true), (256, false)] {
            let placeholder = ":" + String(repeating: "v", count: count - 1)
            let input = try parameters(#"{"Values":{"\#(placeholder)":{"NULL":true}}}"#)
            let type = refusal { _ = try input.placeholders("Values") }
            #expect(type == (isTaken ? nil : "ValidationException"), "\(count)")
        }
        let slashes = String(repeating: "a/", count: 100_000)
        let input = try parameters(#"{"TableName":"arn:\#(slashes)"}"#)
        #expect(refusal { _ = try input.string("TableName") } == "ValidationException")
        for (text, number) in [("-9223372036854775808", Int.min), ("9223372036854775807", .max)] {
            #expect(try parameters(#"{"Limit":\#(text)}"#).integer("Limit") == number)
            let type = refusal { _ = try parameters(#"{"Limit":\#(text)0}"#).integer("Limit") }
            #expect(type == "SerializationException")
        }
    }

    @Test("Memory that is not granted ends the reading")
    func memory() throws {
        let list = String(repeating: #"{"S":""},"#, count: 20_000) + #"{"S":""}"#
        let text = #"{"Item":{"a":{"L":[\#(list)]}}}"#
        let input = try RequestParameters(
            Array(text.utf8), RequestBudget(reserve: { _ in false }))
        #expect(refusal { _ = try input.requiredItem("Item") } == "ThrottlingException")
    }
}
