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
        let (days, rest) = millis.flooredDivision(by: 86_400_000)
        let (year, month, day) = CalendarDay.civil(fromDays: days)
        return unsafe String(unsafeUninitializedCapacity: 24) { buffer in
            var writer = unsafe DigitWriter(buffer: buffer)
            unsafe writer.write(year, 4, "-")
            unsafe writer.write(month, 2, "-")
            unsafe writer.write(day, 2, "T")
            unsafe writer.write(Int(rest / 3_600_000), 2, ":")
            unsafe writer.write(Int(rest / 60_000 % 60), 2, ":")
            unsafe writer.write(Int(rest / 1000 % 60), 2, ".")
            unsafe writer.write(Int(rest % 1000), 3, "Z")
            return unsafe writer.position
        }
    }

    /// The instant that `text` denotes, or `nil` if the text has neither of the two forms.
    public static func date(_ text: String) -> Date? {
        var copy = text
        return copy.withUTF8 { unsafe date(Span(_unsafeElements: $0)) }
    }

    /// The instant that UTF-8 `text` denotes.
    package static func date(_ text: Span<UInt8>) -> Date? {
        guard text.count == 24 || text.count == 20 else { return nil }
        let isLong = text.count == 24
        // The text is read eight bytes at a time; the last eight of the short form overlap the
        // previous ones.
        let date = Digits(text, 0, .date)
        let time = Digits(text, 8, .time)
        let rest = isLong ? Digits(text, 16, .rest) : Digits(text, 12, .shortRest)
        guard date.areSound, time.areSound, rest.areSound else { return nil }
        let year = date[0] * 1000 + date[1] * 100 + date[2] * 10 + date[3]
        let (month, day) = (date[5] * 10 + date[6], time[0] * 10 + time[1])
        let (hour, minute) = (time[3] * 10 + time[4], time[6] * 10 + time[7])
        let second = isLong ? rest[1] * 10 + rest[2] : rest[5] * 10 + rest[6]
        let millis = isLong ? rest[4] * 100 + rest[5] * 10 + rest[6] : 0
        guard CalendarDay.isValid(year: year, month: month, day: day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        let days = CalendarDay.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        return Date(timeIntervalSince1970: Double(seconds * 1000 + Int64(millis)) / 1000)
    }
}

/// Eight bytes of text: digits and separators.
private struct Digits {
    /// The values of the digits, and 0 for the separators, if the bytes match the pattern.
    private let word: UInt64
    let areSound: Bool

    /// Eight bytes with `0` in the places of digits, the first byte lowest, and a mask of the
    /// separators.
    struct Pattern {
        let word: UInt64
        let separators: UInt64

        /// `0000-00-`.
        static let date = Pattern(word: 0x2D30_302D_3030_3030, separators: 0xFF00_00FF_0000_0000)
        /// `00T00:00`.
        static let time = Pattern(word: 0x3030_3A30_3054_3030, separators: 0x0000_FF00_00FF_0000)
        /// `:00.000Z`.
        static let rest = Pattern(word: 0x5A30_3030_2E30_303A, separators: 0xFF00_0000_FF00_00FF)
        /// `0:00:00Z`.
        static let shortRest = Pattern(
            word: 0x5A30_303A_3030_3A30, separators: 0xFF00_00FF_0000_FF00)
    }

    /// Reads the eight bytes from `start` on, which must exist.
    @inline(__always)
    init(_ text: Span<UInt8>, _ start: Int, _ pattern: Pattern) {
        precondition(start + 8 <= text.count)
        let bytes = unsafe text.withUnsafeBytes {
            unsafe UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        word = bytes ^ pattern.word
        // A digit has become 0 to 9; adding 6 does not reach the upper half. A separator has become
        // 0.
        let upper = (word | (word &+ 0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0
        areSound = upper == 0 && word & pattern.separators == 0
    }

    @inline(__always)
    subscript(offset: Int) -> Int { Int(truncatingIfNeeded: word >> (8 * offset)) & 0xF }
}

extension Int64 {
    /// Quotient and non-negative remainder.
    fileprivate func flooredDivision(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Writes decimal fields of fixed width into a string's storage.
@unsafe
private struct DigitWriter {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    var position = 0

    init(buffer: UnsafeMutableBufferPointer<UInt8>) { unsafe self.buffer = buffer }

    mutating func write(_ value: Int, _ width: Int, _ separator: Unicode.Scalar) {
        var rest = value
        for index in stride(from: unsafe position + width - 1, through: unsafe position, by: -1) {
            unsafe buffer[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        unsafe buffer[position + width] = UInt8(ascii: separator)
        unsafe position += width + 1
    }
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

    /// The inverse of ``days(year:month:day:)``.
    static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
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
