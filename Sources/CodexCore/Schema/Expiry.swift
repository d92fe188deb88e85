/// The rule of when items expire, which storing, indexing, reading and removing share.
///
/// `TransactionContext.isExpired` in CodexStore (`Read/ItemRead.swift`) decides by it for all
/// readers and writers. `Verifier` there computes the second once more on purpose, to find errors
/// in this one.
///
/// Expiry has a resolution of whole seconds. An attribute of 10.5 means second 11, and the item is
/// gone from the beginning of that second.
package enum Expiry {
    /// Seconds from this one on mean no expiry; the codec cannot store them (some hundred million
    /// years).
    private static let secondMax = 1 << 53

    /// The second, counted from 1970, at which an item with the attribute `value` expires.
    ///
    /// It is `nil` if the item never expires.
    package static func second(of value: AttributeValue?) -> Int? {
        guard case .number(let number)? = value, !number.isNegative else { return nil }
        guard let second = roundedUp(number), second < secondMax else { return nil }
        return second
    }

    /// Whether an item that expires at `second` has expired in the second `now`.
    package static func isOver(_ second: Int, at now: Int) -> Bool {
        second <= now && second >= now - DynamoDBLimits.expiryIgnoredAfterSeconds
    }

    /// The least integer not below a number that is zero or more; `nil` if the integer is too
    /// large.
    private static func roundedUp(_ number: Number) -> Int? {
        if let integer = number.int64 { return Int(integer) }
        // A number without a fraction that does not fit Int64 is too large.
        guard number.exponent < 0 else { return nil }
        let digitCount = -Int(number.exponent)
        // No coefficient has this many digits, so the number is between zero and one.
        guard digitCount < Number.powersOfTen.count else { return 1 }
        let (whole, rest) = number.magnitude.quotientAndRemainder(
            dividingBy: Number.powersOfTen[digitCount])
        guard whole < UInt128(secondMax) else { return nil }
        return Int(whole) + (rest == 0 ? 0 : 1)
    }
}
