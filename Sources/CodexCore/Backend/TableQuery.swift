/// A condition on the sort key of a query.
public enum SortCondition: Sendable, Hashable {
    /// Every sort key.
    case any
    /// Exactly this one.
    case equal(AttributeValue)
    /// Below.
    case less(AttributeValue)
    /// Below or equal.
    case lessOrEqual(AttributeValue)
    /// Above.
    case greater(AttributeValue)
    /// Above or equal.
    case greaterOrEqual(AttributeValue)
    /// Between the two, both included.
    case between(AttributeValue, AttributeValue)
    /// Text or bytes that begin with these.
    case beginsWith(AttributeValue)

    /// Every sort key in a closed range of text.
    public static func range(_ range: ClosedRange<String>) -> Self {
        .between(.string(range.lowerBound), .string(range.upperBound))
    }
}

/// The order in which a query runs through a partition.
public enum QueryDirection: Sendable, Hashable {
    /// Ascending sort keys.
    case forward
    /// Descending sort keys.
    case backward

    /// The other direction.
    public var opposite: Self { self == .forward ? .backward : .forward }
}

/// A query of one partition of a table or index.
public struct TableQuery: Sendable, Hashable {
    /// The table's name.
    public var table: String
    /// The index's name; `nil` is the table itself.
    public var index: String?
    /// The partition key's values, one for each of its attributes.
    public var partition: [AttributeValue]
    /// Values that the leading sort key attributes must equal, in an index with several.
    public var sortPrefix: [AttributeValue]
    /// The condition on the sort key attribute after those.
    public var sort: SortCondition
    /// The order of the results.
    public var direction: QueryDirection
    /// The condition that a returned item must satisfy.
    ///
    /// It must not name attributes of the primary key that is queried.
    public var filter: Condition?
    /// The parts of the items that are returned; `nil` is all.
    public var projection: Projection?
    /// The name of the entity whose items are found; `nil` is all items.
    ///
    /// The other items of the range count as examined. A raw item, which was stored before its
    /// entity was in the schema, belongs to the entity whose templates make its primary key. It is
    /// the first such entity in the order of the schema.
    ///
    /// DynamoDB has no entities. A ``TableBackend`` of a remote table may ignore the name.
    public var entity: String?
    /// The values from which the key is made; `nil` if the query has its key.
    package var keyValues: KeyValues?

    /// Creates a query.
    public init(
        table: String, index: String? = nil, partition: [AttributeValue],
        sortPrefix: [AttributeValue] = [], sort: SortCondition = .any,
        direction: QueryDirection = .forward, filter: Condition? = nil,
        projection: Projection? = nil, entity: String? = nil
    ) {
        self.table = table
        self.index = index
        self.partition = partition
        self.sortPrefix = sortPrefix
        self.sort = sort
        self.direction = direction
        self.filter = filter
        self.projection = projection
        self.entity = entity
    }

    /// Creates a query of the items with a key of an index.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - index: The index's name.
    ///   - partition: The partition key's values.
    ///   - sortValues: The values of the leading sort key attributes.
    package init(
        table: String, index: String, partition: [AttributeValue], sortValues: [AttributeValue]
    ) {
        self.init(
            table: table, index: index, partition: partition,
            sortPrefix: Array(sortValues.dropLast()),
            sort: sortValues.last.map { SortCondition.equal($0) } ?? .any)
    }
}

/// A place in a query's results, from which a later call continues.
///
/// A token is opaque, printable, and bound to its query and store.
///
/// It names the last item that was examined, not a count. Concurrent inserts and deletes therefore
/// neither repeat nor hide results.
public struct PageToken: Sendable, Hashable, CustomStringConvertible {
    /// The token as text of letters, digits, `-` and `_`.
    public let description: String

    /// Reads a token from its text; the query that uses it checks it.
    public init(_ text: String) { description = text }
}

/// A page of results.
public struct Page<Element: Sendable>: Sendable {
    /// The results.
    public let items: [Element]
    /// The token for the next page; `nil` if the end was reached.
    public let next: PageToken?
    /// The number of items that were read to find the results, including those that the filter
    /// dropped.
    public let examinedCount: Int

    /// Creates a page.
    public init(items: [Element], next: PageToken?, examinedCount: Int) {
        self.items = items
        self.next = next
        self.examinedCount = examinedCount
    }
}

extension Page: Equatable where Element: Equatable {}

/// The limits of one call for a query's results.
public struct PageLimits: Sendable, Hashable {
    /// Most results to return; `nil` is all.
    public var returned: Int?
    /// Most items to examine (DynamoDB's `Limit`); `nil` is all.
    ///
    /// Expired items that are not removed yet count as examined, though they are not results. A
    /// page may therefore be empty and still have a token, if more items follow.
    public var examined: Int?

    /// Creates limits.
    public init(returned: Int? = nil, examined: Int? = nil) {
        self.returned = returned
        self.examined = examined
    }
}

/// The number of items that a query finds.
public struct QueryCount: Sendable, Hashable {
    /// The items that passed the filter.
    public let count: Int
    /// The items that were read, expired ones that are not removed yet included.
    public let examinedCount: Int

    /// Creates a count.
    public init(count: Int, examinedCount: Int) {
        self.count = count
        self.examinedCount = examinedCount
    }
}
