internal import CodexCore
internal import CodexStore

/// The point at which a stream of a table begins or ends.
struct StreamPoint: Sendable {
    /// The commit that begins or ends it.
    let commit: UInt64
    /// The time of a stream that begins, in milliseconds since 1970.
    ///
    /// It is later than the times of all streams of the table's name. A stream's label is its time,
    /// so a clock that stands still or goes back gives no label twice.
    let instant: Int
}

extension StreamPoint {
    /// The point of a transaction's commit.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - instant: The present time in milliseconds since 1970.
    ///   - transaction: The transaction.
    /// - Throws: The errors of reading.
    init<Source: ReadableTransaction & ~Copyable>(
        _ table: String, at instant: Int, in transaction: borrowing Source
    ) throws {
        let last = try TableRecord.stored(table, in: transaction)?.stream?.createdAt ?? -1
        let former = try StreamRecord.former(of: table, in: transaction)
        let latest = former.reduce(last) { max($0, $1.stream.createdAt) }
        self.init(commit: try transaction.nextCommit, instant: max(instant, latest + 1))
    }
}
