public import CodexCore
internal import CodexIndex

extension WriteTransaction {
    /// Deletes all items that a query finds: a partition, or a range of sort keys.
    ///
    /// It deletes the items of **all** entities in the range, and raw items, unless the query names
    /// an entity (``TableQuery/entity``). The request of a typed query names its entity, so that
    /// only items of that entity are deleted.
    ///
    /// For more than a few thousand items use ``Store/deleteItems(matching:batchCount:)``.
    ///
    /// - Parameters:
    ///   - query: The items to delete. Its projection is ignored, and its filter sees whole items
    ///     on any index.
    ///   - limit: The maximum number of items or index entries to examine.
    ///   - token: The token of an earlier call, after which this one continues.
    /// - Returns: The number of deleted items, and a token if there are more.
    /// - Throws: As ``ReadableTransaction/items(matching:limits:after:)`` and
    ///   ``delete(in:key:condition:returning:)``.
    @discardableResult
    public mutating func deleteItems(
        matching query: TableQuery, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> (count: Int, next: PageToken?) {
        let run = try QueryRun(
            query, context, wanting: .keys.with(query.filter, seeing: .whole))
        var keys: Set<[UInt8]> = []
        let page = unsafe try run.page(PageLimits(examined: limit), after: token) { key, _ in
            let offset =
                try run.index?.plan.primaryKeyOffset(unsafe Span(_unsafeElements: key)) ?? 0
            keys.insert(unsafe Array(key[offset...]))
            return true
        }
        for key in keys {
            guard let old = try context.image(run.table, key) else {
                if let index = run.index { throw run.missingItem(of: index, key.span) }
                continue
            }
            try context.items.change([
                Change(table: run.table, key: key, old: old, new: nil)
            ])
        }
        return (keys.count, page.next)
    }
}

extension Store {
    /// Deletes all items that a query finds, in transactions that examine `batchCount` items each.
    ///
    /// It deletes the items of **all** entities in the range, and raw items, unless the query names
    /// an entity (``TableQuery/entity``). The request of a typed query names its entity.
    ///
    /// Other writes run between the batches. If the call is cancelled or the process killed, the
    /// deleted items stay deleted, and another call continues with the rest.
    ///
    /// - Returns: The number of deleted items.
    /// - Throws: `CancellationError` between batches, and as
    ///   ``WriteTransaction/deleteItems(matching:limit:after:)``.
    @discardableResult
    public func deleteItems(
        matching query: TableQuery, batchCount: Int = 1000
    ) async throws -> Int {
        var token: PageToken?
        var count = 0
        repeat {
            try _Concurrency.Task.checkCancellation()
            let position = token
            let batch = try await write { transaction in
                try transaction.deleteItems(matching: query, limit: batchCount, after: position)
            }
            count += batch.count
            token = batch.next
        } while token != nil
        return count
    }
}
