internal import CodexCore

/// The key of the digests of idempotency tokens, in a store whose schema names encrypted fields.
///
/// It is 256 random bits, made once for a store and sealed like a field's value. It is stored in
/// `meta` beside the manifest. The transaction of the first token makes it, so the log has it.
/// Followers, archives, backups and restored stores have the same key. It is unsealed only in
/// memory.
struct DigestKey: Hashable {
    /// The key, sealed.
    var sealed: SealedValue
    /// The last entry of `tokens` that was checked for a digest without a key; `nil` once all were
    /// checked.
    ///
    /// Such digests come from before the schema named encrypted fields, or from an earlier release.
    var replacedThrough: [UInt8]?

    /// Its key in `meta`.
    static let key = Array("digestKey".utf8)
    private static let form: UInt8 = 1

    /// The place that the key is bound to: the store, and a place that no field has.
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

    /// Reads the form of ``bytes``.
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

    /// The stored form.
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
    /// The store's key; `nil` if there is none yet.
    static func stored(in context: TransactionContext) throws(CodexError) -> DigestKey? {
        guard let stored = unsafe try context.transaction.get(context.catalog.meta, key) else {
            return nil
        }
        return try DigestKey(unsafe Array(stored))
    }
}
