public import FoundationEssentials

/// How the macro `@Entity` stores the properties of a type.
///
/// The code that the macro writes uses it; programs have no need to. For each property, the
/// compiler chooses a form by the property's type:
///
/// | type | form |
/// |---|---|
/// | `String`, `Int`, `Bool`, `Double`, `Date` | one of its own, which reads in place |
/// | ``AttributeTyped``: `UUID`, ``Number``, arrays, ... | its conversion to an attribute |
/// | an enumeration or struct with raw values | the raw value |
/// | ``AttributeConvertible``, with `@StoredAs(type:)` | its conversion to an attribute |
/// | `Codable` | as a `Codable` entity stores it |
public enum FieldCoding {
    /// How values of one type are stored.
    public protocol Form<Value>: Sendable {
        /// The values.
        associatedtype Value

        /// The type of the attributes.
        var type: AttributeType { get }
        /// The stored texts of an enumeration; `nil` means any value.
        var cases: [String]? { get }

        /// Reads a field; `nil` if the item lacks it.
        ///
        /// - Parameters:
        ///   - reader: The item.
        ///   - index: The field's index in the definition.
        ///   - name: The field's stored name.
        /// - Returns: The value; `nil` if the item lacks the field.
        /// - Throws: ``CodexError/Code/typeMismatch``, ``CodexError/Code/corrupted``.
        func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Value?

        /// The attribute of a value.
        ///
        /// - Throws: ``CodexError/Code/typeMismatch`` for a value that becomes an attribute of
        ///   another type; ``CodexError/Code/invalidNumber``.
        func attribute(_ value: Value, _ name: String) throws(CodexError) -> AttributeValue
    }

    /// Adds the keys and the derived attributes to an item that has its fields.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a value that no key may contain; also
    ///   the errors of derived attributes.
    public static func complete(
        _ item: inout Item, by definition: EntityDefinition
    ) throws(CodexError) {
        for (attribute, template) in definition.keys {
            item[attribute] = try template.render(item).map { .string($0) }
        }
        try definition.derive(&item)
    }
}

// MARK: The form of a type

extension FieldCoding {
    /// The form of text.
    @inlinable public static func form(_ type: String.Type) -> TextForm { TextForm() }

    /// The form of an integer.
    @inlinable public static func form(_ type: Int.Type) -> IntegerForm { IntegerForm() }

    /// The form of a Boolean.
    @inlinable public static func form(_ type: Bool.Type) -> FlagForm { FlagForm() }

    /// The form of a floating-point number.
    @inlinable public static func form(_ type: Double.Type) -> DoubleForm { DoubleForm() }

    /// The form of an instant.
    @inlinable public static func form(_ type: Date.Type) -> DateForm { DateForm() }

    /// The form of a type whose attributes have one type.
    public static func form<Value: AttributeTyped>(_ type: Value.Type) -> ValueForm<Value> {
        ValueForm(Value.attributeType)
    }

    /// The form of a type with raw values.
    public static func form<Value: RawRepresentable>(_ type: Value.Type) -> RawForm<Value>
    where Value.RawValue: AttributeTyped {
        RawForm()
    }

    /// The form of an enumeration of strings.
    public static func form<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ type: Value.Type
    ) -> ChoiceForm<Value> {
        ChoiceForm()
    }

    /// The form of a type with raw values whose attributes have one type.
    public static func form<Value: AttributeTyped & RawRepresentable>(
        _ type: Value.Type
    ) -> ValueForm<Value> where Value.RawValue: AttributeTyped {
        ValueForm(Value.attributeType)
    }

    /// The form of an enumeration of strings whose attributes have one type.
    public static func form<Value: AttributeTyped & RawRepresentable<String> & CaseIterable>(
        _ type: Value.Type
    ) -> ValueForm<Value> {
        ValueForm(Value.attributeType)
    }

    /// The form of a `Codable` type: a list for arrays and sets, a map for other types.
    @_disfavoredOverload
    public static func form<Value: Codable>(_ type: Value.Type) -> CodableForm<Value> {
        CodableForm(Value.self is any ListCoded.Type ? .list : .map)
    }

    /// The form of a convertible type, whose attribute's type must be given.
    @_disfavoredOverload
    public static func form<Value: AttributeConvertible>(
        _ type: Value.Type
    ) -> UntypedForm<Value> {
        UntypedForm()
    }

    /// The form of a convertible type, whose attribute's type must be given.
    @_disfavoredOverload
    public static func form<Value: AttributeConvertible & Codable>(
        _ type: Value.Type
    ) -> UntypedForm<Value> {
        UntypedForm()
    }

    /// The form of an optional type that another name hides from the macro.
    public static func form<Wrapped>(_ type: Wrapped?.Type) -> UntypedForm<Wrapped?> {
        UntypedForm()
    }

    /// There is no form of other types.
    @available(
        *, unavailable,
        message: "The type of a field must be Codable or AttributeConvertible."
    )
    public static func form<Value>(_ type: Value.Type) -> UntypedForm<Value> { UntypedForm() }

    /// The form of a convertible type whose attribute's type is given.
    public static func form<Value: AttributeConvertible>(
        _ type: Value.Type, as stored: AttributeType
    ) -> ValueForm<Value> {
        ValueForm(stored)
    }

    /// The form of a `Codable` type whose attribute's type is given.
    @_disfavoredOverload
    public static func form<Value: Codable>(
        _ type: Value.Type, as stored: AttributeType
    ) -> CodableForm<Value> {
        CodableForm(stored)
    }
}

/// A type that `Codable` stores as a list.
private protocol ListCoded {}

extension Array: ListCoded {}
extension Set: ListCoded {}

/// A list of convertible elements, for errors that name the element.
private protocol ConvertibleList {
    /// The first value that is no element.
    static func misfit(in values: [AttributeValue]) -> (index: Int, type: any Any.Type)?
}

extension Array: ConvertibleList where Element: AttributeConvertible {
    static func misfit(in values: [AttributeValue]) -> (index: Int, type: any Any.Type)? {
        values.firstIndex { Element(attributeValue: $0) == nil }.map { ($0, Element.self) }
    }
}

// MARK: What forms do

extension FieldCoding.Form {
    /// Any value.
    public var cases: [String]? { nil }

    /// The form of the optional type.
    @inlinable public var optional: FieldCoding.OptionalForm<Self> {
        FieldCoding.OptionalForm(self)
    }

    /// The definition of a field that every item has.
    public func definition(_ name: String) -> FieldDefinition {
        .required(name, type, cases: cases)
    }

    /// Reads a field.
    ///
    /// - Parameters:
    ///   - reader: The item.
    ///   - index: The field's index in the definition.
    ///   - name: The field's stored name.
    /// - Returns: The value.
    /// - Throws: ``CodexError/Code/missingAttribute``, ``CodexError/Code/typeMismatch``,
    ///   ``CodexError/Code/keyUnavailable``, ``CodexError/Code/corrupted``.
    @inlinable @inline(__always)
    public func read(
        _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
    ) throws(CodexError) -> Value {
        guard let value = try readIfPresent(reader, index, name) else {
            throw FieldCoding.missing(reader, index, name)
        }
        return value
    }

    /// Sets the attribute of a field.
    ///
    /// - Throws: As ``attribute(_:_:)``.
    @inlinable @inline(__always)
    public func write(
        _ value: Value, _ name: String, to item: inout Item
    ) throws(CodexError) {
        item[name] = try attribute(value, name)
    }
}

// MARK: Steps of the forms

extension FieldCoding {
    /// The stored value of a field; `nil` if the item lacks it.
    @usableFromInline
    static func stored(
        _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString, _ type: AttributeType
    ) throws(CodexError) -> AttributeValue? {
        try reader.optional(IndexedField(index, name, type), as: AttributeValue.self)
    }

    /// The error for a field that an item lacks.
    @usableFromInline @inline(never)
    static func missing(
        _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
    ) -> CodexError {
        let text = name.description
        if reader.has(IndexedField(index, name, .null)) {
            return CodexError.keyUnavailable(text).at(path: text)
        }
        return CodingFailure.missing(CodingPathText(text), nil)
    }

    /// The error for a stored value that a type did not take.
    @usableFromInline @inline(never)
    static func mismatch(
        _ stored: AttributeValue, _ name: StaticString, _ expected: AttributeType,
        _ type: any Any.Type
    ) -> CodexError {
        if case .list(let values) = stored, let list = type as? any ConvertibleList.Type,
            let (index, element) = list.misfit(in: values)
        {
            let path = CodingPathText("\(name)[\(index)]")
            return CodingFailure.otherValue(path, values[index].type, "\(element)")
        }
        let (path, found) = (CodingPathText(name.description), stored.type)
        return found == expected
            ? CodingFailure.otherValue(path, found, "\(type)")
            : CodingFailure.otherType(path, found, expected: expected, "\(type)")
    }

    /// The error for a value that becomes an attribute of another type than its field has.
    @usableFromInline @inline(never)
    static func otherType(
        _ found: AttributeType, _ name: String, _ declared: AttributeType
    ) -> CodexError {
        CodexError(
            .typeMismatch,
            "The value of \(name.abbreviated()) becomes \(found.phrase), and the field is declared "
                + "as \(declared.phrase). Give the type by @StoredAs(type:)."
        ).at(path: name)
    }

    /// The position of a field's text in a list of texts: -1 if it is none of them, and `nil` if
    /// the item lacks the field.
    @usableFromInline
    static func position(
        in texts: [String], _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
    ) throws(CodexError) -> Int? {
        let text = try reader.optionalString(IndexedField(index, name, .string))
        guard let text else { return nil }
        // Short texts that are equal are identical words.
        for position in texts.indices where ByteOrder.areIdentical(texts[position], text) {
            return position
        }
        return texts.firstIndex { ByteOrder.equal($0, text) } ?? -1
    }

    /// The case of an enumeration that its list of cases lacks.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` if there is none.
    @usableFromInline @inline(never)
    static func unlistedCase<Value: RawRepresentable<String>>(
        _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString, _ type: Value.Type
    ) throws(CodexError) -> Value {
        let text = try reader.optionalString(IndexedField(index, name, .string))
        guard let text, let value = Value(rawValue: text) else {
            throw CodingFailure.otherValue(
                CodingPathText(name.description), .string, "\(type)", isCase: true)
        }
        return value
    }
}

/// A field by its index, for the functions that take a field of an enumeration.
struct IndexedField: EntityField {
    static var allCases: [IndexedField] { [] }

    let rawValue: Int
    private let name: StaticString
    private let type: AttributeType

    init(_ index: Int, _ name: StaticString, _ type: AttributeType) {
        rawValue = index
        self.name = name
        self.type = type
    }

    /// There is no field without its name.
    init?(rawValue: Int) { return nil }

    var definition: FieldDefinition { .required(name.description, type) }
}
