import TestSupport
import Testing

@testable import CodexCore

/// Shapes in memory that get the rules of each item, without a proof.
private final class RuledShapes: ShapeSource, ShapeInterner {
    private(set) var shapes: [Shape] = []
    /// Whether rules are searched.
    var finds = true

    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        guard Int(id) < shapes.count else { throw Wire.corrupted("no such shape") }
        return shapes[Int(id)]
    }

    func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        if let known = shapes.last(where: { names.match($0.names) }) { return known.id }
        return add(names.array, [])
    }

    @discardableResult
    func add(_ names: [String], _ rules: [TextRule]) -> UInt32 {
        shapes.append(Shape(id: UInt32(shapes.count), names: names, rules: rules))
        return UInt32(shapes.count - 1)
    }

    func ruledShape(_ number: UInt32, for texts: ItemTexts) throws(CodexError) -> Shape? {
        let shape = try shape(number)
        guard finds else { return shape }
        let found = texts.unruled(shape).compactMap { texts.rule(for: $0, shape) }
        guard !found.isEmpty, let rules = shape.adding(found) else { return shape }
        return try self.shape(add(shape.names, rules))
    }
}

/// Has the attributes of a key, and needs no bytes for them.
private final class RuleKeys: KeyAttributeDecoder {
    private let attributes: [AttributeMap.Element]

    init(_ attributes: [AttributeMap.Element]) { self.attributes = attributes }

    func keyAttributes(_ key: Span<UInt8>) throws(CodexError) -> [AttributeMap.Element] {
        attributes
    }
}

private enum RuleField: Int, EntityField {
    case key, user

    var definition: FieldDefinition {
        .required(self == .key ? "K" : "user", self == .key ? .string : .number)
    }
}

/// Text that is stored as a rule of the shape.
@Suite("Text by rule")
struct RuledTextTests {
    private let shapes = RuledShapes()
    private static let ruled = ["K", "L"]

    private func encode(_ item: Item) throws -> [UInt8] {
        try ItemCodec.encode(
            item, header: ItemHeader(), excluding: ["p", "s"], ruling: Self.ruled, shapes: shapes)
    }

    private func keys(_ item: Item) -> [AttributeMap.Element] {
        item.elements.filter { $0.name == "p" || $0.name == "s" }
    }

    private func withView<R>(
        _ bytes: [UInt8], _ item: Item, _ body: (borrowing ItemView) throws -> R
    ) throws -> R {
        let (key, decoder) = ([UInt8](repeating: 0, count: 1), RuleKeys(keys(item)))
        return try withExtendedLifetime(decoder) {
            try bytes.withUnsafeBufferPointer { value in
                try key.withUnsafeBufferPointer { key in
                    let source = try ItemBytes(
                        value: value, key: key, keys: decoder, shapes: shapes)
                    return try body(ItemView(source))
                }
            }
        }
    }

    /// The first byte of a stored value.
    private func tag(_ name: String, _ bytes: [UInt8]) throws -> UInt8 {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        let position = try #require(layout.shape.position(of: name))
        return bytes[try layout.range(bytes.span, position).start]
    }

    /// All ways of reading give the item; its texts have the same bytes.
    private func expectKept(_ item: Item, _ bytes: [UInt8], _ comment: Comment) throws {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        let decoded = try layout.item(bytes.span, keyAttributes: keys(item))
        #expect(decoded == item, comment)
        for element in item.elements {
            guard case .string(let text) = element.value else { continue }
            let found = Array((decoded[element.name]?.string ?? "").utf8)
            #expect(found == Array(text.utf8), comment)
        }
        let stored = try StoredItem(bytes, key: [], RuleKeys(keys(item)), shapes: shapes)
        #expect(try stored.item() == item, comment)
        var conditions: [Condition] = []
        for name in Self.ruled {
            guard let value = item[name] else { continue }
            conditions.append(.compare(.path(DocumentPath(name)), .equal, .value(value)))
        }
        for condition in conditions {
            var steps = Int.max
            let answer = try stored.evaluate(condition, steps: &steps, reserving: nil)
            #expect(answer.holds && answer.byteCount == item.byteCount, comment)
        }
        try expectViewed(item, bytes, comment)
    }

    private func expectViewed(_ item: Item, _ bytes: [UInt8], _ comment: Comment) throws {
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        var json = JSONWriter()
        try withView(bytes, item) { view in
            let byteCount = try view.writeTypedJSON(reserving: memory) { json.append($0) }
            #expect(byteCount == item.byteCount, comment)
            for element in item.elements {
                let (value, text) = (try view.value(element.name), try view.string(element.name))
                #expect(value == element.value && text == element.value.string, comment)
            }
            let sound = try view.bytes.soundItem(keeping: Self.ruled, reserving: nil)
            #expect(sound.byteCount == item.byteCount, comment)
            for name in Self.ruled { #expect(sound.item[name] == item[name], comment) }
            let names = view.bytes.layout.shape.names
            try view.forEachRawValue { position, content in
                guard let text = item[names[position]]?.string, text.utf8.count < 1000 else {
                    return
                }
                var found: [UInt8] = []
                for place in 0..<content.count { found.append(content[place]) }
                #expect(found == Array(text.utf8), comment)
            }
        }
        #expect(json.text == DynamoDBJSON.text(item), comment)
    }

    // MARK: Which text

    /// The bytes of the value of `K`.
    private func stored(_ item: Item) throws -> (tag: UInt8, bytes: [UInt8]) {
        let bytes = try encode(item)
        try expectKept(item, bytes, "\(item)")
        return (try tag("K", bytes), bytes)
    }

    @Test(
        "Literals, parts of the key and texts of the item form a rule",
        arguments: [
            ["K": "TASK#t7"], ["K": "PROJECT#p1"], ["K": "PROJECT#p1#STATUS#to do"],
            ["K": "ASSIGNEE#u9"], ["K": "TASK#$p1#t7"], ["K": "u9"], ["K": "é|u9"],
            ["K": "to do/é/to do#DUE"], ["K": "#u9#"],
        ] as [Item])
    func forms(item: Item) throws {
        var item = item
        for (name, value) in [
            ("p", "PROJECT#p1"), ("s", "TASK#t7"), ("status", "to do"), ("user", "USER#u9"),
            ("other", "é"),
        ] { item[name] = .string(value) }
        #expect(try stored(item).tag == 0x10)
        #expect(try stored(item).tag == 0x10)
        item["K"] = "T5"
        #expect(try stored(item).tag == ValueCodec.Tag.string.rawValue)
        item["K"] = "OTHER#u9"
        #expect(try stored(item).tag == 0x11)
    }

    @Test(
        "Text that others do not form stays text",
        arguments: [
            "u9x", "xu9", "#u91", "u9#x", "u9#1", "T#7", "T#c", "T# u9", "T#\u{E9}", "T#", "TASK",
            "2025-11-05T09:30:00.000Z", "T#2025-11-05T09:30:00.000Z", "T#5", "T#k1", "T#",
            String(repeating: "A", count: 33) + "#u9",
        ])
    func others(text: String) throws {
        let item: Item = [
            "p": .binary([117, 57]), "s": 7, "K": .string(text), "user": "u9", "number": 5,
            "empty": "", "at": "2025-11-05T09:30:00.000Z", "list": ["k1"], "bytes": .binary([107]),
        ]
        let found = try stored(item)
        #expect(found.tag != 0x10)
        #expect(try found.bytes == stored(item).bytes)
    }

    @Test("A text may be ruled up to the bytes of a partition key", arguments: [2047, 2048, 2049])
    func longest(byteCount: Int) throws {
        let short: Item = ["p": "p", "s": "s", "K": "K#u9", "user": "u9"]
        #expect(try stored(short).tag == 0x10)
        var random = SplitMix(seed: 7)
        // Seven bits of eight are random, which compression does not make much smaller.
        let text = String(
            decoding: (2..<byteCount).map { _ in UInt8(1 + random.below(127)) }, as: UTF8.self)
        let long: Item = [
            "p": "p", "s": "s", "K": .string("K#" + text), "user": .string(text),
        ]
        #expect(try stored(long).tag == (byteCount <= 2048 ? 0x10 : 3))
    }

    @Test("A source that is encrypted, compressed, an instant, no text or missing gives no text")
    func unfitSources() throws {
        let first: Item = ["p": "p", "s": "s", "K": "K#u9", "user": "u9"]
        #expect(try stored(first).tag == 0x10)
        let long = String(repeating: "u9 ", count: 600)
        let instant = "2025-11-05T09:30:00.000Z"
        for (key, value) in [
            ("K#" + long, .string(long)), ("K#" + instant, .string(instant)), ("K#9", 9),
            ("K#u9", .binary([117, 57])), ("K#u9", ["u9"]), ("K#", ""), ("K#u9", "u8"),
        ] as [(String, AttributeValue)] {
            shapes.finds = false
            let item: Item = ["p": "p", "s": "s", "K": .string(key), "user": value]
            let expected: UInt8 = key == "K#" ? 0x10 : key.utf8.count > 1000 ? 12 : 3
            #expect(try stored(item).tag == expected, "\(key)")
        }
        var item = first
        item.set(AttributeMap.Element(name: "user", value: .binary([1]), seal: .sealed))
        #expect(try stored(item).tag == 3)
        item["user"] = nil
        #expect(try stored(item).tag == 3)
    }

    // MARK: Random items

    private static let words = [
        "a", "b7", "é", "e\u{301}", "\u{1F600}", "USER#u1", "TASK#t-1", "x/y/z", "#", "", "10",
        "2025-11-05T09:30:00.000Z", "WORD", "\u{0}", "a b",
    ]

    /// Text of literals, words, and texts of the item.
    private static func text(_ item: Item, _ random: inout SplitMix) -> String {
        let sources = item.elements.compactMap { $0.value.string }
        var text = ""
        for _ in 0...random.below(3) {
            text += random.pick(["A#", "#", "TASK#$", "/", "|B|", ""])
            let isRepeated = random.chance(80) && !sources.isEmpty
            text += random.pick(isRepeated ? sources : words)
        }
        return text
    }

    private static func item(_ random: inout SplitMix) -> Item {
        let values: [AttributeValue] = [
            5, .binary([1, 2]), .null, ["a"], "2025-11-05T09:30:00.000Z",
        ]
        let sorts: [AttributeValue] = [3, .binary([9]), "TASK#é"]
        func anyValue(_ random: inout SplitMix) -> AttributeValue {
            random.chance(80) ? .string(random.pick(words)) : random.pick(values)
        }
        var item: Item = ["p": "x", "s": "y"]
        if random.chance(70) { item["p"] = .string(random.pick(words) + "P") }
        if random.chance(30) { item["s"] = random.pick(sorts) }
        for name in ["a", "b", "c"] where random.chance(85) { item[name] = anyValue(&random) }
        let sources = item
        for name in ruled where random.chance(90) {
            item[name] = .string(text(sources, &random))
            if random.chance(10) { item[name] = anyValue(&random) }
        }
        return item
    }

    @Test("Random items are read as they were written, in all ways")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("text rules: seed \(seed)")
        var random = SplitMix(seed: seed)
        var ruledCount = 0
        for turn in 0..<3000 {
            let item = Self.item(&random)
            let bytes = try encode(item)
            try expectKept(item, bytes, "seed \(seed), turn \(turn)")
            let layout = try ItemLayout(bytes.span, shapes: shapes)
            for position in 0..<layout.count {
                let start = try layout.range(bytes.span, position).start
                if TextRule.isTag(bytes[start]) { ruledCount += 1 }
            }
        }
        #expect(ruledCount > 500)
    }

    @Test("A field that is stored as a rule is read as text, and refused as a number")
    func fields() throws {
        let item: Item = ["p": "p", "s": "s", "K": "K#u9", "user": "u9"]
        let bytes = try encode(item)
        try withView(bytes, item) { view in
            let plan = FieldPlan(["K", "K"], view.bytes.layout.shape)
            let reader = FieldReader(view.bytes, plan: plan)
            let text = try reader.string(RuleField.key)
            let value = try reader.value(RuleField.key, as: String.self)
            #expect(text == "K#u9" && value == "K#u9")
            var code: CodexError.Code?
            do throws(CodexError) {
                _ = try reader.optionalInt(RuleField.user)
            } catch {
                code = error.code
            }
            #expect(code == .typeMismatch)
        }
    }

    // MARK: Damage

    @Test("A cut item is never taken for a whole one")
    func cut() throws {
        let item: Item = ["p": "p", "s": "s", "K": "K#u9", "user": "u9", "L": "L#p"]
        let bytes = try encode(item)
        #expect(try tag("K", bytes) == 0x10 && tag("L", bytes) == 0x10)
        for count in 0..<bytes.count {
            let part = Array(bytes.prefix(count))
            #expect(throws: CodexError.self) {
                try ItemLayout(part.span, shapes: shapes).item(
                    part.span, keyAttributes: keys(item))
            }
        }
        #expect(throws: CodexError(.corrupted, "")) {
            try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
        }
    }

    /// The encoding of an item whose first attribute has a rule.
    private func ruledItem(_ number: UInt32, _ tag: UInt8, _ source: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [ItemCodec.formatVersion << 4, 0, 0, 1, UInt8(number)]
        bytes += [1, 0, UInt8((1 + source.count) & 0xFF), UInt8((1 + source.count) >> 8), tag]
        return bytes + source
    }

    @Test("A rule that the shape lacks, or that does not fit the item, is damage in each read")
    func unfitRules() throws {
        let source = [ValueCodec.Tag.string.rawValue] + Array("source".utf8)
        let long = [ValueCodec.Tag.string.rawValue] + [UInt8](repeating: 97, count: 2048)
        let literal = TextRule.Piece.literal([65])
        let cases: [([TextRule.Piece], UInt8, [UInt8], Bool)] = [
            ([.attribute(1, dropping: 6)], 0x10, source, true),
            ([.attribute(1, dropping: 7)], 0x10, source, false),
            ([literal], 0x11, source, false), ([literal], 0x1F, source, false),
            ([.attribute(1, dropping: 0)], 0x10, [ValueCodec.Tag.null.rawValue], false),
            ([.attribute(1, dropping: 0)], 0x10, long, true),
            ([literal, .attribute(1, dropping: 0)], 0x10, long, false),
            ([.key("p", dropping: 0)], 0x10, source, true),
            ([.key("p", dropping: 2)], 0x10, source, false),
            ([.key("s", dropping: 0)], 0x10, source, false),
            ([.key("q", dropping: 0)], 0x10, source, false),
            ([.literal([0xC3])], 0x10, source, false),
        ]
        for (place, (pieces, tag, value, isSound)) in cases.enumerated() {
            let number = shapes.add(["K", "user"], [TextRule(position: 0, pieces: pieces)])
            let bytes = ruledItem(number, tag, value)
            try expectDamage(bytes, ["p": "p", "s": 5], isSound: isSound, "\(place)")
        }
    }

    private func expectDamage(
        _ bytes: [UInt8], _ key: Item, isSound: Bool, _ comment: Comment
    ) throws {
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        let ways: [() throws -> Void] = [
            { _ = try self.withView(bytes, key) { try $0.item() } },
            { _ = try self.withView(bytes, key) { try $0.value("K") } },
            { _ = try self.withView(bytes, key) { try $0.string("K") } },
            {
                _ = try self.withView(bytes, key) { view in
                    try view.bytes.soundItem(keeping: ["K"], reserving: nil)
                }
            },
            {
                _ = try self.withView(bytes, key) { view in
                    try view.writeTypedJSON(reserving: memory) { _ in }
                }
            },
        ]
        for way in ways {
            if isSound {
                try way()
            } else {
                #expect(throws: CodexError(.corrupted, ""), comment) { try way() }
            }
        }
    }

    @Test("Values of rules in an item with its own names are damage")
    func ownNames() {
        let bytes: [UInt8] = [0x32, 0, 0, 1, 1, 1, 75, 1, 0, 0x10]
        #expect(throws: CodexError(.corrupted, "")) {
            try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
        }
    }
}
