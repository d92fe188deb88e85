internal import CodexCore

/// The history of a store's schema, as far as programs of different releases need it.
///
/// The manifest has it once an entity had another schema version, or an enumeration fewer cases.
struct SchemaEvolution: Codable, Hashable {
    /// The versions of the items of entities with several schema versions, by entity.
    private(set) var migrations: [String: EntityMigration]?
    /// The cases that enumerations had earlier.
    private(set) var cases: CaseHistory?

    /// Whether there is nothing to store.
    var isEmpty: Bool { migrations == nil && cases == nil }

    /// Records that a schema replaced another one at the request of a program.
    ///
    /// - Parameters:
    ///   - new: The schema now.
    ///   - old: The schema before, which may be the same.
    ///   - requested: The program's schema.
    mutating func note(_ new: Schema, replacing old: Schema, for requested: Schema) {
        for entity in requested.entities {
            let before = old.entities.first { $0.name == entity.name }
            let now = new.entities.first { $0.name == entity.name }
            guard let before, let now else { continue }
            if now.schemaVersion > before.schemaVersion {
                note(before.changedNames(to: now), of: now)
            } else if entity.schemaVersion < now.schemaVersion {
                noteOlder(entity, now)
            }
        }
        let before = Dictionary(old.tables.map { ($0.name, $0) }) { $1 }
        for table in new.tables {
            if let old = before[table.name] { noteAdditions(to: table, old, new) }
        }
        var history = cases ?? CaseHistory()
        history.note(old, replacedBy: new)
        cases = history.isEmpty ? nil : history
    }

    private mutating func note(_ names: Set<String>, of entity: EntityDefinition) {
        var migration = migrations?[entity.name] ?? EntityMigration()
        migration.note(names, changedBy: entity.schemaVersion)
        migrations = (migrations ?? [:]).merging([entity.name: migration]) { $1 }
    }

    /// Records the differences to an older program's definition, unless they are known.
    private mutating func noteOlder(_ older: EntityDefinition, _ entity: EntityDefinition) {
        let known = migrations?[entity.name]
        let unknown = older.changedNames(to: entity).filter { name in
            (known?.lastChange(of: [name], in: entity) ?? 0) <= older.schemaVersion
        }
        guard known == nil || !unknown.isEmpty else { return }
        note(unknown, of: entity)
        // Until now the store had no items of earlier versions, as far as it knows.
        if known == nil { migrations?[entity.name]?.end(at: entity.schemaVersion, from: 0) }
    }

    /// Records the attributes that items of earlier versions may lack in new indexes and counters.
    ///
    /// The store does not know which attributes the earlier versions had, except for declared
    /// fields and for those that have a rule.
    private mutating func noteAdditions(
        to table: TableDefinition, _ before: TableDefinition, _ new: Schema
    ) {
        guard table != before else { return }
        let indexes = table.indexes.filter { index in
            !before.indexes.contains { $0.isSame(as: index) }
        }
        let counters = table.counters.filter { !before.counters.contains($0) }
        guard !indexes.isEmpty || !counters.isEmpty else { return }
        for entity in new.entities where entity.table == table.name {
            guard migrations?[entity.name] != nil else { continue }
            func applies(_ entities: [String]?) -> Bool {
                entities?.contains(entity.name) ?? true
            }
            let keys = indexes.filter { applies($0.entities) }.flatMap(\.keyAttributes)
            let counted = counters.filter { applies($0.entities) }.flatMap(\.readNames)
            let names = (keys.map(\.name) + counted).filter { name in
                !entity.makes(name) && entity.field(named: name) == nil && !table.isKey(name)
            }
            note(Set(names), of: entity)
        }
    }

    /// Records that all items of an entity have its present version.
    ///
    /// - Parameters:
    ///   - entity: The entity.
    ///   - sequence: A commit whose items were examined.
    /// - Returns: Whether that is new.
    mutating func endMigration(of entity: EntityDefinition, from sequence: UInt64) -> Bool {
        guard var migration = migrations?[entity.name] else { return false }
        let old = migration
        migration.end(at: entity.schemaVersion, from: sequence)
        migrations?[entity.name] = migration
        return migration != old
    }

    /// Forgets the entities that a schema does not have.
    mutating func keep(_ schema: Schema) {
        let names = Set(schema.entities.map(\.name))
        let kept = (migrations ?? [:]).filter { names.contains($0.key) }
        migrations = kept.isEmpty ? nil : kept
        cases?.keep(names)
        if cases?.isEmpty == true { cases = nil }
    }

    /// Whether it can be the history of a schema.
    func fits(_ schema: Schema) -> Bool {
        let definitions = Dictionary(schema.entities.map { ($0.name, $0) }) { $1 }
        return (cases?.fits(schema) ?? true)
            && (migrations ?? [:]).allSatisfy { name, migration in
                definitions[name].map { migration.fits($0) } ?? false
            }
    }
}
