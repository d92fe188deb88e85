/// The value of an index entry that refers to its item, which the entry's key names.
///
/// ```
/// byte    E in the upper half, flags in the lower (4: the item expires)
/// varint  entity number; 0 for a raw item
/// ```
///
/// The second of expiry stands in the item alone: a change of it leaves the entry as it is.
package struct ReferenceEntry: Sendable, Hashable {
    /// The number of the item's entity; 0 for a raw item.
    package let entityNumber: Int
    /// Whether the item has a second of expiry.
    package let expires: Bool

    private static let mark: UInt8 = 0xE0
    private static let expiryFlag: UInt8 = 4

    /// The reference to an item with a header.
    package init(_ header: ItemHeader) {
        entityNumber = header.entityNumber
        expires = header.expiresAt != nil
    }

    /// The encoding.
    package var bytes: [UInt8] {
        var bytes = [Self.mark | (expires ? Self.expiryFlag : 0)]
        Wire.append(UInt64(entityNumber), to: &bytes)
        return bytes
    }

    /// Whether a value is a reference, by its first byte.
    package static func isReference(_ first: UInt8) -> Bool { first & 0xF0 == mark }

    /// Reads a reference, or an encoded item without attributes.
    ///
    /// Entries of keys only were such items before they were references. The second of expiry in
    /// one may be an earlier one, so it only says that the item expires.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    package init(_ value: Span<UInt8>) throws(CodexError) {
        guard !value.isEmpty else { throw Self.damaged }
        let fields: (entityNumber: Int, expires: Bool)
        if Self.isReference(value[0]) {
            fields = try Self.fields(of: value)
        } else {
            fields = try Self.fields(ofItem: value)
        }
        (entityNumber, expires) = fields
    }

    private static func fields(
        of reference: Span<UInt8>
    ) throws(CodexError) -> (entityNumber: Int, expires: Bool) {
        let flags = reference[0] & 0x0F
        guard flags & ~expiryFlag == 0 else { throw damaged }
        var position = 1
        let number = try Wire.integer(reference, &position)
        // The bound is that of an item's header.
        guard number < 1 << 53, position == reference.count else { throw damaged }
        return (Int(number), flags != 0)
    }

    private static func fields(
        ofItem item: Span<UInt8>
    ) throws(CodexError) -> (entityNumber: Int, expires: Bool) {
        var position = 0
        guard let header = ItemHeader(item, &position) else { throw damaged }
        // The number of a shape, or the number of the names, of which there are none. An item with
        // attributes has their ends after it.
        let shape = try Wire.integer(item, &position)
        let hasNames = item[0] & ItemCodec.ownNamesFlag != 0 && shape != 0
        guard !hasNames, position == item.count else { throw damaged }
        return (header.entityNumber, header.expiresAt != nil)
    }

    private static var damaged: CodexError { Wire.corrupted("an index entry's reference") }
}
