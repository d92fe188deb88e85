package import FoundationEssentials

extension Date {
    /// The milliseconds at which the years 0 and 9999 begin and end, the ones that ``Timestamp`` can say.
    private static let firstMillisecond = -62_167_219_200_000.0
    private static let lastMillisecond = 253_402_300_799_999.0

    /// The moment in whole milliseconds since 1970, rounded down and kept within the years 0 to 9999.
    ///
    /// Every date has one, so that no clock and no stored time can trap. A date that is no number
    /// counts as 1970.
    package var millisecondsSince1970: Int64 {
        let milliseconds = (timeIntervalSince1970 * 1000).rounded(.down)
        guard !milliseconds.isNaN else { return 0 }
        return Int64(max(Self.firstMillisecond, min(Self.lastMillisecond, milliseconds)))
    }

    /// The moment in whole milliseconds, rounded down and kept within the years 0 to 9999.
    package var bounded: Date {
        Date(timeIntervalSince1970: Double(millisecondsSince1970) / 1000)
    }

    /// The moment so many milliseconds after 1970, kept within the years to 9999.
    package init(milliseconds: UInt64) {
        let kept = min(milliseconds, UInt64(Self.lastMillisecond))
        self.init(timeIntervalSince1970: Double(kept) / 1000)
    }
}
