package import CodexCore
internal import CodexIndex

/// What there is under a key, for code that must not take long.
package enum SmallItem<Value> {
    /// There is no item.
    case absent
    /// There is an item that is too large, or was before it expired.
    case large
    /// What was made of the item.
    case found(Value)
}

extension SmallItem: Sendable where Value: Sendable {}

extension ReadableTransaction where Self: ~Copyable {
    /// Lends the item with the key in place as ``view(in:key:_:)`` does, if it is small.
    ///
    /// Nothing of a larger item is read but its length.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - key: The item's primary key.
    ///   - byteCount: The encoding, and what its compressed values claim to inflate to, have fewer
    ///     bytes; `.max` is any item.
    ///   - body: Gets the item.
    /// - Returns: What `body` returned, or why it was not called.
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
                    value, buffer, table.plan, passingOver: { SmallItem<Value>.absent }
                ) { bytes -> SmallItem<Value> in
                    if context.isExpired(bytes.layout.header) { return .absent }
                    let view = ItemView(bytes)
                    guard try view.isSmaller(than: byteCount) else { return .large }
                    return .found(try body(view))
                }
            }
        }
    }
}
