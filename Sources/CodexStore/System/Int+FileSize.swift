extension Int {
    /// The sum of two file sizes, or the largest number if the sum overflows.
    ///
    /// Files may have holes, so a few of them can have sizes beyond any device.
    func addingFileSize(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
