/// Punycode (RFC 3492): the labels of internationalised domain names in ASCII.
package enum Punycode {
    /// Most bytes of a label's Punycode, and most code points of a label, since each takes a byte.
    static let labelByteCountMax = CodexFlow.Limits.domainLabelByteCountMax

    private static let base = 36
    private static let initialCode = 0x80
    private static let initialBias = 72
    private static let hyphen = UInt8(ascii: "-")

    /// The Punycode of a label, without the prefix `xn--`.
    ///
    /// - Returns: ASCII; `nil` if the label has more than 63 code points.
    /// - Complexity: O(*n*²) in the code points, of which there are 63 at most.
    package static func encode(_ codes: [UInt32]) -> [UInt8]? {
        guard codes.count <= labelByteCountMax else { return nil }
        var output = codes.filter { $0 < 0x80 }.map { UInt8(truncatingIfNeeded: $0) }
        let basicCount = output.count
        if basicCount > 0 { output.append(hyphen) }
        var (code, delta, bias, handledCount) = (initialCode, 0, initialBias, basicCount)
        while let next = codes.filter({ Int($0) >= code }).min() {
            delta += (Int(next) - code) * (handledCount + 1)
            code = Int(next)
            for other in codes {
                if other < next { delta += 1 }
                guard other == next else { continue }
                append(delta, bias, to: &output)
                bias = adapted(delta, handledCount + 1, isFirst: handledCount == basicCount)
                delta = 0
                handledCount += 1
            }
            delta += 1
            code += 1
        }
        return output
    }

    /// The code points of a label's Punycode, which has no prefix `xn--`.
    ///
    /// The result may have another Punycode than `bytes`: compare it if that matters.
    ///
    /// - Returns: Scalar values; `nil` for more than 63 bytes and for what is not Punycode.
    /// - Complexity: O(*n*²) in the bytes, of which there are 63 at most.
    package static func decode(_ bytes: [UInt8]) -> [UInt32]? {
        guard bytes.count <= labelByteCountMax, bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        let basicCount = bytes.lastIndex(of: hyphen) ?? 0
        var output = bytes[..<basicCount].map { UInt32($0) }
        var position = basicCount > 0 ? basicCount + 1 : 0
        var (code, index, bias) = (initialCode, 0, initialBias)
        while position < bytes.count {
            let start = index
            guard let step = integer(bytes, &position, bias) else { return nil }
            index += step
            let count = output.count + 1
            bias = adapted(step, count, isFirst: start == 0)
            code += index / count
            index %= count
            guard code <= 0x10FFFF, let scalar = Unicode.Scalar(UInt32(code)) else { return nil }
            output.insert(scalar.value, at: index)
            index += 1
        }
        return output
    }

    // MARK: Integers

    /// An integer of variable length; `nil` if it does not end, or is larger than any label needs.
    private static func integer(_ bytes: [UInt8], _ position: inout Int, _ bias: Int) -> Int? {
        // Larger than the product of all code points and places, and far below `Int.max` / 36.
        let bound = 1 << 40
        var (value, weight, place) = (0, 1, base)
        while position < bytes.count, let number = digit(bytes[position]) {
            position += 1
            value += number * weight
            guard value <= bound else { return nil }
            let limit = threshold(place, bias)
            if number < limit { return value }
            weight *= base - limit
            guard weight <= bound else { return nil }
            place += base
        }
        return nil
    }

    private static func append(_ value: Int, _ bias: Int, to output: inout [UInt8]) {
        var (rest, place) = (value, base)
        while true {
            let limit = threshold(place, bias)
            guard rest >= limit else { break }
            output.append(letter(limit + (rest - limit) % (base - limit)))
            rest = (rest - limit) / (base - limit)
            place += base
        }
        output.append(letter(rest))
    }

    private static func threshold(_ place: Int, _ bias: Int) -> Int {
        min(max(place - bias, 1), 26)
    }

    /// The bias for the next integer (RFC 3492, 6.1).
    private static func adapted(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var (delta, steps) = (isFirst ? delta / 700 : delta / 2, 0)
        delta += delta / count
        while delta > (base - 1) * 26 / 2 {
            delta /= base - 1
            steps += base
        }
        return steps + base * delta / (delta + 38)
    }

    /// The letter or digit of a number below 36: a to z, then 0 to 9.
    private static func letter(_ value: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: value < 26 ? value + 0x61 : value - 26 + 0x30)
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x61...0x7A: Int(byte) - 0x61
        case 0x41...0x5A: Int(byte) - 0x41
        case 0x30...0x39: Int(byte) - 0x30 + 26
        default: nil
        }
    }
}
