import TestSupport
import Testing

@testable import CodexCore

/// What tells an encrypted field's value from data that begins like one.
@Suite("Seals of values")
struct SealTests {
    /// The bytes that encrypted values begin with, and that items of format 1 told them by.
    static let mark: [UInt8] = [0x9E, 0x43, 0x44, 0x58, 1]
    static let marked = AttributeValue.binary(mark + [2, 3, 4])

    private let shapes = MemoryShapes()

    private func encode(_ item: Item) throws -> [UInt8] {
        try ItemCodec.encode(item, header: ItemHeader(), excluding: [], shapes: shapes)
    }

    private func decode(_ bytes: [UInt8]) throws -> Item {
        try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
    }

    private func hasUndecided(_ bytes: [UInt8]) throws -> Bool {
        try ItemLayout(bytes.span, shapes: shapes).hasUndecided(bytes.span)
    }

    /// The item as format 1 has it: the same bytes but for the version, and without tags of seals.
    private func untagged(_ item: Item) throws -> [UInt8] {
        var bytes = try encode(Item(item.map { ($0.name, $0.value) }))
        bytes[0] = ItemCodec.untaggedVersion << 4 | bytes[0] & 0x0F
        return bytes
    }

    @Test(
        "A seal stands in the value's tag, and not in its bytes",
        arguments: [ValueSeal.plain, .sealed, .undecided])
    func roundTrip(seal: ValueSeal) throws {
        for value in [Self.marked, .binary([]), .binary(Array(repeating: 7, count: 5000))] {
            var item: Item = ["a": "text", "z": 1]
            item.set(.init(name: "m", value: value, seal: seal))
            let bytes = try encode(item)
            #expect(bytes[0] >> 4 == 2)
            let decoded = try decode(bytes)
            // Seals are not seen: the items are equal to those who do not know of them.
            #expect(decoded == ["a": "text", "m": value, "z": 1])
            #expect(decoded.elements.map(\.seal) == [.plain, seal, .plain])
            #expect(try hasUndecided(bytes) == (seal == .undecided))
        }
    }

    @Test("Format 1 tells by the mark: such values are undecided, and all others plain")
    func format1() throws {
        let zeros = [UInt8](repeating: 0, count: 2000)
        let undecided: [AttributeValue] = [
            Self.marked, .binary(Self.mark + [0]), .binary(Self.mark + zeros),
        ]
        let plain: [AttributeValue] = [
            .binary(Self.mark), .binary([]), .binary([0x9E, 0x43, 0x44, 0x58, 2, 3, 4]),
            .binary([0] + Self.mark), .binary(zeros), .list([Self.marked]),
            .map(["m": Self.marked]), .binarySet([Self.mark + [0]]), "text",
        ]
        for value in undecided + plain {
            let isUndecided = undecided.contains(value)
            let bytes = try untagged(["a": 1, "m": value])
            let decoded = try decode(bytes)
            #expect(decoded == ["a": 1, "m": value])
            #expect(
                decoded.elements.map(\.seal) == [.plain, isUndecided ? .undecided : .plain])
            #expect(try hasUndecided(bytes) == isUndecided)
            // Written again, they stay what they are.
            #expect(try decode(try encode(decoded)).hasUndecided == isUndecided)
        }
    }

    @Test("A value that is set is plain")
    func set() {
        var item: Item = [:]
        item.set(.init(name: "a", value: Self.marked, seal: .sealed))
        item.set(.init(name: "b", value: Self.marked, seal: .sealed))
        #expect(item.sealedName == "a")
        item["a"] = item["b"]
        #expect(item.sealedName == "b")
        var element = item.elements[1]
        element.value = Self.marked
        #expect(element.seal == .plain)
        item["b"] = nil
        #expect(!item.hasSeals)
        #expect(Item([("a", Self.marked)]).hashValue == item.hashValue)
    }

    @Test("What an upgrade moves keeps its seal")
    func adopted() {
        var old: Item = ["x": 1]
        old.set(.init(name: "old", value: Self.marked, seal: .sealed))
        var new: Item = ["new": Self.marked, "x": 1, "y": .binary([1])]
        new.adoptSeals(of: old)
        #expect(new.elements.map(\.seal) == [.sealed, .plain, .plain])
    }

    @Test("Of an item from JSON, values with the form of encrypted ones are left to the store")
    func recognized() throws {
        let bound = AttributeValue.binary([0x9E, 0x43, 0x44, 0x58, 2, 9, 9])
        let item: Item = ["a": Self.marked, "b": bound, "c": .binary([1]), "d": "text"]
        let text = DynamoDBJSON.text(item.recognizingSealedValues())
        let parsed = try DynamoDBJSON.item(parsing: Array(text.utf8))
        #expect(!parsed.hasSeals)
        let recognized = parsed.recognizingSealedValues()
        #expect(recognized == item)
        #expect(
            recognized.elements.map(\.seal) == [.undecided, .undecided, .plain, .plain])
        #expect(recognized.recognizingSealedValues { $0 == "a" }.undecidedCount == 2)
        #expect(parsed.recognizingSealedValues { $0 == "a" }.undecidedCount == 1)
    }

    @Test("A value that was cut behind its wrapped key has the form, where that is asked for")
    func cut() {
        let whole = SealedValue(
            keyID: "k", wrappedKey: [1, 2], isBound: false, box: [UInt8](repeating: 7, count: 28))
        let bytes = whole.header + whole.box
        #expect(SealedValue(.binary(bytes)) == whole)
        for count in 0..<bytes.count {
            let cut = AttributeValue.binary(Array(bytes.prefix(count)))
            #expect(SealedValue(cut) == nil, "\(count)")
            let hasForm = SealedValue(cut, mayBeCut: true) != nil
            #expect(hasForm == (count >= whole.header.count), "\(count)")
        }
    }

    @Test("The names of values with the form of encrypted ones are told, whatever their seals")
    func forms() {
        let whole = SealedValue(
            keyID: "k", wrappedKey: [1], isBound: true, box: [UInt8](repeating: 7, count: 28))
        let item: Item = [
            "a": whole.attributeValue, "b": Self.marked, "c": "text",
            "d": .list([whole.attributeValue]),
        ]
        #expect(item.sealedFormNames == ["a"])
        #expect(item.recognizingSealedValues().sealedFormNames == ["a"])
        #expect(Item().sealedFormNames == [])
    }

    // MARK: Reading

    private struct Note: Codable, Entity, Equatable {
        static let definition = EntityDefinition("note", table: "t", keys: ["p": "N#{id}"])
        var id: String
        var data: [UInt8]?
        var text: String?

        init(id: String, data: [UInt8]?, text: String? = nil) {
            (self.id, self.data, self.text) = (id, data, text)
        }

        // `Codable` has arrays as lists: this one is a binary.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try container.decode(String.self, forKey: .id)
            text = try container.decodeIfPresent(String.self, forKey: .text)
            data = nil
        }

        init(reading reader: borrowing FieldReader) throws(CodexError) {
            let (item, _) = try reader.openedItem()
            id = item["id"]?.string ?? ""
            text = item["text"]?.string
            if case .binary(let bytes)? = item["data"] { data = bytes }
        }
    }

    @Test("Types read plain values that begin with the mark, and hide those that were not opened")
    func hidden() throws {
        guard case .binary(let bytes) = Self.marked else { return }
        var item: Item = ["id": "1", "data": Self.marked, "text": "x"]
        #expect(try Note(item: item) == Note(id: "1", data: bytes, text: "x"))
        for seal in [ValueSeal.sealed, .undecided] {
            item.set(.init(name: "data", value: Self.marked, seal: seal))
            #expect(try Note(item: item) == Note(id: "1", data: nil, text: "x"))
            let unknown = try Note.unknownAttributes(of: item)
            #expect(unknown.element(named: "data")?.seal == seal)
        }
    }

    // MARK: Hostile bytes

    @Test("Tags of seals where none may be, and changed bytes, give an error or an item")
    func hostile() throws {
        for tag in [ValueCodec.Tag.sealed, .undecided] {
            for bytes in [
                [ValueCodec.Tag.list.rawValue, 1, tag.rawValue, 0],
                [ValueCodec.Tag.map.rawValue, 1, 1, 0x61, tag.rawValue, 0],
            ] {
                #expect(throws: CodexError(.corrupted, "")) {
                    try ValueCodec.decode(bytes.span, 0, bytes.count)
                }
            }
        }
        var packed = [ValueCodec.Tag.sealed.rawValue] + [UInt8](repeating: 0, count: 2000)
        Compression.compressTail(of: &packed, from: 0)
        #expect(packed[0] == ValueCodec.Tag.compressed.rawValue)
        #expect(throws: CodexError(.corrupted, "")) {
            try ValueCodec.decode(packed.span, 0, packed.count)
        }

        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        print("seals: hostile bytes with seed \(seed)")
        var item: Item = ["a": "text", "l": [1, ["x": Self.marked]]]
        item.set(.init(name: "s", value: Self.marked, seal: .sealed))
        item.set(.init(name: "u", value: Self.marked, seal: .undecided))
        let sound = [try encode(item), try untagged(item)]
        for _ in 0..<20_000 {
            var bytes = sound[Int.random(in: 0...1, using: &random)]
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: .min ... .max, using: &random)
            }
            do {
                _ = try hasUndecided(bytes)
                _ = try decode(bytes)
            } catch {
                let code = (error as? CodexError)?.code
                #expect(code == .corrupted || code == .unsupportedFormat)
            }
        }
    }
}
