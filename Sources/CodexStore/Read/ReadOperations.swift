public import CodexCore
internal import CodexIndex

/// Something that reads at one moment: a ``Snapshot``, or a ``WriteTransaction``, which sees its own
/// writes too.
///
/// The operations are the same on both, and ``Store`` offers them with a snapshot each.
public protocol ReadableTransaction: ~Copyable {
    /// What the operations work with; not for use outside of the package.
    var _context: ReadableContext { get }
}

/// What a transaction's operations work with.
///
/// Opaque.
public struct ReadableContext {
    let base: TransactionContext
}

/// What a store held at one moment.
///
/// Lent to the closure of ``Store/read(_:)``; it cannot leave it.
public struct Snapshot: ReadableTransaction, ~Copyable {
    let reader: ReadContext

    // `consuming`, here and in the other noncopyable wrappers: see Docs/Workarounds.md.
    init(_ reader: consuming ReadContext) { self.reader = reader }

    /// What the operations work with; not for use outside of the package.
    public var _context: ReadableContext { ReadableContext(base: reader) }
}

@available(*, unavailable)
extension Snapshot: Sendable {}

// MARK: Items

extension ReadableTransaction where Self: ~Copyable {
    /// The item with the key, or `nil`.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/invalidKey``,
    ///   ``CodexError/Code/keyTooLong``, ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n*) in the table's items.
    public func item(in table: String, key: PrimaryKey) throws -> Item? {
        try view(in: table, key: key) { try $0.item() }
    }

    /// The items with the keys, `nil` for those that are not there.
    ///
    /// - Throws: As ``item(in:key:)``.
    public func items(in table: String, keys: [PrimaryKey]) throws -> [Item?] {
        try keys.map { try item(in: table, key: $0) }
    }

    /// Lends the item with the key in place, without decoding it; `nil` if there is none.
    ///
    /// - Throws: As ``item(in:key:)``, and whatever `body` throws.
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

// MARK: Queries

extension ReadableTransaction where Self: ~Copyable {
    /// A page of a query's items.
    ///
    /// On an index that projects fewer attributes, items have those and the key attributes.
    ///
    /// - Parameters:
    ///   - query: What to look for.
    ///   - limits: How much of it.
    ///   - token: The page before's ``Page/next``; `nil` is the first page.
    /// - Returns: The items, and a token if there are more.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/indexNotReady``, ``CodexError/Code/invalidKey``, ``CodexError/Code/invalidExpression``,
    ///   ``CodexError/Code/invalidPageToken``, ``CodexError/Code/invalidArgument`` for a limit
    ///   below 1, ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n* + *m*) for *m* examined items.
    public func items(
        matching query: TableQuery, limits: PageLimits = PageLimits(), after token: PageToken? = nil
    ) throws -> Page<Item> {
        try QueryRun(query, _context.base).items(limits, after: token, query.projection)
    }

    /// How many items a query finds, and how many it read to tell.
    ///
    /// - Throws: As ``items(matching:limits:after:)``.
    /// - Complexity: O(*m*) for *m* examined items; nothing is decoded unless there is a filter.
    public func count(_ query: TableQuery) throws -> QueryCount {
        let run = try QueryRun(query, _context.base)
        let page = unsafe try run.page(PageLimits(), after: nil) { _, _ in true }
        return QueryCount(count: page.count, examinedCount: page.examined)
    }

    /// Lends the items of a query in place, one after the other, until `body` returns `false`.
    ///
    /// - Parameters:
    ///   - query: What to look for.
    ///   - item: Where to go on, if not at the beginning: after the item with these key attributes, the table's
    ///     and the index's, whether it is there or not (DynamoDB's `ExclusiveStartKey`).
    ///   - body: Called with each.
    /// - Throws: As ``items(matching:limits:after:)``, ``CodexError/Code/invalidKey`` for an item that the query
    ///   cannot find, and whatever `body` throws.
    public func forEach(
        _ query: TableQuery, after item: Item? = nil, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        let run = try QueryRun(query, _context.base)
        let part = try item.map { try run.range(after: $0) }
        unsafe try run.walk(part) { _, bytes in try body(ItemView(bytes)) }
    }

    /// Lends every item of a table in place, in key order, until `body` returns `false`.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/corrupted``, and whatever
    ///   `body` throws.
    public func forEachItem(
        in table: String, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        try forEach(TableScan(table: table), body)
    }
}

extension TransactionContext {
    /// Lends the item under an encoded key in place; `nil` if there is none, or an expired one.
    @inline(__always)
    func withBytes<R>(
        _ table: TableHandle, _ key: [UInt8], _ body: (ItemBytes) throws -> R
    ) throws -> R? {
        guard let value = unsafe try transaction.get(table.tree, key) else { return nil }
        return try unsafe key.withUnsafeBufferPointer { buffer -> R? in
            try unsafe withItem(value, buffer, table.plan, passingOver: { nil }) { bytes -> R? in
                if isExpired(bytes.layout.header) { return nil }
                return try body(bytes)
            }
        }
    }

    /// Lends the item under an encoded key in place, an expired one too; `nil` if there is none.
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
