public import FoundationEssentials

/// The stored form of instants: ISO 8601 in UTC, `2025-11-05T09:30:00.000Z`.
///
/// The width is fixed, so the text sorts in the order of time. The precision is one millisecond;
/// years run from 0000 to 9999. Reading also accepts the form without a fraction, which the
/// architecture document uses.
public enum Timestamp {
    /// The text of an instant, rounded to the millisecond and limited to the years 0000 to 9999.
    public static func text(_ date: Date) -> String {
        let limit = 253_402_300_800_000.0 - 1
        let scaled = (date.timeIntervalSince1970 * 1000).rounded(.toNearestOrAwayFromZero)
        let millis = Int64(max(-62_167_219_200_000, min(limit, scaled.isNaN ? 0 : scaled)))
        return InstantText(millisecondsSince1970: millis).string
    }

    /// The instant that `text` denotes, or `nil` if the text has neither of the two forms.
    public static func date(_ text: String) -> Date? {
        var copy = text
        return copy.withUTF8 { unsafe date(Span(_unsafeElements: $0)) }
    }

    /// The instant that UTF-8 `text` denotes.
    package static func date(_ text: Span<UInt8>) -> Date? {
        InstantText.milliseconds(text).map { Date(timeIntervalSince1970: Double($0) / 1000) }
    }
}

extension StoredInstant {
    /// The instant, which is what ``Timestamp/date(_:)-(String)`` makes of its text.
    var date: Date { Date(timeIntervalSince1970: Double(millisecondsSince1970) / 1000) }
}

/// A calendar day, without a time or a time zone: `2025-11-05`.
public struct CalendarDay: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The year, 0 to 9999.
    public let year: Int
    /// The month, 1 to 12.
    public let month: Int
    /// The day of the month, from 1.
    public let day: Int

    /// Creates a day, or `nil` if the Gregorian calendar has no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard Self.isValid(year: year, month: month, day: day) else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Parses `yyyy-mm-dd`.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], text.utf8.allSatisfy({ $0 < 0x3A && $0 != 0x2B }),
            let year = Int(text.prefix(4)), let month = Int(text.dropFirst(5).prefix(2)),
            let day = Int(text.suffix(2))
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// The day `count` days after 1970-01-01, limited to the years 0 to 9999.
    package init(daysSince1970 count: Int) {
        let first = Int(Self.days(year: 0, month: 1, day: 1))
        let last = Int(Self.days(year: 9999, month: 12, day: 31))
        (year, month, day) = Self.civil(fromDays: Int64(max(first, min(last, count))))
    }

    /// The day of an instant in UTC, limited to the years 0 to 9999.
    public init(_ instant: Date) {
        let days = (instant.timeIntervalSince1970 / 86_400).rounded(.down)
        self.init(daysSince1970: days.isNaN ? 0 : Int(max(-1e6, min(1e7, days))))
    }

    /// The number of days from 1970-01-01 to the day.
    package var daysSince1970: Int { Int(Self.days(year: year, month: month, day: day)) }

    /// The day `count` days after this one, or before it if `count` is negative.
    ///
    /// The result is limited to the years 0 to 9999.
    public func adding(days count: Int) -> CalendarDay {
        let (days, overflows) = daysSince1970.addingReportingOverflow(count)
        return CalendarDay(daysSince1970: overflows ? (count < 0 ? .min : .max) : days)
    }

    /// The day as `yyyy-mm-dd`; the text sorts in the order of days.
    public var description: String {
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// Earlier days come first.
    public static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.year, lhs.month, lhs.day) < (rhs.year, rhs.month, rhs.day)
    }

    static func isValid(year: Int, month: Int, day: Int) -> Bool {
        guard year >= 0, year <= 9999, month >= 1, month <= 12, day >= 1 else { return false }
        if day <= 28 { return true }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        switch month {
        case 2: return leap && day == 29
        case 4, 6, 9, 11: return day <= 30
        default: return day <= 31
        }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-Compatible
    /// Low-Level Date Algorithms").
    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    /// The inverse of ``days(year:month:day:)``, for days of the years 0000 to 9999 (Neri and
    /// Schneider, "Euclidean affine functions and their application to calendar algorithms").
    static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        // The days since the first of March of the year -400: the shift is a whole era, so that no
        // number is negative.
        let shifted = UInt32(truncatingIfNeeded: days &+ 719_468 &+ 146_097)
        let (century, rest) = (4 &* shifted &+ 3).quotientAndRemainder(dividingBy: 146_097)
        let years = UInt64(rest | 3) &* 2_939_745
        let yearOfCentury = UInt32(truncatingIfNeeded: years >> 32)
        let dayOfYear = UInt32(truncatingIfNeeded: years) / 2_939_745 / 4
        // Years begin in March: the last months are those of the next year.
        let isNextYear = dayOfYear >= 306
        let months = 2141 &* dayOfYear &+ 197_913
        let month = Int(months >> 16) - (isNextYear ? 12 : 0)
        let day = Int((months & 0xFFFF) / 2141) + 1
        let year = Int(100 &* century &+ yearOfCentury) - (isNextYear ? 399 : 400)
        return (year, month, day)
    }
}

extension CalendarDay: AttributeConvertible {
    /// A string value, `yyyy-mm-dd`.
    public var attributeValue: AttributeValue { .string(description) }
    /// The day in a string value.
    public init?(attributeValue: AttributeValue) {
        guard case .string(let text) = attributeValue, let day = CalendarDay(text) else {
            return nil
        }
        self = day
    }
}

extension CalendarDay: Codable {
    /// Reads `yyyy-mm-dd`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let day = CalendarDay(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "A day is written yyyy-mm-dd.")
        }
        self = day
    }

    /// Writes `yyyy-mm-dd`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
