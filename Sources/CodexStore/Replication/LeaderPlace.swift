internal import CodexCore

/// Where a follower is in its leader's log: in `meta` and, for a recovery, in each record of its own.
struct LeaderPlace: Hashable {
    /// The checksum of the leader's record that was applied last, which the next goes on from: one of
    /// another history does not.
    var checksum: UInt32
    /// The last commit that the leader is known to have.
    var lastSequence: UInt64

    static let key = Array("leader".utf8)

    var bytes: [UInt8] { BigEndian.bytes(UInt64(checksum)) + BigEndian.bytes(lastSequence) }

    init(checksum: UInt32, lastSequence: UInt64) {
        self.checksum = checksum
        self.lastSequence = lastSequence
    }

    init(_ bytes: [UInt8]) throws(CodexError) {
        guard bytes.count == 16,
            let checksum = BigEndian.integer(bytes[..<8]).flatMap({ UInt32(exactly: $0) }),
            let lastSequence = BigEndian.integer(bytes[8...])
        else { throw Wire.corrupted("the place in the leader's log") }
        self.init(checksum: checksum, lastSequence: lastSequence)
    }
}

extension TransactionContext {
    /// Where the store is in its leader's log.
    func leaderPlace() throws(CodexError) -> LeaderPlace {
        guard let stored = unsafe try transaction.get(catalog.meta, LeaderPlace.key) else {
            throw Wire.corrupted("the place in the leader's log")
        }
        return try LeaderPlace(unsafe Array(stored))
    }
}
