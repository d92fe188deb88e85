/// A field of an entity with the Swift type of its values.
///
/// Fields name the parts of keys, conditions and updates, so that a misspelled name or a value of
/// another type does not compile. The macro `@Entity` declares them. Without the macro, declare
/// them by hand:
///
/// ```swift
/// extension WorkOrder {
///     struct Fields {
///         let siteID = Field<WorkOrder, UUID>("siteID")
///         let plannedOn = Field<WorkOrder, CalendarDay>("plannedOn")
///     }
///     static let fields = Fields()
///     static let bySite: EntityIndex<WorkOrder> = "bySite"
/// }
///
/// let (site, plannedOn) = (WorkOrder.fields.siteID, WorkOrder.fields.plannedOn)
/// let order = try store.get(Lookup(WorkOrder.fields.id(id)))
/// let week = Query(WorkOrder.bySite, site(x), sort: plannedOn.within(monday...friday))
/// let late = week.filtered(by: WorkOrder.fields.status != .done)
/// ```
public struct Field<E: Entity, Value: AttributeConvertible>: Sendable, Hashable {
    /// The stored name of the attribute.
    public let name: String

    /// Names a field.
    ///
    /// - Parameter name: The stored name of the attribute. Opening a store checks the names in
    ///   definitions, and each call checks the names in its keys and filters.
    public init(_ name: String) { self.name = name }

    /// The attribute, for updates and for the conditions of writes.
    public var attribute: Attribute<Value> { Attribute(name) }

    /// The field's value, as a part of a key.
    public func callAsFunction(_ value: Value) -> FieldValue<E> {
        FieldValue(name, value.attributeValue)
    }

    /// An element of the field's list, as a part of the key of a multi-valued index.
    public func callAsFunction<Element: AttributeConvertible>(
        containing element: Element
    ) -> FieldValue<E> where Value == [Element] {
        FieldValue(name, element.attributeValue)
    }

    /// A member of the field's set, as a part of the key of a multi-valued index.
    public func callAsFunction<Element: AttributeConvertible & AttributeSetMember>(
        containing member: Element
    ) -> FieldValue<E> where Value == AttributeSet<Element> {
        FieldValue(name, member.attributeValue)
    }
}

// MARK: Conditions

extension Field {
    /// The field equals the value.
    public static func == (lhs: Self, rhs: Value) -> Condition { lhs.attribute == rhs }
    /// The field differs from the value, or is missing.
    public static func != (lhs: Self, rhs: Value) -> Condition { lhs.attribute != rhs }
    /// The field is below the value.
    public static func < (lhs: Self, rhs: Value) -> Condition { lhs.attribute < rhs }
    /// The field is at most the value.
    public static func <= (lhs: Self, rhs: Value) -> Condition { lhs.attribute <= rhs }
    /// The field is above the value.
    public static func > (lhs: Self, rhs: Value) -> Condition { lhs.attribute > rhs }
    /// The field is at least the value.
    public static func >= (lhs: Self, rhs: Value) -> Condition { lhs.attribute >= rhs }

    /// The field lies in the range, both ends included.
    public func isBetween(_ low: Value, and high: Value) -> Condition {
        attribute.isBetween(low, and: high)
    }

    /// The field is one of the values.
    public func isOne(of values: [Value]) -> Condition { attribute.isOne(of: values) }

    /// The item has the field.
    public var exists: Condition { attribute.exists }

    /// The item lacks the field.
    public var doesNotExist: Condition { attribute.doesNotExist }

    /// The field's text begins with `prefix`.
    public func begins(with prefix: Value) -> Condition { attribute.begins(with: prefix) }

    /// The field's text, set or list contains `member`.
    public func contains(_ member: some AttributeConvertible) -> Condition {
        attribute.contains(member)
    }
}

// MARK: Ranges

/// Ranges of a field's values, for the sort key of a query.
///
/// A range of a field that is a part of a key template is a range of keys. Its order is the order
/// of the texts in keys, by their UTF-8 bytes. For numbers, dates and days, that is the order of
/// the values. For texts, a space, `!` and `"` sort before the `#` that may follow in the key, so
/// "ab c" may sort before "ab".
extension Field {
    /// Exactly this value.
    public func at(_ value: Value) -> FieldRange<E> {
        FieldRange(name, .equal(value.attributeValue))
    }

    /// All values below this one.
    public func before(_ value: Value) -> FieldRange<E> {
        FieldRange(name, .less(value.attributeValue))
    }

    /// This value, and all values below.
    public func through(_ value: Value) -> FieldRange<E> {
        FieldRange(name, .lessOrEqual(value.attributeValue))
    }

    /// All values above this one.
    public func after(_ value: Value) -> FieldRange<E> {
        FieldRange(name, .greater(value.attributeValue))
    }

    /// This value, and all values above.
    public func from(_ value: Value) -> FieldRange<E> {
        FieldRange(name, .greaterOrEqual(value.attributeValue))
    }

    /// All values in a range, both ends included.
    public func within(_ range: ClosedRange<Value>) -> FieldRange<E> where Value: Comparable {
        FieldRange(
            name, .between(range.lowerBound.attributeValue, range.upperBound.attributeValue))
    }

    /// All values whose text begins with `prefix`.
    public func starts(with prefix: String) -> FieldRange<E> {
        FieldRange(name, .beginsWith(.string(prefix)))
    }

    /// Numbers have no prefix: use a range.
    @available(*, unavailable, message: "Numbers have no prefix. Use a range, such as within(_:).")
    public func starts(with prefix: String) -> FieldRange<E> where Value: BinaryInteger {
        FieldRange(name, .any)
    }

    /// Numbers have no prefix: use a range.
    @available(*, unavailable, message: "Numbers have no prefix. Use a range, such as within(_:).")
    public func starts(with prefix: String) -> FieldRange<E> where Value: BinaryFloatingPoint {
        FieldRange(name, .any)
    }

    /// Numbers have no prefix: use a range.
    @available(*, unavailable, message: "Numbers have no prefix. Use a range, such as within(_:).")
    public func starts(with prefix: String) -> FieldRange<E> where Value == Number {
        FieldRange(name, .any)
    }
}

/// The value of a field, from which a key is made.
///
/// A ``Field`` makes it: `WorkOrder.fields.siteID(site)`.
public struct FieldValue<E: Entity>: Sendable, Hashable {
    /// The stored name of the attribute.
    public let name: String
    /// The value.
    public let value: AttributeValue

    init(_ name: String, _ value: AttributeValue) {
        self.name = name
        self.value = value
    }
}

/// A range of the values of a field, for the sort key of a query.
///
/// A ``Field`` makes it: `WorkOrder.fields.plannedOn.within(monday...friday)`.
public struct FieldRange<E: Entity>: Sendable, Hashable {
    /// The stored name of the attribute.
    public let name: String
    /// The condition on the attribute's value.
    public let condition: SortCondition

    init(_ name: String, _ condition: SortCondition) {
        self.name = name
        self.condition = condition
    }
}

/// The name of an index that has items of an entity.
///
/// ```swift
/// extension WorkOrder {
///     static let bySite: EntityIndex<WorkOrder> = "bySite"
/// }
/// ```
public struct EntityIndex<E: Entity>: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The index's name.
    public let name: String

    /// Names an index.
    public init(_ name: String) { self.name = name }

    /// Names an index.
    public init(stringLiteral name: String) { self.name = name }
}

// MARK: Access patterns

extension Lookup {
    /// Creates a lookup by the primary key that the entity's definition makes from values.
    ///
    /// ```swift
    /// let lookup = Lookup<WorkOrder>(["id": id])
    /// ```
    ///
    /// The call that uses the lookup makes the key. It throws ``CodexError/Code/invalidKey`` if a
    /// value is missing, superfluous or of another type than the field. It throws
    /// ``CodexError/Code/invalidIdentifier`` for a value that cannot stand in a key.
    ///
    /// - Parameter values: The values of the attributes in the templates of the table's key, by
    ///   stored name, and no others.
    public init(_ values: [String: any AttributeConvertible]) {
        self.init(.values(values.mapValues { $0.attributeValue }))
    }

    /// Creates a lookup by the primary key that the entity's definition makes from values of
    /// fields.
    ///
    /// - Parameters:
    ///   - first: The value of a field in the templates of the table's key.
    ///   - others: The values of the other fields, in any order.
    public init(_ first: FieldValue<E>, _ others: FieldValue<E>...) {
        self.init(.values(KeyValues.values([first] + others)))
    }

    /// Creates a lookup by an index key that belongs to one item.
    ///
    /// It finds the first item of the entity with the index key.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - first: The value of a field in the index's key.
    ///   - others: The values of the other fields, in any order.
    public init(_ index: EntityIndex<E>, _ first: FieldValue<E>, _ others: FieldValue<E>...) {
        self.init(.indexValues(index.name, KeyValues.values([first] + others)))
    }

    /// Creates a lookup by an index key that belongs to one item.
    ///
    /// It finds the first item of the entity with the index key.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - values: The values of the attributes in the index's key, by stored name, and no others.
    public init(_ index: EntityIndex<E>, _ values: [String: any AttributeConvertible]) {
        self.init(.indexValues(index.name, values.mapValues { $0.attributeValue }))
    }
}

extension Query {
    /// Creates a query of the table's partition that the entity's definition makes from values.
    ///
    /// ```swift
    /// let visits = Query<Visit>(["orderID": order])
    /// let latest = Query<Visit>(["orderID": order], sort: .greaterOrEqual(.number(10)))
    /// ```
    ///
    /// The call that uses the query makes the keys. It throws ``CodexError/Code/invalidKey`` if a
    /// value of the partition key is missing, if a value is superfluous, or if it is of another
    /// type than the field.
    ///
    /// - Parameters:
    ///   - values: The values of all attributes in the partition key, and of any leading attributes
    ///     in the sort key, by stored name.
    ///   - sort: The condition on the value of the first attribute in the sort key that `values`
    ///     lacks. It is not the whole key's text: the template adds the rest.
    public init(_ values: [String: any AttributeConvertible], sort: SortCondition = .any) {
        self.init(nil, KeyValues(values, sort))
    }

    /// Creates a query of the partition that the entity's definition makes from values.
    ///
    /// - Parameters:
    ///   - index: The index; `nil` is the table itself.
    ///   - values: The values of all attributes in the partition key, and of any leading attributes
    ///     in the sort key, by stored name.
    ///   - sort: The condition on the value of the first attribute in the sort key that `values`
    ///     lacks.
    public init(
        _ index: EntityIndex<E>?, _ values: [String: any AttributeConvertible],
        sort: SortCondition = .any
    ) {
        self.init(index, KeyValues(values, sort))
    }

    /// Creates a query of the index's partition that the entity's definition makes from values of
    /// fields.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - first: The value of a field in the index's key.
    ///   - others: The values of the other fields, in any order: all of the partition key, and any
    ///     leading ones of the sort key.
    ///   - sort: The range of the next field in the sort key; `nil` is all of them.
    public init(
        _ index: EntityIndex<E>, _ first: FieldValue<E>, _ others: FieldValue<E>...,
        sort: FieldRange<E>? = nil
    ) {
        self.init(index, KeyValues([first] + others, sort))
    }

    /// Creates a query of an index's only partition, whose key needs no values.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - sort: The range of the first field in the sort key.
    public init(_ index: EntityIndex<E>, sort: FieldRange<E>) {
        self.init(index, KeyValues([], sort))
    }

    /// Creates a query of the table's partition that the entity's definition makes from values of
    /// fields.
    ///
    /// - Parameters:
    ///   - first: The value of a field in the table's key.
    ///   - others: The values of the other fields, in any order: all of the partition key, and any
    ///     leading ones of the sort key.
    ///   - sort: The range of the next field in the sort key; `nil` is all of them.
    public init(
        _ first: FieldValue<E>, _ others: FieldValue<E>..., sort: FieldRange<E>? = nil
    ) {
        self.init(nil, KeyValues([first] + others, sort))
    }

    private init(_ index: EntityIndex<E>?, _ values: KeyValues) {
        let definition = E.definition
        request = TableQuery(
            table: definition.table, index: index?.name, partition: [], entity: definition.name)
        request.keyValues = values
    }
}
