internal import CodexCore
internal import CodexIndex

/// The result of one step of a sweep.
struct SweepStep: Sendable {
    /// The number of removed items.
    var count = 0
    /// The last entry of the index of expiry that was read; `nil` at the end of the due ones.
    var end: [UInt8]?
}

/// One step of a sweep, which is a part of a transaction.
struct ExpirySweep {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Removes the next expired items of a table, up to the confirmed time.
    ///
    /// It checks each item again: one whose expiry was moved to a later time stays.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - start: The end of the step before; `nil` starts at the first entry.
    ///   - countMax: The maximum number of items, 1 or more.
    /// - Returns: The number of removed items, and the entry after which to continue.
    /// - Throws: ``CodexError/Code/unknownTable``, and the errors of LMDB.
    func sweep(
        _ name: String, after start: [UInt8]?, _ countMax: Int
    ) throws -> SweepStep {
        let table = try context.catalog.table(name)
        guard let index = table.expiryIndex, index.state == nil else { return SweepStep() }
        let instant = context.core.options.deletionSecond
        let keys = try ExpiredEntries(context).keys(index, by: instant, after: start, countMax)
        var step = SweepStep()
        for key in keys {
            let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
            do throws(CodexError) {
                if try context.writes.expire(table, primaryKey, by: instant) { step.count += 1 }
            } catch {
                // An item that a counter's sum cannot lose stays, and must not block the others.
                if let failure = context.failure { throw failure }
            }
        }
        if keys.count == countMax { step.end = keys.last }
        return step
    }
}
