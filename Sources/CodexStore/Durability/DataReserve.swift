/// Blocks of the data file that are kept for a full disk.
///
/// Deletes, checkpoints and closing need some pages before they free any. These stay allocated behind
/// the last page in use; a commit that makes the store larger may not take them.
enum DataReserve {
    private static let least = 1 << 20
    private static let most = 16 << 20

    /// The bytes that a commit leaves behind `usedByteCount`.
    static func byteCount(usedByteCount: Int, leftBy use: RoomUse) -> Int {
        switch use {
        case .growing: byteCount(usedByteCount: usedByteCount)
        // For the redo, should LMDB's commit fail once the record is in the log.
        case .shrinking: byteCount(usedByteCount: usedByteCount) / 2
        case .redoing: 0
        }
    }

    /// The bytes to keep behind `usedByteCount`: a 32nd of it, from 1 MiB to 16 MiB.
    static func byteCount(usedByteCount: Int) -> Int {
        min(max(usedByteCount / 32, least), most) & ~65_535
    }
}
