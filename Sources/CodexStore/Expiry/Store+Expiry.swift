internal import CodexCore

extension Store {
    /// Removes expired items now, without waiting for the sweeper.
    ///
    /// As all deletion by time, it uses the wall clock only if that is confirmed:
    /// ``StoreOptions/clockConfirmation``.
    ///
    /// The transaction that removes an item also removes its index entries and its share of
    /// counters. Its change is marked as expiry (``ChangeRecord/isExpiry``). The call works in
    /// transactions of several hundred items, and other writes run between them. It writes nothing
    /// if no item is due. It skips tables with a new ``TableDefinition/timeToLive`` that are still
    /// being indexed: see ``waitUntilReady()``.
    ///
    /// It is for tests with their own clock, and for stores without a
    /// ``StoreOptions/sweepInterval``.
    ///
    /// - Parameter limit: The maximum number of items to remove; `nil` removes all that are due.
    /// - Returns: The number of removed items, without those that other writes removed.
    /// - Throws: ``CodexError/Code/invalidArgument`` for a limit below 1, `CancellationError`
    ///   between batches, and as ``write(_:)-(_)``; removed items stay removed.
    /// - Complexity: O(*t* + *m* log *n*) for *m* removed items and *t* tables with a time to live.
    @discardableResult
    public func removeExpired(limit: Int? = nil) async throws -> Int {
        guard limit.map({ $0 >= 1 }) ?? true else {
            throw CodexError(.invalidArgument, "The limit of a sweep is at least 1.")
        }
        _ = try requireWriter()
        var count = 0
        let instant = core.options.deletionSecond
        for table in try core.withReadContext({ try ExpiredEntries($0).tableNames(by: instant) }) {
            var position: [UInt8]?
            repeat {
                try _Concurrency.Task.checkCancellation()
                let countMax = min(Sweeper.batchCount, limit.map { $0 - count } ?? .max)
                guard countMax > 0 else { return count }
                let start = position
                let step = try await write { transaction in
                    try ExpirySweep(transaction.context).sweep(table, after: start, countMax)
                }
                count += step.count
                position = step.end
            } while position != nil
        }
        return count
    }
}
