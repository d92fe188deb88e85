// Other spellings of keys: of those that are written by hand, or made from text in place of a
// number or UUID.

extension KeyTemplate {
    /// Which spelling of a key is tried.
    package enum Spelling: Sendable, CaseIterable {
        /// UUIDs in lower case, and numbers as ``KeyTemplate/text(of:)`` writes them.
        case canonical
        /// Numbers as plain text, which fields of text have.
        case plain
    }

    /// A key with other spellings of its UUIDs and numbers.
    ///
    /// A text of digits is a number only if that is certain: the canonical spelling is for fields
    /// that are declared as numbers, and the plain one for values that were given as numbers. In
    /// other parts it may be an identifier, and `42` and `0000000042` are two of them.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - spelling: The other spelling.
    ///   - fields: The declared fields of the entity.
    ///   - values: The values that the key was made from, by name. A part without a value here is
    ///     one that was written by hand.
    /// - Returns: The other key; `nil` if there is none, or if the template cannot make the key.
    /// - Complexity: O(*n*) in the bytes of the key, without an allocation for most keys.
    package func respelled(
        _ key: String, _ spelling: Spelling, fields: [FieldDefinition],
        values: [String: AttributeValue] = [:]
    ) -> String? {
        // Only values that were given as numbers have a plain spelling.
        if spelling == .plain, values.isEmpty { return nil }
        guard Self.mayHaveOtherSpelling(key) else { return nil }
        var rest = key.utf8[...]
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let literal):
                guard rest.starts(with: literal.utf8) else { return nil }
                rest = rest.dropFirst(literal.utf8.count)
                text += literal
            case .attribute(let name):
                let part = String(rest.prefix { $0 != UInt8(ascii: "#") }) ?? ""
                guard !part.isEmpty else { return nil }
                rest = rest.dropFirst(part.utf8.count)
                let field = fields.first { ByteOrder.equal($0.name, name) }
                text += Self.respelled(part, spelling, field?.type, values[name]) ?? part
            }
        }
        return rest.isEmpty && !ByteOrder.equal(text, key) ? text : nil
    }

    /// Whether a part of a key looks like a UUID or a number, so that
    /// ``respelled(_:_:fields:values:)`` may find another key.
    package static func mayHaveOtherSpelling(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { bytes in
            let bytes = unsafe Span(_unsafeElements: bytes)
            var (start, isNumber) = (0, true)
            for index in 0...bytes.count {
                if index == bytes.count || bytes[index] == UInt8(ascii: "#") {
                    let count = index - start
                    if count > 0, isNumber || count == uuidByteCount { return true }
                    (start, isNumber) = (index + 1, true)
                } else {
                    isNumber = isNumber && isOfNumber(bytes[index])
                }
            }
            return false
        }
    }

    private static let uuidByteCount = 36

    /// Whether a byte occurs in numbers, in plain text or in keys.
    private static func isOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "."), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func respelled(
        _ part: String, _ spelling: Spelling, _ type: AttributeType?, _ value: AttributeValue?
    ) -> String? {
        switch spelling {
        case .canonical:
            if type == nil || type == .string, isUUID(part) { return part.lowercased() }
            // The template has made a given number canonical.
            guard value == nil, type == .number, part.utf8.allSatisfy(isOfNumber) else {
                return nil
            }
            return (try? Number(parsing: part)).map { self.text(of: $0) }
        case .plain:
            guard case .number? = value, type == nil else { return nil }
            return number(from: part)?.description
        }
    }

    /// Whether the text has the form of a UUID, in any case.
    private static func isUUID(_ text: String) -> Bool {
        guard text.utf8.count == uuidByteCount else { return false }
        for (index, byte) in text.utf8.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { return false }
                continue
            }
            let isDigit = byte &- UInt8(ascii: "0") < 10
            guard isDigit || (byte | 0x20) &- UInt8(ascii: "a") < 6 else { return false }
        }
        return true
    }
}
