/// What was done to a store during a history, by the clock of its events.
package struct FaultWindows: Sendable {
    /// A disk with fewer free bytes is full.
    ///
    /// A store keeps a reserve of 1 MiB or more and a spare segment of its log, so its writes fail
    /// before the last byte is taken.
    package static let fullByteCountMax = 4 << 20

    /// The times in which the disk was full.
    package var fullDisk: [ClosedRange<Int>] = []
    /// The moments at which no process had the store open, so that the next opening recovers it.
    package var recoveries: [Int] = []
    /// Whether a fault was planted in the program or the store, which explains any error.
    package var isPlanted = false

    package init() {}
}
