internal import CodexCore

/// The size of the address space that a store reserves.
///
/// It is neither memory nor disk. It limits the data file until the store is opened again.
///
/// A process has 128 TiB of addresses on usual 64-bit machines. The reservation of a small store
/// limits the number of stores in a process.
enum MapReservation {
    /// The reservation of a small store: 64 GiB.
    private static let usual = 1 << 36
    /// The factor by which the data file may grow before the store is opened again.
    private static let growthFactor = 16
    /// The largest reservation, 1 TiB, unless twice the data is more.
    private static let largest = 1 << 40
    /// The smallest reservation if address space is limited: 256 MiB.
    private static let smallest = 1 << 28

    /// The bytes to reserve for a data file of `dataByteCount`, or the bytes that the options
    /// request.
    static func byteCount(asked: Int?, dataByteCount: Int) -> Int {
        if let asked { return max(asked, Self.page) & ~(Self.page - 1) }
        let wanted = dataByteCount.multipliedReportingOverflow(by: growthFactor)
        let grown = min(wanted.overflow ? .max : wanted.partialValue, largest)
        return roundedUp(max(usual, grown, least(dataByteCount: dataByteCount)))
    }

    /// The minimum if the system refuses more: twice the data, so that the store can be written to.
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
