/// A Swift type whose values are stored as items.
///
/// A `Codable` type needs its definition only:
///
/// ```swift
/// struct Note: Codable, Entity {
///     static let definition = EntityDefinition(
///         "note", table: "codexflow-main",
///         keys: ["PK": "NOTEBOOK#{notebook}", "SK": "NOTE#{id}"])
///     var notebook: String
///     var id: String
///     var text: String
/// }
/// ```
///
/// Types that are read very often can write the two conversions by hand, as CodexFlow's models do;
/// a hand-written read is several times faster than `Codable`.
public protocol Entity: Sendable {
    /// The entity's stored name, keys and fields.
    static var definition: EntityDefinition { get }

    /// The attributes of the value, key attributes included.
    ///
    /// - Throws: ``CodexError`` if a value cannot be stored.
    func item() throws(CodexError) -> Item

    /// Reads a value from an item in place.
    ///
    /// - Throws: ``CodexError/Code/missingAttribute`` or ``CodexError/Code/typeMismatch`` with the
    ///   attribute's name; ``CodexError/Code/corrupted``.
    init(reading reader: borrowing FieldReader) throws(CodexError)
}

extension Entity {
    /// Reads a value from an item.
    ///
    /// - Throws: As ``init(reading:)``.
    public init(item: Item) throws(CodexError) {
        let shapes = LooseShapes()
        let bytes = try ItemCodec.encode(item, header: ItemHeader(), excluding: [], shapes: shapes)
        let result = unsafe bytes.withUnsafeBufferPointer { buffer -> Result<Self, CodexError> in
            do throws(CodexError) {
                let source = try unsafe ItemBytes(
                    value: buffer, key: UnsafeBufferPointer(start: nil, count: 0), keys: nil,
                    shapes: shapes)
                let plan = FieldPlan(Self.definition.fields.map(\.name), source.layout.shape)
                return .success(try Self(reading: FieldReader(source, plan: plan)))
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }
}

/// The shapes of a single item outside of any store: none, so it carries its own names.
private final class LooseShapes: ShapeSource, ShapeInterner {
    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        throw Wire.corrupted("an item names a shape outside of a store")
    }

    func intern(_ names: [String]) throws(CodexError) -> UInt32? { nil }
}

extension Entity where Self: Codable {
    /// The attributes that `Codable` gives, and the keys that the definition's templates give.
    public func item() throws(CodexError) -> Item {
        var item = try AttributeEncoder.encode(self)
        for (attribute, template) in Self.definition.keys {
            item[attribute] = try template.render(item).map { .string($0) }
        }
        return item
    }

    /// Reads the attributes by `Codable`.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        self = try AttributeDecoder.decode(Self.self, from: try reader.item())
    }
}

/// A value together with what the store keeps about it.
public struct Stored<Value: Sendable>: Sendable {
    /// The value.
    public var value: Value
    /// The item's version: 1 when created, one more with every write.
    public let version: Int
    /// The version of the entity's schema that wrote the item.
    public let schemaVersion: Int

    /// Creates a stored value.
    public init(_ value: Value, version: Int, schemaVersion: Int = 1) {
        self.value = value
        self.version = version
        self.schemaVersion = schemaVersion
    }
}

extension Stored: Equatable where Value: Equatable {}
