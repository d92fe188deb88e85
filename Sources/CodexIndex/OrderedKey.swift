public import CodexCore

/// The order-preserving encoding of key values: encoded keys compare as bytes (`memcmp`) in the
/// order of their values, part by part.
///
/// A key is the sequence of its attributes' values. Keys that are compared must have parts of the
/// same types in the same order.
///
/// ```swift
/// var key: [UInt8] = []
/// OrderedKey.append("engine", isLast: false, to: &key)
/// OrderedKey.append(12, isLast: true, to: &key)
/// ```
///
/// ``TablePlan`` enforces the size limits; the codec itself accepts text and binaries of any
/// length.
///
/// - Text and binaries are stored as their bytes. A part that is not the last ends in 0x00. Within
///   it, 0x00 becomes 0x01 0x01, and 0x01 becomes 0x01 0x02, so no content can forge an end. The
///   last part of a key has neither a terminator nor escapes.
/// - Numbers are a sign byte, a biased exponent and base-100 digits, and terminate themselves. The
///   sign byte is 1 for a negative number, 2 for zero and 3 for a positive number; zero has no
///   further bytes. One byte follows with the first digit's exponent plus 130. Then come pairs of
///   digits, each plus 2, without trailing zero pairs, and finally 1. All bytes after the sign are
///   inverted for negative numbers.
///
/// The encoding is a stored format: it does not change between versions.
public enum OrderedKey {
    private static let terminator: UInt8 = 0x00
    private static let escape: UInt8 = 0x01

    /// Appends a value to a key.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - isLast: Whether no other part follows. The last text or binary has no terminator and no
    ///     escapes.
    ///   - key: The key.
    /// - Precondition: The value is text, a number or a binary.
    /// - Complexity: O(*n*) for *n* bytes of the value; a number has at most 22 bytes.
    public static func append(_ value: AttributeValue, isLast: Bool, to key: inout [UInt8]) {
        switch value {
        case .string(let text):
            appendText(text, escaped: !isLast, to: &key)
            if !isLast { key.append(terminator) }
        case .binary(let data):
            appendBytes(data, escaped: !isLast, to: &key)
            if !isLast { key.append(terminator) }
        case .number(let number): append(number, to: &key)
        default: preconditionFailure("Only text, numbers and binaries are key values")
        }
    }

    /// Appends the beginning of a text or binary part, with which all parts with this prefix begin.
    ///
    /// ``KeyRange/init(prefix:)`` creates the range of all keys with the prefix.
    ///
    /// - Parameters:
    ///   - value: The prefix.
    ///   - isLast: Whether the part is the last of the key.
    ///   - key: The key.
    /// - Precondition: The value is text or a binary.
    /// - Complexity: O(*n*) for *n* bytes of the value.
    public static func appendPrefix(_ value: AttributeValue, isLast: Bool, to key: inout [UInt8]) {
        switch value {
        case .string(let text): appendText(text, escaped: !isLast, to: &key)
        case .binary(let data): appendBytes(data, escaped: !isLast, to: &key)
        default: preconditionFailure("Only text and binaries have prefixes")
        }
    }

    private static func appendText(_ text: String, escaped: Bool, to key: inout [UInt8]) {
        var copy = text
        copy.withUTF8 { buffer in
            appendBytes(unsafe Span(_unsafeElements: buffer), escaped: escaped, to: &key)
        }
    }

    private static func appendBytes(_ bytes: [UInt8], escaped: Bool, to key: inout [UInt8]) {
        appendBytes(bytes.span, escaped: escaped, to: &key)
    }

    private static func appendBytes(_ bytes: Span<UInt8>, escaped: Bool, to key: inout [UInt8]) {
        // Almost no key contains a byte that needs an escape, so the bytes are usually copied as
        // they are.
        var needsEscape = false
        if escaped {
            for index in bytes.indices where bytes[index] <= escape { needsEscape = true }
        }
        guard needsEscape else {
            unsafe bytes.withUnsafeBufferPointer { unsafe key.append(contentsOf: $0) }
            return
        }
        for index in bytes.indices {
            let byte = bytes[index]
            if byte <= escape {
                key.append(escape)
                key.append(byte + 1)
            } else {
                key.append(byte)
            }
        }
    }

    /// Appends a number, so that the order of the bytes is the order of the values.
    private static func append(_ number: Number, to key: inout [UInt8]) {
        guard number.magnitude != 0 else {
            key.append(2)
            return
        }
        let flip: UInt8 = number.isNegative ? 0xFF : 0
        key.append(number.isNegative ? 1 : 3)
        key.append(UInt8(number.leadingExponent - DynamoDBLimits.numberExponentMin) ^ flip)
        // The 38 digits are 19 pairs, and the first pair is not zero.
        var pairs = [UInt8](repeating: 0, count: 19)
        var rest = number.fullMantissa
        for index in stride(from: 18, through: 0, by: -1) {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 100)
            pairs[index] = UInt8(remainder)
            rest = quotient
        }
        let count = (pairs.lastIndex { $0 != 0 } ?? 0) + 1
        for pair in pairs[..<count] { key.append((pair + 2) ^ flip) }
        key.append(1 ^ flip)
    }
}

extension OrderedKey {
    /// Reads the value of a key's next part.
    ///
    /// - Parameters:
    ///   - type: The type of the part.
    ///   - key: The key.
    ///   - position: The offset of the part, in bytes; afterwards, the offset of the next part.
    ///   - isLast: Whether the part is the last of the key.
    /// - Returns: The value.
    /// - Throws: ``CodexError/Code/corrupted`` if the bytes are not such a value.
    /// - Precondition: `position` is from 0 to the number of bytes.
    /// - Complexity: O(*n*) for *n* bytes of the part.
    public static func decode(
        _ type: KeyAttribute.KeyType, _ key: Span<UInt8>, _ position: inout Int, isLast: Bool
    ) throws(CodexError) -> AttributeValue {
        switch type {
        case .number: return .number(try decodeNumber(key, &position))
        case .binary: return .binary(try decodeBytes(key, &position, isLast: isLast))
        case .string:
            if let end = plainEnd(key, position, isLast: isLast) {
                defer { position = isLast ? end : end + 1 }
                return .string(try Wire.string(key, position, end))
            }
            let bytes = try decodeBytes(key, &position, isLast: isLast)
            return .string(try Wire.string(bytes.span, 0, bytes.count))
        }
    }

    /// The end of a part without escapes; `nil` for any other part.
    static func plainEnd(_ key: Span<UInt8>, _ start: Int, isLast: Bool) -> Int? {
        if isLast { return key.count }
        var end = start
        while end < key.count, key[end] > escape { end += 1 }
        return end < key.count && key[end] == terminator ? end : nil
    }

    private static func decodeBytes(
        _ key: Span<UInt8>, _ position: inout Int, isLast: Bool
    ) throws(CodexError) -> [UInt8] {
        if isLast {
            defer { position = key.count }
            return Wire.array(key, position, key.count)
        }
        var bytes: [UInt8] = []
        while position < key.count {
            let byte = key[position]
            position += 1
            if byte == terminator { return bytes }
            guard byte == escape else {
                bytes.append(byte)
                continue
            }
            guard position < key.count, key[position] == 1 || key[position] == 2 else { break }
            bytes.append(key[position] - 1)
            position += 1
        }
        throw Wire.corrupted("a key part does not end")
    }

    private static func decodeNumber(
        _ key: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Number {
        guard position < key.count else { throw Wire.truncated }
        let sign = key[position]
        position += 1
        if sign == 2 { return .zero }
        guard sign == 1 || sign == 3, position < key.count else {
            throw Wire.corrupted("a number in a key has no sign")
        }
        let flip: UInt8 = sign == 1 ? 0xFF : 0
        let leading = Int(key[position] ^ flip) + DynamoDBLimits.numberExponentMin
        position += 1
        var magnitude: UInt128 = 0
        var pairs = 0
        while position < key.count {
            let byte = key[position] ^ flip
            position += 1
            if byte == 1 {
                guard pairs > 0 else { break }
                return try number(negative: sign == 1, magnitude, pairs: pairs, leading: leading)
            }
            guard (2...101).contains(byte), pairs < 19 else { break }
            magnitude = magnitude * 100 + UInt128(byte - 2)
            pairs += 1
        }
        throw Wire.corrupted("a number in a key does not end")
    }

    private static func number(
        negative: Bool, _ magnitude: UInt128, pairs: Int, leading: Int
    ) throws(CodexError) -> Number {
        // The mantissa is scaled so that its first digit is the first of its pairs.
        do {
            return try Number(
                negative: negative, magnitude: magnitude, exponent: leading - pairs * 2 + 1)
        } catch {
            throw Wire.corrupted("a number in a key is out of range")
        }
    }
}
