#if Server
    import Foundation
    import Synchronization

    /// The `Date` header (RFC 9110, 5.6.7), formatted once a second.
    final class HTTPDate: Sendable {
        private let last = Mutex<(second: Int, text: String)>((0, ""))

        /// The text for the present second.
        var text: String {
            let second = time(nil)
            return last.withLock { last in
                if last.second != second { last = (second, Self.text(second)) }
                return last.text
            }
        }

        /// The text for a second since 1970.
        static func text(_ second: Int) -> String {
            let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
            let months = [
                "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
            ]
            var instant = time_t(second)
            var parts = tm()
            gmtime_r(&instant, &parts)
            func padded(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
            let date =
                "\(padded(parts.tm_mday)) \(months[Int(parts.tm_mon) % 12]) \(parts.tm_year + 1900)"
            let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(padded)
            return "\(days[Int(parts.tm_wday) % 7]), \(date) \(clock.joined(separator: ":")) GMT"
        }
    }
#endif
