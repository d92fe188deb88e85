/// A field's value as encryption stores it: which key seals it, and the sealed bytes.
///
/// Its bytes begin with a mark and a version, which say how to read them. Data may begin with the
/// same bytes: the tag of the value codec says that it is an encrypted value (``ValueSeal``).
/// `Docs/Format.md` has both.
package struct SealedValue: Sendable, Hashable {
    /// Which of the provider's keys wraps the data key.
    package let keyID: String
    /// The data key, wrapped.
    package let wrappedKey: [UInt8]
    /// Nonce, ciphertext and tag.
    package var box: [UInt8]

    /// Whether it opens only in the store that it was sealed for, and in copies of that.
    package let isBound: Bool

    /// No text, and unlikely in data.
    private static let mark: [UInt8] = [0x9E, 0x43, 0x44, 0x58]
    /// The byte after the mark, which is authenticated: it says whether the store is, too.
    private static let unboundVersion: UInt8 = 1
    private static let boundVersion: UInt8 = 2

    package init(keyID: String, wrappedKey: [UInt8], isBound: Bool, box: [UInt8] = []) {
        self.keyID = keyID
        self.wrappedKey = wrappedKey
        self.isBound = isBound
        self.box = box
    }

    /// Reads the value of a sealed field; `nil` if it does not have that form.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - mayBeCut: Whether the box may be shorter than a nonce and a tag.
    package init?(_ value: AttributeValue, mayBeCut: Bool = false) {
        guard case .binary(let bytes) = value, Self.bearsMark(bytes.span) else { return nil }
        isBound = bytes[Self.mark.count] == Self.boundVersion
        var rest = bytes.dropFirst(Self.mark.count + 1)
        guard let idCount = rest.popFirst(), rest.count >= Int(idCount) + 2 else { return nil }
        let id = String(validating: rest.prefix(Int(idCount)), as: UTF8.self)
        rest = rest.dropFirst(Int(idCount))
        guard let id, let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
        let keyCount = Int(high) << 8 | Int(low)
        let boxByteCountMin = mayBeCut ? 0 : Self.boxByteCountMin
        guard idCount > 0, rest.count >= keyCount + boxByteCountMin else { return nil }
        keyID = id
        wrappedKey = Array(rest.prefix(keyCount))
        box = Array(rest.dropFirst(keyCount))
    }

    /// What stands before the box, and is authenticated with it.
    package var header: [UInt8] {
        let id = Array(keyID.utf8)
        let version = isBound ? Self.boundVersion : Self.unboundVersion
        return Self.mark + [version, UInt8(truncatingIfNeeded: id.count)] + id
            + [
                UInt8(truncatingIfNeeded: wrappedKey.count >> 8),
                UInt8(truncatingIfNeeded: wrappedKey.count),
            ] + wrappedKey
    }

    /// The value to store.
    package var attributeValue: AttributeValue { .binary(header + box) }

    /// The value to store, as an attribute.
    package func element(named name: String) -> AttributeMap.Element {
        .init(name: name, value: attributeValue, seal: .sealed)
    }

    /// A nonce and a tag.
    private static let boxByteCountMin = 12 + 16

    // MARK: The mark

    /// Whether bytes begin as those of a sealed value; data may, too.
    private static func bearsMark(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > mark.count + 1 else { return false }
        let version = bytes[mark.count]
        guard version == unboundVersion || version == boundVersion else { return false }
        return Wire.equal(bytes, 0, mark)
    }

    /// Whether a value begins as a sealed one; data may, too.
    static func bearsMark(_ value: AttributeValue) -> Bool {
        guard case .binary(let bytes) = value else { return false }
        return bearsMark(bytes.span)
    }

    /// Whether bytes begin as those of a sealed value in items of format 1: of the first version.
    static func bearsFirstMark(_ bytes: Span<UInt8>) -> Bool {
        bearsMark(bytes) && bytes[mark.count] == unboundVersion
    }
}

extension CodexError {
    /// That a field is sealed, and cannot be opened or written here.
    package static func keyUnavailable(_ name: String, cause: (any Error)? = nil) -> CodexError {
        CodexError(
            .keyUnavailable,
            "The field \(name) is encrypted, and its key is unavailable. Open the store with a key "
                + "provider that has it (StoreOptions.encryptionKeys).", cause: cause)
    }
}
