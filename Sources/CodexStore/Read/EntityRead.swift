public import CodexCore

// How an entity is read, for example with `store.get(.user(id))`:
//
// 1. `Store.get` takes a snapshot (Snapshot.swift) and calls `get` of the transaction.
// 2. `readOne` looks up the entity and its table in the catalog (`binding`).
// 3. `withOne` finds the item by its key (`withKey` and `withBytes`, ItemRead.swift). A lookup by
//    an index takes the first entry of the entity (QueryRun.swift).
// 4. `withFieldReader` checks entity and schema version. An older version is upgraded, and
//    encrypted fields are opened. Other items are read in place, through the plan of their shape
//    (`plan`).
// 5. `E.init(reading:)` makes the value.
//
// The generic operations are inlinable and small: the compiler specializes them in the caller's
// module. The rest is not generic, and is compiled in this module.

extension Store {
    /// The entity that `lookup` names, or `nil`.
    ///
    /// See ``ReadableTransaction/get(_:)``.
    @inlinable
    public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        try read { try $0.get(lookup) }
    }

    /// The entity that `lookup` names with its version.
    ///
    /// See ``ReadableTransaction/stored(_:)``.
    @inlinable
    public func stored<E: Entity>(_ lookup: Lookup<E>) throws -> Stored<E>? {
        try read { try $0.stored(lookup) }
    }

    /// A page of the entities that `query` names.
    ///
    /// See ``ReadableTransaction/query(_:limit:after:)``.
    @inlinable
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> Page<E> {
        try read { try $0.query(query, limit: limit, after: token) }
    }

    /// All entities that `query` names, from one snapshot.
    ///
    /// See ``ReadableTransaction/all(_:)``.
    @inlinable
    public func all<E: Entity>(_ query: Query<E>) throws -> [E] {
        try read { try $0.all(query) }
    }

    /// The number of entities that `query` names.
    public func count<E: Entity>(_ query: Query<E>) throws -> Int {
        try read { try $0.count(query) }
    }
}

extension ReadableTransaction where Self: ~Copyable {
    /// The entity that `lookup` names, or `nil`.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity`` if the store's schema lacks the entity, or if
    ///   the item is of another entity; ``CodexError/Code/schemaMismatch`` if the store has another
    ///   schema version of the entity; ``CodexError/Code/indexNotReady``,
    ///   ``CodexError/Code/typeMismatch``, ``CodexError/Code/missingAttribute``,
    ///   ``CodexError/Code/keyTooLong``, ``CodexError/Code/corrupted``.
    /// - Complexity: O(log *n*) in the table's items.
    @inlinable
    public func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        var entity: E?
        try _context.readOne(E.self, lookup.target) { reader throws(CodexError) in
            entity = try E(reading: reader)
        }
        return entity
    }

    /// The entity that `lookup` names with its version, for ``WriteTransaction/replace(_:)``.
    ///
    /// - Throws: As ``get(_:)``.
    @inlinable
    public func stored<E: Entity>(_ lookup: Lookup<E>) throws -> Stored<E>? {
        var stored: Stored<E>?
        try _context.readOne(E.self, lookup.target) { reader throws(CodexError) in
            let header = reader.header
            stored = Stored(
                try E(reading: reader), version: header.version,
                schemaVersion: header.schemaVersion)
        }
        return stored
    }

    /// Passes the item of the entity that `lookup` names to `body`, in place.
    ///
    /// - Returns: The result of `body`; `nil` if there is no such entity.
    /// - Throws: As ``get(_:)``, and the errors of `body`.
    @inlinable
    public func view<E: Entity, R>(
        _ lookup: Lookup<E>, _ body: (borrowing ItemView) throws -> R
    ) throws -> R? {
        var result: R?
        try _context.viewOne(E.self, lookup.target) { result = try body($0) }
        return result
    }

    /// A page of the entities that `query` names.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The maximum number of entities to return; `nil` for all.
    ///   - token: The ``Page/next`` of the previous page; `nil` for the first page.
    /// - Returns: The entities, and a token if there are more.
    /// - Throws: As ``get(_:)`` and ``items(matching:limits:after:)``.
    @inlinable
    public func query<E: Entity>(
        _ query: Query<E>, limit: Int? = nil, after token: PageToken? = nil
    ) throws -> Page<E> {
        var items: [E] = []
        items.reserveCapacity(min(limit ?? 0, 128))
        let (next, examined) = try _context.readEach(
            E.self, query.request, limit, token
        ) { reader throws(CodexError) in
            items.append(try E(reading: reader))
        }
        return Page(items: items, next: next, examinedCount: examined)
    }

    /// All entities that `query` names.
    ///
    /// - Throws: As ``query(_:limit:after:)``.
    @inlinable
    public func all<E: Entity>(_ query: Query<E>) throws -> [E] {
        try self.query(query).items
    }

    /// The number of entities that `query` names.
    ///
    /// - Throws: As ``query(_:limit:after:)``.
    /// - Complexity: O(*m*) for *m* items in the range; no item is decoded unless there is a
    ///   filter.
    public func count<E: Entity>(_ query: Query<E>) throws -> Int {
        let context = _context.base
        let number = try context.binding(E.self).entity.number
        var count = 0
        unsafe try QueryRun(query.request, context, filtersWhole: true).walk { _, bytes in
            if bytes.layout.header.entityNumber == number { count += 1 }
            return true
        }
        return count
    }

    /// Passes the items of the entities that `query` names to `body`, in place, until it returns
    /// `false`.
    ///
    /// - Throws: As ``query(_:limit:after:)``, and the errors of `body`.
    public func forEach<E: Entity>(
        _ query: Query<E>, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        try _context.viewEach(E.self, query.request, body)
    }
}

extension _ReadableContext {
    /// Passes a reader of the entity at `target` to `body`, if there is one.
    @usableFromInline
    func readOne(
        _ type: any Entity.Type, _ target: LookupTarget,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws {
        let bound = try base.binding(type)
        try withOne(bound, target) { bytes in
            try base.withFieldReader(bound, bytes, body)
        }
    }

    /// Passes a view of the entity at `target` to `body`, if there is one.
    @usableFromInline
    func viewOne(
        _ type: any Entity.Type, _ target: LookupTarget,
        _ body: (borrowing ItemView) throws -> Void
    ) throws {
        try withOne(try base.binding(type), target) { try body(ItemView($0)) }
    }

    @inline(__always)
    private func withOne(
        _ bound: TransactionContext.BoundEntity, _ target: LookupTarget,
        _ body: (ItemBytes) throws -> Void
    ) throws {
        switch target {
        case .primaryKey(let key):
            try base.withKey(key, bound.table) { encoded in
                _ = try base.withBytes(bound.table, encoded, body)
            }
        case .index(let name, let partition, let sort):
            let query = TableQuery(
                table: bound.table.name, index: name, partition: partition, sortPrefix: sort)
            let run = try QueryRun(query, base, filtersWhole: true)
            unsafe try run.walk { key, bytes in
                guard bytes.layout.header.entityNumber == bound.entity.number else { return true }
                try unsafe run.withWholeItem(key, bytes, body)
                return false
            }
        }
    }

    /// Passes readers of a page's entities to `body`.
    @usableFromInline
    func readEach(
        _ type: any Entity.Type, _ query: TableQuery, _ limit: Int?, _ token: PageToken?,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws -> (next: PageToken?, examined: Int) {
        let bound = try base.binding(type)
        let run = try QueryRun(query, base, filtersWhole: true)
        let page = unsafe try run.page(PageLimits(returned: limit), after: token) { key, bytes in
            guard bytes.layout.header.entityNumber == bound.entity.number else { return false }
            try unsafe run.withWholeItem(key, bytes) { try base.withFieldReader(bound, $0, body) }
            return true
        }
        return (page.next, page.examined)
    }

    /// Passes views of a query's entities to `body` until it returns `false`.
    func viewEach(
        _ type: any Entity.Type, _ query: TableQuery, _ body: (borrowing ItemView) throws -> Bool
    ) throws {
        let number = try base.binding(type).entity.number
        let run = try QueryRun(query, base, filtersWhole: true)
        unsafe try run.walk { key, bytes in
            guard bytes.layout.header.entityNumber == number else { return true }
            var goesOn = true
            try unsafe run.withWholeItem(key, bytes) { goesOn = try body(ItemView($0)) }
            return goesOn
        }
    }
}

extension TransactionContext {
    /// Passes a reader of the fields of an entity's item to `body`, upgraded to the type's schema
    /// version.
    @inline(__always)
    func withFieldReader(
        _ bound: BoundEntity, _ bytes: ItemBytes,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws(CodexError) {
        let layout = bytes.layout
        guard layout.header.entityNumber == bound.entity.number else {
            throw otherEntity(bound, layout.header)
        }
        guard layout.header.schemaVersion == bound.entity.definition.schemaVersion,
            bound.entity.definition.sealed.isEmpty
        else { return try withWholeItem(bound, bytes, body) }
        try body(FieldReader(bytes, plan: plan(bound, layout.shape)))
    }

    func otherEntity(_ bound: BoundEntity, _ header: ItemHeader) -> CodexError {
        CodexError(
            .unknownEntity,
            "The item under this key is not a \(bound.entity.definition.name) but "
                + "\(catalog.entityName(header.entityNumber) ?? "a raw item").")
    }

    /// Passes a reader of an item that is not read in place to `body`.
    ///
    /// The item's encrypted fields are opened, and it is upgraded.
    private func withWholeItem(
        _ bound: BoundEntity, _ bytes: ItemBytes,
        _ body: (borrowing FieldReader) throws(CodexError) -> Void
    ) throws(CodexError) {
        let header = bytes.layout.header
        let item = try bound.entityType.upgraded(
            try SealedFields.opened(try bytes.item(), header, catalog, core),
            from: header.schemaVersion)
        try LooseItem(item, header).withFieldReader(bound.fieldNames, body)
    }
}
