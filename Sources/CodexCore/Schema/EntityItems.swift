/// The items of entities as a table backend has them.
///
/// An embedded store keeps entity and schema version beside an item. In another table, they are an
/// attribute of the item (``EntityTag``). An item without it belongs to the entity that its key
/// names. Its version is the one that the program declares for items without a tag.
package struct EntityItems: Sendable {
    package let schema: Schema
    /// Whether items have tags.
    private let hasTags: Bool
    /// The schema versions of items without a tag, by the names of entities.
    private let untaggedVersions: [String: Int]

    /// Creates a reader and writer of items.
    ///
    /// - Parameters:
    ///   - schema: The tables and entities.
    ///   - capabilities: What the service can do.
    ///   - untaggedVersions: The schema versions of items without a tag, by the names of entities.
    /// - Throws: ``CodexError/Code/unsupportedOperation`` for an entity with encrypted fields, if
    ///   the service is no embedded store.
    package init(
        _ schema: Schema, _ capabilities: TableCapabilities, untaggedVersions: [String: Int] = [:]
    ) throws(CodexError) {
        self.schema = schema
        hasTags = !capabilities.keepsEntities
        self.untaggedVersions = untaggedVersions
        guard hasTags else { return }
        for entity in schema.entities { try entity.requireUnsealed() }
    }

    // MARK: Reading

    /// The entity of an item.
    ///
    /// - Throws: As ``present(_:as:)``, and the errors of reading the entity, with the item's key.
    package func entity<E: Entity>(_ item: Item, as type: E.Type = E.self) throws(CodexError) -> E {
        do throws(CodexError) {
            return try E(item: present(item, as: type))
        } catch {
            let table = try schema.table(E.definition.table)
            throw error.inEntity(E.definition.name).inItem(key: try? table.primaryKey(of: item))
        }
    }

    /// An item as the type reads it: without the tag, in the present version, with the seals of
    /// encrypted values.
    ///
    /// - Throws: ``CodexError/Code/otherEntity`` for the tag of another entity;
    ///   ``CodexError/Code/programTooOld`` for a later version; ``CodexError/Code/schemaMismatch``
    ///   for an item without a tag whose version is not known; the errors of the upgrade.
    package func present<E: Entity>(_ item: Item, as type: E.Type) throws(CodexError) -> Item {
        let definition = E.definition
        let sealed = schema.recognizingSealedValues(of: item, definition)
        guard hasTags else { return sealed }
        var bare = sealed
        bare[TableCapabilities.reservedAttribute] = nil
        if let tag = try EntityTag(of: item) {
            guard tag.entity == definition.name else {
                throw CodexError(
                    .otherEntity,
                    "The item is one of entity \(tag.entity), and is read as \(definition.name).")
            }
            return try E.upgraded(bare, from: tag.schemaVersion)
        }
        if let version = untaggedVersions[definition.name] {
            return try E.upgraded(bare, from: version)
        }
        guard definition.schemaVersion == 1 else {
            throw CodexError(
                .schemaMismatch,
                "An item of entity \(definition.name) does not tell its schema version, and there "
                    + "are \(definition.schemaVersion). Declare the version of such items.")
        }
        return bare
    }

    /// Whether an item belongs to an entity: by its tag, or else by its key.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` if the item lacks its key.
    package func isItem(
        _ item: Item, of definition: EntityDefinition
    ) throws(CodexError) -> Bool {
        let table = try schema.table(definition.table)
        guard definition.matches(try table.primaryKey(of: item), in: table) else { return false }
        // An invalid tag is an error of the item, when it is read.
        guard hasTags, let read = try? EntityTag(of: item) else { return true }
        return read.entity == definition.name
    }

    // MARK: Writing

    /// The item of an entity, with its tag.
    ///
    /// - Parameters:
    ///   - entity: The entity.
    ///   - old: The item that it replaces, as it is stored. Attributes that the type does not know
    ///     stay.
    /// - Returns: The item.
    /// - Throws: ``CodexError/Code/unsupportedOperation`` for a type with encrypted fields, if the
    ///   service is no embedded store; the errors of ``Entity/item()``, and of reading the old
    ///   item.
    package func item<E: Entity>(of entity: E, over old: Item? = nil) throws(CodexError) -> Item {
        // The schema may lack the entity of the type.
        if hasTags { try E.definition.requireUnsealed() }
        var item = try entity.item()
        if let old {
            let read = try present(old, as: E.self)
            for element in try E.unknownAttributes(of: read) where item[element.name] == nil {
                item.set(element)
            }
        }
        if hasTags { item[TableCapabilities.reservedAttribute] = EntityTag(of: E.definition).value }
        return item
    }
}

extension EntityDefinition {
    /// Refuses the entity for a remote table if it has encrypted fields.
    ///
    /// Only an embedded store encrypts. A remote table would get plain values.
    ///
    /// - Throws: ``CodexError/Code/unsupportedOperation``.
    fileprivate func requireUnsealed() throws(CodexError) {
        guard !sealed.isEmpty else { return }
        throw CodexError(
            .unsupportedOperation,
            "Entity \(name) has encrypted fields (\(sealed.joined(separator: ", "))), and a remote "
                + "table would store plain values. Encrypt the values in the program, and give the "
                + "table a schema without encrypted fields.")
    }
}

extension Schema {
    /// Marks the encrypted values in an item of a remote table, which stores them as plain
    /// binaries.
    ///
    /// Only a field that the schema declares as encrypted, or whose type is not binary, can have an
    /// encrypted value.
    package func recognizingSealedValues(of item: Item, _ definition: EntityDefinition) -> Item {
        item.recognizingSealedValues { name in
            definition.fields.contains { $0.name == name && $0.type != .binary }
                || entities.contains { $0.name == definition.name && $0.sealed.contains(name) }
        }
    }
}

extension Condition {
    /// The condition that an item is as it was read: equal attributes, and others missing.
    ///
    /// - Parameters:
    ///   - item: The item; `nil` if there was none.
    ///   - table: Its table, of which the keys are not compared.
    ///   - names: Attributes that must be missing if the item lacks them.
    /// - Returns: The condition.
    package static func unchanged(
        _ item: Item?, in table: TableDefinition, without names: Set<String> = []
    ) -> Condition {
        let partition = DocumentPath(table.partitionKey.name)
        guard let item else { return .attributeNotExists(partition) }
        let keys = Set(table.keyAttributes.map(\.name))
        let isThere = Condition.attributeExists(partition)
        var conditions = [isThere]
        for element in item where !keys.contains(element.name) {
            conditions.append(
                .compare(.path(DocumentPath(element.name)), .equal, .value(element.value)))
        }
        for name in names.sorted() where item[name] == nil && !keys.contains(name) {
            conditions.append(.attributeNotExists(DocumentPath(name)))
        }
        return .all(conditions) ?? isThere
    }
}
