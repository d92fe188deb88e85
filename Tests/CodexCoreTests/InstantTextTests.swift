import Foundation
import TestSupport
import Testing

@testable import CodexCore

/// The text of instants, against calendars that are written in another way.
@Suite("Text of instants")
struct InstantTextTests {
    /// The number of days of each month of a year.
    static func monthLengths(_ year: Int) -> [Int] {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    }

    /// The text of numbers that need not be those of an instant.
    static func text(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
        millisecond: Int = 0
    ) -> String {
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        return "\(date)T\(time).\(padded(millisecond, 3))Z"
    }

    @Test("The first and the last days of each month have their numbers")
    func days() {
        var (first, wrong) = (-719_528, [String]())
        for year in 0...9999 {
            for (index, count) in Self.monthLengths(year).enumerated() {
                for day in [1, 2, 28, count] {
                    let number = Int64(first + day - 1)
                    let found = CalendarDay.civil(fromDays: number)
                    let isSame =
                        found.year == year && found.month == index + 1 && found.day == day
                    let isInverse =
                        CalendarDay.days(year: year, month: index + 1, day: day) == number
                    if !isSame || !isInverse { wrong.append("\(year)-\(index + 1)-\(day)") }
                }
                first += count
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count) days, first \(wrong.first ?? "")")
        #expect(first == 2_932_897)
    }

    @Test("Random instants have the text of Foundation's calendar, and are read from it")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("text of instants: seed \(seed)")
        var random = SplitMix(seed: seed)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        let parts: Set<Calendar.Component> = [.year, .month, .day, .hour, .minute, .second]
        for _ in 0..<5000 {
            // Foundation's calendar is the Julian one before 1582.
            let second = Int64.random(in: -12_212_553_600..<253_402_300_800, using: &random)
            let millisecond = random.below(1000)
            let date = Date(timeIntervalSince1970: Double(second))
            let found = calendar.dateComponents(parts, from: date)
            let expected = Self.text(
                year: found.year ?? -1, month: found.month ?? -1, day: found.day ?? -1,
                hour: found.hour ?? -1, minute: found.minute ?? -1, second: found.second ?? -1,
                millisecond: millisecond)
            let milliseconds = second * 1000 + Int64(millisecond)
            let text = InstantText(millisecondsSince1970: milliseconds)
            let bytes = text.withBytes { Self.array($0) }
            #expect(text.string == expected && bytes == Array(expected.utf8), "seed \(seed)")
            let read = InstantText.milliseconds(bytes.span)
            #expect(read == milliseconds, "seed \(seed)")
        }
    }

    private static func array(_ bytes: Span<UInt8>) -> [UInt8] {
        var array: [UInt8] = []
        for place in 0..<bytes.count { array.append(bytes[place]) }
        return array
    }

    @Test(
        "Each part has all its digits",
        arguments: [
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (-62_135_596_800_001, "0000-12-31T23:59:59.999Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
            (1_762_335_000_000, "2025-11-05T09:30:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func digits(milliseconds: Int64, text: String) {
        #expect(InstantText(millisecondsSince1970: milliseconds).string == text)
        let bytes = Array(text.utf8)
        let read = InstantText.milliseconds(bytes.span)
        #expect(read == milliseconds)
    }

    @Test("A date outside of the years 0000 to 9999 has the text of the first or last instant")
    func limits() {
        let (first, last) = ("0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z")
        for (seconds, text) in [
            (-62_167_219_200, first), (-62_167_219_200.001, first), (-1e15, first),
            (-Double.infinity, first), (253_402_300_799.999, last), (253_402_300_800, last),
            (1e15, last), (.infinity, last), (.nan, "1970-01-01T00:00:00.000Z"),
        ] as [(Double, String)] {
            #expect(Timestamp.text(Date(timeIntervalSince1970: seconds)) == text, "\(seconds)")
        }
    }
}
