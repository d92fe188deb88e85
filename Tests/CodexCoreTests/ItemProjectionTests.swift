import TestSupport
import Testing

@testable import CodexCore

/// The encoding of some of an item's attributes, which a walk makes of an item that it refers to.
@Suite("Projections of encoded items")
struct ItemProjectionTests {
    private let shapes = MemoryShapes()

    private static let item: Item = [
        "a": "text", "b": .number(12), "c": .list(["x", .number(1)]),
        "d": .string(String(repeating: "compressible ", count: 500)), "e": .bool(true),
    ]

    /// The projection of an encoded item.
    private func projected(_ bytes: [UInt8], _ names: [String]) throws -> [UInt8] {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        var encoding: [UInt8] = []
        try layout.appendProjection(bytes.span, keeping: names, to: &encoding)
        return encoding
    }

    private func decoded(_ bytes: [UInt8]) throws -> (header: ItemHeader, item: Item) {
        let layout = try ItemLayout(bytes.span, shapes: shapes)
        return (layout.header, try layout.item(bytes.span))
    }

    @Test(
        "It has the named attributes, and the header without the version",
        arguments: [
            [], ["a"], ["e"], ["a", "b", "c", "d", "e"], ["0", "b", "bb", "d", "z"], ["z"],
        ] as [[String]])
    func attributes(names: [String]) throws {
        for ownNames in [false, true] {
            shapes.ownNames = ownNames
            for second in [nil, 5] as [Int?] {
                let header = ItemHeader(
                    entityNumber: 300, schemaVersion: 2, version: 9, expiresAt: second)
                var bytes = try ItemCodec.encode(
                    Self.item, header: header, excluding: [], shapes: shapes)
                for format in [ItemCodec.formatVersion, ItemCodec.untaggedVersion] {
                    bytes[0] = format << 4 | bytes[0] & 0x0F
                    let projection = try projected(bytes, names)
                    let found = try decoded(projection)
                    var expected = header
                    expected.version = 0
                    #expect(found.header == expected && projection[0] >> 4 == format)
                    #expect(found.item == Self.item.keeping { names.contains($0.name) })
                }
            }
        }
    }

    @Test(
        "The offsets are as wide as the values need",
        arguments: [65_534, 65_535, 65_536, 65_537])
    func wide(byteCount: Int) throws {
        var random = SplitMix(seed: UInt64(byteCount))
        // One byte is the value's tag.
        let data = (0..<byteCount - 1).map { _ in UInt8(random.below(256)) }
        let item: Item = ["a": .binary(data), "b": .binary(data)]
        let bytes = try ItemCodec.encode(
            item, header: ItemHeader(), excluding: [], shapes: shapes)
        let projection = try projected(bytes, ["b"])
        #expect((projection[0] & ItemCodec.wideFlag != 0) == (byteCount > 65_535))
        #expect(try decoded(projection).item == ["b": .binary(data)])
    }

    @Test("The projection of an item that is cut off is refused as damage")
    func cut() throws {
        let bytes = try ItemCodec.encode(
            Self.item, header: ItemHeader(), excluding: [], shapes: shapes)
        for count in 0..<bytes.count {
            do {
                let projection = try projected(Array(bytes.prefix(count)), ["a", "e"])
                Issue.record("\(count) bytes gave \(projection.count)")
            } catch let error as CodexError {
                #expect(error.code == .corrupted)
            }
        }
    }
}
