#if Remote
    internal import CodexCore
    internal import FoundationEssentials
    internal import Synchronization

    /// The service's clock, as far as its answers have shown it to differ from the client's.
    ///
    /// A signature holds for some minutes. If a service refuses one for its date, the date of the
    /// answer corrects the clock, and later requests are signed with the corrected time.
    final class ServiceClock: Sendable {
        private let clock: any RemoteClock
        /// What is added to the client's clock, in seconds.
        private let offset = Mutex<TimeInterval>(0)
        /// The date of the last answer that was noted, and when it came.
        private let noted = Mutex<(date: Date, elapsed: Duration)?>(nil)

        /// The difference of the dates from which on a refused signature may be refused for its
        /// date.
        private static let skewMin: TimeInterval = 4 * 60

        init(_ clock: any RemoteClock) { self.clock = clock }

        /// The instant by the service's clock.
        var now: Date { clock.now.addingTimeInterval(offset.withLock { $0 }) }

        /// The instant by the date of the last answer that was noted, to the second.
        ///
        /// The clocks of machines have no influence on it. Without a dated answer, it is ``now``.
        var dated: Date {
            guard let last = noted.withLock({ $0 }) else { return now }
            return last.date.addingTimeInterval((clock.elapsed - last.elapsed).seconds)
        }

        /// Notes the date of an answer.
        ///
        /// - Parameter header: The header `Date`.
        func note(_ header: String?) {
            guard let date = header.flatMap(HTTPDate.date) else { return }
            let elapsed = clock.elapsed
            noted.withLock { $0 = (date, elapsed) }
        }

        /// Corrects the clock by the date of an answer.
        ///
        /// - Parameters:
        ///   - header: The header `Date`.
        ///   - signed: The instant with which the request was signed.
        /// - Returns: Whether the date was so far from that of the request that a repetition may be
        ///   taken.
        func correct(by header: String?, signed: Date) -> Bool {
            guard let date = header.flatMap(HTTPDate.date),
                abs(date.timeIntervalSince(signed)) >= Self.skewMin
            else { return false }
            let difference = date.timeIntervalSince(clock.now)
            offset.withLock { $0 = difference }
            return true
        }
    }

    /// The dates of HTTP's headers (RFC 9110, 5.6.7).
    enum HTTPDate {
        private static let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]

        /// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; `nil` for any other form.
        static func date(_ text: String) -> Date? {
            let parts = text.split(separator: " ").map { String($0) }
            guard parts.count == 6, parts[5] == "GMT", parts[0].hasSuffix(","),
                let month = months.firstIndex(of: parts[2]), let day = number(parts[1], 2),
                let year = number(parts[3], 4),
                let date = CalendarDay(year: year, month: month + 1, day: day)
            else { return nil }
            let time = parts[4].split(separator: ":", omittingEmptySubsequences: false)
                .map { number(String($0), 2) }
            guard time.count == 3, let hour = time[0], let minute = time[1], let second = time[2],
                hour < 24, minute < 60, second <= 60
            else { return nil }
            return Date(
                timeIntervalSince1970: Double(
                    date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second))
        }

        /// A number of so many digits.
        private static func number(_ text: String, _ digitCount: Int) -> Int? {
            guard text.utf8.count == digitCount,
                text.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 })
            else { return nil }
            return Int(text)
        }
    }
#endif
