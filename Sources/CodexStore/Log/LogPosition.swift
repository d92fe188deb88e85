internal import CodexCore

/// A position in the log: the end of a commit's record.
///
/// LMDB has the position of the last applied commit under ``key``, stored in that commit's
/// transaction. A checkpoint has the position of its snapshot.
///
/// The entry is in the unnamed database, beside the roots of the trees: each commit writes that
/// page, so the position costs none. Formats before 5 have it in the database `meta`.
struct LogPosition: Hashable, Sendable {
    /// The commit's number: one more than the previous commit's.
    var sequence: UInt64
    /// The number of the segment that has the record.
    var segment: UInt64
    /// The end of the record in the segment, in bytes.
    var offset: UInt64
    /// The record's checksum, which the next record's checksum continues.
    var checksum: UInt32
    /// The number of changes of items up to here, since the store was created.
    var changeCount: UInt64

    static let byteCount = 36
    /// The position before any is read.
    static let none = LogPosition(
        sequence: 0, segment: 0, offset: 0, checksum: 0, changeCount: 0)
    /// The key of the position, which is the name of no database.
    static let key = Array("sequence".utf8)

    /// The form that is stored in LMDB: five integers, big-endian.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount + 8)
        for value in [sequence, segment, offset] { BigEndian.append(value, to: &bytes) }
        BigEndian.append(checksum, to: &bytes)
        BigEndian.append(changeCount, to: &bytes)
        return bytes
    }

    init(
        sequence: UInt64, segment: UInt64, offset: UInt64, checksum: UInt32, changeCount: UInt64
    ) {
        self.sequence = sequence
        self.segment = segment
        self.offset = offset
        self.checksum = checksum
        self.changeCount = changeCount
    }

    /// The form that is stored in LMDB, with the last sequence number on stable storage.
    func bytes(flushed: UInt64) -> [UInt8] {
        var bytes = bytes
        BigEndian.append(flushed, to: &bytes)
        return bytes
    }

    /// The last sequence number on stable storage, in the form that is stored in LMDB.
    static func flushedSequence(_ bytes: [UInt8]) -> UInt64 {
        bytes.count == byteCount + 8 ? BigEndian.integer(bytes.suffix(8)) ?? 0 : 0
    }

    /// Reads the position in the log up to which a transaction has applied it.
    init(_ transaction: Transaction, _ meta: DatabaseID) throws(CodexError) {
        try self.init(Self.storedBytes(transaction, meta))
    }

    /// The form that is stored in LMDB, as a transaction sees it.
    static func storedBytes(
        _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> [UInt8] {
        guard let bytes = try bytesIfStored(transaction, meta) else {
            throw Wire.corrupted("the position in the log")
        }
        return bytes
    }

    /// The form that is stored in LMDB, in its place of this format or of an earlier one; `nil` if
    /// there is none.
    static func bytesIfStored(
        _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> [UInt8]? {
        if let bytes = unsafe try transaction.get(DatabaseID.unnamed, key) {
            return unsafe Array(bytes)
        }
        return unsafe try transaction.get(meta, key).map { unsafe Array($0) }
    }

    /// Stores the bytes of a position, and removes those of an earlier format.
    static func put(
        _ bytes: [UInt8], _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) {
        let isFirst = unsafe try transaction.get(DatabaseID.unnamed, key) == nil
        try transaction.put(DatabaseID.unnamed, key, bytes)
        if isFirst { try transaction.delete(meta, key) }
    }

    /// Reads the form that is stored in LMDB; before format 3, it was only the sequence number.
    init(_ bytes: [UInt8]) throws(CodexError) {
        guard [8, Self.byteCount, Self.byteCount + 8].contains(bytes.count) else {
            throw Wire.corrupted("the position in the log")
        }
        func integer(_ range: Range<Int>) -> UInt64 {
            guard range.upperBound <= bytes.count else { return 0 }
            return bytes[range].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(
            sequence: integer(0..<8), segment: integer(8..<16), offset: integer(16..<24),
            checksum: UInt32(integer(24..<28)), changeCount: integer(28..<36))
        guard sequence < 1 << 62, segment < 1 << 62, offset < 1 << 48, changeCount < 1 << 62 else {
            throw Wire.corrupted("the position in the log")
        }
    }
}
