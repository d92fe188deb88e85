/// The text of an instant, in the long form of ``Timestamp``: `2025-11-05T09:30:00.000Z`.
///
/// It is made and read in whole words, and takes no memory of the heap.
struct InstantText {
    /// The number of bytes of each text.
    static let byteCount = 24
    /// The beginning of the year 0000, before which no instant has a text, in milliseconds since
    /// 1970.
    static let firstMillisecond: Int64 = -62_167_219_200_000

    /// The text, eight bytes a word, in the order of memory.
    private let words: (UInt64, UInt64, UInt64)

    /// Makes the text of an instant.
    ///
    /// - Parameter milliseconds: The milliseconds since 1970; the instant is one of the years 0000
    ///   to 9999.
    init(millisecondsSince1970 milliseconds: Int64) {
        let sinceFirst = UInt64(bitPattern: milliseconds &- Self.firstMillisecond)
        let (days, rest) = sinceFirst.quotientAndRemainder(dividingBy: 86_400_000)
        let firstDay = Self.firstMillisecond / 86_400_000
        let (year, month, day) = CalendarDay.civil(fromDays: Int64(bitPattern: days) &+ firstDay)
        let (seconds, fraction) = UInt32(truncatingIfNeeded: rest)
            .quotientAndRemainder(dividingBy: 1000)
        let (minutes, second) = seconds.quotientAndRemainder(dividingBy: 60)
        let (hour, minute) = minutes.quotientAndRemainder(dividingBy: 60)
        let (century, yearOfCentury) = UInt32(truncatingIfNeeded: year)
            .quotientAndRemainder(dividingBy: 100)
        let (tenths, thousandths) = fraction.quotientAndRemainder(dividingBy: 100)

        var dateWord = Digits.Pattern.date.word
        dateWord |= Self.digits(century)
        dateWord |= Self.digits(yearOfCentury) << 16
        dateWord |= Self.digits(UInt32(truncatingIfNeeded: month)) << 40
        var timeWord = Digits.Pattern.time.word
        timeWord |= Self.digits(UInt32(truncatingIfNeeded: day))
        timeWord |= Self.digits(hour) << 24
        timeWord |= Self.digits(minute) << 48
        var restWord = Digits.Pattern.rest.word
        restWord |= Self.digits(second) << 8
        restWord |= UInt64(tenths) << 32
        restWord |= Self.digits(thousandths) << 40
        words = (dateWord.littleEndian, timeWord.littleEndian, restWord.littleEndian)
    }

    /// The two digits of a number below 100, the first one in the lower byte.
    @inline(__always)
    private static func digits(_ number: UInt32) -> UInt64 {
        let tens = number / 10
        return UInt64(tens | (number &- tens &* 10) << 8)
    }

    /// The text as a string.
    var string: String {
        unsafe String(unsafeUninitializedCapacity: Self.byteCount) { buffer in
            // The capacity is not zero.
            let base = unsafe UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped)
            unsafe base.storeBytes(of: words.0, as: UInt64.self)
            unsafe base.storeBytes(of: words.1, toByteOffset: 8, as: UInt64.self)
            unsafe base.storeBytes(of: words.2, toByteOffset: 16, as: UInt64.self)
            return Self.byteCount
        }
    }

    /// Passes the bytes of the text to `body`.
    @inline(__always)
    func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        try unsafe withUnsafeBytes(of: words) { raw throws(E) -> R in
            try unsafe body(Span(_unsafeBytes: raw))
        }
    }
}

extension InstantText {
    /// The instant that a text denotes, in milliseconds since 1970.
    ///
    /// - Parameter text: UTF-8.
    /// - Returns: `nil` if the text has neither of the forms of ``Timestamp``. A text in the long
    ///   form is the one that ``init(millisecondsSince1970:)`` makes of the result.
    static func milliseconds(_ text: Span<UInt8>) -> Int64? {
        guard text.count == byteCount || text.count == 20 else { return nil }
        let isLong = text.count == byteCount
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
        let fraction = isLong ? rest[4] * 100 + rest[5] * 10 + rest[6] : 0
        guard CalendarDay.isValid(year: year, month: month, day: day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        let days = CalendarDay.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        return seconds * 1000 + Int64(fraction)
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
