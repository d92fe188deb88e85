import Testing

@testable import CodexCore

/// The gzip files of archives: whole, damaged, cut off, and followed by other data.
@Suite("Gzip files")
struct GzipFileTests {
    private static let fileLimit = 1 << 24

    private static func member(_ text: String) throws -> [UInt8] {
        try Compression.gzip(Array(text.utf8))
    }

    /// What a file unpacks to; `nil` if it is refused as damaged.
    private static func unpacked(
        _ file: [UInt8], limit: Int = GzipFileTests.fileLimit
    ) throws -> String? {
        do throws(CodexError) {
            return String(decoding: try Compression.gunzip(file, limit: limit), as: UTF8.self)
        } catch {
            #expect(error.code == .corrupted)
            return nil
        }
    }

    @Test("A file has one member or more, and zeros after each of them")
    func sound() throws {
        let (one, empty, two) = (
            try Self.member("one"), try Self.member(""), try Self.member("two")
        )
        let zeros = [UInt8](repeating: 0, count: 600)
        let cases: [(parts: [[UInt8]], text: String)] = [
            ([one], "one"), ([empty], ""), ([one, two], "onetwo"), ([empty, one, empty], "one"),
            ([one, zeros], "one"), ([one, zeros, two, zeros], "onetwo"), ([one, [0]], "one"),
        ]
        for (parts, text) in cases {
            #expect(try Self.unpacked(Array(parts.joined())) == text)
        }
    }

    @Test("What follows a member and is none is damage, as is a member that is cut off")
    func damaged() throws {
        let (one, two) = (try Self.member("one"), try Self.member("two"))
        var renamed = two
        renamed[0] ^= 0x01
        let others: [[UInt8]] = [
            [0x78], Array("two".utf8), [0, 0, 1], [0x1F], [0x1F, 0], renamed,
        ]
        for rest in others {
            #expect(try Self.unpacked(one + rest) == nil, "\(rest)")
        }
        for count in 0..<one.count { #expect(try Self.unpacked(Array(one[..<count])) == nil) }
        for count in 1..<two.count { #expect(try Self.unpacked(one + two[..<count]) == nil) }
        // The checksum and the length are the last eight bytes. Before them, zlib ignores the high
        // bits of one byte.
        for place in [2] + Array(10..<two.count) {
            var flipped = two
            flipped[place] ^= 0x01
            #expect(try Self.unpacked(flipped) == nil, "byte \(place)")
            #expect(try Self.unpacked(one + flipped) == nil, "byte \(place)")
        }
    }

    @Test("All members together have the limit", arguments: -1...1)
    func limits(difference: Int) throws {
        let text = String(repeating: "a", count: 3 << 20)
        let file = try Self.member(text) + Self.member("bc")
        let limit = (3 << 20) + 2 + difference
        #expect(try Self.unpacked(file, limit: limit) == (difference < 0 ? nil : text + "bc"))
    }
}
