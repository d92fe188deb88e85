public import FoundationEssentials

/// A field of a hand-written entity; its raw value is its index in the definition's fields.
public protocol EntityField: RawRepresentable<Int>, CaseIterable, Sendable {
    /// The attribute's name, type and presence.
    var definition: FieldDefinition { get }
}

/// The positions of an entity's fields in the items of one shape.
package final class FieldPlan: Sendable {
    /// The position of each field among the shape's names, or -1 if the shape lacks it.
    let positions: [Int32]
    /// Whether undecided values are treated as unopened encrypted values, and not as plain ones.
    let hidesUndecided: Bool

    /// Creates a plan.
    ///
    /// - Parameters:
    ///   - fields: The names of the fields.
    ///   - shape: The shape of the items.
    ///   - hidesUndecided: Whether the items may belong to an entity with encrypted fields.
    package init(_ fields: [String], _ shape: Shape, hidesUndecided: Bool = false) {
        positions = fields.map { shape.position(of: $0).map { Int32($0) } ?? -1 }
        self.hidesUndecided = hidesUndecided
    }

    /// Whether a value belongs to an encrypted field and was not opened.
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
/// ``Entity/init(reading:)`` receives one.
///
/// Reading a field is O(1). An encrypted field whose key is unavailable counts as missing. The
/// reader does not find the table's key attributes; use ``item()`` for those.
public struct FieldReader: ~Copyable {
    let source: ItemBytes
    let plan: FieldPlan

    package init(_ source: consuming ItemBytes, plan: consuming FieldPlan) {
        self.source = source
        self.plan = plan
    }

    /// The whole decoded item, key attributes included.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    public func item() throws(CodexError) -> Item { try source.item() }

    /// The named attributes that the item has; the result may also contain its key attributes.
    package func item(keeping names: [String]) throws(CodexError) -> Item {
        try source.item(keeping: names)
    }

    /// The item without the encrypted values that were not opened, and the name of one of them.
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

    /// The metadata that the store keeps with the item's attributes.
    public var header: ItemHeader { source.layout.header }

    /// The size of the stored item, in bytes.
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
        if Value.self == Date.self, let instant = try source.instant(at: position) {
            // Sound: the two types were just compared.
            return unsafe unsafeBitCast(instant.date, to: Value.self)
        }
        let stored = try source.value(at: position)
        if case .binary = stored, try isUnopened(position) { return nil }
        guard let value = Value(attributeValue: stored) else {
            throw Self.mismatch(field, stored, type)
        }
        return value
    }

    /// The field's text; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func optionalString(_ field: some EntityField) throws(CodexError) -> String? {
        try withContent(field, .string, instant: { $0.text.string }) {
            bytes, start, end throws(CodexError) in
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

    /// The field's instant; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
    @inline(__always)
    public func optionalDate(_ field: some EntityField) throws(CodexError) -> Date? {
        try withContent(field, .string, instant: { $0.date }) {
            bytes, start, end throws(CodexError) in
            guard let date = Timestamp.date(bytes.extracting(start..<end)) else {
                throw Self.misfit(field, Date.self)
            }
            return date
        }
    }

    /// The field's choice among the cases of an enumeration; `nil` if the item lacks it.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for text that names no case.
    @inline(__always)
    public func optionalChoice<Choice: StoredChoice>(
        _ field: some EntityField, as type: Choice.Type = Choice.self
    ) throws(CodexError) -> Choice? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            guard let choice = Choice.choices.find(bytes, start, end) else {
                throw Self.misfit(field, type, isCase: true)
            }
            return choice
        }
    }

    /// The field's identifier; `nil` if the item lacks it.
    ///
    /// `prefix` is the text before the identifier, as in `USER#123`.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for text that is not an identifier.
    @inline(__always)
    public func optionalIdentifier<Model>(
        _ field: some EntityField, prefix: StaticString = "", of type: Model.Type = Model.self
    ) throws(CodexError) -> Identifier<Model>? {
        try withContent(field, .string) { bytes, start, end throws(CodexError) in
            guard let identifier = try Identifier<Model>(bytes, start, end, after: prefix) else {
                throw Self.misfit(field, Identifier<Model>.self)
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
    /// `prefix` is the text before the identifier, as in `USER#123`.
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

    /// The field's elements; empty if the item lacks the field.
    ///
    /// - Throws: As ``optional(_:as:)``.
    @inline(__always)
    public func list<Element: AttributeConvertible>(
        _ field: some EntityField, of type: Element.Type = Element.self
    ) throws(CodexError) -> [Element] {
        do throws(CodexError) {
            return try optional(field, as: [Element].self) ?? []
        } catch {
            throw elementError(field, type) ?? error
        }
    }

    // MARK: Access to the bytes

    /// Passes the content of a field whose stored tag is `tag` to `body`; compressed text is
    /// inflated first.
    ///
    /// An instant is passed to `takeInstant`. If that returns `nil`, `body` gets its text.
    @inline(__always)
    private func withContent<R>(
        _ field: some EntityField, _ tag: ValueCodec.Tag,
        instant takeInstant: (StoredInstant) -> R? = { _ in nil },
        _ body: (Span<UInt8>, Int, Int) throws(CodexError) -> R
    ) throws(CodexError) -> R? {
        let position = Int(plan.positions[field.rawValue])
        guard position >= 0 else { return nil }
        return try source.withBytes { bytes throws(CodexError) in
            let (start, end) = try source.layout.range(bytes, position)
            if bytes[start] == tag.rawValue { return try body(bytes, start + 1, end) }
            if bytes[start] == ValueCodec.Tag.instant.rawValue {
                let instant = try StoredInstant(bytes, start + 1, end)
                if let result = takeInstant(instant) { return result }
            }
            let content = try expanded(bytes, position, tag, field.definition.name)
            // The value is encrypted, and its key is unavailable.
            guard let content else { return nil }
            return try body(content.span, 1, content.count)
        }
    }

    /// A value in the form with `tag`, tag first: inflated, or the text of an instant or a rule.
    @inline(never)
    private func expanded(
        _ bytes: Span<UInt8>, _ position: Int, _ tag: ValueCodec.Tag, _ name: String
    ) throws(CodexError) -> [UInt8]? {
        let (start, end) = try source.layout.range(bytes, position)
        if plan.isUnopened(ValueCodec.Tag.seal(bytes[start])) { return nil }
        if bytes[start] == ValueCodec.Tag.compressed.rawValue {
            // A tag, and no more text than an item may have. An item outside of a store may have
            // more, for example after its encrypted values were opened.
            let limit =
                source.isLoose ? DecodingBudget.looseByteCount : 1 + DynamoDBLimits.itemByteCountMax
            let inflated = try Compression.inflate(
                bytes.extracting((start + 1)..<end), limit: limit)
            if inflated[0] == tag.rawValue { return inflated }
        }
        if tag == .string, bytes[start] == ValueCodec.Tag.instant.rawValue {
            let text = try StoredInstant(bytes, start + 1, end).text.string
            return [tag.rawValue] + Array(text.utf8)
        }
        if tag == .string, TextRule.isTag(bytes[start]) {
            var value = [tag.rawValue]
            try source.appendText(at: position, to: &value)
            try Wire.requireText(value.span, 1, value.count)
            return value
        }
        let found = try source.value(at: position).type
        let expected: AttributeType = tag == .integer ? .number : .string
        throw Self.mismatch(name, found, expected: expected, tag == .integer ? "Int" : "String")
    }

    // MARK: Errors

    /// The error for a value that the type did not take.
    @inline(never)
    private static func mismatch(
        _ field: some EntityField, _ stored: AttributeValue, _ type: any Any.Type
    ) -> CodexError {
        let definition = field.definition
        return mismatch(definition.name, stored.type, expected: definition.type, "\(type)")
    }

    private static func mismatch(
        _ name: String, _ found: AttributeType, expected: AttributeType, _ type: String
    ) -> CodexError {
        let path = CodingPathText(name)
        return found == expected
            ? CodingFailure.otherValue(path, found, type)
            : CodingFailure.otherType(path, found, expected: expected, type)
    }

    /// The error for the first element of a list that the type did not take.
    @inline(never)
    private func elementError<Element: AttributeConvertible>(
        _ field: some EntityField, _ type: Element.Type
    ) -> CodexError? {
        let position = Int(plan.positions[field.rawValue])
        guard position >= 0, case .list(let values)? = try? source.value(at: position),
            let index = values.firstIndex(where: { Element(attributeValue: $0) == nil })
        else { return nil }
        let path = CodingPathText("\(field.definition.name)[\(index)]")
        return CodingFailure.otherValue(path, values[index].type, "\(type)")
    }

    /// The error for text that the type did not take.
    @inline(never)
    private static func misfit(
        _ field: some EntityField, _ type: any Any.Type, isCase: Bool = false
    ) -> CodexError {
        CodingFailure.otherValue(
            CodingPathText(field.definition.name), .string, "\(type)", isCase: isCase)
    }

    @inline(never)
    private func missing(_ field: some EntityField) -> CodexError {
        let name = field.definition.name
        if has(field) { return CodexError.keyUnavailable(name).at(path: name) }
        return CodingFailure.missing(CodingPathText(name), nil)
    }
}

/// An enumeration of strings that is stored as raw values and read without creating strings.
public protocol StoredChoice: RawRepresentable<String>, CaseIterable, Sendable {
    /// The cases by their UTF-8 bytes: `static let choices = Choices(allCases)`.
    static var choices: Choices<Self> { get }
}

/// The cases of an enumeration by the UTF-8 bytes of their raw values.
public struct Choices<Choice: RawRepresentable<String> & Sendable>: Sendable {
    /// A number for each name, from its length and first bytes; few different names share one.
    private let words: [UInt64]
    private let entries: [(bytes: [UInt8], choice: Choice)]

    /// Creates the table of cases.
    public init(_ cases: some Sequence<Choice>) {
        entries = cases.map { (Array($0.rawValue.utf8), $0) }
        words = entries.map { Self.word($0.bytes.span, 0, $0.bytes.count) }
    }

    /// The first eight bytes, combined with the length.
    @inline(__always)
    private static func word(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
        var word = UInt64(truncatingIfNeeded: end - start)
        for index in start..<min(end, start + 8) { word = word << 8 ^ UInt64(bytes[index]) }
        return word
    }

    /// The case with these bytes as its raw value, or `nil`.
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

    /// Starts with the key attributes and other derived attributes.
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
