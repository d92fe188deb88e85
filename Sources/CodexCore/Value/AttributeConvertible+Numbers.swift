public import FoundationEssentials

// Conversions of Swift's numbers, as `Codable` entities store them.

extension AttributeConvertible where Self: FixedWidthInteger {
    /// A number value.
    public var attributeValue: AttributeValue {
        if let small = Int64(exactly: self) { return .number(Number(small)) }
        return (try? Number(parsing: String(self))).map { .number($0) } ?? .unstorable
    }

    /// The integer of a number value.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue else { return nil }
        if let small = number.int64 {
            self.init(exactly: small)
        } else {
            self.init(number.description)
        }
    }
}

extension Int8: AttributeConvertible {}
extension Int16: AttributeConvertible {}
extension Int32: AttributeConvertible {}
extension UInt: AttributeConvertible {}
extension UInt8: AttributeConvertible {}
extension UInt16: AttributeConvertible {}
extension UInt32: AttributeConvertible {}
extension UInt64: AttributeConvertible {}

extension Double: AttributeConvertible {
    /// A number value: the shortest decimal that the double is the nearest to.
    ///
    /// Infinity, NaN and magnitudes that no ``Number`` has become an empty set. Writes, keys and
    /// ordered comparisons refuse it, and no stored value equals it.
    public var attributeValue: AttributeValue {
        (try? Number(self)).map { .number($0) } ?? .unstorable
    }

    /// The nearest double of a number value.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue else { return nil }
        self = number.double
    }
}

extension Float: AttributeConvertible {
    /// A number value: that of the equal `Double`.
    ///
    /// Infinity and NaN become an empty set, as for a `Double`.
    public var attributeValue: AttributeValue { Double(self).attributeValue }

    /// The nearest float of a number value.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue else { return nil }
        self = Float(number.double)
    }
}

extension Decimal: AttributeConvertible {
    /// A number value, with the same digits.
    ///
    /// NaN and decimals of more than 38 digits become an empty set, as for a `Double`.
    public var attributeValue: AttributeValue {
        (try? Number(self)).map { .number($0) } ?? .unstorable
    }

    /// The decimal of a number value; `nil` if `Decimal` cannot hold the number.
    public init?(attributeValue: AttributeValue) {
        guard case .number(let number) = attributeValue else { return nil }
        self.init(exactly: number)
    }
}

extension AttributeValue {
    /// A value that no item may have, and that no key and no ordered comparison takes.
    static let unstorable = AttributeValue.numberSet(AttributeSet([Number]()))
}
