import Testing

@testable import CodexCore

@Suite("Headers of encoded items")
struct ItemHeaderTests {
    /// Lets each item carry its names.
    private final class OwnNames: ShapeInterner {
        func intern(_ names: StoredNames) throws(CodexError) -> UInt32? { nil }
    }

    /// The bytes of a number of the header.
    private func byteCount(_ number: Int) -> Int {
        max(1, (Int.bitWidth - number.leadingZeroBitCount + 6) / 7)
    }

    @Test(
        "The beginning of an item is enough for its header",
        arguments: [
            ItemHeader(), ItemHeader(expiresAt: 0), ItemHeader(expiresAt: 1 << 40),
            ItemHeader(
                entityNumber: 300, schemaVersion: 1 << 20, version: 1 << 52, expiresAt: 127),
        ])
    func beginning(header: ItemHeader) throws {
        let bytes = try ItemCodec.encode(
            ["attribute": "text"], header: header, excluding: [], shapes: OwnNames())
        let numbers = [header.entityNumber, header.schemaVersion, header.version]
        let all = numbers + (header.expiresAt.map { [$0] } ?? [])
        let least = max(5, all.reduce(1) { $0 + byteCount($1) })
        for count in 0...bytes.count {
            let part = Array(bytes.prefix(count))
            let found = ItemHeader(beginningOf: part.span)
            #expect(found == (count < least ? nil : header), "\(count) bytes")
        }
    }

    @Test("Bytes of another format, and numbers out of range, are none")
    func none() throws {
        let bytes = try ItemCodec.encode(
            ["a": "text"], header: ItemHeader(), excluding: [], shapes: OwnNames())
        for format in 0..<16 {
            var other = bytes
            other[0] = UInt8(format) << 4 | bytes[0] & 0x0F
            let found = ItemHeader(beginningOf: other.span)
            let isKnown = [ItemCodec.formatVersion, ItemCodec.untaggedVersion].contains(
                UInt8(format))
            #expect((found != nil) == isKnown, "format \(format)")
        }
        var large: [UInt8] = [ItemCodec.formatVersion << 4]
        for value in [1 << 53, 1, 1] as [UInt64] { Wire.append(value, to: &large) }
        let found = ItemHeader(beginningOf: large.span)
        #expect(found == nil)
    }
}
