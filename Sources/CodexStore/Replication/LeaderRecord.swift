internal import CodexCore
internal import FoundationEssentials

/// The encoding of a commit's record between a leader and a follower; byte map in `Docs/Format.md`.
///
/// ```
/// byte  0  8 bytes  CODEXREC
///       8  u32      1: the form
///      12  u32      CRC-32 of bytes 16 to 88; with the record's header, so it covers the length
///      16  16 bytes the leader's identity
///      32  u64      the leader's last commit at the time of sending
///      40           the record, header and body, in the form of the leader's log
/// ```
struct LeaderRecord: Sendable {
    /// The store whose log has the record.
    let storeID: UUID
    /// The leader's last commit when the record was sent.
    let lastSequence: UInt64
    let record: LogRecord

    var header: LogRecordHeader { record.header }

    private static let magic = Array("CODEXREC".utf8)
    private static let form: UInt32 = 1
    private static let byteCount = 40
    private static let headByteCount = byteCount + LogRecordHeader.byteCount

    /// Adds the encoded form of a record of a log.
    static func append(
        _ record: LogRecord, of storeID: UUID, lastSequence: UInt64, to bytes: inout [UInt8]
    ) {
        var envelope = magic
        LittleEndian.append(form, to: &envelope)
        LittleEndian.append(UInt32(0), to: &envelope)
        envelope += storeID.byteArray
        LittleEndian.append(lastSequence, to: &envelope)
        let start = record.body.lowerBound - LogRecordHeader.byteCount
        envelope += record.bytes[start..<record.body.lowerBound]
        LittleEndian.replace(
            Compression.checksum(envelope, in: 16..<headByteCount, after: 0), in: &envelope, at: 12)
        bytes += envelope
        bytes += record.bytes[record.body]
        bytes += [UInt8](
            repeating: 0, count: record.header.recordByteCount - (record.body.upperBound - start))
    }

    /// Reads the record that begins at `start`.
    ///
    /// - Returns: The record and the number of its bytes; `nil` if it is not complete yet.
    /// - Throws: ``CodexError/Code/corrupted`` for bytes that are no record, at the first byte that
    ///   shows it; ``CodexError/Code/unsupportedFormat``.
    fileprivate static func read(
        _ bytes: [UInt8], at start: Int
    ) throws(CodexError) -> (record: LeaderRecord, byteCount: Int)? {
        let count = bytes.count - start
        guard bytes[start...].prefix(magic.count).elementsEqual(magic.prefix(count)) else {
            throw notRecords
        }
        guard count >= headByteCount else { return nil }
        let form = LittleEndian.integer(bytes, at: start + 8, as: UInt32.self)
        guard form == Self.form else {
            throw CodexError(
                .unsupportedFormat,
                "The leader's records have form \(form); this release reads \(Self.form). "
                    + "Use the leader's release.")
        }
        guard
            Compression.checksum(bytes, in: start + 16..<start + headByteCount, after: 0)
                == LittleEndian.integer(bytes, at: start + 12, as: UInt32.self),
            let storeID = UUID(byteArray: Array(bytes[start + 16..<start + 32]))
        else { throw damaged }
        let lastSequence = LittleEndian.integer(bytes, at: start + 32, as: UInt64.self)
        guard lastSequence < 1 << 62 else { throw damaged }
        let head = start + byteCount
        guard let header = LogRecordHeader(bytes, at: head), !header.isEnd,
            header.sequence < 1 << 62
        else { throw damaged }
        let end = head + header.recordByteCount
        guard bytes.count >= end else { return nil }
        guard header.matches(bytes, at: head) else { throw damaged }
        let body = LogRecordHeader.byteCount..<LogRecordHeader.byteCount + Int(header.bodyByteCount)
        let record = LeaderRecord(
            storeID: storeID,
            lastSequence: lastSequence,
            record: LogRecord(header: header, bytes: Array(bytes[head..<end]), body: body))
        return (record, end - start)
    }

    private static var notRecords: CodexError {
        CodexError(
            .corrupted,
            "The received bytes are no record of a leader. Send what `replicationStream(after:)` "
                + "gives (`codexflow tail --records`), from the beginning of a record on.")
    }

    private static var damaged: CodexError {
        CodexError(
            .corrupted,
            "A record was damaged on its way from the leader. Ask for it again, after the follower's "
                + "last commit.")
    }
}

/// Assembles records from the pieces that a transport delivers.
struct RecordDecoder {
    private var buffer: [UInt8] = []
    private var position = 0

    /// Adds the next piece, of any size.
    mutating func append(_ bytes: [UInt8]) {
        if position > 0 {
            buffer.removeSubrange(..<position)
            position = 0
        }
        buffer += bytes
    }

    /// The next complete record; `nil` if there is none yet.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/unsupportedFormat``.
    mutating func next() throws(CodexError) -> LeaderRecord? {
        guard position < buffer.count else { return nil }
        guard let (record, byteCount) = try LeaderRecord.read(buffer, at: position) else {
            return nil
        }
        position += byteCount
        return record
    }
}
