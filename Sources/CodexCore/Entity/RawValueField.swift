/// A field of an entity whose values have raw values, such as the cases of an enumeration.
///
/// The macro `@Entity` declares it where a type is not ``AttributeConvertible``. A type that is has
/// a ``Field``, which can do more:
///
/// ```swift
/// enum Status: String, CaseIterable, AttributeConvertible { case open, done }
/// ```
public struct RawValueField<E: Entity, Value: RawRepresentable>: Sendable, Hashable
where Value.RawValue: AttributeConvertible {
    /// The stored name of the attribute.
    public let name: String

    /// Names a field.
    public init(_ name: String) { self.name = name }

    private var field: Field<E, Value.RawValue> { Field(name) }

    /// The attribute with the raw values, for updates and for the conditions of writes.
    public var attribute: Attribute<Value.RawValue> { field.attribute }

    /// The field's value, as a part of a key.
    public func callAsFunction(_ value: Value) -> FieldValue<E> { field(value.rawValue) }

    /// Exactly this value, for the sort key of a query.
    public func at(_ value: Value) -> FieldRange<E> { field.at(value.rawValue) }

    /// The field equals the value.
    public static func == (lhs: Self, rhs: Value) -> Condition { lhs.field == rhs.rawValue }
    /// The field differs from the value, or is missing.
    public static func != (lhs: Self, rhs: Value) -> Condition { lhs.field != rhs.rawValue }

    /// The field is one of the values.
    public func isOne(of values: [Value]) -> Condition {
        field.isOne(of: values.map(\.rawValue))
    }

    /// The item has the field.
    public var exists: Condition { field.exists }

    /// The item lacks the field.
    public var doesNotExist: Condition { field.doesNotExist }
}
