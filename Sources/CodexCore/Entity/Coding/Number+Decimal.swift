public import FoundationEssentials

extension Number {
    /// Creates a number from a Foundation decimal, exactly.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for NaN, for more than 38 significant digits,
    ///   and for magnitudes out of range.
    public init(_ decimal: Decimal) throws(CodexError) {
        guard !decimal.isNaN else {
            throw CodexError(.invalidNumber, "NaN is not a number in DynamoDB.")
        }
        try self.init(parsing: decimal.description)
    }

    /// Creates the number that a double's shortest decimal spelling names.
    ///
    /// - Throws: As ``init(_:)-(Double)``.
    init(shortest value: Double) throws(CodexError) {
        // Below 2^53, the shortest spelling of an integer has all its digits.
        if value.magnitude < 0x1p53, value.rounded(.towardZero) == value {
            self.init(Int64(value))
        } else {
            try self.init(value)
        }
    }

    /// The nearest double; numbers of few digits need no text.
    var nearestDouble: Double {
        if let int64 { return Double(int64) }
        let power = abs(Int(exponent))
        guard magnitude <= 1 << 53, power < Self.exactPowers.count else { return double }
        // Both operands are exact, so the result is rounded once (Clinger, "How to Read Floating
        // Point Numbers Accurately").
        let significand = Double(UInt64(truncatingIfNeeded: magnitude))
        let scale = Self.exactPowers[power]
        let value = exponent < 0 ? significand / scale : significand * scale
        return isNegative ? -value : value
    }

    /// 10^0 to 10^22, the powers of ten that a double has exactly.
    private static let exactPowers: [Double] = {
        var powers = [1.0]
        for _ in 0..<22 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()
}

extension Decimal {
    /// Creates the decimal with the value of a number; `nil` if no decimal has exactly that value.
    public init?(exactly number: Number) {
        // The exponents of a decimal.
        guard (-128...127).contains(Int(number.exponent)) else { return nil }
        if let small = UInt64(exactly: number.magnitude) {
            self.init(
                sign: number.isNegative ? .minus : .plus, exponent: Int(number.exponent),
                significand: Decimal(small))
            return
        }
        let sign = number.isNegative ? "-" : ""
        guard let decimal = Decimal(string: "\(sign)\(number.magnitude)e\(number.exponent)"),
            // Foundation rounds what it cannot hold.
            let copy = try? Number(decimal), copy == number
        else { return nil }
        self = decimal
    }
}
