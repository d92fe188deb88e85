internal import CodexCore

extension Store {
    /// Removes items whose time to live is over, now and not when the sweeper comes to it.
    ///
    /// It judges by the wall clock only if that is confirmed, as all that deletes does:
    /// ``StoreOptions/clockConfirmation``.
    ///
    /// Each goes with its index entries and from its counters, and its change is marked as expiry
    /// (``ChangeRecord/isExpiry``). It works in transactions of some hundred items, between which
    /// other writes pass; nothing is written if nothing is due. Tables that were given a
    /// ``TableDefinition/timeToLive`` and are still being indexed are left out: see
    /// ``waitUntilReady()``.
    ///
    /// For tests with a clock of their own, and for stores opened without a
    /// ``StoreOptions/sweepInterval``.
    ///
    /// - Parameter limit: Most items to remove; `nil` is all that are due.
    /// - Returns: How many items were removed; those that writes removed, since they met them, are
    ///   not counted.
    /// - Throws: ``CodexError/Code/invalidArgument`` for a limit below 1, `CancellationError` between
    ///   batches, and as ``write(_:)-(_)``; what was removed until then stays removed.
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
