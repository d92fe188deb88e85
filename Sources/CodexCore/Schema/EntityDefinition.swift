/// A field of an entity, as the store's manifest keeps it.
public struct FieldDefinition: Sendable, Hashable, Codable {
    /// The attribute's name.
    public let name: String
    /// The attribute's type.
    public let type: AttributeType
    /// Whether items may lack it.
    public let isOptional: Bool

    /// A field that every item of the entity has.
    public static func required(_ name: String, _ type: AttributeType) -> Self {
        Self(name: name, type: type, isOptional: false)
    }

    /// A field that items may lack.
    public static func optional(_ name: String, _ type: AttributeType) -> Self {
        Self(name: name, type: type, isOptional: true)
    }
}

/// A kind of item: its stored name, its keys and its fields.
public struct EntityDefinition: Sendable, Hashable, Codable {
    /// The stored name.
    ///
    /// It never comes from a Swift type's name, so types may be renamed.
    public let name: String
    /// The table that the items live in.
    public let table: String
    /// The version of the entity's fields; items carry the one that wrote them.
    public let schemaVersion: Int
    /// The key attributes and others that are derived from fields, by attribute name.
    ///
    /// The table's key attributes must be among them.
    public let keys: [String: KeyTemplate]
    /// The fields; empty for types that leave them to `Codable`.
    public let fields: [FieldDefinition]

    /// Defines an entity.
    public init(
        _ name: String, table: String, schemaVersion: Int = 1,
        keys: [String: KeyTemplate], fields: [FieldDefinition] = []
    ) {
        self.name = name
        self.table = table
        self.schemaVersion = schemaVersion
        self.keys = keys
        self.fields = fields
    }

    /// Whether an item with this primary key is of this entity.
    package func matches(_ key: PrimaryKey, in definition: TableDefinition) -> Bool {
        guard case .string(let partition) = key.partition,
            let template = keys[definition.partitionKey.name], template.matches(partition)
        else { return false }
        guard let sortKey = definition.sortKey else { return true }
        guard case .string(let sort)? = key.sort, let template = keys[sortKey.name] else {
            return false
        }
        return template.matches(sort)
    }
}
