import Foundation
import TestSupport
import Testing

@testable import CodexCore

private enum Label: String, StoredChoice, Codable {
    case morning = "2025-11-05T09:30:00.000Z"
    case other

    static let choices = Choices(allCases)
}

/// A visit with a hand-written conversion.
private struct Visit: Entity, Equatable {
    enum Field: Int, EntityField {
        case at, ended, label, room, title

        static let definitions: [FieldDefinition] = [
            .required("at", .string), .optional("ended", .string),
            .required("label", .string), .required("room", .string), .required("title", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    static let definition = EntityDefinition(
        "visit", table: "t", keys: ["p": "VISIT#{title}"], fields: Field.definitions)

    var at: Date
    var ended: Date?
    var label: Label
    var room: Identifier<Visit>
    var title: String
}

extension Visit {
    func item() throws(CodexError) -> Item {
        var writer = FieldWriter<Field>(["p": .string("VISIT#\(title)")])
        writer.set(.at, at)
        writer.set(.ended, ended)
        writer.setChoice(.label, label)
        writer.set(.room, room)
        writer.set(.title, title)
        return writer.item
    }

    init(reading reader: borrowing FieldReader) throws(CodexError) {
        self.init(
            at: try reader.value(Field.at), ended: try reader.optionalDate(Field.ended),
            label: try reader.choice(Field.label), room: try reader.identifier(Field.room),
            title: try reader.string(Field.title))
    }
}

/// The same with `Codable`.
private struct CodedVisit: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "codedVisit", table: "t", keys: ["p": "VISIT#{title}"])

    var at: Date
    var ended: Date?
    var label: Label
    var title: String
}

/// A type that has a number where items have an instant.
private struct Mistaken: Entity {
    enum Field: Int, EntityField {
        case at

        var definition: FieldDefinition { .required("at", .number) }
    }

    static let definition = EntityDefinition(
        "mistaken", table: "t", keys: ["p": "M#{at}"], fields: [Field.at.definition])

    func item() throws(CodexError) -> Item { Item() }

    init(reading reader: borrowing FieldReader) throws(CodexError) {
        _ = try reader.optionalInt(Field.at)
    }
}

/// Text of instants, which items store as numbers.
@Suite("Stored instants")
struct StoredInstantTests {
    private static let morning = "2025-11-05T09:30:00.000Z"
    /// The last text that has a number.
    private static let last = "8919-08-03T05:31:50.655Z"

    private let shapes = MemoryShapes()

    private func encode(_ item: Item) throws -> [UInt8] {
        try ItemCodec.encode(item, header: ItemHeader(), excluding: [], shapes: shapes)
    }

    private func decode(_ bytes: [UInt8]) throws -> Item {
        try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
    }

    private func measured(_ bytes: [UInt8]) throws -> Int {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        var meter = StoredItemMeter(DecodingBudget())
        return try meter.measure(bytes.span, layout, ItemLayout.MissingKeys([], layout.shape))
    }

    private func withView<R>(
        _ bytes: [UInt8], _ body: (borrowing ItemView) throws -> R
    ) throws -> R {
        let key: [UInt8] = [0]
        return try bytes.withUnsafeBufferPointer { value in
            try key.withUnsafeBufferPointer { key in
                let source = try ItemBytes(value: value, key: key, keys: nil, shapes: shapes)
                return try body(ItemView(source))
            }
        }
    }

    /// The contents that a view passes.
    private func rawValues(_ bytes: [UInt8]) throws -> [[UInt8]] {
        try withView(bytes) { view in
            var contents: [[UInt8]] = []
            try view.forEachRawValue { _, content in
                var bytes: [UInt8] = []
                for place in 0..<content.count { bytes.append(content[place]) }
                contents.append(bytes)
            }
            return contents
        }
    }

    private func json(_ bytes: [UInt8]) throws -> String {
        var json = JSONWriter()
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        _ = try withView(bytes) { view in
            try view.writeTypedJSON(reserving: memory) { json.append($0) }
        }
        return json.text
    }

    /// The bytes of a value that is an item's only one.
    private func value(_ text: String) throws -> [UInt8] {
        let bytes = try encode(["a": .string(text)])
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        let (start, end) = try layout.range(bytes.span, 0)
        return Array(bytes[start..<end])
    }

    // MARK: Which text

    /// Whether text is stored as a number, judged character by character.
    private static func isInstant(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 24 else { return false }
        for (byte, expected) in zip(bytes, "dddd-dd-ddTdd:dd:dd.dddZ".utf8) {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            guard expected == UInt8(ascii: "d") ? isDigit : byte == expected else { return false }
        }
        func number(_ range: Range<Int>) -> Int {
            Int(String(decoding: bytes[range], as: UTF8.self)) ?? -1
        }
        let month = number(5..<7)
        guard (1...12).contains(month) else { return false }
        let dayCount = InstantTextTests.monthLengths(number(0..<4))[month - 1]
        return (1...dayCount).contains(number(8..<10)) && number(11..<13) < 24
            && number(14..<16) < 60 && number(17..<19) < 60 && text <= last
    }

    /// Text is read as it was written, and is a number if it has the form.
    private func expectKept(_ text: String, isInstant: Bool, _ comment: Comment) throws {
        let item: Item = [
            "a": .string(text), "l": .list([.string(text)]), "m": .map([text: .string(text)]),
            "s": .stringSet([text, "other"]),
        ]
        let bytes = try encode(item)
        let decoded = try decode(bytes)
        #expect(decoded == item, comment)
        // Equal strings may have different bytes.
        #expect(Array((decoded["a"]?.string ?? "").utf8) == Array(text.utf8), comment)
        #expect(try measured(bytes) == item.byteCount, comment)
        #expect(try encode(decoded) == bytes, comment)
        let stored = try value(text)
        #expect(stored[0] == (isInstant ? 15 : 3), comment)
        #expect(stored.count == (isInstant ? 7 : 1 + text.utf8.count), comment)
        let raw = try rawValues(encode(["a": .string(text)]))
        #expect(raw == [Array(text.utf8)], comment)
    }

    @Test("Only text in exactly the form that is written is a number")
    func forms() throws {
        let instants = [
            Self.morning, "0000-01-01T00:00:00.000Z", "0000-02-29T23:59:59.999Z",
            "2000-02-29T00:00:00.000Z", "2024-02-29T00:00:00.001Z", "1969-12-31T23:59:59.999Z",
            "2025-12-31T23:59:59.999Z", "8919-08-03T05:31:50.654Z", Self.last,
        ]
        let texts = [
            "8919-08-03T05:31:50.656Z", "9999-12-31T23:59:59.999Z", "1900-02-29T00:00:00.000Z",
            "2023-02-29T00:00:00.000Z", "2024-02-30T00:00:00.000Z", "2025-04-31T00:00:00.000Z",
            "2025-06-31T00:00:00.000Z", "2025-09-31T00:00:00.000Z", "2025-11-31T00:00:00.000Z",
            "2025-01-32T00:00:00.000Z", "2025-01-00T00:00:00.000Z", "2025-00-01T00:00:00.000Z",
            "2025-13-01T00:00:00.000Z", "2025-11-05T24:00:00.000Z", "2025-11-05T23:60:00.000Z",
            "2016-12-31T23:59:60.000Z", "2025-11-05t09:30:00.000Z", "2025-11-05T09:30:00.000z",
            "2025-11-05 09:30:00.000Z", "2025-11-05T09:30:00,000Z", "2025-11-05T09:30:00:000Z",
            "2025/11/05T09:30:00.000Z", "+025-11-05T09:30:00.000Z", " 025-11-05T09:30:00.000Z",
            "2025-11-05T09:30:00.-01Z", "2025-11-05T09:30:00+0000", "2025-11-05T09:30+00:00Z0",
            "2025-11-05T09:30:00.000+00:00", "2025-11-05T09:30:00.000", "2025-11-05T09:30:00Z",
            "2025-11-05T09:30:00.0Z", "2025-11-05T09:30:00.00Z", "2025-11-05T09:30:00.0000Z",
            "2025-11-05T09:30:00.000000Z", "2025-11-05T09:30:00.000Z ", "", "2025-11-05",
            "2025-11-05T09:30:00.0\u{660}Z", "\u{FF12}-11-05T09:30:00.000Z",
            "2025-W45-3T09:30:00.000Z", "\u{0}025-11-05T09:30:00.000Z", "20251105T093000.000000Z0",
        ]
        for text in instants {
            #expect(Self.isInstant(text), "\(text)")
            try expectKept(text, isInstant: true, "\(text)")
        }
        for text in texts {
            #expect(!Self.isInstant(text), "\(text)")
            try expectKept(text, isInstant: false, "\(text)")
        }
    }

    @Test("Random text of the form, and nearly of the form, is read as it was written")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("stored instants: seed \(seed)")
        var random = SplitMix(seed: seed)
        var instantCount = 0
        for _ in 0..<4000 {
            var text = InstantTextTests.text(
                year: random.below(10_000), month: 1 + random.below(13), day: 1 + random.below(32),
                hour: random.below(25), minute: random.below(61), second: random.below(61),
                millisecond: random.below(1000))
            if random.chance(30) { Self.change(&text, &random) }
            let isInstant = Self.isInstant(text)
            if isInstant { instantCount += 1 }
            try expectKept(text, isInstant: isInstant, "seed \(seed), \(text)")
        }
        #expect(instantCount > 1000 && instantCount < 3900)
    }

    /// Changes, adds or removes one character.
    private static func change(_ text: inout String, _ random: inout SplitMix) {
        var scalars = Array(text.unicodeScalars)
        let place = random.below(scalars.count)
        let other = Unicode.Scalar(UInt8(random.below(128)))
        switch random.below(4) {
        case 0: scalars.insert(other, at: place)
        case 1: scalars.remove(at: place)
        case 2: scalars[place] = "\u{E9}"
        default: scalars[place] = other
        }
        text = ""
        text.unicodeScalars.append(contentsOf: scalars)
    }

    @Test(
        "The number is that of the milliseconds since the year 0000 began",
        arguments: [
            ("0000-01-01T00:00:00.000Z", [0, 0, 0, 0, 0, 0]),
            ("0000-01-01T00:00:00.001Z", [1, 0, 0, 0, 0, 0]),
            ("0000-01-01T00:00:00.256Z", [0, 1, 0, 0, 0, 0]),
            ("1970-01-01T00:00:00.000Z", [0x00, 0x60, 0x04, 0x6F, 0x8A, 0x38]),
            (morning, [0xC0, 0x65, 0x5E, 0xC2, 0x24, 0x3A]),
            (last, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        ] as [(String, [UInt8])])
    func bytes(text: String, number: [UInt8]) throws {
        #expect(try value(text) == [ValueCodec.Tag.instant.rawValue] + number)
    }

    @Test("The tag of inlined code is that of the codec")
    func tag() {
        #expect(StoredInstant.tag == ValueCodec.Tag.instant.rawValue)
        for tag in UInt8.min...UInt8.max where tag != 13 && tag != 14 {
            #expect(ValueCodec.Tag.seal(tag) == .plain)
        }
    }

    // MARK: Reading

    @Test("An item of format 2 is read as the same item, with narrow and with own names")
    func earlier() throws {
        let item: Item = [
            "at": .string(Self.morning), "late": "9999-12-31T23:59:59.999Z", "n": 1, "s": "text",
            "then": .string(Self.last), "x": .list([.string(Self.morning)]),
        ]
        for ownNames in [false, true] {
            shapes.ownNames = ownNames
            let present = try encode(item)
            let earlier = try EarlierItem.formatTwo(present, shapes: shapes)
            #expect(present[0] >> 4 == 3 && earlier[0] >> 4 == 2)
            #expect(earlier.count == present.count + 2 * 18)
            let expected = DynamoDBJSON.text(item)
            for bytes in [present, earlier] {
                #expect(try decode(bytes) == item)
                #expect(try encode(decode(bytes)) == present)
                #expect(try measured(bytes) == item.byteCount)
                #expect(try json(bytes) == expected)
                let text = try withView(bytes) { try $0.string("at") }
                #expect(text == Self.morning)
                #expect(try rawValues(bytes) == rawValues(present))
            }
            let areEqual = ItemCodec.areAttributesEqual(present.span, earlier.span)
            #expect(areEqual == nil)
        }
    }

    @Test("Another number of bytes is damage for every way of reading", arguments: 0...9)
    func length(count: Int) throws {
        var bytes: [UInt8] = [ItemCodec.formatVersion << 4 | ItemCodec.ownNamesFlag, 0, 0, 1, 1]
        Wire.append("a", to: &bytes)
        bytes += [UInt8(1 + count), 0, ValueCodec.Tag.instant.rawValue]
        bytes += [UInt8](repeating: 7, count: count)
        let item = bytes
        let ways: [() throws -> Void] = [
            { _ = try decode(item) }, { _ = try measured(item) }, { _ = try json(item) },
            { _ = try rawValues(item) },
            { _ = try withView(item) { try $0.string("a") } },
            { _ = try withView(item) { try $0.value("a") } },
            {
                _ = try withView(item) { view in
                    try view.bytes.soundItem(keeping: ["a"], reserving: nil)
                }
            },
        ]
        for (place, way) in ways.enumerated() {
            if count == 6 {
                try way()
            } else {
                #expect(throws: CodexError(.corrupted, ""), "\(place)") { try way() }
            }
        }
    }

    @Test("A nested number, and a compressed one, is damage")
    func misplaced() throws {
        let instant = try value(Self.morning)
        var packed = instant + [UInt8](repeating: 0, count: 2000)
        Compression.compressTail(of: &packed, from: 0)
        #expect(packed[0] == ValueCodec.Tag.compressed.rawValue)
        let (list, map) = (ValueCodec.Tag.list.rawValue, ValueCodec.Tag.map.rawValue)
        let values: [[UInt8]] = [[list, 1] + instant, [map, 1, 1, 0x61] + instant, packed]
        for value in values {
            var bytes: [UInt8] = [
                ItemCodec.formatVersion << 4 | ItemCodec.ownNamesFlag, 0, 0, 1, 1,
            ]
            Wire.append("a", to: &bytes)
            bytes += [UInt8(truncatingIfNeeded: value.count), UInt8(value.count >> 8)] + value
            let item = bytes
            #expect(throws: CodexError(.corrupted, "")) { try decode(item) }
            #expect(throws: CodexError(.corrupted, "")) { try measured(item) }
            #expect(throws: CodexError(.corrupted, "")) { try json(item) }
        }
    }

    // MARK: Types

    @Test("Types read instants, and text, cases and identifiers of their form")
    func types() throws {
        let date = try #require(Timestamp.date(Self.morning))
        let last = Timestamp.date("9999-12-31T23:59:59.999Z")
        for ended in [nil, Timestamp.date(Self.last), last] as [Date?] {
            let visit = Visit(
                at: date, ended: ended, label: .morning, room: try .init(Self.morning),
                title: Self.morning)
            #expect(try Visit(item: visit.item()) == visit)
            let coded = CodedVisit(at: date, ended: ended, label: .morning, title: Self.morning)
            #expect(try CodedVisit(item: coded.item()) == coded)
        }
        #expect(throws: CodexError(.typeMismatch, "")) {
            try Mistaken(item: ["at": .string(Self.morning)])
        }
    }

    @Test("A random date is the one that its text denotes")
    func dates() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("dates of stored instants: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<2000 {
            let milliseconds = Int64.random(
                in: -62_167_219_200_000...253_402_300_799_999, using: &random)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let visit = CodedVisit(at: date, ended: date, label: .other, title: "t")
            let item = try visit.item()
            let text = try #require(item["at"]?.string)
            let read = try CodedVisit(item: item)
            #expect(read.at == Timestamp.date(text) && read.ended == read.at, "seed \(seed)")
        }
    }
}
