internal import CodexCore

/// The times that a log confirms, in milliseconds since 1970.
struct LogTimes: Sendable, Equatable {
    /// The time at the log's end.
    let newest: UInt64
    /// The latest time that the log confirms; at most ``newest``.
    let confirmed: UInt64

    /// The times if the log cannot be read: no data is old.
    static let unknown = LogTimes(newest: 0, confirmed: 0)

    /// The bytes of the last segment that are read for the times of its records.
    private static let windowByteCount = 64 << 10
    /// The maximum number of segments whose headers are read.
    private static let segmentCountMax = 32

    /// Reads the times in a store's log up to its last checkpoint.
    ///
    /// - Throws: If checkpoint or log cannot be read.
    init(of store: Directory, confirmation: UInt64) throws(CodexError) {
        let checkpoint = try Checkpoint(of: store)
        let log = try LogDirectory(store: store, id: checkpoint.storeID)
        try self.init(log, before: checkpoint.position, confirmation: confirmation)
    }

    /// Reads the times in a log backward from a position, until the evidence is complete.
    ///
    /// - Complexity: It reads 64 KiB, and the headers of at most 32 further segments.
    private init(
        _ log: LogDirectory, before position: LogPosition, confirmation: UInt64
    ) throws(CodexError) {
        guard let segment = try log.open(position.segment) else {
            throw log.missing(position.segment)
        }
        defer { segment.file.close() }
        var evidence = Evidence(confirmation)
        for time in try Self.recordTimes(segment, before: position) { evidence.take(time) }
        try evidence.take(beginningOf: segment, before: position)
        var oldest = segment.header
        let numbers = try log.numbers().filter { $0 < position.segment }
        for number in numbers.suffix(Self.segmentCountMax).reversed() where !evidence.isComplete {
            guard let older = try log.open(number) else { break }
            defer { older.file.close() }
            oldest = older.header
            try evidence.take(beginningOf: older, before: position)
        }
        self = evidence.times(isWholeLog: oldest.firstSequence == 1)
    }

    /// Evaluates times that were read already.
    ///
    /// - Parameters:
    ///   - newestFirst: The times, from the end of the log back.
    ///   - isWholeLog: Whether the times reach back to the store's first commit.
    ///   - confirmation: The time for which a clock must run without a step to be trusted.
    init(newestFirst: [UInt64], isWholeLog: Bool, confirmation: UInt64) {
        var evidence = Evidence(confirmation)
        for time in newestFirst { evidence.take(time) }
        self = evidence.times(isWholeLog: isWholeLog)
    }

    fileprivate init(newest: UInt64, confirmed: UInt64) {
        self.newest = newest
        self.confirmed = confirmed
    }

    /// The times of the last records of a segment before a position, the newest first.
    ///
    /// A record is found by its end, its number and its checksum. The next record has that checksum
    /// too.
    private static func recordTimes(
        _ segment: LogSegment, before position: LogPosition
    ) throws(CodexError) -> [UInt64] {
        let start = max(
            LogSegmentHeader.byteCount, Int(clamping: position.offset) - windowByteCount)
        let count = Int(clamping: position.offset) - start
        guard count >= LogRecordHeader.byteCount else { return [] }
        let bytes = try segment.file.read(at: start, count: count)
        guard bytes.count == count else { return [] }
        var times: [UInt64] = []
        var (end, sequence, checksum) = (count, position.sequence, position.checksum)
        var place = end - LogRecordHeader.byteCount
        while place >= 0 {
            if LittleEndian.integer(bytes, at: place + 16, as: UInt64.self) == sequence,
                let header = LogRecordHeader(bytes, at: place), header.checksum == checksum,
                header.incarnation == segment.header.incarnation,
                place + header.recordByteCount == end
            {
                times.append(header.milliseconds)
                (end, sequence, checksum) = (place, sequence - 1, header.previousChecksum)
                place = end - LogRecordHeader.byteCount
            } else {
                // Records begin at multiples of 8 bytes.
                place -= 8
            }
        }
        return times
    }
}

/// Takes the times of a log, from the newest back, until they show which time is certain.
///
/// Times that follow each other closely form a run. A run that is as long as the confirmation is
/// trusted. The end of a shorter run is not trusted, since the clock may have been set before it.
/// Then the time before the run is the bound.
private struct Evidence {
    private let confirmation: UInt64
    private var newest: UInt64?
    private var bound = UInt64.max
    /// The last and the first time of the current run.
    private var last: UInt64 = 0
    private var first: UInt64 = 0
    private(set) var isComplete = false

    init(_ confirmation: UInt64) { self.confirmation = confirmation }

    mutating func take(_ time: UInt64) {
        guard !isComplete else { return }
        if newest == nil { newest = time }
        if bound == .max || time > first {
            // This is the newest time, or the clock was set back after it.
            last = time
        } else if first - time > confirmation {
            isComplete = true
        }
        first = time
        bound = min(bound, isComplete ? first : last)
        if last - first >= confirmation { isComplete = true }
    }

    /// Takes the times of a segment's first record and of its header.
    ///
    /// The record counts only if it is before a position. A restored log has headers that are newer
    /// than its records.
    mutating func take(
        beginningOf segment: LogSegment, before position: LogPosition
    ) throws(CodexError) {
        let header = segment.header
        if header.firstSequence <= position.sequence {
            let bytes = try segment.file.read(
                at: LogSegmentHeader.byteCount, count: LogRecordHeader.byteCount)
            if let record = LogRecordHeader(bytes), record.sequence == header.firstSequence,
                record.incarnation == header.incarnation
            {
                take(record.milliseconds)
            }
        }
        take(header.milliseconds)
    }

    /// The times of the log.
    ///
    /// `isWholeLog` is whether the taken times reach back to the store's first commit.
    func times(isWholeLog: Bool) -> LogTimes {
        guard let newest else { return .unknown }
        let isKnown = isComplete || isWholeLog
        return LogTimes(newest: newest, confirmed: isKnown ? bound : 0)
    }
}
