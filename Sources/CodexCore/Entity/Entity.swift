/// A Swift type whose values are stored as items.
///
/// A `Codable` type needs only its definition:
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
/// Types that are read very often can implement the two conversions by hand, as CodexFlow's models
/// do. A hand-written read is faster than `Codable`.
public protocol Entity: Sendable {
    /// The entity's stored name, keys and fields.
    static var definition: EntityDefinition { get }

    /// The names of attributes that ``item()`` writes and that the definition does not name.
    ///
    /// They are those that are neither fields, nor keys, nor derived attributes: for example the
    /// keys of an index that the code of `item()` makes. A `Codable` type that is read or written
    /// through another key type than its `CodingKeys` names the attributes of that key type here.
    /// When a store is opened, an index on an attribute that no entity has is refused. The default
    /// is empty.
    ///
    /// If a new version adds such an attribute for an index that the store has already, declare it
    /// as a field instead. Then the store knows that items of earlier versions lack it, and refuses
    /// typed reads by the index until `migrate(_:)` has rewritten them.
    static var furtherAttributes: [String] { get }

    /// The attributes of the value, key attributes included.
    ///
    /// - Throws: ``CodexError`` if a value cannot be stored.
    func item() throws(CodexError) -> Item

    /// Checks the rules that depend on the value alone: lengths, formats, ranges.
    ///
    /// Every typed write calls it. The default implementation does nothing.
    ///
    /// - Throws: ``CodexError``; the value is then not stored.
    func validate() throws(CodexError)

    /// Reads a value from an item in place.
    ///
    /// - Throws: ``CodexError/Code/missingAttribute`` or ``CodexError/Code/typeMismatch`` with the
    ///   attribute's name; ``CodexError/Code/corrupted``.
    init(reading reader: borrowing FieldReader) throws(CodexError)

    /// Upgrades an item from one schema version to the next.
    ///
    /// It is called with the item's version, then with each next version, until the item has the
    /// definition's version. This happens when an entity of an earlier version is read, and in a
    /// store's `migrate(_:)`, which rewrites such entities. The function may change attributes,
    /// index keys included, but not the table's key. Raw items, which were stored before the entity
    /// existed, count as the present version.
    ///
    /// ```swift
    /// static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
    ///     if version == 1 { item["text"] = item["body"]; item["body"] = nil }
    /// }
    /// ```
    ///
    /// - Throws: ``CodexError`` if the item cannot be upgraded; the item stays as it is.
    static func upgrade(_ item: inout Item, from version: Int) throws(CodexError)
}

extension Entity {
    /// No further attributes.
    public static var furtherAttributes: [String] { [] }

    /// Accepts every value.
    public func validate() throws(CodexError) {}

    /// Leaves the item unchanged, which suits changes of optional fields.
    public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {}

    /// An item of schema version `version`, upgraded to the definition's version.
    ///
    /// Version 0 is a raw item, which counts as the present version.
    ///
    /// - Throws: ``CodexError/Code/programTooOld`` if the item has a later version; also the errors
    ///   of ``upgrade(_:from:)``.
    public static func upgraded(_ item: Item, from version: Int) throws(CodexError) -> Item {
        let known = definition.schemaVersion
        guard version <= known else {
            throw CodexError.programTooOld(definition.name, known: known, item: version)
        }
        guard version > 0, version < known else { return item }
        var lifted = item
        for version in version..<known { try upgrade(&lifted, from: version) }
        lifted.adoptSeals(of: item)
        return lifted
    }
}

extension Entity {
    /// Reads a value from an item.
    ///
    /// - Throws: As ``init(reading:)``.
    public init(item: Item) throws(CodexError) {
        var result: Self?
        let definition = Self.definition
        do throws(CodexError) {
            let loose = try LooseItem(item, ItemHeader())
            try loose.withFieldReader(definition.fields.map(\.name)) {
                reader throws(CodexError) in
                result = try Self(reading: reader)
            }
        } catch {
            throw error.inEntity(definition.name)
        }
        guard let result else { throw Wire.corrupted("an item outside of a store") }
        self = result
    }
}

/// An item outside of any store, encoded so that it can be read like a stored item.
package struct LooseItem {
    private let bytes: [UInt8]

    package init(_ item: Item, _ header: ItemHeader) throws(CodexError) {
        bytes = try ItemCodec.encode(
            item, header: header, excluding: [], shapes: LooseShapes())
    }

    /// Passes a reader of the item's fields to `body`.
    package func withFieldReader(
        _ fieldNames: [String], _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws(CodexError) {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(CodexError) in
            let source = try unsafe ItemBytes(
                value: buffer, key: UnsafeBufferPointer(start: nil, count: 0), keys: nil,
                shapes: LooseShapes())
            let plan = FieldPlan(fieldNames, source.layout.shape, hidesUndecided: true)
            try body(FieldReader(source, plan: plan))
        }
    }
}

/// The shapes of an item outside of any store: there are none, so the item carries its own names.
private final class LooseShapes: ShapeSource, ShapeInterner {
    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        throw Wire.corrupted("an item names a shape outside of a store")
    }

    func intern(_ names: StoredNames) throws(CodexError) -> UInt32? { nil }
}

extension Entity where Self: Codable {
    /// The attributes from `Codable`, and the keys from the definition's templates.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for a number under the name of a key attribute
    ///   whose template is the attribute alone: the key is text, and the number could not be read;
    ///   also the errors of values that no attribute or key may have.
    public func item() throws(CodexError) -> Item {
        var item = try AttributeEncoder.encode(self)
        let definition = Self.definition
        for (attribute, template) in definition.keys {
            if template.copies(attribute), case .number? = item[attribute] {
                throw Self.unreadableKey(attribute, template).inEntity(definition.name)
            }
            item[attribute] = try template.render(item).map { .string($0) }
        }
        try definition.derive(&item)
        return item
    }

    /// The error for a number that its own key would replace with text.
    private static func unreadableKey(
        _ attribute: String, _ template: KeyTemplate
    ) -> CodexError {
        CodexError(
            .typeMismatch,
            "Entity \(definition.name): \(attribute) is a number (N), and is a key attribute with "
                + "the template \(template.source), which makes text (S). The item could not be "
                + "read. Name the key attribute otherwise, such as SK: ROW#{\(attribute)}."
        ).at(path: attribute)
    }

    /// Reads the attributes with `Codable`; encrypted attributes whose key is unavailable count as
    /// missing.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        self = try AttributeDecoder.decode(Self.self, from: reader, keys: Self.definition.keys)
    }
}

extension Entity {
    /// The attributes of `item` that the type would not write for it, with their seals.
    ///
    /// Derived attributes are not among them: those of the item may be out of date.
    package static func unknownAttributes(of item: Item) throws(CodexError) -> Item {
        let known = try Self(item: item).item()
        let derived = definition.derived
        return item.keeping { known[$0.name] == nil && derived[$0.name] == nil }
    }
}
