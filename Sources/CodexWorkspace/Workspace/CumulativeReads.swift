internal import CodexCore

/// The reads of decisions that are made one after the other for one commit.
///
/// Each decision sees the data as if the writes of the decisions before it were stored. One task at
/// a time uses it.
final class CumulativeReads: CodexFlow.CheckedReader, CodexFlow.NumberingReader,
    CodexFlow.ProtectingReader
{
    /// The last state of an item that was written.
    private struct Written {
        let entity: any Entity
        let item: Item
        var isDeleted = false
        /// Whether the item does not exist in the stored data.
        let isNew: Bool
    }

    /// The written items of an entity.
    private struct WrittenItems {
        private(set) var states: [PrimaryKey: Written] = [:]
        /// The keys of the items that are in a partition, or were.
        ///
        /// A query looks at those of its partition alone. Otherwise a commit of many elements would
        /// look at all of its writes for each element.
        private var keys: [QueryPlace.Partition: Set<PrimaryKey>] = [:]
        /// The number of items that exist in the stored data.
        private(set) var storedCount = 0

        mutating func set(
            _ state: Written, at key: PrimaryKey, in partitions: [QueryPlace.Partition]
        ) {
            if states[key] == nil, !state.isNew { storedCount += 1 }
            states[key] = state
            for partition in partitions { keys[partition, default: []].insert(key) }
        }

        /// The states of the items that may be in a partition.
        func states(in partition: QueryPlace.Partition) -> [Written] {
            (keys[partition] ?? []).compactMap { states[$0] }
        }
    }

    /// The reads of the stored data.
    let base: any CodexFlow.DecisionReader
    private let schema: Schema
    /// The written items by the name of their entity.
    private var written: [String: WrittenItems] = [:]
    /// The writes of all decisions, in their order.
    private(set) var writes: [CodexFlow.DecisionWrite] = []
    /// Whether a decision got a number that was taken before the commit.
    private var hasTakenNumber = false

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
            let table = try schema.table(definition.table)
            let key = try table.primaryKey(of: item)
            let old = written[definition.name]?.states[key]
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
            written[definition.name, default: WrittenItems()].set(
                state, at: key, in: QueryPlace.partitions(of: item, of: definition.name, in: table))
        }
        self.writes += writes
    }

    // MARK: Reads

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        guard let written = written[E.definition.name] else { return try base.get(lookup) }
        let table = try schema.table(E.definition.table)
        switch try lookup.resolved(in: table) {
        case .primaryKey(let key):
            guard let state = written.states[key] else { return try base.get(lookup) }
            return state.isDeleted ? nil : try Self.entity(state)
        case .index(let name, let partition, let sort):
            let query = TableQuery(
                table: table.name, index: name, partition: partition, sortValues: sort)
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

    func takes<E: Entity>(_ entity: E) throws -> Bool { try base.accepts(entity) }

    func linked<E: Entity>(
        _ query: Query<E>, in project: CodexFlow.Project.ID, isLenient: Bool
    ) throws -> [E] {
        guard let table = base as? any CodexFlow.ProtectingReader else {
            return try isLenient ? readable(query, limit: nil) : all(query, limit: nil)
        }
        return try all(query, nil) { _ in
            try table.linked(query, in: project, isLenient: isLenient)
        }
    }

    func rely<E: Entity>(on entity: E) throws {
        guard let table = base as? any CodexFlow.ProtectingReader else { return }
        let definition = try schema.table(E.definition.table)
        let key = try definition.primaryKey(of: try entity.item())
        // The commit has a condition on what it writes.
        if written[E.definition.name]?.states[key] == nil { try table.rely(on: entity) }
    }

    /// The number of the first task; the others continue the sequence in the commit itself.
    func takeTaskNumber(of project: CodexFlow.Project.ID) throws -> Int? {
        guard !hasTakenNumber, let table = base as? any CodexFlow.NumberingReader else {
            return nil
        }
        let number = try table.takeTaskNumber(of: project)
        hasTakenNumber = true
        return number
    }

    /// The written entities of a query together with the stored ones.
    private func all<E: Entity>(
        _ query: Query<E>, _ limit: Int?, _ read: (Int?) throws -> [E]
    ) throws -> [E] {
        guard let written = written[E.definition.name] else { return try read(limit) }
        let table = try schema.table(E.definition.table)
        let place = try QueryPlace(query.resolved(in: table, of: schema), in: table)
        let added = written.states(in: place.partition).filter {
            !$0.isDeleted && place.contains($0.item, of: E.definition.name)
        }
        if added.isEmpty, written.storedCount == 0 { return try read(limit) }
        var found: [(key: [AttributeValue], entity: E)] = []
        for (item, entity) in try unwritten(except: written, limit, in: table, read) {
            found.append((place.sortKey(of: item), entity))
        }
        for state in added { found.append((place.sortKey(of: state.item), try Self.entity(state))) }
        found.sort { place.areInOrder($0.key, $1.key) }
        return found.prefix(limit ?? .max).map(\.entity)
    }

    /// The first `limit` stored entities that no decision has written.
    ///
    /// The stored form of a written entity may be in the result, and does not count. Few are: so it
    /// reads further ones only if they are missing.
    private func unwritten<E: Entity>(
        except written: WrittenItems, _ limit: Int?, in table: TableDefinition,
        _ read: (Int?) throws -> [E]
    ) throws -> [(item: Item, entity: E)] {
        var readCount = limit
        while true {
            let stored = try read(readCount)
            var found: [(item: Item, entity: E)] = []
            for entity in stored {
                let item = try Self.placeItem(of: entity)
                if written.states[try table.primaryKey(of: item)] == nil {
                    found.append((item, entity))
                }
            }
            guard let limit, let count = readCount, stored.count >= count, found.count < limit,
                count < limit + written.storedCount
            else { return found }
            readCount = min(2 * count, limit + written.storedCount)
        }
    }

    /// The attributes of a read entity that tell its place in a result.
    private static func placeItem(of entity: some Entity) throws -> Item {
        if let link = entity as? CodexFlow.TaskLink { return link.placeItem }
        return try entity.item()
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
