/// An exact decimal number with DynamoDB's domain: up to 38 significant digits, magnitudes from
/// 1E-130 to 9.99…E+125, and zero.
///
/// Equal numbers are equal values in any spelling: `1000`, `1e3` and `+1000.0` are one
/// number, one key and one member of a set. Nothing is ever rounded: what does not fit is an error.
/// Numbers that fit `Int64` take a fast path.
///
/// In a `Codable` entity, a number is stored as an attribute of type number. Other encoders get its
/// decimal text, because JSON has no exact decimal numbers: 12.50 is written as `"12.5"`.
///
/// The value is `coefficient × 10^exponent` in a canonical form: integers that fit `Int64` have
/// exponent 0; of all others, the coefficient has no trailing zero.
public struct Number: Sendable, Hashable {
    /// The coefficient's upper and lower halves (`Int128` itself would align everything to 16).
    private let high: Int64
    private let low: UInt64
    /// The power of ten that the coefficient is multiplied by.
    package let exponent: Int16

    /// Creates a number from an integer.
    public init(_ value: Int64) { self.init(coefficient: Int128(value), exponent: 0) }

    /// Creates a number from an integer.
    public init(_ value: Int) { self.init(Int64(value)) }

    /// Creates a number from an unsigned integer of up to 64 bits.
    public init(_ value: UInt64) {
        if let small = Int64(exactly: value) {
            self.init(coefficient: Int128(small), exponent: 0)
        } else {
            let (coefficient, zeros) = Number.strippingZeros(UInt128(value))
            self.init(coefficient: Int128(coefficient), exponent: Int16(zeros))
        }
    }

    /// Stores an already canonical pair.
    package init(coefficient: Int128, exponent: Int16) {
        high = Int64(truncatingIfNeeded: coefficient >> 64)
        low = UInt64(truncatingIfNeeded: coefficient)
        self.exponent = exponent
    }

    /// Creates the canonical number for a sign, a magnitude and a power of ten.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` past 38 digits or out of range.
    package init(negative: Bool, magnitude: UInt128, exponent: Int) throws(CodexError) {
        guard magnitude != 0 else {
            self.init(coefficient: 0, exponent: 0)
            return
        }
        let (stripped, zeros) = Number.strippingZeros(magnitude)
        let digits = Number.digitCount(stripped)
        guard digits <= DynamoDBLimits.numberDigitCountMax else {
            throw CodexError(
                .invalidNumber, "A number has at most 38 significant digits; this one has more.",
                .numberPrecision)
        }
        let power = exponent + zeros
        let leading = power + digits - 1
        guard leading <= DynamoDBLimits.numberExponentMax else {
            throw CodexError(
                .invalidNumber, "The number is above 9.99…E+125, the largest allowed.",
                .numberOverflow)
        }
        guard leading >= DynamoDBLimits.numberExponentMin else {
            throw CodexError(
                .invalidNumber, "The number's magnitude is below 1E-130, the smallest allowed.",
                .numberUnderflow)
        }
        let signed = negative ? -Int128(stripped) : Int128(stripped)
        if power >= 0, leading <= 18 {
            let integer = signed * Int128(Number.powersOfTen[power])
            if Int64(exactly: integer) != nil {
                self.init(coefficient: integer, exponent: 0)
                return
            }
        }
        self.init(coefficient: signed, exponent: Int16(power))
    }

    /// Zero.
    public static let zero = Number(coefficient: 0, exponent: 0)

    /// The number as an `Int64`, or `nil` if it is no integer or does not fit.
    public var int64: Int64? {
        guard exponent == 0 else { return nil }
        let value = Int64(bitPattern: low)
        return high == value >> 63 ? value : nil
    }

    /// The nearest `Double`.
    ///
    /// The conversion may round; the number itself never does.
    public var double: Double {
        if let int64 { return Double(int64) }
        return Double(description) ?? .nan
    }

    /// Whether the number is below zero.
    public var isNegative: Bool { high < 0 }

    package var coefficient: Int128 { Int128(high) << 64 | Int128(low) }

    package var magnitude: UInt128 { coefficient.magnitude }

    /// The magnitude of the coefficient if it fits 64 bits, and `nil` otherwise.
    var smallMagnitude: UInt64? {
        if high == 0 { return low }
        // The coefficients from -1 down to 1 - 2^64.
        return high == -1 && low != 0 ? 0 &- low : nil
    }

    /// The exponent of the first significant digit; meaningless for zero.
    package var leadingExponent: Int { Int(exponent) + Number.digitCount(magnitude) - 1 }
}

extension Number: Comparable {
    /// Compares by value.
    public static func < (lhs: Number, rhs: Number) -> Bool {
        if let left = lhs.int64, let right = rhs.int64 { return left < right }
        if lhs.exponent == rhs.exponent { return lhs.coefficient < rhs.coefficient }
        let (left, right) = (lhs.coefficient.signum(), rhs.coefficient.signum())
        if left != right { return left < right }
        return left < 0 ? magnitudePrecedes(rhs, lhs) : magnitudePrecedes(lhs, rhs)
    }

    private static func magnitudePrecedes(_ lhs: Number, _ rhs: Number) -> Bool {
        let (left, right) = (lhs.leadingExponent, rhs.leadingExponent)
        guard left == right else { return left < right }
        return lhs.fullMantissa < rhs.fullMantissa
    }

    /// The magnitude scaled to exactly 38 digits, so that equal leading exponents compare.
    package var fullMantissa: UInt128 {
        magnitude
            * Number.powersOfTen[DynamoDBLimits.numberDigitCountMax - Number.digitCount(magnitude)]
    }
}

extension Number: ExpressibleByIntegerLiteral {
    /// Creates a number from an integer literal.
    public init(integerLiteral value: Int64) { self.init(value) }
}

extension Number {
    /// 10^0 to 10^38.
    package static let powersOfTen: [UInt128] = {
        var powers: [UInt128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    /// The number of decimal digits of `magnitude`; 1 for zero.
    package static func digitCount(_ magnitude: UInt128) -> Int {
        if magnitude <= UInt128(UInt64.max) {
            return digitCount(UInt64(truncatingIfNeeded: magnitude))
        }
        // log10(2) ≈ 1233/4096: an estimate that is exact or one too low.
        let bits = 128 - magnitude.leadingZeroBitCount
        let estimate = (bits * 1233) >> 12
        return estimate <= 38 && magnitude >= powersOfTen[estimate] ? estimate + 1 : estimate
    }

    /// `magnitude` without its trailing decimal zeros, and how many there were.
    static func strippingZeros(_ magnitude: UInt128) -> (UInt128, Int) {
        var (value, zeros) = (magnitude, 0)
        while value > UInt128(UInt64.max) {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            guard remainder == 0 else { return (value, zeros) }
            (value, zeros) = (quotient, zeros + 1)
        }
        let (small, more) = strippingZeros(UInt64(value))
        return (UInt128(small), zeros + more)
    }

    /// `magnitude` without its trailing decimal zeros, and how many there were.
    static func strippingZeros(_ magnitude: UInt64) -> (UInt64, Int) {
        guard magnitude != 0, magnitude % 10 == 0 else { return (magnitude, 0) }
        var (value, zeros) = (magnitude, 0)
        while value % 10_000 == 0 { (value, zeros) = (value / 10_000, zeros + 4) }
        while value % 10 == 0 { (value, zeros) = (value / 10, zeros + 1) }
        return (value, zeros)
    }

    /// The number of decimal digits of `magnitude`; 1 for zero.
    static func digitCount(_ magnitude: UInt64) -> Int {
        var (rest, count) = (magnitude, 1)
        while rest >= 10_000 { (rest, count) = (rest / 10_000, count + 4) }
        if rest >= 1000 { return count + 3 }
        if rest >= 100 { return count + 2 }
        return rest >= 10 ? count + 1 : count
    }
}
