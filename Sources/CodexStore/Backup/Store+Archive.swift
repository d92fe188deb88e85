internal import CodexCore

/// What ``Store/archiveLog(to:)`` did.
public struct ArchiveReport: Sendable, Hashable {
    /// The commit from which on the archive lacks none: backups of that commit or the one before
    /// it, and later ones, go on with it.
    public let firstSequence: UInt64
    /// The commit that the archive goes up to now.
    public let sequence: UInt64
    /// The segments that were written.
    public let segmentCount: Int
    /// The bytes that they take.
    public let byteCount: Int
    /// Whether commits since the last time are missing, as they were not retained.
    ///
    /// Then backups that were made before ``firstSequence`` do not go on any more: make one now.
    public let hasGap: Bool
}

extension Store {
    /// Brings an archive of the log up to date, while the store is in use.
    ///
    /// With a backup it restores any moment since that (``restore(_:archive:to:at:asFollower:)``).
    /// Called every hour, say, at most an hour is lost with the machine; and at least as often as
    /// the log is retained (``StoreOptions/changeRetention``), or there is a gap. Of several that
    /// archive into one directory one waits for the other. It is not cancelled, and ``close()``
    /// waits for it. Who may use a new archive is what the store's directory says (``FileAccess``);
    /// later files get what its own says.
    ///
    /// - Parameter path: The archive's directory; it is made if it is not there.
    /// - Returns: What was done.
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

/// How an archive of the log is brought up to date.
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
            // What was there when the directory was read may be pruned by now: it was the oldest.
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

    /// Where the log ends, and up to when no other commits were made; 0 if that is not known.
    private func archivable() throws(CodexError) -> (LogPosition, time: UInt64) {
        do {
            guard !core.options.isReadOnly else {
                let position = try core.withReadContext { try $0.storedPosition() }
                try flushLog(through: position)
                return (position, 0)
            }
            let now = core.options.nowMilliseconds
            // Commits get their time with LMDB's write lock held: later ones are not before `now`.
            let lock = try core.environment.begin(readOnly: false)
            defer { lock.abort() }
            let meta = core.catalog.meta
            guard let stored = unsafe try lock.get(meta, LogPosition.key),
                let json = unsafe try lock.get(meta, Manifest.key)
            else { throw Wire.corrupted("the data file has no position in the log") }
            let position = try LogPosition(unsafe Array(stored))
            // What a killed process appended is applied by the next commit.
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

    /// The bytes of a segment, up to a position if it is the one that is written to; `nil` if it is
    /// not there any more.
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
    /// Waits until the log up to a position is on stable storage, at every level of durability: a
    /// copy must not know of commits that the store may lose.
    func flushLog(through position: LogPosition) throws(CodexError) {
        // Those before it were flushed when it was begun; and what was pruned is in a checkpoint.
        guard let segment = try logDirectory.open(position.segment) else { return }
        defer { segment.file.close() }
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try options.parts.perform(.flushLog) { () throws(CodexError) in
                try segment.file.flush()
            }
        }
    }
}

/// What the records of a segment say, read from its bytes one after the other.
struct SegmentSummary {
    let header: LogSegmentHeader
    /// The sequence number of the last record; one less than that of the first if there is none.
    private(set) var last: UInt64
    /// When the last record was made.
    private(set) var milliseconds: UInt64?
    /// The checksum of the last record, or of the one before the segment.
    private(set) var checksum: UInt32
    /// The checksum of the record that was asked for; `nil` if it is not in here.
    private(set) var notedChecksum: UInt32?

    /// Reads a segment, and the checksum of the record with a number.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the bytes are none.
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
