internal import CodexCore

/// The place of items in the result of a query.
struct QueryPlace {
    /// A partition of a table, or of an index.
    struct Partition: Hashable {
        /// The index; `nil` is the table.
        let index: String?
        let values: [AttributeValue]
    }

    private let query: TableQuery
    private let index: IndexDefinition?
    private let partitionKey: [KeyAttribute]
    private let sortKey: [KeyAttribute]
    /// The attributes by which the results are ordered.
    private let order: [String]

    init(_ query: TableQuery, in table: TableDefinition) throws(CodexError) {
        self.query = query
        let index = query.index.flatMap { name in table.indexes.first { $0.name == name } }
        guard query.index == nil || index != nil else {
            throw CodexError(
                .unknownIndex, "Table \(table.name) has no index \(query.index ?? "").")
        }
        self.index = index
        partitionKey = index?.partitionKey ?? [table.partitionKey]
        sortKey = index?.sortKey ?? table.sortKey.map { [$0] } ?? []
        order = sortKey.map(\.name) + (index == nil ? [] : table.keyAttributes.map(\.name))
    }

    /// The partition that the query looks at.
    var partition: Partition { Partition(index: query.index, values: query.partition) }

    /// The partitions of a table and of its indexes that an item of an entity is in.
    ///
    /// With a multi-valued attribute, it is in one for each element.
    static func partitions(
        of item: Item, of entity: String, in table: TableDefinition
    ) -> [Partition] {
        var found: [Partition] = []
        if let value = item[table.partitionKey.name] {
            found.append(Partition(index: nil, values: [value]))
        }
        for index in table.indexes where index.entities?.contains(entity) ?? true {
            var parts: [[AttributeValue]] = [[]]
            for key in index.partitionKey {
                let values = elements(of: item[key.name], key.name == index.multiValued)
                parts = parts.flatMap { part in values.map { part + [$0] } }
            }
            found += parts.map { Partition(index: index.name, values: $0) }
        }
        return found
    }

    /// The values of an attribute in keys: itself, or the elements of a multi-valued one.
    private static func elements(
        of value: AttributeValue?, _ isMultiValued: Bool
    ) -> [AttributeValue] {
        guard let value else { return [] }
        guard isMultiValued else { return [value] }
        switch value {
        case .list(let elements): return elements
        case .stringSet(let set): return set.members.map { .string($0) }
        case .numberSet(let set): return set.members.map { .number($0) }
        case .binarySet(let set): return set.members.map { .binary($0) }
        default: return [value]
        }
    }

    /// Whether the query finds an item of an entity.
    func contains(_ item: Item, of entity: String) -> Bool {
        if let entities = index?.entities, !entities.contains(entity) { return false }
        guard partitionKey.count == query.partition.count,
            zip(partitionKey, query.partition).allSatisfy({ holds($0.name, $1, in: item) }),
            zip(sortKey, query.sortPrefix).allSatisfy({ holds($0.name, $1, in: item) }),
            sortKey.allSatisfy({ item[$0.name] != nil })
        else { return false }
        let compared = sortKey.dropFirst(query.sortPrefix.count).first
        guard query.sort.holds(compared.flatMap { item[$0.name] }) else { return false }
        return query.filter?.evaluate(item) ?? true
    }

    /// Whether an attribute has a value, or an element with the value in a multi-valued index.
    private func holds(_ name: String, _ value: AttributeValue, in item: Item) -> Bool {
        guard let found = item[name] else { return false }
        guard name == index?.multiValued else { return found == value }
        switch (found, value) {
        case (.list(let elements), _): return elements.contains(value)
        case (.stringSet(let set), .string(let text)): return set.contains(text)
        case (.numberSet(let set), .number(let number)): return set.contains(number)
        case (.binarySet(let set), .binary(let bytes)): return set.contains(bytes)
        default: return found == value
        }
    }

    /// The values by which an item is ordered among the results.
    func sortKey(of item: Item) -> [AttributeValue] { order.map { item[$0] ?? .null } }

    /// Whether the first values come before the second ones in the query's direction.
    func areInOrder(_ left: [AttributeValue], _ right: [AttributeValue]) -> Bool {
        for (left, right) in zip(left, right) {
            guard let order = left.ordered(against: right), order != 0 else { continue }
            return query.direction == .forward ? order < 0 : order > 0
        }
        return false
    }
}

extension SortCondition {
    /// Whether a value of the sort key satisfies the condition.
    fileprivate func holds(_ value: AttributeValue?) -> Bool {
        guard self != .any else { return true }
        guard let value else { return false }
        func order(_ bound: AttributeValue) -> Int? { value.ordered(against: bound) }
        switch self {
        case .any: return true
        case .equal(let bound): return value == bound
        case .less(let bound): return order(bound).map { $0 < 0 } ?? false
        case .lessOrEqual(let bound): return order(bound).map { $0 <= 0 } ?? false
        case .greater(let bound): return order(bound).map { $0 > 0 } ?? false
        case .greaterOrEqual(let bound): return order(bound).map { $0 >= 0 } ?? false
        case .between(let low, let high):
            guard let lower = order(low), let upper = order(high) else { return false }
            return lower >= 0 && upper <= 0
        case .beginsWith(.string(let prefix)):
            return value.string?.utf8.starts(with: prefix.utf8) ?? false
        case .beginsWith(.binary(let prefix)):
            guard case .binary(let bytes) = value else { return false }
            return bytes.starts(with: prefix)
        case .beginsWith: return false
        }
    }
}
