public import CodexCore

/// A place in a store's changes from which to continue; its size does not depend on the changes.
public struct ChangeCursor: Sendable {
    /// The last change that was read; the next one follows it.
    public let sequenceNumber: SequenceNumber
    let position: LogPosition?

    var startingPoint: ChangeReader.StartingPoint {
        position.map { .log($0, after: sequenceNumber) }
            ?? .stream(.sequenceNumber(sequenceNumber))
    }
}

extension ChangeCursor {
    /// The place after a change whose position in the log is not known.
    package init(_ number: SequenceNumber) { self.init(sequenceNumber: number, position: nil) }
}

extension ChangeRecord {
    /// The place after the change.
    public var cursor: ChangeCursor {
        ChangeCursor(sequenceNumber: sequenceNumber, position: commit.start)
    }

    /// The place before all changes of the change's commit.
    package var commitCursor: ChangeCursor {
        let number = sequenceNumber.commit
        return ChangeCursor(
            sequenceNumber: SequenceNumber(commit: number - min(1, number)),
            position: commit.start)
    }
}

/// A page of the present changes, and the place from which to continue.
public struct ChangePage: Sendable {
    /// The changes, in order.
    public let changes: [ChangeRecord]
    /// The place from which to continue.
    public let cursor: ChangeCursor
    /// Whether there were no more changes.
    public let isAtEnd: Bool
}

extension Store {
    /// The present changes after a position; the call does not wait for more.
    ///
    /// - Parameters:
    ///   - position: The position after which to start.
    ///   - limit: The maximum number of changes to return, 1 or more.
    ///   - view: The images that the records have.
    ///   - filter: The changes to return.
    /// - Returns: The changes. It is an empty page if some megabytes of the log have no change that
    ///   passes the filter.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``,
    ///   ``CodexError/Code/closed``, ``CodexError/Code/invalidArgument``; for a name in the filter
    ///   that the store has never had, ``CodexError/Code/unknownTable`` or
    ///   ``CodexError/Code/unknownEntity``.
    /// - Complexity: It reads the segment of the log up to the position, and then the returned
    ///   changes. A call with a cursor does not read the former.
    public func changePage(
        after position: StreamPosition, limit: Int, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) throws -> ChangePage {
        try changePage(.stream(position), limit, view, filter)
    }

    /// The present changes after a cursor.
    ///
    /// - Throws: As ``changePage(after:limit:view:filter:)-(StreamPosition,_,_,_)``.
    public func changePage(
        after cursor: ChangeCursor, limit: Int, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) throws -> ChangePage {
        try changePage(cursor.startingPoint, limit, view, filter)
    }

    /// The maximum bytes of the log that a page after a cursor reads, so that a caller can reserve
    /// them.
    ///
    /// The page's changes keep up to twice as many bytes in memory.
    ///
    /// - Throws: As ``changePage(after:limit:view:filter:)-(ChangeCursor,_,_,_)``.
    /// - Complexity: It reads only the header of the next commit's record.
    package func changePageByteCountMax(after cursor: ChangeCursor) throws -> Int {
        try ChangeReader(core, from: cursor.startingPoint, .keysOnly, .all).nextByteCountMax()
    }

    /// The maximum bytes of the log that a page after a position reads.
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
        try core.requireKnown(filter)
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
