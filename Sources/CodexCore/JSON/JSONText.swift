/// The escapes of text in JSON, for all JSON writers.
enum JSONText {
    /// Most bytes that one byte of text needs: `\u0000`.
    static let escapedByteCountMax = 6

    /// Writes text with its escapes, without quotes.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - base: The destination, with room for ``escapedByteCountMax`` bytes per byte of the text.
    /// - Returns: The number of bytes that were written, and whether the whole text is ASCII.
    static func write(
        _ text: UnsafeRawBufferPointer, to base: UnsafeMutablePointer<UInt8>
    ) -> (byteCount: Int, isASCII: Bool) {
        var (position, byteCount) = (0, 0)
        var bits: UInt64 = 0
        while position + 8 <= text.count {
            let word = unsafe text.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            bits |= word
            if hasEscape(word) {
                for offset in position..<(position + 8) {
                    byteCount += unsafe write(text[offset], to: base + byteCount)
                }
            } else {
                unsafe UnsafeMutableRawPointer(base + byteCount).storeBytes(
                    of: word, as: UInt64.self)
                byteCount += 8
            }
            position += 8
        }
        while position < text.count {
            let byte = unsafe text[position]
            bits |= UInt64(byte)
            byteCount += unsafe write(byte, to: base + byteCount)
            position += 1
        }
        return (byteCount, bits & 0x8080_8080_8080_8080 == 0)
    }

    /// Whether a byte of text is written as an escape: a control character, a quote or a backslash.
    @inline(__always)
    static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Whether one of eight bytes is written as an escape.
    ///
    /// The methods are "Determine if a word has a byte less than n" and "has a zero byte" of Bit
    /// Twiddling Hacks (Sean Eron Anderson).
    @inline(__always)
    private static func hasEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let controls = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let quotes = (quote &- ones) & ~quote
        let backslashes = (backslash &- ones) & ~backslash
        return (controls | quotes | backslashes) & highs != 0
    }

    /// Writes a byte of text and returns the number of bytes that were written.
    @inline(__always)
    private static func write(_ byte: UInt8, to base: UnsafeMutablePointer<UInt8>) -> Int {
        guard isEscaped(byte) else {
            unsafe base[0] = byte
            return 1
        }
        unsafe base[0] = UInt8(ascii: "\\")
        switch byte {
        case 0x0A: unsafe base[1] = UInt8(ascii: "n")
        case 0x0D: unsafe base[1] = UInt8(ascii: "r")
        case 0x09: unsafe base[1] = UInt8(ascii: "t")
        case 0..<0x20:
            unsafe base[1] = UInt8(ascii: "u")
            unsafe base[2] = UInt8(ascii: "0")
            unsafe base[3] = UInt8(ascii: "0")
            unsafe base[4] = UInt8(ascii: "0") + (byte >> 4)
            let digit = byte & 0xF
            unsafe base[5] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            return 6
        default: unsafe base[1] = byte
        }
        return 2
    }
}
