public import FoundationEssentials

// MARK: Types with a form of their own

extension FieldCoding {
    /// The form of text.
    public struct TextForm: Form {
        @inlinable init() {}

        /// A string.
        public var type: AttributeType { .string }

        /// Reads text.
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> String? {
            try reader.optionalString(IndexedField(index, name, .string))
        }

        /// The attribute of text.
        @inlinable
        public func attribute(_ value: String, _ name: String) throws(CodexError) -> AttributeValue
        {
            .string(value)
        }
    }

    /// The form of an integer.
    public struct IntegerForm: Form {
        @inlinable init() {}

        /// A number.
        public var type: AttributeType { .number }

        /// Reads an integer.
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Int? {
            try reader.optionalInt(IndexedField(index, name, .number))
        }

        /// The attribute of an integer.
        @inlinable
        public func attribute(_ value: Int, _ name: String) throws(CodexError) -> AttributeValue {
            .number(Number(value))
        }
    }

    /// The form of a Boolean.
    public struct FlagForm: Form {
        @inlinable init() {}

        /// A Boolean.
        public var type: AttributeType { .bool }

        /// Reads a Boolean.
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Bool? {
            try reader.optional(IndexedField(index, name, .bool), as: Bool.self)
        }

        /// The attribute of a Boolean.
        @inlinable
        public func attribute(_ value: Bool, _ name: String) throws(CodexError) -> AttributeValue {
            .bool(value)
        }
    }

    /// The form of a floating-point number.
    public struct DoubleForm: Form {
        @inlinable init() {}

        /// A number.
        public var type: AttributeType { .number }

        /// Reads the nearest double of a number.
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Double? {
            guard let stored = try FieldCoding.stored(reader, index, name, .number) else {
                return nil
            }
            guard case .number(let number) = stored else {
                throw FieldCoding.mismatch(stored, name, .number, Double.self)
            }
            return number.nearestDouble
        }

        /// The attribute of a double: its shortest decimal.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` for infinities and NaN.
        public func attribute(
            _ value: Double, _ name: String
        ) throws(CodexError) -> AttributeValue {
            do throws(CodexError) {
                return .number(try Number(shortest: value))
            } catch {
                throw CodingFailure.notStorable(CodingPathText(name), error)
            }
        }
    }

    /// The form of an instant.
    public struct DateForm: Form {
        @inlinable init() {}

        /// A string.
        public var type: AttributeType { .string }

        /// Reads an instant.
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Date? {
            try reader.optionalDate(IndexedField(index, name, .string))
        }

        /// The attribute of an instant.
        @inlinable
        public func attribute(_ value: Date, _ name: String) throws(CodexError) -> AttributeValue {
            value.attributeValue
        }
    }
}

// MARK: Conversions

extension FieldCoding {
    /// The form of a convertible type.
    public struct ValueForm<Value: AttributeConvertible>: Form {
        /// The type of the attributes.
        public let type: AttributeType

        init(_ type: AttributeType) { self.type = type }

        /// Reads a value.
        @inlinable
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Value? {
            guard let stored = try FieldCoding.stored(reader, index, name, type) else {
                return nil
            }
            guard let value = Value(attributeValue: stored) else {
                throw FieldCoding.mismatch(stored, name, type, Value.self)
            }
            return value
        }

        /// The attribute of a value.
        @inlinable
        public func attribute(_ value: Value, _ name: String) throws(CodexError) -> AttributeValue {
            let attribute = value.attributeValue
            let found = attribute.type
            guard found == type else { throw FieldCoding.otherType(found, name, type) }
            return attribute
        }
    }

    /// The form of a type with raw values.
    public struct RawForm<Value: RawRepresentable>: Form where Value.RawValue: AttributeTyped {
        init() {}

        /// The type of the raw values' attributes.
        public var type: AttributeType { Value.RawValue.attributeType }

        /// Reads a raw value.
        @inlinable
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Value? {
            guard let stored = try FieldCoding.stored(reader, index, name, type) else {
                return nil
            }
            guard let rawValue = Value.RawValue(attributeValue: stored),
                let value = Value(rawValue: rawValue)
            else { throw FieldCoding.mismatch(stored, name, type, Value.self) }
            return value
        }

        /// The attribute of a raw value.
        @inlinable
        public func attribute(_ value: Value, _ name: String) throws(CodexError) -> AttributeValue {
            let attribute = value.rawValue.attributeValue
            let found = attribute.type
            guard found == type else { throw FieldCoding.otherType(found, name, type) }
            return attribute
        }
    }

    /// The form of an enumeration of strings.
    public struct ChoiceForm<Value: RawRepresentable<String> & CaseIterable & Sendable>: Form {
        /// The stored texts of the cases.
        @usableFromInline let texts: [String]
        @usableFromInline let values: [Value]

        init() {
            values = Array(Value.allCases)
            texts = values.map(\.rawValue)
        }

        /// A string.
        public var type: AttributeType { .string }

        /// The stored texts of the cases.
        public var cases: [String]? { texts }

        /// Reads a case.
        @inlinable
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Value? {
            guard let position = try FieldCoding.position(in: texts, reader, index, name) else {
                return nil
            }
            guard position >= 0 else {
                return try FieldCoding.unlistedCase(reader, index, name, Value.self)
            }
            return values[position]
        }

        /// The attribute of a case.
        @inlinable
        public func attribute(_ value: Value, _ name: String) throws(CodexError) -> AttributeValue {
            .string(value.rawValue)
        }
    }

    /// The form of a `Codable` type: what its decoder and encoder make of it.
    public struct CodableForm<Value: Codable>: Form {
        /// The type of the attributes.
        public let type: AttributeType

        init(_ type: AttributeType) { self.type = type }

        /// Decodes a value.
        public func readIfPresent(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Value? {
            guard let stored = try FieldCoding.stored(reader, index, name, type) else {
                return nil
            }
            let node = DecodingNode(.map(AttributeMap()), parent: nil, key: nil)
            do {
                return try node.decoded(Value.self, stored, FieldKey(name.description))
            } catch {
                throw node.outcome(error)
            }
        }

        /// Encodes a value.
        public func attribute(_ value: Value, _ name: String) throws(CodexError) -> AttributeValue {
            let node = EncodingNode(parent: nil, key: nil)
            let attribute: AttributeValue
            do {
                attribute = try node.attribute(value, FieldKey(name))
            } catch {
                throw node.outcome(error)
            }
            let found = attribute.type
            guard found == type else { throw FieldCoding.otherType(found, name, type) }
            return attribute
        }
    }

    /// The name of a field as a key of a coding path.
    private struct FieldKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }

        init?(stringValue: String) { return nil }

        init?(intValue: Int) { return nil }
    }
}

// MARK: Optional types

extension FieldCoding {
    /// The form of an optional type: items lack the attribute where the value is `nil`.
    public struct OptionalForm<Wrapped: Form>: Sendable {
        @usableFromInline let form: Wrapped

        @inlinable init(_ form: Wrapped) { self.form = form }

        /// The definition of a field that items may lack.
        public func definition(_ name: String) -> FieldDefinition {
            .optional(name, form.type, cases: form.cases)
        }

        /// Reads a field; `nil` if the item lacks it.
        ///
        /// - Throws: As ``FieldCoding/Form/readIfPresent(_:_:_:)``.
        @inlinable @inline(__always)
        public func read(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Wrapped.Value? {
            try form.readIfPresent(reader, index, name)
        }

        /// Sets the attribute of a field; `nil` leaves it out.
        ///
        /// - Throws: As ``FieldCoding/Form/attribute(_:_:)``.
        @inlinable @inline(__always)
        public func write(
            _ value: Wrapped.Value?, _ name: String, to item: inout Item
        ) throws(CodexError) {
            if let value { item[name] = try form.attribute(value, name) }
        }
    }

    /// The place of a form that the compiler cannot choose; a definition with it does not compile.
    public struct UntypedForm<Value>: Sendable {
        init() {}

        /// The type is not known.
        @available(
            *, unavailable,
            message: "The attribute's type is unknown: add @StoredAs(type:) or AttributeTyped."
        )
        public func definition(_ name: String) -> FieldDefinition { .required(name, .map) }

        /// The optional type is not known, either.
        public var optional: UntypedForm<Value?> { UntypedForm<Value?>() }

        /// Reads nothing.
        ///
        /// - Throws: ``CodexError/Code/typeMismatch``.
        public func read(
            _ reader: borrowing FieldReader, _ index: Int, _ name: StaticString
        ) throws(CodexError) -> Value {
            throw FieldCoding.mismatch(.null, name, .map, Value.self)
        }

        /// Writes nothing.
        public func write(
            _ value: Value, _ name: String, to item: inout Item
        ) throws(CodexError) {}

        /// The field's name.
        public func field<E: Entity>(of entity: E.Type, _ name: String) -> OpaqueField<E> {
            OpaqueField(name)
        }
    }
}

// MARK: Fields

// The compiler chooses the type of a field by the type of the property.

extension FieldCoding.Form where Value: AttributeConvertible {
    /// The field of a convertible type.
    public func field<E: Entity>(of entity: E.Type, _ name: String) -> Field<E, Value> {
        Field(name)
    }
}

extension FieldCoding.Form where Value: RawRepresentable, Value.RawValue: AttributeConvertible {
    /// The field of a type with raw values.
    @_disfavoredOverload
    public func field<E: Entity>(of entity: E.Type, _ name: String) -> RawValueField<E, Value> {
        RawValueField(name)
    }
}

extension FieldCoding.Form {
    /// The field of another type.
    @_disfavoredOverload
    public func field<E: Entity>(of entity: E.Type, _ name: String) -> OpaqueField<E> {
        OpaqueField(name)
    }
}

extension FieldCoding.OptionalForm where Wrapped.Value: AttributeConvertible {
    /// The field of a convertible type.
    public func field<E: Entity>(of entity: E.Type, _ name: String) -> Field<E, Wrapped.Value> {
        Field(name)
    }
}

extension FieldCoding.OptionalForm
where Wrapped.Value: RawRepresentable, Wrapped.Value.RawValue: AttributeConvertible {
    /// The field of a type with raw values.
    @_disfavoredOverload
    public func field<E: Entity>(
        of entity: E.Type, _ name: String
    ) -> RawValueField<E, Wrapped.Value> {
        RawValueField(name)
    }
}

extension FieldCoding.OptionalForm {
    /// The field of another type.
    @_disfavoredOverload
    public func field<E: Entity>(of entity: E.Type, _ name: String) -> OpaqueField<E> {
        OpaqueField(name)
    }
}
