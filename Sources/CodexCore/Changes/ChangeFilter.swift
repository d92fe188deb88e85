/// The changes that a stream has: a change must match all given conditions.
///
/// The tables and entities must exist, or have existed: a stream or consumer with an unknown name
/// is refused. So add a table before its consumer.
public struct ChangeFilter: Sendable, Hashable, Codable {
    /// The tables; `nil` is all.
    public var tables: Set<String>?
    /// The names of the entities of the item before or after; `nil` is all, raw items too.
    public var entities: Set<String>?
    /// The prefix of the partition key, which must be a string.
    public var partitionKeyPrefix: String?
    /// The prefix of the sort key, which must be a string.
    public var sortKeyPrefix: String?
    /// The kinds of changes; `nil` is all.
    public var kinds: Set<ChangeKind>?

    /// All changes.
    public static let all = ChangeFilter()

    /// Creates a filter.
    public init(
        tables: Set<String>? = nil, entities: Set<String>? = nil,
        partitionKeyPrefix: String? = nil, sortKeyPrefix: String? = nil,
        kinds: Set<ChangeKind>? = nil
    ) {
        self.tables = tables
        self.entities = entities
        self.partitionKeyPrefix = partitionKeyPrefix
        self.sortKeyPrefix = sortKeyPrefix
        self.kinds = kinds
    }
}

extension ChangeFilter {
    /// Whether the filter depends on the key of an item.
    package var hasKeyPrefix: Bool { partitionKeyPrefix != nil || sortKeyPrefix != nil }

    /// Whether the key of an item has the prefixes of the filter.
    package func includesKey(_ key: PrimaryKey) -> Bool {
        Self.matches(partitionKeyPrefix, key.partition) && Self.matches(sortKeyPrefix, key.sort)
    }

    private static func matches(_ prefix: String?, _ value: AttributeValue?) -> Bool {
        guard let prefix else { return true }
        guard let text = value?.string else { return false }
        return text.utf8.starts(with: prefix.utf8)
    }
}
