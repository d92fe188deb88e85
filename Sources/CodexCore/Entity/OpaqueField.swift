/// A field of an entity whose values cannot be compared, because `Codable` alone knows their
/// attributes.
///
/// The macro `@Entity` declares it where a type is not ``AttributeConvertible``.
public struct OpaqueField<E: Entity>: Sendable, Hashable {
    /// The stored name of the attribute.
    public let name: String

    /// Names a field.
    public init(_ name: String) { self.name = name }

    /// The path of the attribute, for conditions on what is in it.
    public var path: DocumentPath { DocumentPath(name) }

    /// The item has the field.
    public var exists: Condition { .attributeExists(path) }

    /// The item lacks the field.
    public var doesNotExist: Condition { .attributeNotExists(path) }
}
