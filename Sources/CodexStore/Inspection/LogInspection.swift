public import CodexCore
public import FoundationEssentials

/// The contents of a store's log files, read without opening the store.
///
/// The store may be in use, or damaged so that it cannot be opened.
public struct LogInspection: Sendable, Hashable {
    /// One segment.
    public struct Segment: Sendable, Hashable {
        /// The end of a segment.
        public enum End: String, Sendable {
            /// The next segment continues this one.
            case continued
            /// The log ends here, and no record was begun after it.
            case clean
            /// The log ends here, and the following bytes are no whole record that continues it.
            ///
            /// They are a record that was being written, or earlier contents of a recycled segment.
            case leftovers
            /// Records are missing or damaged.
            ///
            /// The next segment does not continue this one, or a record that had reached stable
            /// storage cannot be read.
            case damaged
        }

        /// The segment's number.
        public let number: UInt64
        /// The file's name in the store's directory.
        public let name: String
        /// The bytes of the file.
        public let byteCount: Int
        /// The offset of the end of its last record.
        public let usedByteCount: Int
        /// The incarnation, which each recovery increases.
        public let incarnation: UInt64
        /// The number of its first commit.
        public let firstSequence: UInt64
        /// The number of its commits.
        public let commitCount: Int
        /// The number of item changes in those commits.
        public let changeCount: Int
        /// The times of the first and the last of those commits, if there are any.
        public let times: ClosedRange<Date>?
        /// The end of the segment.
        public let end: End
    }

    /// The segments, ascending.
    public let segments: [Segment]
    /// The last commit in the checkpoint; an opening would redo later ones.
    public let checkpointSequence: UInt64
    /// The bytes of the spare segment, if there is one.
    public let spareByteCount: Int?

    /// Reads the log of the store in the directory `path`.
    ///
    /// - Throws: ``CodexError/Code/notAStore``, ``CodexError/Code/corrupted`` if the checkpoint or
    ///   a segment's header cannot be read, ``CodexError/Code/notFound`` if there is none.
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
        // A process that has the store open may append between two reads.
        while true {
            var cursor = LogCursor(log, after: last)
            do throws(CodexError) {
                while let record = try cursor.next(), cursor.position.segment == header.number {
                    last = cursor.position
                    commitCount += 1
                    let first = milliseconds?.first ?? record.header.milliseconds
                    milliseconds = (first, max(first, record.header.milliseconds))
                    try LogBody.forEach(record) { entry throws(CodexError) in
                        if case .item = entry { changeCount += 1 }
                    }
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

    /// Whether the segment should have more records after `last`, its last readable one.
    private static func isDamaged(
        after last: LogPosition, _ next: LogSegmentHeader?, _ log: LogDirectory
    ) throws(CodexError) -> Bool {
        // An earlier first sequence is of a process that abandoned its segment.
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

    /// Whether another record of the segment has become readable.
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
