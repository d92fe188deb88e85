internal import CodexCore

/// Some changes that are there now, and where to go on.
public struct ChangePage: Sendable {
    /// The changes, in order.
    public let changes: [ChangeRecord]
    /// The last change that was looked at: what follows it comes next.
    public let end: SequenceNumber
    /// Whether there was nothing more.
    public let isAtEnd: Bool
    fileprivate let place: LogPosition?

    fileprivate init(
        _ changes: [ChangeRecord], _ end: SequenceNumber, isAtEnd: Bool, _ place: LogPosition?
    ) {
        self.changes = changes
        self.end = end
        self.isAtEnd = isAtEnd
        self.place = place
    }
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
    ///   from a page is without the former.
    public func changePage(
        after position: StreamPosition, limit: Int, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) throws -> ChangePage {
        try changePage(.position(position), limit, view, filter)
    }

    /// Changes after a page that are there now.
    ///
    /// - Throws: As ``changePage(after:limit:view:filter:)-(StreamPosition,_,_,_)``.
    public func changePage(
        after page: ChangePage, limit: Int, view: StreamView = .newAndOldImages,
        filter: ChangeFilter = .all
    ) throws -> ChangePage {
        let origin: ChangeReader.Origin =
            page.place.map { .place($0, after: page.end) } ?? .position(.sequenceNumber(page.end))
        return try changePage(origin, limit, view, filter)
    }

    private func changePage(
        _ origin: ChangeReader.Origin, _ limit: Int, _ view: StreamView, _ filter: ChangeFilter
    ) throws -> ChangePage {
        guard limit >= 1 else {
            throw CodexError(.invalidArgument, "A page of changes has at least 1.")
        }
        let reader = ChangeReader(core, from: origin, view, filter)
        let changes = try reader.read(limit)
        guard changes.count > limit else {
            return ChangePage(
                changes, SequenceNumber(commit: reader.commit), isAtEnd: reader.endID != nil,
                reader.place)
        }
        let first = Array(changes.prefix(limit))
        let last = first[limit - 1]
        return ChangePage(first, last.sequenceNumber, isAtEnd: false, last.commit.start)
    }
}
