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

    /// The reads of the stored data.
    let base: any CodexFlow.DecisionReader
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
        try all(query, limit) { try base.all(query, limit: $0) }
    }

    func readable<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        try all(query, limit) { try base.readable(query, limit: $0) }
    }

    /// The written entities of a query together with the stored ones.
    private func all<E: Entity>(
        _ query: Query<E>, _ limit: Int?, _ read: (Int?) throws -> [E]
    ) throws -> [E] {
        guard let written = written[E.definition.name] else { return try read(limit) }
        let table = try schema.table(E.definition.table)
        let place = try QueryPlace(query.resolved(in: table, of: schema), in: table)
        let added = written.values.filter {
            !$0.isDeleted && place.contains($0.item, of: E.definition.name)
        }
        // The stored form of the others may be in the result, and does not count.
        let hiddenCount = written.values.count { !$0.isNew }
        let stored = try read(limit.map { $0 + hiddenCount })
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
