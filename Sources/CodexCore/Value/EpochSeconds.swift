public import FoundationEssentials

/// An instant that is stored as a number: whole seconds since 1970-01-01T00:00:00Z.
///
/// A time to live (``TableDefinition/timeToLive``) must be such a number. A `Date` is stored as
/// text, which is no time to live:
///
/// ```swift
/// struct Invitation: Codable, Entity {
///     var code: String
///     var expires: EpochSeconds
/// }
/// let invitation = Invitation(code: "a", expires: EpochSeconds(Date() + 3600))
/// ```
///
/// A `Date` between two seconds is rounded up, as expiry rounds up. A number with a fraction that
/// is read is rounded up, too. The range is ±(2^53 - 1) seconds.
public struct EpochSeconds: Sendable, Hashable, Comparable {
    /// The seconds since 1970, from -(2^53 - 1) to 2^53 - 1.
    public let seconds: Int

    private static let range = (1 - 1 << 53)...((1 << 53) - 1)

    /// The instant a number of seconds after 1970.
    ///
    /// - Parameter seconds: The seconds, below zero before 1970; a number out of range becomes the
    ///   nearest one in it.
    public init(seconds: Int) {
        self.seconds = max(Self.range.lowerBound, min(Self.range.upperBound, seconds))
    }

    /// The first whole second that is not before an instant.
    ///
    /// - Parameter date: The instant. One that is not a number counts as 1970, and one out of range
    ///   becomes the nearest in it.
    public init(_ date: Date) {
        let seconds = date.timeIntervalSince1970
        let rounded = seconds.isNaN ? 0 : seconds.rounded(.up)
        let bounds = (Double(Self.range.lowerBound), Double(Self.range.upperBound))
        self.init(seconds: Int(max(bounds.0, min(bounds.1, rounded))))
    }

    /// The instant.
    public var date: Date { Date(timeIntervalSince1970: Double(seconds)) }

    /// Earlier instants come first.
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.seconds < rhs.seconds }
}

extension EpochSeconds: AttributeConvertible {
    /// A number value.
    public var attributeValue: AttributeValue { .number(Number(seconds)) }
    /// The seconds of a number value.
    ///
    /// It is `nil` for other values, and for a number that is out of range.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue,
            let seconds = Self.roundedUp(number), Self.range.contains(seconds)
        else { return nil }
        self.seconds = seconds
    }

    /// The least integer not below a number; `nil` if it is too large.
    private static func roundedUp(_ number: Number) -> Int? {
        if let integer = number.int64 { return Int(exactly: integer) }
        // A number without a fraction that does not fit Int64 is too large.
        guard number.exponent < 0 else { return nil }
        let digitCount = -Int(number.exponent)
        let rest = number.isNegative ? 0 : 1
        // No coefficient has this many digits, so the number is between -1 and 1.
        guard digitCount < Number.powersOfTen.count else { return rest }
        let whole = number.magnitude / Number.powersOfTen[digitCount]
        guard let whole = Int(exactly: whole), whole < range.upperBound else { return nil }
        // A number with a fraction has another digit than zero after the point.
        return (number.isNegative ? -whole : whole) + rest
    }
}

extension EpochSeconds: Codable {
    /// Reads a number of seconds.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Decoders of other formats have no exact numbers.
        let value: AttributeValue
        if let number = try? container.decode(Number.self) {
            value = .number(number)
        } else if let integer = try? container.decode(Int.self) {
            value = integer.attributeValue
        } else {
            value = .number(try Number(try container.decode(Double.self)))
        }
        guard let seconds = EpochSeconds(attributeValue: value) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "The number of seconds is out of range.")
        }
        self = seconds
    }

    /// Writes the whole number of seconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(seconds)
    }
}
