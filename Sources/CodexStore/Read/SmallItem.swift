package import CodexCore
internal import CodexIndex

/// The result of a read that does not read large items, for code that must be fast.
package enum SmallItem<Value> {
    /// There is no item.
    case absent
    /// There is an item, possibly expired, that is too large.
    case large
    /// The value that was made from the item.
    case found(Value)
}

extension SmallItem: Sendable where Value: Sendable {}

extension ReadableTransaction where Self: ~Copyable {
    /// Passes the item with the key to `body` as ``view(in:key:_:)`` does, if it is small.
    ///
    /// Of a larger item, only the length is read.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - key: The item's primary key.
    ///   - byteCount: The limit of the encoding, and of the size that its compressed values claim
    ///     to inflate to. A small item has fewer bytes; `.max` allows any item.
    ///   - body: Gets the item.
    /// - Returns: The result of `body`, or the reason why it was not called.
    /// - Throws: As ``view(in:key:_:)``.
    package func view<Value>(
        in table: String, key: PrimaryKey, smallerThan byteCount: Int,
        _ body: (borrowing ItemView) throws -> Value
    ) throws -> SmallItem<Value> {
        let context = _context.base
        let table = try context.catalog.table(table)
        return try context.withKey(key, table) { encoded -> SmallItem<Value> in
            guard let value = unsafe try context.transaction.get(table.tree, encoded) else {
                return .absent
            }
            guard unsafe try LargeValue.storedByteCount(of: value) < byteCount else {
                return .large
            }
            return try unsafe encoded.withUnsafeBufferPointer { buffer -> SmallItem<Value> in
                try unsafe context.withItem(
                    value, buffer, table.plan, of: table,
                    passingOver: { SmallItem<Value>.absent }
                ) { bytes -> SmallItem<Value> in
                    if context.isExpired(bytes.layout.header, in: table) { return .absent }
                    let view = ItemView(bytes)
                    guard try view.isSmaller(than: byteCount) else { return .large }
                    return .found(try body(view))
                }
            }
        }
    }
}
