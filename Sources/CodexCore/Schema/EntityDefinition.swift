/// A field of an entity, as the store's manifest stores it.
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
public struct EntityDefinition: Sendable, Hashable {
    /// The stored name.
    ///
    /// It never comes from a Swift type's name, so types may be renamed.
    public let name: String
    /// The name of the table that contains the items.
    public let table: String
    /// The version of the entity's fields; each item carries the version that wrote it.
    public let schemaVersion: Int
    /// The key attributes, and other attributes that are derived from fields, by attribute name.
    ///
    /// They must include the table's key attributes.
    public let keys: [String: KeyTemplate]
    /// The fields; empty for types whose fields `Codable` determines.
    public let fields: [FieldDefinition]
    /// The names of the attributes that are encrypted, ascending.
    ///
    /// Key values stay readable. So none of the names may be in a key template or a counter's sums.
    /// None may be a key attribute of the table or of an index, an attribute of a counter's group,
    /// or the time to live.
    public let sealed: [String]

    /// Defines an entity.
    public init(
        _ name: String, table: String, schemaVersion: Int = 1,
        keys: [String: KeyTemplate], fields: [FieldDefinition] = [], sealed: [String] = []
    ) {
        self.name = name
        self.table = table
        self.schemaVersion = schemaVersion
        self.keys = keys
        self.fields = fields
        self.sealed = Set(sealed).sorted()
    }

    /// The same entity with further encrypted attributes.
    func sealing(_ names: [String]) -> Self {
        Self(
            name, table: table, schemaVersion: schemaVersion, keys: keys, fields: fields,
            sealed: sealed + names)
    }

    /// Whether an item with this primary key belongs to this entity.
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

extension EntityDefinition: Codable {
    private enum CodingKeys: CodingKey { case name, table, schemaVersion, keys, fields, sealed }

    /// Reads a definition; the list of encrypted attributes may be absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .name),
            table: try container.decode(String.self, forKey: .table),
            schemaVersion: try container.decode(Int.self, forKey: .schemaVersion),
            keys: try container.decode([String: KeyTemplate].self, forKey: .keys),
            fields: try container.decode([FieldDefinition].self, forKey: .fields),
            sealed: try container.decodeIfPresent([String].self, forKey: .sealed) ?? [])
    }

    /// Writes the definition.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(table, forKey: .table)
        try container.encode(schemaVersion, forKey: .schemaVersion)
        try container.encode(keys, forKey: .keys)
        try container.encode(fields, forKey: .fields)
        if !sealed.isEmpty { try container.encode(sealed, forKey: .sealed) }
    }
}
