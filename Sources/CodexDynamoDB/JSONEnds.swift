/// The ends of the long objects and arrays of a text.
///
/// ``JSONChecker`` finds them in its one pass. A cursor then moves behind a long value in one step.
/// Without them, the values around a large item would be read once for each of their levels.
struct JSONEnds: Sendable {
    /// The bytes from which a value is long.
    ///
    /// A text of 16 MiB has at most 1,024 long values at each of its levels.
    static let byteCountMin = 16 << 10

    /// The long values, ascending by their starts.
    private let ranges: [Range<Int>]

    /// Creates the ends of values in any order.
    init(_ ranges: [Range<Int>]) { self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound } }

    /// The end of the long value that begins at `start`; `nil` if there is none.
    ///
    /// - Complexity: O(log *n*) in the number of long values.
    func end(of start: Int) -> Int? {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].lowerBound < start { low = middle + 1 } else { high = middle }
        }
        guard low < ranges.count, ranges[low].lowerBound == start else { return nil }
        return ranges[low].upperBound
    }
}
