// The spelling of numbers in JSON, without a string for each.

extension Number {
    /// The room that ``write(to:)`` needs: sign, `0.`, 129 zeros, 38 digits, and what it moves.
    static let textByteCountMax = 192

    /// Writes the canonical spelling, as ``description`` has it.
    ///
    /// - Parameter base: Where to; ``textByteCountMax`` bytes.
    /// - Returns: How many bytes it has, and the number's size as DynamoDB counts it.
    func write(to base: UnsafeMutablePointer<UInt8>) -> (byteCount: Int, size: Int) {
        if let integer = int64 { return unsafe Self.write(integer, to: base) }
        let signCount = isNegative ? 1 : 0
        unsafe base.pointee = UInt8(ascii: "-")
        let start = unsafe base + signCount
        let (upper, lower) = magnitude.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
        var digitCount = 0
        if upper > 0 { digitCount = unsafe Self.writeDigits(UInt64(upper), atLeast: 1, to: start) }
        digitCount += unsafe Self.writeDigits(
            UInt64(lower), atLeast: upper > 0 ? 19 : 1, to: start + digitCount)
        let byteCount = unsafe Self.place(digitCount, at: start, power: Int(exponent))
        // The coefficient of a number that is no 64-bit integer has no zero at its end.
        return (signCount + byteCount, (digitCount + 1) / 2 + 1 + signCount)
    }

    /// Brings digits to their place: with zeros after or before them, or a point.
    ///
    /// - Returns: How many bytes there are then.
    private static func place(
        _ digitCount: Int, at start: UnsafeMutablePointer<UInt8>, power: Int
    ) -> Int {
        if power >= 0 {
            unsafe (start + digitCount).update(repeating: UInt8(ascii: "0"), count: power)
            return digitCount + power
        }
        let point = digitCount + power
        if point > 0 {
            unsafe UnsafeMutableRawPointer(start + point + 1).copyMemory(
                from: start + point, byteCount: -power)
            unsafe start[point] = UInt8(ascii: ".")
            return digitCount + 1
        }
        unsafe UnsafeMutableRawPointer(start + 2 - point).copyMemory(
            from: start, byteCount: digitCount)
        unsafe start.update(repeating: UInt8(ascii: "0"), count: 2 - point)
        unsafe start[1] = UInt8(ascii: ".")
        return digitCount + 2 - point
    }

    /// Writes an integer, as ``write(to:)`` does.
    @inline(__always)
    static func write(
        _ value: Int64, to base: UnsafeMutablePointer<UInt8>
    ) -> (byteCount: Int, size: Int) {
        let signCount = value < 0 ? 1 : 0
        unsafe base.pointee = UInt8(ascii: "-")
        let start = unsafe base + signCount
        let digitCount = unsafe writeDigits(value.magnitude, atLeast: 1, to: start)
        guard value != 0 else { return (1, 1) }
        var significantCount = digitCount
        while unsafe start[significantCount - 1] == UInt8(ascii: "0") { significantCount -= 1 }
        return (signCount + digitCount, (significantCount + 1) / 2 + 1 + signCount)
    }

    /// Writes decimal digits, with zeros before them if there are fewer.
    ///
    /// They are made from the last to the first, two by two, where they end if there are 20, and
    /// moved to their place.
    ///
    /// - Returns: How many there are.
    @inline(__always)
    private static func writeDigits(
        _ value: UInt64, atLeast least: Int, to base: UnsafeMutablePointer<UInt8>
    ) -> Int {
        // 2^64 has 20 digits.
        var (rest, place) = (value, 20)
        while rest >= 100 {
            let pair = Int(rest % 100)
            rest /= 100
            place -= 2
            unsafe base[place] = pairs.utf8Start[2 * pair]
            unsafe base[place + 1] = pairs.utf8Start[2 * pair + 1]
        }
        if rest >= 10 {
            place -= 1
            unsafe base[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        place -= 1
        unsafe base[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)
        while 20 - place < least {
            place -= 1
            unsafe base[place] = UInt8(ascii: "0")
        }
        if place > 0 {
            unsafe UnsafeMutableRawPointer(base).copyMemory(
                from: base + place, byteCount: 20 - place)
        }
        return 20 - place
    }

    /// The digits of 0 to 99, two each.
    private static var pairs: StaticString {
        """
        00010203040506070809101112131415161718192021222324\
        25262728293031323334353637383940414243444546474849\
        50515253545556575859606162636465666768697071727374\
        75767778798081828384858687888990919293949596979899
        """
    }
}
