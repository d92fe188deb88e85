internal import CodexCore

/// An entity and its number in the store.
final class EntityBinding: Sendable {
    let definition: EntityDefinition
    let number: Int
    /// The versions of the entity's items; `nil` if there was only one.
    let migration: EntityMigration?
    /// The versions that changed the keys of indexes, and the groups and sums of counters, by name.
    private let changes: [PartKind: [String: KeyChanges]]

    /// Makes the binding of an entity of a schema.
    init(_ definition: EntityDefinition, number: Int, _ manifest: Manifest) {
        self.definition = definition
        self.number = number
        let migration = manifest.evolution?.migrations?[definition.name]
        self.migration = migration
        let table = manifest.schema.tables.first { $0.name == definition.table }
        guard let migration, let table else {
            changes = [:]
            return
        }
        func keyChanges(_ names: [String]) -> KeyChanges {
            KeyChanges(names.filter { !table.isKey($0) }, definition, migration)
        }
        let indexes = table.indexes.map { ($0.name, keyChanges($0.keyAttributes.map(\.name))) }
        let counters = table.counters.map { ($0.name, keyChanges($0.readNames)) }
        changes = [
            .index: Dictionary(indexes) { $1 }, .counter: Dictionary(counters) { $1 },
        ]
    }

    /// The versions that changed the key of an index, or the group or sums of a counter.
    ///
    /// - Parameters:
    ///   - kind: Whether it is an index or a counter.
    ///   - name: Its name.
    /// - Returns: The versions; `nil` if the entity had only one, or for an unknown name.
    func changes(of kind: PartKind, _ name: String) -> KeyChanges? { changes[kind]?[name] }

    /// Whether a version after another one changed the rule of an attribute, or may have.
    func changed(_ attribute: String, after version: Int) -> Bool {
        guard let migration else { return version < definition.schemaVersion }
        return migration.lastChange(of: [attribute], in: definition) > version
    }

    /// Whether the entity's items in an index may be incomplete after a write of an item.
    ///
    /// - Parameters:
    ///   - index: The name of the index.
    ///   - version: The schema version of the written item.
    /// - Returns: Whether a typed read by the index is refused since then.
    func hides(_ index: String, since version: Int) -> Bool {
        version < definition.schemaVersion
            && changes(of: .index, index).map { $0.lastUncomputed > version } ?? false
    }
}

extension TableDefinition {
    /// Whether an attribute is a part of the table's key, which no version can change.
    func isKey(_ attribute: String) -> Bool {
        keyAttributes.contains { ByteOrder.equal($0.name, attribute) }
    }
}

extension CounterDefinition {
    /// The names of the attributes that decide what an item adds: its group, and its sums.
    var readNames: [String] { group.map(\.name) + sums }
}
