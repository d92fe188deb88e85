/// Names at most one entity, by its primary key or by an index key that belongs to one item.
///
/// Make it from values of the entity's fields. The definition's templates make the key:
///
/// ```swift
/// let order = try store.get(Lookup<WorkOrder>(["id": id]))
/// let customer = try store.get(Lookup(Customer.byEmail, Customer.fields.email("ada@example.com")))
/// ```
///
/// CodexFlow's lookups are static members: `store.get(.user(id))`, `store.get(.user(email:
/// "a@b.c"))`. Add your own in extensions that are constrained to your entity.
public struct Lookup<E: Entity>: Sendable, Hashable {
    /// The key of the entity, in the table or in an index.
    public let target: LookupTarget
    /// The other keys; `nil` if there are none, as in nearly all lookups.
    private let others: [LookupTarget]?

    /// Keys that the entity may have by another rule: they are tried, in their order, if there is
    /// no entity at the target.
    ///
    /// Reads of a store, of its transactions and of a workspace try them. So do updates and
    /// deletions. A cache does not keep the result.
    public var alternatives: [LookupTarget] { others ?? [] }

    /// The target and its alternatives.
    package var targets: [LookupTarget] { [target] + alternatives }

    /// Creates a lookup of a target.
    public init(_ target: LookupTarget) {
        self.target = target
        others = nil
    }

    /// Creates a lookup of a target, or else of the first alternative with an entity.
    public init(_ target: LookupTarget, or alternatives: [LookupTarget]) {
        self.target = target
        others = alternatives.isEmpty ? nil : alternatives
    }

    /// Creates a lookup by primary key.
    ///
    /// The key is taken as it is, with the padding and the case that it has. Prefer a lookup that
    /// is made from values of fields.
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
    /// The primary key that the entity's definition makes from these values of its attributes.
    case values([String: AttributeValue])
    /// The key in the named index that the entity's definition makes from these values of its
    /// attributes.
    case indexValues(String, [String: AttributeValue])
}

/// Names any number of entities: one partition of the table or of an index, in sort key order.
///
/// Make it from values of the entity's fields. The definition's templates make the keys:
///
/// ```swift
/// let orders = try store.all(Query<WorkOrder>("bySite", ["siteID": site]))
/// let planned = WorkOrder.fields.plannedOn.within(monday...friday)
/// let week = Query(WorkOrder.bySite, WorkOrder.fields.siteID(site), sort: planned)
/// ```
///
/// CodexFlow's queries are static members: `store.query(.tasks(assignedTo: id))`. Items of other
/// entities in the same range are skipped.
public struct Query<E: Entity>: Sendable, Hashable {
    /// The untyped query, which finds the items of the entity alone.
    ///
    /// Its ``TableQuery/entity`` is the entity's name. If the query was made from values of fields,
    /// only typed calls can use it: they know the entity's definition. Untyped calls refuse the
    /// request with ``CodexError/Code/invalidKey``.
    public var request: TableQuery

    /// Creates a query for the entities that an untyped query finds; its projection is ignored.
    public init(_ request: TableQuery) {
        self.request = request
        self.request.projection = nil
        self.request.entity = E.definition.name
    }

    /// Creates a query of one partition.
    ///
    /// The keys are taken as they are, with the padding and the case that they have. Prefer a query
    /// that is made from values of fields.
    ///
    /// - Parameters:
    ///   - partition: The partition key's value.
    ///   - sort: The condition on the sort key.
    ///   - index: The index; `nil` is the table itself.
    public init(partition: AttributeValue, sort: SortCondition = .any, index: String? = nil) {
        let definition = E.definition
        request = TableQuery(
            table: definition.table, index: index, partition: [partition], sort: sort,
            entity: definition.name)
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
