internal import CodexCore
internal import CodexIndex

/// What one step of a sweep did.
struct SweepStep: Sendable {
    /// How many items were removed.
    var count = 0
    /// The last entry of the index of expiry that was looked at; `nil` at the end of what is due.
    var end: [UInt8]?
}

/// One step of a sweep, a part of a transaction.
struct ExpirySweep {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Removes the next expired items of a table, as far as the time is confirmed.
    ///
    /// Each is looked at again: one that was given more time since is left alone.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - start: The end of the step before; `nil` begins.
    ///   - countMax: How many items at most, from 1.
    /// - Returns: What was done, and where to go on.
    /// - Throws: ``CodexError/Code/unknownTable``, and what LMDB throws.
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
                // What a counter's sum cannot lose stays, and must not keep the others.
                if let failure = context.failure { throw failure }
            }
        }
        if keys.count == countMax { step.end = keys.last }
        return step
    }
}
