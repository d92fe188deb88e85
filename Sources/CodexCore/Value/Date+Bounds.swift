package import FoundationEssentials

extension Date {
    /// The first and the last millisecond of the years 0 to 9999, which ``Timestamp`` can
    /// represent.
    private static let firstMillisecond = -62_167_219_200_000.0
    private static let lastMillisecond = 253_402_300_799_999.0

    /// The instant in whole milliseconds since 1970, rounded down and limited to the years 0 to
    /// 9999.
    ///
    /// Every date has such a number, so no clock and no stored time can cause a trap. A date that
    /// is not a number counts as 1970.
    package var millisecondsSince1970: Int64 {
        // A number of whole milliseconds may be a little less as a `Date`, whose precision is finer
        // than half a microsecond.
        let milliseconds = (timeIntervalSince1970 * 1000 + 0.0005).rounded(.down)
        guard !milliseconds.isNaN else { return 0 }
        return Int64(max(Self.firstMillisecond, min(Self.lastMillisecond, milliseconds)))
    }

    /// The instant in whole milliseconds, rounded down and limited to the years 0 to 9999.
    package var bounded: Date {
        Date(timeIntervalSince1970: Double(millisecondsSince1970) / 1000)
    }

    /// Creates the instant `milliseconds` after 1970, limited to the years up to 9999.
    package init(milliseconds: UInt64) {
        let kept = min(milliseconds, UInt64(Self.lastMillisecond))
        self.init(timeIntervalSince1970: Double(kept) / 1000)
    }
}
