// The spelling of numbers in JSON, without a string for each.

extension Number {
    /// The room that ``write(to:)`` needs: for sign, `0.`, 129 zeros and 38 digits, and some more.
    static let textByteCountMax = 192

    /// Writes the canonical spelling, as ``description`` has it.
    ///
    /// - Parameter base: Where to; ``textByteCountMax`` bytes.
    /// - Returns: How many bytes it has, and the number's size as DynamoDB counts it.
    func write(to base: UnsafeMutablePointer<UInt8>) -> (byteCount: Int, size: Int) {
        if let integer = int64 { return unsafe Self.write(integer, to: base) }
        let signCount = isNegative ? 1 : 0
        unsafe base.pointee = UInt8(ascii: "-")
        let digitCount = Number.digitCount(magnitude)
        let byteCount = unsafe place(digitCount, at: base + signCount)
        // The coefficient of a number that is no 64-bit integer has no zero at its end.
        return (signCount + byteCount, (digitCount + 1) / 2 + 1 + signCount)
    }

    /// Writes the coefficient's digits in their place: with zeros after or before them, or a point.
    ///
    /// - Returns: How many bytes there are then.
    private func place(_ digitCount: Int, at start: UnsafeMutablePointer<UInt8>) -> Int {
        let power = Int(exponent)
        let point = digitCount + power
        if power >= 0 {
            unsafe writeDigits(digitCount, to: start)
            unsafe (start + digitCount).update(repeating: UInt8(ascii: "0"), count: power)
            return point
        }
        if point > 0 {
            unsafe writeDigits(digitCount, to: start)
            unsafe UnsafeMutableRawPointer(start + point + 1).copyMemory(
                from: start + point, byteCount: -power)
            unsafe start[point] = UInt8(ascii: ".")
            return digitCount + 1
        }
        unsafe start.update(repeating: UInt8(ascii: "0"), count: 2 - point)
        unsafe start[1] = UInt8(ascii: ".")
        unsafe writeDigits(digitCount, to: start + 2 - point)
        return digitCount + 2 - point
    }

    /// Writes the coefficient's digits, without a division of 128 bits if it fits 64.
    private func writeDigits(_ count: Int, to base: UnsafeMutablePointer<UInt8>) {
        if let small = smallMagnitude {
            return unsafe Self.writeDigits(count, of: small, to: base)
        }
        let (upper, lower) = magnitude.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
        unsafe Self.writeDigits(count - 19, of: UInt64(upper), to: base)
        unsafe Self.writeDigits(19, of: UInt64(lower), to: base + count - 19)
    }

    /// Writes an integer, as ``write(to:)`` does.
    @inline(__always)
    static func write(
        _ value: Int64, to base: UnsafeMutablePointer<UInt8>
    ) -> (byteCount: Int, size: Int) {
        let signCount = value < 0 ? 1 : 0
        unsafe base.pointee = UInt8(ascii: "-")
        let start = unsafe base + signCount
        let digitCount = Number.digitCount(value.magnitude)
        unsafe Self.writeDigits(digitCount, of: value.magnitude, to: start)
        guard value != 0 else { return (1, 1) }
        var significantCount = digitCount
        while unsafe start[significantCount - 1] == UInt8(ascii: "0") { significantCount -= 1 }
        return (signCount + digitCount, (significantCount + 1) / 2 + 1 + signCount)
    }

    /// Writes the last `count` decimal digits of a value, with zeros before them if it has fewer.
    ///
    /// They are made from the last to the first, two by two.
    @inline(__always)
    private static func writeDigits(
        _ count: Int, of value: UInt64, to base: UnsafeMutablePointer<UInt8>
    ) {
        var (rest, place) = (value, count)
        while place >= 2 {
            let pair = Int(rest % 100)
            rest /= 100
            place -= 2
            unsafe base[place] = pairs.utf8Start[2 * pair]
            unsafe base[place + 1] = pairs.utf8Start[2 * pair + 1]
        }
        guard place == 1 else { return }
        unsafe base.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
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
