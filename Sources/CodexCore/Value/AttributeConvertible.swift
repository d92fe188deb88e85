public import FoundationEssentials

/// A Swift type that can be converted to and from an attribute value.
///
/// The library's conversions are the ones that `Codable` entities use, so a value in a key, an
/// update or a condition equals the stored one.
///
/// An enumeration with raw values of such a type needs no code:
///
/// ```swift
/// enum Status: String, Codable, AttributeConvertible { case open, done }
/// ```
public protocol AttributeConvertible: Sendable {
    /// The value as an attribute.
    var attributeValue: AttributeValue { get }
    /// Reads the value from an attribute; `nil` if its type or content does not fit.
    init?(attributeValue: AttributeValue)
}

extension AttributeValue: AttributeConvertible {
    /// The value itself.
    public var attributeValue: AttributeValue { self }
    /// The value itself.
    public init?(attributeValue: AttributeValue) { self = attributeValue }
}

extension String: AttributeConvertible {
    /// A string value.
    public var attributeValue: AttributeValue { .string(self) }
    /// The text of a string value.
    public init?(attributeValue: AttributeValue) {
        guard case .string(let text) = attributeValue else { return nil }
        self = text
    }
}

extension Number: AttributeConvertible {
    /// A number value.
    public var attributeValue: AttributeValue { .number(self) }
    /// The number of a number value.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue else { return nil }
        self = number
    }
}

extension Int: AttributeConvertible {
    /// A number value.
    public var attributeValue: AttributeValue { .number(Number(self)) }
    /// The integer of a number value.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue, let integer = number.int64 else {
            return nil
        }
        self.init(exactly: integer)
    }
}

extension Int64: AttributeConvertible {
    /// A number value.
    public var attributeValue: AttributeValue { .number(Number(self)) }
    /// The integer of a number value.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue, let integer = number.int64 else {
            return nil
        }
        self = integer
    }
}

extension Bool: AttributeConvertible {
    /// A Boolean value.
    public var attributeValue: AttributeValue { .bool(self) }
    /// The flag of a Boolean value.
    public init?(attributeValue: AttributeValue) {
        guard case .bool(let flag) = attributeValue else { return nil }
        self = flag
    }
}

extension Array: AttributeConvertible where Element: AttributeConvertible {
    /// A list value.
    public var attributeValue: AttributeValue { .list(map(\.attributeValue)) }
    /// The elements of a list value.
    public init?(attributeValue: AttributeValue) {
        guard case .list(let values) = attributeValue else { return nil }
        self = []
        for value in values {
            guard let element = Element(attributeValue: value) else { return nil }
            append(element)
        }
    }
}

extension AttributeSet: AttributeConvertible where Element: AttributeSetMember {
    /// A set value.
    public var attributeValue: AttributeValue { Element.value(of: self) }
    /// The members of a set value.
    public init?(attributeValue: AttributeValue) {
        guard let set = Element.set(in: attributeValue) else { return nil }
        self = set
    }
}

/// An element of a set that knows the set's attribute type.
public protocol AttributeSetMember: AttributeSetElement {
    /// The set as an attribute value.
    static func value(of set: AttributeSet<Self>) -> AttributeValue
    /// The set in an attribute value, or `nil`.
    static func set(in value: AttributeValue) -> AttributeSet<Self>?
}

extension String: AttributeSetMember {
    /// An `SS` value.
    public static func value(of set: AttributeSet<String>) -> AttributeValue { .stringSet(set) }
    /// The members of an `SS` value.
    public static func set(in value: AttributeValue) -> AttributeSet<String>? {
        if case .stringSet(let set) = value { set } else { nil }
    }
}

extension Number: AttributeSetMember {
    /// An `NS` value.
    public static func value(of set: AttributeSet<Number>) -> AttributeValue { .numberSet(set) }
    /// The members of an `NS` value.
    public static func set(in value: AttributeValue) -> AttributeSet<Number>? {
        if case .numberSet(let set) = value { set } else { nil }
    }
}

extension Date: AttributeConvertible {
    /// A string value: ISO 8601 in UTC to the millisecond, see ``Timestamp``.
    public var attributeValue: AttributeValue { .string(Timestamp.text(self)) }
    /// The instant in a string value.
    public init?(attributeValue: AttributeValue) {
        guard case .string(let text) = attributeValue, let date = Timestamp.date(text) else {
            return nil
        }
        self = date
    }
}
