import CodexCore
import FoundationEssentials
import TestSupport
import Testing

@Suite("Values and items")
struct ValueTests {
    @Test("Canonically equivalent strings are different values, names and members")
    func unicode() {
        let (composed, decomposed) = ("é", "e\u{301}")
        #expect(composed == decomposed)
        #expect(AttributeValue.string(composed) != .string(decomposed))
        let item: Item = [composed: 1, decomposed: 2]
        #expect(item.count == 2)
        #expect(item[composed] == 1 && item[decomposed] == 2)
        #expect(AttributeSet([composed, decomposed]).members.count == 2)
        #expect(AttributeSet(["Z", "a", "é", "z"]).members == ["Z", "a", "z", "é"])
    }

    @Test("Sets have no order and no duplicates, at any depth")
    func sets() throws {
        #expect(AttributeValue.stringSet(["a", "b", "a"]) == .stringSet(["b", "a"]))
        #expect(
            AttributeValue.list([.numberSet([1, .init(10)])])
                == .list([.numberSet(AttributeSet([try Number(parsing: "1e1"), 1]))]))
    }

    @Test("Distinct members make a set in any order, and equal ones make none")
    func distinctMembers() throws {
        #expect(AttributeSet<String>(distinct: [])?.members == [])
        #expect(AttributeSet<String>(distinct: ["a", "b", "c"])?.members == ["a", "b", "c"])
        #expect(AttributeSet<String>(distinct: ["c", "é", "a", "e\u{301}"])?.members.count == 4)
        #expect(AttributeSet<String>(distinct: ["a", "a"]) == nil)
        #expect(AttributeSet<String>(distinct: ["b", "a", "b"]) == nil)
        let binaries = AttributeSet<[UInt8]>(distinct: [[2, 1], [2], [1, 9]])
        #expect(binaries?.members == [[1, 9], [2], [2, 1]])
        #expect(AttributeSet<[UInt8]>(distinct: [[2], [1], [2]]) == nil)
        let tenth = try Number(parsing: "0.1")
        let large = try Number(parsing: "1e30")
        let numbers = AttributeSet<Number>(distinct: [large, 3, tenth, -5])
        #expect(numbers?.members == [-5, tenth, 3, large])
        #expect(AttributeSet<Number>(distinct: [large, 3, tenth, large]) == nil)
    }

    @Test("Sets of random members have each once, in order: 300 sets")
    func randomSets() {
        let seed = UInt64.random(in: 1...1_000_000)
        var random = SplitMix(seed: seed)
        for _ in 0..<300 {
            let bound = random.pick([10, 1000, 1_000_000])
            var members: [Number] = []
            for _ in 0..<random.below(40) { members.append(Number(random.below(bound))) }
            let sorted = Set(members).sorted()
            #expect(AttributeSet(members).members == sorted, "seed \(seed)")
            let distinct = AttributeSet(distinct: members)
            #expect((distinct != nil) == (sorted.count == members.count), "seed \(seed)")
            #expect(distinct.map { $0.members == sorted } ?? true, "seed \(seed)")
        }
    }

    @Test("The check of an item has its exact size, at any depth", arguments: -1...1)
    func checkedSize(difference: Int) throws {
        var item: Item = [
            "p": "key", "n": -12, "t": true, "z": .null, "b": .binary([1, 2, 3]),
            "l": ["a", ["b", 100, .null], [:]], "m": ["x": ["y": 7, "z": []], "w": "v"],
            "ss": .stringSet(["a", "bc"]), "ns": .numberSet([1, -234]),
            "bs": .binarySet([[1], []]),
        ]
        let rest = DynamoDBLimits.itemByteCountMax - item.byteCount + difference - 1
        item["x"] = .string(String(repeating: "x", count: rest))
        #expect(item.byteCount == DynamoDBLimits.itemByteCountMax + difference)
        if difference > 0 {
            #expect(throws: CodexError(.itemTooLarge, "")) { try item.validate() }
        } else {
            try item.validate()
        }
    }

    @Test("DynamoDB JSON round-trips everything")
    func json() throws {
        let item: Item = [
            "s": "quote \" slash \\ line \n tab \t nul \0 é 𝄞",
            "n": .number(try Number(parsing: "1e100")),
            "b": .binary([0, 255, 62, 63]), "t": true, "f": false, "null": .null,
            "l": ["a", []], "m": ["x": [:]], "ss": .stringSet(["b", "a"]),
            "ns": .numberSet([2, 1]), "bs": .binarySet([[1], []]), "é": 1, "e\u{301}": 2,
        ]
        #expect(try DynamoDBJSON.item(parsing: Array(DynamoDBJSON.text(item).utf8)) == item)
        let wrapped = "{\"Item\": \(DynamoDBJSON.text(item))}"
        #expect(try DynamoDBJSON.item(parsing: Array(wrapped.utf8)) == item)
    }

    @Test(
        "Malformed JSON and wrong types are refused",
        arguments: [
            "", "{", "[]", "null", "{\"a\"}", "{\"a\": 1}", "{\"a\": {\"S\": 1}}",
            "{\"a\": {\"S\": \"x\", \"N\": \"1\"}}", "{\"a\": {}}", "{\"a\": {\"X\": \"x\"}}",
            "{\"a\": {\"N\": 1}}", "{\"a\": {\"BOOL\": \"true\"}}", "{\"a\": {\"NULL\": false}}",
            "{\"a\": {\"B\": \"*\"}}", "{\"a\": {\"SS\": [\"x\", \"x\"]}}",
            "{\"a\": {\"SS\": [1]}}",
            "{\"a\": {\"S\": \"x\"}, \"a\": {\"S\": \"y\"}}", "{\"a\": {\"S\": \"x\"}} x",
            "{\"a\": {\"S\": \"\\u12\"}}", "{\"a\": {\"S\": \"\\ud800\"}}",
            "{\"a\": {\"S\": \"\u{1}\"}}",
            "{\"a\": {\"S\": \"x\"},}",
        ])
    func badJSON(text: String) {
        #expect(throws: CodexError(.invalidJSON, "")) {
            try DynamoDBJSON.item(parsing: Array(text.utf8))
        }
    }

    @Test("Numbers in JSON are checked as numbers, nesting has a limit, and UTF-8 must be valid")
    func jsonLimits() {
        #expect(throws: CodexError(.invalidNumber, "")) {
            try DynamoDBJSON.item(parsing: Array("{\"a\": {\"N\": \"NaN\"}}".utf8))
        }
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: CodexError(.invalidJSON, "")) {
            try DynamoDBJSON.item(parsingPlain: Array(deep.utf8))
        }
        #expect(throws: CodexError(.invalidJSON, "")) {
            try DynamoDBJSON.item(
                parsing: Array("{\"a\": {\"S\": \"".utf8) + [0xFF] + Array("\"}}".utf8))
        }
    }

    @Test("Moments are stored to the millisecond and sort as text")
    func timestamps() throws {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"), (1_762_300_800.123, "2025-11-05T00:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"),
        ] {
            #expect(Timestamp.text(Date(timeIntervalSince1970: seconds)) == text)
            #expect(Timestamp.date(text)?.timeIntervalSince1970 == seconds)
        }
        #expect(Timestamp.date("2025-11-05T00:00:00Z")?.timeIntervalSince1970 == 1_762_300_800)
        for text in [
            "", "2025-11-05", "2025-02-29T00:00:00Z", "2025-11-05T24:00:00Z",
            "2025-11-05T00:00:60Z",
            "2025-11-05T00:00:00.12Z", "2025-11-05 00:00:00Z", "2025-11-05T00:00:00+",
            "+025-11-05T00:00:00Z",
        ] {
            #expect(Timestamp.date(text) == nil, "\(text)")
        }
    }

    @Test("A moment of whole milliseconds is kept as it is, and is what its text reads as")
    func wholeMilliseconds() {
        let seed = UInt64.random(in: 1...1_000_000)
        print("moments: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<20_000 {
            let milliseconds = UInt64(random.below(4_102_444_800_000))
            let date = Date(milliseconds: milliseconds)
            #expect(date.bounded == date && date.millisecondsSince1970 == Int64(milliseconds))
            #expect(Timestamp.date(Timestamp.text(date)) == date)
            #expect((date + 0.001).bounded == Date(milliseconds: milliseconds + 1))
            #expect((date + 0.0009).bounded == date)
        }
    }

    @Test("A moment with any byte changed is one only if it reads as one")
    func changedMoments() {
        for text in ["2024-02-28T23:59:59Z", "2024-02-28T23:59:59.999Z"] {
            let bytes = Array(text.utf8)
            for position in bytes.indices {
                for byte in UInt8.min...UInt8.max {
                    var changed = bytes
                    changed[position] = byte
                    let date = Timestamp.date(changed.span)
                    #expect(date == Self.instant(changed), "\(changed)")
                }
            }
        }
    }

    /// The moment as one would read it, field by field.
    private static func instant(_ bytes: [UInt8]) -> Date? {
        let isLong = bytes.count == 24
        let separators: [Int: Character] =
            [4: "-", 7: "-", 10: "T", 13: ":", 16: ":"].merging(
                isLong ? [19: ".", 23: "Z"] : [19: "Z"]
            ) { $1 }
        var digits = ""
        for (position, byte) in bytes.enumerated() {
            let character = Character(Unicode.Scalar(byte))
            if let separator = separators[position] {
                if character != separator { return nil }
            } else {
                guard ("0"..."9").contains(character) else { return nil }
                digits.append(character)
            }
        }
        func number(_ range: Range<Int>) -> Int { Int(String(Array(digits)[range])) ?? -1 }
        let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
        let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...lengths[month - 1]).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        // Days by counting: years from 1970 on or back, then months.
        var days = 0
        func length(_ year: Int) -> Int {
            year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
        }
        if year >= 1970 {
            for year in 1970..<year { days += length(year) }
        } else {
            for year in year..<1970 { days -= length(year) }
        }
        days += lengths[..<(month - 1)].reduce(0, +) + day - 1
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second
        let millis = isLong ? number(14..<17) : 0
        return Date(timeIntervalSince1970: Double(seconds * 1000 + millis) / 1000)
    }

    @Test("Days of the calendar")
    func days() throws {
        let day = try #require(CalendarDay("2024-02-28"))
        #expect(day.adding(days: 1).description == "2024-02-29")
        #expect(day.adding(days: 2).description == "2024-03-01")
        #expect(day.adding(days: -59).description == "2023-12-31")
        for text in ["2025-02-29", "2025-13-01", "2025-1-01", "x", "2025-11-0a", "+025-11-01"] {
            #expect(CalendarDay(text) == nil, "\(text)")
        }
    }

    struct Everything: Codable, Equatable {
        enum Kind: String, Codable { case one }
        struct Inner: Codable, Equatable { var values: [Int?] }
        var text: String
        var count: Int
        var big: UInt64
        var ratio: Double
        var flag: Bool
        var when: Date
        var data: Data
        var id: UUID
        var kind: Kind
        var inner: [Inner]
        var byName: [String: Int]
        var none: String?
        var day: CalendarDay
    }

    @Test("Codable types become attributes and come back")
    func codable() throws {
        let value = Everything(
            text: "x", count: -3, big: .max, ratio: 0.25, flag: true,
            when: Date(timeIntervalSince1970: 1_762_300_800), data: Data([1, 2]), id: UUID(),
            kind: .one, inner: [.init(values: [1, nil])], byName: ["a": 1], none: nil,
            day: CalendarDay(year: 2025, month: 1, day: 2)!)
        struct Holder: Codable, Entity, Equatable {
            static let definition = EntityDefinition(
                "holder", table: "t", keys: ["PK": "H#{id}", "SK": "H"])
            var id: String
            var value: Everything
        }
        let holder = Holder(id: "1", value: value)
        let item = try holder.item()
        #expect(item["PK"] == "H#1")
        #expect(item[path: DocumentPath("value")["none"]] == nil)
        #expect(item[path: DocumentPath("value")["data"]] == .binary([1, 2]))
        #expect(try Holder(item: item) == holder)
        var missing = item
        missing["id"] = nil
        #expect(throws: CodexError(.missingAttribute, "")) { try Holder(item: missing) }
        var wrong = item
        wrong["id"] = 5
        #expect(throws: CodexError(.typeMismatch, "")) { try Holder(item: wrong) }
    }
}
