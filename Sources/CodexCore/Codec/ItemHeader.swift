/// The metadata that a store keeps with an item's attributes.
public struct ItemHeader: Sendable, Hashable {
    /// The number of the item's entity in the store's manifest; 0 for a raw item.
    package var entityNumber: Int
    /// The version of the entity's schema that wrote the item; 0 for a raw item.
    public var schemaVersion: Int
    /// The item's version: 1 when it is created, one more with every write.
    public var version: Int
    /// When the item expires, in whole seconds since 1970; `nil` if it does not.
    ///
    /// The store sets it from the table's ``TableDefinition/timeToLive``. An index entry that
    /// copies attributes of the item has it too, so that it need not hold the attribute of that
    /// name.
    public var expiresAt: Int?

    /// Creates a header.
    package init(
        entityNumber: Int = 0, schemaVersion: Int = 0, version: Int = 1, expiresAt: Int? = nil
    ) {
        self.entityNumber = entityNumber
        self.schemaVersion = schemaVersion
        self.version = version
        self.expiresAt = expiresAt
    }
}
