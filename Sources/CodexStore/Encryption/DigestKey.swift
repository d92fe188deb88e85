internal import CodexCore

/// The key of the digests of idempotency tokens, in a store whose schema names encrypted fields.
///
/// It is 256 random bits, made once for a store and sealed as a value of a field is. In `meta`
/// beside the manifest, it is made in the transaction of the first token: so the log has it, and
/// followers, archives, backups and restored stores have the same. Nothing has it unsealed but
/// memory.
struct DigestKey: Hashable {
    /// The key, sealed.
    var sealed: SealedValue
    /// The last entry of `tokens` that was looked at for a digest without a key; `nil` once all
    /// were.
    ///
    /// Such digests are from before the schema named encrypted fields, or from an earlier release.
    var replacedThrough: [UInt8]?

    /// Where it is in `meta`.
    static let key = Array("digestKey".utf8)
    private static let form: UInt8 = 1

    /// What the key is bound to: the store, and a place where no field is.
    static func place(_ manifest: Manifest) -> SealedPlace {
        SealedPlace(
            store: manifest.bindingID?.byteArray, table: "", attribute: "idempotency tokens",
            key: [])
    }

    // MARK: Stored form

    init(sealed: SealedValue, replacedThrough: [UInt8]?) {
        self.sealed = sealed
        self.replacedThrough = replacedThrough
    }

    /// Reads what ``bytes`` gave.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    init(_ bytes: [UInt8]) throws(CodexError) {
        var position = 3
        guard bytes.count > position, bytes[0] == Self.form, bytes[1] <= 1, bytes[2] <= 1 else {
            throw Wire.corrupted("the key of idempotency tokens")
        }
        let through = try Self.part(bytes, &position)
        let keyID = try Wire.text(bytes.span, &position)
        let wrappedKey = try Self.part(bytes, &position)
        let box = try Self.part(bytes, &position)
        guard position == bytes.count else {
            throw Wire.corrupted("the key of idempotency tokens")
        }
        self.init(
            sealed: SealedValue(
                keyID: keyID, wrappedKey: wrappedKey, isBound: bytes[2] == 1, box: box),
            replacedThrough: bytes[1] == 1 ? nil : through)
    }

    private static func part(
        _ bytes: [UInt8], _ position: inout Int
    ) throws(CodexError) -> [UInt8] {
        let count = try Wire.count(bytes.span, &position)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// The form in which it is stored.
    var bytes: [UInt8] {
        var bytes = [Self.form, replacedThrough == nil ? 1 : 0, sealed.isBound ? 1 : 0]
        for part in [
            replacedThrough ?? [], Array(sealed.keyID.utf8), sealed.wrappedKey, sealed.box,
        ] {
            Wire.append(UInt64(part.count), to: &bytes)
            bytes += part
        }
        return bytes
    }
}

extension DigestKey {
    /// The key that the store has; `nil` if there is none yet.
    static func stored(in context: TransactionContext) throws(CodexError) -> DigestKey? {
        guard let stored = unsafe try context.transaction.get(context.catalog.meta, key) else {
            return nil
        }
        return try DigestKey(unsafe Array(stored))
    }
}
