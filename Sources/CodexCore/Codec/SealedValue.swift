/// The stored form of an encrypted field's value: the key's identifier, the wrapped data key and
/// the sealed bytes.
///
/// The bytes begin with a mark and a version, which decide how to read them. Plain data may begin
/// with the same bytes, so the value codec's tag identifies an encrypted value (``ValueSeal``).
/// `Docs/Format.md` describes both.
package struct SealedValue: Sendable, Hashable {
    /// The identifier of the provider's key that wraps the data key.
    package let keyID: String
    /// The data key, wrapped.
    package let wrappedKey: [UInt8]
    /// The nonce, the ciphertext and the authentication tag.
    package var box: [UInt8]

    /// Whether the value opens only in the store that sealed it, and in copies of that store.
    package let isBound: Bool

    /// Not valid UTF-8 text, and unlikely in data.
    private static let mark: [UInt8] = [0x9E, 0x43, 0x44, 0x58]
    /// The byte after the mark: it is authenticated, and records whether the store is authenticated
    /// too.
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

    /// The bytes before the box, which are authenticated with it.
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

    /// The bytes of a nonce and a tag.
    private static let boxByteCountMin = 12 + 16

    // MARK: The mark

    /// Whether bytes begin like those of a sealed value; plain data may too.
    private static func bearsMark(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > mark.count + 1 else { return false }
        let version = bytes[mark.count]
        guard version == unboundVersion || version == boundVersion else { return false }
        return Wire.equal(bytes, 0, mark)
    }

    /// Whether a value begins like a sealed value; plain data may too.
    static func bearsMark(_ value: AttributeValue) -> Bool {
        guard case .binary(let bytes) = value else { return false }
        return bearsMark(bytes.span)
    }

    /// Whether bytes begin like a sealed value in an item of format 1, which has the first version.
    static func bearsFirstMark(_ bytes: Span<UInt8>) -> Bool {
        bearsMark(bytes) && bytes[mark.count] == unboundVersion
    }
}

extension CodexError {
    /// The error for a sealed field that cannot be opened or written here.
    package static func keyUnavailable(_ name: String, cause: (any Error)? = nil) -> CodexError {
        CodexError(
            .keyUnavailable,
            "The field \(name) is encrypted, and its key is unavailable. Open the store with a key "
                + "provider that has it (StoreOptions.encryptionKeys).", cause: cause)
    }
}
