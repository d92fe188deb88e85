internal import CodexCore

/// A place in a store's changes to go on from; of a size that does not depend on them.
public struct ChangeCursor: Sendable {
    /// The last change that was looked at: what follows it comes next.
    public let sequenceNumber: SequenceNumber
    fileprivate let position: LogPosition?

    fileprivate var startingPoint: ChangeReader.StartingPoint {
        position.map { .log($0, after: sequenceNumber) }
            ?? .stream(.sequenceNumber(sequenceNumber))
    }
}

extension ChangeRecord {
    /// The place after the change.
    public var cursor: ChangeCursor {
        ChangeCursor(sequenceNumber: sequenceNumber, position: commit.start)
    }
}

/// Some changes that are there now, and where to go on.
public struct ChangePage: Sendable {
    /// The changes, in order.
    public let changes: [ChangeRecord]
    /// Where to go on.
    public let cursor: ChangeCursor
    /// Whether there was nothing more.
    public let isAtEnd: Bool
}

extension Store {
    /// Changes after a position that are there now; it does not wait for more.
    ///
    /// - Parameters:
    ///   - position: Where to begin.
    ///   - limit: Most changes to return, from 1.
    ///   - view: Which images the records have.
    ///   - filter: Which changes there are.
    /// - Returns: The changes; none if some megabytes of the log have none that pass the filter.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``, ``CodexError/Code/closed``,
    ///   ``CodexError/Code/invalidArgument``.
    /// - Complexity: It reads the segment of the log up to the position, and then what is returned. Going on
    ///   from a cursor is without the former.
    public func changePage(
        after position: StreamPosition, limit: Int, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) throws -> ChangePage {
        try changePage(.stream(position), limit, view, filter)
    }

    /// Changes after a cursor that are there now.
    ///
    /// - Throws: As ``changePage(after:limit:view:filter:)-(StreamPosition,_,_,_)``.
    public func changePage(
        after cursor: ChangeCursor, limit: Int, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) throws -> ChangePage {
        try changePage(cursor.startingPoint, limit, view, filter)
    }

    /// Most bytes of the log that a page after a cursor reads: so they can be reserved before.
    ///
    /// The page's changes keep up to twice as many in memory.
    ///
    /// - Throws: As ``changePage(after:limit:view:filter:)-(ChangeCursor,_,_,_)``.
    /// - Complexity: Of the next commit's record, only the header is read.
    package func changePageByteCountMax(after cursor: ChangeCursor) throws -> Int {
        try ChangeReader(core, from: cursor.startingPoint, .keysOnly, .all).nextByteCountMax()
    }

    /// Most bytes of the log that a page after a position reads.
    ///
    /// See ``changePageByteCountMax(after:)-(ChangeCursor)``.
    package func changePageByteCountMax(after position: StreamPosition) throws -> Int {
        try ChangeReader(core, from: .stream(position), .keysOnly, .all).nextByteCountMax()
    }

    private func changePage(
        _ startingPoint: ChangeReader.StartingPoint, _ limit: Int, _ view: StreamView,
        _ filter: ChangeFilter
    ) throws -> ChangePage {
        guard limit >= 1 else {
            throw CodexError(.invalidArgument, "A page of changes has at least 1.")
        }
        let reader = ChangeReader(core, from: startingPoint, view, filter)
        let changes = try reader.read(limit)
        guard changes.count > limit else {
            let end = ChangeCursor(
                sequenceNumber: SequenceNumber(commit: reader.commit), position: reader.position)
            return ChangePage(changes: changes, cursor: end, isAtEnd: reader.endID != nil)
        }
        let first = Array(changes.prefix(limit))
        return ChangePage(changes: first, cursor: first[limit - 1].cursor, isAtEnd: false)
    }
}
