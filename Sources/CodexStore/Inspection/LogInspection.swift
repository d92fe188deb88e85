public import CodexCore
public import FoundationEssentials

/// What the files of a store's log hold, read without opening the store: also of a store that is in
/// use, or cannot be opened.
public struct LogInspection: Sendable, Hashable {
    /// One segment.
    public struct Segment: Sendable, Hashable {
        /// How a segment ends.
        public enum End: String, Sendable {
            /// The next segment goes on.
            case continued
            /// The log ends here, and nothing was begun after it.
            case clean
            /// The log ends here; what follows is no whole record that continues it: one that was
            /// being written, or what a recycled segment held before.
            case leftovers
            /// Records are missing or damaged: the next segment does not go on where this one ends, or
            /// a record that had reached stable storage cannot be read.
            case damaged
        }

        /// The segment's number.
        public let number: UInt64
        /// The file's name in the store's directory.
        public let name: String
        /// The bytes of the file.
        public let byteCount: Int
        /// Where its last record ends.
        public let usedByteCount: Int
        /// Raised at each recovery.
        public let incarnation: UInt64
        /// The number of its first commit.
        public let firstSequence: UInt64
        /// How many commits it has.
        public let commitCount: Int
        /// How many changes of items are in them.
        public let changeCount: Int
        /// When the first and the last of them were, if there are any.
        public let times: ClosedRange<Date>?
        /// How it ends.
        public let end: End
    }

    /// The segments, ascending.
    public let segments: [Segment]
    /// The last commit that the checkpoint has; what follows would be redone.
    public let checkpointSequence: UInt64
    /// The bytes of the spare segment, if there is one.
    public let spareByteCount: Int?

    /// Reads the log of the store in the directory `path`.
    ///
    /// - Throws: ``CodexError/Code/notAStore``, ``CodexError/Code/corrupted`` if the checkpoint or a
    ///   segment's header cannot be read, ``CodexError/Code/notFound`` if there is none.
    /// - Complexity: It reads the whole log.
    public init(at path: String) throws(CodexError) {
        let directory = StoreDirectory(path)
        guard try directory.state(isReadOnly: true) == .store else {
            throw CodexError(.notFound, "There is no store at \(path).")
        }
        let held = try Directory(directory.path)
        let checkpoint = try Checkpoint(of: held)
        checkpointSequence = checkpoint.position.sequence
        let log = try LogDirectory(store: held, id: checkpoint.storeID)
        let spare = LogDirectory.spareName
        spareByteCount =
            try log.directory.contains(spare) ? try log.directory.byteCount(spare) : nil
        let numbers = try log.numbers()
        var segments: [Segment] = []
        for (index, number) in numbers.enumerated() {
            // A segment may be removed meanwhile.
            guard let segment = try log.open(number) else { continue }
            let next = index + 1 < numbers.count ? try log.open(numbers[index + 1])?.header : nil
            segments.append(try Segment(segment, next, log))
        }
        self.segments = segments
    }
}

extension LogInspection.Segment {
    init(
        _ segment: LogSegment, _ next: LogSegmentHeader?, _ log: LogDirectory
    ) throws(CodexError) {
        let header = segment.header
        var last = header.start
        var (commitCount, changeCount) = (0, 0)
        var milliseconds: (first: UInt64, last: UInt64)?
        var isDamaged = false
        // A process that has the store open may append between two looks.
        while true {
            var cursor = LogCursor(log, after: last)
            do throws(CodexError) {
                while let record = try cursor.next(), cursor.position.segment == header.number {
                    last = cursor.position
                    commitCount += 1
                    try LogBody.forEach(record) { entry throws(CodexError) in
                        if case .item = entry { changeCount += 1 }
                    }
                    let first = milliseconds?.first ?? record.header.milliseconds
                    milliseconds = (first, max(first, record.header.milliseconds))
                }
            } catch {
                guard error.code == .corrupted else { throw error }
            }
            isDamaged = try Self.isDamaged(after: last, next, log)
            guard isDamaged, try Self.goesOn(after: last, log) else { break }
        }
        var end = LogCursor(log, after: last)
        if isDamaged {
            self.end = .damaged
        } else if let next, next.firstSequence == last.sequence + 1 {
            self.end = .continued
        } else {
            self.end = try end.isTorn() ? .leftovers : .clean
        }
        number = header.number
        name = log.name(header.number)
        byteCount = segment.byteCount
        usedByteCount = Int(last.offset)
        incarnation = header.incarnation
        firstSequence = header.firstSequence
        self.commitCount = commitCount
        self.changeCount = changeCount
        times = milliseconds.map { Date(milliseconds: $0.first)...Date(milliseconds: $0.last) }
    }

    /// Whether a segment's records should go on after `last`, its last that can be read.
    private static func isDamaged(
        after last: LogPosition, _ next: LogSegmentHeader?, _ log: LogDirectory
    ) throws(CodexError) -> Bool {
        // One that begins earlier was begun by somebody who gave up.
        if let next,
            next.firstSequence > last.sequence + 1
                || next.firstSequence == last.sequence + 1
                    && next.previousChecksum != last.checksum
        {
            return true
        }
        var cursor = LogCursor(log, after: last)
        return try cursor.isDamaged()
    }

    /// Whether another record of the segment can be read by now.
    private static func goesOn(
        after last: LogPosition, _ log: LogDirectory
    ) throws(CodexError) -> Bool {
        var cursor = LogCursor(log, after: last)
        do throws(CodexError) {
            return try cursor.next() != nil && cursor.position.segment == last.segment
        } catch {
            guard error.code == .corrupted else { throw error }
            return false
        }
    }
}
