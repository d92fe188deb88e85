/// A field's value as encryption stores it: which key seals it, and the sealed bytes.
///
/// It is a binary that begins with a mark, so that whoever has no keys, or no encryption at all, can tell
/// it from data. `Docs/Format.md` has its bytes.
package struct SealedValue: Sendable, Hashable {
    /// Which of the provider's keys wraps the data key.
    package let keyID: String
    /// The data key, wrapped.
    package let wrappedKey: [UInt8]
    /// Nonce, ciphertext and tag.
    package var box: [UInt8]

    /// No text, and unlikely in data: four bytes of mark, one of version.
    private static let mark: [UInt8] = [0x9E, 0x43, 0x44, 0x58, 1]

    package init(keyID: String, wrappedKey: [UInt8], box: [UInt8] = []) {
        self.keyID = keyID
        self.wrappedKey = wrappedKey
        self.box = box
    }

    /// Reads a stored value; `nil` if it is none of a sealed field.
    package init?(_ value: AttributeValue) {
        guard case .binary(let bytes) = value, Self.isSealed(bytes.span) else { return nil }
        var rest = bytes.dropFirst(Self.mark.count)
        guard let idCount = rest.popFirst(), rest.count >= Int(idCount) + 2 else { return nil }
        let id = String(validating: rest.prefix(Int(idCount)), as: UTF8.self)
        rest = rest.dropFirst(Int(idCount))
        guard let id, let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
        let keyCount = Int(high) << 8 | Int(low)
        guard rest.count >= keyCount else { return nil }
        keyID = id
        wrappedKey = Array(rest.prefix(keyCount))
        box = Array(rest.dropFirst(keyCount))
    }

    /// What stands before the box, and is authenticated with it.
    package var header: [UInt8] {
        let id = Array(keyID.utf8)
        return Self.mark + [UInt8(truncatingIfNeeded: id.count)] + id
            + [
                UInt8(truncatingIfNeeded: wrappedKey.count >> 8),
                UInt8(truncatingIfNeeded: wrappedKey.count),
            ] + wrappedKey
    }

    /// The value to store.
    package var attributeValue: AttributeValue { .binary(header + box) }

    /// Whether bytes begin as those of a sealed value.
    static func isSealed(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > mark.count else { return false }
        return mark.indices.allSatisfy { bytes[$0] == mark[$0] }
    }

    /// Whether a stored value is that of a sealed field.
    package static func isSealed(_ value: AttributeValue) -> Bool {
        guard case .binary(let bytes) = value else { return false }
        return isSealed(bytes.span)
    }
}

extension CodexError {
    /// That a field is sealed, and cannot be opened or written here.
    package static func keyUnavailable(_ name: String, cause: (any Error)? = nil) -> CodexError {
        CodexError(
            .keyUnavailable,
            "The field \(name) is encrypted, and its key is not to be had. Open the store with a key "
                + "provider that has it (StoreOptions.encryptionKeys).", cause: cause)
    }
}
