internal import CodexCore

/// An entity and its number in the store.
final class EntityBinding: Sendable {
    let definition: EntityDefinition
    let number: Int
    /// The versions of the entity's items; `nil` if there was only one.
    let migration: EntityMigration?
    /// The versions that changed the keys of indexes and the groups of counters, by name.
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
        func keyChanges(_ attributes: [KeyAttribute]) -> KeyChanges {
            let others = attributes.filter { !table.keyAttributes.contains($0) }
            return KeyChanges(others, definition, migration)
        }
        let indexes = table.indexes.map { ($0.name, keyChanges($0.keyAttributes)) }
        let counters = table.counters.map { ($0.name, keyChanges($0.group)) }
        changes = [
            .index: Dictionary(indexes) { $1 }, .counter: Dictionary(counters) { $1 },
        ]
    }

    /// The versions that changed the key of an index or the group of a counter.
    ///
    /// - Parameters:
    ///   - kind: Whether it is an index or a counter.
    ///   - name: Its name.
    /// - Returns: The versions; `nil` if the entity had only one, or for an unknown name.
    func changes(of kind: PartKind, _ name: String) -> KeyChanges? { changes[kind]?[name] }

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
