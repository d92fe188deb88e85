public import CodexCore
internal import CodexIndex

extension WriteTransaction {
    /// Deletes the items that a query finds: a partition, or a range of sort keys.
    ///
    /// For more than some thousand items use ``Store/deleteItems(matching:batchCount:)``.
    ///
    /// - Parameters:
    ///   - query: What to delete; its projection is ignored, and its filter sees whole items, on any
    ///     index.
    ///   - limit: Most items or index entries to look at.
    ///   - token: Where an earlier call ended.
    /// - Returns: How many items were deleted, and a token if there are more.
    /// - Throws: As ``ReadableTransaction/items(matching:limits:after:)`` and
    ///   ``delete(in:key:condition:returning:)``.
    @discardableResult
    public mutating func deleteItems(
        matching query: TableQuery, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> (count: Int, next: PageToken?) {
        let run = try QueryRun(query, context, filtersWhole: true)
        var keys: Set<[UInt8]> = []
        let page = unsafe try run.page(PageLimits(examined: limit), after: token) { key, _ in
            let offset =
                try run.index?.plan.primaryKeyOffset(unsafe Span(_unsafeElements: key)) ?? 0
            keys.insert(unsafe Array(key[offset...]))
            return true
        }
        for key in keys {
            guard let old = try context.image(run.table, key) else { continue }
            try context.items.change([
                Change(table: run.table, key: key, old: old, new: nil)
            ])
        }
        return (keys.count, page.next)
    }
}

extension Store {
    /// Deletes the items that a query finds, however many, in transactions that look at `batchCount`
    /// each.
    ///
    /// Other writes pass between the batches. If it is cut short (cancelled, killed), what was
    /// deleted stays deleted, and calling it again goes on with the rest.
    ///
    /// - Returns: How many items were deleted.
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
