internal import CodexCore

/// The result of ``Store/archiveLog(to:)``.
public struct ArchiveReport: Sendable, Hashable {
    /// The first commit from which the archive is complete.
    ///
    /// The archive continues backups of that commit, of the one before it, and of later ones.
    public let firstSequence: UInt64
    /// The last commit in the archive.
    public let sequence: UInt64
    /// The number of segments that were written.
    public let segmentCount: Int
    /// The byte count of those segments in the archive.
    public let byteCount: Int
    /// Whether commits since the last call are missing, because the log no longer retained them.
    ///
    /// Then the archive does not continue backups from before ``firstSequence``: make a backup now.
    public let hasGap: Bool
}

extension Store {
    /// Brings an archive of the log up to date, while the store is in use.
    ///
    /// A backup and the archive restore any moment since the backup
    /// (``restore(_:archive:to:at:asFollower:)``). With a call every hour, the loss of the machine
    /// loses at most one hour. Call it more often than the log's retention ends
    /// (``StoreOptions/changeRetention``), or the archive gets a gap. Calls that archive into one
    /// directory wait for each other. Cancellation has no effect, and ``close()`` waits for the
    /// call. A new archive gets the group and the modes of the store's directory (``FileAccess``);
    /// later files get those of the archive's directory.
    ///
    /// - Parameter path: The archive's directory; the call makes it if there is none.
    /// - Returns: A report of the update.
    /// - Throws: ``CodexError/Code/notAStore`` if it is another store's archive,
    ///   ``CodexError/Code/corrupted`` if the log is damaged, ``CodexError/Code/diskFull``,
    ///   ``CodexError/Code/closed``.
    /// - Complexity: It reads the segments that are not archived, and writes them compressed.
    @discardableResult
    public func archiveLog(to path: String) async throws -> ArchiveReport {
        let core = core
        return try await Self.onWorker { () throws(CodexError) in
            try core.whileOpen { () throws(CodexError) in try ArchiveUpdate(core).make(at: path) }
        }
    }
}

/// One update of an archive of the log.
private struct ArchiveUpdate {
    private let core: StoreCore
    private var logDirectory: LogDirectory { core.logDirectory }

    init(_ core: StoreCore) { self.core = core }

    func make(at path: String) throws(CodexError) -> ArchiveReport {
        try LogArchive.withLock(
            making: path, for: core.catalog.manifest.storeID, core.directory.modesOfCopies
        ) { archive throws(CodexError) in try bringUpToDate(&archive) }
    }

    private func bringUpToDate(_ archive: inout LogArchive) throws(CodexError) -> ArchiveReport {
        try core.lease.requireWritable()
        let (applied, time) = try archivable()
        let known = archive.head
        let kept = try archive.numbers()
        let wholes = Set(kept.filter(\.isWhole).map(\.number))
        var (segmentCount, byteCount) = (0, 0)
        var first: UInt64?
        guard
            applied.sequence > known.sequence
                || applied.sequence == known.sequence && applied.checksum == known.checksum
        else { throw archive.otherHistory }
        let isCurrent =
            applied.sequence == known.sequence && kept.last?.number == applied.segment
        for number in try logDirectory.numbers() where number <= applied.segment && !isCurrent {
            // A segment in the list may be pruned by now, because it was the oldest.
            guard let segment = try logDirectory.open(number) else { continue }
            defer { segment.file.close() }
            first = first ?? segment.header.firstSequence
            if wholes.contains(number) { continue }
            let isWhole = number < applied.segment
            guard
                let (bytes, summary) = try segmentBytes(
                    number, upTo: isWhole ? nil : applied, checksumOf: known.sequence)
            else {
                first = nil
                continue
            }
            guard summary.notedChecksum.map({ $0 == known.checksum }) ?? true else {
                throw archive.otherHistory
            }
            byteCount += try archive.writeSegment(bytes, number: number, isWhole: isWhole)
            segmentCount += 1
        }
        let isNew = known.sequence == 0 && kept.isEmpty
        let hasGap = !isNew && first.map { $0 > known.sequence + 1 } ?? false
        let start = isNew || hasGap ? first ?? applied.sequence + 1 : known.first
        try archive.advance(from: start, to: applied, time: time)
        logDirectory.note(HistoryReader.archive, at: applied.sequence)
        return ArchiveReport(
            firstSequence: start, sequence: applied.sequence, segmentCount: segmentCount,
            byteCount: byteCount, hasGap: hasGap)
    }

    /// The end of the log, and the time up to which there are no other commits; 0 if that is not
    /// known.
    private func archivable() throws(CodexError) -> (LogPosition, time: UInt64) {
        do {
            guard !core.options.isReadOnly else {
                let position = try core.withReadContext { try $0.storedPosition() }
                try flushLog(through: position)
                return (position, 0)
            }
            let now = core.options.nowMilliseconds
            // A commit takes its time while it holds LMDB's write lock: later commits are not
            // before `now`.
            let lock = try core.environment.begin(readOnly: false)
            defer { lock.abort() }
            let meta = core.catalog.meta
            let position = try LogPosition(lock, meta)
            guard let json = unsafe try lock.get(meta, Manifest.key) else {
                throw Wire.corrupted("the data file has no manifest")
            }
            // The next commit applies the records that a killed process appended.
            var cursor = LogCursor(logDirectory, after: position)
            try flushLog(through: position)
            // A follower's commits have the times of its leader.
            // A catalog would open handles, which the end of this transaction would close again.
            let isFollower = try Manifest(json: unsafe Array(json)).isFollower
            return (position, try cursor.next() == nil && !isFollower ? now : 0)
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private func flushLog(through position: LogPosition) throws(CodexError) {
        try core.flushLog(through: position)
        // If a flush of another process failed before, this one may have missed its pages.
        try core.lease.requireWritable()
    }

    /// The bytes of a segment, up to a position if the store still writes it; `nil` if the segment
    /// is gone.
    private func segmentBytes(
        _ number: UInt64, upTo position: LogPosition?, checksumOf sequence: UInt64
    ) throws(CodexError) -> ([UInt8], SegmentSummary)? {
        guard let segment = try logDirectory.open(number) else { return nil }
        defer { segment.file.close() }
        let bytes = try segment.file.read(
            at: 0, count: position.map { Int($0.offset) } ?? segment.byteCount)
        // It may have been recycled while it was read.
        guard try logDirectory.open(number)?.header == segment.header else { return nil }
        let summary = try SegmentSummary(bytes, checksumOf: sequence)
        let next = try position == nil ? logDirectory.open(number + 1)?.header : nil
        let isComplete =
            position.map { summary.last == $0.sequence }
            ?? next.map { summary.last + 1 == $0.firstSequence } ?? true
        guard isComplete else {
            throw logDirectory.damaged(number, "its records end before those of the next one begin")
        }
        return (bytes, summary)
    }
}

extension StoreCore {
    /// Waits until the log up to a position is on stable storage, at every level of durability.
    ///
    /// A copy must not have commits that the store may lose.
    func flushLog(through position: LogPosition) throws(CodexError) {
        // Earlier segments were flushed when this one was begun; a checkpoint has the pruned ones.
        guard let segment = try logDirectory.open(position.segment) else { return }
        defer { segment.file.close() }
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try options.parts.perform(.flushLog) { () throws(CodexError) in
                try segment.file.flush()
            }
        }
    }
}

/// A summary of a segment's records, which are read from its bytes in order.
struct SegmentSummary {
    let header: LogSegmentHeader
    /// The sequence number of the last record; without records, one less than the segment's first.
    private(set) var last: UInt64
    /// The time of the last record.
    private(set) var milliseconds: UInt64?
    /// The checksum of the last record or, without records, of the one before the segment.
    private(set) var checksum: UInt32
    /// The checksum of the requested record; `nil` if the segment does not have it.
    private(set) var notedChecksum: UInt32?

    /// Reads a segment, and records the checksum of one record.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the bytes are no segment.
    init(_ bytes: [UInt8], checksumOf sequence: UInt64? = nil) throws(CodexError) {
        guard let header = try LogSegmentHeader(bytes) else {
            throw Wire.corrupted("a segment of the log")
        }
        self.header = header
        (last, checksum) = (header.firstSequence - 1, header.previousChecksum)
        if last == sequence { notedChecksum = checksum }
        var position = header.start
        while let record = LogRecordHeader(bytes, at: Int(position.offset)), !record.isEnd,
            record.sequence == position.sequence + 1,
            record.previousChecksum == position.checksum,
            record.incarnation == header.incarnation,
            Int(position.offset) + LogRecordHeader.byteCount + Int(record.bodyByteCount)
                <= bytes.count,
            record.matches(bytes, at: Int(position.offset))
        {
            position.sequence = record.sequence
            position.checksum = record.checksum
            position.offset += UInt64(record.recordByteCount)
            (last, milliseconds) = (record.sequence, record.milliseconds)
            checksum = record.checksum
            if last == sequence { notedChecksum = checksum }
        }
    }
}
