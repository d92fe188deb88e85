extension Schema {
    /// The schema that results when a store of schema `self` is opened with `requested`.
    ///
    /// New tables, indexes, counters, entities, optional fields and cases are added. A table
    /// without a time to live may get one. A higher schema version of an entity replaces its fields
    /// and all keys except the table's. An index that is there keeps its layout.
    ///
    /// Definitions that `requested` omits stay, and so does the encryption of attributes. A program
    /// need not know everything in the store. It may also have a lower schema version of an entity:
    /// then it is older than the store.
    ///
    /// - Parameters:
    ///   - requested: The program's schema.
    ///   - cases: The cases that enumerations of the store had earlier.
    /// - Returns: The schema.
    /// - Throws: ``CodexError/Code/schemaMismatch`` with every difference that is not an addition.
    package func merging(
        _ requested: Schema, cases: CaseHistory = CaseHistory()
    ) throws(CodexError) -> Schema {
        var differences: [String] = []
        var tables = self.tables
        for table in requested.tables {
            guard let index = tables.firstIndex(where: { $0.name == table.name }) else {
                tables.append(table)
                continue
            }
            differences += tables[index].differences(to: table)
            tables[index] = tables[index].adding(table)
        }
        var entities = self.entities
        for entity in requested.entities {
            guard let index = entities.firstIndex(where: { $0.name == entity.name }) else {
                entities.append(entity)
                continue
            }
            let table = tables.first { $0.name == entity.table }
            entities[index] = entities[index].merging(
                entity, primaryKey: table?.keyAttributes.map(\.name) ?? [], cases, &differences)
        }
        guard differences.isEmpty else {
            throw CodexError(
                .schemaMismatch,
                "The store's schema differs from the one requested: "
                    + differences.joined(separator: "; ")
                    + ". A higher schemaVersion of an entity may change everything except its "
                    + "table and the table's key. Otherwise open the store with the schema it has, "
                    + "or export and import into a new store.")
        }
        return Schema(tables: tables, entities: entities)
    }
}

extension TableDefinition {
    fileprivate func differences(to other: TableDefinition) -> [String] {
        var differences: [String] = []
        if partitionKey != other.partitionKey || sortKey != other.sortKey {
            differences.append(
                "table \(name) has the key \(Self.text(keyAttributes)), requested is "
                    + Self.text(other.keyAttributes))
        }
        for index in other.indexes {
            guard let stored = indexes.first(where: { $0.name == index.name }),
                !stored.isSame(as: index)
            else { continue }
            differences.append(
                "index \(index.name) of table \(name) is \(Self.text(stored)), "
                    + "requested is \(Self.text(index)) (remove it first, to build another)")
        }
        for counter in other.counters {
            guard let stored = counters.first(where: { $0.name == counter.name }), stored != counter
            else { continue }
            differences.append(
                "counter \(counter.name) of table \(name) is \(Self.text(stored)), "
                    + "requested is \(Self.text(counter)) (remove it first, to build another)")
        }
        if let timeToLive, let requested = other.timeToLive,
            !ByteOrder.equal(timeToLive, requested)
        {
            differences.append(
                "table \(name) has the time to live \(timeToLive), requested is \(requested)")
        }
        return differences
    }

    /// This table with the indexes and counters of `other` that it lacks, and with its time to
    /// live.
    fileprivate func adding(_ other: TableDefinition) -> TableDefinition {
        with(
            indexes: indexes
                + other.indexes.filter { new in !indexes.contains { $0.name == new.name } },
            counters: counters
                + other.counters.filter { new in !counters.contains { $0.name == new.name } },
            timeToLive: timeToLive ?? other.timeToLive)
    }

    private static func text(_ counter: CounterDefinition) -> String {
        text(counter.group) + " sums (" + counter.sums.joined(separator: ", ") + ")"
            + text(counter.entities, counter.multiValued)
    }

    private static func text(_ entities: [String]?, _ multiValued: String?) -> String {
        (entities.map { " for " + $0.joined(separator: ", ") } ?? "")
            + (multiValued.map { " multi-valued in \($0)" } ?? "")
    }

    private static func text(_ attributes: [KeyAttribute]) -> String {
        "(" + attributes.map { "\($0.name) \($0.type.rawValue)" }.joined(separator: ", ") + ")"
    }

    private static func text(_ index: IndexDefinition) -> String {
        let projection =
            switch index.projection {
            case .keysOnly: "KEYS_ONLY"
            case .include(let names): "INCLUDE(" + names.joined(separator: ", ") + ")"
            case .all: "ALL"
            }
        return text(index.partitionKey) + text(index.sortKey) + " " + projection
            + (index.isUnique ? " unique" : "")
            + text(index.entities, index.multiValued)
    }
}
