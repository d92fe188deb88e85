public import CodexCore
internal import CodexIndex

/// The totals of a counter for one group.
public struct GroupTotal: Sendable, Hashable {
    /// The group's values, in the order of the counter's attributes.
    public let group: [AttributeValue]
    /// The number of items in the group.
    public let count: Int
    /// The exact sums, by attribute.
    public let sums: [String: Number]
    /// The number of items that have a number in the attribute, by attribute.
    ///
    /// A mean is the sum divided by it.
    public let summedCounts: [String: Int]
}

extension ReadableTransaction where Self: ~Copyable {
    /// The totals of one group; they are zero if the group has no items.
    ///
    /// - Parameters:
    ///   - counter: The counter's name.
    ///   - table: The table's name.
    ///   - group: A value for each of the counter's attributes.
    /// - Returns: The totals.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/indexNotReady``, ``CodexError/Code/invalidKey``,
    ///   ``CodexError/Code/keyTooLong``.
    /// - Complexity: O(log *g*) for *g* groups, independent of the number of items in the group.
    public func total(
        of counter: String, in table: String, group: [AttributeValue]
    ) throws -> GroupTotal {
        let context = _context.base
        let handle = try context.catalog.table(table).counter(counter)
        let definition = handle.plan.definition
        guard group.count == definition.group.count else {
            throw CodexError(
                .invalidKey,
                "A group of counter \(counter) has \(definition.group.count) values, not \(group.count)."
            )
        }
        let key = try handle.plan.prefix(group)
        let stored = unsafe try context.transaction.get(handle.tree, key)
        let tally = unsafe try stored.map { unsafe try Tally($0, sumCount: definition.sums.count) }
        return GroupTotal(group, tally ?? Tally(sumCount: definition.sums.count), definition.sums)
    }

    /// The totals of all groups that begin with the given values, in the order of the groups'
    /// values.
    ///
    /// - Parameters:
    ///   - counter: The counter's name.
    ///   - table: The table's name.
    ///   - prefix: The first values of the groups; without any, all groups.
    /// - Returns: The totals of the groups that have items.
    /// - Throws: As ``total(of:in:group:)``.
    /// - Complexity: O(log *g* + *m*) for *m* groups found.
    public func totals(
        of counter: String, in table: String, groupsBeginning prefix: [AttributeValue] = []
    ) throws -> [GroupTotal] {
        let context = _context.base
        let handle = try context.catalog.table(table).counter(counter)
        let names = handle.plan.definition.sums
        let prefix = try handle.plan.prefix(prefix)
        return try context.transaction.withCursor(handle.tree) { cursor in
            var totals: [GroupTotal] = []
            var entry = unsafe try cursor.seek(prefix)
            while let current = unsafe entry, unsafe current.key.starts(with: prefix) {
                let group = try handle.plan.values(unsafe Span(_unsafeElements: current.key))
                totals.append(
                    GroupTotal(
                        group, unsafe try Tally(current.value, sumCount: names.count), names))
                unsafe entry = try cursor.next()
            }
            return totals
        }
    }
}

extension GroupTotal {
    init(_ group: [AttributeValue], _ tally: Tally, _ names: [String]) {
        self.group = group
        count = tally.count
        sums = Dictionary(zip(names, tally.sums.map(\.sum))) { $1 }
        summedCounts = Dictionary(zip(names, tally.sums.map(\.count))) { $1 }
    }
}

extension Store {
    /// The totals of one group.
    ///
    /// See ``ReadableTransaction/total(of:in:group:)``.
    public func total(
        of counter: String, in table: String, group: [AttributeValue]
    ) throws -> GroupTotal {
        try read { try $0.total(of: counter, in: table, group: group) }
    }

    /// The totals of groups.
    ///
    /// See ``ReadableTransaction/totals(of:in:groupsBeginning:)``.
    public func totals(
        of counter: String, in table: String, groupsBeginning prefix: [AttributeValue] = []
    ) throws -> [GroupTotal] {
        try read { try $0.totals(of: counter, in: table, groupsBeginning: prefix) }
    }
}
