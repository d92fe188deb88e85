/// The name and type of a key attribute.
public struct KeyAttribute: Sendable, Hashable, Codable {
    /// The types that key attributes may have.
    public enum KeyType: String, Sendable, Hashable, Codable {
        /// Text, ordered by UTF-8 bytes.
        case string = "S"
        /// Numbers, ordered by value.
        case number = "N"
        /// Bytes, ordered unsigned.
        case binary = "B"

        /// The attribute type of the key's values.
        public var attributeType: AttributeType {
            switch self {
            case .string: .string
            case .number: .number
            case .binary: .binary
            }
        }
    }

    /// The attribute's name.
    public let name: String
    /// The type that its values must have.
    public let type: KeyType

    /// Names a key attribute.
    public init(_ name: String, _ type: KeyType = .string) {
        self.name = name
        self.type = type
    }
}

/// What an index entry holds besides the index key and the table's key.
public enum IndexProjection: Sendable, Hashable, Codable {
    /// Nothing more.
    case keysOnly
    /// The named attributes.
    case include([String])
    /// The whole item.
    case all
}

/// A secondary index: other key attributes for the same items.
///
/// Indexes are sparse: an item that lacks one of the key attributes has no entry. They change in
/// the transaction that changes the item, so they are never stale.
public struct IndexDefinition: Sendable, Hashable, Codable {
    /// The index's name, unique in its table.
    public let name: String
    /// The partition key: 1 to 4 attributes.
    public let partitionKey: [KeyAttribute]
    /// The sort key: 0 to 4 attributes.
    public let sortKey: [KeyAttribute]
    /// What entries hold besides keys.
    public let projection: IndexProjection
    /// Whether two items may not have the same index key.
    public let isUnique: Bool
    /// The entities whose items are indexed; `nil` means all items.
    public let entities: [String]?

    /// Defines an index.
    public init(
        _ name: String,
        partitionKey: [KeyAttribute],
        sortKey: [KeyAttribute] = [],
        projection: IndexProjection = .all,
        isUnique: Bool = false,
        entities: [String]? = nil
    ) {
        self.name = name
        self.partitionKey = partitionKey
        self.sortKey = sortKey
        self.projection = projection
        self.isUnique = isUnique
        self.entities = entities
    }

    /// All key attributes, the partition key's first.
    public var keyAttributes: [KeyAttribute] { partitionKey + sortKey }
}

/// A table: its primary key and its secondary indexes.
public struct TableDefinition: Sendable, Hashable, Codable {
    /// The table's name, unique in its store.
    public let name: String
    /// The partition key's attribute.
    public let partitionKey: KeyAttribute
    /// The sort key's attribute, if the table has one.
    public let sortKey: KeyAttribute?
    /// The secondary indexes.
    public let indexes: [IndexDefinition]

    /// Defines a table.
    public init(
        _ name: String,
        partitionKey: KeyAttribute,
        sortKey: KeyAttribute? = nil,
        indexes: [IndexDefinition] = []
    ) {
        self.name = name
        self.partitionKey = partitionKey
        self.sortKey = sortKey
        self.indexes = indexes
    }

    /// The primary key's attributes, the partition key's first.
    public var keyAttributes: [KeyAttribute] { [partitionKey] + (sortKey.map { [$0] } ?? []) }
}

/// The primary key of an item.
public struct PrimaryKey: Sendable, Hashable {
    /// The partition key's value.
    public let partition: AttributeValue
    /// The sort key's value, in tables that have one.
    public let sort: AttributeValue?

    /// Creates a key from values.
    public init(_ partition: AttributeValue, _ sort: AttributeValue? = nil) {
        self.partition = partition
        self.sort = sort
    }
}

extension TableDefinition {
    /// The primary key in `item`.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` if a key attribute is missing.
    public func primaryKey(of item: Item) throws(CodexError) -> PrimaryKey {
        func value(_ attribute: KeyAttribute) throws(CodexError) -> AttributeValue {
            guard let value = item[attribute.name] else {
                throw CodexError(
                    .invalidKey,
                    "The item lacks the key attribute \(attribute.name) of table \(name).")
            }
            return value
        }
        let partition = try value(partitionKey)
        guard let sortKey else { return PrimaryKey(partition) }
        return PrimaryKey(partition, try value(sortKey))
    }

    /// The key's values under the names of the key attributes.
    public func attributes(of key: PrimaryKey) -> Item {
        var item: Item = [partitionKey.name: key.partition]
        if let sortKey, let sort = key.sort { item[sortKey.name] = sort }
        return item
    }
}
