/// Blocks of the data file that are kept for a full disk.
///
/// Deletes, checkpoints and closing need some pages before they free any. These blocks stay
/// allocated after the last page in use; a commit that makes the store larger may not use them.
enum DataReserve {
    private static let least = 1 << 20
    private static let most = 16 << 20

    /// The bytes that a commit must leave after `usedByteCount`.
    static func byteCount(usedByteCount: Int, leftBy use: RoomUse) -> Int {
        switch use {
        case .growing: byteCount(usedByteCount: usedByteCount)
        // The rest is for the redo if LMDB's commit fails once the record is in the log.
        case .shrinking: byteCount(usedByteCount: usedByteCount) / 2
        case .redoing: 0
        }
    }

    /// The bytes to keep after `usedByteCount`: a 32nd of it, from 1 MiB to 16 MiB.
    static func byteCount(usedByteCount: Int) -> Int {
        min(max(usedByteCount / 32, least), most) & ~65_535
    }
}
