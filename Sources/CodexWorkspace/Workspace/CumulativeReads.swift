internal import CodexCore

/// The reads of decisions that are made one after the other for one commit.
///
/// Each decision sees the data as if the writes of the decisions before it were stored. One task at
/// a time uses it.
final class CumulativeReads: CodexFlow.DecisionReader {
    /// The last state of an item that was written.
    private struct Written {
        let entity: any Entity
        let item: Item
        var isDeleted = false
        /// Whether the item does not exist in the stored data.
        let isNew: Bool
    }

    private let base: any CodexFlow.DecisionReader
    private let schema: Schema
    /// The written items by the name of their entity, and by key.
    private var written: [String: [PrimaryKey: Written]] = [:]
    /// The writes of all decisions, in their order.
    private(set) var writes: [CodexFlow.DecisionWrite] = []

    /// Creates reads of data without further writes.
    init(_ base: any CodexFlow.DecisionReader, _ schema: Schema) {
        self.base = base
        self.schema = schema
    }

    // MARK: Writes

    /// Adds the writes of a decision.
    ///
    /// - Throws: ``CodexError/Code/conditionFailed`` if an earlier decision inserted an item with
    ///   the key of an insert.
    func add(_ writes: [CodexFlow.DecisionWrite]) throws {
        for write in writes {
            let entity = write.entity
            let definition = type(of: entity).definition
            let item = try entity.item()
            let key = try schema.table(definition.table).primaryKey(of: item)
            let old = written[definition.name]?[key]
            var state = Written(entity: entity, item: item, isNew: old?.isNew ?? write.isInsert)
            switch write {
            case .insert:
                if let old, !old.isDeleted {
                    throw CodexError(
                        .conditionFailed, "There is a \(definition.name) with this key already.",
                        currentItem: old.item)
                }
            case .replace: break
            case .delete: state.isDeleted = true
            }
            written[definition.name, default: [:]][key] = state
        }
        self.writes += writes
    }

    // MARK: Reads

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        guard let written = written[E.definition.name] else { return try base.get(lookup) }
        let table = try schema.table(E.definition.table)
        switch try lookup.resolved(in: table) {
        case .primaryKey(let key):
            guard let state = written[key] else { return try base.get(lookup) }
            return state.isDeleted ? nil : try Self.entity(state)
        case .index(let name, let partition, let sort):
            var query = TableQuery(
                table: table.name, index: name, partition: partition, sortPrefix: sort)
            if sort.count == 1 { (query.sortPrefix, query.sort) = ([], .equal(sort[0])) }
            return try all(Query<E>(query), limit: 1).first
        case .values, .indexValues: return nil
        }
    }

    func all<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        guard let written = written[E.definition.name] else {
            return try base.all(query, limit: limit)
        }
        let table = try schema.table(E.definition.table)
        let place = try QueryPlace(query.resolved(in: table), in: table)
        let added = written.values.filter {
            !$0.isDeleted && place.contains($0.item, of: E.definition.name)
        }
        // The stored form of the others may be in the result, and does not count.
        let hiddenCount = written.values.count { !$0.isNew }
        let stored = try base.all(query, limit: limit.map { $0 + hiddenCount })
        if added.isEmpty, hiddenCount == 0 { return stored }
        var found: [(key: [AttributeValue], entity: E)] = []
        for entity in stored {
            let item = try entity.item()
            if written[try table.primaryKey(of: item)] != nil { continue }
            found.append((place.sortKey(of: item), entity))
        }
        for state in added { found.append((place.sortKey(of: state.item), try Self.entity(state))) }
        found.sort { place.areInOrder($0.key, $1.key) }
        return found.prefix(limit ?? .max).map(\.entity)
    }

    private static func entity<E: Entity>(_ state: Written) throws -> E {
        if let entity = state.entity as? E { return entity }
        return try E(item: state.item)
    }
}

/// The place of items in the result of a query.
private struct QueryPlace {
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

extension CodexFlow.DecisionWrite {
    /// The written or deleted entity.
    var entity: any Entity {
        switch self {
        case .insert(let entity), .replace(let entity), .delete(let entity): entity
        }
    }

    fileprivate var isInsert: Bool {
        if case .insert = self { true } else { false }
    }
}
