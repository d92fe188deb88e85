public import FoundationEssentials

/// A field of a hand-written entity: its raw value is its place in the definition's fields.
public protocol EntityField: RawRepresentable<Int>, CaseIterable, Sendable {
    /// The attribute's name, type and presence.
    var definition: FieldDefinition { get }
}

/// Where the fields of an entity are in the items of one shape.
package final class FieldPlan: Sendable {
    /// The position of each field among the shape's names, or -1.
    let positions: [Int32]
    /// Whether undecided values are read as those that could not be opened, and not as plain ones.
    let hidesUndecided: Bool

    /// Makes a plan.
    ///
    /// - Parameters:
    ///   - fields: The names of the fields.
    ///   - shape: The shape of the items.
    ///   - hidesUndecided: Whether items may be of an entity with encrypted fields.
    package init(_ fields: [String], _ shape: Shape, hidesUndecided: Bool = false) {
        positions = fields.map { shape.position(of: $0).map { Int32($0) } ?? -1 }
        self.hidesUndecided = hidesUndecided
    }

    /// Whether a value is an encrypted field's that was not opened.
    func isUnopened(_ seal: ValueSeal) -> Bool {
        switch seal {
        case .plain: false
        case .sealed: true
        case .undecided: hidesUndecided
        }
    }
}

/// Reads the fields of an entity from an item in place.
///
/// Lent to ``Entity/init(reading:)``.
///
/// Reading a field is O(1). A field that is encrypted, and whose key is not to be had, is as one
/// that the item lacks. Fields that are key attributes of the table are not found here; use
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

    /// The item without the values of encrypted fields that were not opened, and the name of one of
    /// them.
    package func openedItem() throws(CodexError) -> (item: Item, unopenedName: String?) {
        let (item, plan) = (try source.item(), plan)
        let unopened = item.elements.first { plan.isUnopened($0.seal) }
        guard let unopened else { return (item, nil) }
        return (item.keeping { !plan.isUnopened($0.seal) }, unopened.name)
    }

    @inline(never)
    private func isUnopened(_ position: Int) throws(CodexError) -> Bool {
        plan.isUnopened(ValueCodec.Tag.seal(try source.tag(at: position)))
    }

    /// What the store keeps about the item besides its attributes.
    public var header: ItemHeader { source.layout.header }

    /// The size of the item as it is stored.
    package var byteCount: Int { source.count }

    /// Whether the item has the field.
    @inline(__always)
    public func has(_ field: some EntityField) -> Bool { plan.positions[field.rawValue] >= 0 }

    // MARK: Optional fields

    /// The field's value in any convertible type; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func optional<Value: AttributeConvertible>(
        _ field: some EntityField, as type: Value.Type = Value.self
    ) throws(CodexError) -> Value? {
        let position = Int(plan.positions[field.rawValue])
        guard position >= 0 else { return nil }
        let stored = try source.value(at: position)
        if case .binary = stored, try isUnopened(position) { return nil }
        guard let value = Value(attributeValue: stored) else { throw Self.mismatch(field) }
        return value
    }

    /// The field's text; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func optionalString(_ field: some EntityField) throws(CodexError) -> String? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            try Wire.string(bytes, start, end)
        }
    }

    /// The field's integer; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func optionalInt(_ field: some EntityField) throws(CodexError) -> Int? {
        try withContent(field, .integer) { bytes, start, end throws(CodexError) in
            var position = start
            return Int(Wire.unzigzag(try Wire.integer(bytes, &position)))
        }
    }

    /// The field's moment; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func optionalDate(_ field: some EntityField) throws(CodexError) -> Date? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            guard let date = Timestamp.date(bytes.extracting(start..<end)) else {
                throw Self.mismatch(field)
            }
            return date
        }
    }

    /// The field's choice among the cases of an enumeration; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for text that is no case.
    @inline(__always)
    public func optionalChoice<Choice: StoredChoice>(
        _ field: some EntityField, as type: Choice.Type = Choice.self
    ) throws(CodexError) -> Choice? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            guard let choice = Choice.choices.find(bytes, start, end) else {
                throw Self.mismatch(field)
            }
            return choice
        }
    }

    /// The field's identifier; `nil` if the item lacks it.
    ///
    /// `prefix` is text that stands before it, as in `USER#123`.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for text that is no identifier.
    @inline(__always)
    public func optionalIdentifier<Model>(
        _ field: some EntityField, prefix: StaticString = "", of type: Model.Type = Model.self
    ) throws(CodexError) -> Identifier<Model>? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            guard let identifier = try Identifier<Model>(bytes, start, end, after: prefix) else {
                throw Self.mismatch(field)
            }
            return identifier
        }
    }

    // MARK: Required fields

    /// The field's value in any convertible type.
    ///
    /// - Throws: ``CodexError/Code/missingAttribute``, ``CodexError/Code/typeMismatch``,
    ///   ``CodexError/Code/keyUnavailable``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func value<Value: AttributeConvertible>(
        _ field: some EntityField, as type: Value.Type = Value.self
    ) throws(CodexError) -> Value {
        guard let value = try optional(field, as: type) else { throw missing(field) }
        return value
    }

    /// The field's text.
    ///
    /// - Throws: As ``value(_:as:)``.
    @inline(__always)
    public func string(_ field: some EntityField) throws(CodexError) -> String {
        guard let text = try optionalString(field) else { throw missing(field) }
        return text
    }

    /// The field's identifier.
    ///
    /// `prefix` is text that stands before it, as in `USER#123`.
    ///
    /// - Throws: As ``value(_:as:)``.
    @inline(__always)
    public func identifier<Model>(
        _ field: some EntityField, prefix: StaticString = "", of type: Model.Type = Model.self
    ) throws(CodexError) -> Identifier<Model> {
        guard let identifier = try optionalIdentifier(field, prefix: prefix, of: type) else {
            throw missing(field)
        }
        return identifier
    }

    /// The field's choice among the cases of an enumeration.
    ///
    /// - Throws: As ``value(_:as:)``.
    @inline(__always)
    public func choice<Choice: StoredChoice>(
        _ field: some EntityField, as type: Choice.Type = Choice.self
    ) throws(CodexError) -> Choice {
        guard let choice = try optionalChoice(field, as: type) else { throw missing(field) }
        return choice
    }

    /// The field's elements; none if the item lacks it.
    ///
    /// - Throws: As ``optional(_:as:)``.
    @inline(__always)
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
            let inflated = try inflate(bytes, start, end, tag, field.definition.name)
            // Encrypted, and no key for it.
            guard let inflated else { return nil }
            return try body(inflated.span, 1, inflated.count)
        }
    }

    @inline(never)
    private func inflate(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ tag: ValueCodec.Tag, _ name: String
    ) throws(CodexError) -> [UInt8]? {
        if plan.isUnopened(ValueCodec.Tag.seal(bytes[start])) { return nil }
        if bytes[start] == ValueCodec.Tag.compressed.rawValue {
            // A tag, and no more text than an item has. Opened values may have more.
            let limit =
                source.isLoose ? DecodingBudget.looseByteCount : 1 + DynamoDBLimits.itemByteCountMax
            let inflated = try Compression.inflate(
                bytes.extracting((start + 1)..<end), limit: limit)
            if inflated[0] == tag.rawValue { return inflated }
        }
        throw Self.mismatch(name)
    }

    @inline(never)
    private static func mismatch(_ field: some EntityField) -> CodexError {
        mismatch(field.definition.name)
    }

    private static func mismatch(_ name: String) -> CodexError {
        CodexError(
            .typeMismatch,
            "The attribute \(name) does not hold a value of the model's type.")
    }

    @inline(never)
    private func missing(_ field: some EntityField) -> CodexError {
        let name = field.definition.name
        if has(field) { return .keyUnavailable(name) }
        return CodexError(.missingAttribute, "The item lacks the attribute \(name).")
    }
}

/// An enumeration of strings that is stored by its raw values and read without making strings.
public protocol StoredChoice: RawRepresentable<String>, CaseIterable, Sendable {
    /// The cases by their UTF-8 bytes: `static let choices = Choices(allCases)`.
    static var choices: Choices<Self> { get }
}

/// The cases of an enumeration by the UTF-8 bytes of their raw values.
public struct Choices<Choice: RawRepresentable<String> & Sendable>: Sendable {
    /// A number for each name, made of its length and first bytes: few that are not equal have the
    /// same.
    private let words: [UInt64]
    private let entries: [(bytes: [UInt8], choice: Choice)]

    /// Tabulates the cases.
    public init(_ cases: some Sequence<Choice>) {
        entries = cases.map { (Array($0.rawValue.utf8), $0) }
        words = entries.map { Self.word($0.bytes.span, 0, $0.bytes.count) }
    }

    /// The first eight bytes and, in the way of them, how many there are.
    @inline(__always)
    private static func word(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
        var word = UInt64(truncatingIfNeeded: end - start)
        for index in start..<min(end, start + 8) { word = word << 8 ^ UInt64(bytes[index]) }
        return word
    }

    /// The case that the bytes name, or `nil`.
    func find(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Choice? {
        let word = Self.word(bytes, start, end)
        for index in words.indices where words[index] == word {
            let entry = entries[index]
            if entry.bytes.count == end - start, Wire.equal(bytes, start, entry.bytes) {
                return entry.choice
            }
        }
        return nil
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
