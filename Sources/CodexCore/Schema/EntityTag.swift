/// The entity and the schema version of an item, in a table whose service keeps neither.
///
/// The item has them as text, such as `task#2`, in ``TableCapabilities/reservedAttribute``.
package struct EntityTag: Sendable, Hashable {
    package let entity: String
    package let schemaVersion: Int

    /// The tag of an entity in its present version.
    package init(of definition: EntityDefinition) {
        entity = definition.name
        schemaVersion = definition.schemaVersion
    }

    /// The tag of an item; `nil` if it has none.
    ///
    /// - Throws: ``CodexError/Code/schemaMismatch`` if the reserved attribute is no tag.
    package init?(of item: Item) throws(CodexError) {
        guard let value = item[TableCapabilities.reservedAttribute] else { return nil }
        // Names of entities have no `#`.
        let parts = value.string?.split(separator: "#", omittingEmptySubsequences: false) ?? []
        guard parts.count == 2, !parts[0].isEmpty, let version = Int(parts[1]), version >= 1 else {
            throw CodexError(
                .schemaMismatch,
                "The attribute \(TableCapabilities.reservedAttribute) of an item is reserved, and "
                    + "has other text than an entity and its version. Remove it.")
        }
        entity = String(parts[0])
        schemaVersion = version
    }

    /// The value of the reserved attribute.
    package var value: AttributeValue { .string("\(entity)#\(schemaVersion)") }
}
