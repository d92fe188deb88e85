internal import FoundationEssentials

/// Encodes `Codable` values as attributes.
///
/// Integers, floating-point numbers, `Decimal`s and ``Number``s become `N`, `Date`s ISO 8601 text,
/// `UUID` (in lower case) and `URL` text, `Data` becomes `B`, arrays (`[UInt8]` too) `L`, keyed
/// types `M`. Absent optionals stay absent.
package enum AttributeEncoder {
    /// The attributes of a value that encodes as a keyed container.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` for another value, and for one whose own code
    ///   refuses it; ``CodexError/Code/invalidNumber``. The error has the attribute's path.
    package static func encode(_ value: some Encodable) throws(CodexError) -> Item {
        let node = EncodingNode(parent: nil, key: nil)
        let encoded: AttributeValue
        do {
            encoded = try node.encoded(value)
        } catch {
            throw node.outcome(error)
        }
        guard case .map(let item) = encoded else {
            throw CodexError(
                .typeMismatch,
                "\(type(of: value)) encodes as \(encoded.type.phrase), and an item is a map (M). "
                    + "Only types that encode as keyed containers are items.")
        }
        return item
    }

    /// The attribute of a value whose type is stored without a decoder; `nil` for another type.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber``.
    static func special<Value>(_ value: Value) throws(CodexError) -> AttributeValue? {
        // A comparison of two types is one of two words, unlike a cast.
        if Value.self == String.self { return .string(cast(value)) }
        if Value.self == Int.self { return .number(Number(cast(value, to: Int.self))) }
        if Value.self == Date.self { return cast(value, to: Date.self).attributeValue }
        if Value.self == UUID.self {
            return .string(cast(value, to: UUID.self).uuidString.lowercased())
        }
        if Value.self == Number.self { return .number(cast(value)) }
        if Value.self == Double.self {
            return .number(try Number(shortest: cast(value, to: Double.self)))
        }
        if Value.self == Bool.self { return .bool(cast(value)) }
        if Value.self == Decimal.self {
            return .number(try Number(cast(value, to: Decimal.self)))
        }
        if Value.self == Data.self { return .binary(Array(cast(value, to: Data.self))) }
        if Value.self == URL.self { return .string(cast(value, to: URL.self).absoluteString) }
        return nil
    }

    /// The same value; `Other` must be the same type as `Value`.
    @inline(__always)
    private static func cast<Value, Other>(
        _ value: Value, to type: Other.Type = Other.self
    ) -> Other {
        precondition(Other.self == Value.self)
        // Sound: the two types were just compared.
        return unsafe unsafeBitCast(value, to: Other.self)
    }

    /// The number of an integer.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for more than 38 significant digits.
    @inline(__always)
    static func number(_ value: some FixedWidthInteger) throws(CodexError) -> Number {
        if let small = Int64(exactly: value) { return Number(small) }
        return try Number(parsing: String(value))
    }
}
