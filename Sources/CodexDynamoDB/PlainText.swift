/// Finds the end of plain text in the strings of JSON, eight bytes at a time.
enum PlainText {
    /// The first position from `start` on whose byte may be no plain text in a string.
    ///
    /// No plain text are quotes, backslashes, control characters, and bytes that are not ASCII. If
    /// fewer than eight bytes are left, it returns the first of them. So the caller looks at the
    /// byte there.
    ///
    /// - Precondition: `start` is not negative.
    static func end(in bytes: Span<UInt8>, from start: Int) -> Int {
        precondition(start >= 0, "A position is not negative")
        return unsafe bytes.withUnsafeBytes { bytes in
            var position = start
            while position + 8 <= bytes.count {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                let found = marks(UInt64(littleEndian: word))
                guard found == 0 else { return position + found.trailingZeroBitCount / 8 }
                position += 8
            }
            return position
        }
    }

    /// The highest bit of each of eight bytes that may be no plain text.
    ///
    /// The lowest mark is right. A subtraction borrows from higher bytes only at a byte that has a
    /// mark itself, so marks above the lowest one may be wrong.
    private static func marks(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = (word ^ (ones * 0x22)) &- ones
        let backslashes = (word ^ (ones * 0x5C)) &- ones
        let controls = word &- ones * 0x20
        return (word | quotes | backslashes | controls) & (ones << 7)
    }
}
