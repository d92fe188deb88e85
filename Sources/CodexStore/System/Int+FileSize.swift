extension Int {
    /// The sum of two sizes of files, or the largest number if that is less.
    ///
    /// Files may have holes. So a few of them can say that they are larger than any device.
    func addingFileSize(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
