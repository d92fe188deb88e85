public import CodexCore
internal import CodexIndex

extension Store {
    /// A page of a query's items.
    ///
    /// See ``ReadableTransaction/items(matching:limits:after:)``.
    public func items(
        matching query: TableQuery, limits: PageLimits = PageLimits(), after token: PageToken? = nil
    ) throws -> Page<Item> {
        try read { try $0.items(matching: query, limits: limits, after: token) }
    }

    /// The number of items that a query finds.
    ///
    /// See ``ReadableTransaction/count(_:)-(TableQuery)``.
    public func count(_ query: TableQuery) throws -> QueryCount {
        try read { try $0.count(query) }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// A page of a query's items.
    ///
    /// On an index with a partial projection, items have the projected attributes and the key
    /// attributes.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limits: The limits of the page.
    ///   - token: The ``Page/next`` of the previous page; `nil` for the first page.
    /// - Returns: The items, and a token if there are more.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/unknownEntity`` if the query names one that the table does not have,
    ///   ``CodexError/Code/indexNotReady``, ``CodexError/Code/invalidKey``,
    ///   ``CodexError/Code/invalidExpression``, ``CodexError/Code/invalidPageToken``,
    ///   ``CodexError/Code/invalidArgument`` for a limit below 1, ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n* + *m*) for *m* examined items.
    public func items(
        matching query: TableQuery, limits: PageLimits = PageLimits(), after token: PageToken? = nil
    ) throws -> Page<Item> {
        try QueryRun(query, _context.base).items(limits, after: token, query.projection)
    }

    /// The number of items that a query finds, and the number of items that it examined.
    ///
    /// - Throws: As ``items(matching:limits:after:)``.
    /// - Complexity: O(*m*) for *m* examined items; no item is decoded unless there is a filter.
    public func count(_ query: TableQuery) throws -> QueryCount {
        let wanted = WantedContent.keys.with(query.filter, seeing: .projected)
        return try QueryRun(query, _context.base, wanting: wanted).count()
    }

    /// Passes the items of a query to `body`, in place, until it returns `false`.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - item: The start key (DynamoDB's `ExclusiveStartKey`): the walk begins after the item
    ///     with these key attributes, of the table and the index. The item need not exist. `nil`
    ///     starts at the beginning.
    ///   - body: Gets each item.
    /// - Throws: As ``items(matching:limits:after:)``, ``CodexError/Code/invalidKey`` for a start
    ///   key that the query cannot find, and the errors of `body`.
    public func forEach(
        _ query: TableQuery, after item: Item? = nil, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        try QueryRun(query, _context.base).forEach(after: item, body)
    }
}

/// A query or scan that was checked and turned into a key range.
///
/// It is a class because a closure uses it for each item: copies would cost more than the check of
/// an item.
final class QueryRun {
    let context: TransactionContext
    let table: TableHandle
    let index: IndexHandle?
    let range: KeyRange
    let direction: QueryDirection
    let filter: Condition?
    /// The entity whose items are found; `nil` is all items.
    let entity: EntityBinding?
    /// The number of that entity; negative for all items.
    let entityNumber: Int
    /// The entity type in whose form the filter sees items; `nil` is the stored form.
    private let filteredType: TransactionContext.BoundEntity?
    let isScan: Bool
    /// What is read for each entry.
    let source: WalkSource

    /// Checks a query.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - context: The transaction.
    ///   - wanted: What the walk needs of each item, its filter included.
    ///   - entity: The entity whose items are found, in place of the one that the query names.
    ///   - bound: The entity type in whose form the filter sees items; `nil` is the stored form.
    /// - Throws: As ``ReadableTransaction/items(matching:limits:after:)``.
    init(
        _ query: TableQuery, _ context: TransactionContext,
        wanting wanted: WantedContent = .projected, of entity: EntityBinding? = nil,
        seenAs bound: TransactionContext.BoundEntity? = nil
    ) throws(CodexError) {
        guard query.keyValues == nil else { throw query.unresolved }
        self.context = context
        (direction, filter) = (query.direction, query.filter)
        filteredType = query.filter == nil ? nil : bound
        table = try context.catalog.table(query.table)
        if let name = query.index { index = try table.index(name) } else { index = nil }
        source = WalkSource(index, wanting: wanted)
        range = try KeyRange(query, plan: table.plan, index: index?.plan)
        if let entity {
            self.entity = entity
        } else if let name = query.entity {
            let entity = try context.catalog.entity(name, in: table)
            try context.requireMigrated(entity, by: query.index)
            self.entity = entity
        } else {
            self.entity = nil
        }
        entityNumber = self.entity?.number ?? -1
        isScan = false
        if let filter {
            try filter.validate()
            try filter.requireNone(
                of: index?.plan.definition.keyAttributes ?? table.plan.definition.keyAttributes)
        }
    }

    /// Checks a scan.
    ///
    /// - Parameters:
    ///   - scan: The scan.
    ///   - context: The transaction.
    ///   - wanted: What the walk needs of each item, its filter included.
    /// - Throws: As ``ReadableTransaction/items(scanning:limits:after:)``.
    init(
        _ scan: TableScan, _ context: TransactionContext,
        wanting wanted: WantedContent = .projected
    ) throws(CodexError) {
        self.context = context
        entity = nil
        entityNumber = -1
        filteredType = nil
        (direction, filter) = (.forward, scan.filter)
        table = try context.catalog.table(scan.table)
        if let name = scan.index { index = try table.index(name) } else { index = nil }
        source = WalkSource(index, wanting: wanted)
        range = scan.segment?.range ?? .all
        isScan = true
        if let segment = scan.segment, segment.table != scan.table || segment.index != scan.index {
            throw CodexError(
                .invalidArgument, "The segment is of another table or index than the scan.")
        }
        try filter?.validate()
    }

    /// Decodes a page's items.
    func items(
        _ limits: PageLimits, after token: PageToken?, _ projection: Projection?
    ) throws -> Page<Item> {
        var items: [Item] = []
        let page = unsafe try page(limits, after: token) { _, bytes in
            let item = try bytes.item()
            if let projection {
                items.append(projection.apply(to: item))
            } else {
                items.append(item)
            }
            return true
        }
        return Page(items: items, next: page.next, examinedCount: page.examined)
    }

    /// Counts all items, without decoding them.
    func count() throws -> QueryCount {
        let page = unsafe try page(PageLimits(), after: nil) { _, _ in true }
        return QueryCount(count: page.count, examinedCount: page.examined)
    }

    /// Passes all items behind a start key to `body`, until it returns `false`.
    func forEach(
        after item: Item?, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        let part = try item.map { try range(after: $0) }
        try walk(part) { bytes in try body(ItemView(bytes)) }
    }

    var tree: Tree { index?.tree ?? table.tree }

    var keys: any KeyAttributeDecoder { index?.plan ?? table.plan }

    /// Whether an item is not expired, is of the chosen entity, and passes the filter.
    @inline(__always)
    func passes(_ bytes: ItemBytes) throws -> Bool {
        guard try isEligible(bytes) else { return false }
        return try passesFilter(bytes)
    }

    /// Whether an item is not expired, and is of the chosen entity.
    @inline(__always)
    private func isEligible(_ bytes: ItemBytes) throws -> Bool {
        let header = bytes.layout.header
        if context.isExpired(header, in: table) { return false }
        guard entityNumber >= 0, header.entityNumber != entityNumber else { return true }
        return try isRaw(bytes)
    }

    /// Whether an item passes the filter.
    ///
    /// - Throws: The errors of decoding; for a typed query those of an upgrade, too, with the
    ///   item's key.
    @inline(__always)
    func passesFilter(_ bytes: ItemBytes) throws(CodexError) -> Bool {
        guard let filter else { return true }
        return try evaluate(filter, bytes)
    }

    @inline(never)
    private func evaluate(
        _ filter: Condition, _ bytes: ItemBytes
    ) throws(CodexError) -> Bool {
        guard let bound = filteredType else { return filter.evaluate(try bytes.item()) }
        do throws(CodexError) {
            return filter.evaluate(try context.filteredItem(bound, bytes))
        } catch {
            throw context.located(error, bound, bytes)
        }
    }

    /// Whether the item is a raw one under a primary key of the chosen entity.
    ///
    /// It was stored before the schema had the entity.
    @inline(never)
    private func isRaw(_ bytes: ItemBytes) throws(CodexError) -> Bool {
        guard bytes.layout.header.entityNumber == 0 else { return false }
        let item = Item(unsorted: try bytes.keyAttributes())
        let key = try table.plan.definition.primaryKey(of: item)
        return table.entity(of: key)?.number == entityNumber
    }

    /// The part of the range after an item; only the item's key attributes are used.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` if the item has no such key, or a key outside of
    ///   the range.
    func range(after item: Item) throws(CodexError) -> KeyRange {
        var key: [UInt8] = []
        try table.plan.encode(try table.plan.definition.primaryKey(of: item), into: &key)
        if let index {
            let keys = try index.plan.entryKeys(for: item, primaryKey: key)
            guard keys.count == 1 else {
                throw CodexError(
                    .invalidKey, "The start key lacks an attribute of the index's key.")
            }
            key = keys[0]
        }
        guard range.contains(key) else {
            throw CodexError(.invalidKey, "The start key is outside of what the query looks at.")
        }
        return range.resumed(after: key, direction)
    }

    /// Whether an item passes the filter, or may: its filter fails with an error of the item.
    ///
    /// - Throws: The errors that are not of one item.
    func mayPass(_ bytes: ItemBytes) throws -> Bool {
        guard try isEligible(bytes) else { return false }
        do throws(CodexError) {
            return try passesFilter(bytes)
        } catch {
            guard error.isOfItem else { throw error }
            return true
        }
    }

    /// Passes the items of the range that pass the filter to `body`, until it returns `false`.
    ///
    /// The walk is in the query's direction. `room` is as for a scan.
    @inline(__always)
    func walk(
        _ part: KeyRange? = nil, room: () -> Int? = { nil }, _ body: (ItemBytes) throws -> Bool
    ) throws {
        unsafe try scan(part ?? range, room: room, passingOver: { _ in true }) { _, bytes in
            guard try passes(bytes) else { return true }
            return try body(bytes)
        }
    }

    /// Walks a part of the range in the query's direction, until `body` or `passOver` returns
    /// `false`: entries with what is wanted, or the items that they refer to.
    ///
    /// `body` does not get expired items in chunks: `passOver` gets their keys. The walk ends
    /// before an item whose stored form has `largeByteCount` bytes or more, and calls `end`.
    ///
    /// `room` and `absent` are as for
    /// ``scanReferences(_:before:orEnd:room:passingOver:absent:_:)``.
    @inline(__always)
    func scan(
        _ range: KeyRange, before largeByteCount: Int = .max, orEnd end: () -> Void = {},
        room: () -> Int? = { nil },
        passingOver passOver: (UnsafeBufferPointer<UInt8>) throws -> Bool,
        absent: (CodexError) throws -> Void = { throw $0 },
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws {
        guard source == .entries else {
            return unsafe try scanReferences(
                range, before: largeByteCount, orEnd: end, room: room, passingOver: passOver,
                absent: absent, body)
        }
        unsafe try scanEntries(
            range, before: largeByteCount, orEnd: end, passingOver: passOver, body)
    }

    /// Walks a part of the range as `scan` does, and passes what is stored there.
    @inline(__always)
    private func scanEntries(
        _ range: KeyRange, before largeByteCount: Int = .max, orEnd end: () -> Void = {},
        passingOver passOver: (UnsafeBufferPointer<UInt8>) throws -> Bool,
        _ body: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws {
        // A decoder that each entry looks up is retained for each entry.
        let keys = keys
        try context.transaction.withCursor(tree) { cursor in
            unsafe try RangeMoves(range, direction).forEach(&cursor) { entry in
                if largeByteCount < .max,
                    unsafe try LargeValue.storedByteCount(of: entry.value) >= largeByteCount
                {
                    end()
                    return false
                }
                unsafe prefetchNeighbour(of: entry.value)
                return unsafe try context.withItem(
                    entry.value, entry.key, keys, of: table,
                    passingOver: { unsafe try passOver(entry.key) }
                ) { bytes in
                    unsafe try body(entry.key, bytes)
                }
            }
        }
    }

    /// Passes the items of a page to `take`, which returns whether an item is a result.
    ///
    /// - Parameters:
    ///   - limits: The limits of the page.
    ///   - token: The token of the previous page.
    ///   - isFiltered: Whether `take` gets only items that pass the filter. Otherwise it calls
    ///     ``passesFilter(_:)`` itself, and the errors of that are its own.
    ///   - absent: Gets the error of an index entry without an item, which is no result.
    ///   - take: Gets the key and the bytes of each item.
    /// - Returns: The token for the next page, the number of results, and the number of examined
    ///   items.
    /// - Throws: ``CodexError/Code/invalidArgument`` for a limit below 1;
    ///   ``CodexError/Code/invalidPageToken``, ``CodexError/Code/corrupted``, and the errors of
    ///   `absent` and `take`.
    func page(
        _ limits: PageLimits, after token: PageToken?, isFiltered: Bool = true,
        absent: (CodexError) throws -> Void = { throw $0 },
        _ take: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> (next: PageToken?, count: Int, examined: Int) {
        guard limits.returned ?? 1 >= 1, limits.examined ?? 1 >= 1 else {
            throw CodexError(.invalidArgument, "A limit of a query is at least 1.")
        }
        var rest = range
        if let token {
            let key = try tokens.key(in: token)
            guard range.contains(key) else {
                throw CodexError(
                    .invalidPageToken, "The page token points outside of the query's range.")
            }
            rest = range.resumed(after: key, direction)
        }
        let page: PageCounts
        if source != .entries {
            page = unsafe try referencedPage(rest, limits, isFiltered, absent, take)
        } else {
            // No call sees these counts, so that the inlined walk need not keep them in memory.
            var counts = PageCounts(limits)
            unsafe try scanEntries(rest, passingOver: { unsafe counts.examine($0) }) { key, bytes in
                unsafe try add(key, bytes, to: &counts, isFiltered, take)
            }
            page = counts
        }
        if page.isCut, !rest.contains(page.last) {
            // In a tree that is out of order, the pages would repeat without end.
            throw Wire.corrupted("the order of keys")
        }
        return (page.isCut ? tokens.token(after: page.last) : nil, page.count, page.examined)
    }

    /// The page of items that entries refer to.
    @inline(never)
    private func referencedPage(
        _ part: KeyRange, _ limits: PageLimits, _ isFiltered: Bool,
        _ absent: (CodexError) throws -> Void,
        _ take: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> PageCounts {
        var page = PageCounts(limits)
        unsafe try scanReferences(
            part, room: { page.room }, passingOver: { unsafe page.examine($0) }, absent: absent
        ) { key, bytes in
            unsafe try add(key, bytes, to: &page, isFiltered, take)
        }
        return page
    }

    /// Adds an item to a page; `false` if the page is full.
    @inline(__always)
    private func add(
        _ key: UnsafeBufferPointer<UInt8>, _ bytes: ItemBytes, to page: inout PageCounts,
        _ isFiltered: Bool, _ take: (UnsafeBufferPointer<UInt8>, ItemBytes) throws -> Bool
    ) throws -> Bool {
        guard unsafe page.examine(key) else { return false }
        guard try isEligible(bytes) else { return true }
        if isFiltered, try !passesFilter(bytes) { return true }
        if unsafe try take(key, bytes) { page.count += 1 }
        return true
    }

    private var tokens: PageTokenCodec {
        var scope =
            table.name + "\0" + (index?.plan.definition.name ?? "") + (isScan ? "\0scan" : "")
        if let entity { scope += "\0entity\0" + entity.definition.name }
        return PageTokenCodec(
            storeID: context.catalog.storeID, source: Array(scope.utf8), range: range,
            direction: direction, filter: filter)
    }
}

extension TableQuery {
    /// The error for keys that only the definition of an entity can make.
    fileprivate var unresolved: CodexError {
        CodexError(
            .invalidKey,
            "The query of table \(table) was made from values of fields of "
                + "\(entity ?? "an entity"). Pass the Query itself, not its request.")
    }
}

extension Condition {
    /// Refuses filters on the queried key, as DynamoDB does: they belong in the key condition.
    fileprivate func requireNone(of keys: [KeyAttribute]) throws(CodexError) {
        for path in paths
        where keys.contains(where: { ByteOrder.equal($0.name, path.root) }) {
            throw CodexError(
                .invalidExpression,
                "The filter names the key attribute \(path.root). Use the key condition for it.")
        }
    }
}

/// The counts of a page so far.
private struct PageCounts {
    private let limits: PageLimits
    private let isLimited: Bool
    /// The number of results.
    var count = 0
    /// The number of examined items.
    private(set) var examined = 0
    /// The key after which the next page starts.
    private(set) var last: [UInt8] = []
    /// Whether there is one more item, so that the page is not the last.
    private(set) var isCut = false

    init(_ limits: PageLimits) {
        self.limits = limits
        isLimited = limits != PageLimits()
    }

    /// The number of items that the page still takes; `nil` if it has no limit.
    var room: Int? {
        guard isLimited else { return nil }
        return min((limits.returned ?? .max) - count, (limits.examined ?? .max) - examined)
    }

    /// Counts an item; `false` if the page is full.
    @inline(__always)
    mutating func examine(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        if count == limits.returned || examined == limits.examined {
            isCut = true
            return false
        }
        examined += 1
        if isLimited, examined == limits.examined || count + 1 == limits.returned {
            last = unsafe Array(key)
        }
        return true
    }
}

extension Catalog {
    /// The entity named `name`, whose items are in `table`.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity``.
    fileprivate func entity(
        _ name: String, in table: TableHandle
    ) throws(CodexError) -> EntityBinding {
        if let entity = table.entities.first(where: { $0.definition.name == name }) {
            return entity
        }
        let schema = manifest.schema
        if let other = schema.entities.first(where: { $0.name == name }) {
            throw CodexError(
                .unknownEntity,
                "The query is of table \(table.name), but entity \(name) is in table "
                    + "\(other.table).")
        }
        throw schema.unknownEntity(name)
    }
}
