/// A decimal number as digits at fixed places: slow, and written without the number's code.
struct SlowDecimal: Equatable {
    /// The power of ten of the last digit.
    private static let lowest = -400
    private static let digitCount = 900

    private(set) var isNegative: Bool
    /// From the digit of the highest power of ten down.
    private(set) var digits: [UInt8]

    private init(isNegative: Bool, digits: [UInt8]) {
        self.isNegative = isNegative && digits.contains { $0 != 0 }
        self.digits = digits
    }

    /// Reads a sign, digits with a point, and an exponent; `nil` for anything else, and for a
    /// number that DynamoDB does not have.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let mark = rest.firstIndex { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
        guard let exponent = Self.exponent(mark.map { rest[rest.index(after: $0)...] }) else {
            return nil
        }
        let parts = rest[..<(mark ?? rest.endIndex)].split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let mantissa = parts.flatMap { Array($0) }
        guard parts.count <= 2, !mantissa.isEmpty, mantissa.allSatisfy(Self.isDigit) else {
            return nil
        }
        var digits = [UInt8](repeating: 0, count: Self.digitCount)
        let last = exponent - (parts.count == 2 ? parts[1].count : 0)
        for (place, digit) in mantissa.reversed().enumerated() where digit != UInt8(ascii: "0") {
            let index = Self.digitCount - 1 - (last + place - Self.lowest)
            guard digits.indices.contains(index) else { return nil }
            digits[index] = digit - UInt8(ascii: "0")
        }
        self.init(isNegative: isNegative, digits: digits)
        guard isInRange else { return nil }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// The exponent of what follows the mark; 0 without one, `nil` for what is none.
    private static func exponent(_ text: ArraySlice<UInt8>?) -> Int? {
        guard var text else { return 0 }
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative || text.first == UInt8(ascii: "+") { text.removeFirst() }
        guard !text.isEmpty, text.allSatisfy(isDigit) else { return nil }
        let value = text.reduce(0) { min($0 * 10 + Int($1 - UInt8(ascii: "0")), 1 << 40) }
        return isNegative ? -value : value
    }

    /// Whether it has at most 38 significant digits, and a magnitude that DynamoDB has.
    var isInRange: Bool {
        guard let first = digits.firstIndex(where: { $0 != 0 }),
            let last = digits.lastIndex(where: { $0 != 0 })
        else { return true }
        let leading = Self.digitCount - 1 - first + Self.lowest
        return last - first < 38 && (-130...125).contains(leading)
    }

    /// The sum, which may be out of range.
    func adding(_ other: SlowDecimal) -> SlowDecimal {
        if isNegative == other.isNegative {
            var (sum, carry) = (digits, UInt8(0))
            for place in sum.indices.reversed() {
                let digit = digits[place] + other.digits[place] + carry
                (sum[place], carry) = (digit % 10, digit / 10)
            }
            return SlowDecimal(isNegative: isNegative, digits: sum)
        }
        let isLarger = !digits.lexicographicallyPrecedes(other.digits)
        let (larger, smaller) = isLarger ? (self, other) : (other, self)
        var (rest, borrow) = (larger.digits, 0)
        for place in rest.indices.reversed() {
            let digit = Int(larger.digits[place]) - Int(smaller.digits[place]) - borrow
            (rest[place], borrow) = (UInt8((digit + 10) % 10), digit < 0 ? 1 : 0)
        }
        return SlowDecimal(isNegative: larger.isNegative, digits: rest)
    }

    var negated: SlowDecimal { SlowDecimal(isNegative: !isNegative, digits: digits) }

    /// Whether it is below another.
    func isBelow(_ other: SlowDecimal) -> Bool {
        if isNegative != other.isNegative { return isNegative }
        return isNegative
            ? other.digits.lexicographicallyPrecedes(digits)
            : digits.lexicographicallyPrecedes(other.digits)
    }
}
