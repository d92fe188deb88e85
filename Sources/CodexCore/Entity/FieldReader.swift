public import FoundationEssentials

/// A field of a hand-written entity: its raw value is its place in the definition's fields.
public protocol EntityField: RawRepresentable<Int>, CaseIterable, Sendable {
    /// The attribute's name, type and presence.
    var definition: FieldDefinition { get }
}

/// Where the fields of an entity are in the items of one shape.
package final class FieldPlan: Sendable {
    /// The position of each field among the shape's names, or -1.
    let positions: [Int16]

    package init(_ fields: [String], _ shape: Shape) {
        positions = fields.map { shape.position(of: $0).map { Int16(clamping: $0) } ?? -1 }
    }
}

/// Reads the fields of an entity from an item in place. Lent to ``Entity/init(reading:)``.
///
/// Reading a field is O(1). Fields that are key attributes of the table are not found here; use
/// ``item()`` for those.
public struct FieldReader: ~Copyable {
    private let source: ItemBytes
    private let plan: FieldPlan

    package init(_ source: consuming ItemBytes, plan: consuming FieldPlan) {
        self.source = source
        self.plan = plan
    }

    /// The whole item, decoded, key attributes included.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    public func item() throws(CodexError) -> Item { try source.item() }

    /// The version of the item.
    public var version: Int { source.layout.header.version }

    // MARK: Optional fields

    /// The field's value in any convertible type; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    public func optional<Value: AttributeConvertible>(
        _ field: some EntityField, as type: Value.Type = Value.self
    ) throws(CodexError) -> Value? {
        let position = Int(plan.positions[field.rawValue])
        guard position >= 0 else { return nil }
        guard let value = Value(attributeValue: try source.value(at: position)) else {
            throw Self.mismatch(field)
        }
        return value
    }

    /// The field's text; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    public func optionalString(_ field: some EntityField) throws(CodexError) -> String? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            try Wire.string(bytes, start, end)
        }
    }

    /// The field's integer; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    public func optionalInt(_ field: some EntityField) throws(CodexError) -> Int? {
        try withContent(field, .integer) { bytes, start, end throws(CodexError) in
            var position = start
            return Int(Wire.unzigzag(try Wire.integer(bytes, &position)))
        }
    }

    /// The field's moment; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    public func optionalDate(_ field: some EntityField) throws(CodexError) -> Date? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            guard let date = Timestamp.date(bytes.extracting(start..<end)) else {
                throw Self.mismatch(field)
            }
            return date
        }
    }

    /// The field's choice among the cases of an enumeration of strings; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for text that is no case.
    public func optionalChoice<Choice: RawRepresentable<String>>(
        _ field: some EntityField, as type: Choice.Type = Choice.self
    ) throws(CodexError) -> Choice? {
        guard let text = try optionalString(field) else { return nil }
        guard let choice = Choice(rawValue: text) else { throw Self.mismatch(field) }
        return choice
    }

    // MARK: Required fields

    /// The field's value in any convertible type.
    ///
    /// - Throws: ``CodexError/Code/missingAttribute``, ``CodexError/Code/typeMismatch``,
    ///   ``CodexError/Code/corrupted``.
    public func value<Value: AttributeConvertible>(
        _ field: some EntityField, as type: Value.Type = Value.self
    ) throws(CodexError) -> Value {
        guard let value = try optional(field, as: type) else { throw Self.missing(field) }
        return value
    }

    /// The field's text.
    ///
    /// - Throws: As ``value(_:as:)``.
    public func string(_ field: some EntityField) throws(CodexError) -> String {
        guard let text = try optionalString(field) else { throw Self.missing(field) }
        return text
    }

    /// The field's elements; none if the item lacks it.
    ///
    /// - Throws: As ``optional(_:as:)``.
    public func list<Element: AttributeConvertible>(
        _ field: some EntityField, of type: Element.Type = Element.self
    ) throws(CodexError) -> [Element] {
        try optional(field, as: [Element].self) ?? []
    }

    // MARK: Access to the bytes

    /// Lends the content of a field whose stored tag is `tag`; large text is inflated first.
    @inline(__always)
    private func withContent<R>(
        _ field: some EntityField, _ tag: ValueCodec.Tag,
        _ body: (Span<UInt8>, Int, Int) throws(CodexError) -> R
    ) throws(CodexError) -> R? {
        let position = Int(plan.positions[field.rawValue])
        guard position >= 0 else { return nil }
        return try source.withBytes { bytes throws(CodexError) in
            let (start, end) = try source.layout.range(bytes, position)
            if bytes[start] == tag.rawValue { return try body(bytes, start + 1, end) }
            guard bytes[start] == ValueCodec.Tag.compressed.rawValue else {
                throw Self.mismatch(field)
            }
            let inflated = try Compression.inflate(bytes.extracting((start + 1)..<end))
            guard inflated[0] == tag.rawValue else { throw Self.mismatch(field) }
            return try body(inflated.span, 1, inflated.count)
        }
    }

    private static func mismatch(_ field: some EntityField) -> CodexError {
        CodexError(
            .typeMismatch,
            "The attribute \(field.definition.name) does not hold a value of the model's type.")
    }

    private static func missing(_ field: some EntityField) -> CodexError {
        CodexError(.missingAttribute, "The item lacks the attribute \(field.definition.name).")
    }
}

/// Collects the attributes of a hand-written entity.
public struct FieldWriter<Field: EntityField>: Sendable {
    /// The item so far.
    public private(set) var item: Item

    /// Starts with the key attributes and others that are derived.
    public init(_ keys: Item) { item = keys }

    /// Sets a field; `nil` leaves it out.
    public mutating func set(_ field: Field, _ value: (some AttributeConvertible)?) {
        if let value { item[field.definition.name] = value.attributeValue }
    }

    /// Sets a field to one of an enumeration's cases; `nil` leaves it out.
    public mutating func setChoice(_ field: Field, _ value: (some RawRepresentable<String>)?) {
        if let value { item[field.definition.name] = .string(value.rawValue) }
    }

    /// Sets a list field; an empty list leaves it out.
    public mutating func setList(_ field: Field, _ values: [some AttributeConvertible]) {
        if !values.isEmpty { item[field.definition.name] = values.attributeValue }
    }
}
