extension Schema {
    /// This schema with encrypted attributes of the entity with the given name.
    ///
    /// It serves programs that know a store only by its schema. ``sealing(_:of:)`` takes a Swift
    /// type.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity``.
    public func sealing(_ names: [String], ofEntity name: String) throws(CodexError) -> Schema {
        guard let place = entities.firstIndex(where: { ByteOrder.equal($0.name, name) }) else {
            throw unknownEntity(name)
        }
        var entities = entities
        entities[place] = entities[place].sealing(names)
        return with(entities: entities)
    }

    /// The entity to which an item belongs by its primary key; `nil` if it belongs to none.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``; ``CodexError/Code/invalidKey`` if the item lacks
    ///   a key attribute.
    /// - Complexity: O(*n*) in the number of entities.
    public func entity(of item: Item, in table: String) throws(CodexError) -> EntityDefinition? {
        let definition = try self.table(table)
        let key = try definition.primaryKey(of: item)
        return entities.first { $0.table == definition.name && $0.matches(key, in: definition) }
    }
}
