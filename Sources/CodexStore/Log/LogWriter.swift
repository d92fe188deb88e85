internal import CodexCore
internal import FoundationEssentials
internal import Synchronization

/// Appends commits to the log.
///
/// Only the holder of LMDB's write lock uses it, so one thread of one process at a time; any thread
/// may call ``flush()``. The end of the log is not kept here. It is read from LMDB at each commit,
/// since other processes append too.
///
/// Sendable: `segment` is only used with LMDB's write lock held.
final class LogWriter: @unchecked Sendable {
    let directory: LogDirectory
    let space: LogSpace
    private let lease: StoreLease
    private let options: StoreOptions
    private var segment: LogSegment?
    private let tail = Locked(Tail())
    /// Whether a flush of the log failed in this process.
    private let hasFlushFailed = Atomic(false)
    /// Whether the observer was told of a failed flush.
    private let isFailureReported = Atomic(false)

    /// The part of the log that ``flush()`` must flush.
    private struct Tail {
        var file: File?
        var appendedSequence: UInt64 = 0
        var flushedSequence: UInt64 = 0
    }

    init(_ directory: LogDirectory, _ lease: StoreLease, _ options: StoreOptions) {
        self.directory = directory
        space = LogSpace(directory, lease, options)
        self.lease = lease
        self.options = options
    }

    /// A record that has a position but is not written yet.
    struct Planned {
        let position: LogPosition
        /// The last record that is on stable storage once the record's commit is visible.
        let flushedSequence: UInt64
        fileprivate let segment: LogSegment
        fileprivate let offset: Int
    }

    // MARK: Appending

    /// Finds the position of a record, and completes the record.
    ///
    /// If the current segment is full, a new segment begins.
    ///
    /// - Parameters:
    ///   - record: The room for the header, and the body.
    ///   - position: The end of the log.
    ///   - flushed: The last record that is known to be on stable storage, flushed by any process.
    ///   - changeCount: The number of changes of items in the body.
    ///   - milliseconds: The time of the commit; by default, the current time.
    ///   - use: The room that the commit may use on a device that is nearly full.
    /// - Returns: The record's position.
    /// - Throws: ``CodexError/Code/transactionTooLarge``, ``CodexError/Code/diskFull`` if there is
    ///   no room for a new segment, ``CodexError/Code/outcomeUnknown`` if a flush failed: a caller
    ///   that has written nothing yet turns it into `writesRefused` (`StoreLease.refusal`).
    func plan(
        _ record: inout [UInt8], after position: LogPosition, flushed: UInt64 = 0,
        changeCount: Int, milliseconds: UInt64? = nil, _ use: RoomUse = .growing
    ) throws(CodexError) -> Planned {
        guard record.count - LogRecordHeader.byteCount <= LogRecordHeader.bodyByteCountMax else {
            throw CodexError(
                .transactionTooLarge, "The transaction changes more than 2 GiB. Split it.")
        }
        var segment = try open(position)
        var offset = Int(position.offset)
        if offset + record.count + 8 > segment.byteCount {
            segment = try beginSegment(
                after: position, from: segment, room: record.count + 8, use)
            offset = LogSegmentHeader.byteCount
        }
        let flushed = max(flushed, tail.withLock { $0.flushedSequence })
        let header = LogRecordHeader(
            bodyByteCount: UInt32(record.count - LogRecordHeader.byteCount),
            previousChecksum: position.checksum,
            sequence: position.sequence + 1, incarnation: segment.header.incarnation,
            flushedSequence: flushed, milliseconds: milliseconds ?? now)
        let checksum = header.finish(&record)
        let end = LogPosition(
            sequence: header.sequence, segment: segment.header.number,
            offset: UInt64(offset + record.count), checksum: checksum,
            changeCount: position.changeCount + UInt64(changeCount))
        let flushesEach = if case .everyCommit = options.durability.level { true } else { false }
        return Planned(
            position: end, flushedSequence: flushesEach ? end.sequence : flushed, segment: segment,
            offset: offset)
    }

    /// Writes a planned record, and flushes it if each commit must be flushed and no record
    /// follows.
    ///
    /// - Throws: ``CodexError/Code/writesRefused`` if a flush failed since the transaction began;
    ///   then nothing is written. ``CodexError/Code/outcomeUnknown`` if the write or flush fails;
    ///   the store then refuses writes.
    func write(
        _ record: [UInt8], _ planned: Planned, isLast: Bool = true
    ) throws(CodexError) {
        try lease.requireWritable()
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try options.parts.perform(.appendRecord) { () throws(CodexError) in
                try planned.segment.file.write(record, at: planned.offset)
            }
            options.reached(.recordAppended)
            // The segment is set only now: if a commit is abandoned before, another process may
            // make the segment again.
            segment = planned.segment
            tail.withLock { tail in
                tail.file = planned.segment.file
                tail.appendedSequence = planned.position.sequence
            }
            if isLast, case .everyCommit = options.durability.level { try flushTail() }
        }
        if isLast { options.reached(.recordFlushed) }
    }

    /// Waits until all records of this process are on stable storage.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown``; the store then refuses writes.
    func flush() throws(CodexError) {
        try reportingFailure { () throws(CodexError) in try flushTail() }
    }

    /// Opens the segment of a position, by a separate descriptor.
    func openSegment(of position: LogPosition) throws(CodexError) -> LogSegment {
        guard let opened = try directory.open(position.segment, for: .write) else {
            throw directory.missing(position.segment)
        }
        return opened
    }

    /// Waits until the log up to a position is on stable storage, including records of other
    /// processes.
    ///
    /// - Parameters:
    ///   - position: The position.
    ///   - segment: Its segment, which was opened under LMDB's write lock.
    /// - Throws: ``CodexError/Code/outcomeUnknown``; the store then refuses writes.
    func flush(through position: LogPosition, in segment: LogSegment) throws(CodexError) {
        // The segments before it were flushed when it was begun.
        try reportingFailure { () throws(CodexError) in try flush(segment.file) }
        tail.withLock { tail in
            if tail.appendedSequence <= position.sequence {
                tail.flushedSequence = tail.appendedSequence
            }
        }
    }

    private func flushTail() throws(CodexError) {
        let (file, sequence) = tail.withLock { tail in
            (tail.appendedSequence > tail.flushedSequence ? tail.file : nil, tail.appendedSequence)
        }
        guard let file else { return }
        try flush(file)
        tail.withLock { $0.flushedSequence = max($0.flushedSequence, sequence) }
    }

    /// Flushes the log, and makes the store refuse writes if that fails.
    ///
    /// At ``Durability/Level/interval(_:)`` the observer is told once. After any failed flush, the
    /// flushes in the background end, and acknowledged commits may be lost.
    private func reportingFailure(_ flush: () throws(CodexError) -> Void) throws(CodexError) {
        do throws(CodexError) {
            try lease.refusingWritesOnFailure(flush)
        } catch {
            if case .interval = options.durability.level,
                !isFailureReported.exchange(true, ordering: .relaxed)
            {
                options.observer?(.logFlushFailed(code: error.code, message: error.message))
            }
            throw error
        }
    }

    /// Whether the log may be flushed: no flush of it failed in this process.
    var canFlush: Bool { !hasFlushFailed.load(ordering: .relaxed) }

    /// Flushes a segment, unless a flush of the log failed in this process.
    ///
    /// Linux drops the pages of a failed flush: a second flush would succeed without them. After
    /// other failures, the log's content is still flushed.
    private func flush(_ file: File) throws(CodexError) {
        guard canFlush else { throw StoreLease.refused() }
        do throws(CodexError) {
            try options.parts.perform(.flushLog) { () throws(CodexError) in try file.flush() }
        } catch {
            hasFlushFailed.store(true, ordering: .relaxed)
            throw error
        }
    }

    private var now: UInt64 { options.nowMilliseconds }

    private func open(_ position: LogPosition) throws(CodexError) -> LogSegment {
        if let segment, segment.header.number == position.segment { return segment }
        let opened = try openSegment(of: position)
        segment = opened
        return opened
    }

    /// Closes the files; the writer must not be used afterwards.
    func close() {
        segment?.file.close()
        segment = nil
        tail.withLock { $0.file = nil }
    }

    // MARK: What others left

    /// Whether a record follows that another process appended but did not apply.
    ///
    /// - Complexity: One read of a record's header.
    func hasMore(after position: LogPosition) throws(CodexError) -> Bool {
        let segment = try open(position)
        let head = try segment.file.read(
            at: Int(position.offset), count: LogRecordHeader.byteCount)
        // If there is no room for an end mark, the next segment may have begun.
        if head.count == LogRecordHeader.byteCount {
            guard let header = LogRecordHeader(head), header.sequence == position.sequence + 1
            else { return false }
        }
        var cursor = LogCursor(directory, after: position)
        return try cursor.next() != nil
    }

    /// Writes records again that may be in memory only, and flushes them.
    func rewrite(from start: LogPosition, to end: LogPosition) throws(CodexError) {
        guard start.sequence < end.sequence else { return }
        for number in start.segment...end.segment {
            guard let segment = try directory.open(number, for: .write) else {
                throw directory.missing(number)
            }
            var offset =
                number == start.segment ? Int(start.offset) : LogSegmentHeader.byteCount
            let limit = number == end.segment ? Int(end.offset) : segment.byteCount
            try lease.refusingWritesOnFailure { () throws(CodexError) in
                while offset < limit {
                    let bytes = try segment.file.read(
                        at: offset, count: min(limit - offset, 1 << 20))
                    try segment.file.write(bytes, at: offset)
                    offset += max(bytes.count, 1)
                }
                try flush(segment.file)
            }
        }
    }

    // MARK: Segments

    /// Begins a segment in a new file, without records of earlier segments.
    ///
    /// - Parameter position: The end of the log.
    /// - Returns: The segment's number.
    /// - Throws: ``CodexError/Code/diskFull``, ``CodexError/Code/outcomeUnknown`` if a flush
    ///   failed.
    func renew(after position: LogPosition) throws(CodexError) -> UInt64 {
        let old = try open(position)
        let new = try beginSegment(after: position, from: old, room: 0, .growing, isFresh: true)
        defer { new.file.close() }
        return new.header.number
    }

    /// Begins the next segment, durably, and marks the end of the current one.
    private func beginSegment(
        after position: LogPosition, from old: LogSegment, room: Int, _ use: RoomUse,
        isFresh: Bool = false
    ) throws(CodexError) -> LogSegment {
        try reportingFailure { () throws(CodexError) in try flush(old.file) }
        tail.withLock { $0.flushedSequence = max($0.flushedSequence, $0.appendedSequence) }
        let new = try space.makeSegment(
            old.header.number + 1, after: position, incarnation: old.header.incarnation,
            previous: old.byteCount, room: room, use, isFresh: isFresh)
        let offset = Int(position.offset)
        if offset + LogRecordHeader.byteCount <= old.byteCount {
            var mark = [UInt8](repeating: 0, count: LogRecordHeader.byteCount)
            let header = LogRecordHeader(
                bodyByteCount: 0, previousChecksum: position.checksum, isEnd: true,
                sequence: position.sequence + 1, incarnation: old.header.incarnation,
                flushedSequence: position.sequence, milliseconds: now)
            _ = header.finish(&mark)
            try lease.refusingWritesOnFailure { () throws(CodexError) in
                try old.file.write(mark, at: offset)
            }
        }
        options.reached(.segmentMarked)
        return new
    }
}
