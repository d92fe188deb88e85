internal import CodexCore

/// What a page has examined so far, and the limits that end it.
struct PageTally {
    /// The number of examined items.
    private(set) var itemCount = 0
    /// The bytes of the examined items, or of their entries in an index.
    private(set) var byteCount = 0
    private var stepCount = 0
    /// The number of skipped expired items and partitions of other segments, counted when they end
    /// a slice.
    private var skippedCount = 0

    /// The most bytes of the examined items, before the filter; the first item may have more.
    ///
    /// "Paginating table query results" in DynamoDB's developer guide: a query returns what "fits
    /// within the 1 MB size limit". So a page ends before the item that does not fit. Older answers
    /// of AWS differ: in the tests of [dynalite] query and scan, such an item ends the page.
    static let byteCountMax = 1 << 20
    /// The filter's steps that end a page; one item may take more.
    static let stepCountMax = StoreLimits.conditionStepCountMax / 4
    /// The number of skipped items and partitions that ends a slice: about a millisecond of work.
    static let sliceSkippedCountMax = 4096
    /// The number of skipped items and partitions that ends a page.
    ///
    /// A page without items also has a key to continue from. A page of a segment ends after the
    /// next partition that may end one: ``Segment/admits(_:)``.
    private static let skippedCountMax = 8 * sliceSkippedCountMax

    /// Counts an item or its entry in an index.
    mutating func add(byteCount: Int) {
        itemCount += 1
        self.byteCount += byteCount
    }

    /// Counts steps of the filter.
    mutating func add(stepCount: Int) { self.stepCount += stepCount }

    /// Counts the skipped items and partitions of a slice that they ended.
    mutating func addSkippedSlice() { skippedCount += Self.sliceSkippedCountMax }

    /// Whether the page ends at the next place that may end one.
    var hasSkippedAll: Bool { skippedCount >= Self.skippedCountMax }

    /// Whether the page ends after the items so far.
    ///
    /// The limits of bytes end it before the next item instead.
    ///
    /// - Parameter limit: The request's `Limit`.
    /// - Returns: Whether it ends.
    func isFull(_ limit: Int?) -> Bool { itemCount == limit || stepCount >= Self.stepCountMax }

    /// The most bytes that the next item may have.
    ///
    /// - Parameter fetchedByteCount: The bytes of the items that were read from the table, beside
    ///   entries of an index.
    /// - Returns: The bytes.
    func room(beside fetchedByteCount: Int) -> Int {
        itemCount == 0 ? .max : Self.byteCountMax - byteCount - fetchedByteCount
    }
}
