public import CodexCore

/// The results of a query as an `AsyncSequence`.
///
/// Each page is read when it is needed, from one snapshot. No snapshot stays open between pages, so
/// a slow consumer does not make the file grow. Writes meanwhile neither repeat nor hide results
/// that they do not affect.
///
/// A sequence whose store is closed throws ``CodexError/Code/closed``: a result that was cut short
/// must not look complete.
public struct ResultSequence<Element: Sendable>: AsyncSequence, Sendable {
    let page: @Sendable (PageToken?) throws -> Page<Element>

    /// Iterates page by page.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let page: @Sendable (PageToken?) throws -> Page<Element>
        fileprivate var items: ArraySlice<Element> = []
        fileprivate var token: PageToken?
        fileprivate var isAtEnd = false

        /// The next result; `nil` at the end.
        public mutating func next() async throws -> Element? {
            while items.isEmpty {
                guard !isAtEnd else { return nil }
                try _Concurrency.Task.checkCancellation()
                let next = try page(token)
                items = next.items[...]
                token = next.next
                isAtEnd = next.next == nil
            }
            return items.removeFirst()
        }
    }

    /// Creates an iterator at the beginning.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(page: page) }
}

extension Store {
    /// The entities that `query` names, read in pages while they are consumed.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - pageSize: The number of entities that are read at a time.
    /// - Returns: The sequence; nothing is read before it is iterated.
    public func results<E: Entity>(
        of query: Query<E>, pageSize: Int = 100
    ) -> ResultSequence<E> {
        ResultSequence { [self] token in
            try self.query(query, limit: pageSize, after: token)
        }
    }

    /// The items that `query` finds, read in pages while they are consumed.
    public func results(
        of query: TableQuery, pageSize: Int = 100
    ) -> ResultSequence<Item> {
        ResultSequence { [self] token in
            try items(matching: query, limits: PageLimits(returned: pageSize), after: token)
        }
    }
}
