/// When items expire: the one rule for storing, indexing, reading and removing them.
///
/// `Verifier` in CodexStore has a second copy on purpose, which finds errors of this one.
///
/// It is judged by whole seconds: an attribute of 10.5 means the second 11, and that second's
/// beginning is the first moment at which the item is gone.
package enum Expiry {
    /// Seconds from here on mean no expiry: what the codec can keep, some hundred million years.
    private static let secondMax = 1 << 53

    /// The second, counted from 1970, at which an item expires whose attribute is `value`; `nil` if
    /// it never does.
    package static func second(of value: AttributeValue?) -> Int? {
        guard case .number(let number)? = value, !number.isNegative else { return nil }
        guard let second = roundedUp(number), second < secondMax else { return nil }
        return second
    }

    /// Whether an item that expires at `second` is expired in the second `now`.
    package static func isOver(_ second: Int, at now: Int) -> Bool {
        second <= now && second >= now - DynamoDBLimits.expiryIgnoredAfterSeconds
    }

    /// The least integer that is not below a number of zero or more; `nil` if that is too large.
    private static func roundedUp(_ number: Number) -> Int? {
        if let integer = number.int64 { return Int(integer) }
        // A number without a fraction that is no Int64 is too large.
        guard number.exponent < 0 else { return nil }
        let digitCount = -Int(number.exponent)
        // No coefficient has so many digits: it is a fraction of one.
        guard digitCount < Number.powersOfTen.count else { return 1 }
        let (whole, rest) = number.magnitude.quotientAndRemainder(
            dividingBy: Number.powersOfTen[digitCount])
        guard whole < UInt128(secondMax) else { return nil }
        return Int(whole) + (rest == 0 ? 0 : 1)
    }
}
