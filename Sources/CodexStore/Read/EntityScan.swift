public import CodexCore
internal import CodexIndex

// How all items of an entity are read, for example with `store.all(of: Order.self)`:
//
// 1. `scanEach` looks up the entity and its table, as a read by key does (`binding`).
// 2. `EntityScan` walks the table in the order of its keys. Of the items of other entities, it
//    reads only the headers.
// 3. `withFieldReader` (EntityRead.swift) checks and upgrades each item, as a read by key does.
// 4. `E.init(reading:)` makes the value.

extension Store {
    /// All entities of a type, from one snapshot.
    ///
    /// See ``ReadableTransaction/all(of:)``.
    @inlinable
    public func all<E: Entity>(of type: E.Type) throws -> [E] {
        try read { try $0.all(of: type) }
    }

    /// All entities of a type, from one snapshot, without those that cannot be read.
    ///
    /// See ``ReadableTransaction/all(of:onFailure:)``.
    @inlinable
    public func all<E: Entity>(
        of type: E.Type, onFailure: (CodexError) -> Void
    ) throws -> [E] {
        try read { try $0.all(of: type, onFailure: onFailure) }
    }

    /// The number of entities of a type.
    ///
    /// See ``ReadableTransaction/count(of:)``.
    public func count<E: Entity>(of type: E.Type) throws -> Int {
        try read { try $0.count(of: type) }
    }

    /// The totals of an entity's groups.
    ///
    /// See ``ReadableTransaction/counts(of:by:groupsBeginning:)``.
    public func counts<E: Entity>(
        of type: E.Type, by counter: String, groupsBeginning prefix: [AttributeValue] = []
    ) throws -> [GroupTotal] {
        try read { try $0.counts(of: type, by: counter, groupsBeginning: prefix) }
    }

    /// All entities of a type, read in pages while they are consumed.
    ///
    /// The entities come in the order of the table's keys. A page also ends after 10,000 items of
    /// the table, so that no snapshot stays open for long.
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - pageSize: The number of entities that are read at a time, 1 or more.
    ///   - onFailure: Gets the error of each item that cannot be read, and the sequence continues.
    ///     With `nil`, the sequence ends with the error.
    /// - Returns: The sequence; nothing is read before it is iterated. It throws as
    ///   ``ReadableTransaction/all(of:)``, and `CancellationError` between pages.
    public func results<E: Entity>(
        of type: E.Type, pageSize: Int = 100, onFailure: (@Sendable (CodexError) -> Void)? = nil
    ) -> ResultSequence<E> {
        ResultSequence { [self] token in
            try read { snapshot in
                var entities: [E] = []
                let page = try snapshot._context.scanEach(
                    E.self, pageSize, token,
                    onFailure: { error in
                        guard let onFailure else { throw error }
                        onFailure(error)
                    }
                ) { reader throws(CodexError) in
                    entities.append(try E(reading: reader))
                } _: {
                    true
                }
                return Page(items: entities, next: page.next, examinedCount: page.examined)
            }
        }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// All entities of a type, in the order of the table's keys.
    ///
    /// The whole table is walked. For some of an entity's items, use a query. For many items, use
    /// ``Store/results(of:pageSize:onFailure:)``, or ``forEach(of:_:)``.
    ///
    /// An item that was stored under a key of the entity before the schema had the entity is an
    /// error, as in a read by key: ``Store/migrate(_:batchCount:progress:)`` makes it the entity's.
    ///
    /// - Throws: As ``get(_:)``; the error of an item has its index and key.
    /// - Complexity: O(*n*) for *n* items in the table. Only the headers of other entities' items
    ///   are read.
    @inlinable
    public func all<E: Entity>(of type: E.Type) throws -> [E] {
        try entities(onFailure: { throw $0 })
    }

    /// All entities of a type, without those that cannot be read.
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - onFailure: Gets the error of each item that cannot be read, with its entity, index, key
    ///     and path.
    /// - Returns: The entities that could be read, in the order of the table's keys.
    /// - Throws: As ``all(of:)`` for errors that are not of one item.
    /// - Complexity: As ``all(of:)``.
    @inlinable
    public func all<E: Entity>(
        of type: E.Type, onFailure: (CodexError) -> Void
    ) throws -> [E] {
        try entities(onFailure: { onFailure($0) })
    }

    /// The entities that can be read; `onFailure` gets the errors of the others, or throws.
    @inlinable
    func entities<E: Entity>(onFailure: (CodexError) throws -> Void) throws -> [E] {
        var entities: [E] = []
        _ = try _context.scanEach(E.self, nil, nil, onFailure: onFailure) {
            reader throws(CodexError) in
            entities.append(try E(reading: reader))
        } _: {
            true
        }
        return entities
    }

    /// Passes all entities of a type to `body`, in the order of the table's keys, until it returns
    /// `false`.
    ///
    /// Only one entity at a time is in memory. To read items in place, use
    /// ``forEach(_:after:_:)-(TableScan,_,_)``.
    ///
    /// - Throws: As ``all(of:)``, and the errors of `body`.
    /// - Complexity: O(*n*) for *n* items in the table.
    @inlinable
    public func forEach<E: Entity>(of type: E.Type, _ body: (E) throws -> Bool) throws {
        var entity: E?
        _ = try _context.scanEach(
            E.self, nil, nil, onFailure: { throw $0 }
        ) { reader throws(CodexError) in
            entity = try E(reading: reader)
        } _: {
            guard let read = entity else { return true }
            return try body(read)
        }
    }

    /// The number of entities of a type.
    ///
    /// It includes the items that ``all(of:)`` cannot read. For a number that is often
    /// needed, define a counter (``counts(of:by:groupsBeginning:)``).
    ///
    /// - Throws: ``CodexError/Code/unknownEntity``, ``CodexError/Code/corrupted``, and as
    ///   ``get(_:)`` for a schema of another version.
    /// - Complexity: O(*n*) for *n* items in the table, of which only the headers are read.
    public func count<E: Entity>(of type: E.Type) throws -> Int {
        var count = 0
        unsafe try EntityScan(type, _context.base).walk { _, isOwn in
            if isOwn { count += 1 }
            return true
        }
        return count
    }

    /// The totals of an entity's groups, in the order of the groups' values.
    ///
    /// ```swift
    /// for total in try store.counts(of: Order.self, by: "ordersByState") {
    ///     print(total.group, total.count)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - counter: The name of a counter of the entity alone (``CounterDefinition/entities``).
    ///   - prefix: The first values of the groups; without any, all groups.
    /// - Returns: The totals of the groups that have items. Expired items count until they are
    ///   removed.
    /// - Throws: ``CodexError/Code/invalidArgument`` if the counter also counts other items;
    ///   ``CodexError/Code/migrationPending`` if it may lack items of earlier versions;
    ///   ``CodexError/Code/unknownEntity``, and as ``totals(of:in:groupsBeginning:)``.
    /// - Complexity: O(log *g* + *m*) for *m* groups found, independent of the number of items.
    public func counts<E: Entity>(
        of type: E.Type, by counter: String, groupsBeginning prefix: [AttributeValue] = []
    ) throws -> [GroupTotal] {
        let context = _context.base
        let bound = try context.binding(type)
        let (entity, table) = (bound.entity.definition.name, bound.table)
        let counted = try table.counter(counter).plan.definition.entities
        guard let counted, Set(counted) == [entity] else {
            let items = counted.map { "the items of \($0.joined(separator: ", "))" } ?? "all items"
            throw CodexError(
                .invalidArgument,
                "Counter \(counter) of table \(table.name) counts \(items), not those of \(entity) "
                    + "alone. Define a counter with entities: [\"\(entity)\"], or read all totals "
                    + "with totals(of:in:).")
        }
        try context.requireFindable(bound, counter: counter)
        return try totals(of: counter, in: table.name, groupsBeginning: prefix)
    }
}

extension _ReadableContext {
    /// Passes readers of the items of an entity to `read`, and then calls `take`, until it returns
    /// `false`.
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - pageSize: The number of items of a page; `nil` for all.
    ///   - token: The token of the previous page.
    ///   - onFailure: Gets the error of an item that cannot be read; it may throw it.
    ///   - read: Makes a value of an item.
    ///   - take: Called after `read`, if that did not throw.
    /// - Returns: The token for the next page, and the number of examined items of the table.
    /// - Throws: The errors of reading, and those of `onFailure` and `take`.
    @usableFromInline
    func scanEach(
        _ type: any Entity.Type, _ pageSize: Int?, _ token: PageToken?,
        onFailure: (CodexError) throws -> Void,
        _ read: (borrowing FieldReader) throws(CodexError) -> Void, _ take: () throws -> Bool
    ) throws -> (next: PageToken?, examined: Int) {
        let scan = try EntityScan(type, base)
        var index = 0
        let page = unsafe try scan.page(pageSize, after: token) { entry -> EntityScan.Step in
            defer { index += 1 }
            do {
                try unsafe base.withItem(entry.value, entry.key, scan.bound.table.plan) {
                    try base.withFieldReader(scan.bound, $0, read)
                }
            } catch {
                let failure = unsafe scan.failure(error, index, entry.key)
                guard failure.isOfItem else { throw failure }
                try onFailure(failure)
                return .passOver
            }
            return try take() ? .take : .end
        }
        return (page.next, page.examined)
    }
}

/// A walk over the items of one entity, in the order of the table's keys.
///
/// A raw item under a key of the entity is passed on, too: its reader refuses it as a read by key
/// does.
struct EntityScan {
    private let context: TransactionContext
    let bound: TransactionContext.BoundEntity

    /// The number of the table's items after which a page ends.
    private static let examinedCountMax = 10_000

    /// The outcome of a look at an item of the entity.
    enum Step {
        /// The item is a result.
        case take
        /// The item is no result.
        case passOver
        /// The item is the last result that is wanted.
        case end
    }

    init(_ type: any Entity.Type, _ context: TransactionContext) throws(CodexError) {
        self.context = context
        bound = try context.binding(type)
    }

    /// Passes the stored items of the table to `body`, until it returns `false`.
    ///
    /// - Parameters:
    ///   - start: The encoded key after which the walk begins; empty for the first item.
    ///   - body: Gets the key and the stored form of each item, and whether it is one of the
    ///     entity's.
    /// - Throws: The errors of reading, and those of `body`.
    func walk(
        after start: [UInt8] = [], _ body: (Cursor.Entry, _ isOwn: Bool) throws -> Bool
    ) throws {
        try context.transaction.withCursor(bound.table.tree) { cursor in
            var entry = unsafe try cursor.advance(past: start)
            while let current = unsafe entry {
                let isOwn = unsafe try isOwn(current)
                guard unsafe try body(current, isOwn) else { return }
                unsafe entry = try cursor.next()
            }
        }
    }

    private func isOwn(_ entry: Cursor.Entry) throws(CodexError) -> Bool {
        let header = unsafe try context.header(of: entry.value)
        let key = unsafe Span(_unsafeElements: entry.key)
        return try bound.owns(header, key) && !context.isExpired(header, in: bound.table)
    }

    /// Passes the items of a page to `body`.
    ///
    /// - Parameters:
    ///   - pageSize: The maximum number of results; `nil` for all. A page also ends after many
    ///     items of other entities.
    ///   - token: The token of the previous page.
    ///   - body: Gets the key and the stored form of each item of the entity.
    /// - Returns: The token for the next page, and the number of examined items of the table.
    /// - Throws: The errors of reading, and those of `body`.
    func page(
        _ pageSize: Int?, after token: PageToken?, _ body: (Cursor.Entry) throws -> Step
    ) throws -> (next: PageToken?, examined: Int) {
        guard pageSize.map({ $0 >= 1 }) ?? true else {
            throw CodexError(.invalidArgument, "A page of a scan has at least 1 entity.")
        }
        let examinedMax = pageSize == nil ? Int.max : Self.examinedCountMax
        let start = try token.map { token throws(CodexError) in try tokens.key(in: token) } ?? []
        var (count, examined, last, isCut) = (0, 0, start, false)
        unsafe try walk(after: start) { entry, isOwn in
            if count == pageSize || examined == examinedMax {
                isCut = true
                return false
            }
            examined += 1
            if examined == examinedMax || count + 1 == pageSize { last = unsafe Array(entry.key) }
            guard isOwn else { return true }
            switch unsafe try body(entry) {
            case .take: count += 1
            case .passOver: break
            case .end: return false
            }
            return true
        }
        // In a tree that is out of order, the pages would repeat without end.
        if isCut, ByteOrder.compare(start, last) >= 0 { throw Wire.corrupted("the order of keys") }
        return (isCut ? tokens.token(after: last) : nil, examined)
    }

    private var tokens: PageTokenCodec {
        let source = bound.table.name + "\0\0entity\0" + bound.entity.definition.name
        return PageTokenCodec(
            storeID: context.catalog.storeID, source: Array(source.utf8), range: .all,
            direction: .forward, filter: nil)
    }

    /// The error of an item, with its entity, its index and its key.
    fileprivate func failure(
        _ error: any Error, _ index: Int, _ key: UnsafeBufferPointer<UInt8>
    ) -> CodexError {
        let key = try? bound.table.plan.primaryKey(unsafe Span(_unsafeElements: key))
        return CodexError.wrapping(error).inEntity(bound.entity.definition.name)
            .inItem(index, key: key)
    }
}

extension TransactionContext.BoundEntity {
    /// Whether an item is the entity's, or a raw item under a key of the entity.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    func owns(_ header: ItemHeader, _ key: Span<UInt8>) throws(CodexError) -> Bool {
        if header.entityNumber == entity.number { return true }
        guard header.entityNumber == 0 else { return false }
        return table.entity(of: try table.plan.primaryKey(key))?.number == entity.number
    }
}
