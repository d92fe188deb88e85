internal import CodexCore

/// Reads changes from the log, from a place on and as far as they are applied.
///
/// Used by one task at a time.
final class ChangeReader {
    private let core: StoreCore
    private let tables: LoggedTables
    private let view: StreamView
    private let filter: ChangeFilter
    private var cursor: LogCursor?
    /// Changes up to this one are not wanted.
    private var after: SequenceNumber?
    private let origin: Origin
    /// How many bytes of the log were read since the last change that passed the filter.
    private(set) var skippedByteCount: UInt64 = 0

    enum Origin {
        case position(StreamPosition)
        /// A place that was kept: before the commit of the change.
        case place(LogPosition, after: SequenceNumber)
    }

    init(_ core: StoreCore, from origin: Origin, _ view: StreamView, _ filter: ChangeFilter) {
        self.core = core
        self.view = view
        self.filter = filter
        self.origin = origin
        tables = core.loggedTables
    }

    /// The commit up to which was read.
    var commit: UInt64 { cursor?.position.sequence ?? 0 }

    /// Where the log was read up to, at the end of a commit.
    var place: LogPosition? { cursor?.position }

    /// Finds the place to begin at, so that what comes from now on is not missed.
    func prepare() throws(CodexError) { try prepare(appliedState().position) }

    private func prepare(_ applied: LogPosition) throws(CodexError) {
        if cursor == nil { cursor = try start(applied) }
    }

    /// Reads the next changes, up to the end of the commit in which there are `count`.
    ///
    /// - Returns: None if there are none yet.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``.
    func read(_ count: Int) throws(CodexError) -> [ChangeRecord] {
        let (applied, transactionID) = try appliedState()
        try prepare(applied)
        guard var cursor else { return [] }
        var records: [ChangeRecord] = []
        endID = nil
        var readByteCount: UInt64 = 0
        while cursor.position.sequence < applied.sequence {
            let start = cursor.position
            let record: LogRecord
            do throws(CodexError) {
                record = try append(after: start, &cursor, applied, to: &records)
            } catch {
                // What was read before is good; the next call says what is wrong.
                guard !records.isEmpty else { throw error }
                return records
            }
            self.cursor = cursor
            readByteCount += UInt64(record.header.recordByteCount)
            skippedByteCount =
                records.isEmpty ? skippedByteCount + UInt64(record.header.recordByteCount) : 0
            // A filter that lets nothing pass must not keep the caller for long.
            if records.count >= count || readByteCount > Self.readByteCountMax { break }
        }
        if cursor.position.sequence >= applied.sequence { endID = transactionID }
        return records
    }

    /// Takes note that what was skipped is checkpointed.
    func forgetSkipped() { skippedByteCount = 0 }

    /// The transaction of the snapshot to whose end the last read came; `nil` if there is more to read
    /// at once.
    private(set) var endID: Int?

    private static let readByteCountMax: UInt64 = 4 << 20

    private func next(_ cursor: inout LogCursor) throws(CodexError) -> LogRecord? {
        do throws(CodexError) {
            return try cursor.next()
        } catch {
            // A segment that went away meanwhile is looked into by whoever calls.
            if error.code == .corrupted { return nil }
            throw error
        }
    }

    private func appliedState() throws(CodexError) -> (position: LogPosition, transactionID: Int) {
        do {
            return try core.withReader { (try $0.storedPosition(), $0.transaction.id) }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// Reads the commit after `start`, and adds those of its changes that are wanted.
    private func append(
        after start: LogPosition, _ cursor: inout LogCursor, _ applied: LogPosition,
        to records: inout [ChangeRecord]
    ) throws(CodexError) -> LogRecord {
        var start = start
        var read = try next(&cursor)
        if read == nil {
            // The segment may be gone that ended there; the next one has what follows.
            cursor = try self.cursor(after: SequenceNumber(commit: start.sequence), applied)
            start = cursor.position
            read = try next(&cursor)
        }
        guard let record = read else { throw try gap(start.sequence) }
        var commit: LoggedCommit?
        var ordinal: UInt32 = 0
        var found: [ChangeRecord] = []
        try LogBody.forEach(record) { entry throws(CodexError) in
            guard case .item(let item) = entry, !item.isSilent else { return }
            defer { ordinal += 1 }
            let number = SequenceNumber(commit: record.header.sequence, ordinal: ordinal)
            if let after, number <= after { return }
            let logged = commit ?? LoggedCommit(record, start, tables)
            commit = logged
            let change = ChangeRecord(
                sequenceNumber: number, commit: logged, entry: item, view: view)
            // Whatever cannot be found out must not pass for what the filter leaves out.
            try tables.require(item.table)
            if try filter.includes(change) { found.append(change) }
        }
        records += found
        return record
    }

    // MARK: Where to begin

    private func start(_ applied: LogPosition) throws(CodexError) -> LogCursor {
        let directory = core.logDirectory
        switch origin {
        case .place(let position, let after):
            self.after = after
            if position.segment > 0, try directory.open(position.segment) != nil {
                return LogCursor(directory, after: position)
            }
            return try cursor(after: after, applied)
        case .position(let position):
            switch position.place {
            case .latest: return LogCursor(directory, after: applied)
            case .trimHorizon: return try oldest()
            case .after(let number):
                after = number
                return try cursor(after: number, applied)
            }
        }
    }

    private func oldest() throws(CodexError) -> LogCursor {
        // What is removed between listing and opening was the oldest.
        for number in try core.logDirectory.numbers() {
            if let segment = try core.logDirectory.open(number) {
                return LogCursor(core.logDirectory, after: segment.header.start)
            }
        }
        throw core.logDirectory.missing(1)
    }

    private func cursor(
        after number: SequenceNumber, _ applied: LogPosition
    ) throws(CodexError) -> LogCursor {
        guard number.commit <= applied.sequence else {
            throw Self.unknownCommit(number, applied.sequence)
        }
        // The commit itself is read again if only some of its changes are not wanted.
        let last = number.lastWholeCommit
        var found: LogPosition?
        for segment in try core.logDirectory.numbers() {
            guard let header = try core.logDirectory.open(segment)?.header else { continue }
            // One that begins right after it is taken only if nothing is before: its maker may have
            // given it up, and the one before go on.
            if header.firstSequence <= last || found == nil && header.firstSequence == last + 1 {
                found = header.start
            }
        }
        guard let found else { throw Self.trimmed(last) }
        var cursor = LogCursor(core.logDirectory, after: found)
        while cursor.position.sequence < last {
            guard try next(&cursor) != nil else { throw try gap(cursor.position.sequence) }
        }
        return cursor
    }

    /// Why the commit after `sequence` cannot be read: it was removed, or it is damaged.
    private func gap(_ sequence: UInt64) throws(CodexError) -> CodexError {
        for number in try core.logDirectory.numbers() {
            guard let header = try core.logDirectory.open(number)?.header else { continue }
            if header.firstSequence > sequence + 1 { return Self.trimmed(sequence) }
            break
        }
        return CodexError(
            .corrupted,
            "The log's record of commit \(sequence + 1) cannot be read. The store itself is not "
                + "concerned if it opens; go on after that commit.")
    }

    static func unknownCommit(_ number: SequenceNumber, _ last: UInt64) -> CodexError {
        CodexError(
            .invalidArgument,
            "The store has no commit \(number.commit) yet; its last is \(last). Is the sequence "
                + "number of another store?")
    }

    static func trimmed(_ sequence: UInt64) -> CodexError {
        CodexError(
            .changesTrimmed,
            "The changes after commit \(sequence) are not retained any more. Start over from the "
                + "items as they are (rebuildConsumer), or from the oldest change that is retained."
        )
    }
}

extension LogSegmentHeader {
    /// The place before the segment's first record.
    var start: LogPosition {
        LogPosition(
            sequence: firstSequence - 1, segment: number, offset: UInt64(Self.byteCount),
            checksum: previousChecksum, changeCount: 0)
    }
}

extension ChangeRecord {
    fileprivate func isOf(
        _ entities: Set<String>, _ image: Range<Int>?
    ) throws(CodexError) -> Bool {
        guard let image else { return false }
        let name = try commit.tables.requiredEntityName(try commit.entityNumber(image))
        return name.map { entities.contains($0) } ?? false
    }
}

extension ChangeFilter {
    /// Whether a change passes.
    func includes(_ change: ChangeRecord) throws(CodexError) -> Bool {
        if let kinds, !kinds.contains(change.kind) { return false }
        if let tables, !tables.contains(change.table) { return false }
        if let entities {
            let isNew = try change.isOf(entities, change.entry.new)
            let wasOld = try change.isOf(entities, change.entry.old)
            guard isNew || wasOld else { return false }
        }
        guard partitionKeyPrefix != nil || sortKeyPrefix != nil else { return true }
        let key = try change.key
        return Self.matches(partitionKeyPrefix, key.partition)
            && Self.matches(sortKeyPrefix, key.sort)
    }

    private static func matches(_ prefix: String?, _ value: AttributeValue?) -> Bool {
        guard let prefix else { return true }
        guard let text = value?.string else { return false }
        return text.utf8.starts(with: prefix.utf8)
    }
}
