internal import CodexCore
internal import CodexIndex

/// Updates the counters of tables when items change.
struct CounterMaintenance {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// The new count and sums of a counter's group.
    typealias Total = (group: Tallies.Group, counter: CounterHandle, tally: Tally)

    /// Adds the effect of a change on the counters of its table.
    func tally(
        _ change: Change, _ position: Int, isUndo: Bool, _ tallies: inout Tallies
    ) throws(CodexError) {
        let catalog = context.catalog
        for counter in change.table.counters
        where context.progress.isCounted(change.key, counter) {
            let entities = counter.plan.definition.entities
            if let old = change.old, catalog.includes(entities, old.header.entityNumber) {
                // An item that is older than the counter may have a group that the counter refuses.
                // Such an item is in no group.
                try? tallies.add(counter, old.item, isRemoval: true, position)
            }
            if let new = change.new, catalog.includes(entities, new.header.entityNumber) {
                do throws(CodexError) {
                    try tallies.add(counter, new.item, isRemoval: false, position)
                } catch {
                    if !isUndo { throw error }
                }
            }
        }
    }

    /// The new totals of the groups that change.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for a sum that does not fit into 38 digits
    ///   exactly.
    func totals(_ tallies: Tallies) throws(CodexError) -> [Total] {
        var totals: [Total] = []
        for (group, entry) in tallies.groups where entry.removals != entry.additions {
            let sumCount = entry.counter.plan.definition.sums.count
            let stored = unsafe try context.transaction.get(entry.counter.tree, group.key)
            var tally =
                unsafe try stored.map { bytes throws(CodexError) in
                    unsafe try Tally(bytes, sumCount: sumCount)
                } ?? Tally(sumCount: sumCount)
            do throws(CodexError) {
                try tally.apply(removals: entry.removals, additions: entry.additions)
            } catch {
                noteUnsummable(entry.counter)
                throw CodexError(
                    .invalidNumber,
                    "A sum of counter \(entry.counter.plan.definition.name) would need more than "
                        + "\(DynamoDBLimits.numberDigitCountMax) digits. Sum numbers of like size."
                ).at(entry.position)
            }
            totals.append((group, entry.counter, tally))
        }
        return totals
    }

    /// Records a counter whose sum does not fit, for ``LogApplier``.
    ///
    /// It does so only where counters may be ahead of the log: in a follower, and in a copy that is
    /// being restored.
    private func noteUnsummable(_ counter: CounterHandle) {
        guard context.mode == .applying,
            context.catalog.manifest.isFollower || context.core.options.isRestoring
        else { return }
        context.unsummableCounter = counter.tree.database
    }

    /// Stores the total of a group, or deletes an empty group.
    func put(_ total: Total) throws(CodexError) {
        var tally = total.tally
        if let filter = context.trees.filter { tally.count = filter.groupCount(tally.count) }
        let transaction = context.transaction
        if tally.count == 0 {
            try transaction.delete(total.counter.tree, total.group.key)
        } else {
            try context.trees.put(
                total.counter.tree, total.group.key, tally.bytes, in: transaction)
        }
    }
}
