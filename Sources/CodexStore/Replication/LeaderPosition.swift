internal import CodexCore

/// Where a follower is in its leader's log: in `meta` and, for a recovery, in each record of its own.
struct LeaderPosition: Hashable {
    /// The checksum of the leader's record that was applied last, which the next goes on from: one of
    /// another history does not.
    var checksum: UInt32
    /// When the leader committed it, in milliseconds since 1970; 0 if that is not known.
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

    /// Where a follower is once a record is applied.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - lastSequence: What the leader was known to have before.
    init(after record: LeaderRecord, lastSequence: UInt64) {
        self.init(
            checksum: record.header.checksum, milliseconds: record.header.milliseconds,
            lastSequence: max(lastSequence, record.lastSequence, record.header.sequence))
    }

    /// Where a follower is by a transaction.
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
