/// A field of an entity, as the store's manifest stores it.
public struct FieldDefinition: Sendable, Hashable, Codable {
    /// The attribute's name.
    public let name: String
    /// The attribute's type.
    public let type: AttributeType
    /// Whether items may lack it.
    public let isOptional: Bool
    /// The stored texts of an enumeration, ascending; `nil` means any value.
    ///
    /// They are a record of the enumeration's cases. A program whose enumeration lost a case of the
    /// store needs a new schema version. Values are not checked against them. But a condition is
    /// refused if it compares with a text that is similar to a case, and none.
    public let cases: [String]?

    private init(_ name: String, _ type: AttributeType, isOptional: Bool, _ cases: [String]?) {
        self.name = name
        self.type = type
        self.isOptional = isOptional
        self.cases = cases.map { Set($0).sorted() }
    }

    /// A field that every item of the entity has.
    ///
    /// - Parameters:
    ///   - name: The attribute's name.
    ///   - type: The attribute's type.
    ///   - cases: The stored texts of an enumeration, such as `Status.allCases.map(\.rawValue)`;
    ///     `nil` means any value.
    /// - Returns: The field.
    public static func required(
        _ name: String, _ type: AttributeType, cases: [String]? = nil
    ) -> Self {
        Self(name, type, isOptional: false, cases)
    }

    /// A field that items may lack.
    ///
    /// - Parameters:
    ///   - name: The attribute's name.
    ///   - type: The attribute's type.
    ///   - cases: As for ``required(_:_:cases:)``.
    /// - Returns: The field.
    public static func optional(
        _ name: String, _ type: AttributeType, cases: [String]? = nil
    ) -> Self {
        Self(name, type, isOptional: true, cases)
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
    /// Attributes that the store derives from the item's other attributes at each write, by name.
    ///
    /// None of them is a key attribute of the table, a field, or encrypted. They read fields and
    /// the table's key: no derived attribute, and no encrypted one. The store computes them in each
    /// process that writes, also in one without the Swift type. A change of them needs a higher
    /// ``schemaVersion``. The store does not remove an attribute that a version no longer defines:
    /// ``Entity/upgrade(_:from:)`` must do it.
    public let derived: [String: DerivedAttribute]
    /// The fields; empty for types whose fields `Codable` determines.
    public let fields: [FieldDefinition]
    /// The names of the attributes that are encrypted, ascending.
    ///
    /// Key values stay readable. So none of the names may be in a key template or a counter's sums.
    /// None may be a key attribute of the table or of an index, an attribute of a counter's group,
    /// or the time to live.
    public let sealed: [String]

    /// Defines an entity.
    ///
    /// - Parameters:
    ///   - name: The stored name.
    ///   - table: The name of the table that contains the items.
    ///   - schemaVersion: The version of the entity's fields, 1 or more.
    ///   - keys: The templates of key attributes; the table's key attributes are among them.
    ///   - derived: The attributes that the store derives at each write.
    ///   - fields: The fields; empty for types whose fields `Codable` determines.
    ///   - sealed: The names of the encrypted attributes, in any order.
    public init(
        _ name: String, table: String, schemaVersion: Int = 1,
        keys: [String: KeyTemplate], derived: [String: DerivedAttribute] = [:],
        fields: [FieldDefinition] = [], sealed: [String] = []
    ) {
        self.name = name
        self.table = table
        self.schemaVersion = schemaVersion
        self.keys = keys
        self.derived = derived
        self.fields = fields
        self.sealed = Set(sealed).sorted()
    }

    /// The same entity with further encrypted attributes.
    package func sealing(_ names: [String]) -> Self {
        Self(
            name, table: table, schemaVersion: schemaVersion, keys: keys, derived: derived,
            fields: fields, sealed: sealed + names)
    }

    /// Whether an attribute is made for keys alone, so that no typed read has it as a field.
    ///
    /// The fields of a type with `Codable` are not known, only its templates.
    package func isOnlyForKeys(_ name: String) -> Bool {
        if sealed.contains(name) { return false }
        if derived[name] != nil { return true }
        guard fields.isEmpty else { return !fields.contains { $0.name == name } }
        return keys[name].map { !$0.copies(name) } ?? false
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
    private enum CodingKeys: CodingKey {
        case name, table, schemaVersion, keys, derived, fields, sealed
    }

    /// Reads a definition; derived and encrypted attributes may be absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .name),
            table: try container.decode(String.self, forKey: .table),
            schemaVersion: try container.decode(Int.self, forKey: .schemaVersion),
            keys: try container.decode([String: KeyTemplate].self, forKey: .keys),
            derived: try container.decodeIfPresent(
                [String: DerivedAttribute].self, forKey: .derived) ?? [:],
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
        if !derived.isEmpty { try container.encode(derived, forKey: .derived) }
        try container.encode(fields, forKey: .fields)
        if !sealed.isEmpty { try container.encode(sealed, forKey: .sealed) }
    }
}
