internal import FoundationEssentials

/// Base64 as in RFC 4648.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "" }
        return unsafe String(unsafeUninitializedCapacity: encodedByteCount(bytes.count)) {
            // The capacity is not zero.
            unsafe write(bytes.span, to: $0.baseAddress.unsafelyUnwrapped)
        }
    }

    /// The number of base64 bytes, padding included, that encode `byteCount` bytes.
    static func encodedByteCount(_ byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

    /// Writes bytes as base64, with padding.
    ///
    /// - Parameters:
    ///   - bytes: The bytes.
    ///   - base: The destination, with room for ``encodedByteCount(_:)`` bytes.
    /// - Returns: The number of bytes that were written.
    static func write(_ bytes: Span<UInt8>, to base: UnsafeMutablePointer<UInt8>) -> Int {
        var (position, byteCount) = (0, 0)
        while position + 3 <= bytes.count {
            let group =
                UInt32(bytes[position]) << 16 | UInt32(bytes[position + 1]) << 8
                | UInt32(bytes[position + 2])
            unsafe writeDigits(group, count: 4, to: base + byteCount)
            position += 3
            byteCount += 4
        }
        guard position < bytes.count else { return byteCount }
        var group = UInt32(bytes[position]) << 16
        if position + 1 < bytes.count { group |= UInt32(bytes[position + 1]) << 8 }
        let digitCount = bytes.count - position + 1
        unsafe writeDigits(group, count: digitCount, to: base + byteCount)
        for place in digitCount..<4 { unsafe base[byteCount + place] = UInt8(ascii: "=") }
        return byteCount + 4
    }

    /// Writes the first digits of 24 bits.
    @inline(__always)
    private static func writeDigits(
        _ group: UInt32, count: Int, to base: UnsafeMutablePointer<UInt8>
    ) {
        let alphabet: StaticString =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for place in 0..<count {
            let digit = Int(group >> (18 - 6 * UInt32(place))) & 0x3F
            unsafe base[place] = alphabet.utf8Start[digit]
        }
    }

    package static func decode(_ text: String) throws(CodexError) -> [UInt8] {
        guard let data = Data(base64Encoded: text) else {
            throw CodexError(.invalidJSON, "A binary value is not base64.")
        }
        return Array(data)
    }

    /// Encodes bytes in the URL-safe alphabet, without padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String {
        var text = Array(encode(bytes).utf8)
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        for position in text.indices {
            switch text[position] {
            case UInt8(ascii: "+"): text[position] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): text[position] = UInt8(ascii: "_")
            default: continue
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes the form that ``encodeURL(_:)`` writes; `nil` for any other text.
    package static func decodeURL(_ text: String) -> [UInt8]? {
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") }) else {
            return nil
        }
        let standard = String(
            decoding: text.utf8.map { digit in
                switch digit {
                case UInt8(ascii: "-"): UInt8(ascii: "+")
                case UInt8(ascii: "_"): UInt8(ascii: "/")
                default: digit
                }
            }, as: UTF8.self)
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard let bytes = Data(base64Encoded: standard + padding).map(Array.init) else {
            return nil
        }
        // The last digit may have unused bits; only zeros there are canonical.
        return encodeURL(bytes) == text ? bytes : nil
    }
}
