import TestSupport
import Testing

@testable import CodexCore

/// Shapes in memory: what a store keeps in its database.
final class MemoryShapes: ShapeSource, ShapeInterner {
    private var lists: [[String]] = []

    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        guard Int(id) < lists.count else { throw Wire.corrupted("no such shape") }
        // Kept alive here, as a store's cache does.
        while shapes.count <= Int(id) {
            shapes.append(Shape(id: UInt32(shapes.count), names: lists[shapes.count]))
        }
        return shapes[Int(id)]
    }
    private var shapes: [Shape] = []
    var ownNames = false

    func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        if ownNames { return nil }
        if let index = lists.firstIndex(where: names.match) { return UInt32(index) }
        lists.append(names.array)
        return UInt32(lists.count - 1)
    }
}

@Suite("Item codec")
struct CodecTests {
    @Test("An attribute of two keys is left out, and put back, once")
    func omitted() throws {
        let item: Item = ["a": 1, "b": 2, "c": 3, "d": 4]
        let bytes = try ItemCodec.encode(
            item, header: ItemHeader(entityNumber: 0, schemaVersion: 0, version: 1),
            excluding: ["c", "a", "c"], shapes: shapes)
        #expect(try decode(bytes) == ["b": 2, "d": 4])
        let whole = try ItemLayout(bytes.span, shapes: shapes).item(
            bytes.span,
            keyAttributes: [
                .init(name: "c", value: 3), .init(name: "a", value: 1), .init(name: "c", value: 3),
            ])
        #expect(whole == item)
    }

    let shapes = MemoryShapes()

    func decode(_ bytes: [UInt8]) throws -> Item {
        try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
    }

    func encode(_ item: Item) throws -> [UInt8] {
        try ItemCodec.encode(
            item, header: ItemHeader(entityNumber: 3, schemaVersion: 2, version: 300),
            excluding: [], shapes: shapes)
    }

    static func everything() throws -> Item {
        [
            "s": "text", "empty": "", "long": .string(String(repeating: "abc ", count: 2000)),
            "n": 42, "negative": -7, "big": .number(try Number(parsing: "1e125")),
            "small": .number(try Number(parsing: "-1.23456789012345678901234567890123456e-95")),
            "min": .number(Number(Int64.min)), "b": .binary([0, 1, 255]), "t": true, "f": false,
            "null": .null, "l": ["a", 1, [true, .null], ["x": .binary([])]],
            "m": ["é": 1, "e\u{301}": 2, "nested": ["deep": ["er": "x"]]],
            "ss": .stringSet(["b", "a"]), "ns": .numberSet([3, 1]),
            "bs": .binarySet([[2], [1, 1]]),
        ]
    }

    @Test("Every type round-trips, with interned and with own names")
    func roundTrip() throws {
        for ownNames in [false, true] {
            shapes.ownNames = ownNames
            let item = try Self.everything()
            let bytes = try encode(item)
            #expect(try decode(bytes) == item)
            let layout = try ItemLayout(bytes.span, shapes: shapes)
            #expect(layout.header == ItemHeader(entityNumber: 3, schemaVersion: 2, version: 300))
        }
    }

    @Test(
        "The second of expiry stands in the header, if there is one",
        arguments: [nil, 0, 1, 127, 128, 1_762_300_800, (1 << 53) - 1] as [Int?])
    func expiry(second: Int?) throws {
        let item: Item = ["a": 1, "b": "text"]
        let header = ItemHeader(
            entityNumber: 3, schemaVersion: 2, version: 300, expiresAt: second)
        let bytes = try ItemCodec.encode(item, header: header, excluding: [], shapes: shapes)
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        #expect(layout.header == header)
        #expect(try decode(bytes) == item)
        if second == nil { #expect(bytes[0] == 0x20) }
    }

    @Test("Large values are compressed, and wide items have wide offsets")
    func large() throws {
        let compressible: Item = [
            "body": .string(String(repeating: "the same again ", count: 20_000))
        ]
        #expect(try encode(compressible).count < 5_000)
        #expect(try decode(encode(compressible)) == compressible)
        var random = SystemRandomNumberGenerator()
        let noise = (0..<100_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let wide: Item = ["a": .binary(noise), "b": "after"]
        #expect(try encode(wide).count > 100_000)
        #expect(try decode(encode(wide)) == wide)
    }

    @Test("Cut, altered and random bytes give an error or an item, never a trap")
    func hostile() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        print("codec: hostile bytes with seed \(seed)")
        let sound = try encode(Self.everything())
        for count in 0..<sound.count { _ = try? decode(Array(sound.prefix(count))) }
        for _ in 0..<20_000 {
            var bytes = sound
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: .min ... .max, using: &random)
            }
            expectCodexErrorOrItem(bytes)
        }
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            let version: UInt8 = Bool.random(using: &random) ? 0x10 : 0x20
            if !bytes.isEmpty { bytes[0] = version | bytes[0] & 7 }
            expectCodexErrorOrItem(bytes)
        }
    }

    func expectCodexErrorOrItem(_ bytes: [UInt8]) {
        do {
            _ = try decode(bytes)
        } catch {
            #expect(
                (error as? CodexError)?.code == .corrupted
                    || (error as? CodexError)?.code == .unsupportedFormat)
        }
    }

    @Test("A cut item is never taken for a whole one")
    func cut() throws {
        let sound = try encode(["a": "text", "b": 5, "z": "the end"])
        for count in 0..<sound.count {
            #expect(throws: CodexError.self) { try decode(Array(sound.prefix(count))) }
        }
        #expect(throws: CodexError(.unsupportedFormat, "")) { try decode([0x30, 0, 0, 1, 0, 0]) }
    }

    @Test("A compressed value that claims to be huge is refused before memory is taken")
    func bomb() {
        var bytes: [UInt8] = [ValueCodec.Tag.compressed.rawValue]
        Wire.append(UInt64(1 << 40), to: &bytes)
        #expect(throws: CodexError(.corrupted, "")) {
            try ValueCodec.decode(bytes.span, 0, bytes.count)
        }
    }

    @Test("Nesting is refused past its limit when reading too")
    func deepNesting() {
        var bytes: [UInt8] = []
        for _ in 0..<100_000 { bytes += [ValueCodec.Tag.list.rawValue, 1] }
        var sets: [UInt8] = []
        for _ in 0..<1_000_000 { sets += [ValueCodec.Tag.numberSet.rawValue, 1] }
        #expect(throws: CodexError(.corrupted, "")) {
            try ValueCodec.decode(sets.span, 0, sets.count)
        }
        #expect(throws: CodexError(.corrupted, "")) {
            try ValueCodec.decode(bytes.span, 0, bytes.count)
        }
    }
}
