internal import CodexCore

/// The position of a follower in its leader's log.
///
/// It is in `meta` and, for a recovery, in each record of the follower's own log.
struct LeaderPosition: Hashable {
    /// The checksum of the leader's last applied record.
    ///
    /// The next record refers to it, and a record of another history does not.
    var checksum: UInt32
    /// The time of the leader's commit, in milliseconds since 1970; 0 if that is not known.
    var milliseconds: UInt64
    /// The last commit that the leader is known to have.
    var lastSequence: UInt64

    static let key = Array("leader".utf8)

    var bytes: [UInt8] {
        BigEndian.bytes(UInt64(checksum)) + BigEndian.bytes(milliseconds)
            + BigEndian.bytes(lastSequence)
    }

    init(checksum: UInt32, milliseconds: UInt64, lastSequence: UInt64) {
        self.checksum = checksum
        self.milliseconds = milliseconds
        self.lastSequence = lastSequence
    }

    /// The position of a follower after it has applied a record.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - lastSequence: The last known commit of the leader before.
    init(after record: LeaderRecord, lastSequence: UInt64) {
        self.init(
            checksum: record.header.checksum, milliseconds: record.header.milliseconds,
            lastSequence: max(lastSequence, record.lastSequence, record.header.sequence))
    }

    /// The position of a follower in a transaction.
    init(_ transaction: Transaction, _ meta: DatabaseID) throws(CodexError) {
        guard let bytes = unsafe try transaction.get(meta, Self.key).map({ unsafe Array($0) }),
            bytes.count == 24,
            let checksum = BigEndian.integer(bytes[..<8]).flatMap({ UInt32(exactly: $0) }),
            let milliseconds = BigEndian.integer(bytes[8..<16]),
            let lastSequence = BigEndian.integer(bytes[16...])
        else { throw Wire.corrupted("the place in the leader's log") }
        self.init(
            checksum: checksum, milliseconds: milliseconds, lastSequence: lastSequence)
    }
}
