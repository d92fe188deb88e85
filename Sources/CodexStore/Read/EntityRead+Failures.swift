public import CodexCore
internal import CodexIndex

// What happens when an item of a typed read cannot be read: the error gets the entity, the item's
// key and its index. A list either throws the error, or passes it to `onFailure` and goes on.

extension Store {
    /// A page of the entities that `query` names, without those that cannot be read.
    ///
    /// See ``ReadableTransaction/query(_:limit:after:onFailure:)``.
    @inlinable
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil,
        onFailure: (CodexError) -> Void
    ) throws -> Page<E> {
        try read { try $0.query(query, limit: limit, after: token, onFailure: onFailure) }
    }

    /// All entities that `query` names, from one snapshot, without those that cannot be read.
    ///
    /// See ``ReadableTransaction/query(_:limit:after:onFailure:)``.
    @inlinable
    public func all<E: Entity>(
        _ query: Query<E>, onFailure: (CodexError) -> Void
    ) throws -> [E] {
        try read { try $0.all(query, onFailure: onFailure) }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// A page of the entities that `query` names, without those that cannot be read.
    ///
    /// ```swift
    /// let page = try store.query(orders, limit: 100) { error in
    ///     log("item \(error.itemIndex ?? 0): \(error)")  // error.key names the item
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The maximum number of entities to return; `nil` for all. Items that cannot be
    ///     read do not count.
    ///   - token: The ``Page/next`` of the previous page; `nil` for the first page.
    ///   - onFailure: Gets the error of each item that cannot be read, with its entity, index, key
    ///     and path. It is called for items of a wrong type, of a later schema version, with
    ///     damaged attributes, or with encrypted values that do not open. It also gets items for
    ///     which the filter fails, as they cannot be upgraded.
    /// - Returns: The entities that could be read, and a token if there are more items.
    /// - Throws: As ``query(_:limit:after:)`` for errors that are not of one item, such as
    ///   ``CodexError/Code/closed`` or ``CodexError/Code/indexNotReady``.
    @inlinable
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil,
        onFailure: (CodexError) -> Void
    ) throws -> Page<E> {
        var items: [E] = []
        let (next, examined) = try _context.readEach(
            E.self, query.request, limit, token, onFailure: { onFailure($0) }
        ) { reader throws(CodexError) in
            items.append(try E(reading: reader))
        }
        return Page(items: items, next: next, examinedCount: examined)
    }

    /// All entities that `query` names, without those that cannot be read.
    ///
    /// - Throws: As ``query(_:limit:after:onFailure:)``.
    @inlinable
    public func all<E: Entity>(
        _ query: Query<E>, onFailure: (CodexError) -> Void
    ) throws -> [E] {
        try self.query(query, onFailure: onFailure).items
    }
}

extension _ReadableContext {
    /// Passes readers of a page's entities to `body`.
    ///
    /// - Parameters:
    ///   - type: The entity.
    ///   - query: The query.
    ///   - limit: The maximum number of entities that `body` reads.
    ///   - token: The token of the previous page.
    ///   - onFailure: Gets the error of an item that cannot be read; it may throw it.
    ///   - body: Makes a value.
    /// - Returns: The token for the next page, and the number of examined items.
    /// - Throws: What `onFailure` throws, and the errors that are not those of one item.
    @usableFromInline
    func readEach(
        _ type: any Entity.Type, _ query: TableQuery, _ limit: Int?, _ token: PageToken?,
        onFailure: (CodexError) throws -> Void,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws -> (next: PageToken?, examined: Int) {
        let bound = try base.binding(type)
        try base.requireFindable(bound, by: query.index)
        let run = try base.run(query, of: bound)
        var index = 0
        let page = unsafe try run.page(
            PageLimits(returned: limit), after: token, isFiltered: false,
            absent: { try Self.report($0, at: &index, to: onFailure) }
        ) { _, bytes in
            var isFound = false
            do throws(CodexError) {
                isFound = try run.passesFilter(bytes)
                if isFound { try base.withFieldReader(bound, bytes, body) }
            } catch {
                try Self.report(error, at: &index, to: onFailure)
                return false
            }
            if isFound { index += 1 }
            return isFound
        }
        if index == 0, token == nil, checksSpelling {
            try AbsenceCheck(base, bound).requireSpelling(of: query)
        }
        return (page.next, page.examined)
    }

    /// Reports the error of an item, and counts the item.
    ///
    /// It is no local function: closures that share one keep the count in an object on the heap.
    ///
    /// - Throws: The error if it is not of one item, and what `onFailure` throws.
    @inline(never)
    private static func report(
        _ error: CodexError, at index: inout Int, to onFailure: (CodexError) throws -> Void
    ) throws {
        let failure = error.inItem(index)
        guard failure.isOfItem else { throw failure }
        index += 1
        try onFailure(failure)
    }

    /// The primary key of the item of an entity.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/invalidKey``.
    @usableFromInline
    func primaryKey(
        _ type: any Entity.Type, _ reader: borrowing FieldReader
    ) throws(CodexError) -> PrimaryKey {
        let plan = try base.binding(type).table.plan
        return try plan.definition.primaryKey(of: try reader.item(keeping: plan.keyNames))
    }
}

extension TransactionContext {
    /// The error of an item, with its entity and its key.
    @inline(never)
    func located(
        _ error: CodexError, _ bound: BoundEntity, _ bytes: ItemBytes
    ) -> CodexError {
        let table = bound.table.plan.definition
        let attributes = (try? bytes.keyAttributes()) ?? []
        let key = try? table.primaryKey(of: Item(unsorted: attributes))
        return error.inEntity(bound.entity.definition.name).inItem(key: key)
    }

    /// The error for a typed read or write of an item that the type's entity does not have.
    func otherEntity(_ bound: BoundEntity, _ header: ItemHeader) -> CodexError {
        let name = bound.entity.definition.name
        guard header.entityNumber != 0 else {
            return CodexError(
                .otherEntity,
                "The item under this key is not a \(name) but a raw item: it was stored before the "
                    + "schema had the entity. Call migrate(_:), or put the \(name) again.")
        }
        let other = catalog.entityName(header.entityNumber)
        return CodexError(
            .otherEntity,
            "The item under this key is not a \(name) but "
                + (other.map { "a \($0)" } ?? "of an entity that the schema does not have any more")
                + ". Give the entities key templates that cannot make the same key, or delete the "
                + "item.")
    }
}
