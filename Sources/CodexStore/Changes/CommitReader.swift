internal import CodexCore

/// Reads the log's commits one by one, from a starting point up to the last applied commit.
struct CommitReader {
    enum StartingPoint {
        case stream(StreamPosition)
        /// A stored position: before the commit of the change.
        case log(LogPosition, after: SequenceNumber)
    }

    private let core: StoreCore
    private var cursor: LogCursor

    /// Finds the starting point.
    ///
    /// - Parameters:
    ///   - core: The store.
    ///   - startingPoint: The place to start at. The commit of a sequence number comes first,
    ///     unless the number covers all its changes.
    ///   - applied: The position after the last applied commit.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/invalidArgument``,
    ///   ``CodexError/Code/corrupted``.
    init(
        _ core: StoreCore, from startingPoint: StartingPoint, _ applied: LogPosition
    ) throws(CodexError) {
        self.core = core
        cursor = try Self.cursor(core, startingPoint, applied)
    }

    /// The position in the log after the last commit that was read.
    var position: LogPosition { cursor.position }

    /// The next commit's record, and the position in the log before it.
    ///
    /// - Returns: `nil` if all applied commits were read.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``.
    mutating func next(
        _ applied: LogPosition
    ) throws(CodexError) -> (record: LogRecord, start: LogPosition)? {
        var start = cursor.position
        guard start.sequence < applied.sequence else { return nil }
        var read = try Self.next(&cursor)
        if read == nil {
            // The segment that ended there may be gone; the next one has the following records.
            cursor = try Self.cursor(core, after: start.sequence, applied)
            start = cursor.position
            read = try Self.next(&cursor)
        }
        guard let record = read else { throw try Self.gap(core, start.sequence) }
        return (record, start)
    }

    /// The byte count of the next commit's record.
    ///
    /// It is `nil` if all applied commits were read, or if only a read can find it.
    mutating func nextByteCount(_ applied: LogPosition) -> Int? {
        guard cursor.position.sequence < applied.sequence else { return nil }
        return try? cursor.nextByteCount()
    }

    private static func next(_ cursor: inout LogCursor) throws(CodexError) -> LogRecord? {
        do throws(CodexError) {
            return try cursor.next()
        } catch {
            // The segment may have been removed meanwhile: the caller checks that.
            if error.code == .corrupted { return nil }
            throw error
        }
    }

    // MARK: Starting points

    private static func cursor(
        _ core: StoreCore, _ startingPoint: StartingPoint, _ applied: LogPosition
    ) throws(CodexError) -> LogCursor {
        let directory = core.logDirectory
        switch startingPoint {
        case .log(let position, let after):
            if position.segment > 0, try directory.open(position.segment) != nil {
                return LogCursor(directory, after: position)
            }
            return try cursor(core, after: after.lastWholeCommit, applied)
        case .stream(let position):
            switch position.kind {
            case .latest: return LogCursor(directory, after: applied)
            case .trimHorizon: return try oldest(directory)
            case .after(let number):
                guard number.commit <= applied.sequence else {
                    throw unknownCommit(number.commit, applied.sequence)
                }
                return try cursor(core, after: number.lastWholeCommit, applied)
            }
        }
    }

    private static func oldest(_ directory: LogDirectory) throws(CodexError) -> LogCursor {
        // A segment that is removed between listing and opening was the oldest.
        for number in try directory.numbers() {
            if let segment = try directory.open(number) {
                return LogCursor(directory, after: segment.header.start)
            }
        }
        throw directory.missing(1)
    }

    private static func cursor(
        _ core: StoreCore, after last: UInt64, _ applied: LogPosition
    ) throws(CodexError) -> LogCursor {
        guard last <= applied.sequence else { throw unknownCommit(last, applied.sequence) }
        var found: LogPosition?
        for segment in try core.logDirectory.numbers() {
            guard let header = try core.logDirectory.open(segment)?.header else { continue }
            // A segment that begins right after it counts only if there is no earlier one. Its
            // maker may have abandoned it, and the earlier one may continue.
            if header.firstSequence <= last || found == nil && header.firstSequence == last + 1 {
                found = header.start
            }
        }
        guard let found else { throw trimmed(last) }
        var cursor = LogCursor(core.logDirectory, after: found)
        while cursor.position.sequence < last {
            guard try next(&cursor) != nil else { throw try gap(core, cursor.position.sequence) }
        }
        return cursor
    }

    /// The reason why the commit after `sequence` cannot be read: it was removed, or it is damaged.
    private static func gap(_ core: StoreCore, _ sequence: UInt64) throws(CodexError) -> CodexError
    {
        for number in try core.logDirectory.numbers() {
            guard let header = try core.logDirectory.open(number)?.header else { continue }
            if header.firstSequence > sequence + 1 { return trimmed(sequence) }
            break
        }
        return CodexError(
            .corrupted,
            "The log's record of commit \(sequence + 1) cannot be read. If the store opens, its "
                + "items are not affected: read on after that commit.")
    }

    static func unknownCommit(_ commit: UInt64, _ last: UInt64) -> CodexError {
        CodexError(
            .invalidArgument,
            "The store has no commit \(commit) yet; its last is \(last). Is the sequence "
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
    /// The position before the segment's first record.
    var start: LogPosition {
        LogPosition(
            sequence: firstSequence - 1, segment: number, offset: UInt64(Self.byteCount),
            checksum: previousChecksum, changeCount: 0)
    }
}

/// The state of the log and the schema in a snapshot.
struct AppliedState: Sendable {
    /// The position after the last applied commit.
    let position: LogPosition
    /// LMDB's number of the snapshot.
    let transactionID: Int
    /// The catalog of the snapshot.
    let catalog: Catalog
}

extension StoreCore {
    /// The commit before the oldest retained one.
    func oldestSequence() throws(CodexError) -> UInt64 {
        for number in try logDirectory.numbers() {
            if let header = try logDirectory.open(number)?.header {
                return header.firstSequence - 1
            }
        }
        throw logDirectory.missing(1)
    }

    /// The last applied commit, and the snapshot that shows it.
    func appliedSnapshot() throws(CodexError) -> AppliedState {
        do {
            return try withReadContext {
                AppliedState(
                    position: try $0.storedPosition(), transactionID: $0.transaction.id,
                    catalog: $0.catalog)
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// The last applied commit, and LMDB's number of the snapshot that shows it.
    func appliedState() throws(CodexError) -> (position: LogPosition, transactionID: Int) {
        let applied = try appliedSnapshot()
        return (applied.position, applied.transactionID)
    }
}
