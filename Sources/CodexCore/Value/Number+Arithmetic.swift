extension Number {
    /// The exact sum.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if the sum needs more than 38 significant digits
    ///   or is out of range; it is never rounded.
    public func adding(_ other: Number) throws(CodexError) -> Number {
        if let left = int64, let right = other.int64 {
            let (sum, overflow) = left.addingReportingOverflow(right)
            if !overflow { return Number(sum) }
        }
        if coefficient == 0 { return other }
        if other.coefficient == 0 { return self }
        // Without trailing zeros, so that no more digits are aligned than count.
        let (left, right) = (stripped, other.stripped)
        let (upper, lower) = left.exponent >= right.exponent ? (left, right) : (right, left)
        let shift = upper.exponent - lower.exponent
        // Scaled past 2^128 (3.4E38) no subtrahend of 38 digits brings it back to 38 digits.
        guard shift <= DynamoDBLimits.numberDigitCountMax else { throw Self.tooPrecise }
        let (scaled, overflow) = upper.magnitude.multipliedReportingOverflow(
            by: Number.powersOfTen[shift])
        guard !overflow else { throw Self.tooPrecise }
        let (negative, magnitude) = try combine(
            (upper.negative, scaled), (lower.negative, lower.magnitude))
        return try Number(
            negative: negative, magnitude: magnitude, exponent: lower.exponent)
    }

    /// Sign, magnitude without trailing zeros, and exponent.
    private var stripped: (negative: Bool, magnitude: UInt128, exponent: Int) {
        var (magnitude, exponent) = (magnitude, Int(exponent))
        while magnitude != 0, magnitude % 10 == 0 {
            (magnitude, exponent) = (magnitude / 10, exponent + 1)
        }
        return (isNegative, magnitude, exponent)
    }

    /// The exact difference.
    ///
    /// - Throws: As ``adding(_:)``.
    public func subtracting(_ other: Number) throws(CodexError) -> Number {
        try adding(other.negated)
    }

    /// The number with the opposite sign.
    public var negated: Number {
        // Int64.min has no Int64 counterpart: through the canonical initializer it cannot fail,
        // since a negation has the digits and range of its operand.
        (try? Number(negative: !isNegative, magnitude: magnitude, exponent: Int(exponent))) ?? self
    }

    private func combine(
        _ lhs: (negative: Bool, magnitude: UInt128), _ rhs: (negative: Bool, magnitude: UInt128)
    ) throws(CodexError) -> (Bool, UInt128) {
        if lhs.negative == rhs.negative {
            let (sum, overflow) = lhs.magnitude.addingReportingOverflow(rhs.magnitude)
            guard !overflow else { throw Self.tooPrecise }
            return (lhs.negative, sum)
        }
        return lhs.magnitude >= rhs.magnitude
            ? (lhs.negative, lhs.magnitude - rhs.magnitude)
            : (rhs.negative, rhs.magnitude - lhs.magnitude)
    }

    static var tooPrecise: CodexError {
        CodexError(
            .invalidNumber, "The exact result needs more than 38 significant digits.",
            .numberPrecision)
    }
}
