import TestSupport
import Testing

@testable import CodexCore

/// Items of a few kilobytes that decode to much more.
@Suite("Items that inflate")
struct ItemBombTests {
    private let shapes = MemoryShapes()

    init() { shapes.ownNames = true }

    private func encode(_ values: [AttributeValue]) throws -> [UInt8] {
        try ItemCodec.encode(
            Item(values.enumerated().map { ("a\(1000 + $0.offset)", $0.element) }),
            header: ItemHeader(entityNumber: 0, schemaVersion: 0, version: 1), excluding: [],
            shapes: shapes)
    }

    private func decode(_ bytes: [UInt8]) throws -> Item {
        try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
    }

    /// What a reader of single values does first.
    private func look(_ bytes: [UInt8]) throws {
        try ItemLayout(bytes.span, shapes: shapes).requireInflatable(bytes.span)
    }

    /// Text whose encoding has so many bytes.
    private func text(_ byteCount: Int) -> AttributeValue {
        .string(String(repeating: "a", count: byteCount - 1))
    }

    private func expect(_ isRefused: Bool, _ body: () throws -> Void) {
        do {
            try body()
            #expect(!isRefused)
        } catch {
            #expect(isRefused && error as? CodexError == CodexError(.corrupted, ""), "\(error)")
        }
    }

    @Test("The values of an item inflate to 4 MiB together, and no further", arguments: -1...1)
    func inflated(difference: Int) throws {
        let quarter = StoreLimits.inflatedByteCountMax / 4
        let values = [text(quarter), text(quarter), text(quarter), text(quarter + difference)]
        let bytes = try encode(values)
        #expect(bytes.count < 64 << 10)
        expect(difference > 0) { () throws in
            #expect(try decode(bytes).elements.map(\.value) == values)
        }
        expect(difference > 0) { try look(bytes) }
    }

    @Test("Twenty values of a mebibyte each are refused, though each alone is none too many")
    func many() throws {
        let bytes = try encode([AttributeValue](repeating: text(1 << 20), count: 20))
        #expect(bytes.count < DynamoDBLimits.itemByteCountMax)
        expect(true) { _ = try decode(bytes) }
        expect(true) { try look(bytes) }
    }

    @Test("The lists of an item have 819,200 members together, and not one more", arguments: -1...1)
    func members(difference: Int) throws {
        let half = StoreLimits.encodedMemberCountMax / 2
        func list(_ count: Int) -> AttributeValue { .list(Array(repeating: .null, count: count)) }
        let bytes = try encode([list(half), list(half + difference)])
        #expect(bytes.count < 64 << 10)
        expect(difference > 0) { () throws in
            #expect(try decode(bytes)["a1001"]?.list?.count == half + difference)
        }
    }

    @Test("An encoded item has 4 MiB, and not a byte more", arguments: -1...1)
    func encoded(difference: Int) throws {
        var random = SplitMix(seed: 1)
        var noise: [UInt8] = []
        while noise.count < StoreLimits.inflatedByteCountMax {
            withUnsafeBytes(of: random.next()) { noise.append(contentsOf: $0) }
        }
        let around = try encode([.binary(Array(noise.prefix(1 << 20)))]).count - (1 << 20)
        let count = StoreLimits.inflatedByteCountMax - around + difference
        let bytes = try encode([.binary(Array(noise.prefix(count)))])
        try #require(bytes.count == StoreLimits.inflatedByteCountMax + difference)
        expect(difference > 0) { _ = try decode(bytes) }
    }

    @Test("A stream inflates to as much as its reader allows", arguments: -1...1)
    func stream(difference: Int) throws {
        var bytes: [UInt8] = []
        ValueCodec.appendTopLevel(text(5000), to: &bytes)
        try #require(bytes.first == ValueCodec.Tag.compressed.rawValue)
        expect(difference < 0) {
            let inflated = try Compression.inflate(
                bytes.span.extracting(1..<bytes.count), limit: 5000 + difference)
            #expect(inflated.count == 5000)
        }
    }
}
