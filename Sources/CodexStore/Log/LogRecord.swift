internal import CodexCore

/// The head of a record in the log; byte map in `Docs/Format.md`.
///
/// ```
/// byte  0  u32  CRC-32 of the rest, continuing the previous record's
///       4  u32  bytes of the body
///       8  u32  the previous record's CRC-32
///      12  u32  1: the segment ends here; otherwise 0
///      16  u64  sequence number
///      24  u64  incarnation
///      32  u64  the last sequence number on stable storage when this was written
///      40  u64  milliseconds since 1970
///      48       the body, then zeros up to a multiple of 8
/// ```
struct LogRecordHeader: Equatable {
    var checksum: UInt32 = 0
    var bodyByteCount: UInt32
    var previousChecksum: UInt32
    var isEnd: Bool
    var sequence: UInt64
    var incarnation: UInt64
    var flushedSequence: UInt64
    var milliseconds: UInt64

    static let byteCount = 48
    /// The maximum bytes of a body: more than a transaction of LMDB's 512 MiB of pages makes.
    static let bodyByteCountMax = 2 << 30

    /// The bytes of the record in its segment.
    var recordByteCount: Int { (Self.byteCount + Int(bodyByteCount) + 7) & ~7 }

    /// Puts the header in front of a body that has room for it, pads it, and adds the checksum.
    ///
    /// - Returns: The checksum.
    func finish(_ record: inout [UInt8]) -> UInt32 {
        LittleEndian.replace(bodyByteCount, in: &record, at: 4)
        LittleEndian.replace(previousChecksum, in: &record, at: 8)
        LittleEndian.replace(UInt32(isEnd ? 1 : 0), in: &record, at: 12)
        LittleEndian.replace(sequence, in: &record, at: 16)
        LittleEndian.replace(incarnation, in: &record, at: 24)
        LittleEndian.replace(flushedSequence, in: &record, at: 32)
        LittleEndian.replace(milliseconds, in: &record, at: 40)
        let checksum = Compression.checksum(record, in: 4..<record.count, after: previousChecksum)
        LittleEndian.replace(checksum, in: &record, at: 0)
        while record.count < recordByteCount { record.append(0) }
        return checksum
    }

    /// Reads a header; `nil` for bytes that cannot be a header.
    init?(_ bytes: [UInt8], at offset: Int = 0) {
        guard bytes.count >= offset + Self.byteCount else { return nil }
        checksum = LittleEndian.integer(bytes, at: offset)
        bodyByteCount = LittleEndian.integer(bytes, at: offset + 4)
        previousChecksum = LittleEndian.integer(bytes, at: offset + 8)
        let flags = LittleEndian.integer(bytes, at: offset + 12, as: UInt32.self)
        isEnd = flags == 1
        sequence = LittleEndian.integer(bytes, at: offset + 16)
        incarnation = LittleEndian.integer(bytes, at: offset + 24)
        flushedSequence = LittleEndian.integer(bytes, at: offset + 32)
        milliseconds = LittleEndian.integer(bytes, at: offset + 40)
        guard flags <= 1, sequence > 0, Int(bodyByteCount) <= Self.bodyByteCountMax else {
            return nil
        }
    }

    init(
        bodyByteCount: UInt32, previousChecksum: UInt32, isEnd: Bool = false, sequence: UInt64,
        incarnation: UInt64, flushedSequence: UInt64, milliseconds: UInt64
    ) {
        self.bodyByteCount = bodyByteCount
        self.previousChecksum = previousChecksum
        self.isEnd = isEnd
        self.sequence = sequence
        self.incarnation = incarnation
        self.flushedSequence = flushedSequence
        self.milliseconds = milliseconds
    }

    /// Whether header and body of the record at `offset` match its checksum.
    ///
    /// `bytes` must have the whole record.
    func matches(_ bytes: [UInt8], at offset: Int) -> Bool {
        Compression.checksum(
            bytes, in: offset + 4..<offset + Self.byteCount + Int(bodyByteCount),
            after: previousChecksum) == checksum
    }
}

/// A record that was read: its header, and the range of its body in the bytes.
struct LogRecord: Sendable {
    let header: LogRecordHeader
    let bytes: [UInt8]
    let body: Range<Int>
}
