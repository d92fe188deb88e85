internal import CodexCore

/// What the times in a log say of the clock that they were taken from, in milliseconds since 1970.
struct LogTimes: Sendable, Equatable {
    /// The time at the log's end.
    let newest: UInt64
    /// The latest time that the log confirms; at most ``newest``.
    let confirmed: UInt64

    /// What is known if the log cannot be read: nothing is old.
    static let unknown = LogTimes(newest: 0, confirmed: 0)

    /// How much of the last segment is read for the times of its records.
    private static let windowByteCount = 64 << 10
    /// Most segments whose headers are read.
    private static let segmentCountMax = 32

    /// Reads the times in a store's log at its last checkpoint and before it.
    ///
    /// - Throws: If checkpoint or log cannot be read.
    init(of store: Directory, confirmation: UInt64) throws(CodexError) {
        let checkpoint = try Checkpoint(of: store)
        let log = try LogDirectory(store: store, id: checkpoint.storeID)
        try self.init(log, before: checkpoint.position, confirmation: confirmation)
    }

    /// Reads the times in a log, from a position back, until they are enough.
    ///
    /// - Complexity: It reads 64 KiB, and the headers of few segments.
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

    /// Judges times that were read already.
    ///
    /// - Parameters:
    ///   - newestFirst: The times, from the end of the log back.
    ///   - isWholeLog: Whether they go back to the store's first commit.
    ///   - confirmation: How long a clock must go on without a step to be right.
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
    /// A record is found by its end, its number and its checksum, which its successor has too.
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

/// Takes the times of a log, from the newest back, until they say which of them to believe.
///
/// Times that follow each other closely are a run. A run as long as the confirmation is believed.
/// The end of a shorter one is not: before it the clock may have been set. Then the time before
/// that bounds it.
private struct Evidence {
    private let confirmation: UInt64
    private var newest: UInt64?
    private var bound = UInt64.max
    /// The ends of the run that is being read.
    private var last: UInt64 = 0
    private var first: UInt64 = 0
    private(set) var isComplete = false

    init(_ confirmation: UInt64) { self.confirmation = confirmation }

    mutating func take(_ time: UInt64) {
        guard !isComplete else { return }
        if newest == nil { newest = time }
        if bound == .max || time > first {
            // The newest, or the clock was set back after it.
            last = time
        } else if first - time > confirmation {
            isComplete = true
        }
        first = time
        bound = min(bound, isComplete ? first : last)
        if last - first >= confirmation { isComplete = true }
    }

    /// Takes the times of a segment's first record, if it is before a position, and of its header: a
    /// restored log has headers that are newer than its records.
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

    /// What the log says of the time; `isWholeLog` if nothing in the store is older than what was taken.
    func times(isWholeLog: Bool) -> LogTimes {
        guard let newest else { return .unknown }
        let isKnown = isComplete || isWholeLog
        return LogTimes(newest: newest, confirmed: isKnown ? bound : 0)
    }
}
