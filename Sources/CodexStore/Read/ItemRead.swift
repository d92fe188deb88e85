public import CodexCore
internal import CodexIndex
internal import FoundationEssentials

// How an item is read by its key:
//
// 1. `withKey` encodes the key into a scratch buffer.
// 2. `withBytes` gets the value under it from LMDB. The value is in the memory map of the data
//    file.
// 3. `withItem` passes the value on in place. A large value is read from its chunks first.
// 4. `isExpired` decides whether the item counts as absent.

extension Store {
    /// The item with the key, or `nil`.
    ///
    /// See ``ReadableTransaction/item(in:key:)``.
    public func item(in table: String, key: PrimaryKey) throws -> Item? {
        try read { try $0.item(in: table, key: key) }
    }

    /// The items with the keys, from one snapshot.
    ///
    /// See ``ReadableTransaction/items(in:keys:)``.
    public func items(in table: String, keys: [PrimaryKey]) throws -> [Item?] {
        try read { try $0.items(in: table, keys: keys) }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// The item with the key, or `nil`.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/invalidKey``,
    ///   ``CodexError/Code/keyTooLong``, ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n*) in the table's items.
    public func item(in table: String, key: PrimaryKey) throws -> Item? {
        try view(in: table, key: key) { try $0.item() }
    }

    /// The items with the keys, with `nil` for missing items.
    ///
    /// - Throws: As ``item(in:key:)``.
    public func items(in table: String, keys: [PrimaryKey]) throws -> [Item?] {
        try keys.map { try item(in: table, key: $0) }
    }

    /// Passes the item with the key to `body`, in place and not decoded.
    ///
    /// - Returns: The result of `body`; `nil` if there is no such item.
    /// - Throws: As ``item(in:key:)``, and the errors of `body`.
    public func view<R>(
        in table: String, key: PrimaryKey, _ body: (borrowing ItemView) throws -> R
    ) throws -> R? {
        let context = _context.base
        let table = try context.catalog.table(table)
        return try context.withKey(key, table) { bytes in
            try context.withBytes(table, bytes) { try body(ItemView($0)) }
        }
    }
}

// MARK: Key

extension TransactionContext {
    /// Encodes a primary key into the scratch buffer for the duration of `body`.
    @inline(__always)
    func withKey<R>(
        _ key: PrimaryKey, _ table: TableHandle, _ body: ([UInt8]) throws -> R
    ) throws -> R {
        // The buffer is taken meanwhile, so that a nested call uses another one.
        var scratch: [UInt8] = []
        swap(&scratch, &keyScratch)
        defer { swap(&scratch, &keyScratch) }
        scratch.removeAll(keepingCapacity: true)
        try table.plan.encode(key, into: &scratch)
        return try body(scratch)
    }
}

// MARK: Bytes

extension TransactionContext {
    /// Passes the item under an encoded key to `body`, in place.
    ///
    /// The result is `nil` if there is no item, or an expired one.
    @inline(__always)
    func withBytes<R>(
        _ table: TableHandle, _ key: [UInt8], _ body: (ItemBytes) throws -> R
    ) throws -> R? {
        guard let value = unsafe try transaction.get(table.tree, key) else { return nil }
        return try unsafe key.withUnsafeBufferPointer { buffer -> R? in
            try unsafe withItem(
                value, buffer, table.plan, of: table, passingOver: { nil }
            ) { bytes -> R? in
                if isExpired(bytes.layout.header, in: table) { return nil }
                return try body(bytes)
            }
        }
    }

    /// Passes the item under an encoded key to `body`, in place, also an expired one.
    ///
    /// The result is `nil` if there is no item.
    @inline(__always)
    func withStoredBytes<R>(
        _ table: TableHandle, _ key: [UInt8], _ body: (ItemBytes) throws -> R
    ) throws -> R? {
        guard let value = unsafe try transaction.get(table.tree, key) else { return nil }
        return try unsafe key.withUnsafeBufferPointer { buffer in
            try unsafe withItem(value, buffer, table.plan, body)
        }
    }
}

// MARK: Item and chunks

extension TransactionContext {
    /// Passes a stored value to `body` as an item.
    ///
    /// The item is in place, or it is read from its chunks.
    @inline(__always)
    func withItem<R>(
        _ value: UnsafeBufferPointer<UInt8>, _ key: UnsafeBufferPointer<UInt8>,
        _ keys: any KeyAttributeDecoder, _ body: (ItemBytes) throws -> R
    ) throws -> R {
        unsafe prefetch(value)
        if let large = unsafe try LargeValue(value) {
            return unsafe try withLargeItem(large, key, keys, body)
        }
        return try body(try unsafe ItemBytes(value: value, key: key, keys: keys, shapes: self))
    }

    /// Passes a stored value to `body` as ``withItem(_:_:_:_:)`` does, but skips expired items in
    /// chunks.
    ///
    /// For such an item it calls `passOver`, and reads only the first chunk.
    ///
    /// An expired item in one piece is passed on as all others: the cost of a look at it does not
    /// depend on its size.
    @inline(__always)
    func withItem<R>(
        _ value: UnsafeBufferPointer<UInt8>, _ key: UnsafeBufferPointer<UInt8>,
        _ keys: any KeyAttributeDecoder, of table: TableHandle,
        passingOver passOver: () throws -> R,
        _ body: (ItemBytes) throws -> R
    ) throws -> R {
        unsafe prefetch(value)
        if let large = unsafe try LargeValue(value) {
            if try isExpiredInChunks(large, of: table) { return try passOver() }
            return unsafe try withLargeItem(large, key, keys, body)
        }
        return try body(try unsafe ItemBytes(value: value, key: key, keys: keys, shapes: self))
    }

    /// The header of a stored item; only the first of its chunks is read.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    func header(of value: UnsafeBufferPointer<UInt8>) throws(CodexError) -> ItemHeader {
        let header: ItemHeader?
        if let large = unsafe try LargeValue(value) {
            header = try chunkedHeader(large)
        } else {
            header = ItemHeader(beginningOf: unsafe Span(_unsafeElements: value))
        }
        guard let header else { throw Wire.corrupted("the header of an item") }
        return header
    }

    /// Whether a stored item is in an earlier format than the present one; only the first of its
    /// chunks is read.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    func isOfEarlierFormat(_ value: UnsafeBufferPointer<UInt8>) throws(CodexError) -> Bool {
        var first = unsafe value.first
        if let large = unsafe try LargeValue(value) {
            first = unsafe try firstChunk(of: large).first
        }
        return first.map { ItemCodec.isEarlier($0) } ?? false
    }

    /// Whether an item in chunks is expired.
    ///
    /// If its header cannot be read, the result is `false`: reading the whole item then throws the
    /// error.
    @inline(never)
    func isExpiredInChunks(
        _ large: LargeValue, of table: TableHandle
    ) throws(CodexError) -> Bool {
        guard let header = try chunkedHeader(large) else { return false }
        return isExpired(header, in: table)
    }

    private func chunkedHeader(_ large: LargeValue) throws(CodexError) -> ItemHeader? {
        let chunk = unsafe try firstChunk(of: large)
        return ItemHeader(beginningOf: unsafe Span(_unsafeElements: chunk))
    }

    private func firstChunk(
        of large: LargeValue
    ) throws(CodexError) -> UnsafeBufferPointer<UInt8> {
        let chunk = unsafe try transaction.get(
            catalog.overflow.chunks, LargeValue.key(large.id, 0))
        guard let chunk = unsafe chunk else {
            throw Wire.corrupted("a chunk of a large value is missing")
        }
        return unsafe chunk
    }

    private func withLargeItem<R>(
        _ large: LargeValue, _ key: UnsafeBufferPointer<UInt8>,
        _ keys: any KeyAttributeDecoder, _ body: (ItemBytes) throws -> R
    ) throws -> R {
        let value = try large.read(transaction, catalog.overflow)
        return try unsafe value.withUnsafeBufferPointer { value in
            try body(try unsafe ItemBytes(value: value, key: key, keys: keys, shapes: self))
        }
    }
}

// MARK: Expiry

extension TransactionContext {
    /// Whether an item or index entry of a table is expired.
    ///
    /// All readers and writers treat it as absent, though it may still be stored.
    @inline(__always)
    func isExpired(_ header: ItemHeader, in table: TableHandle) -> Bool {
        guard let second = header.expiresAt, table.expires else { return false }
        return isOver(second)
    }

    /// Whether the item of an index entry is expired.
    ///
    /// A reference does not have the second of expiry, and the one in an older entry of keys only
    /// may be an earlier one. If such an entry says that its item expires, the item's header is
    /// read.
    ///
    /// - Parameters:
    ///   - entry: The entry's value.
    ///   - primaryKey: The encoded primary key at the end of the entry's key.
    ///   - index: The index.
    ///   - table: The table.
    /// - Returns: Whether it is.
    /// - Throws: ``CodexError/Code/corrupted``, also for a reference without its item.
    func isExpired(
        entry: UnsafeBufferPointer<UInt8>, of primaryKey: ArraySlice<UInt8>, _ index: IndexHandle,
        in table: TableHandle
    ) throws(CodexError) -> Bool {
        guard table.expires else { return false }
        guard index.plan.layout == .references else {
            return unsafe try isExpired(header(of: entry), in: table)
        }
        let reference = try ReferenceEntry(unsafe Span(_unsafeElements: entry))
        guard reference.expires else { return false }
        let key = Array(primaryKey)
        guard let item = unsafe try transaction.get(table.tree, key) else {
            throw table.missingItem(of: index, key.span)
        }
        return unsafe try isExpired(header(of: item), in: table)
    }

    @inline(never)
    private func isOver(_ second: Int) -> Bool { Expiry.isOver(second, at: now) }

    /// The second, counted from 1970, by which the transaction decides expiry.
    ///
    /// It is the same from the transaction's beginning to its end.
    var now: Int {
        if let instant { return instant }
        // A clock with an invalid time must not cause a trap.
        let seconds = max(0, min(core.options.now().timeIntervalSince1970, 1e15))
        let now = Int(seconds.rounded(.down))
        instant = now
        return now
    }
}
