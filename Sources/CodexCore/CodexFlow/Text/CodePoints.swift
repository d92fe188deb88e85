/// Searches in the tables of code points.
enum CodePoints {
    /// The index of a code point's row in a table that is sorted by code point.
    ///
    /// - Parameters:
    ///   - code: The code point.
    ///   - table: The numbers of all rows, one row after the other.
    ///   - width: The numbers of a row.
    ///   - isOfRanges: Whether a row begins with the first and the last code point of a range.
    ///     Otherwise it begins with its code point.
    /// - Returns: The index of the row's first number; `nil` if the code point has no row.
    /// - Complexity: O(log *n*) in the rows.
    static func row(
        of code: UInt32, in table: [UInt32], width: Int, isOfRanges: Bool
    ) -> Int? {
        var (low, high) = (0, table.count / width)
        while low < high {
            let middle = low + (high - low) / 2
            let start = middle * width
            if table[isOfRanges ? start + 1 : start] < code {
                low = middle + 1
            } else if table[start] > code {
                high = middle
            } else {
                return start
            }
        }
        return nil
    }

    /// Whether a code point is in one of the ranges of a table.
    static func contains(_ code: UInt32, in ranges: [UInt32]) -> Bool {
        row(of: code, in: ranges, width: 2, isOfRanges: true) != nil
    }
}
