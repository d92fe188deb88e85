internal import CodexCore

/// How much address space a store reserves: it is neither memory nor disk, and bounds the data file
/// until the store is opened again.
///
/// A process has 128 TiB of addresses on usual 64-bit machines. What every small store reserves bounds
/// how many of them fit.
enum MapReservation {
    /// What a small store reserves: 64 GiB.
    private static let usual = 1 << 36
    /// How much larger than its data file a store may become before it is opened again.
    private static let growthFactor = 16
    /// The largest reservation that is not twice the data, 1 TiB.
    private static let largest = 1 << 40
    /// The smallest, where addresses are limited: 256 MiB.
    private static let smallest = 1 << 28

    /// The bytes to reserve for a data file of `dataByteCount`, or those that the options ask for.
    static func byteCount(asked: Int?, dataByteCount: Int) -> Int {
        if let asked { return max(asked, Self.page) & ~(Self.page - 1) }
        let wanted = dataByteCount.multipliedReportingOverflow(by: growthFactor)
        let grown = min(wanted.overflow ? .max : wanted.partialValue, largest)
        return roundedUp(max(usual, grown, least(dataByteCount: dataByteCount)))
    }

    /// The least to go on with where the system refuses more: twice the data, so that the store can be
    /// written to.
    static func least(dataByteCount: Int) -> Int {
        max(smallest, dataByteCount > .max / 4 ? .max / 2 : dataByteCount * 2)
    }

    private static let page = 1 << 16

    private static func roundedUp(_ count: Int) -> Int {
        var power = smallest
        while power < count, power < 1 << 46 { power *= 2 }
        return power
    }
}
