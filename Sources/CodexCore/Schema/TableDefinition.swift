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

    /// Compares names by bytes, and compares types.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.type == rhs.type && ByteOrder.equal(lhs.name, rhs.name)
    }
}

/// The attributes that a query of an index returns in addition to the keys of index and table.
public enum IndexProjection: Sendable, Hashable, Codable {
    /// No further attributes.
    case keysOnly
    /// The named attributes.
    case include([String])
    /// The whole item.
    case all

    /// Compares the projections; names are compared by bytes, in their order.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        switch (lhs, rhs) {
        case (.keysOnly, .keysOnly), (.all, .all): true
        case (.include(let left), .include(let right)):
            left.map(ExactName.init(_:)) == right.map(ExactName.init(_:))
        default: false
        }
    }

    /// The layout of an index whose definition names none.
    public var defaultLayout: IndexLayout {
        switch self {
        case .keysOnly, .all: .references
        case .include: .copies
        }
    }
}

/// How the entries of an index are stored.
///
/// The results of a query do not depend on it. References cost a query a lookup for each item.
/// Copies cost a write of an item the projected attributes once more.
public enum IndexLayout: String, Sendable, Hashable, Codable, CaseIterable {
    /// An entry refers to its item, which a query reads.
    case references
    /// An entry holds the projected attributes.
    case copies
}

/// A secondary index: other key attributes for the same items.
///
/// Indexes are sparse: an item that lacks one of the key attributes has no entry. They change in
/// the transaction that changes the item, so they are never stale.
///
/// One key attribute may be multi-valued. If it is a list or a set, the item has an entry for each
/// distinct element, such as for each label of a task.
public struct IndexDefinition: Sendable, Hashable, Codable {
    /// The index's name, unique in its table.
    public let name: String
    /// The partition key: 1 to 4 attributes.
    public let partitionKey: [KeyAttribute]
    /// The sort key: 0 to 4 attributes.
    public let sortKey: [KeyAttribute]
    /// The attributes that a query returns in addition to keys.
    public let projection: IndexProjection
    /// Whether each index key may belong to only one item.
    public let isUnique: Bool
    /// The entities whose items are indexed; `nil` means all items.
    public let entities: [String]?
    /// The key attribute whose lists and sets have an entry for each element; `nil` if there is
    /// none.
    public let multiValued: String?
    /// How the index is stored when it is made; `nil` is the default of the projection
    /// (``IndexProjection/defaultLayout``).
    ///
    /// It is no part of the comparison with a store's schema. An index of a store keeps its layout.
    /// An index of keys only has nothing to copy, and so does not have the layout
    /// ``IndexLayout/copies``.
    public let layout: IndexLayout?

    /// Defines an index.
    public init(
        _ name: String,
        partitionKey: [KeyAttribute],
        sortKey: [KeyAttribute] = [],
        projection: IndexProjection = .all,
        isUnique: Bool = false,
        entities: [String]? = nil,
        multiValued: String? = nil,
        layout: IndexLayout? = nil
    ) {
        self.name = name
        self.partitionKey = partitionKey
        self.sortKey = sortKey
        self.projection = projection
        self.isUnique = isUnique
        self.entities = entities
        self.multiValued = multiValued
        self.layout = layout
    }

    /// Compares all parts; names of attributes are compared by bytes.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        guard lhs.name == rhs.name, lhs.partitionKey == rhs.partitionKey,
            lhs.sortKey == rhs.sortKey, lhs.projection == rhs.projection,
            lhs.isUnique == rhs.isUnique, lhs.entities == rhs.entities, lhs.layout == rhs.layout
        else { return false }
        return lhs.multiValued.map(ExactName.init(_:)) == rhs.multiValued.map(ExactName.init(_:))
    }

    /// All key attributes, the partition key's first.
    public var keyAttributes: [KeyAttribute] { partitionKey + sortKey }

    /// The layout in which the index is made.
    package var initialLayout: IndexLayout { layout ?? projection.defaultLayout }

    /// Whether another definition is of the same index, apart from its layout.
    package func isSame(as other: Self) -> Bool {
        with(layout: nil) == other.with(layout: nil)
    }

    /// This index in a layout.
    package func with(layout: IndexLayout?) -> Self {
        Self(
            name, partitionKey: partitionKey, sortKey: sortKey, projection: projection,
            isUnique: isUnique, entities: entities, multiValued: multiValued, layout: layout)
    }
}

/// Counts and sums of items by group, updated in the transaction that changes an item.
///
/// A group contains the items with equal values of the group's attributes. As in an index, an item
/// that lacks one of them is in no group. Reading a group is one lookup, for any number of items.
///
/// Expired items (``TableDefinition/timeToLive``) still count until they are removed, though reads
/// no longer find them.
///
/// Sums are exact. A write is refused with ``CodexError/Code/invalidNumber`` if a group's sum would
/// need more than 38 digits.
public struct CounterDefinition: Sendable, Hashable, Codable {
    /// The counter's name, unique in its table.
    public let name: String
    /// The 1 to 4 attributes whose values define a group.
    public let group: [KeyAttribute]
    /// The number attributes that are summed; values of other types do not count.
    public let sums: [String]
    /// The entities whose items are counted; `nil` means all items.
    public let entities: [String]?
    /// The group attribute whose lists and sets count once per distinct element; `nil` if there is
    /// none.
    public let multiValued: String?

    /// Defines a counter.
    public init(
        _ name: String,
        group: [KeyAttribute],
        sums: [String] = [],
        entities: [String]? = nil,
        multiValued: String? = nil
    ) {
        self.name = name
        self.group = group
        self.sums = sums
        self.entities = entities
        self.multiValued = multiValued
    }

    /// Compares all parts; names of attributes are compared by bytes.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        guard lhs.name == rhs.name, lhs.group == rhs.group, lhs.entities == rhs.entities,
            lhs.sums.map(ExactName.init(_:)) == rhs.sums.map(ExactName.init(_:))
        else { return false }
        return lhs.multiValued.map(ExactName.init(_:)) == rhs.multiValued.map(ExactName.init(_:))
    }
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
    /// The counters.
    public let counters: [CounterDefinition]
    /// The attribute that determines when an item expires; `nil` if the table's items never expire.
    ///
    /// Its value is a number of seconds since 1970-01-01T00:00:00Z, from 0 up to 2^53; a fraction
    /// is rounded up. From that second on, by the clock of the reading process, reads and
    /// conditions treat the item as absent, and its unique keys are free. A sweeper removes it in
    /// the background and marks the record in the change stream as expiry. A second that is more
    /// than ``DynamoDBLimits/expiryIgnoredAfterSeconds`` in the past is ignored.
    ///
    /// An item without the attribute does not expire. Neither does an item whose value has another
    /// type or is out of range; such values are not refused.
    ///
    /// The attribute may be one of the table's key.
    ///
    /// A table without a time to live may get one, even if it contains items. It can be removed,
    /// and then another be added. See DynamoDB's developer guide, "Using time to live (TTL)";
    /// unlike here, DynamoDB can return expired items until they are removed.
    public let timeToLive: String?

    /// Defines a table.
    public init(
        _ name: String,
        partitionKey: KeyAttribute,
        sortKey: KeyAttribute? = nil,
        indexes: [IndexDefinition] = [],
        counters: [CounterDefinition] = [],
        timeToLive: String? = nil
    ) {
        self.name = name
        self.partitionKey = partitionKey
        self.sortKey = sortKey
        self.indexes = indexes
        self.counters = counters
        self.timeToLive = timeToLive
    }

    /// Reads a definition; counters and time to live may be absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        partitionKey = try container.decode(KeyAttribute.self, forKey: .partitionKey)
        sortKey = try container.decodeIfPresent(KeyAttribute.self, forKey: .sortKey)
        indexes = try container.decode([IndexDefinition].self, forKey: .indexes)
        counters = try container.decodeIfPresent([CounterDefinition].self, forKey: .counters) ?? []
        timeToLive = try container.decodeIfPresent(String.self, forKey: .timeToLive)
    }

    private enum CodingKeys: CodingKey {
        case name, partitionKey, sortKey, indexes, counters, timeToLive
    }

    /// Compares all parts; names of attributes are compared by bytes.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        guard lhs.name == rhs.name, lhs.partitionKey == rhs.partitionKey,
            lhs.sortKey == rhs.sortKey, lhs.indexes == rhs.indexes, lhs.counters == rhs.counters
        else { return false }
        return lhs.timeToLive.map(ExactName.init(_:)) == rhs.timeToLive.map(ExactName.init(_:))
    }

    /// The same table with other indexes and counters, or with a time to live.
    package func with(
        indexes: [IndexDefinition]? = nil, counters: [CounterDefinition]? = nil,
        timeToLive: String? = nil
    ) -> TableDefinition {
        TableDefinition(
            name, partitionKey: partitionKey, sortKey: sortKey, indexes: indexes ?? self.indexes,
            counters: counters ?? self.counters, timeToLive: timeToLive ?? self.timeToLive)
    }

    /// The same table without a time to live.
    package var withoutTimeToLive: TableDefinition {
        TableDefinition(
            name, partitionKey: partitionKey, sortKey: sortKey, indexes: indexes,
            counters: counters)
    }

    /// The name of the expiry index, which no index of a user may have.
    package static let expiryIndexName = "$expiry"

    /// The indexes that writes maintain: the table's own indexes and, if its items can expire, the
    /// expiry index.
    package var maintainedIndexes: [IndexDefinition] {
        guard let timeToLive else { return indexes }
        return indexes + [
            IndexDefinition(
                Self.expiryIndexName, partitionKey: [KeyAttribute(timeToLive, .number)],
                projection: .keysOnly)
        ]
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
