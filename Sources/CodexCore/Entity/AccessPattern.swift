/// Names at most one entity, by its primary key or by an index key that belongs to one item.
///
/// CodexFlow's lookups are static members: `store.get(.user(id))`, `store.get(.user(email:
/// "a@b.c"))`. Add your own in extensions that are constrained to your entity.
public struct Lookup<E: Entity>: Sendable, Hashable {
    /// The key of the entity, in the table or in an index.
    public let target: LookupTarget

    /// Creates a lookup of a target.
    public init(_ target: LookupTarget) { self.target = target }

    /// Creates a lookup by primary key.
    public init(partition: AttributeValue, sort: AttributeValue? = nil) {
        self.init(.primaryKey(PrimaryKey(partition, sort)))
    }
}

/// The key that a ``Lookup`` uses.
public enum LookupTarget: Sendable, Hashable {
    /// The primary key.
    case primaryKey(PrimaryKey)
    /// The first item with this partition and sort key in the named index.
    case index(String, partition: [AttributeValue], sort: [AttributeValue])
}

/// Names any number of entities: one partition of the table or of an index, in sort key order.
///
/// CodexFlow's queries are static members: `store.query(.tasks(assignedTo: id))`. Items of other
/// entities in the same range are skipped.
public struct Query<E: Entity>: Sendable, Hashable {
    /// The untyped query.
    public var request: TableQuery

    /// Creates a query for the entities that an untyped query finds; its projection is ignored.
    public init(_ request: TableQuery) {
        self.request = request
        self.request.projection = nil
    }

    /// Creates a query of one partition.
    ///
    /// - Parameters:
    ///   - partition: The partition key's value.
    ///   - sort: The condition on the sort key.
    ///   - index: The index; `nil` is the table itself.
    public init(partition: AttributeValue, sort: SortCondition = .any, index: String? = nil) {
        self.init(
            TableQuery(
                table: E.definition.table, index: index, partition: [partition], sort: sort))
    }

    /// The same query in the opposite direction.
    public var reversed: Self {
        var copy = self
        copy.request.direction = copy.request.direction.opposite
        return copy
    }

    /// The same query, limited to items that also pass the filter.
    public func filtered(by condition: Condition) -> Self {
        var copy = self
        copy.request.filter = copy.request.filter.map { $0 && condition } ?? condition
        return copy
    }
}
