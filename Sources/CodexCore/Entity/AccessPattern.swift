/// Names at most one entity: by primary key, or by an index whose key belongs to one item.
///
/// CodexFlow's are static members: `store.get(.user(id))`, `store.get(.user(email: "a@b.c"))`. Add
/// your own in extensions that are constrained to your entity.
public struct Lookup<E: Entity>: Sendable, Hashable {
    /// Where to look.
    public let target: LookupTarget

    /// Names an entity by where it is found.
    public init(_ target: LookupTarget) { self.target = target }

    /// Names an entity by its primary key.
    public init(partition: AttributeValue, sort: AttributeValue? = nil) {
        self.init(.primaryKey(PrimaryKey(partition, sort)))
    }
}

/// Where a ``Lookup`` looks.
public enum LookupTarget: Sendable, Hashable {
    /// The primary key.
    case primaryKey(PrimaryKey)
    /// The first item with this partition and sort key in the named index.
    case index(String, partition: [AttributeValue], sort: [AttributeValue])
}

/// Names any number of entities: one partition of the table or of an index, in sort key order.
///
/// CodexFlow's are static members: `store.query(.tasks(assignedTo: id))`. Items of other entities
/// in the same range are skipped.
public struct Query<E: Entity>: Sendable, Hashable {
    /// The untyped query.
    public var request: TableQuery

    /// Names the entities that an untyped query finds; its projection is ignored.
    public init(_ request: TableQuery) {
        self.request = request
        self.request.projection = nil
    }

    /// Names the entities of one partition.
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

    /// The same query, from the end.
    public var reversed: Self {
        var copy = self
        copy.request.direction = copy.request.direction.opposite
        return copy
    }

    /// The same query for the items that also pass the filter.
    public func filtered(by condition: Condition) -> Self {
        var copy = self
        copy.request.filter = copy.request.filter.map { $0 && condition } ?? condition
        return copy
    }
}
