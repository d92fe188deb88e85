internal import CodexCore
public import FoundationEssentials

/// What ``Store/archiveLog(to:)`` did.
public struct ArchiveReport: Sendable, Hashable {
    /// The commit that the archive goes up to now.
    public var sequence: UInt64 = 0
    /// When that commit was made; `nil` if there is none in the log.
    public var committedAt: Date?
    /// The segments that were written.
    public var segmentCount = 0
    /// The bytes that they take.
    public var byteCount = 0
    /// Whether commits are missing between what was archived before and what the log still has: they were
    /// not retained. A backup that is made from now on does not need them.
    public var hasGap = false
}

extension Store {
    /// Brings an archive of the log up to date, while the store is in use.
    ///
    /// With a backup it restores any moment since that (``restore(_:archive:to:at:)``). Called every hour,
    /// say, at most an hour is lost with the machine; and at least as often as the log is retained
    /// (``StoreOptions/changeRetention``), or there is a gap. One process at a time.
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
        return try await Self.onThread("codex.archive") { () throws(CodexError) in
            try core.whileOpen { () throws(CodexError) in try core.archiveLog(to: path) }
        }
    }
}

extension StoreCore {
    fileprivate func archiveLog(to path: String) throws(CodexError) -> ArchiveReport {
        var archive = try LogArchive(making: path, for: catalog.manifest.storeID)
        let (applied, time) = try archivable()
        var report = ArchiveReport()
        report.sequence = applied.sequence
        let kept = try archive.numbers()
        let wholes = Set(kept.filter(\.isWhole).map(\.number))
        let numbers = try logDirectory.numbers().filter { $0 <= applied.segment }
        if let last = kept.last?.number, let first = numbers.first { report.hasGap = first > last + 1 }
        for number in numbers where !wholes.contains(number) {
            let isWhole = number < applied.segment
            guard let bytes = try segmentBytes(number, upTo: isWhole ? nil : applied) else {
                // Pruned just now; it was to be the oldest.
                report.hasGap = true
                continue
            }
            report.byteCount += try archive.store(bytes, number: number, isWhole: isWhole)
            report.segmentCount += 1
            let summary = try SegmentSummary(bytes, logDirectory)
            if let time = summary.milliseconds { report.committedAt = Date(milliseconds: time) }
        }
        try archive.advance(to: applied.sequence, time: time)
        return report
    }

    /// Where the log ends, and up to when no other commits were made; 0 if that is not known.
    private func archivable() throws(CodexError) -> (LogPosition, time: UInt64) {
        do {
            guard !options.isReadOnly else { return (try withReader { try $0.storedPosition() }, 0) }
            let now = options.milliseconds
            // Commits get their time with LMDB's write lock held: later ones are not before `now`.
            let lock = try environment.begin(readOnly: false)
            defer { lock.abort() }
            guard let stored = unsafe try lock.get(catalog.meta, LogPosition.key) else {
                throw Wire.corrupted("the data file has no position in the log")
            }
            let position = try LogPosition(unsafe Array(stored))
            // What a killed process appended is applied by the next commit.
            var cursor = LogCursor(logDirectory, after: position)
            return (position, try cursor.next() == nil ? now : 0)
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// The bytes of a segment, up to a position if it is the one that is written to; `nil` if it is not
    /// there any more.
    private func segmentBytes(
        _ number: UInt64, upTo position: LogPosition?
    ) throws(CodexError) -> [UInt8]? {
        guard let segment = try logDirectory.open(number) else { return nil }
        let bytes = try segment.file.read(
            at: 0, count: position.map { Int($0.offset) } ?? segment.byteCount)
        // It may have been recycled while it was read.
        guard try logDirectory.open(number)?.header == segment.header else { return nil }
        let summary = try SegmentSummary(bytes, logDirectory)
        let next = try position == nil ? logDirectory.open(number + 1)?.header : nil
        let isComplete =
            position.map { summary.last == $0.sequence }
            ?? next.map { summary.last + 1 == $0.firstSequence } ?? true
        guard isComplete else {
            throw logDirectory.damaged(number, "its records end before those of the next one begin")
        }
        return bytes
    }
}

/// What the records of a segment say, read from its bytes one after the other.
struct SegmentSummary {
    let header: LogSegmentHeader
    /// The sequence number of the last record; one less than that of the first if there is none.
    private(set) var last: UInt64
    /// When the last record was made.
    private(set) var milliseconds: UInt64?

    /// Reads a segment.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the bytes are none.
    init(_ bytes: [UInt8], _ directory: LogDirectory) throws(CodexError) {
        guard let header = try LogSegmentHeader(bytes) else {
            throw Wire.corrupted("a segment of the log")
        }
        self.header = header
        last = header.firstSequence - 1
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
        }
    }
}
