/// Base64 as in RFC 4648.
package enum Base64 {
    /// The digits of the values 0 to 63.
    private static var alphabet: StaticString {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    }

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
        let alphabet = Self.alphabet
        for place in 0..<count {
            let digit = Int(group >> (18 - 6 * UInt32(place))) & 0x3F
            unsafe base[place] = alphabet.utf8Start[digit]
        }
    }

    /// Decodes base64 with its padding.
    ///
    /// - Throws: ``CodexError/Code/invalidJSON`` for any other text, also if the last digit has
    ///   unused bits that are not zero.
    package static func decode(_ text: String) throws(CodexError) -> [UInt8] {
        guard let bytes = decoded(text) else {
            throw CodexError(.invalidJSON, "A binary value is not base64.")
        }
        return bytes
    }

    /// Decodes base64 with its padding; `nil` for any other text.
    ///
    /// Unused bits of the last digit must be zero, so each value has one text. DynamoDB refuses
    /// other bits, too.
    private static func decoded(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { digits in unsafe decoded(digits) }
    }

    private static func decoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        if text.count == 0 { return [] }
        guard text.count % 4 == 0 else { return nil }
        let padding = UInt8(ascii: "=")
        var paddingCount = 0
        while paddingCount < 2, unsafe text[text.count - 1 - paddingCount] == padding {
            paddingCount += 1
        }
        let digitCount = text.count - paddingCount
        let values = digitValues
        // The highest bit is set by a byte that is no digit.
        var seen: UInt8 = 0
        var lastGroup: UInt32 = 0
        let byteCount = text.count / 4 * 3 - paddingCount
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, written in
            unsafe values.withUnsafeBufferPointer { values in
                var place = 0
                while place < digitCount {
                    let first = unsafe values[Int(text[place])]
                    let second = unsafe values[Int(text[place + 1])]
                    let third = unsafe place + 2 < digitCount ? values[Int(text[place + 2])] : 0
                    let fourth = unsafe place + 3 < digitCount ? values[Int(text[place + 3])] : 0
                    seen |= first | second | third | fourth
                    let upper = UInt32(first) << 18 | UInt32(second) << 12
                    let group = upper | UInt32(third) << 6 | UInt32(fourth)
                    lastGroup = group
                    unsafe buffer[written] = UInt8(truncatingIfNeeded: group >> 16)
                    written += 1
                    if place + 2 < digitCount {
                        unsafe buffer[written] = UInt8(truncatingIfNeeded: group >> 8)
                        written += 1
                    }
                    if place + 3 < digitCount {
                        unsafe buffer[written] = UInt8(truncatingIfNeeded: group)
                        written += 1
                    }
                    place += 4
                }
            }
        }
        let unusedBits: UInt32 = paddingCount == 0 ? 0 : paddingCount == 1 ? 0xFF : 0xFFFF
        return seen & noDigit == 0 && lastGroup & unusedBits == 0 ? bytes : nil
    }

    /// What ``digitValues`` has for a byte that is no digit.
    private static let noDigit: UInt8 = 0x80

    /// The values of the digits, by their bytes.
    private static let digitValues: [UInt8] = {
        var values = [UInt8](repeating: noDigit, count: 256)
        for value in 0..<64 {
            let digit = unsafe alphabet.utf8Start[value]
            values[Int(digit)] = UInt8(value)
        }
        return values
    }()

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
        let isForeign = text.utf8.contains { digit in
            digit == UInt8(ascii: "+") || digit == UInt8(ascii: "/") || digit == UInt8(ascii: "=")
        }
        guard !isForeign else { return nil }
        let standard = String(
            decoding: text.utf8.map { digit in
                switch digit {
                case UInt8(ascii: "-"): UInt8(ascii: "+")
                case UInt8(ascii: "_"): UInt8(ascii: "/")
                default: digit
                }
            }, as: UTF8.self)
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return decoded(standard + padding)
    }
}
