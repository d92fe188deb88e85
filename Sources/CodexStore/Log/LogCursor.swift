internal import CodexCore

/// Reads the log's records one after another.
///
/// A record counts as the next one only if its number, its incarnation and its checksum continue
/// the previous record. So neither a torn record nor an old record of a recycled segment passes.
struct LogCursor: Sendable {
    let directory: LogDirectory
    /// The end of the last record that was read.
    private(set) var position: LogPosition
    private var segment: LogSegment?
    /// Bytes of the segment from `bufferOffset` on.
    private var buffer: [UInt8] = []
    private var bufferOffset = 0

    /// The number of bytes that are read at once.
    private static let chunkByteCount = 256 << 10

    /// Whether a record must continue its predecessor's checksum; a test turns that off.
    private let checksChain: Bool

    init(_ directory: LogDirectory, after position: LogPosition, checksChain: Bool = true) {
        self.directory = directory
        self.position = position
        self.checksChain = checksChain
    }

    /// The next record; `nil` if no complete record follows.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the position's segment is missing or is not a
    ///   segment.
    mutating func next() throws(CodexError) -> LogRecord? {
        try inSegments { cursor throws(CodexError) in try cursor.recordInSegment() }
    }

    /// The size of the next record in bytes, by its header; `nil` if none follows.
    ///
    /// Only the header is used. ``next()`` checks whether the record is complete.
    ///
    /// - Throws: As ``next()``.
    mutating func nextByteCount() throws(CodexError) -> Int? {
        try inSegments { cursor throws(CodexError) in
            try cursor.headerInSegment()?.recordByteCount
        }
    }

    private mutating func inSegments<R>(
        _ look: (inout LogCursor) throws(CodexError) -> R?
    ) throws(CodexError) -> R? {
        // Segments without records may follow one another.
        repeat {
            if let found = try look(&self) { return found }
            // The buffer may be older than the file.
            if !buffer.isEmpty {
                buffer = []
                if let found = try look(&self) { return found }
            }
        } while try enterNextSegment()
        return nil
    }

    private mutating func openSegment() throws(CodexError) -> LogSegment {
        if let segment { return segment }
        guard let opened = try directory.open(position.segment) else {
            throw directory.missing(position.segment)
        }
        segment = opened
        return opened
    }

    private mutating func headerInSegment() throws(CodexError) -> LogRecordHeader? {
        let segment = try openSegment()
        guard let start = try fill(segment, Int(position.offset), LogRecordHeader.byteCount),
            let header = LogRecordHeader(buffer, at: start), !header.isEnd,
            continues(header, segment)
        else { return nil }
        return header
    }

    private mutating func recordInSegment() throws(CodexError) -> LogRecord? {
        let segment = try openSegment()
        guard let header = try headerInSegment(),
            let start = try fill(
                segment, Int(position.offset),
                LogRecordHeader.byteCount + Int(header.bodyByteCount)),
            header.matches(buffer, at: start)
        else { return nil }
        position.sequence = header.sequence
        position.offset += UInt64(header.recordByteCount)
        position.checksum = header.checksum
        let body = start + LogRecordHeader.byteCount
        return LogRecord(
            header: header, bytes: buffer, body: body..<body + Int(header.bodyByteCount))
    }

    private func continues(_ header: LogRecordHeader, _ segment: LogSegment) -> Bool {
        header.sequence == position.sequence + 1
            && (header.previousChecksum == position.checksum || !checksChain)
            && header.incarnation == segment.header.incarnation
    }

    /// Reads `count` bytes from `offset` on into the buffer, unless they are there.
    ///
    /// It returns their position in the buffer, or `nil` if the segment has fewer bytes.
    private mutating func fill(
        _ segment: LogSegment, _ offset: Int, _ count: Int
    ) throws(CodexError) -> Int? {
        let start = offset - bufferOffset
        if start >= 0, start + count <= buffer.count { return start }
        guard offset + count <= segment.byteCount else { return nil }
        buffer = try segment.file.read(at: offset, count: max(count, Self.chunkByteCount))
        bufferOffset = offset
        return buffer.count >= count ? 0 : nil
    }

    /// Goes on to the next segment, if it begins where this one ended.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the current segment has later records. Then an
    ///   abandoned commit began the next segment, and a record of the current one is damaged.
    private mutating func enterNextSegment() throws(CodexError) -> Bool {
        guard let next = try directory.open(position.segment + 1),
            next.header.firstSequence == position.sequence + 1,
            next.header.previousChecksum == position.checksum
        else { return false }
        try requireUndamaged()
        segment = next
        buffer = []
        position.segment += 1
        position.offset = UInt64(LogSegmentHeader.byteCount)
        return true
    }

    /// Whether an end mark is at the position, or the segment has no room for one.
    private func isMarkedAsEnded(_ segment: LogSegment) throws(CodexError) -> Bool {
        let head = try segment.file.read(at: Int(position.offset), count: LogRecordHeader.byteCount)
        guard head.count == LogRecordHeader.byteCount else { return true }
        return isMark(head, segment)
    }

    private func isMark(_ head: [UInt8], _ segment: LogSegment) -> Bool {
        guard let header = LogRecordHeader(head), header.isEnd, header.bodyByteCount == 0 else {
            return false
        }
        return continues(header, segment) && header.matches(head, at: 0)
    }

    /// Whether the mark of the segment's end is at the position.
    ///
    /// The mark is written after the next segment exists.
    private mutating func isAtMark() throws(CodexError) -> Bool {
        let segment = try openSegment()
        let head = try segment.file.read(at: Int(position.offset), count: LogRecordHeader.byteCount)
        return head.count == LogRecordHeader.byteCount && isMark(head, segment)
    }

    /// Whether an incomplete record follows the last one.
    ///
    /// Old records of a recycled segment do not count: they have another incarnation.
    mutating func isTorn() throws(CodexError) -> Bool {
        let segment = try openSegment()
        let bytes = try segment.file.read(
            at: Int(position.offset), count: LogRecordHeader.byteCount)
        guard bytes.count == LogRecordHeader.byteCount else { return false }
        let sequence = LittleEndian.integer(bytes, at: 16, as: UInt64.self)
        let incarnation = LittleEndian.integer(bytes, at: 24, as: UInt64.self)
        // A mark of the segment's end is not a torn record.
        let isEnd = LogRecordHeader(bytes)?.isEnd ?? false
        return !isEnd
            && (incarnation == segment.header.incarnation || sequence == position.sequence + 1)
    }

    /// Throws if there is proof that records are missing after the last one.
    ///
    /// The proof is a later segment, or a later record that names a missing one as flushed to
    /// stable storage.
    ///
    /// A record that a power cut tore leaves no such proof: it was not on stable storage yet.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if there is proof.
    mutating func requireEnd() throws(CodexError) {
        let later = try directory.numbers().filter { $0 > position.segment }
        if let first = later.first {
            guard first == position.segment + 1 else {
                throw directory.missing(position.segment + 1)
            }
            // A next segment that an abandoned commit began is no proof.
            if let header = try? directory.open(first)?.header,
                header.firstSequence > position.sequence + 1
            {
                throw directory.damaged(
                    position.segment, "its records end before those of the next segment begin")
            }
        }
        if later.isEmpty, try isAtMark() { throw directory.missing(position.segment + 1) }
        try requireUndamaged()
    }

    private mutating func requireUndamaged() throws(CodexError) {
        guard try !isDamaged() else {
            throw directory.damaged(
                position.segment, "a record that was on stable storage cannot be read")
        }
    }

    /// Whether a later record in the segment proves that a record after the position is damaged.
    ///
    /// Such a record names a record after the position as flushed to stable storage.
    ///
    /// - Complexity: It reads the rest of the segment, unless an end mark is at the position.
    mutating func isDamaged() throws(CodexError) -> Bool {
        let segment = try openSegment()
        if try isMarkedAsEnded(segment) { return false }
        var offset = Int(position.offset)
        let countMax = UInt64(segment.byteCount / LogRecordHeader.byteCount)
        let possible = position.sequence + 1...position.sequence + 1 + countMax
        // Records do not overlap, and a power cut tears little. More bytes of records than this
        // bound are forged.
        var rest = 8 * segment.byteCount
        while offset + LogRecordHeader.byteCount <= segment.byteCount {
            let chunk = try segment.file.read(at: offset, count: Self.chunkByteCount)
            guard chunk.count >= LogRecordHeader.byteCount else { return false }
            for start in Self.places(in: chunk, sequences: possible) {
                guard let header = LogRecordHeader(chunk, at: start),
                    header.incarnation == segment.header.incarnation,
                    header.flushedSequence > position.sequence,
                    header.sequence > header.flushedSequence,
                    offset + start + header.recordByteCount <= segment.byteCount + 7
                else { continue }
                rest -= header.recordByteCount
                if rest < 0 || isWhole(header, segment, offset + start) { return true }
            }
            offset += chunk.count & ~7 - LogRecordHeader.byteCount + 8
        }
        return false
    }

    /// The places in `chunk` where a record with one of the numbers may begin.
    ///
    /// Records begin at multiples of 8 bytes.
    private static func places(
        in chunk: [UInt8], sequences: ClosedRange<UInt64>
    ) -> [Int] {
        unsafe chunk.withUnsafeBytes { bytes in
            var places: [Int] = []
            for start in stride(
                from: 0, through: bytes.count - LogRecordHeader.byteCount, by: 8)
            {
                let sequence = UInt64(
                    littleEndian: unsafe bytes.loadUnaligned(
                        fromByteOffset: start + 16, as: UInt64.self))
                if sequences.contains(sequence) { places.append(start) }
            }
            return places
        }
    }

    private func isWhole(_ header: LogRecordHeader, _ segment: LogSegment, _ offset: Int) -> Bool {
        let count = LogRecordHeader.byteCount + Int(header.bodyByteCount)
        guard offset + count <= segment.byteCount,
            let bytes = try? segment.file.read(at: offset, count: count), bytes.count == count
        else { return false }
        return header.matches(bytes, at: 0)
    }
}
