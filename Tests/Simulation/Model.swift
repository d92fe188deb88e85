/// What a store has, by the rules of the documents: items, conditions, expiry, a unique attribute.
///
/// It shares no code with the engine.
struct Model: Equatable, Sendable {
    /// The items, those included that are over and not removed.
    private(set) var items: [ItemKey: ItemImage] = [:]
    /// How often each item was written since it was created.
    private(set) var versions: [ItemKey: Int] = [:]
    /// What decides when passes are over.
    var lifetime = Lifetime.never

    /// A change that a write makes.
    struct Change: Hashable, Sendable {
        var key: ItemKey
        var old: ItemImage?
        var new: ItemImage?
    }

    /// What becomes of a write.
    enum Verdict: Equatable {
        case applied([Change])
        /// The places of the actions whose condition is false.
        case conditionFailed([Int])
        /// The place of the first action whose unique value is taken.
        case uniqueViolation([Int])
        /// The place of the first typed action whose order is missing.
        case notFound([Int])
        /// The place of the first replacement whose order was written since it was read.
        case versionMismatch([Int])
    }

    /// The item under a key for those whose clock shows `now`.
    func visible(_ key: ItemKey, at now: Int) -> ItemImage? {
        items[key].flatMap { isOver($0, at: now) ? nil : $0 }
    }

    private func isOver(_ item: ItemImage, at now: Int) -> Bool {
        item.isExpired(at: now, by: lifetime)
    }

    /// All items that are not over, by key, without orders and passes.
    func visibleItems(at now: Int) -> [ItemImage] {
        items.values.filter { $0.order == nil && !$0.key.isPass && !isOver($0, at: now) }
            .sorted { $0.key < $1.key }
    }

    /// Puts, or removes, an item.
    mutating func set(_ key: ItemKey, _ item: ItemImage?) {
        items[key] = item
        versions[key] = item == nil ? nil : (versions[key] ?? 0) + 1
    }

    // MARK: Writes

    /// Judges a write.
    ///
    /// - Parameters:
    ///   - actions: The actions.
    ///   - op: The write's number.
    ///   - now: The clock of the process that writes.
    ///   - isList: Whether the actions are judged by their common outcome, as `perform` does. Else
    ///     each sees those before it.
    /// - Returns: The changes, without those that leave an item as it was, or the refusal.
    func judge(_ actions: [Action], op: Int, now: Int, isList: Bool) -> Verdict {
        isList ? judgeList(actions, op, now) : judgeSequence(actions, op, now)
    }

    private func judgeList(_ actions: [Action], _ op: Int, _ now: Int) -> Verdict {
        let failed = actions.indices.filter { place in
            let action = actions[place]
            return action.condition?.holds(for: visible(action.key, at: now)) == false
        }
        guard failed.isEmpty else { return .conditionFailed(failed) }
        var after = self
        var changes: [Change] = []
        for action in actions { changes += after.perform(action, op, now) }
        let changed = Set(changes.map(\.key))
        if let taken = firstTaken(actions, of: changed, after, now) {
            return .uniqueViolation([taken])
        }
        return .applied(changes)
    }

    /// The place of the first action of a list that gives an item a unique value which another item
    /// keeps, or got before it.
    ///
    /// A deletion of an item that is over changes nothing, so the item's value is not given again.
    private func firstTaken(
        _ actions: [Action], of changed: Set<ItemKey>, _ after: Model, _ now: Int
    ) -> Int? {
        var given: Set<String> = []
        return actions.indices.first { place in
            let action = actions[place]
            guard changed.contains(action.key), let unique = after.items[action.key]?.unique,
                visible(action.key, at: now)?.unique != unique
            else { return false }
            let isKept = items.values.contains { other in
                other.unique == unique && other.key != action.key && !isOver(other, at: now)
                    && after.items[other.key]?.unique == unique
            }
            return !given.insert(unique).inserted || isKept
        }
    }

    private func judgeSequence(_ actions: [Action], _ op: Int, _ now: Int) -> Verdict {
        var after = self
        var changes: [Change] = []
        for (place, action) in actions.enumerated() {
            let old = after.visible(action.key, at: now)
            guard action.condition?.holds(for: old) != false else {
                return .conditionFailed([place])
            }
            if let refusal = after.refusal(of: action, at: place) { return refusal }
            let made = after.perform(action, op, now)
            if made.contains(where: { after.isTaken($0, at: now) }) {
                return .uniqueViolation([place])
            }
            changes += made
        }
        return .applied(changes)
    }

    /// Performs an action, and gives the changes that it makes.
    private mutating func perform(_ action: Action, _ op: Int, _ now: Int) -> [Change] {
        if let deletion = action.deletion {
            let deleted = found(by: deletion, at: now)
            for item in deleted { set(item.key, nil) }
            return deleted.map { Change(key: $0.key, old: $0, new: nil) }
        }
        let old = visible(action.key, at: now)
        let new = action.outcome(of: old, op: op)
        guard old != new else { return [] }
        var changes = [Change(key: action.key, old: old, new: new)]
        if let new, new.key != action.key {
            // An order that moves leaves its old key.
            changes[0].new = nil
            changes.append(Change(key: new.key, old: nil, new: new))
        }
        for change in changes { set(change.key, change.new) }
        return changes
    }

    /// The items that the query of a deletion finds.
    private func found(by deletion: Deletion, at now: Int) -> [ItemImage] {
        if let partition = deletion.partition {
            return visibleItems(at: now).filter { $0.p == partition }
        }
        if let group = deletion.group { return entriesByGroup(at: now, of: group) }
        return openOrders(at: deletion.site)
    }

    /// Whether a change gives a unique value that another item has, which is not over.
    private func isTaken(_ change: Change, at now: Int) -> Bool {
        guard let unique = change.new?.unique, change.old?.unique != unique else { return false }
        return items.values.contains {
            $0.unique == unique && $0.key != change.key && !isOver($0, at: now)
        }
    }

    // MARK: Indexes and totals

    /// The entries of the index of groups, in its order.
    func entriesByGroup(at now: Int, of group: String? = nil) -> [ItemImage] {
        visibleItems(at: now).filter { $0.g != nil && $0.v != nil && (group ?? $0.g) == $0.g }
            .sorted {
                ($0.g ?? "", $0.v ?? 0, $0.key) < ($1.g ?? "", $1.v ?? 0, $1.key)
            }
    }

    /// The entries of the unique index, in its order.
    func entriesByUnique(at now: Int) -> [ItemImage] {
        visibleItems(at: now).filter { $0.u != nil }
            .sorted { ($0.u ?? "", $0.key) < ($1.u ?? "", $1.key) }
    }

    /// The entries of the index of values, in its order.
    func entriesByValue(at now: Int) -> [ItemImage] {
        visibleItems(at: now).filter { $0.v != nil }
            .sorted { ($0.v ?? 0, $0.key) < ($1.v ?? 0, $1.key) }
    }

    /// The totals of the groups that have items; those that are over count until they are removed.
    func totals() -> [GroupTotal] { Self.totals(items.values.map { ($0.g, $0.v) }) }

    /// The totals of items with these groups and values.
    static func totals(_ items: [(group: String?, value: Int?)]) -> [GroupTotal] {
        var totals: [String: GroupTotal] = [:]
        for item in items {
            guard let group = item.group else { continue }
            var total = totals[group] ?? GroupTotal(group)
            total.count += 1
            if let value = item.value {
                total.sum += value
                total.summed += 1
            }
            totals[group] = total
        }
        return totals.values.sorted { $0.g < $1.g }
    }
}
