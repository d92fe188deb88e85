import Testing

@testable import CodexCore

/// The values of index entries that refer to their items.
@Suite("References of index entries")
struct ReferenceEntryTests {
    /// Has the attributes of a key, and needs no bytes for them.
    private final class Keys: KeyAttributeDecoder {
        func keyAttributes(_ key: Span<UInt8>) throws(CodexError) -> [AttributeMap.Element] {
            [.init(name: "p", value: "partition"), .init(name: "g", value: "group")]
        }
    }

    private let shapes = MemoryShapes()

    private func isDamaged(_ bytes: [UInt8]) -> Bool {
        do throws(CodexError) {
            _ = try ReferenceEntry(bytes.span)
            return false
        } catch {
            return error.code == .corrupted
        }
    }

    @Test(
        "A reference has the number of the entity, and whether the item expires",
        arguments: [
            (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x80, 1]), (16_383, [0xFF, 0x7F]),
            (16_384, [0x80, 0x80, 1]),
            ((1 << 53) - 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        ] as [(Int, [UInt8])])
    func encoding(number: Int, encoded: [UInt8]) throws {
        for second in [nil, 0, 1_762_300_800] as [Int?] {
            let header = ItemHeader(
                entityNumber: number, schemaVersion: 7, version: 9, expiresAt: second)
            let reference = ReferenceEntry(header)
            let bytes = reference.bytes
            #expect(bytes == [second == nil ? 0xE0 : 0xE4] + encoded)
            let read = try ReferenceEntry(bytes.span)
            #expect(read == reference)
            #expect(read.entityNumber == number && read.expires == (second != nil))
            // In the place of an item it is damage, and not an item of a later release.
            #expect(throws: CodexError(.corrupted, "")) {
                try ItemLayout(bytes.span, shapes: shapes)
            }
        }
    }

    @Test("An item without attributes is one too; its second of expiry is not used")
    func itemForm() throws {
        for ownNames in [false, true] {
            shapes.ownNames = ownNames
            for second in [nil, 5] as [Int?] {
                let header = ItemHeader(
                    entityNumber: 300, schemaVersion: 2, version: 0, expiresAt: second)
                var bytes = try ItemCodec.encode(
                    [:], header: header, excluding: [], shapes: shapes)
                for format in [ItemCodec.formatVersion, ItemCodec.untaggedVersion] {
                    bytes[0] = format << 4 | bytes[0] & 0x0F
                    #expect(try ReferenceEntry(bytes.span) == ReferenceEntry(header))
                    for count in 0..<bytes.count {
                        #expect(isDamaged(Array(bytes.prefix(count))), "\(count) bytes")
                    }
                    #expect(isDamaged(bytes + [0]))
                }
                let item = try ItemCodec.encode(
                    ["a": "text"], header: header, excluding: [], shapes: shapes)
                #expect(isDamaged(item))
            }
        }
    }

    @Test(
        "Other bytes are refused",
        arguments: [
            [], [0xE0], [0xE4], [0xE0, 0x80], [0xE0, 1, 0], [0xE1, 1], [0xE2, 1], [0xE8, 1],
            [0xE5, 1], [0xEF, 1], [0xD0, 1], [0xF0, 1], [0, 0], [0x30, 1, 1, 0, 0],
            [0xE0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
            [0xF0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9],
        ] as [[UInt8]])
    func refused(bytes: [UInt8]) {
        #expect(isDamaged(bytes))
        let isReference = bytes.first.map(ReferenceEntry.isReference) ?? false
        #expect(isReference == (bytes.first.map { (0xE0...0xEF).contains($0) } ?? false))
    }

    @Test("A view of a reference has the attributes of the key alone")
    func view() throws {
        let reference = ReferenceEntry(ItemHeader(entityNumber: 300, expiresAt: 5))
        let (value, key, keys) = (reference.bytes, [1] as [UInt8], Keys())
        let expected: Item = ["g": "group", "p": "partition"]
        try value.withUnsafeBufferPointer { value in
            try key.withUnsafeBufferPointer { key in
                let bytes = ItemBytes(reference, value: value, key: key, keys: keys)
                #expect(bytes.layout.header == ItemHeader(entityNumber: 300, version: 0))
                #expect(bytes.layout.count == 0 && bytes.layout.shape.names == [])
                #expect(try bytes.item() == expected)
                #expect(try bytes.item(keeping: ["g", "a"]) == expected)
                let sound = try bytes.soundItem(keeping: ["p", "a"], reserving: nil)
                #expect(sound.item == expected && sound.byteCount == expected.byteCount)
                var last = LastItem()
                last.set(ItemView(bytes))
                #expect(try last.item(keeping: ["p"]) == expected)
            }
        }
        withExtendedLifetime(keys) {}
    }
}
