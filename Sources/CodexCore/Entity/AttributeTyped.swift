public import FoundationEssentials

/// A convertible type whose values all become attributes of one type.
///
/// Swift's and the library's own types conform. The macro `@Entity` takes the type of a field's
/// attribute from it. A type of your own needs one line:
///
/// ```swift
/// extension GeoPoint: AttributeTyped {
///     static var attributeType: AttributeType { .map }
/// }
/// ```
///
/// An enumeration with raw values, and a type that is `Codable` alone, do without it.
public protocol AttributeTyped: AttributeConvertible {
    /// The type of the attributes that values become.
    static var attributeType: AttributeType { get }
}

// MARK: Text

extension String: AttributeTyped {
    /// A string.
    public static var attributeType: AttributeType { .string }
}

extension Date: AttributeTyped {
    /// A string: ISO 8601 in UTC, see ``Timestamp``.
    public static var attributeType: AttributeType { .string }
}

extension UUID: AttributeTyped {
    /// A string.
    public static var attributeType: AttributeType { .string }
}

extension URL: AttributeTyped {
    /// A string.
    public static var attributeType: AttributeType { .string }
}

extension CalendarDay: AttributeTyped {
    /// A string: `yyyy-mm-dd`.
    public static var attributeType: AttributeType { .string }
}

extension Identifier: AttributeTyped {
    /// A string.
    public static var attributeType: AttributeType { .string }
}

// MARK: Numbers

extension AttributeTyped where Self: FixedWidthInteger {
    /// A number.
    public static var attributeType: AttributeType { .number }
}

extension AttributeTyped where Self: BinaryFloatingPoint {
    /// A number.
    public static var attributeType: AttributeType { .number }
}

extension Int: AttributeTyped {}
extension Int8: AttributeTyped {}
extension Int16: AttributeTyped {}
extension Int32: AttributeTyped {}
extension Int64: AttributeTyped {}
extension UInt: AttributeTyped {}
extension UInt8: AttributeTyped {}
extension UInt16: AttributeTyped {}
extension UInt32: AttributeTyped {}
extension UInt64: AttributeTyped {}
extension Double: AttributeTyped {}
extension Float: AttributeTyped {}

extension Number: AttributeTyped {
    /// A number.
    public static var attributeType: AttributeType { .number }
}

extension Decimal: AttributeTyped {
    /// A number.
    public static var attributeType: AttributeType { .number }
}

extension EpochSeconds: AttributeTyped {
    /// A number.
    public static var attributeType: AttributeType { .number }
}

// MARK: Other types

extension Bool: AttributeTyped {
    /// A Boolean.
    public static var attributeType: AttributeType { .bool }
}

extension Data: AttributeTyped {
    /// Bytes.
    public static var attributeType: AttributeType { .binary }
}

extension Array: AttributeTyped where Element: AttributeConvertible {
    /// A list.
    public static var attributeType: AttributeType { .list }
}

extension Dictionary: AttributeTyped where Key == String, Value: AttributeConvertible {
    /// A map.
    public static var attributeType: AttributeType { .map }
}

extension AttributeMap: AttributeTyped {
    /// A map.
    public static var attributeType: AttributeType { .map }
}

extension AttributeSet: AttributeTyped where Element: AttributeSetMember {
    /// A set of the elements' type.
    public static var attributeType: AttributeType { Element.value(of: Self([Element]())).type }
}
