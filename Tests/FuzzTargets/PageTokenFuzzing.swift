internal import CodexCore
internal import CodexIndex

extension FuzzTarget {
    /// Page tokens: any text is refused or has one spelling, and no other query takes it.
    static let pageTokens = FuzzTarget(
        "page-tokens", seeds: PageTokenFuzzing.seeds, check: PageTokenFuzzing.check)
}

private enum PageTokenFuzzing {
    private static var codec: PageTokenCodec { makeCodec(of: "t") }
    private static var other: PageTokenCodec { makeCodec(of: "u") }

    private static func makeCodec(of table: String) -> PageTokenCodec {
        PageTokenCodec(
            storeID: [1, 2, 3], source: Array(table.utf8), range: KeyRange(prefix: [7]),
            direction: .forward, filter: .attributeExists("a"))
    }

    static func seeds() -> [[UInt8]] {
        [[7], [7, 0, 255], Array("TASK#1".utf8)].flatMap { key in
            [[0] + Array(codec.token(after: key).description.utf8), [1] + key]
        }
    }

    static func check(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch kind & 3 {
        case 0: checkText(String(decoding: rest, as: UTF8.self))
        case 1: checkKey(rest)
        default: checkBody(rest)
        }
    }

    private static func checkText(_ text: String) {
        guard let key = try? codec.key(in: PageToken(text)) else { return }
        require(codec.token(after: key).description == text, "a token has one spelling")
    }

    private static func checkKey(_ key: [UInt8]) {
        // No stored key is empty.
        guard !key.isEmpty else { return }
        let token = codec.token(after: key)
        require((try? codec.key(in: token)) == key, "a token has its key")
        require((try? other.key(in: token)) == nil, "another query refuses the token")
        let text = Base64.encodeURL(key)
        require(Base64.decodeURL(text) == key, "bytes are read back from their text")
    }

    /// Takes the bytes of a token as they are, with the right checksum.
    private static func checkBody(_ body: [UInt8]) {
        let sum = Compression.checksum(body)
        let checksum = stride(from: 24, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: sum >> $0)
        }
        checkText(Base64.encodeURL(body + checksum))
    }
}
