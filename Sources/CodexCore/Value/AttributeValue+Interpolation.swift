extension AttributeValue: ExpressibleByStringInterpolation {
    /// Creates a string value from a literal with values in it.
    ///
    /// ```swift
    /// let key: AttributeValue = "CUSTOMER#\(customer.id)"
    /// ```
    public init(stringInterpolation: StringInterpolation) {
        self = .string(stringInterpolation.text)
    }

    /// The text of a literal with values in it.
    ///
    /// A value stands in the text as the store would keep it. So an identifier or a UUID has the
    /// spelling that it has in keys. A number has its digits without padding: write
    /// `\(key: number)` in a key. Optional values do not compile.
    ///
    /// Text is not checked: a value with `#` in it changes a key that is made in this way. Lookups
    /// and queries that are made from an entity's definition check it (``KeyTemplate``).
    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        fileprivate var text = ""

        /// Creates an empty text.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        /// Appends a part of the literal.
        public mutating func appendLiteral(_ literal: String) { text += literal }

        /// Appends text.
        public mutating func appendInterpolation(_ value: String) { text += value }

        /// Appends text.
        public mutating func appendInterpolation(_ value: Substring) { text += value }

        /// Appends the stored form of a value: text, the digits of a number, `true` or `false`.
        ///
        /// Of a value that is stored as another type, it appends ``AttributeValue/description``.
        public mutating func appendInterpolation(_ value: some AttributeConvertible) {
            switch value.attributeValue {
            case .string(let string): text += string
            case let other: text += other.description
            }
        }

        /// Appends the form that a value has in a key.
        ///
        /// Numbers are written so that keys sort by value (``KeyTemplate/text(of:)``): 7 is
        /// `0000000007`.
        public mutating func appendInterpolation(key value: some AttributeConvertible) {
            switch value.attributeValue {
            case .number(let number): text += KeyTemplate.text(of: number)
            default: appendInterpolation(value)
            }
        }

        /// Appends the description of a value that the store has no form for.
        @_disfavoredOverload
        public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += value.description
        }
    }
}
